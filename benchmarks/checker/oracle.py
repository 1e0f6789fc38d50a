"""The word of sqlglot, of the gate and of the engine on a text: what the checker has to agree with.

    >>> with open_oracle(schema) as oracle:
    ...     oracle.fault("SELECT nme FROM customers").layer
    'columns'

The layers are those of `text2sql.decoding.verification.verify` with the engine's EXPLAIN, at about
1 ms a text: the schema is prepared for sqlglot once, and the engine holds empty tables in memory.

Covered: SQLite (with the list of functions that the kit allows), DuckDB, PostgreSQL on a server
that the caller names; tables from a schema's names and types, or from a script.
Not covered: what only rows could show; the resource limits of the execution room.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from text2sql.decoding.verification import Fault, named
from text2sql.execution import gate, policy
from text2sql.execution.results import Refusal, check_size
from text2sql.schema import canonicalise, prepared_schema
from text2sql.schema.model import Schema, Table
from text2sql.schema.quoting import quoted
from text2sql.unreadable import UNREADABLE

_DUCKDB = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",
}

Explain = Callable[[str], str | None]  # the engine's complaint, None where it accepts


@dataclass(frozen=True, slots=True)
class Oracle:
    """The judge of texts for one schema."""

    schema: Schema
    engine: Explain
    _prepared: MappingSchema  # the schema, read by sqlglot once

    def fault(self, sql: str) -> Fault | None:
        """Return what `verify` would find with the engine's EXPLAIN; None where a text is fine.

        To be fine it must be so as it is written, too: a space that is none to SQLite is stripped.
        """
        text = canonicalise(sql, self.schema)
        fault = _fault(text, self.schema, self._prepared, self.engine)
        read = getattr(self.engine, "as_written", None)
        complaint = read(sql) if fault is None and read is not None else None
        return fault if complaint is None else Fault("engine", f"as written: {complaint}")

    def runs(self, sql: str) -> bool:
        """Tell whether a text that is fine also runs, where the engine can be asked."""
        run = getattr(self.engine, "run", None)
        return run is None or run(canonicalise(sql, self.schema)) is None


class _Engine(Protocol):
    def __call__(
        self, schema: Schema, script: str | None, server: str | None
    ) -> AbstractContextManager[Explain]: ...


@contextmanager
def open_oracle(
    schema: Schema, *, script: str | None = None, server: str | None = None
) -> Iterator[Oracle]:
    """Open an engine with a schema's tables, empty, and yield the judge of texts.

    Args:
        schema: its dialect chooses the engine: sqlite, duckdb or postgres.
        script: makes the tables; without it they are made of the schema's names and types.
        server: URL of a PostgreSQL database that may be emptied; only postgres needs it.
    """
    prepared = prepared_schema(schema)
    with ENGINES[schema.dialect](schema, script, server) as explain:
        yield Oracle(schema, explain, prepared)


def _fault(sql: str, schema: Schema, prepared: MappingSchema, explain: Explain) -> Fault | None:
    parsed = _parsed(sql, schema.dialect)
    if isinstance(parsed, Fault):
        return parsed
    unknown = _unknown_table(parsed, schema)
    if unknown is not None:
        return Fault("tables", f"no table {unknown!r}")
    try:
        qualify(
            named(parsed),
            schema=prepared,
            dialect=schema.dialect,
            quote_identifiers=False,
            identify=False,
        )
    except SqlglotError as error:
        return Fault("columns", _first_line(error))
    except Exception as error:  # sqlglot asserts, and indexes what is not there: no yes either
        return Fault("columns", f"{type(error).__name__}: {_first_line(error)}")
    complaint = _refused(sql, schema.dialect) or explain(sql)
    return Fault("engine", complaint) if complaint is not None else None


def _parsed(sql: str, dialect: str) -> exp.Query | Fault:
    try:
        check_size(sql)
        trees = [tree for tree in sqlglot.parse(sql, dialect=dialect) if tree is not None]
    except UNREADABLE as error:
        return Fault("parse", _first_line(error))
    except Refusal as refusal:
        return Fault("parse", refusal.message)
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        return Fault("parse", "not one query")
    return trees[0]


def _unknown_table(tree: exp.Query, schema: Schema) -> str | None:
    """Return the table that `verify` would not know either."""
    defined = {cte.alias_or_name.casefold() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        plain = table.db.casefold() in ("", "main", "public", "dbo")
        name = table.name if plain else f"{table.db}.{table.name}"
        if name.casefold() not in defined and schema.table(name) is None:
            return name
    return None


def _refused(sql: str, dialect: str) -> str | None:
    try:
        gate.check(sql, dialect)
    except Refusal as refusal:
        return f"gate: {refusal.message}"
    return None


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0] or type(error).__name__


@contextmanager
def _sqlite(schema: Schema, script: str | None, server: str | None) -> Iterator[Explain]:
    with closing(sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)) as engine:
        engine.executescript(script or ";\n".join(creation(schema)))
        engine.set_authorizer(_authorize)
        yield _Sqlite(engine)


@dataclass(frozen=True, slots=True)
class _Sqlite:
    """SQLite's complaint about a statement: before it runs, and while it does."""

    engine: sqlite3.Connection

    def __call__(self, sql: str) -> str | None:
        return self._complaint(f"EXPLAIN QUERY PLAN {sql}")

    def run(self, sql: str) -> str | None:
        """Run a statement to its end: `LIMIT 'x'` prepares and cannot run."""
        return self._complaint(sql)

    def as_written(self, sql: str) -> str | None:
        """Return SQLite's own complaint about a text: Python's, of two semicolons, is none."""
        try:
            self.engine.execute(f"EXPLAIN QUERY PLAN {sql}").fetchmany(1)
        except sqlite3.OperationalError as error:
            return str(error)
        except (sqlite3.Error, sqlite3.Warning, ValueError):
            return None
        return None

    def _complaint(self, sql: str) -> str | None:
        try:
            self.engine.execute(sql).fetchmany(1)
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            return str(error)
        return None


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    known = action != sqlite3.SQLITE_FUNCTION or (second or "").lower() in policy.SQLITE_FUNCTIONS
    return sqlite3.SQLITE_OK if known else sqlite3.SQLITE_DENY


