"""What PostgreSQL works out before a statement runs, and refuses then: judged by a real server."""

import sys
from pathlib import Path

import pytest

from text2sql.decoding.checking import Checker
from text2sql.schema.model import Column, Schema, Table

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from checker.oracle import open_oracle
from checker.servers import private_database

SCHEMA = Schema(
    "office",
    "postgres",
    (
        Table("people", (Column("id", "integer"), Column("name", "text"), Column("boss", "int"))),
        Table("visits", (Column("at", "timestamp"), Column("note", "jsonb"))),
    ),
)
TRUTHS = "(SELECT TRUE AS b, TRUE AS g) AS t"
KINDS = "(SELECT 'a' AS k, id FROM people UNION ALL SELECT 'b', boss FROM people) AS u"
FINE = [
    "SELECT (id > 3 AND boss < 2)::text::bool FROM people",
    "SELECT (note ->> 'a')::int, (note -> 'b')::text::date FROM visits",
    "SELECT (name IS DISTINCT FROM NULL)::text::int FROM people",
    "SELECT (NULL::text LIKE name)::text::int FROM people",
    "SELECT (CASE WHEN name IS NULL THEN 'a' ELSE 'b' END)::int FROM people",
    "SELECT ((id + x) IS NULL)::text::int FROM people, (SELECT boss AS x FROM people) AS t",
    "SELECT coalesce(name, 'a')::int, concat(name, 'a')::int FROM people",
    f"SELECT sum(CASE WHEN k = 'a' AND id > 5 THEN 1 END)::text::int FROM {KINDS}",
    "SELECT extract(year FROM now()) - 1, 2024 - extract(year FROM at) FROM visits",
    "SELECT floor(extract(year FROM current_date) / 10) * 10, date_part('year', now()) + 1",
    "SELECT extract(year FROM now())::int, CAST(date_part('month', now()) AS integer)",
    "SELECT 100.0 * CASE WHEN id > 3 THEN 1 ELSE 0 END, 10 - position('a' IN name) FROM people",
    "SELECT mod(10, 3), power(2, 10), sqrt(2), trunc(2.5), substr('abc', 2), repeat('a', 3)",
    "SELECT 1 FROM visits WHERE at >= to_date('2024-01-15', 'YYYY-MM-DD')"
    " OR at < make_date(2024, 1, 1)",
    "SELECT 1 FROM visits WHERE to_char(at, 'YYYY-MM') = to_char(now(), 'YYYY-MM')",
    "SELECT date_part('epoch', at - now()) / 3600, extract(isodow FROM at) FROM visits",
    "SELECT extract(year FROM '2024-01-01'::date), age('2024-01-01'::timestamp), at -"
    " '2024-01-01'::timestamp FROM visits",
    "SELECT d::date FROM generate_series('2024-01-01'::date, now(), '1 day'::interval) AS d",
]
REFUSED = [
    "SELECT (FALSE AND name ~ 'a')::text::int FROM people",
    f"SELECT (name ~ 'a' AND (b != g))::text::int FROM people, {TRUTHS}",
    f"SELECT ((b != g) AND name ~ 'a')::text::int FROM people, {TRUTHS}",
    "SELECT (1 BETWEEN 2 AND id)::text::int FROM people",
    "SELECT (1 BETWEEN id AND 0)::text::int FROM people",
    "SELECT (1 IN (1, id))::text::int FROM people",
    "SELECT (1 NOT IN (id, 1))::text::int FROM people",
    "SELECT ((id > NULL) IS NULL)::text::int FROM people",
    "SELECT ((name LIKE NULL) IS NULL)::text::int FROM people",
    "SELECT ((id IN (NULL)) IS NULL)::text::int FROM people",
    "SELECT ((NULL IN (id)) IS NULL)::text::int FROM people",
    "SELECT (NULL IS DISTINCT FROM NULL)::text::int FROM people",
    "SELECT coalesce(id > NULL, TRUE)::text::int FROM people",
    "SELECT (CASE WHEN id > NULL THEN 'b' ELSE 'a' END)::int FROM people",
    "SELECT (CASE id WHEN NULL THEN name ELSE 'a' END)::int FROM people",
    "SELECT ((id + x) IS NULL)::text::int FROM people, (SELECT NULL::int AS x) AS t",
    "SELECT 1 FROM people, (SELECT NULL::int AS x) t WHERE ((id + x) IS NULL)::text::int = 1",
    "SELECT (x IS NULL)::text::int FROM (SELECT id > NULL AS x FROM people) AS t",
    "SELECT (nullif(1, 1) + id IS NULL)::text::int FROM people",
    "SELECT (at AT TIME ZONE 'UTC' > NULL::timestamptz IS NULL)::text::int FROM visits",
    "SELECT mod(10, 3 - 3)",
    "SELECT (extract(year FROM DATE '2024-01-01') * 10000000)::int",
    "SELECT extract(epoch FROM DATE '2224-01-01')::int",
    "SELECT sqrt(-1)",
    "SELECT power(1000, 5000)",
    "SELECT make_date(2023, 2, 29)",
    "SELECT substr('abc', 1, -1)",
    "SELECT 1 % mod(4, 2)",
    "SELECT 1 / length('')",
    "SELECT 2147483647 + abs(-3)",
    "SELECT 1 / CASE WHEN TRUE THEN 0 ELSE 3 END",
    "SELECT 1 / CASE WHEN x > 2 THEN 0 ELSE 3 END FROM (SELECT 5 AS x) AS t",
    "SELECT 1 / position('b' IN x) FROM (SELECT 'a' AS x) AS t",
    "SELECT extract(hour FROM DATE '2020-01-01')",
    "SELECT extract(year FROM '2024-02-30'::date)",
    "SELECT extract(year FROM '2024-01-01')",
    "SELECT date_part('year', TIME '10:00'), 1",
    "SELECT date_part('week', INTERVAL '1 day')",
]


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(SCHEMA, dialect="postgres")


