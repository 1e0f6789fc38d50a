"""The Lark grammar for servers, read by llguidance where that is installed."""

import pytest
from odd_schema import build

from text2sql.data.catalog import find_dataset
from text2sql.decoding.checking.dialects import DIALECTS
from text2sql.decoding.lark import grammar_of
from text2sql.errors import SettingsError
from text2sql.schema import read_schema
from text2sql.schema.model import Column, Schema, Table

ORDERS = Table(
    "orders", (Column("id", "INTEGER"), Column("amount", "REAL"), Column("date", "TEXT"))
)
SCHEMA = Schema("shop", "sqlite", (ORDERS, Table("two words", (Column("a b", "TEXT"),))))


class Reader:
    """llguidance with one byte a token."""

    def __init__(self, grammar: str) -> None:
        llguidance = pytest.importorskip("llguidance", reason="llguidance is not installed")
        self.tokenizer = llguidance.LLTokenizer("byte")
        lark = llguidance.LLMatcher.grammar_from_lark(grammar)
        self.matcher = llguidance.LLMatcher(self.tokenizer, lark)
        assert not self.matcher.get_error()

    def read(self, text: str) -> tuple[bool, bool]:
        """Return whether every byte may be written, and whether the text may end there."""
        matcher, ids = self.matcher.deep_copy(), self.tokenizer.tokenize_bytes(text.encode())
        return matcher.try_consume_tokens(ids) == len(ids), matcher.is_accepting()

    def accepts(self, text: str) -> bool:
        return self.read(text) == (True, True)


@pytest.fixture(scope="module")
def reader():
    return Reader(grammar_of(SCHEMA))


def refused_golds(dataset):
    readers = {db_id: Reader(grammar_of(dataset.schema(db_id))) for db_id in dataset.db_ids()}
    return [e.query for e in dataset.examples if not readers[e.db_id].accepts(e.query)]


def test_every_gold_of_the_samples_is_accepted():
    for split in ("train", "dev"):
        assert refused_golds(find_dataset("samples", split=split)) == []


@pytest.mark.spider
def test_every_gold_of_spider_dev_is_accepted(spider):
    dataset = find_dataset("spider", split="dev", data_root=spider.parent)
    assert refused_golds(dataset) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM orders",
        " select DISTINCT Orders.ID , count(*) from orders where date IN(1,2) ;\n",
        "SELECT T1.id FROM orders AS T1 JOIN `two words` ON NOT(T1.id = [a b])",
        "SELECT id AS n FROM orders ORDER BY n",
        "SELECT n FROM (SELECT id AS n FROM orders) WHERE n BETWEEN 1 AND 2 AND n IS NOT NULL",
        "WITH many AS (SELECT id FROM orders) SELECT * FROM many",
        "SELECT CAST(date(date) AS double precision), CASE id WHEN 1 THEN 'it''s' END FROM orders",
        'SELECT id FROM orders WHERE date = "2026"',
        "```sql\nSELECT id FROM orders;\n```",
    ],
)
def test_sql_of_the_schema_is_accepted(reader, sql):
    assert reader.accepts(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE orders",
        "SELECTid FROM orders",
        "SELECT idFROM orders",
        "SELECT invented FROM orders",
        "SELECT id FROM invented",
        "SELECT T1.invented FROM orders AS T1",
        "SELECT id AS n FROM orders WHERE n = 1",
        "SELECT id FROM orders ORDER BY invented",
        "SELECT a b FROM orders WHERE",
        "SELECT id FROM orders; SELECT id FROM orders",
        "Sure! SELECT id FROM orders",
    ],
)
def test_what_is_no_sql_of_the_schema_is_not_accepted(reader, sql):
    assert not reader.accepts(sql)


def test_an_invented_column_stops_where_no_derived_table_can_explain_it(reader):
    assert reader.read("SELECT invented FROM orders WHERE 1")[0] is False
    assert (
        reader.read("SELECT invented FROM (SELECT id AS invented FROM orders) WHERE 1")[0] is True
    )


def test_odd_names_are_quoted_as_the_engine_reads_them(tmp_path):
    schema = read_schema(build("sqlite", tmp_path / "odd.sqlite"))
    reader = Reader(grammar_of(schema))
    for table in schema.tables:
        for column in table.columns:
            name, source = (f"`{n.replace('`', '``')}`" for n in (column.name, table.name))
            assert reader.accepts(f"SELECT {name} FROM {source}")


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_dialect_of_the_checker_has_a_grammar(dialect):
    reader = Reader(grammar_of(SCHEMA, dialect=dialect))
    assert reader.accepts('SELECT count(*) FROM "two words" LIMIT 1')


def test_a_grammar_begins_as_servers_recognise_it():
    assert grammar_of(SCHEMA).splitlines()[:2] == [
        "%llguidance {}",
        "start: statement | FENCE statement FENCE_END",
    ]


def test_another_dialect_is_named():
    with pytest.raises(SettingsError, match=r"no grammar for dialect .mysql. .known: .*sqlite"):
        grammar_of(SCHEMA, dialect="mysql")
