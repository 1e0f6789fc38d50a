"""Double-quoted strings become single-quoted ones; SQLite is asked whether that is right."""

import json
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from text2sql.schema import Column, Schema, Table, canonicalise, read_schema, sqlglot_schema

SCRIPT = """
    CREATE TABLE singer (id INTEGER PRIMARY KEY, name TEXT, country TEXT, "Home Town" TEXT);
    CREATE TABLE song (id INTEGER PRIMARY KEY, singer_id INT, title TEXT, j TEXT);
    CREATE VIEW famous AS SELECT name AS who FROM singer WHERE id < 3;
    INSERT INTO singer VALUES (1, 'Ann', 'France', 'Lyon'), (2, 'Bo', 'bo''s "x"', 'name'),
        (3, 'who', 'title', 'USA'), (4, 'singer', NULL, 'T1');
    INSERT INTO song VALUES (1, 1, 'title', '{"a": [1, "x"]}'), (2, 1, 'Ann', '[]'),
        (3, 2, 'France', '{}'), (4, 4, 'name', '{"k": "v"}');
"""


def table(name: str, *columns: str, view: bool = False) -> Table:
    return Table(name, tuple(Column(c) for c in columns), view=view)


SCHEMA = Schema(
    "music",
    "sqlite",
    (
        table("singer", "id", "name", "country", "Home Town"),
        table("song", "id", "singer_id", "title", "j"),
        table("famous", "who", view=True),
    ),
)


@pytest.fixture(scope="module")
def music():
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCRIPT)
        yield connection


def cases() -> list:
    """Read tests/data/canonical.sql: title, SQL as written, SQL as it must become."""
    text = (Path(__file__).parent / "data" / "canonical.sql").read_text(encoding="utf-8")
    found = []
    for block in text.strip().split("\n\n")[1:]:
        title, written, canonical = block.splitlines()
        same = canonical == "(same)"
        found.append(pytest.param(written, written if same else canonical, id=title[3:]))
    return found


@pytest.mark.parametrize(("sql", "canonical"), cases())
def test_strings_are_told_from_names_as_sqlite_does(music, sql, canonical):
    assert canonicalise(sql, SCHEMA) == canonical
    assert music.execute(canonical).fetchall() == music.execute(sql).fetchall()


def test_comments_case_and_spacing_stay_byte_for_byte():
    written = 'select  Name /* "a" */\n from singer -- "b"\twhere\nwhere country="bo\'s ""x"""'
    canonical = written.replace('"bo\'s ""x"""', "'bo''s \"x\"'")
    assert canonicalise(written, SCHEMA) == canonical


@pytest.mark.parametrize(
    ("sql", "stripped"),
    [
        ("  SELECT 1 ; ;\n", "SELECT 1"),
        ("SELECT 1; -- done", "SELECT 1 -- done"),
        ("SELECT ';'", "SELECT ';'"),
        ("SELECT 1 -- a;", "SELECT 1 -- a;"),
        ("", ""),
        (" ; ", ""),
        ("SELECT FROM WHERE ;", "SELECT FROM WHERE"),
        ("SELECT 'unclosed ;", "SELECT 'unclosed"),
        ('SELECT "a"; SELECT "b"', 'SELECT "a"; SELECT "b"'),
        ('DELETE FROM singer WHERE name = "x";', 'DELETE FROM singer WHERE name = "x"'),
        ("(" * 3000 + '"a"' + ")" * 3000, "(" * 3000 + '"a"' + ")" * 3000),
    ],
)
def test_what_is_no_query_is_only_stripped(sql, stripped):
    assert canonicalise(sql, SCHEMA) == stripped


def test_a_table_that_the_schema_lacks_may_have_any_column():
    assert canonicalise('SELECT "a" FROM elsewhere;', SCHEMA) == 'SELECT "a" FROM elsewhere'


def test_a_column_that_was_left_out_is_still_a_name():
    small = Schema("m", "sqlite", (table("singer", "id"),), left_out=("singer.name", "song"))
    assert canonicalise('SELECT "name" = "x" FROM singer', small) == (
        "SELECT \"name\" = 'x' FROM singer"
    )


def test_only_the_letters_of_ascii_are_the_same_in_both_cases():
    schema = Schema("klima", "sqlite", (table("Relevés", "équipe"),))
    sql = 'SELECT 1 FROM "RELEVéS" WHERE "éQUIPE" = "Équipe"'
    assert canonicalise(sql, schema) == sql.replace('"Équipe"', "'Équipe'")
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute('CREATE TABLE "Relevés" ("équipe")')
        connection.execute(sql)
        with pytest.raises(sqlite3.OperationalError, match="no such column"):
            connection.execute('SELECT [Équipe] FROM "Relevés"')


def test_the_name_of_a_window_names_no_item(music):
    sql = 'SELECT lag(id) OVER w FROM singer WINDOW w AS (PARTITION BY "w")'
    assert canonicalise(sql, SCHEMA) == sql.replace('"w"', "'w'")
    held = f'SELECT "w" FROM ({sql.replace("PARTITION BY", "ORDER BY")})'
    canonical = canonicalise(held, SCHEMA)
    assert canonical.startswith("SELECT 'w' FROM")
    assert music.execute(canonical).fetchall() == music.execute(held).fetchall()


