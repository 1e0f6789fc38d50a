"""What differs between the dialects that the checker knows, judged by a real engine."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.dialects import DIALECTS
from text2sql.schema import Schema, read_schema
from text2sql.schema.model import Column, Table

FOLDER = Path(__file__).parent / "data" / "bird_style"
NAMES = ("bikeshare", "hospital", "warehouse")


@pytest.fixture(scope="module")
def schemas(tmp_path_factory) -> dict[str, Schema]:
    folder = tmp_path_factory.mktemp("duckdb")
    for name in NAMES:
        with duckdb.connect(str(folder / f"{name}.duckdb")) as connection:
            connection.execute((FOLDER / "duckdb" / f"{name}.sql").read_text(encoding="utf-8"))
    return {name: read_schema(folder / f"{name}.duckdb") for name in NAMES}


def test_most_duckdb_as_people_write_it_is_let_in(schemas):
    checkers = {name: Checker(schema, dialect="duckdb") for name, schema in schemas.items()}
    text = (FOLDER / "duckdb.jsonl").read_text(encoding="utf-8")
    cases = [json.loads(line) for line in text.splitlines()]
    found = sum(checkers[case["db_id"]].accepts(case["query"]) for case in cases)
    assert found >= 0.98 * len(cases)


def test_declared_types_have_kinds():
    kind_of = DIALECTS["duckdb"].kind_of
    assert kind_of("DECIMAL(10, 2)") == "decimal"
    assert kind_of("TIMESTAMP WITH TIME ZONE") == "timestamptz"
    assert kind_of("VARCHAR[]") == "text[]"
    assert kind_of("STRUCT(a INTEGER)") == "other"
    assert DIALECTS["sqlite"].kind_of("INTEGER") == "any"


def test_only_double_quotes_quote_names_in_duckdb(schemas):
    checker = Checker(schemas["bikeshare"], dialect="duckdb")
    assert checker.accepts('SELECT "Rider Age" FROM trip')
    assert not checker.accepts("SELECT `Rider Age` FROM trip")
    assert not checker.accepts("SELECT [Rider Age] FROM trip")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT DISTINCT ON (city) city, name FROM station ORDER BY city, name",
        "SELECT name FROM station QUALIFY row_number() OVER (ORDER BY dock_count) = 1",
        "SELECT TRY_CAST(name AS INTEGER) FROM station WHERE name ILIKE 'a%'",
        "SELECT count(*) FILTER (WHERE dock_count > 3) FROM station",
        "SELECT string_agg(DISTINCT name, ', ') FROM station",
        "SELECT name FROM station ORDER BY ALL",
        "SELECT city FROM station EXCEPT ALL SELECT events FROM weather",
    ],
)
def test_duckdb_has_a_syntax_of_its_own(schemas, sql):
    assert Checker(schemas["bikeshare"], dialect="duckdb").accepts(sql)


def test_a_table_may_be_named_with_its_namespace(schemas):
    checker = Checker(schemas["warehouse"], dialect="duckdb")
    assert checker.accepts("SELECT events.kind FROM staging.events")
    assert checker.accepts("SELECT title FROM main.products")
    assert not checker.accepts("SELECT kind FROM events")
    assert checker.complete("SELECT kind FROM sta") == "SELECT kind FROM staging.events"
    assert "in 'staging'" in checker.explain("SELECT 1 FROM staging.event").message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM staging.events AS e JOIN main.orders AS o ON o.order_id = e.order_id",
        "SELECT payload ->> 'by' AS source, count(*) FROM staging.events GROUP BY ALL",
        "SELECT unnest(tags) AS tag FROM customers WHERE list_contains(tags, 'loyal')",
        "SELECT tags[1], len(tags), list_sort(tags) FROM customers",
        "SELECT status, list(DISTINCT channel), quantile_cont(clicks, 0.9) FROM orders GROUP BY 1",
        "FROM orders SELECT channel, sum(clicks) AS clicks GROUP BY channel",
        'FROM products WHERE "List Price" // 2 > 10 ORDER BY sku',
        "SELECT country, segment, count(*) FROM customers GROUP BY ROLLUP (country, segment)",
        "SELECT category, count(*) FROM products GROUP BY GROUPING SETS ((category), ())",
        "SELECT order_id FROM orders WHERE freight > ALL (SELECT freight FROM orders)",
        'SELECT sku FROM "Order Lines" QUALIFY "Unit Price" = max("Unit Price") OVER ()',
        "SELECT year(ordered_at) AS y, sum(count(*)) OVER (ORDER BY year(ordered_at))"
        " FROM orders GROUP BY y",
        "SELECT order_id FROM orders WHERE ordered_at::DATE >= '2024-01-01'::DATE - 30",
        "SELECT regexp_extract(full_name, '^([A-Z])(a|b){2}', 1) FROM customers",
        'SELECT p.title FROM products AS p SEMI JOIN "Order Lines" AS l ON l.sku = p.sku',
        "SELECT o.* FROM orders AS o ANTI JOIN staging.events USING (order_id) WHERE freight > 1",
        "SELECT * EXCLUDE (n) FROM (SELECT *, row_number() OVER (PARTITION BY channel"
        " ORDER BY freight) AS n FROM orders) AS o WHERE n = 1",
        "SELECT * EXCLUDE notes REPLACE (round(freight) AS freight) FROM orders",
        "SELECT status IN ('a', 'b') AS known, count(*) FROM orders GROUP BY status IN ('a', 'b')",
        "SELECT title FROM products WHERE title NOT SIMILAR TO '.*Park'",
        "SELECT order_id FROM orders WHERE ordered_at < ('2024-01-01')",
    ],
)
def test_duckdb_as_analysts_write_it_is_let_in(schemas, warehouse, sql):
    assert Checker(schemas["warehouse"], dialect="duckdb").accepts(sql)
    warehouse.execute(f"EXPLAIN {sql}")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT CASE WHEN concat('a', 'b')::INTEGER = 1 THEN 1 END",
        "SELECT 1 IN ('a', 'b')",
        "SELECT tags || 'a' FROM customers",
        "SELECT list_contains(tags, 1) FROM customers",
        "SELECT order_id FROM orders QUALIFY max(freight) > 1",
        "SELECT (SELECT o.freight FROM (SELECT 1 AS x, 2 AS o) AS c) FROM orders AS o",
        "SELECT unnest(tags), count(*) FROM customers",
        "SELECT channel, year(ordered_at), count(*) FROM orders GROUP BY channel",
        'SELECT l.sku FROM products SEMI JOIN "Order Lines" AS l USING (sku)',
        "SELECT * EXCLUDE (title) FROM orders",
        "SELECT * EXCLUDE (a) FROM (SELECT 1 AS a) AS t",
        "SELECT * REPLACE (1 AS freight, 2 AS freight) FROM orders",
        "SELECT status IN ('a'), count(*) FROM orders GROUP BY status NOT IN ('a')",
        "SELECT status LIKE 'a', count(*) FROM orders GROUP BY status ILIKE 'a'",
        "SELECT 1 FROM products WHERE title SIMILAR TO '[a'",
        "SELECT list_sort(title) FROM products",
    ],
)
def test_what_duckdb_refuses_is_refused(schemas, warehouse, sql):
    assert not Checker(schemas["warehouse"], dialect="duckdb").accepts(sql)
    with pytest.raises(duckdb.Error):
        warehouse.execute(f"EXPLAIN {sql}")


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute((FOLDER / "duckdb" / "warehouse.sql").read_text(encoding="utf-8"))
        yield connection


DUCKDB = Checker(
    Schema("one", "duckdb", (Table("t", (Column("c", "VARCHAR"), Column("n", "INTEGER"))),)),
    dialect="duckdb",
)


def test_the_query_of_exists_is_no_value_of_in():
    assert DUCKDB.accepts("SELECT EXISTS (FROM t) IN (TRUE)")
    assert not DUCKDB.accepts("SELECT TRUE IN ((EXISTS (FROM t)))")


def test_the_name_of_a_type_is_known_before_the_value():
    assert DUCKDB.accepts("SELECT lower(typeof(n)) FROM t")
    assert not DUCKDB.accepts("SELECT typeof(n)::DATE FROM t")


def test_a_cube_needs_a_column():
    assert DUCKDB.accepts("SELECT n FROM t GROUP BY CUBE (n)")
    assert not DUCKDB.prefix_ok("SELECT 1 GROUP BY CUBE (")


def test_a_pattern_behind_an_operator_is_no_argument():
    assert DUCKDB.accepts("SELECT bool_or(c NOT SIMILAR TO 'a.*') FROM t")


def test_a_column_of_several_moments_and_no_number_is_cast_first():
    completed = DUCKDB.complete("SELECT EXTRACT(quarter FROM x), 1 < y.x")
    assert DUCKDB.accepts(completed)
    assert "::TEXT::INT" in completed
