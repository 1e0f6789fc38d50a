"""What every trainer of trl is given, and how one is run: resumed, watched, stopped in good order.

>>> trainer = SFTTrainer(model, args=SFTConfig(**arguments(recipe, checkpoints)), ...)
>>> run_trainer(trainer, folder, resume=True, tokens=41_000)
(36, 0.41)
"""

from pathlib import Path
from typing import Any

from text2sql.errors import Interrupted
from text2sql.training.checkpoints import last_checkpoint
from text2sql.training.recipe import Recipe
from text2sql.training.schedules import our_schedule

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
    "save_total_limit",
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
        "logging_strategy": "steps",
    }


def run_trainer(
    trainer: Any, folder: Path, *, resume: bool, tokens: int
) -> tuple[int, float | None]:
    """Train to the end, from the last complete checkpoint on if asked.

    Args:
        trainer: of transformers or trl, writing its checkpoints into `folder/checkpoints`.
        folder: of the run, for the message of one that was stopped.
        resume: look for a checkpoint.
        tokens: in one epoch, for the rate that is shown.

    Returns:
        Steps in all, and the mean loss over this run's; None when there was nothing left to do.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was saved.
    """
    from transformers.trainer_callback import PrinterCallback

    from text2sql.training.progress import ShowProgress, StopInOrder

    stop = StopInOrder()
    trainer.add_callback(ShowProgress(tokens))
    trainer.add_callback(stop)
    trainer.remove_callback(PrinterCallback)
    start = last_checkpoint(folder / "checkpoints") if resume else None
    try:
        output = trainer.train(resume_from_checkpoint=str(start) if start else None)
    finally:
        stop.restore()
    steps = trainer.state.global_step
    if stop.stopped and steps < trainer.state.max_steps:
        raise Interrupted(
            f"stopped at step {steps} of {trainer.state.max_steps};"
            f" continue with: t2s train --resume --output {folder}"
        )
    done_before = int(start.name.rpartition("-")[2]) if start else 0
    return steps, output.training_loss if steps > done_before else None
