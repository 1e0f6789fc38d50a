"""What a trainer reads: rows that share schemas, or rows of their own, and which trainer that is.

    >>> recipe, material = read_material(model, recipe, encoded)
    >>> trainer = material.trainer(model=model, args=args, **material.options)

Rows that share need a model whose attention can follow them. One that cannot (its own code,
windows, no attention) trains on rows of its own, with the reason on stderr; the loss is the same.
"""

import math
import os
from dataclasses import dataclass
from typing import Any, Literal

from text2sql.data.curriculum import arrange
from text2sql.training.processes import tell
from text2sql.training.recipe import Recipe
from text2sql.training.records import Encoded
from text2sql.training.rows import Group, Partition, tally, usual_cap, usual_tokens


@dataclass(frozen=True, slots=True)
class Material:
    """A trainer and what it reads."""

    trainer: type[Any]  # SFTTrainer or its subclass
    options: dict[str, Any]  # its data
    tokens: int  # that it computes in one epoch, padding aside


def world_size() -> int:
    """Return the number of processes that torchrun or accelerate started."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def read_material(model: Any, recipe: Recipe, encoded: Encoded) -> tuple[Recipe, Material]:
    """Choose the rows, and the recipe whose batches they are.

    Raises:
        DataError: an example is longer than `prefix_tokens`.
    """
    if recipe.packing_strategy == "prefix":
        from text2sql.training.sharing import choose_backend

        choice = choose_backend(model)
        if choice.backend is not None:
            return _shared(recipe, encoded, choice.backend)
        tell(f"schemas are not shared: {choice.reason}")
        recipe = recipe.model_copy(update={"packing_strategy": "none"})
    from datasets import Dataset
    from trl import SFTTrainer

    rows = encoded.rows
    if encoded.difficulties is not None:
        order = arrange(encoded.difficulties, order="easy_first", seed=recipe.seed)
        rows = [rows[place] for place in order]
        recipe = recipe.model_copy(update={"train_sampling_strategy": "sequential"})
    data = {"train_dataset": Dataset.from_list(rows)}
    return recipe, Material(SFTTrainer, data, encoded.tokens)


def _shared(recipe: Recipe, encoded: Encoded, backend: str) -> tuple[Recipe, Material]:
    from text2sql.training.prefix_trainer import EpochRows, PrefixTrainer

    groups, world = encoded.groups(), world_size()
    how = partition_of(recipe, groups, world=world)
    epochs = _epochs(recipe, len(encoded.rows), how.batch_size)
    rows = EpochRows(groups, how, epochs=epochs, world=world)
    found = tally(groups, rows.how)
    tell(f"{found.report()}, {backend} attention")
    if recipe.lora_dropout:
        tell(
            "lora_dropout: the questions beside a schema share its mask, so that gradients are not"
            " those of separate rows"
        )
    batches = {
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": rows.how.forwards // world,
    }
    settled = recipe.model_copy(update=batches)
    data = {"rows": rows, "backend": backend}
    return settled, Material(PrefixTrainer, data, found.shared_tokens)


def partition_of(recipe: Recipe, groups: list[Group], *, world: int) -> Partition:
    """Return how a recipe's rows are made: an optimizer step has as many examples as without.

    Its forward passes are as few as `prefix_tokens` allows, whatever
    `gradient_accumulation_steps` says: shared, the same examples need less memory.
    """
    batch = recipe.per_device_train_batch_size
    batch_size = batch * recipe.gradient_accumulation_steps * world
    return Partition(
        batch_size=batch_size,
        forwards=world,  # no more passes than the tokens need: each cuts a schema's questions
        cap=recipe.prefix_cap or usual_cap(batch_size),
        tokens=recipe.prefix_tokens or usual_tokens(groups, batch),
        seed=recipe.seed,
        order=_order(recipe),
    )


def _order(recipe: Recipe) -> Literal["random", "given", "difficulty"]:
    if recipe.order != "random":
        return "difficulty"
    return "given" if recipe.train_sampling_strategy == "sequential" else "random"


def _epochs(recipe: Recipe, examples: int, batch_size: int) -> int:
    steps = math.ceil(examples / batch_size)
    epochs = recipe.max_steps / steps if recipe.max_steps > 0 else recipe.num_train_epochs
    return max(1, math.ceil(epochs))
