"""Models in a process of their own, so that their forward passes hold up nobody else's Python.

    >>> process = ModelProcess()
    >>> model = process.load(find_base("mini"))          # takes the arguments of `load_model`
    >>> rows = open_rows(model, Prefixes())              # `decoding.cache.Rows`, as of any model
    >>> process.close()

A forward pass of a small model is a thousand calls of torch, each of which lets go of Python's lock
and waits for it again; beside threads that parse and check SQL it waits most of the time. Here only
token ids and logits cross: guides, random numbers and texts stay with the caller.

Covered: several models, adapters on one copy of their base (`bases.sharing`); calls from several
threads, which take turns; a process that dies is started again, and what was being written is a
ModelError; a parent that dies takes it along.
Not covered: Windows; more than one batch of a model at a time; a model that is trained meanwhile.
"""

import os
import pickle
import socket
import subprocess
import weakref
from collections import deque
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from text2sql.bases.base import Base
from text2sql.errors import ModelError
from text2sql.execution.interpreters import command
from text2sql.execution.pipes import Pipe

if TYPE_CHECKING:
    from torch import Tensor

_Load = tuple[Base, str | Path | None, dict[str, Any]]


class _Child:
    """The process and what leads to it."""

    def __init__(self, threads: int) -> None:
        from text2sql.decoding.board import Board, open_board  # torch is no part of a small install

        ours, theirs = socket.socketpair()
        descriptor = open_board()
        numbers = (theirs.fileno(), descriptor, threads)
        try:
            self.process = subprocess.Popen(
                command("text2sql.decoding.model_main", *numbers),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), descriptor],
                process_group=0,  # Ctrl-C in the terminal is for the parent, which ends it
            )
        except OSError as error:
            ours.close()
            os.close(descriptor)
            raise ModelError(f"no process for the model can be started: {error}") from None
        finally:
            theirs.close()
        self.pipe, self.board = Pipe(ours.detach()), Board(descriptor)

    def ask(self, message: Any) -> Any:
        """Send a message and return the answer; whatever stops this ends the process."""
        try:
            self.pipe.send(pickle.dumps(message))
            return pickle.loads(self.pipe.receive())  # from our own program
        except (EOFError, OSError):
            self.end()
            raise ModelError(
                f"the model's process died (status {self.process.returncode})"
            ) from None
        except BaseException:  # after Ctrl-C: the answer to come must not reach the next caller
            self.end()
            raise

    def end(self) -> None:
        """Kill the process: it holds nothing that could be lost."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()
        self.board.close()


class ModelProcess:
    """A process that loads models and runs them; it starts with the first model."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Start nothing yet.

        Args:
            threads: of torch there; None leaves one of this process's to what runs here.
        """
        self._threads = threads
        self._lock = Lock()
        self._child: _Child | None = None
        self._loads: dict[int, _Load] = {}  # what is loaded again in a new process
        self._numbers = count()
        self._forgotten: deque[int] = deque()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process id; None where nothing was loaded."""
        return self._child.process.pid if self._child else None

    def load(self, base: Base, *, adapter: str | Path | None = None, **options: Any) -> Any:
        """Load a base with an adapter; arguments as for `load_model`.

        Raises:
            ModelError: it cannot be loaded.
        """
        with self._lock:
            number = next(self._numbers)
            facts = self._ask("load", number, (base, adapter, options))
            self._loads[number] = (base, adapter, options)
        model = ProcessModel(self, number, facts)
        # only noted: the garbage may be collected while the lock is held
        weakref.finalize(model, self._forgotten.append, number).atexit = False
        return model

    def run(self, number: int, batch: int, operations: Sequence[Any], *, opens: bool) -> "Tensor":
        """Let the rows of a batch do something; return the logits of the last operation.

        Args:
            number: of the model.
            batch: a model forgets its last batch when it gets another one.
            operations: name and argument of methods of `Rows`.
            opens: whether the batch is a new one.

        Raises:
            ModelError: the model failed, or its process died.
        """
        with self._lock:
            shape, dtype = self._ask("run", number, batch, operations, opens)
            assert self._child is not None
            # copied: another model's logits may come next
            return self._child.board.tensor(shape, dtype).clone()

    def _ask(self, *message: Any) -> Any:
        """Return what the process answers, which is started if need be."""
        child = self._running()
        while self._forgotten:
            number = self._forgotten.popleft()
            self._loads.pop(number, None)
            _answer(child, ("forget", number))
        return _answer(child, message)

    def _running(self) -> _Child:
        if self._closed:
            raise ModelError("the model's process is closed")
        if self._child is None or self._child.process.poll() is not None:
            self._child = _Child(self._threads or spare_threads())
            for number, load in self._loads.items():
                _answer(self._child, ("load", number, load))
        return self._child

    def close(self) -> None:
        """End the process; who waits for it gets a ModelError."""
        self._closed = True
        child = self._child
        if child is not None:
            child.process.kill()  # whoever waits for it holds the lock
        with self._lock:
            child, self._child = self._child, None
            if child is not None:
                child.end()


def spare_threads() -> int:
    """Return how many threads torch may have there, when one is left to this process."""
    import torch

    return max(1, torch.get_num_threads() - 1)


def _answer(child: _Child, message: Any) -> Any:
    done, found = child.ask(message)
    if not done:
        raise ModelError(found)
    return found


class ProcessModel:
    """A model that is elsewhere: what one asks of a model before its rows are opened."""

    def __init__(self, process: ModelProcess, number: int, facts: dict[str, Any]) -> None:
        self.process, self.number = process, number
        self.dtype = facts["dtype"]
        self.config = SimpleNamespace(**facts["config"])
        self.refills: bool = facts["refills"]
        self._batches = count()

    def open_rows(self) -> "ProcessRows":
        """Return an empty batch."""
        return ProcessRows(self, next(self._batches))


class ProcessRows:
    """The rows of a batch of a model that is elsewhere; see `decoding.cache.Rows`."""

    def __init__(self, model: ProcessModel, batch: int) -> None:
        self.refills = model.refills
        self._model, self._batch = model, batch
        self._later: list[tuple[str, Any]] = []  # what needs no answer goes with what does
        self._begun = False

    def prefill(self, prompts: Sequence[tuple[Sequence[int], Sequence[int]]]) -> "Tensor":
        """Read prompts; see `Rows`."""
        return self._run("prefill", list(prompts))

    def admit(self, sources: Sequence[int]) -> None:
        """Append rows for prompts read last; see `Rows`."""
        self._later.append(("admit", list(sources)))

    def step(self, tokens: Sequence[int]) -> "Tensor":
        """Write one token to each row; see `Rows`."""
        return self._run("step", list(tokens))

    def arrange(self, sources: Sequence[int]) -> None:
        """Let row i go on from row sources[i]; see `Rows`."""
        self._later.append(("arrange", list(sources)))

    def _run(self, method: str, argument: Any) -> "Tensor":
        operations, self._later = [*self._later, (method, argument)], []
        opens, self._begun = not self._begun, True
        model = self._model
        return model.process.run(model.number, self._batch, operations, opens=opens)
