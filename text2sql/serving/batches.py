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
class _Call:
    """What one thread waits for."""

    decoding: Decoding
    asked: "Sequence[Asked]"
    gone: Callable[[], bool]
    texts: "dict[Asked, list[Generation]]" = field(default_factory=dict)
    error: Exception | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def end(self, error: Exception | None = None) -> None:
        """Let the thread go on."""
        self.error = error
        self.done.set()


class Desk:
    """Takes what threads ask, and has a thread of its own that answers it."""

    def __init__(self, open_batch: "Callable[[Decoding], Batch]") -> None:
        """Begin with nothing to write.

        Args:
            open_batch: returns an empty batch for some settings.
        """
        self._open_batch = open_batch
        self._changed = threading.Condition()  # guards the four below
        self._turns: Turns[tuple[_Call, Asked]] = Turns()
        self._active: dict[Asked, _Call] = {}  # in the batch
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
        asker, left = ASKER.get(Asker()), threading.Event()
        call = _Call(decoding, asked, lambda: left.is_set() or asker.gone())
        self._submit(asker.name or call, call)
        try:
            call.done.wait()
        finally:
            left.set()  # this thread may have been interrupted
        if call.error is not None:
            raise call.error
        return [call.texts[one] for one in asked]

    def _submit(self, whose: Hashable, call: _Call) -> None:
        with self._changed:
            if self._closed is not None:
                raise self._closed
            self._turns.add(whose, [(call, one) for one in call.asked])
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="decode", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self, error: Exception) -> None:
        """End the thread after its next step; who waits gets the error."""
        with self._changed:
            self._closed = error
            thread = self._thread
            self._changed.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    # What follows runs in the thread that has the model.

    def _work(self) -> None:
        error: Exception = ModelError("the model's thread has ended")
        try:
            while self._wait():
                self._admit()
                self._step()
            error = self._closed or error
        except Exception as own:  # nobody is left waiting, whatever it is
            error = own
        finally:
            self._batch = None
            with self._changed:
                waiting = [call for call, _ in self._turns.take_all()]
                for call in {*waiting, *self._active.values()}:
                    call.end(error)
                self._active.clear()
                self._thread = None

    def _wait(self) -> bool:
        """Return when there is something to write; False where the desk is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._active or len(self._turns))
            calls = set(self._active.values())
        for call in calls:
            if call.gone():
                self._end(call, Stopped())
        return self._closed is None

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

    def _take(self) -> "tuple[_Call, Asked] | None":
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

    def _end(self, call: _Call, error: Exception | None = None) -> None:
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
