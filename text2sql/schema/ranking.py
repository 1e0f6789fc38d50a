"""What a piece of a question may mean, the likeliest first.

    >>> mention = choose(found, Context.of([found], joined), question)

A candidate is the better, the better its name fits, and the nearer its table is: beside it ("shop
names", "names of all shops"), elsewhere in the question, joined by a key to one of the question, or
not at all.

Covered: at most CANDIDATES columns and values of a piece; what is only hinted at counts in tables
of the question and their neighbours.
Not covered: what a piece may mean at all (`mentions`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from text2sql.schema.naming import PART, WHOLE, Fit
from text2sql.schema.pieces import Piece

CANDIDATES = 4
VALUES = 3  # spellings of one piece of text
HINT = 2  # how well a column fits that is only hinted at
ADJACENT = 1.5  # how much better a column fits beside its table
BESIDE = 4  # pieces between a table and a column that belongs to it
FAR = 3  # how much worse than the best a candidate may fit


@dataclass(frozen=True, slots=True)
class Value:
    """A value that a question seems to mean."""

    sql: str  # as a literal: 'France' or 3
    table: str | None = None  # full name of the table whose cells hold it, where known
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """A piece of a question, and what of the database it may mean."""

    start: int  # characters of the question
    end: int
    text: str
    tables: tuple[str, ...] = ()  # full names
    columns: tuple[tuple[str, str], ...] = ()  # (table's full name, column)
    values: tuple[Value, ...] = ()


@dataclass(slots=True)
class Found:
    """A run of pieces with all that it may mean, before the context is known."""

    place: int  # of its first piece
    pieces: Sequence[Piece]
    fits: Sequence[Fit] = ()
    values: Sequence[Value] = ()
    asked: bool = False  # not counted: "which clubs", not "how many clubs"
    hinted: bool = False  # by what is meant, not by name: tables that are not mentioned are out


@dataclass(slots=True)
class Context:
    """Which tables a question mentions, and where."""

    places: dict[str, list[int]]
    supported: set[str]  # tables with a column that the question names
    joined: set[str]  # tables that a key joins to those mentioned
    said: set[str]  # tables whose columns are said beside them

    @classmethod
    def of(cls, found: Sequence[Found], joined: Mapping[str, set[str]]) -> "Context":
        """Return the context of all that a question mentions.

        Args:
            found: in the order of the question.
            joined: the tables that a key joins to a table, in either direction.
        """
        places: dict[str, list[int]] = {}
        for each in found:
            for fits, (table, column) in each.fits:
                if column is None and fits <= PART and not each.hinted:
                    places.setdefault(table, []).append(each.place)
        if not places:
            for each in found:
                owners = {table for fits, (table, _) in each.fits if fits == WHOLE}
                if len(owners) == 1:
                    places.setdefault(owners.pop(), []).append(each.place)
        supported = {
            table
            for each in found
            for fits, (table, column) in each.fits
            if column is not None and fits <= PART and len(each.fits) <= CANDIDATES
        }
        near = {other for table in places for other in joined.get(table, ())}
        said = {
            table
            for each in found
            for fits, (table, column) in each.fits
            if column is not None and fits == WHOLE
            for place in places.get(table, ())
            if _distance(each.place, place) < BESIDE
        }
        return cls(places, supported, near, said)

    def beside(self, place: int) -> list[str]:
        """Return the tables that are mentioned directly beside a place."""
        return [t for t, places in self.places.items() if any(abs(place - p) == 1 for p in places)]

    def rank(self, table: str, fits: float, place: int) -> tuple[float, float, int]:
        """Return how well a candidate fits here; less is better."""
        if places := self.places.get(table):
            near = min(_distance(place, other) for other in places)
            return fits - ADJACENT * (near < 2), fits, near
        far = 2 - (table in self.joined) - 0.5 * (table in self.supported)
        return fits + far, fits, 99


def _distance(place: int, table: int) -> int:
    """Return how far a table is said from something: "shop names", "names of all the shops"."""
    return place - table if place > table else max(1, table - place - 2)


def choose(found: Found, context: Context, question: str) -> Mention:
    """Return what a run of pieces means in a question."""
    start, end = found.pieces[0].start, found.pieces[-1].end
    tables, columns = _choose_names(found, context)
    values = _choose_values(found, context)
    return Mention(start, end, question[start:end], tables, columns, values)


def _choose_names(
    found: Found, context: Context
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    ranked = sorted(
        ((*context.rank(name[0], fits, found.place), order), name)
        for order, (fits, name) in enumerate(found.fits)
    )
    tables: dict[str, None] = {}
    columns: dict[tuple[str, str], None] = {}
    best = max(0.0, ranked[0][0][0]) if ranked else 0.0
    for (rank, *_), (table, column) in ranked:
        if rank > best + FAR or (found.hinted and rank - HINT >= 2 and context.places):
            break
        if column is None:
            tables.setdefault(table)
        elif len(columns) < CANDIDATES:
            columns.setdefault((table, column))
    return tuple(tables)[:CANDIDATES], tuple(columns)


def _choose_values(found: Found, context: Context) -> tuple[Value, ...]:
    """Return a few spellings, each in a few columns, those of mentioned tables first."""
    ranked = sorted(
        enumerate(found.values),
        key=lambda pair: (context.rank(pair[1].table or "", 0, found.place)[0], pair[0]),
    )
    kept: list[Value] = []
    for _, value in ranked:
        spellings = {v.sql for v in kept}
        if value.sql in spellings or len(spellings) < VALUES:
            kept.append(value)
    return tuple(kept[:CANDIDATES])
