"""Which names and positions ORDER BY and GROUP BY may take, as SQLite and sqlglot both see them."""

import pytest

from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.rewriting import to_from_first
from text2sql.decoding.verification import verify
from text2sql.execution import Executor
from text2sql.schema import canonicalise, read_schema

CUSTOMERS = "customers AS c JOIN orders AS o ON c.customer_id = o.customer_id"
TWICE = "(SELECT c.customer_id, o.customer_id FROM customers AS c, orders AS o) AS k"
UNNAMED = "(SELECT max(ordered_at) FROM orders)"

# SQLite finds an alias, what `*` shows, or what the name alone means in the FROM of some SELECT.
FOUND = [
    f"SELECT c.name FROM {CUSTOMERS} UNION SELECT status FROM orders ORDER BY name",
    f"SELECT o.customer_id AS customer_id FROM {CUSTOMERS} UNION SELECT 1 ORDER BY customer_id",
    f"SELECT o.customer_id FROM {CUSTOMERS} UNION SELECT customer_id FROM orders"
    " ORDER BY customer_id",
    "SELECT 1 UNION SELECT name FROM customers ORDER BY name",
    "SELECT o.* FROM customers, orders AS o EXCEPT SELECT * FROM orders ORDER BY customer_id",
    "SELECT c.customer_id FROM customers AS c JOIN orders AS o USING (customer_id)"
    " UNION SELECT 1 ORDER BY customer_id",
]
LOST = [
    f"SELECT o.customer_id FROM {CUSTOMERS} UNION SELECT 1 ORDER BY customer_id",
    "SELECT o.customer_id FROM customers AS c JOIN orders AS o USING (customer_id)"
    " UNION SELECT 1 ORDER BY customer_id",
    "SELECT c.customer_id FROM customers AS c RIGHT JOIN orders AS o USING (customer_id)"
    " EXCEPT SELECT 1 ORDER BY customer_id",
    "SELECT 1 FROM customers AS c WHERE EXISTS"
    " (SELECT c.name FROM products INTERSECT SELECT 'a' ORDER BY name)",
]
# A subquery without an alias is no item that sqlglot counts; nor is what follows a star that stays.
COUNTED = [
    f"SELECT {UNNAMED} AS latest FROM products ORDER BY 1",
    f"SELECT {UNNAMED}, brand FROM products ORDER BY 2",
    f"SELECT {UNNAMED} || brand FROM products GROUP BY 1 ORDER BY 1",
    f"SELECT -{UNNAMED}, {UNNAMED} IS NULL, {UNNAMED} COLLATE NOCASE ORDER BY 1, 2, 3",
    f"SELECT 3, k.* FROM {TWICE} ORDER BY 1",
    "SELECT * FROM customers, orders ORDER BY 12",
]
UNCOUNTED = [
    f"SELECT {UNNAMED} FROM products ORDER BY 1",
    f"SELECT brand, (+{UNNAMED}) FROM products GROUP BY 2",
    f"SELECT {UNNAMED} UNION SELECT 1 ORDER BY 1",
    f"SELECT k.*, 3 AS three FROM {TWICE} ORDER BY 3",
    f"SELECT 3, k.* FROM {TWICE} ORDER BY 2",
]


@pytest.fixture(scope="module")
def checker(samples):
    return Checker(read_schema(samples / "database" / "shop" / "shop.sqlite"))


@pytest.mark.parametrize("sql", FOUND + COUNTED)
def test_what_sqlite_and_sqlglot_find_may_sort(checker, shop, sql):
    with Executor(shop) as executor:
        assert verify(sql, checker.schema, explain=executor.explain).valid
    assert checker.accepts(sql)


@pytest.mark.parametrize("sql", LOST + UNCOUNTED)
def test_what_one_of_them_does_not_find_may_not(checker, shop, sql):
    with Executor(shop) as executor:
        assert not verify(sql, checker.schema, explain=executor.explain).valid
    assert not checker.accepts(sql)


