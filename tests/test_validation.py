"""Accuracy while a model trains: measured without a trace, it ends a run and picks its weights."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from text2sql.data.catalog import find_dataset
from text2sql.errors import DatabaseError, SettingsError, TrainingError
from text2sql.training.history import Accuracy, History, Snapshot
from text2sql.training.recipe import read_recipe

SHORT = {"data": "samples", "max_steps": 6, "save_steps": 4, "logging_steps": 1, "eval_steps": 2}
SHORT |= {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 1, "style": "compact"}


def train(base: Path, output: Path, measure: Callable | None, *, resume: bool = False, **settings):
    from text2sql.training.sft import train

    recipe = read_recipe(None, base=str(base), output_dir=str(output), **(SHORT | settings))
    examples = find_dataset("samples", split="train", limit=6)
    return train(recipe, examples, measure=measure, resume=resume)


def saved(folder: Path) -> dict:
    from safetensors.torch import load_file

    return load_file(folder / "adapter_model.safetensors")


def same(left: dict, right: dict) -> bool:
    return left.keys() == right.keys() and all((left[key] == right[key]).all() for key in left)


class Scripted:
    """Measures nothing: gives the counts it was told, by step, and keeps the weights it was shown.

    It draws random numbers, as sampling would.
    """

    def __init__(self, correct: Sequence[int], *, gone_at: int | None = None) -> None:
        self.correct, self.gone_at, self.seen = correct, gone_at, {}

    def __call__(self, snapshot: Snapshot) -> Accuracy:
        import random

        import torch
        from peft import get_peft_model_state_dict

        if snapshot.step == self.gone_at:
            raise DatabaseError("no database for db_id 'shop'")
        assert not snapshot.model.training and not torch.is_grad_enabled()
        random.random(), torch.rand(3)
        state = get_peft_model_state_dict(snapshot.model)
        self.seen[snapshot.step] = {key: value.clone() for key, value in state.items()}
        return Accuracy(snapshot.step, self.correct[snapshot.step // 2 - 1], 10)


def test_a_run_that_measures_has_the_weights_of_one_that_does_not(tiny_llama, tmp_path):
    noisy = {"lora_dropout": 0.2, "gradient_checkpointing": True}
    train(tiny_llama, tmp_path / "plain", None, eval_steps=None, **noisy)
    train(tiny_llama, tmp_path / "measured", Scripted([1, 2, 3]), **noisy)

    assert same(saved(tmp_path / "plain"), saved(tmp_path / "measured"))


def test_the_adapter_of_the_best_accuracy_is_published_and_said(tiny_llama, tmp_path, capsys):
    measure = Scripted([3, 7, 5])
    run = train(tiny_llama, tmp_path / "run", measure)

    assert run.steps == 6 and run.published == Accuracy(4, 7, 10)
    assert same(saved(run.folder), measure.seen[4]) and not same(saved(run.folder), measure.seen[6])
    said = capsys.readouterr().err
    assert "step 4/6  execution accuracy 70.0% (7 of 10" in said
    assert "published: the adapter of step 4 of 6, execution accuracy 70.0%" in said


def test_the_last_adapter_is_published_where_the_recipe_says_so(tiny_llama, tmp_path):
    measure = Scripted([3, 7, 5])
    run = train(tiny_llama, tmp_path / "run", measure, load_best=False)

    assert run.published == Accuracy(6, 5, 10)
    assert same(saved(run.folder), measure.seen[6])


def test_training_stops_where_accuracy_stands_still_and_stays_stopped(tiny_llama, tmp_path):
    measure = Scripted([7, 5, 6])
    settings = {"max_steps": 10, "early_stopping_patience": 2, "load_best": False}
    run = train(tiny_llama, tmp_path / "run", measure, **settings)
    stopped = saved(run.folder)
    again = train(tiny_llama, run.folder, Scripted([]), resume=True, **settings)

    assert run.steps == again.steps == 6
    assert same(stopped, measure.seen[6]) and same(stopped, saved(again.folder))


def test_a_run_whose_database_vanished_goes_on_where_its_last_checkpoint_was(tiny_llama, tmp_path):
    undisturbed = train(tiny_llama, tmp_path / "whole", Scripted([7, 5, 6]))
    with pytest.raises(TrainingError, match=r"at step 6: no database .* checkpoint is kept"):
        train(tiny_llama, tmp_path / "run", Scripted([7, 5, 6], gone_at=6))
    assert not (tmp_path / "run" / "adapter_model.safetensors").exists()
    measure = Scripted([0, 0, 6])
    resumed = train(tiny_llama, tmp_path / "run", measure, resume=True)

    assert sorted(measure.seen) == [6]  # the others were known
    assert resumed.published == undisturbed.published == Accuracy(2, 7, 10)
    assert same(saved(resumed.folder), saved(undisturbed.folder))
    steps = [[r["step"] for r in History(f.folder).records()] for f in (resumed, undisturbed)]
    assert steps[0] == steps[1]


def test_eval_steps_without_anything_to_measure_with_is_refused(tiny_llama, tmp_path):
    with pytest.raises(SettingsError, match="eval_steps is set"):
        train(tiny_llama, tmp_path / "run", None)


def test_weights_that_are_spread_over_processes_are_not_measured(monkeypatch, tiny_llama, tmp_path):
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(SettingsError, match="FSDP and ZeRO-3 spread them"):
        train(tiny_llama, tmp_path / "run", Scripted([1, 2, 3]))


@pytest.mark.parametrize("packing", ["prefix", "none"])
def test_what_is_measured_is_what_the_published_adapter_answers(packing, tiny_llama, tmp_path):
    from text2sql.decoding.generation import Decoding
    from text2sql.evaluation import evaluate
    from text2sql.measuring import dev_sample
    from text2sql.models import open_model

    settings = SHORT | {"eval_limit": 3, "seed": 5, "packing_strategy": packing}
    recipe = read_recipe(None, base=str(tiny_llama), **settings)
    training = find_dataset("samples", split="train", limit=6)
    decoding = Decoding(max_new_tokens=32, constraint="none")
    sample = dev_sample(recipe, training, decoding=decoding)
    run = train(tiny_llama, tmp_path / "run", sample.measure, load_best=False, **settings)
    with open_model(adapter=run.folder) as model:
        today = date.fromisoformat(read_recipe(run.folder / "recipe.yaml").today)
        whole = evaluate(sample.dataset, model, tmp_path / "eval", decoding=decoding, today=today)

    measured, evaluated = map(answers, (run.folder / "evaluations/step-6", whole.folder))
    assert measured == evaluated and all(measured)
    found = whole.scorecard["metrics"]["execution_accuracy"]["all"]
    assert run.published == Accuracy(6, found["correct"], found["n"])


def answers(folder: Path) -> list[str]:
    """Return what a model wrote, SQL or not."""
    lines = (folder / "predictions.jsonl").read_text().splitlines()
    candidates = [json.loads(line)["candidates"][0] for line in lines]
    return [candidate.get("text", candidate["sql"]) for candidate in candidates]
