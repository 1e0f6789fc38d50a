"""What an engine makes of two kinds of values, a table for each engine that is strict about them.

    >>> rules = RULES["duckdb"]
    >>> rules.unify("int4", "decimal"), rules.unify("int4", "text")
    ('number', None)
    >>> sorted(rules.ordered("time"))
    ['json', 'null', 'string', 'time']

A rule is a set of kinds for each kind; what it says of a group holds for every kind of it. "string"
is a literal, which is read as what it stands next to: where "text" is not among the kinds that are
wanted, it must say one of the others (see `strings`).

Covered: conditions, comparison, CASE and COALESCE, `||`, LIKE, CAST.
Not covered: arithmetic, which is the same for all (see `tables`); functions.
"""

from dataclasses import dataclass
from functools import cache

from text2sql.decoding.checking.kinds.tables import (
    ALL,
    INTEGERS,
    LISTS,
    MOMENTS,
    NUMBERS,
    SAMPLES,
    SCALARS,
    TEXTS,
    Kinds,
    expand,
    group_of,
)


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """The rules of one engine."""

    truths: Kinds  # that may be a condition
    meets: dict[str, Kinds]  # what a kind is ordered with, and unified with
    joined: Kinds  # operands of `||`
    matched: Kinds  # operands of LIKE
    casts: dict[str, Kinds]  # what CAST makes of a kind
    sure: dict[str, Kinds]  # what it makes of every value of a kind
    samples: dict[str, bytes]  # a value of each kind
    opaque: Kinds = frozenset()  # kinds that have neither equality nor order
    several: Kinds = frozenset()  # each several types, of which one is not compared with another
    folds: bool = False  # it works out what has no column in it before it runs; see `folding`
    exact: bool = False  # `/` keeps whole numbers whole; `||` wants a text on one side

    @property
    def texts_of_queries(self) -> Kinds:
        """Return the kinds of literals that a subquery, and DISTINCT, make texts of."""
        return frozenset({"string", "null"} if self.exact else {"string"})

    def ordered(self, kind: str) -> Kinds:
        """Return the kinds that a kind is compared with, and shares a CASE with.

        EXPLAIN of DuckDB lets `=` compare a date with a number, too: that fails when it runs.
        """
        return _ordered(self, kind)

    def cast(self, kind: str) -> Kinds | None:
        """Return the kinds that CAST makes of a kind; None: all."""
        if kind in ("null", "text", "string"):
            return None
        return frozenset.intersection(*(self.casts.get(one, TEXTS) for one in expand(kind)))

    def safe(self, kind: str) -> Kinds:
        """Return the kinds that CAST makes of whatever value of a kind."""
        return frozenset.intersection(*(self.sure.get(one, _TEXT) for one in expand(kind)))

    def together(self, kind: str) -> Kinds | None:
        """Return the kinds that CASE and COALESCE take next to one; None: any."""
        if kind == "string" and not self.exact:
            return TEXTS | {"null"}  # DuckDB mixes no literal of text with other values
        return None if kind == "null" else self.ordered(kind)

    def merges(self, one: str, other: str) -> bool:
        """Tell whether USING and NATURAL make one column of two, whose kind is the first one's."""
        compared = not self.exact or one in self.ordered(one) - self.several
        return (one == other != "any" and compared) or {one, other} <= NUMBERS

    def unify(self, first: str, second: str) -> str | None:
        """Return the kind of CASE and COALESCE of two kinds; None where the engine refuses them."""
        if first == second and first != "any":
            return first
        if "null" in (first, second):
            return second if first == "null" else first
        for one, other in ((first, second), (second, first)):
            if one == "string" and expand(other) <= self.ordered("string"):
                return other
            if one == "json" and expand(other) <= self.ordered("json"):
                return one
        if not expand(second) <= self.ordered(first):
            return None
        both = expand(first) | expand(second)
        if both <= MOMENTS:
            return "timestamptz" if "timestamptz" in both else "timestamp"
        if self.exact and both <= NUMBERS:
            widest = ("float", "decimal", *(["int8"] if both <= INTEGERS else []))
            return next((k for k in widest if k in (first, second)), group_of(both))
        return group_of(both - {"boolean"} or both)


@cache
def _ordered(rules: Rules, kind: str) -> Kinds:
    itself = frozenset((kind,)) if kind not in ("any", "null") else frozenset()
    if kind.startswith("enum "):
        return frozenset({kind, "string", "null"})
    found = (rules.meets.get(one, rules.meets["any"] | itself) for one in expand(kind))
    return frozenset.intersection(*found)


