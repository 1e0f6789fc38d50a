"""The worker process: reads requests from its parent, runs SQL under limits, writes replies.

    python -I -c "... main(fd, parent, memory)"      started by workers.Worker, never by hand

Covered: address space, no file growth, no core dumps; warm connections per database, reopened when
the file changes; the worker ends itself when its parent is gone, in the middle of a query as well,
and when a query outlives its deadline.
Not covered: Windows; macOS does not enforce the address space.
"""

import contextlib
import os
import resource
import signal
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Union

from text2sql.errors import DatabaseError
from text2sql.execution.frames import OPENED, OPENING, READY, Reply, decode, encode
from text2sql.execution.pipes import Pipe
from text2sql.execution.results import Caps
from text2sql.execution.sqlite_engine import SQLiteEngine
from text2sql.execution.walls import unpacked

if TYPE_CHECKING:
    from text2sql.execution.duckdb_engine import DuckDBEngine, Watchdog

SELF_KILL_SECONDS = 0.9  # past the deadline: the parent, if it lives, has killed us before
INDEX_BYTES = 64 << 20  # ceiling of the file size limit: see sqlite_engine._room_for_an_index
_IDLE_SECONDS = 2.0  # then DuckDB files are released: an open one keeps others from writing
_BROKEN = ("INTERNAL Error", "FATAL Error")  # after which DuckDB's instance answers nothing more
_PARENT_SECONDS = 0.5  # between two looks at whether the parent lives
_WARM = {
    "sqlite": 16,
    "duckdb": 4,
}  # connections kept; DuckDB's may hold a quarter of the memory each

Engine = Union[SQLiteEngine, "DuckDBEngine"]
Signature = tuple[int, ...]  # inode, size, time of change: another one means another database


class Engines:
    """The warm connections of this process, least recently used first."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._open: OrderedDict[str, tuple[Signature, Engine]] = OrderedDict()
        self._watchdog: Watchdog | None = None

    def find(self, path: str, signature: Signature) -> Engine | None:
        """Return the connection to a file as it is now, if there is one."""
        found = self._open.get(path)
        if found is None or found[0] != signature:
            self.forget(path)
            return None
        self._open.move_to_end(path)
        return found[1]

    def open(self, kind: str, path: str, signature: Signature) -> Engine:
        """Open a file, and close the one that was not used for longest.

        Raises:
            DatabaseError: it cannot be opened.
        """
        same = [other for other, (_, engine) in self._open.items() if engine.dialect == kind]
        for other in same[: len(same) - _WARM[kind] + 1]:
            self.forget(other)
        engine = self._connect(kind, path)
        self._open[path] = (signature, engine)
        return engine

    def _connect(self, kind: str, path: str) -> Engine:
        if kind == "sqlite":
            return SQLiteEngine(path, heap=self._memory * 5 // 8)
        from text2sql.execution.duckdb_engine import DuckDBEngine, Watchdog  # late: takes a while

        self._watchdog = self._watchdog or Watchdog()
        return DuckDBEngine(path, memory=self._memory // 4, watchdog=self._watchdog)

    def forget(self, path: str) -> None:
        """Close the connection to a file, if there is one."""
        found = self._open.pop(path, None)
        if found is not None:
            with contextlib.suppress(Exception):
                found[1].close()

    def release(self) -> None:
        """Close every DuckDB file."""
        for path in [
            path for path, (_, engine) in self._open.items() if engine.dialect == "duckdb"
        ]:
            self.forget(path)


def limit(memory: int) -> None:
    """Take from this process what hostile SQL could use."""
    wanted = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 256,
    }
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        ceiling = INDEX_BYTES if kind == resource.RLIMIT_FSIZE else value
        with contextlib.suppress(ValueError, OSError):  # macOS knows RLIMIT_AS and refuses it
            resource.setrlimit(kind, (value, ceiling))


def follow(parent: int) -> None:
    """End this process soon after its parent, even in the middle of a statement."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_SECONDS)
        os._exit(0)

    before = threading.stack_size(1 << 18)
    threading.Thread(target=watch, name="follow", daemon=True).start()
    threading.stack_size(before)


def main(fd: int, parent: int, memory: int) -> None:
    """Serve requests until the pipe closes or the parent is gone.

    Args:
        fd: of the socket to the parent.
        parent: its process id.
        memory: bytes of address space for this process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    pipe = Pipe(fd)
    limit(memory)
    follow(parent)
    engines = Engines(memory)
    with contextlib.suppress(EOFError, OSError):
        pipe.send(READY)
        while os.getppid() == parent:
            if pipe.wait(_IDLE_SECONDS):
                _serve(pipe, engines)
            else:
                engines.release()
    os._exit(0)  # nothing to save, and closing could wait on an engine


def _serve(pipe: Pipe, engines: Engines) -> None:
    kind, path, signature, sql, explain, wall, *caps = decode(pipe.receive())
    try:
        engine = engines.find(path, signature)
        if engine is None:
            pipe.send(OPENING)
            try:
                engine = engines.open(kind, path, signature)
            finally:
                pipe.send(OPENED)
        signal.setitimer(signal.ITIMER_REAL, caps[0] + SELF_KILL_SECONDS)
        reply = engine.run(sql, Caps(*caps), explain=explain, wall=unpacked(wall))
    except DatabaseError as error:
        reply = Reply("database", str(error))
    except MemoryError:
        reply = Reply("memory", "out of memory")
    if reply.error_kind == "database" or (reply.error or "").startswith(_BROKEN):
        engines.forget(path)
    pipe.send(_frame(reply))
    signal.setitimer(signal.ITIMER_REAL, 0)


def _frame(reply: Reply) -> bytes:
    fields = (
        reply.error_kind,
        reply.error,
        reply.seconds,
        reply.truncated,
        reply.columns,
        reply.pages,
    )
    return encode(fields)
