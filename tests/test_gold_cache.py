"""Gold results on disk: found again, and never for another query, database or setting."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from text2sql.databases import Database, locate
from text2sql.execution.frames import Reply, decode, encode
from text2sql.scoring import gold_cache
from text2sql.scoring.gold_cache import GoldCache

SQL = "SELECT a FROM t"
REPLY = Reply(seconds=0.5, columns=["a"], pages=[encode([(1,), ("x",)])])


@pytest.fixture
def database(tmp_path: Path) -> Database:
    with sqlite3.connect(tmp_path / "t.sqlite") as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    return locate(tmp_path / "t.sqlite")


def put(folder: Path, database: Database, sql: str = SQL, reply: Reply = REPLY, **kw: str) -> None:
    with closing(GoldCache.open(folder, **kw)) as cache:
        cache.put([sql], [reply], database)


def get(folder: Path, database: Database, sql: str = SQL, **kw: str) -> Reply | None:
    with closing(GoldCache.open(folder, **kw)) as cache:
        return cache.get([sql], database)[0]


def test_a_result_is_found_by_another_process_with_its_rows(tmp_path: Path, database) -> None:
    put(tmp_path, database)
    found = get(tmp_path, database)
    assert found == REPLY
    assert decode(found.pages[0]) == [(1,), ("x",)]


def test_another_query_setting_or_file_has_no_result(tmp_path: Path, database) -> None:
    put(tmp_path, database)
    assert get(tmp_path, database, SQL + " ") is None
    assert get(tmp_path, database, settings="2024-01-01") is None
    with sqlite3.connect(database.path) as connection:
        connection.execute("INSERT INTO t VALUES (1)")
    connection.close()
    assert get(tmp_path, database) is None


def test_a_copy_of_the_file_elsewhere_has_the_same_results(tmp_path: Path, database) -> None:
    put(tmp_path, database)
    shutil.copy(database.path, tmp_path / "copy.sqlite")
    assert get(tmp_path, locate(tmp_path / "copy.sqlite")) == REPLY


def test_rows_in_the_write_ahead_log_make_another_database(tmp_path: Path, database) -> None:
    put(tmp_path, database)
    connection = sqlite3.connect(database.path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.commit()
    put(tmp_path, database)
    connection.execute("INSERT INTO t VALUES (7)")
    connection.commit()
    assert get(tmp_path, database) is None
    connection.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT random()",
        "SELECT date('now')",
        "SELECT datetime ( )",
        "SELECT CURRENT_DATE",
        "SELECT strftime('%Y')",
        "SELECT now() FROM t",
        "SELECT gen_random_uuid()",
    ],
)
def test_what_changes_by_itself_is_not_kept(tmp_path: Path, database, sql: str) -> None:
    put(tmp_path, database, sql)
    assert get(tmp_path, database, sql) is None


@pytest.mark.parametrize(
    "sql", ["SELECT strftime('%Y', day) FROM t", "SELECT knowledge FROM t", "SELECT date(a) FROM t"]
)
def test_what_only_looks_like_it_is_kept(tmp_path: Path, database, sql: str) -> None:
    put(tmp_path, database, sql)
    assert get(tmp_path, database, sql) == REPLY


@pytest.mark.parametrize("reply", [Reply("engine", "no"), Reply(truncated=True, pages=[b""])])
def test_failures_and_cut_results_are_not_kept(tmp_path: Path, database, reply: Reply) -> None:
    put(tmp_path, database, reply=reply)
    assert get(tmp_path, database) is None


def test_a_broken_file_is_replaced(tmp_path: Path, database) -> None:
    (tmp_path / "gold-results.sqlite").write_bytes(b"not a database at all" * 100)
    put(tmp_path, database)
    assert get(tmp_path, database) == REPLY


@pytest.mark.parametrize(
    "reply",
    [
        b"\x80\x04\x95\x63",
        b"",
        "text",
        7,
        encode((1, 2, 3)),
        encode(("soon", None, [b"no page"])),
        encode((0.5, ["a"], [encode([(8,)])])),
    ],
)
def test_what_is_no_result_of_ours_counts_for_nothing(tmp_path: Path, database, reply) -> None:
    put(tmp_path, database)
    with sqlite3.connect(tmp_path / "gold-results.sqlite") as connection:
        connection.execute("UPDATE results SET reply = ?", [reply])
    connection.close()
    assert get(tmp_path, database) is None


def test_the_result_of_another_query_in_its_place_counts_for_nothing(
    tmp_path: Path, database
) -> None:
    put(tmp_path, database)
    put(tmp_path, database, "SELECT 2", Reply(columns=["b"], pages=[encode([(2,)])]))
    with sqlite3.connect(tmp_path / "gold-results.sqlite") as connection:
        connection.execute("UPDATE results SET reply = (SELECT max(reply) FROM results)")
    connection.close()
    assert sorted(get(tmp_path, database, sql) is None for sql in (SQL, "SELECT 2")) == [
        False,
        True,
    ]


def test_a_change_whose_time_is_set_back_is_noticed(tmp_path: Path, database) -> None:
    put(tmp_path, database)
    before = database.path.stat()
    content = database.path.read_bytes()
    database.path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(database.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert get(tmp_path, database) is None


def test_a_folder_that_cannot_be_written_means_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert GoldCache.open(tmp_path / "file" / "below") is None


def test_the_oldest_go_when_the_file_grows_too_large(tmp_path: Path, database, monkeypatch) -> None:
    put(tmp_path, database)
    with sqlite3.connect(tmp_path / "gold-results.sqlite") as connection:
        connection.execute("UPDATE results SET used = 1")
    connection.close()
    monkeypatch.setattr(gold_cache, "MAX_BYTES", 1)
    put(tmp_path, database, "SELECT 2")
    assert get(tmp_path, database, "SELECT 2") == REPLY
    assert get(tmp_path, database) is None
