"""What the checker says is wrong with a text: the words, the place, what was meant."""

import json
import random
import re

import odd_schema
import pytest
from typer.testing import CliRunner

from text2sql.cli import app
from text2sql.data.catalog import find_dataset
from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.faults import explain
from text2sql.schema import read_schema

# SQL with « before the first character of the fault; what is said of it; what was meant first
FAULTS = [
    ("SELECT name FROM «custmers", "no table 'custmers' (did you mean 'customers'?)", "customers"),
    ("SELECT T1.nme FROM «custmers AS T1", "no table 'custmers'", "customers"),
    ("SELECT «nme FROM customers", "no column 'nme' in customers (did you mean 'name'?)", "name"),
    ("SELECT T1.«nme FROM customers AS T1", "no column 'nme' in customers AS T1", "name"),
    ("SELECT name FROM customers AS T1 WHERE T1.«nme = 'x'", "in customers AS T1", "name"),
    ("SELECT name FROM customers WHERE «status = 'paid'", "customers; orders has it", None),
    ("SELECT name FROM (SELECT «nme FROM customers) AS x", "no column 'nme' in customers", "name"),
    ("SELECT x.«nme FROM (SELECT name FROM customers) AS x", "no column 'nme' in x", "name"),
    ("WITH x AS (SELECT name FROM customers) SELECT «nam FROM x", "no column 'nam' in x", "name"),
    ("SELECT «DISTNCT name FROM customers", "(did you mean 'DISTINCT'?)", "DISTINCT"),
    ("SELECT «order_id FROM orders AS T1 JOIN refunds AS T2", "is in both T1 and T2: say which",
     "T1.order_id"),
    ("SELECT status FROM orders, refunds WHERE «order_id = 1", "orders and refunds", None),
    ("SELECT «T3.name FROM customers AS T1", "no alias 'T3' in FROM", "T1"),
    ("SELECT name FROM customers AS T1 WHERE «customers.tier = 1", "customers goes by T1", "T1"),
    ("SELECT name FROM customers WHERE «orders.status = 1", "table 'orders' is not in FROM", None),
    ("SELECT 1 FROM orders JOIN refunds ON «products.price = 1 JOIN products", "so far", None),
    ("SELECT name FROM customers WHERE «customers = 3", "which of its columns?", None),
    ("SELECT «name WHERE 1", "FROM is missing: 'name' is a column of no table", None),
    ("SELECT *«", "FROM is missing: * has no table", None),
    ("SELECT price FROM products, «products", "FROM has 'products' twice", None),
    ("SELECT name FROM customers WHERE «sum(tier) > 3", "sum() is not allowed in WHERE", None),
    ("SELECT name FROM customers WHERE «max(tier) > 3", "max() is not allowed in WHERE", None),
    ("SELECT name FROM customers GROUP BY «count(*)", "not allowed in GROUP BY", None),
    ("SELECT count(*) AS k FROM customers WHERE «k > 3", "'k' stands for an aggregate", None),
    ("SELECT name FROM customers WHERE «rank() OVER () = 1", "window function rank()", None),
    ("SELECT rank() «FROM customers", "window function rank() needs OVER", None),
    ("SELECT upper(name) «FILTER (WHERE 1) FROM customers", "it takes no FILTER", None),
    ("SELECT sum(cost) OVER w FROM products«", "WINDOW must define w", None),
    ("SELECT name FROM customers «HAVING count(*) > 3", "HAVING needs GROUP BY", None),
    ("SELECT name FROM customers WHERE tier IN (SELECT name«, tier FROM customers)",
     "the subquery after IN must have one column, not two", None),
    ("SELECT name FROM customers WHERE tier = (SELECT * FROM «orders)", "one column, not 9", None),
    ("SELECT name, tier FROM customers UNION SELECT name, brand«, price FROM products",
     "UNION: 3 columns on the right, 2 on the left", None),
    ("SELECT name, tier FROM customers EXCEPT SELECT name «FROM products",
     "EXCEPT: 1 column on the right, 2 on the left", None),
    ("WITH x(a, b) AS (SELECT name FROM customers) SELECT a FROM «x", "WITH gives x names", None),
    ("SELECT name, tier, email FROM customers ORDER BY «5", "the list has 3 columns", None),
    ("SELECT name FROM customers UNION SELECT name FROM products ORDER BY «2", "1 column", None),
    ("SELECT name FROM customers UNION SELECT brand FROM products ORDER BY «price",
     "takes names of its columns: no 'price'", None),
    ("SELECT «substr(name) FROM customers", "substr takes 2 or 3 arguments, not 1", None),
    ("SELECT «substr(name, 1, 2, 3) FROM customers", "2 or 3 arguments, not 4", None),
    ("SELECT count(DISTINCT name«, tier) FROM customers", "takes one argument", None),
    ("SELECT upper(«*) FROM customers", "only count(*) takes a star", None),
    ("SELECT «cont(name) FROM customers", "no function 'cont' (did you mean 'count'?)", "count"),
    ("SELECT status FROM orders JOIN refunds USING («ordr_id)", "USING needs a column", "order_id"),
    ("SELECT name «FORM customers", "expected FROM, AS", "FROM"),
    ("SELECT name FROM customers «WHRE tier = 'gold'", "expected WHERE", "WHERE"),
    ("«SELCT name FROM customers", "found 'SELCT' (did you mean 'SELECT'?)", "SELECT"),
    ("«DELETE FROM customers", "a query begins with SELECT, WITH or VALUES, not 'DELETE'", None),
    ("SELECT name FROM customers; «DROP TABLE customers", "one query only", None),
    ("SELECT tier FROM customers GROUP BY tier «WHERE 1", "WHERE stands before GROUP BY", None),
    ("SELECT tier FROM customers WHERE 1 «WHERE 1", "WHERE stands twice", None),
    ("SELECT tier FROM customers ORDER BY tier «UNION SELECT 1", "the last SELECT of UNION", None),
    ("SELECT name, «FROM customers", "expected a value or * here, found 'FROM'", None),
    ("SELECT name FROM customers WHERE«", "the text ends too early: expected a value", None),
    ("SELECT name FROM«", "the text ends too early: expected a table", None),
    ("SELECT count(*«", "the text ends too early: expected )", None),
    ("SELECT «'abc FROM customers", "the string that begins here is not closed", None),
    ("SELECT «\"abc FROM customers", "the quoted name that begins here is not closed", None),
    ("SELECT 1 «/* why", "the comment that begins here is not closed", None),
    ("SELECT 1«a FROM customers", "a space is missing before it", None),
    ("SELECT 1 «\ud800", "is no character of SQL", None),
    ("SELECT (name, tier)«, 1 FROM customers", "a row of values stands before IN", None),
    ("SELECT T1.* «+ 1 FROM customers AS T1", "T1.* stands alone", None),
    ("SELECT name FROM customers WHERE tier IN (1, «VALUES (1))", "found 'VALUES'", None),
    ("«", "there is no SQL", None),
]  # fmt: skip


