"""pass@k against its definition, votes on results, and both on a real database."""

import json
import sqlite3
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2sql import scoring
from text2sql.errors import DataError, GoldError, SettingsError, UnknownName
from text2sql.examples import Example
from text2sql.execution import Executor
from text2sql.scoring.bird_metrics import soft_f1
from text2sql.scoring.sampled import majority_vote, pass_at_k, score_samples

GOLD = [
    "SELECT name FROM member",
    "SELECT count(*) FROM club WHERE city = 'Ulm'",
    "SELECT title FROM club ORDER BY title",
]
EXAMPLES = [Example(i, f"question {i}", (sql,), "clubs") for i, sql in enumerate(GOLD)]
WRONG, BROKEN = "SELECT 7", "SELECT nme FROM member"


@dataclass(frozen=True)
class Result:
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    truncated: bool = False
    error: str | None = None


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("database")
    (folder / "clubs").mkdir()
    with sqlite3.connect(folder / "clubs" / "clubs.sqlite") as connection:
        connection.executescript((Path(__file__).parent / "data" / "clubs.sql").read_text())
    connection.close()
    return folder


def accuracy(scores: scoring.Scores, metric: str, group: str = "all") -> float | None:
    return scores.scorecard["metrics"][metric][group]["accuracy"]


@given(st.lists(st.booleans(), min_size=1, max_size=7), st.data())
def test_pass_at_k_is_the_share_of_draws_that_hold_a_right_sample(
    right: list[bool], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(right)))
    draws = [any(draw) for draw in combinations(right, k)]
    assert pass_at_k(len(right), sum(right), k) == sum(draws) / len(draws)


def test_pass_at_k_of_many_samples_is_exact() -> None:
    assert pass_at_k(10_000, 1, 100) == 0.01
    assert pass_at_k(10_000, 0, 5_000) == 0.0
    assert pass_at_k(10_000, 5_001, 5_000) == 1.0


@pytest.mark.parametrize(("n", "c", "k"), [(5, 1, 6), (5, 1, 0), (0, 0, 1), (5, 6, 1), (5, -1, 1)])
def test_pass_at_k_refuses_what_cannot_be(n: int, c: int, k: int) -> None:
    with pytest.raises(SettingsError, match=f"of {n} samples"):
        pass_at_k(n, c, k)


@pytest.mark.parametrize(
    ("right", "expected"), [(1, (0.25, 0.5, 1)), (0, (0, 0, 0)), (4, (1, 1, 1))]
)
def test_pass_at_k_of_four_samples(right: int, expected: tuple[float, ...]) -> None:
    assert tuple(pass_at_k(4, right, k) for k in (1, 2, 4)) == pytest.approx(expected)


def test_the_commonest_result_wins_the_vote() -> None:
    one, two = Result([(1, "a"), (2, "b")]), Result([("b", 2), ("a", 1)])
    assert majority_vote([Result([(9,)]), one, Result([(8,)]), two]) == 1


def test_of_equally_common_results_the_first_wins() -> None:
    one, two = Result([(1,)]), Result([(2,)])
    assert majority_vote([two, one, one, two]) == 0
    assert majority_vote([Result(), one]) == 0


def test_samples_that_fail_or_are_cut_do_not_vote() -> None:
    failed, cut = Result(error="no such column"), Result([(1,)], truncated=True)
    assert majority_vote([failed, cut, failed, cut, Result([(2,)])]) == 4
    assert majority_vote([failed, cut]) == 0


def test_votes_count_on_values_of_other_engines() -> None:
    strange = Result([([1], {"a": float("nan")}, None)])
    again = Result([([1], {"a": float("nan")}, None)])
    assert majority_vote([Result([(1,)]), strange, again]) == 1


