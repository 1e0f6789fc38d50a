"""Sources that only PostgreSQL's checker has: LATERAL, generate_series(), unnest(), VALUES."""

import sys
from pathlib import Path

import pytest

from text2sql.decoding.checking import Checker
from text2sql.schema.model import Column, Schema, Table

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from checker.oracle import open_oracle
from checker.servers import private_database

SCHEMA = Schema(
    "clinic",
    "postgres",
    (
        Table("people", (Column("id", "integer"), Column("name", "text"), Column("boss", "int"))),
        Table("visits", (Column("person", "int"), Column("at", "date"), Column("tags", "text[]"))),
    ),
)
LAST = "(SELECT at FROM visits WHERE person = p.id ORDER BY at DESC LIMIT 1) AS v"
FINE = [
    "SELECT d::date FROM generate_series(DATE '2024-01-01', DATE '2024-12-01',"
    " INTERVAL '1 month') AS d",
    "SELECT g.m, count(at) FROM generate_series(DATE '2024-01-01', CURRENT_DATE,"
    " INTERVAL '1 month') AS g(m) LEFT JOIN visits ON date_trunc('month', at) = g.m GROUP BY g.m",
    "WITH m AS (SELECT generate_series(1, 12) AS n) SELECT n, count(*) FROM m JOIN visits"
    " ON EXTRACT(month FROM at) = n GROUP BY n",
    "SELECT p.id, n FROM people p, generate_series(1, p.boss) AS g(n)",
    "SELECT tag, count(*) FROM visits CROSS JOIN unnest(tags) AS t(tag) GROUP BY tag",
    "SELECT person FROM visits v WHERE EXISTS"
    " (SELECT 1 FROM unnest(v.tags) AS t(tag) WHERE tag LIKE 'a%')",
    "SELECT x FROM unnest(ARRAY[1, 2]) AS t(x), LATERAL (SELECT x + 1 AS y) u WHERE y > 2",
    f"SELECT p.name, v.at FROM people p CROSS JOIN LATERAL {LAST}",
    f"SELECT p.name, v.at FROM people p LEFT JOIN LATERAL {LAST} ON TRUE WHERE p.id > 3",
    "SELECT t.tier, name FROM people JOIN (VALUES (1, 'gold'), (2, NULL)) AS t(id, tier)"
    " USING (id)",
    "WITH v(a, b) AS (VALUES (1, 'x'), (2.5, lower('Y'))) SELECT b || 'z', a + 1 FROM v",
    "SELECT name FROM people WHERE id IN (SELECT i FROM (VALUES (1), (-2)) AS t(i))",
    "SELECT unnest(ARRAY[1, 2])::text || 'a' AS n, id = 1 AND id > 0 FROM people ORDER BY n",
    "SELECT name, n FROM people, LATERAL (SELECT count(*) AS n FROM visits WHERE person = id) v",
    "SELECT name, n FROM people CROSS JOIN LATERAL generate_series(1, id) AS g(n)",
    "SELECT v.person FROM visits JOIN LATERAL (SELECT visits.person) v ON TRUE",
]
REFUSED = [
    f"SELECT 1 FROM people p RIGHT JOIN LATERAL {LAST} ON TRUE",
    f"SELECT 1 FROM people p, {LAST}",
    "SELECT 1 FROM people p, LATERAL (SELECT sum(p.id) FROM visits) v",
    "SELECT 1 FROM people RIGHT JOIN generate_series(1, id) AS g ON TRUE",
    "SELECT 1 FROM generate_series(1, id) AS g, people",
    "SELECT 1 FROM people, generate_series(1, name) AS g",
    "SELECT 1 FROM people, unnest(name) AS t(x)",
    "SELECT tag FROM visits, unnest(tags) AS tag",
    "SELECT * FROM LATERAL (SELECT * FROM LATERAL generate_series(1, 3) AS g) v WHERE g > 1",
    "SELECT count(generate_series(1, 3)) FROM people",
    "SELECT unnest(ARRAY[TRUE]) OR FALSE",
    "SELECT unnest(ARRAY[1, 2]) BETWEEN 1 AND 2",
    "SELECT name, n FROM people CROSS JOIN LATERAL generate_series(1, id) AS n",
    "SELECT EXISTS (SELECT name FROM LATERAL generate_series(1, p.id) AS n) FROM people p",
    "SELECT 1 FROM visits JOIN LATERAL (SELECT person) v ON TRUE JOIN people ON person = id",
    "SELECT person FROM visits JOIN LATERAL (SELECT visits.person) v ON TRUE",
    "SELECT a FROM (VALUES (1, 'a'), (2)) AS t(a, b)",
    "SELECT a FROM (VALUES (1), ('a')) AS t(a)",
    "SELECT a FROM (VALUES (id)) AS t(a), people",
    "SELECT column1 FROM (VALUES (1)) AS t",
    "WITH v(a) AS (VALUES (1, 2)) SELECT c FROM v",
    "SELECT 1 FROM people WHERE generate_series(1, 3) > 2",
    "SELECT x FROM generate_series(1, 3) AS g(n), unnest(ARRAY[n]) AS u(x)",
    "SELECT m FROM generate_series(1, 3) AS g, LATERAL (SELECT g + 1 AS m) l",
]


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(SCHEMA, dialect="postgres")


