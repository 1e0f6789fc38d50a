"""Score predicted SQL by running it next to the gold SQL.

    >>> scores = score("predictions.sql", "dev_gold.sql", "spider/database")
    >>> scores.scorecard["metrics"]["execution_accuracy"]["all"]["accuracy"]
    0.8075

Covered: all metrics in one pass over shared results; several accepted golds (the best counts);
files of any length in constant memory; a run that was killed goes on where it was; gold results
kept on disk.
Not covered: several samples per question (`sampled`).
"""

import gc
import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from text2sql.databases import Database
from text2sql.errors import SettingsError, UnknownName
from text2sql.examples import Example
from text2sql.execution.executor import Executor
from text2sql.scoring.bird_metrics import r_ves, soft_f1, ves
from text2sql.scoring.execution_metrics import (
    bird_execution_accuracy,
    execution_accuracy,
    execution_accuracy_keep_distinct,
    strict_execution_accuracy,
    test_suite_accuracy,
    valid_sql,
)
from text2sql.scoring.gold_cache import GoldCache
from text2sql.scoring.inputs import Cases, read_cases
from text2sql.scoring.journal import Journal, journals_folder
from text2sql.scoring.judging import Case, Judge, Keeps, Options, Prepared, Verdict
from text2sql.scoring.manifests import described, file_hash, manifest
from text2sql.scoring.pairs import Metric
from text2sql.scoring.runners import Runner, RunSQL, names_finder, runner
from text2sql.scoring.scorecards import Scorecard, Tally
from text2sql.scoring.shared_results import Results
from text2sql.scoring.spider.exact_match import exact_set_match
from text2sql.scoring.suites import FindDatabase, database_finder, suite
from text2sql.scoring.verdict_files import write_lines, write_verdicts

METRICS: dict[str, Metric] = {
    "execution_accuracy": execution_accuracy,
    "execution_accuracy_keep_distinct": execution_accuracy_keep_distinct,
    "test_suite_accuracy": test_suite_accuracy,
    "strict_execution_accuracy": strict_execution_accuracy,
    "bird_execution_accuracy": bird_execution_accuracy,
    "exact_set_match": exact_set_match,
    "ves": ves,
    "r_ves": r_ves,
    "soft_f1": soft_f1,
    "valid_sql": valid_sql,
}
RULES = {"official": "execution_accuracy", "strict": "strict_execution_accuracy"}  # the headlines
ENGINES = ("duckdb",)  # to which a SQLite benchmark can be ported
TIMED = {"ves", "r_ves"}
BATCH = 16  # examples on one database whose statements go to a worker together
_COLLECT_AFTER = 200_000  # objects; by default 700, which costs a fifth of the time
_NEAR, _FAR = 4, 32  # batches prepared or waiting for it, by thread

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Scores:
    """The verdicts of one run with what they hold for."""

    verdicts: tuple[Verdict, ...]  # empty where `resumable` left them in the output file
    metrics: tuple[str, ...]  # the first one heads the report
    card: Scorecard
    seconds: float  # wall time
    continued: int = 0  # verdicts that an earlier, killed run had left

    def records(self) -> list[dict[str, Any]]:
        """Return the lines of verdicts.jsonl."""
        return [verdict.record() for verdict in self.verdicts]

    @property
    def manifest(self) -> dict[str, Any]:
        """What the verdicts hold for."""
        return self.card.manifest

    @property
    def scorecard(self) -> dict[str, Any]:
        """Counts, intervals and manifest, ready for JSON."""
        return self.card.record()


