"""One worker process, seen from its parent: started, asked, killed when it does not answer.

    >>> worker = Worker(memory=1 << 30)
    >>> worker.ask(Request("sqlite", "/data/shop.sqlite", (), "SELECT 1"), Caps()).columns
    ['1']
    >>> worker.stop()

Covered: a worker that dies, hangs, or was killed from outside; a caller interrupted by Ctrl-C.
Not covered: several threads on one worker (`executor.Executor` lends each to one).
"""

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from text2sql.errors import Text2SQLError
from text2sql.execution.frames import OPENED, OPENING, READY, Reply, decode, encode
from text2sql.execution.interpreters import command
from text2sql.execution.pipes import Pipe
from text2sql.execution.results import Caps
from text2sql.execution.walls import Wall, packed

GRACE_SECONDS = 0.5  # past the deadline, for the engine to stop by itself
_START_SECONDS = 60.0
_OPEN_SECONDS = 30.0
_BATCH, _BATCH_BYTES = 32, 48 << 10  # sent ahead; a Unix socket holds about 200 kB, counted amply

_KEPT = ("PATH", "HOME", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Request:
    """One statement for one file."""

    engine: str  # sqlite or duckdb
    path: str
    signature: tuple[int, ...]
    sql: str
    explain: bool = False
    wall: Wall | None = None


def _frame(request: Request, caps: Caps) -> bytes:
    where = (request.engine, request.path, request.signature)
    what = (request.sql, request.explain, packed(request.wall))
    return encode((*where, *what, caps.timeout, caps.max_rows, caps.max_bytes))


def _fitting(frames: Sequence[bytes]) -> int:
    """Return how many frames the pipe holds unread; more would block both ends."""
    size = 0
    for count, frame in enumerate(frames):
        size += len(frame)
        if count and size > _BATCH_BYTES:
            return count
    return len(frames)


class Worker:
    """A process that runs one statement at a time."""

    def __init__(self, *, memory: int) -> None:
        self._memory = memory
        self._owner = os.getpid()
        self.database: str | None = None  # the one asked for last, still warm
        self._final = False
        self._start()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        numbers = (theirs.fileno(), os.getpid(), self._memory)
        kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
        try:
            self._process = subprocess.Popen(
                command("text2sql.execution.worker_main", *numbers),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**kept, "MALLOC_ARENA_MAX": "2"},  # each arena reserves address space
                process_group=0,  # Ctrl-C in the terminal is for the parent only
            )
        except OSError as error:
            ours.close()
            raise Text2SQLError(f"no worker process for SQL can be started: {error}") from None
        finally:
            theirs.close()
        self._pipe = Pipe(ours.detach())
        self._ready = False

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return not (self._final or self._pipe.closed)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self, request: Request, caps: Caps) -> Reply:
        """Run a statement; start the worker anew where that is needed.

        Raises:
            Text2SQLError: no worker process can be started.
        """
        return self.ask_many([request], caps)[0]

    def ask_many(self, requests: Sequence[Request], caps: Caps) -> list[Reply]:
        """Run statements one after the other, each under its own deadline.

        They are written to the pipe ahead of the answers, so that the worker never waits for the
        parent; those that a killed worker has not come to are asked again.

        Raises:
            Text2SQLError: no worker process can be started.
        """
        replies: list[Reply] = []
        while len(replies) < len(requests):
            left = requests[len(replies) : len(replies) + _BATCH]
            frames = [_frame(request, caps) for request in left]
            replies += self._ask_batch(frames[: _fitting(frames)], caps.timeout)
            self.database = left[0].path
        return replies

    def _ask_batch(self, frames: Sequence[bytes], timeout: float) -> list[Reply]:
        """Return replies until the worker has to be replaced; at least one."""
        if self._process.poll() is not None:  # killed from outside while it was idle
            self.restart()
        self._await_ready()
        replies: list[Reply] = []
        try:
            for frame in frames:
                self._pipe.send(frame)
            while len(replies) < len(frames):
                replies.append(self._receive(timeout))
                if replies[-1].error_kind in ("killed", "memory") or not self._ready:
                    break
        except (EOFError, OSError, pickle.UnpicklingError):
            replies.append(self._post_mortem())
        except BaseException:
            self.restart()  # after Ctrl-C: the answer to come must not reach the next caller
            raise
        if replies[-1].error_kind in ("killed", "memory"):
            self.restart()  # without memory an engine is in any state
        return replies

    def _await_ready(self) -> None:
        if self._ready:
            return
        try:
            self._ready = self._pipe.wait(_START_SECONDS) and self._pipe.receive() == READY
        except (EOFError, OSError):
            self._ready = False
        except BaseException:
            self.restart()
            raise
        if not self._ready and self.alive:
            self.stop()
            raise Text2SQLError(
                f"the worker process for SQL does not start: try {sys.executable} -I -c "
                "'import text2sql.execution.worker_main', and more memory than "
                f"{self._memory >> 20} MiB"
            )

    def _receive(self, timeout: float) -> Reply:
        """Wait for a reply; opening the database has a deadline of its own."""
        patience = timeout + GRACE_SECONDS
        started = time.perf_counter()
        while self._pipe.wait(patience):
            answer = self._pipe.receive()
            if answer not in (OPENING, OPENED):
                return Reply(*decode(answer))
            patience = _OPEN_SECONDS if answer == OPENING else timeout + GRACE_SECONDS
            started = time.perf_counter()
        self.restart()
        return Reply("timeout", f"stopped after {timeout:g} s", time.perf_counter() - started)

    def _post_mortem(self) -> Reply:
        try:
            status = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            status = 0  # it lives, but what it said made no sense
        if status == -signal.SIGALRM:
            return Reply("timeout", "stopped by the deadline")
        return Reply(
            "killed", f"the worker process died (status {status}) while it ran this statement"
        )

    def restart(self) -> None:
        """Kill the process and start another; it gets ready while the caller goes on."""
        self.stop()
        self.database = None
        if not self._final:
            self._start()

    def stop(self) -> None:
        """Kill the process: it holds nothing that could be lost."""
        self._kill()
        self._pipe.close()

    def finish(self, *, wait: bool = True) -> None:
        """Kill the process for good, from any thread; one that waits for it learns that it died."""
        self._final = True
        self._kill(wait=wait)

    def _kill(self, *, wait: bool = True) -> None:
        if os.getpid() == self._owner:  # a forked child must leave its parent's workers alone
            self._process.kill()
            if wait:
                self._process.wait()

    def abandon(self) -> None:
        """Let go of a process that belongs to the parent of this one."""
        self._pipe.close()
        self._process.returncode = 0  # so that Popen does not look for a child that is not ours
