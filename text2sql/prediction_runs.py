"""Answer every question of a split, call by call, into a file from which a killed run continues.

    >>> run = PredictionRun(dataset, model, Decoding(), pool, path, today=date.today())
    >>> run.predict_all()[0]["sql"]
    'SELECT count(*) FROM orders'

Covered: questions of one database side by side, by length, in calls that are a function of the
examples alone; a prompt that is refused is a record with its reason; all samples are kept.
Not covered: two runs that write to one file (`outputs.owned`).
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from text2sql.data.catalog import DataSet
from text2sql.decoding.candidates import Candidate
from text2sql.decoding.generation import Decoding, batches
from text2sql.decoding.selection import Selected, abstention, select
from text2sql.errors import PromptError
from text2sql.examples import Example
from text2sql.execution import Executor
from text2sql.execution.sampling import Values, value_lister
from text2sql.models import Answered, Model
from text2sql.outputs import write_whole
from text2sql.prompting import Fitted


@dataclass
class PredictionRun:
    """The predicting half of an evaluation."""

    dataset: DataSet
    model: Model
    decoding: Decoding
    pool: Executor
    path: Path
    _: KW_ONLY
    today: date
    abstain_below: float | None = None
    progress: Callable[[str, int, int], None] = lambda what, done, total: None

    def predict_all(self) -> list[dict[str, Any]]:
        """Return one prediction record per example, in order; append each call's to the file."""
        prompts = self._prompts()
        records = {
            i: _refused(self.dataset.examples[i], str(refusal))
            for i, refusal in enumerate(prompts)
            if isinstance(refusal, PromptError)
        }
        plan = self._plan(prompts)
        done = _read_done(self.path)
        kept = [
            batch for batch in plan if all(self.dataset.examples[i].index in done for i in batch)
        ]
        records |= {i: done[self.dataset.examples[i].index] for batch in kept for i in batch}
        write_whole(self.path, "".join(map(to_line, records.values())))
        with self.path.open("a", encoding="utf-8") as file:
            for batch in (batch for batch in plan if batch not in kept):
                new = self._predict(batch, prompts)
                file.write("".join(map(to_line, new)))
                file.flush()
                records |= dict(zip(batch, new, strict=True))
                self.progress("predicted", len(records), len(prompts))
        ordered = [records[i] for i in range(len(prompts))]
        write_whole(self.path, "".join(map(to_line, ordered)))
        return ordered

    def _plan(self, prompts: Sequence[Any]) -> list[list[int]]:
        """Return the places in the split that go into each call."""
        askable = [i for i, fitted in enumerate(prompts) if isinstance(fitted, Fitted)]
        lengths = [len(prompts[i].prompt.text) for i in askable]
        groups = [self.dataset.examples[i].db_id for i in askable]
        return [
            [askable[j] for j in batch]
            for batch in batches(lengths, groups, self.model.call_size(self.decoding))
        ]

    def _prompts(self) -> list[Fitted | PromptError]:
        return [self._prompt(example) for example in self.dataset.examples]

    def _prompt(self, example: Example) -> Fitted | PromptError:
        schema = self.dataset.schema(example.db_id)
        room = self.decoding.max_new_tokens
        try:
            return self.model.prompt(
                example.question,
                schema,
                today=self.today,
                evidence=example.evidence,
                sample=self.dataset.sample(example.db_id),
                cells=self.dataset.cells(example.db_id),
                room=room,
            )
        except PromptError as error:
            return error

    def _predict(self, batch: Sequence[int], prompts: Sequence[Any]) -> list[dict[str, Any]]:
        examples = [self.dataset.examples[i] for i in batch]
        db_id = examples[0].db_id
        database = self.dataset.database(db_id)
        begun = time.perf_counter()
        fitted = [prompts[i] for i in batch]
        answered = self.model.answer(
            fitted,
            self.dataset.schema(db_id),
            self.decoding,
            explain=lambda sql: self.pool.explain(sql, database),
            values=self._values(db_id),
        )
        chosen = [
            select(
                each.candidates,
                lambda sql: self.pool.execute(sql, database),
                selection=self.decoding.selection,
            )
            for each in answered
        ]
        seconds = (time.perf_counter() - begun) / len(batch)
        return [
            self._record(example, fit, each, found) | {"seconds": round(seconds, 4)}
            for example, fit, each, found in zip(examples, fitted, answered, chosen, strict=True)
        ]

    def _values(self, db_id: str) -> Values | None:
        if self.decoding.constraint != "values":
            return None
        return value_lister(self.dataset.database(db_id), schema=self.dataset.schema(db_id))

    def _record(
        self, example: Example, fitted: Fitted, answered: Answered, found: Selected
    ) -> dict[str, Any]:
        refusal = abstention(found.agreement, self.abstain_below)
        record = {
            **_about(example),
            "sql": "" if refusal else found.candidate.sql,
            "valid": found.candidate.valid,
            "chosen": found.place,
            "confidence": found.agreement,
            "candidates": [_candidate(candidate, found) for candidate in answered.candidates],
            "left_out": list(fitted.schema.left_out),
            "tokens": answered.tokens,
        }
        return record | ({"error": refusal} if refusal else {})


def _about(example: Example) -> dict[str, Any]:
    return {"index": example.index, "db_id": example.db_id, "question": example.question}


def _candidate(candidate: Candidate, found: Selected) -> dict[str, Any]:
    error = found.run_error(candidate)
    return candidate.record() | ({"run_error": error} if error else {})


def _refused(example: Example, reason: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"sql": "", "valid": False, "chosen": None, "confidence": None}
    empty |= {"candidates": [], "left_out": [], "tokens": 0, "seconds": 0.0}
    return _about(example) | empty | {"error": reason}


def to_line(record: dict[str, Any]) -> str:
    """Return a record as a line of JSON Lines."""
    return json.dumps(record, ensure_ascii=False) + "\n"


def _read_done(path: Path) -> dict[int, dict[str, Any]]:
    """Return the predictions that a killed run wrote; its last line may be cut."""
    done = {}
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for line in filter(None, text.split("\n")):  # other line breaks may stand in a text
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            break
        done[record["index"]] = record
    return done
