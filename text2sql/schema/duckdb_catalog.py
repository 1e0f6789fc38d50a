"""Read the tables of a DuckDB file from DuckDB's own catalogue functions, read-only.

SQLAlchemy's DuckDB dialect does not read DuckDB 2's catalogue. Only the catalogue is read, so the
size of the data does not matter.

Covered: tables, views, namespaces, comments, composite keys, types as DuckDB writes them.
Not covered: a file that another connection has open for writing; temporary tables; whether a view
still works: its columns are those that it was created with.
"""

from collections import defaultdict
from typing import Any

from text2sql.databases import Database
from text2sql.errors import DatabaseError
from text2sql.schema.model import Column, ForeignKey, Table

DEFAULT_NAMESPACE = "main"

_RELATIONS = """
    SELECT table_oid AS oid, schema_name, table_name, comment, false AS view
    FROM system.main.duckdb_tables() WHERE database_name = 'source' AND NOT internal
    UNION ALL
    SELECT view_oid, schema_name, view_name, comment, true
    FROM system.main.duckdb_views() WHERE database_name = 'source' AND NOT internal
    ORDER BY schema_name <> 'main', schema_name, oid
"""
_COLUMNS = """
    SELECT table_oid, column_name, data_type, is_nullable, comment
    FROM system.main.duckdb_columns() WHERE database_name = 'source' AND NOT internal
    ORDER BY table_oid, column_index
"""
_CONSTRAINTS = """
    SELECT
        table_oid, constraint_type, constraint_column_names,
        referenced_table, referenced_column_names
    FROM system.main.duckdb_constraints()
    WHERE database_name = 'source' AND constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')
    ORDER BY table_oid, constraint_index
"""


def read_duckdb_tables(database: Database) -> tuple[Table, ...]:
    """Return the tables and views of a DuckDB file, those of the default namespace first.

    Raises:
        DatabaseError: the file is corrupt, open for writing elsewhere, or cannot be read.
    """
    relations, columns, constraints = read_catalogue(database, _RELATIONS, _COLUMNS, _CONSTRAINTS)
    by_table: dict[int, list[Column]] = defaultdict(list)
    for oid, name, kind, nullable, comment in columns:
        by_table[oid].append(Column(name, kind, nullable, comment or None))
    keys: dict[int, list[tuple]] = defaultdict(list)
    for oid, *rest in constraints:
        keys[oid].append(tuple(rest))
    return tuple(_table(row, by_table[row[0]], keys[row[0]]) for row in relations)


def read_catalogue(database: Database, *queries: str) -> list[list[Any]]:
    """Return the rows of queries on the catalogue of a file, which is attached as `source`.

    Raises:
        DatabaseError: the file is corrupt, open for writing elsewhere, or cannot be read.
    """
    import duckdb

    # Attached, not connected to: a connection would have to repeat the settings of every other
    # connection of this process to the same file.
    literal = str(database.path).replace("'", "''")
    try:
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute(f"ATTACH '{literal}' AS source (READ_ONLY, TYPE duckdb)")
            return [connection.execute(query).fetchall() for query in queries]
    except duckdb.Error as error:
        raise _unreadable(database, error) from None


def _table(relation: tuple, columns: list[Column], constraints: list[tuple]) -> Table:
    _, schema, name, comment, view = relation
    namespace = None if schema == DEFAULT_NAMESPACE else schema
    primary_key: tuple[str, ...] = ()
    foreign_keys = []
    for kind, names, parent, referred in constraints:
        if kind == "PRIMARY KEY":
            primary_key = tuple(names)
        else:  # DuckDB has no foreign keys between namespaces
            foreign_keys.append(ForeignKey(tuple(names), parent, tuple(referred), namespace))
    return Table(
        name,
        tuple(columns),
        primary_key,
        tuple(foreign_keys),
        comment or None,
        namespace=namespace,
        view=view,
    )


def _unreadable(database: Database, error: Exception) -> DatabaseError:
    reason = " ".join(str(error).split())
    if "handle conflict" in reason:
        reason = "this process has it open for writing: close that connection first"
    return DatabaseError(f"cannot read database {database.shown}: {reason}", database.shown)
