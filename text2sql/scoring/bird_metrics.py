"""BIRD's metrics beside execution accuracy: valid efficiency score, its reward form, soft F1.

    >>> r_ves(pair)     # right, and faster than the gold, though not twice as fast
    1.0
    >>> soft_f1(pair)   # three of four values in the right rows
    0.75

| metric | of a prediction that is right by BIRD's rule | of another one | published as |
| --- | --- | --- | --- |
| `ves` | root of (gold time / predicted time) | 0 | 100 times the mean |
| `r_ves` | root of a reward between 0.25 and 1.25 for that ratio | 0 | 100 times the mean |
| `soft_f1` | 1 if its rows come in the gold's order | F1 of the values of rows by place | same |

Covered: 100 runs of each statement in turn, ratios more than three standard deviations from their
mean left out; soft F1 to the last bit.
Not covered: a quiet machine. `ves` and `r_ves` are measurements: they depend on the machine, on
what else it does, and on chance, and are compared only within one run of one machine. R-VES is
the noisier one: gold scored against itself falls on either side of 1, the edge between two rewards
(`benchmarks/bird_metrics.py` counts that). Times are those of the engine to the last row,
connecting excluded. The first program (`ves`) stopped its clock at the first row, the second
(`r_ves`) has closing the connection in its time.
"""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from text2sql.errors import GoldError, SettingsError
from text2sql.scoring.execution_metrics import bird_execution_accuracy
from text2sql.scoring.pairs import Pair
from text2sql.scoring.results import comparable

ITERATIONS = 100  # of both programs
TICK = 1e-9  # seconds: what a statement takes at least, where a coarse clock saw no time pass
REWARDS = ((2.0, 1.25), (1.0, 1.0), (0.5, 0.75), (0.25, 0.5))  # (least ratio, reward)
SMALLEST_REWARD = 0.25  # of a right prediction

Row = tuple[Any, ...]


def ves(pair: Pair, *, iterations: int = ITERATIONS) -> float:
    """Return the valid efficiency score: the root of how much faster than the gold it is.

    Args:
        pair: with a way to time SQL.
        iterations: runs of each statement, at least 1.

    Returns:
        0 for a wrong prediction; without an upper end for a right one.

    Raises:
        GoldError: the gold query does not run.

    `evaluation_ves.py` of BIRD (AlibabaResearch/DAMO-ConvAI, bird/llm/src, at dec31ae); Li et al.
    2023, arXiv:2305.03111.
    """
    return math.sqrt(time_ratio(pair, iterations=iterations))


def r_ves(pair: Pair, *, iterations: int = ITERATIONS) -> float:
    """Return the reward-based valid efficiency score: the root of the reward for the time ratio.

    Args:
        pair: with a way to time SQL.
        iterations: runs of each statement, at least 1.

    Returns:
        0 for a wrong prediction; 0.5 to 1.118 for a right one.

    Raises:
        GoldError: the gold query does not run.

    `evaluation_ves.py` (bird-bench/mini_dev, evaluation, at bb37377): the reward is given in
    `iterated_execute_sql`, its root taken in `compute_ves`.
    """
    return math.sqrt(reward(time_ratio(pair, iterations=iterations)))


def time_ratio(pair: Pair, *, iterations: int = ITERATIONS) -> float:
    """Run prediction and gold in turn and return the mean of gold time / predicted time.

    Returns:
        0 where the results differ by BIRD's rule, or the prediction fails in one of its runs.

    Raises:
        GoldError: the gold query does not run, or fails in one of its runs.
        SettingsError: fewer than one iteration.
    """
    if iterations < 1:
        raise SettingsError(f"a timing metric needs at least 1 iteration, not {iterations}")
    if not bird_execution_accuracy(pair):
        return 0.0
    ratios = []
    for _ in range(iterations):
        predicted = pair.timed(pair.predicted)
        if predicted is None:
            return 0.0
        gold = pair.timed(pair.gold)
        if gold is None:
            raise GoldError(pair.index, pair.db_id, pair.gold, "it ran once, then failed")
        ratios.append(gold / max(predicted, TICK))
    return mean_of_usual(ratios)


def mean_of_usual(values: Sequence[float]) -> float:
    """Return the mean of the values less than three standard deviations from the mean of all.

    `clean_abnormal` of both programs. Equal values have no deviation, so none of them is less than
    three away: the official programs divide by zero there and count the prediction as wrong. Here
    the mean of all is returned.
    """
    middle = fmean(values)
    reach = 3 * math.sqrt(fmean((value - middle) ** 2 for value in values))
    usual = [value for value in values if middle - reach < value < middle + reach]
    return fmean(usual or values)


def reward(ratio: float) -> float:
    """Return the reward for a ratio of gold time to predicted time; 0 for a ratio of 0."""
    if ratio == 0:
        return 0.0
    return next((reward for least, reward in REWARDS if ratio >= least), SMALLEST_REWARD)


def soft_f1(pair: Pair) -> float:
    """Give partial credit: F1 of the values of rows that stand in the same place.

    Raises:
        GoldError: the gold query does not run.

    `calculate_f1_score` in evaluation_f1.py (bird-bench/mini_dev, evaluation, at 2932a2b). The
    version at 47f116d goes through sets, so that its scores change from run to run. `rows_f1` lists
    the quirks.
    """
    gold = pair.gold_rows(pair.gold)
    predicted = pair.predicted_rows(pair.predicted)
    return 0.0 if predicted is None else rows_f1(gold, predicted)


def rows_f1(gold: Sequence[Row], predicted: Sequence[Row]) -> float:
    """Return soft F1 of two results.

    The official rule with its quirks: duplicate rows are dropped first (the first of them stays);
    row i is compared with row i, so that right rows in another order may score 0; within two rows
    the places of values do not matter, and a predicted value that stands twice counts twice; all
    counts are divided by the number of gold columns, so that a row may be worth more than 1; two
    empty results score 1.

    Args:
        gold: rows of equal length, in the order in which the engine returned them.
        predicted: the same.
    """
    ours = list(dict.fromkeys(comparable(gold)))
    theirs = list(dict.fromkeys(comparable(predicted)))
    if ours == theirs:  # also where both are empty
        return 1.0
    shares = [_shares(*rows) for rows in zip(ours, theirs, strict=False)]
    extra = len(theirs) - len(ours)
    # One by one, as the official program adds them: the last bit depends on it.
    common = sum(share[0] for share in shares)
    alone = sum([share[1] for share in shares] + [1.0] * extra)
    missed = sum([share[2] for share in shares] + [1.0] * -extra)
    if not common:
        return 0.0
    precision, recall = common / (common + alone), common / (common + missed)
    return 2 * precision * recall / (precision + recall)


def _shares(gold: Row, predicted: Row) -> tuple[float, float, float]:
    """Return how many values are in both rows, predicted alone and gold alone, by gold columns."""
    ours, theirs = set(gold), set(predicted)  # sets, for the sake of results with 2,000 columns
    common = sum(value in ours for value in predicted)
    missed = sum(value not in theirs for value in gold)
    return common / len(gold), (len(predicted) - common) / len(gold), missed / len(gold)
