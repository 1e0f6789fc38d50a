"""How deeply SQL may nest: what the checker takes fits on the stack of SQLite's parser."""

from itertools import product
from random import Random

import odd_schema
import pytest

from text2sql.decoding.checking import Checker
from text2sql.execution import Executor
from text2sql.schema.reading import read_schema

# {q} is a query, {e} an expression
QUERIES = (
    "SELECT {e}",
    "SELECT a, {e} FROM t",
    "SELECT a FROM t WHERE a = 1 AND {e}",
    "SELECT a FROM t GROUP BY a, {e}",
    "SELECT a FROM t GROUP BY a HAVING 1 ORDER BY a, {e}",
    "SELECT t.a FROM t JOIN (SELECT 1 AS x) AS v ON {e}",
    "SELECT 1 FROM t JOIN ({q}) AS v ON 1",
    "SELECT a FROM t UNION SELECT a FROM t GROUP BY a HAVING {e}",
    "WITH z AS (SELECT 1 AS o), w(k) AS ({q}) SELECT 1 FROM w",
    "WITH RECURSIVE w(k) AS (SELECT 1) SELECT a FROM t UNION SELECT a FROM t WHERE {e}",
    "SELECT sum(a) FILTER (WHERE {e}) FROM t",
    "SELECT sum(a) OVER (PARTITION BY a ORDER BY b, {e}) FROM t",
    "SELECT sum(a) OVER w FROM t WINDOW v AS (ORDER BY a), w AS (PARTITION BY a ORDER BY b, {e})",
    "VALUES (1), ({e})",
)
EXPRESSIONS = (
    "({q})",
    "1 IN ({q})",
    "NOT EXISTS ({q})",
    "max(1, {e})",
    "CASE 1 WHEN {e} THEN 1 END",
    "1 OR 1 AND 1 = 1 & 1 + 1 * 1 || {e}",
    "1 IS NOT DISTINCT FROM {e}",
    "1 BETWEEN {e} AND 2",
    "1 IN (1, {e})",
    "CAST(({e}) AS INT)",
    "- {e}",
    "(1, 2) IN (SELECT 1, {e})",
)
LEAVES = ("1", "t.a", "count(*)", "1 OR 1 AND 1 = 1 & 1 + 1 * 1 || 2", "1 IS NOT DISTINCT FROM 1")


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Return a checker and its engine."""
    path = tmp_path_factory.mktemp("depth") / "depth.sqlite"
    with Executor(odd_schema.build("sqlite", path, "CREATE TABLE t(a, b);")) as executor:
        yield Checker(read_schema(path)), executor


def nested(random: Random) -> str:
    """Return a text of up to 24 constructs inside one another, often of the same two."""
    query, expression = random.choice(QUERIES), random.choice(EXPRESSIONS)
    same = random.random() < 0.5
    text = "SELECT {e}"
    for _ in range(random.randint(4, 24)):
        if "{q}" in text:
            text = text.replace("{q}", query if same else random.choice(QUERIES), 1)
        else:
            text = text.replace("{e}", expression if same else random.choice(EXPRESSIONS), 1)
    return text.replace("{q}", "SELECT a FROM t").replace("{e}", random.choice(LEAVES))


@pytest.mark.parametrize("levels", [2, 4, 6])
def test_a_question_may_be_nested_as_people_nest_it(database, levels):
    checker, executor = database
    sql = "SELECT avg(a) FROM t"
    for _ in range(levels - 1):
        sql = f"SELECT a FROM t WHERE a IN ({sql})"
    assert checker.accepts(sql)
    assert executor.explain(sql).error is None


@pytest.mark.parametrize("seed", range(4))
def test_sqlite_has_room_for_whatever_is_accepted_and_for_its_completions(database, seed):
    checker, executor = database
    random = Random(seed)
    accepted = refused = 0
    for _ in range(200):
        text = nested(random)
        begun = text[: random.randint(1, len(text))]
        if checker.prefix_ok(begun):
            completed = checker.complete(begun)
            assert checker.accepts(completed), begun
            assert executor.explain(completed).error is None, begun
        if not checker.accepts(text):
            refused += 1
            continue
        accepted += 1
        assert executor.explain(text).error is None, text
    assert accepted > 20
    assert refused > 20


def test_deep_down_no_number_is_begun_that_is_no_position(database):
    """`GROUP BY 0` needs an operator, for which there is no room."""
    checker, executor = database
    barred = 0
    for levels, places, operators in product(range(3, 7), range(5), ("", "1 + ", "1 + 2 * ")):
        begun = f"SELECT {'1 IN (SELECT ' * levels}{'(' * places}{operators}(SELECT 9 "
        for text in (begun, f"{begun}GROUP BY 0 "):
            if checker.prefix_ok(text):
                assert executor.explain(checker.complete(text)).error is None, text
        barred += checker.prefix_ok(begun) and not checker.prefix_ok(f"{begun}GROUP ")
    assert barred
