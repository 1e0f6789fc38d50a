"""One row of each table that belong together: conditions which they fulfil have a common answer.

    >>> witness = Witness(world, Random(1))
    >>> witness.call()
    >>> witness.value(city), witness.value(age)  # of one singer
    ('Rome', 31)

Conditions whose values are drawn each by itself seldom hold together: three of them ask for
nothing. People ask about what there is.

Covered: rows of one table; of tables that a foreign key of one column joins.
Not covered: rows that a sample of a large table does not hold: such a value is drawn by itself.

Imports nothing beyond the standard library.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random

from text2sql.data.synthesis.queries import Col
from text2sql.data.synthesis.worlds import Cell, Field, Link, World

CALLED = 0.85  # share of questions that ask about what a witness has


class Witness:
    """Rows that belong together, drawn when a value of theirs is first asked for."""

    def __init__(self, world: World, random: Random) -> None:
        """Take a world; nobody is called yet."""
        self._world, self._random = world, random
        self._called = False
        self._rows: dict[str, Sequence[Cell | None]] = {}
        self._places = {
            Col(table.full_name, column.name): place
            for table in world.schema.tables
            for place, column in enumerate(table.columns)
        }
        self._known: dict[Col, Mapping[Cell | None, list[Sequence[Cell | None]]]] = {}

    def call(self) -> None:
        """Begin a question: with other rows, or with none."""
        self._rows = {}
        self._called = self._random.random() < CALLED

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let conditions be drawn that hold for other rows."""
        called, self._called = self._called, False
        yield
        self._called = called

    def value(self, field: Field) -> Cell | None:
        """Return what the row of a column's table has in it; None where that cannot be asked."""
        if not self._called or (row := self._row(field.col.table)) is None:
            return None
        found = row[self._places[field.col]]
        return found if found in field.values else None

    def _row(self, table: str) -> Sequence[Cell | None] | None:
        """Return the row of a table: one that those of other tables are joined with, if any."""
        if table not in self._rows:
            rows = self._joined(table) or self._world.samples.get(table)
            if not rows:
                return None
            self._rows[table] = self._random.choice(rows)
        return self._rows[table]

    def _joined(self, table: str) -> Sequence[Sequence[Cell | None]]:
        for link in self._world.links:
            sides = _sides(link, table)
            if sides is not None and (other := self._rows.get(sides[1].table)) is not None:
                return self._by_value(sides[0]).get(other[self._places[sides[1]]], ())
        return ()

    def _by_value(self, column: Col) -> Mapping[Cell | None, list[Sequence[Cell | None]]]:
        """Return the rows of a table by what they hold in a column."""
        if column not in self._known:
            found: defaultdict[Cell | None, list[Sequence[Cell | None]]] = defaultdict(list)
            place = self._places[column]
            for row in self._world.samples.get(column.table, ()):
                found[row[place]].append(row)
            self._known[column] = found
        return self._known[column]


def _sides(link: Link, table: str) -> tuple[Col, Col] | None:
    """Return a link's own column and the other one; None of a link that leads elsewhere."""
    if link.child.table == link.parent.table:
        return None
    if link.child.table == table:
        return link.child, link.parent
    return (link.parent, link.child) if link.parent.table == table else None
