"""A loss that is no number ends a run before it spoils anything, and no such weight is saved."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from text2sql.data.catalog import find_dataset
from text2sql.errors import TrainingError
from text2sql.training.checkpoints import last_checkpoint
from text2sql.training.recipe import read_recipe
from text2sql.training.safeguards import are_finite

SHORT = {"data": "samples", "style": "compact", "save_steps": 2, "logging_steps": 1, "max_steps": 6}
SHORT |= {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 1}


def train(base: Path, output: Path, **settings):
    from text2sql.training.sft import train

    recipe = read_recipe(None, base=str(base), output_dir=str(output), **(SHORT | settings))
    return train(recipe, find_dataset("samples", split="train", limit=3))


def broken_copy(base: Path, folder: Path) -> Path:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(base)
    model.model.layers[1].mlp.down_proj.weight.data[3, 3] = float("nan")
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


def test_a_base_that_gives_nan_is_found_at_the_first_step(tiny_llama, tmp_path):
    base = broken_copy(tiny_llama, tmp_path / "broken")
    with pytest.raises(TrainingError, match="the loss or its gradient is not a number at step 1"):
        train(base, tmp_path / "run")
    assert not (tmp_path / "run" / "adapter_model.safetensors").exists()


@contextmanager
def diverging(after: int) -> Iterator[None]:
    """Let the optimizer's step of that number, counted from 1, write a weight that is infinite."""
    steps: list[int] = []

    def diverge(optimizer: torch.optim.Optimizer, *_: object) -> None:
        steps.append(1)
        if len(steps) == after:
            optimizer.param_groups[0]["params"][0].data[0, 0] = float("inf")

    hook = register_optimizer_step_post_hook(diverge)
    try:
        yield
    finally:
        hook.remove()


def test_a_run_that_diverges_keeps_its_last_good_checkpoint(tiny_llama, tmp_path):
    said = r"not a number at step 6: .* checkpoint is kept"
    with diverging(after=5), pytest.raises(TrainingError, match=said):
        train(tiny_llama, tmp_path / "run")
    assert last_checkpoint(tmp_path / "run" / "checkpoints").name == "checkpoint-4"
    assert not (tmp_path / "run" / "adapter_model.safetensors").exists()


def test_a_card_that_is_too_small_is_one_line(tiny_llama, tmp_path):
    def exhaust(optimizer: torch.optim.Optimizer, *_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nstatistics")

    hook = register_optimizer_step_post_hook(exhaust)
    try:
        with pytest.raises(
            TrainingError, match=r"^stopped at step 0: out of memory: try .*resume$"
        ):
            train(tiny_llama, tmp_path / "run")
    finally:
        hook.remove()


def test_weights_that_a_step_broke_are_not_saved(tiny_llama, tmp_path):
    with diverging(after=4), pytest.raises(TrainingError, match=r"a weight is not .* at step 4"):
        train(tiny_llama, tmp_path / "run")
    assert last_checkpoint(tmp_path / "run" / "checkpoints").name == "checkpoint-2"


@pytest.mark.parametrize(
    ("value", "finite"), [(1e30, True), (float("nan"), False), (float("-inf"), False)]
)
def test_one_bad_element_among_many_is_seen(value, finite):
    tensors = [torch.zeros(3, 3), None, torch.zeros(0), torch.tensor([[1.0, value]])]

    assert are_finite(tensors) is finite
    assert are_finite([]) and are_finite([None])
