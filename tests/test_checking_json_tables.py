"""Rows that SQLite's functions make of a JSON text in FROM, as SQLite and sqlglot take them."""

import sqlite3

import pytest
from verdicts import is_fine

from text2sql.decoding.checking import Checker
from text2sql.schema import read_schema

TAKEN = [
    "SELECT value FROM json_each('[1]') AS j",
    "SELECT j.value, j.key FROM orders AS o, json_each(o.status, '$.b') AS j WHERE j.value > 1",
    "SELECT o.order_id, atom FROM orders o JOIN json_tree(o.status) t ON t.type = 'text'",
    "SELECT status, count(*) AS n FROM orders LEFT JOIN json_each(status) AS j ON key GROUP BY 1"
    " ORDER BY n DESC",
    "SELECT k.key, v.value FROM orders AS o, json_each(o.status) AS k, json_each(k.value) AS v",
    "SELECT o.order_id FROM orders AS o WHERE EXISTS"
    " (SELECT 1 FROM json_each(o.status) AS j WHERE j.value = 'a')",
    "SELECT (SELECT max(j.id) FROM json_each(o.status) AS j) FROM orders AS o",
    "SELECT 1 FROM orders JOIN json_each('[\"' || replace(status, ',', '\",\"') || '\"]') AS j",
    "WITH v AS (SELECT value AS v FROM json_each('[1]') AS j) SELECT v FROM v",
    "SELECT * FROM json_each('[1]') AS j JOIN json_tree('[2]') AS k ON j.key = k.key",
    "SELECT path FROM orders AS o, json_each(o.status) AS j UNION SELECT 1 ORDER BY path",
    "SELECT 1 FROM customers JOIN orders USING (customer_id), json_each(customer_id) AS j",
]
# What sqlglot does not find among columns that it does not know, or SQLite not at all.
REFUSED = [
    "SELECT j.nope FROM json_each('[1]') AS j",
    "SELECT json FROM json_each('[1]') AS j, (SELECT 1 AS json)",
    "SELECT j.value AS v, count(*) FROM json_each('[1]') AS j GROUP BY v",
    "SELECT j.value AS v FROM json_each('[1]') AS j WHERE v > 1",
    "SELECT 1 FROM orders AS o WHERE EXISTS (SELECT 1 FROM json_each(o.status) AS j WHERE value)",
    "SELECT 1 FROM orders WHERE EXISTS (SELECT 1 FROM json_each(orders.status) AS j WHERE coupon)",
    "SELECT (SELECT v FROM (SELECT value AS v FROM json_each('[1]') AS j)) FROM orders",
    "SELECT 1 FROM orders WHERE EXISTS (SELECT 1 FROM json_each(status) AS j WHERE coupon)",
    "SELECT 1 FROM json_each('[1]') AS j JOIN json_each('[2]') ON j.key = json_each.key",
    "SELECT 1 FROM orders JOIN json_each(max(status)) AS j",
    "SELECT 1 FROM orders JOIN json_each(status, '$', 3) AS j",
    "SELECT 1 FROM json_each('[1]') AS j JOIN orders USING (id)",
    "SELECT 1 FROM json_each('1'), (SELECT 1), (SELECT 2), json_tree('1')",
    "SELECT 1 FROM orders JOIN customers ON (SELECT 1) JOIN json_each('1')",
    "SELECT 1 FROM orders JOIN customers, json_each('1') AS j ON key",
]


@pytest.fixture(scope="module")
def checker(samples):
    return Checker(read_schema(samples / "database" / "shop" / "shop.sqlite"))


@pytest.mark.parametrize("sql", TAKEN)
def test_rows_of_a_json_text_stand_in_from(checker, shop, sql):
    assert is_fine(sql, checker.schema, shop)
    assert checker.accepts(sql)
    for end in range(len(sql)):
        assert checker.accepts(checker.complete(sql[:end])), sql[:end]


@pytest.mark.parametrize("sql", REFUSED)
def test_names_that_sqlglot_would_miss_are_refused(checker, shop, sql):
    assert not is_fine(sql, checker.schema, shop)
    assert not checker.accepts(sql)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "SELECT 1 FROM orders WHERE EXISTS (SELECT 1 FROM json_each('1') AS j WHERE value)",
            "'value' needs the name of its source before it here",
        ),
        (
            "SELECT (SELECT value FROM json_each('1') AS j) FROM orders",
            "'value' needs the name of its source before it here",
        ),
        (
            "SELECT 1 FROM orders RIGHT JOIN customers ON 1, json_each(status)",
            "json_each() does not stand beside RIGHT, FULL or NATURAL JOIN",
        ),
        ("SELECT 1 FROM orders, json_each(nope)", "no column 'nope' in orders"),
        ("SELECT 1 FROM json_each(key)", "no column 'key'"),
        (
            "SELECT 1 FROM json_each(max(1))",
            "aggregate max() is not allowed in a function in FROM",
        ),
    ],
)
def test_a_fault_beside_such_rows_is_explained(checker, sql, said):
    assert checker.explain(sql).message.startswith(said)


def test_a_table_that_is_called_so_stays_a_table(tmp_path):
    path = tmp_path / "named.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE json_each (price INTEGER)")
    assert Checker(read_schema(path)).accepts("SELECT price FROM json_each")
