"""Judge predictions by several metrics on shared results.

    >>> judge.verdict(example, "SELECT count(*) FROM singer").values
    {'execution_accuracy': 1}

Covered: a query that was run lately is not run again, whoever asks: another metric, another
accepted gold, another example; the statements of several examples go to a worker in one go; gold
results come from disk where they are there. Several threads may judge at once.
Not covered: two threads that ask for the same query at the same moment both run it.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from text2sql.databases import Database
from text2sql.errors import GoldError, SettingsError
from text2sql.examples import Example
from text2sql.execution.frames import Reply, decode
from text2sql.scoring.execution_metrics import STATEMENTS, test_suite_accuracy
from text2sql.scoring.gold_cache import GoldCache
from text2sql.scoring.pairs import Metric, Pair, Ran, Run
from text2sql.scoring.predictions import Prediction
from text2sql.scoring.spider.exact_match import pair_components
from text2sql.scoring.spider.levels import hardness
from text2sql.scoring.spider.structure import Names
from text2sql.scoring.spider.text import prepare_prediction
from text2sql.scoring.suites import FindDatabase, suite

CACHED_BYTES = 32 << 20  # of encoded results kept in memory for queries that come again
DECODED_BYTES = 8 << 20  # of those, how many as rows as well, which take ten times the memory
LARGEST_CACHED = 2 << 20  # bytes: larger results are held while one pair is judged, no longer
MAX_BYTES = 256 << 20  # of a result; a larger one is not compared
_CASE_MATTERS = re.compile(r"""['"`\[]|--|/\*|[^\x20-\x7e\n\t]""")
_OVERHEAD = 200  # bytes that a kept result takes besides its rows

RunSQL = Callable[[str, Database], Ran]
Fetch = Callable[[Sequence[str], Database, int], list[Reply]]  # with the most bytes of a result
Timed = Callable[[str, Database], float | None]  # engine seconds; None where it does not run
Keeps = Callable[[str, Database, Sequence[tuple[Any, ...]]], bool]
FindNames = Callable[[str], Names]  # from db_id
Rows = list[tuple[Any, ...]]
Case = tuple[Example, Prediction]
Prepared = tuple[Example, Sequence[Pair]]  # one pair for each accepted gold


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the metrics say of one prediction."""

    index: int
    db_id: str
    hardness: str
    values: dict[str, float | None]  # by metric; None where the gold query is at fault
    gold: str
    sql: str  # predicted
    error: str | None  # of the prediction; of the gold query where the values are None
    empty_gold: bool  # the gold query returns no row, so that any query without rows is right
    error_classes: tuple[str, ...] = ()  # of a wrong prediction, the most telling first
    # of exact set match, by component: how many in gold, in the prediction, in both
    components: dict[str, tuple[int, int, int]] | None = None
    gold_kept: bool | None = None  # of a port to another engine: gold has the rows it had before

    def record(self) -> dict[str, Any]:
        """Return the line of verdicts.jsonl."""
        about = {"index": self.index, "db_id": self.db_id, "hardness": self.hardness}
        texts = {"gold": self.gold, "sql": self.sql}
        found = {"error_classes": list(self.error_classes)} if self.error_classes else {}
        parts = {"components": self.components} if self.components else {}
        common = {"error": self.error, "empty_gold": self.empty_gold}
        kept = {} if self.gold_kept is None else {"gold_kept": self.gold_kept}
        return about | self.values | common | texts | found | parts | kept

    @classmethod
    def of(cls, record: dict[str, Any], metrics: Iterable[str]) -> "Verdict":
        """Read what `record` wrote."""
        return cls(
            record["index"],
            record["db_id"],
            record["hardness"],
            {metric: record[metric] for metric in metrics},
            record["gold"],
            record["sql"],
            record["error"],
            record["empty_gold"],
            tuple(record.get("error_classes", ())),
            record.get("components"),
            record.get("gold_kept"),
        )


class Kept:
    """A result whose rows are decoded when somebody looks at them."""

    __slots__ = ("_decode", "error", "error_kind", "pages", "seconds", "truncated")

    def __init__(self, reply: Reply, decode_pages: Callable[[tuple[bytes, ...]], Rows]) -> None:
        self.error, self.truncated = reply.error, reply.truncated
        self.error_kind, self.seconds = reply.error_kind, reply.seconds
        self.pages = tuple(reply.pages)
        self._decode = decode_pages

    @property
    def rows(self) -> Rows:
        """The rows; equal results share one list."""
        return self._decode(self.pages)

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return _OVERHEAD + sum(map(len, self.pages))


@dataclass(slots=True)
class Results:
    """Results that were asked for lately, oldest dropped first; used from several threads."""

    fetch: Fetch
    gold_cache: GoldCache | None = None
    kept: OrderedDict[tuple[str, str], Kept] = field(default_factory=OrderedDict)
    decoded: dict[tuple[bytes, ...], Rows] = field(default_factory=dict)
    size: int = 0
    decoded_size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, sql: str, database: Database) -> Kept:
        """Return the result of a query on a database, running it if it is not at hand."""
        kept = self._kept(sql, database)
        return kept or self._keep(sql, database, self.fetch([sql], database, MAX_BYTES)[0])

    def prepare(self, statements: Sequence[str], database: Database, *, gold: bool = False) -> None:
        """Have the results of queries at hand; those that are not run together on one worker.

        Results larger than LARGEST_CACHED are left for `get`.

        Args:
            statements: SQL.
            database: where they run.
            gold: look for the results on disk as well, and leave them there.
        """
        left = [sql for sql in statements if self._kept(sql, database) is None]
        cache = self.gold_cache if gold else None
        if cache is not None:
            at_hand = zip(left, cache.get(left, database), strict=True)
            left = [sql for sql, reply in at_hand if not self._usable(sql, database, reply)]
        replies = self.fetch(left, database, LARGEST_CACHED) if left else []
        for sql, reply in zip(left, replies, strict=True):
            self._usable(sql, database, reply)
        if cache is not None:
            cache.put(left, replies, database)

    @property
    def is_filling(self) -> bool:
        """Whether what is prepared now may push out what was prepared before."""
        return self.size > CACHED_BYTES // 2

    def _usable(self, sql: str, database: Database, reply: Reply | None) -> bool:
        if reply is None or reply.truncated:
            return False
        self._keep(sql, database, reply)
        return True

    def _kept(self, sql: str, database: Database) -> Kept | None:
        key = _key(sql, database)
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
            return self.kept.get(key)

    def _keep(self, sql: str, database: Database, reply: Reply) -> Kept:
        kept, key = Kept(reply, self.rows), _key(sql, database)
        with self.lock:
            if key not in self.kept and kept.size <= LARGEST_CACHED + _OVERHEAD:
                self.kept[key] = kept
                self.size += kept.size
            while self.size > CACHED_BYTES:
                self.size -= self.kept.popitem(last=False)[1].size
        return kept

    def rows(self, pages: tuple[bytes, ...]) -> Rows:
        """Decode rows; the same pages give the same list, so that equal results are one object."""
        with self.lock:
            if pages in self.decoded:
                return self.decoded[pages]
        rows = [row for page in pages for row in decode(page)]
        with self.lock:
            size = _OVERHEAD + sum(map(len, pages))
            if self.decoded_size + size > DECODED_BYTES:
                self.decoded.clear()
                self.decoded_size = 0
            self.decoded_size += size
            return self.decoded.setdefault(pages, rows)


def _key(sql: str, database: Database) -> tuple[str, str]:
    """Return what a result is kept under: statements that differ in case or spacing share one."""
    return database.url, folded(sql) if database.engine == "sqlite" else sql


@lru_cache(8192)
def folded(sql: str) -> str:
    """Return SQL for SQLite in one spelling; as it is where quotes or comments are."""
    if _CASE_MATTERS.search(sql):
        return sql
    return " ".join(sql.lower().split())


@dataclass(frozen=True, slots=True)
class Nothing:
    """What running an empty prediction comes to."""

    rows: Sequence[tuple[Any, ...]] = ()
    truncated: bool = False
    error: str | None = "the prediction is empty"
    error_kind: str | None = "parse"


@dataclass(frozen=True, slots=True)
class Options:
    """How to judge: the official evaluator's switches, and two of ours."""

    skip_bad_gold: bool = False  # ours
    plug_value: bool = False
    keep_distinct: bool = False
    classify: bool = True  # ours: say of wrong predictions what is wrong


def _untimed(sql: str, database: Database) -> float | None:
    raise NotImplementedError("this judge was made without a way to time SQL")


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything that a verdict depends on but the example and its prediction."""

    metrics: dict[str, Metric]
    find: FindDatabase
    names: FindNames
    results: Results
    options: Options = Options()
    timed: Timed = _untimed
    keeps: Keeps | None = None  # on another engine: whether the gold has the rows it had

    def verdicts(self, cases: Sequence[Case]) -> list[Verdict]:
        """Judge predictions for one database; their statements run together.

        Raises:
            GoldError: a gold query does not run, and `skip_bad_gold` is off.
        """
        return self.judge(self.prepare(cases))

    def prepare(self, cases: Sequence[Case]) -> list[Prepared]:
        """Have the results at hand that judging these predictions, all for one database, takes.

        This waits for workers and computes next to nothing, and `judge` the other way round: one
        thread that judges keeps the workers of several that prepare busy.
        """
        prepared: list[Prepared] = [
            (example, [self._pair(example, query, prediction.sql) for query in example.queries])
            for example, prediction in cases
        ]
        pairs = [pair for _, some in prepared for pair in some]
        asked = [known(pair) for pair in pairs for known in self._statements()]
        golds = list(dict.fromkeys(gold for gold, _ in asked))
        texts = list(dict.fromkeys(text for _, text in asked if text.strip()))
        for database in self._databases(cases[0][0].db_id):
            self.results.prepare(golds, database, gold=True)
            self.results.prepare(texts, database)
        return prepared

    def _databases(self, db_id: str) -> list[Database]:
        database = self.find(db_id)
        whole = test_suite_accuracy in self.metrics.values()
        return suite(database) if whole else [database]

    def judge(self, prepared: Sequence[Prepared]) -> list[Verdict]:
        """Judge predictions that were prepared.

        Raises:
            GoldError: as `verdicts`.
        """
        return [self._verdict(example, pairs) for example, pairs in prepared]

    def _statements(self) -> list[Callable[[Pair], tuple[str, str]]]:
        return [STATEMENTS[metric] for metric in self.metrics.values() if metric in STATEMENTS]

    def verdict(self, example: Example, predicted: str) -> Verdict:
        """Judge one prediction.

        Raises:
            GoldError: a gold query does not run, and `skip_bad_gold` is off.
        """
        return self.verdicts([(example, Prediction(predicted))])[0]

    def _verdict(self, example: Example, pairs: Sequence[Pair]) -> Verdict:
        level = hardness(example.query, self.names(example.db_id), dialect=pairs[0].dialect)
        found = {name: self._value(name, metric, pairs) for name, metric in self.metrics.items()}
        values = {name: None if isinstance(v, GoldError) else v for name, v in found.items()}
        about = example.index, example.db_id, level, values, example.query, pairs[0].predicted
        headline = next(iter(found.values()))
        if isinstance(headline, GoldError):
            return Verdict(*about, f"gold: {headline.reason}", False)
        empty = all(_is_empty(pair.run(pair.gold)) for pair in pairs)
        ran = _headline_result(pairs[0], next(iter(self.metrics)))
        error = ran.error or ("its result is too large to compare" if ran.truncated else None)
        classes = _classes(pairs[0], ran) if headline <= 0 and self.options.classify else ()
        parts = _components(pairs[0]) if values.get("exact_set_match") is not None else None
        return Verdict(*about, error, empty, classes, parts, self._gold_kept(pairs[0]))

    def _gold_kept(self, pair: Pair) -> bool | None:
        if self.keeps is None:
            return None
        return self.keeps(pair.gold, self.find(pair.db_id), pair.run(pair.gold).rows)

    def _value(self, name: str, metric: Metric, pairs: Sequence[Pair]) -> float | GoldError:
        """Return the best value over the accepted golds, or why there is none."""
        try:
            return max(_number(name, metric(pair)) for pair in pairs)
        except GoldError as bad:
            if not self.options.skip_bad_gold:
                raise
            return bad

    def _pair(self, example: Example, query: str, predicted: str) -> Pair:
        database = self.find(example.db_id)
        return Pair(
            example.index,
            example.db_id,
            query,
            predicted,
            self._runner(database),
            lambda: self.names(example.db_id),
            database.dialect,
            timed=lambda sql: self.timed(sql, database),
            others=lambda: [self._runner(other) for other in suite(database)[1:]],
            keep_distinct=self.options.keep_distinct,
            plug_value=self.options.plug_value,
        )

    def _runner(self, database: Database) -> Run:
        asked: dict[str, Ran] = {"": Nothing()}  # as long as the pair lives

        def run(sql: str) -> Ran:
            key = sql.strip() and sql
            if key not in asked:
                asked[key] = self.results.get(sql, database)
            return asked[key]

        return run


def _number(metric: str, value: Any) -> float:
    if not isinstance(value, int | float) or value != value:
        raise SettingsError(f"metric {metric!r} gave {value!r}, which is no number")
    return value


def _is_empty(ran: Ran) -> bool:
    return ran.error is None and not ran.rows


def _headline_result(pair: Pair, metric: str) -> Ran:
    """Return what the prediction came to in the form that the headline metric runs."""
    if metric in ("execution_accuracy", "execution_accuracy_keep_distinct"):
        keep = metric.endswith("keep_distinct")
        return pair.run(prepare_prediction(pair.predicted, keep_distinct=keep))
    return pair.run(pair.predicted)


def _components(pair: Pair) -> dict[str, tuple[int, int, int]]:
    found = pair_components(pair)
    return {name: (c.gold_total, c.predicted_total, c.matched) for name, c in found.items()}


def _classes(pair: Pair, ran: Ran) -> tuple[str, ...]:
    from text2sql.scoring.error_classes import classify  # late: takes a parser, which takes a while

    kind = "truncated" if ran.truncated else getattr(ran, "error_kind", None)
    names = pair.names() if kind == "missing" else None
    return classify(pair.gold, pair.predicted, error_kind=kind, dialect=pair.dialect, schema=names)
