"""Choose anew among the samples that an evaluation left on disk: no model is needed.

    >>> found = reselect("runs/ten-samples", selections=["vote"], k=[1, 5, 10])
    >>> found.rows[2].pass_at_k.accuracy, found.rows[2].selections["vote"].accuracy
    (0.71, 0.55)

Covered: for each k the first k samples of every question, or k drawn by a seed; what was drawn for
a smaller k is in the larger; accuracy by the run's own metric or another one; pass@k, without bias,
from all samples; each SQL runs once for all of it.
Not covered: texts that were never drawn; metrics that give degrees.
"""

import json
import random
from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from text2sql.data.catalog import DataSet, find_dataset
from text2sql.decoding.candidates import Candidate
from text2sql.decoding.selection import SELECTIONS, find_selection, select
from text2sql.errors import DataError, SettingsError, UnknownName
from text2sql.evaluation import PREDICTIONS, SETTINGS, read_run_settings
from text2sql.examples import Example
from text2sql.execution import Executor
from text2sql.outputs import write_whole
from text2sql.project import Project
from text2sql.scoring.comparison.runs import open_run, records
from text2sql.scoring.judging import Judge, Options
from text2sql.scoring.manifests import manifest, questions_hash
from text2sql.scoring.predictions import Prediction
from text2sql.scoring.runners import names_finder, runner
from text2sql.scoring.sampled import USUAL, pass_at_k
from text2sql.scoring.scorecards import Share, share
from text2sql.scoring.scores import find_metrics
from text2sql.scoring.shared_results import Results

SELECTION = "selection.json"
_SAME_MODEL = (
    *("base", "base_revision", "adapter", "adapter_hash"),
    *("prompt_card", "prompt_card_hash", "decoding", "seed"),
)
_SAME_DATA = {"example_ids": "examples", "gold_hash": "gold", "database_set": "databases"}
PASS = "pass@k"
TIMEOUT = 30.0  # seconds of a query that is scored, as `score` has it

_Values = dict[tuple[int, str], float]  # of one question: by k, and PASS or a selection


@dataclass(frozen=True, slots=True)
class Row:
    """What k samples of each question come to."""

    k: int
    pass_at_k: Share
    selections: dict[str, Share]  # accuracy of the chosen samples, by selection


@dataclass(frozen=True, slots=True)
class Reselection:
    """Selections side by side on the same samples."""

    metric: str
    samples: int  # of a question, at most
    n: int  # questions
    left_out: int  # of them, because their gold does not run
    seed: int | None  # None: the first k samples, else k drawn
    rows: tuple[Row, ...]
    manifest: dict[str, Any]

    def record(self) -> dict[str, Any]:
        """Return the contents of selection.json."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Question:
    example: Example
    candidates: tuple[Candidate, ...]
    order: tuple[int, ...]  # in which samples are taken for a growing k

    def first(self, k: int) -> list[Candidate]:
        """Return k samples in the model's order; those that it never gave are missing."""
        return [self.candidates[i] for i in sorted(self.order[:k]) if i < len(self.candidates)]


