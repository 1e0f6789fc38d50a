"""Evaluation: what the folder holds; a killed run ends with the scores of an undisturbed one."""

import json
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import forked
import pytest
from scripted import scripted_answers, scripted_data, scripted_model

from text2sql import reporting
from text2sql.data.catalog import find_dataset
from text2sql.decoding.generation import Decoding, batches
from text2sql.errors import GoldError, OutputError, SettingsError
from text2sql.evaluation import evaluate
from text2sql.models import CALL_BATCHES, open_model

# a random model: what the constraint makes of its tokens is tested elsewhere
SHORT = Decoding(max_new_tokens=8, batch_size=4, constraint="none")
TODAY = date(2026, 1, 1)


def run(base: Path, output: Path, *, decoding: Decoding = SHORT, limit: int = 20, **options):
    dataset = find_dataset("samples", split="dev", limit=limit)
    with open_model(str(base)) as model:
        return evaluate(dataset, model, output, decoding=decoding, today=TODAY, **options)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def without_times(records: list[dict]) -> list[dict]:
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


def test_the_folder_holds_predictions_verdicts_scorecard_and_report(tiny_llama, tmp_path):
    result = run(tiny_llama, tmp_path / "out", limit=6)

    predictions, verdicts = (
        lines(tmp_path / "out/predictions.jsonl"),
        lines(tmp_path / "out/verdicts.jsonl"),
    )
    card = json.loads((tmp_path / "out/scorecard.json").read_text())
    assert [p["index"] for p in predictions] == [v["index"] for v in verdicts] == list(range(6))
    assert {"db_id", "question", "sql", "candidates", "seconds"} <= predictions[0].keys()
    assert {"db_id", "hardness", "execution_accuracy", "error"} <= verdicts[0].keys()
    assert card["metrics"]["execution_accuracy"]["all"]["n"] == 6 == result.scorecard["n"]
    assert (
        card["manifest"]["split"] == "dev" and card["manifest"]["decoding"]["max_new_tokens"] == 8
    )
    assert (
        predictions[0]["question"] in (tmp_path / "out/report.html").read_text()
        or card["failed"] == 0
    )


def test_a_killed_run_resumes_and_ends_as_an_undisturbed_one(tiny_llama, tmp_path):
    whole = run(tiny_llama, tmp_path / "whole")
    process = forked.start(run, tiny_llama, tmp_path / "killed")
    path = tmp_path / "killed" / "predictions.jsonl"
    while process.is_alive() and (not path.exists() or len(path.read_text().splitlines()) < 5):
        time.sleep(0.01)
    process.kill()
    process.join()
    with path.open("a") as file:
        file.write('{"index": 19, "db_')  # a line that was being written
    resumed = run(tiny_llama, tmp_path / "killed", resume=True)

    left, right = (lines(tmp_path / name / "predictions.jsonl") for name in ("whole", "killed"))
    assert without_times(left) == without_times(right)
    assert whole.scorecard["metrics"] == resumed.scorecard["metrics"]


def test_samples_of_a_seed_are_the_same_again_and_those_of_another_are_not(tiny_llama, tmp_path):
    def texts(name: str, seed: int) -> list:
        decoding = replace(SHORT, num_samples=3, seed=seed)
        run(tiny_llama, tmp_path / name, decoding=decoding, limit=4)
        return without_times(lines(tmp_path / name / "predictions.jsonl"))

    first = texts("a", 1)
    assert first == texts("b", 1) != texts("c", 2)
    assert len(first[0]["candidates"]) == 3
    card = json.loads((tmp_path / "a" / "scorecard.json").read_text())
    assert list(card["samples"]) == ["pass@1", "pass@2", "pass@3", "majority_vote"]
    assert "all samples: pass@1 " in reporting.decoding_summary(card)


def wrong(sql: str) -> str:
    return "SELECT 7"


def same(sql: str) -> str:
    return f"SELECT * FROM ({sql.rstrip(';')})"


def broken(sql: str) -> str:
    return "SELECT nowhere FROM customers"


def sampled(samples, folder: Path, *texts, selection: str = "first", **options):
    """Evaluate a model whose samples are made of the gold SQL."""
    dataset = scripted_data(samples, folder)
    model = scripted_model(scripted_answers(dataset, *texts))
    decoding = Decoding(num_samples=len(texts), selection=selection, batch_size=2)
    result = evaluate(dataset, model, folder / "out", decoding=decoding, today=TODAY, **options)
    return result.scorecard, lines(folder / "out/predictions.jsonl")


def accuracy(card: dict) -> float:
    return card["metrics"]["execution_accuracy"]["all"]["accuracy"]


def test_the_selection_decides_what_is_scored(samples, tmp_path):
    accuracies = {}
    for selection in ("first", "vote"):
        (folder := tmp_path / selection).mkdir()
        texts = (broken, wrong, str, same)
        card, records = sampled(samples, folder, *texts, selection=selection)
        accuracies[selection] = accuracy(card)
        assert [len(record["candidates"]) for record in records] == [4] * 4

    assert accuracies == {"first": 0, "vote": 1}
    assert (records[0]["chosen"], records[0]["confidence"]) == (2, 0.5)


def test_both_validity_rates_stand_in_the_scorecard_with_their_layers(samples, tmp_path):
    card, _ = sampled(samples, tmp_path, broken, str, str)

    first = {"n": 4, "valid": 0, "rate": 0.0, "faults": {"columns": 4}}
    assert card["run"]["first_candidate"] == first
    assert card["run"]["chosen"] == {"n": 4, "valid": 4, "rate": 1.0, "faults": {}}
    assert card["run"]["all_candidates"]["n"] == 12 and card["run"]["passed_over"] == 4
    assert "first candidate valid: 0 of 4 (0.0%); refused at: columns 4\nchosen candidate " in (
        reporting.decoding_summary(card)
    )


