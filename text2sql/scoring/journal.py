"""Verdicts on disk while they are made: a scorer that was killed goes on from what it had.

    >>> with Journal.open(folder, fingerprint) as journal:
    ...     done = list(journal.records())       # of an earlier run that did not end
    ...     journal.write(records)

A journal is named after everything that its verdicts depend on, so that another run never takes
them for its own. Its first line holds that fingerprint, each further line one verdict.

Covered: a last line cut by the kill; two runs of the same thing at once (the second keeps a journal
of its own, which nobody finds again); a full disk, in one line; a folder that cannot be written
(the journal lies in a temporary folder, and ends with the run).
Not covered: file systems without flock.
"""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import platformdirs

from text2sql.errors import OutputError
from text2sql.outputs import full_disk

_KEPT_SECONDS = 14 * 86_400  # journals that nobody came back for are removed


def journals_folder() -> Path:
    """Return where journals are kept while a run lasts."""
    return Path(platformdirs.user_cache_dir("text2sql")) / "scores"


class Journal:
    """One file of verdict records; closed, it is removed unless the run did not end."""

    def __init__(self, path: Path, file: IO[bytes], fingerprint: str) -> None:
        self.path, self._file = path, file
        self._fingerprint = fingerprint
        self._passing: tempfile.TemporaryDirectory[str] | None = None  # ends with the run
        self.done = self._continue()  # verdicts that an earlier run left

    @classmethod
    def open(cls, folder: Path, fingerprint: str) -> "Journal":
        """Open the journal of a run, empty or as an earlier one left it.

        Where the folder cannot be written, the journal lies in a temporary one: the run goes on,
        and cannot be continued.

        Raises:
            OutputError: nor can a temporary folder.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _forget_old(folder)
            return cls(*_file(folder, fingerprint), fingerprint)
        except OSError:
            return cls._passing_one(fingerprint)

    @classmethod
    def _passing_one(cls, fingerprint: str) -> "Journal":
        try:
            folder = tempfile.TemporaryDirectory(prefix="text2sql-")
            journal = cls(*_file(Path(folder.name), fingerprint), fingerprint)
        except OSError as error:
            place = f"{journals_folder()} or {tempfile.gettempdir()}"
            raise OutputError(f"cannot write to {place}: {error.strerror}") from None
        journal._passing = folder
        return journal

    def _continue(self) -> int:
        """Cut off a line that a kill left unfinished; return how many verdicts are there."""
        self._file.seek(0)
        lines, end = 0, 0
        while (line := self._file.readline()).endswith(b"\n"):
            if lines == 0 and line != self._first_line():
                break
            lines, end = lines + 1, self._file.tell()
        self._file.seek(end)
        self._file.truncate()
        if lines == 0:
            self._file.write(self._first_line())
            self._file.flush()
        return max(0, lines - 1)

    def _first_line(self) -> bytes:
        return json.dumps({"fingerprint": self._fingerprint}).encode() + b"\n"

    def write(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Append verdicts; a kill after this does not lose them.

        Raises:
            OutputError: the disk is full.
        """
        kept = "" if self._passing else "make room, then run the same again: it goes on from here"
        with full_disk(self.path.parent, kept=kept):
            lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
            self._file.write("".join(lines).encode(errors="surrogatepass"))
            self._file.flush()

    def lines(self) -> Iterator[str]:
        """Yield the verdicts as they stand in the file, one a line."""
        with self.path.open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:
            next(file, None)
            yield from file

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the verdicts."""
        return map(json.loads, self.lines())

    def close(self, *, keep: bool) -> None:
        """Let go of the file.

        Args:
            keep: leave it for a run that goes on; a journal without verdicts is never left.
        """
        empty = os.fstat(self._file.fileno()).st_size <= len(self._first_line())
        if empty or not keep:
            self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # what a full disk has refused, and said, once more
            self._file.close()
        if self._passing:
            self._passing.cleanup()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(keep=error is not None)


def _file(folder: Path, fingerprint: str) -> tuple[Path, IO[bytes]]:
    """Open the run's file, or where another run holds it, one that nobody finds again."""
    path = folder / f"{fingerprint}.jsonl"
    file = path.open("a+b")
    if not _hold(file):
        file.close()
        descriptor, name = tempfile.mkstemp(".jsonl", f"{fingerprint}-", folder)
        path, file = Path(name), os.fdopen(descriptor, "a+b")
    return path, file


def _hold(file: IO[bytes]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows has no flock
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(file.fileno()).st_nlink > 0  # another run ended and removed it meanwhile


def _forget_old(folder: Path) -> None:
    now = time.time()
    for path in folder.glob("*.jsonl"):
        with contextlib.suppress(FileNotFoundError):  # another run has just ended
            if now - path.stat().st_mtime > _KEPT_SECONDS:
                path.unlink()
