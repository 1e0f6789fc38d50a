"""Nothing that a user may not see comes through: by statements that try, and by random ones.

Two databases differ in hidden things only; a statement that answers differently on them leaks.
"""

import random
import re

import pytest
from worlds import ENGINES, doors_of, holds_canary, opened_worlds

from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.walking import walk
from text2sql.execution import Execution, Executor
from text2sql.schema import read_schema

DAY = "2026-11-20"
VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|[\d.]+")  # that a message quotes
ATTEMPTS = """
SELECT * FROM orders
SELECT count(*) FROM orders
SELECT max(total) FROM orders
SELECT o.* FROM orders AS o
SELECT count(*) FROM orders AS customers JOIN customers AS orders ON customers.id = orders.id
SELECT margin FROM orders
SELECT sum(margin) FROM orders
SELECT id FROM orders ORDER BY margin
SELECT id FROM orders ORDER BY note, id
SELECT id FROM orders WHERE note LIKE 'canary%'
SELECT count(DISTINCT note), min(note), max(card) FROM orders
SELECT email FROM customers
SELECT * FROM customers
SELECT name FROM customers GROUP BY name HAVING count(*) > 0
SELECT * FROM salaries
SELECT amount FROM everything
SELECT * FROM everything
SELECT * FROM big_orders
SELECT * FROM order_names
SELECT (SELECT max(total) FROM orders AS i WHERE i.customer_id = c.id) FROM customers AS c
SELECT id FROM customers AS c WHERE EXISTS (SELECT 1 FROM orders AS o WHERE o.customer_id > c.id)
WITH orders AS (SELECT 1 AS id) SELECT * FROM orders
WITH x AS (SELECT * FROM orders) SELECT count(*) FROM x
WITH salaries AS (SELECT 2 AS amount) SELECT amount FROM salaries
WITH a AS (SELECT 1 AS b), b AS (SELECT * FROM salaries) SELECT * FROM b
SELECT id FROM orders UNION SELECT amount FROM salaries
SELECT id FROM orders EXCEPT SELECT id FROM big_orders
SELECT id FROM orders INTERSECT SELECT customer_id FROM orders
SELECT 1 WHERE 777000001 IN (SELECT total FROM orders)
SELECT CAST(name AS INTEGER) FROM customers WHERE name LIKE 'c%'
SELECT 1 / (total - 777000001) FROM orders
SELECT count(*) FROM orders WHERE 1 / (total - 777000001) < 2
SELECT count(*) FROM customers WHERE CAST(city AS INTEGER) > 0
SELECT count(*) FROM customers WHERE CAST(substr(name, 6) AS INTEGER) > 0
SELECT count(*) FROM customers WHERE json(substr(name, 6)) > 0
SELECT count(*) FROM customers JOIN products ON CAST(substr(customers.name, 6) AS INTEGER) > price
SELECT * FROM (SELECT * FROM (SELECT * FROM orders) AS a) AS b
SELECT * FROM orders AS a JOIN orders AS b ON a.id = b.id - 100
SELECT * FROM orders NATURAL JOIN customers
SELECT * FROM products LEFT JOIN orders ON orders.tenant <> 1
SELECT count(*) FROM (orders JOIN customers ON orders.customer_id = customers.id)
SELECT row_number() OVER (ORDER BY margin) FROM orders
SELECT sum(total) OVER () FROM orders
SELECT rowid FROM orders
SELECT ctid FROM orders
SELECT xmin, tableoid FROM orders
SELECT orders FROM orders
SELECT o FROM orders AS o
SELECT (o).margin FROM orders AS o
SELECT o.margin FROM orders AS o
SELECT row_to_json(o) FROM orders AS o
SELECT to_json(o) FROM orders AS o
SELECT "margin" FROM orders
SELECT 'salaries'::regclass
SELECT (NULL::salaries).*
SELECT * FROM main.salaries
SELECT * FROM public.salaries
SELECT * FROM main.orders
SELECT * FROM public.orders
SELECT main.orders.margin FROM orders
SELECT public.lower(name), main.lower(name) FROM customers
SELECT 1 OPERATOR(pg_catalog.+) id FROM orders
SELECT '\\' AS a, (SELECT max(amount) FROM salaries) AS b --'
SELECT * FROM sqlite_master
SELECT * FROM information_schema.tables
SELECT * FROM pg_catalog.pg_tables
SELECT * FROM duckdb_tables()
SELECT query_to_xml('SELECT * FROM salaries', true, true, '')
SELECT * FROM query_table('salaries')
SELECT * FROM query('SELECT * FROM salaries')
SELECT * FROM pragma_table_info('salaries')
TABLE salaries
FROM salaries
FROM orders
SELECT * FROM ONLY orders
SELECT * FROM orders TABLESAMPLE BERNOULLI (100)
SELECT * FROM orders FOR UPDATE
SELECT columns('.*') FROM orders
SELECT * EXCLUDE (id) FROM orders
SELECT * FROM orders AS o(a, b, c)
SELECT * FROM orders, LATERAL (SELECT * FROM salaries) AS s
SELECT * FROM orders, LATERAL (SELECT margin FROM customers) AS s
SELECT * FROM customers, (SELECT tenant FROM orders) AS s
SELECT 777000001 IN orders
SELECT * FROM products; SELECT * FROM salaries
SELECT * FROM products -- ; SELECT * FROM salaries
SELECT E'\\' || (SELECT 1) --'
SELECT $$ ' $$ || (SELECT count(*) FROM orders) || ' '
SELECT id -> '$."x''y"' FROM orders
SELECT EXTRACT('x'' FROM salaries --' FROM paid_on) FROM orders
SELECT * FROM orders LIMIT (SELECT count(*) FROM salaries)
SELECT * FROM orders ORDER BY (SELECT max(amount) FROM salaries)
VALUES ((SELECT max(amount) FROM salaries))
INSERT INTO products SELECT * FROM salaries
SELECT * INTO copied FROM salaries
EXPLAIN SELECT * FROM salaries
SELECT * FROM salarie
SELECT frist FROM orders
SELECT t2s_t.margin FROM orders
SELECT * FROM t2s_v
SELECT * FROM t2s_place_1
SELECT * FROM t2s_cte_1
""".strip().splitlines()


