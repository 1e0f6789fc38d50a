"""What a SQLite database holds, as far as a copy with other rows has to keep it.

    >>> profile = read_profile("shop.sqlite")
    >>> profile.tables["orders"].columns[0].kind
    'integer'

Covered: DDL as it is written; keys, unique indexes and foreign keys, those of `tables.json` too;
storage classes, text formats (ISO dates, numbers kept as text), a sample of rows.
Not covered: virtual tables (such a database is refused); collations defined by a program.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from text2sql.errors import DatabaseError
from text2sql.schema.model import Schema
from text2sql.schema.quoting import quote as quote_name

MAX_ROWS = 1_000  # of a table that are kept as the sample, and that a copy holds at most
_MAX_VALUES = 400  # distinct values of a column that are kept
_CLOSED = 2  # a column with at most so many distinct values in many rows is a flag

Value = int | float | str | bytes | None
Row = tuple[Value, ...]
Content = dict[str, list[Row]]

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key: places of columns here, and of those that they point at."""

    columns: tuple[int, ...]
    parent: str
    referred: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column: what its cells look like."""

    name: str
    declared: str
    kind: str  # storage class that most cells have: integer, real, text or blob
    form: str  # of text: date, number, coded (digits among other characters), free; else ""
    closed: bool  # a flag: no value that the original does not have
    nullable: bool
    values: tuple[Value, ...]  # distinct, not NULL, in order of first appearance
    nulls: float  # share of NULL cells


@dataclass(frozen=True, slots=True)
class TableProfile:
    """One table: columns that take values, keys as places of columns, sampled rows."""

    name: str
    columns: tuple[ColumnProfile, ...]
    primary_key: tuple[int, ...]
    unique: tuple[tuple[int, ...], ...]  # the primary key among them
    links: tuple[Link, ...]
    rows: tuple[Row, ...]
    plain: str | None  # DDL without any constraint; None where a collation would be lost


@dataclass(frozen=True, slots=True)
class Profile:
    """One database: its DDL in two parts, its tables parents first."""

    name: str
    encoding: str
    order: tuple[str, ...]  # of the tables in the file
    tables_ddl: tuple[str, ...]  # in that order
    later_ddl: tuple[str, ...]  # indexes, views and triggers: once the rows are there
    tables: dict[str, TableProfile]

    def find(self, name: str) -> TableProfile | None:
        """Return the table of that name, case ignored."""
        folded = name.casefold()
        return next((t for key, t in self.tables.items() if key.casefold() == folded), None)


def read_profile(path: str | Path, *, published: Schema | None = None) -> Profile:
    """Read what a copy has to keep.

    Args:
        path: of a SQLite file; it is opened read-only.
        published: a schema of `tables.json`, for keys that the DDL does not declare.

    Raises:
        DatabaseError: it cannot be read, or has virtual tables.
    """
    address = f"file:{quote(str(Path(path).resolve()))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            connection.text_factory = lambda raw: raw.decode(errors="replace").replace("\0", "")
            return _Reader(connection, Path(path).stem, published).profile()
    except sqlite3.Error as error:
        raise DatabaseError(f"cannot read database {path}: {error}", str(path)) from None


class _Reader:
    """Reads one open database."""

    def __init__(self, connection: sqlite3.Connection, name: str, published: Schema | None) -> None:
        self.ask, self.name, self.published = connection.execute, name, published
        self.entries = self.ask(
            "SELECT type, name, sql FROM sqlite_master"
            " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
        ).fetchall()
        self.names = [name for kind, name, _ in self.entries if kind == "table"]
        self.columns = {name: self._declared(name) for name in self.names}

    def profile(self) -> Profile:
        for _, name, sql in self.entries:
            if re.match(r"\s*CREATE\s+VIRTUAL\b", sql, re.I):
                raise DatabaseError(f"{name!r} of {self.name!r} is a virtual table", self.name)
        tables = {
            name: self._table(name, sql) for kind, name, sql in self.entries if kind == "table"
        }
        first = tuple(sql for kind, _, sql in self.entries if kind == "table")
        later = tuple(sql for kind, _, sql in self.entries if kind != "table")
        encoding = self.ask("PRAGMA encoding").fetchone()[0]
        return Profile(
            self.name, encoding, tuple(self.names), first, later, dict(_parents_first(tables))
        )

    def _declared(self, table: str) -> list[tuple[str, str, bool, int]]:
        """Return (name, type, NOT NULL, place in the key) of the columns that take values."""
        rows = self.ask(f"PRAGMA table_xinfo({quote_name(table, 'sqlite')})")
        return [(row[1], row[2] or "", bool(row[3]), row[5]) for row in rows if row[6] in (0, 1)]

    def _table(self, name: str, sql: str) -> TableProfile:
        declared = self.columns[name]
        rows = list(self._sample(name))
        key = self._key(name, rows)
        unique = tuple(dict.fromkeys([*([key] if key else []), *self._unique(name)]))
        in_key = {place for columns in unique for place in columns} if key else set(key)
        columns = tuple(
            describe_column(column, kind, not (filled or place in in_key), [r[place] for r in rows])
            for place, (column, kind, filled, _) in enumerate(declared)
        )
        cells = ", ".join(f"{quote_name(c, 'sqlite')} {kind}" for c, kind, _, _ in declared)
        collated = re.search(r"\bCOLLATE\b", sql, re.I) is not None
        plain = None if collated else f"CREATE TABLE {quote_name(name, 'sqlite')} ({cells})"
        return TableProfile(name, columns, key, unique, self._links(name), tuple(rows), plain)

    def _sample(self, name: str) -> Iterator[Row]:
        table = quote_name(name, "sqlite")
        names = ", ".join(quote_name(column[0], "sqlite") for column in self.columns[name])
        count = self.ask(f"SELECT count(*) FROM {table}").fetchone()[0]
        step = max(1, count // MAX_ROWS)
        for number, row in enumerate(self.ask(f"SELECT {names} FROM {table}")):
            if number % step == 0 and number // step < MAX_ROWS:
                yield row

    def _key(self, name: str, rows: Sequence[Row]) -> tuple[int, ...]:
        """Return the primary key: as declared, else as published where the rows agree with it."""
        ranked = [(place, rank) for place, (*_, rank) in enumerate(self.columns[name]) if rank]
        if ranked:
            return tuple(place for place, _ in sorted(ranked, key=lambda pair: pair[1]))
        table = self.published.table(name) if self.published else None
        key = self._places(name, table.primary_key) if table else None
        if not key:
            return ()
        cells = [tuple(row[place] for place in key) for row in rows]
        holds = len(set(cells)) == len(cells) and not any(None in cell for cell in cells)
        return key if holds else ()

    def _unique(self, name: str) -> Iterator[tuple[int, ...]]:
        for index in self.ask(f"PRAGMA index_list({quote_name(name, 'sqlite')})").fetchall():
            if index[2]:
                parts = self.ask(f"PRAGMA index_info({quote_name(index[1], 'sqlite')})").fetchall()
                places = self._places(name, [part[2] for part in parts if part[2]])
                if places and len(places) == len(parts):
                    yield places

    def _links(self, name: str) -> tuple[Link, ...]:
        declared: dict[int, list[tuple[str, str, str | None]]] = {}
        for row in self.ask(f"PRAGMA foreign_key_list({quote_name(name, 'sqlite')})").fetchall():
            declared.setdefault(row[0], []).append((row[2], row[3], row[4]))
        found = [
            self._link(name, parts[0][0], [p[1] for p in parts], [p[2] for p in parts])
            for parts in declared.values()
        ]
        table = self.published.table(name) if self.published else None
        for key in table.foreign_keys if table else ():
            found.append(self._link(name, key.table, key.columns, key.referred))
        return tuple(dict.fromkeys(link for link in found if link is not None))

    def _link(
        self, name: str, parent: str, columns: Sequence[str], referred: Sequence[str | None]
    ) -> Link | None:
        owner = next((n for n in self.names if n.casefold() == parent.casefold()), None)
        here = self._places(name, columns)
        if owner is None or here is None:
            return None
        key = sorted((rank, c) for c, _, _, rank in self.columns[owner] if rank)
        named = [c for c in referred if c] or [column for _, column in key]
        there = self._places(owner, named)
        fits = there is not None and len(there) == len(here) and (owner, there) != (name, here)
        return Link(here, owner, there) if fits and there else None

    def _places(self, table: str, columns: Iterable[str]) -> tuple[int, ...] | None:
        folded = [column[0].casefold() for column in self.columns[table]]
        wanted = [column.casefold() for column in columns]
        if not all(column in folded for column in wanted):
            return None
        return tuple(folded.index(column) for column in wanted)


def _parents_first(tables: dict[str, TableProfile]) -> Iterator[tuple[str, TableProfile]]:
    """Yield tables after those that they point at; a circle is entered at its first table."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[tuple[str, TableProfile]]:
        if name not in done:
            done.add(name)
            for link in tables[name].links:
                yield from visit(link.parent)
            yield name, tables[name]

    for name in tables:
        yield from visit(name)


