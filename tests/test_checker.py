"""The checker as others use it: whole texts, prefixes, steps, completions, odd schemas."""

import random
import re

import odd_schema
import pytest

from text2sql.data.catalog import find_dataset
from text2sql.decoding.checking import Checker, machine, walking
from text2sql.decoding.checking import checker as checking
from text2sql.errors import SettingsError
from text2sql.execution import Executor
from text2sql.schema import read_schema
from text2sql.schema.model import Column, Schema, Table

SHOP = (
    "SELECT T1.name, count(*) FROM customers AS T1 JOIN orders AS T2"
    " ON T1.customer_id = T2.customer_id WHERE T2.status LIKE '%é😀''' GROUP BY T1.name"
)


@pytest.fixture(scope="module")
def checker(samples):
    return Checker(read_schema(samples / "database" / "shop" / "shop.sqlite"))


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    path = odd_schema.build("sqlite", tmp_path_factory.mktemp("odd") / "odd.sqlite")
    with Executor(path) as executor:
        yield Checker(read_schema(path)), executor


def schema_of(*tables, dialect="sqlite"):
    return Schema(
        "made",
        dialect,
        tuple(Table(name, tuple(Column(c, "TEXT") for c in columns)) for name, *columns in tables),
    )


@pytest.mark.parametrize("split", ["train", "dev", "dev_in_domain"])
def test_all_gold_of_the_samples_is_accepted(split):
    dataset = find_dataset("samples", split=split)
    checkers = {e.db_id: Checker(dataset.schema(e.db_id)) for e in dataset.examples}

    refused = [
        sql for e in dataset.examples for sql in e.queries if not checkers[e.db_id].accepts(sql)
    ]

    assert refused == []


def test_every_byte_prefix_is_alive_and_can_be_completed(samples, checker):
    data = SHOP.encode()
    with Executor(samples / "database" / "shop" / "shop.sqlite") as executor:
        for end in range(len(data)):
            state = checker.step(checker.start, data[:end])
            whole = (data[:end] + checker.completion(state)).decode()
            assert checker.accepts(whole) and executor.explain(whole).error is None, whole


def test_how_a_text_is_cut_into_steps_does_not_matter(checker):
    chance, data = random.Random(1), SHOP.encode()
    whole = checker.step(checker.start, data)

    for _ in range(50):
        state, here = checker.start, 0
        while here < len(data):
            size = chance.randint(1, 9)
            state, here = checker.step(state, data[here : here + size]), here + size
        assert checker.may_end(state) and checker.may_end(whole)
        assert state is whole


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT c.name, .5 + 1.e2 FROM customers AS c WHERE c.name<>'it''s' AND c.tier>=2",
        'SELECT "name", [tier], count(*) FROM "customers" GROUP BY 1,2 HAVING count(*)>1;',
        "SELECT 0x1f-1 /* a.b */ FROM customers -- (x\nORDER BY name",
    ],
)
def test_one_lexeme_at_a_time_leads_where_the_whole_text_does(checker, sql):
    state = checker.start
    for lexeme in re.findall(r"\s*(?:\w+|\W)", sql):
        state = checker.step(state, lexeme.encode())
    assert state is checker.read(sql) and state is not None


def test_a_dead_step_is_none_and_a_repeated_one_the_same_object(checker):
    begun = checker.step(checker.start, b"SELE")

    assert checker.step(checker.start, b"SELE") is begun
    assert checker.step(begun, b"X") is None
    assert checker.step(checker.start, b"\xff\xff") is None
    assert not checker.may_end(begun)


def test_states_outlive_what_the_checker_forgets(checker):
    state = checker.read("SELECT name FROM customers WHERE ")

    checker.forget()

    assert checker.may_end(checker.step(state, b"tier = 'gold'"))
    assert checker.step(state, b"tire = 1") is None


