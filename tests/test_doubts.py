"""Doubts: gold whose result depends on the clock, on chance, or on which equal row comes first."""

import json
import sqlite3

import pytest
from typer.testing import CliRunner

from text2sql.cli import app
from text2sql.data.checks import check_splits
from text2sql.data.doubts import find_doubts
from text2sql.execution import Executor
from text2sql.schema import read_schema


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Return a database where Bo and Cy are equally old, and two rows are alike."""
    path = tmp_path_factory.mktemp("doubts") / "people.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name, age, city)")
        rows = [("Ada", 61, "Oslo"), ("Bo", 30, "Rome"), ("Cy", 30, "Oslo"), ("Di", 20, "Rome")]
        rows += [("Ed", 70, "Rome"), ("Ed", 70, "Rome")]
        connection.executemany("INSERT INTO people (name, age, city) VALUES (?, ?, ?)", rows)
    connection.close()
    return path


@pytest.fixture(scope="module")
def kinds(people):
    with Executor() as pool:
        schema = read_schema(people)
        yield lambda sql: [
            d.kind for d in find_doubts(sql, lambda q: pool.execute(q, people), schema)
        ]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM people ORDER BY age LIMIT 2",
        "SELECT name FROM people ORDER BY age LIMIT 2 OFFSET 2",
        "SELECT name FROM people LIMIT 3",
        "SELECT city FROM people GROUP BY city ORDER BY min(age) < 99 LIMIT 1",
        "SELECT id FROM people ORDER BY age DESC LIMIT 1",
        "SELECT DISTINCT name, age FROM people ORDER BY age LIMIT 2",
        "SELECT name, age AS a FROM people UNION SELECT 'Al', 20 ORDER BY a LIMIT 1",
        "SELECT name FROM people WHERE id = (SELECT id FROM people ORDER BY city LIMIT 1)",
        "SELECT sum(id) FROM people WHERE id = (SELECT id FROM people ORDER BY age DESC LIMIT 1)",
        'SELECT name FROM people WHERE city != "Paris" ORDER BY 2 - 1 LIMIT 1',
        "WITH o AS (SELECT * FROM people WHERE age > 9) SELECT id FROM o ORDER BY age DESC LIMIT 1",
    ],
)
def test_a_limit_between_ties_is_found(kinds, sql):
    assert kinds(sql) == ["tied_limit"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM people ORDER BY age",
        "SELECT name, age FROM people ORDER BY 2",
        "SELECT name FROM people ORDER BY age LIMIT 3",
        "SELECT * FROM people ORDER BY city",
    ],
)
def test_an_order_that_leaves_ties_is_found(kinds, sql):
    assert kinds(sql) == ["tied_order"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM people ORDER BY age, name LIMIT 2",
        "SELECT name FROM people ORDER BY age DESC LIMIT 1",  # both are called Ed
        "SELECT name FROM people ORDER BY age LIMIT 1",
        "SELECT name FROM people ORDER BY age LIMIT 10 OFFSET 3",
        "SELECT name FROM people WHERE age = 30",
        "SELECT 1 FROM people LIMIT 2",
        "SELECT name FROM people WHERE id IN (SELECT id FROM people ORDER BY age)",
        "SELECT date('2024-01-01', '+1 day'), 'now' FROM people WHERE id = 1",
        "SELECT max(age) FROM people ORDER BY name",
        "SELECT count(*) FROM (SELECT * FROM people LIMIT 2)",
        "SELECT name FROM people WHERE id = 1 AND EXISTS (SELECT * FROM people LIMIT 1)",
        "SELECT sum(age) FROM people WHERE age < (SELECT age FROM people ORDER BY 1 DESC LIMIT 1)",
        "this is no SQL",
    ],
)
def test_a_result_that_the_database_decides_is_not_doubted(kinds, sql):
    assert kinds(sql) == []


def test_the_clock_and_chance_are_found(kinds):
    assert kinds("SELECT name FROM people WHERE city < date('now', '-7 days')") == ["clock"]
    assert kinds("SELECT name, current_date FROM people ORDER BY id") == ["clock"]
    assert kinds("SELECT name FROM people ORDER BY random() LIMIT 1") == ["random"]
    assert kinds("SELECT hex(randomblob(4))") == ["random"]


def test_each_finding_is_a_line_and_strict_fails_on_it(people, tmp_path):
    record = {"question": "Who is young?", "db_id": "people", "database": str(people)}
    queries = ["SELECT name FROM people ORDER BY age LIMIT 2", "SELECT name FROM people WHERE 0"]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(json.dumps(record | {"query": sql}) for sql in queries))
    found = CliRunner().invoke(app, ["data", "check", str(path), "--strict"])

    assert found.exit_code == 1
    assert "  tied_limit: example 0 of people: 2 rows that differ tie at row 2" in found.stdout
    assert (
        CliRunner().invoke(app, ["data", "check", str(path), "--strict", "--quick"]).exit_code == 0
    )


def test_gold_that_takes_too_long_is_told_from_gold_that_fails(people, tmp_path):
    endless = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t"
    record = {"question": "?", "db_id": "people", "database": str(people), "query": endless}
    (tmp_path / "mine.jsonl").write_text(json.dumps(record))
    (check,) = check_splits(str(tmp_path / "mine.jsonl"), timeout=0.2)

    assert check.counts()["timeout"] == 1 and check.unusable()[0].kind == "timeout"


def test_ties_are_found_on_duckdb_too_and_fetch_is_a_limit(tmp_path):
    import duckdb

    path = tmp_path / "people.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE people AS SELECT i, i // 2 AS age FROM range(6) r(i)")
    schema = read_schema(path)
    with Executor() as pool:

        def found(sql):
            return [d.kind for d in find_doubts(sql, lambda q: pool.execute(q, path), schema)]

        assert found("SELECT i FROM people ORDER BY age LIMIT 3") == ["tied_limit"]
        assert found("SELECT i FROM people ORDER BY age FETCH FIRST 3 ROWS ONLY") == ["tied_limit"]
        assert found("SELECT i FROM people ORDER BY age, i LIMIT 3") == []
        assert found("SELECT i, now() FROM people ORDER BY i") == ["clock"]
        assert found("SELECT i FROM people USING SAMPLE 2") == ["random"]
