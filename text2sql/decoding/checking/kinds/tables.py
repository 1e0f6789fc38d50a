"""The kinds of values, and what operators and CAST make of them, as tables.

    >>> arithmetic("-", "date", "date"), arithmetic("+", "date", "text")
    ('int8', None)
    >>> sorted(expand("number") & casts("date"))
    []

Covered: groups of kinds, what is compared and unified, arithmetic, CAST, a sample of each kind.
Not covered: functions (see `functions`); sizes and precisions.
"""

from functools import cache

from text2sql.decoding.checking.functions import GROUPS

Kinds = frozenset[str]
NUMBERS = frozenset({"int4", "int8", "hugeint", "decimal", "float"})
INTEGERS = frozenset({"int4", "int8"})
MOMENTS = frozenset({"date", "timestamp", "timestamptz"})
TEXTS = frozenset({"text", "string"})
SCALARS = NUMBERS | MOMENTS | TEXTS | {"time", "interval", "boolean", "json", "blob"}
BOOLEAN = frozenset({"boolean", "null"})
# values of each kind, the shortest first
SAMPLES = {
    "int4": b"1",
    "text": b"''",
    "float": b"1e0",
    "decimal": b"1.0",
    "boolean": b"TRUE",
    "int8": b"1::BIGINT",
    "date": b"CURRENT_DATE",
    "timestamptz": b"CURRENT_TIMESTAMP",
    "timestamp": b"CURRENT_DATE::TIMESTAMP",
    "interval": b"INTERVAL '1 day'",
    "time": b"''::TIME",
    "json": b"''::JSON",
    "blob": b"''::BLOB",
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
    "blob": b"BLOB",
}
# arguments that are read as one literal, and what may be one
PARTS: dict[str, tuple[str, ...]] = {
    "part": ("STRING",),
    "format": ("STRING",),
    "pattern": ("STRING",),
    "literal": ("STRING", "NUMBER"),
}


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


@cache
def group_of(kinds: Kinds) -> str:
    """Return one name for several kinds; "any" where there is none."""
    if len(kinds) == 1:
        return next(iter(kinds))
    for name, members in (("integer", INTEGERS), ("number", NUMBERS), ("moment", MOMENTS)):
        if kinds <= members:
            return name
    return "text" if kinds <= TEXTS else "any"


def unify(first: str, second: str) -> str | None:
    """Return the kind of CASE and COALESCE of two kinds; None where the engine refuses them."""
    if first == second and first != "any":
        return first
    for one, other in ((first, second), (second, first)):
        if one == "null" or (one == "string" and other in ("text", "json")):
            return other
    both = expand(first) | expand(second)
    if both <= NUMBERS:
        return group_of(both)
    if both <= MOMENTS:
        return "timestamptz" if "timestamptz" in both else "timestamp"
    return None


def ordered_with(kind: str) -> Kinds:
    """Return the kinds that a kind is compared with."""
    kinds = expand(kind)
    for family in (NUMBERS, TEXTS | {"json"}):
        if kinds <= family:
            return family | {"null"}
    if kinds <= MOMENTS:
        return MOMENTS | {"null", "string"}  # of a string that is a moment
    if kind == "null":
        return SCALARS | {"null"}
    return frozenset({"null"}) if kind == "any" else kinds | {"null"}


# What CAST makes of a kind, where the engine has a conversion at all; of text it makes anything.
_WRITTEN = TEXTS | {"json"}
CASTS = {
    **dict.fromkeys(NUMBERS, NUMBERS | _WRITTEN | {"boolean"}),
    "boolean": NUMBERS | _WRITTEN | {"boolean"},
    "date": MOMENTS | _WRITTEN,
    "timestamp": MOMENTS | _WRITTEN | {"time"},
    "timestamptz": MOMENTS | _WRITTEN,
    "time": _WRITTEN | {"time"},
    "interval": _WRITTEN | {"interval"},
    "json": _WRITTEN,
    "blob": _WRITTEN | {"blob"},
    "other": TEXTS,
    "any": TEXTS,
}


def casts(kind: str) -> Kinds | None:
    """Return the kinds that CAST makes of a kind; None: all."""
    if kind in ("null", "text", "string"):
        return None
    return frozenset.intersection(*(CASTS[one] for one in expand(kind)))


def arithmetic(sign: str, left: str, right: str) -> str | None:
    """Return what an arithmetic operator makes of two kinds; None where it takes none such."""
    one, other = expand(left), expand(right)
    if one <= NUMBERS and other <= NUMBERS:
        if sign == "/" or "float" in (left, right):
            return "float"
        if "decimal" in (left, right) and "float" not in one | other:
            return "decimal" if sign != "%" else "number"
        if one == other and len(one) == 1:
            return left
        return "int8" if one | other <= INTEGERS else group_of(one | other)
    return _moments(sign, left, right, one, other)


def _moments(sign: str, left: str, right: str, one: Kinds, other: Kinds) -> str | None:
    if right == "interval" and sign in "+-" and one <= MOMENTS | {"time", "interval"}:
        return "timestamp" if left in ("date", "moment") else left
    if left == "interval" and sign == "+" and other <= MOMENTS | {"time"}:
        return "timestamp" if right in ("date", "moment") else right
    if "interval" in (left, right) and one | other <= NUMBERS | {"interval"}:
        return "interval" if sign == "*" or (sign == "/" and left == "interval") else None
    if sign == "-" and one <= MOMENTS and other <= MOMENTS:
        if left == right == "date":
            return "int8"
        return "interval" if "moment" not in (left, right) else None
    if left == "date" and right == "int4" and sign in "+-":
        return "date"
    return "date" if (left, right, sign) == ("int4", "date", "+") else None


_CONCRETE = tuple(sorted(SCALARS - {"string"}))


@cache
def partners(sign: str, left: str) -> Kinds:
    """Return the kinds that may stand to the right of an arithmetic operator."""
    return frozenset(kind for kind in _CONCRETE if arithmetic(sign, left, kind))


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
    return again and kind == "date" and "int8" in wanted and least <= 6 <= level


def together(kind: str) -> Kinds | None:
    """Return the kinds that CASE and COALESCE take next to one; None: any."""
    if kind in ("null", "any"):
        return None if kind != "any" else frozenset({"null"})
    return frozenset(one for one in (*_CONCRETE, "string", "null") if unify(kind, one) is not None)
