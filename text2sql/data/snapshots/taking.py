"""Copy a closed sample of a database into a local file, its secrets masked.

    >>> taken = take_snapshot(locate("postgresql://reader@dw/sales"), "sales.sqlite", rows=2_000)
    >>> taken.tables["orders"]
    TableTaken(rows=2000, of=41_208_113)

Every table gives up to `rows` rows, spread over its integer key where it has one; then come the
rows that those refer to, by declared keys and by joins that were found out, so that every join
still finds its partner. Types, primary and foreign keys are those of the source.

The source is only read, by the executor: read-only, under a deadline, a few rows at a time.

Covered: SQLite, DuckDB and PostgreSQL as source; SQLite and DuckDB (`.duckdb`) as target; the file
appears whole or not at all.
Not covered: views, indexes, defaults and checks: they are left out; types that SQLite has no name
for: an enumeration becomes TEXT, a list JSON.
"""

import os
import re
import secrets
import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from text2sql.data.snapshots.masking import Mask, Place, read_masks
from text2sql.data.snapshots.staging import Reference, Row, Stage
from text2sql.databases import Database
from text2sql.errors import DatabaseError, OutputError, SettingsError
from text2sql.execution import Executor
from text2sql.schema import read_schema
from text2sql.schema.joins import Join, infer_joins
from text2sql.schema.model import Schema, Table
from text2sql.schema.quoting import quote, quoted
from text2sql.schema.rendering import render

SECRET_VARIABLE = "T2S_MASK_SECRET"
CEILING = 4  # times `rows`: what references may bring into one table
_MAX_BYTES = 64 << 20  # of one answer of the source
_DECLARABLE = re.compile(r"[A-Za-z_][\w ]*(\(\s*\d+\s*(,\s*\d+\s*)?\))?[\w ]*")
_BATCH = 500  # rows that are masked and written at a time

Progress = Callable[[int, int], None]  # tables done, tables in all


@dataclass(frozen=True, slots=True)
class TableTaken:
    """What came of one table."""

    rows: int
    of: int | None  # rows of the source; None where it did not count them in time


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A local copy, and what it is a copy of."""

    path: Path
    tables: dict[str, TableTaken]
    masked: dict[str, str]  # table.column -> way
    joins: list[Join] = field(default_factory=list)  # found out, and followed
    dangling: dict[str, int] = field(default_factory=dict)  # keys that the source lacks, too
    left_out: list[str] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """Return the account for `--json`."""
        joins = [f"{join.shown} ({join.confidence:.2f})" for join in self.joins]
        tables = {name: asdict(taken) for name, taken in self.tables.items()}
        about = {"path": str(self.path), "tables": tables, "masked": self.masked}
        return about | {"joins": joins, "dangling": self.dangling, "left_out": self.left_out}


def take_snapshot(
    database: Database,
    output: str | Path,
    *,
    rows: int = 2000,
    masks: Sequence[str] = (),
    timeout: float = 30.0,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
) -> Snapshot:
    """Copy a closed sample.

    Args:
        database: the source; it is only read.
        output: the file; `.duckdb` makes a DuckDB file, anything else SQLite.
        rows: of each table, before what they refer to.
        masks: `COLUMN`, `TABLE.COLUMN` or a pattern, with `=hash`, `=fake` or `=null`.
        timeout: seconds for one query.
        overwrite: replace a file that is there.
        progress: called with tables done and tables in all.

    Raises:
        DatabaseError: the source cannot be read, or has no tables.
        SettingsError, UnknownName: a mask that cannot be.
        OutputError: the file exists or cannot be written.
    """
    output = Path(output)
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists: replace it with --overwrite")
    if rows < 1:
        raise SettingsError(f"at least 1 row of a table, not {rows}")
    schema = read_schema(database)
    tables = [table for table in schema.tables if not table.view]
    if not tables:
        raise DatabaseError(f"database {database.shown} has no tables", database.shown)
    with Executor(database) as executor:
        source = _Source(executor, schema.dialect, timeout)
        joins = infer_joins(schema, source.ask)
        hidden = read_masks(masks, schema, joins, secret=_secret())
        with Stage(tables, _references(schema, tables, joins), schema.dialect) as stage:
            counts = {}
            for done, table in enumerate(tables, start=1):
                counts[table.full_name] = source.count(table)
                stage.add(table, source.sample(table, rows, counts[table.full_name]))
                progress(done, len(tables))
            stage.close_references(source.read, most=CEILING * rows)
            left_out = [f"view {table.full_name}" for table in schema.tables if table.view]
            left_out += [f"{number:,} {what}" for what, number in stage.left_out.items()]
            taken = {t.full_name: TableTaken(stage.count(t), counts[t.full_name]) for t in tables}
            left_out += _write(stage, local_schema(schema), tables, hidden, output)
    masked = {".".join(place): mask.way for place, mask in sorted(hidden.items())}
    return Snapshot(output, taken, masked, joins, dict(stage.dangling), left_out)


def _secret() -> bytes:
    """Return the key of the hashes: the user's, which makes the same masks again, or a new one."""
    return os.environ.get(SECRET_VARIABLE, "").encode() or secrets.token_bytes(16)


