"""Trainers on shared and on separate rows of the same examples, for the tests that compare them."""

from pathlib import Path
from random import Random
from typing import Any

import tiny

from text2sql.training.rows import Branch, Group

draw = Random(7)


def ids(low: int, high: int) -> list[int]:
    """Return some token ids."""
    return [draw.randrange(2, 400) for _ in range(draw.randrange(low, high))]


GROUPS = [
    Group(ids(20, 60), [Branch(ids(1, 9), ids(2, 12)) for _ in range(4)], f"db{number}")
    for number in range(6)
]


def model() -> Any:
    """Return a tiny Llama in float64, the same every time."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(tiny.config("llama")).double()


def config(output: Path, **options: Any) -> Any:
    """Return arguments of a short run on a CPU."""
    from trl import SFTConfig

    return SFTConfig(
        output_dir=str(output),
        **{"max_steps": 3, "train_sampling_strategy": "sequential"} | options,
        learning_rate=1e-2,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        disable_tqdm=True,
        dataset_kwargs={"skip_prepare_dataset": True},
    )


def lora() -> Any:
    """Return the adapter of both."""
    from peft import LoraConfig

    return LoraConfig(r=4, target_modules="all-linear")


def shared_rows(groups: list[Group], *, world: int, batch_size: int, cap: int = 4) -> Any:
    """Return the rows of a run."""
    from text2sql.training.prefix_trainer import EpochRows
    from text2sql.training.rows import Partition

    how = Partition(batch_size, forwards=world, cap=cap, seed=1)
    return EpochRows(groups, how, epochs=2, world=world)


def trainer(
    output: Path, groups: list[Group], *, world: int = 1, batch_size: int, **options: Any
) -> Any:
    """Return a trainer on shared rows."""
    from text2sql.training.prefix_trainer import PrefixTrainer

    rows = shared_rows(groups, world=world, batch_size=batch_size)
    steps = {
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": rows.how.forwards // world,
    }
    return PrefixTrainer(
        model=model(),
        args=config(output, **steps, **options),
        rows=rows,
        backend="merged",
        processing_class=tiny.tokenizer(),
        peft_config=lora(),
    )


def plain_trainer(output: Path, examples: list[dict], *, batch_size: int, **options: Any) -> Any:
    """Return TRL's own trainer on separate rows, in their order."""
    from datasets import Dataset
    from trl import SFTTrainer

    return SFTTrainer(
        model=model(),
        args=config(output, per_device_train_batch_size=batch_size, **options),
        train_dataset=Dataset.from_list(examples),
        processing_class=tiny.tokenizer(),
        peft_config=lora(),
    )