def test_what_the_server_works_out_is_refused_where_it_would_fail(
    checker: Checker, postgres_url: str
) -> None:
    with private_database(postgres_url) as url, open_oracle(SCHEMA, server=url) as oracle:
        assert {sql: oracle.fault(sql) for sql in FINE} == dict.fromkeys(FINE)
        assert [sql for sql in REFUSED if oracle.fault(sql) is None] == []
    assert [sql for sql in FINE if not checker.accepts(sql)] == []
    assert [sql for sql in REFUSED if checker.accepts(sql)] == []


@pytest.mark.parametrize("sql", FINE)
def test_every_prefix_of_such_a_query_has_an_end(checker: Checker, sql: str) -> None:
    for end in range(len(sql)):
        assert checker.accepts(checker.complete(sql[:end])), sql[:end]


def test_a_fault_says_that_the_server_would_work_it_out(checker: Checker) -> None:
    fault = checker.explain("SELECT mod(10, 0)")
    assert fault is not None and fault.message == (
        "mod() of values that are known before the query runs: where that might fail it is refused"
    )
    fault = checker.explain("SELECT mod(10)")
    assert fault is not None and fault.message == "mod takes 2 arguments, not 1"


def test_a_type_that_is_begun_is_followed_to_every_type(checker: Checker) -> None:
    assert checker.accepts(checker.complete("SELECT 1e3 - NULL :: tim"))
    assert checker.accepts(checker.complete("SELECT sqrt(at :: tim"))


def test_a_function_that_is_begun_is_followed_to_more_than_the_first_one(checker: Checker) -> None:
    sql = "SELECT 1 FROM people JOIN visits ON ARRAY[ar"
    assert checker.accepts(checker.complete(sql))


def test_an_end_is_found_behind_a_truth_of_literals(checker: Checker) -> None:
    sql = "SELECT radians(CASE EXISTS (SELECT 1) WHEN TRUE||"
    assert checker.accepts(checker.complete(sql))