def test_a_set_operation_without_a_name_or_position_is_not_sorted(checker):
    sql = f"SELECT {UNNAMED} UNION SELECT 1"
    assert checker.accepts(sql) and not checker.prefix_ok(f"{sql} ORDER ")
    assert checker.prefix_ok(f"{sql} UNION SELECT name FROM customers ORDER BY na")


def test_a_completion_counts_the_first_column_that_has_a_position(checker):
    sql = f"SELECT {UNNAMED}, 3 UNION SELECT 1, 2 ORDER BY "
    assert checker.complete(sql) == f"{sql}2"
    assert checker.complete(f"SELECT {UNNAMED} ORDER BY 1").startswith(
        f"SELECT {UNNAMED} ORDER BY 1 "
    )


def test_a_position_that_only_an_alias_would_give_says_so(checker):
    fault = checker.explain(f"SELECT {UNNAMED} FROM products ORDER BY 1")
    assert fault.message.endswith("that column has no name of its own: give it an alias")


def test_behind_its_from_a_list_sorts_by_the_same_names(samples):
    behind = Checker(read_schema(samples / "database" / "shop" / "shop.sqlite"), order="from-first")
    sql = f"FROM {CUSTOMERS} SELECT o.{{0}} UNION SELECT 1 ORDER BY {{0}}"
    assert behind.accepts(sql.format("status"))
    assert not behind.accepts(sql.format("customer_id"))
    assert behind.accepts("FROM customers, orders SELECT * ORDER BY 12")


def test_a_string_in_double_quotes_names_a_column_of_a_derived_table_as_sqlite_has_it(shop):
    checker = Checker(read_schema(shop))
    first = Checker(checker.schema, order="from-first")
    held = '(SELECT "no name" FROM customers)'
    fine = (
        f"SELECT `no name` FROM {held}",
        f"SELECT a.`no name` FROM {held} AS a, (SELECT 1 AS `no name`) AS b",
        f"SELECT 1 FROM {held} NATURAL JOIN (SELECT 1 AS `no name`)",
        'WITH a AS (SELECT "no name") SELECT a.`no name` FROM a JOIN (SELECT 1 AS `no name`) AS b'
        " USING (`no name`)",
    )
    twice = f"SELECT `no name` FROM {held}, (SELECT 1 AS `no name`) AS b"
    with Executor(shop) as executor:
        for sql in fine:
            canonical = canonicalise(sql, checker.schema)
            assert checker.accepts(sql) and first.accepts(to_from_first(checker, sql))
            assert executor.execute(canonical).rows == executor.execute(sql).rows
        assert "ambiguous" in str(executor.explain(twice).error) and not checker.accepts(twice)
    assert not checker.accepts('SELECT "no name" FROM customers UNION SELECT 1 ORDER BY `no name`')


def test_no_from_that_comes_later_makes_a_column_of_a_string_in_double_quotes(shop):
    """SQLite looks for it in all queries around, those of which only the list is read too."""
    checker = Checker(read_schema(shop))
    inner = 'EXISTS (WITH w AS (SELECT "no name" > 1 FROM orders) SELECT 1)'
    begun = f"SELECT {inner} FROM (SELECT 1 AS"
    assert checker.accepts(f"{begun} other)") and not checker.prefix_ok(f"{begun} `no name`,")
    assert not checker.prefix_ok(f"SELECT {inner}, `no name` FROM")
    assert not checker.prefix_ok(f"SELECT `no name`, {inner} ")
    joined = f"SELECT 1 FROM orders JOIN refunds ON {inner} JOIN (SELECT 1 AS"
    assert checker.accepts(f"{joined} other)") and not checker.prefix_ok(f"{joined} `no name`)")
    for text in (begun, joined):
        assert checker.accepts(checker.complete(text))


