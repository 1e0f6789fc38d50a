"""Verification: each layer, the words in which it complains, and candidates in order."""

import pytest

from text2sql import read_schema
from text2sql.bases import find_base
from text2sql.decoding.candidates import judge
from text2sql.decoding.selection import first
from text2sql.decoding.verification import verify
from text2sql.execution import Executor


@pytest.fixture(scope="module")
def schema(samples):
    return read_schema(samples / "database" / "shop" / "shop.sqlite")


@pytest.fixture(scope="module")
def explain(samples):
    with Executor(samples / "database" / "shop" / "shop.sqlite") as executor:
        yield executor.explain


@pytest.mark.parametrize(
    ("sql", "layer", "words"),
    [
        ("", "parse", "there is no SQL"),
        ("SELECT FROM WHERE", "parse", ""),
        ('SELECT date("") FROM orders', "parse", ""),  # sqlglot raises what is no error of its own
        ("SELECT 1; SELECT 2", "parse", "2 statements instead of one"),
        ("DROP TABLE customers", "parse", "DROP is not a query"),
        (
            "SELECT name FROM custmers",
            "tables",
            "no table 'custmers' in database 'shop' (did you mean 'customers'?",
        ),
        ("SELECT nam FROM customers", "columns", "no column 'nam' (did you mean 'name'?"),
        (
            "SELECT c.nam FROM customers c",
            "columns",
            "no column 'nam' in table 'customers' (did you mean 'name'?",
        ),
        ("SELECT x.name FROM customers c", "columns", "no table or alias 'x' in FROM"),
        (
            "SELECT name FROM customers WHERE customer_id IN (SELECT custmer_id FROM orders)",
            "columns",
            "'custmer_id'",
        ),
        (
            "SELECT name, count(*) FROM customers WHERE count(*) > 1",
            "engine",
            "misuse of aggregate",
        ),
        ("(" * 3000 + "SELECT 1" + ")" * 3000, "parse", "nested too deeply"),
        ("SELECT '" + "x" * 20_000 + "'", "parse", "at most 20,000 are read"),
    ],
)
def test_the_first_fault_is_named(sql, layer, words, schema, explain):
    verification = verify(sql, schema, explain=explain)

    assert not verification.valid and verification.fault.layer == layer
    assert words in verification.fault.message and "\n" not in verification.fault.message
    reached = list(verification.layers)[: list(verification.layers).index(layer) + 1]
    assert [verification.layers[name] for name in reached] == [True] * (len(reached) - 1) + [False]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM customers",
        "SELECT NAME FROM Customers ORDER BY Signed_Up_On DESC LIMIT 1",
        "WITH b AS (SELECT customer_id, count(*) AS n FROM orders GROUP BY 1) SELECT max(n) FROM b",
        "SELECT tier AS t, count(*) FROM customers GROUP BY t HAVING count(*) > 3 ORDER BY t",
        (
            "SELECT name FROM customers c"
            " WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.customer_id)"
        ),
        "SELECT d.n FROM (SELECT count(*) AS n FROM orders) AS d",
        "SELECT name FROM customers UNION SELECT name FROM products",
        "SELECT name, rank() OVER (ORDER BY price DESC) FROM products",
    ],
)
def test_what_the_engine_runs_is_valid(sql, schema, explain):
    verification = verify(sql, schema, explain=explain)

    assert verification.valid, verification.fault
    assert set(verification.layers.values()) == {True}


def test_without_an_engine_its_layer_is_not_reached(schema):
    assert verify("SELECT 1", schema).layers["engine"] is None


def test_the_first_candidate_that_passes_is_taken_and_every_verdict_kept(schema, explain):
    texts = ["SELECT nam FROM customers", "```sql\nSELECT name FROM customers;\n```", "SELECT 1"]
    candidates = judge(texts, base=find_base("generic"), schema=schema, explain=explain)

    assert candidates[first(candidates, [])].sql == "SELECT name FROM customers"
    assert [candidate.valid for candidate in candidates] == [False, True, True]
    assert candidates[0].record()["fault"]["layer"] == "columns"


def test_the_first_candidate_is_taken_where_none_passes(schema, explain):
    candidates = judge(
        ["nonsense", "SELECT x"], base=find_base("generic"), schema=schema, explain=explain
    )

    assert first(candidates, []) == 0 and not candidates[0].valid


@pytest.mark.spider
def test_nearly_all_gold_of_spider_dev_is_valid(spider):
    from text2sql.data.catalog import find_dataset
    from text2sql.schema import canonicalise

    dataset = find_dataset("spider", split="dev", data_root=spider.parent)
    with Executor(workers=2) as executor:
        faults = []
        for example in dataset.examples:
            database, own = dataset.database(example.db_id), dataset.schema(example.db_id)
            sql = canonicalise(example.query, own)
            verification = verify(
                sql, own, explain=lambda text, d=database: executor.explain(text, d)
            )
            faults += [] if verification.valid else [(example.index, verification.fault)]

    assert not faults, faults
