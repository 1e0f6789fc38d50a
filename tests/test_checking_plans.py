"""What FROM owes can be paid: by a derived table where its names may be given, else by a table."""

import odd_schema
import pytest

from text2sql.decoding.checking import Checker
from text2sql.decoding.verification import verify
from text2sql.execution import Executor
from text2sql.schema import read_schema
from text2sql.schema.model import Column, Schema, Table

LONG = "amount_of_all_that_was_ever_paid_by_anybody_who_lives_in_this_school_district"


def schema_of(**tables):
    made = (Table(n, tuple(Column(c, "TEXT") for c in own)) for n, own in tables.items())
    return Schema("made", "sqlite", tuple(made))


@pytest.fixture(scope="module")
def checker():
    tables = {"answers": ["id", "true"], "sums": ["id", LONG], "friend": ["id", "friend_id"]}
    return Checker(schema_of(**tables))


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Return a checker of two tables of 1,100 columns and one of ten, and their engine."""
    path = tmp_path_factory.mktemp("wide") / "wide.sqlite"
    sizes = {"a": 1100, "b": 1100, "c": 10}
    tables = {name: [f"{name}{n}" for n in range(size)] for name, size in sizes.items()}
    script = [f"CREATE TABLE {name}({','.join(own)});" for name, own in tables.items()]
    with Executor(odd_schema.build("sqlite", path, "".join(script))) as executor:
        yield Checker(read_schema(path)), executor


@pytest.mark.parametrize("name", ["`true`", LONG])
def test_a_column_that_no_query_can_name_is_paid_by_a_table_alone(checker, name):
    owed = f"SELECT x.{name}, count(*)"
    begun = f"{owed} FROM friend AS f JOIN ("
    assert checker.accepts(checker.complete(owed))
    assert not checker.prefix_ok(f"SELECT x.{name}, x.friend_id")  # no table has both
    assert not checker.prefix_ok(f"SELECT friend.{name}, friend.id FROM friend")
    assert checker.accepts(checker.complete(begun))


def test_a_derived_table_is_not_asked_for_a_column_that_it_cannot_name(checker):
    begun = "SELECT `x`.`true` FROM (SELECT 1 AS id"
    assert checker.prefix_ok(f"{begun}) AS y, answers AS x")
    assert not checker.prefix_ok(f"{begun}, 1 AS `true`)")


def test_a_name_is_no_longer_than_an_alias_may_be_unless_it_is_stored(checker):
    assert checker.prefix_ok(f"SELECT {LONG[:-1]}") and checker.prefix_ok("SELECT " + "n" * 50)
    for begun in ("SELECT ", "SELECT x.", "SELECT `", "SELECT x.`"):
        assert not checker.prefix_ok(begun + "n" * 61)
        assert checker.accepts(checker.complete(begun + "n" * 50))


def test_a_star_of_a_table_is_let_in_only_where_from_around_can_hold_its_columns(checker):
    deep = f"VALUES ({'(' * 4}CASE WHEN EXISTS (SELECT friend_id = id FROM (SELECT "
    assert checker.accepts(checker.complete(f"{deep}friend.*"))
    assert not checker.prefix_ok(f"{deep}sums.*")  # only friend has friend_id, and a second id
    assert checker.accepts(checker.complete(f"{deep}sums."))


def test_a_completion_fits_the_width_that_a_list_before_gives(checker):
    begun = "SELECT 1, 2 EXCEPT SELECT friend.id, friend.*"
    assert checker.accepts(checker.complete(begun))
    assert checker.accepts(checker.complete(f"{begun} FROM"))


def test_a_list_of_a_given_width_may_begin_with_a_column_where_no_derived_table_has_room(checker):
    deep = "VALUES (- max((max((1) AND EXISTS (SELECT id, id, id FROM friend INTERSECT SELECT "
    deep = f"SELECT (({deep}"
    for begun in ("friend_id", "id", "1, id", "`", "1, `", "friend.id", "`friend`"):
        assert checker.accepts(checker.complete(deep + begun))
    assert not checker.prefix_ok(f"{deep}friend_id, no_such")  # no table has it


def test_a_star_shows_no_more_columns_than_sqlite_takes(wide):
    checker, executor = wide
    for sql in ("SELECT * FROM a, c", "SELECT a.*, c.* FROM a, b, c", "SELECT count(*) FROM a, b"):
        assert executor.explain(sql).error is None and checker.accepts(sql)
    for sql in ("SELECT * FROM a, b", "SELECT a.*, b.* FROM a, c, b", "SELECT a.*, * FROM a"):
        assert "too many columns" in str(executor.explain(sql).error)
        assert not checker.accepts(sql)
    assert checker.complete("SELECT * FROM a JOIN ").endswith("c")


def test_nothing_is_joined_to_what_already_shows_every_column_that_sqlite_takes():
    made = schema_of(a=[f"a{n}" for n in range(1999)], b=[f"b{n}" for n in range(2000)])
    checker = Checker(made)
    assert checker.prefix_ok("SELECT * FROM a,") and checker.prefix_ok("SELECT a.* FROM a, b JOIN")
    assert checker.accepts(checker.complete("SELECT * FROM a,"))
    for joined in (",", "JOIN", "LEFT", "CROSS", "NATURAL"):
        assert not checker.prefix_ok(f"SELECT * FROM b {joined} ")


def test_a_list_behind_its_from_is_no_wider(wide):
    behind = Checker(wide[0].schema, order="from-first")
    assert behind.accepts("FROM a, b SELECT a.*, b1")
    assert not behind.prefix_ok("FROM a, b SELECT a.*, b.*")
    assert not behind.prefix_ok("FROM a, b SELECT *")


def test_columns_without_a_name_are_not_merged_by_chance(shop):
    """SQLite calls them by their text: two of one text are one to NATURAL JOIN."""
    checker = Checker(read_schema(shop))
    ratio = "(SELECT order_id, amount / 2{} FROM payments)"
    sql = f"SELECT 1 FROM {ratio} AS a NATURAL JOIN {ratio} AS b UNION SELECT 2"
    assert checker.accepts(sql.format(" AS half", " AS part"))
    assert checker.accepts(sql.format("", " AS part")) and checker.accepts(sql.format(" AS c", ""))
    assert not checker.accepts(sql.format("", ""))
    shown = "SELECT * FROM (SELECT 1 + 1) NATURAL JOIN (SELECT 1 + 1{})"
    with Executor(shop) as executor:
        assert len(executor.execute(shown.format("")).columns) == 1
    assert checker.complete(shown.split("{}")[0]).split("1 + 1")[-1].lower().lstrip()[:2] == "as"


def test_no_bare_word_begins_an_alias_that_is_owed_and_needs_quotes():
    reserved = Checker(Schema("reserved", "sqlite", (Table("select", (Column("b"),)),)))
    begun = "SELECT a = `select`.a FROM `select` AS t1, (SELECT 1 AS a) AS "
    assert reserved.accepts(f"{begun}`select`") and reserved.prefix_ok(f"{begun}`sel")
    assert not reserved.prefix_ok(f"{begun}sel")  # any other alias leaves `select`.a unpaid
    assert reserved.prefix_ok(f"{begun.replace('a = ', '')}sel")


def test_no_bracket_opens_a_name_that_has_one():
    odd = Checker(schema_of(**{"half]": ["half]"]}))
    begun = "SELECT `half]`, `half]`.x FROM (SELECT 1 AS x) AS "
    assert odd.prefix_ok(f"{begun}`half") and not odd.prefix_ok(f"{begun}`half]`, [h")
    assert odd.accepts(f"{begun}`half]`, `half]` AS t")


def test_a_query_behind_values_has_an_alias(shop):
    checker = Checker(read_schema(shop))
    begun = "SELECT 1 IN (SELECT name FROM payments, (VALUES (1)), (SELECT 1)"
    fine = f"{begun} AS w) FROM customers"
    assert checker.accepts(fine) and verify(fine, checker.schema).valid
    lost = f"{begun}) FROM customers"
    assert not verify(lost, checker.schema).valid and not checker.accepts(lost)
    assert checker.accepts(checker.complete(begun))


def test_no_bare_word_begins_a_table_whose_name_is_no_word():
    smiling = Checker(
        schema_of(
            **{"\N{SLIGHTLY SMILING FACE}": ["x"], "\N{LATIN SMALL LETTER E WITH ACUTE}t": ["x"]}
        )
    )
    begun = smiling.step(smiling.start, b"SELECT 1 FROM ")
    assert smiling.step(begun, b"\xc3") is not None  # of the other one
    assert smiling.step(begun, b"\xf0") is None
    assert smiling.step(begun, b"`\xf0") is not None


def test_a_word_is_ended_past_names_that_are_none():
    odd = Checker(schema_of(t=["a b", "a,b", "a/b", "a.b", "a;b", "a'b"]))
    assert odd.accepts(odd.complete("SELECT 1 FROM t WHERE 1 / A"))  # of a function
