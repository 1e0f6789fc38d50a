"""Count what a data set holds: examples by database, hardness and language, skeletons, lengths.

    >>> describe(dataset, hardness=scoring.hardness)["skeletons"]
    118

A skeleton is a query with its names and values blanked (`data.skeletons`): what is left is the
construction that has to be learnt. Lengths in tokens are a base's own, where its tokenizer is
given; else they are estimated, and their names say so.

Not covered: the tokens of the schema, which the prompt of a base shows in its own way
(`t2s train --plan` counts those).
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, quantiles
from typing import Any

from text2sql.data.catalog import DataSet
from text2sql.data.skeletons import skeleton_of
from text2sql.errors import DatabaseError
from text2sql.schema.model import Schema

LEVELS = ("easy", "medium", "hard", "extra")
UNKNOWN = "not known"  # hardness where there is no schema
_PIECE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+|[^\w\s]")
_LETTERS = 6  # of a word that are one token, about

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of every question and of every gold query, in the order of the examples."""

    questions: list[int]
    queries: list[int]
    estimated: bool

    def names(self) -> tuple[str, str]:
        """Return what the two are called where they are shown."""
        mark = "_estimated" if self.estimated else ""
        return f"question_tokens{mark}", f"query_tokens{mark}"


def lengths(dataset: DataSet, count: Count | None = None) -> Lengths:
    """Return the lengths of a data set's questions and queries.

    Args:
        dataset: the split to count.
        count: tokens of a text; None means an estimate.
    """
    counted = count or estimated_tokens
    return Lengths(
        [counted(example.question) for example in dataset.examples],
        [counted(sql) for example in dataset.examples for sql in example.queries[:1]],
        count is None,
    )


def estimated_tokens(text: str) -> int:
    """Return about as many tokens as a base would make of a text: six letters each, a mark one."""
    pieces = _PIECE.findall(text)
    return sum(math.ceil(len(piece.encode()) / _LETTERS) for piece in pieces)


def describe(
    dataset: DataSet, *, hardness: Callable[[str, Schema], str], count: Count | None = None
) -> dict[str, Any]:
    """Return counts of a data set, ready for a table or `--json`.

    Args:
        dataset: the split to count.
        hardness: level of a gold query, as the official program assigns it.
        count: tokens of a text, as for `lengths`.
    """
    examples = dataset.examples
    levels = Counter(
        _level(sql, e.db_id, dataset, hardness) for e in examples for sql in e.queries[:1]
    )
    databases = Counter(e.db_id for e in examples)
    found = lengths(dataset, count)
    questions, queries = found.names()
    return {
        "dataset": dataset.name,
        "split": dataset.split,
        "examples": len(examples),
        "databases": len(databases),
        "by_hardness": {k: levels[k] for k in (*LEVELS, UNKNOWN) if k in LEVELS or levels[k]},
        "easy_first": _begins(levels),
        "by_language": dict(Counter(e.language or "not stated" for e in examples)),
        "by_database": dict(databases),
        "skeletons": len({skeleton_of(e) for e in examples}),
        "question_characters": _spread([len(e.question) for e in examples]),
        "query_characters": _spread([len(sql) for e in examples for sql in e.queries[:1]]),
        questions: _spread(found.questions),
        queries: _spread(found.queries),
        "duplicate_questions": len(examples)
        - len({(e.db_id, e.question.casefold()) for e in examples}),
    }


def _level(sql: str, db_id: str, dataset: DataSet, hardness: Callable[[str, Schema], str]) -> str:
    try:
        return hardness(sql, dataset.schema(db_id))
    except DatabaseError:
        return UNKNOWN


def _begins(levels: Counter[str]) -> dict[str, int]:
    """Return the place at which each level begins in the curriculum `order: easy_first`."""
    sizes = [levels[level] for level in LEVELS]
    return {level: sum(sizes[:place]) for place, level in enumerate(LEVELS) if sizes[place]}


def _spread(values: Sequence[int]) -> dict[str, float]:
    cuts = quantiles(values, n=20, method="inclusive") if len(values) > 1 else [values[0]] * 19
    return {"mean": round(mean(values), 1), "median": cuts[9], "p95": cuts[18], "max": max(values)}
