"""From a model's texts to candidates: read the SQL in each, canonicalise it, verify it.

    >>> candidates = judge(texts, base=base, schema=schema, explain=executor.explain)
    >>> candidates[0].sql, candidates[0].valid
    ('SELECT count(*) FROM orders', True)

Covered: records on disk, written and read back.
Not covered: which candidate is the answer (`selection`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from text2sql.bases.base import Base
from text2sql.decoding.verification import Fault, Verification, verify
from text2sql.execution import Execution
from text2sql.prompting.answers import ANSWERS
from text2sql.schema import canonicalise
from text2sql.schema.model import Schema


@dataclass(frozen=True, slots=True)
class Candidate:
    """One text of the model, the SQL found in it, and what each layer says of that."""

    sql: str
    text: str
    verification: Verification

    @property
    def valid(self) -> bool:
        """Whether every layer let the SQL through."""
        return self.verification.valid

    @property
    def fault(self) -> Fault | None:
        """The first thing that is wrong with it."""
        return self.verification.fault

    def record(self) -> dict[str, Any]:
        """Return what goes into predictions.jsonl; the text only where it is not the SQL itself."""
        fault = asdict(self.fault) if self.fault else None
        record: dict[str, Any] = {
            "sql": self.sql,
            "layers": self.verification.layers,
            "fault": fault,
        }
        return record | ({"text": self.text} if self.text.strip() != self.sql else {})

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Candidate":
        """Read what `record` wrote.

        Raises:
            KeyError, TypeError: the record is another one.
        """
        fault = record["fault"] and Fault(**record["fault"])
        verification = Verification(dict(record["layers"]), fault)
        return cls(record["sql"], record.get("text", record["sql"]), verification)


def judge(
    texts: Sequence[str],
    *,
    base: Base,
    schema: Schema,
    explain: Callable[[str], Execution] | None,
) -> list[Candidate]:
    """Judge each text, in the model's order; equal SQL is judged once.

    Args:
        texts: what the model wrote.
        base: says where the SQL stands in it.
        schema: of the database that is asked.
        explain: the engine's EXPLAIN; None leaves that layer out.
    """
    seen: dict[str, Verification] = {}
    candidates = []
    for text in texts:
        sql = read_sql(text, base=base, schema=schema)
        if sql not in seen:
            seen[sql] = verify(sql, schema, explain=explain)
        candidates.append(Candidate(sql, text, seen[sql]))
    return candidates


def read_sql(text: str, *, base: Base, schema: Schema) -> str:
    """Return the SQL in a text, canonical; of a base that points, with SELECT first again.

    Args:
        text: what the model wrote, names in the place of pointers.
        base: says where the SQL stands in it.
        schema: of the database that is asked.
    """
    answer = ANSWERS[base.answer_format]
    found = answer.find(text, stop=base.stop)
    if answer.pointers:
        from text2sql.decoding.guides import checker_of
        from text2sql.decoding.pointing import to_sql

        found = to_sql(found, checker_of(schema, "from-first"))
    return canonicalise(found, schema)
