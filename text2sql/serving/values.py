"""Values of a result in JSON, so that nothing is lost on the way and every reader agrees.

    >>> encode(Decimal("12.50")), encode(2**60), encode(b"\\x00\\xff")
    ('12.50', '1152921504606846976', 'AP8=')

| type of the column | in JSON |
| --- | --- |
| `boolean`, `text` | as they are; NULL is null in every type |
| `integer` | a number; beyond 2**53 - 1 either way a string of digits, as readers have doubles |
| `number` | a number; `"NaN"`, `"Infinity"` and `"-Infinity"` are strings |
| `decimal` | a string, with every digit |
| `date`, `time`, `timestamp` | a string in ISO 8601, with an offset where the value has a zone |
| `interval` | a string in ISO 8601, such as `P1DT2H0.5S` |
| `bytes` | a string in base64 |
| `any` | lists and structs become arrays and objects, what is left (UUID, addresses) its text |

Covered: lone surrogates, which SQLite stores and UTF-8 cannot say, become U+FFFD.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite, isnan
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")

EXACT = 2**53 - 1  # the largest integer to which a double has no neighbour that rounds to it


def encode(value: Any) -> Any:
    """Return a value as JSON has it; see the module's header."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -EXACT <= value <= EXACT else str(int(value))
    if isinstance(value, float):
        return float(value) if isfinite(value) else _no_number(value)
    return _encode_text(value)


def encode_rows(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Return rows as JSON has them."""
    return [[encode(value) for value in row] for row in rows]


def _encode_text(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return iso_duration(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return b64encode(bytes(value)).decode()
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, Mapping):
        return {_clean(str(key)): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [encode(item) for item in value]
    return _clean(str(value))


def _no_number(value: float) -> str:
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _clean(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def iso_duration(value: timedelta) -> str:
    """Return a duration in ISO 8601: days, and seconds with their fraction.

    >>> iso_duration(timedelta(days=1, hours=2, milliseconds=500))
    'P1DT2H0.5S'
    """
    sign = "-" if value < timedelta(0) else ""
    value = abs(value)
    hours, rest = divmod(value.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    days = f"{value.days}D" if value.days else ""
    fraction = f".{value.microseconds:06d}".rstrip("0") if value.microseconds else ""
    parts = f"{hours}H" if hours else ""
    parts += f"{minutes}M" if minutes else ""
    parts += f"{seconds}{fraction}S" if seconds or fraction else ""
    if not days and not parts:
        return "PT0S"
    return f"{sign}P{days}{'T' + parts if parts else ''}"
