"""Find what makes a gold query's result depend on more than its database.

    >>> find_doubts("SELECT name FROM singer ORDER BY age LIMIT 1", run, schema)
    [Doubt(kind='tied_limit', reason='3 rows that differ tie at row 1, where LIMIT or OFFSET cuts')]

| kind | what it means |
| --- | --- |
| `clock` | the query reads today's date or the time |
| `random` | it calls a function that answers differently each time |
| `tied_limit` | LIMIT cuts between rows that differ, but are equal in what they are ordered by |
| `tied_order` | rows that differ are equal in what ORDER BY names: the engine chooses their order |

Ties are found by running: the query without LIMIT, with its sort keys among the results. A query
inside another is looked at where it runs on its own, and doubted where the whole result becomes
another one once its ties are broken the other way.

Covered: what sqlglot reads; keys that are names of results, places, or any expression.
Not covered: DISTINCT and set operations ordered by what they do not return; queries that depend on
the row around them; rows beyond the executor's cap; bare columns under GROUP BY, and the order in
which group_concat and sums take their rows (`neighbours.determinacy` looks at those).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sqlglot
from sqlglot import exp

from text2sql.execution import Execution
from text2sql.execution.moments import fix_clock
from text2sql.limits import check_joins
from text2sql.schema.canonical import canonicalise
from text2sql.schema.model import Schema
from text2sql.unreadable import UNREADABLE

Run = Callable[[str], Execution]
Row = tuple[Any, ...]

KINDS = ("clock", "random", "tied_limit", "tied_order")
_RANDOM = """
changes gen_random_uuid last_insert_rowid newid nextval rand random randomblob total_changes
txid_current uuid uuid_generate_v4 uuidv4 uuidv7
"""
_CLOCK_NODES = (exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.CurrentDatetime)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a result may be another one tomorrow, or on another engine."""

    kind: str  # one of KINDS
    reason: str


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A query without its LIMIT, with its sort keys among its results."""

    sql: str
    keys: tuple[int, ...]  # places of the keys, from the end where negative
    start: int  # of the rows that LIMIT and OFFSET keep
    end: int | None


def find_doubts(sql: str, run: Run, schema: Schema, *, dialect: str | None = None) -> list[Doubt]:
    """Return what a query's result depends on besides the database.

    Args:
        sql: a gold query that runs.
        run: executes SQL on its database.
        schema: of that database.
        dialect: sqlglot's name of the SQL, else the schema's.
    """
    dialect = dialect or schema.dialect
    try:
        text = canonicalise(sql, schema, dialect=dialect)
        check_joins(text)
        tree = sqlglot.parse_one(text, dialect=dialect)
    except UNREADABLE:
        return []
    doubts = list(_static(text, tree, dialect))
    if not doubts and isinstance(tree, exp.Query):
        doubts += _ties(tree, run, dialect)
    return doubts


def _static(sql: str, tree: exp.Expr, dialect: str) -> Iterator[Doubt]:
    if fix_clock(sql, dialect, "2001-02-03") != sql or tree.find(*_CLOCK_NODES):
        yield Doubt("clock", "reads the clock")
    called = {node.name.lower() for node in tree.find_all(exp.Anonymous)} & set(_RANDOM.split())
    called |= {"random" for _ in tree.find_all(exp.Rand, exp.Randn, exp.Uuid)}
    if tree.find(exp.TableSample):
        called.add("TABLESAMPLE")
    if called:
        yield Doubt("random", f"calls {', '.join(sorted(called))}")


def _ties(tree: exp.Query, run: Run, dialect: str) -> Iterator[Doubt]:
    for query in list(tree.find_all(exp.Select, exp.SetOperation)):
        outer = query is tree
        if query.args.get("limit") is None and not (outer and query.args.get("order")):
            continue
        prepared = _prepare(query, tree, dialect)
        rows = _run(prepared, run) if prepared else []
        doubt = _look(rows, prepared, outer=outer) if prepared else None
        if doubt and (outer or _decides(query, tree, len(rows[0][1]), run, dialect)):
            yield doubt


def _decides(query: exp.Query, tree: exp.Query, width: int, run: Run, dialect: str) -> bool:
    """Tell whether the whole result is another one if an inner query breaks its ties otherwise.

    It breaks them once by all of its own results upwards, and once downwards.
    """
    order = query.args.get("order")
    keys = list(order.expressions) if order else []
    found = []
    for desc in (False, True):
        places = [exp.Literal.number(place) for place in range(1, width + 1)]
        further = [exp.Ordered(this=place, desc=desc) for place in places]
        query.set("order", exp.Order(expressions=[*(key.copy() for key in keys), *further]))
        execution = run(tree.sql(dialect))
        found.append(execution.error or sorted(map(repr, execution.rows)))
    query.set("order", order)
    return found[0] != found[1]


def _prepare(query: exp.Query, tree: exp.Query, dialect: str) -> _Sorted | None:
    """Return the query to run in the place of one with LIMIT or ORDER BY."""
    window = _window(query)
    if window is None:
        return None
    variant = query.copy()
    for part in ("limit", "offset"):
        variant.set(part, None)
    if query is not tree and tree.args.get("with_") and not variant.args.get("with_"):
        variant.set("with_", tree.args["with_"].copy())
    order = query.args.get("order")
    keys = _keys(variant, order.expressions if order else [])
    if keys is None:
        return None
    return _Sorted(variant.sql(dialect), tuple(keys), *window)


def _window(query: exp.Query) -> tuple[int, int | None] | None:
    """Return the first row that is kept and the one after the last; None where not a number."""
    limit, offset = query.args.get("limit"), query.args.get("offset")
    counted = [_count(node) if node else None for node in (limit, offset)]
    if any(node and number is None for node, number in zip((limit, offset), counted, strict=True)):
        return None
    start = counted[1] or 0
    return start, None if counted[0] is None else start + counted[0]


def _count(node: exp.Expr) -> int | None:
    """Return the number of rows that LIMIT, OFFSET or FETCH says; None where it is no number."""
    if isinstance(node, exp.Fetch):
        options = node.args.get("limit_options")
        odd = options is not None and (options.args.get("with_ties") or options.args.get("percent"))
        number = None if odd else node.args.get("count")
    else:
        number = node.expression
    return int(number.name) if isinstance(number, exp.Literal) and number.is_int else None


def _keys(variant: exp.Query, ordered: Sequence[exp.Expr]) -> list[int] | None:
    """Return the place of every key among the results, adding those that are not there."""
    places: list[int] = []
    missing: list[exp.Expr] = []
    for each in ordered:
        key = each.this
        place = _place(key, variant)
        if place is None:
            missing.append(key.copy())
            places.append(-len(missing))
        else:
            places.append(place)
    if not missing:
        return places
    if not isinstance(variant, exp.Select) or variant.args.get("distinct"):
        return None
    # the last key stands last: -1 is the last of them
    variant.set("expressions", [*variant.expressions, *reversed(missing)])
    return places


def _place(key: exp.Expr, query: exp.Query) -> int | None:
    if isinstance(key, exp.Literal) and key.is_int:
        return int(key.name) - 1
    if query.is_star:
        return None
    for place, result in enumerate(query.selects):
        named = isinstance(key, exp.Column) and not key.table
        if result.unalias() == key or (
            named and result.alias_or_name.casefold() == key.name.casefold()
        ):
            return place
    return None


def _run(prepared: _Sorted, run: Run) -> list[tuple[Row, Row]]:
    """Return the keys of every row, and what the query itself returns of it."""
    execution = run(prepared.sql)
    if execution.error is not None or not execution.rows:
        return []
    width = len(execution.rows[0]) - sum(place < 0 for place in prepared.keys)
    return [(tuple(row[p] for p in prepared.keys), row[:width]) for row in execution.rows]


def _look(rows: list[tuple[Row, Row]], prepared: _Sorted, *, outer: bool) -> Doubt | None:
    for edge in (prepared.start, prepared.end):
        if edge and edge < len(rows) and (count := _tied_at(rows, edge)):
            where = f"{count} rows that differ tie at row {edge}"
            return Doubt("tied_limit", f"{where}, where LIMIT or OFFSET cuts")
    if not outer or not prepared.keys:
        return None
    kept = rows[prepared.start : prepared.end]
    for row, (left, right) in enumerate(pairwise(kept), start=1):
        if left[0] == right[0] and left[1] != right[1]:
            return Doubt("tied_order", f"rows {row} and {row + 1} differ, but tie in ORDER BY")
    return None


def _tied_at(pairs: Sequence[tuple[Row, Row]], edge: int) -> int:
    """Return how many rows tie across an edge; 0 where none does, or all of them are alike."""
    key = pairs[edge][0]
    if pairs[edge - 1][0] != key:
        return 0
    first, last = edge - 1, edge
    while first > 0 and pairs[first - 1][0] == key:
        first -= 1
    while last + 1 < len(pairs) and pairs[last + 1][0] == key:
        last += 1
    tied = [row for _, row in pairs[first : last + 1]]
    return len(tied) if any(row != tied[0] for row in tied) else 0
