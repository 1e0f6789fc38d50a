"""Accuracy, recall and F1 of components, with the official denominators."""

import tracemalloc

import pytest

from text2sql.scoring.spider.component_scores import ComponentScores
from text2sql.scoring.spider.exact_match import COMPONENTS, Component

NOTHING = dict.fromkeys(COMPONENTS, Component(0, 0, 0))


def test_accuracy_is_over_predictions_and_recall_over_golds_that_have_the_component() -> None:
    scores = ComponentScores()
    for component in (
        Component(1, 1, 1),
        Component(0, 2, 0),
        Component(1, 0, 0),
        Component(2, 2, 1),
    ):
        scores.add("easy", NOTHING | {"where": component})
    where = scores.record()["easy"]["where"]
    assert (where["predicted"], where["gold"]) == (3, 3)
    assert where["accuracy"] == where["recall"] == where["f1"] == pytest.approx(1 / 3)


def test_f1_is_one_where_nothing_was_right_and_zero_where_nothing_was_seen() -> None:
    scores = ComponentScores()
    scores.add("hard", NOTHING | {"order": Component(1, 1, 0)})
    record = scores.record()
    assert record["hard"]["order"]["accuracy"] == record["hard"]["order"]["recall"] == 0
    assert record["hard"]["order"]["f1"] == record["hard"]["select"]["f1"] == 1
    assert record["easy"]["order"]["f1"] == 0


def test_every_level_adds_to_all() -> None:
    scores = ComponentScores()
    scores.add("easy", NOTHING | {"select": Component(1, 1, 1)})
    scores.add("extra", NOTHING | {"select": Component(1, 1, 0)})
    record = scores.record()
    assert record["all"]["select"]["accuracy"] == 0.5
    assert scores.pairs == {"easy": 1, "medium": 0, "hard": 0, "extra": 1, "all": 2}


def test_memory_does_not_grow_with_the_pairs() -> None:
    scores = ComponentScores()
    scores.add("easy", NOTHING)
    tracemalloc.start()
    for _ in range(2000):
        scores.add("easy", NOTHING | {"select": Component(3, 2, 1)})
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 20_000
