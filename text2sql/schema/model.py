"""One immutable description of a database's schema, whatever it was read from.

    >>> schema.table("ORDERS").column("id").type
    'INTEGER'

Names keep the spelling of the database; look-ups ignore case, as SQL does for plain names.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from text2sql.errors import UnknownName


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or view."""

    name: str
    type: str = ""  # as declared, such as VARCHAR(20); empty when the database declares none
    nullable: bool = True
    comment: str | None = None
    synonyms: tuple[str, ...] = ()  # other words for it, from the overlay
    meanings: tuple[tuple[str, str], ...] = ()  # (stored value, what it means), from the overlay


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` of the owning table point at `referred` of `table`."""

    columns: tuple[str, ...]
    table: str
    referred: tuple[str, ...]
    namespace: str | None = None  # of the referred table
    declared: bool = True  # False: from the overlay, the database does not know it


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view; `namespace` is what SQL calls a schema (PostgreSQL's `public`)."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    comment: str | None = None
    synonyms: tuple[str, ...] = ()
    namespace: str | None = None  # None in the namespace that needs no prefix
    view: bool = False

    @property
    def full_name(self) -> str:
        """The name as SQL must say it, unquoted: with its namespace if it has one."""
        return f"{self.namespace}.{self.name}" if self.namespace else self.name

    @property
    def full_name_parts(self) -> tuple[str, ...]:
        """The parts of `full_name`, for quoting each."""
        return (self.namespace, self.name) if self.namespace else (self.name,)

    def column(self, name: str) -> Column | None:
        """Return the column of that name, case ignored."""
        folded = name.casefold()
        return next((column for column in self.columns if column.name.casefold() == folded), None)


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one database, in its own order."""

    name: str  # the db_id, or a file's stem
    dialect: str  # sqlglot's name: sqlite, duckdb, postgres, ...
    tables: tuple[Table, ...]
    left_out: tuple[str, ...] = ()  # "table" or "table.column" that a reduction removed

    def table(self, name: str) -> Table | None:
        """Return the table of that name or full name, case ignored."""
        folded = name.casefold()
        return next(
            (t for t in self.tables if folded in (t.name.casefold(), t.full_name.casefold())), None
        )

    def find_table(self, name: str) -> Table:
        """Return the table of that name.

        Raises:
            UnknownName: there is none; the nearest is named.
        """
        table = self.table(name)
        if table is None:
            known = [t.full_name for t in self.tables]
            raise UnknownName("table", name, known, f"in database {self.name!r}")
        return table

    def columns(self) -> Iterator[tuple[Table, Column]]:
        """Yield every column with its table."""
        return ((table, column) for table in self.tables for column in table.columns)

    def fingerprint(self) -> str:
        """Return a hash of everything in the schema, for caches and manifests."""
        text = json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
