"""Keep what people say about answers: thumbs, corrections and edits, in a SQLite file.

    >>> with FeedbackStore("feedback.sqlite") as store:
    ...     store.add(Feedback("down", "orders in May?", "SELECT 1", "shop", user="ann"))
    1
    >>> [said.kind for said in read_feedback("feedback.sqlite")]
    ['down']

`add` returns when the disk has it: write-ahead log, synchronous=FULL, one writer at a time. A
process that is killed afterwards loses nothing, and neither does a machine without power, as far as
its disk keeps what it says it has.

Covered: several processes with one file (they wait for each other); reading while a server writes;
bounded texts.
Not covered: network file systems, where SQLite has no write-ahead log: they are refused.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self, get_args

from text2sql.errors import DataError, OutputError

Kind = Literal["up", "down", "correction", "edit"]

KINDS: tuple[Kind, ...] = get_args(Kind)
GIVING = ("correction", "edit")  # kinds that come with SQL of the user's own
LONGEST = {  # characters
    "question": 4_000,
    "sql": 20_000,
    "corrected": 20_000,
    "database": 500,
    "evidence": 4_000,
    "comment": 4_000,
    "user": 2_000,
    "request_id": 200,
    "view": 200,
}
WAIT_SECONDS = 5.0  # for another process that writes
_APPLICATION = 0x54325346  # "T2SF": SQLite's application_id of our files
_VERSION = 1
_TABLE = """
    CREATE TABLE IF NOT EXISTS feedback (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, question TEXT NOT NULL, sql TEXT,
        database TEXT NOT NULL, corrected TEXT, evidence TEXT, comment TEXT, user TEXT,
        request_id TEXT, view TEXT, follow_up INTEGER NOT NULL, time TEXT NOT NULL
    ) STRICT
"""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one person said about one answer."""

    kind: Kind
    question: str
    sql: str | None  # that was shown
    database: str  # as the service calls it
    corrected: str | None = None  # the right SQL, of a correction or of an edit that was run
    evidence: str | None = None
    comment: str | None = None
    user: str | None = None  # who said it: tells people apart
    request_id: str | None = None  # of the answer
    view: str | None = None  # fingerprint of what the user saw under the policy
    follow_up: bool = False  # the question needs those before it
    time: str = ""  # UTC, ISO 8601; the store's clock
    id: int = 0  # in the store


def check_feedback(said: Feedback) -> None:
    """Refuse what is no feedback.

    Raises:
        DataError: an unknown kind, a text that is missing or too long, SQL where none belongs.
    """
    if said.kind not in KINDS:
        raise DataError(f"feedback is one of {', '.join(KINDS)}, not {said.kind!r}")
    needed = "corrected" if said.kind in GIVING else "sql"
    for name in ("question", "database", needed):
        if not (getattr(said, name) or "").strip():
            raise DataError(f"feedback of kind {said.kind!r} needs {name!r}")
    if said.corrected is not None and said.kind not in GIVING:
        raise DataError(f"'corrected' belongs to {' or '.join(GIVING)}, not to {said.kind!r}")
    for name, most in LONGEST.items():
        length = len(getattr(said, name) or "")
        if length > most:
            raise DataError(f"{name!r} has {length:,} characters; at most {most:,} are kept")


class FeedbackStore:
    """A feedback file that is open for writing; close it or use it as a context."""

    def __init__(self, path: str | Path) -> None:
        """Open the file, or make it.

        Raises:
            OutputError: it is not ours, or cannot be written safely there.
        """
        self.path = Path(path)
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _connect(self.path)
        except (sqlite3.Error, OSError) as error:
            raise OutputError(f"cannot write {self.path}: {error}") from None

    def add(self, said: Feedback) -> int:
        """Keep feedback; return its number once the disk has it.

        Raises:
            DataError: it is no feedback.
            OutputError: it could not be kept: the disk is full, or another process holds the file.
        """
        check_feedback(said)
        kept = replace(said, time=datetime.now(UTC).isoformat(timespec="milliseconds"))
        columns = [field.name for field in fields(Feedback)][:-1]  # SQLite numbers the rows
        marks = ", ".join("?" * len(columns))
        insert = f"INSERT INTO feedback ({', '.join(columns)}) VALUES ({marks})"
        try:
            with self._lock:
                return int(self._connection.execute(insert, astuple(kept)[:-1]).lastrowid or 0)
        except sqlite3.Error as error:
            raise OutputError(f"feedback cannot be kept in {self.path}: {error}") from None
        except UnicodeEncodeError:
            raise DataError("feedback holds half of a character: it is not UTF-8") from None

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file for writing, and write once: after that its log is there, too."""
    connection = sqlite3.connect(
        path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _check_owner(connection, path, new=True)
        mode = _journal(connection)
        if mode != "wal":
            raise sqlite3.OperationalError(f"no write-ahead log there (journal mode {mode!r})")
        connection.execute("PRAGMA synchronous=FULL")
        with _transaction(connection):  # others see all of it or nothing
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA application_id={_APPLICATION}")
            connection.execute(f"PRAGMA user_version={_VERSION}")
        _sync_folder(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def _journal(connection: sqlite3.Connection) -> str:
    """Change to a write-ahead log, for which SQLite does not wait for others by itself."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _check_owner(connection: sqlite3.Connection, path: Path, *, new: bool) -> None:
    with _transaction(connection, "DEFERRED"):  # one moment's view: another may be making the file
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not (owner == _APPLICATION or (new and empty and owner == 0)):
        raise OutputError(f"{path} is a database, but holds no feedback")
    if version > _VERSION:
        raise OutputError(f"{path} was written by a newer version of text2sql (form {version})")


def _sync_folder(folder: Path) -> None:
    """Have the disk keep the names of the file and its log."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_feedback(path: str | Path) -> list[Feedback]:
    """Return everything in a file, the oldest first; a server may be writing it meanwhile.

    Raises:
        DataError: there is no such file, or it is not ours.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError("no such file", path)
    columns = ", ".join(field.name for field in fields(Feedback))
    # not read-only: what a killed server has left in the log may have to be recovered
    address = f"{path.resolve().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS)) as connection:
            _check_owner(connection, path, new=False)
            rows = connection.execute(f"SELECT {columns} FROM feedback ORDER BY id").fetchall()
    except OutputError as error:
        raise DataError(str(error)) from None
    except sqlite3.Error as error:
        raise DataError(f"cannot be read as feedback: {error}", path) from None
    found = (dict(zip(columns.split(", "), row, strict=True)) for row in rows)
    return [Feedback(**row | {"follow_up": bool(row["follow_up"])}) for row in found]
