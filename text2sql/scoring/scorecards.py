"""Count verdicts by level of hardness, with intervals, and keep the manifest with the counts.

    >>> card = scorecard(verdicts, manifest)
    >>> card.rows["execution_accuracy"]["easy"]
    Share(n=248, correct=232, accuracy=0.935..., low=0.897..., high=0.960..., ...)

Covered: verdicts counted one by one, in memory that does not grow with them (but for metrics other
than 0 and 1: 8 bytes each). Metrics of 0 and 1 get Wilson's score interval at 95 % (Wilson 1927,
"Probable inference, the law of succession, and statistical inference", JASA 22), every metric a
bootstrap interval, and one that resamples whole databases.
Not covered: comparison of runs; verdicts of one example are not independent of those of another
run.
"""

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from text2sql.scoring import bootstrap
from text2sql.scoring.bootstrap import Interval, Z
from text2sql.scoring.spider.component_scores import ComponentScores
from text2sql.scoring.spider.exact_match import Component
from text2sql.scoring.spider.levels import LEVELS

INTERVAL = "Wilson, 95 %"
WITHOUT_EMPTY = "without_empty_gold"
GROUPS = (*LEVELS, "all", WITHOUT_EMPTY)
OFFICIAL, STRICT = "execution_accuracy", "strict_execution_accuracy"
_LISTED = 50  # examples named on which two rules differ
_QUANTILES = {"p50": 50, "p95": 95}


