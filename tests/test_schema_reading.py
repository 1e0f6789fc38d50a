"""Reading schemas from SQLite and DuckDB files, SQLAlchemy URLs and Spider's tables.json."""

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest
from odd_schema import build

from text2sql.databases import Database, locate
from text2sql.errors import DatabaseError, DataError, SettingsError, UnknownName
from text2sql.overlays import ColumnOverlay, Overlay, TableOverlay
from text2sql.schema import (
    ForeignKey,
    Schema,
    apply_overlay,
    read_schema,
    read_spider_schemas,
    sqlglot_schema,
)
from text2sql.schema.server_catalog import read_server_tables


@pytest.fixture(params=["sqlite", "duckdb"])
def odd(request, tmp_path) -> Path:
    return build(request.param, tmp_path / f"odd.{request.param}")


def through_sqlalchemy(path: Path) -> Schema:
    database = Database("odd", "sqlite", f"sqlite:///{path}")
    return Schema("odd", "sqlite", read_server_tables(database))


def names(schema: Schema) -> dict[str, list[str]]:
    return {t.full_name: [c.name for c in t.columns] for t in schema.tables}


ODD_NAMES = {
    "order": ["id", "group", "Total Amount", 'say "hi"'],
    "Mixed Case": ["CustId", "select", "region"],
    "客户": ["编号", "客户 名称", "it's"],
    "order_line": ["order_id", "CustId", "region", "客户编号", "-- note"],
    "big orders": ["id", "amount"],
}
ODD_KEYS = (
    ForeignKey(("order_id",), "order", ("id",)),
    ForeignKey(("region", "CustId"), "Mixed Case", ("region", "CustId")),
    ForeignKey(("客户编号",), "客户", ("编号",)),
)


def test_names_are_kept_as_they_are(odd):
    schema = read_schema(odd)
    assert names(schema) == ODD_NAMES
    assert schema.name == "odd"


def test_sqlite_tables_are_in_the_order_of_creation(tmp_path):
    schema = read_schema(build("sqlite", tmp_path / "odd.db"))
    assert [t.name for t in schema.tables] == list(ODD_NAMES)


def test_duckdb_tables_come_after_those_they_refer_to(tmp_path):
    order = [t.name for t in read_schema(build("duckdb", tmp_path / "odd.duckdb")).tables]
    assert order.index("order_line") > max(order.index(key.table) for key in ODD_KEYS)


def test_keys_of_several_columns_keep_their_order(odd):
    schema = read_schema(odd)
    assert schema.table("mixed case").primary_key == ("region", "CustId")
    assert schema.table("order_line").foreign_keys == ODD_KEYS


def test_types_nullability_and_views_are_read(odd):
    schema = read_schema(odd)
    order = schema.table("order")
    assert order.column("total amount").type == "DECIMAL(10,2)"
    assert order.column("group").nullable is False
    assert order.column("Total Amount").nullable is True
    assert [t.name for t in schema.tables if t.view] == ["big orders"]


def test_sqlite_types_are_as_declared_and_may_be_absent(tmp_path):
    types = ["", "nVarChar(20)", "MY_TYPE", "DOUBLE PRECISION", "UNSIGNED BIG INT"]
    columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(types))
    schema = read_schema(build("sqlite", tmp_path / "t.db", f"CREATE TABLE t ({columns})"))
    assert [c.type for c in schema.tables[0].columns] == types


def test_a_sqlite_key_that_names_no_column_means_the_primary_key(tmp_path):
    script = """CREATE TABLE p (x, y, PRIMARY KEY (y, x));
        CREATE TABLE one (id INTEGER PRIMARY KEY);
        CREATE TABLE c (a, b, o REFERENCES ONE, FOREIGN KEY (a, b) REFERENCES P)"""
    child = read_schema(build("sqlite", tmp_path / "t.db", script)).table("c")
    assert set(child.foreign_keys) == {
        ForeignKey(("o",), "one", ("id",)),
        ForeignKey(("a", "b"), "p", ("y", "x")),
    }


def test_a_sqlite_key_that_points_at_nothing_is_left_out(tmp_path):
    script = """CREATE TABLE t (a REFERENCES gone (id), b REFERENCES t (missing), c REFERENCES u);
        CREATE TABLE u (no_key)"""
    assert read_schema(build("sqlite", tmp_path / "t.db", script)).table("t").foreign_keys == ()


