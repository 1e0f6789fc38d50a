"""Ask a database a question: SQL, rows and how sure the model is.

    >>> with Predictor.from_pretrained("runs/mine", database="shop.sqlite") as predictor:
    ...     answer = predictor.predict("how many orders were paid in May?")
    >>> answer.sql, answer.rows
    ("SELECT count(*) FROM orders WHERE ...", [(412,)])

The SQL is checked against the schema and by the engine before it runs, read-only, in a worker
process. Of several samples one is chosen (`decoding.selection`); confidence is the share of those
that have its result. A question that the model cannot answer, or answers too unsurely, is an
ordinary result: `answer.error` says why, `answer.abstention` says it to programs.

Under a policy (`access`) everything that is read and written is what `user` may see: schema, sample
rows, values and pairs in the prompt, names that the checker knows, and the rows of the answer.

Covered: threads; follow-ups, where the base's prompt has a place for earlier turns; a schema that
changes while the predictor is open.
Not covered: a model that grows its own knowledge of a database from its training: no policy takes
back what an adapter was trained on.
"""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextvars import copy_context
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from text2sql.access.attributes import User
from text2sql.answers import Abstention, Answer
from text2sql.databases import Database
from text2sql.decoding.generation import Decoding, Listen, Stopped
from text2sql.decoding.selection import Selected, abstention, check_selection, select
from text2sql.errors import SettingsError, UnknownName
from text2sql.execution import Execution, Executor
from text2sql.models import Answered, Model, open_model
from text2sql.perspectives import Perspective, PolicySource, open_perspectives
from text2sql.project import find_database
from text2sql.prompting import Fitted
from text2sql.question_doubts import Doubt, doubts_about
from text2sql.schema.model import Schema

__all__ = ["Abstention", "Answer", "Predictor"]

History = Sequence[tuple[str, str]]  # earlier turns: question and SQL