@pytest.fixture(scope="module", params=ENGINES)
def doors(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    with opened_worlds(request, folder) as databases, Executor() as executor:
        yield doors_of(databases, executor)


def answered(door, sql: str) -> Execution:
    return door.execute(sql, timeout=2.0, max_rows=2_000, as_of=DAY)


def same(first: Execution, second: Execution) -> bool:
    """Compare what two databases say; of a result that was cut only the head is known.

    Which of the user's own rows an error meets first depends on the plan.
    """
    if "timeout" in (first.error_kind, second.error_kind):
        return True
    if first.truncated or second.truncated:
        return first.columns == second.columns and first.truncated == second.truncated
    rows = [sorted(map(repr, ran.rows)) for ran in (first, second)]
    errors = [ran.error and VALUES.sub("?", ran.error) for ran in (first, second)]
    return first.columns == second.columns and rows[0] == rows[1] and errors[0] == errors[1]


@pytest.mark.parametrize("sql", ATTEMPTS)
def test_no_attempt_tells_the_two_databases_apart(doors, sql):
    first, second = (answered(door, sql) for door in doors)
    assert same(first, second), doors[0].rewrite(sql).sql
    assert not holds_canary((first.rows, first.error, second.rows, second.error))


def test_no_random_query_tells_the_two_databases_apart(doors):
    view = doors[0].view
    whole = read_schema(doors[0].database, name="world")
    checkers = [Checker(schema, dialect=view.dialect) for schema in (view.schema, whole)]
    chance, ran = random.Random(17), 0
    for number in range(60):
        sql = walk(checkers[number % 3 == 2], chance, length=chance.choice((8, 16, 30))).text
        if "random" in sql or "uuid" in sql:
            continue
        first, second = (answered(door, sql) for door in doors)
        assert same(first, second) and not holds_canary((first.rows, first.error)), sql
        ran += first.error is None
    assert ran > 25


def test_what_is_seen_is_seen(doors):
    ran = answered(doors[0], "SELECT count(*), count(note), min(card), max(tenant) FROM orders")
    assert ran.rows == [(24, 0, "***", 1)]
    big = answered(doors[0], "SELECT count(*), count(note) FROM big_orders")
    counted = answered(doors[0], "SELECT count(*), 0 FROM orders WHERE total > 40")
    assert big.rows == counted.rows and big.rows[0][0] > 0


def test_both_users_have_the_same_view_of_both_databases(doors):
    first, second = doors
    assert first.view.schema == second.view.schema and first.view.key == second.view.key
    assert {table.name for table in first.view.schema.tables} == {
        *("products", "orders", "customers", "big_orders", "order_names")
    }
