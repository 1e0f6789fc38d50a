"""What SQLite and sqlglot say of SQL, to hold the checker's word against."""

from pathlib import Path

from text2sql.decoding.verification import verify
from text2sql.execution import Executor
from text2sql.schema import canonicalise
from text2sql.schema.model import Schema


def is_fine(sql: str, schema: Schema, database: Path) -> bool:
    """Tell whether a statement, made canonical, passes every layer of verification."""
    with Executor(database) as executor:
        return verify(canonicalise(sql, schema), schema, explain=executor.explain).valid
