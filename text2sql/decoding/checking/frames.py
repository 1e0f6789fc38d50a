"""Where a query stands while it is read: immutable frames, one inside the other, interned.

    statement > Query > Block (one SELECT) > Call > Context > Query > Block ...

A frame is never changed: `Frames.change` gives the frame with other fields, and equal frames are
one object, so that states compare and hash by identity.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from text2sql.decoding.checking.functions import Function
from text2sql.decoding.checking.relations import Origin, Relation


class Source(NamedTuple):
    """One table of a FROM clause under the name that it goes by; None: it has none."""

    name: bytes | None
    relation: Relation
    mute: bool = False  # nothing may be qualified by its name
    made: bool = False  # rows of a function whose plain names sqlglot finds in its own FROM alone


class Reference(NamedTuple):
    """A column that was named before FROM was read: FROM owes it."""

    qualifier: bytes | None
    name: bytes  # b"*" for `qualifier.*`
    local: bool = False  # no outer query may pay
    fixed: bool = False  # it stands in an ON: no USING may merge it any more
    outside: bool = False  # a query around pays it: no source of this FROM may
    soft: bool = False  # "x" in SQLite: a string if nobody has it, but two must not have it
    kinds: frozenset[str] | None = None  # that it may have; None: any
    varying: bool = False  # it must be no constant of a derived table; see `kinds.folding`


class Output(NamedTuple):
    """One item of a SELECT list."""

    name: bytes | None  # None: unnamed; b"*" until FROM is read
    explicit: bool = False  # named by AS
    uses: str = ""  # "aggregate", "window" or nothing
    nested: bool = False  # a subquery is inside
    qualifier: bytes | None = None  # of `qualifier.*`, or of a column that is the whole item
    shadows: frozenset[bytes] = frozenset()  # what sqlglot or the engine may call the item
    origin: Origin = None
    kind: str = "any"
    reference: Reference | None = None  # the owed column whose kind it has
    text: tuple[Any, ...] | None = None  # how it is written; see `kinds`
    bare: frozenset[Any] = frozenset()  # the columns that it names outside of aggregates
    left_out: frozenset[bytes] = frozenset()  # columns that `* EXCLUDE` does not show
    replaced: tuple[tuple[bytes, str], ...] = ()  # those of `* REPLACE`, with their kinds
    # worked out before the statement runs, for sure or if one of some columns is: `kinds.folding`
    fixed: bool | frozenset[Reference] = False
    counted: bool = True  # a position in ORDER BY or GROUP BY may mean it, for sqlglot too
    leaves: frozenset[Any] | None = None  # columns that decide its type; None: more does
    type: str | None = None  # to the letter, once FROM is read; None: not sure

    def lent_to_nobody(self) -> "Output":
        """Return the item as one that no query around may name, and no position mean."""
        shadows = self.shadows | {self.name} if self.name else self.shadows
        return self._replace(shadows=shadows, counted=False)


@dataclass(slots=True, eq=False)
class Query:
    """A query expression: WITH, SELECTs joined by set operations, ORDER BY, LIMIT."""

    parent: Any  # a frame; None at the top
    role: str  # "top", "scalar", "in", "row", "exists", "derived", "lateral", "cte" or "arm"
    names: tuple[tuple[bytes, Relation | None], ...]  # CTEs in sight; None: hidden
    width: int | None  # columns that it must have
    outputs: tuple[Output, ...]  # of its first SELECT
    arms: int  # SELECTs that are complete
    union: bool  # the last set operation was UNION: recursion is possible
    cte: bytes | None  # the name that it defines
    columns: tuple[bytes, ...]  # and the names that it gives to its columns
    recursion: str  # "", "possible" or "used"
    sorts: frozenset[bytes] = frozenset()  # names by which ORDER BY finds an item of its SELECTs
    unmet_joins: int = 0  # as in `Block`, where the next of its SELECTs begins


@dataclass(slots=True, eq=False)
class Block:
    """One SELECT."""

    parent: Any  # a frame
    phase: str  # arm, items, from, on, closed, where, group, having, order, compound, limit
    sources: tuple[Source, ...]
    merged: tuple[tuple[bytes, int], ...]  # names that USING merged, and how many columns in one
    natural: tuple[bytes, ...]  # names that NATURAL joins merged
    hidden: tuple[tuple[int, bytes], ...]  # columns of sources that `*` does not show again
    outer: bool  # there is a RIGHT or FULL JOIN
    pending: frozenset[Reference]
    outputs: tuple[Output, ...]
    # b"": nothing yet; False: only parentheses and signs; a column, or `q.*`; True: a subquery in
    # nothing but parentheses; None: more
    item: bytes | bool | Reference | None
    lent: frozenset[bytes]  # names that parts of the current item may give to it
    uses: str  # what the current item or term has: "aggregate", "window" or nothing
    aggregates: bool  # the query is an aggregate one
    grouped: bool
    windows: frozenset[tuple[bytes, bool]]  # named ones, and whether WINDOW has defined them
    deep: bool  # nested so deeply that FROM can hold no derived table
    stack: tuple[Any, ...] = ()  # the operands that are being read; see `kinds`
    bare: frozenset[Any] = frozenset()  # columns that the item names outside of aggregates
    groups: frozenset[Any] = frozenset()  # what GROUP BY covers
    nested: bool = False  # a subquery is in the current item
    waiting: frozenset[Reference] = frozenset()  # owed, while a SEMI JOIN is read
    frameless: frozenset[bytes] = frozenset()  # windows that others are based on: without a frame
    having: bool = False  # the list has an aggregate outside of windows
    bare_joins: int = 0  # to which sqlglot gives an ON that stands behind a comma
    unmet_joins: int = 0  # without a condition, here and around, as `limits.check_joins` counts
    nests: tuple[Any, ...] = ()  # parentheses of FROM that are open; see `joined_tables`
    packed: bool = False  # FROM has tables in parentheses
    natural_too: bool = False  # FROM has a NATURAL JOIN, whether of common columns or not
    barred: frozenset[bytes] = frozenset()  # "x" deep inside is a string: no source may have them


@dataclass(slots=True, eq=False)
class Call:
    """A function whose arguments are being read, or whose FILTER and OVER may follow."""

    parent: Any  # a frame
    function: Function
    least: int  # arguments that it needs; 2 where min(x) cannot be an aggregate
    count: int  # arguments begun
    distinct: bool
    closed: bool
    inner: str  # what is inside: "aggregate", "window" or nothing; "over": OVER must follow
    local: bool  # a column of this very SELECT is inside
    over: bool
    stack: tuple[Any, ...] = ()
    bare: frozenset[Any] = frozenset()
    ordered: bool = False  # its arguments have an order of their own


@dataclass(slots=True, eq=False)
class Context:
    """A place with rules of its own: "filter", "over", "paren", "row" ...; see `actions`."""

    parent: Any  # a frame
    kind: str
    detail: Any = None
    stack: tuple[Any, ...] = ()


Frame = Query | Block | Call | Context
AnyFrame = TypeVar("AnyFrame", Query, Block, Call, Context)
AnyMethod = TypeVar("AnyMethod", bound=Callable[..., Any])


class Frames:
    """Makes frames, each only once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Any] = {}
        self.answers: dict[tuple[Any, ...], Any] = {}  # see `remembered`

    def __len__(self) -> int:
        return len(self._known)

    def clear(self) -> None:
        """Forget what is known; frames in use stay what they are."""
        self._known.clear()
        self.answers.clear()

    def make(self, kind: type[AnyFrame], *values: Any) -> AnyFrame:
        """Return the frame of a kind with those fields."""
        missing: int = _WIDTHS[kind] - len(values)
        if missing:
            values = (*values, *_DEFAULTS[kind][-missing:])
        key = (kind, *values)
        frame = self._known.get(key)
        if frame is None:
            frame = self._known[key] = kind(*values)
        return frame

    def change(self, frame: Any, **changes: Any) -> Any:
        """Return the frame with other fields."""
        kind = type(frame)
        values: list[Any] = list(_VALUES[kind](frame))
        places = _PLACES[kind]
        for name, value in changes.items():
            values[places[name]] = value
        key = (kind, *values)
        changed = self._known.get(key)
        if changed is None:
            changed = self._known[key] = kind(*values)
        return changed


_UNKNOWN = object()


def remembered(method: AnyMethod) -> AnyMethod:
    """Keep the answers of a method that asks of frames and names, and of nothing that changes.

    Its object has `frames`; they keep the answers.
    """

    def ask(self: Any, *asked: Any, **options: Any) -> Any:
        key = (method, asked, *options.values()) if options else (method, asked)
        answers = self.frames.answers
        answer = answers.get(key, _UNKNOWN)
        if answer is _UNKNOWN:
            answer = answers[key] = method(self, *asked, **options)
        return answer

    return wraps(method)(ask)  # type: ignore[return-value]


_FIELDS = {kind: tuple(kind.__slots__) for kind in (Query, Block, Call, Context)}
_PLACES = {kind: {n: place for place, n in enumerate(names)} for kind, names in _FIELDS.items()}
_VALUES: dict[Any, Any] = {kind: attrgetter(*names) for kind, names in _FIELDS.items()}
_WIDTHS: dict[Any, int] = {kind: len(names) for kind, names in _FIELDS.items()}
_DEFAULTS: dict[Any, tuple[Any, ...]] = {
    kind: tuple(field.default for field in fields(kind)) for kind in _FIELDS
}
