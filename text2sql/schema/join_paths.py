"""How tables of one FROM hang together by foreign keys, where nobody says it.

    >>> join_path(schema, ["singer", "concert"])
    [Step(table='singer', pairs=()),
     Step(table='concert', pairs=((('concert', 'singer_id'), ('singer', 'id')),))]

A base that points names tables and leaves out ON where it says no more than the foreign keys, and
the tables that only lead from one to another: this module is what reader and writer of such a FROM
agree on.

    >>> completed(schema, ["singer", "stadium"])
    ['singer', 'concert', 'stadium']

Not covered: a table that stands there twice.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from text2sql.schema.model import ForeignKey, Schema, Table

BETWEEN = 2  # tables at most that are gone through from one that is named to the next
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


def completed(schema: Schema, tables: Sequence[str]) -> list[str] | None:
    """Return the tables with those by which they hang together, in the schema's order.

    From the first table on, the nearest of the others is reached by a shortest way of foreign keys;
    of several ways, the one by earlier tables of the schema.

    Args:
        schema: says the foreign keys.
        tables: full names, each once.

    Returns:
        None where no foreign keys lead from each to each, or more than BETWEEN tables lie between.
    """
    near = _neighbours(schema)
    order = [table.full_name for table in schema.tables]
    wanted = sorted((schema.find_table(name).full_name for name in tables), key=order.index)
    done = wanted[:1]
    while left := [name for name in wanted if name not in done]:
        way = _way(near, done, left)
        if way is None:
            return None
        done += [name for name in way if name not in done]
    return sorted(done, key=order.index)


def implied(schema: Schema, tables: Sequence[str], used: Collection[str]) -> list[str]:
    """Return which tables of a FROM need not be named: the others are joined through them.

    Args:
        schema: says the foreign keys.
        tables: full names of all that are joined.
        used: those whose columns stand in the query: they are named.
    """
    whole = {*tables}
    kept = list(tables)
    for name in tables:
        fewer = [other for other in kept if other != name]
        if name not in used and fewer and {*(completed(schema, fewer) or ())} == whole:
            kept = fewer
    return [name for name in tables if name not in kept]


def _neighbours(schema: Schema) -> dict[str, list[str]]:
    """Return for each table, those that a foreign key joins to it, in the schema's order."""
    return {
        table.full_name: [
            other.full_name
            for other in schema.tables
            if other is not table and next(_links([table], [other]), None)
        ]
        for table in schema.tables
    }


def _way(near: dict[str, list[str]], done: list[str], left: list[str]) -> list[str] | None:
    """Return a shortest way from what is reached to the nearest of the tables that are not."""
    ways = [[name] for name in done]
    seen = {*done}
    for _ in range(BETWEEN + 1):
        longer = []
        for way in ways:
            for name in near[way[-1]]:
                if name in left:
                    return [*way, name]
                if name not in seen:
                    seen.add(name)
                    longer.append([*way, name])
        ways = longer
    return None


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
