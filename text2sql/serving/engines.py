"""How questions reach a model: an engine answers them, on the thread of whoever asks.

>>> Joined().predict(predictor, Question("How many orders?"), user=None, gone=bool).rows
[(412,)]
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from text2sql.access.attributes import User
from text2sql.answers import Answer
from text2sql.decoding.generation import Stopped
from text2sql.predictor import Predictor
from text2sql.serving.batches import ASKER, Asker, join
from text2sql.serving.problems import Gone

Left = Callable[[], bool]  # whether the caller has left


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, in whatever protocol it came."""

    text: str
    model: str | None = None
    database: str | None = None
    tables: Sequence[str] | None = None
    history: Sequence[tuple[str, str]] = ()
    evidence: str | None = None
    run: bool = True

    def options(self) -> dict[str, Any]:
        """Return what `Predictor.predict` takes beside the text and the user."""
        about = {"tables": self.tables, "history": self.history}
        return about | {"evidence": self.evidence, "run": self.run}


class Engine(Protocol):
    """What answers questions, called from many threads."""

    def predict(
        self, predictor: Predictor, question: Question, *, user: User | None, gone: Left
    ) -> Answer:
        """Answer a question; what `gone` says may be asked at any time to save work.

        Raises:
            Text2SQLError: as `Predictor.predict`.
        """
        ...

    def stream(
        self, predictor: Predictor, question: Question, *, user: User | None, gone: Left
    ) -> Iterator[str | Answer]:
        """Yield the text as it grows, then the answer; as `Predictor.stream`."""
        ...

    def close(self) -> None:
        """Stop what works in the background."""
        ...


class Joined:
    """Asks the predictor on the caller's thread; its model writes what several threads ask at once.

    Models are joined when they are first asked (`batches.join`).
    """

    def predict(
        self, predictor: Predictor, question: Question, *, user: User | None, gone: Left
    ) -> Answer:
        """Answer a question.

        Raises:
            Gone: the caller has left.
        """
        asking = partial(predictor.predict, question.text, user=user, **question.options())
        try:
            return _context(predictor, user, gone).run(asking)
        except Stopped:
            raise Gone from None

    def stream(
        self, predictor: Predictor, question: Question, *, user: User | None, gone: Left
    ) -> Iterator[str | Answer]:
        """Yield the text as it grows, then the answer; stop where the caller has left."""
        asking = partial(predictor.stream, question.text, user=user, **question.options())
        with closing(_context(predictor, user, gone).run(asking)) as pieces:
            for piece in pieces:
                if gone():
                    return
                yield piece

    def close(self) -> None:
        """Do nothing: a model's thread ends with the model."""


def _context(predictor: Predictor, user: User | None, gone: Left) -> Context:
    """Return a context that says who asks."""
    join(predictor.model)
    context = copy_context()
    context.run(ASKER.set, Asker(None if user is None else repr(user), gone))
    return context
