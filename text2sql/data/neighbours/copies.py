"""Build databases with the schema of another one and rows of their own.

    >>> content = settle(profile, content)
    >>> write_copy(profile, content, "shop_neighbour_01.sqlite")

Covered: DDL as it is written; rows that the engine refuses are left out, and those that point at
nothing; equal content gives equal bytes with the same version of SQLite.
Not covered: values that a trigger would have written: triggers come after the rows.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from text2sql.data.neighbours.profiles import Content, Profile, Row, TableProfile
from text2sql.schema.quoting import quote


def open_copy(
    profile: Profile, content: Content, *, place: str = ":memory:", plain: bool = False
) -> sqlite3.Connection:
    """Build a database and return the connection to it.

    Args:
        profile: of the original.
        content: rows by table.
        place: a path, or memory.
        plain: without keys, constraints and indexes, which decide the order of a scan.
    """
    connection = sqlite3.connect(place, isolation_level=None)
    connection.execute(f"PRAGMA encoding = '{profile.encoding}'")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    bare = {table.name: table.plain for table in profile.tables.values()} if plain else {}
    for name, ddl in zip(profile.order, profile.tables_ddl, strict=True):
        connection.execute(bare.get(name) or ddl)
    for table in profile.tables.values():
        _insert(connection, table, content[table.name])
    for ddl in profile.later_ddl if not plain else ():
        connection.execute(ddl)
    connection.execute("COMMIT")
    return connection


def _insert(connection: sqlite3.Connection, table: TableProfile, rows: Sequence[Row]) -> None:
    names = ", ".join(quote(column.name, "sqlite") for column in table.columns)
    marks = ", ".join("?" * len(table.columns))
    insert = f"INSERT OR IGNORE INTO {quote(table.name, 'sqlite')} ({names}) VALUES ({marks})"
    try:
        connection.executemany(insert, rows)
    except sqlite3.Error:  # a STRICT table or an overflow: one row at a time
        for row in rows:
            with suppress(sqlite3.Error, OverflowError):
                connection.execute(insert, row)


def settle(profile: Profile, content: Content) -> Content:
    """Return the rows that the engine takes, as it stores them, without pointers to nothing."""
    content = {name: _distinct_keys(profile.tables[name], rows) for name, rows in content.items()}
    with closing(open_copy(profile, content)) as connection:
        kept = {table.name: _stored(connection, table) for table in profile.tables.values()}
        while True:
            pointing = {name: _pointing(profile.tables[name], kept) for name in kept}
            if all(len(pointing[name]) == len(kept[name]) for name in kept):
                return kept
            kept = pointing


def _distinct_keys(table: TableProfile, rows: Sequence[Row]) -> list[Row]:
    """Drop rows that repeat a key, also one that only `tables.json` knows, or leave it NULL."""
    kept: list[Row] = []
    taken: list[set[Row]] = [set() for _ in table.unique]
    for row in rows:
        cells = [tuple(row[place] for place in columns) for columns in table.unique]
        missing = table.primary_key and None in (row[place] for place in table.primary_key)
        if missing or any(cell in seen for cell, seen in zip(cells, taken, strict=True)):
            continue
        for cell, seen in zip(cells, taken, strict=True):
            if None not in cell:
                seen.add(cell)
        kept.append(row)
    return kept


def _stored(connection: sqlite3.Connection, table: TableProfile) -> list[Row]:
    names = ", ".join(quote(column.name, "sqlite") for column in table.columns)
    return connection.execute(f"SELECT {names} FROM {quote(table.name, 'sqlite')}").fetchall()


def _pointing(table: TableProfile, content: Content) -> list[Row]:
    rows = content[table.name]
    for link in table.links:
        keys = {tuple(_plain(row[p]) for p in link.referred) for row in content[link.parent]}
        rows = [
            row
            for row in rows
            if None in (cells := tuple(_plain(row[p]) for p in link.columns)) or cells in keys
        ]
    return rows


def _plain(value: object) -> object:
    """Compare keys as SQLite's affinity does: a text "1" points at an integer 1."""
    if isinstance(value, str):
        with suppress(ValueError):
            return float(value)
    return value


def write_copy(profile: Profile, content: Content, path: str | Path) -> None:
    """Write a database file, whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    path = Path(path)
    scratch = path.with_name(f".{path.name}.part")
    scratch.unlink(missing_ok=True)
    with closing(open_copy(profile, content, place=str(scratch))):
        pass
    scratch.replace(path)
