"""How tables of one FROM hang together by foreign keys, where nobody says it.

    >>> join_path(schema, ["singer", "concert"])
    [Step(table='singer', pairs=()),
     Step(table='concert', pairs=((('concert', 'singer_id'), ('singer', 'id')),))]

A base that points names tables and leaves out ON where it says no more than the foreign keys: this
module is what reader and writer of such a FROM agree on.

Not covered: a table that stands there twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from text2sql.schema.model import ForeignKey, Schema, Table

Name = tuple[str, str]  # table's full name, column
Pair = tuple[Name, Name]  # of the foreign key, and what it refers to


@dataclass(frozen=True, slots=True)
class Step:
    """A table, and the columns by which it is joined to those before it."""

    table: str  # full name
    pairs: tuple[Pair, ...] = ()  # none for the first table


def join_path(schema: Schema, tables: Sequence[str]) -> list[Step] | None:
    """Return the tables in an order in which each is joined to one before it.

    The first table comes first; then always the first of those left that a foreign key leads to or
    from. Of several foreign keys between two tables the first counts, those of the later table
    before those of the earlier.

    Args:
        schema: says the foreign keys.
        tables: full names, each once.

    Returns:
        None where the tables do not hang together.
    """
    left = [schema.find_table(name) for name in tables]
    done = [left.pop(0)]
    path = [Step(done[0].full_name)]
    while left:
        found = next(_links(done, left), None)
        if found is None:
            return None
        table, pairs = found
        path.append(Step(table.full_name, pairs))
        left.remove(table)
        done.append(table)
    return path


def _links(done: list[Table], left: list[Table]) -> Iterator[tuple[Table, tuple[Pair, ...]]]:
    for table in left:
        for earlier in done:
            for child, parent in ((table, earlier), (earlier, table)):
                for key in child.foreign_keys:
                    if _leads(key, parent):
                        yield table, _pairs(key, child, parent)


def _leads(key: ForeignKey, parent: Table) -> bool:
    same = key.table.casefold() == parent.name.casefold()
    return same and (key.namespace or parent.namespace) == parent.namespace


def _pairs(key: ForeignKey, child: Table, parent: Table) -> tuple[Pair, ...]:
    return tuple(
        ((child.full_name, own), (parent.full_name, other))
        for own, other in zip(key.columns, key.referred, strict=True)
    )