def test_what_is_remembered_is_bounded_whatever_is_asked(checker, monkeypatch):
    monkeypatch.setattr(checking, "STATE_LIMIT", 40)
    for number in range(200):
        checker.accepts(f"SELECT name AS x{number} FROM customers LIMIT {number}")
        checker.prefix_ok(f"SELECT y{number}")
    assert len(checker._states) <= 40 and len(checker._shifted) <= 200
    assert len(checker._finished) <= 200


def test_schemas_of_one_dialect_share_what_the_grammar_says(checker, monkeypatch):
    other = Checker(schema_of(("t", "a")))
    assert other.machine is checker.machine
    monkeypatch.setattr(machine, "CELL_LIMIT", 10)  # stacks that are forgotten are made again
    assert other.accepts("SELECT a FROM t WHERE a IN (SELECT max(a) + 1 FROM t)")
    assert not other.accepts("SELECT a FROM t WHERE a IN (SELECT max(a) + FROM t)")


@pytest.mark.parametrize(
    "sql",
    [
        "  \n\tSELECT 1 ; ",
        "/* one */ SELECT name -- two\nFROM customers;;",
        "select NAME from Customers as t where T.Tier = 'x'",
        "SELECT [name], `name`, \"name\" FROM \"customers\"",
        "SELECT 'it''s \n \"fine\" 😀' || \"no such column: a string\" FROM customers",
        "SELECT count(ALL name) FROM customers WHERE tier IN () ORDER BY random(*)",
        "SELECT T.'name'AS`b`FROM\"customers\"AS T CROSS JOIN orders AS o ON o.status = T.tier",
        "WITH d(n) AS (VALUES (1), (2)) SELECT n FROM d UNION VALUES (3)",
        "SELECT name FROM customers WHERE (name, tier) IN (SELECT 'a', 'b' LIMIT 1 OFFSET 1)",
        "SELECT order_id FROM orders WHERE order_id = (SELECT max(order_id) FROM orders WHERE"
        " order_id < (SELECT max(order_id) FROM orders WHERE status = 'paid'))",
        "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT x FROM n LIMIT 5",
        "SELECT name, tier FROM customers ORDER BY 2 COLLATE NOCASE, 1",
        "SELECT name FROM customers ORDER BY 9 + (2 COLLATE NOCASE)",
        "SELECT 1 FROM customers WHERE (name, tier) = (SELECT 'a', max(status) FROM orders)",
        "SELECT (name, tier) < (VALUES ('a', 'b')) OR 1 FROM customers",
    ],
)  # fmt: skip
def test_what_sqlite_reads_is_read(checker, sql):
    assert checker.accepts(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "", ";", "SELECT", "SELECT nme FROM customers", "SELECT name FROM custmers",
        "SELECT 1; SELECT 2", "DELETE FROM customers", "SELECT name FROM customers WHERE name = 'a",
        "PRAGMA table_info(customers)", "SELECT load_extension('x')", "SELECT customer_id FROM"
        " customers, orders", "WITH d AS (DELETE FROM customers) SELECT 1", "SELECT 1 \0",
        "SELECT name FROM customers ORDER BY 2 COLLATE NOCASE",
        "SELECT name FROM customers UNION SELECT 1 ORDER BY tier COLLATE NOCASE",
        "SELECT name FROM customers UNION SELECT 1 ORDER BY name COLLATE NOCASE || 'a'",
        "SELECT (1, 2) = (SELECT 1)", "SELECT (1, 2) = (SELECT 1, 2, 3)",
        "SELECT (1, 2) = (SELECT 1, 2) + 1",
    ],
)  # fmt: skip
def test_what_is_no_valid_query_is_refused(checker, sql):
    assert not checker.accepts(sql)


def test_a_beginning_that_nothing_can_follow_is_refused_at_once(checker):
    assert checker.prefix_ok("SELECT T9.anything FROM customers ")  # another source may be T9
    assert not checker.prefix_ok("SELECT T9.anything FROM customers AS T9 ")
    assert not checker.prefix_ok("SELECT name FROM custo  ")
    with pytest.raises(ValueError, match="no valid SQL begins so"):
        checker.complete("SELECT name FROM custo  ")


