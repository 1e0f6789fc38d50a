"""Execution accuracy while a model trains: measured every so many steps, for stopping and choosing.

    >>> validate = Validate(measure, folder, every=50, patience=3)
    >>> trainer = SFTTrainer(..., callbacks=[validate])
    >>> validate.log = trainer.log
    >>> restore_best(trainer.model, folder)         # after training: the weights of the best step
    Accuracy(step=150, correct=44, n=100)

`measure` decodes and executes: it is passed in, training knows neither. The model decodes in
evaluation mode, without gradients, and the random states are put back, so that a run that measures
has the weights of one that does not. A run that is asked to stop does so at once; the measurement
that was due is made up for when it resumes.

Covered: one process, or several of which each holds all weights: the main one measures while the
others wait.
Not covered: weights that are spread over processes (FSDP, ZeRO-3).
"""

import functools
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback

from text2sql.training.history import (
    METRIC,
    Accuracy,
    History,
    MeasureAt,
    best_of,
    without_progress,
)
from text2sql.training.processes import on_main
from text2sql.training.safeguards import refuse_nan

BEST = "best"


class Validate(TrainerCallback):
    """Measure a model while it trains.

    Args:
        measure: returns the accuracy of a model on the dev sample.
        folder: of the run: the history, and the adapters that were the best.
        every: steps between two measurements; the last step has one too.
        patience: measurements without a new best after which training stops; None never stops.
    """

    def __init__(
        self, measure: MeasureAt, folder: Path, *, every: int, patience: int | None = None
    ) -> None:
        self.measure, self.folder, self.every, self.patience = measure, folder, every, patience
        self.history = History(folder)
        self.log: Callable[[dict[str, float]], None] = lambda logs: None
        self.seconds = 0.0  # spent on measuring, which is no time of training

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        if not self.is_due(state) or is_stopped(state, control):
            return control
        self._validate(state, kwargs["model"])
        if on_main(state.is_world_process_zero, lambda: is_spent(self.folder, self.patience)):
            control.should_training_stop = control.should_save = True
        return control

    def make_up(self, state: Any, model: Any) -> None:
        """Measure a checkpoint's model where its run was stopped before it could."""
        if self.is_due(state) and not self._has(state.global_step):
            self._validate(state, model)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            self.history.sync()
            keep_best(self.folder, until=state.global_step)

    def is_due(self, state: Any) -> bool:
        return state.global_step % self.every == 0 or state.global_step >= state.max_steps

    def _has(self, step: int) -> bool:
        return any(accuracy.step == step for accuracy in self.history.accuracies())

    def _validate(self, state: Any, model: Any) -> None:
        begun = time.monotonic()
        refuse_nan(model, state.global_step)
        with at_rest(model):
            work = functools.partial(self.measure, model, state.global_step)
            accuracy = on_main(state.is_world_process_zero, work)
            if state.is_world_process_zero:
                self._note(model, accuracy, state)
            self.log({f"eval_{METRIC}": accuracy.share})
        self.seconds += time.monotonic() - begun

    def _note(self, model: Any, accuracy: Accuracy, state: Any) -> None:
        before = best_of(self.history.accuracies())
        if before is None or accuracy.share >= before.share:
            _save_whole(model, _best_folder(self.folder, accuracy.step))
        self.history.append(accuracy.record() | {"epoch": round(state.epoch or 0, 4)})
        print(f"step {accuracy.step}/{state.max_steps}  {accuracy}", file=sys.stderr, flush=True)


def is_stopped(state: Any, control: Any) -> bool:
    """Tell whether somebody asked the run to stop before its end."""
    return control.should_training_stop and state.global_step < state.max_steps


def is_spent(folder: Path, patience: int | None) -> bool:
    """Tell whether a run's accuracy has stood still for as long as its patience lasts."""
    return patience is not None and without_progress(History(folder).accuracies()) >= patience


def keep_best(folder: Path, *, until: int) -> None:
    """Delete the adapters that a checkpoint of step `until` has made superfluous.

    Later ones stay, and so does the best until then: a run that is killed now goes on from it.
    """
    sure = [accuracy for accuracy in History(folder).accuracies() if accuracy.step <= until]
    best = best_of(sure)
    for accuracy in sure:
        if best is not None and accuracy.step != best.step:
            shutil.rmtree(_best_folder(folder, accuracy.step), ignore_errors=True)


def restore_best(model: Any, folder: Path) -> Accuracy | None:
    """Give a model the adapter weights of the run's best step.

    Returns:
        The accuracy of these weights; None where nothing was measured: the model stays as it is.
    """
    best = best_of(History(folder).accuracies())
    if best is not None:
        restore(model, _best_folder(folder, best.step))
    return best


def restore(model: Any, folder: Path) -> None:
    """Give a model the adapter weights of a folder."""
    from peft import load_peft_weights, set_peft_model_state_dict

    set_peft_model_state_dict(model, load_peft_weights(str(folder), device="cpu"))


@contextmanager
def at_rest(model: Any) -> Iterator[None]:
    """Hold a model still: evaluation mode, no gradients; random states are as before afterwards."""
    training = model.training
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state() if torch.cuda.is_available() else None  # of its own card
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if cuda is not None:
            torch.cuda.set_rng_state(cuda)


def _best_folder(folder: Path, step: int) -> Path:
    return folder / BEST / f"step-{step}"


def _save_whole(model: Any, folder: Path) -> None:
    """Save an adapter so that a kill leaves all of it or nothing."""
    scratch = folder.with_name(f".{folder.name}")
    for path in (scratch, folder):
        shutil.rmtree(path, ignore_errors=True)
    model.save_pretrained(str(scratch), selected_adapters=["default"])
    scratch.rename(folder)