@dataclass(frozen=True, slots=True)
class Share:
    """How many of `n` examples are right, and the intervals of the share."""

    n: int
    correct: float  # the sum where the metric has other values than 0 and 1
    accuracy: float | None  # correct / n; None where n is 0
    low: float | None  # None where n is 0 or the metric is no proportion
    high: float | None
    bootstrap: Interval | None = None  # of the accuracy, examples resampled
    bootstrap_by_database: Interval | None = None  # of "all" examples, databases resampled


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The counts of a run with what they hold for."""

    rows: dict[str, dict[str, Share]]  # by metric, then by level, "all" and "without_empty_gold"
    n: int  # examples, bad gold included
    bad_gold: int  # examples without value, because their gold does not run
    empty_gold: int  # examples whose gold returns no row
    failed: int  # predictions that did not run
    manifest: dict[str, Any]
    error_classes: dict[str, int] = field(default_factory=dict)  # of wrong ones, commonest first
    differ: dict[str, Any] | None = None  # where the official and the strict rule disagree
    components: dict[str, Any] | None = None  # of exact set match, by level
    run: dict[str, float] = field(default_factory=dict)  # seconds and tokens of the predictions
    gold_kept: dict[str, int] | None = None  # of a port: golds with the rows they had, of how many

    def record(self) -> dict[str, Any]:
        """Return the contents of scorecard.json, in a fixed order of keys."""
        metrics = {
            metric: {group: asdict(share) for group, share in shares.items()}
            for metric, shares in self.rows.items()
        }
        optional = {"differ": self.differ, "components": self.components, "run": self.run}
        optional["gold_kept"] = self.gold_kept
        return {
            "metrics": metrics,
            "interval": INTERVAL,
            "n": self.n,
            "bad_gold": self.bad_gold,
            "empty_gold": self.empty_gold,
            "failed": self.failed,
            "error_classes": self.error_classes,
            **{key: value for key, value in optional.items() if value},
            "manifest": self.manifest,
        }


@dataclass(slots=True)
class Values:
    """The values of a metric in one group of examples."""

    n: int = 0
    total: float = 0
    databases: dict[str, tuple[int, float]] = field(default_factory=dict)
    others: "array[float] | None" = None  # all values, once one is neither 0 nor 1
    grouped: bool = False  # resample databases as well

    def add(self, value: float, db_id: str) -> None:
        """Count one value."""
        if self.others is None and value not in (0, 1):
            self.others = self._spelt_out()
        if self.others is not None:
            self.others.append(value)
        self.n, self.total = self.n + 1, self.total + value
        n, total = self.databases.get(db_id, (0, 0.0))
        self.databases[db_id] = n + 1, total + value

    def _spelt_out(self) -> "array[float]":
        if self.others is not None:
            return self.others
        right = int(self.total)
        return array("d", [1] * right + [0] * (self.n - right))

    def merge(self, other: "Values") -> None:
        """Count the values of another group."""
        if self.others is not None or other.others is not None:
            self.others = array("d", [*self._spelt_out(), *other._spelt_out()])
        self.n, self.total = self.n + other.n, self.total + other.total
        for db_id, (n, total) in other.databases.items():
            before = self.databases.get(db_id, (0, 0.0))
            self.databases[db_id] = before[0] + n, before[1] + total

    def share(self) -> Share:
        """Return count, mean and intervals."""
        if not self.n:
            return Share(0, 0, None, None, None)
        by_database = bootstrap.of_groups(self.databases) if self.grouped else None
        if self.others is not None:
            total = math.fsum(self.others)
            interval = bootstrap.of_values(self.others)
            return Share(self.n, total, total / self.n, None, None, interval, by_database)
        right = int(self.total)
        limits = wilson(right, self.n)
        interval = bootstrap.of_share(right, self.n)
        return Share(self.n, right, right / self.n, *limits, interval, by_database)


class Tally:
    """Counts verdicts as they come."""

    def __init__(self, metrics: Sequence[str]) -> None:
        self.metrics = tuple(metrics)
        self.n = self.bad_gold = self.empty_gold = self.failed = 0
        # by metric, then by hardness and whether gold is empty: what every group is made of
        self._cells: dict[str, dict[tuple[str, bool], Values]] = {
            metric: defaultdict(Values) for metric in metrics
        }
        self._classes: Counter[str] = Counter()
        self._differ: dict[str, list[int]] = {"official_only": [], "strict_only": []}
        self._differing: Counter[str] = Counter()
        self._kept: Counter[bool] = Counter()
        self._components = ComponentScores()
        self._run: dict[str, array[float]] = defaultdict(lambda: array("d"))

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a verdict record."""
        self.n += 1
        if record.get(self.metrics[0]) is None:
            self.bad_gold += 1
            return
        empty = bool(record.get("empty_gold"))
        self.empty_gold += empty
        self.failed += record.get("error") is not None
        for metric, cells in self._cells.items():
            if record.get(metric) is not None:
                cells[record["hardness"], empty].add(record[metric], record["db_id"])
        self._classes.update(record.get("error_classes", ())[:1])
        if record.get("gold_kept") is not None:
            self._kept[record["gold_kept"]] += 1
        self._compare_rules(record)
        self._add_components(record)

    def _compare_rules(self, record: Mapping[str, Any]) -> None:
        official, strict = record.get(OFFICIAL), record.get(STRICT)
        if official is None or strict is None or official == strict:
            return
        side = "official_only" if official else "strict_only"
        self._differing[side] += 1
        if len(self._differ[side]) < _LISTED:
            self._differ[side].append(record["index"])

    def _add_components(self, record: Mapping[str, Any]) -> None:
        parts = record.get("components")
        if parts:
            found = {name: Component(*counts) for name, counts in parts.items()}
            self._components.add(record["hardness"], found)

    def add_run(self, **figures: float | None) -> None:
        """Count what a prediction cost, such as seconds and tokens."""
        for name, value in figures.items():
            if value is not None:
                self._run[name].append(value)

    def scorecard(self, manifest: Mapping[str, Any]) -> Scorecard:
        """Return the counts so far with what they hold for."""
        both = {OFFICIAL, STRICT} <= set(self.metrics)
        differ = {s: {"n": self._differing[s], "examples": self._differ[s]} for s in self._differ}
        return Scorecard(
            {metric: {g: self._share(metric, g) for g in GROUPS} for metric in self.metrics},
            self.n,
            self.bad_gold,
            self.empty_gold,
            self.failed,
            dict(manifest),
            dict(self._classes.most_common()),
            differ if both else None,
            self._components.record() if any(self._components.pairs.values()) else None,
            percentiles(self._run),
            {"kept": self._kept[True], "n": self._kept.total()} if self._kept else None,
        )

    def _share(self, metric: str, group: str) -> Share:
        found = Values(grouped=group == "all")
        for (level, empty), values in self._cells[metric].items():
            if group in (level, "all") or (group == WITHOUT_EMPTY and not empty):
                found.merge(values)
        return found.share()


def scorecard(verdicts: Iterable[Mapping[str, Any]], manifest: Mapping[str, Any]) -> Scorecard:
    """Count verdict records.

    Args:
        verdicts: records with `hardness`, `error`, `empty_gold` and one key per metric.
        manifest: its `metrics` names the keys to count, in the order to report them.
    """
    tally = Tally(manifest["metrics"])
    for record in verdicts:
        tally.add(record)
    return tally.scorecard(manifest)


def share(values: Sequence[float]) -> Share:
    """Return count, mean and intervals of the values of a metric."""
    counted = Values()
    for value in values:
        counted.add(value, "")
    return counted.share()


def percentiles(figures: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the nearest-rank percentiles of each list of figures, as `seconds_p50`."""
    found = {}
    for name, values in figures.items():
        ordered = sorted(values)
        for suffix, percent in _QUANTILES.items():
            place = max(0, -(-percent * len(ordered) // 100) - 1)
            found[f"{name}_{suffix}"] = ordered[place]
    return found


def wilson(correct: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a proportion.

    Args:
        correct: successes, at most n.
        n: trials, at least 1.
    """
    rate, z2 = correct / n, Z * Z
    middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
