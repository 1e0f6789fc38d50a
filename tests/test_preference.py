"""Preference pairs as token ids, and a training on them."""

import json
from datetime import date
from pathlib import Path

import pytest

from text2sql.bases import find_base, load_tokenizer
from text2sql.data.catalog import find_dataset
from text2sql.prompting import encode, encode_completion, fit
from text2sql.training.preference import Pair, encode_pairs, fit_preferences
from text2sql.training.recipe import Recipe, read_recipe
from text2sql.training.sft import load_trainable
from text2sql.training.stage_settings import Dpo

SOURCE = {"revision": None, "trust_remote_code": None}


def recipe(base: Path, **settings) -> Recipe:
    short = {"data": "samples", "max_steps": 3, "logging_steps": 1, "today": "2026-01-01"}
    short["style"] = "compact"
    size = {"max_length": 4096, "per_device_train_batch_size": 2, "learning_rate": 1e-2}
    return read_recipe(None, base=str(base), **(short | size | settings))


def pairs_of(count: int = 4):
    dataset = find_dataset("samples", split="train", limit=count)
    return dataset, [Pair(e, e.query, "SELECT 1 FROM customers", None) for e in dataset.examples]


def test_the_ids_are_those_of_training_and_serving(tiny_llama):
    base = find_base(str(tiny_llama))
    tokenizer, made = load_tokenizer(base), recipe(tiny_llama)
    dataset, pairs = pairs_of()
    encoded = encode_pairs(pairs, dataset, base, tokenizer, made)

    for row, pair in zip(encoded.rows, pairs, strict=True):
        e = pair.example
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
        assert row["prompt_ids"] == encode(fitted.prompt, tokenizer).ids
        assert row["chosen_ids"] == encode_completion(e.query, tokenizer, base, db_id=e.db_id)
        assert row["rejected_ids"][-1] == tokenizer.eos_token_id


def test_a_pair_that_does_not_fit_is_left_out_and_named_never_cut(tiny_llama):
    base = find_base(str(tiny_llama))
    dataset, pairs = pairs_of(2)
    long = Pair(pairs[0].example, pairs[0].chosen, f"SELECT '{'long ' * 1500}'", None)
    encoded = encode_pairs(
        [long, pairs[1]], dataset, base, load_tokenizer(base), recipe(tiny_llama)
    )

    assert len(encoded.rows) == 1 and [skip.index for skip in encoded.skips] == [long.example.index]


@pytest.mark.parametrize("loss", [{}, {"loss_type": ["sigmoid", "sft"], "loss_weights": [1, 0.2]}])
def test_training_on_pairs_prefers_the_right_answer(tiny_llama, tmp_path, loss):
    base, made = find_base(str(tiny_llama)), recipe(tiny_llama)
    tokenizer = load_tokenizer(base)
    encoded = encode_pairs(*reversed(pairs_of()), base, tokenizer, made)
    model = load_trainable(base, made, None, SOURCE)
    _, ended = fit_preferences(model, tokenizer, made, Dpo(**loss), encoded, tmp_path)

    losses = [entry["loss"] for entry in history(tmp_path)]
    assert ended.steps == 3 and losses[-1] < losses[0]
    if not loss:  # the policy is the reference until the first step
        assert losses[0] == pytest.approx(0.693147, abs=1e-4)


def history(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
