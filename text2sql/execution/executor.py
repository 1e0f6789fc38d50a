"""Run SQL that a model wrote: read-only, in a worker process, under a deadline.

    >>> execute("SELECT count(*) FROM orders", "shop.sqlite", timeout=5.0).rows
    [(412,)]
    >>> with Executor(workers=2) as executor:           # one set of workers for many databases
    ...     executor.execute("SELECT 1", "shop.sqlite").error
    ...     executor.explain("SELECT nme FROM orders", "shop.sqlite").error
    'no such column: nme'

Covered: what the statement does wrong is a value, never raised; a worker that hangs or dies is
replaced; threads; a fork of the parent; no process is left behind, however the parent ends.
Not covered: a DuckDB file that another process has open for writing (DuckDB itself forbids it);
in-memory databases.
"""

import os
import pickle
import sys
import threading
import weakref
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any

from text2sql.databases import FILE_ENGINES, Database, locate
from text2sql.errors import DatabaseError, SettingsError
from text2sql.execution.frames import Reply, decode, encode
from text2sql.execution.results import Caps, Execution, Refusal, check_size, failed
from text2sql.execution.walls import Wall
from text2sql.execution.workers import Request, Worker

Signature = tuple[int, ...]
Moment = date | str  # a datetime is a date

_DEFAULTS = Caps()
_SHARED_WORKERS = 4
_REMEMBERED = 1_024  # places of databases
_SMALLEST_MEMORY = 256 << 20  # bytes: the interpreter, sqlglot and an engine have to fit


