"""Gather rows of a database, and the rows that they refer to, in a temporary file of SQLite's own.

    >>> with Stage(schema, references) as stage:
    ...     stage.fill(read, rows=2_000)
    ...     stage.close_references(read, most=8_000)
    ...     stage.count("customers")
    2214

The file has no name: the system removes it with the process, however that ends, so unmasked rows
are nowhere afterwards. Memory holds one answer of the source at a time.

Covered: keys of several columns, circles, tables that refer to themselves. Where a chain of
references would bring in more than the ceiling, keys that lead to what is not there become NULL;
rows whose keys may not be NULL are left out.
Not covered: keys of types that SQL cannot write as a literal (bytes): what they refer to is taken
as not there.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from text2sql.schema.model import Table
from text2sql.schema.quoting import quote, quoted

Row = tuple[Any, ...]
Read = Callable[[Table, str, int], list[Row]]  # table, what follows FROM its name, rows at most

_ASKED = 12_000  # characters of a condition; the gate reads 20,000 bytes
_MISSING = 400  # keys that are looked for at a time


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns of a table that point at another one's."""

    child: Table
    columns: tuple[str, ...]
    parent: Table
    referred: tuple[str, ...]


@dataclass(slots=True)
class Stage:
    """Rows on their way; use it as a context."""

    tables: Sequence[Table]
    references: Sequence[Reference]
    dialect: str  # of the source
    dangling: dict[str, int] = field(default_factory=dict)  # keys that the source lacks, by child
    left_out: dict[str, int] = field(default_factory=dict)  # of what, how many
    _connection: sqlite3.Connection = field(init=False, repr=False)
    _absent: dict[Reference, set[Row]] = field(default_factory=dict, repr=False)  # in the source

    def __enter__(self) -> Self:
        self._connection = sqlite3.connect("")
        for table in self.tables:
            columns = (f"{_name(c.name)} {_name(c.type) if c.type else ''}" for c in table.columns)
            self._connection.execute(f"CREATE TABLE {_place(table)} ({', '.join(columns)})")
            self._index("UNIQUE INDEX", table, table.primary_key)
        for reference in self.references:
            self._index("INDEX", reference.parent, reference.referred)
        return self

    def _index(self, kind: str, table: Table, columns: Sequence[str]) -> None:
        if columns:
            name = _name(f"{kind} {table.full_name} {' '.join(columns)}")
            keys = ", ".join(map(_name, columns))
            self._connection.execute(
                f"CREATE {kind} IF NOT EXISTS {name} ON {_place(table)} ({keys})"
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def add(self, table: Table, rows: Sequence[Row]) -> int:
        """Store rows that are not there yet; return how many those were."""
        if not rows:
            return 0
        before = self._connection.total_changes
        marks = ", ".join("?" * len(table.columns))
        keyed = "OR IGNORE " if table.primary_key else ""
        self._connection.executemany(
            f"INSERT {keyed}INTO {_place(table)} VALUES ({marks})",
            ([stored(value) for value in row] for row in rows),
        )
        return self._connection.total_changes - before

    def count(self, table: Table) -> int:
        """Return how many rows of a table there are."""
        found = self._connection.execute(f"SELECT count(*) FROM {_place(table)}").fetchone()
        return int(found[0])

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield the rows of a table."""
        yield from self._connection.execute(f"SELECT * FROM {_place(table)}")

    def close_references(self, read: Read, *, most: int) -> None:
        """Bring in what is referred to, until nothing is missing; cut what would lead too far.

        Args:
            read: rows of the source.
            most: rows of one table; beyond it nothing is brought in.
        """
        while sum(self._bring(reference, read, most) for reference in self.references):
            pass
        while sum(self._cut(reference) for reference in self.references):
            pass
        for reference in self.references:
            if number := len(self._missing(reference)):
                name = f"{reference.child.full_name}.{', '.join(reference.columns)}"
                self.dangling[name] = number

    def _bring(self, reference: Reference, read: Read, most: int) -> int:
        """Ask for some of the keys that are missing; return how many were asked for."""
        room = min(_MISSING, most - self.count(reference.parent))
        if room <= 0:
            return 0
        absent = self._absent.setdefault(reference, set())
        keys = [key for key in self._missing(reference) if key not in absent][:room]
        for some in _parts(keys, reference, self.dialect):
            condition = " OR ".join(_equal(reference.referred, key, self.dialect) for key in some)
            self.add(reference.parent, read(reference.parent, f" WHERE {condition}", 4 * len(some)))
        absent |= set(self._missing(reference)) & set(keys)
        return len(keys)

    def _missing(self, reference: Reference) -> list[Row]:
        """Return keys of a child that its parent lacks."""
        columns = ", ".join(f"c.{_name(column)}" for column in reference.columns)
        known = " AND ".join(f"c.{_name(column)} IS NOT NULL" for column in reference.columns)
        sql = (
            f"SELECT DISTINCT {columns} FROM {_place(reference.child)} AS c"
            f" WHERE {known} AND {_unmatched(reference)}"
        )
        return self._connection.execute(sql).fetchall()

    def _cut(self, reference: Reference) -> int:
        """Empty keys whose rows were not brought in; where they may not be empty, remove rows."""
        absent = self._absent.get(reference, set())
        keys = [key for key in self._missing(reference) if key not in absent]
        if not keys:
            return 0
        child, names = reference.child, list(map(_name, reference.columns))
        condition = " AND ".join(f"{name} = ?" for name in names)
        action = f"DELETE FROM {_place(child)}"
        what = f"rows of {child.full_name}, which lead to more rows than are taken"
        if _may_be_empty(reference):
            empty = ", ".join(f"{name} = NULL" for name in names)
            action = f"UPDATE {_place(child)} SET {empty}"
            what = f"keys in {child.full_name}.{', '.join(reference.columns)}: NULL now"
        before = self._connection.total_changes
        self._connection.executemany(f"{action} WHERE {condition}", keys)
        changed = self._connection.total_changes - before
        self.left_out[what] = self.left_out.get(what, 0) + changed
        return changed


def stored(value: Any) -> Any:
    """Return a value of any engine as SQLite stores it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value() and abs(value) < 2**63
        return int(value) if whole else float(value) if value.is_finite() else str(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if value is None or isinstance(value, str | int | float | bytes) else str(value)


def _may_be_empty(reference: Reference) -> bool:
    columns = [reference.child.column(name) for name in reference.columns]
    free = not set(reference.columns) & set(reference.child.primary_key)
    return free and all(column is not None and column.nullable for column in columns)


def _unmatched(reference: Reference) -> str:
    pairs = zip(reference.referred, reference.columns, strict=True)
    equal = " AND ".join(f"p.{_name(referred)} = c.{_name(column)}" for referred, column in pairs)
    return f"NOT EXISTS (SELECT 1 FROM {_place(reference.parent)} AS p WHERE {equal})"


def _parts(keys: Sequence[Row], reference: Reference, dialect: str) -> Iterator[list[Row]]:
    """Yield keys in parts that one statement can ask for; those SQL cannot write are skipped."""
    some: list[Row] = []
    size = 0
    for key in keys:
        if any(isinstance(value, bytes) for value in key):
            continue
        length = len(_equal(reference.referred, key, dialect)) + 4
        if some and size + length > _ASKED:
            yield some
            some, size = [], 0
        some.append(key)
        size += length
    if some:
        yield some


def _equal(columns: Sequence[str], key: Row, dialect: str) -> str:
    pairs = zip(columns, key, strict=True)
    return f"({' AND '.join(f'{quote(c, dialect)} = {_literal(v)}' for c, v in pairs)})"


def _literal(value: Any) -> str:
    return str(value) if isinstance(value, int | float) else "'" + value.replace("'", "''") + "'"


def _name(name: str) -> str:
    return quoted(name, "sqlite")


def _place(table: Table) -> str:
    return _name(table.full_name)
