"""SQL on a server: through the gate, in a read-only transaction with a deadline, rolled back.

    >>> run("SELECT count(*) FROM orders", locate("postgresql://ann:secret@dw/sales"), Caps()).rows
    [(412,)]

The server is the other process: nothing is started here. Use a role that may only read as well.

Covered: PostgreSQL (`postgres`), MySQL and MariaDB through SQLAlchemy; row and byte caps, read from
a server-side cursor.
Not covered: other servers, which have no read-only transaction that we know of; other drivers than
`CLIENTS`, of which some run several statements at once.
"""

import pickle
import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from text2sql.databases import Database
from text2sql.errors import DatabaseError
from text2sql.execution import connections, gate, postgres, watchdog
from text2sql.execution.frames import collect
from text2sql.execution.policy import Catalog
from text2sql.execution.results import Caps, Execution, Refusal, failed

if TYPE_CHECKING:
    from sqlalchemy import Connection

CLIENTS = {
    "postgresql": ("psycopg", "psycopg2"),
    "mysql": ("pymysql", "mysqldb"),
    "mariadb": ("pymysql", "mysqldb"),
}

# What makes a transaction safe; {ms} and {s} are the timeout. MySQL 8.4 manual: max_execution_time;
# MariaDB: max_statement_time. Both take the access mode for the next transaction, so it comes
# before BEGIN.
_MYSQL_TIMEOUT = "SET SESSION max_execution_time = {ms}"
_MARIADB_TIMEOUT = "SET SESSION max_statement_time = {s}"
_BEGIN = ("SET SESSION TRANSACTION READ ONLY", "START TRANSACTION")

_ESCAPED_NAME = re.compile(r'\bU&"', re.I)  # a function's name that the gate cannot see

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


def run(
    sql: str,
    database: Database,
    caps: Caps,
    *,
    explain: bool = False,
    role: str | None = None,
) -> Execution:
    """Run or explain one statement on a server, in PostgreSQL as another role.

    Returns:
        Rows, or the server's complaint without a password in it.

    Raises:
        DatabaseError: no such kind of server is supported, its driver is missing, or it cannot be
            reached.
    """
    if database.engine not in CLIENTS:
        known = ", ".join(sorted(CLIENTS))
        raise DatabaseError(
            f"cannot run SQL on {database.engine} (known servers: {known})", database.shown
        )
    try:
        _judge(sql, database)
    except Refusal as refusal:
        return failed(refusal.kind, refusal.message)
    _check_driver(database)
    if database.engine == "postgresql":
        return postgres.run(sql, database, caps, explain=explain, role=role)
    return _run_mysql(f"EXPLAIN {sql}" if explain else sql, database, caps)


def _judge(sql: str, database: Database) -> None:
    dialect = database.dialect if database.dialect == "postgres" else "mysql"
    gate.check(sql, dialect, _catalog(database))
    if dialect == "postgres" and _ESCAPED_NAME.search(sql):
        raise Refusal("refused", 'names in escapes (U&"...") are not allowed')


def _catalog(database: Database) -> Catalog:
    from sqlalchemy.engine import make_url

    return Catalog((make_url(database.url).database or "").lower())


def _check_driver(database: Database) -> None:
    driver, known = connections.find_engine(database).driver, CLIENTS[database.engine]
    if driver not in known:
        message = f"cannot run SQL through {driver} (known drivers: {', '.join(known)})"
        raise DatabaseError(message, database.shown)


def _run_mysql(sql: str, database: Database, caps: Caps) -> Execution:
    with connections.connect(database) as connection:
        driver: Any = connection.connection.driver_connection
        line = driver if hasattr(driver, "fileno") else driver._sock  # PyMySQL hides it
        until = time.monotonic() + caps.timeout + watchdog.GRACE_SECONDS
        with watchdog.guard(
            line.fileno(), until=until, room=watchdog.room(caps.max_bytes)
        ) as watch:
            # a URL may say mysql for MariaDB; the server says what it is
            is_mariadb = getattr(connection.dialect, "is_mariadb", False)
            timeout = _MARIADB_TIMEOUT if is_mariadb else _MYSQL_TIMEOUT
            ms = max(1, round(caps.timeout * 1000))
            for statement in (timeout.format(ms=ms, s=ms / 1000), *_BEGIN):
                connection.exec_driver_sql(statement)
            execution = query(connection, sql, caps)
    if watch.fired:
        return failed(watch.fired, watch.reason, execution.seconds)
    return execution


def query(connection: "Connection", sql: str, caps: Caps) -> Execution:
    """Run one statement on an open connection, and roll back whatever it did.

    Args:
        connection: in a transaction that may only read.
        sql: one statement, passed to the driver as it is: a percent sign or a colon means nothing.
        caps: rows and bytes at most; the deadline between pages, as the server has its own.
    """
    from sqlalchemy.exc import DBAPIError

    started = time.perf_counter()
    driver, unread = connection.connection.driver_connection, True
    try:
        options = {"no_parameters": True, "stream_results": True, "max_row_buffer": 100}
        result = connection.exec_driver_sql(sql, execution_options=options)
        columns = list(result.keys())
        pages, unread = collect(
            lambda n: [_plain(row) for row in result.fetchmany(n)],
            max_rows=caps.max_rows,
            max_bytes=caps.max_bytes,
            check=lambda: _check_time(started, caps),
        )
    except Refusal as refusal:
        return failed(refusal.kind, refusal.message, time.perf_counter() - started)
    except DBAPIError as error:
        unread = error.connection_invalidated
        return failed(classify(error), _first_line(error), time.perf_counter() - started)
    finally:
        if unread:
            _leave_unread(connection, driver)
        connection.rollback()
    rows = [row for page in pages for row in pickle.loads(page)]  # our own pages, not a worker's
    return Execution(columns, rows, unread, None, None, time.perf_counter() - started)


def _leave_unread(connection: "Connection", driver: object) -> None:
    """Close a connection in the middle of a result, which MySQL's drivers would read to its end."""
    result: Any = getattr(driver, "_result", None)
    if hasattr(result, "unbuffered_active"):  # PyMySQL reads on even when it is collected
        result.unbuffered_active = False
    if not connection.invalidated:
        connection.invalidate()


def _check_time(started: float, caps: Caps) -> None:
    if time.perf_counter() - started > caps.timeout:
        raise Refusal("timeout", "interrupted")


def _plain(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def _first_line(error: Any) -> str:
    """Return what the server says: MySQL's drivers raise (number, text)."""
    cause = error.orig
    text = cause.args[1] if len(getattr(cause, "args", ())) > 1 else str(cause)
    return next(iter(str(text).strip().splitlines()), type(cause).__name__)


def classify(error: Any) -> str:
    """Return the error kind of what a MySQL driver raised through SQLAlchemy.

    Args:
        error: SQLAlchemy's DBAPIError; its `orig` has a number as first argument.
    """
    number = next(iter(getattr(getattr(error, "orig", None), "args", ())), None)
    if getattr(error, "connection_invalidated", False):
        return "killed"
    return _NUMBERS.get(number, "engine") if isinstance(number, int) else "engine"
