"""Count verdicts by level of hardness, with intervals, and keep the manifest with the counts.

    >>> card = scorecard(verdicts, manifest)
    >>> card.rows["execution_accuracy"]["easy"]
    Share(n=248, correct=232, accuracy=0.935..., low=0.897..., high=0.960...)

Covered: metrics of 0 and 1 get Wilson's score interval at 95 % (Wilson 1927, "Probable inference,
the law of succession, and statistical inference", JASA 22); metrics of other numbers get their
mean alone.
Not covered: comparison of runs; verdicts of one example are not independent of those of another
run.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from text2sql.scoring.levels import LEVELS

Z = 1.959963984540054  # two-sided 95 % of the normal distribution
INTERVAL = "Wilson, 95 %"
WITHOUT_EMPTY = "without_empty_gold"


@dataclass(frozen=True, slots=True)
class Share:
    """How many of `n` examples are right, and the interval of the share."""

    n: int
    correct: float  # the sum where the metric has other values than 0 and 1
    accuracy: float | None  # correct / n; None where n is 0
    low: float | None  # None where n is 0 or the metric is no proportion
    high: float | None


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The counts of a run with what they hold for."""

    rows: dict[str, dict[str, Share]]  # by metric, then by level, "all" and "without_empty_gold"
    n: int  # examples, bad gold included
    bad_gold: int  # examples without value, because their gold does not run
    empty_gold: int  # examples whose gold returns no row
    failed: int  # predictions that did not run
    manifest: dict[str, Any]

    def record(self) -> dict[str, Any]:
        """Return the contents of scorecard.json, in a fixed order of keys."""
        metrics = {
            metric: {group: asdict(share) for group, share in shares.items()}
            for metric, shares in self.rows.items()
        }
        return {
            "metrics": metrics,
            "interval": INTERVAL,
            "n": self.n,
            "bad_gold": self.bad_gold,
            "empty_gold": self.empty_gold,
            "failed": self.failed,
            "manifest": self.manifest,
        }


def scorecard(verdicts: Iterable[Mapping[str, Any]], manifest: Mapping[str, Any]) -> Scorecard:
    """Count verdict records.

    Args:
        verdicts: records with `hardness`, `error`, `empty_gold` and one key per metric.
        manifest: its `metrics` names the keys to count, in the order to report them.
    """
    records = list(verdicts)
    metrics = manifest["metrics"]
    good = [record for record in records if record.get(metrics[0]) is not None]
    return Scorecard(
        {metric: _shares(good, metric) for metric in metrics},
        len(records),
        len(records) - len(good),
        sum(bool(record.get("empty_gold")) for record in good),
        sum(record.get("error") is not None for record in good),
        dict(manifest),
    )


def _shares(records: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Share]:
    groups = {level: [r for r in records if r["hardness"] == level] for level in LEVELS}
    groups["all"] = list(records)
    groups[WITHOUT_EMPTY] = [record for record in records if not record.get("empty_gold")]
    return {group: share([r[metric] for r in found]) for group, found in groups.items()}


def share(values: Sequence[float]) -> Share:
    """Return count, mean and interval of the values of a metric."""
    n, correct = len(values), math.fsum(values)
    if not n:
        return Share(0, 0, None, None, None)
    if set(values) <= {0, 1}:
        return Share(n, int(correct), correct / n, *wilson(int(correct), n))
    return Share(n, correct, correct / n, None, None)


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
