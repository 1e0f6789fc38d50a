"""The forms in which predictions come: lines, JSON Lines, a JSON array, BIRD's object, a list.

    >>> next(prediction_source(Path("predictions.sql"))()).sql
    'SELECT count(*) FROM singer'

Covered: text after a tab is dropped, as in Spider's own reader; a blank line is an empty
prediction; samples, seconds and tokens of records that have them.
Not covered: alignment with the examples (`inputs.read_cases`).
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from text2sql.errors import DataError
from text2sql.scoring.lines import decoded, opening, read_lines

BIRD_SEPARATOR = "\t----- bird -----\t"  # between SQL and db_id, as in BIRD's evaluation_utils.py
_ARRAY = re.compile(r'\s*\[\s*(?:["{\]]|null\b|$)')
_WHOLE = re.compile(r"\s*-?[0-9]{1,30}\s*")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said to one question."""

    sql: str  # "" where it said nothing
    candidates: tuple[str, ...] = ()  # all its samples, where the record has them
    index: int | None = None  # of the example it answers, where the record says so
    db_id: str | None = None
    seconds: float | None = None
    tokens: int | None = None


def prediction_source(
    predictions: str | Path | Sequence[str | None],
) -> Callable[[], Iterator[Prediction]]:
    """Return a function that reads the predictions anew at each call.

    Raises:
        DataError: the file is missing or malformed, with its line; some of it as it is read.
    """
    if not isinstance(predictions, str | Path):
        found = [Prediction(sql or "") for sql in predictions]
        return lambda: iter(found)
    path = Path(predictions)
    first = opening(path)
    if first == b"[" and _is_array(path):
        of_array = _read_array(path)
        return lambda: iter(of_array)
    if first != b"{":
        return lambda: (Prediction(line.strip().split("\t")[0]) for _, line in read_lines(path))
    if _is_one_object(path):
        of_bird = _read_bird(path)
        return lambda: iter(of_bird)
    return lambda: (_read_record(line, path, number) for number, line in read_lines(path))


def _read_record(line: str, path: Path, number: int) -> Prediction:
    if not line.strip():
        return Prediction("")
    record = decoded(line, path, number)
    try:
        return _of_record(record)
    except DataError as error:
        raise DataError(str(error), path, number) from None


def _of_record(record: Any) -> Prediction:
    if not isinstance(record, dict) or not isinstance(record.get("sql"), str | None):
        raise DataError('expected an object with "sql", the predicted text')
    samples = _candidates(record.get("candidates"))
    if "sql" not in record and not samples:
        raise DataError('expected an object with "sql", the predicted text')
    return Prediction(
        record.get("sql", samples[0] if samples else None) or "",
        samples,
        _index(record.get("index")),
        _of_type(record.get("db_id"), str),
        _of_type(record.get("seconds"), float, int),
        _of_type(record.get("tokens"), int),
    )


def _index(value: Any) -> int | None:
    """Return an index, which other programs write as text or as a float, too.

    An index that is not understood is refused: its prediction would be paired by its line.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if value is None:
        return None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not -(2**63) <= value < 2**63:
        raise DataError(f"the index is {json.dumps(value)[:40]}, no whole number of 64 bits")
    return int(value)


def _of_type(value: Any, *types: type) -> Any:
    return value if isinstance(value, types) and not isinstance(value, bool) else None


def _candidates(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list):
        return ()
    return tuple(str((c.get("sql") or "") if isinstance(c, dict) else c or "") for c in found)


def _is_array(path: Path) -> bool:
    """Tell a JSON array from SQL that begins with a bracket, which is a wrong prediction."""
    first = next(line for _, line in read_lines(path) if line.strip())
    return path.suffix == ".json" or _ARRAY.match(first) is not None


def _read_array(path: Path) -> list[Prediction]:
    text = "".join(line for _, line in read_lines(path, ends=True))
    return [_of_entry(entry, n, path) for n, entry in enumerate(decoded(text, path, 1), start=1)]


def _of_entry(entry: Any, number: int, path: Path) -> Prediction:
    if isinstance(entry, str | None):
        return Prediction(entry or "")
    try:
        return _of_record(entry)
    except DataError as error:
        raise DataError(f"entry {number} of the array: {error}", path) from None


def _is_one_object(path: Path) -> bool:
    """Tell BIRD's object from JSON Lines: its first line is no object of its own with `sql`."""
    for _, line in read_lines(path):
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                return '"sql"' not in line
            return isinstance(record, dict) and bool(record) and all(map(_is_place, record))
    return False


def _is_place(key: str) -> bool:
    return key.isascii() and key.isdecimal()


def _read_bird(path: Path) -> list[Prediction]:
    text = "".join(line for _, line in read_lines(path, ends=True))
    record = decoded(text, path, 1)
    if not isinstance(record, dict) or not all(map(_is_place, record)):
        raise DataError('expected an object of "0": "SQL<TAB>----- bird -----<TAB>db_id"', path)
    found = [_of_bird(key, value, path) for key, value in record.items()]
    return sorted(found, key=lambda prediction: prediction.index or 0)


def _of_bird(key: str, value: Any, path: Path) -> Prediction:
    if not isinstance(value, str | int | None):  # the official reader takes a number for no SQL
        raise DataError(f'the prediction of "{key}" is no text', path)
    sql, _, db_id = (value if isinstance(value, str) else "").partition(BIRD_SEPARATOR)
    try:
        return Prediction(sql, index=_index(key), db_id=db_id.strip() or None)
    except DataError as error:
        raise DataError(str(error), path) from None
