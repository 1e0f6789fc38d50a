"""The kinds of values, and what arithmetic makes of them, as tables.

    >>> arithmetic("-", "date", "date"), arithmetic("+", "date", "text")
    ('int8', None)

Covered: groups of kinds, arithmetic, a sample of each kind.
Not covered: functions (see `functions`); what engines see differently (see `rules`); sizes and
precisions.
"""

from functools import cache

from text2sql.decoding.checking.functions import GROUPS

Kinds = frozenset[str]
NUMBERS = frozenset({"int4", "int8", "hugeint", "decimal", "float"})
INTEGERS = frozenset({"int4", "int8"})
MOMENTS = frozenset({"date", "timestamp", "timestamptz"})
TEXTS = frozenset({"text", "string"})
SCALARS = NUMBERS | MOMENTS | TEXTS | {"time", "interval", "boolean", "json", "blob"}
_WHOLE = INTEGERS | {"hugeint"}
LISTS = frozenset(GROUPS["list"])
ALL = SCALARS | LISTS | {"other", "any", "null"}
_GROUPED = (("integer", INTEGERS), ("number", NUMBERS), ("moment", MOMENTS), ("list", LISTS))
# values of each kind, the shortest first
SAMPLES = {
    "int4": b"1",
    "text": b"''",
    "float": b"1::REAL",
    "decimal": b"1.0",
    "boolean": b"TRUE",
    "int8": b"1::BIGINT",
    "date": b"CURRENT_DATE",
    "timestamptz": b"CURRENT_TIMESTAMP",
    "timestamp": b"CURRENT_DATE::TIMESTAMP",
    "interval": b"INTERVAL '1 day'",
    "time": b"CURRENT_TIMESTAMP::TIME",
    "json": b"to_json((SELECT 1))",
    "jsonb": b"to_json((SELECT 1))::JSONB",
    "blob": b"''::BYTEA",
}
TYPES = {
    "text": b"TEXT",
    "int4": b"INT",
    "float": b"REAL",
    "date": b"DATE",
    "boolean": b"BOOL",
    "timestamp": b"TIMESTAMP",
    "interval": b"INTERVAL",
    "decimal": b"DECIMAL",
    "time": b"TIME",
    "json": b"JSON",
    "jsonb": b"JSONB",
    "blob": b"BYTEA",
    "text[]": b"TEXT[]",
}
# arguments that are read as one literal, and what may be one
PARTS: dict[str, tuple[str, ...]] = {
    "part": ("STRING",),
    "field": ("STRING",),
    "format": ("STRING",),
    "pattern": ("STRING",),
    "regex": ("STRING",),
    "zone": ("STRING",),
    "literal": ("STRING", "NUMBER"),
    "fraction": ("NUMBER",),  # at most 1
    "digit": ("NUMBER",),
}

UNITS = ("part", "field")  # those that name a unit of time


@cache
def expand(kind: str) -> Kinds:
    """Return the kinds that a kind, a group or several with "|" between may be."""
    found: set[str] = set()
    for part in kind.split("|"):
        if part == "number":
            found |= NUMBERS
        elif part in GROUPS:
            found = found.union(*(expand(one) for one in GROUPS[part]))
        else:
            found.add(part)
    return frozenset(found)


def element(kind: str) -> str:
    """Return the kind of a list's elements; "any" where it is not known."""
    return kind.removesuffix("[]") if kind in LISTS else "any"


def list_of(kind: str, *, exact: bool) -> str | None:
    """Return the kind of a list of values of a kind; None where there is none.

    Args:
        kind: of the values.
        exact: a list of integers is none of numbers, as in PostgreSQL: a group has no list.
    """
    found = {"string": "text", "null": "any"}.get(kind, kind) + "[]"
    return found if found in LISTS and not (exact and kind in GROUPS) else None


@cache
def group_of(kinds: Kinds) -> str:
    """Return one name for several kinds; "any" where there is none."""
    if len(kinds) == 1:
        return next(iter(kinds))
    for name, members in _GROUPED:
        if kinds <= members:
            return name
    return "text" if kinds <= TEXTS else "any"


