"""Read the tables of any database that SQLAlchemy reaches, with SQLAlchemy's inspector.

Covered: namespaces (the default one is None, the system's own are skipped), views, materialized
views, types as SQLAlchemy compiles them, keys, comments where the engine has them; a view that no
longer works is left out.
Not covered: the other databases of a MySQL server; what the account may not see.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from text2sql.databases import Database, redact
from text2sql.errors import DatabaseError
from text2sql.schema.model import Column, ForeignKey, Table

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect, Engine
    from sqlalchemy.engine.reflection import Inspector

# In these a namespace is a whole database of the server: only the one in the URL is read.
NAMESPACE_IS_DATABASE = frozenset({"mysql", "mariadb", "clickhouse"})
SYSTEM_NAMESPACES = re.compile(
    r"information_schema|pg_.*|crdb_internal|sys|guest|db_\w+|sysibm\w*|syscat|sysstat|systools",
    re.IGNORECASE,
)
CONNECT_SECONDS = {"psycopg2": 10, "psycopg": 10, "pymysql": 10, "mysqldb": 10}


def read_server_tables(database: Database) -> tuple[Table, ...]:
    """Return the tables and views of a database, those of the default namespace first, by name.

    Raises:
        DatabaseError: no driver, no connection, or the catalogue cannot be read; the message never
            holds the password.
    """
    from sqlalchemy import inspect
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = _engine(database)
        try:
            # of the engine: after an error, PostgreSQL would refuse the same connection
            return _read(inspect(engine), engine.dialect)
        finally:
            engine.dispose()
    except DatabaseError:
        raise
    except (SQLAlchemyError, OSError, ValueError, TypeError) as error:
        raise _unreadable(database, redact(_first_line(error), database.url)) from None


def _engine(database: Database) -> "Engine":
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import NoSuchModuleError

    url = make_url(database.url)
    try:
        driver = url.get_driver_name()
        timed = driver in CONNECT_SECONDS and "connect_timeout" not in url.query
        arguments = {"connect_timeout": CONNECT_SECONDS[driver]} if timed else {}
        return create_engine(url, connect_args=arguments)
    except NoSuchModuleError:
        raise _unreadable(database, f"SQLAlchemy knows no {url.drivername!r}") from None
    except ModuleNotFoundError as error:
        raise _unreadable(database, f"its driver is not installed: {error}") from None


def _unreadable(database: Database, reason: str) -> DatabaseError:
    return DatabaseError(f"cannot read database {database.shown}: {reason}", database.shown)


def _read(inspector: "Inspector", dialect: "Dialect") -> tuple[Table, ...]:
    default = inspector.default_schema_name
    names = [] if dialect.name in NAMESPACE_IS_DATABASE else inspector.get_schema_names()
    others = sorted(n for n in names if n != default and not SYSTEM_NAMESPACES.fullmatch(n))
    tables: list[Table] = []
    for namespace in (None, *others):
        tables += _read_namespace(inspector, dialect, namespace, default)
    return tuple(tables)


def _read_namespace(
    inspector: "Inspector", dialect: "Dialect", namespace: str | None, default: str | None
) -> list[Table]:
    views = {*inspector.get_view_names(namespace), *_materialized(inspector, namespace)}
    names = sorted({*inspector.get_table_names(namespace)} | views)
    columns, keys, foreign_keys, comments = (
        _facts(inspector, fact, namespace, names)
        for fact in ("columns", "pk_constraint", "foreign_keys", "table_comment")
    )
    return [
        Table(
            name,
            tuple(_column(column, dialect) for column in columns[name]),
            tuple(keys.get(name, {}).get("constrained_columns") or ()),
            tuple(_foreign_key(key, namespace, default) for key in foreign_keys.get(name, ())),
            comments.get(name, {}).get("text") or None,
            namespace=namespace,
            view=name in views,
        )
        for name in names
        if name in columns
    ]


def _materialized(inspector: "Inspector", namespace: str | None) -> list[str]:
    try:
        return inspector.get_materialized_view_names(namespace)
    except NotImplementedError:
        return []


def _facts(
    inspector: "Inspector", fact: str, namespace: str | None, names: list[str]
) -> dict[str, Any]:
    """Return one fact of all tables of a namespace, read at once or, where that fails, singly."""
    from sqlalchemy.engine.reflection import ObjectKind
    from sqlalchemy.exc import SQLAlchemyError

    try:
        found = getattr(inspector, f"get_multi_{fact}")(namespace, kind=ObjectKind.ANY)
    except NotImplementedError:  # the engine has no such thing: comments in SQLite
        return {}
    except SQLAlchemyError:
        return _facts_one_by_one(inspector, fact, namespace, names)
    return {name: value for (_, name), value in found.items() if value is not None}


def _facts_one_by_one(
    inspector: "Inspector", fact: str, namespace: str | None, names: list[str]
) -> dict[str, Any]:
    from sqlalchemy.exc import SQLAlchemyError

    found = {}
    for name in names:
        with suppress(SQLAlchemyError):  # a view of something dropped
            found[name] = getattr(inspector, f"get_{fact}")(name, namespace)
    return found


def _column(column: Mapping[str, Any], dialect: "Dialect") -> Column:
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.types import NullType

    kind = column["type"]
    try:
        text = "" if isinstance(kind, NullType) else kind.compile(dialect=dialect)
    except SQLAlchemyError:  # a type that only its own reflection knows
        text = str(kind)
    comment = column.get("comment") or None
    return Column(column["name"], text, bool(column.get("nullable", True)), comment)


def _foreign_key(key: Mapping[str, Any], namespace: str | None, default: str | None) -> ForeignKey:
    referred = key.get("referred_schema") or namespace
    return ForeignKey(
        tuple(key["constrained_columns"]),
        key["referred_table"],
        tuple(key["referred_columns"]),
        None if referred == default else referred,
    )


def _first_line(error: Exception) -> str:
    text = str(getattr(error, "orig", None) or error)
    return " ".join((text.splitlines() or [type(error).__name__])[0].split())
