"""One statement on PostgreSQL: read-only, through a cursor, under a deadline, without a trace.

    >>> run("SELECT 7", locate("postgresql://ann:secret@dw/sales"), Caps()).rows
    [(7,)]

The statement travels in the extended protocol, which takes one statement only, whatever a text
means to another parser. Its transaction is read-only and rolled back; DISCARD ALL then drops what a
rollback keeps (advisory locks, settings), so the connection can serve the next statement.

Covered: the deadline holds for all pages together; rows arrive page by page; values that Python has
no equal for (infinity, years before 1, 24:00) stay text; a connection that died while it was idle
is replaced.
Not covered: what a superuser's functions do outside the transaction (files, other connections):
`gate` refuses those that PostgreSQL ships, a role without such rights stops them all.
"""

import pickle
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, timezone
from datetime import time as time_of_day
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from text2sql.databases import Database
from text2sql.errors import DatabaseError
from text2sql.execution import connections, watchdog
from text2sql.execution.frames import Rows, collect
from text2sql.execution.results import Caps, Execution, Refusal, failed

if TYPE_CHECKING:
    from sqlalchemy import PoolProxiedConnection
    from sqlalchemy.engine import Dialect

# PostgreSQL 17 manual, appendix A: SQLSTATE
STATES = {
    "42P01": "missing",  # undefined_table
    "42703": "missing",  # undefined_column
    "42883": "missing",  # undefined_function
    "3F000": "missing",  # invalid_schema_name
    "42704": "missing",  # undefined_object: a type, a collation
    "42601": "parse",  # syntax_error
    "42P02": "parse",  # undefined_parameter
    "57014": "timeout",  # query_canceled
    "25006": "refused",  # read_only_sql_transaction
    "42501": "refused",  # insufficient_privilege
    "42P11": "refused",  # invalid_cursor_definition: SELECT INTO
    "53200": "memory",  # out_of_memory
    "53400": "memory",  # configuration_limit_exceeded: temporary files
    "54000": "memory",  # program_limit_exceeded: a value above 1 GB
    "57P01": "killed",  # admin_shutdown
    "57P02": "killed",  # crash_shutdown
}

# cursor_tuple_fraction: results are read whole; PostgreSQL would plan for a tenth of one.
# The styles are those that drivers read; only the output changes, not the order of day and month.
_BEGIN = """BEGIN READ ONLY; SET LOCAL statement_timeout = {ms};
SET LOCAL idle_in_transaction_session_timeout = {idle}; SET LOCAL cursor_tuple_fraction = 1;
SET LOCAL standard_conforming_strings = on; SET LOCAL datestyle = ISO;
SET LOCAL intervalstyle = postgres; SET LOCAL bytea_output = hex"""
_IDLE_MS = 60_000  # between two pages, for a client that stopped
_RESET_SECONDS = 2.0

_PLAIN = {type(None), bool, int, float, str, bytes, date, time_of_day, timedelta, UUID}
_PLAIN.add(dict)


class _Stale(Exception):
    """The connection was dead before the statement got to it."""


def run(
    sql: str,
    database: Database,
    caps: Caps,
    *,
    explain: bool = False,
    role: str | None = None,
) -> Execution:
    """Run or explain a statement that the gate has let through, with the rights of a role.

    Raises:
        DatabaseError: the server cannot be reached.
    """
    for _ in range(2):
        with connections.borrow(database) as connection:
            try:
                return _Statement(connection, database, caps, role).run(sql, explain)
            except _Stale as stale:
                reason = str(stale)
        connections.drop(database)  # its neighbours in the pool are as dead
    raise DatabaseError(f"cannot reach {database.shown}: {reason}", database.shown)


