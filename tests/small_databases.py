"""The small database of the execution tests: one table, 20,000 rows, as SQLite and as DuckDB.

t(id INTEGER PRIMARY KEY, name TEXT, v REAL), where name is 'n' || id.
"""

import sqlite3
from pathlib import Path

ROWS = 20_000


def build(folder: Path) -> dict[str, Path]:
    """Return the two files by dialect."""
    return {"sqlite": build_sqlite(folder), "duckdb": build_duckdb(folder)}


def build_sqlite(folder: Path) -> Path:
    """Make t.sqlite."""
    path = folder / "t.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, v REAL)")
        rows = ((i, f"n{i}", i * 7919 % 1000 / 8) for i in range(1, ROWS + 1))
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    connection.close()
    return path


def build_duckdb(folder: Path) -> Path:
    """Make t.duckdb."""
    import duckdb

    path = folder / "t.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, v REAL)")
        made = "SELECT i, 'n' || i, i * 7919 % 1000 / 8.0"
        connection.execute(f"INSERT INTO t {made} FROM range(1, {ROWS + 1}) r(i)")
    return path


def children() -> set[int]:
    """Return the ids of this process's children, as Linux knows them."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(pid) for children in lists for pid in children.read_text().split()}
