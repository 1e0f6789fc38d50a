"""Selections among stored samples: what an evaluation would have scored, without its model."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from scripted import scripted_answers, scripted_data, scripted_model
from typer.testing import CliRunner

from text2sql import reporting
from text2sql.cli import app
from text2sql.decoding.generation import Decoding
from text2sql.errors import DataError, SettingsError, UnknownName
from text2sql.evaluation import evaluate
from text2sql.reselection import reselect

SELECTIONS = ("first", "executes", "vote", "mbr")


@pytest.fixture(scope="module")
def run(samples, tmp_path_factory) -> Path:
    """Evaluate four samples a question: broken, half right, right, right; return the folder."""
    folder = tmp_path_factory.mktemp("run")
    dataset = scripted_data(samples, folder)

    def broken(gold: str) -> str:
        return "SELECT nowhere FROM orders"

    def half(gold: str) -> str:
        return f"SELECT *, 7 FROM ({gold})"

    answers = scripted_answers(dataset, broken, half, str, str)
    decoding = Decoding(num_samples=4, selection="vote")
    model = scripted_model(answers)
    evaluate(dataset, model, folder / "out", decoding=decoding, today=date(2026, 1, 1))
    return folder / "out"


def accuracies(found) -> dict[int, dict[str, float]]:
    return {
        row.k: {name: share.accuracy for name, share in row.selections.items()}
        for row in found.rows
    }


def test_each_k_and_selection_has_its_accuracy(run):
    found = reselect(run, k=[1, 3, 4])

    assert accuracies(found) == {
        1: dict.fromkeys(SELECTIONS, 0),
        3: dict.fromkeys(SELECTIONS, 0),
        4: {"first": 0, "executes": 0, "vote": 1, "mbr": 1},
    }
    assert [row.pass_at_k.accuracy for row in found.rows] == [0.5, 1, 1]
    assert (found.metric, found.n, found.samples, found.left_out) == ("execution_accuracy", 4, 4, 0)


def test_all_samples_score_as_the_evaluation_did(run):
    card = json.loads((run / "scorecard.json").read_text())
    found = reselect(run, selections=["vote"])

    assert [row.k for row in found.rows] == [1, 2, 4]
    whole = found.rows[-1]
    assert (
        whole.selections["vote"].accuracy
        == (card["metrics"]["execution_accuracy"]["all"]["accuracy"])
    )
    assert whole.pass_at_k.accuracy == card["samples"]["pass@4"]["accuracy"]


def test_a_seed_draws_samples_and_draws_them_again(run):
    first, again, other = (
        accuracies(reselect(run, k=[2], seed=seed, selections=["executes"])) for seed in (1, 1, 5)
    )
    both = {seed: accuracies(reselect(run, k=[4], seed=seed)) for seed in (1, 5)}

    assert first == again and first[2]["executes"] + other[2]["executes"] > 0
    assert both[1] == both[5]  # all samples, in the model's order


def test_the_figures_are_written_into_the_run_with_what_they_hold_for(run):
    found = reselect(run, selections=["mbr"], k=[4])
    record = json.loads((run / "selection.json").read_text())

    assert record == json.loads(json.dumps(found.record()))
    assert record["manifest"]["decoding"]["num_samples"] == 4
    assert record["manifest"]["scoring"] == {"selections": ["mbr"], "draw": None}


def test_the_table_has_a_line_for_each_k(run):
    lines = reporting.selection_table(reselect(run, selections=["vote"], k=[1, 4])).splitlines()

    assert lines[0].split() == ["k", "pass@k", "vote"]
    assert lines[2].split() == ["4", "100.0%", "(51.0%", "-", "100.0%)"] * 1 + [
        "100.0%", "(51.0%", "-", "100.0%)"
    ]  # fmt: skip
    assert lines[3].startswith("execution_accuracy of 4 questions, the first k of 4 samples")


def test_another_metric_may_say_what_is_right(run):
    assert reselect(run, metric="strict_execution_accuracy", k=[4]).metric == (
        "strict_execution_accuracy"
    )
    with pytest.raises(SettingsError, match="soft_f1 has degrees"):
        reselect(run, metric="soft_f1", k=[2])


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"k": [5]}, SettingsError, "pass@5 of 4 samples"),
        ({"selections": ["votes"]}, UnknownName, "did you mean 'vote'"),
        ({"metric": "accuracy"}, UnknownName, "no metric 'accuracy'"),
        ({"data": "samples"}, DataError, "samples asks other questions"),
    ],
)
def test_what_cannot_be_asked_is_refused(run, options, error, words):
    with pytest.raises(error, match=words):
        reselect(run, **options)


def test_data_that_moved_is_named_and_data_that_changed_is_refused(run, tmp_path):
    shutil.copytree(run, tmp_path / "out")
    file = Path(json.loads((run / "settings.json").read_text())["files"][0])
    records = [json.loads(line) for line in file.read_text().splitlines()]
    settings = json.loads((tmp_path / "out/settings.json").read_text()) | {"files": []}
    (tmp_path / "out/settings.json").write_text(json.dumps(settings))
    with pytest.raises(DataError, match="name its data set with --data"):
        reselect(tmp_path / "out")
    assert reselect(tmp_path / "out", data=str(file), k=[1]).n == 4
    records[0]["query"] = "SELECT 1"
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    with pytest.raises(DataError, match="the gold of mine train are no longer the run's"):
        reselect(tmp_path / "out", data=str(tmp_path / "mine.jsonl"))


def test_a_folder_that_is_no_run_is_one_clear_line(run, tmp_path):
    with pytest.raises(DataError, match="is no run"):
        reselect(tmp_path)
    shutil.copytree(run, tmp_path / "out")
    (tmp_path / "out/predictions.jsonl").write_text('{"index": 0, "sql": "SELECT 1"}\n')
    with pytest.raises(DataError, match=r"predictions.jsonl:1: no record of t2s eval"):
        reselect(tmp_path / "out")


def test_the_command_prints_the_table_or_json(run):
    words = ["select", str(run), "--selection", "vote", "--k", "1,4"]
    table, document = (CliRunner().invoke(app, [*words, *more]) for more in ([], ["--json"]))

    assert table.output.splitlines()[0].split() == ["k", "pass@k", "vote"]
    assert json.loads(document.stdout) == json.loads((run / "selection.json").read_text())
    assert CliRunner().invoke(app, ["select", str(run), "--k", "1;4"]).exit_code == 2
