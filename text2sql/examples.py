"""One question with its accepted SQL: the record that every data set is read into.

A line of JSON has `question`, `query` (gold SQL; or `queries`, several accepted), `db_id`, and
where known `database` (URL or path), `evidence`, `dialect`, `split`, `source`, `language`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from text2sql.errors import DataError

OPTIONAL = ("database", "evidence", "dialect", "split", "source", "language")
KNOWN = ("question", "query", "queries", "SQL", "db_id", *OPTIONAL)


@dataclass(frozen=True, slots=True)
class Example:
    """A question and the gold SQL that answers it."""

    index: int  # 0-based place in its split, as published
    question: str
    queries: tuple[str, ...]  # accepted answers, the first is the one to learn; empty: no gold
    db_id: str
    database: str | None = None
    evidence: str | None = None
    dialect: str | None = None
    split: str | None = None
    source: str | None = None
    language: str | None = None
    # what else its record says, such as a skeleton: kept when it is written again
    others: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def query(self) -> str:
        """The gold SQL to learn from and to be compared with first."""
        return self.queries[0]


def read_example(record: Mapping[str, Any], index: int) -> Example:
    """Make an example of a decoded JSON object; keys that we do not know are kept aside.

    Raises:
        DataError: `question`, `db_id` or the SQL is missing or of the wrong type.
    """
    queries = record.get("queries", record.get("query", record.get("SQL")))
    queries = (queries,) if isinstance(queries, str) else queries
    if not isinstance(queries, list | tuple) or not all(
        isinstance(q, str) and q.strip() for q in queries
    ):
        raise DataError(f"example {index}: 'query' must be SQL text, or 'queries' a list of it")
    for key in ("question", "db_id"):
        if not isinstance(record.get(key), str) or not record[key].strip():
            raise DataError(f"example {index}: {key!r} must be text that is not empty")
    return Example(
        index,
        record["question"],
        tuple(queries),
        record["db_id"],
        **{key: record.get(key) for key in OPTIONAL},
        others={key: value for key, value in record.items() if key not in KNOWN},
    )


def write_example(example: Example) -> dict[str, Any]:
    """Return the record of an example, from which `read_example` makes the same."""
    queries = example.queries
    gold = {"query": queries[0]} if len(queries) == 1 else {"queries": list(queries)}
    said = {key: getattr(example, key) for key in OPTIONAL if getattr(example, key) is not None}
    return {"question": example.question, **gold, "db_id": example.db_id, **said, **example.others}
