"""Literals that are compared with a column: only what the column holds.

    >>> literals = Literals(lambda table, column: ["Paris", "Rome"])
    >>> literals.begins(("city", "name"), b"Pa"), literals.has(("city", "name"), b"Parma")
    (True, False)

Covered: strings and numbers after `column =`, `<>`, `IS` and in the list after `column IN`.
Not covered: ranges, patterns, a literal on the left, columns of a SELECT whose FROM is not read
yet, columns of derived tables that compute them: there literals stay free.
"""

import itertools
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

Origin = tuple[str, str]  # table and column of the database
_NUMBER = re.compile(rb"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)


class Beside(NamedTuple):
    """The column that a literal is compared with."""

    origin: Origin | None = None  # whose values alone it may be; None: any
    number: bool = False  # it must say a number, text or not


Values = Callable[[str, str], Sequence[str | int | float] | None]


class Literals:
    """The stored values of columns, asked for once."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._known: dict[Origin, tuple[bytes, ...] | None] = {}

    def stored(self, origin: Origin) -> tuple[bytes, ...] | None:
        """Return the values of a column as written, sorted; None: any literal may stand."""
        if origin not in self._known:
            found = self._values(*origin)
            written = sorted({_written(value) for value in found}) if found else []
            self._known[origin] = tuple(written) or None
        return self._known[origin]

    def begins(self, origin: Origin, text: bytes) -> bool:
        """Tell whether a stored value begins so."""
        stored = self.stored(origin)
        if stored is None:
            return True
        place = bisect_left(stored, text)
        return place < len(stored) and stored[place].startswith(text)

    def shortest(self, origin: Origin, text: bytes) -> bytes | None:
        """Return the shortest stored value that begins so."""
        stored = self.stored(origin) or ()
        found = (value for value in stored[bisect_left(stored, text) :])
        fitting = itertools.takewhile(lambda value: value.startswith(text), found)
        return min(fitting, key=len, default=None)

    def has(self, origin: Origin, text: bytes) -> bool:
        """Tell whether a column holds a value."""
        stored = self.stored(origin)
        if stored is None:
            return True
        place = bisect_left(stored, text)
        return place < len(stored) and stored[place] == text


def _written(value: str | int | float) -> bytes:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value)).encode()
    return str(value).encode()


def says_number(text: bytes) -> bool:
    """Tell whether SQLite takes a text for a number beside a column of numbers."""
    return _NUMBER.fullmatch(text) is not None


def begins_number(text: bytes) -> bool:
    """Tell whether a text that says a number begins so."""
    return any(says_number(text + rest) for rest in (b"", b"0"))
