"""Tables joined in parentheses, and tables with the name of SQLite's one namespace."""

import pytest
from verdicts import is_fine

from text2sql.decoding.checking import Checker
from text2sql.schema import read_schema

PAIR = "(orders AS o JOIN payments AS p ON p.order_id = o.order_id)"
TAKEN = [
    f"SELECT name, p.method FROM customers AS c LEFT JOIN {PAIR} ON c.customer_id = o.customer_id",
    f"SELECT status, method FROM {PAIR} WHERE o.order_id > 1 ORDER BY p.order_id",
    f"SELECT c.name FROM {PAIR} JOIN customers AS c ON o.customer_id = c.customer_id",
    "SELECT c.name FROM (customers AS c, orders AS o) WHERE c.customer_id = o.customer_id",
    "SELECT count(*) FROM customers c LEFT JOIN (orders o JOIN (payments p JOIN refunds r ON"
    " r.order_id = p.order_id) ON p.order_id = o.order_id) ON c.customer_id = o.customer_id",
    "SELECT i FROM ((SELECT customer_id AS i FROM orders) AS o JOIN customers AS c ON tier = i)",
    f"SELECT (SELECT count(*) FROM {PAIR} WHERE o.customer_id = c.customer_id) FROM customers AS c",
    "SELECT a.name, b.name FROM (customers AS a JOIN customers AS b ON a.tier < b.tier)",
    f"SELECT * FROM {PAIR}",
    "SELECT c.name FROM main.customers AS c JOIN main.orders ON orders.customer_id = c.customer_id",
    "WITH customers AS (SELECT name AS n FROM main.customers) SELECT n FROM customers",
]
# SQLite or sqlglot refuses them.
REFUSED = [
    "SELECT c.name FROM customers AS c LEFT JOIN (orders AS o JOIN payments AS p ON c.tier) ON 1",
    "SELECT c.name FROM (customers AS c)JOIN orders AS o ON c.name = nope",
    "SELECT addresses.name FROM orders AS o, (customers AS addresses)",
    "SELECT * FROM orders JOIN (orders AS b)",
    "SELECT order_id FROM customers c LEFT JOIN (orders o JOIN payments p USING (order_id)) ON 1",
    "SELECT name FROM (customers AS a JOIN customers AS b ON a.tier = b.tier)",
    "SELECT (SELECT 1 FROM (orders JOIN payments ON 1) JOIN refunds ON n) FROM (SELECT 1 AS n)",
    "SELECT (SELECT x FROM categories NATURAL JOIN refunds JOIN (orders JOIN payments ON 1))"
    " FROM (SELECT 1 AS x)",
    "SELECT n FROM ((VALUES (max(1, 2))), (SELECT 1 AS n))",
    'SELECT "nope" FROM ((customers JOIN orders ON 1), products)',
    "SELECT name FROM main.nope",
    "SELECT n IN (SELECT tier FROM main.customers HAVING max(1) > n) FROM (SELECT 1 AS n)",
]


@pytest.fixture(scope="module")
def checker(samples):
    return Checker(read_schema(samples / "database" / "shop" / "shop.sqlite"))


@pytest.mark.parametrize("sql", TAKEN)
def test_tables_in_parentheses_are_named_as_if_there_were_none(checker, shop, sql):
    assert is_fine(sql, checker.schema, shop)
    assert checker.accepts(sql)
    for end in range(len(sql)):
        assert checker.accepts(checker.complete(sql[:end])), sql[:end]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_parentheses_hide_or_sqlglot_loses_is_refused(checker, shop, sql):
    assert not is_fine(sql, checker.schema, shop)
    assert not checker.accepts(sql)


def test_a_name_with_a_dot_is_not_begun_in_parentheses(checker):
    assert checker.prefix_ok('SELECT 1 FROM orders AS "a.')
    assert not checker.prefix_ok('SELECT 1 FROM (orders AS "a.')
