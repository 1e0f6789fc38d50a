"""Judge predictions by several metrics on shared results.

    >>> judge.verdict(example, "SELECT count(*) FROM singer").values
    {'execution_accuracy': 1}

Covered: several accepted golds, of which the best counts; the statements of several examples go to
a worker in one go; several threads may judge at once.
Not covered: several samples for one question (`sampled`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from text2sql.databases import Database
from text2sql.errors import GoldError, SettingsError
from text2sql.examples import Example
from text2sql.scoring.execution_metrics import STATEMENTS, test_suite_accuracy
from text2sql.scoring.pairs import Metric, Pair, Ran, Run, untimed
from text2sql.scoring.predictions import Prediction
from text2sql.scoring.runners import FindNames, Timed
from text2sql.scoring.shared_results import Nothing, Results
from text2sql.scoring.spider.exact_match import pair_components
from text2sql.scoring.spider.levels import hardness
from text2sql.scoring.spider.text import prepare_prediction
from text2sql.scoring.suites import FindDatabase, suite

Keeps = Callable[[str, Database, Sequence[tuple[Any, ...]]], bool]
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


@dataclass(frozen=True, slots=True)
class Options:
    """How to judge: the official evaluator's switches, and two of ours."""

    skip_bad_gold: bool = False  # ours
    plug_value: bool = False
    keep_distinct: bool = False
    classify: bool = True  # ours: say of wrong predictions what is wrong


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything that a verdict depends on but the example and its prediction."""

    metrics: dict[str, Metric]
    find: FindDatabase
    names: FindNames
    results: Results
    options: Options = Options()
    timed: Timed = untimed
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