def test_a_derived_table_gives_no_name_that_from_around_could_not_hold(checker):
    begun = "SELECT name, T2.name FROM (SELECT name"

    assert checker.accepts(f"{begun} FROM customers) AS T2")
    assert not checker.prefix_ok("SELECT name FROM customers, (SELECT 1, name FROM ")
    assert not checker.prefix_ok("SELECT name FROM customers NATURAL JOIN (SELECT 1 AS name, ")


@pytest.mark.parametrize(
    "begun",
    [
        'SELECT 1 FROM customers WHERE (name, tier) <= "',  # a row is compared with a row
        "SELECT 1 FROM customers WHERE (name, tier) <= n",
        'VALUES ("a',  # no string where no name could stand
        "SELECT 1 FROM `custo`",
        "SELECT `customers`.`` FROM",
        "SELECT 1 FROM t WHERE interv",  # to sqlglot INTERVAL is no name without quotes
        b"SELECT 1 \xf3\xa0",  # the first bytes of marks that stand behind letters alone
        b"SELECT 1 --\xc3\n",  # half a character
        "SELECT count(*) OVER (ordeé",  # no ending defines such a window
        "SELECT ~~",  # to sqlglot that is LIKE
        "SELECT random(n",  # a function without arguments
        "SELECT `" + 61 * "n",  # no alias that FROM could hold
    ],
)
def test_what_no_name_can_end_is_refused_where_it_begins(checker, begun):
    known = Schema("more", "sqlite", (*checker.schema.tables, Table("t", (Column("interval"),))))
    data = begun.encode() if isinstance(begun, str) else begun

    more = Checker(known)
    assert more.step(more.start, data) is None
    assert more.accepts('SELECT 1 FROM `customers` AS é, t WHERE "interval" > 1')


def test_whatever_a_model_proposes_leads_to_an_end_or_is_refused(checker):
    seen = 0
    for seed in range(120):
        chance = random.Random(seed)
        begun = SHOP[: chance.randint(0, len(SHOP))]
        for text, state in walking.stumble(checker, chance, begun):
            assert checker.accepts((text + checker.completion(state)).decode())
            seen += 1

    assert seen > 150


def test_an_alias_around_is_not_named_as_a_cte_that_repeats_itself(checker):
    """To sqlglot `n.b` is of the CTE, which has no b."""
    arm = "SELECT (SELECT n.b) FROM (SELECT 1 AS b) AS n"

    assert not checker.accepts(f"WITH RECURSIVE n AS (SELECT 1 AS a UNION {arm}) SELECT 1")
    assert checker.accepts(f"WITH RECURSIVE n AS (SELECT 1 AS b UNION {arm}) SELECT 1")
    assert checker.accepts(f"WITH RECURSIVE n AS ({arm}) SELECT 1")


def test_no_on_behind_a_comma_is_for_a_join_of_values(checker):
    """sqlglot hangs what stands between them on VALUES, and cannot qualify it."""
    begun = "SELECT 1 FROM customers JOIN (VALUES (1))"
    assert not checker.accepts(f"{begun}, orders AS o ON 1")
    assert not checker.accepts(f"{begun} JOIN orders, refunds ON 1, orders AS o ON 1")
    assert checker.accepts(f"{begun} JOIN orders, refunds AS o ON 1, products")
    assert checker.accepts(f"{begun} JOIN orders AS o ON 1")


def test_values_without_names_do_not_follow_a_natural_join_with_such(checker):
    nameless = "SELECT 1 FROM (SELECT 2 + 3) NATURAL JOIN ("

    assert not checker.prefix_ok(f"{nameless}VALUES")
    assert checker.accepts(f"{nameless}SELECT 1 AS x)")
    assert checker.accepts("SELECT 1 FROM customers NATURAL JOIN (VALUES (1))")


