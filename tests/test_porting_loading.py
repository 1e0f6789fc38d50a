"""A SQLite file in DuckDB: every value, type, key and row order."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from text2sql.databases import locate
from text2sql.errors import DatabaseError, OutputError
from text2sql.execution import Executor
from text2sql.porting import PortError, loading, porter
from text2sql.schema import read_schema


def load(folder: Path, script: str, *rows: tuple[Any, ...]) -> loading.Loaded:
    """Build a SQLite file, `rows` going into table t, and load it."""
    with sqlite3.connect(folder / "a.sqlite") as connection:
        connection.executescript(script)
        if rows:
            places = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO t VALUES ({places})", rows)
    connection.close()
    return loading.load_into_duckdb(folder / "a.sqlite", folder / "a.duckdb")


def ask(loaded: loading.Loaded, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(loaded.path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def types(loaded: loading.Loaded) -> dict[str, str]:
    return {name: kind for name, kind, *_ in ask(loaded, "DESCRIBE t")}


def test_values_keep_their_types_and_their_order(tmp_path: Path) -> None:
    rows = [
        (2**63 - 1, 0.1, 'Zoë, "quoted"\n', b"\x00\xff", 1, "2020-01-31", None),
        (-(2**63), float("inf"), "", b"", 0, "1999-12-31", None),
        (None, None, None, None, None, None, None),
    ]
    script = "CREATE TABLE t (i INT, r REAL, s TEXT, b BLOB, f BOOLEAN, d DATE, n NUMERIC)"
    loaded = load(tmp_path, script, *rows)
    expected = ["BIGINT", "DOUBLE", "VARCHAR", "BLOB", "BOOLEAN", "DATE", "DOUBLE"]
    assert list(types(loaded).values()) == expected
    assert ask(loaded, "SELECT i, r, s, b, CAST(f AS INT), CAST(d AS VARCHAR), n FROM t") == rows


def test_a_column_has_the_type_of_its_values_where_the_declared_one_does_not_fit(
    tmp_path: Path,
) -> None:
    script = "CREATE TABLE t (i INT, d DATE, f BOOLEAN, n NUMERIC(5, 2), x, k DATETIME)"
    rows = [(1.5, "31/01/2020", 2, 3, 1, "2020-01-31 10:00:00"), (2, "", 0, 4, 2, None)]
    loaded = load(tmp_path, script, *rows)
    expected = ["DOUBLE", "VARCHAR", "BIGINT", "BIGINT", "BIGINT", "TIMESTAMP"]
    assert list(types(loaded).values()) == expected


def test_a_date_that_would_not_read_back_the_same_stays_text(tmp_path: Path) -> None:
    script = "CREATE TABLE t (a DATE, b DATETIME)"
    loaded = load(tmp_path, script, ("2020-1-5", "2020-01-05T10:00:00"))
    assert ask(loaded, "SELECT * FROM t") == [("2020-1-5", "2020-01-05T10:00:00")]


def test_a_column_of_numbers_and_text_becomes_text_and_is_named(tmp_path: Path) -> None:
    loaded = load(tmp_path, "CREATE TABLE t (a INT, b INT)", (1, 2**60), ("", 0.5), (2.5, None))
    assert loaded.mixed == ("t.a", "t.b")
    assert ask(loaded, "SELECT a, b FROM t") == [("1", str(2**60)), ("", "0.5"), ("2.5", None)]


def test_an_empty_table_is_kept_with_its_declared_types(tmp_path: Path) -> None:
    script = "CREATE TABLE t (a INTEGER, b VARCHAR(9), c DECIMAL(9, 2), d DATETIME, e BOOL, f BLOB)"
    loaded = load(tmp_path, script)
    expected = ["BIGINT", "VARCHAR", "DOUBLE", "TIMESTAMP", "BOOLEAN", "BLOB"]
    assert list(types(loaded).values()) == expected


def test_text_that_is_not_utf8_loses_the_bad_bytes_only(tmp_path: Path) -> None:
    script = "CREATE TABLE t (a TEXT); INSERT INTO t VALUES (CAST(x'61ff62' AS TEXT))"
    assert ask(load(tmp_path, script), "SELECT a FROM t") == [("ab",)]


def test_names_with_spaces_quotes_and_keywords_are_kept(tmp_path: Path) -> None:
    script = 'CREATE TABLE "my ""odd"" t" ("select" INT PRIMARY KEY, "First Name" TEXT)'
    loaded = load(tmp_path, f'{script}; INSERT INTO "my ""odd"" t" VALUES (1, \'x\')')
    assert ask(loaded, 'SELECT "select", "First Name" FROM "my ""odd"" t"') == [(1, "x")]
    assert loaded.stored['my "odd" t', "first name"] == "VARCHAR"


def test_a_table_may_have_any_name(tmp_path: Path) -> None:
    script = """
        CREATE TABLE stage (stage INT PRIMARY KEY);
        CREATE TABLE rows (parent INT PRIMARY KEY, stage INT REFERENCES stage(stage));
        CREATE TABLE staging (rows INT REFERENCES rows(parent), "main" INT);
        INSERT INTO stage VALUES (1); INSERT INTO rows VALUES (2, 1);
        INSERT INTO staging VALUES (2, 3);
    """
    loaded = load(tmp_path, script)
    assert loaded.left_out == ()
    assert ask(loaded, "SELECT * FROM stage, rows, staging") == [(1, 2, 1, 2, 3)]


KEYS = """
    CREATE TABLE child (id INT PRIMARY KEY, p INT NOT NULL REFERENCES parent(id),
                        q TEXT REFERENCES parent(id), r INT REFERENCES child(id));
    CREATE TABLE parent (id INT PRIMARY KEY, n INT);
    CREATE TABLE twice (id TEXT, PRIMARY KEY (id));
    CREATE VIEW both AS SELECT * FROM child JOIN parent ON p = parent.id;
    INSERT INTO parent VALUES (1, NULL), (2, NULL);
    INSERT INTO child VALUES (1, 2, 'x', NULL), (2, 2, NULL, 1);
    INSERT INTO twice VALUES (NULL), ('a');
