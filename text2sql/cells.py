"""The texts of a real database for the linker: read once, kept in the user's cache.

    >>> cells = DatabaseCells(locate("shop.sqlite"), schema)
    >>> cells.get(key_of("Berlin"))
    (Value(sql="'Berlin'", table='customers', column='city'),)

Nothing is read before the first question. What was read stands in a file of the cache that only its
user may read, found again by the contents of the database, the columns that were asked for, and the
version of the index.

Covered: files and servers; a reader that may not see every column (`allowed`); a cache that cannot
be written (the index is then in memory); several processes at once; a bound on the cache, oldest
use first out.
Not covered: changes on a server within KEPT_SECONDS, which is how long its texts count as current;
rows that one login sees and another does not: give each a URL of its own, or a `view`.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path

import platformdirs

from text2sql.databases import Database
from text2sql.errors import DatabaseError
from text2sql.execution.sampling import Read, value_lister
from text2sql.schema.mentions import StoredCells, Value
from text2sql.schema.model import Schema
from text2sql.schema.values import FORMAT, ValueIndex, build_values, text_columns
from text2sql.scoring.manifests import database_hash

KEPT_SECONDS = 86_400.0  # of what a server holds, and of an index with unread columns
MAX_BYTES = 1 << 30  # of all indexes in the cache
HASHED_BYTES = 1 << 28  # of a file; a larger one is known by its size and times

Allowed = Callable[[str, str], bool]  # whether a table's column may be read


class DatabaseCells:
    """The cells of one database, read when first asked; any thread may ask.

    Args:
        database: where they are.
        schema: whose columns are read, as far as they hold text.
        allowed: tells by a table's full name and a column's name whether whoever asks may see its
            values; None allows all columns of the schema.
        folder: of the cache; None means the user's.
        read: runs a statement with the rights of whoever asks, such as a `Door`'s; None has all.
        view: a name of those rights: what was read with others stands in another file.
    """

    def __init__(
        self,
        database: Database,
        schema: Schema,
        *,
        allowed: Allowed | None = None,
        folder: Path | None = None,
        read: Read | None = None,
        view: str = "",
    ) -> None:
        self._database, self._schema = database, schema
        self._read, self._view = read, view
        self._columns = [
            (table, column.name)
            for table, column in text_columns(schema)
            if allowed is None or allowed(table, column.name)
        ]
        self._folder = folder or Path(platformdirs.user_cache_dir("text2sql")) / "values"

    def get(self, key: str, default: Sequence[Value] = ()) -> Sequence[Value]:
        """Return the texts of a key (`schema.words.key_of`), with their columns."""
        return self.index.get(key, default)

    def near(self, text: str) -> Sequence[Value]:
        """Return stored texts that are written nearly so, the most alike first."""
        return self.index.near(text)

    @property
    def unread(self) -> tuple[str, ...]:
        """The columns, as table.column, that were too large or too slow to read."""
        return self.index.unread

    @cached_property
    def index(self) -> ValueIndex:
        """The index, from the cache or built now.

        Raises:
            DatabaseError: the database cannot be read.
        """
        path = self._folder / f"{self._key()}.sqlite"
        with contextlib.suppress(sqlite3.Error, OSError):
            return self._open(path)
        with contextlib.suppress(sqlite3.Error, OSError):
            self._write(path)
            return self._open(path)
        return ValueIndex(self._build(":memory:"))

    def _key(self) -> str:
        about = [FORMAT, _contents(self._database), self._columns]
        about += [self._view] if self._view else []
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:32]

    def _open(self, path: Path) -> ValueIndex:
        age = time.time() - path.stat().st_mtime
        index = ValueIndex.open(path)
        if age > KEPT_SECONDS and (index.unread or self._database.path is None):
            index.close()
            raise FileNotFoundError(path)
        os.utime(path, (time.time(), path.stat().st_mtime))  # read now, written then
        return index

    def _write(self, path: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, scratch = tempfile.mkstemp(dir=self._folder, suffix=".part")  # mode 0600
        os.close(handle)
        try:
            self._build(scratch).close()
            Path(scratch).replace(path)
        finally:
            Path(scratch).unlink(missing_ok=True)
        _bound(self._folder, path)

    def _build(self, place: str) -> sqlite3.Connection:
        connection = sqlite3.connect(place, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            lister = value_lister(self._database, schema=self._schema, read=self._read)
            build_values(self._columns, lister, connection)
        except BaseException:
            connection.close()
            raise
        return connection


class CellsOfTables:
    """The cells of some tables, from the index of all."""

    def __init__(self, cells: StoredCells, tables: Collection[str]) -> None:
        self._cells, self._tables = cells, tables  # tables by their full names

    def get(self, key: str, default: Sequence[Value] = ()) -> Sequence[Value]:
        """Return the texts of a key, as `DatabaseCells.get`."""
        found = [v for v in self._cells.get(key, ()) if v.table in self._tables]
        return found or default

    def near(self, text: str) -> Sequence[Value]:
        """Return stored texts that are written nearly so, the most alike first."""
        return [value for value in self._cells.near(text) if value.table in self._tables]


def _contents(database: Database) -> str:
    """Return what changes with the contents of a database; of a server, only where it is."""
    if database.path is None:
        return hashlib.sha256(database.url.encode()).hexdigest()  # the login decides what is seen
    try:
        state = database.path.stat()
    except OSError as error:
        raise DatabaseError(f"cannot open database {database.shown}: {error.strerror}") from None
    if state.st_size <= HASHED_BYTES:
        return database_hash(database)
    times = (state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    return " ".join([str(database.path), *map(str, times)])


def _bound(folder: Path, newest: Path) -> None:
    """Remove the indexes that were not read for longest until the others fit."""
    states = {path: path.stat() for path in folder.glob("*.sqlite") if path != newest}
    room = MAX_BYTES - newest.stat().st_size
    for path, state in sorted(states.items(), key=lambda item: -item[1].st_atime):
        room -= state.st_size
        if room < 0:
            path.unlink(missing_ok=True)
