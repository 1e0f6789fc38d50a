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

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

from text2sql.schema import constants
from text2sql.schema.model import Column, Schema
from text2sql.schema.naming import WHOLE, Fit, Names
from text2sql.schema.pieces import Piece, cut
from text2sql.schema.ranking import HINT, VALUES, Context, Found, Mention, Value, choose
from text2sql.schema.thesaurus import thesaurus
from text2sql.schema.wordings import wordings
from text2sql.schema.words import STOP_WORDS, fold, key_of, stem, words

LONGEST = 6  # pieces that are looked up together
LABELS = 2  # columns that say what things are called


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DATE = stem("date")
_MOMENT = re.compile(r"date|time", re.IGNORECASE)
_ASKING = _words("which what each every per by list show find give different distinct all 哪 每 各")
_AGGREGATES = frozenset(map(key_of, ("minimum", "maximum", "min", "max", "average", "total")))
# words of questions about anything; they are names at most
_WORKING = _words(
    "number total count counts average sum list report display identify compute order amount"
)


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
    _moments: list[Fit] = field(init=False)
    _joined: dict[str, set[str]] = field(init=False)
    _labels: dict[str, list[Fit]] = field(init=False)

    def __post_init__(self) -> None:
        """Index the names of the schema."""
        self.names = Names(self.schema)
        self._years = [
            fit
            for word in ("year", "date")
            for fit in self.names.single.get(key_of(word), ())
            if fit[1][1]
        ]
        self._moments = [
            (HINT, (table.full_name, column.name))
            for table in self.schema.tables
            for column in table.columns
            if _is_moment(column)
        ]
        self._labels = {}
        for word in ("name", "title"):
            for fit in self.names.single.get(key_of(word), ()):
                if fit[1][1] is not None:  # a column, not a table of that name
                    self._labels.setdefault(fit[1][0], []).append(fit)
        for table in self.schema.tables:
            own = self.names.single.get(key_of(table.name), ())
            called = [fit for fit in own if fit[1][0] == table.full_name and fit[1][1]]
            self._labels.setdefault(table.full_name, called)
        self._joined = {}
        for table in self.schema.tables:
            for key in table.foreign_keys:
                parent = f"{key.namespace}.{key.table}" if key.namespace else key.table
                self._joined.setdefault(table.full_name, set()).add(parent)
                self._joined.setdefault(parent, set()).add(table.full_name)

    def mentions(self, question: str) -> list[Mention]:
        """Return what a question mentions, in the order of its text."""
        found = list(self._find(cut(question, self.is_known)))
        context = Context.of(found, self._joined)
        for each in found:
            self._label(each, context)
        mentions = (choose(each, context, question) for each in found)
        return [m for m in mentions if m.tables or m.columns or m.values]

    def _label(self, found: Found, context: Context) -> None:
        """Add what things are called to a table that is asked for: "which clubs", "each genre".

        Likewise to a text that no cell holds, beside its table: `song "Badlands"`.
        """
        tables = [table for fits, (table, column) in found.fits if column is None and not fits]
        if not found.asked or (tables[0:1] and tables[0] in context.said):
            tables = []
        if not found.fits and found.values and found.values[0].sql.startswith("'"):
            tables = [] if found.values[0].table else context.beside(found.place)
        for table in tables[:1] if len(tables) == 1 else ():
            labels = sorted(self._labels.get(table, ()))
            best = [fit for fit in labels if fit[0] == labels[0][0]]
            found.fits = [*found.fits, *best[:LABELS]]

    def is_known(self, text: str) -> bool:
        """Tell whether a text is a name, a cell, a number or a word that hints at something."""
        key = key_of(text)
        table = wordings()
        return (
            key in self.names.whole
            or key in self.names.single
            or key in table.hints
            or key in table.codes
            or constants.is_number_word(text.lower())
            or bool(self.cells.get(key, ()))
            or bool(self.names.called(key))
            or bool(self._stands_for(key))
            or constants.chinese_number(text) is not None
        )

    def _find(self, pieces: list[Piece]) -> Iterator[Found]:
        here = 0
        while here < len(pieces):
            found = self._at(pieces, here)
            if found is None:
                here += 1
            else:
                yield found
                here += len(found.pieces)

    def _at(self, pieces: list[Piece], here: int) -> Found | None:
        """Return what begins at a piece, the longest run first."""
        piece = pieces[here]
        if not piece.key:
            return self._quoted(pieces, here) if len(piece.text) > 2 else None
        if constant := constants.read(pieces, here):
            return self._constant(pieces, here, *constant)
        if piece.text[0] in "'\"“‘「《":
            return self._quoted(pieces, here)
        if len(piece.text) == 1 and here and pieces[here - 1].low in ("letter", "letters"):
            return Found(here, pieces[here : here + 1], (), [Value(quoted(piece.text))])
        named, fits = self._name(pieces, here)
        if piece.low in _WORKING and named < 2 and (not fits or _counts(pieces, here)):
            return None
        stored, held = self._cell(pieces, here)
        if stored > named:
            return Found(here, pieces[here : here + stored], (), held)
        if named:
            values = held if stored == named else ()
            if named == 1 and not values:
                values = self._codes(piece)
            fits = [*fits, *self._hints(piece)] if named == 1 else fits
            return Found(here, pieces[here : here + named], fits, values, _asked(pieces, here))
        return self._hinted(pieces, here) or self._capitalised(pieces, here)

    def _stored(self, text: str) -> Sequence[Value]:
        """Return the cells that are written so, those spelled alike first."""
        found = self.cells.get(key_of(text), ())
        if len(found) < 2:
            return found
        spelled, folded = quoted(text), fold(text)
        exact = [v for v in found if v.sql == spelled]
        return exact or [v for v in found if fold(v.sql[1:-1]) == folded] or found

    def _quoted(self, pieces: list[Piece], here: int) -> Found:
        inner = pieces[here].text[1:-1]
        known = self._stored(inner) or self._typed(inner)
        return Found(here, pieces[here : here + 1], self.names.whole.get(key_of(inner), ()), known)

    def _typed(self, text: str) -> Sequence[Value]:
        """Return the cell that a text is nearly written like and the text, which may be meant.

        Likewise the cells of a name whose parts stand in columns of their own.
        """
        if near := self.near(text)[:1]:
            return (*near, Value(quoted(text)))
        parts = [self._stored(word)[:1] for word in text.split()] if self.cells else []
        whole = (Value(quoted(text)),)
        if 1 < len(parts) <= VALUES and all(parts):
            return (*whole, *(value for (value,) in parts))
        return whole

    def _constant(
        self, pieces: list[Piece], here: int, literals: Sequence[str], length: int
    ) -> Found:
        run = pieces[here : here + length]
        text = run[0].text if length == 1 else literals[0].strip("'")
        known = self._stored(text) if length == 1 or literals[0][0] == "'" else ()
        values = known or [Value(literal) for literal in literals]
        year = length == 1 and constants.is_year(literals[0])
        dated = year or constants.is_date(literals[0])
        fits = [*(self._years if year else ()), *(self._moments if dated else ())]
        return Found(here, run, fits, values, hinted=True)

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
            return best[0], [*best[1], *self._aggregated(pieces[here : here + best[0]])]
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

    def _aggregated(self, pieces: Sequence[Piece]) -> list[Fit]:
        """Return the columns that are aggregated where a name begins so: "minimum salary"."""
        if pieces[0].key not in _AGGREGATES:
            return []
        rest = " ".join(piece.key for piece in pieces[1:])
        found = self.names.whole.get(rest) or self.names.single.get(rest) or ()
        return [fit for fit in found if fit[1][1]]

    def _hints(self, piece: Piece) -> list[Fit]:
        """Return columns of what a word hints at."""
        words = wordings().hints.get(piece.key, ())
        found = [
            (HINT + place / 10, name)
            for place, word in enumerate(words)
            for _, name in self.names.single.get(word, ())
            if name[1] is not None
        ]
        return [*found, *self._moments] if _DATE in words else found

    def _stands_for(self, key: str) -> list[Value]:
        """Return the cells of other words for a word: `cancelled` for 取消."""
        if not self.cells:
            return []
        said = thesaurus().cells.get(key, ())
        return [value for other in said for value in self.cells.get(other, ())]

    def _codes(self, piece: Piece) -> list[Value]:
        """Return the cells that stand for a word, such as F for women."""
        found = dict.fromkeys(self._stands_for(piece.key))
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

    def _hinted(self, pieces: list[Piece], here: int) -> Found | None:
        piece = pieces[here]
        run = pieces[here : here + 1]
        if piece.low in STOP_WORDS and not _asks(pieces, here):
            return None
        values = self._codes(piece)
        if called := self.names.called(piece.key):
            fits = [*called, *self._hints(piece)]
            return Found(here, run, fits, values, _asked(pieces, here))
        fits = self._hints(piece)
        if not fits and not values and piece.low not in STOP_WORDS:
            fits = self.names.alike(piece.key)
        if not fits and not values and (number := constants.chinese_number(piece.text)):
            values = [Value(number)]
        return Found(here, run, fits, values, hinted=True) if fits or values else None

    def _capitalised(self, pieces: list[Piece], here: int) -> Found | None:
        """Return a run that is written like a name inside a sentence."""
        if here == 0 or pieces[here - 1].text in ".?!" or not _is_name(pieces[here]):
            return None
        length = 1
        while here + length < len(pieces) and _is_name(pieces[here + length]):
            length += 1
        text = spelled(pieces[here : here + length])
        values = self._typed(text)
        return Found(here, pieces[here : here + length], (), values)


