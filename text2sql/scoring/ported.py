"""Run a SQLite benchmark's SQL on DuckDB: the same pool, with databases loaded and SQL ported.

    >>> ported = Ported(pool, found.__getitem__)
    >>> ported.fetch(["SELECT count(*) FROM singer"], found["concert_singer"], 1 << 20)
    [Reply(...)]

Covered: each database is loaded once into the user's cache; SQL that has no counterpart is an
error of kind "engine"; whether a gold query keeps its result.
Not covered: databases that are not SQLite files.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs

from text2sql.databases import Database
from text2sql.execution.frames import Reply
from text2sql.porting import Loaded, PortError, loaded_folder, porter
from text2sql.schema.reading import read_schema
from text2sql.scoring.judging import Fetch, Results, Timed
from text2sql.scoring.results import same_rows


class Ported:
    """A way to run SQLite's SQL on DuckDB; `find` gives the SQLite databases."""

    def __init__(self, fetch: Fetch, timed: Timed, find: Callable[[str], Database]) -> None:
        self._fetch, self._timed = fetch, timed
        self._load = loaded_folder(find, Path(platformdirs.user_cache_dir("text2sql")) / "duckdb")
        self._find = find
        self._db_ids: dict[str, str] = {}  # by URL
        self._porters: dict[str, Callable[[str], str]] = {}
        self._originals = Results(fetch)

    def load(self, db_ids: Sequence[str]) -> None:
        """Load the databases before anything runs.

        Raises:
            DatabaseError: one is no SQLite file.
        """
        for db_id in db_ids:
            database, loaded = self._find(db_id), self._load(db_id)
            self._db_ids[database.url] = db_id
            self._porters[database.url] = porter(read_schema(database), stored=loaded.stored)

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
        return self._load(self._db_ids[database.url])

    def _written(self, sql: str, database: Database) -> str | Reply:
        try:
            return self._porters[database.url](sql)
        except PortError as error:
            return Reply("engine", f"cannot be written for DuckDB: {error}")
