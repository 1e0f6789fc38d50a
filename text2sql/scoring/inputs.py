"""Read what is to be scored: gold, predictions that stay aligned with it, and databases.

    >>> cases = read_cases(Path("predictions.sql"), Path("dev_gold.sql"))
    >>> len(cases), next(iter(cases))[1].sql
    (1034, 'SELECT count(*) FROM singer')

Files of lines are read twice, once to check and count them, once to score them, and never held in
memory; 100,000 pairs take no more of it than 100.

Covered: one SQL a line (only a line feed ends a line, text after a tab is dropped as in Spider's
own reader), JSON Lines with `sql`, BIRD's JSON object, lists; a blank line is an empty prediction
and fails alone.
Not covered: JSON arrays, BIRD's object and records in another order than the examples are held in
memory; a file that changes while it is read.
"""

import hashlib
import json
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from text2sql.databases import Database, check_db_id, locate
from text2sql.errors import DatabaseError, DataError, UnknownName
from text2sql.examples import Example, read_example
from text2sql.records import read_examples

FindDatabase = Callable[[str], Database]  # from db_id

SUFFIXES = (".sqlite", ".duckdb", ".db")
BIRD_SEPARATOR = "\t----- bird -----\t"  # between SQL and db_id, as in BIRD's evaluation_utils.py


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said to one question."""

    sql: str  # "" where it said nothing
    candidates: tuple[str, ...] = ()  # all its samples, where the record has them
    index: int | None = None  # of the example it answers, where the record says so
    db_id: str | None = None
    seconds: float | None = None
    tokens: int | None = None


@dataclass(slots=True)
class ExampleSet:
    """What identifies a set of examples, counted one by one."""

    n: int = 0
    indices: "array[int]" = field(default_factory=lambda: array("q"))
    db_ids: dict[str, None] = field(default_factory=dict)  # in order of first use
    _gold: Any = field(default_factory=hashlib.sha256)
    _queries: Any = field(default_factory=hashlib.sha256)

    @classmethod
    def of(cls, examples: Iterable[Example]) -> "ExampleSet":
        """Count examples."""
        found = cls()
        for example in examples:
            found.add(example)
        return found

    def add(self, example: Example) -> None:
        """Count one example more."""
        self.n += 1
        self.indices.append(example.index)
        self.db_ids[example.db_id] = None
        self._gold.update(_line(example.db_id, example.question, *example.queries))
        self._queries.update(_line(example.db_id, *example.queries))

    @property
    def gold_hash(self) -> str:
        """A hash of db_ids, questions and gold SQL, in order."""
        return str(self._gold.hexdigest()[:16])

    @property
    def queries_hash(self) -> str:
        """A hash of db_ids and gold SQL, in order, whatever the questions."""
        return str(self._queries.hexdigest()[:16])


def _line(*values: Any) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode(errors="surrogatepass") + b"\n"


@dataclass(frozen=True, slots=True)
class Cases:
    """Examples with their predictions; each pass over it reads the files anew."""

    gold: Callable[[], Iterator[Example]]
    predicted: Callable[[], Iterator[Prediction]]
    examples: ExampleSet
    predictions_hash: str

    def __len__(self) -> int:
        return self.examples.n

    def __iter__(self) -> Iterator[tuple[Example, Prediction]]:
        # What follows the last example is blank: `read_cases` has looked.
        return zip(self.gold(), islice(self.predicted(), len(self)), strict=True)


def read_cases(
    predictions: str | Path | Sequence[str | None], gold: str | Path | Sequence[Example]
) -> Cases:
    """Check gold and predictions and pair them.

    JSON records with `index` are aligned by it, others by line.

    Raises:
        DataError: a file is missing or malformed (with its line), an example has no gold SQL, a
            prediction names another index or db_id than its example, or the counts differ.
    """
    examples, source = ExampleSet(), _gold_source(gold)
    for example in source():
        if not example.queries:
            raise DataError(f"example {example.index} has no gold SQL", _path(gold))
        examples.add(example)
    if not examples.n:
        raise DataError("there is no gold to score against", _path(gold))
    predicted, digest = _aligned(_prediction_source(predictions), examples, _path(predictions))
    cases = Cases(source, predicted, examples, digest)
    if _path(predictions) is not None:
        _check_db_ids(cases, _path(predictions))
    return cases


def _path(source: Any) -> Path | None:
    return Path(source) if isinstance(source, str | Path) else None


def _check_db_ids(cases: Cases, path: Path | None) -> None:
    """Refuse predictions that say which database they are for, where it is another one."""
    first = next(cases.predicted(), None)
    if first is None or first.db_id is None:
        return
    for example, prediction in cases:
        if prediction.db_id not in (None, example.db_id):
            raise DataError(
                f"prediction for example {example.index} is for database {prediction.db_id!r}, "
                f"its gold for {example.db_id!r}",
                path,
            )


def read_gold(gold: str | Path | Sequence[Example]) -> list[Example]:
    """Return the examples to score against.

    Raises:
        DataError: as `read_cases`.
    """
    examples = list(_gold_source(gold)())
    return [example for example, _ in read_cases([None] * len(examples), examples)]


def read_predictions(
    predictions: str | Path | Sequence[str | None], examples: Sequence[Example]
) -> list[str]:
    """Return one prediction per example, in the examples' order; an empty one is "".

    Raises:
        DataError: as `read_cases`.
    """
    return [prediction.sql for _, prediction in read_cases(predictions, examples)]


# Gold


def _gold_source(gold: str | Path | Sequence[Example]) -> Callable[[], Iterator[Example]]:
    if not isinstance(gold, str | Path):
        examples = list(gold)
        return lambda: iter(examples)
    path = Path(gold)
    opening = _opening(path)
    if opening == b"{" and path.suffix != ".json":
        return lambda: _example_lines(path)
    if opening in (b"{", b"["):
        read = read_examples(path)
        return lambda: iter(read)
    return lambda: _gold_lines(path)


def _example_lines(path: Path) -> Iterator[Example]:
    index = 0
    for number, line in _lines(path):
        if line.strip():
            try:
                yield read_example(_decoded(line, path, number), index)
            except DataError as error:
                raise error if error.line else DataError(str(error), path, number) from None
            index += 1


def _gold_lines(path: Path) -> Iterator[Example]:
    blank = 0
    for number, line in _lines(path):
        if not line.strip():
            blank = blank or number
            continue
        sql, tab, db_id = line.rpartition("\t")
        if blank or not tab or not sql.strip():  # blank lines may only end the file
            raise DataError("expected SQL<TAB>db_id", path, blank or number)
        yield Example(number - 1, "", (sql,), db_id.strip())


# Predictions


def _prediction_source(
    predictions: str | Path | Sequence[str | None],
) -> Callable[[], Iterator[Prediction]]:
    if not isinstance(predictions, str | Path):
        found = [Prediction(sql or "") for sql in predictions]
        return lambda: iter(found)
    path = Path(predictions)
    if _opening(path) != b"{":
        return lambda: (Prediction(line.strip().split("\t")[0]) for _, line in _lines(path))
    if _is_one_object(path):
        of_bird = _read_bird(path)
        return lambda: iter(of_bird)
    return lambda: (_read_record(line, path, number) for number, line in _lines(path))


def _aligned(
    source: Callable[[], Iterator[Prediction]], examples: ExampleSet, path: Path | None
) -> tuple[Callable[[], Iterator[Prediction]], str]:
    """Return the predictions in the order of the examples, and a hash of them.

    Raises:
        DataError: another number of predictions than of examples.
    """
    indices: array[int] = array("q")
    count = last = 0  # `last`: the count at the last one that is not blank
    digest = hashlib.sha256()
    strays: list[tuple[int, int]] = []  # the first prediction out of place, with its index
    for count, prediction in enumerate(source(), start=1):
        digest.update(_line(prediction.sql, prediction.candidates))
        if prediction.sql.strip() or prediction.index is not None:
            last = count
        if prediction.index is not None:
            indices.append(prediction.index)
            if not strays and prediction.index != _nth(examples.indices, count - 1):
                strays = [(count, prediction.index)]
    count = max(last, min(count, examples.n))  # blank lines at the end are no predictions
    if count != examples.n:
        raise DataError(f"{count} predictions for {examples.n} gold queries", path)
    if strays and (len(indices) != count or sorted(indices) != sorted(examples.indices)):
        place, index = strays[0]
        expected = examples.indices[place - 1]
        raise DataError(f"prediction {place} has index {index}, its example {expected}", path)
    if strays:
        found = {prediction.index: prediction for prediction in source()}
        ordered = [found[index] for index in examples.indices]
        return lambda: iter(ordered), digest.hexdigest()[:16]
    return source, digest.hexdigest()[:16]


def _nth(indices: "array[int]", place: int) -> int | None:
    return indices[place] if place < len(indices) else None


def _read_record(line: str, path: Path, number: int) -> Prediction:
    if not line.strip():
        return Prediction("")
    record = _decoded(line, path, number)
    if not isinstance(record, dict) or not isinstance(record.get("sql"), str | None):
        raise DataError('expected an object with "sql", the predicted text', path, number)
    samples = _candidates(record.get("candidates"))
    if "sql" not in record and not samples:
        raise DataError('expected an object with "sql", the predicted text', path, number)
    return Prediction(
        record.get("sql", samples[0] if samples else None) or "",
        samples,
        _of_type(record.get("index"), int),
        _of_type(record.get("db_id"), str),
        _of_type(record.get("seconds"), float, int),
        _of_type(record.get("tokens"), int),
    )


def _of_type(value: Any, *types: type) -> Any:
    return value if isinstance(value, types) and not isinstance(value, bool) else None


def _candidates(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list):
        return ()
    return tuple(str((c.get("sql") or "") if isinstance(c, dict) else c or "") for c in found)


def _is_one_object(path: Path) -> bool:
    """Tell BIRD's object from JSON Lines: its first line is no object of its own with `sql`."""
    for _, line in _lines(path):
        if line.strip():
            try:
                record = json.loads(line)
            except (json.JSONDecodeError, RecursionError):
                return '"sql"' not in line
            return isinstance(record, dict) and bool(record) and all(map(str.isdigit, record))
    return False


