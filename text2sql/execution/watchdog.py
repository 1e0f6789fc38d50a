"""Cut the line to a server that does not answer in time, or that sends more than fits.

    >>> with guard(connection.fileno(), until=time.monotonic() + 5, room=1 << 26) as watch:
    ...     cursor.execute(sql)         # raises the driver's error once the line is cut
    >>> watch.fired
    'timeout'

A server stops its own statements; this is for one that hangs, and for a single row of a gigabyte,
which a driver reads to its end before anyone sees it. One thread watches every connection, and
sleeps while there is none.

Covered: any driver that works on a socket, from any number of threads; a fork.
Not covered: the amount that arrives over a Unix socket, TLS records included, or on anything but
Linux; `GRACE_SECONDS` and a tick pass before the cut.
"""

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

GRACE_SECONDS = 0.5  # past the deadline, for the server to stop by itself
TICK_SECONDS = 0.02
_OVERHEAD = 32 << 20  # bytes that may arrive beyond those of a full page
_WIRE = 4  # bytes on the wire for a byte of encoded rows, at most: NULL takes four
_BYTES_RECEIVED = 128  # offset of tcpi_bytes_received in Linux's struct tcp_info (linux/tcp.h)


@dataclass(slots=True, eq=False)
class Watch:
    """One connection that is waited for."""

    descriptor: int
    until: float  # time.monotonic()
    room: int  # bytes that may still arrive, see `expect`
    fired: str | None = None  # "timeout" or "memory": why the line was cut
    line: socket.socket | None = field(default=None, repr=False)
    base: int | None = None  # bytes that had arrived when counting began

    @property
    def reason(self) -> str:
        """Why the line was cut, for people."""
        if self.fired == "memory":
            return "a row, or a few, are larger than a result may be"
        return "the server did not answer in time"

    def expect(self, room: int) -> None:
        """Count what arrives anew: at most `room` bytes from here on."""
        with _STATE.changed:
            self.room, self.base = room, None

    def extend(self, seconds: float) -> None:
        """Give the connection so long from now on."""
        with _STATE.changed:
            self.until = time.monotonic() + seconds

    def check(self, now: float) -> None:
        """Cut the line where it is time to."""
        if self.fired:
            return
        if self.line is None:  # a descriptor of our own, so that closing it closes no other's
            self.line = socket.socket(fileno=os.dup(self.descriptor))
        arrived = _arrived(self.line)
        self.base = arrived if self.base is None else self.base
        if now > self.until:
            self.fired = "timeout"
        elif arrived - self.base > self.room:
            self.fired = "memory"
        if self.fired:
            with suppress(OSError):
                self.line.shutdown(socket.SHUT_RDWR)


def room(max_bytes: int) -> int:
    """Return how much may arrive for rows that take `max_bytes` once they are encoded."""
    return _WIRE * max_bytes + _OVERHEAD


def _arrived(line: socket.socket) -> int:
    """Return the bytes that a connection has received; 0 where nobody counts them."""
    if line.family not in (socket.AF_INET, socket.AF_INET6) or not hasattr(socket, "TCP_INFO"):
        return 0
    with suppress(OSError, struct.error):
        facts = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return int(struct.unpack_from("=Q", facts, _BYTES_RECEIVED)[0])
    return 0


class _State:
    """What the thread and its callers share; made anew in a forked child."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.watches: set[Watch] = set()
        self.thread: threading.Thread | None = None


_STATE = _State()


def _patrol(state: _State) -> None:
    while True:
        with state.changed:
            state.changed.wait_for(lambda: state.watches)
            for watch in state.watches:
                with suppress(OSError):  # its owner has closed it
                    watch.check(time.monotonic())
        time.sleep(TICK_SECONDS)


@contextmanager
def guard(descriptor: int, *, until: float, room: int) -> Iterator[Watch]:
    """Watch a connection until the block ends.

    Args:
        descriptor: of its socket.
        until: `time.monotonic()` at which the line is cut.
        room: bytes that may arrive.
    """
    state, watch = _STATE, Watch(descriptor, until, room)
    with state.changed:
        if state.thread is None:
            name = "text2sql-watchdog"
            state.thread = threading.Thread(target=_patrol, args=(state,), name=name, daemon=True)
            state.thread.start()
        state.watches.add(watch)
        state.changed.notify()
    try:
        yield watch
    finally:
        with state.changed:
            state.watches.discard(watch)
            if watch.line is not None:
                watch.line.close()


def _after_fork() -> None:
    global _STATE
    _STATE = _State()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
