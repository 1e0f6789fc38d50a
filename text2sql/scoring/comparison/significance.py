"""Test whether paired differences may be chance; correct for many tests.

    >>> mcnemar(wins=31, losses=12)
    0.0053...

Covered: McNemar's exact test, a paired permutation test, Holm's correction.
Not covered: examples that depend on each other.
"""

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence

FLIPS = 10_000
_STEPS = 256  # differences are rounded to so many parts of the largest before signs are flipped


def mcnemar(wins: int, losses: int) -> float:
    """Return the two-sided p-value of McNemar's exact test.

    Args:
        wins: examples that only the first run has right.
        losses: those that only the second one has right.

    The smaller count is binomial with p = 1/2 under the null hypothesis; its tail is doubled.
    """
    n, fewer = wins + losses, min(wins, losses)
    logs = (
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
        for k in range(fewer + 1)
    )
    return min(1.0, 2 * math.fsum(map(math.exp, logs)))


def permutation(differences: Sequence[float], *, seed: int = 0) -> float:
    """Return the two-sided p-value of a paired permutation test on the sum of differences.

    Args:
        differences: one an example.
        seed: of the flips.

    Each of FLIPS times, every difference keeps or changes its sign by a fair coin. Differences are
    rounded first, so that equal ones flip together; the test is as valid for the rounded ones.
    """
    largest = max(map(abs, differences), default=0.0)
    if not largest:
        return 1.0
    rounded = [round(value / largest * _STEPS) for value in differences]
    counts = Counter(abs(step) for step in rounded if step)
    observed, draw = abs(sum(rounded)), random.Random(seed)
    extreme = sum(_flipped(counts, draw) >= observed for _ in range(FLIPS))
    return (extreme + 1) / (FLIPS + 1)


def _flipped(counts: Mapping[int, int], draw: random.Random) -> int:
    # the ones among n random bits are binomial: n fair coins in one call
    return abs(sum(s * (2 * draw.getrandbits(n).bit_count() - n) for s, n in counts.items()))


def holm(ps: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in the order given.

    Args:
        ps: one a hypothesis.
    """
    corrected = [0.0] * len(ps)
    greatest = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        greatest = max(greatest, min(1.0, (len(ps) - rank) * ps[place]))
        corrected[place] = greatest
    return corrected