def test_sqlite_internals_and_broken_views_are_left_out(tmp_path):
    script = """
        CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, g INT GENERATED ALWAYS AS (id));
        CREATE VIRTUAL TABLE docs USING fts5(body); CREATE TABLE sqliteish (a);
        CREATE TABLE gone (a); CREATE VIEW broken AS SELECT a FROM gone; DROP TABLE gone"""
    schema = read_schema(build("sqlite", tmp_path / "t.db", script))
    assert names(schema) == {"t": ["id", "g"], "docs": ["body"], "sqliteish": ["a"]}


def test_reading_changes_no_byte_and_leaves_no_file(odd):
    before = sha256(odd.read_bytes()).hexdigest()
    read_schema(odd)
    assert sha256(odd.read_bytes()).hexdigest() == before
    assert list(odd.parent.iterdir()) == [odd]


def test_a_wal_database_is_read_without_making_files(tmp_path):
    path = build("sqlite", tmp_path / "wal.db", "PRAGMA journal_mode=WAL; CREATE TABLE t (a)")
    assert names(read_schema(path)) == {"t": ["a"]}
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_wal_file_holds_is_read(tmp_path):
    path = build("sqlite", tmp_path / "wal.db", "PRAGMA journal_mode=WAL; CREATE TABLE t (a)")
    writer = sqlite3.connect(path)
    writer.execute("CREATE TABLE later (b)")
    assert names(read_schema(path)) == {"t": ["a"], "later": ["b"]}
    writer.close()


LOCKED = """import sqlite3, sys
try: sqlite3.connect(sys.argv[1], timeout=0).execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as error: print(error)"""


