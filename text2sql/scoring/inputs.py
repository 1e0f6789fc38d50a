"""Read what is to be scored: gold, and predictions that stay aligned with it.

    >>> cases = read_cases(Path("predictions.sql"), Path("dev_gold.sql"))
    >>> len(cases), next(iter(cases))[1].sql
    (1034, 'SELECT count(*) FROM singer')

Files of lines are read twice, once to check and count them, once to score them, and never held in
memory; 100,000 pairs take no more of it than 100.

Covered: one SQL a line (only a line feed ends a line, text after a tab is dropped as in Spider's
own reader), JSON Lines with `sql`, a JSON array of texts or of such records, BIRD's JSON object,
lists; a blank line is an empty prediction and fails alone.
Not covered: a file that changes while it is read. JSON arrays, BIRD's object and records in another
order than the examples are held in memory.
"""

import hashlib
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from text2sql.errors import DataError
from text2sql.examples import Example, read_example
from text2sql.records import read_examples
from text2sql.scoring.lines import decoded, opening, read_lines
from text2sql.scoring.predictions import Prediction, prediction_source


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
    predicted, digest = _aligned(prediction_source(predictions), examples, _path(predictions))
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


def _gold_source(gold: str | Path | Sequence[Example]) -> Callable[[], Iterator[Example]]:
    if not isinstance(gold, str | Path):
        examples = list(gold)
        return lambda: iter(examples)
    path = Path(gold)
    first = opening(path)
    if first == b"{" and path.suffix != ".json":
        return lambda: _example_lines(path)
    if first in (b"{", b"["):
        read = read_examples(path)
        return lambda: iter(read)
    return lambda: _gold_lines(path)


def _example_lines(path: Path) -> Iterator[Example]:
    index = 0
    for number, line in read_lines(path):
        if line.strip():
            try:
                yield read_example(decoded(line, path, number), index)
            except DataError as error:
                raise error if error.line else DataError(str(error), path, number) from None
            index += 1


def _gold_lines(path: Path) -> Iterator[Example]:
    blank = 0
    for number, line in read_lines(path):
        if not line.strip():
            blank = blank or number
            continue
        sql, tab, db_id = line.rpartition("\t")
        if blank or not tab or not sql.strip():  # blank lines may only end the file
            raise DataError("expected SQL<TAB>db_id", path, blank or number)
        yield Example(number - 1, "", (sql,), db_id.strip())


def _aligned(
    source: Callable[[], Iterator[Prediction]], examples: ExampleSet, path: Path | None
) -> tuple[Callable[[], Iterator[Prediction]], str]:
    """Return the predictions in the order of the examples, and a hash of them in that order.

    Raises:
        DataError: another number of predictions than of examples.
    """
    indices: array[int] = array("q")
    count = last = 0  # `last`: the count at the last one that is not blank
    digest = hashlib.sha256()
    strays: list[tuple[int, int]] = []  # the first prediction out of place, with its index
    for count, prediction in enumerate(source(), start=1):
        digest.update(_said(prediction))
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
        digest = hashlib.sha256(b"".join(map(_said, ordered)))
        return lambda: iter(ordered), digest.hexdigest()[:16]
    return source, digest.hexdigest()[:16]


def _said(prediction: Prediction) -> bytes:
    return _line(prediction.sql, prediction.candidates)


def _nth(indices: "array[int]", place: int) -> int | None:
    return indices[place] if place < len(indices) else None
