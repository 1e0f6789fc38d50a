"""Where a question mentions tables, columns and values: the linker.

    >>> linker = Linker(schema)
    >>> [(m.text, m.columns or m.tables) for m in linker.mentions("average age of all singers")]
    [('age', (('singer', 'Age'),)), ('singers', ('singer',))]

A question is cut into pieces; from left to right the longest run of pieces is taken that is a cell
of the database, a name, a constant, or else a word that hints at columns (`wordings.yaml`: "oldest"
at an age) or begins like a name. What each may mean is then ranked: names that fit well, of tables
that the question mentions, the nearest first.

Covered: at most CANDIDATES columns for one piece; equal input gives equal output; any text.
Not covered: which cells a database has (`cells`); meaning beyond words, synonyms and the table.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

from text2sql.schema import constants
from text2sql.schema.model import Schema
from text2sql.schema.naming import PART, WHOLE, Fit, Names
from text2sql.schema.pieces import Piece, cut
from text2sql.schema.wordings import wordings
from text2sql.schema.words import STOP_WORDS, fold, key_of

CANDIDATES = 4
VALUES = 3  # spellings of one piece of text
LONGEST = 6  # pieces that are looked up together
HINT = 2  # how well a column fits that is only hinted at
FAR = 3  # how badly a candidate may fit in comparison with the best


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


class Cells(Protocol):
    """Texts of a database by their keys, as `schema.values.gather` makes them."""

    def get(self, key: str, default: Sequence[Value], /) -> Sequence[Value]:
        """Return the texts of a key with their columns."""
        ...


class StoredCells(Cells, Protocol):
    """Texts of a database that can also be asked for what is written nearly so."""

    def __hash__(self) -> int:
        """Return a hash: linkers are kept by their cells."""
        ...

    def near(self, text: str) -> Sequence[Value]:
        """Return texts that are written nearly as one is, the most alike first."""
        ...


Near = Callable[[str], Sequence[Value]]


@dataclass(slots=True)
class _Found:
    """A run of pieces with all that it may mean, before the context is known."""

    place: int  # of its first piece
    pieces: Sequence[Piece]
    fits: Sequence[Fit] = ()
    values: Sequence[Value] = ()
    hinted: bool = False  # by what is meant, not by name: tables that are not mentioned are out


@dataclass(slots=True)
class Linker:
    """Compares questions with one schema; what it needs is computed once.

    `cells` are values of the database, for the words of a question that are one of them; `near`
    finds those that a quoted text or a name is nearly written like.
    """

    schema: Schema
    cells: Cells = field(default_factory=dict[str, Sequence[Value]])
    near: Near = field(default=lambda text: ())
    names: Names = field(init=False)
    _years: list[Fit] = field(init=False)
    _joined: dict[str, set[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Index the names of the schema."""
        self.names = Names(self.schema)
        self._years = [
            fit for word in ("year", "date") for fit in self.names.single.get(word, ()) if fit[1][1]
        ]
        self._joined = {}
        for table in self.schema.tables:
            for key in table.foreign_keys:
                parent = f"{key.namespace}.{key.table}" if key.namespace else key.table
                self._joined.setdefault(table.full_name, set()).add(parent)
                self._joined.setdefault(parent, set()).add(table.full_name)

    def mentions(self, question: str) -> list[Mention]:
        """Return what a question mentions, in the order of its text."""
        found = list(self._find(cut(question, self._is_known)))
        context = _Context.of(found, self._joined)
        mentions = (_mention(each, context, question) for each in found)
        return [m for m in mentions if m.tables or m.columns or m.values]

    def _is_known(self, text: str) -> bool:
        key = key_of(text)
        table = wordings()
        return (
            key in self.names.whole
            or key in self.names.single
            or text in table.hints
            or text in table.codes
            or bool(self.cells.get(key, ()))
            or constants.chinese_number(text) is not None
        )

    def _find(self, pieces: list[Piece]) -> Iterator[_Found]:
        here = 0
        while here < len(pieces):
            found = self._at(pieces, here)
            if found is None:
                here += 1
            else:
                yield found
                here += len(found.pieces)

    def _at(self, pieces: list[Piece], here: int) -> _Found | None:
        """Return what begins at a piece, the longest run first."""
        piece = pieces[here]
        if not piece.key:
            return self._quoted(pieces, here) if len(piece.text) > 2 else None
        if constant := constants.read(pieces, here):
            return self._constant(pieces, here, *constant)
        if piece.text[0] in "'\"“‘「《":
            return self._quoted(pieces, here)
        stored, held = self._cell(pieces, here)
        named, fits = self._name(pieces, here)
        if stored > named:
            return _Found(here, pieces[here : here + stored], (), held)
        if named:
            values = held if stored == named else ()
            if named == 1 and not values:
                values = self._codes(piece)
            fits = [*fits, *self._hints(piece)] if named == 1 else fits
            return _Found(here, pieces[here : here + named], fits, values)
        return self._hinted(pieces, here) or self._capitalised(pieces, here)

    def _stored(self, text: str) -> Sequence[Value]:
        """Return the cells that are written so, those spelled alike first."""
        found = self.cells.get(key_of(text), ())
        if len(found) < 2:
            return found
        spelled, folded = quoted(text), fold(text)
        exact = [v for v in found if v.sql == spelled]
        return exact or [v for v in found if fold(v.sql[1:-1]) == folded] or found

    def _quoted(self, pieces: list[Piece], here: int) -> _Found:
        inner = pieces[here].text[1:-1]
        known = self._stored(inner) or self.near(inner)[:1] or (Value(quoted(inner)),)
        return _Found(here, pieces[here : here + 1], (), known)

    def _constant(
        self, pieces: list[Piece], here: int, literals: Sequence[str], length: int
    ) -> _Found:
        run = pieces[here : here + length]
        text = run[0].text if length == 1 else literals[0].strip("'")
        known = self._stored(text) if length == 1 or literals[0][0] == "'" else ()
        values = known or [Value(literal) for literal in literals]
        fits = self._years if length == 1 and constants.is_year(literals[0]) else ()
        return _Found(here, run, fits, values, hinted=True)

    def _cell(self, pieces: list[Piece], here: int) -> tuple[int, Sequence[Value]]:
        """Return how many pieces are one cell, and where it stands."""
        key = ""
        best: tuple[int, Sequence[Value]] = 0, ()
        if not self.cells:
            return best
        for length in range(1, min(LONGEST, len(pieces) - here) + 1):
            piece = pieces[here + length - 1]
            if not piece.key:
                continue
            key = f"{key} {piece.key}" if key else piece.key
            if length == 1 and (piece.low in STOP_WORDS or len(piece.text) < 2):
                continue
            if found := self.cells.get(key, ()):
                best = (length, found)
        return best

    def _name(self, pieces: list[Piece], here: int) -> tuple[int, Sequence[Fit]]:
        """Return how many pieces are a name, and which names these are."""
        piece = pieces[here]
        names, key = self.names, piece.key
        best: tuple[int, Sequence[Fit]] = 0, ()
        most = names.heads.get(key.partition(" ")[0], 0)
        if " " in key and (found := names.whole.get(key)):
            best = (1, found)
        for length in range(2, min(most, len(pieces) - here) + 1):
            key = f"{key} {pieces[here + length - 1].key}"
            if found := names.whole.get(key):
                best = (length, found)
        if best[0]:
            return best
        if here + 1 < len(pieces) and pieces[here + 1].key:
            both = piece.key.replace(" ", "") + pieces[here + 1].key
            if found := names.single.get(both):
                whole = [fit for fit in found if fit[0] == WHOLE]
                if whole and piece.low not in STOP_WORDS:
                    return 2, whole
        if piece.low in STOP_WORDS:
            return 0, ()
        single = names.single.get(piece.key) or names.together.get(piece.key) or ()
        return (1, _best(single)) if single else (0, ())

    def _hints(self, piece: Piece) -> list[Fit]:
        """Return columns of what a word hints at."""
        words = wordings().hints.get(piece.key, ())
        return [
            (HINT + place / 10, name)
            for place, word in enumerate(words)
            for _, name in self.names.single.get(word, ())
            if name[1] is not None
        ]

    def _codes(self, piece: Piece) -> list[Value]:
        """Return the cells that stand for a word, such as F for women."""
        found: dict[Value, None] = {}
        for code in wordings().codes.get(piece.key, ()) if self.cells else ():
            if piece.low == "us":
                continue
            for text in code.values:
                for value in self.cells.get(key_of(text), ()):
                    if value.sql == quoted(text) and self._is_called(value, code.columns):
                        found[value] = None
        return list(found)

    def _is_called(self, value: Value, wanted: Sequence[str]) -> bool:
        name = (value.table, value.column)
        return not wanted or any(
            name == other for word in wanted for _, other in self.names.single.get(word, ())
        )

    def _hinted(self, pieces: list[Piece], here: int) -> _Found | None:
        piece = pieces[here]
        run = pieces[here : here + 1]
        if piece.low in STOP_WORDS and not _asks(pieces, here):
            return None
        fits, values = self._hints(piece), self._codes(piece)
        if not fits and not values and piece.low not in STOP_WORDS:
            fits = self.names.alike(piece.key)
        if not fits and not values and (number := constants.chinese_number(piece.text)):
            values = [Value(number)]
        return _Found(here, run, fits, values, hinted=True) if fits or values else None

    def _capitalised(self, pieces: list[Piece], here: int) -> _Found | None:
        """Return a run that is written like a name inside a sentence."""
        if here == 0 or pieces[here - 1].text in ".?!" or not _is_name(pieces[here]):
            return None
        length = 1
        while here + length < len(pieces) and _is_name(pieces[here + length]):
            length += 1
        text = spelled(pieces[here : here + length])
        values = self.near(text)[:1] or (Value(quoted(text)),)
        return _Found(here, pieces[here : here + length], (), values)


