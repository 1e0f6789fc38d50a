"""What came of one question: SQL, typed columns, rows, and how sure that is.

    >>> answer.sql, answer.types, answer.rows
    ('SELECT name, total FROM orders', ('text', 'integer'), [('Ann', 412)])
    >>> answer.to_pandas()

Covered: types of results whose engine names none, from their values; Arrow and pandas on request.
Not covered: how the answer was found (`predictor`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

from text2sql.decoding.candidates import Candidate
from text2sql.errors import need

# by Python's classes, the narrower first: a bool is an int, a datetime a date
_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    Decimal: "decimal",
    str: "text",
    bytes: "bytes",
    datetime: "timestamp",
    date: "date",
    time: "time",
    timedelta: "interval",
}
_NUMBERS = ("integer", "decimal", "number")  # the wider last


@dataclass(frozen=True, slots=True)
class Abstention:
    """Why a question has SQL, but no answer."""

    kind: Literal["unsure", "ambiguous", "missing", "invalid"]
    message: str
    between: tuple[str, ...] = ()  # what may be meant: SQL of the samples' readings, or columns


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one question."""

    question: str
    sql: str  # as the model wrote it
    columns: list[str]
    rows: list[tuple]
    truncated: bool  # rows were cut at the row or byte cap, or at the policy's limit
    error: str | None  # why there are no rows: no valid SQL, abstained, the engine's message
    confidence: float | None  # share of samples with this result; None: one sample says nothing
    candidates: list[Candidate]
    left_out: tuple[str, ...]  # tables and columns that the prompt had no room for
    seconds: dict[str, float] = field(default_factory=dict)  # by part: prompt, generate, run
    abstention: Abstention | None = None
    rewritten: str | None = None  # what runs in its place under a policy
    kept_back: tuple[str, ...] = ()  # what the policy keeps back of it, in words
    prompt_tokens: int = 0  # estimated where a server has the tokenizer
    completion_tokens: int = 0  # of all samples; 0 where a server does not say
    doubts: tuple[str, ...] = ()  # what the question names that is not there, or is there twice

    @property
    def types(self) -> tuple[str, ...]:
        """The type of each column; "any" where there is no value or the values differ."""
        return tuple(
            column_type(row[place] for row in self.rows) for place in range(len(self.columns))
        )

    def record(self) -> dict[str, Any]:
        """Return the answer for JSON; candidates without what is derived from them."""
        apart = ("candidates", "abstention")
        shown = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in apart}
        kind = self.abstention.kind if self.abstention else None
        shown |= {"types": self.types, "abstained": kind}
        return shown | {"candidates": [candidate.record() for candidate in self.candidates]}

    def to_arrow(self) -> Any:
        """Return the rows as a `pyarrow.Table`; a column of several types is text.

        Raises:
            MissingExtra: pyarrow is not installed.
        """
        need("train", "pyarrow")
        import pyarrow

        columns = [[row[place] for row in self.rows] for place in range(len(self.columns))]
        arrays = [_array(values, kind) for values, kind in zip(columns, self.types, strict=True)]
        return pyarrow.Table.from_arrays(arrays, names=self.columns)

    def to_pandas(self) -> Any:
        """Return the rows as a `pandas.DataFrame`.

        Raises:
            MissingExtra: pandas is not installed.
        """
        need("jupyter", "pandas")
        import pandas

        return pandas.DataFrame(self.rows, columns=self.columns)


def column_type(values: Iterable[Any]) -> str:
    """Return what the values of a column are.

    >>> column_type([1, None, 2.5])
    'number'
    """
    found = {_TYPES.get(type(value), "any") for value in values if value is not None}
    if found and found <= set(_NUMBERS):
        return max(found, key=_NUMBERS.index)
    return next(iter(found)) if len(found) == 1 else "any"


def _array(values: list[Any], kind: str) -> Any:
    import pyarrow

    if kind == "number":
        values = [None if value is None else float(value) for value in values]
    try:
        return pyarrow.array(values)
    except (pyarrow.ArrowException, OverflowError):
        return pyarrow.array([None if value is None else str(value) for value in values])