class _Source:
    """Reads rows of the source, each query through the executor."""

    def __init__(self, executor: Executor, dialect: str, timeout: float) -> None:
        self.executor, self.dialect, self.timeout = executor, dialect, timeout

    def ask(self, sql: str) -> list[Row] | None:
        """Return the rows of a query; None where it fails."""
        ran = self.executor.execute(sql, timeout=self.timeout)
        return None if ran.error else ran.rows

    def read(self, table: Table, rest: str, most: int) -> list[Row]:
        """Return rows of a table."""
        columns = ", ".join(quote(column.name, self.dialect) for column in table.columns)
        ran = self.executor.execute(
            f"SELECT {columns} FROM {self._written(table)}{rest}",
            timeout=self.timeout,
            max_rows=most,
            max_bytes=_MAX_BYTES,
        )
        if ran.error:
            raise DatabaseError(f"cannot read table {table.full_name}: {ran.error}")
        return ran.rows

    def count(self, table: Table) -> int | None:
        """Return how many rows a table has; None where that takes too long."""
        found = self.ask(f"SELECT count(*) FROM {self._written(table)}")
        return int(found[0][0]) if found else None

    def sample(self, table: Table, rows: int, of: int | None) -> list[Row]:
        """Return some rows of a table: spread over an integer key, else the first ones."""
        key = table.column(table.primary_key[0]) if len(table.primary_key) == 1 else None
        if of is not None and of > 2 * rows and key and "int" in key.type.lower():
            name = quote(key.name, self.dialect)
            spread = f" WHERE {name} % {of // rows} = 0 LIMIT {rows}"
            found = self.read(table, spread, rows)
            if len(found) >= rows // 2:
                return found
        return self.read(table, f" LIMIT {rows}", rows)

    def _written(self, table: Table) -> str:
        return ".".join(quote(part, self.dialect) for part in table.full_name_parts)


def _references(schema: Schema, tables: Sequence[Table], joins: Sequence[Join]) -> list[Reference]:
    known = {(table.namespace, table.name): table for table in tables}
    found = [
        Reference(table, key.columns, parent, key.referred)
        for table in tables
        for key in table.foreign_keys
        if (parent := known.get((key.namespace, key.table))) is not None
    ]
    return found + [
        Reference(join.child, (join.column,), join.parent, (join.referred,)) for join in joins
    ]


def local_schema(schema: Schema) -> Schema:
    """Return a schema without views and namespaces, as one file holds it.

    A name that two namespaces have gets its namespace in front.
    """
    tables = [table for table in schema.tables if not table.view]
    names = [table.name.casefold() for table in tables]
    local = {
        (t.namespace, t.name): t.name
        if names.count(t.name.casefold()) == 1 or not t.namespace
        else f"{t.namespace}_{t.name}"
        for t in tables
    }
    moved = []
    for table in tables:
        keys = tuple(
            replace(key, table=local[key.namespace, key.table], namespace=None)
            for key in table.foreign_keys
            if key.declared and (key.namespace, key.table) in local
        )
        name = local[table.namespace, table.name]
        columns = tuple(replace(column, type=_local_type(column.type)) for column in table.columns)
        moved.append(replace(table, name=name, namespace=None, foreign_keys=keys, columns=columns))
    return Schema(schema.name, "sqlite", tuple(moved))


def _local_type(declared: str) -> str:
    """Return a type as SQLite can declare it: lists and structures are stored as JSON's text."""
    if not declared or _DECLARABLE.fullmatch(declared):
        return declared
    nested = re.search(r"\[|STRUCT|MAP|ARRAY|UNION", declared, re.IGNORECASE)
    return "JSON" if nested else "TEXT"


def _write(
    stage: Stage,
    target: Schema,
    tables: Sequence[Table],
    masks: Mapping[Place, Mask],
    output: Path,
) -> list[str]:
    """Write the rows, masked, into the file; return what could not be kept."""
    from text2sql.porting.loading import load_into_duckdb

    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=".snapshot-") as folder:
            beside = Path(folder) / "new.sqlite"
            _fill(beside, stage, target, tables, masks)
            if output.suffix == ".duckdb":
                return list(load_into_duckdb(beside, output).left_out)
            beside.replace(output)
    except OSError as error:
        raise OutputError(f"cannot write {output}: {error.strerror or error}") from None
    return []


def _fill(
    path: Path,
    stage: Stage,
    target: Schema,
    tables: Sequence[Table],
    masks: Mapping[Place, Mask],
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(render(target, "ddl"))
        with connection:
            for source, table in zip(tables, target.tables, strict=True):
                hide = [masks.get((source.full_name, column.name)) for column in source.columns]
                marks = ", ".join("?" * len(hide))
                rows = stage.rows(source)
                while some := list(islice(rows, _BATCH)):
                    connection.executemany(
                        f"INSERT INTO {quoted(table.name, 'sqlite')} VALUES ({marks})",
                        (
                            [m.of(v) if m else v for m, v in zip(hide, row, strict=True)]
                            for row in some
                        ),
                    )
        connection.execute("ANALYZE")


def _hidden(row: Row, masks: Sequence[Mask | None]) -> list[Any]:
    return [mask.of(value) if mask else value for mask, value in zip(masks, row, strict=True)]