def test_a_star_is_no_wider_than_its_query_lets_it_be(checker):
    begun = "SELECT 1, 2, 3 UNION SELECT T1.name, T1.tier, T1."

    assert checker.prefix_ok(f"{begun}status FROM ") and not checker.prefix_ok(f"{begun}*")
    assert checker.accepts(
        "SELECT 1 AS a, 2 AS b, 3 AS c UNION SELECT o.status, d.* FROM"
        " orders AS o, (SELECT 1, 2) AS d"
    )


def test_what_a_star_shows_of_a_source_with_one_name_twice_has_no_name_outside(checker):
    twice = "SELECT * FROM orders, orders AS o, categories"
    assert checker.accepts(f"SELECT category_id FROM ({twice}) AS a")
    assert checker.accepts(f"SELECT * FROM (SELECT * FROM ({twice}) AS a) AS b")
    assert checker.accepts(f"SELECT n FROM (SELECT *, 1 AS n FROM ({twice}) AS a) AS b")
    assert not checker.accepts(f"SELECT category_id FROM (SELECT * FROM ({twice}) AS a) AS b")
    assert not checker.accepts(f"SELECT category_id FROM (SELECT a.* FROM ({twice}) AS a) AS b")
    assert checker.accepts(
        checker.complete("SELECT category_id FROM (SELECT * FROM (" + twice[:36])
    )


def test_a_star_behind_its_from_shows_as_little(checker):
    first = Checker(checker.schema, order="from-first")
    twice = "(FROM orders, orders AS o, categories SELECT *) AS a"
    assert first.accepts(f"FROM {twice} SELECT category_id")
    assert not first.accepts(f"FROM (FROM {twice} SELECT *) AS b SELECT category_id")


def test_a_merged_column_that_a_third_source_has_is_shown_by_no_star_beside_a_right_join(checker):
    merged = "FROM orders AS a JOIN payments AS b USING (order_id), payments AS c"
    for star in ("a.*", "*"):
        assert checker.accepts(f"SELECT {star} {merged}")
        assert not checker.accepts(f"SELECT {star} {merged} RIGHT JOIN categories AS d")
    assert checker.accepts(f"SELECT a.order_id, d.* {merged} RIGHT JOIN categories AS d")


def test_a_row_is_compared_with_a_row_as_wide(checker):
    for condition in ("(name, tier) = ('a', 1)", "NOT (name, 1) <= (tier, upper(name)) OR 0"):
        assert checker.accepts(f"SELECT name FROM customers WHERE {condition}")
    for row in ("1", "(1)", "(1, 2, 3)", "(1, 2) + 1", "-(1, 2)", "(SELECT 1)", "(1, 2) || 'a'"):
        assert not checker.accepts(f"SELECT name FROM customers WHERE (name, tier) = {row}")
    assert checker.complete("SELECT 1 WHERE (1, 2, 3) < ").endswith("(1,1,1)")


def test_a_window_may_be_another_one_with_a_frame(checker):
    begun = "SELECT sum(tier) OVER (w ROWS 1 PRECEDING), max(tier) OVER (w) FROM customers"

    assert checker.accepts(f"{begun} WINDOW w AS (PARTITION BY tier ORDER BY name)")
    assert not checker.accepts(begun)
    assert not checker.accepts(f"{begun} WINDOW w AS (ORDER BY name ROWS 2 PRECEDING)")
    assert checker.complete(begun).split() == [*begun.split(), "WINDOW", "w", "AS()"]


@pytest.mark.parametrize("whole", ["SELECT x'00fF' FROM orders", "SELECT hex(X'' || x'4a'), 1"])
def test_a_blob_is_read_byte_by_byte_and_completed(checker, whole):
    assert checker.accepts(whole)
    for end in range(len(whole)):
        ended = checker.complete(whole[:end])
        assert checker.accepts(ended), ended


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT x'0g'",
        "SELECT x'123'",
        "SELECT x'00''11'",
        "SELECT x '00'",
        "SELECT 1 LIMIT x'00'",
        "SELECT name x'00' FROM customers",
        "SELECT 1 WHERE 'a' LIKE 'b' ESCAPE x'21'",
    ],
)
def test_what_is_no_blob_or_stands_where_none_may_is_refused(checker, sql):
    assert not checker.accepts(sql)


