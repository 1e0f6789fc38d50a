"""Draw other rows for every table of a database: its keys hold, its accidents do not.

    >>> content = draw_content(profile, demands, Random(1))
    >>> len(content["orders"])
    24

Rows are resampled from the original, cells are redrawn around the constants of gold, columns are
shuffled against each other; sort keys become distinct and group sizes different, so that an order
leaves no choice.

Covered: foreign keys point at rows of the copy; primary keys and unique columns are distinct.
Not covered: rules that only the engine knows (CHECK): `copies.settle` drops rows that break them.
"""

from dataclasses import dataclass
from itertools import cycle
from random import Random
from typing import TypeVar

from text2sql.data.neighbours.demands import Demand, Demands
from text2sql.data.neighbours.profiles import (
    MAX_ROWS,
    Content,
    Link,
    Profile,
    Row,
    TableProfile,
    Value,
)
from text2sql.data.neighbours.values import Cells, group_sizes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manner:
    """How far one copy goes from the original."""

    rows: int  # of a table that nothing else decides
    redrawn: float  # share of cells that are redrawn
    edge: float
    nulls: float
    shuffled: bool  # columns lose their connection within a row

    @classmethod
    def pick(cls, random: Random) -> "Manner":
        """Choose one at random."""
        return cls(
            rows=random.choice((4, 7, 12, 12, 20, 36)),
            redrawn=random.choice((0.15, 0.35, 0.6)),
            edge=random.choice((0.0, 0.03, 0.1)),
            nulls=random.choice((0.0, 0.0, 0.05, 0.15)),
            shuffled=random.random() < 0.5,
        )


def draw_content(profile: Profile, demands: Demands, random: Random) -> Content:
    """Draw rows for every table, parents first.

    Args:
        profile: of the original.
        demands: of its gold queries.
        random: where choices come from.
    """
    manner = Manner.pick(random)
    content: Content = {}
    for table in profile.tables.values():
        content[table.name] = _Drawer(table, demands, manner, random).rows(content)
    return content


class _Drawer:
    """Draws the rows of one table."""

    def __init__(
        self, table: TableProfile, demands: Demands, manner: Manner, random: Random
    ) -> None:
        self.table, self.manner, self.random = table, manner, random
        self.demands = [demands.get((table.name, c.name), Demand()) for c in table.columns]
        self.cells = [
            Cells(column, demand, random, edge=manner.edge, nulls=manner.nulls)
            for column, demand in zip(table.columns, self.demands, strict=True)
        ]
        self.keys = {place for columns in table.unique for place in columns}

    def rows(self, content: Content) -> list[Row]:
        """Return rows whose foreign keys point into the content drawn so far."""
        count = self._count()
        drawn = [self._start() for _ in range(count)]
        if self.manner.shuffled:
            self._shuffle(drawn)
        self._group(drawn)
        for link in self.table.links:
            if link.parent in content:
                self._point(drawn, link, content[link.parent])
        self._separate(drawn)
        return [tuple(row) for row in drawn]

    def _count(self) -> int:
        count = max(2, round(self.manner.rows * self.random.uniform(0.7, 1.3)))
        if self.table.links:
            count = round(count * 1.6)
        asked = [sum(group_sizes(0, d.sizes)) + 6 for d in self.demands if d.sizes]
        return min(MAX_ROWS, max([count, *asked]))

    def _start(self) -> list[Value]:
        """Return a row of the original with some cells redrawn."""
        if not self.table.rows or self.random.random() < 0.1:
            return [cells.draw() for cells in self.cells]
        row = list(self.random.choice(self.table.rows))
        for place, cells in enumerate(self.cells):
            if self.random.random() < self.manner.redrawn or not _typed(row[place], cells):
                row[place] = cells.draw()
        return row

    def _shuffle(self, drawn: list[list[Value]]) -> None:
        for place in range(len(self.table.columns)):
            column = [row[place] for row in drawn]
            self.random.shuffle(column)
            for row, value in zip(drawn, column, strict=True):
                row[place] = value

    def _group(self, drawn: list[list[Value]]) -> None:
        """Give the values of a grouped column different frequencies."""
        linked = {place for link in self.table.links for place in link.columns}
        for place, demand in enumerate(self.demands):
            if demand.grouped and place not in linked and (place,) not in self.table.unique:
                sizes = group_sizes(len(drawn), demand.sizes)
                pool: list[Value] = []
                for _ in sizes:
                    value = self.cells[place].fresh(set(pool))
                    pool += [value] if value is not None else []
                column = self._spread(pool, sizes, len(drawn)) if pool else [None] * len(drawn)
                for row, value in zip(drawn, column, strict=True):
                    row[place] = value

    def _spread(self, pool: list[T], sizes: list[int], count: int) -> list[T]:
        """Return `count` values of the pool, as often as the sizes say, in random order."""
        column = [v for v, size in zip(pool, sizes, strict=False) for _ in range(size)][:count]
        column += [self.random.choice(pool)] * (count - len(column))
        self.random.shuffle(column)
        return column

    def _point(self, drawn: list[list[Value]], link: Link, parents: list[Row]) -> None:
        """Make a foreign key point at rows of its parent, some of them often, some never."""
        keys = [tuple(row[place] for place in link.referred) for row in parents]
        keys = [key for key in dict.fromkeys(keys) if None not in key]
        self.random.shuffle(keys)
        grouped = any(self.demands[place].grouped for place in link.columns)
        wanted = tuple(size for place in link.columns for size in self.demands[place].sizes)
        sizes = group_sizes(len(drawn), wanted)
        self.random.shuffle(sizes)
        if grouped and keys and link.columns not in self.table.unique:
            chosen = self._spread(keys, sizes, len(drawn))
        else:
            weights = [self.random.choice((1, 1, 3)) for _ in keys]
            nothing: Row = (None,) * len(link.columns)
            chosen = self.random.choices(keys, weights, k=len(drawn)) if keys else [nothing]
        for row, key in zip(drawn, cycle(chosen), strict=False):
            for place, value in zip(link.columns, key, strict=True):
                row[place] = self._as_here(value, place)

    def _as_here(self, value: Value, place: int) -> Value:
        """Keep the storage class of the pointing column: a text "1" may point at an integer 1."""
        kind = self.table.columns[place].kind
        if kind == "text" and isinstance(value, int | float):
            return str(value)
        return value

    def _separate(self, drawn: list[list[Value]]) -> None:
        """Make unique columns distinct, and sort keys where the column has enough values."""
        linked = {place for link in self.table.links for place in link.columns}
        for place, (demand, cells) in enumerate(zip(self.demands, self.cells, strict=True)):
            unique = (place,) in self.table.unique
            if place in linked or not (unique or (demand.sorts and not demand.grouped)):
                continue
            taken: set[Value] = set()
            for row in drawn:
                if row[place] in taken or (row[place] is None and unique):
                    row[place] = cells.fresh(taken)
                if row[place] is not None:
                    taken.add(row[place])
        for place, demand in enumerate(self.demands):
            if demand.sums and self.table.columns[place].kind == "real":
                for row in drawn:  # quarters add up exactly, in any order
                    value = row[place]
                    row[place] = round(value * 4) / 4 if isinstance(value, float) else value


def _typed(value: Value, cells: Cells) -> bool:
    """Tell whether a value of the original may stay: stray storage classes are left out."""
    if value is None:
        return cells.column.nullable
    kinds = {int: "integer", float: "real", str: "text", bytes: "blob"}
    return kinds[type(value)] == cells.column.kind