def one_of(kinds: Kinds) -> str:
    """Return a kind for a column that must be of one of some kinds.

    A text among them leaves all open, for CAST makes anything of it.
    """
    name = group_of(kinds)
    return "|".join(sorted(kinds)) if name == "any" and kinds.isdisjoint(TEXTS | {"any"}) else name


def arithmetic(sign: str, left: str, right: str, *, exact: bool = False) -> str | None:
    """Return what an arithmetic operator makes of two kinds; None where it takes none such.

    Args:
        sign: one of + - * / %.
        left: kind of the operand before it.
        right: kind of the one behind it.
        exact: `/` keeps whole numbers whole and decimals decimal, as in PostgreSQL.
    """
    one, other = expand(left), expand(right)
    if one <= NUMBERS and other <= NUMBERS:
        if exact and sign == "%" and "float" in one | other:
            return None
        if sign == "//" and not (one | other) <= _WHOLE:
            return "number" if one & _WHOLE and other & _WHOLE else "float"
        if (sign == "/" and not exact) or "float" in (left, right):
            return "float"
        if "decimal" in (left, right) and "float" not in one | other:
            return "decimal" if sign != "%" or exact else "number"
        if one == other and len(one) == 1:
            return left
        sure = not exact or "int8" in (left, right)
        return "int8" if one | other <= INTEGERS and sure else group_of(one | other)
    if exact and (sign, left, right) in _DAYS:
        return _DAYS[sign, left, right]
    return _moments(sign, left, right, one, other)


# What only PostgreSQL does, or does otherwise than DuckDB.
_DAYS = {
    ("-", "date", "date"): "int4",
    ("-", "time", "time"): "interval",
    ("+", "date", "time"): "timestamp",
    ("+", "time", "date"): "timestamp",
}


def _moments(sign: str, left: str, right: str, one: Kinds, other: Kinds) -> str | None:
    if right == "interval" and sign in "+-" and one <= MOMENTS | {"time", "interval"}:
        return "timestamp" if left in ("date", "moment") else left
    if left == "interval" and sign == "+" and other <= MOMENTS | {"time"}:
        return "timestamp" if right in ("date", "moment") else right
    if "interval" in (left, right) and left != right and one | other <= NUMBERS | {"interval"}:
        return "interval" if sign == "*" or (sign == "/" and left == "interval") else None
    if sign == "-" and one <= MOMENTS and other <= MOMENTS:
        if left == right == "date":
            return "int8"
        return "interval" if "moment" not in (left, right) else None
    if left == "date" and right == "int4" and sign in "+-":
        return "date"
    return "date" if (left, right, sign) == ("int4", "date", "+") else None


_LOOSE = 6  # the level of + and -
_CONCRETE = tuple(sorted(SCALARS - {"string"}))


@cache
def partners(sign: str, left: str, *, exact: bool = False) -> Kinds:
    """Return the kinds that may stand to the right of an arithmetic operator."""
    return frozenset(kind for kind in _CONCRETE if arithmetic(sign, left, kind, exact=exact))


def grows(kind: str, wanted: Kinds, least: int, *, exact: bool) -> bool:
    """Tell whether operators behind a value, of a level of at least `least`, can make it fit."""
    if reaches(kind, wanted, 8, least):
        return True
    return least <= _LOOSE and any(
        expand(made) <= wanted
        for sign in "+-*/%"
        for right in partners(sign, kind, exact=exact)
        if (made := arithmetic(sign, kind, right, exact=exact)) is not None
    )


def reaches(kind: str, wanted: Kinds | None, level: int, least: int, *, again: bool = True) -> bool:
    """Tell whether operators of some levels can make a wanted kind of an operand.

    Args:
        kind: of the operand.
        wanted: where it stands; None: anything.
        level: of the tightest operator that may follow.
        least: of the loosest one.
        again: a date may still be taken from a date.
    """
    if wanted is None or expand(kind) <= wanted:
        return True
    if "boolean" in wanted and least <= 4 <= level:
        return True
    if "text" in wanted and least <= 8 <= level and expand(kind) <= SCALARS:
        return True
    return again and kind == "date" and wanted >= INTEGERS and least <= 6 <= level
