"""Read the tables of a SQLite file from SQLite's own catalogue, without writing a byte.

Read by PRAGMA and not through SQLAlchemy, which turns declared types into its own.

Covered: tables, views, virtual tables; types as declared; composite keys; foreign keys that name no
column (they mean the primary key); odd names; a WAL database in a folder that cannot be written.
Not covered: shadow tables of virtual ones, hidden columns, views that no longer work: left out.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from text2sql.databases import Database, read_head
from text2sql.errors import DatabaseError
from text2sql.schema.model import Column, ForeignKey, Table

BUSY_SECONDS = 5.0  # how long a writer may keep us waiting

_TABLES = """
    SELECT name, type FROM pragma_table_list
    WHERE schema = 'main' AND type IN ('table', 'view', 'virtual')
    AND substr(name, 1, 7) <> 'sqlite_'
    ORDER BY (
        SELECT rowid FROM sqlite_master AS entry
        WHERE entry.name = pragma_table_list.name AND entry.type IN ('table', 'view')
    )
"""
_HIDDEN = 1  # PRAGMA table_xinfo: a hidden column of a virtual table


def read_sqlite_tables(database: Database) -> tuple[Table, ...]:
    """Return the tables and views of a SQLite file in the order of their creation.

    Raises:
        DatabaseError: the file is corrupt, locked, or cannot be read.
    """
    assert database.path is not None
    try:
        with closing(open_read_only(database.path)) as connection:
            found = connection.execute(_TABLES).fetchall()
            tables = [_read_table(connection, name, kind) for name, kind in found]
    except (sqlite3.Error, OSError) as error:
        reason = " ".join(str(error).split())
        message = f"cannot read database {database.shown}: {reason}"
        raise DatabaseError(message, database.shown) from None
    return tuple(table for table in tables if table is not None)


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open a file so that nothing is written, not even beside it."""
    mode = "immutable=1" if _is_idle_wal(path) else "mode=ro"
    connection = sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, timeout=BUSY_SECONDS)
    connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
    return connection


def _is_idle_wal(path: Path) -> bool:
    # Reading a WAL database makes a -shm file beside it, or fails where the folder is read-only.
    # Without a -wal file everything is in the file itself, which may then be read as immutable.
    if path.with_name(path.name + "-wal").exists():
        return False
    return read_head(path, 20)[18:20] == b"\x02\x02"


def _read_table(connection: sqlite3.Connection, name: str, kind: str) -> Table | None:
    try:
        rows = connection.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall()
    except sqlite3.OperationalError as error:
        if kind == "table":
            raise
        del error  # a view of something dropped, a virtual table whose module is not loaded
        return None
    columns, key = [], {}
    for _, column, declared, not_null, _, place, hidden in rows:
        if hidden != _HIDDEN:
            columns.append(Column(column, declared or "", nullable=not not_null))
            key[place] = column
    primary_key = tuple(key[place] for place in sorted(key) if place)
    foreign_keys = tuple(_foreign_keys(connection, name))
    return Table(name, tuple(columns), primary_key, foreign_keys, view=kind == "view")


def _foreign_keys(connection: sqlite3.Connection, name: str) -> Iterator[ForeignKey]:
    # ids count from the last declared key back to the first
    query = 'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq'
    for _, rows in groupby(connection.execute(query, (name,)).fetchall(), key=itemgetter(0)):
        yield _foreign_key(connection, list(rows))


def _foreign_key(connection: sqlite3.Connection, rows: list[tuple]) -> ForeignKey:
    parent, columns = rows[0][1], tuple(row[2] for row in rows)
    named = tuple(row[3] for row in rows)
    return ForeignKey(columns, parent, _key_of(connection, parent) if None in named else named)


def _key_of(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    query = "SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk"
    found: Iterable[tuple[str]] = connection.execute(query, (table,))
    return tuple(name for (name,) in found)
