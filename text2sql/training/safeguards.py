"""What keeps a run from being lost: checkpoints that are sealed, weights that are numbers.

    >>> trainer = SFTTrainer(..., callbacks=[RefuseNaN(), KeepCheckpoints(folder, keep=2)])

The trainer itself must be told to keep every checkpoint (`save_total_limit=None`): it deletes the
old one before the new one is known to be on the disk.

Covered: a loss or a gradient that is no number stops the run before the optimizer takes it; weights
that are no numbers are never saved.
Not covered: a loss that grows but stays finite; an optimizer state that overflowed while the
weights are still finite (the next step shows it).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback

from text2sql.errors import TrainingError
from text2sql.training.checkpoints import rotate, seal
from text2sql.training.processes import wait_for_all

REMEDY = "lower learning_rate or max_grad_norm"


class RefuseNaN(TrainerCallback):
    """Raise `TrainingError` before gradients or weights that are no numbers can do harm."""

    def on_pre_optimizer_step(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        if not are_finite(p.grad for p in trained(model)):
            raise _refusal("the loss or its gradient", state.global_step + 1)

    def on_step_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        if control.should_save or control.should_training_stop:
            refuse_nan(model, state.global_step)


class KeepCheckpoints(TrainerCallback):
    """Seal each checkpoint, then delete the oldest beyond a number.

    Args:
        folder: of the checkpoints.
        keep: whole checkpoints that stay; None means all.
    """

    def __init__(self, folder: Path, *, keep: int | None) -> None:
        self.folder, self.keep = folder, keep

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        wait_for_all()  # each process writes its own random state
        if state.is_world_process_zero:
            seal(self.folder / f"checkpoint-{state.global_step}")
            rotate(self.folder, keep=self.keep)


def trained(model: Any) -> list[Any]:
    """Return the parameters that are trained."""
    return [p for p in model.parameters() if p.requires_grad]


def are_finite(tensors: Iterable[Tensor | None]) -> bool:
    """Tell whether no element is infinite or NaN; one wait for the device in all."""
    highest = [t.detach().abs().amax().float() for t in tensors if t is not None and t.numel()]
    if not highest:
        return True
    device = highest[0].device
    return bool(torch.isfinite(torch.stack([value.to(device) for value in highest])).all())


def refuse_nan(model: Any, step: int) -> None:
    """Make sure that the trained weights may be saved.

    Raises:
        TrainingError: one is infinite or NaN.
    """
    if not are_finite(trained(model)):
        raise _refusal("a weight", step)


def _refusal(what: str, step: int) -> TrainingError:
    return TrainingError(
        f"{what} is not a number at step {step}: nothing of it is saved, the last complete"
        f" checkpoint is kept; {REMEDY} and start again"
    )
