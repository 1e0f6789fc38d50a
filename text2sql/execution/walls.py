"""What a statement may read, for the engines to check by their own means.

    >>> Wall(reads=frozenset({("orders", "id"), ("orders", "")})).may_read("orders", "total")
    False

A wall is the second one: `text2sql.access` has rewritten the statement, and its names say what
should be left to read. SQLite asks for every column while it compiles; DuckDB's own tree shows
every table, and whether it stands inside a guard.

Not covered: PostgreSQL, whose wall is a role of the server's (`role`).
"""

from dataclasses import dataclass, field

EVERY = "*"

Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Wall:
    """What may be read; names are folded."""

    reads: Pairs = frozenset({(EVERY, EVERY)})  # (table, column), EVERY for all; "" counts rows
    guards: frozenset[str] = field(default_factory=frozenset)  # queries that may hold any table
    plain: frozenset[str] = field(default_factory=frozenset)  # tables that may stand outside them
    prefix: str = "\0"  # of names that no table has: those of CTEs
    functions: frozenset[str] = field(default_factory=frozenset)  # of the database's own
    role: str | None = None  # of PostgreSQL

    def may_read(self, table: str, column: str) -> bool:
        """Tell whether a column, or the number of rows (""), may be read."""
        table, column = table.casefold(), column.casefold()
        found = ((table, column), (table, EVERY), (EVERY, EVERY))
        return table.startswith(self.prefix) or not self.reads.isdisjoint(found)


def packed(wall: Wall | None) -> tuple[object, ...] | None:
    """Return a wall as plain values, for the pipe to a worker."""
    if wall is None:
        return None
    return wall.reads, wall.guards, wall.plain, wall.prefix, wall.functions, wall.role


def unpacked(values: tuple[object, ...] | None) -> Wall | None:
    """Return the wall that `packed` was given."""
    return None if values is None else Wall(*values)  # type: ignore[arg-type]
