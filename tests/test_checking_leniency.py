"""What SQLite runs although nobody would write it: read where sqlglot reads it, too."""

import pytest
from verdicts import is_fine

from text2sql.decoding.checking import Checker
from text2sql.schema import read_schema

# NOT behind an operator takes every operator that is tighter than NOT, however tight the first.
INNER_NOT = [
    "SELECT 1 WHERE 1 IS NOT NOT NULL",
    "SELECT - NOT name, tier || NOT name || 1 FROM customers WHERE tier = NOT name = 'x' AND 1",
    "SELECT 1 FROM customers WHERE name BETWEEN NOT tier BETWEEN 1 AND 2 AND NOT tier = 2",
    "SELECT 1 FROM customers WHERE name LIKE NOT tier LIKE 'a' ESCAPE 'x' OR tier GLOB NOT NULL",
    "SELECT count(*) FROM customers GROUP BY - NOT 1 ORDER BY tier + NOT tier IN (1)",
]
# `1 - NOT a IN () << b` is `1 - NOT (a IN () << b)`, which sqlglot does not read.
NOT_AND_TIGHTER = [
    "SELECT 1 - NOT 1 NOTNULL << 2",
    "SELECT 1 = NOT 1 IN () >> 2",
    "SELECT 1 FROM customers WHERE name LIKE NOT tier GLOB 'a' ESCAPE 'x'",
]
# SQLite does not look at a CTE that nobody reads.
UNREAD = [
    "WITH x(a, b) AS (SELECT 1) SELECT x.name FROM customers AS x",
    "WITH x(a) AS (SELECT * FROM customers), y AS (SELECT 1 AS n) SELECT n FROM y",
    "WITH customers(a, b) AS (VALUES (1, 2, 3)) SELECT status FROM orders",
]
READ = [
    "WITH x(a, b) AS (SELECT 1) SELECT a FROM x",
    "WITH x(a, b) AS (SELECT 1) SELECT (SELECT count(*) FROM x)",
    "WITH customers(a, b) AS (SELECT 1) SELECT name FROM customers",
    "WITH x(a) AS (SELECT 1, 2) SELECT 1 FROM customers AS x WHERE EXISTS (SELECT 1 WHERE x.name)",
]
# OVER makes a window function of an aggregate, which needs no GROUP BY.
SORTED_OVER = [
    "SELECT name FROM customers ORDER BY sum(tier) FILTER (WHERE tier) OVER () DESC",
    "SELECT name FROM customers ORDER BY max(1, count(*) OVER (PARTITION BY tier), 3)",
    "SELECT name FROM customers WINDOW w AS (ORDER BY name) ORDER BY 1 + sum(tier) OVER w",
]
SORTED_BY_AGGREGATE = [
    "SELECT name FROM customers ORDER BY sum(tier)",
    "SELECT name FROM customers ORDER BY sum(DISTINCT tier) OVER ()",
    "SELECT name FROM customers ORDER BY sum(count(*)) OVER ()",
    "SELECT name FROM customers ORDER BY rank() OVER (ORDER BY sum(tier) OVER ())",
]
# Behind a comma sqlglot gives ON to the last JOIN that has none, SQLite to the table before it.
LATE_ON = [
    "SELECT 1 FROM customers AS a JOIN orders AS b, customers AS c ON c.name = a.name",
    "SELECT 1 FROM orders AS a LEFT JOIN orders AS b JOIN refunds, orders AS c ON 1, products ON 1",
    "SELECT n FROM customers AS a JOIN orders, (SELECT 1 AS n) NATURAL JOIN refunds, products ON n",
]
NO_LATE_ON = [
    "SELECT 1 FROM customers AS a, orders AS b ON 1",
    "SELECT 1 FROM customers AS a CROSS JOIN orders AS b, products ON 1",
    "SELECT 1 FROM customers AS a JOIN orders AS b, products ON 1, refunds ON 1",
]
TOUCHING = [
    "SELECT'a'FROM'customers'WHERE name LIKE'b'ESCAPE'c'",
    "SELECT CASE WHEN name IN('a')THEN'b'ELSE'c'END AS'd'FROM customers",
]
ALL_ARGUMENTS = [
    "SELECT iif(ALL name = 'a', 1, 2), first_value(ALL name) OVER (ORDER BY tier) FROM customers",
    "SELECT name AS n FROM customers WHERE substr(ALL n, 1) IN (coalesce(ALL tier, email))",
]
BEHIND_DISTINCT = (
    "SELECT name{} FROM customers WHERE lower(DISTINCT name) = 'a' ORDER BY abs(DISTINCT 1)"
)
# RANGE counts from the one expression that a window is sorted by.
RANGES = [
    "SELECT sum(tier) OVER (ORDER BY 1 RANGE BETWEEN 6 PRECEDING AND CURRENT ROW) FROM customers",
    "SELECT sum(tier) OVER w FROM customers WINDOW w AS (PARTITION BY name ORDER BY tier DESC"
    " RANGE BETWEEN 1 FOLLOWING AND 5 FOLLOWING EXCLUDE TIES)",
]
NO_RANGES = [
    "SELECT sum(tier) OVER (ORDER BY tier, name RANGE 6 PRECEDING) FROM customers",
    "SELECT sum(tier) OVER (PARTITION BY name RANGE 6 PRECEDING) FROM customers",
]
# sqlglot reads `json_object(KEY a VALUE b)`, and does not look for an alias behind DISTINCT.
IN_QUOTES = [
    'SELECT json_object(`key`, "value") FROM (SELECT 1 AS key, 2 AS value)',
    "SELECT json_object('a', coalesce(value, key)) FROM (SELECT 1 AS key, 2 AS value)",
]
BARE = [
    "SELECT json_object(key, 1) FROM (SELECT 1 AS key)",
    "SELECT json_object('a', value) FROM (SELECT 1 AS value)",
    "SELECT json_object(key.a, 1) FROM (SELECT 1 AS a) AS key",
    "SELECT json(skip) FROM (SELECT '1' AS skip)",
]
NO_ALIASES = [
    "SELECT 'x' AS a FROM orders GROUP BY a HAVING count(DISTINCT a) > 0",
    "SELECT status AS a FROM orders GROUP BY a ORDER BY count(DISTINCT upper(a))",
]


