"""Build the bundled databases, on first use, as SQLite and DuckDB files beside their questions.

    >>> sorted(path.name for path in samples_folder().iterdir())
    ['database', 'dev.jsonl', 'dev_in_domain.jsonl', 'train.jsonl']

The folder stands in the user's cache and is named after a hash of the scripts: a new version of a
script builds a new folder, an old one is never changed. The same seed gives the same rows on every
machine.

Not covered: byte equality of the database files across engine versions (their rows are equal).
"""

import hashlib
import json
import re
import shutil
import sqlite3
import tempfile
from importlib import import_module, resources
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import platformdirs

from text2sql.errors import OutputError
from text2sql.samples import NAMES

SEED = 20260101
SPLITS = ("train", "dev", "dev_in_domain")


def samples_folder() -> Path:
    """Return the folder of the built samples, in Spider's layout; build it if it is not there.

    Raises:
        OutputError: the user's cache cannot be written.
    """
    folder = Path(platformdirs.user_cache_dir("text2sql")) / f"samples-{_version()}"
    if not folder.exists():
        try:
            _build_into(folder)
        except OSError as error:
            raise OutputError(f"cannot build the samples in {folder}: {error.strerror}") from None
    return folder


def _version() -> str:
    here = resources.files("text2sql.samples")
    texts = [
        (here / f"{name}{suffix}").read_bytes() for name in NAMES for suffix in (".py", ".jsonl")
    ]
    return hashlib.sha256(b"\0".join([*texts, str(SEED).encode()])).hexdigest()[:12]


def _build_into(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix="samples-building-"))
    try:
        build_samples(scratch)
        try:
            scratch.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was faster, with the same content
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def build_samples(folder: Path) -> None:
    """Write every sample database and the questions of every split into `folder`."""
    for name in NAMES:
        script = import_module(f"text2sql.samples.{name}")
        place = folder / "database" / name
        place.mkdir(parents=True)
        rows = script.rows(Random(SEED))
        build_sqlite(place / f"{name}.sqlite", script, rows)
        build_duckdb(place / f"{name}.duckdb", script, rows)
    questions = read_questions()
    for split in SPLITS:
        lines = [json.dumps(q, ensure_ascii=False) for q in questions if q["split"] == split]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_questions() -> list[dict[str, Any]]:
    """Return every bundled question, database by database, as example records."""
    here = resources.files("text2sql.samples")
    texts = [(here / f"{name}.jsonl").read_text(encoding="utf-8") for name in NAMES]
    return [
        json.loads(line) | {"source": "samples"}
        for text in texts
        for line in text.splitlines()
        if line
    ]


def build_sqlite(path: Path, script: ModuleType, rows: dict[str, list[tuple]]) -> None:
    """Build one database as a SQLite file; a row that breaks a key raises IntegrityError."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(script.SCHEMA)
    with connection:
        for table, records in rows.items():
            connection.executemany(_insert(table, len(records[0])), records)
    connection.execute("ANALYZE")
    connection.close()


def build_duckdb(path: Path, script: ModuleType, rows: dict[str, list[tuple]]) -> None:
    """Build one database as a DuckDB file, with the script's comments, which SQLite cannot hold."""
    import duckdb

    with duckdb.connect(str(path)) as connection:
        connection.execute(script.SCHEMA)
        for table, records in rows.items():
            size = 1 if _refers_to_itself(script.SCHEMA, table) else 500  # row by row takes minutes
            for start in range(0, len(records), size):
                _insert_many(connection, table, records[start : start + size])
        for name, text in script.COMMENTS.items():
            connection.execute(_comment(name, text))


def _refers_to_itself(schema: str, table: str) -> bool:
    # DuckDB checks a self reference against the rows before the statement, not within it.
    body = next(part for part in schema.split(";") if re.search(rf'TABLE\s+"?{table}"?\s*\(', part))
    return re.search(rf'REFERENCES\s+"?{table}"?\s*\(', body) is not None


def _insert_many(connection: Any, table: str, records: list[tuple]) -> None:
    one = f"({', '.join('?' * len(records[0]))})"
    values = [value for record in records for value in record]
    connection.execute(
        f"INSERT INTO {_quote(table)} VALUES {', '.join([one] * len(records))}", values
    )


def _insert(table: str, width: int) -> str:
    return f"INSERT INTO {_quote(table)} VALUES ({', '.join('?' * width)})"


def _comment(name: str, text: str) -> str:
    kind = "COLUMN" if "." in name else "TABLE"
    quoted = ".".join(_quote(part) for part in name.split(".", 1))
    return f"COMMENT ON {kind} {quoted} IS '{text.replace(chr(39), chr(39) * 2)}'"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
