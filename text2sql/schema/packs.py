"""Split a schema that is too wide for a prompt into packs of joined tables, and choose among them.

    >>> packs = split(schema, fits=lambda part: len(render(part)) < 6_000)
    >>> [len(pack.tables) for pack in packs]
    [14, 11, 9]
    >>> chosen = choose("turnover by customer", schema, packs)
    >>> strays = chosen.strays(lambda stray: len(render(stray)) < 2_000)

The split is a function of the database alone: all questions that choose a pack read the same text,
which a training row or a KV cache then holds once. What a question needs beside its pack are
strays, few tables that go into the question's own part.

Covered: tables joined by foreign keys stay together while they fit; a table that is too wide for a
pack is there with its keys and its first columns, the others are strays; every table is in exactly
one pack; equal input gives equal output.
Not covered: packs made for the questions that are really asked.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from text2sql.errors import SchemaError
from text2sql.schema.linking import WHOLE, Part, Relevance, reduce_to, steps_beside
from text2sql.schema.model import Schema

Fits = Callable[[Schema], bool]


def split(schema: Schema, fits: Fits) -> tuple[Schema, ...]:
    """Split a schema into packs, each as full as joined tables can make it.

    Args:
        schema: what does not fit as a whole.
        fits: tells whether a schema is small enough for a pack. If it says yes to a schema it must
            say yes to any part of it.

    Raises:
        SchemaError: not even a table's name and keys fit.
    """
    packs: list[list[int]] = [[]]
    narrowed: dict[int, list[Part]] = {}

    def fill(tables: Sequence[int]) -> bool:
        there = fits(_pack(schema, [*packs[-1], *tables], narrowed))
        if there:
            packs[-1] += tables
        return there

    for group in _joined_groups(schema):
        if fill(group):
            continue
        if fits(_pack(schema, group, narrowed)):
            packs.append(list(group))
            continue
        for table in group:
            if not fill([table]):
                if not fits(_pack(schema, [table], narrowed)):
                    narrowed[table] = _first_columns(schema, table, fits)
                packs.append([table])
    return tuple(_pack(schema, tables, narrowed) for tables in packs if tables)


def _joined_groups(schema: Schema) -> Iterator[list[int]]:
    """Yield the tables in groups that joins hold together, from the best connected one on."""
    neighbours = _neighbours(schema)
    left = dict.fromkeys(range(len(schema.tables)))
    while left:
        group = _reachable(next(iter(left)), neighbours)
        first = max(group, key=lambda table: (len(neighbours[table]), -table))
        for table in group:
            del left[table]
        yield _reachable(first, neighbours)


def _neighbours(schema: Schema) -> dict[int, list[int]]:
    index = {(table.namespace, table.name): number for number, table in enumerate(schema.tables)}
    found: dict[int, list[int]] = defaultdict(list)
    for child, table in enumerate(schema.tables):
        parents = (index.get((key.namespace, key.table)) for key in table.foreign_keys)
        for parent in dict.fromkeys(p for p in parents if p is not None and p != child):
            found[child].append(parent)
            found[parent].append(child)
    return found


def _reachable(start: int, neighbours: dict[int, list[int]]) -> list[int]:
    """Return the tables that joins lead to, the nearest first."""
    found = dict.fromkeys([start])
    queue = deque([start])
    while queue:
        for table in neighbours[queue.popleft()]:
            if table not in found:
                found[table] = None
                queue.append(table)
    return list(found)


def _pack(schema: Schema, tables: Sequence[int], narrowed: dict[int, list[Part]]) -> Schema:
    parts = [part for table in tables for part in narrowed.get(table) or _all_of(schema, table)]
    return reduce_to(schema, parts)


def _all_of(schema: Schema, table: int) -> list[Part]:
    return [(table, WHOLE), *((table, c) for c in range(len(schema.tables[table].columns)))]


def _first_columns(schema: Schema, table: int, fits: Fits) -> list[Part]:
    parts = _all_of(schema, table)
    low, high = 0, len(parts)  # the first `low` fit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(reduce_to(schema, parts[:middle])) else (low, middle - 1)
    if low == 0:
        name = schema.tables[table].full_name
        raise SchemaError(f"schema {schema.name!r} does not fit: table {name!r} alone is too large")
    return parts[:low]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The pack that a question chooses, and what it needs beside it, the most relevant first."""

    schema: Schema
    pack: Schema
    beside: tuple[tuple[Part, ...], ...]

    def strays(self, fits: Fits) -> Schema:
        """Return as many strays as fit, tables with their keys; it may have no table."""
        low, high = 0, len(self.beside)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(self._strays(middle)) else (low, middle - 1)
        return self._strays(low)

    def _strays(self, number: int) -> Schema:
        return reduce_to(self.schema, [part for step in self.beside[:number] for part in step])

    def joined(self, strays: Schema) -> Schema:
        """Return pack and strays as one schema, whose `left_out` names the rest."""
        parts = [*_parts_of(self.schema, self.pack), *_parts_of(self.schema, strays)]
        return reduce_to(self.schema, parts)


def _parts_of(schema: Schema, part: Schema) -> Iterator[Part]:
    kept = {(table.namespace, table.name): table for table in part.tables}
    for number, table in enumerate(schema.tables):
        shown = kept.get((table.namespace, table.name))
        if shown is not None:
            yield number, WHOLE
            names = {column.name for column in shown.columns}
            yield from ((number, c) for c, col in enumerate(table.columns) if col.name in names)


def choose(question: str, schema: Schema, packs: Sequence[Schema]) -> Chosen:
    """Choose the pack that holds most of what a question is about.

    Args:
        question: as a person asks it.
        schema: what was split.
        packs: from `split`; not empty.
    """
    relevance = Relevance.of(question, schema)
    held = [list(_parts_of(schema, pack)) for pack in packs]
    best = max(range(len(packs)), key=lambda number: (relevance.held_by(held[number]), -number))
    return Chosen(schema, packs[best], tuple(steps_beside(held[best], schema, relevance)))
