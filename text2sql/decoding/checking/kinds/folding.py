"""What an engine works out before it runs, and so refuses when it only prepares a statement.

    >>> worth((b"60", "*", b"24")), worth((b"1", "-", b"1"))
    (Fraction(1440, 1), Fraction(0, 1))

PostgreSQL folds whatever has no column of a table in it: `EXPLAIN SELECT 1/0` fails, and so does
`SELECT x::int FROM (SELECT 'a' AS x) AS t`. A value is fixed (True), varies (False), or is fixed if
one of some columns is that FROM still owes (their references). Where a fixed value could be
refused, columns are asked to vary (`Reference.varying`), and a value that has none is refused
unless it is worked out here.

PostgreSQL also knows what becomes NULL, whatever a column holds, and goes on from there: it folds
`(name < NULL) IS NULL`, and FALSE beside AND.

Covered: numbers with + - * / %, signs, parentheses, CAST between kinds of numbers.
Not covered: functions of fixed values; they are refused but for the harmless ones (`HARMLESS`).
"""

import re
from fractions import Fraction
from typing import Any

from text2sql.decoding.checking.frames import Reference

Fixed = bool | frozenset[Reference]
LARGEST, SMALLEST = 1 << 30, Fraction(1, 10**9)
_MOST_DIGITS = 18
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?")

# Functions that take any value of their kinds.
_HARMLESS = """
    abs age ascii bit_length btrim cardinality ceil ceiling char_length character_length
    coalesce concat concat_ws date_part date_trunc floor greatest initcap isfinite justify_days
    justify_hours justify_interval least left length lower ltrim md5 now nullif octet_length pi
    quote_ident quote_literal replace reverse right round rtrim sign starts_with strpos trim
    upper array_append array_length array_position array_remove array_to_string century contains
    date_diff datediff day dayname dayofmonth dayofweek dayofyear decade ends_with epoch era
    generate_series hash hour if ifnull iif isodow last_day lcase microsecond millennium
    millisecond sha256 to_json typeof unicode weekofyear yearweek
    len list_contains list_distinct list_extract
    array_contains array_distinct array_extract array_reverse array_sort array_unique list_avg
    list_concat list_count list_first list_has list_has_all list_has_any list_last list_max list_min
    list_reverse list_sum split str_split
    list_position list_reverse_sort list_sort list_unique list_value minute month monthname
    prefix quarter second strftime string_split string_to_array strip_accents suffix today ucase
    range unnest week weekday year
"""
HARMLESS = frozenset(_HARMLESS.split())
NULLABLE = frozenset({"nullif", "array_length", "array_position"})  # NULL, though of no NULL
LISTING = frozenset({"generate_series", "range"})  # of two numbers far apart they fill the memory
LONGEST = 10_000
_CENTURIES = re.compile(rb"'(19|20)\d\d-.*")
_LONG_STEP = re.compile(rb"[1-9]\d* *(day|week|month|quarter|year)s?")
TOLD_BY_KIND = frozenset({"pg_typeof", "typeof"})  # known before any value is
VOLATILE = frozenset({"clock_timestamp", "random", "timeofday"})  # never known beforehand


def all_of(*parts: Fixed) -> Fixed:
    """Return whether a value is fixed that is made of some others."""
    found: Fixed = True
    for part in parts:
        if part is False:
            return False
        if part is not True and found is True:
            found = part
    return found


def any_of(*parts: Fixed) -> Fixed:
    """Return whether a value is fixed that each of some others settles alone."""
    owed: frozenset[Reference] = frozenset()
    for part in parts:
        if part is True:
            return True
        owed |= part or frozenset()
    return owed or False


