"""Count what a data set holds: examples by database, hardness and language, skeletons, lengths.

    >>> describe(dataset, hardness=scoring.hardness)["skeletons"]
    118

A skeleton is a query with its names and values blanked (`data.skeletons`): what is left is the
construction that has to be learnt.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import mean, quantiles
from typing import Any

from text2sql.data.catalog import DataSet
from text2sql.data.skeletons import skeleton
from text2sql.schema.model import Schema


def describe(dataset: DataSet, *, hardness: Callable[[str, Schema], str]) -> dict[str, Any]:
    """Return counts of a data set, ready for a table or `--json`.

    Args:
        dataset: the split to count.
        hardness: level of a gold query, as the official program assigns it.
    """
    examples = dataset.examples
    levels = Counter(hardness(e.query, dataset.schema(e.db_id)) for e in examples)
    databases = Counter(e.db_id for e in examples)
    return {
        "dataset": dataset.name,
        "split": dataset.split,
        "examples": len(examples),
        "databases": len(databases),
        "by_hardness": {level: levels[level] for level in ("easy", "medium", "hard", "extra")},
        "by_language": dict(Counter(e.language or "not stated" for e in examples)),
        "by_database": dict(databases),
        "skeletons": len({skeleton(e.query) for e in examples}),
        "question_characters": _spread([len(e.question) for e in examples]),
        "query_characters": _spread([len(e.query) for e in examples]),
        "duplicate_questions": len(examples)
        - len({(e.db_id, e.question.casefold()) for e in examples}),
    }


def _spread(values: Sequence[int]) -> dict[str, float]:
    cuts = quantiles(values, n=20, method="inclusive") if len(values) > 1 else [values[0]] * 19
    return {"mean": round(mean(values), 1), "median": cuts[9], "p95": cuts[18], "max": max(values)}
