"""Read runs from disk: manifests that must agree, and the verdicts of each example side by side.

    >>> runs = [open_run(Path("runs/greedy")), open_run(Path("runs/beam"))]
    >>> read_all(runs, "execution_accuracy").columns[0][:2]
    array('d', [1.0, 0.0])

Covered: folders of evaluations, files of verdicts with a scorecard beside them; what is broken is
named with its line. Verdicts are read line by line and never held.
Not covered: checking that the verdicts belong to the manifest.
"""

import json
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from text2sql.errors import DataError, UnknownName
from text2sql.records import read_text
from text2sql.scoring.verdict_files import scorecard_path

_SOURCES = ("source_index", "original")  # of a perturbed example: the index of the original one

Index = int | str  # of an example in its data set


@dataclass(frozen=True, slots=True)
class StoredRun:
    """Where a run lies, and what it holds for."""

    path: Path  # as it was given
    verdicts: Path
    predictions: Path | None
    manifest: dict[str, Any]


def open_run(path: Path) -> StoredRun:
    folder = path.is_dir()
    verdicts = path / "verdicts.jsonl" if folder else path
    card_path = path / "scorecard.json" if folder else scorecard_path(path)
    for needed in (verdicts, card_path):
        if not needed.is_file():
            raise DataError(f"{path} is no run: there is no {needed}")
    try:
        card = json.loads(read_text(card_path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"malformed JSON: {error}", card_path) from None
    manifest = card.get("manifest") if isinstance(card, dict) else None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("metrics"), list):
        raise DataError("holds no manifest with its metrics", card_path)
    predictions = path / "predictions.jsonl"
    return StoredRun(path, verdicts, predictions if predictions.is_file() else None, manifest)


def check_equal(runs: Sequence[StoredRun], keys: Iterable[str]) -> None:
    first, *others = runs
    for run in runs:
        for key in keys:
            if key not in run.manifest:
                raise DataError(f"the manifest of {run.path} has no {key!r}")
    for run in others:
        pairs = [
            (key, first.manifest.get(key), run.manifest.get(key)) for key in (*keys, "scoring")
        ]
        unequal = [
            f"{key} is {one!r} and {two!r}"
            for key, one, two in pairs
            if (one or None) != (two or None)
        ]
        if unequal:
            raise DataError(
                f"{first.path} and {run.path} did not measure the same thing: {'; '.join(unequal)}"
            )


def common_metric(runs: Sequence[StoredRun], asked: str | None) -> str:
    headlines = {str(run.manifest["metrics"][0]): run for run in runs if run.manifest["metrics"]}
    if asked is None and len(headlines) > 1:
        (one, first), (two, second), *_ = headlines.items()
        raise DataError(
            f"{first.path} and {second.path} have other headlines, {one} and {two}: "
            "choose with --metric"
        )
    metric = asked or next(iter(headlines), "")
    for run in runs:
        if metric not in run.manifest["metrics"]:
            raise UnknownName("metric", metric, run.manifest["metrics"], f"in {run.path}")
    return metric


def records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a file of JSON Lines, each with its 1-based line."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                reason = getattr(error, "msg", None) or getattr(
                    error, "reason", "nested too deeply"
                )
                raise DataError(f"malformed JSON: {reason}", path, number) from None
            if not isinstance(record, dict) or not isinstance(record.get("index"), int | str):
                raise DataError("expected an object with an index", path, number)
            yield number, record


@dataclass(slots=True)
class Table:
    """Values by example and run; NaN where there is none."""

    places: dict[Index, int] = field(default_factory=dict)
    indices: list[Index] = field(default_factory=list)
    originals: list[Index] = field(default_factory=list)  # in the first run, where others differ
    db_ids: list[str] = field(default_factory=list)
    levels: list[str] = field(default_factory=list)
    columns: list["array[float]"] = field(default_factory=list)  # by run

    def add(self, record: Mapping[str, Any]) -> None:
        """Add an example."""
        self.places[record["index"]] = len(self.places)
        self.indices.append(record["index"])
        self.db_ids.append(record["db_id"])
        self.levels.append(record["hardness"])


def _verdicts(run: StoredRun, metric: str) -> Iterator[tuple[int, dict[str, Any], float]]:
    """Yield line, record and value of each verdict, its fields checked."""
    seen: set[Index] = set()
    for line, record in records(run.verdicts):
        missing = [key for key in ("db_id", "hardness", metric) if key not in record]
        if missing:
            raise DataError(f"the verdict has no {missing[0]!r}", run.verdicts, line)
        value = math.nan if record[metric] is None else record[metric]
        if not isinstance(value, int | float) or math.isinf(value):
            raise DataError(f"{metric} is {value!r}, no number", run.verdicts, line)
        if record["index"] in seen:
            raise DataError(f"a second verdict on example {record['index']}", run.verdicts, line)
        seen.add(record["index"])
        yield line, record, float(value)


def read_all(runs: Sequence[StoredRun], metric: str) -> Table:
    first, *others = runs
    table = Table(columns=[array("d")])
    for _, record, value in _verdicts(first, metric):
        table.add(record)
        table.columns[0].append(value)
    for run in others:
        column = array("d", [math.nan]) * len(table.places)
        n = 0
        for line, record, value in _verdicts(run, metric):
            column[_place(table, record["index"], record, run, line)] = value
            n += 1
        if n < len(table.places):
            raise DataError(f"{n} verdicts, but {len(table.places)} in {first.path}", run.verdicts)
        table.columns.append(column)
    return table


def _place(table: Table, index: Index, record: Mapping[str, Any], run: StoredRun, line: int) -> int:
    """Return the place of the example that a verdict is on; gold has one db_id and hardness."""
    place = table.places.get(index)
    if place is None:
        raise DataError(f"no such example in the first run: {index}", run.verdicts, line)
    for key, known in (("db_id", table.db_ids[place]), ("hardness", table.levels[place])):
        if record[key] != known:
            raise DataError(
                f"{key} of example {index} is {record[key]!r}, {known!r} in the first run",
                run.verdicts,
                line,
            )
    return place


def read_perturbed(runs: Sequence[StoredRun], metric: str) -> Table:
    """Pair each perturbed example with its original; an original may have several."""
    original, perturbed = runs
    source = read_all([original], metric)
    table = Table(columns=[array("d"), array("d")])
    named = False
    for line, record, value in _verdicts(perturbed, metric):
        index = next((record[key] for key in _SOURCES if record.get(key) is not None), None)
        named |= index is not None
        place = _place(source, record["index"] if index is None else index, record, perturbed, line)
        table.add(record)
        table.originals.append(source.indices[place])
        table.columns[0].append(source.columns[0][place])
        table.columns[1].append(value)
    if not named and len(table.places) != len(source.places):
        raise DataError(
            f"{len(table.places)} verdicts, but {len(source.places)} in {original.path}: "
            "each needs its source_index",
            perturbed.verdicts,
        )
    return table
