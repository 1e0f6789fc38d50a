"""Text whose SELECTs begin with FROM becomes ordinary SQL, and the other way round."""

import random

import pytest

from text2sql.data.catalog import find_dataset
from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.rewriting import to_from_first, to_sql
from text2sql.decoding.checking.walking import walk
from text2sql.decoding.verification import verify
from text2sql.execution import Executor
from text2sql.samples import NAMES
from text2sql.schema import canonicalise, read_schema

REWRITTEN = [
    ("FROM orders SELECT *", "SELECT * FROM orders"),
    (
        "FROM orders AS T1 SELECT T1.status WHERE T1.coupon = 'a' GROUP BY 1;",
        "SELECT T1.status FROM orders AS T1 WHERE T1.coupon = 'a' GROUP BY 1;",
    ),
    (
        "FROM (FROM orders SELECT status) AS x SELECT x.status, (FROM refunds SELECT 1) LIMIT 3",
        "SELECT x.status, (SELECT 1 FROM refunds) FROM (SELECT status FROM orders) AS x LIMIT 3",
    ),
    (
        "WITH x AS (FROM orders SELECT 1 AS a) FROM x SELECT a UNION FROM x SELECT a ORDER BY 1",
        "WITH x AS (SELECT 1 AS a FROM orders) SELECT a FROM x UNION SELECT a FROM x ORDER BY 1",
    ),
    ("SELECT (FROM orders SELECT max(status))", "SELECT (SELECT max(status) FROM orders)"),
    (
        "FROM orders -- all of them\nSELECT status WHERE status IN (FROM orders SELECT coupon)",
        "SELECT status -- all of them\nFROM orders WHERE status IN (SELECT coupon FROM orders)",
    ),
    (
        "FROM orders\n\n  SELECT status,  'FROM x SELECT y'  ORDER BY 1",
        "SELECT status,  'FROM x SELECT y' FROM orders  ORDER BY 1",
    ),
]


def checkers(path):
    schema = read_schema(path)
    return Checker(schema), Checker(schema, order="from-first")


@pytest.fixture(scope="module")
def both(samples):
    return checkers(samples / "database" / "shop" / "shop.sqlite")


@pytest.mark.parametrize(("text", "sql"), REWRITTEN)
def test_from_moves_behind_the_list_of_its_own_select(both, text, sql):
    plain, first = both

    assert first.to_sql(text) == sql
    assert plain.accepts(sql) and to_sql(plain, sql) == sql


def test_a_text_that_is_not_accepted_is_not_rewritten(both):
    with pytest.raises(ValueError, match="does not accept"):
        to_sql(both[1], "FROM orders SELECT nothing")
    with pytest.raises(ValueError, match="does not accept"):
        to_from_first(both[0], "SELECT nothing FROM orders")


@pytest.mark.parametrize("name", NAMES)
def test_random_texts_become_sql_that_checker_and_engine_accept(samples, name):
    path = samples / "database" / name / f"{name}.sqlite"
    plain, first = checkers(path)
    chance = random.Random(name)

    with Executor(path) as executor:
        for _ in range(20):
            found = walk(first, chance, length=7)
            sql = first.to_sql(found.text)
            judged = verify(canonicalise(sql, first.schema), first.schema, explain=executor.explain)
            assert judged.valid and plain.accepts(sql), (found.text, sql, judged.fault)


@pytest.mark.parametrize("split", ["train", "dev_in_domain"])
def test_gold_of_the_samples_survives_the_way_there_and_back(split):
    dataset = find_dataset("samples", split=split)
    known = {name: checkers(dataset.database(name)) for name in {e.db_id for e in dataset.examples}}

    for example in dataset.examples[:150]:
        plain, first = known[example.db_id]
        for sql in example.queries:
            text = to_from_first(plain, sql)
            assert first.accepts(text) and first.to_sql(text) == sql


def test_gold_of_spider_survives_the_way_there_and_back(spider):
    dataset = find_dataset("spider", split="dev", data_root=spider.parent)
    known = {}

    for example in dataset.examples[::4][:300]:
        schema = dataset.schema(example.db_id)
        if example.db_id not in known:
            known[example.db_id] = Checker(schema), Checker(schema, order="from-first")
        plain, first = known[example.db_id]
        text = to_from_first(plain, example.queries[0])
        assert first.accepts(text) and not text.upper().startswith("SELECT")
        assert first.to_sql(text).split() == example.queries[0].split()


def test_numbers_that_touch_a_keyword_or_are_hexadecimal_are_read(shop):
    first = Checker(read_schema(shop), order="from-first")
    for text in ("FROM orders SELECT.5", "FROM orders SELECT 0xE WHERE NOT.0 = 0x1f GROUP BY.7"):
        assert "SELECT" in first.to_sql(text)
    assert first.to_sql("FROM orders SELECT.5 WHERE.12") == "SELECT.5 FROM orders WHERE.12"
