"""A PostgreSQL database of one's own on a server that runs already.

    >>> with private_database("postgresql://owner@127.0.0.1/postgres") as url: ...

Covered: a database with a name that nobody else has, gone afterwards.
Not covered: starting a server; DuckDB and SQLite, whose databases are in memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from urllib.parse import urlsplit, urlunsplit


@contextmanager
def private_database(server: str) -> Iterator[str]:
    """Make a database on a server, yield its URL, and drop it.

    Args:
        server: URL of a database whose user may create others.
    """
    import psycopg

    server = server.replace("postgresql+psycopg://", "postgresql://", 1)
    name = f"t2s_{token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
