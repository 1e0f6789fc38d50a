"""Two databases that differ in nothing that a user may see, on each engine.

    >>> first, second = build_worlds("sqlite", folder)

The user is of tenant 1. Rows of other tenants, hidden tables and columns and what is under a mask
differ between the two, in number and in value; every hidden value is, or contains, a canary. So a
statement leaks where the two answer differently, or where a canary comes out.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from text2sql.databases import Database, locate

CANARY, CANARY_NUMBER = "canary", 777_000_000
POLICY: dict[str, Any] = {
    "tables": {"products": None},
    "roles": {
        "seller": {
            "tables": {
                "orders": {
                    "rows": "tenant IN {{ user.tenants }}",
                    "hide": ["margin"],
                    "mask": {"note": None, "card": "'***'"},
                },
                "customers": {
                    "rows": "EXISTS (SELECT 1 FROM orders AS o WHERE o.customer_id = customers.id"
                    " AND o.tenant IN ({{ user.tenants }}))",
                    "columns": ["id", "name", "city"],
                },
                "big_orders": {},
                "order_names": {},
                "everything": {},
            }
        }
    },
}
USER: dict[str, Any] = {"role": "seller", "tenants": [1]}
VISIBLE = ("products", "orders", "customers", "big_orders", "order_names")

_TABLES = """
CREATE TABLE products (id INTEGER PRIMARY KEY, name VARCHAR(40), price INTEGER);
CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40), city VARCHAR(40),
    email VARCHAR(40), score INTEGER);
CREATE TABLE orders (id INTEGER PRIMARY KEY, tenant INTEGER, customer_id INTEGER,
    product_id INTEGER, total INTEGER, paid_on DATE, note VARCHAR(60), card VARCHAR(40),
    margin INTEGER);
CREATE TABLE salaries (id INTEGER PRIMARY KEY, person VARCHAR(40), amount INTEGER);
CREATE VIEW big_orders AS SELECT id, total, note, customer_id FROM orders WHERE total > 40;
CREATE VIEW order_names AS SELECT o.id AS order_id, c.name AS who, b.total AS big
    FROM orders AS o JOIN customers AS c ON o.customer_id = c.id
    LEFT JOIN big_orders AS b ON b.id = o.id;
CREATE VIEW everything AS SELECT id, amount FROM salaries;
"""
_CITIES = ("Bonn", "Oslo", "Lima", "12", "")


def build_worlds(engine: str, folder: Path, urls: tuple[str, str] = ("", "")) -> list[Database]:
    """Return the two databases.

    Args:
        engine: sqlite, duckdb or postgres.
        folder: where the files are made.
        urls: of two empty databases on a server, for postgres.
    """
    made = []
    for number, url in enumerate(urls):
        statements = [*filter(str.strip, _TABLES.split(";")), *_rows(number)]
        made.append(_build(engine, folder / f"world{number}.{engine}", url, statements))
    return made


def _build(engine: str, path: Path, url: str, statements: list[str]) -> Database:
    if engine == "postgres":
        import psycopg

        with psycopg.connect(url, autocommit=True) as server:
            server.execute("; ".join(statements).encode())
        return locate(url)
    if engine == "duckdb":
        import duckdb

        with duckdb.connect(str(path)) as file:
            for statement in statements:
                file.execute(statement)
        return locate(path)
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(";".join(statements))
    return locate(path)


def _rows(world: int) -> Iterator[str]:
    """Yield the rows of a world: what is seen is equal, and in the same order."""
    seen, hidden = Random(0), Random(world + 1)
    yield "INSERT INTO products VALUES (1, 'pen', 3), (2, 'cup', 7), (3, 'pan', 30)"
    for number in range(1, 7):  # customers of tenant 1
        city = seen.choice(_CITIES)
        own = f"{number}, 'name {number}', '{city}'"
        yield f"INSERT INTO customers VALUES ({own}, {_secret(hidden)})"
    for number in range(10, 10 + hidden.randint(4, 9)):
        yield (
            f"INSERT INTO customers VALUES ({number}, '{_text(hidden)}', '{_text(hidden)}',"
            f" {_secret(hidden)})"
        )
    for number in range(1, 25):
        yield from _order(number, 1, seen.randint(1, 6), seen, hidden)
    for number in range(hidden.randint(100, 110), 125):
        yield from _order(number, hidden.randint(2, 4), hidden.randint(10, 13), hidden, hidden)
    for number in range(1, hidden.randint(3, 9)):
        yield f"INSERT INTO salaries VALUES ({number}, {_secret(hidden)})"


def _order(number: int, tenant: int, customer: int, seen: Random, hidden: Random) -> Iterator[str]:
    total = seen.randint(0, 90) if tenant == 1 else CANARY_NUMBER + seen.randint(0, 99)
    day = f"2026-{seen.randint(1, 12):02}-{seen.randint(1, 28):02}"
    product = seen.choice(["1", "2", "3", "NULL"])
    yield (
        f"INSERT INTO orders VALUES ({number}, {tenant}, {customer}, {product}, {total}, '{day}',"
        f" '{_text(hidden)}', '{_text(hidden)}', {CANARY_NUMBER + hidden.randint(0, 99)})"
    )


def _secret(random: Random) -> str:
    return f"'{_text(random)}', {CANARY_NUMBER + random.randint(0, 99)}"


def _text(random: Random) -> str:
    return f"{CANARY} {random.randint(0, 9_999)}"


def holds_canary(value: Any) -> bool:
    """Tell whether a hidden value is in a result or a message."""
    return CANARY in repr(value) or str(CANARY_NUMBER)[:4] in repr(value)