def test_samples_are_scored_together(databases: Path) -> None:
    samples = [
        [WRONG, GOLD[0], GOLD[0], BROKEN],  # two of four right; the vote is right
        [WRONG, WRONG, GOLD[1], ""],  # one of four right; the vote is wrong
        [BROKEN, GOLD[2], "DROP TABLE club", None],  # one right, and nothing else votes
    ]
    scores = score_samples(samples, EXAMPLES, databases, k=(4, 1, 2))
    assert scores.metrics == ("pass@1", "pass@2", "pass@4", "majority_vote")
    assert [verdict.values["pass@1"] for verdict in scores.verdicts] == [0.5, 0.25, 0.25]
    assert accuracy(scores, "pass@2") == pytest.approx((5 / 6 + 1 / 2 + 1 / 2) / 3)
    assert accuracy(scores, "pass@4") == 1.0
    assert [verdict.values["majority_vote"] for verdict in scores.verdicts] == [1, 0, 1]
    share = scores.scorecard["metrics"]["majority_vote"]["all"]
    assert (share["n"], share["correct"]) == (3, 2)


def test_levels_and_manifest_come_with_the_figures(databases: Path) -> None:
    scores = score_samples([[sql] for sql in GOLD], EXAMPLES, databases)
    levels = scores.scorecard["metrics"]["pass@1"]
    assert {level: levels[level]["n"] for level in scoring.LEVELS} == {
        "easy": 3,
        "medium": 0,
        "hard": 0,
        "extra": 0,
    }
    manifest = scores.manifest
    assert manifest["scoring"] == {"metric": "execution_accuracy", "samples": 1, "missing": 0}
    assert manifest["metrics"] == ["pass@1", "majority_vote"]


def test_missing_samples_count_as_wrong(databases: Path) -> None:
    samples = [[GOLD[0], GOLD[0]], [GOLD[1]], []]
    scores = score_samples(samples, EXAMPLES, databases)
    assert [verdict.values["pass@1"] for verdict in scores.verdicts] == [1.0, 0.5, 0.0]
    assert [verdict.values["majority_vote"] for verdict in scores.verdicts] == [1, 1, 0]
    assert scores.manifest["scoring"]["missing"] == 3
    assert scores.verdicts[2].error == "the prediction is empty"


def test_one_sample_scores_as_the_metric_does(databases: Path) -> None:
    predictions = [GOLD[0], WRONG, BROKEN]
    one = score_samples([[sql] for sql in predictions], EXAMPLES, databases)
    plain = scoring.score(predictions, EXAMPLES, databases)
    for ours, theirs in zip(one.verdicts, plain.verdicts, strict=True):
        assert ours.values["pass@1"] == ours.values["majority_vote"]
        assert ours.values["pass@1"] == theirs.values["execution_accuracy"]
        assert (ours.error, ours.hardness) == (theirs.error, theirs.hardness)


def test_the_metric_decides_what_is_right(databases: Path) -> None:
    turned = [["SELECT 0 + count(*), 1 FROM club"], ["SELECT 2"], ["SELECT title FROM club"]]
    by_spider = score_samples(turned, EXAMPLES, databases)
    by_bird = score_samples(turned, EXAMPLES, databases, metric="bird_execution_accuracy")
    assert [v.values["pass@1"] for v in by_spider.verdicts] == [0, 1, 0]
    assert [v.values["pass@1"] for v in by_bird.verdicts] == [0, 1, 1]
    assert by_bird.manifest["scoring"]["metric"] == "bird_execution_accuracy"


def test_the_official_options_decide_what_is_right(databases: Path) -> None:
    examples = [Example(0, "?", ("SELECT title FROM club WHERE id = 1",), "clubs")]
    doubled = [["SELECT DISTINCT c.title FROM club c, club d WHERE c.id = 1"] * 2]
    doubled[0][1] = doubled[0][1].replace("DISTINCT ", "")
    kept = score_samples(doubled, examples, databases, keep_distinct=True)
    assert kept.manifest["scoring"]["metric"] == "execution_accuracy_keep_distinct"
    assert kept.verdicts[0].values["pass@1"] == 0.5
    assert accuracy(score_samples(doubled, examples, databases), "pass@1") == 0.0
    values = [["SELECT title FROM club WHERE id = 2"]]
    plugged = score_samples(values, examples, databases, plug_value=True)
    assert (accuracy(plugged, "pass@1"), plugged.manifest["scoring"]["plug_value"]) == (1.0, True)


