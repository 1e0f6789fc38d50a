"""Read the schema of a database, whatever engine it is in.

    >>> [table.name for table in read_schema("shop.sqlite").tables]
    ['customers', 'orders', 'items']
    >>> read_schema("postgresql://ann@dw/sales", include=["sales.*"])

Covered: SQLite and DuckDB files, any SQLAlchemy URL, a `Database` with patterns and overlay.
Not covered: names from text2sql.yaml (`project.find_database`), Spider's tables.json
(`spider_tables.read_spider_schemas`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from text2sql.databases import Database, locate
from text2sql.errors import UnknownName
from text2sql.schema.duckdb_catalog import read_duckdb_tables
from text2sql.schema.model import ForeignKey, Schema, Table
from text2sql.schema.overlays import apply_overlay
from text2sql.schema.server_catalog import read_server_tables
from text2sql.schema.sqlite_catalog import read_sqlite_tables

if TYPE_CHECKING:
    from text2sql.overlays import Overlay

FILE_READERS = {"sqlite": read_sqlite_tables, "duckdb": read_duckdb_tables}


def read_schema(
    database: str | Path | Database,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    overlay: "Overlay | None" = None,
    name: str | None = None,
) -> Schema:
    """Return the tables and views of a database.

    Args:
        database: a path, a SQLAlchemy URL, or a `Database`, whose own include, exclude and overlay
            hold where none is given here.
        include: patterns as in fnmatch, case ignored, on `table` or `namespace.table`; none: all.
        exclude: patterns of tables to leave out, even included ones.
        overlay: what the owner adds; it may speak of tables that the patterns leave out.
        name: of the schema, such as a db_id; else that of the database.

    Returns:
        A schema in the database's own order; without tables where the database has none.

    Raises:
        DatabaseError: missing, corrupt, or out of reach.
        UnknownName: the overlay or `include` names what does not exist.
    """
    found = locate(database)
    read = FILE_READERS.get(found.engine) if found.path else None
    tables = _resolve((read or read_server_tables)(found))
    schema = Schema(name or found.name, found.dialect, tables)
    said = overlay or found.overlay
    schema = schema if said is None else apply_overlay(schema, said)
    return select_tables(schema, include or found.include, exclude or found.exclude)


def select_tables(schema: Schema, include: Sequence[str], exclude: Sequence[str]) -> Schema:
    """Return the schema with the tables that the patterns choose.

    Raises:
        UnknownName: a pattern of `include` that chooses nothing.
    """
    for pattern in include if schema.tables else ():
        if not any(_matches(table, [pattern]) for table in schema.tables):
            known = [table.full_name for table in schema.tables]
            raise UnknownName("table", pattern, known, f"in database {schema.name!r}")
    kept = [
        table
        for table in schema.tables
        if (not include or _matches(table, include)) and not _matches(table, exclude)
    ]
    return replace(schema, tables=_resolve(kept))


def _matches(table: Table, patterns: Iterable[str]) -> bool:
    names = (table.name.casefold(), table.full_name.casefold())
    return any(fnmatchcase(name, pattern.casefold()) for pattern in patterns for name in names)


def _resolve(tables: Iterable[Table]) -> tuple[Table, ...]:
    """Spell foreign keys as their tables do, and drop those that point at nothing.

    SQLite keeps a key as it was typed, whether or not its table and columns exist.
    """
    tables = tuple(tables)
    by_name = {((t.namespace or "").casefold(), t.name.casefold()): t for t in tables}
    return tuple(
        replace(table, foreign_keys=tuple(_keys_that_lead(table, by_name))) for table in tables
    )


def _keys_that_lead(table: Table, by_name: dict[tuple[str, str], Table]) -> Iterable[ForeignKey]:
    for key in table.foreign_keys:
        parent = by_name.get(((key.namespace or "").casefold(), key.table.casefold()))
        columns = _spelt(table, key.columns)
        referred = _spelt(parent, key.referred) if parent else None
        if parent and columns and referred and len(columns) == len(referred):
            yield replace(key, columns=columns, table=parent.name, referred=referred)


def _spelt(table: Table, names: Sequence[str]) -> tuple[str, ...] | None:
    columns = [table.column(name) for name in names]
    return tuple(c.name for c in columns if c) if columns and all(columns) else None
