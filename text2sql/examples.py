"""One question with its accepted SQL: the record that every data set is read into.

A line of JSON has `question`, `query` (gold SQL; or `queries`, several accepted), `db_id`, and
where known `database` (URL or path), `evidence`, `dialect`, `split`, `source`, `language`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from text2sql.errors import DataError


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

    @property
    def query(self) -> str:
        """The gold SQL to learn from and to be compared with first."""
        return self.queries[0]


def read_example(record: Mapping[str, Any], index: int) -> Example:
    """Make an example of a decoded JSON object; keys that we do not know are ignored.

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
    optional = ("database", "evidence", "dialect", "split", "source", "language")
    return Example(
        index,
        record["question"],
        tuple(queries),
        record["db_id"],
        **{k: record.get(k) for k in optional},
    )
