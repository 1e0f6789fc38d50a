"""Judge one prediction by several metrics on shared results.

    >>> judge.verdict(example, "SELECT count(*) FROM singer").values
    {'execution_accuracy': 1}

Covered: a query that was run lately is not run again, whoever asks: another metric, another
accepted gold, another example. Several threads may judge at once.
Not covered: results on disk; two threads that ask for the same query at the same moment both run
it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from text2sql.databases import Database
from text2sql.errors import GoldError
from text2sql.examples import Example
from text2sql.scoring.inputs import FindDatabase
from text2sql.scoring.levels import hardness
from text2sql.scoring.official_text import prepare_prediction
from text2sql.scoring.pairs import Metric, Pair, Ran
from text2sql.scoring.spider_sql import Names

CACHED_CELLS = 2_000_000  # of results kept in memory for queries that come again
LARGEST_CACHED = 100_000  # cells: one endless join would push out everything else

RunSQL = Callable[[str, Database], Ran]
FindNames = Callable[[str], Names]  # from db_id


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the metrics say of one prediction."""

    index: int
    db_id: str
    hardness: str
    values: dict[str, float | None]  # by metric; None where the gold query is at fault
    error: str | None  # of the prediction; of the gold query where the values are None
    empty_gold: bool  # the gold query returns no row, so that any query without rows is right

    def record(self) -> dict[str, Any]:
        """Return the line of verdicts.jsonl."""
        about = {"index": self.index, "db_id": self.db_id, "hardness": self.hardness}
        return about | self.values | {"error": self.error, "empty_gold": self.empty_gold}


@dataclass(slots=True)
class Results:
    """Results that were asked for lately, oldest dropped first; used from several threads."""

    run: RunSQL
    kept: OrderedDict[tuple[str, str], Ran] = field(default_factory=OrderedDict)
    cells: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, sql: str, database: Database) -> Ran:
        """Return the result of a query on a database, running it if it is not at hand."""
        key = (database.url, sql)
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
        ran = self.run(sql, database)
        with self.lock:
            if key not in self.kept and _cells(ran) <= LARGEST_CACHED:
                self.kept[key] = ran
                self.cells += _cells(ran)
            while self.cells > CACHED_CELLS:
                self.cells -= _cells(self.kept.popitem(last=False)[1])
        return ran


def _cells(ran: Ran) -> int:
    row = len(ran.rows[0]) if ran.rows else 0
    return 50 + len(ran.rows) * row  # 50: an empty result takes memory, too


@dataclass(frozen=True, slots=True)
class Nothing:
    """What running an empty prediction comes to."""

    rows: Sequence[tuple[Any, ...]] = ()
    truncated: bool = False
    error: str | None = "the prediction is empty"


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything that a verdict depends on but the example and its prediction."""

    metrics: dict[str, Metric]
    find: FindDatabase
    names: FindNames
    results: Results
    skip_bad_gold: bool

    def verdict(self, example: Example, predicted: str) -> Verdict:
        """Judge one prediction.

        Raises:
            GoldError: a gold query does not run, and `skip_bad_gold` is off.
        """
        pairs = [self._pair(example, query, predicted) for query in example.queries]
        level = hardness(example.query, self.names(example.db_id), dialect=pairs[0].dialect)
        about = example.index, example.db_id, level
        try:
            values = {
                name: max(metric(pair) for pair in pairs) for name, metric in self.metrics.items()
            }
        except GoldError as bad:
            if not self.skip_bad_gold:
                raise
            nothing: dict[str, float | None] = dict.fromkeys(self.metrics)
            return Verdict(*about, nothing, f"gold: {bad.reason}", False)
        empty = all(_is_empty(pair.run(pair.gold)) for pair in pairs)
        error = _prediction_error(pairs[0], spider=next(iter(self.metrics)) == "execution_accuracy")
        return Verdict(*about, dict(values), error, empty)

    def _pair(self, example: Example, query: str, predicted: str) -> Pair:
        database = self.find(example.db_id)
        asked: dict[str, Ran] = {"": Nothing()}

        def run(sql: str) -> Ran:
            key = sql.strip() and sql
            if key not in asked:
                asked[key] = self.results.get(sql, database)
            return asked[key]

        names = self.names
        return Pair(
            example.index,
            example.db_id,
            query,
            predicted,
            run,
            lambda: names(example.db_id),
            database.dialect,
        )


def _is_empty(ran: Ran) -> bool:
    return ran.error is None and not ran.rows


def _prediction_error(pair: Pair, *, spider: bool) -> str | None:
    """Return why the prediction has no result, in the form that the headline metric runs."""
    ran = pair.run(prepare_prediction(pair.predicted) if spider else pair.predicted)
    return ran.error or ("its result is too large to compare" if ran.truncated else None)
