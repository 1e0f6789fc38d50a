"""Judge a drawn query by running it: does its result tell right from wrong SQL?

    >>> judge(query, run)                     # None: it is worth asking
    >>> judge(other, run)
    'same without WHERE'

A pair teaches and tests something only if simpler queries give other rows. So a query is refused
when it fails, when nothing comes back (no row, or NULLs and zeros alone), when a part of it makes
no difference (a condition, HAVING, DISTINCT, a join, one side of a set operation, LIMIT), and when
ties make the rows behind a LIMIT, a nested one too, a matter of chance. DISTINCT before a set
operation stays: a set has no duplicates, so that it is a matter of spelling.

Covered: every part of `queries.Query`, at the outermost level.
Not covered: parts inside nested queries, which only a change of the whole condition would show;
ties in a nested query that looks outside; ORDER BY alone: rows that happen to be stored in order
are still rows in order.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from text2sql.data.synthesis.queries import Bool, Col, Junction, Query, Star, blocks

Rows = Sequence[tuple[Any, ...]]
Run = Callable[[Query], Rows | None]  # None: it failed, or returned more than is read

EMPTY = "nothing comes back"
FAILS = "fails or returns too much"
TIES = "ties under LIMIT"


def judge(query: Query, run: Run) -> str | None:
    """Return why a query is no use on its database; None where it is.

    Args:
        query: as drawn.
        run: gives its rows.
    """
    rows = run(query)
    if rows is None:
        return FAILS
    if all(value in (None, 0) for row in rows for value in row):
        return EMPTY
    for what, simpler in simplified(query):
        others = run(simpler)
        if others is not None and same_rows(rows, others):
            return f"same without {what}"
    return TIES if any(_ties(block, run) for block in blocks(query)) else None


def simplified(query: Query) -> Iterator[tuple[str, Query]]:
    """Yield what a query is without one of its parts, and that part's name."""
    for where in _fewer(query.where):
        yield "WHERE" if where is None else "a condition", replace(query, where=where)
    for having in _fewer(query.having):
        yield "HAVING", replace(query, having=having)
    if query.distinct and query.then is None:
        yield "DISTINCT", replace(query, distinct=False)
    if query.then is not None:
        yield query.then[0].upper(), replace(query, then=None)
        if query.then[0] != "except":
            yield query.then[0].upper(), query.then[1]
    if query.limit is not None:
        yield "LIMIT", replace(query, limit=None)
    last = query.joins[-1] if query.joins else None
    if last is not None and last.table not in _tables_of(query):
        yield "a join", replace(query, joins=query.joins[:-1])


def _fewer(condition: Bool | None) -> Iterator[Bool | None]:
    """Yield a condition without one of its parts, and no condition at all."""
    if condition is None:
        return
    yield None
    if isinstance(condition, Junction):
        for place in range(len(condition.parts)):
            rest = (*condition.parts[:place], *condition.parts[place + 1 :])
            yield rest[0] if len(rest) == 1 else Junction(condition.operator, rest)


def same_rows(one: Rows, other: Rows) -> bool:
    """Tell whether two results are the same bag of rows."""
    return len(one) == len(other) and Counter(map(repr, one)) == Counter(map(repr, other))


def _tables_of(query: Query) -> set[str]:
    """Return the tables whose columns a query uses outside its joins; `*` uses all of them."""
    parts = (query.select, query.where, query.group, query.having, query.order)
    found = list(_columns(parts))
    if any(isinstance(item, Star) for item in query.select):
        found += [Col(table, "*") for table in query.tables()]
    return {column.table for column in found}


def _columns(part: object) -> Iterator[Col]:
    if isinstance(part, Col):
        yield part
    elif isinstance(part, tuple):
        for each in part:
            yield from _columns(each)
    elif is_dataclass(part):
        for each in fields(part):
            yield from _columns(getattr(part, each.name))


def _ties(query: Query, run: Run) -> bool:
    """Tell whether the last row that LIMIT lets through has the keys of the first one behind it."""
    if query.limit is None or query.distinct or query.then is not None or not query.order:
        return False
    keys = tuple(key.expression for key in query.order)
    rows = run(replace(query, select=keys, limit=query.limit + 1, names=()))
    if rows is None or len(rows) <= query.limit:
        return False
    return rows[query.limit - 1] == rows[query.limit]
