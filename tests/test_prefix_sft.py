"""Training on shared rows is training: TRL's losses and weights, resumed, over two processes."""

import os
from pathlib import Path

import forked
import pytest
from prefix_sft import GROUPS, plain_trainer, shared_rows, trainer
from servers import free_port

from text2sql.data.catalog import find_dataset
from text2sql.errors import DataError, SettingsError
from text2sql.training.recipe import read_recipe
from text2sql.training.rows import IGNORED


def separate(rows):
    """Return the examples of an epoch's rows, one after the other, as TRL reads them."""
    for parts in rows.parts:
        for part in parts:
            for question, sql, _ in part.branches:
                before = [*part.shared, *question]
                yield {"input_ids": [*before, *sql], "labels": [IGNORED] * len(before) + list(sql)}


def losses(found):
    return [report["loss"] for report in found.state.log_history if "loss" in report]


def adapter(found):
    return {name: p for name, p in found.model.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("accumulation", [1, 2])
def test_losses_and_weights_are_those_of_trl_on_separate_rows(accumulation, tmp_path):
    shared = trainer(tmp_path / "a", GROUPS, batch_size=8)
    examples = list(separate(shared.rows))
    plain = plain_trainer(
        tmp_path / "b",
        examples,
        batch_size=8 // accumulation,
        gradient_accumulation_steps=accumulation,
    )
    shared.train()
    plain.train()

    assert losses(shared) == pytest.approx(losses(plain), rel=1e-5)
    expected = adapter(plain)
    for name, weight in adapter(shared).items():
        assert (weight - expected[name]).abs().max() < 1e-5, name
    before, after = (found.state.log_history[-2] for found in (plain, shared))
    assert after["mean_token_accuracy"] == pytest.approx(before["mean_token_accuracy"])
    assert after["entropy"] == pytest.approx(before["entropy"], rel=1e-5)


def test_the_trainer_counts_the_tokens_that_it_computes(tmp_path):
    found = trainer(tmp_path, GROUPS, batch_size=8)
    found.train()

    expected = sum(part.tokens for parts in found.rows.parts for part in parts)
    assert found.state.log_history[-2]["num_tokens"] == expected


def test_another_epoch_has_the_examples_in_other_rows():
    rows = shared_rows(GROUPS, world=1, batch_size=8, cap=3)
    first = list(separate(rows))
    rows.set_epoch(1)
    second = list(separate(rows))

    assert first != second
    assert sorted(map(str, first)) == sorted(map(str, second))


def train_one_of_two(rank: int, port: int, output: Path) -> None:
    """Be one of two processes of a training; the first writes the weights."""
    from safetensors.torch import save_file

    places = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "1"}
    numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    os.environ.update(places | {name: str(number) for name, number in numbers.items()})
    found = trainer(output / "checkpoints", GROUPS, world=2, batch_size=8)
    assert (found.args.world_size, found.args.process_index) == (2, rank)
    found.train()
    if rank == 0:
        save_file(
            {n: p.detach().contiguous() for n, p in adapter(found).items()}, output / "weights"
        )


def test_two_processes_end_with_the_weights_of_one(tmp_path):
    from safetensors.torch import load_file

    port = free_port()
    pair = [forked.start(train_one_of_two, rank, port, tmp_path) for rank in (0, 1)]
    alone = trainer(tmp_path / "alone", GROUPS, batch_size=8)
    start = {name: p.detach().clone() for name, p in adapter(alone).items()}
    alone.train()
    for process in pair:
        process.join(300)

    assert [process.exitcode for process in pair] == [0, 0]
    one, two = adapter(alone), load_file(tmp_path / "weights")
    assert one.keys() == two.keys()
    assert max((one[name] - two[name]).abs().max().item() for name in one) < 1e-5
    assert max((one[name] - start[name]).abs().max().item() for name in one) > 1e-3


def settings(base: Path, output: Path, **more):
    common = {"data": "samples", "max_steps": 2, "save_steps": 2, "style": "compact"}
    common["logging_steps"] = 1
    return read_recipe(None, base=str(base), output_dir=str(output), **common | more)


def test_a_run_says_what_sharing_saves(tiny_llama, tmp_path, capsys):
    from text2sql.training.sft import train

    train(settings(tiny_llama, tmp_path / "run"), find_dataset("samples", split="train", limit=20))

    line = next(line for line in capsys.readouterr().err.splitlines() if "ratio" in line)
    assert line.startswith("20 examples, ") and line.endswith("merged attention")


def test_a_base_that_cannot_share_trains_on_rows_of_its_own(tmp_path, capsys):
    import tiny
    import torch
    from transformers import AutoModelForCausalLM, MistralConfig

    from text2sql.training.sft import train

    torch.manual_seed(0)
    config = MistralConfig(**tiny.config("llama").to_diff_dict() | {"sliding_window": 4096})
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "base")
    tiny.tokenizer().save_pretrained(tmp_path / "base")
    options = {"target_modules": ["q_proj"]}
    recipe = settings(tmp_path / "base", tmp_path / "run", **options)
    run = train(recipe, find_dataset("samples", split="train", limit=4))

    assert run.steps == 2
    assert "schemas are not shared: its configuration has sliding_window" in capsys.readouterr().err


def test_an_example_longer_than_a_row_is_one_clear_line(tiny_llama, tmp_path):
    from text2sql.training.sft import train

    recipe = settings(tiny_llama, tmp_path / "run", prefix_tokens=200)
    with pytest.raises(DataError, match=r"beside the .* of their schema \(shop\).*prefix_tokens"):
        train(recipe, find_dataset("samples", split="train", limit=4))


def test_batches_by_length_do_not_go_with_shared_rows():
    overrides = ["train_sampling_strategy=group_by_length"]
    with pytest.raises(SettingsError, match="set packing_strategy to none"):
        read_recipe(None, base="mini", overrides=overrides)
    assert read_recipe(None, base="mini", overrides=[*overrides, "packing_strategy=none"])