def score(
    predictions: str | Path | Sequence[str | None],
    gold: str | Path | Sequence[Example],
    databases: str | Path | Database | FindDatabase,
    *,
    metrics: Sequence[str | Metric] = ("execution_accuracy",),
    tables: str | Path | None = None,
    rule: str = "official",
    keep_distinct: bool = False,
    plug_value: bool = False,
    skip_bad_gold: bool = False,
    classify: bool = True,
    as_of: date | str | None = None,
    engine: str | None = None,
    workers: int = 2,
    timeout: float = 30.0,
    progress: Progress | None = None,
    about: Mapping[str, Any] | None = None,
    run: RunSQL | None = None,
    executor: Executor | None = None,
    output: str | Path | None = None,
    resumable: bool = False,
    gold_cache: bool | str | Path = False,
) -> Scores:
    """Run each prediction next to its gold SQL and judge it by each metric.

    Args:
        predictions: a file (one SQL a line, JSON Lines or a JSON array with `sql`, BIRD's object)
            or a list; None fails.
        gold: a file (`SQL<TAB>db_id` lines, Spider JSON, example lines) or a list of examples.
        databases: a folder of `<db_id>/<db_id>.sqlite`, one database, or a function from db_id.
        metrics: names in METRICS, or functions of a `Pair`, known by their own name.
        tables: Spider's tables.json; without it schemas are read from the databases.
        rule: official or strict: which of the two execution accuracies heads the report. Where one
            of them is asked for, both are computed.
        keep_distinct: the official option: execution accuracy becomes the one that keeps DISTINCT,
            and test suite accuracy keeps it.
        plug_value: the official option: try the gold query's values in the prediction as well.
        skip_bad_gold: give examples whose gold does not run no value, instead of stopping at the
            first.
        classify: say of each wrong prediction what is wrong, by comparing trees; this takes about a
            quarter of the time.
        as_of: a moment in the place of the clock, in gold and predictions.
        engine: "duckdb" loads SQLite databases into DuckDB and ports gold and predictions; the
            figures are not the benchmark's.
        workers: threads that run SQL and compare, each with a worker process of its own; metrics of
            time have one alone.
        timeout: seconds for each query; the official evaluator has no limit that works.
        progress: called with the number of verdicts so far and of all.
        about: what the manifest is to say beyond data, databases and metrics, as `manifest` takes
            it.
        run: runs SQL on a database, in place of a pool of `text2sql.execution`.
        executor: a pool that is there already, with workers for all threads; it stays open.
        output: write one verdict a line to this file, and the scorecard beside it.
        resumable: keep the verdicts on disk while they are made, not in memory: `output` alone has
            them afterwards. The same call after a kill goes on from them.
        gold_cache: keep gold results on disk, in the user's cache or in this folder.

    Raises:
        DataError: malformed input, or another number of predictions than of gold queries.
        GoldError: a gold query does not run.
        OutputError: the output cannot be written.
        UnknownName: a metric, rule, engine or database that does not exist.
    """
    started = time.monotonic()
    if engine not in (None, *ENGINES):
        raise UnknownName("engine", str(engine), ENGINES)
    chosen = find_metrics(metrics, rule, keep_distinct=keep_distinct)
    workers = 1 if TIMED & set(chosen) else workers  # two at once would slow each other down
    options = Options(skip_bad_gold, plug_value, keep_distinct, classify)
    with (
        _rare_collections(),
        runner(run, workers=workers, timeout=timeout, as_of=as_of, executor=executor) as pool,
        _gold_cache(gold_cache, str(as_of), usable=run is None and engine is None) as kept,
    ):
        cases = read_cases(predictions, gold)
        find = cache(database_finder(databases))
        found = {db_id: find(db_id) for db_id in cases.examples.db_ids}
        said: dict[str, Any] = {
            "plug_value": plug_value,
            "keep_distinct": keep_distinct,
            "engine": engine,
        }
        said |= {"as_of": None if as_of is None else str(as_of), "timeout": timeout}
        card = manifest(
            examples=cases.examples,
            databases=_with_suites(found) if "test_suite_accuracy" in chosen else found,
            metrics=list(chosen),
            rule=rule,
            scoring={key: value for key, value in said.items() if value},
            **(about or described(gold)),
        )
        way, keeps = _ported(pool, found) if engine else (pool, None)
        names = names_finder(found.__getitem__, tables)
        results = Results(way.fetch, kept)
        judge = Judge(chosen, found.__getitem__, names, results, options, way.timed, keeps)
        scoring = _Scoring(judge, cases, workers, progress, Tally(list(chosen)))
        if resumable:
            folder, mark = journals_folder(), _fingerprint(card, cases, tables, options)
            return _score_on_disk(scoring, card, started, output, Journal.open(folder, mark))
        return _score_in_memory(scoring, card, started, output)


def _score_in_memory(
    scoring: "_Scoring", card: Mapping[str, Any], started: float, output: str | Path | None
) -> Scores:
    scores = _scores(tuple(scoring.all()), scoring.tally, card, started)
    if output:
        write_verdicts(scores, output)
    return scores


def _score_on_disk(
    scoring: "_Scoring",
    card: Mapping[str, Any],
    started: float,
    output: str | Path | None,
    opened: Journal,
) -> Scores:
    with opened as journal:
        scoring.into(journal)
        scores = replace(_scores((), scoring.tally, card, started), continued=journal.done)
        if output:
            write_lines(journal.lines(), scores, Path(output))
    return scores


def _ported(pool: "Runner", found: Mapping[str, Database]) -> tuple["Runner", Keeps]:
    from text2sql.scoring.ported import Ported  # late: most runs port nothing

    ported = Ported(pool.fetch, pool.timed, found.__getitem__)
    ported.load(list(found))
    return Runner(ported.fetch, ported.timed), ported.keeps


def _scores(
    verdicts: tuple[Verdict, ...], tally: Tally, card: Mapping[str, Any], started: float
) -> Scores:
    seconds = round(time.monotonic() - started, 3)
    return Scores(verdicts, tally.metrics, tally.scorecard(card), seconds)


def _with_suites(found: Mapping[str, Database]) -> dict[str, Database]:
    """Name every database of every suite, for the manifest."""
    return {
        f"{db_id}/{database.path.name if database.path else ''}": database
        for db_id, first in found.items()
        for database in suite(first)
    }


