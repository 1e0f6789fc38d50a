"""How questions reach a model: an engine answers them, on the thread of whoever asks.

    >>> Direct().predict(predictor, Question("How many orders?"), user=None).rows
    [(412,)]

`Direct` asks one after another: a model takes one call at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from text2sql.access.attributes import User
from text2sql.answers import Answer
from text2sql.predictor import Predictor

Gone = Callable[[], bool]  # whether the caller has left


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
        self, predictor: Predictor, question: Question, *, user: User | None, gone: Gone
    ) -> Answer:
        """Answer a question; what `gone` says may be asked at any time to save work.

        Raises:
            Text2SQLError: as `Predictor.predict`.
        """
        ...

    def stream(
        self, predictor: Predictor, question: Question, *, user: User | None, gone: Gone
    ) -> Iterator[str | Answer]:
        """Yield the text as it grows, then the answer; as `Predictor.stream`."""
        ...

    def close(self) -> None:
        """Stop what works in the background."""
        ...


class Direct:
    """Asks the predictor on the caller's thread."""

    def predict(
        self, predictor: Predictor, question: Question, *, user: User | None, gone: Gone
    ) -> Answer:
        """Answer a question."""
        return predictor.predict(question.text, user=user, **question.options())

    def stream(
        self, predictor: Predictor, question: Question, *, user: User | None, gone: Gone
    ) -> Iterator[str | Answer]:
        """Yield the text as it grows, then the answer; stop where the caller has left."""
        for piece in predictor.stream(question.text, user=user, **question.options()):
            if gone():
                return
            yield piece

    def close(self) -> None:
        """Do nothing: nothing works in the background."""
