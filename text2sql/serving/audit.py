"""The audit log: who asked what, which SQL ran for it, and what became of it; JSON Lines.

    >>> audit = AuditLog("audit.jsonl")
    >>> audit.write({"user": "ann", "question": "...", "sql": "...", "rows": 12})

A line is written before its rows are handed out: where that fails nobody gets any. Only the
process' owner may read the file. It holds no rows, but questions and SQL, which may name people.

Covered: threads, several processes (a line is one write); a file that was moved away (logrotate) is
begun anew.
Not covered: a machine that loses power: the last lines may be lost with it.
"""

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from text2sql.errors import OutputError


class AuditLog:
    """A file that is appended to."""

    def __init__(self, path: str | Path) -> None:
        """Open the file.

        Raises:
            OutputError: it cannot be written.
        """
        self.path, self._lock = Path(path), threading.Lock()
        self._handle = -1
        with self._lock:
            self._open()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            handle = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise OutputError(f"cannot write audit log {self.path}: {error.strerror}") from None
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = handle

    def write(self, entry: dict[str, Any]) -> None:
        """Append a line.

        Raises:
            OutputError: it cannot be written.
        """
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": moment, **entry}, ensure_ascii=False, default=str)
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            if self._moved():
                self._open()
            try:
                written = os.write(self._handle, data)
            except OSError as error:
                raise OutputError(f"cannot write audit log {self.path}: {error.strerror}") from None
        if written < len(data):
            raise OutputError(f"cannot write audit log {self.path}: the disk is full")

    def _moved(self) -> bool:
        try:
            there = self.path.stat()
        except OSError:
            return True
        return not os.path.samestat(there, os.fstat(self._handle))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._handle >= 0:
                os.close(self._handle)
            self._handle = -1
