"""A SQLite file, locked down: read-only, default-deny authorizer, limits, a deadline.

    >>> with closing(SQLiteEngine("/data/shop.sqlite", heap=640 << 20)) as engine:
    ...     engine.run("SELECT 1", Caps()).columns
    ['1']

Runs inside a worker: the heap limit holds for the whole process, and only the parent can stop a
single long operation, such as LIKE on megabytes.

Covered: writes, ATTACH, VACUUM INTO, PRAGMA, tables of the system, functions that are not on the
list; text that is not UTF-8 (bad bytes are left out, as in exec_eval.py of
taoyds/test-suite-sql-eval, e97acc5); WAL databases.
Not covered: a database that is restored from a hot journal (it has to be opened for writing once).
"""

import contextlib
import resource
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from text2sql.errors import DatabaseError
from text2sql.execution import policy
from text2sql.execution.frames import Reply, collect
from text2sql.execution.policy import Catalog
from text2sql.execution.results import MAX_SQL, Caps, Refusal, check_size
from text2sql.execution.walls import Wall
from text2sql.execution.words import check_words, is_suspicious

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 16
    << 20,  # bytes of a value or row; also ends replace() and printf() bombs
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: MAX_SQL + 100,  # room for EXPLAIN QUERY PLAN
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 100,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_OPERATIONS = 10_000  # between looks at the clock; 1,000 slow a scan by half, 10,000 not measurably
_BUSY_SECONDS = 0.3  # for a writer to commit; less than the grace that the parent gives

# https://www.sqlite.org/rescode.html; the primary code is the low byte
_KINDS = {
    8: "refused",
    9: "timeout",
    18: "memory",
    23: "refused",
}  # READONLY, INTERRUPT, TOOBIG, AUTH
_NOT_THE_STATEMENT = {
    5,
    6,
    10,
    11,
    14,
    15,
    26,
}  # BUSY LOCKED IOERR CORRUPT CANTOPEN PROTOCOL NOTADB
_CORRUPT_VTAB = 267  # a full-text index in disorder says nothing of the file
_SYNTAX = ("syntax error", "incomplete input", "unrecognized token", "parser stack overflow")


