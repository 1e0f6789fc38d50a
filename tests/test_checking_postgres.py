"""PostgreSQL in the checker, judged by a real server where one is installed."""

import json
import sys
from pathlib import Path
from random import Random

import pytest

from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.walking import walk
from text2sql.decoding.verification import verify
from text2sql.schema import read_schema
from text2sql.schema.model import Column, Schema, Table

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from checker.oracle import open_oracle
from checker.servers import private_database

FOLDER = Path(__file__).parent / "data" / "bird_style"


def table(name: str, columns: str, **options) -> Table:
    pairs = (column.split(" ", 1) for column in columns.split(", "))
    return Table(name, tuple(Column(name, kind) for name, kind in pairs), **options)


SCHEMA = Schema(
    "office",
    "postgres",
    (
        table("people", "id integer, name text, Born date, boss integer", primary_key=("id",)),
        table("visits", "person integer, at timestamp, tags text[], note jsonb, rate real"),
        table("invoices", "id integer, owner integer, net numeric(10,2)", namespace="Sales"),
    ),
)

CAPITALS = Schema("capitals", "postgres", (Table("People", (Column("Name", "text"),)),))


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(SCHEMA, dialect="postgres")


def test_a_table_of_another_namespace_needs_its_prefix(checker):
    assert checker.accepts('SELECT net FROM "Sales".invoices')
    assert checker.accepts('SELECT invoices.net FROM "Sales".invoices JOIN people ON TRUE')
    assert not checker.accepts("SELECT net FROM invoices")
    assert not checker.accepts("SELECT net FROM sales.invoices")


def test_a_table_of_the_default_namespace_may_have_its_prefix(checker):
    assert checker.accepts("SELECT p.name FROM public.people AS p")
    assert not checker.accepts("SELECT 1 FROM public.invoices")
    assert not checker.prefix_ok("SELECT 1 FROM public AS")


def test_a_fault_in_a_namespace_names_its_tables(checker):
    fault = checker.explain('SELECT 1 FROM "Sales".invoice')
    assert fault is not None
    assert fault.message == "no table 'invoice' in 'Sales' (did you mean 'invoices'?)"
    fault = checker.explain('SELECT 1 FROM "Sales" AS s')
    assert fault is not None
    assert fault.message == "'Sales' is no table: say which of its tables"


def test_names_fold_to_lower_case_unless_they_are_quoted(checker):
    assert checker.accepts('SELECT NAME, "Born" FROM People')
    assert not checker.accepts("SELECT Born FROM people")
    assert not checker.accepts('SELECT "Name" FROM people')


def test_whole_numbers_and_decimals_are_divided_as_the_server_does(checker):
    assert checker.accepts('SELECT round(net / 3, 2) FROM "Sales".invoices')
    assert not checker.accepts("SELECT round(rate / 3, 2) FROM visits")
    assert not checker.accepts("SELECT name + 1 FROM people")


def test_what_the_server_works_out_before_it_runs_must_come_out(checker):
    assert checker.accepts("SELECT 60 * 60 / (3 - 2)")
    assert not checker.accepts("SELECT 60 / (3 - 3)")
    assert not checker.accepts("SELECT ln(0)")
    assert not checker.accepts("SELECT x::int FROM (SELECT 'a' AS x) AS q")
    assert checker.accepts("SELECT x::int FROM (SELECT name AS x FROM people) AS q")


def test_a_primary_key_groups_the_other_columns_of_its_table(checker):
    sql = "SELECT p.name, count(*) FROM people p JOIN visits v ON v.person = p.id GROUP BY "
    assert checker.accepts(sql + "p.id")
    assert not checker.accepts(sql + "v.person")


def test_distinct_is_ordered_by_what_it_shows(checker):
    assert checker.accepts("SELECT DISTINCT p.name FROM people p ORDER BY p.name")
    assert not checker.prefix_ok("SELECT DISTINCT name FROM people ORDER BY boss")
    assert checker.accepts("SELECT DISTINCT ON (boss) name FROM people ORDER BY boss, id")
    assert not checker.prefix_ok("SELECT DISTINCT ON (boss) name FROM people ORDER BY name")