class Executor:
    """Worker processes that run SQL on any number of databases, from any number of threads.

    Args:
        database: what `execute` uses when it names none: a path, a URL or a `Database`.
        workers: processes at most; each is started when it is first needed, and keeps connections
            warm.
        memory: bytes of address space per worker.

    Raises:
        DatabaseError: `database` does not exist.
        SettingsError: `workers` or `memory` is too small.
    """

    def __init__(
        self,
        database: str | Path | Database | None = None,
        *,
        workers: int = 1,
        memory: int = 1 << 30,
    ) -> None:
        if workers < 1 or memory < _SMALLEST_MEMORY:
            least = f"workers at least 1, memory at least {_SMALLEST_MEMORY >> 20} MiB"
            raise SettingsError(f"an Executor needs {least}, not {workers} and {memory >> 20} MiB")
        self._database = None if database is None else locate(database)
        self._workers, self._memory = workers, memory
        self._crew: list[Worker] = []  # every worker that lives
        self._idle: list[Worker] = []  # those that wait, last used last
        self._located: dict[str, tuple[Database, Signature]] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._stop = weakref.finalize(self, _stop_all, self._crew)  # also when the interpreter ends
        _EXECUTORS.add(self)

    def start(self) -> "Executor":
        """Start every worker now instead of when it is first needed; they get ready meanwhile."""
        with self._changed:
            while len(self._crew) < self._workers and not self._closed:
                self._crew.append(Worker(memory=self._memory))
                self._idle.append(self._crew[-1])
        return self

    def execute(
        self,
        sql: str,
        database: str | Path | Database | None = None,
        *,
        timeout: float = _DEFAULTS.timeout,
        max_rows: int = _DEFAULTS.max_rows,
        max_bytes: int = _DEFAULTS.max_bytes,
        as_of: Moment | None = None,
        wall: Wall | None = None,
    ) -> Execution:
        """Run one statement.

        Args:
            sql: one query, as the model wrote it.
            database: where to run it; the executor's own by default.
            timeout: seconds; the call returns at most one second later, opening a cold database
                excluded.
            max_rows: rows returned at most.
            max_bytes: bytes of encoded rows returned at most.
            as_of: a moment (UTC where it names no zone) in the place of the clock: of now(),
                CURRENT_DATE, date('now') and their like.
            wall: what it may read, for the engine to check; see `walls`.

        Returns:
            Rows, or the reason why there are none.

        Raises:
            DatabaseError: the database is missing, corrupt, or open for writing elsewhere.
            SettingsError: a cap that is not positive, or a moment that cannot be read.
        """
        caps = Caps(timeout, max_rows, max_bytes)
        return _execution(self._run([sql], database, caps, as_of=as_of, wall=wall)[0])

    def fetch(
        self,
        statements: Sequence[str],
        database: str | Path | Database | None = None,
        *,
        timeout: float = _DEFAULTS.timeout,
        max_rows: int = _DEFAULTS.max_rows,
        max_bytes: int = _DEFAULTS.max_bytes,
        as_of: Moment | None = None,
    ) -> list[Reply]:
        """Run several statements on one worker, each under its own deadline and caps.

        Returns:
            One reply per statement, its rows still encoded (`frames.decode` each of `pages`):
            equal pages are equal rows.

        Raises:
            DatabaseError, SettingsError: as for `execute`.
        """
        return self._run(statements, database, Caps(timeout, max_rows, max_bytes), as_of=as_of)

    def explain(
        self,
        sql: str,
        database: str | Path | Database | None = None,
        *,
        timeout: float = _DEFAULTS.timeout,
        wall: Wall | None = None,
    ) -> Execution:
        """Ask the engine what it thinks of a statement, without running it.

        Returns:
            The engine's plan as rows (EXPLAIN QUERY PLAN of SQLite, EXPLAIN elsewhere), or its
            complaint.

        Raises:
            DatabaseError: as for `execute`.
        """
        return _execution(self._run([sql], database, Caps(timeout), explain=True, wall=wall)[0])

    def _run(
        self,
        statements: Sequence[str],
        database: str | Path | Database | None,
        caps: Caps,
        *,
        explain: bool = False,
        as_of: Moment | None = None,
        wall: Wall | None = None,
    ) -> list[Reply]:
        found, signature = self._find(self._database if database is None else database)
        replies = [_refused(sql) for sql in statements]
        asked = [i for i, reply in enumerate(replies) if reply is None]
        texts = _at_moment([statements[i] for i in asked], found.dialect, as_of)
        if found.path is None:
            from text2sql.execution import warehouse

            options: dict[str, Any] = {"explain": explain, "role": wall.role if wall else None}
            ran = [_encoded(warehouse.run(sql, found, caps, **options)) for sql in texts]
        else:
            where = found.engine, str(found.path), signature
            ran = self._ask([Request(*where, sql, explain, wall) for sql in texts], caps)
        done = dict(zip(asked, ran, strict=True))
        return [reply or done[i] for i, reply in enumerate(replies)]

    def _find(self, database: str | Path | Database | None) -> tuple[Database, Signature]:
        """Find a database; a file that has not changed since the last time is not read again."""
        if database is None:
            raise DatabaseError("no database: name one when calling, or when making the Executor")
        known = None if isinstance(database, Database) else self._located.get(str(database))
        if known is not None and known[1] == _signature(known[0]):
            return known
        found = locate(database)
        if found.path is None and found.engine in FILE_ENGINES:
            shown = found.shown
            raise DatabaseError(f"{shown} is a database in memory: save it as a file first", shown)
        self._remember(database, found)
        return found, _signature(found)

    def _remember(self, database: str | Path | Database, found: Database) -> None:
        # Not what depends on the current folder.
        if isinstance(database, Database) or not Path(database).is_absolute():
            return
        if len(self._located) >= _REMEMBERED:
            self._located.clear()
        self._located[str(database)] = found, _signature(found)

    def _ask(self, requests: Sequence[Request], caps: Caps) -> list[Reply]:
        if not requests:
            return []
        path = requests[0].path
        worker = self._borrow(path)
        try:
            replies = worker.ask_many(requests, caps)
        finally:
            self._give_back(worker)
        for reply in replies:
            if reply.error_kind == "database":
                raise DatabaseError(_about(path, reply.error), path)
        return replies

    def _borrow(self, path: str) -> Worker:
        with self._changed:
            while True:
                if self._closed:
                    raise SettingsError("this Executor is closed")
                if self._idle:
                    warm = (
                        place for place, worker in enumerate(self._idle) if worker.database == path
                    )
                    return self._idle.pop(next(warm, -1))
                if len(self._crew) < self._workers:
                    self._crew.append(Worker(memory=self._memory))
                    return self._crew[-1]
                self._changed.wait()

    def _give_back(self, worker: Worker) -> None:
        with self._changed:
            if self._closed:
                worker.stop()
            elif worker.alive:
                self._idle.append(worker)
            else:
                self._crew.remove(worker)
            self._changed.notify()

    def close(self) -> None:
        """Stop every worker; a statement that still runs ends as killed."""
        with self._changed:
            self._closed = True
            self._stop()
            self._changed.notify_all()
        servers = sys.modules.get("text2sql.execution.connections")
        if servers is not None:  # idle ones only; another executor's next statement opens new ones
            servers.close_all()

    def forget(self) -> None:
        """Drop the workers without stopping them: in a forked child they are the parent's."""
        self._changed = threading.Condition()
        for worker in self._crew:
            worker.abandon()
        self._crew.clear()
        self._idle.clear()

    def __enter__(self) -> "Executor":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _refused(sql: str) -> Reply | None:
    try:
        check_size(sql)
    except Refusal as refusal:
        return Reply(refusal.kind, refusal.message)
    return None


