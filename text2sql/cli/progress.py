"""How far a command is, on stderr: a bar on a terminal, a line now and then in a log.

    >>> with Bar("scored") as bar:
    ...     scoring.score(predictions, gold, databases, progress=bar)

Nothing is shown of work that is done within a second.
"""

import sys
import time
from types import TracebackType
from typing import Any

_QUIET_SECONDS = 1.0
_LOG_SECONDS = 10.0


class Bar:
    """A function of (done, total) that shows it."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._begun = self._shown = time.monotonic()
        self._live: Any = None
        self._task: Any = None

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._live is not None:
            self._live.update(self._task, completed=done)
        elif now - self._begun < _QUIET_SECONDS:
            return
        elif sys.stderr.isatty():
            self._open(done, total)
        elif now - self._shown >= _LOG_SECONDS or done == total:
            self._shown = now
            left = (now - self._begun) / done * (total - done)
            print(f"{self.what} {done:,} of {total:,}, {left:.0f} s left", file=sys.stderr)

    def _open(self, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (TextColumn(self.what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._live = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._live.add_task("", total=total, completed=done)
        self._live.start()

    def __enter__(self) -> "Bar":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
