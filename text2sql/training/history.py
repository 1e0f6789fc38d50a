"""The history of a training run: one line of JSON for each report, in `history.jsonl`.

    >>> history = History(Path("runs/mine"))
    >>> history.append({"step": 10, "loss": 0.82, "tokens_per_second": 5_120.0})
    >>> history.append({"step": 10, "execution_accuracy": 0.31, "correct": 31, "n": 100})
    >>> best_of(history.accuracies())
    Accuracy(step=10, correct=31, n=100)

A run that was killed repeats the steps after its last checkpoint: `forget_after` drops what is
there of them, so that every step is told once. A line that a kill cut off is dropped with them.
Each line has `step` and `epoch`; a report of the loss has also `loss`, `learning_rate`, `grad_norm`
and what else its trainer says, `tokens_per_second` (every example counted whole), its kin
`examples_per_second`, `sharing_ratio` and `peak_memory_bytes`; one of accuracy what
`Accuracy.record` says.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from text2sql.bases.base import Base
from text2sql.outputs import write_whole
from text2sql.scoring import wilson
from text2sql.training.recipe import Recipe

HISTORY = "history.jsonl"
METRIC = "execution_accuracy"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Execution accuracy on the dev sample after a step."""

    step: int
    correct: int
    n: int

    @property
    def share(self) -> float:
        """Right answers of all."""
        return self.correct / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share."""
        return wilson(self.correct, self.n)

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"execution accuracy {self.share:.1%} ({self.correct} of {self.n},"
            f" 95 % interval {low:.1%} to {high:.1%})"
        )

    def record(self) -> dict[str, Any]:
        """Return the accuracy as a line of the history."""
        low, high = self.interval
        counts = {METRIC: self.share, "correct": self.correct, "n": self.n}
        return {"step": self.step, **counts, "low": low, "high": high}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A model amid its training, for whoever measures it."""

    model: Any
    tokenizer: Any
    base: Base
    recipe: Recipe
    step: int
    folder: Path  # where what it predicts may be kept


Measure = Callable[[Snapshot], Accuracy]
MeasureAt = Callable[[Any, int], Accuracy]  # of a model, after a step


def best_of(accuracies: Sequence[Accuracy]) -> Accuracy | None:
    """Return the highest accuracy, the latest where several are equal; None of none.

    On a small sample many are equal, and the later ones have seen more: where nothing is right yet,
    the best weights are the last.
    """
    return max(accuracies, key=lambda a: (a.share, a.step), default=None)


def without_progress(accuracies: Sequence[Accuracy]) -> int:
    """Return how many evaluations came after the first that was as good as any."""
    highest = max((a.share for a in accuracies), default=None)
    first = next((place for place, a in enumerate(accuracies) if a.share == highest), 0)
    return len(accuracies[first + 1 :])


class History:
    """The lines of one run's `history.jsonl`.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / HISTORY

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def records(self) -> list[dict[str, Any]]:
        """Return every whole line, in order."""
        found = []
        for line in (
            self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else ()
        ):
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return found

    def accuracies(self) -> list[Accuracy]:
        """Return what was measured on the dev sample, by step."""
        return [
            Accuracy(record["step"], record["correct"], record["n"])
            for record in self.records()
            if METRIC in record
        ]

    def forget_after(self, step: int) -> Self:
        """Drop the lines of later steps, which a resumed run writes again."""
        if self.path.exists():
            kept = [record for record in self.records() if record["step"] <= step]
            write_whole(self.path, "".join(json.dumps(record) + "\n" for record in kept))
        return self

    def sync(self) -> None:
        """Make sure that the lines outlive a power cut."""
        if self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())
