"""Sweeps: a file of settings, one model, a folder for each setting, and a comparison."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from scripted import scripted_answers, scripted_data, scripted_model
from typer.testing import CliRunner

from text2sql import reporting
from text2sql.cli import app
from text2sql.decoding.generation import Decoding
from text2sql.errors import OutputError, SettingsError, Text2SQLError
from text2sql.sweeps import read_sweep, sweep

TODAY = date(2026, 1, 1)
TWO = {"vote": Decoding(num_samples=3, selection="vote"), "first": Decoding(num_samples=3)}


def written(folder: Path, text: str) -> Path:
    (folder / "sweep.yaml").write_text(text)
    return folder / "sweep.yaml"


def swept(samples: Path, folder: Path, settings: dict[str, Decoding], **options):
    """Run a sweep on a model whose first sample is wrong and whose others are right."""
    dataset = scripted_data(samples, folder)
    answers = scripted_answers(dataset, lambda gold: "SELECT 7", str, str)
    model = scripted_model(answers)
    record = sweep(dataset, model, folder / "out", settings, today=TODAY, **options)
    return record, model


def test_settings_are_read_over_the_defaults(tmp_path):
    text = "- {name: greedy}\n- {num_samples: 5, selection: vote}\n- temperature: 1e-1\n"
    found = read_sweep(written(tmp_path, text), default=Decoding(max_new_tokens=9))

    assert list(found) == ["greedy", "num_samples=5,selection=vote", "temperature=1e-1"]
    assert found["greedy"] == Decoding(max_new_tokens=9)
    assert found["temperature=1e-1"].temperature == 0.1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("num_samples: 5", "a sweep is a list"),
        ("[]", "a sweep is a list"),
        ("- a: [", "not YAML"),
        ("- greedy", "setting 1 is no mapping"),
        ("- {temprature: 1}", r"no setting 'temprature' .*did you mean 'temperature'"),
        ("- {num_samples: five}", "setting 1: num_samples: input should be a valid integer"),
        ("- {top_p: 2}", "setting 1: top_p must be above 0"),
        ("- {selection: votes}", "no selection 'votes'"),
        ("- {}\n- {}", "setting 2 has the name 'default' of another one"),
        ("- {name: ../x}", "is no name for a folder"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path, text, words):
    with pytest.raises(Text2SQLError, match=words):
        read_sweep(written(tmp_path, text))


def test_a_missing_file_and_a_threshold_without_samples_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot read sweep"):
        read_sweep(tmp_path / "none.yaml")
    with pytest.raises(SettingsError, match="abstain_below compares samples"):
        read_sweep(written(tmp_path, "- {name: greedy}"), abstain_below=0.5)


@pytest.fixture(scope="module")
def two(samples, tmp_path_factory):
    """Run two settings, and one of them with another seed; return the folder and the record."""
    folder = tmp_path_factory.mktemp("sweep")
    settings = TWO | {"again": replace(TWO["vote"], seed=1)}
    return folder / "out", swept(samples, folder, settings)[0]


def test_each_setting_is_an_evaluation_and_stands_beside_the_first(two):
    folder, record = two

    stored = json.loads((folder / "sweep.json").read_text())
    assert stored == json.loads(json.dumps(record))
    assert [run["accuracy"]["accuracy"] for run in record["runs"]] == [1, 0, 1]
    contrast = record["runs"][1]["against_first"]
    assert (contrast["wins"], contrast["losses"], contrast["difference"]) == (0, 4, -1)
    assert contrast["low"] <= contrast["difference"] <= contrast["high"]
    assert contrast["p_holm"] == contrast["p"] == 0.125
    for name in TWO:
        assert (folder / name / "scorecard.json").is_file()


def test_the_table_has_a_line_for_each_setting(two):
    lines = reporting.sweep_table(two[1]).splitlines()

    assert [line.split()[0] for line in lines[:-1]] == ["setting", "vote", "first", "again"]
    assert "-100.0 (-100.0 to -100.0)" in lines[2] and "100.0%" in lines[1]


def test_settings_that_differ_in_the_seed_alone_are_not_contrasted(two):
    record = two[1]

    assert record["runs"][2]["against_first"] is None
    assert reporting.sweep_table(record).splitlines()[3].split()[-2:] == ["-", "-"]


def test_a_sweep_that_was_stopped_continues_as_a_whole(samples, tmp_path):
    swept(samples, tmp_path, {"vote": TWO["vote"]})
    with pytest.raises(OutputError, match="exists: continue it with --resume"):
        swept(samples, tmp_path, TWO)
    record, model = swept(samples, tmp_path, TWO, resume=True)

    assert len(model.backend.asked) == 4  # those of the second setting alone
    assert [run["name"] for run in record["runs"]] == ["vote", "first"]
    with pytest.raises(OutputError, match=r"cannot resume .*vote: decoding is"):
        swept(samples, tmp_path, {"vote": Decoding()}, resume=True)


def test_the_command_evaluates_each_setting_on_one_model(tiny_llama, tmp_path):
    file = written(tmp_path, "- {name: greedy}\n- {num_samples: 2, selection: vote}\n")
    words = ["eval", "samples", "--limit", "3", "--base", str(tiny_llama), "--sweep", str(file)]
    words += ["--max-new-tokens", "8", "--constraint", "none", "--output", str(tmp_path / "out")]
    result = CliRunner().invoke(app, words)

    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[1:3]] == [
        "greedy",
        "num_samples=2,selection=vote",
    ]
    record = json.loads((tmp_path / "out/sweep.json").read_text())
    assert {run["decoding"]["constraint"] for run in record["runs"]} == {"none"}