def test_reading_leaves_the_locks_of_other_connections_alone(tmp_path):
    path = build("sqlite", tmp_path / "t.db", "CREATE TABLE t (a)")
    database = locate(path)
    writer = sqlite3.connect(path)
    writer.execute("BEGIN IMMEDIATE")
    assert names(read_schema(database)) == {"t": ["a"]}
    other = subprocess.run(
        [sys.executable, "-c", LOCKED, path], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == "database is locked"
    writer.close()


@pytest.mark.parametrize("name", ["a b#c?d%20.db", "日本.db"])
def test_file_names_may_be_odd(tmp_path, name):
    assert names(read_schema(build("sqlite", tmp_path / name, "CREATE TABLE t (a)"))) == {
        "t": ["a"]
    }
    twin = build("duckdb", tmp_path / f"it's {name}", "CREATE TABLE t (a INTEGER)")
    assert names(read_schema(twin)) == {"t": ["a"]}


def test_duckdb_comments_namespaces_and_nested_types_are_read(tmp_path):
    script = """CREATE SCHEMA sales; CREATE TYPE mood AS ENUM ('a', 'b');
        CREATE TABLE sales.t (id INTEGER PRIMARY KEY, m mood, s STRUCT(a INTEGER)[]);
        CREATE TABLE sales.c (t INTEGER REFERENCES sales.t (id)); CREATE TABLE z (a INTEGER);
        COMMENT ON TABLE sales.t IS 'the t'; COMMENT ON COLUMN sales.t.m IS 'how it feels'"""
    schema = read_schema(build("duckdb", tmp_path / "d.duckdb", script))
    assert [t.full_name for t in schema.tables] == ["z", "sales.t", "sales.c"]
    table = schema.table("sales.t")
    assert (table.comment, table.column("m").comment) == ("the t", "how it feels")
    assert [c.type for c in table.columns] == ["INTEGER", "ENUM('a', 'b')", "STRUCT(a INTEGER)[]"]
    assert schema.table("c").foreign_keys == (ForeignKey(("t",), "t", ("id",), "sales"),)


def test_a_duckdb_file_that_another_connection_reads_is_read_too(tmp_path):
    path = build("duckdb", tmp_path / "d.duckdb", "CREATE TABLE t (a INTEGER)")
    with duckdb.connect(str(path), read_only=True, config={"threads": 2}):
        assert names(read_schema(path)) == {"t": ["a"]}


def test_a_duckdb_file_open_for_writing_here_is_refused_with_advice(tmp_path):
    path = tmp_path / "d.duckdb"
    with (
        duckdb.connect(str(path)) as connection,
        pytest.raises(DatabaseError, match="close that connection"),
    ):
        connection.execute("CREATE TABLE t (a INTEGER); CHECKPOINT")
        read_schema(path)


def test_the_sqlalchemy_reader_finds_the_same_names_and_keys(tmp_path):
    schema = through_sqlalchemy(build("sqlite", tmp_path / "odd.sqlite"))
    assert names(schema) == ODD_NAMES
    assert schema.table("Mixed Case").primary_key == ("region", "CustId")
    assert set(schema.table("order_line").foreign_keys) == set(ODD_KEYS)
    assert schema.table("order").column("Total Amount").type == "DECIMAL(10, 2)"
    assert [t.name for t in schema.tables if t.view] == ["big orders"]


def test_one_broken_view_does_not_hide_the_rest_from_the_sqlalchemy_reader(tmp_path):
    script = """CREATE TABLE gone (a); CREATE VIEW broken AS SELECT a FROM gone; DROP TABLE gone;
        CREATE TABLE t (a INTEGER PRIMARY KEY, b)"""
    schema = through_sqlalchemy(build("sqlite", tmp_path / "t.db", script))
    assert names(schema) == {"t": ["a", "b"]}
    assert [c.type for c in schema.tables[0].columns] == ["INTEGER", ""]


def test_a_sqlalchemy_url_of_a_database_in_memory_has_no_tables():
    assert read_schema("sqlite://").tables == ()


def test_include_and_exclude_choose_tables_and_keys_to_the_rest_go(odd):
    schema = read_schema(odd, include=["ORDER*", "客户"], exclude=["order"])
    assert [t.name for t in schema.tables] == ["客户", "order_line"]
    assert schema.table("order_line").foreign_keys == ODD_KEYS[2:]


def test_a_pattern_may_name_the_namespace(tmp_path):
    script = "CREATE SCHEMA s; CREATE TABLE s.a (x INTEGER); CREATE TABLE a (x INTEGER)"
    path = build("duckdb", tmp_path / "d.duckdb", script)
    assert list(names(read_schema(path, include=["s.*"]))) == ["s.a"]
    assert list(names(read_schema(path, exclude=["s.*"]))) == ["a"]


def test_an_include_pattern_that_chooses_nothing_names_the_nearest_table(odd):
    with pytest.raises(UnknownName, match="did you mean 'order_line'"):
        read_schema(odd, include=["order_lines"])


def test_a_database_brings_its_own_patterns_which_arguments_replace(odd):
    engine = odd.suffix[1:]
    database = Database("mine", engine, f"{engine}:///{odd}", odd, include=("客户",))
    assert list(names(read_schema(database))) == ["客户"]
    assert list(names(read_schema(database, include=["order"]))) == ["order"]
    assert read_schema(database, name="other").name == "other"


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_a_database_without_tables_is_a_schema_without_tables(tmp_path, engine):
    path = build(engine, tmp_path / "empty", "CREATE TABLE t (a INTEGER); DROP TABLE t;")
    assert read_schema(path).tables == ()
    assert read_schema(path, include=["x*"]).tables == ()


def test_a_corrupt_file_is_one_line(odd):
    whole = odd.read_bytes()
    odd.write_bytes(whole[:100] + os.urandom(len(whole) - 100))
    with pytest.raises(DatabaseError, match="cannot read database") as caught:
        read_schema(odd)
    assert "\n" not in str(caught.value)
    assert str(odd) in str(caught.value)


# overlays


def overlay(**tables: TableOverlay) -> Overlay:
    return Overlay(tables=tables)


def test_an_overlay_adds_words_and_relationships(odd):
    words = ColumnOverlay(description="paid", synonyms=("sum",), values={"0": "free"})
    said = Overlay(
        tables={"ORDER": TableOverlay(description="orders", columns={"total amount": words})},
        relationships=(
            '"big orders".id -> order.id',
            "order_line.region,order_line.CustId->Mixed Case.region,Mixed Case.CustId",
        ),
    )
    schema = read_schema(odd, overlay=said)
    column = schema.table("order").column("Total Amount")
    assert schema.table("order").comment == "orders"
    assert (column.comment, column.synonyms, column.meanings) == (
        "paid",
        ("sum",),
        (("0", "free"),),
    )
    view_key = ForeignKey(("id",), "order", ("id",), declared=False)
    assert schema.table("big orders").foreign_keys == (view_key,)
    assert schema.table("order_line").foreign_keys == ODD_KEYS  # declared already


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (overlay(orders=TableOverlay()), "no table 'orders' .*did you mean 'order'"),
        (
            overlay(order=TableOverlay(columns={"grup": ColumnOverlay()})),
            "no column 'grup' in table 'order' .*did you mean 'group'",
        ),
        (Overlay(relationships=("order.id -> 客户.编",)), "no column '编' in table '客户'"),
    ],
)
def test_an_overlay_that_names_what_does_not_exist_is_refused(odd, said, message):
    with pytest.raises(UnknownName, match=message):
        apply_overlay(read_schema(odd), said)


