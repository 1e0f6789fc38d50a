"""Read a few rows of a table, for prompts that show them.

    >>> sample = sampler("shop.sqlite")
    >>> sample(schema.table("customers"), 2)
    [(1, 'Anna Becker', ...), (2, '王伟', ...)]

The first rows as the table stores them: the same on every call, so that prompts do not change
between runs. Read through the worker like everything else, because a view may be slow or broken:
what fails gives no rows.
"""

from functools import cache
from pathlib import Path

from text2sql.databases import Database, locate
from text2sql.execution.executor import execute
from text2sql.schema.model import Table
from text2sql.schema.quoting import quote
from text2sql.schema.rendering import Sample


def sampler(database: str | Path | Database, *, timeout: float = 2.0) -> Sample:
    """Return a function from table and k to at most k rows; it asks each table once.

    Args:
        database: path, URL or Database.
        timeout: seconds for one table.
    """
    found = locate(database)

    @cache
    def sample(table: Table, k: int) -> list[tuple]:
        name = ".".join(quote(part, found.dialect) for part in table.full_name_parts)
        return execute(
            f"SELECT * FROM {name} LIMIT {int(k)}", found, timeout=timeout, max_rows=k
        ).rows

    return sample
