"""What every trainer of trl is given, and how one is run: resumed, watched, stopped in good order.

>>> trainer = SFTTrainer(model, args=SFTConfig(**arguments(recipe, checkpoints)), ...)
>>> run_trainer(trainer, folder, recipe, examples=320, tokens=41_000, resume=True).loss
0.41
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from text2sql.bases.base import Base
from text2sql.errors import SettingsError
from text2sql.training.history import Accuracy, Measure, MeasureAt, Snapshot
from text2sql.training.lora import TwoRates
from text2sql.training.recipe import Recipe
from text2sql.training.schedules import Scheduled, our_schedule

if TYPE_CHECKING:
    from text2sql.training.following import Outcome

EVALUATIONS = "evaluations"  # what was predicted for the dev sample, by step
SAME_NAME = (  # settings that a recipe and transformers call alike
    "seed",
    "learning_rate",
    "num_train_epochs",
    "max_steps",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "lr_scheduler_kwargs",  # of transformers' schedules
    "warmup_steps",
    "weight_decay",
    "max_grad_norm",
    "optim",
    "save_steps",
    "logging_steps",
)


def arguments(recipe: Recipe, checkpoints: Path) -> dict[str, Any]:
    """Return the training arguments that a recipe decides, whichever trainer takes them.

    Args:
        recipe: settled.
        checkpoints: the folder that the trainer writes them into.
    """
    import torch

    gpu = torch.cuda.is_available()
    checkpointing = recipe.gradient_checkpointing
    return {
        "output_dir": str(checkpoints),
        **{key: getattr(recipe, key) for key in SAME_NAME},
        # transformers' own name of what follows our schedule is never used
        "lr_scheduler_type": "constant" if our_schedule(recipe) else recipe.lr_scheduler_type,
        "report_to": recipe.report_to or "none",
        "gradient_checkpointing": gpu if checkpointing is None else checkpointing,
        "bf16": gpu and torch.cuda.is_bf16_supported(),
        "use_cpu": not gpu,
        "dataloader_pin_memory": gpu,
        "disable_tqdm": True,
        "save_strategy": "steps",
        "save_total_limit": None,  # `KeepCheckpoints` deletes the old once the new one is whole
        "logging_strategy": "steps",
    }


def with_recipe(trainer: Any, recipe: Recipe) -> Any:
    """Return a class of trainer that follows our schedules and LoRA+, where a recipe asks for them.

    Args:
        trainer: a class of transformers or trl.
        recipe: settled.
    """

    class Trainer(Scheduled, TwoRates, trainer):
        scheduled = our_schedule(recipe)
        loraplus_lr_ratio = recipe.loraplus_lr_ratio

    return Trainer


def measure_at(
    measure: Measure | None, tokenizer: Any, base: Base, recipe: Recipe, folder: Path
) -> MeasureAt | None:
    """Return what measures a model after a step; None where the recipe does not ask for it.

    Args:
        measure: passed in by whoever can decode and execute.
        tokenizer, base, recipe: of the run.
        folder: of the run; predictions are kept in its `evaluations`.

    Raises:
        SettingsError: the recipe has `eval_steps` and there is no `measure`, or no process holds
            all weights.
    """
    if recipe.eval_steps is None:
        return None
    _refuse_spread_weights()
    if measure is None:
        raise SettingsError("eval_steps is set, and there is nothing to measure accuracy with")
    ready: Measure = measure

    def measured(model: Any, step: int) -> Accuracy:
        place = folder / EVALUATIONS / f"step-{step}"
        return ready(Snapshot(model, tokenizer, base, recipe, step, place))

    return measured


def _refuse_spread_weights() -> None:
    """Refuse to measure where one process alone cannot decode; see accelerate's variables."""
    fsdp = os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"
    deepspeed = os.environ.get("ACCELERATE_USE_DEEPSPEED", "").lower() == "true"
    if fsdp or (deepspeed and os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE") == "3"):
        raise SettingsError(
            "eval_steps needs all weights in one process, and FSDP and ZeRO-3 spread them: leave"
            " eval_steps out and measure with t2s eval, or train with DDP"
        )


def run_trainer(
    trainer: Any,
    folder: Path,
    recipe: Recipe,
    *,
    examples: int,
    tokens: int,
    computed: int | None = None,
    measure: MeasureAt | None = None,
    resume: bool,
) -> "Outcome":
    """Train to the end, from the last complete checkpoint on if asked.

    Args:
        trainer: of transformers or trl, with `arguments`: its checkpoints are in
            `folder/checkpoints`.
        folder: of the run.
        recipe: settled.
        examples: in one epoch.
        tokens: in one epoch, every example counted whole.
        computed: tokens of an epoch that the model reads, where examples share some.
        measure: execution accuracy of the model on the dev sample, see `measure_at`.
        resume: look for a checkpoint.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was saved.
        TrainingError: the loss is not a number, or what is measured with is gone.
    """
    from text2sql.training.following import Following
    from text2sql.training.progress import Size

    size = Size(examples, tokens, computed)
    return Following(folder, recipe, size, measure=measure).run(trainer, resume=resume)