def test_a_full_join_compares_a_column_of_each_side(checker):
    sql = "SELECT 1 FROM people a FULL JOIN visits b ON "
    assert checker.accepts(sql + "a.id = b.person AND b.person = a.boss")
    assert not checker.prefix_ok(sql + "a.id = a.boss")
    assert not checker.prefix_ok(sql + "a.id >")


def test_an_alias_is_no_column_yet(checker):
    assert checker.accepts("SELECT boss AS b, count(*) FROM people GROUP BY b ORDER BY b")
    for clause in ("WHERE b > 1", "ORDER BY b + 1", "GROUP BY boss HAVING b > 1"):
        assert not checker.accepts(f"SELECT boss AS b FROM people {clause}")


def test_what_stands_before_a_comma_cannot_be_joined_on(checker):
    sql = "SELECT 1 FROM visits v, people a JOIN people b ON "
    assert checker.accepts(sql + "a.id = b.boss")
    for hidden in ("v.person = b.id", "person = b.id", "EXISTS (SELECT 1 WHERE person = b.id)"):
        fault = checker.explain(sql + hidden)
        assert fault is not None
        assert "visits AS v, before a comma: this ON does not see that" in fault.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT person FROM visits WHERE 'x' = ANY (tags) AND rate > ALL (SELECT rate FROM visits)",
        "SELECT name FROM people WHERE name ~ '^[A-M]' OR name NOT SIMILAR TO '(B|C)%'",
        "SELECT position('a' IN name), substring(name FROM 1 FOR 2) FROM people",
        "SELECT trim(BOTH ' ' FROM name), CAST(boss AS double precision) FROM people",
        "SELECT note -> 'a' ->> 0, at AT TIME ZONE 'Europe/Paris' FROM visits",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY rate) FROM visits",
        "SELECT name FROM people WHERE (id, boss) IN (SELECT boss, id FROM people)",
        "SELECT at - INTERVAL '1' day, date_trunc('month', at)::date, at::time FROM visits",
        "SELECT count(*) FILTER (WHERE rate > 1) FROM visits WHERE at >= TIMESTAMP '2024-01-01'",
    ],
)
def test_postgres_has_a_syntax_of_its_own(checker, sql):
    assert checker.accepts(sql)


def test_most_sql_as_people_write_it_is_let_in(postgres_url):
    import psycopg

    cases = [json.loads(line) for line in (FOLDER / "postgres.jsonl").open(encoding="utf-8")]
    found = 0
    for name in ("airline", "bibliothek", "erp"):
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        url = postgres_url.rsplit("/", 1)[0] + f"/{name}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((FOLDER / "postgres" / f"{name}.sql").read_bytes())
        checker = Checker(read_schema(url), dialect="postgres")
        found += sum(checker.accepts(case["query"]) for case in cases if case["db_id"] == name)
    assert found >= 0.97 * len(cases)


def test_a_table_in_quotes_is_verified_by_its_own_name():
    assert verify('SELECT "People"."Name" FROM "People"', CAPITALS).fault is None
    assert verify('SELECT people."Name" FROM "People"', CAPITALS).fault is not None


def test_faults_of_values_and_of_distinct_are_told(checker):
    fault = checker.explain("SELECT 1 / 0")
    assert fault is not None
    assert fault.message == "0 does not fit here"
    fault = checker.explain("SELECT DISTINCT name FROM people ORDER BY boss")
    assert fault is not None
    assert fault.message == "ORDER BY of SELECT DISTINCT takes what is selected: 'boss' is not"


def test_what_is_walked_is_taken_by_the_server(checker, postgres_url):
    random = Random(5)
    texts = [walk(checker, random, length=12) for _ in range(60)]
    with (
        private_database(postgres_url) as url,
        open_oracle(SCHEMA, server=url) as oracle,
    ):
        faults = [(w.text, oracle.fault(w.text)) for w in texts if not w.dead]
    assert [fault for fault in faults if fault[1] is not None] == []
    assert len(faults) >= 57


def test_order_by_begins_with_a_column_of_distinct_on_or_not_at_all(checker):
    assert checker.accepts("SELECT DISTINCT ON (boss) name FROM people ORDER BY boss")
    assert not checker.prefix_ok("SELECT DISTINCT ON (boss) name FROM people ORDER BY 1")
    assert checker.accepts("SELECT DISTINCT ON (boss = 1) name FROM people")
    assert not checker.prefix_ok("SELECT DISTINCT ON (boss = 1) name FROM people ORDER BY")