@pytest.mark.parametrize(
    "name", ["frame_side", "range_end", "sorted_sides", "excluded", "frame_end_following"]
)
def test_walks_that_seek_a_part_of_a_window_frame_meet_it(checker, name):
    goals = [found for found in checker.grammar.names if found[0] == name]
    for goal in goals:
        chance = random.Random(1)
        walks = (walking.walk(checker, chance, length=30, goal=goal) for _ in range(40))
        assert any(goal in found.productions for found in walks), checker.grammar.describe(goal)


def test_what_from_owes_is_paid_by_the_sources_that_a_completion_writes(checker):
    whole = checker.complete("SELECT T1.name, T2.*, status, no_such_column FROM ")

    assert checker.accepts(whole)
    assert "AS no_such_column" in whole and " AS t2" in whole


def test_a_position_is_counted_where_stored_values_are_asked_for_too(checker):
    strict = Checker(checker.schema, values=lambda table, column: ["gold"])
    typed = Checker(checker.schema, types=True)
    for one in (checker, strict, typed):
        assert one.accepts("SELECT name, tier FROM customers GROUP BY 1 + 9 ORDER BY 2, 2 - 9")
        for clause in ("ORDER BY 3", "GROUP BY 3", "ORDER BY 0"):
            assert not one.accepts(f"SELECT name, tier FROM customers {clause}")


def test_however_many_names_are_taken_a_completion_finds_another(checker):
    names = ["x", "y", "t", "u", "v", *(f"t{n}" for n in range(9))]
    begun = (
        f"SELECT 1 FROM {', '.join(f'orders {name}' for name in names)}, (SELECT 1) AS",
        f"WITH {', '.join(f'{name} AS (SELECT 1)' for name in names)},",
        f"WITH k({', '.join(names)},",
        f"SELECT 1 WINDOW {', '.join(f'{name} AS ()' for name in names)},",
    )
    assert all(checker.accepts(checker.complete(text)) for text in begun)


@pytest.mark.parametrize(
    "number",
    [
        *("5.", "5.00", "1e3", "20E+1", "999999999999999999", "1e17", "0x1F", "~1", "NOT 0x0"),
        *("TRUE", "2 COLLATE NOCASE", "1 + 0xA * -2"),
    ],
)
def test_a_limit_is_a_whole_number_in_any_spelling(samples, checker, number):
    begun = f"SELECT name FROM customers LIMIT {number}"
    with Executor(samples / "database" / "shop" / "shop.sqlite") as executor:
        for sql in (begun, f"{begun} OFFSET {number}", f"{begun}, {number}"):
            assert checker.accepts(sql) and executor.execute(sql).error is None
            for end in range(len(sql)):
                assert checker.accepts(checker.complete(sql[:end]))


@pytest.mark.parametrize("number", ["5.5", ".5", "1e-3", "1e18", "1e99", "5.001", "1" * 19, "0x"])
def test_a_limit_that_is_not_whole_or_too_large_is_refused(checker, number):
    assert not checker.accepts(f"SELECT name FROM customers LIMIT {number}")


def test_a_finished_text_needs_no_completion(checker):
    assert checker.complete("SELECT name FROM customers") == "SELECT name FROM customers"
    assert checker.completion(checker.read("SELECT name FROM customers")) == b""


@pytest.mark.parametrize("tokens", range(6))
def test_a_budget_of_five_tokens_still_ends_in_a_query(checker, tokens):
    begun = "".join(("SELECT", " max(", "T1.", "price", ") + ")[:tokens])

    assert checker.accepts(checker.complete(begun))


def test_a_literal_cannot_break_out_of_its_string(checker):
    inner = "''; DROP TABLE customers; -- \n 😀 " * 400
    sql = f"SELECT name FROM customers WHERE name = '{inner}'"

    assert len(inner) > 10_000 and checker.accepts(sql)
    assert not checker.accepts(sql.replace("''; DROP", "'; DROP", 1))