_TEXT = frozenset({"text"})
_WRITTEN = TEXTS | {"json"}
_SURE = {
    **dict.fromkeys(NUMBERS, _TEXT | {"float", "boolean"}),
    "int4": _TEXT | {"int4", "int8", "float", "decimal", "boolean"},
    "boolean": _TEXT | {"boolean", "int4", "int8", "float"},
    **dict.fromkeys(MOMENTS, _TEXT | MOMENTS),
    **{kind: _TEXT | {kind} for kind in ("time", "interval", "blob")},
    "null": SCALARS,
}
_ANYTHING = frozenset({"string", "null"})
_DUCKDB = Rules(
    # It takes any kind; but of a date it makes no truth when it runs.
    truths=NUMBERS | {"boolean", "null", "any"},
    meets={
        **dict.fromkeys(NUMBERS, NUMBERS | _ANYTHING),
        **dict.fromkeys(INTEGERS | {"hugeint"}, NUMBERS | _ANYTHING | {"boolean"}),
        "boolean": INTEGERS | _ANYTHING | {"hugeint", "boolean"},
        **dict.fromkeys(MOMENTS, MOMENTS | _ANYTHING),
        "text": TEXTS | _ANYTHING,
        **{kind: _ANYTHING | {kind} for kind in ("time", "interval", "blob", "other", *LISTS)},
        "json": TEXTS | {"json", "null"},
        **dict.fromkeys(("string", "null"), ALL),
        "any": _ANYTHING,
    },
    joined=ALL - LISTS - {"any"},
    matched=TEXTS | {"json", "null"},
    folds=True,
    # What it converts at all when it runs; EXPLAIN takes any two kinds.
    casts={
        **dict.fromkeys(NUMBERS, NUMBERS | _WRITTEN | {"boolean"}),
        "boolean": NUMBERS | _WRITTEN | {"boolean"},
        "date": MOMENTS | _WRITTEN,
        "timestamp": MOMENTS | _WRITTEN | {"time"},
        "timestamptz": MOMENTS | _WRITTEN | {"time"},
        "time": _WRITTEN | {"time"},
        "interval": _WRITTEN | {"interval"},
        "json": SCALARS,
        "blob": _WRITTEN | {"blob"},
        "any": SCALARS,
    },
    sure=_SURE,
    samples=SAMPLES | {f"{kind}[]": b"[" + text + b"]" for kind, text in SAMPLES.items()},
)
# A literal is read when the statement is prepared, and refused then where it does not convert.
_ARRAYS = {f"{k}[]": b"ARRAY[" + text + b"]" for k, text in SAMPLES.items() if f"{k}[]" in LISTS}
_UNSORTED = frozenset({"json[]", "opaque[]", "other[]", "any[]"})
_OPAQUE = frozenset({"json", "jsonb", "opaque"})  # `||` and `=` of them take no text
_POSTGRES = Rules(
    truths=frozenset({"boolean", "null"}),
    meets={
        **dict.fromkeys(NUMBERS, NUMBERS | {"null"}),
        **dict.fromkeys(("text", "string"), TEXTS | {"null"}),
        **dict.fromkeys(MOMENTS, MOMENTS | {"string", "null"}),
        **{kind: frozenset({kind, "null"}) for kind in ("boolean", "blob")},
        **{kind: frozenset({kind, "string", "null"}) for kind in ("interval", "time")},
        "json": frozenset({"null"}),  # it has no equality
        **dict.fromkeys(("other", *_UNSORTED), frozenset({"null"})),  # two of them may differ
        "null": SCALARS - _OPAQUE | {"null"},
        "any": frozenset({"null"}),
    },
    joined=SCALARS - _OPAQUE,
    matched=TEXTS | {"null"},
    casts={
        **dict.fromkeys(NUMBERS, NUMBERS | TEXTS),
        "int4": NUMBERS | TEXTS | {"boolean"},
        "boolean": TEXTS | {"int4", "boolean"},
        "date": MOMENTS | TEXTS,
        "timestamp": MOMENTS | TEXTS | {"time"},
        "timestamptz": MOMENTS | TEXTS | {"time"},
        "time": TEXTS | {"time", "interval"},
        "interval": TEXTS | {"time", "interval"},
        "json": TEXTS | _OPAQUE,
        "jsonb": TEXTS | _OPAQUE,
        "blob": TEXTS | {"blob"},
        "any": TEXTS,
    },
    samples=SAMPLES | _ARRAYS,
    opaque=frozenset({"json", "opaque"}) | _UNSORTED,
    several=frozenset({"text[]", "float[]", "int4[]"}),  # varchar[], real[], smallint[]
    folds=True,
    exact=True,
    sure=_SURE,
)
RULES = {"duckdb": _DUCKDB, "postgres": _POSTGRES}
