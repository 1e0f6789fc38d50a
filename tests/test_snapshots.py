"""Snapshots: closed under their keys, masked so that joins survive, the source untouched."""

import hashlib
import json
import sqlite3
from contextlib import closing

import library
import pytest
from typer.testing import CliRunner

from text2sql.cli import app
from text2sql.data.snapshots.masking import Mask, read_masks
from text2sql.data.snapshots.taking import take_snapshot
from text2sql.databases import locate
from text2sql.errors import DatabaseError, OutputError, SettingsError, UnknownName
from text2sql.schema import read_schema

LOANS = library.TABLES["loans"] + (
    ", FOREIGN KEY (book_id) REFERENCES books (book_id),"
    " FOREIGN KEY (member) REFERENCES members (member_id)"
)
BOOKS = library.TABLES["books"] + ", FOREIGN KEY (author_id) REFERENCES authors (author_id)"
MEMBERS = library.TABLES["members"] + (
    ", FOREIGN KEY (referred_by_member_id) REFERENCES members (member_id),"
    " FOREIGN KEY (branch_code) REFERENCES branches (code)"
)
JOINS = (
    ("loans.member", "members.member_id"),
    ("loans.book_id", "books.book_id"),
    ("books.author_id", "authors.author_id"),
    ("members.referred_by_member_id", "members.member_id"),
    ("members.branch_code", "branches.code"),
)


@pytest.fixture
def source(tmp_path):
    tables = {"loans": LOANS, "books": BOOKS, "members": MEMBERS}
    return library.build_sqlite(tmp_path / "library.sqlite", tables=tables)


def ask(path, sql):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def assert_closed(path):
    for child, parent in JOINS:
        (table, column), (owner, key) = child.split("."), parent.split(".")
        missing = f"{column} NOT IN (SELECT {key} FROM {owner})"
        assert ask(path, f"SELECT count(*) FROM {table} WHERE {missing}") == [(0,)], child


@pytest.mark.parametrize("rows", [1, 7, 30, 10_000])
def test_every_key_of_a_sample_finds_its_row(source, tmp_path, rows):
    taken = take_snapshot(locate(source), tmp_path / "s.sqlite", rows=rows)

    assert_closed(taken.path)
    assert all(table.rows <= 4 * rows for table in taken.tables.values())
    assert rows < 10_000 or {n: t.rows for n, t in taken.tables.items()} == {
        name: len(found) for name, found in library.rows().items()
    }


def test_joins_that_nobody_declared_are_followed_too(tmp_path):
    path = library.build_sqlite(tmp_path / "library.sqlite")
    taken = take_snapshot(locate(path), tmp_path / "s.sqlite", rows=9)

    assert_closed(taken.path)
    assert "loans.book_id -> books.book_id" in [join.shown for join in taken.joins]


def test_types_keys_and_the_source_stay_what_they_are(source, tmp_path):
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    taken = take_snapshot(locate(source), tmp_path / "s.sqlite", rows=20)
    old, new = read_schema(source), read_schema(taken.path)

    assert [t.name for t in new.tables] == [t.name for t in old.tables]
    for one, other in zip(old.tables, new.tables, strict=True):
        assert [(c.name, c.type) for c in one.columns] == [(c.name, c.type) for c in other.columns]
        assert (one.primary_key, one.foreign_keys) == (other.primary_key, other.foreign_keys)
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before


def test_masked_keys_stay_joined_and_no_secret_is_left(source, tmp_path):
    masks = ["members.member_id", "email", "full_name=fake", "members.joined=null"]
    taken = take_snapshot(locate(source), tmp_path / "s.sqlite", rows=400, masks=masks)

    assert_closed(taken.path)
    joined = "SELECT count(*) FROM loans JOIN members ON member = member_id"
    assert ask(taken.path, joined) == ask(source, joined)
    assert taken.masked["loans.member"] == "hash"  # and with it what refers to it
    assert b"example.org" not in taken.path.read_bytes()
    people = ask(taken.path, "SELECT member_id, full_name, joined FROM members")
    assert all(
        number > 1000 and "Member" not in name and day is None for number, name, day in people
    )