def reselect(
    run: str | Path,
    *,
    selections: Sequence[str] = tuple(SELECTIONS),
    k: Sequence[int] = (),
    seed: int | None = None,
    metric: str | None = None,
    data: str | None = None,
    data_root: str | Path | None = None,
    project: Project | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Reselection:
    """Score other selections and numbers of samples, and write selection.json into the run.

    Args:
        run: folder of an evaluation of several samples.
        selections: names in `decoding.selection.SELECTIONS`.
        k: numbers of samples; those of `scoring.sampled.USUAL` and all by default.
        seed: draws the samples of each question; None takes the first ones.
        metric: name of one that says right or wrong; the headline of the run by default.
        data: where the questions are, if they are no longer where the run found them.
        data_root: folder of data sets.
        project: where data sets may have names.
        workers: threads, each with a worker process of its own.
        progress: called with the number of questions so far and of all.

    Raises:
        DataError: no evaluation, other questions, gold or databases than it had.
        SettingsError: a k above the number of samples, or a metric of degrees.
        UnknownName: a selection or metric that does not exist.
    """
    for name in selections:
        find_selection(name)
    folder = Path(run)
    stored = open_run(folder).manifest
    candidates = _read_candidates(folder / PREDICTIONS)
    dataset = _find_data(folder, candidates.keys(), data, data_root, project)
    most = max([1, *map(len, candidates.values())])
    ks = _checked(k, most)
    questions = [
        _Question(example, candidates[example.index], _order(most, seed, example.index))
        for example in dataset.examples
    ]
    chosen = next(iter(find_metrics([metric or stored["metrics"][0]])))
    card = _manifest(dataset, stored, chosen, {"selections": list(selections), "draw": seed})
    found = _score_all(dataset, questions, chosen, ks, selections, workers, progress)
    judged = [values for values in found if values is not None]
    rows = tuple(_row(each, judged, selections) for each in ks)
    left_out = len(found) - len(judged)
    result = Reselection(chosen, most, len(found), left_out, seed, rows, card)
    text = json.dumps(result.record(), ensure_ascii=False, indent=2)
    write_whole(folder / SELECTION, f"{text}\n")
    return result


def _read_candidates(path: Path) -> dict[int, tuple[Candidate, ...]]:
    if not path.is_file():
        raise DataError(f"{path.parent} is no run of t2s eval: there is no {path}")
    found = {}
    for number, record in records(path):
        try:
            found[int(record["index"])] = tuple(map(Candidate.of, record["candidates"]))
        except (KeyError, TypeError, ValueError):
            raise DataError("no record of t2s eval, with its candidates", path, number) from None
    return found


def _find_data(
    folder: Path,
    asked: Container[int],
    data: str | None,
    data_root: str | Path | None,
    project: Project | None,
) -> DataSet:
    """Return the examples of a run, from where it found them or where the user says."""
    settings = read_run_settings(folder / SETTINGS)
    for place in [data] if data else [settings["dataset"], *settings.get("files", [])[:1]]:
        try:
            found = find_dataset(
                place, split=settings["split"], data_root=data_root, project=project
            )
        except (UnknownName, DataError):
            if data:
                raise
            continue
        examples = [example for example in found.examples if example.index in asked]
        if questions_hash(examples) == settings["questions"]:
            return replace(found, examples=examples)
    lacking = f"{data} asks other questions" if data else "its questions are not found"
    raise DataError(f"cannot select for {folder}: {lacking} (name its data set with --data)")


def _checked(k: Sequence[int], samples: int) -> list[int]:
    """Return the numbers of samples, in order; refuse one that the run does not have."""
    ks = sorted(set(k)) or sorted({*(each for each in USUAL if each < samples), samples})
    for each in ks:
        pass_at_k(samples, 0, each)
    return ks


def _order(samples: int, seed: int | None, index: int) -> tuple[int, ...]:
    places = list(range(samples))
    if seed is not None:
        random.Random(f"{seed} {index}").shuffle(places)
    return tuple(places)


def _manifest(
    dataset: DataSet, stored: Mapping[str, Any], metric: str, how: dict[str, Any]
) -> dict[str, Any]:
    """Describe the figures; refuse data that changed since the run.

    Raises:
        DataError: other examples, gold or databases.
    """
    card = manifest(
        data=dataset.name,
        examples=dataset.examples,
        databases={db_id: dataset.database(db_id) for db_id in dataset.db_ids()},
        files=dataset.files,
        split=dataset.split,
        metrics=[metric],
        scoring=how,
    )
    for key, what in _SAME_DATA.items():
        if card[key] != stored.get(key):
            raise DataError(f"the {what} of {dataset.name} {dataset.split} are no longer the run's")
    return card | {key: stored.get(key) for key in _SAME_MODEL}


@dataclass(frozen=True, slots=True)
class _Scoring:
    """What scoring a question takes."""

    judge: Judge
    pool: Executor
    ks: Sequence[int]
    selections: Sequence[str]

    def values(self, question: _Question) -> _Values | None:
        """Return pass@k for each k, and the value of what each selection chooses among k.

        None where the gold does not run.
        """
        example, candidates = question.example, question.candidates
        texts = list(dict.fromkeys(["", *(candidate.sql for candidate in candidates)]))
        verdicts = self.judge.verdicts([(example, Prediction(sql)) for sql in texts])
        metric = next(iter(self.judge.metrics))
        right = {sql: v.values[metric] for sql, v in zip(texts, verdicts, strict=True)}
        if None in right.values():
            return None
        if not set(right.values()) <= {0, 1}:
            raise SettingsError(f"samples are counted as right or wrong; {metric} has degrees")
        correct = sum(right[candidate.sql] == 1 for candidate in candidates)
        database = self.judge.find(example.db_id)
        run = cache(lambda sql: self.pool.execute(sql, database))
        found: _Values = {}
        for k in self.ks:
            found[k, PASS] = pass_at_k(len(question.order), correct, k)
            drawn = question.first(k)
            for name in self.selections:
                sql = select(drawn, run, selection=name).candidate.sql if drawn else ""
                found[k, name] = float(right[sql] or 0)
        return found


def _score_all(
    dataset: DataSet,
    questions: Sequence[_Question],
    metric: str,
    ks: Sequence[int],
    selections: Sequence[str],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> list[_Values | None]:
    find = cache(dataset.database)
    with (
        Executor(workers=workers) as pool,
        runner(None, workers=workers, timeout=TIMEOUT, executor=pool) as way,
        ThreadPoolExecutor(workers) as threads,
    ):
        judge = Judge(
            find_metrics([metric]),
            find,
            names_finder(find, None),
            Results(way.fetch),
            Options(skip_bad_gold=True, classify=False),
            way.timed,
        )
        values = _Scoring(judge, pool, ks, selections).values
        found: list[_Values | None] = []
        try:
            for each in threads.map(values, questions):
                found.append(each)
                if progress:
                    progress(len(found), len(questions))
        except BaseException:  # the questions not begun are of no use to anyone
            threads.shutdown(wait=True, cancel_futures=True)
            raise
    return found


def _row(k: int, judged: Sequence[_Values], selections: Sequence[str]) -> Row:
    def shared(name: str) -> Share:
        return share([values[k, name] for values in judged])

    return Row(k, shared(PASS), {name: shared(name) for name in selections})
