"""Bootstrap intervals of a mean, without numpy: percentiles of the resampled mean at 95 %.

    >>> of_share(correct=9, n=10)
    (0.7, 1.0)

Covered: shares of right examples exactly (the resampled count is binomial, so nothing is drawn);
other values by 1,000 resamples; whole databases resampled with their examples, because questions on
one database are not independent of each other.
Not covered: bias correction (BCa): means of 0 and 1 have little need of it.

Efron 1979, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7.
"""

import math
import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate

RESAMPLES = 1_000
LARGE = 5_000  # beyond so many values the interval of the normal distribution is the same
Z = 1.959963984540054  # two-sided 95 % of the normal distribution

Interval = tuple[float, float]


@lru_cache(maxsize=1024)
def of_share(correct: int, n: int) -> Interval:
    """Return the interval of `correct / n`.

    Args:
        correct: right ones, at most n.
        n: of how many, at least 1.
    """
    rate = correct / n
    if correct in (0, n):
        return rate, rate
    if n > LARGE:
        return _normal(rate, math.sqrt(rate * (1 - rate) / n))
    logs = math.log(rate), math.log(1 - rate)
    pmf = (math.exp(_log_choose(n, k) + k * logs[0] + (n - k) * logs[1]) for k in range(n + 1))
    below = list(accumulate(pmf))
    return _quantile(below, 0.025) / n, _quantile(below, 0.975) / n


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _quantile(below: Sequence[float], share: float) -> int:
    return next((k for k, total in enumerate(below) if total >= share), len(below) - 1)


def of_values(values: Sequence[float], *, seed: int = 0) -> Interval:
    """Return the interval of the mean of values.

    Args:
        values: at least one.
        seed: of the resampling.
    """
    n, mean = len(values), math.fsum(values) / len(values)
    if n > LARGE:
        variance = math.fsum((value - mean) ** 2 for value in values) / n
        return _normal(mean, math.sqrt(variance / n))
    draw = random.Random(seed)
    return _percentiles([sum(draw.choices(values, k=n)) / n for _ in range(RESAMPLES)])


def of_groups(groups: Mapping[str, tuple[int, float]], *, seed: int = 0) -> Interval | None:
    """Return the interval of a mean when whole groups are resampled; None for fewer than two.

    Args:
        groups: by name, how many values and their sum.
        seed: of the resampling.
    """
    if len(groups) < 2:
        return None
    counts, sums = zip(*groups.values(), strict=True)
    places = _places(len(groups), seed)
    return _percentiles([sum(sums[i] for i in p) / sum(counts[i] for i in p) for p in places])


@lru_cache(maxsize=4)
def _places(n: int, seed: int) -> list[list[int]]:
    draw = random.Random(seed)
    return [draw.choices(range(n), k=n) for _ in range(RESAMPLES)]


def _percentiles(means: list[float]) -> Interval:
    means.sort()
    last = len(means) - 1
    return means[round(0.025 * last)], means[round(0.975 * last)]


def _normal(mean: float, error: float) -> Interval:
    return mean - Z * error, mean + Z * error