def test_the_same_secret_masks_alike_and_another_one_does_not(source, tmp_path, monkeypatch):
    emails = []
    for place, secret in enumerate(("one", "one", "two")):
        monkeypatch.setenv("T2S_MASK_SECRET", secret)
        path = tmp_path / f"{place}.sqlite"
        take_snapshot(locate(source), path, rows=5, masks=["email"])
        emails.append(ask(path, "SELECT email FROM members ORDER BY member_id"))

    assert emails[0] == emails[1] != emails[2]


@pytest.mark.parametrize(
    ("mask", "error", "words"),
    [
        ("emial", UnknownName, "no column 'emial'.*did you mean 'email'"),
        ("email=blur", UnknownName, "no way to mask 'blur'"),
        ("member_id=null", SettingsError, "is a key: only hash keeps it joined"),
        ("books.title=null", SettingsError, "takes no NULL"),
        ("closed.id=fake", SettingsError, "is a key: fakes repeat"),
    ],
)
def test_a_mask_that_cannot_be_is_one_line(source, tmp_path, mask, error, words):
    with pytest.raises(error, match=words):
        take_snapshot(locate(source), tmp_path / "s.sqlite", masks=[mask])
    assert not (tmp_path / "s.sqlite").exists()


@pytest.mark.parametrize("value", ["", "1", "ann@example.org", "王伟", 0, -7, 2.5, "2024-02-29"])
def test_a_hash_is_a_function_of_the_value_and_keeps_its_type(value):
    mask = Mask("hash", "text", b"secret")

    assert mask.of(value) == mask.of(value)
    assert isinstance(mask.of(value), str) == isinstance(value, str)
    assert Mask("null", "text", b"").of(value) is None and mask.of(None) is None


def test_a_mask_by_pattern_hides_every_column_that_fits(source):
    masks = read_masks(["loans.*_on"], read_schema(source), secret=b"x")

    assert sorted(masks) == [("loans", "lent_on"), ("loans", "returned_on")]
    hidden = masks["loans", "lent_on"].of("2024-01-02")
    assert len(hidden) == 10 and hidden != "2024-01-02"


def test_a_chain_longer_than_the_ceiling_is_cut_and_stays_closed(tmp_path):
    with closing(sqlite3.connect(tmp_path / "chain.sqlite")) as connection, connection:
        connection.execute(
            "CREATE TABLE steps (id INTEGER PRIMARY KEY, after INTEGER REFERENCES steps (id))"
        )
        pairs = [(i, i - 1 if i > 1 else None) for i in range(1, 5_001)]
        connection.executemany("INSERT INTO steps VALUES (?, ?)", pairs)
    taken = take_snapshot(locate(tmp_path / "chain.sqlite"), tmp_path / "s.sqlite", rows=5)

    left = ask(taken.path, "SELECT count(*) FROM steps WHERE after NOT IN (SELECT id FROM steps)")
    assert left == [(0,)] and taken.tables["steps"].rows >= 5
    assert any("NULL now" in what for what in taken.left_out)


def test_keys_that_lead_nowhere_in_the_source_are_said(source, tmp_path):
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("UPDATE loans SET book_id = 9999 WHERE loan_id = 1")
    taken = take_snapshot(locate(source), tmp_path / "s.sqlite", rows=10_000)

    assert taken.dangling == {"loans.book_id": 1}
    assert ask(taken.path, "SELECT count(*) FROM loans") == [(400,)]


