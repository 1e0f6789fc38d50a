"""Accuracy, recall and F1 of each component of exact set match, by level of hardness.

    >>> scores = ComponentScores()
    >>> scores.add("easy", component_matches(gold, predicted, names))
    >>> scores.record()["easy"]["select"]["f1"]
    1.0

Covered: the official figures, in constant memory however many pairs are added. A component counts
as right as a whole; accuracy is over the predictions that have it, recall over the golds that have
it. F1 is 1 where both are 0, also where every pair is wrong; a level without pairs has 0
throughout.
Not covered: turns of a dialogue.

The rules are those of `evaluate` in evaluation.py (taoyds/test-suite-sql-eval at e97acc5).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from text2sql.scoring.spider.exact_match import COMPONENTS, Component
from text2sql.scoring.spider.levels import LEVELS

ALL = "all"


@dataclass(slots=True)
class Tally:
    """What was seen of one component at one level."""

    predicted: int = 0  # predictions that have it
    gold: int = 0  # gold queries that have it
    predicted_right: int = 0  # of `predicted`, those that are right
    gold_right: int = 0  # of `gold`, likewise

    def add(self, component: Component) -> None:
        """Count one pair."""
        if component.predicted_total:
            self.predicted += 1
            self.predicted_right += component.right
        if component.gold_total:
            self.gold += 1
            self.gold_right += component.right

    def record(self, pairs: int) -> dict[str, float]:
        """Return accuracy, recall and F1 with their counts."""
        accuracy = self.predicted_right / self.predicted if self.predicted else 0.0
        recall = self.gold_right / self.gold if self.gold else 0.0
        f1 = 2 * accuracy * recall / (accuracy + recall) if accuracy + recall else float(pairs > 0)
        counts = {
            "predicted": self.predicted,
            "gold": self.gold,
            "predicted_right": self.predicted_right,
            "gold_right": self.gold_right,
        }
        return {"accuracy": accuracy, "recall": recall, "f1": f1, **counts}


def _tallies() -> dict[str, dict[str, Tally]]:
    return {level: {name: Tally() for name in COMPONENTS} for level in (*LEVELS, ALL)}


@dataclass(slots=True)
class ComponentScores:
    """Counts of component matches by level; not for several threads at once."""

    tallies: dict[str, dict[str, Tally]] = field(default_factory=_tallies)
    pairs: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*LEVELS, ALL), 0))

    def add(self, level: str, matches: Mapping[str, Component]) -> None:
        """Count one pair.

        Args:
            level: hardness of the gold query, one of LEVELS.
            matches: as `component_matches` gives them.
        """
        for group in (level, ALL):
            self.pairs[group] += 1
            for name, component in matches.items():
                self.tallies[group][name].add(component)

    def record(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return accuracy, recall, F1 and their counts, by level and "all", by component."""
        return {
            level: {name: tally.record(self.pairs[level]) for name, tally in tallies.items()}
            for level, tallies in self.tallies.items()
        }
