"""Read the tables of any database that SQLAlchemy reaches, with SQLAlchemy's inspector.

Covered: namespaces (the default one is None, the system's own are skipped), views, materialized
views, foreign tables, types as SQLAlchemy compiles them (an enumeration with its values, a domain
as what it is made of), keys, comments where the engine has them. Left out: a view that no longer
works; in PostgreSQL partitions, whose parent stands for them, and what belongs to an extension.
Not covered: the other databases of a MySQL server; what the account may not see.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from text2sql.databases import Database, redact
from text2sql.errors import DatabaseError, MissingExtra
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
# by what a URL says before "://": SQLAlchemy's names of drivers with their modules, best first
DRIVERS = {
    "postgresql": {"psycopg": "psycopg", "psycopg2": "psycopg2"},
    "mysql": {"mysqldb": "MySQLdb", "pymysql": "pymysql"},
    "mariadb": {"mysqldb": "MySQLdb", "pymysql": "pymysql"},
}
# PostgreSQL 17 manual, 32.1.2: a line that died without a word is noticed within a minute
_LIBPQ: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "client_encoding": "utf8",
    "fallback_application_name": "text2sql",
}
# PostgreSQL 17 manual, 51.11 (pg_class) and 51.18 (pg_depend): "e" is a member of an extension
_PARTS = """
    SELECT c.relname FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :namespace AND (c.relispartition OR EXISTS (
        SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'
        AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass))
"""
CONNECT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "psycopg": _LIBPQ,
    "psycopg2": _LIBPQ,
    "pymysql": {"connect_timeout": 10},
    "mysqldb": {"connect_timeout": 10, "multi_statements": False},
}


def read_server_tables(database: Database) -> tuple[Table, ...]:
    """Return the tables and views of a database, those of the default namespace first, by name.

    Raises:
        DatabaseError: no driver, no connection, or the catalogue cannot be read; the message never
            holds the password.
    """
    from sqlalchemy import inspect
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = server_engine(database)
        try:
            # of the engine: after an error, PostgreSQL would refuse the same connection
            return _read(inspect(engine), engine.dialect)
        finally:
            engine.dispose()
    except DatabaseError:
        raise
    except (SQLAlchemyError, OSError, ValueError, TypeError) as error:
        raise _unreadable(database, redact(_first_line(error), database.url)) from None


def server_engine(database: Database, **options: Any) -> "Engine":
    """Return SQLAlchemy's engine for a URL; nothing is connected to yet.

    A URL that names no driver gets the first of `DRIVERS` that is installed.

    Args:
        database: a server's.
        options: of SQLAlchemy's `create_engine`.

    Raises:
        DatabaseError: SQLAlchemy knows no such server, or its driver is not installed.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import NoSuchModuleError

    url = make_url(database.url)
    if url.drivername in DRIVERS:
        url = url.set(drivername=f"{url.drivername}+{_installed_driver(database, url.drivername)}")
    try:
        known = CONNECT_ARGUMENTS.get(url.get_driver_name(), {})
        arguments = {name: value for name, value in known.items() if name not in url.query}
        return create_engine(url, connect_args=arguments, **options)
    except NoSuchModuleError:
        raise _unreadable(database, f"SQLAlchemy knows no {url.drivername!r}") from None
    except ModuleNotFoundError as error:
        advice = str(MissingExtra("postgres", "psycopg")) if error.name == "psycopg" else error
        raise _unreadable(database, f"its driver is not installed: {advice}") from None


def _installed_driver(database: Database, engine: str) -> str:
    for driver, module in DRIVERS[engine].items():
        if find_spec(module) is not None:
            return driver
    names = " or ".join(DRIVERS[engine])
    advice = MissingExtra("postgres", "psycopg") if engine == "postgresql" else f"install {names}"
    raise _unreadable(database, f"its driver is not installed: {advice}")


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
    views = {
        *inspector.get_view_names(namespace),
        *_further(inspector, "materialized_view", namespace),
    }
    tables = {
        *inspector.get_table_names(namespace),
        *_further(inspector, "foreign_table", namespace),
    }
    names = sorted((tables | views) - _parts(inspector, namespace or default))
    columns, keys, comments = (
        _facts(inspector, fact, namespace, names)
        for fact in ("columns", "pk_constraint", "table_comment")
    )
    foreign_keys = _foreign_keys(inspector, namespace, default, names)
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


def _further(inspector: "Inspector", kind: str, namespace: str | None) -> list[str]:
    """Return names of a kind of table that SQLAlchemy does not know on every engine."""
    read = getattr(inspector, f"get_{kind}_names", None)
    try:
        return read(namespace) if read else []
    except NotImplementedError:
        return []


def _parts(inspector: "Inspector", namespace: str | None) -> set[str]:
    """Return PostgreSQL's partitions and what belongs to an extension."""
    from sqlalchemy import text

    if inspector.dialect.name != "postgresql":
        return set()
    with inspector.engine.connect() as connection:
        return set(connection.scalars(text(_PARTS), {"namespace": namespace}))


def _facts(
    inspector: "Inspector", fact: str, namespace: str | None, names: list[str]
) -> dict[str, Any]:
    """Return one fact of all tables of a namespace, read at once or, where that fails, singly."""
    from sqlalchemy.engine.reflection import ObjectKind
    from sqlalchemy.exc import SAWarning, SQLAlchemyError

    try:
        with catch_warnings():
            simplefilter("ignore", SAWarning)  # a type that it does not know, such as a row's
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


def _foreign_keys(
    inspector: "Inspector", namespace: str | None, default: str | None, names: list[str]
) -> dict[str, Any]:
    """Return foreign keys that say the namespace of what they refer to.

    PostgreSQL leaves out those of the search path, SQLAlchemy then takes the table's own.
    """
    from sqlalchemy import inspect

    if inspector.dialect.name != "postgresql":
        return _facts(inspector, "foreign_keys", namespace, names)
    with inspector.engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL search_path = ''")
        return _facts(inspect(connection), "foreign_keys", namespace or default, names)


def _column(column: Mapping[str, Any], dialect: "Dialect") -> Column:
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.types import NullType

    kind = getattr(column["type"], "data_type", column["type"])  # of a domain: what it is made of
    values = getattr(kind, "enums", None) if dialect.name == "postgresql" else None
    try:
        if values:
            quoted = ("'" + value.replace("'", "''") + "'" for value in values)
            text = f"ENUM({', '.join(quoted)})"
        else:
            text = "" if isinstance(kind, NullType) else kind.compile(dialect=dialect)
            text = text.removesuffix(' COLLATE "default"')
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
