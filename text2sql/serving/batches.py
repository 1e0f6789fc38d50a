"""Let one model answer several callers at once: what arrives while it writes joins the next step.

    >>> join(predictor.model)    # predictors that have this model may be asked from any threads
    >>> ASKER.set(Asker("ann"))
    >>> predictor.predict("How many orders?")

One thread has the model. Callers' prompts, also those on other databases and of other users, are
rows of its batch (`decoding.batch`); what prompts begin with (the schema) is read once and kept, by
its tokens, so that nobody gets anything that is not in their own prompt.

Callers take turns. Calls with other settings of decoding wait until the batch is done, and begin
the next one.

Covered: a caller who has gone leaves the batch (`Stopped` is raised on its thread); an error is its
own caller's: after a forward pass that fails, each prompt is tried again by itself.
Not covered: an order by importance; several models at the same time on one device.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from text2sql.bases import Base
from text2sql.decoding.backends import LocalBackend
from text2sql.decoding.generation import Decoding, Generation, Listen, Stopped
from text2sql.errors import ModelError
from text2sql.execution.sampling import Values
from text2sql.models import Model
from text2sql.prompting.segments import Prompt
from text2sql.schema.model import Schema
from text2sql.serving.turns import Turns

if TYPE_CHECKING:
    from text2sql.decoding.batch import Batch, Done
    from text2sql.decoding.writers import Asked


@dataclass(frozen=True, slots=True)
class Asker:
    """On whose behalf a thread asks."""

    name: str | None = None  # they share one turn; None: each call has its own
    gone: Callable[[], bool] = bool  # whether they want no answer any more


SWITCH_SECONDS = 0.0005  # a thread gets Python's lock by then: else the model waits 5 ms, and again

ASKER: ContextVar[Asker] = ContextVar("asker")

_joining = threading.Lock()


def join(model: Model) -> Model:
    """Let a model write the prompts of several threads together, from now on; return it.

    One behind a server stays as it is: the server joins what it is asked.
    """
    with _joining:
        backend = model.backend
        if isinstance(backend, LocalBackend) and not isinstance(backend, JoinedBackend):
            model.backend = JoinedBackend(backend.model, backend.tokenizer, backend.base)
    return model


class JoinedBackend(LocalBackend):
    """A local model that any number of threads may ask at once."""

    def __init__(self, model: Any, tokenizer: Any, base: Base) -> None:
        super().__init__(model, tokenizer, base)
        self._desk = Desk(self.open_batch)

    @property
    def load(self) -> tuple[int, int]:
        """Prompts that wait, and prompts that are being answered."""
        return self._desk.load

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
            ModelError: the backend is closed, or the model fails on one of the prompts.
            SettingsError: no legal answer fits into `decoding.max_new_tokens`.
            Stopped: whoever asked has gone.
        """
        self._open_model()
        asked = self.ask(prompts, decoding, schema=schema, values=values, listen=listen)
        return self._desk.answer(asked, decoding)

    def close(self) -> None:
        """Let go of the model's memory; who still waits is told."""
        self._desk.close(ModelError(f"the model {self.base.name} is closed"))
        super().close()


@dataclass(eq=False)
class Call:
    """What somebody waits for."""

    decoding: Decoding
    asked: "Sequence[Asked]"
    gone: Callable[[], bool]
    ended: "Callable[[Call], None]"  # is told when all is written, or why it is not
    texts: "dict[Asked, list[Generation]]" = field(default_factory=dict)
    error: Exception | None = None

    def end(self, error: Exception | None = None) -> None:
        """Let whoever waits go on."""
        self.error = error
        self.ended(self)

    def found(self) -> list[list[Generation]]:
        """Return the texts of each prompt, or raise what kept them from being written."""
        if self.error is not None:
            raise self.error
        return [self.texts[one] for one in self.asked]


