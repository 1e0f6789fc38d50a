"""Kill -9 again and again, wherever it hits: the run that resumes ends as the undisturbed one."""

import random
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import forked
import pytest

from text2sql.data.catalog import find_dataset
from text2sql.training.history import Accuracy, History, Snapshot
from text2sql.training.recipe import read_recipe

SHORT = {"data": "samples", "style": "compact", "max_steps": 10, "save_steps": 2, "eval_steps": 3}
SHORT |= {"logging_steps": 1, "per_device_train_batch_size": 1, "gradient_accumulation_steps": 1}
SHORT |= {"lora_dropout": 0.1}


def measure(snapshot: Snapshot) -> Accuracy:
    """Give an accuracy that depends on the weights, so that another weight shows."""
    weights = [float(p.abs().sum()) for p in snapshot.model.parameters() if p.requires_grad]
    return Accuracy(snapshot.step, int(sum(weights) * 1000) % 97, 97)


def train(base: Path, output: Path, settings: dict) -> None:
    from text2sql.training import sft

    recipe = read_recipe(None, base=str(base), output_dir=str(output), **(SHORT | settings))
    examples = find_dataset("samples", split="train", limit=8)
    sft.train(recipe, examples, measure=measure, resume=output.exists())


def begin(base: Path, output: Path, settings: dict) -> BaseProcess:
    return forked.start(train, base, output, settings)


def kill_somewhere(process: BaseProcess, output: Path, random: random.Random) -> bool:
    """Kill a run that has come some steps further; return False where it ended before."""
    history = History(output)
    reached = max((record["step"] for record in history.records()), default=0)
    goal = reached + random.randint(1, 3)
    while process.is_alive() and all(record["step"] < goal for record in history.records()):
        time.sleep(0.005)
    time.sleep(random.random() * 0.15)  # while it saves, measures, computes
    killed = process.is_alive()
    process.kill()
    process.join()
    return killed


@pytest.mark.parametrize("packing", ["none", "prefix"])
def test_random_kills_leave_no_trace_in_the_weights(packing, tiny_llama, tmp_path):
    settings = {"packing_strategy": packing}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    undisturbed = begin(tiny_llama, whole, settings)
    dice = random.Random(packing)
    kills = [kill_somewhere(begin(tiny_llama, broken, settings), broken, dice) for _ in range(3)]
    last = begin(tiny_llama, broken, settings)
    last.join()
    undisturbed.join()

    assert all(kills) and last.exitcode == undisturbed.exitcode == 0
    assert same_tensors(whole, broken)
    assert told(whole) == told(broken)


def same_tensors(left: Path, right: Path) -> bool:
    from safetensors.numpy import load_file

    a, b = (load_file(folder / "adapter_model.safetensors") for folder in (left, right))
    return a.keys() == b.keys() and all((a[key] == b[key]).all() for key in a)


def told(folder: Path) -> list[dict]:
    """Return the history without what a clock or the machine decides."""
    physical = ("tokens_per_second", "examples_per_second", "peak_memory_bytes")
    return [
        {key: value for key, value in record.items() if key not in physical}
        for record in History(folder).records()
    ]
