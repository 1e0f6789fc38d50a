"""Messages over a socket between a worker and its parent, each whole or not at all.

    >>> ours, theirs = socket.socketpair()
    >>> Pipe(ours.detach()).send(b"ready")
    >>> Pipe(theirs.detach()).receive()
    b'ready'

What `multiprocessing.connection` does, without what it imports: that takes a quarter of the time in
which a worker starts.

Covered: messages of up to 2 GiB; an end that is gone is EOFError or OSError.
Not covered: Windows; several threads at one end.
"""

import os
import select
import struct

_LENGTH = struct.Struct("!I")
_MOST = 1 << 16  # bytes asked for at once


class Pipe:
    """One end, by its file descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        self._read_ahead = b""  # of the next message
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    @property
    def closed(self) -> bool:
        """Whether this end was closed here."""
        return self._descriptor is None

    def _open(self) -> int:
        if self._descriptor is None:
            raise OSError("the pipe is closed")
        return self._descriptor

    def wait(self, seconds: float) -> bool:
        """Tell whether something can be received, or the other end is gone, within some time."""
        self._open()
        return bool(self._read_ahead or self._poll.poll(max(0.0, seconds) * 1000))

    def send(self, message: bytes) -> None:
        """Write a message.

        Raises:
            OSError: the other end is gone.
        """
        rest = memoryview(_LENGTH.pack(len(message)) + message)
        while rest:
            rest = rest[os.write(self._open(), rest) :]

    def receive(self) -> bytes:
        """Read a message: most take one call, since each lets other threads go first.

        Raises:
            EOFError: the other end is gone.
            OSError: this end is closed.
        """
        parts, size = [self._read_ahead], len(self._read_ahead)
        while size < _LENGTH.size:
            size += self._more(parts)
        whole = _LENGTH.size + _LENGTH.unpack_from(b"".join(parts))[0]
        while size < whole:
            size += self._more(parts)
        data = b"".join(parts)
        self._read_ahead = data[whole:]
        return data[_LENGTH.size : whole]

    def _more(self, parts: list[bytes]) -> int:
        """Read what is there; return how much it is."""
        part = os.read(self._open(), _MOST)
        if not part:
            raise EOFError
        parts.append(part)
        return len(part)

    def close(self) -> None:
        """Close this end."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
