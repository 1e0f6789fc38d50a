"""Builds tests/data/odd.sql, a schema of odd names, on both engines."""

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb

ODD = (Path(__file__).parent / "data" / "odd.sql").read_text(encoding="utf-8")


def build(engine: str, path: Path, script: str = ODD) -> Path:
    """Run a script in a new database file and return the file."""
    if engine == "duckdb":
        with duckdb.connect(str(path)) as connection:
            connection.execute(script)
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)
    return path
