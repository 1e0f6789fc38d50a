"""What crosses the pipe between a worker and its parent: replies with their rows, encoded once.

    >>> reply = Reply(columns=["id"], pages=[encode([(1,), (2,)])])
    >>> decode(encode(astuple(reply)))[-2]
    ['id']

The worker runs hostile SQL, so the parent trusts no frame: only plain values and the few classes
that DuckDB hands out are ever built from one. The encoded size of the rows is what `max_bytes`
caps.

Covered: None, bool, int, float, str, bytes, lists, tuples, dicts, decimals, dates and times, UUIDs.
Not covered: other classes; a frame that names one is an error.
"""

import io
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

READY, OPENING, OPENED = b"ready", b"opening", b"opened"  # what a worker says besides replies

_KNOWN = {
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "time"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    ("decimal", "Decimal"),
    ("pytz", "_UTC"),
    ("pytz", "_p"),  # a zone by its name
    ("uuid", "SafeUUID"),
    ("uuid", "UUID"),
}
_FIRST_PAGE = 16  # rows: enough for most answers, little enough when every row is 16 MiB
_WIDEST_PAGE = 2_000  # rows

Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker says of one request."""

    error_kind: str | None = (
        None  # as in results.ERROR_KINDS, or "database": not the statement's fault
    )
    error: str | None = None
    seconds: float = 0.0
    truncated: bool = False
    columns: list[str] = field(default_factory=list)
    pages: list[bytes] = field(default_factory=list)  # each a list of rows, encoded


class _Careful(pickle.Unpickler):
    """A reader that builds no class but the known ones."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} does not belong into a result")
        return super().find_class(module, name)


def encode(value: object) -> bytes:
    """Return a value as bytes for the pipe."""
    return pickle.dumps(value, protocol=5)


def decode(frame: bytes) -> Any:
    """Return the value of a frame.

    Raises:
        pickle.UnpicklingError: the frame names a class that no result holds.
    """
    return _Careful(io.BytesIO(frame)).load()


def collect(
    fetch: Callable[[int], Rows], *, max_rows: int, max_bytes: int, check: Callable[[], None]
) -> tuple[list[bytes], bool]:
    """Fetch rows page by page until there are none, or a cap is reached.

    Args:
        fetch: returns at most so many further rows, none at the end.
        max_rows: rows to keep.
        max_bytes: bytes of encoded rows to keep; a row that would exceed it is left out, with all
            after it.
        check: called before each page; raises when the deadline has passed.

    Returns:
        The encoded pages, and whether rows were left out.
    """
    pages: list[bytes] = []
    count = size = 0
    wanted = _FIRST_PAGE
    while True:
        check()
        rows = fetch(min(wanted, max_rows + 1 - count))
        if not rows:
            return pages, False
        page, kept = _fit(rows[: max_rows - count], max_bytes - size)
        if kept:
            pages.append(page)
            count, size = count + kept, size + len(page)
        if kept < len(rows):
            return pages, True
        wanted = max(1, min(_WIDEST_PAGE, (max_bytes - size) * count // max(size, 1)))


def _fit(rows: Rows, room: int) -> tuple[bytes, int]:
    """Return the longest head of rows whose encoding fits into `room` bytes, and its length."""
    page = encode(rows)
    if len(page) <= room:
        return page, len(rows)
    page, low, high = b"", 0, len(rows)  # the first `low` rows fit, the first `high` do not
    while high - low > 1:
        middle = (low + high) // 2
        trial = encode(rows[:middle])
        if len(trial) <= room:
            page, low = trial, middle
        else:
            high = middle
    return page, low