def test_duckdb_is_a_source_and_a_target(tmp_path):
    import duckdb

    source = library.build_duckdb(tmp_path / "library.duckdb")
    taken = take_snapshot(locate(source), tmp_path / "s.duckdb", rows=50, masks=["email"])

    types = {c.name: c.type for c in read_schema(taken.path).find_table("books").columns}
    assert types["price"] == "DOUBLE" and types["pages"] == "BIGINT"
    with duckdb.connect(str(taken.path), read_only=True) as connection:
        sql = "SELECT count(*) FROM loans JOIN books USING (book_id)"
        assert connection.execute(sql).fetchone() == (50,)


def test_types_that_sqlite_cannot_name_become_text_or_json(tmp_path):
    import duckdb

    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('sad', 'it''s')")
        connection.execute(
            "CREATE TABLE t (m mood, tags VARCHAR[], s STRUCT(a INT), d DECIMAL(12,3), i INTERVAL)"
        )
        connection.execute(
            "INSERT INTO t VALUES ('sad', ['a', 'b'], {'a': 1}, 2.5, INTERVAL 2 DAY)"
        )
    taken = take_snapshot(locate(tmp_path / "a.duckdb"), tmp_path / "s.sqlite")

    (row,) = ask(taken.path, "SELECT m, tags, s, d FROM t")
    assert row == ("sad", '["a", "b"]', '{"a": 1}', 2.5)
    types = [column.type for column in read_schema(taken.path).tables[0].columns]
    assert types == ["TEXT", "JSON", "JSON", "DECIMAL(12,3)", "INTERVAL"]


def test_postgres_is_copied_with_its_types_and_namespaces(postgres_url, tmp_path):
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS snap CASCADE")
        connection.execute("CREATE SCHEMA snap")
        connection.execute(
            'CREATE TABLE snap."Clients" (id uuid PRIMARY KEY, tags text[], at timestamptz,'
            " worth numeric(10,2), ok boolean)"
        )
        connection.execute(
            'CREATE TABLE snap.visits (n int PRIMARY KEY, client uuid REFERENCES snap."Clients")'
        )
        connection.execute(
            "INSERT INTO snap.\"Clients\" SELECT gen_random_uuid(), ARRAY['a'],"
            " '2024-05-06 07:08:09+00', i / 4.0, i % 2 = 0 FROM generate_series(1, 50) i"
        )
        connection.execute(
            'INSERT INTO snap.visits SELECT row_number() OVER (), id FROM snap."Clients"'
        )
        kept = connection.execute("SELECT xact_commit FROM pg_stat_database").fetchall()
    database = locate(postgres_url)
    from dataclasses import replace

    database = replace(database, include=("snap.*",))
    taken = take_snapshot(database, tmp_path / "s.sqlite", rows=8, masks=["Clients.id"])

    assert kept and taken.tables["snap.visits"].rows == 8 and taken.tables["snap.visits"].of == 50
    (joined,) = ask(taken.path, 'SELECT count(*) FROM visits JOIN "Clients" ON client = id')
    assert joined == (8,)
    at, worth, ok = ask(taken.path, 'SELECT at, worth, ok FROM "Clients" LIMIT 1')[0]
    assert at.startswith("2024-05-06 07:08:09") and isinstance(worth, int | float) and ok in (0, 1)


def test_the_command_tells_what_it_took(source, tmp_path):
    output = tmp_path / "s.sqlite"
    command = ["data", "snapshot", "-d", str(source), "--rows", "5", "-o", str(output)]
    result = CliRunner().invoke(app, [*command, "--mask", "email", "--json"])

    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["tables"]["loans"]["of"] == 400 and record["masked"] == {"members.email": "hash"}
    again = CliRunner().invoke(app, command)
    assert isinstance(again.exception, OutputError)


def test_a_database_without_tables_is_an_error(tmp_path):
    with closing(sqlite3.connect(tmp_path / "e.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(DatabaseError, match="has no tables"):
        take_snapshot(locate(tmp_path / "e.sqlite"), tmp_path / "s.sqlite")