def test_an_aggregate_within_a_group_takes_no_window(checker):
    assert checker.prefix_ok("SELECT mode() WITHIN GROUP (")
    assert not checker.prefix_ok("SELECT mode() OVER")


def test_no_other_is_follows_is_distinct_from(checker):
    assert checker.accepts("SELECT (name IS DISTINCT FROM 'a') IS NULL FROM people")
    assert checker.accepts("SELECT name IS NULL IS NULL FROM people")
    assert not checker.accepts("SELECT name IS DISTINCT FROM 'a' IS NULL FROM people")


def test_a_call_has_all_the_arguments_of_one_way_to_call_it(checker):
    assert checker.accepts("SELECT to_timestamp(name, 'YYYY') FROM people")
    assert checker.accepts("SELECT to_timestamp(id) FROM people")
    assert not checker.accepts("SELECT to_timestamp(name) FROM people")


def test_a_literal_beside_bytes_is_bytes(checker):
    assert checker.accepts("SELECT name::bytea || 'a' || name FROM people")
    assert not checker.accepts("SELECT name::bytea || 'a' || born FROM (SELECT name, 1 AS born) q")


def test_a_star_over_merged_columns_is_no_side_of_a_set_operation(checker):
    sql = "SELECT * FROM people AS a JOIN people AS b USING (boss)"
    assert checker.accepts(sql)
    assert not checker.prefix_ok(f"{sql} UNION ")


def test_a_key_tells_no_column_where_group_by_has_several_sets(checker):
    assert checker.accepts("SELECT boss, name, count(*) FROM people GROUP BY ROLLUP (boss, name)")
    assert checker.accepts("SELECT boss FROM people GROUP BY GROUPING SETS ((boss), (boss, id))")
    assert checker.accepts("SELECT name FROM people GROUP BY id, name")
    assert not checker.accepts("SELECT name FROM people GROUP BY ROLLUP (id)")


def test_what_repeats_itself_has_the_types_that_it_began_with(checker):
    sql = "WITH RECURSIVE r AS (SELECT {} FROM people UNION ALL SELECT {} FROM r) SELECT 1 FROM r"
    assert checker.accepts(sql.format("1 AS n", "n + 1"))
    assert checker.accepts(sql.format("name AS n, boss", "n || '/', boss"))
    assert not checker.accepts(sql.format("1 AS n", "n + 1.5"))
    assert not checker.accepts(sql.format("1::smallint AS n", "n + 1"))
    assert not checker.accepts(sql.format("name::varchar(9) AS n", "n || 'a'"))


def test_a_window_may_stand_in_order_by_without_group_by(checker):
    assert checker.accepts("SELECT rate FROM visits ORDER BY rate - avg(rate) OVER () DESC")
    assert not checker.accepts("SELECT rate FROM visits ORDER BY rate - avg(rate)")
    fault = checker.explain("SELECT rate FROM visits ORDER BY avg(rate)")
    assert fault is not None
    assert fault.message == "aggregate avg() in ORDER BY needs GROUP BY or another in SELECT"


def test_a_text_may_be_sorted_as_every_server_can(checker):
    assert checker.accepts(
        'SELECT name COLLATE "C" FROM people WHERE name::text COLLATE "C" < \'m\''
    )
    assert not checker.prefix_ok("SELECT name COLLATE C")
    assert not checker.prefix_ok("SELECT id FROM people WHERE id COLLATE")
    assert not checker.prefix_ok("SELECT position('a' IN name COLLATE")
    assert not checker.prefix_ok("SELECT id FROM people WHERE name BETWEEN name COLLATE")
    assert not checker.prefix_ok("SELECT 1 FROM visits WHERE now() BETWEEN at AT TIME")


@pytest.mark.parametrize(
    "end", ["OFFSET 3", "FETCH FIRST ROW ONLY", "OFFSET 3 ROWS FETCH NEXT 5 ROWS ONLY"]
)
def test_rows_are_fetched_as_the_standard_says(checker, end):
    assert checker.accepts(f"SELECT name FROM people ORDER BY name {end}")
    assert checker.accepts(f"SELECT * FROM people UNION SELECT * FROM people {end}")


