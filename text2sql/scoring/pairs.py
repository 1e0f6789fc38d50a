"""A gold query, a prediction and a way to run both: what every metric is a function of.

    >>> def same_text(pair: Pair) -> float:
    ...     return float(pair.predicted == pair.gold)

Covered: metrics that need results (`pair.run`), those that need the schema (`pair.names`), and
those that need only the text.
Not covered: running; `evaluation.score` gives a pair its runner.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from text2sql.errors import GoldError
from text2sql.scoring.spider_sql import Names


class Ran(Protocol):
    """What a metric needs of an execution; `text2sql.execution.Execution` is one."""

    @property
    def rows(self) -> Sequence[tuple[Any, ...]]: ...

    @property
    def truncated(self) -> bool: ...

    @property
    def error(self) -> str | None: ...


Run = Callable[[str], Ran]


@dataclass(frozen=True, slots=True)
class Pair:
    """One gold query of an example with the prediction for it."""

    index: int  # of the example, 0-based
    db_id: str
    gold: str
    predicted: str
    run: Run  # on the example's database; asking twice costs nothing
    names: Callable[[], Names]  # of the example's database, read when first asked for
    dialect: str = "sqlite"

    def gold_rows(self, sql: str) -> Sequence[tuple[Any, ...]]:
        """Run a form of the gold query.

        Raises:
            GoldError: it does not run, or its result is cut at the row or byte cap.
        """
        ran = self.run(sql)
        if ran.error is not None or ran.truncated:
            reason = ran.error or "its result is too large to compare"
            raise GoldError(self.index, self.db_id, self.gold, reason)
        return ran.rows

    def predicted_rows(self, sql: str) -> Sequence[tuple[Any, ...]] | None:
        """Run a form of the prediction; None if it does not run or its result is cut."""
        ran = self.run(sql)
        return None if ran.error is not None or ran.truncated else ran.rows


Metric = Callable[[Pair], float]
