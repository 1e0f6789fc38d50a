"""The benchmarks of the checker: their oracle, mutants and schemas, and what they count."""

import json
import sqlite3
import sys
from argparse import Namespace
from collections import Counter
from contextlib import closing
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from text2sql.data.catalog import find_dataset
from text2sql.decoding.checking import Checker
from text2sql.decoding.verification import verify
from text2sql.execution import Executor
from text2sql.schema import canonicalise, read_schema
from text2sql.schema.model import Schema

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import checker_coverage
import checker_fuzz
from checker import mutating, statements, wide_schemas
from checker.oracle import open_oracle
from checker.servers import private_database

JOINED = (
    "SELECT DISTINCT c.name, count(*) AS n FROM orders AS o JOIN customers AS c"
    " ON o.customer_id = c.customer_id WHERE o.status = 'paid' AND o.order_id IN"
    " (SELECT order_id FROM order_items) GROUP BY c.name HAVING count(*) > 1"
    " UNION ALL SELECT name, 1 FROM products ORDER BY 1 LIMIT 3"
)

NESTED = (
    "SELECT name FROM customers AS c WHERE EXISTS (SELECT 1 FROM orders AS o"
    " WHERE o.customer_id = c.customer_id AND o.status = 'paid') ORDER BY name"
)


@pytest.fixture(scope="module")
def shop_schema(samples: Path) -> Schema:
    return read_schema(samples / "database" / "shop" / "shop.sqlite")


class Scripted:
    """A checker that accepts what a function says."""

    def __init__(self, accepts, start: bytes = b"") -> None:
        self.accepts, self.start = accepts, start

    def explain(self, sql: str) -> str:
        return "no"

    def to_sql(self, text: str) -> str:
        return text

    def step(self, state: bytes, text: bytes) -> bytes | None:
        return state + text if len(state) < 30 else None

    def completion(self, state: bytes) -> bytes:
        return b""


def test_the_oracle_says_what_the_kit_says_itself(shop: Path, shop_schema: Schema) -> None:
    texts = [m for _, m in islice(mutating.mutants(NESTED, shop_schema, Random(5)), 150)]
    with open_oracle(shop_schema) as oracle, Executor(workers=1) as executor:
        ours = [oracle.fault(sql) is None for sql in texts]
        kits = [
            verify(
                canonicalise(sql, shop_schema),
                shop_schema,
                explain=lambda text: executor.explain(text, shop),
            ).valid
            for sql in texts
        ]
    assert ours == kits
    assert 10 < sum(ours) < 140


def test_the_oracle_names_the_layer(shop_schema: Schema) -> None:
    with open_oracle(shop_schema) as oracle:
        layers = {
            "SELECT FROM": "parse",
            "SELECT 1 FROM custmers": "tables",
            "SELECT nme FROM customers": "columns",
            "SELECT sum(count(*)) FROM customers": "engine",
            "SELECT load_extension('x') FROM customers": "engine",
        }
        for sql, layer in layers.items():
            fault = oracle.fault(sql)
            assert fault is not None and fault.layer == layer, sql
        assert oracle.fault('SELECT name FROM customers WHERE name = "Ann" ;') is None


@pytest.mark.parametrize("kind", mutating.EDITS)
def test_every_kind_of_edit_changes_a_statement_that_has_a_place_for_it(
    kind: str, shop_schema: Schema
) -> None:
    found = [mutating.mutate(JOINED, shop_schema, Random(n), kind=kind) for n in range(20)]
    mutants = {mutant for mutant in found if mutant is not None}
    assert mutants and JOINED not in mutants


def test_mutants_are_distinct_and_the_same_for_the_same_seed(shop_schema: Schema) -> None:
    first, again = (
        list(islice(mutating.mutants(JOINED, shop_schema, Random(7)), 200)) for _ in range(2)
    )
    assert first == again
    assert len({mutant for _, mutant in first}) == 200


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_the_engine_takes_every_schema_that_is_walked_over(dialect: str) -> None:
    known = wide_schemas.schemas(dialect, 100)
    assert len(known) >= 100
    assert [len(list(schema.columns())) for schema in known[-2:]] == [500, 2000]
    assert any(table.name == "select" for schema in known for table in schema.tables)
    for schema in known[::12]:
        with open_oracle(schema) as oracle:
            assert oracle.fault("SELECT 1") is None


def test_odd_names_are_columns_of_the_engine() -> None:
    schema = next(s for s in wide_schemas.schemas("sqlite", 100) if s.name.startswith("odd"))
    table = schema.tables[0]
    with open_oracle(schema) as oracle:
        name, column = (part.replace('"', '""') for part in (table.name, table.columns[0].name))
        assert oracle.engine(f'SELECT "{name}"."{column}" FROM "{name}"') is None


