"""Show a training run on stderr: step, loss, time left, tokens per second; stop it in good order.

On a terminal one live line; in a log file one line per report. Ctrl-C once ends the step, saves a
checkpoint and stops; twice stops at once.
"""

import signal
import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback


class ShowProgress(TrainerCallback):
    """Print how the run goes.

    Args:
        tokens_per_epoch: tokens in all rows, for tokens per second.
    """

    def __init__(self, tokens_per_epoch: int) -> None:
        self.tokens_per_epoch = tokens_per_epoch
        self.console = Console(stderr=True)
        self.live = self.console.is_terminal

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.started, self.first_step, self.first_epoch = (
            time.monotonic(),
            state.global_step,
            state.epoch or 0,
        )
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}  {task.fields[text]}  left"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.live,
        )
        self.task = self.bar.add_task(
            "", total=state.max_steps, completed=state.global_step, text=""
        )
        self.bar.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar.update(self.task, completed=state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs:
            return
        seconds = max(time.monotonic() - self.started, 1e-9)
        rate = ((state.epoch or 0) - self.first_epoch) * self.tokens_per_epoch / seconds
        text = f"loss {float(logs['loss']):.3f}  {rate:,.0f} tokens/s"
        self.bar.update(self.task, text=text)
        if not self.live:
            left = (
                seconds
                / max(state.global_step - self.first_step, 1)
                * (state.max_steps - state.global_step)
            )
            print(
                f"step {state.global_step}/{state.max_steps}  {text}  {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar.stop()


class StopInOrder(TrainerCallback):
    """On SIGINT or SIGTERM: finish the step, save a checkpoint, stop, and set `stopped`."""

    signals = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.stopped = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.before = {number: signal.getsignal(number) for number in self.signals}
        for number in self.signals:
            signal.signal(number, self._note)

    def _note(self, number: int, frame: Any) -> None:
        if self.stopped:
            raise KeyboardInterrupt
        self.stopped = True
        print(
            "\nfinishing this step and saving a checkpoint (again to stop at once)", file=sys.stderr
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        if self.stopped:
            control.should_save = control.should_training_stop = True
        return control

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.restore()

    def restore(self) -> None:
        """Put back the handlers that were there before."""
        for number, handler in getattr(self, "before", {}).items():
            signal.signal(number, handler)
