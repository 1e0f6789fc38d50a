"""What running one statement came to, and the caps it ran under.

    >>> execution = execute("SELECT id FROM t LIMIT 1", "shop.sqlite")
    >>> execution.rows, execution.error
    ([(1,)], None)

Covered: the record that every caller reads; the caps with their defaults, checked where people set
them.
Not covered: how a result is compared with another (`text2sql.scoring`).
"""

import re
from dataclasses import dataclass
from typing import Any

from text2sql.errors import SettingsError
from text2sql.limits import check_joins

MAX_SQL = 20_000  # bytes of UTF-8; parsing 200,000 numbers in an IN list takes sqlglot seconds
MAX_SELECTS = 100  # sqlglot takes seconds over the names of 500

_SELECT = re.compile(r"\bselect\b", re.IGNORECASE)
_LONGEST = 86_400  # seconds: what fits into every timer

ERROR_KINDS = {
    "refused": "not a single reading query, or it touches what the policy forbids",
    "parse": "neither the gate nor the engine can read it",
    "missing": "a table, column or function that the database does not have",
    "engine": "the engine refused or failed, for any other reason",
    "timeout": "stopped by the deadline",
    "memory": "stopped by a memory or value size limit",
    "killed": "the worker process died while running it",
}


@dataclass(frozen=True, slots=True)
class Execution:
    """What one query did: its rows, or the engine's complaint."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    truncated: bool  # there were more rows than the row or byte cap let through
    error: str | None  # the engine's own message; None when the query ran
    error_kind: str | None  # a key of ERROR_KINDS; None when the query ran
    seconds: float  # wall time in the engine: connecting, checking and waiting excluded


@dataclass(frozen=True, slots=True)
class Caps:
    """How long a statement may run and how much it may return."""

    timeout: float = 5.0  # seconds
    max_rows: int = 10_000
    max_bytes: int = 16 << 20  # of the rows as they are encoded to leave the worker

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= _LONGEST:
            raise SettingsError(
                f"timeout must be between 0 and {_LONGEST:,} seconds, not {self.timeout}"
            )
        for name in ("max_rows", "max_bytes"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} must be at least 1, not {getattr(self, name)}")


class Refusal(Exception):
    """A statement that one of the layers does not let through; becomes `Execution.error`."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind, self.message = kind, message
        super().__init__(message)


def failed(kind: str, message: str, seconds: float = 0.0) -> Execution:
    """Return the execution of a statement that did not run to its end."""
    return Execution([], [], False, message, kind, seconds)


def check_size(sql: str) -> None:
    """Refuse text that no layer should have to read.

    Raises:
        Refusal: it is longer than MAX_SQL bytes, has the word SELECT more than MAX_SELECTS times or
            too many JOINs without a condition, or holds a NUL, at which engines stop reading.
    """
    size = len(sql) if len(sql) > MAX_SQL else len(sql.encode(errors="surrogatepass"))
    if size > MAX_SQL:
        raise Refusal("refused", f"the statement has {size:,} bytes, at most {MAX_SQL:,} are read")
    if len(_SELECT.findall(sql)) > MAX_SELECTS:
        raise Refusal("refused", f"the statement has more than {MAX_SELECTS} SELECTs")
    if "\0" in sql:
        raise Refusal("refused", "the statement holds a NUL character")
    try:
        check_joins(sql)
    except ValueError as error:
        raise Refusal("refused", str(error)) from None
