"""Write a drawn query as the SQL of the engine that it is for.

    >>> spell(query, schema)                  # of a PostgreSQL database
    "SELECT name FROM customers WHERE name ILIKE '%ann%' ORDER BY age DESC NULLS LAST"

A query is drawn with SQLite's meaning; sqlglot carries it over. LIKE ignores case in SQLite, so it
is ILIKE elsewhere; NULL is the least value there, which only matters where a column holds any.

Covered: SQLite as it is, DuckDB, PostgreSQL, date() with modifiers among them; other dialects as
far as sqlglot knows them.
Not covered: whether the engine takes it: what it refuses is not kept (`verifying`).
"""

from collections.abc import Iterator
from dataclasses import replace

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from text2sql.data.synthesis.queries import Arithmetic, Cast, Col, Expr, Query
from text2sql.data.synthesis.spellings import Spelled, write
from text2sql.schema.model import Schema

_IGNORE_CASE = ("duckdb", "postgres")  # dialects that have ILIKE


def spell(query: Query, schema: Schema, *, aliases: str = "T") -> str:
    """Return a query as SQL of the schema's dialect.

    Args:
        query: as drawn.
        schema: says the dialect, and which columns hold NULL.
        aliases: as in `queries.Spelled`.
    """
    if schema.dialect == "sqlite":
        return write(query, Spelled(schema, aliases))
    return translate(write(_fully_grouped(query, schema), Spelled(schema, aliases)), schema)


def _fully_grouped(query: Query, schema: Schema) -> Query:
    """Return a query that groups by every column it shows of a row whose key it groups by."""
    if query.then is not None:
        query = replace(query, then=(query.then[0], _fully_grouped(query.then[1], schema)))
    if not query.group:
        return query
    shown = (*query.select, *(key.expression for key in query.order))
    bare = dict.fromkeys(column for part in shown for column in _bare(part))
    further = (c for c in bare if c not in query.group and _determined(c, query.group, schema))
    return replace(query, group=(*query.group, *further))


def _bare(part: Expr) -> Iterator[Col]:
    """Yield the columns of an expression that are in no aggregate."""
    if isinstance(part, Col):
        yield part
    elif isinstance(part, Cast):
        yield from _bare(part.expression)
    elif isinstance(part, Arithmetic):
        yield from _bare(part.left)
        yield from _bare(part.right)


def _determined(column: Col, group: tuple[Expr, ...], schema: Schema) -> bool:
    table = schema.table(column.table)
    keys = table.primary_key if table else ()
    return bool(keys) and all(Col(column.table, key) in group for key in keys)


def translate(text: str, schema: Schema) -> str:
    """Return SQLite's SQL, its names quoted for the other dialect, as that dialect's SQL."""
    tree = sqlglot.parse_one(text, read="sqlite")
    for call in list(tree.find_all(exp.Anonymous)):
        if call.name.upper() == "DATE":
            call.replace(_moved(call))
    if schema.dialect in _IGNORE_CASE:
        for like in list(tree.find_all(exp.Like)):
            like.replace(exp.ILike(**like.args))
    for division in tree.find_all(exp.Div):
        division.set("safe", False)  # division by zero is no case that a drawn query has
    nullable = {column.name for _, column in schema.columns() if column.nullable}
    for key in tree.find_all(exp.Ordered):
        if not any(column.name in nullable for column in _values(key.this)):
            key.set("nulls_first", _nulls_come_first(schema.dialect, bool(key.args.get("desc"))))
    return tree.sql(dialect=schema.dialect)


def _moved(call: exp.Anonymous) -> exp.Expr:
    """Return date(day, modifier, ...) in standard SQL: truncated, and moved by intervals."""
    first, *steps = call.expressions
    text = f"CAST({first.sql()} AS DATE)"
    for step in (step.name for step in steps):
        if step.startswith("start of "):
            text = f"CAST(DATE_TRUNC('{step.removeprefix('start of ')}', {text}) AS DATE)"
        else:
            number, unit = step[1:].split(" ")
            text = f"({text} {step[0]} INTERVAL '{number}' {unit.removesuffix('s').upper()})"
    return sqlglot.parse_one(text, read="duckdb")


def _values(expression: exp.Expr) -> list[exp.Column]:
    """Return the columns whose NULLs an expression may hand on: a count has none."""
    return [c for c in expression.find_all(exp.Column) if not c.find_ancestor(exp.Count)]


def _nulls_come_first(dialect: str, descending: bool) -> bool:
    """Tell where a dialect puts NULLs by itself; then there is nothing to say about them."""
    ordering = Dialect.get_or_raise(dialect).NULL_ORDERING
    return {"nulls_are_small": not descending, "nulls_are_large": descending}.get(ordering, False)
