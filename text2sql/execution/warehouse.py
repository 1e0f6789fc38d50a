"""SQL on a server: through the gate, in a read-only transaction with a deadline, rolled back.

    >>> run("SELECT count(*) FROM orders", locate("postgresql://ann:secret@dw/sales"), Caps()).rows
    [(412,)]

The server is the other process: nothing is started here. Use a role that may only read as well.

Covered: PostgreSQL, MySQL and MariaDB through SQLAlchemy; row and byte caps, read from a
server-side cursor.
Not covered: other servers, which have no read-only transaction that we know of; a server that stops
answering.
"""

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from text2sql.databases import Database, hide_password
from text2sql.errors import DatabaseError
from text2sql.execution import gate
from text2sql.execution.frames import collect
from text2sql.execution.results import Caps, Execution, Refusal, failed

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

# What makes a transaction safe, by SQLAlchemy's backend name; {ms} and {s} are the timeout.
# PostgreSQL 17 manual: SET TRANSACTION, statement_timeout; MySQL 8.4 manual: max_execution_time;
# MariaDB: max_statement_time. MySQL takes the access mode for the next transaction, so it comes
# before BEGIN.
_BEFORE: dict[str, tuple[str, ...]] = {
    "postgresql": ("SET TRANSACTION READ ONLY", "SET LOCAL statement_timeout = {ms}"),
    "mysql": (
        "SET SESSION max_execution_time = {ms}",
        "SET SESSION TRANSACTION READ ONLY",
        "START TRANSACTION",
    ),
    "mariadb": (
        "SET SESSION max_statement_time = {s}",
        "SET SESSION TRANSACTION READ ONLY",
        "START TRANSACTION",
    ),
}

# PostgreSQL 17 manual, appendix A: SQLSTATE
_STATES = {
    "42P01": "missing",  # undefined_table
    "42703": "missing",  # undefined_column
    "42883": "missing",  # undefined_function
    "3F000": "missing",  # invalid_schema_name
    "42601": "parse",  # syntax_error
    "57014": "timeout",  # query_canceled
    "25006": "refused",  # read_only_sql_transaction
    "42501": "refused",  # insufficient_privilege
    "53200": "memory",  # out_of_memory
}
# MySQL 8.4 error reference; 1969 is MariaDB's
_NUMBERS = {
    1049: "missing",  # ER_BAD_DB_ERROR
    1054: "missing",  # ER_BAD_FIELD_ERROR
    1146: "missing",  # ER_NO_SUCH_TABLE
    1305: "missing",  # ER_SP_DOES_NOT_EXIST
    1064: "parse",  # ER_PARSE_ERROR
    1969: "timeout",  # ER_STATEMENT_TIMEOUT
    3024: "timeout",  # ER_QUERY_TIMEOUT
    1142: "refused",  # ER_TABLEACCESS_DENIED_ERROR
    1792: "refused",  # ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
    1037: "memory",  # ER_OUTOFMEMORY
    1038: "memory",  # ER_OUT_OF_SORTMEMORY
}

_ENGINES: dict[str, "Engine"] = {}
_LOCK = threading.Lock()


def run(sql: str, database: Database, caps: Caps, *, explain: bool = False) -> Execution:
    """Run or explain one statement on a server.

    Returns:
        Rows, or the server's complaint without a password in it.

    Raises:
        DatabaseError: no such kind of server is supported, its driver is missing, or it cannot be
            reached.
    """
    if database.engine not in _BEFORE:
        known = ", ".join(sorted(_BEFORE))
        raise DatabaseError(
            f"cannot run SQL on {database.engine} (known servers: {known})", database.shown
        )
    try:
        gate.check(
            sql, database.dialect if database.dialect == "postgres" else "mysql", _catalog(database)
        )
    except Refusal as refusal:
        return failed(refusal.kind, refusal.message)
    with _connect(database) as connection:
        for statement in _BEFORE[database.engine]:
            text = statement.format(ms=max(1, round(caps.timeout * 1000)), s=caps.timeout)
            connection.exec_driver_sql(text)
        return query(connection, f"EXPLAIN {sql}" if explain else sql, caps)


def _catalog(database: Database) -> gate.Catalog:
    from sqlalchemy.engine import make_url

    return gate.Catalog((make_url(database.url).database or "").lower())


def _connect(database: Database) -> "Connection":
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        with _LOCK:
            if database.url not in _ENGINES:
                # No pool: settings of one session must not reach another.
                engine = create_engine(database.url, poolclass=NullPool, hide_parameters=True)
                _ENGINES[database.url] = engine
        return _ENGINES[database.url].connect()
    except (SQLAlchemyError, ImportError) as error:
        message = f"cannot reach {database.shown}: {_message(error, database.url)}"
        raise DatabaseError(message, database.shown) from None


def query(connection: "Connection", sql: str, caps: Caps) -> Execution:
    """Run one statement on an open connection, and roll back whatever it did.

    Args:
        connection: in a transaction that may only read.
        sql: one statement, passed to the driver as it is: a percent sign or a colon means nothing.
        caps: rows and bytes at most; the deadline between pages, as the server has its own.
    """
    import pickle

    from sqlalchemy.exc import DBAPIError

    started = time.perf_counter()
    try:
        options = {"no_parameters": True, "stream_results": True, "max_row_buffer": 100}
        result = connection.exec_driver_sql(sql, execution_options=options)
        columns = list(result.keys())
        pages, truncated = collect(
            lambda n: [_plain(row) for row in result.fetchmany(n)],
            max_rows=caps.max_rows,
            max_bytes=caps.max_bytes,
            check=lambda: _check_time(started, caps),
        )
    except Refusal as refusal:
        return failed(refusal.kind, refusal.message, time.perf_counter() - started)
    except DBAPIError as error:
        seconds = time.perf_counter() - started
        return failed(classify(error), _message(error, str(connection.engine.url)), seconds)
    finally:
        connection.rollback()
    rows = [row for page in pages for row in pickle.loads(page)]  # our own pages, not a worker's
    return Execution(columns, rows, truncated, None, None, time.perf_counter() - started)


def _check_time(started: float, caps: Caps) -> None:
    if time.perf_counter() - started > caps.timeout:
        raise Refusal("timeout", "interrupted")


def _plain(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def classify(error: Any) -> str:
    """Return the error kind of what a driver raised through SQLAlchemy.

    Args:
        error: SQLAlchemy's DBAPIError; its `orig` has `sqlstate` (psycopg), `pgcode` (psycopg2) or
            a number
            as first argument (MySQL drivers).
    """
    cause = getattr(error, "orig", None)
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    number = next(iter(getattr(cause, "args", ())), None)
    if isinstance(number, int) and number in _NUMBERS:
        return _NUMBERS[number]
    return _STATES.get(state, "engine") if isinstance(state, str) else "engine"


def _message(error: BaseException, url: str) -> str:
    """Return an error's first line without the URL's password."""
    from sqlalchemy.engine import make_url

    text = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    password = make_url(url).password
    line = text[0].replace(url, hide_password(url))
    return line.replace(password, "***") if password else line
