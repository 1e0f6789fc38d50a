"""The queries behind a database's views.

    >>> read_definitions(locate("shop.sqlite"))
    {'open_orders': 'SELECT * FROM orders WHERE paid = 0'}

Covered: SQLite, DuckDB, PostgreSQL, its materialized views as well.
Not covered: views that sqlglot cannot read as CREATE VIEW ... AS query: they are left out.
"""

from typing import Any

import sqlglot
from sqlglot import exp

from text2sql.databases import Database
from text2sql.errors import DatabaseError
from text2sql.unreadable import UNREADABLE

# PostgreSQL 17 manual, 52.32 (pg_views) and 52.18 (pg_matviews); current_schema() is asked before
# the search path is emptied, so that every name in a definition says its namespace.
_POSTGRES = """
    SELECT schemaname, viewname, definition FROM pg_catalog.pg_views
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
    UNION ALL SELECT schemaname, matviewname, definition FROM pg_catalog.pg_matviews
"""
_DUCKDB = """
    SELECT schema_name, view_name, sql FROM system.main.duckdb_views()
    WHERE database_name = 'source' AND NOT internal
"""


def read_definitions(database: Database) -> dict[str, str]:
    """Return the query of each view by its full name.

    Raises:
        DatabaseError: the database cannot be read.
    """
    if database.engine == "sqlite":
        return _created(_sqlite_views(database), "sqlite", "main")
    if database.engine == "duckdb":
        return _created(_duckdb_views(database), "duckdb", "main")
    return _postgres_views(database) if database.engine == "postgresql" else {}


def _sqlite_views(database: Database) -> list[Any]:
    import sqlite3
    from contextlib import closing

    from text2sql.schema.sqlite_catalog import open_read_only

    assert database.path is not None
    try:
        with closing(open_read_only(database.path)) as connection:
            query = "SELECT 'main', name, sql FROM sqlite_master WHERE type = 'view'"
            return connection.execute(query).fetchall()
    except (sqlite3.Error, OSError) as error:
        message = f"cannot read database {database.shown}: {error}"
        raise DatabaseError(message, database.shown) from None


def _duckdb_views(database: Database) -> list[Any]:
    from text2sql.schema.duckdb_catalog import read_catalogue

    return read_catalogue(database, _DUCKDB)[0]


def _postgres_views(database: Database) -> dict[str, str]:
    from text2sql.execution import connections

    with connections.connect(database) as connection:
        default = connection.exec_driver_sql("SELECT current_schema()").scalar()
        connection.exec_driver_sql("SET search_path = ''")
        rows = connection.exec_driver_sql(_POSTGRES).fetchall()
        connection.exec_driver_sql("DISCARD ALL")
    return {_full_name(schema, name, str(default)): sql.strip(" ;\n") for schema, name, sql in rows}


def _full_name(namespace: str, name: str, default: str) -> str:
    return name if namespace == default else f"{namespace}.{name}"


def _created(rows: list[Any], dialect: str, default: str) -> dict[str, str]:
    found = {}
    for namespace, name, sql in rows:
        query = _query(sql, dialect)
        if query is not None:
            found[_full_name(namespace, name, default)] = query
    return found


def _query(sql: str, dialect: str) -> str | None:
    """Return the query of a CREATE VIEW statement, as it stands there."""
    try:
        tree = sqlglot.parse_one(sql, read=dialect)
    except UNREADABLE:
        return None
    if not isinstance(tree, exp.Create) or not isinstance(tree.expression, exp.Query):
        return None
    return tree.expression.sql(dialect, comments=False)