def test_what_sees_the_sources_before_it_is_taken_as_the_server_takes_it(
    checker: Checker, postgres_url: str
) -> None:
    with private_database(postgres_url) as url, open_oracle(SCHEMA, server=url) as oracle:
        assert {sql: oracle.fault(sql) for sql in FINE} == dict.fromkeys(FINE)
        assert [sql for sql in REFUSED if oracle.fault(sql) is None] == []
    assert [sql for sql in FINE if not checker.accepts(sql)] == []
    assert [sql for sql in REFUSED if checker.accepts(sql)] == []


@pytest.mark.parametrize("sql", FINE[:10])
def test_every_prefix_of_such_a_query_has_an_end(checker: Checker, sql: str) -> None:
    for end in range(len(sql)):
        assert checker.accepts(checker.complete(sql[:end])), sql[:end]


def test_the_column_of_rows_has_the_name_that_is_owed(checker: Checker) -> None:
    sql = "SELECT t.tag FROM visits, unnest(tags) AS t("
    assert checker.complete(sql) == f"{sql}tag)"
    assert not checker.prefix_ok(f"{sql}u")


def test_the_columns_of_values_have_the_names_that_are_owed(checker: Checker) -> None:
    sql = "SELECT x, t.y FROM (VALUES (1, 'a')) AS t("
    assert checker.complete(sql) == f"{sql}y,x)"
    assert checker.complete(f"{sql}x") == f"{sql}x,y)"
    assert not checker.prefix_ok("SELECT t.x, t.y FROM (VALUES (1)) AS t(")


def test_a_model_may_make_rows_and_name_them_by_with() -> None:
    held = Checker(SCHEMA, dialect="postgres", invented=False)
    assert held.accepts("WITH m AS (SELECT generate_series(1, 12) AS n) SELECT n FROM m")
    assert held.accepts("SELECT unnest(tags) FROM visits")
    assert held.accepts(f"SELECT name, v.at FROM people p CROSS JOIN LATERAL {LAST}")
    assert not held.prefix_ok("SELECT 1 + unnest(")
    assert not held.prefix_ok("SELECT DISTINCT ON (unnest(")


def test_a_fault_says_what_such_a_source_lacks(checker: Checker) -> None:
    fault = checker.explain("SELECT 1 FROM visits, unnest(tags) AS t WHERE TRUE")
    assert fault is not None and fault.message == "the column of unnest() needs a name: AS t(x)"
    fault = checker.explain(REFUSED[0])
    assert fault is not None and "beside RIGHT" in fault.message


def test_a_table_or_column_called_as_a_function_is_none() -> None:
    named = Schema("n", "postgres", (Table("unnest", (Column("position", "integer"),)),))
    checker = Checker(named, dialect="postgres")
    assert checker.accepts("SELECT position FROM unnest")
    assert not checker.prefix_ok("SELECT 1 FROM unnest(")