@pytest.fixture(scope="module")
def checker(samples):
    return Checker(read_schema(samples / "database" / "shop" / "shop.sqlite"))


@pytest.mark.parametrize(("marked", "said", "meant"), FAULTS)
def test_a_fault_is_named_at_its_place_with_what_was_meant(checker, marked, said, meant):
    sql, position = marked.replace("«", ""), marked.index("«")

    fault = explain(checker, sql)

    assert fault is not None and said in fault.message
    assert meant is None or fault.suggestions[0] == meant
    assert fault.position == position and sql.startswith(fault.found, position)


def test_a_fault_before_from_is_found_in_the_select_that_has_it(checker):
    sql = "SELECT tier, (SELECT tier FROM orders WHERE tier = 1) FROM products"

    fault = explain(checker, sql)

    assert "no column 'tier' in products" in fault.message
    assert fault.position == sql.index("tier")


def test_what_is_accepted_has_no_fault(checker):
    assert explain(checker, "SELECT name FROM customers WHERE tier = 'gold' -- fine\n;") is None


def test_a_keyword_as_a_name_is_shown_in_quotes(tmp_path):
    odd = Checker(read_schema(odd_schema.build("sqlite", tmp_path / "odd.sqlite")))

    assert odd.explain("SELECT id FROM order").suggestions == ("`order`",)
    assert "needs quotes, `select`" in odd.explain('SELECT select FROM "Mixed Case"').message
    assert odd.explain("SELECT [Total Amont] FROM [order]").suggestions[0] == "Total Amount"


def test_every_beginning_of_a_query_has_a_fault_at_its_place(checker):
    sql = (
        "SELECT T1.name, count(*) FROM customers AS T1 JOIN orders AS T2 USING (customer_id) GROUP"
    )

    for end in range(len(sql)):
        fault = explain(checker, sql[:end])
        assert fault is None or sql[:end].startswith(fault.found, fault.position), sql[:end]
        assert fault is None or re.match(r"\S.*[^ :]$", fault.message), fault


