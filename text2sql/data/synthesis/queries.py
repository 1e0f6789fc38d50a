"""A query as a tree: it is drawn, worded as a question, and written as SQL.

    >>> age = Col("singer", "age")
    >>> query = Query(select=(Call("avg", age),), source="singer")

The tree holds what Spider and everyday analytics need and no more; what it cannot hold is not
sampled. `spellings` writes it.

Imports nothing beyond the standard library.
"""

from collections.abc import Iterator
from dataclasses import dataclass

AGGREGATES = ("count", "sum", "avg", "min", "max")


@dataclass(frozen=True, slots=True)
class Col:
    """A column; `table` is a table's full name, or the name of a derived table."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Star:
    """`*`, of everything or of one table."""

    table: str | None = None


@dataclass(frozen=True, slots=True)
class Lit:
    """A literal: text, a number, or None for NULL."""

    value: str | int | float | None


@dataclass(frozen=True, slots=True)
class Pattern:
    """The right side of LIKE: a text with `%` before, behind or on both sides."""

    text: str
    before: bool = True
    behind: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; aggregates among them."""

    name: str  # lower case
    argument: "Expr | None"  # None: `rank()`
    distinct: bool = False
    further: tuple["Expr", ...] = ()  # arguments behind the first


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two expressions and an operator: `+ - * / ||`."""

    left: "Expr"
    operator: str
    right: "Expr"


@dataclass(frozen=True, slots=True)
class Cast:
    """CAST(expression AS type)."""

    expression: "Expr"
    type: str


@dataclass(frozen=True, slots=True)
class Case:
    """CASE WHEN condition THEN value ... ELSE value END."""

    branches: tuple[tuple["Bool", "Expr"], ...]
    otherwise: "Expr | None" = None


@dataclass(frozen=True, slots=True)
class Window:
    """A call OVER (PARTITION BY ... ORDER BY ...)."""

    call: Call
    partition: tuple["Expr", ...] = ()
    order: tuple["Key", ...] = ()


@dataclass(frozen=True, slots=True)
class Compare:
    """A condition.

    `operator` is one of `= <> < > <= >= like not like in not in is null is not null between
    not between exists not exists`; `right` fits it: an expression, a tuple of two (between) or more
    (in) expressions, a Query, or None.
    """

    left: "Expr | None"
    operator: str
    right: "Expr | Query | tuple[Expr, ...] | None" = None


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions joined by `and` or `or`."""

    operator: str
    parts: tuple["Bool", ...]


@dataclass(frozen=True, slots=True)
class Join:
    """A further table, and the pairs of columns that must be equal."""

    table: str
    on: tuple[tuple[Col, Col], ...]
    kind: str = "join"  # or "left join"


@dataclass(frozen=True, slots=True)
class Key:
    """What rows are ordered by."""

    expression: "Expr"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT, and what it is united, intersected or diminished with."""

    select: tuple["Expr", ...]
    source: "str | Query"  # a table's full name, or a derived table
    distinct: bool = False
    joins: tuple[Join, ...] = ()
    where: "Bool | None" = None
    group: tuple["Expr", ...] = ()
    having: "Bool | None" = None
    order: tuple[Key, ...] = ()
    limit: int | None = None
    then: "tuple[str, Query] | None" = None  # union, union all, intersect, except
    alias: str | None = None  # of a derived source
    names: tuple[str | None, ...] = ()  # AS, one for each of `select` or empty

    def tables(self) -> tuple[str, ...]:
        """Return the full names of the tables in FROM, in order."""
        first = (self.source,) if isinstance(self.source, str) else ()
        return (*first, *(join.table for join in self.joins))


Expr = Col | Star | Lit | Pattern | Call | Arithmetic | Cast | Case | Window | Query
Bool = Compare | Junction


def blocks(query: Query) -> Iterator[Query]:
    """Yield a query and every query inside it, the outer ones first."""
    yield query
    inner: list[object] = [query.source, query.where, query.having, *query.select]
    while inner:
        part = inner.pop(0)
        match part:
            case Query():
                yield from blocks(part)
            case Junction(_, parts):
                inner += parts
            case Compare(left, _, right):
                inner += [left, *(right if isinstance(right, tuple) else [right])]
            case Call(_, argument, _, further):
                inner += [argument, *further]
            case Arithmetic(left, _, right):
                inner += [left, right]
    if query.then is not None:
        yield from blocks(query.then[1])
