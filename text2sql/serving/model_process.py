"""Models in a process of their own: while one core writes SQL, another serves, checks and prompts.

    >>> process = ModelProcess()
    >>> model = open_model("mini", load=process.load, backend=process.backend)
    >>> model.answer([fitted], schema, Decoding(), explain=None)     # from any number of threads
    >>> process.close()

A forward pass of a small model is some hundred calls of torch, each of which lets go of Python's
lock and waits for it again; beside threads that serve questions it waits most of the time. So a
question goes over as a whole (its prompt, the schema once, how it is to be decoded), and its texts
come back: guides, batches and caches are over there (`serving.model_main`).

Covered: several models, adapters on one copy of their base (`bases.sharing`); calls from several
threads, which are written together (`serving.batches`); texts as they grow; callers who leave;
stored values, which are asked for here, where the connection is; a process that dies is started
again, and what was being written is a ModelError; a parent that dies takes it along.
Not covered: Windows; a base that is given as an object; a model that is trained meanwhile.
"""

import pickle
import socket
import subprocess
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from types import SimpleNamespace
from typing import Any, Self

from text2sql import errors
from text2sql.bases.base import Base
from text2sql.decoding.generation import Decoding, Generation, Listen, Stopped
from text2sql.errors import ModelError
from text2sql.execution.interpreters import command
from text2sql.execution.pipes import Pipe
from text2sql.execution.sampling import Values
from text2sql.prompting.segments import Prompt
from text2sql.schema.model import Schema
from text2sql.serving.batches import ASKER, Asker

SCHEMAS = 256  # that are kept over there, each under one number
LOOK_SECONDS = 0.2  # between two looks whether a caller is still there


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model, as it goes over."""

    model: int  # its number
    prompts: tuple[Prompt, ...]
    decoding: Decoding
    values: bool  # whether values can be asked for
    listens: bool  # whether texts are heard as they grow
    name: str | None  # of the asker


class _Child:
    """The process and the calls that wait for it."""

    def __init__(self, threads: int) -> None:
        ours, theirs = socket.socketpair()
        try:
            self.process = subprocess.Popen(
                command("text2sql.serving.model_main", theirs.fileno(), threads),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,  # Ctrl-C in the terminal is for the parent, which ends it
            )
        except OSError as error:
            ours.close()
            raise ModelError(f"no process for the model can be started: {error}") from None
        finally:
            theirs.close()
        self._pipe, self._sending = Pipe(ours.detach()), Lock()
        self._calls: dict[int, SimpleQueue[tuple[Any, ...]]] = {}
        self._numbers, self._schemas = count(), _Schemas()
        self.dead = False
        Thread(target=self._hear, name="model process", daemon=True).start()

    def call(self) -> "_Call":
        """Return a new call, which hears of it when the process dies."""
        call = _Call(self, next(self._numbers), SimpleQueue())
        self._calls[call.number] = call.replies
        if self.dead:
            call.replies.put(("died",))
        return call

    def send(self, *message: Any, schema: Schema | None = None) -> None:
        """Send a message, behind it the schema under its number; a dead process is heard of."""
        with self._sending:  # schemas arrive in the order in which they are numbered
            try:
                self._pipe.send(pickle.dumps((*message, self._schemas.number(schema))))
            except OSError:
                self.process.kill()

    def forget(self, number: int) -> None:
        """Throw away what is still said to a call."""
        self._calls.pop(number, None)

    def _hear(self) -> None:
        try:
            while True:
                number, *reply = pickle.loads(self._pipe.receive())  # from our own program
                if (replies := self._calls.get(number)) is not None:
                    replies.put(tuple(reply))
        except (EOFError, OSError):
            self.dead = True
            for replies in list(self._calls.values()):
                replies.put(("died",))
            with self._sending:  # nobody writes to a descriptor that is something else by then
                self._pipe.close()
            self.process.wait()

    def end(self) -> None:
        """Kill the process: it holds nothing that could be lost."""
        self.process.kill()
        self.process.wait()


class _Schemas:
    """Which schemas the process has, by number."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[Schema, int]] = OrderedDict()  # by id of what is kept
        self._numbers = count()

    def number(self, schema: Schema | None) -> tuple[int, Schema | None, int | None] | None:
        """Return a schema's number, itself where it is new, and the number of one to forget."""
        if schema is None:
            return None
        if (found := self._kept.get(id(schema))) is not None:
            self._kept.move_to_end(id(schema))
            return found[1], None, None
        old = self._kept.popitem(last=False)[1][1] if len(self._kept) >= SCHEMAS else None
        number = next(self._numbers)
        self._kept[id(schema)] = schema, number
        return number, schema, old


