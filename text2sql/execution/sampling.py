"""Read a little of what a database holds: rows of a table for prompts, values of a column.

    >>> sample = sampler("shop.sqlite")
    >>> sample(schema.table("customers"), 2)
    [(1, 'Anna Becker', ...), (2, '王伟', ...)]
    >>> values = value_lister("shop.sqlite")
    >>> values("customers", "tier")
    ['gold', 'basic']

Rows are the first ones as the table stores them: the same on every call, so that prompts do not
change between runs. Read through the worker like everything else, because a view may be slow or
broken: what fails gives no rows.

Not covered: values other than texts and numbers (dates, lists, bytes): their column has no list.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from text2sql.databases import Database, locate
from text2sql.execution.executor import execute
from text2sql.execution.results import Execution
from text2sql.schema.model import Schema, Table
from text2sql.schema.quoting import quote
from text2sql.schema.reading import read_schema
from text2sql.schema.rendering import Sample

MAX_VALUES = 10_000  # distinct ones of a column; more are no list to choose from

Value = str | int | float
Values = Callable[[str, str], Sequence[Value] | None]  # from table and column


class Read(Protocol):
    """Runs a statement of our own, with the rights of whoever asks."""

    def __call__(self, sql: str, /, *, timeout: float, max_rows: int) -> Execution:
        """Return its rows, or why there are none."""
        ...


def sampler(
    database: str | Path | Database, *, read: Read | None = None, timeout: float = 2.0
) -> Sample:
    """Return a function from table and k to at most k rows; it asks each table once.

    Args:
        database: path, URL or Database.
        read: runs a statement, such as a `Door`'s; None runs it with all rights of the login.
        timeout: seconds for one table.
    """
    found = locate(database)
    run = read or _reader(found)

    @cache
    def sample(table: Table, k: int) -> list[tuple]:
        name = _written(table, found)
        return run(f"SELECT * FROM {name} LIMIT {int(k)}", timeout=timeout, max_rows=k).rows

    return sample


def value_lister(
    database: str | Path | Database,
    *,
    schema: Schema | None = None,
    read: Read | None = None,
    timeout: float = 5.0,
) -> Values:
    """Return a function from a table's full name and a column's to the distinct values there.

    It asks each column once. It returns None where there are more than `MAX_VALUES`, where a value
    is neither text nor number, where the column cannot be read in time, and for unknown names.

    Args:
        database: path, URL or Database.
        schema: of the database; None reads it when first asked.
        read: runs a statement, such as a `Door`'s; None runs it with all rights of the login.
        timeout: seconds for one column.
    """
    found = locate(database)
    known = cache(lambda: schema or read_schema(found))
    run = read or _reader(found)

    @cache
    def values(table: str, column: str) -> list[Value] | None:
        owner = known().table(table)
        named = owner and owner.column(column)
        if owner is None or named is None:
            return None
        name = quote(named.name, found.dialect)
        # without LIMIT: SQL Server and Oracle spell it otherwise, and the row cap ends the reading
        sql = f"SELECT DISTINCT {name} FROM {_written(owner, found)} WHERE {name} IS NOT NULL"
        ran = run(sql, timeout=timeout, max_rows=MAX_VALUES)
        if ran.error is not None or ran.truncated:
            return None
        listed = [_plain(row[0]) for row in ran.rows]
        return None if None in listed else [value for value in listed if value is not None]

    return values


def _reader(database: Database) -> Read:
    def run(sql: str, *, timeout: float, max_rows: int) -> Execution:
        return execute(sql, database, timeout=timeout, max_rows=max_rows)

    return run


def _written(table: Table, database: Database) -> str:
    return ".".join(quote(part, database.dialect) for part in table.full_name_parts)


def _plain(value: Any) -> Value | None:
    """Return a text or number as it is, a decimal as the float that equals it; None for others."""
    if isinstance(value, Decimal):
        return float(value) if Decimal(repr(float(value))) == value else None
    is_plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return value if is_plain and value == value else None
