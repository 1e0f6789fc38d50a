"""Run a trainer to its end, follow it on the way, and leave the weights that are to be published.

    >>> Following(folder, recipe, size, measure=measure).run(trainer, resume=True)
    Outcome(steps=300, loss=0.12, published=Accuracy(step=250, correct=62, n=100))

What every trainer of a stage needs, whatever its loss: history, progress, whole checkpoints, no
NaN, an orderly stop, execution accuracy with early stopping and the best step. The trainer must
save into `folder/checkpoints` and keep every checkpoint (`save_total_limit=None`).

Covered: a run that was killed anywhere, also after its last step or after it had stopped early.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerState
from transformers.trainer_callback import PrinterCallback

from text2sql.errors import Interrupted, OutputError, Text2SQLError, TrainingError
from text2sql.training.checkpoints import STATE, last_checkpoint, step_of
from text2sql.training.curves import CURVES, draw_curves
from text2sql.training.history import Accuracy, History, MeasureAt
from text2sql.training.processes import on_main, wait_for_all
from text2sql.training.progress import Record, ShowProgress, Size, StopInOrder
from text2sql.training.recipe import Recipe
from text2sql.training.safeguards import KeepCheckpoints, RefuseNaN, refuse_nan
from text2sql.training.validation import (
    BEST,
    Validate,
    is_spent,
    restore,
    restore_best,
)

CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trainer ended."""

    steps: int
    loss: float | None  # mean over the steps of this process; None when nothing was left to do
    published: Accuracy | None  # of the weights that the model has now, where it was measured


def _reason(error: Exception) -> str:
    """Return what an error says, without the statistics that follow where memory ran out."""
    if isinstance(error, torch.OutOfMemoryError):
        return "out of memory: try gradient_checkpointing, fewer prefix_tokens, or 4 bit"
    return str(error)


class Following:
    """The callbacks of one run, and its way through `trainer.train`.

    Args:
        folder: of the run.
        recipe: says how often to measure and to save.
        size: of one epoch.
        measure: execution accuracy of the model on the dev sample; None measures nothing.
    """

    def __init__(
        self, folder: Path, recipe: Recipe, size: Size, *, measure: MeasureAt | None = None
    ) -> None:
        self.folder, self.recipe = folder, recipe
        self.history, self.checkpoints = History(folder), folder / CHECKPOINTS
        self.stop = StopInOrder()
        self.validate = None
        if measure is not None and recipe.eval_steps is not None:
            patience = recipe.early_stopping_patience
            self.validate = Validate(measure, folder, every=recipe.eval_steps, patience=patience)
        record = Record(self.history, size, paused=self._paused)
        keep = KeepCheckpoints(self.checkpoints, keep=recipe.save_total_limit)
        measured = [self.validate] if self.validate else []
        self.callbacks: list[TrainerCallback] = [self.stop, *measured, RefuseNaN(), record]
        self.callbacks += [ShowProgress(record), keep]

    def _paused(self) -> float:
        return self.validate.seconds if self.validate else 0.0

    def run(self, trainer: Any, *, resume: bool) -> Outcome:
        """Train to the end, or to where accuracy stands still.

        Raises:
            Interrupted: Ctrl-C or SIGTERM; a checkpoint was saved.
            TrainingError: the loss is not a number, or what is measured with is gone.
        """
        trainer.remove_callback(PrinterCallback)  # `ShowProgress` prints
        for callback in self.callbacks:
            trainer.add_callback(callback)
        main = trainer.is_world_process_zero()
        start = on_main(main, lambda: self._start(resume))
        if start is not None and self.validate:
            self._make_up(trainer, start)
        if start is not None and on_main(main, self._is_spent):
            restore(trainer.model, start)
            steps, loss = step_of(start), None
        else:
            loss = self._train(trainer, start)
            steps = trainer.state.global_step
        refuse_nan(trainer.model, steps)
        if main:
            draw_curves(self.history.records(), self.folder / CURVES)
        wait_for_all()  # the history is written by one process and read by all
        return Outcome(steps, loss, self._choose(trainer, steps))

    def _start(self, resume: bool) -> Path | None:
        """Return the checkpoint to go on from, and forget what came after it."""
        start = last_checkpoint(self.checkpoints) if resume else None
        step = step_of(start) if start else 0
        self.history.forget_after(step)
        for path in (self.folder / BEST).glob("step-*"):
            if step_of(path) > step:
                shutil.rmtree(path)
        return start

    def _make_up(self, trainer: Any, start: Path) -> None:
        assert self.validate is not None
        restore(trainer.model, start)
        state = TrainerState.load_from_json(str(start / STATE))
        state.is_world_process_zero = trainer.is_world_process_zero()
        self.validate.make_up(state, trainer.model)

    def _is_spent(self) -> bool:
        return is_spent(self.folder, self.recipe.early_stopping_patience)

    def _train(self, trainer: Any, start: Path | None) -> float | None:
        if self.validate:
            self.validate.log = trainer.log
        try:
            output = trainer.train(resume_from_checkpoint=str(start) if start else None)
        except (Interrupted, OutputError, TrainingError):
            raise
        except (Text2SQLError, torch.OutOfMemoryError) as error:
            raise TrainingError(
                f"stopped at step {trainer.state.global_step}: {_reason(error)};"
                " the last complete checkpoint is kept, continue with --resume"
            ) from error
        finally:
            self.stop.restore()
        steps, whole = trainer.state.global_step, trainer.state.max_steps
        if self.stop.stopped and steps < whole:
            whole_run = self.recipe.output_dir or self.folder  # of all stages
            raise Interrupted(
                f"stopped at step {steps} of {whole};"
                f" continue with: t2s train --resume --output {whole_run}"
            )
        done_before = step_of(start) if start else 0
        return output.training_loss if steps > done_before else None

    def _choose(self, trainer: Any, steps: int) -> Accuracy | None:
        """Return the accuracy of what is published: the best step's weights, else the last ones."""
        if not self.recipe.load_best:
            measured = self.history.accuracies()
            return next((a for a in measured if a.step == steps), None)
        best = restore_best(trainer.model, self.folder)
        if best is not None and trainer.is_world_process_zero():
            print(f"published: the adapter of step {best.step} of {steps}, {best}", file=sys.stderr)
        return best