def test_a_string_in_a_clause_that_sees_nothing_around_is_none_where_sqlite_sees_a_column(shop):
    checker = Checker(read_schema(shop))
    for clause in ('WINDOW w AS (ORDER BY "{}")', 'ORDER BY "{}"', 'GROUP BY "{}"'):
        sql = f"SELECT 1 FROM orders WHERE EXISTS (SELECT 1 FROM products {clause})"
        assert checker.accepts(sql.format("no name")) and not checker.accepts(sql.format("status"))
        nested = sql.format("{}").replace('"{}"', 'name IN (SELECT "{}")')
        assert checker.accepts(nested.format("no name"))
        assert not checker.accepts(nested.format("status"))


def test_what_the_list_still_owes_is_no_string_in_on(shop):
    checker = Checker(read_schema(shop))
    inner = 'EXISTS (SELECT 1 WHERE "{}" > 1)'
    begun = "SELECT total FROM orders JOIN refunds ON "
    assert checker.accepts(f"{begun}{inner.format('other')}, (SELECT 1 AS total)")
    assert not checker.prefix_ok(begun + inner.format("total"))


def test_a_string_in_a_subquery_is_none_where_an_item_around_has_its_name(shop):
    checker = Checker(read_schema(shop))
    inner = '(SELECT avg("no name") FROM products)'
    named = "SELECT tier, count(*) AS `no name` FROM customers GROUP BY tier"
    assert not checker.accepts(f"{named} HAVING count(*) > {inner}")
    assert checker.accepts(f"{named.replace('`no name`', 'other')} HAVING count(*) > {inner}")
    assert checker.accepts(f"SELECT {inner}, count(*) AS `no name` FROM customers")
    assert checker.accepts(checker.complete(f"{named} HAVING count(*) > (SELECT avg("))


@pytest.mark.parametrize("name", ["rowid", "oid", "_rowid_", "ROWID"])
def test_no_string_in_double_quotes_is_called_as_a_row_number(shop, name):
    """Which sources have one depends on SQLite's version; sqlglot finds none."""
    checker = Checker(read_schema(shop))
    for sql in ('SELECT name FROM customers WHERE tier = "{}"', 'SELECT "{}"'):
        assert not checker.accepts(sql.format(name))
        assert checker.accepts(sql.format(f"{name}s"))
        assert checker.accepts(checker.complete(sql.format(name)[:-1]))


def test_a_name_from_around_is_not_that_of_an_item_with_a_subquery(shop):
    """sqlglot puts the item in its place, and loses the columns of the subquery."""
    checker = Checker(read_schema(shop))
    first = Checker(checker.schema, order="from-first")
    begun = "SELECT EXISTS (SELECT (SELECT name) AS s, s"
    around = "FROM (SELECT 1 AS name, 1 AS s)"
    assert verify(f"{begun}) {around}", checker.schema).fault is not None
    assert not checker.accepts(f"{begun}) {around}")
    assert not first.accepts(f"{around} {begun})")
    within = (
        "SELECT EXISTS (SELECT NOT EXISTS (SELECT name) AS s FROM orders WHERE (s, 1) = (1, 2))"
    )
    assert verify(f"{within} {around}", checker.schema).fault is not None
    assert not checker.accepts(f"{within} {around}")
    assert checker.accepts(f"{begun} FROM (SELECT 1 AS s)) {around}")
    assert checker.accepts(checker.complete(begun))
    assert checker.accepts(f"{begun}1) FROM (SELECT 1 AS name, 1 AS s1)")


def test_what_sorts_a_set_operation_in_a_subquery_is_no_name_of_a_from_to_come(shop):
    checker = Checker(read_schema(shop))
    begun = "SELECT EXISTS (SELECT status FROM orders INTERSECT SELECT 1 ORDER BY "
    assert not checker.prefix_ok(f"{begun}x")
    assert not checker.prefix_ok(f"{begun}LIM")
    assert checker.accepts(checker.complete(f"{begun}st"))
