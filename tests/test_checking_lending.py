"""What an item without an alias may be called: nobody may refer to that, an alias ends it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import odd_schema
import pytest

from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.lending import last_operand
from text2sql.decoding.verification import verify
from text2sql.execution import Executor
from text2sql.schema import read_schema
from text2sql.schema.model import Column, Schema, Table

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from checker.oracle import open_oracle
from checker.servers import private_database

# Items that sqlglot calls name, and SQLite by their text.
CALLED = """
+name | (+name) | CAST(+name AS TEXT) | tier -> name | tier ->> name | tier -> tier -> name
tier -> 'name' | tier ->> '$.a.name' | json_extract(tier, name) | json_extract(tier, '$.name')
'name' | ('name') | +'name' | CAST('name' AS INTEGER) | (upper('name')) | 1 -> +name
"""
ITEMS = [item.strip() for line in CALLED.split("\n") for item in line.split("|") if item.strip()]
# Items that have no name to sqlglot either, or another one.
OTHERS = ["-name", "upper(name)", "name + 1", "name -> tier", "name || 'a'", "CAST(tier AS TEXT)"]
BESIDE = "SELECT name FROM (SELECT {} FROM customers), (SELECT 1 AS name)"


@pytest.fixture(scope="module")
def checker(samples: Path) -> Checker:
    return Checker(read_schema(samples / "database" / "shop" / "shop.sqlite"), dialect="sqlite")


@pytest.mark.parametrize("item", ITEMS)
def test_an_item_that_sqlglot_calls_by_its_part_needs_an_alias(
    checker: Checker, item: str, shop: Path
) -> None:
    sql = BESIDE.format(item)
    assert not verify(sql, read_schema(shop)).valid
    assert not checker.accepts(sql)
    assert checker.accepts(BESIDE.format(f"{item} AS x"))
    assert checker.accepts(f"SELECT x FROM (SELECT {item}, 1 AS x FROM customers)")


@pytest.mark.parametrize("item", OTHERS)
def test_an_item_without_a_name_stands_beside_any_column(
    checker: Checker, item: str, shop: Path
) -> None:
    sql = BESIDE.format(item)
    assert checker.accepts(sql)
    with Executor(shop) as executor:
        assert verify(sql, read_schema(shop), explain=executor.explain).valid


def test_a_common_table_expression_lends_names_as_well(checker: Checker) -> None:
    sql = "WITH a{} AS (SELECT tier -> 'name' FROM customers) SELECT name FROM a, customers"
    assert not checker.accepts(sql.format(""))
    assert checker.accepts(sql.format("(x)"))


def test_a_completion_gives_the_alias_that_is_missing(checker: Checker) -> None:
    begun = "SELECT name, tier FROM customers, (SELECT tier -> 'name'"
    finished = checker.complete(begun)
    assert checker.accepts(finished)
    assert finished.removeprefix(begun).lower().lstrip().startswith("as ")


@pytest.mark.parametrize("item", ["name COLLATE NOCASE", "customers.name COLLATE RTRIM"])
def test_sqlite_calls_what_it_collates_by_the_column(
    checker: Checker, item: str, shop: Path
) -> None:
    sql = BESIDE.format(item)
    with Executor(shop) as executor:
        assert "ambiguous" in str(executor.explain(sql).error)
    assert not checker.accepts(sql)
    assert checker.accepts(BESIDE.format(f"{item} AS x"))


SPELT = ["price-cost", "(price)", "-1", "'a'", "x'00'", "count(*)", "null", "current_date"]
SPELT += ["price*2.5", "not price", "1 and price", "max(price)"]


@pytest.fixture(scope="module")
def spelt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Checker, Executor]]:
    columns = ",".join(f"`{name}`" for name in SPELT)
    script = f"CREATE TABLE labels({columns}); CREATE TABLE items(price, cost)"
    path = odd_schema.build("sqlite", tmp_path_factory.mktemp("spelt") / "spelt.sqlite", script)
    with Executor(path) as executor:
        yield Checker(read_schema(path)), executor


@pytest.mark.parametrize("name", SPELT)
def test_a_stored_column_that_is_spelt_like_an_item_is_not_named_beside_it(
    spelt: tuple[Checker, Executor], name: str
) -> None:
    checker, executor = spelt
    beside = "SELECT `{0}` FROM labels, (SELECT {0}{1} FROM items) AS a"
    for sql in (beside, "WITH a AS (SELECT {0}{1} FROM items) SELECT `{0}` FROM a JOIN labels"):
        assert executor.explain(sql.format(name, " AS b")).error is None
        assert checker.accepts(sql.format(name, " AS b"))
        assert not checker.accepts(sql.format(name, ""))
    assert checker.accepts(f"SELECT `{name}` FROM labels, (SELECT cost + 7 FROM items) AS a")


@pytest.mark.parametrize(
    "name", ["total amount", "1st place", "a,b", "-- note", "a -- b", "what?", "k (1-2)", "or"]
)
def test_a_name_that_is_no_expression_ends_with_no_operand(name: str) -> None:
    assert last_operand(name.encode(), {"count"}) is None


def test_a_star_hands_on_what_the_columns_of_its_source_may_be_called(checker: Checker) -> None:
    sql = "SELECT name FROM (SELECT * FROM (SELECT name COLLATE NOCASE{} FROM customers)), products"
    assert not checker.accepts(sql.format(""))
    assert checker.accepts(sql.format(" AS x"))


# Items without an alias, and what PostgreSQL calls them.
NAMED = [
    ("(max(id) FILTER (WHERE id > 1))", "max"),
    ("id::bigint", "id"),
    ("CAST(id + 1 AS smallint)", "int2"),
    ("(id || 'a')::varchar(9)", "varchar"),
    ("DATE '2020-01-01'", "date"),
    ("CASE WHEN id > 1 THEN 'a' ELSE lower(name) END", "lower"),
    ("CASE WHEN id > 1 THEN 'a' ELSE name END", "name"),
    ("CASE WHEN id > 1 THEN name END", "case"),
    ('name COLLATE "C"', "name"),
    ("(ARRAY[id])[1]", "array"),
    ("trim(LEADING 'a' FROM name)", "ltrim"),
    ("now() AT TIME ZONE 'UTC'", "timezone"),
    ("(SELECT max(id) FROM people)", "max"),
    ("(SELECT id AS n FROM people)", "n"),
    ("EXISTS (SELECT 1)", "exists"),
]


def test_postgres_calls_an_item_by_what_it_is_made_with(postgres_url: str) -> None:
    columns = (Column("id", "integer"), Column("name", "text"))
    schema = Schema("lent", "postgres", (Table("people", columns),))
    checker = Checker(schema, dialect="postgres")
    with private_database(postgres_url) as url, open_oracle(schema, server=url) as oracle:
        for item, name in NAMED:
            sql = f'SELECT "{name}" FROM (SELECT {item} FROM people) q, (SELECT 1 AS "{name}") r'
            assert oracle.fault(sql) is not None
            assert not checker.accepts(sql), sql
            aliased = sql.replace(f"{item} FROM", f"{item} AS x FROM", 1)
            assert checker.accepts(aliased), aliased