def test_a_valid_sample_that_fails_when_it_runs_is_counted_and_kept(samples, tmp_path):
    def fails(sql: str) -> str:
        return "SELECT json_extract('{', '$') FROM customers"  # EXPLAIN lets it through

    card, records = sampled(samples, tmp_path, fails, str, selection="executes")

    assert card["run"]["run_errors"] == 4 and accuracy(card) == 1
    assert "JSON" in records[0]["candidates"][0]["run_error"]
    assert "4 valid samples failed when they ran" in reporting.decoding_summary(card)


def test_an_unsure_answer_is_withheld_and_counts_as_wrong(samples, tmp_path):
    card, records = sampled(samples, tmp_path, str, wrong, wrong, abstain_below=0.5)

    reasons = {record["error"] for record in records}
    assert reasons == {"abstained: 33% of the samples agree, below 50%"}
    assert {record["sql"] for record in records} == {""} and accuracy(card) == 0
    assert lines(tmp_path / "out/verdicts.jsonl")[0]["error"].startswith("abstained: 33%")
    assert card["run"]["abstained"] == 4 and card["run"]["chosen"]["valid"] == 4
    assert card["risk_coverage"]["points"][0]["accuracy"] == 1  # had it answered
    assert card["manifest"]["decoding"]["abstain_below"] == 0.5


def test_the_report_plots_accuracy_by_coverage(samples, tmp_path):
    card, _ = sampled(samples, tmp_path, str, same, wrong)
    page = (tmp_path / "out/report.html").read_text()

    (point,) = card["risk_coverage"]["points"]
    assert (point["threshold"], point["coverage"]) == (pytest.approx(2 / 3), 1.0)
    assert card["risk_coverage"]["aurc"] == card["risk_coverage"]["aurc_random"] == 0
    assert "<svg" in page and "Answering only what is sure" in page
    assert "agreement at least" in reporting.decoding_summary(card)


def test_one_sample_has_no_confidence_and_no_curve(samples, tmp_path):
    card, records = sampled(samples, tmp_path, str)

    assert records[0]["confidence"] is None and accuracy(card) == 1
    assert "risk_coverage" not in card and "samples" not in card
    assert "<svg" not in (tmp_path / "out/report.html").read_text()


def test_a_local_model_gets_several_batches_in_one_call(tiny_llama, samples, tmp_path):
    dataset, decoding = scripted_data(samples, tmp_path), Decoding(batch_size=2)
    with open_model(str(tiny_llama)) as local:
        assert local.call_size(decoding) == 2 * CALL_BATCHES
    model = scripted_model(scripted_answers(dataset, str))
    evaluate(dataset, model, tmp_path / "out", decoding=decoding, today=TODAY)

    assert [given["prompts"] for given in model.backend.given] == [2, 2]


def test_a_resumed_run_must_keep_its_settings(tiny_llama, tmp_path):
    run(tiny_llama, tmp_path / "out", limit=4)

    with pytest.raises(OutputError, match=r"cannot resume .*decoding is"):
        run(tiny_llama, tmp_path / "out", limit=4, decoding=replace(SHORT, seed=9), resume=True)
    with pytest.raises(OutputError, match="exists: continue it with --resume"):
        run(tiny_llama, tmp_path / "out", limit=4)


def test_a_question_that_cannot_be_asked_is_a_counted_failure(tiny_llama, tmp_path, samples):
    record = json.loads((samples / "dev.jsonl").read_text().splitlines()[0])
    long = record | {
        "question": "why " * 3000,
        "database": str(samples / "database/energy/energy.sqlite"),
    }
    (tmp_path / "mine.jsonl").write_text(
        "".join(json.dumps(r) + "\n" for r in (long | record, long))
    )
    dataset = find_dataset(str(tmp_path / "mine.jsonl"))
    with open_model(str(tiny_llama)) as model:
        result = evaluate(dataset, model, tmp_path / "out", decoding=SHORT, today=TODAY)

    assert result.scorecard["n"] == 2 and result.scorecard["run"]["refused_prompts"] == 1
    assert "11,999" in lines(tmp_path / "out/predictions.jsonl")[1]["error"]


def test_batches_hold_one_database_and_every_prompt_once():
    plan = batches([5, 3, 9, 1, 4], ["a", "b", "a", "a", "b"], 2)

    assert plan == [[3, 0], [2], [1, 4]]


@pytest.mark.parametrize(
    "settings",
    [{"num_samples": 0}, {"top_p": 0}, {"temperature": -1}, {"num_samples": 2, "temperature": 0}],
)
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises(SettingsError):
        Decoding(**settings)


def test_bad_gold_is_named_before_anything_is_predicted(tiny_llama, tmp_path, samples):
    good = json.loads((samples / "train.jsonl").read_text().splitlines()[0])
    good |= {"database": str(samples / "database/shop/shop.sqlite")}
    records = (good, good | {"query": "SELECT nme FROM customers"}, good | {"db_id": "nowhere"})
    records[2].pop("database")
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    dataset = find_dataset(str(tmp_path / "mine.jsonl"), split="train")
    with open_model(str(tiny_llama)) as model:
        with pytest.raises(
            GoldError, match="example 1 does not run on 'shop': no such column: nme"
        ):
            evaluate(dataset, model, tmp_path / "out", decoding=SHORT, today=TODAY)
        assert not (tmp_path / "out").exists()
        skipped = evaluate(
            dataset, model, tmp_path / "out", decoding=SHORT, today=TODAY, skip_bad_gold=True
        )

    assert (skipped.scorecard["n"], skipped.scorecard["bad_gold"]) == (2, 1)