class Predictor:
    """A model joined to one database, from `from_pretrained`; close it or use it as a context."""

    def __init__(
        self,
        model: Model | Callable[[], Model],
        database: Database,
        *,
        decoding: Decoding | None = None,
        timeout: float = 5.0,
        today: date | None = None,
        abstain_below: float | None = None,
        abstain_missing: bool | None = None,
        policy: PolicySource = None,
        time_zone: str | None = None,
        fiscal_start: int | None = None,
        executor: Executor | None = None,
    ) -> None:
        """Join them; `executor` is one that others use too, and the caller's to close."""
        self._model, self._opening = model, threading.Lock()
        self.database = database
        self.decoding = decoding or Decoding()
        check_selection(self.decoding, abstain_below)
        self.timeout, self.today, self.abstain_below = timeout, today, abstain_below
        self.abstain_missing = abstain_missing
        self._zone = _zone(time_zone or database.time_zone)
        self._calendar = _calendar(
            time_zone or database.time_zone, fiscal_start or database.fiscal_start
        )
        self._executor, self._lent = executor or Executor(database), executor is not None
        self._views = open_perspectives(database, self._executor, policy=policy)

    @classmethod
    def from_pretrained(
        cls,
        adapter_or_base: str | Path = "mini",
        *,
        database: str | Path | Database | None = None,
        base: str | None = None,
        decoding: Decoding | None = None,
        timeout: float = 5.0,
        today: date | None = None,
        abstain_below: float | None = None,
        abstain_missing: bool | None = None,
        policy: PolicySource = None,
        time_zone: str | None = None,
        fiscal_start: int | None = None,
        **loading: Any,
    ) -> Self:
        """Open a model and a database.

        Args:
            adapter_or_base: an adapter's folder, or a base: name, hub id, folder, `http://host/v1#model`.
            database: path, URL, or a name from text2sql.yaml; None means T2S_DATABASE.
            base: another copy of the adapter's base, such as a local folder.
            decoding: samples, temperature, tokens, selection; greedy by default.
            timeout: seconds that a query may run.
            today: the date that the prompt carries; None means the day of the question.
            abstain_below: the least confidence with which a question is answered.
            abstain_missing: whether a question is refused that asks for what is not there, or that
                means columns of several tables alike (`question_doubts`); None means where the
                base points at names, since it knows no others.
            policy: what each user may see: a YAML file or its content; None means the database's
                own in text2sql.yaml, and without one everybody sees what the login sees.
            time_zone: in which a day begins, such as Europe/Berlin; None means the database's own
                in text2sql.yaml, else the machine's.
            fiscal_start: the month in which the fiscal year begins; None likewise.
            **loading: dtype, device_map, revision, load_in_4bit, trust_remote_code, style,
                language.

        Raises:
            ModelError: the base or adapter cannot be loaded.
            DatabaseError: the database cannot be opened, or has no tables.
            PolicyError: the policy cannot be read.
            SettingsError: a threshold for one sample alone; no such month.
            UnknownName: a selection or time zone that does not exist.
        """
        check_selection(decoding or Decoding(), abstain_below)  # before the weights are read
        found = (
            database
            if isinstance(database, Database)
            else find_database(database and str(database))
        )
        is_adapter = (Path(adapter_or_base) / "adapter_config.json").exists()
        model = (
            open_model(base, adapter=adapter_or_base, **loading)
            if is_adapter
            else open_model(str(adapter_or_base), **loading)
        )
        settings: dict[str, Any] = {"decoding": decoding, "timeout": timeout, "today": today}
        settings |= {"policy": policy, "time_zone": time_zone, "fiscal_start": fiscal_start}
        settings |= {"abstain_below": abstain_below, "abstain_missing": abstain_missing}
        return cls(model, found, **settings)

    @property
    def model(self) -> Model:
        """The model; where a function was given in its place, that opens it when first needed."""
        with self._opening:
            if callable(self._model):
                self._model = self._model()
            return self._model

    @property
    def schema(self) -> Schema:
        """Everything that the project knows of the database, whoever may see it."""
        return self._views.schema

    def view(self, user: User | None = None, tables: Sequence[str] | None = None) -> Perspective:
        """Return what a user sees: its schema, and an executor that lets nothing else through.

        Args:
            user: who asks.
            tables: the only ones that a question is about; None means all that the user sees.

        Raises:
            PolicyError: the policy does not let them in, or shows them no table.
            UnknownName: a table that the user does not see.
        """
        seen = self._views.of(user)
        return seen if tables is None else seen.narrowed(tables)

    def predict(
        self,
        question: str,
        *,
        user: User | None = None,
        history: History = (),
        evidence: str | None = None,
        tables: Sequence[str] | None = None,
        run: bool = True,
    ) -> Answer:
        """Answer one question.

        Args:
            question: as a person asks it.
            user: who asks: attributes that the policy names, `role` or `roles` among them.
            history: earlier turns of the conversation: (question, SQL).
            evidence: what the question's words mean here, as BIRD gives it.
            tables: the only ones that the SQL may have; never more than the user sees.
            run: False stops at the SQL; samples then agree where their SQL is the same.

        Raises:
            PromptError: the question is empty, too long, or does not fit beside any table; or the
                base's prompt has no place for earlier turns.
            PolicyError: the policy does not let the user in.
            UnknownName: a table that the user does not see.
            SettingsError: the selection runs the samples, and `run` is False.
        """
        asked: dict[str, Any] = {"user": user, "history": history, "evidence": evidence}
        return self.predict_many([question], **asked, tables=tables, run=run)[0]

    def predict_many(
        self,
        questions: Sequence[str],
        *,
        user: User | None = None,
        history: History = (),
        evidence: str | None = None,
        tables: Sequence[str] | None = None,
        run: bool = True,
    ) -> list[Answer]:
        """Answer several questions of one user, in order, as many at once as the model takes."""
        view = self.view(user, tables)
        size = self.model.call_size(self.decoding)
        parts = [questions[start : start + size] for start in range(0, len(questions), size)]
        about = {"history": history, "evidence": evidence}
        return [a for part in parts for a in self._predict_batch(part, view, about, run=run)]

    def stream(
        self,
        question: str,
        *,
        user: User | None = None,
        history: History = (),
        evidence: str | None = None,
        tables: Sequence[str] | None = None,
        run: bool = True,
    ) -> Generator[str | Answer, None, None]:
        """Yield the first sample's text as it grows, piece by piece, then the checked answer.

        Nothing of the text has been checked before the answer is there. A server's model gives no
        pieces, a beam search none either: then the answer comes alone. Closing the iterator stops
        the model at its next token.
        """
        heard: SimpleQueue[str | Answer | BaseException] = SimpleQueue()
        gone = threading.Event()
        view, about = self.view(user, tables), {"history": history, "evidence": evidence}

        def listen(place: int, sample: int, text: str) -> None:
            if gone.is_set():
                raise Stopped
            if sample == 0:
                heard.put(text)

        def work() -> None:
            try:
                heard.put(self._predict_batch([question], view, about, run=run, listen=listen)[0])
            except BaseException as error:  # raised again where the caller is
                heard.put(error)

        context = copy_context()  # whose question it is
        threading.Thread(target=context.run, args=(work,), name="predict", daemon=True).start()
        return _pieces(heard.get, gone)

    def _predict_batch(
        self,
        questions: Sequence[str],
        view: Perspective,
        about: dict[str, Any],
        *,
        run: bool,
        listen: Listen | None = None,
    ) -> list[Answer]:
        begun = time.perf_counter()
        fitted = [self._prompt(question, view, **about) for question in questions]
        doubted = [self._doubts(question, view, **about) for question in questions]
        prompted = time.perf_counter()
        constrained = self.decoding.constraint == "values"
        answered = self.model.answer(
            fitted,
            view.schema,
            self.decoding,
            explain=view.explain,
            values=view.values if constrained else None,
            listen=listen,
        )
        seconds = {
            "prompt": (prompted - begun) / len(questions),
            "generate": (time.perf_counter() - prompted) / len(questions),
        }
        return [
            self._run(question, found, fit, seconds, view if run else None, view, doubts)
            for question, found, fit, doubts in zip(
                questions, answered, fitted, doubted, strict=True
            )
        ]

    def _doubts(
        self, question: str, view: Perspective, *, history: History, evidence: str | None
    ) -> tuple[Doubt, ...]:
        """Return the doubts that are told; of a base that reads any words there are none."""
        wanted = self.model.points if self.abstain_missing is None else self.abstain_missing
        if not wanted and not self.model.points:
            return ()
        found = doubts_about(question, view, history=history, evidence=evidence)
        return found if wanted else tuple(replace(doubt, sure=False) for doubt in found)

    def _prompt(
        self, question: str, view: Perspective, *, history: History, evidence: str | None
    ) -> Fitted:
        turns = list(history)
        if self.model.takes_turns:
            turns = view.turns_for(question) + turns
        return self.model.prompt(
            question,
            view.schema,
            today=self.today or datetime.now(self._zone).date(),
            evidence=evidence,
            sample=view.sample,
            cells=view.cells,
            room=self.decoding.max_new_tokens,
            history=turns,
            **self._calendar,
        )

    def _run(
        self,
        question: str,
        answered: Answered,
        fitted: Fitted,
        seconds: dict[str, float],
        run: Perspective | None,
        view: Perspective,
        doubts: tuple[Doubt, ...],
    ) -> Answer:
        def execute(sql: str) -> Execution:
            return view.execute(sql, timeout=self.timeout)

        found = select(
            answered.candidates, execute if run else None, selection=self.decoding.selection
        )
        abstained = self._abstention(found, answered, doubts)
        error = abstained.message if abstained else None
        columns, rows, truncated = [], [], False
        if error is None and run:
            ran = found.ran.get(found.candidate.sql) or execute(found.candidate.sql)
            columns, rows, truncated, error = ran.columns, ran.rows, ran.truncated, ran.error
            seconds = seconds | {"run": ran.seconds}
        rewritten = view.rewritten(found.candidate.sql)
        return Answer(
            question,
            found.candidate.sql,
            columns,
            rows,
            truncated,
            error,
            found.agreement,
            answered.candidates,
            fitted.schema.left_out,
            seconds,
            abstained,
            rewritten.sql if rewritten else None,
            rewritten.said if rewritten else (),
            self.model.count(fitted),
            answered.tokens,
            tuple(doubt.message for doubt in doubts),
        )

    def _abstention(
        self, found: Selected, answered: Answered, doubts: tuple[Doubt, ...]
    ) -> Abstention | None:
        """Return why the question is not answered; None where it is."""
        fault = found.candidate.fault
        if fault is not None:
            kind = "missing" if fault.layer in ("tables", "columns") else "invalid"
            return Abstention(kind, f"no valid SQL: {fault.message}")  # type: ignore[arg-type]
        if doubts and doubts[0].sure:
            sure = doubts[0]
            return Abstention(sure.kind, f"abstained: {sure.message}", sure.between)
        message = abstention(found.agreement, self.abstain_below)
        if message is None:
            return None
        readings = dict.fromkeys(c.sql for c in answered.candidates if c.valid)
        between = tuple(readings)[:2] if len(readings) > 1 else ()
        return Abstention("ambiguous" if len(readings) == 2 else "unsure", message, between)

    def close(self) -> None:
        """Release the model and the worker process."""
        if not self._lent:
            self._executor.close()
        with self._opening:
            if not callable(self._model):
                self._model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _pieces(
    hear: Callable[[], str | Answer | BaseException], gone: threading.Event
) -> Generator[str | Answer, None, None]:
    """Yield what each text has more than the last one, then the answer."""
    told = ""
    try:
        while not isinstance(said := hear(), Answer):
            if isinstance(said, BaseException):
                raise said
            if said.startswith(told) and said != told:  # a character may still change
                yield said[len(told) :]
                told = said
        yield said
    finally:
        gone.set()


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        from zoneinfo import available_timezones

        raise UnknownName("time zone", name or "", available_timezones()) from None


def _calendar(time_zone: str | None, fiscal_start: int | None) -> dict[str, Any]:
    if fiscal_start is not None and not 1 <= fiscal_start <= 12:
        raise SettingsError(f"fiscal_start is a month, 1 to 12, not {fiscal_start}")
    return {"time_zone": time_zone, "fiscal_start": fiscal_start}