def test_statements_of_a_file_find_scripts_and_databases(tmp_path: Path) -> None:
    lines = [{"db_id": name, "query": "SELECT a FROM t"} for name in ("script", "file")]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "script.sql").write_text("CREATE TABLE t (a INTEGER);")
    with closing(sqlite3.connect(tmp_path / "file.sqlite")) as connection:
        connection.execute("CREATE TABLE t (a, b)")
    found = statements.from_files(tmp_path / "mine.jsonl", tmp_path, dialect="sqlite")
    sources = {db_id: found.source(db_id) for db_id, _ in found.by_database(None)}
    assert len(sources["script"].schema.tables[0].columns) == 1
    assert len(sources["file"].schema.tables[0].columns) == 2
    with open_oracle(sources["script"].schema, script=sources["script"].script) as oracle:
        assert oracle.fault("SELECT a FROM t") is None


def test_spider_has_all_its_statements(data_root: Path) -> None:
    assert len(statements.spider("dev", data_root).statements) == 1034


def test_the_gold_of_the_samples_is_fine_on_duckdb() -> None:
    dataset = find_dataset("samples-duckdb", split="train")
    examples = [example for example in dataset.examples if example.db_id == "shop"]
    with open_oracle(dataset.schema("shop")) as oracle:
        assert [e.query for e in examples if oracle.fault(e.query)] == []


def test_a_schema_stands_on_a_server_of_postgresql(postgres_url: str) -> None:
    schema = wide_schemas.table_named_select("postgres")
    with private_database(postgres_url) as url, open_oracle(schema, server=url) as oracle:
        assert oracle.fault('SELECT "where" FROM "select" WHERE id = 1') is None
        fault = oracle.fault("SELECT id + 'a b' FROM plain")
        assert fault is not None and fault.layer == "engine"


def test_coverage_counts_what_a_checker_gets_wrong(shop_schema: Schema) -> None:
    with open_oracle(shop_schema) as oracle:
        yes = trial(Scripted(lambda sql: True), oracle)
        no = trial(Scripted(lambda sql: False), oracle)
        crash = trial(Scripted(lambda sql: 1 / 0), oracle)
    assert (yes["accepted"], yes["total"], yes["excluded"]) == (1, 1, 1)
    assert yes["accepted_but_refused_by_oracle"] == yes["gold_accepted_but_refused"] == 1
    assert (no["accepted"], no["refused_but_fine"]) == (0, 1)
    assert crash["crashes"] == 4


def trial(checker: Scripted, oracle) -> Counter[str]:
    found = checker_coverage.Trial(checker, oracle, "shop", checker_coverage.Outcome())
    found.gold("SELECT name FROM customers")
    found.gold("SELECT nme FROM customers")
    found.mutant("column_misspelt", "SELECT nam FROM customers")
    found.mutant("case_changed", "SELECT NAME FROM customers")
    return found.outcome.counts


def test_coverage_counts_dead_prefixes_and_bad_completions(shop_schema: Schema) -> None:
    with open_oracle(shop_schema) as oracle:
        found = checker_coverage.Trial(
            Scripted(lambda sql: True), oracle, "shop", checker_coverage.Outcome()
        )
        found.prefixes("SELECT name FROM customers")  # what this checker completes is the prefix
        found.prefixes("SELECT name, email FROM customers")
    counts = found.outcome.counts
    assert counts["completion_refused_by_oracle"] > 10
    assert counts["prefix_refused"] == 1


def test_shares_add_up() -> None:
    assert checker_coverage.shared_out(10, [1, 1, 1]) == [3, 3, 4]
    assert sum(checker_coverage.shared_out(9_999, [3, 1, 40, 7])) == 9_999


def test_fuzzing_counts_who_refused(shop_schema: Schema) -> None:
    with open_oracle(shop_schema) as oracle:
        found = checker_fuzz.Trial(Scripted(lambda sql: True), oracle, checker_fuzz.Outcome())
        for sql in ("SELECT FROM", "SELECT nme FROM customers", "SELECT sum(count(*)) FROM orders"):
            found.judge(sql, "")
        found.judge("SELECT load_extension('x')", "completion_")
    assert found.outcome.counts == {
        "engine_failures": 1,
        "sqlglot_failures": 2,
        "completion_gate_failures": 1,
    }


def test_fuzzing_judges_the_sql_that_a_text_stands_for(shop_schema: Schema) -> None:
    checker = Checker(shop_schema, order="from-first")
    with open_oracle(shop_schema) as oracle:
        found = checker_fuzz.Trial(checker, oracle, checker_fuzz.Outcome())
        found.judge("FROM customers SELECT name", "")
        found.judge("FROM customers SELECT nme", "")
    assert found.outcome.counts == {"not_rewritten": 1}


def test_failures_of_one_cause_are_one_group() -> None:
    failures = [
        {"what": "engine", "schema": "shop", "sql": name, "why": f"no such column: {name}"}
        for name in ("a", "b")
    ]
    assert [len(own) for _, own in checker_fuzz.grouped(failures)] == [2]


def test_a_walk_that_does_not_end_is_interrupted() -> None:
    with pytest.raises(checker_fuzz.Slow), checker_fuzz.deadline(1):
        while True:
            pass


def test_walks_are_shared_out_over_the_schemas() -> None:
    known = [wide_schemas.one_column("sqlite")] * 7
    options = Namespace(limit=24, seed=1, order="select-first", constraint="schema")
    [tasks] = checker_fuzz.divide(known, options, [None])
    assert sum(task.walks for task in tasks) == 24
    assert {task.walks for task in tasks} == {3, 4}
