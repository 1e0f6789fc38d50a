"""Let a model put questions into other words, and keep what a round trip shows to mean the same.

    >>> with open_model("http://127.0.0.1:8000/v1#writer") as writer:
    ...     rewritten = rewrite(records, writer, database)
    >>> rewritten.counts()
    {'asked': 500, 'kept': 341, 'other result': 112, 'no SQL': 31, 'same words': 16}

The round trip: the new question goes to an answering model, whose SQL runs on the database; if its
rows are those of the gold SQL, by the official rule, the new question is a record beside the old
one. What such a model cannot answer is lost, so a strong one keeps more.

Covered: any base of the catalogue, with or without an adapter; OpenAI-compatible servers.
Not covered: rewriting for other golds; a base that was never taught anything but SQL writes none.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from text2sql.databases import Database, hide_password
from text2sql.decoding.generation import Decoding
from text2sql.execution import Executor
from text2sql.models import Model
from text2sql.predictor import Answer, Predictor
from text2sql.prompting.formats import resolve
from text2sql.prompting.segments import Prompt, Segment, merge
from text2sql.scoring.results import same_rows

LONGEST = 400  # characters of a question
TEMPERATURE = 0.7
_ROUND = 16  # questions that are rewritten before their answers are asked for

_TASK = {
    "en": "Rewrite the question so that a person might ask it in other words. It must mean exactly"
    " the same: keep every condition, value, order and what is to be shown. Reply with the new"
    " question alone.\n\nQuestion: {question}\nSQL that answers it: {sql}\n\nNew question:",
    "zh": "请换一种说法改写下面的问题，意思必须完全相同：保留每个条件、取值、顺序和要显示的内容。"
    "只回复新的问题。\n\n问题：{question}\n对应的 SQL：{sql}\n\n新的问题：",
}
_LABEL = re.compile(
    r"^\s*(?:(?:new|rewritten)\s+question|question|新的?问题|问题)\s*[:：]\s*", re.I
)
_SQL = re.compile(r"^\s*(?:select|with)\b", re.I)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Records with new questions, and what became of the others."""

    records: list[dict[str, Any]]
    asked: int
    refused: Counter[str] = field(default_factory=Counter)

    def counts(self) -> dict[str, int]:
        """Return how many were asked for, kept, and refused by reason."""
        return {"asked": self.asked, "kept": len(self.records), **dict(self.refused.most_common())}


def rewrite(
    records: Sequence[dict[str, Any]],
    writer: Model,
    database: Database,
    *,
    answerer: Model | None = None,
    seed: int = 0,
    timeout: float = 5.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Rewritten:
    """Return records with questions in other words.

    Args:
        records: example records about the database.
        writer: rewrites.
        database: on which golds and answers run.
        answerer: answers the new questions; None means the writer.
        seed: of the sampling.
        timeout: seconds for one query.
        progress: called with records done and records in all.

    Raises:
        ModelError: a server is away or refuses.
    """
    answerer = answerer or writer
    kept: list[dict[str, Any]] = []
    refused: Counter[str] = Counter()
    known = {record["question"].casefold() for record in records}
    with Executor(database) as executor, _lent(answerer, database, timeout) as predictor:
        for start in range(0, len(records), _ROUND):
            some = records[start : start + _ROUND]
            texts = _write(some, writer, seed + start)
            for record, question in zip(some, texts, strict=True):
                reason = _unusable(question, record["question"])
                reason = reason or ("asked already" if question.casefold() in known else None)
                reason = reason or _differs(question, record["query"], predictor, executor, timeout)
                if reason:
                    refused[reason] += 1
                else:
                    known.add(question.casefold())
                    kept.append(_record(record, question, writer))
            progress(min(start + _ROUND, len(records)), len(records))
    return Rewritten(kept, len(records), refused)


class _Lent(Predictor):
    """A predictor that leaves its model open: somebody else's."""

    def close(self) -> None:
        self._executor.close()


def _lent(model: Model, database: Database, timeout: float) -> Predictor:
    return _Lent(model, database, timeout=timeout)


def _write(records: Sequence[dict[str, Any]], writer: Model, seed: int) -> list[str]:
    """Ask for new questions; return what stands for one in each answer."""
    prompts = [_prompt(record, writer) for record in records]
    decoding = Decoding(
        temperature=TEMPERATURE, top_p=0.95, seed=seed, max_new_tokens=96, constraint="none"
    )
    written = writer.backend.generate(prompts, decoding)
    return [read_question(generations[0].text) for generations in written]


def _prompt(record: dict[str, Any], writer: Model) -> Prompt:
    """Return the task in the marks of the writer's chat, where it has one."""
    chat = resolve(writer.base.prompt_format, writer.backend.tokenizer).chat
    task = _TASK.get(record.get("language") or "en", _TASK["en"])
    text = task.format(question=record["question"], sql=record["query"])
    segments = (
        Segment(chat.head, False, True),
        Segment(text, False, False),
        Segment(chat.tail, False, True),
    )
    return Prompt(merge(segments), "rewriting", lead=chat.lead, bos=chat.bos)


def read_question(text: str) -> str:
    """Return the question in what a model wrote: its first line that says something."""
    lines = (_LABEL.sub("", line).strip(" \t\"'“”`*") for line in text.splitlines())
    return next(filter(None, lines), "")


def _unusable(question: str, original: str) -> str | None:
    if not question or _SQL.match(question):
        return "no question"
    if len(question) > LONGEST:
        return "too long"
    letters = [re.sub(r"\W+", "", text).casefold() for text in (question, original)]
    return "same words" if letters[0] == letters[1] else None


def _differs(
    question: str, gold: str, predictor: Predictor, executor: Executor, timeout: float
) -> str | None:
    """Return why a question does not mean what the gold SQL says; None where it does."""
    expected = executor.execute(gold, timeout=timeout)
    if expected.error or expected.truncated:
        return "gold cannot be run"
    answer: Answer = predictor.predict(question)
    if answer.error:
        return "no SQL"
    ordered = "order by" in gold.casefold()  # as the official rule has it
    same = not answer.truncated and same_rows(expected.rows, answer.rows, ordered=ordered)
    return None if same else "other result"


def _record(record: dict[str, Any], question: str, writer: Model) -> dict[str, Any]:
    said = {"rewritten_from": record["question"], "rewritten_by": hide_password(writer.base.name)}
    return record | {"question": question, "provenance": record.get("provenance", {}) | said}