def describe_column(
    name: str, declared: str, nullable: bool, cells: Sequence[Value]
) -> ColumnProfile:
    """Describe a column by its cells; by its declared type where there are none."""
    filled = [cell for cell in cells if cell is not None]
    kinds = Counter(map(_storage, filled))
    kind = kinds.most_common(1)[0][0] if kinds else _declared_kind(declared)
    values = tuple(dict.fromkeys(cell for cell in filled if _storage(cell) == kind))
    form = _form(values, declared) if kind == "text" else ""
    closed = len(values) <= _CLOSED < len(filled)
    nulls = 1 - len(filled) / len(cells) if cells else 0.0
    return ColumnProfile(
        name, declared, kind, form, closed, nullable, values[:_MAX_VALUES], round(nulls, 3)
    )


def _storage(value: Value) -> str:
    names = {int: "integer", float: "real", str: "text", bytes: "blob"}
    return names.get(type(value), "text")


def _declared_kind(declared: str) -> str:
    """Return the class that a declared type makes likely; dates are text, flags are numbers."""
    folded = declared.casefold()
    if "int" in folded or "bool" in folded:
        return "integer"
    if any(word in folded for word in ("real", "floa", "doub", "dec", "num")):
        return "real"
    return "text"


def _form(values: Sequence[Value], declared: str) -> str:
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    if not texts:
        return "date" if "date" in declared.casefold() else "free"
    if all(_NUMBER.match(text) for text in texts):
        return "number"
    if all(_ISO_DATE.match(text) for text in texts):
        return "date"
    return "coded" if all(any(c.isdigit() for c in text) for text in texts) else "free"