def _best(fits: Sequence[Fit]) -> Sequence[Fit]:
    """Drop the names that merely have a word which is a table's whole name."""
    if any(fit == WHOLE and column is None for fit, (_, column) in fits):
        return [each for each in fits if each[0] == WHOLE]
    return fits


def _asks(pieces: Sequence[Piece], here: int) -> bool:
    """Tell whether a word begins a question, or follows "how"."""
    return here == 0 or not pieces[here - 1].key or pieces[here - 1].low == "how"


def _is_name(piece: Piece) -> bool:
    return piece.text[0].isupper() and piece.low not in STOP_WORDS


def spelled(pieces: Sequence[Piece]) -> str:
    """Return the text of pieces, with one blank where there was any."""
    text = pieces[0].text
    for before, piece in pairwise(pieces):
        text += piece.text if piece.start == before.end else f" {piece.text}"
    return text


@dataclass(slots=True)
class _Context:
    """Which tables a question mentions, and where."""

    places: dict[str, list[int]]
    supported: set[str]  # tables with a column that the question names
    joined: set[str]  # tables that a key joins to those mentioned

    @classmethod
    def of(cls, found: Sequence[_Found], joined: dict[str, set[str]]) -> "_Context":
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
        return cls(places, supported, near)

    def rank(self, table: str, fits: float, place: int) -> tuple[float, float, int]:
        """Return how well a candidate fits here; less is better."""
        if places := self.places.get(table):
            return fits, fits, min(abs(place - other) for other in places)
        far = 2 - (table in self.joined) - 0.5 * (table in self.supported)
        return fits + far, fits, 99


