"""Ask a database a question: SQL, rows and how sure the model is.

    >>> with Predictor.from_pretrained("runs/mine", database="shop.sqlite") as predictor:
    ...     answer = predictor.predict("how many orders were paid in May?")
    >>> answer.sql, answer.rows
    ("SELECT count(*) FROM orders WHERE ...", [(412,)])

The SQL is checked against the schema and by the engine before it runs, read-only, in a worker
process. Of several samples one is chosen (`decoding.selection`); confidence is the share of those
that have its result. A question that the model cannot answer, or answers too unsurely, is an
ordinary result: `answer.error` says why.

Not covered: row-level rights (whoever asks sees what the database's login sees); earlier turns of a
conversation.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, Self

from text2sql.cells import DatabaseCells
from text2sql.databases import Database
from text2sql.decoding.candidates import Candidate
from text2sql.decoding.generation import Decoding
from text2sql.decoding.selection import Selected, abstention, check_selection, select
from text2sql.errors import DatabaseError
from text2sql.execution import Execution, Executor
from text2sql.execution.sampling import sampler, value_lister
from text2sql.models import Answered, Model, open_model
from text2sql.project import find_database
from text2sql.schema import read_schema
from text2sql.schema.model import Schema


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one question."""

    question: str
    sql: str
    columns: list[str]
    rows: list[tuple]
    truncated: bool  # rows were cut at the row or byte cap
    error: str | None  # why there are no rows: no valid SQL, abstained, the engine's message
    confidence: float | None  # share of samples with this result; None: one sample says nothing
    candidates: list[Candidate]
    left_out: tuple[str, ...]  # tables and columns that the prompt had no room for
    seconds: dict[str, float] = field(default_factory=dict)  # by part: prompt, generate, run

    def record(self) -> dict[str, Any]:
        """Return the answer for JSON; candidates without what is derived from them."""
        shown = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "candidates"}
        return shown | {"candidates": [candidate.record() for candidate in self.candidates]}


class Predictor:
    """A model joined to one database, from `from_pretrained`; close it or use it as a context."""

    def __init__(
        self,
        model: Model,
        database: Database,
        *,
        decoding: Decoding | None = None,
        timeout: float = 5.0,
        today: date | None = None,
        abstain_below: float | None = None,
    ) -> None:
        self.model, self.database = model, database
        self.decoding = decoding or Decoding()
        check_selection(self.decoding, abstain_below)
        self.timeout, self.today, self.abstain_below = timeout, today, abstain_below
        self.schema: Schema = read_schema(database)
        if not self.schema.tables:
            raise DatabaseError(f"database {database.shown} has no tables", database.shown)
        self._executor = Executor(database)
        self._sample = sampler(database)
        self._cells = DatabaseCells(database, self.schema)
        constrained = self.decoding.constraint == "values"
        self._values = value_lister(database, schema=self.schema) if constrained else None

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
            **loading: dtype, device_map, revision, load_in_4bit, trust_remote_code, style,
                language.

        Raises:
            ModelError: the base or adapter cannot be loaded.
            DatabaseError: the database cannot be opened, or has no tables.
            SettingsError: a threshold for one sample alone.
            UnknownName: a selection that does not exist.
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
        return cls(model, found, abstain_below=abstain_below, **settings)

    def predict(self, question: str, *, evidence: str | None = None, run: bool = True) -> Answer:
        """Answer one question.

        Args:
            question: as a person asks it.
            evidence: what the question's words mean here, as BIRD gives it.
            run: False stops at the SQL; samples then agree where their SQL is the same.

        Raises:
            PromptError: the question is empty, too long, or does not fit beside any table.
            SettingsError: the selection runs the samples, and `run` is False.
        """
        return self.predict_many([question], evidence=evidence, run=run)[0]

    def predict_many(
        self, questions: Sequence[str], *, evidence: str | None = None, run: bool = True
    ) -> list[Answer]:
        """Answer several questions, in order."""
        size = self.model.call_size(self.decoding)
        parts = [questions[start : start + size] for start in range(0, len(questions), size)]
        return [answer for part in parts for answer in self._predict_batch(part, evidence, run)]

    def _predict_batch(
        self, questions: Sequence[str], evidence: str | None, run: bool
    ) -> list[Answer]:
        begun = time.perf_counter()
        today = self.today or date.today()
        room = self.decoding.max_new_tokens
        fitted = [
            self.model.prompt(
                q,
                self.schema,
                today=today,
                evidence=evidence,
                sample=self._sample,
                cells=self._cells,
                room=room,
            )
            for q in questions
        ]
        prompted = time.perf_counter()
        answered = self.model.answer(
            fitted,
            self.schema,
            self.decoding,
            explain=self._executor.explain,
            values=self._values,
        )
        seconds = {
            "prompt": (prompted - begun) / len(questions),
            "generate": (time.perf_counter() - prompted) / len(questions),
        }
        return [
            self._run(question, found, fit.schema.left_out, seconds, run)
            for question, found, fit in zip(questions, answered, fitted, strict=True)
        ]

    def _run(
        self,
        question: str,
        answered: Answered,
        left_out: tuple[str, ...],
        seconds: dict[str, float],
        run: bool,
    ) -> Answer:
        found = select(
            answered.candidates, self._execute if run else None, selection=self.decoding.selection
        )
        error = self._refusal(found)
        columns, rows, truncated = [], [], False
        if error is None and run:
            ran = found.ran.get(found.candidate.sql) or self._execute(found.candidate.sql)
            columns, rows, truncated, error = ran.columns, ran.rows, ran.truncated, ran.error
            seconds = seconds | {"run": ran.seconds}
        return Answer(
            question,
            found.candidate.sql,
            columns,
            rows,
            truncated,
            error,
            found.agreement,
            answered.candidates,
            left_out,
            seconds,
        )

    def _execute(self, sql: str) -> Execution:
        return self._executor.execute(sql, timeout=self.timeout)

    def _refusal(self, found: Selected) -> str | None:
        if found.candidate.fault is not None:
            return f"no valid SQL: {found.candidate.fault.message}"
        return abstention(found.agreement, self.abstain_below)

    def close(self) -> None:
        """Release the model and the worker process."""
        self._executor.close()
        self.model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
