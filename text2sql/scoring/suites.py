"""Where the databases of examples are: a folder, one for all, and test suites beside them.

    >>> find = database_finder("spider/database")
    >>> [database.path.name for database in suite(find("concert_singer"))]
    ['concert_singer.sqlite']

Covered: links, which stand where they are found; databases on a server, one for all examples.
Not covered: suites on a server.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from text2sql.databases import FILE_ENGINES, Database, check_db_id, locate
from text2sql.errors import DatabaseError, UnknownName

FindDatabase = Callable[[str], Database]  # from db_id

SUFFIXES = (".sqlite", ".duckdb", ".db")
_SIDE_FILES = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Placed(Database):
    """A database file with the place where it was found, which may be a link to it."""

    place: Path | None = None


def _placed(path: Path) -> Placed:
    found = locate(path)
    known = {each.name: getattr(found, each.name) for each in fields(found)}
    return Placed(**known, place=path.absolute())


def database_finder(databases: str | Path | Database | FindDatabase) -> FindDatabase:
    """Return the function from db_id to database.

    Args:
        databases: a folder of `<db_id>/<db_id>.sqlite` (or `.duckdb`) files; one database (a file,
            a URL) for all examples; or the function itself.

    Raises:
        DatabaseError: the folder does not exist, or the one database cannot be located.
    """
    if callable(databases):
        return databases
    if isinstance(databases, Database) or "://" in str(databases):
        one = locate(databases)
        return lambda db_id: one
    folder = Path(databases)
    if folder.is_file():
        file = _placed(folder)
        return lambda db_id: file
    if not folder.is_dir():
        raise DatabaseError(f"no folder of databases: {folder}", str(folder))
    return lambda db_id: _in_folder(folder, db_id)


def _in_folder(folder: Path, db_id: str) -> Database:
    check_db_id(db_id)
    names = [f"{db_id}{suffix}" for suffix in SUFFIXES]
    for name in names:
        if (folder / db_id / name).is_file():
            return _placed(folder / db_id / name)
    if (folder / db_id).is_dir():
        expected = f"{', '.join(names[:-1])} or {names[-1]}"
        raise DatabaseError(f"no database in {folder / db_id}: expected {expected}", db_id)
    known = [path.name for path in folder.iterdir() if path.is_dir()]
    raise UnknownName("database", db_id, known, f"in {folder}")


def suite(database: Database) -> list[Database]:
    """Return every database of a test suite: those in the folder where the first was found.

    Of a SQLite file they are the SQLite files with `.sqlite` in their names, as `eval_exec_match`
    in exec_eval.py (taoyds/test-suite-sql-eval at e97acc5) looks for them, who takes files of
    another content as well; write-ahead logs and journals are left out. Of a DuckDB file they are
    the DuckDB files named `*.duckdb`.
    """
    if database.path is None or database.engine not in FILE_ENGINES:
        return [database]
    first = (database.place if isinstance(database, Placed) else None) or database.path
    names = sorted(set(os.listdir(first.parent)) - {first.name})  # noqa: PTH208
    others = (_member(first.parent / name, database.engine) for name in names)
    return [database, *filter(None, others)]


def _member(path: Path, engine: str) -> Database | None:
    wanted = ".sqlite" in path.name if engine == "sqlite" else path.suffix == ".duckdb"
    if not wanted or path.name.endswith(_SIDE_FILES):
        return None
    try:
        found = locate(path)
    except DatabaseError:  # notes, folders, files of no engine
        return None
    return found if found.engine == engine else None
