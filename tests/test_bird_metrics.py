"""BIRD's timing metrics on a scripted clock and on real engines; soft F1 against hand counts."""

import math
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import count
from pathlib import Path

import pytest
import small_databases
from hypothesis import given
from hypothesis import strategies as st

from text2sql import scoring
from text2sql.errors import GoldError, SettingsError
from text2sql.execution import Executor
from text2sql.scoring import bird_metrics
from text2sql.scoring.bird_metrics import mean_of_usual, reward, rows_f1
from text2sql.scoring.inputs import read_gold, read_predictions
from text2sql.scoring.spider.structure import Names

NAMES = Names.from_columns({})
GOLD = "SELECT id, name FROM member"
SAME = "SELECT id, name FROM member WHERE id > 0"
VALUES = st.sampled_from([None, 0, 1, 1.0, 2.5, "", "a", "1", b"a"])
ROWS = st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[VALUES] * n), max_size=6))

Clock = Callable[[str], float | None]


def make_pair(executor: Executor, gold: str, predicted: str, clock: Clock) -> scoring.Pair:
    return scoring.Pair(0, "d", gold, predicted, executor.execute, lambda: NAMES, timed=clock)


def watch(executor: Executor, sql: str) -> float | None:
    ran = executor.execute(sql)
    return None if ran.error else ran.seconds


@pytest.fixture(scope="module")
def clubs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    path = tmp_path_factory.mktemp("clubs") / "clubs.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript((Path(__file__).parent / "data" / "clubs.sql").read_text())
    connection.close()
    with Executor(path) as executor:
        yield executor


@pytest.fixture(scope="module", params=["sqlite", "duckdb"])
def engine(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    path = small_databases.build(tmp_path_factory.mktemp(request.param))[request.param]
    with Executor(path) as executor:
        yield executor


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        ([], [], 1.0),
        ([], [(1,)], 0.0),
        ([(1,)], [], 0.0),
        ([(1, "a")], [(1, "b")], 0.5),  # 1/2 common, 1/2 alone, 1/2 missed
        ([(1,)], [(1, 2)], 2 / 3),  # 1 common, 1 alone: precision 1/2
        ([(1, 2)], [(1,)], 2 / 3),  # 1/2 common, 1/2 missed: recall 1/2
        ([(1, 2)], [(1, 1)], 0.8),  # 2/2 common, 1/2 missed: recall 2/3
        ([(1,), (2,)], [(1,)], 2 / 3),
        ([(1,)], [(1,), (2,)], 2 / 3),
        ([(1, "a")], [("a", 1)], 1.0),
        ([(1, 1.0)], [(1.0, True)], 1.0),
        ([(1,), (1,), (2,)], [(1,), (2,)], 1.0),
        ([(1,), (2,)], [(2,), (1,)], 0.0),
        ([(None,)], [(None,)], 1.0),
        ([("1",)], [(1,)], 0.0),
    ],
)
def test_soft_f1_equals_the_count_by_hand(gold: list, predicted: list, expected: float) -> None:
    assert rows_f1(gold, predicted) == pytest.approx(expected, abs=1e-15)


@given(ROWS, ROWS)
def test_soft_f1_lies_between_none_and_all(gold: list, predicted: list) -> None:
    assert 0.0 <= rows_f1(gold, predicted) <= 1.0


@given(ROWS, st.randoms())
def test_soft_f1_ignores_the_places_of_columns_and_repeated_rows(gold: list, random) -> None:
    order = random.sample(range(len(gold[0])), len(gold[0])) if gold else []
    turned = [tuple(row[i] for i in order) for row in gold]
    once = list(dict.fromkeys(gold))
    assert rows_f1(once, [*once, *gold]) == 1.0
    if len(set(turned)) == len(set(gold)):
        assert rows_f1(gold, turned) == pytest.approx(1.0)


def test_soft_f1_compares_what_other_engines_return() -> None:
    rows = [([1, 2], {"a": math.nan}, Decimal("1.5")), ([3], {"a": 1}, None)]
    again = [([1, 2], {"a": math.nan}, Decimal("1.5")), ([3], {"b": 1}, math.nan)]
    assert rows_f1(rows, rows) == 1.0
    assert rows_f1(rows, again) == pytest.approx(4 / 6)


def test_soft_f1_of_results_with_thousands_of_columns_is_found() -> None:
    gold = [tuple(range(i, i + 2_000)) for i in range(100)]
    predicted = [tuple(range(i + 1_000, i + 3_000)) for i in range(100)]
    assert rows_f1(gold, predicted) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        (GOLD, 1.0),
        ("SELECT name, id FROM member", 1.0),
        ("SELECT id FROM member", 2 / 3),  # half of each row
        ("SELECT id, name FROM member WHERE id < 4", 6 / 7),  # three rows of four
        ("SELECT nme FROM member", 0.0),
        ("DELETE FROM member", 0.0),
        ("", 0.0),
    ],
)
def test_soft_f1_runs_both_queries(clubs: Executor, predicted: str, expected: float) -> None:
    pair = make_pair(clubs, GOLD, predicted, lambda sql: None)
    assert bird_metrics.soft_f1(pair) == pytest.approx(expected)


def test_soft_f1_names_gold_that_does_not_run(clubs: Executor) -> None:
    pair = make_pair(clubs, "SELECT nme FROM member", GOLD, lambda sql: None)
    with pytest.raises(GoldError, match="nme"):
        bird_metrics.soft_f1(pair)