def test_a_string_becomes_an_interval_by_a_cast(checker):
    assert checker.accepts("SELECT at FROM visits WHERE at > now() - '1 week 2 days'::interval")
    assert not checker.accepts("SELECT at FROM visits WHERE at > now() - '1 week 2 days'")
    assert not checker.prefix_ok("SELECT at FROM visits WHERE at > now() - 'x")
    assert checker.accepts(
        "SELECT at FROM visits WHERE at::time >= '20:00' AND at - now() > '-3 days'"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM people WHERE name <> ALL (ARRAY['a', name]) OR 2 = ANY (ARRAY[id])",
        "SELECT unnest(tags) AS tag, count(*) FROM visits GROUP BY tag ORDER BY tag",
        "SELECT boss, (array_agg(name ORDER BY id))[1] FROM people GROUP BY boss",
        "SELECT tags[1], cardinality(tags || name), (string_to_array(name, ' '))[2]"
        " FROM visits JOIN people ON person = id",
        "WITH RECURSIVE r AS (SELECT id, ARRAY[id] AS way FROM people UNION ALL"
        " SELECT p.id, r.way || p.id FROM people p JOIN r ON p.boss = r.id) SELECT way FROM r",
    ],
)
def test_arrays_are_made_and_taken_apart(checker, sql):
    assert checker.accepts(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM visits WHERE at = ANY (ARRAY['2020-01-01',",
        "SELECT array_agg(name)[",
        "SELECT name[",
        "SELECT ARRAY[1, 'a'",
        "SELECT tags || 'a' FROM",
        "SELECT count(unnest(",
    ],
)
def test_an_array_has_values_of_one_kind_and_no_operators_of_texts(checker, sql):
    assert not checker.prefix_ok(sql)


def test_a_prefix_ends_with_a_label_a_clock_or_the_column_that_leads(checker):
    assert checker.prefix_ok("SELECT DISTINCT ON (p.boss) name FROM people p OR")
    assert checker.complete("SELECT at FROM visits WHERE at::time > TIME ").endswith("'00:00'")
    moods = Schema("m", "postgres", (table("days", "mood ENUM('calm','wild')"),))
    assert checker_of(moods).complete("SELECT 1 FROM days WHERE mood = 'c").endswith("'calm'")


def checker_of(schema: Schema) -> Checker:
    return Checker(schema, dialect="postgres")


def test_a_side_of_a_set_operation_may_have_parentheses_and_an_order_of_its_own(checker):
    sides = "(SELECT name FROM people ORDER BY boss LIMIT 3) UNION ALL ({} LIMIT 3)"
    assert checker.accepts(sides.format("SELECT name FROM people ORDER BY id DESC") + " ORDER BY 1")
    assert checker.accepts(
        f"WITH w AS ({sides.format('SELECT name FROM people')}) SELECT name FROM w"
    )
    assert checker.accepts("SELECT id FROM people EXCEPT (SELECT 1 UNION ALL SELECT 2) ORDER BY id")
    assert checker.prefix_ok("SELECT * FROM people UNION (SELECT *")
    assert not checker.accepts(sides.format("SELECT id FROM people"))
    fault = checker.explain(sides.format("SELECT name, id FROM people"))
    assert fault is not None
    assert "one column" in fault.message


ARMS = [
    ("SELECT 'a' UNION SELECT DISTINCT NULL", True),
    ("SELECT id, name FROM people UNION SELECT NULL, name FROM people GROUP BY name", True),
    ("SELECT 1 UNION SELECT DISTINCT NULL", False),
    ("SELECT DATE '2020-01-01' UNION SELECT DISTINCT '2020-01-01'", False),
    ("SELECT 1 INTERSECT SELECT NULL GROUP BY 1", False),
    ("SELECT 1 UNION SELECT NULL AS x GROUP BY x", False),
    (
        "(SELECT * FROM people p JOIN people q USING (boss)) UNION"
        " SELECT 1, '', '2020-01-01', 1, '', '2020-01-01', 1",
        False,
    ),
    ("SELECT ARRAY[1::real] = ARRAY[1::float]", False),
    ("SELECT string_to_array('a', ',') IN (SELECT ARRAY['a'::varchar])", False),
    ("SELECT ARRAY[1.5] = ARRAY[2.5]", True),
    ("SELECT note::json, 1 FROM visits ORDER BY 2", True),
    ("SELECT NULL IN ('UTC', 1 IN (1))", False),
    ("SELECT '1' IN (1, 'x')", False),
    ("SELECT '1' IN ('x', 1)", False),
    ("SELECT 'a' IN ('b', name), NULL IN (id, boss) FROM people", True),
    ("SELECT CASE '1' WHEN 1 THEN 2 WHEN 'x' THEN 3 END", False),
    ("SELECT CASE 'a' WHEN name THEN 2 WHEN 'x' THEN 3 END FROM people", True),
    (
        "SELECT 1 FROM (SELECT note::json AS a FROM visits) c"
        " JOIN (SELECT to_json(name) AS a FROM people) d USING (a)",
        False,
    ),
    ("SELECT 1 FROM visits JOIN visits AS v USING (at, note)", True),
    ("SELECT note::json FROM visits ORDER BY 1", False),
    ("SELECT rank() OVER (PARTITION BY note::json) FROM visits", False),
    ("SELECT array_agg(name ORDER BY to_json(name)) FROM people", False),
    ("SELECT count(DISTINCT note::json) FROM visits", False),
    ("SELECT count(DISTINCT note), rank() OVER (ORDER BY count(*)) FROM visits", True),
    ("SELECT upper(note ->> 'a') FROM visits GROUP BY upper(note ->> 'a')", True),
    ("SELECT note ->> 'a' FROM visits GROUP BY note ->> 'b'", False),
    ("SELECT (regexp_match(name, 'a(.)'))[1], substring(name FROM '^[A-Z]+') FROM people", True),
    ("SELECT jsonb_array_length(note), jsonb_typeof(note) FROM visits", True),
]


def test_a_fault_of_a_position_says_whether_it_is_the_type(checker):
    fault = checker.explain("SELECT 1 INTERSECT SELECT NULL GROUP BY 1")
    assert fault is not None
    assert fault.message == "GROUP BY 1: that column has a type that does not fit here"
    fault = checker.explain("SELECT count(*) FROM people GROUP BY 1")
    assert fault is not None and fault.message == "GROUP BY 1: that column is an aggregate"


@pytest.mark.parametrize(("sql", "fine"), ARMS)
def test_types_that_look_alike_are_told_apart(checker, postgres_url, sql, fine):
    with private_database(postgres_url) as url, open_oracle(SCHEMA, server=url) as oracle:
        assert (oracle.fault(sql) is None) is fine
    assert checker.accepts(sql) is fine


def test_exists_needs_no_items(checker):
    assert checker.accepts("SELECT 1 WHERE EXISTS (SELECT FROM people WHERE boss IS NULL)")
    assert not checker.prefix_ok("SELECT FROM ")
    assert not checker.prefix_ok("SELECT 1 WHERE EXISTS (SELECT DISTINCT FROM ")


def test_an_aggregate_within_a_group_is_of_its_own_select(checker):
    inside = "(SELECT mode() WITHIN GROUP (ORDER BY {}) FROM visits)"
    assert checker.accepts(f"SELECT 1 FROM people WHERE id > {inside.format('person')}")
    assert not checker.accepts(f"SELECT 1 FROM people WHERE id > {inside.format('boss')}")
    assert checker.prefix_ok("SELECT 1 FROM visits WHERE at > TIMESTAMPTZ '2023-05-01 00:00:00+")


def test_a_model_is_not_led_to_what_only_a_cast_behind_it_would_mend():
    held = Checker(SCHEMA, dialect="postgres", invented=False)
    for sql in ("SELECT avg(name", "SELECT 1 FROM people WHERE id = (name", "SELECT -name FROM"):
        assert not held.accepts(f"{sql}::int) FROM people")
        assert not held.prefix_ok(f"{sql} ")
    assert held.accepts("SELECT avg(CAST(name AS int)), sum(at - at) FROM people, visits")
    assert held.accepts("SELECT name::int FROM people")
    assert not held.prefix_ok("SELECT name FROM people --")


def test_a_model_reads_no_moment_from_a_text_that_it_has_made(checker):
    held = Checker(SCHEMA, dialect="postgres", invented=False)
    sql = 'SELECT name FROM people WHERE "Born" = '
    for text in ("reverse(name)", "(lower(name))", "cast(boss = 1 AS text)", "boss::text"):
        assert checker.accepts(f"{sql}{text}::date")
        assert not held.accepts(f"{sql}{text}::date")
    assert held.accepts(f"{sql}CAST(reverse(name) AS date)")
    assert held.accepts("SELECT sum(split_part(name, '-', 1)::int) FROM people")


def test_a_column_that_alone_may_follow_is_found_from_its_first_letter(checker):
    sql = "SELECT array_agg(DISTINCT person ORDER BY p"
    assert checker.complete(sql).startswith(f"{sql}erson")


def test_grouping_is_of_a_column_that_group_by_names(checker):
    sql = "SELECT boss, grouping(boss) AS total, count(*) FROM people GROUP BY {} ORDER BY total"
    assert checker.accepts(sql.format("ROLLUP (boss)"))
    assert not checker.accepts(sql.format("boss").replace("grouping(boss)", "grouping(id)"))
    assert not checker.accepts("SELECT grouping(name) FROM people GROUP BY id")
    for call in ("sum(grouping(boss))", "grouping(boss) OVER ()", "grouping(boss + 1)"):
        assert not checker.accepts(f"SELECT {call} FROM people GROUP BY boss")
    assert checker.prefix_ok("SELECT count(*) FROM people GROUP BY boss HAVING grouping(b")


def test_an_interval_is_made_of_parts_by_name(checker):
    assert checker.accepts("SELECT now() - make_interval(days => id, secs => 2.5) FROM people")
    assert not checker.accepts("SELECT make_interval(days => 1, days => 2)")
    assert not checker.accepts("SELECT make_interval(days => 1.5)")
    assert not checker.prefix_ok("SELECT make_interval(w => ")
    from_first = Checker(SCHEMA, dialect="postgres", order="from-first")
    sql = "FROM people SELECT make_interval(days => id)"
    assert from_first.to_sql(sql) == "SELECT make_interval(days => id) FROM people"


def test_a_model_answers_on_a_server_and_is_held_to_its_schema(postgres_url):
    pytest.importorskip("torch")
    import psycopg

    from text2sql import Predictor

    with private_database(postgres_url) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE orders (id int PRIMARY KEY, status text, placed date);"
                "INSERT INTO orders VALUES (1, 'paid', '2024-05-01'), (2, 'open', '2024-06-01')"
            )
        with Predictor.from_pretrained("mini", database=url) as predictor:
            answer = predictor.predict("how many orders are there?")
        checker = Checker(read_schema(url), dialect="postgres", invented=False)
        assert answer.error is None and answer.rows == [(2,)]
        assert checker.accepts(answer.sql)


def test_using_may_merge_a_column_of_a_derived_table(checker):
    counted = "(SELECT boss, count(*) AS n FROM people GROUP BY boss) AS q"
    assert checker.accepts(f"SELECT boss, name, n FROM people JOIN {counted} USING (boss)")
    assert not checker.accepts(f"SELECT boss, name, n FROM people JOIN {counted} ON TRUE")


def test_a_column_that_using_will_merge_may_stand_beside_any_other(checker):
    sql = "SELECT name, c FROM people JOIN (SELECT name, c"
    assert checker.accepts(checker.complete(sql))


def test_what_is_wanted_of_a_subquery_is_found_through_it(checker):
    sql = "SELECT 1 FROM people JOIN visits ON (array_remove(string_to_array(name, '') || (S"
    assert checker.accepts(checker.complete(sql))


def test_a_comment_does_not_part_words_that_sqlglot_joins(checker):
    assert not checker.prefix_ok("SELECT 1 FROM people WHERE name SIMILAR /*")
    assert not checker.prefix_ok("SELECT CAST(id AS double /*")
    assert checker.prefix_ok("SELECT CAST(id AS double precision /*")
