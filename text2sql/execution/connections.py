"""Warm connections to servers: a bounded pool for each database.

    >>> with borrow(locate("postgresql://ann:secret@dw/sales")) as connection:
    ...     connection.driver_connection.cursor().execute("SELECT 1")

Who borrows a connection gives it back as it came, or invalidates it; nothing is reset here.

Covered: threads; a fork, whose child opens connections of its own; the end of the program.
Not covered: servers that count connections per user below `MOST`; MySQL, whose drivers cannot reset
a session: its connections are used once.
"""

import atexit
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from text2sql.databases import Database, redact
from text2sql.errors import DatabaseError
from text2sql.schema.server_catalog import server_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, PoolProxiedConnection

Lent = TypeVar("Lent", "Connection", "PoolProxiedConnection")

MOST = 8  # connections to one database
_PATIENCE = 600.0  # seconds to wait for one of them
_OLD = 1_800  # seconds after which a connection is replaced: credentials and addresses change

_ENGINES: dict[str, "Engine"] = {}
_LOCK = threading.Lock()
_PARENTS: list[dict[str, "Engine"]] = []  # kept, so that no destructor talks to their servers


def borrow(database: Database) -> AbstractContextManager["PoolProxiedConnection"]:
    """Lend a connection of the driver itself, in autocommit mode.

    Raises:
        DatabaseError: the server cannot be reached.
        MissingExtra: its driver is not installed.
    """
    return _lent(database, lambda engine: engine.raw_connection())


def connect(database: Database) -> AbstractContextManager["Connection"]:
    """Lend a connection of SQLAlchemy's.

    Raises:
        DatabaseError: the server cannot be reached.
        MissingExtra: its driver is not installed.
    """
    return _lent(database, lambda engine: engine.connect())


@contextmanager
def _lent(database: Database, open_: Callable[["Engine"], Lent]) -> Iterator[Lent]:
    engine = find_engine(database)
    with _unreachable(database, engine):
        connection = open_(engine)
    with closing(connection):
        yield connection


def find_engine(database: Database) -> "Engine":
    """Return the engine that holds a database's pool, made on first use."""
    with _LOCK:
        if database.url not in _ENGINES:
            _ENGINES[database.url] = _make_engine(database)
        return _ENGINES[database.url]


def _make_engine(database: Database) -> "Engine":
    from sqlalchemy import event
    from sqlalchemy.pool import NullPool

    if database.engine != "postgresql":
        return server_engine(database, poolclass=NullPool, hide_parameters=True)
    engine = server_engine(
        database,
        isolation_level="AUTOCOMMIT",  # who borrows begins and ends transactions in SQL
        pool_size=MOST,
        max_overflow=0,
        pool_timeout=_PATIENCE,
        pool_recycle=_OLD,
        pool_use_lifo=True,
        pool_reset_on_return=None,
        hide_parameters=True,
    )
    if engine.driver == "psycopg":
        event.listen(engine, "connect", _simplify)
    return engine


def _simplify(connection: Any, record: object) -> None:
    """Let psycopg hand out as text what it has classes of its own for."""
    from psycopg.types.string import TextLoader

    connection.prepare_threshold = None  # what DISCARD ALL would drop behind its back
    kinds = ("int4", "int8", "num", "date", "ts", "tstz")
    ranges = (f"{kind}{suffix}" for kind in kinds for suffix in ("range", "multirange"))
    for name in ("inet", "cidr", *ranges):
        connection.adapters.register_loader(name, TextLoader)


@contextmanager
def _unreachable(database: Database, engine: "Engine") -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error, OSError) as error:
        message = f"cannot reach {database.shown}: {first_line(error, database)}"
        raise DatabaseError(message, database.shown) from None


def first_line(error: BaseException, database: Database) -> str:
    """Return what a driver says, on one line, without any secret of the URL."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return redact(lines[0] if lines else type(error).__name__, database.url)


def drop(database: Database) -> None:
    """Close the idle connections to one database, and let go of those in use as they come back."""
    with _LOCK:
        engine = _ENGINES.pop(database.url, None)
    if engine is not None:
        engine.dispose()


def close_all() -> None:
    """Close the idle connections to every database; the next statement opens new ones."""
    with _LOCK:
        engines = list(_ENGINES.values())
        _ENGINES.clear()
    for engine in engines:
        engine.dispose()


def _after_fork() -> None:
    global _ENGINES, _LOCK
    _LOCK = threading.Lock()
    _PARENTS.append(_ENGINES)
    _ENGINES = {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(close_all)