"""


def test_keys_that_hold_are_declared_and_the_others_named(tmp_path: Path) -> None:
    loaded = load(tmp_path, KEYS)
    kinds = "SELECT constraint_text FROM duckdb_constraints() WHERE constraint_type <> 'NOT NULL'"
    assert sorted(text for (text,) in ask(loaded, kinds)) == [
        "FOREIGN KEY (p) REFERENCES parent(id)",
        "PRIMARY KEY(id)",
        "PRIMARY KEY(id)",
    ]
    filled = ask(loaded, "SELECT name FROM pragma_table_info('child') WHERE \"notnull\"")
    assert filled == [("id",), ("p",)]
    assert loaded.left_out == (
        "view both",
        "foreign key child(q) to parent(id)",
        "foreign key child(r) to child(id)",
        "primary key twice(id)",
    )


def test_a_circle_of_foreign_keys_is_opened(tmp_path: Path) -> None:
    script = """
        CREATE TABLE t (id INT PRIMARY KEY, u INT REFERENCES u(id));
        CREATE TABLE u (id INT PRIMARY KEY, t INT REFERENCES t(id));
        INSERT INTO t VALUES (1, 1); INSERT INTO u VALUES (1, 1);
    """
    assert load(tmp_path, script).left_out == ("foreign key u(t) to t(id)",)


def test_the_source_is_untouched_and_a_failure_leaves_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite"
    load(tmp_path, "PRAGMA journal_mode = WAL; CREATE TABLE t (a INT)", (1,))
    head = (tmp_path / "a.sqlite").read_bytes()[:4096]
    broken.write_bytes(head[:100] + b"\x00" * 3996)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(DatabaseError, match="broken"):
        loading.load_into_duckdb(broken, tmp_path / "b.duckdb")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_target_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    load(tmp_path, "CREATE TABLE t (a INT)")
    with pytest.raises(OutputError, match="file"):
        loading.load_into_duckdb(tmp_path / "a.sqlite", tmp_path / "file" / "b.duckdb")


def test_a_loaded_folder_loads_once_per_content(tmp_path: Path) -> None:
    load(tmp_path, "CREATE TABLE t (a INT)", (1,), ("x",))
    cache, source = tmp_path / "cache", tmp_path / "a.sqlite"
    first = loading.loaded_folder(lambda _: locate(source), cache)("shop")
    written = first.path.stat().st_mtime_ns
    again = loading.loaded_folder(lambda _: locate(source), cache)("shop")
    assert (again, again.path.stat().st_mtime_ns) == (first, written)
    assert (again.mixed, again.database.name) == (("t.a",), "shop")
    with sqlite3.connect(source) as connection:
        connection.execute("DELETE FROM t WHERE a = 'x'")
    connection.close()
    other = loading.loaded_folder(lambda _: locate(source), cache)("shop")
    assert other.path != first.path and other.mixed == ()


def test_several_may_fill_one_cache_at_once(tmp_path: Path) -> None:
    load(tmp_path, "CREATE TABLE t (a INT)", *((n,) for n in range(500)))
    found: list[loading.Loaded] = []

    def fill() -> None:
        find = loading.loaded_folder(lambda _: locate(tmp_path / "a.sqlite"), tmp_path / "cache")
        found.append(find("shop"))

    threads = [threading.Thread(target=fill) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [found[0]] * 4
    assert len(list((tmp_path / "cache").iterdir())) == 2  # the file and its record
    assert ask(found[0], "SELECT count(*) FROM t") == [(500,)]


def test_ported_sql_runs_in_the_sandbox_and_what_has_no_form_is_an_error(
    samples: Path, tmp_path: Path
) -> None:
    def find(db_id: str):
        return locate(samples / "database" / db_id / f"{db_id}.sqlite")

    loaded = loading.loaded_folder(find, tmp_path)("shop")
    write = porter(read_schema(find("shop")), stored=loaded.stored)
    sql = "SELECT 7 / 2, count(*) FROM customers"
    with Executor() as executor:
        ported = executor.execute(write(sql), loaded.database)
        assert ported.rows == executor.execute(sql, find("shop")).rows != []
    with pytest.raises(PortError, match="no form for function rand"):
        write("SELECT random()")


@pytest.mark.spider
def test_a_database_of_spider_keeps_every_row(spider: Path, tmp_path: Path) -> None:
    source = spider / "database" / "bike_1" / "bike_1.sqlite"
    loaded = loading.load_into_duckdb(source, tmp_path / "bike_1.duckdb")
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as connection:
        for table in ("station", "status", "trip", "weather"):
            count = f"SELECT count(*) FROM {table}"
            assert ask(loaded, count) == connection.execute(count).fetchall()
    connection.close()
    assert "weather.max_humidity" in loaded.mixed