def _mention(found: _Found, context: _Context, question: str) -> Mention:
    start, end = found.pieces[0].start, found.pieces[-1].end
    tables, columns = _choose(found, context)
    values = _choose_values(found, context)
    return Mention(start, end, question[start:end], tables, columns, values)


def _choose(
    found: _Found, context: _Context
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    ranked = sorted(
        ((*context.rank(name[0], fits, found.place), order), name)
        for order, (fits, name) in enumerate(found.fits)
    )
    tables: dict[str, None] = {}
    columns: dict[tuple[str, str], None] = {}
    best = ranked[0][0][0] if ranked else 0.0
    for (rank, *_), (table, column) in ranked:
        if rank > best + FAR or (found.hinted and rank - HINT >= 2 and context.places):
            break
        if column is None:
            tables.setdefault(table)
        elif len(columns) < CANDIDATES:
            columns.setdefault((table, column))
    return tuple(tables)[:CANDIDATES], tuple(columns)


def _choose_values(found: _Found, context: _Context) -> tuple[Value, ...]:
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


@lru_cache(maxsize=64)
def linker(schema: Schema, cells: StoredCells | None = None) -> Linker:
    """Return the linker of a schema and the cells of its database; the last few are kept."""
    return Linker(schema) if cells is None else Linker(schema, cells, cells.near)


def quoted(text: str) -> str:
    """Return a text as SQL's literal."""
    return "'" + text.replace("'", "''") + "'"
