"""Words that are no names: the table against the engines and sqlglot, both ways."""

import sqlite3
from contextlib import closing

import pytest
import sqlglot
from sqlglot import exp

from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.operand_actions import LONG_TYPES
from text2sql.decoding.checking.words import CAST_TYPES, NO_TYPES, POSITIONS, RESERVED
from text2sql.schema.model import Column, Schema, Table

# The name is quoted on one side and bare on the other; both must be read alike.
STATEMENTS = {
    "column": ("SELECT {n} FROM t", "SELECT 1 FROM t WHERE {n} > 1 AND {n} < 5"),
    "qualified": ("SELECT t. {n} FROM t", "SELECT 1 FROM t WHERE t.{n} < 5 GROUP BY t.{n}"),
    "qualifier": ("SELECT {n}.i FROM t AS {q}",),
    "table": ("SELECT 1 FROM {n}", "SELECT 1 FROM t JOIN {n} AS b ON 1 = 1"),
    "alias": ("SELECT i AS {n} FROM t", "SELECT 1 FROM t AS {n} JOIN t AS b ON 1 = 1"),
    "bare_alias": ("SELECT i {n} FROM t", "SELECT 1 FROM t {n} WHERE 1 = 1"),
    "cte": ("WITH {n} AS (SELECT 1 AS a) SELECT a FROM {q}",),
}
_COMMON = """
    action count date desc_text end_date first full groups id key language last left level match
    name number order_date percent plan position query range_ rank replace right role row rowid
    rows start status temp text time type user_id value view year
"""
COMMON = frozenset(_COMMON.split())


def tree(sql: str, dialect: str) -> exp.Expr | None:
    try:
        found = sqlglot.parse_one(sql, dialect=dialect)
    except sqlglot.errors.SqlglotError:
        return None
    for identifier in found.find_all(exp.Identifier):
        identifier.set("quoted", False)
    return found


def statements(position: str, name: str) -> list[tuple[str, str]]:
    quoted = f'"{name}"'
    return [
        (text.format(n=name, q=quoted), text.format(n=quoted, q=quoted))
        for text in STATEMENTS[position]
    ]


def readable(position: str, name: str, dialect: str) -> bool:
    """Tell whether sqlglot reads the bare name as it reads the quoted one."""
    pairs = [(tree(a, dialect), tree(b, dialect)) for a, b in statements(position, name)]
    return all(bare is not None and bare == quoted for bare, quoted in pairs)


def database_with(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute(f'CREATE TABLE t (i INTEGER, "{name}" INTEGER)')
    connection.execute(f'CREATE TABLE "{name}" (i INTEGER)')
    connection.execute("INSERT INTO t VALUES (1, 7)")
    return connection


def runnable(position: str, name: str) -> bool:
    """Tell whether SQLite gives the same rows for the bare name as for the quoted one."""
    connection = database_with(name)
    try:
        return all(
            connection.execute(bare).fetchall() == connection.execute(quoted).fetchall()
            for bare, quoted in statements(position, name)
        )
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()


@pytest.mark.parametrize("position", POSITIONS)
def test_a_word_that_is_not_reserved_is_a_name_for_sqlite_and_sqlglot(position: str) -> None:
    every = set().union(*RESERVED["sqlite"].values(), COMMON)
    free = every - RESERVED["sqlite"][position]
    assert [n for n in free if not readable(position, n, "sqlite")] == []
    assert [n for n in free if not runnable(position, n)] == []


@pytest.mark.parametrize("dialect", RESERVED)
@pytest.mark.parametrize("position", POSITIONS)
def test_a_word_that_is_not_reserved_is_a_name_for_sqlglot(position: str, dialect: str) -> None:
    every = set().union(*RESERVED[dialect].values(), COMMON)
    free = every - RESERVED[dialect][position]
    assert [n for n in free if not readable(position, n, dialect)] == []


def test_a_word_that_is_reserved_everywhere_is_a_name_nowhere_in_sqlite() -> None:
    everywhere = frozenset.intersection(*RESERVED["sqlite"].values())
    assert {"select", "from", "order", "group", "values"} <= everywhere
    assert [n for n in everywhere if all(runnable(position, n) for position in POSITIONS)] == []


def test_a_word_that_is_reserved_nowhere_is_a_type_to_sqlite_and_sqlglot() -> None:
    checker = Checker(Schema("made", "sqlite", (Table("t", (Column("a", "TEXT"),)),)))
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
        for name in set().union(*RESERVED["sqlite"].values(), COMMON, {"widget", "intger"}):
            sql = f"SELECT CAST(a AS {name}) FROM t WHERE CAST(a AS {name}) IN (1, 2)"
            if checker.accepts(sql):
                connection.execute(sql)
                assert isinstance(tree(sql, "sqlite"), exp.Select)
            else:
                assert name in NO_TYPES
    assert checker.accepts("SELECT CAST(a AS widget) FROM t")


@pytest.mark.parametrize("dialect", RESERVED)
def test_common_names_of_columns_stay_free(dialect: str) -> None:
    free = {"id", "name", "date", "year", "value", "type", "status", "key", "first", "position"}
    assert not free & RESERVED[dialect]["column"]


def test_words_that_sqlglot_joins_do_not_meet() -> None:
    assert "sort" not in RESERVED["sqlite"]["column"]
    assert "by" in RESERVED["sqlite"]["bare_alias"]
    assert tree("SELECT sort by FROM t", "sqlite") is None


@pytest.mark.parametrize("word", ["current_date", "true", "null", "interval"])
def test_a_word_that_is_read_as_something_else_is_no_column(word: str) -> None:
    assert all(word in RESERVED[dialect]["column"] for dialect in RESERVED)


def test_every_type_can_be_cast_to_in_sqlite() -> None:
    connection = sqlite3.connect(":memory:")
    for name, (kind, parameters) in CAST_TYPES["sqlite"].items():
        for suffix in ("", "(3)", "(10, 2)")[: parameters + 1]:
            sql = f"SELECT typeof(CAST('1.5' AS {name}{suffix}))"
            assert tree(sql, "sqlite") is not None
            (found,) = connection.execute(sql).fetchone()
            expected = {"float": "real", "number": "real"}.get(kind, kind)
            assert found == expected, sql
    connection.close()


def test_every_type_can_be_cast_to_in_duckdb() -> None:
    import duckdb

    with duckdb.connect() as connection:
        for name, (_, parameters) in CAST_TYPES["duckdb"].items():
            for suffix in ("", "(3)", "(10, 2)")[: parameters + 1]:
                sql = f"SELECT CAST(NULL AS {name}{suffix})"
                assert tree(sql, "duckdb") is not None
                assert connection.execute(sql).fetchone() == (None,)


def test_every_type_can_be_cast_to_in_postgres(postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        for name, (_, parameters) in CAST_TYPES["postgres"].items():
            long = f"{name} {LONG_TYPES.get(name.encode(), '')}".strip()  # as the grammar asks
            for suffix in ("", "(3)", "(10, 2)")[: parameters + 1]:
                sql = f"SELECT CAST(NULL AS {long}{suffix})"
                assert tree(sql, "postgres") is not None
                assert connection.execute(sql).fetchone() == (None,)
