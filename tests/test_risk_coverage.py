"""The risk-coverage curve against its definition."""

from itertools import permutations
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text2sql.scoring.risk_coverage import risk_coverage

judged = st.lists(st.tuples(st.sampled_from([0.2, 0.5, 1.0]), st.integers(0, 1)), min_size=1)


def test_each_confidence_is_a_point_of_the_curve() -> None:
    curve = risk_coverage([(0.2, 1), (1.0, 1), (0.4, 0), (1.0, 1)])
    assert [point.threshold for point in curve.points] == [1.0, 0.4, 0.2]
    assert [point.coverage for point in curve.points] == [0.5, 0.75, 1.0]
    assert [point.accuracy for point in curve.points] == [1.0, 2 / 3, 0.75]
    assert curve.points[0].low < 1 == curve.points[0].high


def test_the_area_is_the_mean_risk_over_all_coverages() -> None:
    curve = risk_coverage([(0.9, 1), (0.8, 0), (0.7, 1), (0.6, 0)])
    assert curve.aurc == pytest.approx(fmean([0, 1 / 2, 1 / 3, 2 / 4]))
    assert curve.aurc_best == pytest.approx(fmean([0, 0, 1 / 3, 2 / 4]))
    assert curve.aurc_random == 0.5


@settings(max_examples=30)
@given(judged.filter(lambda found: len(found) <= 5))
def test_examples_of_equal_confidence_stand_in_random_order(found) -> None:
    areas = []
    for order in permutations(found):
        values = [value for _, value in sorted(order, key=lambda pair: -pair[0])]
        risks = [1 - fmean(values[: i + 1]) for i in range(len(values))]
        areas.append(fmean(risks))
    assert risk_coverage(found).aurc == pytest.approx(fmean(areas))


@given(judged)
def test_no_confidence_beats_the_best(found) -> None:
    curve = risk_coverage(found)
    assert curve.aurc_best <= curve.aurc + 1e-12
    assert curve.points[-1].coverage == 1 and curve.points[-1].n == curve.n == len(found)


def test_values_of_degrees_have_no_interval_and_nothing_has_no_curve() -> None:
    assert risk_coverage([(1.0, 0.5)]).points[0].low is None
    assert risk_coverage([]) is None