def _is_moment(column: Column) -> bool:
    """Tell whether a column holds dates or times, by its type or a name such as `paid_on`."""
    return bool(_MOMENT.search(column.type)) or words(column.name)[-1:] in (["on"], ["at"])


def _asked(pieces: Sequence[Piece], here: int) -> bool:
    """Tell whether a thing is asked for, not only counted or in passing."""
    before = [piece.low for piece in pieces[max(0, here - 3) : here]]
    return bool(_ASKING.intersection(before)) and "many" not in before and "number" not in before


def _counts(pieces: Sequence[Piece], here: int) -> bool:
    """Tell whether a word asks for a count: "number of"."""
    of = here + 1 < len(pieces) and pieces[here + 1].low == "of"
    return of and pieces[here].low in ("number", "count", "list")


def _best(fits: Sequence[Fit]) -> Sequence[Fit]:
    """Drop the names that merely have a word which is a table's whole name."""
    if any(fit == WHOLE and column is None for fit, (_, column) in fits):
        return [each for each in fits if each[0] == WHOLE]
    return fits


def _asks(pieces: Sequence[Piece], here: int) -> bool:
    """Tell whether a word begins a question or a part of one, or follows "how"."""
    return here == 0 or not pieces[here - 1].key or pieces[here - 1].low in ("how", "and")


def _is_name(piece: Piece) -> bool:
    return piece.text[0].isupper() and piece.low not in STOP_WORDS


def spelled(pieces: Sequence[Piece]) -> str:
    """Return the text of pieces, with one blank where there was any."""
    text = pieces[0].text
    for before, piece in pairwise(pieces):
        text += piece.text if piece.start == before.end else f" {piece.text}"
    return text


@lru_cache(maxsize=64)
def linker(schema: Schema, cells: StoredCells | None = None) -> Linker:
    """Return the linker of a schema and the cells of its database; the last few are kept."""
    return Linker(schema) if cells is None else Linker(schema, cells, cells.near)


def quoted(text: str) -> str:
    """Return a text as SQL's literal."""
    return "'" + text.replace("'", "''") + "'"