@dataclass(frozen=True, slots=True)
class _Call:
    """What one thread waits for; whatever leaves its block ends it over there, too."""

    child: _Child
    number: int
    replies: "SimpleQueue[tuple[Any, ...]]"

    def send(self, *message: Any, schema: Schema | None = None) -> None:
        """Say something; the kind comes first."""
        kind, *rest = message
        self.child.send(kind, self.number, *rest, schema=schema)

    def reply(self, seconds: float | None = None) -> tuple[Any, ...] | None:
        """Return the next reply, its kind first; None after some seconds.

        Raises:
            ModelError: the process died.
            Text2SQLError: what was asked failed.
        """
        try:
            reply = self.replies.get(timeout=seconds)
        except Empty:
            return None
        if reply[0] == "died":
            raise ModelError(f"the model's process died (status {self.child.process.poll()})")
        if reply[0] == "failed":
            _, kind, message = reply
            raise getattr(errors, kind)(message)
        return reply

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        self.child.forget(self.number)
        if kind is not None:
            self.child.send("gone", self.number)


class ModelProcess:
    """A process that loads models and writes with them; it starts with the first model."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Start nothing yet.

        Args:
            threads: of torch there; None leaves one of this process's to what runs here.
        """
        self._threads = threads
        self._lock = Lock()
        self._child: _Child | None = None
        self._loads: dict[int, tuple[Any, ...]] = {}  # what is loaded again in a new process
        self._numbers = count()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process id; None where nothing was loaded."""
        return self._child.process.pid if self._child else None

    def load(self, base: Base, *, adapter: str | Path | None = None, **options: Any) -> Any:
        """Load a base with an adapter; arguments as for `load_model`.

        Returns:
            What `open_model` asks of a model: `dtype`, `config`, and its `number` over there.

        Raises:
            ModelError: it cannot be loaded.
        """
        with self._lock:
            number, load = next(self._numbers), (base, adapter, options)
            facts = _load(self._running(), number, load)
            self._loads[number] = load
        config = SimpleNamespace(**facts["config"])
        return SimpleNamespace(number=number, dtype=facts["dtype"], config=config)

    def backend(self, model: Any, tokenizer: Any, base: Base) -> "ProcessBackend":
        """Return what generates with a model that was loaded here."""
        return ProcessBackend(self, model.number, tokenizer, base)

    def call(self) -> _Call:
        """Return a new call to the process, which is started again if need be.

        Raises:
            ModelError: it is closed, or cannot be started.
        """
        with self._lock:
            return self._running().call()

    def forgot(self, number: int) -> bool:
        """Tell whether a model was let go of."""
        return number not in self._loads

    def forget(self, number: int) -> None:
        """Let go of a model's memory."""
        with self._lock:
            if self._loads.pop(number, None) is not None and self._child is not None:
                self._child.send("forget", number)

    def _running(self) -> _Child:
        if self._closed:
            raise ModelError("the model's process is closed")
        if self._child is None or self._child.dead:
            self._child = _Child(self._threads or spare_threads())
            for number, load in self._loads.items():
                _load(self._child, number, load)
        return self._child

    def close(self) -> None:
        """End the process; who waits for it gets a ModelError."""
        self._closed = True
        if self._child is not None:
            self._child.process.kill()  # whoever waits for a model to load holds the lock
        with self._lock:
            if self._child is not None:
                self._child.end()
            self._child = None


def spare_threads() -> int:
    """Return how many threads torch may have there, when one is left to this process."""
    import torch

    return max(1, torch.get_num_threads() - 1)


def _load(child: _Child, number: int, load: tuple[Any, ...]) -> Any:
    with child.call() as call:
        call.send("load", number, *load)
        kind, facts = call.reply() or ("", None)
        assert kind == "done"
        return facts


@dataclass
class ProcessBackend:
    """A model of a `ModelProcess`, which any number of threads may ask at once."""

    process: ModelProcess
    number: int
    tokenizer: Any  # a copy here, for prompts that have to fit
    base: Base

    def generate(
        self,
        prompts: Sequence[Prompt],
        decoding: Decoding,
        *,
        schema: Schema | None = None,
        values: Values | None = None,
        listen: Listen | None = None,
    ) -> list[list[Generation]]:
        """Return the texts of each prompt; other threads' prompts are answered meanwhile.

        Raises:
            ModelError: the process is closed or died, or the model fails on one of the prompts.
            SettingsError: no legal answer fits into `decoding.max_new_tokens`.
            Stopped: whoever asked has gone.
        """
        if self.process.forgot(self.number):
            raise ModelError(f"the model {self.base.name} is closed")
        if not prompts:
            return []
        asker = ASKER.get(Asker())
        extras = values is not None, listen is not None, asker.name
        request = Request(self.number, tuple(prompts), decoding, *extras)
        with self.process.call() as call:
            call.send("ask", request, schema=schema)
            while True:
                kind, found = call.reply(LOOK_SECONDS) or ("", None)
                if kind == "done":
                    return found
                if kind == "text" and listen is not None:
                    listen(*found)
                elif kind == "values" and values is not None:
                    call.send("values", *_tried(values, *found))
                elif asker.gone():
                    raise Stopped

    def close(self) -> None:
        """Let go of the model's memory."""
        self.process.forget(self.number)


def _tried(values: Values, table: str, column: str) -> tuple[Any, str | None]:
    """Return values, or in what words there are none: the model's thread waits for either."""
    try:
        return values(table, column), None
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"