@contextmanager
def _duckdb(schema: Schema, script: str | None, server: str | None) -> Iterator[Explain]:
    import duckdb

    with duckdb.connect(":memory:", config=_DUCKDB) as engine:
        engine.execute(script or ";\n".join(creation(schema)))

        def explain(sql: str) -> str | None:
            try:
                engine.execute(f"EXPLAIN {sql}")
            except (duckdb.Error, ValueError) as error:
                return _first_line(error)
            return None

        yield explain


@contextmanager
def _postgres(schema: Schema, script: str | None, server: str | None) -> Iterator[Explain]:
    import psycopg

    assert server is not None, "PostgreSQL needs the URL of a database that may be emptied"
    with psycopg.connect(server, autocommit=True) as engine:
        empty(engine)
        engine.execute((script or ";\n".join(creation(schema))).encode())
        engine.execute("SET default_transaction_read_only = on")

        def explain(sql: str) -> str | None:
            try:
                engine.execute(f"EXPLAIN {sql}".encode())
            except (psycopg.Error, ValueError) as error:
                return _first_line(error)
            return None

        yield explain


ENGINES: dict[str, _Engine] = {"sqlite": _sqlite, "duckdb": _duckdb, "postgres": _postgres}


def empty(engine: Any) -> None:
    """Drop every schema of a PostgreSQL database but the system's, and make `public` anew."""
    found = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'"
    for (name,) in engine.execute(found).fetchall():
        engine.execute(f"DROP SCHEMA {quoted(name, 'postgres')} CASCADE")
    engine.execute("CREATE SCHEMA public")


def creation(schema: Schema) -> list[str]:
    """Return the statements that make a schema's tables, without rows and constraints."""
    names = {table.namespace for table in schema.tables if table.namespace}
    spaces = [f"CREATE SCHEMA IF NOT EXISTS {quoted(name, schema.dialect)}" for name in names]
    return spaces + [_table(table, schema.dialect) for table in schema.tables]


def _table(table: Table, dialect: str) -> str:
    if dialect == "sqlite" and table.name.casefold() == "sqlite_sequence":
        # SQLite makes this one itself, for the first table that counts
        return 'CREATE TABLE "t2s counts" (a INTEGER PRIMARY KEY AUTOINCREMENT)'
    name = ".".join(quoted(part, dialect) for part in table.full_name_parts)
    # SQLite prepares without types, and takes them in forms that need not be words
    typed = {"sqlite": ""}.get(dialect)
    columns = (
        f"{quoted(c.name, dialect)} {c.type if typed is None else typed}" for c in table.columns
    )
    keys = ", ".join(quoted(key, dialect) for key in table.primary_key)
    # of the engines only PostgreSQL asks for keys: GROUP BY of one covers its table
    own = [f"PRIMARY KEY ({keys})"] if keys and dialect == "postgres" and not table.view else []
    return f"CREATE TABLE {name} ({', '.join([*columns, *own])})"
