"""A small lending library that declares no foreign key, as SQLite, DuckDB or PostgreSQL.

Some columns are traps: a rating holds numbers that are keys of everything, codes are text.
"""

import sqlite3
from datetime import date, timedelta
from pathlib import Path

TABLES = {
    "authors": "author_id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, country VARCHAR(20)",
    "branches": "code VARCHAR(4) PRIMARY KEY, city VARCHAR(20) NOT NULL, opened DATE",
    "books": "book_id INTEGER PRIMARY KEY, title VARCHAR(60) NOT NULL, author_id INTEGER,"
    " pages INTEGER, price DECIMAL(8,2), rating INTEGER, is_rare INTEGER",
    "members": "member_id INTEGER PRIMARY KEY, full_name VARCHAR(40), email VARCHAR(60),"
    " referred_by_member_id INTEGER, branch_code VARCHAR(4), joined DATE",
    "loans": "loan_id INTEGER PRIMARY KEY, book_id INTEGER, member INTEGER, lent_on DATE,"
    " returned_on DATE",
    "closed": "id INTEGER PRIMARY KEY, reason VARCHAR(20)",
}
CITIES = ("Graz", "Linz", "Wels", "Bregenz", "Krems", "Steyr")
COUNTRIES = ("Austria", "Chile", "Japan", None, "Kenya")
WORDS = (
    "Amber",
    "Brook",
    "Cedar",
    "Delta",
    "Ember",
    "Frost",
    "Grove",
    "Harbour",
    "Iron",
    "Juniper",
)


def rows() -> dict[str, list[tuple]]:
    """Return the rows of every table, the same each time."""
    day = date(2023, 1, 2)
    return {
        "authors": [(i, f"{WORDS[i % 10]} Author{i}", COUNTRIES[i % 5]) for i in range(1, 31)],
        "branches": [
            (f"B{i:02}", CITIES[i % 6], (day + timedelta(i)).isoformat()) for i in range(1, 13)
        ],
        "books": [
            (i, f"{WORDS[i % 10]} and {WORDS[i * 7 % 9]} {i}", i * 11 % 30 + 1, 80 + i * 37 % 500,
             5 + i * 13 % 40 + 0.5, i % 5 + 1, int(i % 9 == 0))
            for i in range(1, 121)
        ],
        "members": [
            (i, f"Member {WORDS[i % 10]} {i}", f"m{i}@example.org",
             i * 3 % 80 + 1 if i % 4 else None, f"B{i % 12 + 1:02}",
             (day + timedelta(i)).isoformat())
            for i in range(1, 81)
        ],
        "loans": [
            (i, i * 17 % 120 + 1, i * 31 % 60 + 1, (day + timedelta(i % 300)).isoformat(),
             (day + timedelta(i % 300 + 14)).isoformat() if i % 5 else None)
            for i in range(1, 401)
        ],
        "closed": [],
    }  # fmt: skip


def build_sqlite(path: Path, *, tables: dict[str, str] | None = None) -> Path:
    """Make a SQLite file; `tables` replaces definitions."""
    connection = sqlite3.connect(path)
    for name, columns in (TABLES | (tables or {})).items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
    with connection:
        for name, found in rows().items():
            if found:
                marks = ", ".join("?" * len(found[0]))
                connection.executemany(f"INSERT INTO {name} VALUES ({marks})", found)
    connection.close()
    return path


def build_duckdb(path: Path) -> Path:
    """Make a DuckDB file."""
    import duckdb

    with duckdb.connect(str(path)) as connection:
        for statement in statements():
            connection.execute(statement)
    return path


def build_postgres(url: str, namespace: str) -> str:
    """Make a schema of a server; return the URL whose search path it is."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {namespace} CASCADE")
        connection.execute(f"CREATE SCHEMA {namespace}")
        connection.execute(f"SET search_path = {namespace}")
        for statement in statements():
            connection.execute(statement)
    return url


def statements() -> list[str]:
    """Return what builds the library where values are written into the SQL."""
    made = [f"CREATE TABLE {name} ({columns})" for name, columns in TABLES.items()]
    for name, found in rows().items():
        if found:
            values = ", ".join(f"({', '.join(map(_literal, row))})" for row in found)
            made.append(f"INSERT INTO {name} VALUES {values}")
    return made


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int | float) else f"'{value}'"