ODD = [
    'SELECT id, "group" FROM "order" WHERE [Total Amount] > 3',
    "SELECT `say \"hi\"` FROM `order` AS o",
    'SELECT "say ""hi""", max(o."Total Amount") FROM [order] o GROUP BY 1',
    'SELECT "select" FROM "Mixed Case" WHERE region = \'EU\'',
    'SELECT 客户."客户 名称", `it\'s` FROM 客户 JOIN order_line ON 编号 = 客户编号',
    'SELECT "-- note" FROM order_line NATURAL JOIN "Mixed Case"',
]  # fmt: skip


@pytest.mark.parametrize("sql", ODD)
def test_odd_names_are_read_in_every_way_to_quote_them(odd, sql):
    checker, executor = odd
    data = sql.encode()

    assert checker.accepts(sql) and executor.explain(sql).error is None
    for end in range(0, len(data), 3):
        state = checker.step(checker.start, data[:end])
        whole = (data[:end] + checker.completion(state)).decode()
        assert executor.explain(whole).error is None, whole


def test_a_reserved_word_is_a_name_only_in_quotes():
    checker = Checker(schema_of(("select", "from", "a")))

    assert checker.accepts('SELECT "from", a FROM "select"')
    assert not checker.accepts("SELECT a FROM select")
    assert not checker.accepts("SELECT from FROM `select`")


def test_a_schema_without_tables_has_queries_without_from():
    checker = Checker(schema_of())

    assert checker.accepts("SELECT 1 + 1") and not checker.accepts("SELECT a FROM b")
    assert checker.accepts(checker.complete("SELECT x"))
    assert checker.accepts(checker.complete("WITH t AS ("))


def test_of_two_tables_that_differ_in_case_one_is_meant():
    checker = Checker(schema_of(("Singer", "id"), ("singer", "name")))

    assert checker.accepts("SELECT id FROM singer")
    assert not checker.accepts("SELECT id, name FROM singer")


def test_a_table_of_2000_columns_is_known_to_the_last():
    checker = Checker(schema_of(("wide", *(f"column_{n}" for n in range(2_000)))))

    assert checker.accepts("SELECT column_0, column_1999 FROM wide")
    assert not checker.prefix_ok("SELECT wide.column_0 FROM wide WHERE column_2000 ")


def test_a_dialect_or_order_without_a_table_is_named(checker):
    with pytest.raises(SettingsError, match="no checker for dialect 'oracle'"):
        Checker(checker.schema, dialect="oracle")
    with pytest.raises(SettingsError, match="order must be one of"):
        Checker(checker.schema, order="backwards")


def test_from_first_reads_from_before_select_and_nothing_else(checker):
    first = Checker(checker.schema, order="from-first")

    assert first.accepts("FROM customers AS T1 SELECT T1.name WHERE T1.tier = 'gold'")
    assert first.accepts("SELECT 1")
    assert first.accepts("FROM orders SELECT * UNION FROM orders SELECT *")
    assert not first.accepts("SELECT name FROM customers")
    assert not first.prefix_ok("FROM customers SELECT nme ")
    assert first.accepts(first.complete("FROM customers"))


def test_a_string_names_a_table_or_a_column_whatever_its_letters(odd):
    checker, executor = odd
    joined = "SELECT o.'say \"hi\"', c.'it''s' FROM 'order' AS o JOIN '客户' AS c"
    for sql in (joined, "SELECT region FROM 'Mixed Case'", "SELECT 客户.'客户 名称' FROM '客户'"):
        assert checker.accepts(sql) and executor.explain(sql).error is None
    for begun in ("SELECT 1 FROM 'm", "SELECT o.'total", "SELECT c.'it'"):
        whole = checker.complete(begun)
        assert checker.accepts(whole) and executor.explain(whole).error is None
    assert not checker.prefix_ok("SELECT o.'Total")  # sqlglot finds no capitals in a string


