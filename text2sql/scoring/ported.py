"""Run a SQLite benchmark's SQL on DuckDB: the same pool, with databases loaded and SQL ported.

    >>> ported = Ported(pool, found.__getitem__)
    >>> ported.fetch(["SELECT count(*) FROM singer"], found["concert_singer"], 1 << 20)
    [Reply(...)]

Covered: each database is loaded once into the user's cache, those of a test suite too; SQL that
has no counterpart is an error of kind "engine"; whether a gold query keeps its result.
Not covered: databases that are not SQLite files.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs

from text2sql.databases import Database
from text2sql.execution.frames import Reply
from text2sql.porting import Loaded, PortError, loaded_folder, porter
from text2sql.schema.reading import read_schema
from text2sql.scoring.results import same_rows
from text2sql.scoring.runners import Timed
from text2sql.scoring.shared_results import Fetch, Results


class Ported:
    """A way to run SQLite's SQL on DuckDB; `find` gives the SQLite databases."""

    def __init__(self, fetch: Fetch, timed: Timed, find: Callable[[str], Database]) -> None:
        self._fetch, self._timed = fetch, timed
        self._find, self._lock = find, threading.Lock()
        self._sources: dict[str, Database] = {}
        cache = Path(platformdirs.user_cache_dir("text2sql")) / "duckdb"
        self._load = loaded_folder(self._sources.__getitem__, cache)
        self._names: dict[str, str] = {}  # by URL
        self._porters: dict[str, Callable[[str], str]] = {}
        self._originals = Results(fetch)

    def load(self, db_ids: Sequence[str]) -> None:
        """Load the databases before anything runs.

        Raises:
            DatabaseError: one is no SQLite file.
        """
        for db_id in db_ids:
            self._add(db_id, self._find(db_id))

    def _add(self, name: str, database: Database) -> None:
        self._sources[name] = database
        loaded = self._load(name)
        self._porters[database.url] = porter(read_schema(database), stored=loaded.stored)
        self._names[database.url] = name

    def fetch(self, statements: Sequence[str], database: Database, size: int) -> list[Reply]:
        """Run statements written for a SQLite database on its copy."""
        written = [self._written(sql, database) for sql in statements]
        asked = [text for text in written if isinstance(text, str)]
        ran = iter(self._fetch(asked, self._loaded(database).database, size) if asked else ())
        return [next(ran) if isinstance(text, str) else text for text in written]

    def timed(self, sql: str, database: Database) -> float | None:
        """Return the seconds that a statement takes on the copy; None where it does not run."""
        written = self._written(sql, database)
        return (
            self._timed(written, self._loaded(database).database)
            if isinstance(written, str)
            else None
        )

    def keeps(self, gold: str, database: Database, rows: Sequence[tuple[object, ...]]) -> bool:
        """Tell whether a gold query's rows on DuckDB are those of SQLite, by Spider's rule."""
        original = self._originals.get(gold, database)
        if original.error is not None:
            return False
        return same_rows(original.rows, rows, ordered="order by" in gold.lower())

    def _loaded(self, database: Database) -> Loaded:
        """Return the copy; a further database of a test suite is loaded when it is first needed."""
        with self._lock:
            if database.url not in self._names:
                where = hashlib.sha256(database.url.encode()).hexdigest()[:8]
                self._add(f"{database.name}-{where}", database)
        return self._load(self._names[database.url])

    def _written(self, sql: str, database: Database) -> str | Reply:
        self._loaded(database)
        try:
            return self._porters[database.url](sql)
        except PortError as error:
            return Reply("engine", f"cannot be written for DuckDB: {error}")