def _read_bird(path: Path) -> list[Prediction]:
    text = "".join(line for _, line in _lines(path, ends=True))
    record = _decoded(text, path, 1)
    if not isinstance(record, dict) or not all(key.isdigit() for key in record):
        raise DataError('expected an object of "0": "SQL<TAB>----- bird -----<TAB>db_id"', path)
    ordered = sorted(record.items(), key=lambda item: int(item[0]))
    return [_of_bird(int(key), value, path) for key, value in ordered]


def _of_bird(index: int, value: Any, path: Path) -> Prediction:
    if not isinstance(value, str | int | None):  # the official reader takes a number for no SQL
        raise DataError(f'the prediction of "{index}" is no text', path)
    sql, _, db_id = (value if isinstance(value, str) else "").partition(BIRD_SEPARATOR)
    return Prediction(sql, index=index, db_id=db_id.strip() or None)


# Files


def _opening(path: Path) -> bytes:
    """Return the first character of a file that is not white space or a byte order mark."""
    for _, line in _lines(path):
        if line.strip():
            return line.strip()[:1].encode(errors="replace")
    return b""


def _lines(path: Path, *, ends: bool = False) -> Iterator[tuple[int, str]]:
    """Yield numbered lines, ended by line feeds alone.

    Raises:
        DataError: the file is missing, cannot be read, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                raw = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
                try:
                    line = raw.decode()
                except UnicodeDecodeError:
                    raise DataError("not UTF-8 text", path, number) from None
                yield number, line if ends else line.removesuffix("\n").removesuffix("\r")
    except FileNotFoundError:
        raise DataError("no such file", path) from None
    except IsADirectoryError:
        raise DataError("this is a folder, not a file", path) from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", path) from None


def _decoded(text: str, path: Path, number: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"malformed JSON: {error.msg}", path, number + error.lineno - 1) from None
    except RecursionError:
        raise DataError("malformed JSON: nested too deeply", path, number) from None


# Databases


def database_finder(databases: str | Path | Database | FindDatabase) -> FindDatabase:
    """Return the function from db_id to database.

    Args:
        databases: a folder of `<db_id>/<db_id>.sqlite` (or `.duckdb`) files; one database (a file,
            a URL) for all examples; or the function itself.

    Raises:
        DatabaseError: the folder does not exist, or the one database cannot be located.
    """
    if callable(databases):
        return databases
    if isinstance(databases, Database) or "://" in str(databases) or Path(databases).is_file():
        one = locate(databases)
        return lambda db_id: one
    folder = Path(databases)
    if not folder.is_dir():
        raise DatabaseError(f"no folder of databases: {folder}", str(folder))
    return lambda db_id: _in_folder(folder, db_id)


def _in_folder(folder: Path, db_id: str) -> Database:
    check_db_id(db_id)
    for suffix in SUFFIXES:
        path = folder / db_id / f"{db_id}{suffix}"
        if path.is_file():
            return locate(path)
    known = [path.name for path in folder.iterdir() if path.is_dir()]
    raise UnknownName("database", db_id, known, f"in {folder}")


def suite(database: Database) -> list[Database]:
    """Return every database of a test suite: the files named `*.sqlite*` in the same folder.

    As `eval_exec_match` in exec_eval.py (taoyds/test-suite-sql-eval at e97acc5) looks for them;
    write-ahead logs and journals beside them are left out.
    """
    if database.path is None or database.engine != "sqlite":
        return [database]
    names = sorted(name for name in os.listdir(database.path.parent) if ".sqlite" in name)  # noqa: PTH208
    paths = [database.path.parent / name for name in names]
    others = [p for p in paths if p != database.path and not p.name.endswith(_SIDE_FILES)]
    return [database, *(locate(path) for path in others if path.is_file())]


_SIDE_FILES = ("-wal", "-shm", "-journal")
