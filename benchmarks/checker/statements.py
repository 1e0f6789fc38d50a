"""Sets of statements with the schemas that they are written for.

    >>> found = spider("dev", Path("data"))
    >>> found.name, len(found.statements)
    ('spider_dev', 1034)

Covered: Spider, the bundled samples, the BIRD-style set of the tests, and any file of lines with
`db_id` and `query` beside a folder of schemas: `<db_id>.sql` scripts, database files, tables.json.
Not covered: gold of other dialects than a folder's databases have.
"""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from text2sql.data.catalog import DataSet, find_dataset
from text2sql.samples.building import samples_folder
from text2sql.schema import read_schema, read_spider_schemas
from text2sql.schema.model import Schema

BIRD_STYLE = Path(__file__).parents[2] / "tests" / "data" / "bird_style"
_SUFFIXES = (".sqlite", ".db", ".duckdb")


@dataclass(frozen=True, slots=True)
class Source:
    """A schema, and the script that makes its tables where there is one."""

    schema: Schema
    script: str | None = None


@dataclass(frozen=True, slots=True)
class StatementSet:
    """Statements of one dialect."""

    name: str
    dialect: str
    statements: tuple[tuple[str, str], ...]  # (db_id, SQL)
    source: Callable[[str], Source]

    def by_database(self, limit: int | None) -> Iterator[tuple[str, list[str]]]:
        """Yield every db_id with its statements, of the first `limit` ones."""
        found: dict[str, list[str]] = {}
        for db_id, sql in self.statements[:limit]:
            found.setdefault(db_id, []).append(sql)
        yield from found.items()


def spider(split: str, data: Path) -> StatementSet:
    """Return the gold of a split of Spider."""
    return _gold(f"spider_{split}", find_dataset("spider", split=split, data_root=data))


def samples(dialect: str) -> StatementSet:
    """Return the gold of the bundled samples."""
    name = {"sqlite": "samples", "duckdb": "samples-duckdb"}[dialect]
    return _gold(name, find_dataset(name, split="train"))


def _gold(name: str, dataset: DataSet) -> StatementSet:
    statements = tuple((e.db_id, sql) for e in dataset.examples for sql in e.queries)
    return StatementSet(
        name, dataset.engine, statements, lambda db_id: Source(dataset.schema(db_id))
    )


def bird_style(dialect: str, server: str | None = None) -> StatementSet | None:
    """Return the held-out set of BIRD-style SQL; None where it has none of a dialect."""
    file = BIRD_STYLE / f"{dialect}.jsonl"
    if not file.exists():
        return None
    folder = BIRD_STYLE / dialect
    return from_files(file, folder, dialect=dialect, server=server, name=f"bird_style_{dialect}")


def further(dialect: str) -> StatementSet | None:
    """Return what was written after that set, over its schemas and those of the bundled samples."""
    file = BIRD_STYLE / f"further_{dialect}.jsonl"
    if not file.exists():
        return None
    folders = (BIRD_STYLE / dialect, samples_folder() / "database")
    sets = [from_files(file, folder, dialect=dialect) for folder in folders]
    own = {path.stem for path in folders[0].iterdir()}
    return replace(sets[0], source=lambda db_id: sets[db_id not in own].source(db_id))


def from_files(
    file: Path, folder: Path, *, dialect: str, server: str | None = None, name: str | None = None
) -> StatementSet:
    """Return the statements of a file of JSON lines with the schemas of a folder.

    Args:
        file: lines with `db_id` and `query`.
        folder: has tables.json, or for every db_id a script or a database file.
        dialect: of the statements.
        server: URL of a PostgreSQL database that may be emptied, for its scripts.
        name: of the set; else the file's.
    """
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
    statements = tuple((record["db_id"], record["query"]) for record in records)
    tables = folder / "tables.json"
    published = read_spider_schemas(tables) if tables.exists() else {}

    def source(db_id: str) -> Source:
        if db_id in published:
            return Source(published[db_id])
        path = _find(folder, db_id)
        if path.suffix != ".sql":
            return Source(read_schema(path, name=db_id))
        script = path.read_text(encoding="utf-8")
        return Source(_of_script(script, db_id, dialect, server), script)

    return StatementSet(name or file.stem, dialect, statements, source)


def _find(folder: Path, db_id: str) -> Path:
    for suffix in (".sql", *_SUFFIXES):
        for path in (folder / f"{db_id}{suffix}", folder / db_id / f"{db_id}{suffix}"):
            if path.exists():
                return path
    raise SystemExit(f"error: no schema of {db_id!r} in {folder}")


def _of_script(script: str, db_id: str, dialect: str, server: str | None) -> Schema:
    """Run a script in a new database and read the schema."""
    if dialect == "postgres":
        return _of_server(script, db_id, server or "")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{db_id}.{dialect}"
        if dialect == "duckdb":
            import duckdb

            with duckdb.connect(str(path)) as engine:
                engine.execute(script)
        else:
            with closing(sqlite3.connect(path)) as connection:
                connection.executescript(script)
        return read_schema(path, name=db_id)


def _of_server(script: str, db_id: str, server: str) -> Schema:
    import psycopg

    from checker.oracle import empty

    with psycopg.connect(server, autocommit=True) as engine:
        empty(engine)
        engine.execute(script.encode())
    return read_schema(server, name=db_id)
