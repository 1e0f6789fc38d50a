"""A gold query, a prediction and a way to run both: what every metric is a function of.

    >>> def same_text(pair: Pair) -> float:
    ...     return float(pair.predicted == pair.gold)

Covered: metrics that need results (`pair.run`), those that need the schema (`pair.names`), and
those that need only the text.
Not covered: running; `judging.Judge` gives a pair its runners.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from text2sql.errors import GoldError, SettingsError
from text2sql.scoring.spider.structure import Names


class Ran(Protocol):
    """What a metric needs of an execution; `text2sql.execution.Execution` is one."""

    @property
    def rows(self) -> Sequence[tuple[Any, ...]]: ...

    @property
    def truncated(self) -> bool: ...

    @property
    def error(self) -> str | None: ...


Run = Callable[[str], Ran]


def untimed(*asked: Any) -> float | None:
    """Stand where nobody gave a way to time SQL.

    Raises:
        SettingsError: always.
    """
    raise SettingsError("a metric of time needs a way to time SQL: score with an Executor")


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
    # Engine seconds of a run that is not shared with anyone; None where the statement fails.
    timed: Callable[[str], float | None] = untimed
    # Runners for every further database of the test suite; empty where there is one alone.
    others: Callable[[], Sequence[Run]] = tuple
    keep_distinct: bool = False  # for test_suite_accuracy; execution accuracy has a name for each
    plug_value: bool = False  # try the gold query's values in the prediction, too
    shared: dict[Any, Any] = field(default_factory=dict)  # what one metric leaves for another

    def gold_rows(self, sql: str) -> Sequence[tuple[Any, ...]]:
        """Run a form of the gold query.

        Raises:
            GoldError: it does not run, or its result is cut at the row or byte cap.
        """
        return self.gold_rows_of(self.run(sql))

    def gold_rows_of(self, ran: Ran) -> Sequence[tuple[Any, ...]]:
        """Return the rows of a gold query that was run.

        Raises:
            GoldError: as `gold_rows`.
        """
        if ran.error is not None or ran.truncated:
            reason = ran.error or "its result is too large to compare"
            raise GoldError(self.index, self.db_id, self.gold, reason)
        return ran.rows

    def predicted_rows(self, sql: str) -> Sequence[tuple[Any, ...]] | None:
        """Run a form of the prediction; None if it does not run or its result is cut."""
        ran = self.run(sql)
        return None if ran.error is not None or ran.truncated else ran.rows


Metric = Callable[[Pair], float]
