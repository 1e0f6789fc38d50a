"""What abstaining is worth: how right the answers are when the unsure ones are withheld.

    >>> curve = risk_coverage([(1.0, 1), (1.0, 1), (0.4, 0), (0.2, 1)])
    >>> curve.points[1].coverage, curve.points[1].accuracy
    (0.75, 0.666...)
    >>> round(curve.aurc, 3)
    0.146

Covered: the curve of selective prediction (El-Yaniv and Wiener 2010, "On the Foundations of
Noise-free Selective Classification", JMLR 11), a point for each confidence that occurs; the area
under it (AURC of Geifman, Uziel and El-Yaniv 2019, "Bias-Reduced Uncertainty Estimation for Deep
Neural Classifiers", arXiv:1805.08206), examples of equal confidence in random order, in
expectation; the area that no confidence could beat, and that of one that says nothing.
Not covered: whether a confidence of 0.8 is right in 80 % of cases (calibration).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from text2sql.scoring.scorecards import wilson


@dataclass(frozen=True, slots=True)
class Point:
    """What answering from one threshold on comes to."""

    threshold: float  # questions of at least this confidence are answered
    coverage: float  # share of questions that are answered
    n: int  # of answered ones
    correct: float
    accuracy: float  # of answered ones
    low: float | None  # Wilson's 95 % interval; None where values have degrees
    high: float | None


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The whole curve, from the surest questions alone to all of them."""

    n: int
    points: tuple[Point, ...]
    aurc: float  # mean risk over all coverages; less is better
    aurc_best: float  # were every right answer surer than every wrong one
    aurc_random: float  # were confidence the same everywhere: the risk of answering all

    def record(self) -> dict[str, Any]:
        """Return the curve for scorecard.json."""
        return asdict(self)


def risk_coverage(judged: Iterable[tuple[float, float]]) -> RiskCoverage | None:
    """Return the curve of questions with their confidence and the value of their answer.

    Args:
        judged: confidence and value (1 right, 0 wrong, or a degree between) of each question.

    Returns:
        None where there is no question.
    """
    groups: dict[float, list[float]] = defaultdict(list)
    for confidence, value in judged:
        groups[confidence].append(value)
    if not groups:
        return None
    ordered = [groups[confidence] for confidence in sorted(groups, reverse=True)]
    everything = [value for group in ordered for value in group]
    best = [[value] for value in sorted(everything, reverse=True)]
    points = _points(sorted(groups, reverse=True), ordered)
    areas = (_area(ordered), _area(best), _area([everything]))
    return RiskCoverage(len(everything), points, *areas)


def _points(thresholds: Sequence[float], groups: Sequence[Sequence[float]]) -> tuple[Point, ...]:
    points: list[Point] = []
    answered: list[float] = []
    total = sum(map(len, groups))
    for threshold, group in zip(thresholds, groups, strict=True):
        answered += group
        n, correct = len(answered), sum(answered)
        low, high = wilson(int(correct), n) if set(answered) <= {0, 1} else (None, None)
        points.append(Point(threshold, n / total, n, correct, correct / n, low, high))
    return tuple(points)


def _area(groups: Sequence[Sequence[float]]) -> float:
    """Return the mean over i of the risk of the i surest; equal ones stand in any order."""
    seen, risks, lost = 0, [], 0.0
    for group in groups:
        rate = 1 - sum(group) / len(group)
        risks += [(lost + rate * i) / (seen + i) for i in range(1, len(group) + 1)]
        seen, lost = seen + len(group), lost + rate * len(group)
    return sum(risks) / seen