@pytest.mark.spider
@pytest.mark.parametrize(("system", "total"), [("dbgpt_lora", 634.0224591967452)])
def test_soft_f1_of_published_predictions_is_the_official_one(
    spider: Path, system: str, total: float
) -> None:
    """The total is that of the official function on the results of Python's sqlite3."""
    gold = read_gold(spider / "dev_gold.sql")
    predictions = read_predictions(spider / "predictions" / f"{system}.sql", gold)
    found = 0.0
    with Executor() as executor:
        for example, predicted in zip(gold, predictions, strict=True):
            path = spider / "database" / example.db_id / f"{example.db_id}.sqlite"
            pair = make_pair(executor, example.query, predicted, lambda sql: None)
            found += bird_metrics.soft_f1(
                replace(pair, run=partial(executor.execute, database=path, max_rows=1_000_000))
            )
    assert found == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize(
    ("gold_seconds", "predicted_seconds", "efficiency", "rewarded"),
    [
        (4.0, 1.0, 2.0, 1.25),
        (2.0, 1.0, math.sqrt(2), 1.25),
        (1.0, 1.0, 1.0, 1.0),
        (0.9, 1.0, math.sqrt(0.9), 0.75),
        (0.5, 1.0, math.sqrt(0.5), 0.75),
        (0.3, 1.0, math.sqrt(0.3), 0.5),
        (0.1, 1.0, math.sqrt(0.1), 0.25),
    ],
)
def test_efficiency_is_the_root_of_the_ratio_or_of_its_reward(
    clubs: Executor, gold_seconds, predicted_seconds, efficiency, rewarded
) -> None:
    clock = {GOLD: gold_seconds, SAME: predicted_seconds}
    pair = make_pair(clubs, GOLD, SAME, clock.__getitem__)
    assert bird_metrics.ves(pair) == pytest.approx(efficiency)
    assert bird_metrics.r_ves(pair) == pytest.approx(math.sqrt(rewarded))


def test_each_statement_runs_a_hundred_times_in_turn(clubs: Executor) -> None:
    asked: list[str] = []
    pair = make_pair(clubs, GOLD, SAME, lambda sql: asked.append(sql) or 1.0)
    bird_metrics.ves(pair)
    assert asked == [SAME, GOLD] * 100
    bird_metrics.r_ves(pair, iterations=3)
    assert len(asked) == 206


@pytest.mark.parametrize(
    "predicted", ["SELECT id FROM member", "SELECT nme FROM member", "DROP TABLE member", ""]
)
def test_a_wrong_prediction_scores_nothing_and_is_not_timed(
    clubs: Executor, predicted: str
) -> None:
    def clock(sql: str) -> float:
        raise AssertionError("timed")

    pair = make_pair(clubs, GOLD, predicted, clock)
    assert bird_metrics.ves(pair) == bird_metrics.r_ves(pair) == 0.0


def test_a_prediction_that_fails_in_a_later_run_scores_nothing(clubs: Executor) -> None:
    runs = count()
    pair = make_pair(clubs, GOLD, SAME, lambda sql: 1.0 if next(runs) < 10 else None)
    assert bird_metrics.ves(pair) == 0.0


def test_gold_that_fails_in_a_later_run_is_named(clubs: Executor) -> None:
    pair = make_pair(clubs, GOLD, SAME, {SAME: 1.0, GOLD: None}.__getitem__)
    with pytest.raises(GoldError, match="ran once, then failed"):
        bird_metrics.r_ves(pair)


def test_a_clock_that_stands_still_does_not_divide_by_zero(clubs: Executor) -> None:
    clock = {GOLD: 1.0, SAME: 0.0}
    assert math.isfinite(bird_metrics.ves(make_pair(clubs, GOLD, SAME, clock.__getitem__)))


def test_fewer_than_one_run_is_refused(clubs: Executor) -> None:
    with pytest.raises(SettingsError, match="at least 1 iteration, not 0"):
        bird_metrics.ves(make_pair(clubs, GOLD, SAME, lambda sql: 1.0), iterations=0)


def test_ratios_far_from_the_mean_are_left_out() -> None:
    assert mean_of_usual([1.0, 3.0] * 50 + [1_000.0]) == 2.0
    assert mean_of_usual([2.0] * 100) == 2.0
    assert mean_of_usual([0.5]) == 0.5


@given(st.lists(st.floats(1e-3, 1e3), min_size=1))
def test_the_mean_of_usual_values_lies_among_them(values: list[float]) -> None:
    found = mean_of_usual(values)
    assert min(values) <= found * (1 + 1e-12) and found <= max(values) * (1 + 1e-12)


@given(st.floats(0, 10), st.floats(0, 10))
def test_a_better_ratio_never_has_a_smaller_reward(one: float, other: float) -> None:
    assert reward(min(one, other)) <= reward(max(one, other))


def test_both_engines_are_timed(engine: Executor) -> None:
    gold, same = "SELECT max(v) FROM t", "SELECT v FROM t ORDER BY v DESC LIMIT 1"
    pair = make_pair(engine, gold, same, partial(watch, engine))
    assert bird_metrics.ves(pair, iterations=3) > 0
    found = bird_metrics.r_ves(pair, iterations=3)
    assert any(found == math.sqrt(one) for one in (0.25, 0.5, 0.75, 1.0, 1.25))
