"""Score predicted SQL by running it next to the gold SQL.

    >>> scores = score("predictions.sql", "dev_gold.sql", "spider/database")
    >>> scores.scorecard["metrics"]["execution_accuracy"]["all"]["accuracy"]
    0.8075

Covered: Spider's rule on one database per example, hardness, several accepted golds (the best
counts), results shared between the metrics of an example and between examples with the same SQL.
Not covered: several databases per example (test suites), several samples per question.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from text2sql.databases import Database
from text2sql.errors import OutputError, UnknownName
from text2sql.examples import Example
from text2sql.scoring.execution_metrics import (
    bird_execution_accuracy,
    execution_accuracy,
    execution_accuracy_keep_distinct,
    strict_execution_accuracy,
    valid_sql,
)
from text2sql.scoring.inputs import FindDatabase, database_finder, read_gold, read_predictions
from text2sql.scoring.judging import FindNames, Judge, Results, RunSQL, Verdict
from text2sql.scoring.manifests import manifest
from text2sql.scoring.pairs import Metric
from text2sql.scoring.scorecards import scorecard
from text2sql.scoring.spider_sql import Names

METRICS: dict[str, Metric] = {
    "execution_accuracy": execution_accuracy,
    "execution_accuracy_keep_distinct": execution_accuracy_keep_distinct,
    "bird_execution_accuracy": bird_execution_accuracy,
    "strict_execution_accuracy": strict_execution_accuracy,
    "valid_sql": valid_sql,
}
RULES = {"official": None, "strict": "strict_execution_accuracy"}  # the metric that must come first
MAX_ROWS, MAX_BYTES = 1_000_000, 256 << 20  # of a result; a larger one is not compared


@dataclass(frozen=True, slots=True)
class Scores:
    """The verdicts of one run with what they hold for."""

    verdicts: tuple[Verdict, ...]
    metrics: tuple[str, ...]  # the first one heads the report
    manifest: dict[str, Any]
    seconds: float  # wall time

    def records(self) -> list[dict[str, Any]]:
        """Return the lines of verdicts.jsonl."""
        return [verdict.record() for verdict in self.verdicts]

    @property
    def scorecard(self) -> dict[str, Any]:
        """Counts, intervals and manifest, ready for JSON."""
        return scorecard(self.records(), self.manifest).record()


def score(
    predictions: str | Path | Sequence[str | None],
    gold: str | Path | Sequence[Example],
    databases: str | Path | Database | FindDatabase,
    *,
    metrics: Sequence[str | Metric] = ("execution_accuracy",),
    tables: str | Path | None = None,
    rule: str = "official",
    skip_bad_gold: bool = False,
    workers: int = 2,
    timeout: float = 30.0,
    progress: Callable[[int, int], None] | None = None,
    about: dict[str, Any] | None = None,
    run: RunSQL | None = None,
) -> Scores:
    """Run each prediction next to its gold SQL and judge it by each metric.

    Args:
        predictions: a file (one SQL a line, or JSON Lines with `sql`) or a list; None fails.
        gold: a file (`SQL<TAB>db_id` lines, Spider JSON, example lines) or a list of examples.
        databases: a folder of `<db_id>/<db_id>.sqlite`, one database, or a function from db_id.
        metrics: names in METRICS, or functions of a `Pair`, known by their own name.
        tables: Spider's tables.json; without it schemas are read from the databases.
        rule: official, or strict, which puts strict execution accuracy before the metrics asked
            for.
        skip_bad_gold: give examples whose gold does not run no value, instead of stopping at the
            first.
        workers: threads that run SQL and compare, each with a worker process of its own.
        timeout: seconds for each query; the official evaluator has no limit that works.
        progress: called with the number of verdicts so far and of all.
        about: what the manifest is to say beyond data, databases and metrics, as `manifest` takes
            it.
        run: runs SQL on a database, in place of a pool of `text2sql.execution`.

    Raises:
        DataError: malformed input, or another number of predictions than of gold queries.
        GoldError: a gold query does not run.
        UnknownName: a metric, rule or database that does not exist.
    """
    started = time.monotonic()
    chosen = find_metrics(metrics, rule)
    examples = read_gold(gold)
    predicted = read_predictions(predictions, examples)
    find = cache(database_finder(databases))
    found = {example.db_id: find(example.db_id) for example in examples}
    names = names_finder(found.__getitem__, tables)
    with runner(run, workers=workers, timeout=timeout) as run_sql:
        judge = Judge(chosen, found.__getitem__, names, Results(run_sql), skip_bad_gold)
        verdicts = _judge_all(judge, list(zip(examples, predicted, strict=True)), workers, progress)
    files = [Path(gold)] if isinstance(gold, str | Path) else []
    data = about or {"data": files[0].name if files else "examples", "files": files}
    card = manifest(examples=examples, databases=found, metrics=list(chosen), rule=rule, **data)
    return Scores(tuple(verdicts), tuple(chosen), card, round(time.monotonic() - started, 3))


def find_metrics(metrics: Sequence[str | Metric], rule: str = "official") -> dict[str, Metric]:
    """Return metrics by name, the headline first; without any, execution accuracy.

    Raises:
        UnknownName: a metric or rule that does not exist.
    """
    if rule not in RULES:
        raise UnknownName("rule", rule, RULES)
    first = RULES[rule]
    asked = [metrics] if isinstance(metrics, str) else list(metrics)
    chosen: dict[str, Metric] = {}
    for metric in [first, *asked] if first else asked or ["execution_accuracy"]:
        if callable(metric):
            chosen[getattr(metric, "__name__", type(metric).__name__)] = metric
        elif metric in METRICS:
            chosen[metric] = METRICS[metric]
        else:
            raise UnknownName("metric", metric, METRICS)
    return chosen


def names_finder(find: FindDatabase, tables: str | Path | None) -> FindNames:
    """Return the function from db_id to the names of its schema, each read once.

    Raises:
        DataError: `tables` cannot be read. The function itself raises UnknownName for a db_id not
            in it.
    """
    from text2sql.schema.reading import read_schema
    from text2sql.schema.spider_tables import read_spider_schemas

    if tables is None:
        return cache(lambda db_id: Names.of(read_schema(find(db_id))))
    schemas = read_spider_schemas(Path(tables))

    def published(db_id: str) -> Names:
        if db_id not in schemas:
            raise UnknownName("database", db_id, schemas, f"in {tables}")
        return Names.of(schemas[db_id])

    return cache(published)


@contextmanager
def runner(run: RunSQL | None, *, workers: int, timeout: float) -> Iterator[RunSQL]:
    """Give the caller's way to run SQL, or a pool that lives until the block ends."""
    if run is not None:
        yield run
        return
    from text2sql.execution import Executor

    with Executor(workers=workers) as executor:
        yield lambda sql, database: executor.execute(
            sql, database, timeout=timeout, max_rows=MAX_ROWS, max_bytes=MAX_BYTES
        )


def _judge_all(
    judge: Judge,
    cases: Sequence[tuple[Example, str]],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> list[Verdict]:
    verdicts: list[Verdict] = []
    with ThreadPoolExecutor(workers) as threads:
        try:
            for verdict in threads.map(lambda case: judge.verdict(*case), cases):
                verdicts.append(verdict)
                if progress:
                    progress(len(verdicts), len(cases))
        except BaseException:  # the cases not begun are of no use to anyone
            threads.shutdown(wait=True, cancel_futures=True)
            raise
    return verdicts


def write_verdicts(scores: Scores, path: str | Path) -> None:
    """Write one verdict a line.

    Raises:
        OutputError: the file cannot be written.
    """
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in scores.records()]
    try:
        Path(path).write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