class _Statement:
    """A borrowed connection while it serves one statement."""

    def __init__(
        self,
        connection: "PoolProxiedConnection",
        database: Database,
        caps: Caps,
        role: str | None,
    ) -> None:
        self.connection, self.database, self.caps = connection, database, caps
        self.role = role
        self.dialect: Dialect = connections.find_engine(database).dialect
        driver: Any = connection.driver_connection
        self.driver, self.cursor = driver, driver.cursor()
        self.started = time.monotonic()

    def run(self, sql: str, explain: bool) -> Execution:
        """Return what the statement comes to; the connection is clean afterwards, or gone."""
        until = self.started + self.caps.timeout + watchdog.GRACE_SECONDS
        room = watchdog.room(self.caps.max_bytes)
        with watchdog.guard(self.driver.fileno(), until=until, room=room) as watch:
            try:
                self._begin(watch)
                columns, pages, truncated = self._pages(sql, explain, watch)
            except Refusal as refusal:
                return failed(refusal.kind, refusal.message, self._seconds())
            except self.dialect.loaded_dbapi.Error as error:
                return self._failed(error, watch)
            except _Stale:
                raise
            except Exception as error:  # a value that no Python object can hold
                kind = "memory" if isinstance(error, MemoryError) else "engine"
                return failed(kind, f"the result cannot be read: {error}", self._seconds())
            except BaseException:  # Ctrl-C: the answer to come must not reach the next statement
                self.connection.invalidate()
                raise
            finally:
                seconds = self._seconds()
                self._reset(watch)
        rows = [row for page in pages for row in pickle.loads(page)]  # our own, not a worker's
        return Execution(columns, rows, truncated, None, None, seconds)

    def _seconds(self) -> float:
        return time.monotonic() - self.started

    def _begin(self, watch: watchdog.Watch) -> None:
        ms = max(1, round(self.caps.timeout * 1000))
        try:
            self.cursor.execute(_BEGIN.format(ms=ms, idle=_IDLE_MS) + self._set_role())
        except self.dialect.loaded_dbapi.Error as error:
            if self._lost(error) and not watch.fired:
                raise _Stale(connections.first_line(error, self.database)) from None
            raise

    def _set_role(self) -> str:
        if self.role is None:
            return ""
        name = self.role.replace('"', '""')
        return f'; SET LOCAL ROLE "{name}"'

    def _pages(
        self, sql: str, explain: bool, watch: watchdog.Watch
    ) -> tuple[list[str], list[bytes], bool]:
        self._send(f"EXPLAIN {sql}" if explain else f"DECLARE t2s NO SCROLL CURSOR FOR {sql}")
        fetch = self._fetcher(watch, explained=explain)
        caps = self.caps
        pages, truncated = collect(
            fetch, max_rows=caps.max_rows, max_bytes=caps.max_bytes, check=self._check_time
        )
        return [str(column[0]) for column in self.cursor.description or ()], pages, truncated

    def _send(self, sql: str) -> None:
        if self.dialect.driver == "psycopg":
            self.cursor.execute(sql, binary=True)  # a binary result needs the extended protocol
        elif ";" in sql.rstrip("; \t\r\n"):
            # psycopg2 knows only the simple protocol, and no statement ends without a semicolon
            raise Refusal("refused", "psycopg2 takes no semicolon inside a query; psycopg does")
        else:
            self.cursor.execute(sql)

    def _fetcher(self, watch: watchdog.Watch, *, explained: bool) -> Callable[[int], Rows]:
        ended = False

        def fetch(count: int) -> Rows:
            nonlocal ended
            if ended:
                return []
            if not explained:
                left = max(1, round((self.caps.timeout - self._seconds()) * 1000))
                watch.expect(watchdog.room(self.caps.max_bytes))
                self.cursor.execute(
                    f"SET LOCAL statement_timeout = {left}; FETCH FORWARD {count} FROM t2s"
                )
                if self.dialect.driver == "psycopg":
                    self.cursor.nextset()  # psycopg2 keeps the last result only
            rows = self._rows()
            ended = explained or len(rows) < count
            return rows

        return fetch

    def _rows(self) -> Rows:
        try:
            rows = self.cursor.fetchall()
        except self.dialect.loaded_dbapi.DataError:
            if self.dialect.driver != "psycopg":
                raise
            rows = _rows_with_text(self.cursor)
        if {type(value) for row in rows for value in row} <= _PLAIN:
            return rows
        return [tuple(map(_plain, row)) for row in rows]

    def _check_time(self) -> None:
        if self._seconds() > self.caps.timeout:
            raise Refusal("timeout", "canceling statement due to statement timeout")

    def _failed(self, error: Exception, watch: watchdog.Watch) -> Execution:
        seconds = self._seconds()
        if watch.fired:
            return failed(watch.fired, watch.reason, seconds)
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        message = connections.first_line(error, self.database)
        if state == "42601" and "multiple commands" in message:
            return failed("refused", "one query is expected, not several statements", seconds)
        kind = STATES.get(state, "engine") if isinstance(state, str) else "engine"
        if self._lost(error):
            kind, message = "killed", f"the server ended the connection: {message}"
        return failed(kind, message, seconds)

    def _lost(self, error: Any) -> bool:
        return bool(self.driver.closed) or self.dialect.is_disconnect(error, None, None)

    def _reset(self, watch: watchdog.Watch) -> None:
        """Undo everything; a connection that cannot do that is not used again."""
        if not self.connection.is_valid:
            return
        watch.extend(_RESET_SECONDS)
        watch.expect(watchdog.room(0))
        try:
            self.cursor.execute("ROLLBACK")
            self.cursor.execute("DISCARD ALL")
            self.cursor.close()
        except self.dialect.loaded_dbapi.Error:
            self.connection.invalidate()


def _rows_with_text(cursor: Any) -> list[tuple[Any, ...]]:
    """Return psycopg's rows, with the server's own text for each value that it cannot build."""
    from psycopg.adapt import Transformer

    result, transformer = cursor.pgresult, Transformer.from_context(cursor)
    loaders = [
        transformer.get_loader(result.ftype(column), result.fformat(column)).load
        for column in range(result.nfields)
    ]
    return [
        tuple(_value(load, result.get_value(row, column)) for column, load in enumerate(loaders))
        for row in range(result.ntuples)
    ]


def _value(load: Callable[[bytes], Any], data: bytes | None) -> Any:
    from psycopg import DataError

    if data is None:
        return None
    try:
        return load(data)
    except (DataError, UnicodeError):
        return data.decode(errors="replace")


def _plain(value: Any) -> Any:
    """Return a value of the classes that other engines' results hold."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(timezone(value.utcoffset() or timedelta()))  # of no zone's class
    if type(value) in _PLAIN or isinstance(value, datetime):
        return value
    if isinstance(value, Decimal):
        return value if value == value else float("nan")  # DuckDB's, which scoring knows
    if isinstance(value, Sequence) and not isinstance(value, memoryview):
        return [_plain(item) for item in value]
    return bytes(value) if isinstance(value, memoryview) else str(value)
