"""Measure a training run, write its history, show it on stderr; stop it in good order.

    >>> record = Record(History(folder), Size(examples=6986, tokens=3_400_000, computed=610_000))
    >>> trainer = SFTTrainer(..., callbacks=[record, ShowProgress(record), StopInOrder()])

On a terminal one live line; in a log file one line per report. Ctrl-C once ends the step, saves a
checkpoint and stops; twice stops at once.

Not covered: the memory of other processes on the same card.
"""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback

from text2sql.training.history import History

KEPT_FIGURES = (  # of what the trainers report
    "loss",
    "learning_rate",
    "grad_norm",
    "mean_token_accuracy",
    "entropy",
    "rewards/accuracies",  # of DPO: pairs whose chosen SQL scores higher
    "rewards/margins",
    "reward",  # of GRPO
    "kl",
)


@dataclass(frozen=True, slots=True)
class Size:
    """What one epoch holds."""

    examples: int
    tokens: int  # of prompts and SQL, each example counted whole
    computed: int | None = None  # tokens that the model reads; fewer where examples share a prefix

    @property
    def sharing_ratio(self) -> float:
        """Tokens of the examples for each token that is computed."""
        return self.tokens / (self.computed or self.tokens)


class Record(TrainerCallback):
    """Write the history: what the trainer reports, with speed and memory since the last report.

    Args:
        history: takes the lines.
        size: of one epoch.
        paused: seconds so far in which nothing was trained.
    """

    def __init__(
        self, history: History, size: Size, *, paused: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.history, self.size, self.paused = history, size, paused
        self.last: dict[str, Any] = {}  # the latest report

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._mark(state)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        if control.should_save:  # so that a resumed run's next report covers the same steps
            control.should_log = True
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs:
            return
        figures = {key: float(logs[key]) for key in KEPT_FIGURES if key in logs}
        about = {"step": state.global_step, "epoch": round(state.epoch or 0.0, 4)}
        self.last = about | figures | self._speed(state) | {"peak_memory_bytes": peak_memory()}
        if state.is_world_process_zero:
            self.history.append(self.last)
        self._mark(state)

    def _mark(self, state: Any) -> None:
        self.since = self._clock(), state.epoch or 0.0

    def _clock(self) -> float:
        return time.monotonic() - self.paused()

    def _speed(self, state: Any) -> dict[str, float]:
        seconds = max(self._clock() - self.since[0], 1e-9)
        rate = ((state.epoch or 0.0) - self.since[1]) / seconds
        return {
            "tokens_per_second": round(rate * self.size.tokens, 1),
            "examples_per_second": round(rate * self.size.examples, 3),
            "sharing_ratio": round(self.size.sharing_ratio, 3),
        }


def peak_memory() -> int:
    """Return the most bytes held so far: on the CUDA device if there is one, else in memory."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class ShowProgress(TrainerCallback):
    """Print how the run goes.

    Args:
        record: holds the latest report; it must be called before this one.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.console = Console(stderr=True)
        self.live = self.console.is_terminal

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.started, self.first_step = time.monotonic(), state.global_step
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
        if not logs or "loss" not in logs or not state.is_world_process_zero:
            return
        text = report_line(self.record.last)
        self.bar.update(self.task, text=text)
        if not self.live:
            done = max(state.global_step - self.first_step, 1)
            each = (time.monotonic() - self.started) / done
            left = each * (state.max_steps - state.global_step)
            at = f"step {state.global_step}/{state.max_steps}"
            print(f"{at}  {text}  {left:.0f} s left", file=sys.stderr, flush=True)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar.stop()


def report_line(report: dict[str, Any]) -> str:
    """Return a report as people read it: loss, speed, sharing where there is any, memory."""
    shared = report["sharing_ratio"]
    parts = [
        f"loss {report['loss']:.3f}",
        f"{report['tokens_per_second']:,.0f} tokens/s",
        f"shared {shared:.1f}x" if shared > 1 else "",
        f"{report['peak_memory_bytes'] / 2**30:.1f} GiB",
    ]
    return "  ".join(filter(None, parts))


STOPPING = b"\nfinishing this step and saving a checkpoint (again to stop at once)\n"


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
        with suppress(OSError):  # past the buffer, which the signal may have found half written
            os.write(sys.stderr.fileno(), STOPPING)

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