def test_other_dialects_keep_their_quotes():
    sql = 'SELECT "x" FROM singer'
    assert canonicalise(f" {sql}; ", SCHEMA, dialect="duckdb") == sql
    assert canonicalise(f" {sql}; ", SCHEMA, dialect="postgres") == sql


@pytest.mark.parametrize(
    ("sql", "canonical"),
    [
        ('SELECT "it\'s" AS "n", `a`', "SELECT 'it''s' AS \"n\", `a`"),
        (r'SELECT "a\"b", "c\'d", "e""f", "g\\"', r"""SELECT 'a\"b', 'c\'d', 'e"f', 'g\\'"""),
        ("SELECT 'a \"b\" c'", "SELECT 'a \"b\" c'"),
    ],
)
def test_in_mysql_every_double_quoted_token_is_a_string(sql, canonical):
    assert canonicalise(sql, SCHEMA, dialect="mysql") == canonical


PIECES = [
    "id",
    "name",
    "who",
    "singer",
    "song",
    "title",
    "n",
    "T1",
    "x y",
    "France",
    "a''b",
    "rowid",
]
TEXTS = st.sampled_from(PIECES).map(lambda text: f'"{text}"')
TERMS = st.one_of(TEXTS, st.sampled_from(["T1.id", "name", "1", "'France'"]))
SOURCES = st.sampled_from(
    [
        "singer AS T1",
        "singer AS T1 JOIN song AS n ON T1.id = n.singer_id",
        "(SELECT id, name, {0} FROM singer) AS T1",
        "(SELECT id, {0} AS n, name FROM singer UNION SELECT 1, 2, {1}) AS T1",
        "singer AS T1, (SELECT {0}, title FROM song WHERE {1} = title) AS s",
        "(singer AS T1 JOIN song AS s ON {0} = {1})",
        "(SELECT 1 AS id, {0} AS {1}) AS T1 LEFT JOIN singer ON {1} = T1.id",
    ]
)
SHAPES = st.sampled_from(
    [
        "SELECT {2}, T1.id AS n FROM {s} WHERE {3} = {4} ORDER BY 1, 2",
        "SELECT max({2}), count(*) AS title FROM {s} GROUP BY {3} HAVING {4} <> {5} ORDER BY 1, 2",
        "SELECT T1.id FROM {s} WHERE {2} IN (SELECT {3} FROM song WHERE {4} = {5}) ORDER BY 1",
        "SELECT (SELECT max({2}) FROM famous WHERE {3} <= {4}) AS who FROM {s} ORDER BY {5}",
        "WITH c AS (SELECT {2} AS who, T1.id FROM {s}) SELECT {3}, {4} FROM c WHERE {5} >= 'A'",
        "SELECT {2} FROM {s} UNION SELECT {3} FROM famous WHERE {4} = {5} ORDER BY 1",
        "SELECT T1.id FROM {s} WHERE EXISTS (SELECT {2} FROM song WHERE {3} = title) ORDER BY 1",
        "WITH a AS (SELECT {2} FROM singer), c AS (SELECT {3}, * FROM a) SELECT {4} FROM c, {s}",
    ]
)


@settings(max_examples=400, deadline=None)
@given(SHAPES, SOURCES, st.lists(TERMS, min_size=6, max_size=6))
def test_the_result_never_changes(music, shape, source, terms):
    sql = shape.format(*terms, s=source.format(*terms))
    with suppress(sqlite3.Error):  # ambiguous names: nothing to compare
        before = music.execute(sql).fetchall()
        assert music.execute(canonicalise(sql, SCHEMA)).fetchall() == before


@settings(max_examples=200)
@given(st.text())
def test_no_text_raises_and_a_second_time_changes_nothing(text):
    once = canonicalise(f"SELECT name FROM singer WHERE name = {text}", SCHEMA)
    assert canonicalise(once, SCHEMA) == once


def qualifies(sql: str, schema: Schema) -> bool:
    tree = sqlglot.parse_one(sql, read="sqlite")
    with suppress(SqlglotError):
        qualify(tree, schema=sqlglot_schema(schema), dialect="sqlite")
        return True
    return False


@pytest.mark.spider
@pytest.mark.parametrize(
    ("split", "runs", "changed"), [("dev", 1034, 213), ("train_spider", 6983, 1490)]
)
def test_spider_gold_keeps_its_result_and_qualifies_where_it_did_not(spider, split, runs, changed):
    counts: Counter[str] = Counter()
    connections: dict[str, sqlite3.Connection] = {}
    schemas: dict[str, Schema] = {}
    for example in json.loads((spider / f"{split}.json").read_text()):
        db_id, gold = example["db_id"], example["query"]
        path = spider / "database" / db_id / f"{db_id}.sqlite"
        if db_id not in schemas and path.exists():
            schemas[db_id] = read_schema(path)
            connections[db_id] = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        with suppress(sqlite3.Error, KeyError):
            rows = connections[db_id].execute(gold).fetchall()
            sql = canonicalise(gold, schemas[db_id])
            counts["runs"] += 1
            counts["same"] += connections[db_id].execute(sql).fetchall() == rows
            if sql != gold.strip().rstrip(";").rstrip():
                counts["changed"] += 1
                counts["written"] += split == "dev" and qualifies(gold, schemas[db_id])
                counts["canonical"] += qualifies(sql, schemas[db_id])
    for connection in connections.values():
        connection.close()
    assert counts["same"] == counts["runs"] == runs
    assert counts["canonical"] == counts["changed"] == changed
    assert counts["written"] == 0
