"""The process that has models: reads questions from its parent, writes texts back.

    python -I -c "... main(fd, threads)"      started by `model_process`, never by hand

One thread does it all: between two steps of the model it begins the questions that have come. A
second one would take Python's lock from it at each of the model's many short operations.

Covered: an error of one message is its answer; a model that loads while others write; the process
ends with its parent's end of the pipe.
"""

import os
import pickle
import sys
from collections import deque
from collections.abc import Sequence
from threading import Lock, Thread
from typing import Any, NoReturn

from text2sql.bases.base import Base
from text2sql.bases.loading import load_tokenizer
from text2sql.bases.sharing import Pool
from text2sql.decoding.backends import LocalBackend
from text2sql.decoding.generation import Stopped
from text2sql.errors import ModelError, PromptError, SettingsError
from text2sql.execution.pipes import Pipe
from text2sql.execution.sampling import Value, Values
from text2sql.schema.model import Schema
from text2sql.serving.batches import SWITCH_SECONDS, Call, Desk
from text2sql.serving.model_process import Request

_CONTEXT = ("max_position_embeddings", "n_positions")  # what is asked of a model's settings
_SAID = (ModelError, PromptError, SettingsError)  # errors that are told as what they are
Message = tuple[Any, ...]


class Line:
    """The pipe to the parent: read by one thread, written to by any."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe, self._sending = pipe, Lock()
        self._kept: deque[Message] = deque()  # read while something else was waited for

    def send(self, *reply: Any) -> None:
        """Send a reply, whole."""
        message = pickle.dumps(reply)
        with self._sending:
            self._pipe.send(message)

    def receive(self, *, wait: bool) -> Message | None:
        """Return the next message; None where there is none and nobody is to wait."""
        if self._kept:
            return self._kept.popleft()
        return self._next() if wait or self._pipe.wait(0) else None

    def receive_values(self, number: int) -> Message:
        """Return the values that a call has asked for, or that nobody wants them any more."""
        while True:
            message = self._next()
            if message[0] in ("values", "gone") and message[1] == number:
                return message
            self._kept.append(message)

    def _next(self) -> Message:
        message: Message = pickle.loads(self._pipe.receive())  # from our own program
        return message


class Models:
    """The models of this process, and what is asked of them."""

    def __init__(self, line: Line) -> None:
        self._line, self._pool = line, Pool()
        self._models: dict[int, tuple[LocalBackend, Desk]] = {}
        self._schemas: dict[int, Schema] = {}
        self._asked: set[int] = set()  # calls that are being answered
        self._gone: set[int] = set()  # those of them that nobody waits for

    def turn(self) -> bool:
        """Write one token of each text; return whether there is more to write."""
        busy = [desk for _, desk in list(self._models.values()) if any(desk.load)]
        return sum(desk.turn() for desk in busy) > 0  # each of them has its turn

    def take(self, kind: str, *message: Any) -> None:
        """Do what a message says; the schema that it is about comes last."""
        *rest, known = message
        schema = self._learn(known) if known is not None else None
        getattr(self, kind)(*rest, **({"schema": schema} if kind == "ask" else {}))

    def load(self, number: int, *load: Any) -> None:
        """Load a model and tell what its parent wants to know of it; others write meanwhile."""
        Thread(target=self._load, args=(number, *load), daemon=True).start()

    def _load(self, number: int, model: int, base: Base, adapter: Any, options: Any) -> None:
        try:
            source = {name: options.get(name) for name in ("revision", "trust_remote_code")}
            loaded = self._pool.load(base, adapter=adapter, **options)
            backend = LocalBackend(loaded, load_tokenizer(base, **source), base)
            self._models[model] = backend, Desk(backend.open_batch, own_thread=False)
        except Exception as error:
            self._line.send(number, "failed", *_told(error))
            return
        config = {name: getattr(loaded.config, name, None) for name in _CONTEXT}
        self._line.send(number, "done", {"dtype": loaded.dtype, "config": config})

    def forget(self, model: int) -> None:
        """Let go of a model; what it is asked just now is not written."""
        backend, desk = self._models.pop(model)
        desk.close(ModelError(f"the model {backend.base.name} is closed"))
        backend.close()

    def ask(self, number: int, request: Request, *, schema: Schema | None) -> None:
        """Begin a question."""
        self._asked.add(number)
        extras: dict[str, Any] = {}
        if request.listens:
            extras["listen"] = lambda *said: self._line.send(number, "text", said)
        if request.values:
            extras["values"] = self._values(number)
        try:
            backend, desk = self._models[request.model]
            asked = backend.ask(request.prompts, request.decoding, schema=schema, **extras)
            ended = lambda call: self._end(number, call)  # noqa: E731
            call = Call(request.decoding, asked, lambda: number in self._gone, ended)
            desk.submit(request.name or call, call)
        except Exception as error:  # whatever it is, it is this question's own
            self._forget_call(number)
            self._line.send(number, "failed", *_told(error))

    def _end(self, number: int, call: Call) -> None:
        """Tell how a question has ended."""
        self._forget_call(number)
        if call.error is None:
            self._line.send(number, "done", call.found())
        elif not isinstance(call.error, Stopped):
            self._line.send(number, "failed", *_told(call.error))

    def values(self, number: int, *_: Any) -> None:
        """Pass over values that came when nobody waited for them any more."""

    def gone(self, number: int) -> None:
        """Let go of a question that nobody waits for."""
        if number in self._asked:
            self._gone.add(number)

    def _forget_call(self, number: int) -> None:
        self._asked.discard(number)
        self._gone.discard(number)

    def _values(self, number: int) -> Values:
        """Return what asks the parent for a column's values, and waits for them."""

        def values(table: str, column: str) -> Sequence[Value] | None:
            self._line.send(number, "values", (table, column))
            kind, _, *reply = self._line.receive_values(number)
            if kind == "gone":
                self.gone(number)
                raise Stopped
            found, error, _ = reply
            if error is not None:
                raise ModelError(error)
            return found

        return values

    def _learn(self, known: tuple[int, Schema | None, int | None]) -> Schema:
        """Return the schema that is meant, keep a new one, forget an old one."""
        number, schema, old = known
        if old is not None:
            self._schemas.pop(old, None)
        if schema is not None:
            self._schemas[number] = schema
        return self._schemas[number]


def _told(error: Exception) -> tuple[str, str]:
    """Return an error's class in `text2sql.errors`, and its line."""
    for kind in _SAID:
        if type(error) is kind:
            return kind.__name__, str(error)
    line = " ".join(str(error).split())[:200]
    return ModelError.__name__, f"{type(error).__name__}: {line}"


def main(descriptor: int, threads: int) -> NoReturn:
    """Answer messages until the parent has gone."""
    import torch

    torch.set_num_threads(threads)
    sys.setswitchinterval(SWITCH_SECONDS)  # a model that loads does not keep the others waiting
    line = Line(Pipe(descriptor))
    models, busy = Models(line), False
    try:
        while True:
            while (message := line.receive(wait=not busy)) is not None:
                models.take(*message)
                busy = True
            busy = models.turn()
    except (EOFError, OSError):
        os._exit(0)  # threads may be in the middle of something that nobody wants
