"""Where a database is and which engine runs it; and that no message shows a password."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_schema import build

from text2sql.databases import Database, hide_password, locate, redact
from text2sql.errors import DatabaseError
from text2sql.schema import read_schema, sqlite_catalog


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_a_file_is_known_by_its_content_not_its_suffix(tmp_path, engine):
    path = build(engine, tmp_path / "shop.data")
    found = locate(path)
    assert (found.name, found.engine, found.path) == ("shop", engine, path)
    assert found.dialect == engine
    assert locate(f"{engine}:///{path}").path == path
    assert locate(found) is found


def test_a_driver_in_a_file_url_is_allowed(tmp_path):
    path = build("sqlite", tmp_path / "shop.db")
    assert locate(f"sqlite+pysqlite:///{path}").path == path


def test_relative_paths_become_absolute(tmp_path, monkeypatch):
    build("sqlite", tmp_path / "shop.db")
    monkeypatch.chdir(tmp_path)
    assert locate("shop.db").path == tmp_path / "shop.db"
    assert locate("sqlite:///shop.db").path == tmp_path / "shop.db"


def test_a_server_url_gives_engine_dialect_and_name():
    found = locate("postgresql+psycopg://ann@dw:5432/sales")
    assert (found.name, found.engine, found.dialect) == ("sales", "postgresql", "postgres")
    assert found.path is None
    assert locate("mariadb://h/d").dialect == "mysql"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "Is a directory|not a regular file"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("id,name\n"), "is neither a SQLite nor a DuckDB file"),
    ],
)
def test_what_is_no_database_is_one_line_with_the_path(tmp_path, make, message):
    path = tmp_path / "x.db"
    make(path)
    with pytest.raises(DatabaseError, match=message) as caught:
        locate(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["\0", "~nobody-of-that-name/x.db", "x" * 5000])
def test_text_that_is_no_path_is_refused_in_the_same_way(text):
    with pytest.raises(DatabaseError, match="cannot open database"):
        locate(text)


def test_a_file_of_the_other_engine_than_its_url_says_is_refused(tmp_path):
    path = build("sqlite", tmp_path / "shop.db")
    with pytest.raises(DatabaseError, match="is a sqlite file, not duckdb"):
        locate(f"duckdb:///{path}")


# passwords

SECRET = "s3cr3t"
URLS = [
    f"postgresql://ann:{SECRET}@dw/sales",
    f"postgresql://ann:{SECRET}/x:y@dw:5432/sales",
    f"postgresql://ann:a@{SECRET}@dw/sales",
    f"postgresql://ann:{SECRET}@b@dw/sales",
    f"postgresql://ann:{SECRET}%40%2F@[::1]:5432/sales?x=a@b",
    f"postgresql://ann:{SECRET}?#@dw:port/sales",
    f"postgresql:/ann:{SECRET}@dw/sales",
    f"post gresql://ann:{SECRET}@dw/sales",
    f"://ann:{SECRET}@dw",
    f"nosuchengine://ann:{SECRET}@dw/sales",
    f"postgresql+nosuchdriver://ann:{SECRET}@dw/sales",
    f"mysql+pymysql://dw/sales?user=ann&password={SECRET}&charset=utf8",
    f"mssql+pyodbc://?odbc_connect=DRIVER%3Dx%3BPWD%3D{SECRET}",
    f"postgresql://ann:{SECRET}@localhost:1/sales?connect_timeout=1",
]


@pytest.mark.parametrize("url", URLS)
def test_no_message_shows_the_password(url):
    assert SECRET not in hide_password(url)
    with pytest.raises(DatabaseError) as caught:
        read_schema(url)
    assert SECRET not in str(caught.value)
    assert SECRET not in caught.value.database
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", URLS)
def test_no_repr_shows_the_password(url):
    database = Database("dw", "postgresql", url)
    assert SECRET not in repr(database)
    assert SECRET not in database.shown


def test_what_is_not_secret_is_shown():
    assert hide_password("postgresql://ann:x@dw:5432/sales?sslmode=require") == (
        "postgresql://ann:***@dw:5432/sales?sslmode=require"
    )
    assert hide_password("postgresql://ann@dw/sales") == "postgresql://ann@dw/sales"
    assert hide_password("data/shop.sqlite") == "data/shop.sqlite"


def test_an_at_sign_that_must_be_encoded_is_said():
    with pytest.raises(DatabaseError, match=r"ann:\*\*\*@dw/sales: write @ .* as %40"):
        locate("postgresql://ann:p@ss@dw/sales")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6))
def test_any_password_is_hidden_and_redacted(password):
    password = f"<{password}>".replace("?", "!")
    url = f"postgresql://ann:{password}@dw/sales"
    assert password not in hide_password(url)
    assert password not in redact(f"login with {password} failed", url)


def test_an_encoded_password_is_redacted_as_the_driver_would_say_it():
    url = "postgresql://ann:p%40ss+w@dw/sales?sslpassword=k%2Fey"
    assert redact("bad p@ss+w or k/ey", url) == "bad *** or ***"


def test_a_missing_driver_is_named():
    with pytest.raises(DatabaseError, match=r"driver is not installed: No module named 'pyodbc'"):
        read_schema("mssql+pyodbc://ann@dw/sales")


def test_a_locked_database_is_one_line(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sqlite_catalog, "BUSY_SECONDS", 0.0)
    path = build("sqlite", tmp_path / "shop.db")
    writer = sqlite3.connect(path)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DatabaseError, match="database is locked"):
        read_schema(path)
    writer.close()