def test_the_same_sql_runs_once(databases: Path) -> None:
    ran: list[str] = []
    with Executor(databases / "clubs" / "clubs.sqlite") as executor:

        def run(sql: str, database: object) -> object:
            ran.append(sql)
            return executor.execute(sql)

        samples = [[GOLD[0], WRONG] * 20, [GOLD[1]] * 40, [GOLD[2]] * 40]
        score_samples(samples, EXAMPLES, databases, run=run, workers=1)
    assert len(ran) == len(set(ran)) == 4


def test_files_of_an_evaluation_are_read(databases: Path, tmp_path: Path) -> None:
    records = [
        {"index": 2, "db_id": "clubs", "sql": "", "candidates": []},  # a refused prompt
        {"index": 0, "db_id": "clubs", "sql": WRONG, "candidates": [{"sql": WRONG}, {"sql": None}]},
        {"index": 1, "db_id": "clubs", "sql": WRONG, "candidates": [WRONG, GOLD[1]]},
    ]
    path = tmp_path / "predictions.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    scores = score_samples(path, EXAMPLES, databases)
    assert [verdict.values["pass@2"] for verdict in scores.verdicts] == [0.0, 1.0, 0.0]
    assert scores.manifest["scoring"]["missing"] == 2


def test_verdicts_are_written_as_any_other(databases: Path, tmp_path: Path) -> None:
    scores = score_samples([[GOLD[0], WRONG], [WRONG] * 2, [GOLD[2]] * 2], EXAMPLES, databases)
    scoring.write_verdicts(scores, tmp_path / "verdicts.jsonl")
    records = [json.loads(line) for line in (tmp_path / "verdicts.jsonl").read_text().splitlines()]
    assert [record["pass@1"] for record in records] == [0.5, 0.0, 1.0]
    assert [record["majority_vote"] for record in records] == [1, 0, 1]


def test_gold_that_does_not_run_raises_or_has_no_value(databases: Path) -> None:
    examples = [*EXAMPLES, Example(3, "?", (BROKEN,), "clubs")]
    samples = [[sql, sql] for sql in [*GOLD, GOLD[0]]]
    with pytest.raises(GoldError, match="example 3"):
        score_samples(samples, examples, databases)
    scores = score_samples(samples, examples, databases, skip_bad_gold=True)
    assert scores.scorecard["bad_gold"] == 1
    assert scores.verdicts[3].values == dict.fromkeys(scores.metrics)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": (1, 3)}, SettingsError, "pass@3 of 2 samples"),
        ({"k": (0,)}, SettingsError, "pass@0 of 2 samples"),
        ({"metric": "execution_acuracy"}, UnknownName, "did you mean 'execution_accuracy'"),
        ({"metric": soft_f1}, SettingsError, "soft_f1 has degrees"),
    ],
)
def test_what_cannot_be_asked_is_refused(databases: Path, options, error, message) -> None:
    samples = [["SELECT id, name FROM member", WRONG]] * 3
    with pytest.raises(error, match=message):
        score_samples(samples, EXAMPLES, databases, **options)


def test_as_many_lists_of_samples_as_questions_are_needed(databases: Path) -> None:
    with pytest.raises(DataError, match="samples of 2 questions for 3 gold queries"):
        score_samples([[WRONG], [WRONG]], EXAMPLES, databases)


def test_progress_counts_questions(databases: Path) -> None:
    seen: list[tuple[int, int]] = []
    score_samples([[WRONG]] * 3, EXAMPLES, databases, progress=lambda *at: seen.append(at))
    assert seen == [(1, 3), (2, 3), (3, 3)]