def _at_moment(statements: list[str], dialect: str, as_of: Moment | None) -> list[str]:
    if as_of is None:
        return statements
    from text2sql.execution.moments import fix_clock, parse_moment

    moment = parse_moment(as_of)
    return [fix_clock(sql, dialect, moment) for sql in statements]


def _encoded(ran: Execution) -> Reply:
    pages = [encode(ran.rows)] if ran.rows else []
    return Reply(ran.error_kind, ran.error, ran.seconds, ran.truncated, ran.columns, pages)


def _execution(reply: Reply) -> Execution:
    try:
        rows = [row for page in reply.pages for row in decode(page)]
    except pickle.UnpicklingError as error:
        return failed("engine", str(error), reply.seconds)
    return Execution(
        reply.columns, rows, reply.truncated, reply.error, reply.error_kind, reply.seconds
    )


def _about(path: str, message: str | None) -> str:
    return message if message and path in message else f"cannot read database {path}: {message}"


def _signature(database: Database) -> Signature:
    """Return what changes when a file becomes another one, or gets a write-ahead log."""
    if database.path is None:
        return ()
    try:
        stat = database.path.stat()
    except OSError as error:
        message = f"cannot open database {database.path}: {error.strerror}"
        raise DatabaseError(message, database.shown) from None
    logs = [os.path.exists(f"{database.path}{suffix}") for suffix in ("-wal", "-shm")]  # noqa: PTH110
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, *logs


def _stop_all(crew: list[Worker]) -> None:
    for worker in crew:  # all at once, then wait for each
        worker.finish(wait=False)
    for worker in crew:
        worker.finish()


_EXECUTORS: "weakref.WeakSet[Executor]" = weakref.WeakSet()
_LOCK = threading.Lock()
_SHARED: Executor | None = None


def _after_fork() -> None:
    global _LOCK
    _LOCK = threading.Lock()
    for executor in list(_EXECUTORS):
        executor.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def shared() -> Executor:
    """Return the executor that `execute` uses, made on first use and closed at exit."""
    global _SHARED
    with _LOCK:
        if _SHARED is None:
            _SHARED = Executor(workers=min(_SHARED_WORKERS, os.cpu_count() or 1))
        return _SHARED


def execute(
    sql: str,
    database: str | Path | Database,
    *,
    timeout: float = _DEFAULTS.timeout,
    max_rows: int = _DEFAULTS.max_rows,
    max_bytes: int = _DEFAULTS.max_bytes,
    as_of: Moment | None = None,
) -> Execution:
    """Run one statement in a worker process that is shared by the whole program.

    Arguments, result and errors are those of `Executor.execute`.
    """
    return shared().execute(
        sql, database, timeout=timeout, max_rows=max_rows, max_bytes=max_bytes, as_of=as_of
    )
