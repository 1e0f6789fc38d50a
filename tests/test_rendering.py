"""Schemas as text: every style, odd names, and DDL that the engines run."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_schema import build
from sqlglot import exp

from text2sql.errors import SchemaError, UnknownName
from text2sql.schema import (
    STYLES,
    Column,
    ForeignKey,
    Schema,
    Table,
    quote,
    read_schema,
    render,
)
from text2sql.schema.quoting import RESERVED

CUSTOMERS = Table(
    "customers",
    (
        Column("id", "INTEGER", nullable=False),
        Column("name", "TEXT", comment="full name,\nas on the invoice", synonyms=("client",)),
        Column("state", "VARCHAR(1)", nullable=False, meanings=(("A", "active"), ("X", "gone"))),
    ),
    ("id",),
    comment="who buys",
    synonyms=("clients", "buyers"),
)
ORDERS = Table(
    "order",
    (Column("customer", "INTEGER"), Column("Line No"), Column("day", "DATE")),
    ("customer", "Line No"),
    (ForeignKey(("customer",), "customers", ("id",)),),
)
SHOP = Schema("shop", "sqlite", (CUSTOMERS, ORDERS))
ROWS = {
    "customers": [(1, "Ann", "A"), (2, None, "X")],
    "order": [],
}


def sample(table: Table, k: int) -> list[tuple]:
    return ROWS[table.name][:k]


def test_ddl_has_types_keys_and_everything_said_in_comments():
    assert render(SHOP) == (
        "-- who buys; also called clients, buyers\n"
        "CREATE TABLE customers (\n"
        "  id INTEGER PRIMARY KEY,\n"
        "  name TEXT, -- full name, as on the invoice; also called client\n"
        "  state VARCHAR(1) NOT NULL -- A = active, X = gone\n"
        ");\n"
        "\n"
        'CREATE TABLE "order" (\n'
        "  customer INTEGER,\n"
        '  "Line No",\n'
        "  day DATE,\n"
        '  PRIMARY KEY (customer, "Line No"),\n'
        "  FOREIGN KEY (customer) REFERENCES customers (id)\n"
        ");"
    )


def test_ddl_rows_adds_rows_in_comments():
    text = render(SHOP, "ddl_rows", sample=sample)
    assert text.startswith(render(SHOP).split("\n\n")[0])
    assert (
        "-- 2 rows of customers:\n-- id | name | state\n-- 1 | Ann | A\n-- 2 | NULL | X\n" in text
    )
    assert text.endswith('-- "order" has no rows')


def test_compact_is_a_line_for_each_table_and_foreign_key():
    assert render(SHOP, "compact").splitlines() == [
        "customers(id INTEGER pk, name TEXT /* full name, as on the invoice; also called client */,"
        " state VARCHAR(1) /* A = active, X = gone */) /* who buys; also called clients, buyers */",
        '"order"(customer INTEGER pk, "Line No" pk, day DATE)',
        '"order".customer -> customers.id',
    ]


def test_mschema_has_the_published_form():
    assert render(SHOP, "mschema", sample=sample).splitlines() == [
        "【DB_ID】 shop",
        "【Schema】",
        "# Table: customers, who buys; also called clients, buyers",
        "[",
        "(id:INTEGER, Primary Key, Examples: [1, 2]),",
        "(name:TEXT, full name, as on the invoice; also called client, Examples: [Ann]),",
        "(state:VARCHAR, A = active, X = gone, Examples: [A, X])",
        "]",
        '# Table: "order"',
        "[",
        "(customer:INTEGER, Primary Key),",
        '("Line No":, Primary Key),',
        "(day:DATE)",
        "]",
        "【Foreign keys】",
        '"order".customer=customers.id',
    ]


def test_an_unknown_style_names_the_nearest():
    with pytest.raises(UnknownName, match=r"no schema style 'compct' .*did you mean 'compact'"):
        render(SHOP, "compct")


def test_ddl_rows_without_rows_is_an_error():
    with pytest.raises(SchemaError, match="sample="):
        render(SHOP, "ddl_rows")


def test_a_style_may_be_a_function_of_the_caller():
    assert render(SHOP, lambda schema, sample: schema.name) == "shop"


def test_a_view_and_a_key_of_the_overlay_are_written_like_the_rest():
    key = ForeignKey(("customer",), "customers", ("id",), declared=False)
    view = replace(ORDERS, name="v", primary_key=(), foreign_keys=(key,), view=True)
    text = render(replace(SHOP, tables=(CUSTOMERS, view)))
    assert "-- view\nCREATE TABLE v (" in text
    assert "FOREIGN KEY (customer) REFERENCES customers (id)" in text


def test_namespaces_are_part_of_every_name():
    key = ForeignKey(("a",), "Up", ("a",), "Sales")
    tables = (
        Table("Up", (Column("a"),), ("a",), namespace="Sales"),
        Table("t", (Column("a"),), (), (key,)),
    )
    schema = Schema("dw", "postgres", tables)
    assert 'CREATE TABLE "Sales"."Up" (' in render(schema)
    assert 'REFERENCES "Sales"."Up" (a)' in render(schema)
    assert 't.a -> "Sales"."Up".a' in render(schema, "compact")
    assert '# Table: "Sales"."Up"' in render(schema, "mschema")


HOSTILE = "x\ny\r\nz */ ; DROP TABLE t; -- \u2028 '\" /* \x00"


@pytest.mark.parametrize("style", STYLES)
def test_no_comment_or_value_breaks_out_of_its_line(style):
    column = Column(
        "a", "TEXT", comment=HOSTILE, synonyms=(HOSTILE,), meanings=((HOSTILE, HOSTILE),)
    )
    plain = Schema(
        "d", "sqlite", (Table("t", (replace(column, comment=None, synonyms=(), meanings=()),)),)
    )
    said = Schema("d", "sqlite", (Table("t", (column,), comment=HOSTILE, synonyms=(HOSTILE,)),))
    quiet = render(plain, style, sample=lambda t, k: [("v",)])
    loud = render(said, style, sample=lambda t, k: [(HOSTILE,)])
    extra = 1 if style.startswith("ddl") else 0  # the table's own comment line
    assert len(loud.splitlines()) == len(quiet.splitlines()) + extra
    assert "\x00" not in loud
    if style == "compact":
        assert re.sub(r" /\*.*?\*/", "", loud) == quiet
    elif style != "mschema":
        made = [tree for tree in sqlglot.parse(loud, read="sqlite") if tree.key != "semicolon"]
        assert [tree.key for tree in made] == ["create"]


def test_values_are_cut_at_25_characters_and_bytes_are_hexadecimal():
    rows = [("x" * 26, b"\x00\xff", 1.5), ("y" * 25, None, True)]
    table = Table("t", (Column("a"), Column("b"), Column("c")))
    text = render(Schema("d", "sqlite", (table,)), "ddl_rows", sample=lambda t, k: rows)
    assert f"-- {'x' * 24}… | x'00ff' | 1.5" in text
    assert f"-- {'y' * 25} | NULL | True" in text


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["ab", "ab", None], "(a:, Examples: [ab])"),
        (["a" * 21, "b"], f"(a:, Examples: [{'a' * 21}])"),
        (["a" * 51, "b"], "(a:)"),
        ([None], "(a:)"),
    ],
)
def test_mschema_shows_the_examples_that_the_official_one_shows(values, shown):
    schema = Schema("d", "sqlite", (Table("t", (Column("a"),)),))
    assert shown in render(schema, "mschema", sample=lambda t, k: [(v,) for v in values])


# quoting


@pytest.mark.parametrize(
    ("name", "dialect", "written"),
    [
        ("name", "sqlite", "name"),
        ("Name", "sqlite", "Name"),
        ("Name", "postgres", '"Name"'),
        ("order", "sqlite", '"order"'),
        ("ORDER", "duckdb", '"ORDER"'),
        ("user", "postgres", '"user"'),
        ("rank", "mysql", "`rank`"),
        ("rank", "sqlite", "rank"),
        ("a b", "bigquery", "`a b`"),
        ("a]b", "tsql", "[a]]b]"),
        ('a"b', "duckdb", '"a""b"'),
        ("1a", "sqlite", '"1a"'),
        ("", "sqlite", '""'),
        ("客户", "postgres", "客户"),
        ("客户", "snowflake", '"客户"'),
        ("Émile", "postgres", '"Émile"'),
        ("a\n", "sqlite", '"a\n"'),
    ],
)
def test_names_are_quoted_where_the_dialect_needs_it(name, dialect, written):
    assert quote(name, dialect) == written


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "postgres"])
def test_words_left_plain_are_names_to_sqlglot(dialect):
    for word in sorted(set().union(*RESERVED.values())):
        tree = sqlglot.parse_one(
            f"SELECT {quote(word, dialect)} FROM t WHERE {quote(word, dialect)} = 1", read=dialect
        )
        assert [c.name for c in tree.find_all(exp.Column)] == [word, word]


# DDL runs

WORDS = [
    "select",
    "order",
    "Group",
    "values",
    "rowid_",
    "客户",
    "名 称",
    "it's",
    'say "hi"',
    "a--b",
]
NAMES = st.one_of(
    st.sampled_from(WORDS),
    st.text("abAB_ .,;'\"`[]()-/*\n\té客", min_size=1, max_size=8),
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6
    ),
)
TYPES = st.sampled_from(
    ["", "INTEGER", "TEXT", "VARCHAR(20)", "DECIMAL(10, 2)", "UNSIGNED BIG INT"]
)


def distinct(names: list[str]) -> list[str]:
    """Keep names that differ for SQLite, which folds the case of ASCII letters only."""
    return list({name.lower().casefold(): name for name in names}.values())


@st.composite
def sqlite_schemas(draw) -> Schema:
    usable = NAMES.filter(lambda name: not name.lower().startswith("sqlite_"))
    tables: list[Table] = []
    for name in distinct(draw(st.lists(usable, min_size=1, max_size=4))):
        columns = distinct(draw(st.lists(NAMES, min_size=1, max_size=5)))
        key = draw(st.lists(st.sampled_from(columns), max_size=2, unique=True))
        keys = draw(st.lists(st.sampled_from(tables), max_size=2)) if tables else []
        tables.append(
            Table(
                name,
                tuple(Column(c, draw(TYPES), draw(st.booleans()) or c in key) for c in columns),
                tuple(key),
                tuple(
                    ForeignKey((columns[0],), parent.name, (parent.columns[-1].name,))
                    for parent in keys
                ),
            )
        )
    return Schema("made", "sqlite", tuple(tables))


@settings(max_examples=150, deadline=None)
@given(sqlite_schemas())
def test_ddl_runs_in_sqlite_and_makes_the_same_schema(schema):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "made.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(render(schema))
        assert read_schema(path).tables == schema.tables


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_ddl_of_odd_names_makes_the_same_schema_on_both_engines(tmp_path, engine):
    schema = read_schema(build(engine, tmp_path / "odd"), exclude=["big*"])
    again = build(engine, tmp_path / "again", render(schema))
    assert read_schema(again, name="odd") == schema


def test_ddl_of_nested_types_and_comments_runs_in_duckdb(tmp_path):
    script = """CREATE TABLE t (id INTEGER PRIMARY KEY, e ENUM('a;', '--'),
        s STRUCT("x y" INTEGER, z DECIMAL(4, 1))[], m MAP(VARCHAR, TIMESTAMP WITH TIME ZONE));
        COMMENT ON COLUMN t.e IS 'one
        or the other'; CREATE TABLE "values" (t INTEGER REFERENCES t (id))"""
    schema = read_schema(build("duckdb", tmp_path / "d", script))
    with duckdb.connect(str(tmp_path / "again")) as connection:
        connection.execute(render(schema))
    again = read_schema(tmp_path / "again")
    assert [t.columns[1:] for t in again.tables] == [
        tuple(replace(c, comment=None) for c in t.columns[1:]) for t in schema.tables
    ]
    assert [t.foreign_keys for t in again.tables] == [t.foreign_keys for t in schema.tables]


@pytest.mark.parametrize("kind", ["x); DROP TABLE t; --", "a\nb", "((", "it's", "a -- b"])
def test_a_declared_type_cannot_break_out(kind):
    schema = Schema("d", "sqlite", (Table("t", (Column("a", kind), Column("b", "TEXT"))),))
    connection = sqlite3.connect(":memory:")
    connection.executescript(render(schema))
    assert [row[1] for row in connection.execute("PRAGMA table_info(t)")] == ["a", "b"]