@pytest.mark.parametrize(
    "text",
    [
        "order.id",
        "id -> id",
        "order.id -> ",
        "order.id, 客户.编号 -> order.id, order.id",
        "a.b -> c.d -> e.f",
    ],
)
def test_a_relationship_in_another_form_is_refused(odd, text):
    with pytest.raises(SettingsError, match="relationship"):
        apply_overlay(read_schema(odd), Overlay(relationships=(text,)))


# Spider's tables.json

RECORD = {
    "db_id": "d",
    "table_names_original": ["singer", "Stu_Pet"],
    "table_names": ["singer", "student pet"],
    "column_names_original": [
        [-1, "*"],
        [0, "ID"],
        [0, "Home_Town"],
        [1, "a"],
        [1, "b"],
        [1, "ID"],
    ],
    "column_names": [[-1, "*"], [0, "id"], [0, "home town"], [1, "age"], [1, "b"], [1, "id"]],
    "column_types": ["text", "number", "text", "number", "text", "number"],
    "primary_keys": [1, [3, 4]],
    "foreign_keys": [[5, 1]],
}


def spider_file(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "tables.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_spider_records_become_schemas(tmp_path):
    schema = read_spider_schemas(spider_file(tmp_path, [RECORD]))["d"]
    assert names(schema) == {"singer": ["ID", "Home_Town"], "Stu_Pet": ["a", "b", "ID"]}
    assert [t.primary_key for t in schema.tables] == [("ID",), ("a", "b")]
    assert schema.table("Stu_Pet").foreign_keys == (ForeignKey(("ID",), "singer", ("ID",)),)
    assert schema.table("singer").column("home_town").comment is None  # says nothing more
    assert schema.table("Stu_Pet").column("a").comment == "age"
    assert schema.table("Stu_Pet").comment == "student pet"


@pytest.mark.parametrize(
    "key",
    [
        "table_names_original",
        "column_names_original",
        "column_types",
        "primary_keys",
        "foreign_keys",
    ],
)
def test_a_missing_key_is_named_with_its_database(tmp_path, key):
    record = {k: v for k, v in RECORD.items() if k != key}
    with pytest.raises(DataError, match=f"database 'd': '{key}' is missing"):
        read_spider_schemas(spider_file(tmp_path, [record]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "tables.json: the file is empty"),
        ('[\n{"db_id": "d",\n]', "tables.json:3: malformed JSON"),
        ("{}", "must be a JSON list"),
        ([{}], "database 0 has no 'db_id'"),
        ([RECORD, RECORD], "database 'd' is described twice"),
        ([{**RECORD, "foreign_keys": [[5, 99]]}], "'foreign_keys' has 99, which is no column"),
        ([{**RECORD, "column_types": ["text"]}], "'column_types' must have one entry"),
        ([{**RECORD, "column_names_original": [[7, "x"]]}], "'column_names_original' has"),
    ],
)
def test_a_malformed_tables_file_says_what_is_wrong(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_spider_schemas(spider_file(tmp_path, content))


def test_a_missing_tables_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.json: cannot read: No such file"):
        read_spider_schemas(tmp_path / "nowhere.json")


def test_the_sqlglot_mapping_is_one_level_deeper_where_there_are_namespaces(tmp_path):
    script = "CREATE SCHEMA s; CREATE TABLE s.a (x INTEGER); CREATE TABLE b (y MAP(INTEGER, TEXT))"
    schema = read_schema(build("duckdb", tmp_path / "d.duckdb", script))
    assert sqlglot_schema(schema) == {
        "main": {"b": {"y": "MAP(INTEGER, VARCHAR)"}},
        "s": {"a": {"x": "INTEGER"}},
    }
    flat = replace(schema, tables=schema.tables[:1])
    assert sqlglot_schema(flat) == {"b": {"y": "MAP(INTEGER, VARCHAR)"}}


@pytest.mark.spider
def test_spider_databases_have_the_tables_that_tables_json_says(spider):
    for db_id, published in read_spider_schemas(spider / "tables.json").items():
        path = spider / "database" / db_id / f"{db_id}.sqlite"
        if path.exists():
            said = {k: v for k, v in names(published).items() if k != "sqlite_sequence"}
            assert names(read_schema(path)) == said, db_id
