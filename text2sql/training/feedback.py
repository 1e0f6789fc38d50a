"""What an adapter says to the training questions, and what running it came to: samples, verdicts.

    >>> questions = collect(folder, dataset, judge, texts)
    >>> questions[0].right[0].sql, questions[0].right[0].count
    ('SELECT count(*) FROM orders', 5)

`verdicts.jsonl` grows by a few questions at a time; a run that was killed goes on behind the last
whole line, so that a query that hung once is not judged again.

Covered: SQL that comes up in several samples is judged once; SQL that differs only in spelling,
aliases or the order of operands is one build.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from text2sql.examples import Example
from text2sql.outputs import write_whole
from text2sql.scoring.normal_forms import Reading, parse
from text2sql.training.verdicts import Judge, Verdict, judge_all

VERDICTS = "verdicts.jsonl"
_AT_ONCE = 64  # questions that are judged, and written, together
# A text this many times as long as gold, and longer than so many characters, has lost its thread.
# Ours, not tuned.
_RUNAWAY, _NO_RUNAWAY = 4, 200


@dataclass(frozen=True, slots=True)
class Judged:
    """One SQL among a question's samples."""

    sql: str
    count: int  # samples that say it
    verdict: Verdict

    def record(self) -> dict[str, Any]:
        """Return what stands in verdicts.jsonl."""
        return {"sql": self.sql, "count": self.count, **asdict(self.verdict)}

    @classmethod
    def of(cls, record: dict[str, Any]) -> "Judged":
        """Read what `record` wrote."""
        rest = {key: value for key, value in record.items() if key not in ("sql", "count")}
        return cls(record["sql"], record["count"], Verdict(**rest))


@dataclass(frozen=True, slots=True)
class Question:
    """A training question with its samples, each SQL once, in the order in which they came."""

    example: Example
    samples: tuple[Judged, ...]

    @property
    def right(self) -> list[Judged]:
        """Those that answer as gold on every database."""
        return [each for each in self.samples if each.verdict.correct]

    @property
    def wrong(self) -> list[Judged]:
        """Those that do not, and are SQL at all."""
        return [each for each in self.samples if each.verdict.correct is False and each.sql]

    def lessons(self, samples: Sequence[Judged]) -> list[Judged]:
        """Return the samples that teach something: those that have not run away.

        A long text may be right, by a comment in it, or nearly right in its first words; a model
        that learns from it learns to go on.
        """
        longest = max(_NO_RUNAWAY, _RUNAWAY * len(self.example.query))
        return [each for each in samples if len(each.sql) <= longest]


def collect(
    folder: Path,
    examples: Sequence[Example],
    judge: Judge,
    samples: Sequence[Sequence[str]],
    *,
    workers: int = 2,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Question]:
    """Judge the samples of every question, going on from what the folder holds.

    Args:
        folder: where verdicts.jsonl stands.
        examples: the questions.
        judge: runs SQL beside gold.
        samples: SQL of each question, as often as it was drawn.
        workers: queries that run at the same time.
        progress: called with the number of questions done, and of all.
    """
    path = folder / VERDICTS
    found = [_question(*pair) for pair in zip(examples, _read(path), strict=False)]
    write_whole(path, "".join(map(_line, found)))
    with path.open("a", encoding="utf-8") as file:
        for first in range(len(found), len(examples), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            new = list(_judged(examples[part], samples[part], judge, workers))
            file.write("".join(map(_line, new)))
            file.flush()
            found += new
            progress(len(found), len(examples))
    return found


def _judged(
    examples: Sequence[Example], samples: Sequence[Sequence[str]], judge: Judge, workers: int
) -> Iterator[Question]:
    counts = [Counter(texts) for texts in samples]
    pairs = list(zip(examples, counts, strict=True))
    cases = [(sql, e.queries, e.db_id) for e, counted in pairs for sql in counted]
    verdicts = iter(judge_all(judge, cases, workers=workers))
    for example, counted in pairs:
        judged = (Judged(sql, count, next(verdicts)) for sql, count in counted.items())
        yield Question(example, tuple(judged))


def _line(question: Question) -> str:
    e = question.example
    about = {"index": e.index, "db_id": e.db_id, "question": e.question, "gold": e.query}
    record = about | {"samples": [each.record() for each in question.samples]}
    return json.dumps(record, ensure_ascii=False) + "\n"


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole lines of a file; a killed run may have cut the last one."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for line in text.split("\n"):
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return


def _question(example: Example, record: dict[str, Any]) -> Question:
    return Question(example, tuple(map(Judged.of, record["samples"])))


def count_samples(questions: Sequence[Question]) -> dict[str, int]:
    """Return what is published of a sampling: samples, and questions by what came of them."""
    every = [each for question in questions for each in question.samples]

    def samples(test: Callable[[Verdict], Any]) -> int:
        return sum(each.count for each in every if test(each.verdict))

    def where(test: Callable[[Question], Any]) -> int:
        return sum(1 for question in questions if test(question))

    return {
        "sampled": samples(lambda verdict: True),
        "valid": samples(lambda verdict: verdict.valid),
        "correct": samples(lambda verdict: verdict.correct),
        "undecided": samples(lambda verdict: verdict.correct is None),  # gold cannot tell
        "run_away": sum(
            each.count
            for question in questions
            for each in question.samples
            if not question.lessons([each])
        ),
        "questions": len(questions),
        "questions_without_correct": where(lambda question: not question.right),
        "questions_all_correct": where(lambda question: question.right and not question.wrong),
        "most_databases": max((each.verdict.databases for each in every), default=0),
    }


def build_of(sql: str, dialect: str) -> Any:
    """Return what equally built queries share: a normal form, or the text where there is none."""
    tree = parse(sql, dialect)
    try:
        return Reading(dialect, None, exact=True).read(tree) if tree is not None else sql
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return sql  # a model writes trees that no reader has seen


def distinct_builds(samples: Sequence[Judged], dialect: str) -> list[Judged]:
    """Return the shortest sample of each build, in order; its count is that of the build."""
    groups: dict[Any, list[Judged]] = {}
    for each in samples:
        groups.setdefault(build_of(each.sql, dialect), []).append(each)
    shortest = [min(same, key=lambda each: len(each.sql)) for same in groups.values()]
    counts = [sum(each.count for each in same) for same in groups.values()]
    return [replace(each, count=n) for each, n in zip(shortest, counts, strict=True)]