class Desk:
    """Takes what is asked, and answers it: in a thread of its own, or in turns of the caller's."""

    def __init__(
        self, open_batch: "Callable[[Decoding], Batch]", *, own_thread: bool = True
    ) -> None:
        """Begin with nothing to write.

        Args:
            open_batch: returns an empty batch for some settings.
            own_thread: begin to write by itself; otherwise one thread calls `submit` and `turn`.
        """
        self._open_batch, self._own_thread = open_batch, own_thread
        self._changed = threading.Condition()  # guards the four below
        self._turns: Turns[tuple[Call, Asked]] = Turns()
        self._active: dict[Asked, Call] = {}  # in the batch
        self._closed: Exception | None = None
        self._thread: threading.Thread | None = None
        self._batch: Batch | None = None  # of the thread alone
        self._decoding: Decoding | None = None  # of the batch

    @property
    def load(self) -> tuple[int, int]:
        """Prompts that wait, and prompts that are being answered."""
        with self._changed:
            return len(self._turns), len(self._active)

    def answer(self, asked: "Sequence[Asked]", decoding: Decoding) -> list[list[Generation]]:
        """Wait for the texts of some prompts.

        Raises:
            ModelError: the model fails on one of them.
            Stopped: whoever asked has gone.
            Exception: whatever a guide or a listener raised, or `close` was given.
        """
        if not asked:
            return []
        asker, left, done = ASKER.get(Asker()), threading.Event(), threading.Event()
        gone = lambda: left.is_set() or asker.gone()  # noqa: E731
        call = Call(decoding, asked, gone, lambda _: done.set())
        self.submit(asker.name or call, call)
        try:
            done.wait()
        finally:
            left.set()  # this thread may have been interrupted
        return call.found()

    def submit(self, whose: Hashable, call: Call) -> None:
        """Let a call wait for its turn; calls of one asker share one.

        Raises:
            Exception: what `close` was given.
        """
        with self._changed:
            if self._closed is not None:
                raise self._closed
            self._turns.add(whose, [(call, one) for one in call.asked])
            if self._own_thread and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="decode", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self, error: Exception) -> None:
        """Write no more; who waits gets the error."""
        with self._changed:
            self._closed = error
            thread = self._thread
            self._changed.notify()
        if not self._own_thread:
            self._fail(error)
        elif thread is not None and thread is not threading.current_thread():
            thread.join()

    # What follows runs in the thread that has the model.

    def turn(self) -> bool:
        """Write one token of each text; return whether there is more to write."""
        try:
            self._let_go()
            self._admit()
            self._step()
        except Exception as error:  # nobody is left waiting, whatever it is
            self._fail(error)
        return any(self.load)

    def _work(self) -> None:
        try:
            while self._wait():
                self.turn()
        finally:
            with self._changed:
                self._thread = None
            self._fail(self._closed or ModelError("the model's thread has ended"))

    def _fail(self, error: Exception) -> None:
        self._batch = None
        with self._changed:
            waiting = [call for call, _ in self._turns.take_all()]
            calls = {*waiting, *self._active.values()}
            self._active.clear()
        for call in calls:
            call.end(error)

    def _wait(self) -> bool:
        """Return when there is something to write; False where the desk is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._active or len(self._turns))
        return self._closed is None

    def _let_go(self) -> None:
        """End the calls whose callers have left."""
        for call in set(self._active.values()):
            if call.gone():
                self._end(call, Stopped())

    def _admit(self) -> None:
        """Put into the batch what there is room for."""
        while (taken := self._take()) is not None:
            call, asked = taken
            if call.gone():
                self._end(call, Stopped())
                continue
            assert self._batch is not None  # `_take` opens it
            with self._changed:
                self._active[asked] = call
            self._batch.add(asked)

    def _take(self) -> "tuple[Call, Asked] | None":
        with self._changed:
            if not len(self._turns):
                return None
            decoding = self._turns.next()[0].decoding
            if not self._active:
                self._batch, self._decoding = self._open_batch(decoding), decoding
            fits = self._batch is not None and self._batch.room > 0 and decoding == self._decoding
            return self._turns.take() if fits else None

    def _step(self) -> None:
        if self._batch is None or not self._batch.busy:
            return
        try:
            for done in self._batch.step():
                self._settle(done)
        except Exception as error:
            self._take_apart(error)

    def _settle(self, done: "Done") -> None:
        with self._changed:
            call = self._active.pop(done.asked, None)
        if call is None:
            return
        if done.error is not None:
            self._end(call, done.error)
            return
        call.texts[done.asked] = done.texts
        if len(call.texts) == len(call.asked):
            call.end()

    def _end(self, call: Call, error: Exception | None = None) -> None:
        """Forget what is left of a call."""
        with self._changed:
            self._turns.take_all(lambda entry: entry[0] is call)
            left = [asked for asked, other in self._active.items() if other is call]
            for asked in left:
                del self._active[asked]
        for asked in left:
            if self._batch is not None:
                self._batch.drop(asked)
        call.end(error)

    def _take_apart(self, error: Exception) -> None:
        """Answer each prompt of a batch that failed by itself: one may be the reason."""
        suspects = list(self._active.items())
        for asked, call in suspects:
            if asked not in self._active:  # another prompt of its call has failed
                continue
            try:
                self._batch = None  # its memory may be what is missing
                if len(suspects) == 1:
                    raise error
                self._batch = self._open_batch(call.decoding)
                self._batch.add(asked)
                while self._batch.busy:
                    for done in self._batch.step():
                        self._settle(done)
            except Exception as own:
                self._batch = None
                failed = ModelError(f"the model failed on this prompt: {type(own).__name__}")
                failed.__cause__ = own
                self._end(call, failed)
