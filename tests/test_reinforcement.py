"""Reinforcement: our token ids, rewards by execution, and runs that go on as if never killed."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from text2sql.bases import find_base, load_tokenizer
from text2sql.data.catalog import find_dataset
from text2sql.errors import DataError, SettingsError
from text2sql.prompting import encode, fit
from text2sql.stage_runs import open_judge
from text2sql.training.recipe import Recipe, read_recipe
from text2sql.training.reinforcement import (
    Policy,
    check_batches,
    encode_prompts,
    fit_policy,
    rewards,
)
from text2sql.training.sft import load_trainable
from text2sql.training.stage_settings import Grpo

SOURCE = {"revision": None, "trust_remote_code": None}
SETTINGS = Grpo(
    num_generations=2,
    max_completion_length=4,
    mask_truncated_completions=False,
    reward_weights={"validity": 1.0},
)


def recipe(base: Path, **settings) -> Recipe:
    short = {"data": "samples", "max_steps": 4, "logging_steps": 1, "save_steps": 1}
    short["style"] = "compact"
    size = {"max_length": 4096, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 1}
    return read_recipe(
        None, base=str(base), today="2026-01-01", learning_rate=1e-2, **(short | size | settings)
    )


def length(completions, **columns) -> list[float]:
    return [float(len(text)) for text in completions]


def fitted_policy(base_folder: Path, folder: Path, made: Recipe, questions: int = 2):
    base = find_base(str(base_folder))
    tokenizer = load_tokenizer(base)
    dataset = find_dataset("samples", split="train", limit=questions)
    prompts = encode_prompts(dataset, base, tokenizer, made, SETTINGS)
    model = load_trainable(base, made, None, SOURCE)
    policy = Policy(model, tokenizer, base, [length])
    return fit_policy(policy, made, SETTINGS, prompts, folder)


def adapter_of(model) -> dict:
    return {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}


def test_prompts_are_the_ids_of_serving_and_carry_their_gold(tiny_llama):
    base, made = find_base(str(tiny_llama)), recipe(tiny_llama)
    tokenizer = load_tokenizer(base)
    dataset = find_dataset("samples", split="train", limit=3)
    prompts = encode_prompts(dataset, base, tokenizer, made, SETTINGS)

    for row, e in zip(prompts.rows, dataset.examples, strict=True):
        fitted = fit(
            e.question,
            dataset.schema(e.db_id),
            base=base,
            tokenizer=tokenizer,
            max_length=4000,
            style="compact",
            today=date(2026, 1, 1),
            evidence=e.evidence,
            sample=dataset.sample(e.db_id),
        )
        assert prompts.ids[row["prompt"]] == encode(fitted.prompt, tokenizer).ids
        assert (row["db_id"], row["queries"]) == (e.db_id, list(e.queries))


def test_a_run_that_was_killed_in_its_second_epoch_ends_with_the_same_weights(tiny_llama, tmp_path):
    made = recipe(tiny_llama, max_steps=6)  # of three questions, one a step
    whole, ended, figures = fitted_policy(tiny_llama, tmp_path / "run", made, questions=3)
    left = adapter_of(whole)
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "checkpoint-6")
    right = adapter_of(fitted_policy(tiny_llama, tmp_path / "run", made, questions=3)[0])

    assert ended.steps == 6 and figures["reward_first"] > 0
    assert any(value.abs().sum() > 0 for name, value in left.items() if "lora_B" in name)
    assert left.keys() == right.keys() and all((left[k] == right[k]).all() for k in left)


def test_rewards_read_a_completion_as_prediction_does(samples):
    dataset = find_dataset("samples", split="train", limit=2)
    base = find_base("qwen2.5-coder-7b")
    gold = [e.query for e in dataset.examples]
    columns = {"db_id": [e.db_id for e in dataset.examples], "queries": [[q] for q in gold]}
    weights = {"execution": 1.0, "format": 0.1}
    with open_judge(dataset, None) as judge:
        execution, form = rewards(judge, dataset, base, weights)
        texts = [f"```sql\n{gold[0]}\n```", f"It is:\n```sql\n{gold[1]};\n```\nDone."]
        assert execution(completions=texts, **columns) == [1.0, 1.0]
        assert form(completions=texts, **columns)[1] == 0.0


def test_batches_that_cannot_hold_whole_groups_are_refused(tiny_llama):
    made = recipe(tiny_llama, per_device_train_batch_size=3)

    with pytest.raises(SettingsError, match="is 3: it must be a multiple of num_generations, 2"):
        check_batches(made, SETTINGS)
    with pytest.raises(DataError, match="1 prompts are fewer than the 2 of one step"):
        check_batches(recipe(tiny_llama, per_device_train_batch_size=4), SETTINGS, 1)