@pytest.fixture(scope="module")
def checker(samples):
    return Checker(read_schema(samples / "database" / "shop" / "shop.sqlite"))


@pytest.mark.parametrize(
    "sql",
    [
        *(INNER_NOT + UNREAD + SORTED_OVER + LATE_ON + TOUCHING + ALL_ARGUMENTS),
        *(RANGES + IN_QUOTES),
        BEHIND_DISTINCT.format(""),
    ],
)
def test_what_sqlite_and_sqlglot_read_is_read(checker, shop, sql):
    assert is_fine(sql, checker.schema, shop)
    assert checker.accepts(sql)


@pytest.mark.parametrize(
    "sql",
    [
        *(NOT_AND_TIGHTER + READ + SORTED_BY_AGGREGATE + NO_LATE_ON),
        *(NO_RANGES + BARE + NO_ALIASES),
    ],
)
def test_what_one_of_them_refuses_is_refused(checker, shop, sql):
    assert not is_fine(sql, checker.schema, shop)
    assert not checker.accepts(sql)


def test_a_model_gives_a_cte_as_many_names_as_columns(checker):
    held = Checker(checker.schema, invented=False)
    assert held.accepts("WITH x(a, b) AS (SELECT 1, 2) SELECT 1")
    assert not held.prefix_ok("WITH x(a, b) AS (SELECT 1)")


def test_no_more_joins_wait_for_a_condition_than_the_gate_takes(checker, shop):
    three = "orders JOIN orders AS a JOIN orders AS b JOIN orders AS c"
    deep = f"SELECT 1 FROM orders JOIN ({_from(three)}) AS d"
    deep += f" JOIN ({_from(three)} JOIN (SELECT 1 FROM {three}"  # nine wait
    assert checker.accepts(f"{deep} JOIN orders AS h))")
    assert is_fine(f"{deep} JOIN orders AS h))", checker.schema, shop)
    assert not checker.prefix_ok(f"{deep} JOIN orders AS h JOIN")
    completed = checker.complete(f"{deep} JOIN orders AS h")
    assert checker.accepts(completed) and is_fine(completed, checker.schema, shop)
    arms = " UNION ".join([_from(three)] * 4)
    assert not checker.accepts(arms) and not is_fine(arms, checker.schema, shop)


def _from(sources: str) -> str:
    return f"SELECT 1 FROM {sources}"