class SQLiteEngine:
    """One read-only connection to one SQLite file."""

    dialect = "sqlite"

    def __init__(self, path: str, *, heap: int) -> None:
        """Open a file.

        Args:
            path: of the file.
            heap: bytes that SQLite may use in this process, all connections together.

        Raises:
            DatabaseError: the file cannot be opened, or is no SQLite database.
        """
        self._until = 0.0
        self._wall: Wall | None = None
        self._connection = _connect(path)
        try:
            self._catalog, self._hidden, self._virtual = _lock(self._connection, heap)
        except sqlite3.Error as error:
            self._connection.close()
            raise DatabaseError(f"cannot read database {path}: {error}", path) from None
        self._connection.set_authorizer(self._authorize)
        self._connection.set_progress_handler(self._late, _OPERATIONS)

    def run(
        self, sql: str, caps: Caps, *, explain: bool = False, wall: Wall | None = None
    ) -> Reply:
        """Run or explain one statement; whatever goes wrong is in the reply."""
        if wall != self._wall:
            self._wall = wall
            self._connection.set_authorizer(self._authorize)  # statements are compiled anew
        self._until = time.monotonic() + caps.timeout
        started = time.perf_counter()
        try:
            self._judge(sql)
            sql = f"EXPLAIN QUERY PLAN {sql}" if explain else sql
            started = time.perf_counter()
            return self._query(sql, caps, started)
        except Refusal as refusal:
            kind, message = refusal.kind, refusal.message
        except MemoryError:
            kind, message = "memory", "out of memory"
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            kind, message = classify(error), str(error)
        return Reply(kind, message, time.perf_counter() - started)

    def _judge(self, sql: str) -> None:
        if is_suspicious(sql):
            from text2sql.execution import gate  # late: most workers never need a parser

            gate.check(sql, self.dialect, self._catalog)
        else:
            check_size(sql)
            check_words(sql)

    def _query(self, sql: str, caps: Caps, started: float) -> Reply:
        try:
            return self._fetch(sql, caps, started)
        except sqlite3.OperationalError as error:
            if not str(error).startswith("Could not decode to UTF-8"):
                raise
        self._connection.text_factory = _lenient  # from now on: slower, and the same for valid text
        return self._fetch(sql, caps, started)

    def _fetch(self, sql: str, caps: Caps, started: float) -> Reply:
        cursor = self._connection.execute(sql)
        try:
            pages, truncated = collect(
                cursor.fetchmany,
                max_rows=caps.max_rows,
                max_bytes=caps.max_bytes,
                check=self._check_time,
            )
            columns = [column[0] for column in cursor.description or ()]
        finally:
            cursor.close()  # an open cursor would keep others from writing
        return Reply(None, None, time.perf_counter() - started, truncated, columns, pages)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _late(self) -> bool:
        return time.monotonic() > self._until

    def _check_time(self) -> None:
        if self._late():
            raise Refusal("timeout", "interrupted")

    def _authorize(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        """Allow what a query needs; SQLite asks while it compiles, so nothing has happened yet."""
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            allowed = True
        elif action == sqlite3.SQLITE_READ:
            allowed = self._may_read((first or "").lower(), second or "")
        elif action == sqlite3.SQLITE_FUNCTION:
            allowed = (second or "").lower() in policy.SQLITE_FUNCTIONS
        else:  # FTS5 asks for data_version itself; a statement would have to begin with PRAGMA
            allowed = (action, first, second) == (sqlite3.SQLITE_PRAGMA, "data_version", None)
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    def _may_read(self, table: str, column: str) -> bool:
        if self._wall is not None and not self._wall.may_read(table, column):
            # a virtual table reads tables of its own, whose names begin with its name
            owners = [name for name in self._virtual if table.startswith(f"{name}_")]
            return any(self._wall.may_read(name, "") for name in owners)
        return not self._is_hidden(table)

    def _is_hidden(self, table: str) -> bool:
        if table in self._catalog.tables:
            return False
        return table in self._hidden or policy.system_table(table, self.dialect)


def classify(error: Exception) -> str:
    """Return the error kind of an exception of sqlite3, "database" where the file is at fault."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _NOT_THE_STATEMENT and code != _CORRUPT_VTAB:
        return "database"
    message = str(error)
    if message.startswith("no such "):
        return "missing"
    if any(part in message for part in _SYNTAX):
        return "parse"
    if message.startswith(("not authorized", "unsafe use of")):
        return "refused"
    if "one statement at a time" in message or "query string is too large" in message:
        return "refused"
    return _KINDS.get((code or 0) & 0xFF, "engine")


def _lenient(text: bytes) -> str:
    return text.decode(errors="ignore")


def _connect(path: str) -> sqlite3.Connection:
    """Connect read-only, without changing the file or its folder."""
    name = quote(str(Path(path)).encode(errors="surrogateescape"))
    quiet = _is_quiet(path)
    uri = f"file:{name}?mode=ro{'&immutable=1' if quiet else ''}"
    try:
        with contextlib.nullcontext() if quiet or not _has_log(path) else _room_for_an_index():
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").close()
            return connection
    except sqlite3.Error as error:
        raise DatabaseError(f"cannot open database {path}: {error}", path) from None


@contextlib.contextmanager
def _room_for_an_index() -> Iterator[None]:
    """Let SQLite rebuild the -shm index of a log that a killed program left; then no file grows.

    With the limit at 0 it would cut the index to nothing and fail. A statement cannot lift limits.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _is_quiet(path: str) -> bool:
    """Tell whether a write-ahead log database has no log: then nobody writes, and it needs no -shm.

    Without `immutable` SQLite would make that file beside the database.

    Raises:
        DatabaseError: the log of a program that crashed has to be recovered, which is writing.
    """
    if not _has_log(path):
        return False
    log, index = Path(f"{path}-wal"), Path(f"{path}-shm")
    if not log.exists() or not (log.stat().st_size or index.exists()):
        return True
    if not index.exists():
        message = (
            "its write-ahead log has to be recovered: open it once with a program that may write"
        )
        raise DatabaseError(f"cannot open database {path}: {message}", path)
    return False


def _has_log(path: str) -> bool:
    # https://www.sqlite.org/fileformat2.html#file_format_version_numbers: 2 at offset 18 is WAL
    try:
        with Path(path).open("rb") as file:
            return file.read(19)[18:] == b"\2"
    except OSError as error:
        raise DatabaseError(f"cannot open database {path}: {error.strerror}", path) from None


def _lock(
    connection: sqlite3.Connection, heap: int
) -> tuple[Catalog, frozenset[str], tuple[str, ...]]:
    """Set the limits; return what is known of the database, hidden modules, virtual tables."""
    for pragma in (
        "query_only=1",
        "trusted_schema=1",  # else views may not call json_extract; the authorizer judges views too
        "temp_store=memory",
        "cache_size=-16000",
        f"hard_heap_limit={heap}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()
    names = connection.execute(
        "SELECT lower(name), sql FROM sqlite_master WHERE type IN ('table', 'view')"
    ).fetchall()
    modules = {row[0].lower() for row in connection.execute("PRAGMA module_list")}
    owned = frozenset(
        name for name, _ in names if policy.system_table(name, "sqlite") or name in modules
    )
    virtual = [name for name, sql in names if (sql or "").upper().startswith("CREATE VIRTUAL")]
    for table in (*(policy.SQLITE_MODULES & modules), *virtual):
        _touch(connection, table)
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    own = frozenset(name for name in owned if not name.startswith("sqlite_"))
    return Catalog(tables=own), frozenset(modules - policy.SQLITE_MODULES), tuple(virtual)


def _touch(connection: sqlite3.Connection, table: str) -> None:
    """Connect a virtual table now: its constructor would not get past the authorizer."""
    quoted = '"' + table.replace('"', '""') + '"'
    try:
        connection.execute(f"SELECT 1 FROM {quoted} LIMIT 0").close()
    except sqlite3.Error:
        return  # its module is not in this build: a query on it will say so
