"""The texts of a real database, read once and kept in the user's cache."""

import os
import sqlite3
import time

import pytest

from text2sql import cells as module
from text2sql.cells import DatabaseCells
from text2sql.databases import locate
from text2sql.errors import DatabaseError
from text2sql.schema import read_schema
from text2sql.schema.words import key_of


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.sqlite"
    change(path, "CREATE TABLE customers (id INTEGER, city TEXT, iban TEXT)")
    change(path, "INSERT INTO customers VALUES (1, 'Berlin', 'DE02')")
    return path


def change(path, sql: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(sql)
    connection.close()


def cells(path, folder, **options) -> DatabaseCells:
    return DatabaseCells(locate(path), read_schema(path), folder=folder, **options)


def test_texts_are_read_once_and_then_come_from_the_cache(shop, tmp_path, monkeypatch):
    assert cells(shop, tmp_path / "cache").get(key_of("berlin"))[0].column == "city"
    monkeypatch.setattr(module, "value_lister", None)  # asking it would fail
    assert cells(shop, tmp_path / "cache").get(key_of("berlin"))[0].column == "city"


def test_nothing_is_read_before_it_is_asked_for(shop, tmp_path):
    cells(shop, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_database_that_changed_is_read_again(shop, tmp_path):
    assert not cells(shop, tmp_path / "cache").get(key_of("rome"), ())
    change(shop, "INSERT INTO customers VALUES (2, 'Rome', 'IT60')")
    assert cells(shop, tmp_path / "cache").get(key_of("rome"))


def test_values_of_a_column_that_may_not_be_seen_are_not_read(shop, tmp_path):
    assert cells(shop, tmp_path / "cache").get(key_of("de02"))
    restricted = cells(shop, tmp_path / "cache", allowed=lambda table, column: column != "iban")
    assert not restricted.get(key_of("de02")) and restricted.get(key_of("berlin"))
    assert not restricted.near("de0212") and restricted.unread == ()


def test_only_its_user_may_read_the_cache(shop, tmp_path):
    cells(shop, tmp_path / "cache").get(key_of("berlin"))
    (file,) = (tmp_path / "cache").iterdir()
    assert file.stat().st_mode & 0o077 == 0 and file.parent.stat().st_mode & 0o077 == 0


def test_a_broken_file_is_made_again_and_a_place_that_cannot_be_written_does_no_harm(
    shop, tmp_path
):
    cells(shop, tmp_path / "cache").get(key_of("berlin"))
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(b"no database")
    assert cells(shop, tmp_path / "cache").get(key_of("berlin"))
    (tmp_path / "occupied").write_text("a file")
    assert cells(shop, tmp_path / "occupied").get(key_of("berlin"))


def test_what_could_not_be_read_is_tried_again_after_a_day(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "value_lister", lambda *a, **k: lambda table, column: None)
    assert cells(shop, tmp_path / "cache").unread == ("customers.city", "customers.iban")
    monkeypatch.undo()
    assert cells(shop, tmp_path / "cache").unread
    (file,) = (tmp_path / "cache").iterdir()
    os.utime(file, (time.time(), time.time() - module.KEPT_SECONDS - 1))
    assert cells(shop, tmp_path / "cache").get(key_of("berlin"))


def test_the_index_that_was_not_used_for_longest_goes_first(shop, tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    cells(shop, folder).get(key_of("berlin"))
    monkeypatch.setattr(module, "MAX_BYTES", 1)
    change(shop, "INSERT INTO customers VALUES (2, 'Rome', 'IT60')")
    assert cells(shop, folder).get(key_of("rome"))
    assert len(list(folder.iterdir())) == 1


def test_a_database_that_is_gone_is_said(shop, tmp_path):
    asked = cells(shop, tmp_path / "cache")
    shop.unlink()
    with pytest.raises(DatabaseError, match=r"shop\.sqlite"):
        asked.get(key_of("berlin"))


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_both_engines_have_their_texts_indexed(samples, tmp_path, engine):
    found = cells(samples / "database" / "shop" / f"shop.{engine}", tmp_path)
    assert [(v.sql, v.column) for v in found.get(key_of("gold"))] == [("'gold'", "tier")]
    assert found.unread == ()
