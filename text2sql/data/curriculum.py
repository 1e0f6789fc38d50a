"""The order in which examples are learnt from: easy first, hard first, or any.

    >>> difficulties = by_hardness(dataset)
    >>> order = arrange(difficulties, order="easy_first", seed=1)
    >>> [difficulties[place] for place in order][:3]
    [0.0, 0.0, 0.0]

Hardness is `scoring.hardness`, easy 0 to extra 3. A model's own loss may stand in for it
(`training.difficulty`). Easy before hard is how Ziya-LLaMA-13B was fine-tuned (model card of
IDEA-CCNL/Ziya-LLaMA-13B-v1).

Not covered: rows that share a schema, which `training.rows` orders by the mean of their questions.
"""

from collections.abc import Sequence
from random import Random

from text2sql.data.catalog import DataSet
from text2sql.errors import UnknownName
from text2sql.scoring import hardness

LEVELS = ("easy", "medium", "hard", "extra")
ORDERS = ("random", "easy_first", "hard_first", "by_loss")


def by_hardness(dataset: DataSet) -> list[float]:
    """Return the hardness of every example's gold, 0 to 3."""
    return [_level(e.query, dataset, e.db_id) for e in dataset.examples]


def _level(sql: str, dataset: DataSet, db_id: str) -> float:
    return float(LEVELS.index(hardness(sql, dataset.schema(db_id))))


def arrange(difficulties: Sequence[float], *, order: str, seed: int) -> list[int]:
    """Return the places of examples in the order in which they are learnt from.

    Args:
        difficulties: of each example; equal ones are shuffled.
        order: a name in `ORDERS`; `by_loss` is easy first, the difficulties being losses.
        seed: of the shuffling.

    Raises:
        UnknownName: no such order.
    """
    if order not in ORDERS:
        raise UnknownName("order", order, ORDERS)
    places = Random(seed).sample(range(len(difficulties)), len(difficulties))
    if order == "random":
        return places
    return sorted(places, key=signed(difficulties, order=order).__getitem__)


def signed(difficulties: Sequence[float], *, order: str) -> list[float]:
    """Return difficulties such that the lower ones come first in an order."""
    return [-value if order == "hard_first" else value for value in difficulties]
