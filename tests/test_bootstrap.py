"""Bootstrap intervals against resampling by hand and against what is known of them."""

import random
from math import isclose

from hypothesis import given
from hypothesis import strategies as st

from text2sql.scoring import bootstrap


def test_a_share_has_the_percentiles_of_its_resampled_counts() -> None:
    draw = random.Random(1)
    means = sorted(sum(draw.random() < 0.8 for _ in range(200)) / 200 for _ in range(4000))
    low, high = bootstrap.of_share(160, 200)
    assert abs(low - means[100]) <= 0.011 and abs(high - means[3900]) <= 0.011


@given(st.integers(1, 300), st.data())
def test_the_interval_of_a_share_holds_the_share(n: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, n))
    low, high = bootstrap.of_share(correct, n)
    assert 0 <= low <= correct / n <= high <= 1


def test_large_samples_have_the_interval_of_the_normal_distribution() -> None:
    low, high = bootstrap.of_share(50_000, 100_000)
    assert isclose(high - low, 2 * 1.96 * 0.5 / 100_000**0.5, rel_tol=1e-3)
    values = [0.0, 1.0] * 3_000
    low, high = bootstrap.of_values(values)
    assert isclose(high - low, 2 * 1.96 * 0.5 / 6_000**0.5, rel_tol=1e-3)


def test_values_are_resampled_with_the_seed() -> None:
    values = [draw / 10 for draw in range(11)]
    assert bootstrap.of_values(values, seed=1) == bootstrap.of_values(values, seed=1)
    low, high = bootstrap.of_values(values)
    assert 0.25 < low < 0.5 < high < 0.75


def test_alike_examples_of_a_database_count_as_one() -> None:
    alike = {f"db{i}": (50, 50.0 * (i % 2)) for i in range(10)}
    low, high = bootstrap.of_groups(alike)
    narrow = bootstrap.of_share(250, 500)
    assert high - low > 3 * (narrow[1] - narrow[0])
    assert bootstrap.of_groups({"one": (50, 25.0)}) is None