def test_a_broken_text_always_has_a_fault_within_it(checker):
    gold = [e.query for e in find_dataset("samples", split="train").examples if e.db_id == "shop"]
    chance = random.Random(1)

    for sql in gold[:40] * 3:
        start = chance.randrange(len(sql))
        broken = sql[:start] + chance.choice("x'(,.* ") + sql[start + chance.randint(0, 6) :]
        fault = explain(checker, broken)
        assert (fault is None) == checker.accepts(broken)
        assert fault is None or broken.startswith(fault.found, fault.position)


def test_a_text_that_begins_with_from_is_explained_too(samples):
    schema = read_schema(samples / "database" / "shop" / "shop.sqlite")
    checker = Checker(schema, order="from-first")

    assert checker.explain("FROM customers SELECT nme").suggestions[0] == "name"
    assert "found 'SELECT'" in checker.explain("FROM SELECT name").message
    assert "no column 'name'" in checker.explain("SELECT name FROM customers").message


def test_a_strict_dialect_says_that_types_and_groups_do_not_fit(samples):
    schema = read_schema(samples / "database" / "shop" / "shop.duckdb")
    checker = Checker(schema, dialect="duckdb")

    assert "sum() does not take" in checker.explain("SELECT sum(name) FROM customers").message
    assert "the types do not fit" in checker.explain("SELECT -name FROM customers").message
    ungrouped = checker.explain("SELECT tier, name FROM customers GROUP BY tier")
    assert ungrouped.found == "name" and "must be in GROUP BY" in ungrouped.message


def test_a_literal_that_the_column_does_not_hold_is_named(checker):
    held = {"tier": ["gold", "silver"]}
    strict = Checker(checker.schema, values=lambda table, column: held.get(column))

    fault = strict.explain("SELECT name FROM customers WHERE tier = 'golf'")

    assert fault.message == "no value 'golf' in customers.tier (did you mean 'gold'?)"
    assert fault.found == "'golf'" and fault.position == 40


def test_a_name_that_no_table_has_is_explained_by_the_from_behind_it(checker):
    strict = Checker(checker.schema, invented=False)

    assert "no column 'nme' in customers" in strict.explain("SELECT nme FROM customers").message
    derived = "SELECT avg(n) FROM (SELECT count(*) AS n FROM customers)"
    assert "no table has a column 'n'" in strict.explain(derived).message
    qualified = derived.replace("avg(n)", "x.n, avg(x.n)") + " AS x"
    assert "no table has a column 'n'" in strict.explain(qualified).message
    long = "SELECT buyers.name FROM (SELECT name FROM customers) AS buyers"
    assert "'buyers' is no table, nor as short as an alias" in strict.explain(long).message


def test_a_misspelt_type_is_one_to_sqlite_and_to_the_checker_of_a_model_a_fault(checker):
    sql = "SELECT CAST(name AS intger) FROM customers"
    fault = Checker(checker.schema, invented=False).explain(sql)
    assert checker.accepts(sql) and fault.suggestions[0] == "integer"
    assert "no type 'intger'" in fault.message and fault.position == sql.index("intger")


def validate(sql, shop, *options):
    return CliRunner().invoke(app, ["validate", sql, "-d", str(shop), *options])


def test_validate_points_at_the_fault(shop):
    result = validate("SELECT name\nFROM customers WHERE '王' = nam", shop)

    assert result.exit_code == 1
    first, line, caret = result.stdout.splitlines()
    assert first == "not valid: no column 'nam' in customers (did you mean 'name'?)"
    assert line == "  FROM customers WHERE '王' = nam" and caret == " " * 30 + "^"


def test_validate_gives_programs_the_place_and_what_was_meant(shop):
    verdict = json.loads(validate("SELECT nam FROM customers", shop, "--json").stdout)

    assert verdict["fault"]["layer"] == "columns" and verdict["layers"]["parse"] is True
    assert verdict["fault"]["position"] == 7 and verdict["fault"]["suggestions"] == ["name"]


def test_validate_calls_valid_what_only_the_checker_refuses(shop):
    result = validate("SELECT CAST(name AS widget) FROM customers", shop)

    assert result.exit_code == 0 and result.stdout == "valid\n"
    assert "does not write this" in result.stderr