def lists_little(texts: list[tuple[Any, ...] | None]) -> bool:
    """Tell whether a list of all numbers, or of days, between two of them is short.

    Args:
        texts: the arguments of `range` or `generate_series`, as they are written.
    """
    *ends, last = texts
    if last and last[0] == "INTERVAL":
        days = ("CURRENT_DATE" in (end or ()) or _says_day(end) for end in ends)
        return _LONG_STEP.fullmatch(last[1]) is not None and all(days)
    numbers = [worth(text) for text in texts]
    return all(number is not None and abs(number) <= LONGEST for number in numbers)


def _says_day(text: tuple[Any, ...] | None) -> bool:
    said = [part for part in text or () if isinstance(part, bytes) and part[:1] == b"'"]
    return len(said) == 1 and _CENTURIES.fullmatch(said[0]) is not None


def tame(text: tuple[Any, ...] | None) -> bool:
    """Tell whether sums and products of what is written so are far from what a number can hold.

    Parts of moments may be among them, as they are; no columns, and nothing that is cast.
    """
    if text is None or "AS" in text or any(isinstance(part, tuple) for part in text):
        return False
    digits = (part for part in text if isinstance(part, bytes) and part[:1] in b".0123456789")
    numbers = (worth((part,)) for part in digits)
    return all(n is not None and (n == 0 or n >= SMALLEST) for n in numbers)


def overflows(text: tuple[Any, ...] | None) -> bool:
    """Tell whether an expression of whole numbers surely leaves their range."""
    tokens = [part.decode() if isinstance(part, bytes) else part for part in text or ()]
    try:
        found, rest = _sum(tokens)
    except (ArithmeticError, ValueError, IndexError, TypeError):
        return False
    return not rest and abs(found) >= LARGEST


def worth(text: tuple[Any, ...] | None) -> Fraction | None:
    """Return the number that an expression of literals is; None where that is not known."""
    if text is None:
        return None
    tokens = [part.decode() if isinstance(part, bytes) else part for part in text]
    if not all(isinstance(token, str) for token in tokens):
        return None
    try:
        found, rest = _sum(tokens)
    except (ArithmeticError, ValueError, IndexError):
        return None
    return found if not rest and abs(found) < LARGEST else None


def _sum(tokens: list[str]) -> tuple[Fraction, list[str]]:
    left, rest = _product(tokens)
    while rest and rest[0] in ("+", "-"):
        right, after = _product(rest[1:])
        left, rest = (left + right if rest[0] == "+" else left - right), after
    return left, rest


def _product(tokens: list[str]) -> tuple[Fraction, list[str]]:
    left, rest = _value(tokens)
    while rest and rest[0] in ("*", "/", "//"):
        right, after = _value(rest[1:])
        whole = left.denominator == right.denominator == 1
        if rest[0] == "*":
            left = left * right
        else:  # of whole numbers that could be decimal ones neither result may be nothing
            left = (
                Fraction(int(left / right)) if whole and abs(left) >= abs(right) else left / right
            )
            if whole and abs(left) < 1:
                raise ValueError("0 or a fraction")
        rest = after
    return left, rest


def _value(tokens: list[str]) -> tuple[Fraction, list[str]]:
    head, rest = tokens[0], tokens[1:]
    if head in ("+", "-"):
        found, rest = _value(rest)
        return (found if head == "+" else -found), rest
    if head == "(":
        found, rest = _sum(rest)
        if rest[0] != ")":
            raise ValueError(head)
        return _cast(found, rest[1:])
    if head in ("TRUE", "FALSE") and rest[:1] == ["AS"]:
        return _cast(Fraction(head == "TRUE"), rest)
    if len(head) > _MOST_DIGITS or not _NUMBER.fullmatch(head):
        raise ValueError(head)
    return _cast(Fraction(head.replace(".e", ".0e").rstrip(".")), rest)


def _cast(found: Fraction, rest: list[str]) -> tuple[Fraction, list[str]]:
    while rest[:1] == ["AS"]:
        if rest[1] in ("int4", "int8"):
            found = Fraction(round(found))
        elif rest[1] not in ("decimal", "float"):
            raise ValueError(rest[1])
        rest = rest[2:]
    return found, rest