def _fingerprint(
    card: Mapping[str, Any], cases: Cases, tables: str | Path | None, options: Options
) -> str:
    """Return a hash of everything that decides a verdict."""
    names = None if tables is None else file_hash(tables)
    text = json.dumps([card, cases.predictions_hash, names, repr(options)], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def find_metrics(
    metrics: Sequence[str | Metric], rule: str = "official", *, keep_distinct: bool = False
) -> dict[str, Metric]:
    """Return metrics by name, the headline first; without any, that of the rule.

    Raises:
        SettingsError: two metrics of one name.
        UnknownName: a metric or rule that does not exist.
    """
    if rule not in RULES:
        raise UnknownName("rule", rule, RULES)
    asked = [metrics] if isinstance(metrics, str) else list(metrics)
    for metric in asked:
        if not callable(metric) and metric not in METRICS:
            raise UnknownName("metric", str(metric), METRICS)
    if keep_distinct:
        names = {"execution_accuracy": "execution_accuracy_keep_distinct"}
        asked = [names.get(m, m) if isinstance(m, str) else m for m in asked or list(names)]
    if rule == "strict" or not asked:
        asked = [RULES[rule], *asked]
    spider = ("execution_accuracy_keep_distinct" if keep_distinct else "execution_accuracy",)
    if {*RULES.values(), *spider} & {metric for metric in asked if isinstance(metric, str)}:
        asked += [*spider, RULES["strict"]]
    found: dict[str, Metric] = {}
    for metric in asked:
        name, function = (metric, METRICS[metric]) if isinstance(metric, str) else _named(metric)
        if found.setdefault(name, function) is not function:
            raise SettingsError(f"two metrics are called {name!r}: give one another name")
    return found


def _named(metric: Metric) -> tuple[str, Metric]:
    return str(getattr(metric, "__name__", type(metric).__name__)), metric


@contextmanager
def _gold_cache(
    wanted: bool | str | Path, settings: str, *, usable: bool
) -> Iterator[GoldCache | None]:
    """Open the cache of gold; not for what others run, or what rules write that may change."""
    folder = None if isinstance(wanted, bool) else Path(wanted)
    kept = usable and wanted is not False
    opened = GoldCache.open(folder, settings=settings) if kept else None
    try:
        yield opened
    finally:
        if opened is not None:
            opened.close()


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let the garbage collector sleep longer: rows are many and hold no cycles."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _COLLECT_AFTER) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@dataclass(slots=True)
class _Scoring:
    """One pass over the cases."""

    judge: Judge
    cases: Cases
    workers: int
    progress: Progress | None
    tally: Tally

    def all(self) -> list[Verdict]:
        """Return every verdict."""
        verdicts: list[Verdict] = []
        for batch, judged in self._judged(iter(self.cases)):
            verdicts += judged
            self._count(batch, [verdict.record() for verdict in judged])
        return verdicts

    def into(self, journal: Journal) -> None:
        """Write every verdict that the journal does not have yet."""
        cases = iter(self.cases)
        for record, case in zip(journal.records(), islice(cases, journal.done), strict=False):
            self._count([case], [record])
        for batch, judged in self._judged(cases):
            records = [verdict.record() for verdict in judged]
            journal.write(records)
            self._count(batch, records)

    def _count(self, batch: Sequence[Case], records: Sequence[dict[str, Any]]) -> None:
        for (_, prediction), record in zip(batch, records, strict=True):
            self.tally.add(record)
            self.tally.add_run(seconds=prediction.seconds, tokens=prediction.tokens)
            if self.progress:
                self.progress(self.tally.n, len(self.cases))

    def _judged(self, cases: Iterator[Case]) -> Iterator[tuple[list[Case], list[Verdict]]]:
        """Yield batches with their verdicts, in order; only a few batches are held at once."""
        waiting: deque[tuple[list[Case], Future[list[Prepared]]]] = deque()
        with ThreadPoolExecutor(self.workers) as threads:
            try:
                for batch in _batches(cases):
                    waiting.append((batch, threads.submit(self.judge.prepare, batch)))
                    while self._far_enough(len(waiting)):
                        yield self._judge(*waiting.popleft())
                while waiting:
                    yield self._judge(*waiting.popleft())
            except BaseException:  # the cases not begun are of no use to anyone
                threads.shutdown(wait=True, cancel_futures=True)
                raise

    def _far_enough(self, waiting: int) -> bool:
        """Tell whether to judge before more is prepared: far ahead, unless results are large."""
        near = waiting >= _NEAR * self.workers and self.judge.results.is_filling
        return near or waiting >= _FAR * self.workers

    def _judge(
        self, batch: list[Case], prepared: "Future[list[Prepared]]"
    ) -> tuple[list[Case], list[Verdict]]:
        return batch, self.judge.judge(prepared.result())


def _batches(cases: Iterable[Case]) -> Iterator[list[Case]]:
    """Group neighbours that are on one database."""
    batch: list[Case] = []
    for case in cases:
        if batch and (len(batch) >= BATCH or case[0].db_id != batch[0][0].db_id):
            yield batch
            batch = []
        batch.append(case)
    if batch:
        yield batch
