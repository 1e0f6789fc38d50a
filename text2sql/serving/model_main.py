"""The process that has models: reads questions from its parent, writes texts back.

    python -I -c "... main(fd, threads)"      started by `model_process`, never by hand

A question is asked by a thread of its own; one thread for each model writes for all of them
(`serving.batches`).

Covered: an error of one message is its answer; the process ends with its parent's end of the pipe.
"""

import os
import pickle
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, NoReturn

from text2sql.bases.base import Base
from text2sql.bases.loading import load_tokenizer
from text2sql.bases.sharing import Pool
from text2sql.decoding.generation import Stopped
from text2sql.errors import ModelError, PromptError, SettingsError
from text2sql.execution.pipes import Pipe
from text2sql.execution.sampling import Value
from text2sql.schema.model import Schema
from text2sql.serving.batches import ASKER, SWITCH_SECONDS, Asker, JoinedBackend
from text2sql.serving.model_process import Request

MOST_QUESTIONS = 1024  # at once; more wait for their turn, first come, first served
_CONTEXT = ("max_position_embeddings", "n_positions")  # what is asked of a model's settings
_SAID = (ModelError, PromptError, SettingsError)  # errors that are told as what they are
Send = Callable[..., None]


@dataclass(frozen=True, slots=True)
class _Question:
    """What is known of one that is being answered."""

    gone: Event = field(default_factory=Event)
    values: SimpleQueue[tuple[Any, str | None]] = field(default_factory=SimpleQueue)


class Models:
    """The models of this process, and what is asked of them."""

    def __init__(self, send: Send) -> None:
        self._send, self._pool = send, Pool()
        self._models: dict[int, JoinedBackend] = {}
        self._schemas: dict[int, Schema] = {}
        self._questions: dict[int, _Question] = {}
        self._threads = ThreadPoolExecutor(MOST_QUESTIONS)  # they wait, nearly all of the time

    def load(self, number: int, *load: Any) -> None:
        """Load a model and tell what its parent wants to know of it; questions go on meanwhile."""
        Thread(target=self._load, args=(number, *load), daemon=True).start()

    def _load(self, number: int, model: int, base: Base, adapter: Any, options: Any) -> None:
        try:
            source = {name: options.get(name) for name in ("revision", "trust_remote_code")}
            loaded = self._pool.load(base, adapter=adapter, **options)
            self._models[model] = JoinedBackend(loaded, load_tokenizer(base, **source), base)
        except Exception as error:
            self._send(number, "failed", *_told(error))
            return
        config = {name: getattr(loaded.config, name, None) for name in _CONTEXT}
        self._send(number, "done", {"dtype": loaded.dtype, "config": config})

    def forget(self, model: int) -> None:
        """Let go of a model when what it writes is written."""
        Thread(target=self._models.pop(model).close, daemon=True).start()

    def ask(self, number: int, request: Request, *, schema: Schema | None) -> None:
        """Begin a question."""
        self._questions[number] = question = _Question()
        self._threads.submit(self._answer, number, question, request, schema)

    def values(self, number: int, found: Any, error: str | None) -> None:
        """Hand a question the values that it has asked for."""
        if (question := self._questions.get(number)) is not None:
            question.values.put((found, error))

    def gone(self, number: int) -> None:
        """Let go of a question that nobody waits for."""
        if (question := self._questions.get(number)) is not None:
            question.gone.set()
            question.values.put((None, "nobody waits for it"))

    def learn(self, known: tuple[int, Schema | None, int | None]) -> Schema:
        """Return the schema that is meant, keep a new one, forget an old one."""
        number, schema, old = known
        if old is not None:
            self._schemas.pop(old, None)
        if schema is not None:
            self._schemas[number] = schema
        return self._schemas[number]

    def _answer(
        self, number: int, question: _Question, request: Request, schema: Schema | None
    ) -> None:
        ASKER.set(Asker(request.name, question.gone.is_set))

        def listen(place: int, sample: int, text: str) -> None:
            self._send(number, "text", (place, sample, text))

        def values(table: str, column: str) -> Sequence[Value] | None:
            self._send(number, "values", (table, column))
            found, error = question.values.get()
            if error is not None:
                raise ModelError(error)
            return found

        extras: dict[str, Any] = {"listen": listen} if request.listens else {}
        extras |= {"values": values} if request.values else {}
        try:
            backend, asked = self._models[request.model], (request.prompts, request.decoding)
            self._send(number, "done", backend.generate(*asked, schema=schema, **extras))
        except Stopped:
            pass
        except Exception as error:  # whatever the model raises: the next prompt may be a better one
            self._send(number, "failed", *_told(error))
        finally:
            del self._questions[number]


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
    sys.setswitchinterval(SWITCH_SECONDS)
    pipe, sending = Pipe(descriptor), Lock()

    def send(*reply: Any) -> None:
        message = pickle.dumps(reply)
        with sending:
            pipe.send(message)

    models = Models(send)
    while True:
        try:
            kind, *rest, known = pickle.loads(pipe.receive())  # from our own program
        except (EOFError, OSError):
            os._exit(0)  # threads may be in the middle of a pass whose texts nobody wants
        extras = {"schema": models.learn(known) if known else None} if kind == "ask" else {}
        getattr(models, kind)(*rest, **extras)