@pytest.mark.parametrize("prefix", ["SELECT 1 FROM `back`", "SELECT 1 FROM `back``", 'SELECT "a"'])
def test_a_quote_that_may_be_doubled_is_completed_by_the_rest_of_the_name(prefix):
    table = Table("back`tick", (Column('a"b'),))
    checker = Checker(Schema("odd", "sqlite", (table,)), invented=False)
    assert checker.prefix_ok(prefix)
    whole = checker.complete(prefix)
    assert whole.startswith(prefix) and checker.accepts(whole)


@pytest.mark.parametrize("begun", ["SELECT 1 AS ''", "SELECT y FROM (SELECT 1 AS y, 1 AS ''"])
def test_an_empty_string_for_an_alias_goes_on_by_another_mark(checker, begun):
    assert checker.prefix_ok(begun) and not checker.accepts(begun + " ")
    whole = checker.complete(begun)
    assert whole.startswith(begun + "'") and checker.accepts(whole)
    assert checker.complete(begun[:-1]).startswith(begun[:-1] + "a'")


@pytest.mark.parametrize("name", ["filter", "GROUPS"])
def test_a_window_has_no_name_that_sqlite_takes_for_a_part_of_one(checker, name):
    for begun in ("SELECT 1 WINDOW ", "SELECT count() OVER (", "SELECT count() OVER "):
        assert not any(checker.prefix_ok(f"{begun}{name}{mark}") for mark in (" ", "--", ")"))
        assert checker.accepts(checker.complete(begun + name))
    assert checker.accepts("SELECT count(*) OVER (ORDER BY 1 GROUPS CURRENT ROW)")


@pytest.mark.parametrize("letters", ["é", "\u2fff", "😀", "w_é"])
def test_the_name_of_a_window_is_refused_at_a_letter_that_it_cannot_have(checker, letters):
    for begun in ("SELECT 1 WINDOW ", "SELECT count() OVER (ORDER BY 1) WINDOW "):
        data = (begun + letters).encode()
        whole = len(begun) + len(letters.encode().decode("ascii", "ignore"))
        assert checker.step(checker.start, data[:whole]) is not None
        assert all(checker.step(checker.start, data[:e]) is None for e in range(whole + 1, 99))


@pytest.mark.parametrize("length", range(56, 62))
def test_an_alias_in_a_string_is_cut_in_no_letter_by_the_longest_name(checker, length):
    letters = ("a" * length + "é").encode()
    begun = b"SELECT 1 AS '" + letters[:-1]
    half = checker.step(checker.start, begun)
    assert (half is None) == (len(letters) > checker.dialect.name_limit)
    if half is not None:
        assert checker.accepts((begun + checker.completion(half)).decode())


def test_no_name_is_a_star():
    checker = Checker(schema_of(("t", "*", "a"), ("*", "b")))
    for begun in ("SELECT `*", "SELECT max(ALL `*", "SELECT 1 AS `*", "SELECT t.`*"):
        assert not checker.accepts(f"{begun}` FROM t")
        assert checker.accepts(checker.complete(begun))
    assert checker.accepts("SELECT * FROM t UNION SELECT 1, 2")  # it is shown all the same
    assert not checker.accepts("SELECT * FROM `*`") and not checker.accepts("SELECT 1 AS '*'")


def test_a_table_that_needs_an_alias_gets_the_one_that_is_owed():
    checker = Checker(schema_of(("a''b", "c"), ("u", "d")))
    begun = "SELECT x FROM u, (SELECT (y = `a''b`.c, z) = (1"
    whole = checker.complete(begun)
    assert checker.accepts(whole) and whole.count("a''b") == 3


def test_a_name_with_a_quotation_mark_in_it_is_written_by_a_completion():
    made = schema_of(("tick`ed", "a`b", "`c"))
    checker = Checker(made, invented=False)
    for begun in ("SELECT `tick``ed`.", "SELECT `tick``ed`.`a", "SELECT max("):
        assert checker.accepts(checker.complete(begun))
