"""Where a question mentions tables, columns and values: the linker.

    >>> linker = Linker(schema)
    >>> [(m.text, m.columns or m.tables) for m in linker.mentions("average age of all singers")]
    [('age', (('singer', 'Age'),)), ('singers', ('singer',))]

Names are compared by the stems of their words: the whole name, the name without its table's words,
synonyms, then single words of longer names, the longest match first. Numbers, quoted text and
capitalised words may be values.

Covered: numbers in words, `once` and `twice`; at most CANDIDATES names for one piece of text, those
of tables that the question mentions elsewhere first; equal input gives equal output.
Not covered: which cells a database has (`cells`); meaning beyond words and synonyms.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from text2sql.schema.model import Schema, Table
from text2sql.schema.words import STOP_WORDS, fold, stem, stem_key, words

CANDIDATES = 4
LONGEST = 5  # words of a name that are looked up together
LONGEST_CELL = 6

_PIECE = re.compile(
    r"'[^']*'(?!\w)|\"[^\"]*\"|“[^”]*”|‘[^’]*’"  # quoted
    r"|\d+(?:[.,]\d+)*|[^\W\d_]+(?:[_-][^\W_]+|['’][^\W\d_]{2,})*|\S"
)
_COUNTED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: str(number) for number, word in enumerate(_COUNTED)} | {"once": "1", "twice": "2"}
_PLAIN_NUMBER = re.compile(r"\d+(?:\.\d+)?")


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


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    text: str
    stem: str


_Name = tuple[str, str | None]  # table's full name, column; None: the table itself


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
    whole: dict[tuple[str, ...], list[_Name]] = field(init=False)
    parts: dict[str, list[_Name]] = field(init=False)

    def __post_init__(self) -> None:
        """Index the names of the schema by the stems of their words."""
        whole: dict[tuple[str, ...], list[_Name]] = defaultdict(list)
        parts: dict[str, list[_Name]] = defaultdict(list)
        for name, forms in _names(self.schema):
            for form in forms:
                stems = tuple(stem(word) for word in words(form))
                if stems and name not in whole[stems]:
                    whole[stems].append(name)
                for part in set(stems) - STOP_WORDS if len(stems) > 1 else ():
                    if name not in parts[part]:
                        parts[part].append(name)
        self.whole, self.parts = dict(whole), dict(parts)

    def mentions(self, question: str) -> list[Mention]:
        """Return what a question mentions, in the order of its text."""
        found = list(self._mentions(_pieces(question), question))
        tables = {table for mention in found for table in mention.tables}
        return [_nearest(mention, tables) for mention in found]

    def _mentions(self, pieces: list[_Piece], question: str) -> Iterator[Mention]:
        here = 0
        while here < len(pieces):
            mention, taken = self._mention(pieces, here, question)
            if mention is not None:
                yield mention
            here += taken

    def _stored(self, text: str) -> tuple[Value, ...]:
        """Return the cells that are written so, a few columns of the best spelling."""
        found = self.cells.get(fold(text), ()) or self.cells.get(stem_key(text), ())
        if not found:
            return ()
        spelled = quoted(text)
        best = spelled if any(v.sql == spelled for v in found) else found[0].sql
        return tuple(v for v in found if v.sql == best)[:CANDIDATES]

    def _is_name(self, piece: _Piece) -> bool:
        return (piece.stem,) in self.whole or piece.stem in self.parts

    def _mention(
        self, pieces: list[_Piece], here: int, question: str
    ) -> tuple[Mention | None, int]:
        piece = pieces[here]
        if value := _literal(piece.text):
            inner = piece.text.strip("'\"“”‘’")
            known = self._stored(inner) or tuple(self.near(inner)[:1])
            return Mention(piece.start, piece.end, piece.text, values=known or (value,)), 1
        for length in range(min(LONGEST_CELL, len(pieces) - here), 0, -1) if self.cells else ():
            end = pieces[here + length - 1].end
            text = question[piece.start : end]
            if length > 1 or (len(text) > 2 and text.lower() not in STOP_WORDS):
                known = self._stored(text)
                if known and (length > 1 or not self._is_name(piece)):
                    return Mention(piece.start, end, text, values=known), length
        for length in range(min(LONGEST, len(pieces) - here), 0, -1):
            stems = tuple(piece.stem for piece in pieces[here : here + length])
            names = self.whole.get(stems)
            if names and length == 1 and all(column for _, column in names):
                names = list(dict.fromkeys([*names, *self.parts.get(piece.stem, ())]))
            if names and (length > 1 or piece.text.lower() not in STOP_WORDS):
                return _mention(pieces[here : here + length], question, names), length
        if names := self.parts.get(piece.stem):
            return _mention([piece], question, names), 1
        if (number := _NUMBERS.get(piece.text.lower())) and piece.text.lower() != "one":
            return Mention(piece.start, piece.end, piece.text, values=(Value(number),)), 1
        length = _capitalised(pieces, here)
        if length:
            text = question[piece.start : pieces[here + length - 1].end]
            end = pieces[here + length - 1].end
            known = tuple(self.near(text)[:1]) or (Value(quoted(text)),)
            return Mention(piece.start, end, text, values=known), length
        return None, 1


@lru_cache(maxsize=64)
def linker(schema: Schema, cells: StoredCells | None = None) -> Linker:
    """Return the linker of a schema and the cells of its database; the last few are kept."""
    return Linker(schema) if cells is None else Linker(schema, cells, cells.near)


def quoted(text: str) -> str:
    """Return a text as SQL's literal."""
    return "'" + text.replace("'", "''") + "'"


def _names(schema: Schema) -> Iterator[tuple[_Name, list[str]]]:
    for table in schema.tables:
        yield (table.full_name, None), [table.name, *table.synonyms]
        for column in table.columns:
            short = _without_table(column.name, table)
            forms = [column.name, *([short] if short else []), *column.synonyms]
            yield (table.full_name, column.name), forms


def _without_table(name: str, table: Table) -> str:
    own = {stem(word) for word in words(table.name)}
    left = [word for word in words(name) if stem(word) not in own]
    return " ".join(left) if len(left) < len(words(name)) else ""


def _pieces(question: str) -> list[_Piece]:
    return [
        _Piece(m.start(), m.end(), m[0], " ".join(stem(word) for word in words(m[0])))
        for m in _PIECE.finditer(question)
    ]


def _literal(text: str) -> Value | None:
    if len(text) > 2 and text[0] in "'\"“‘":
        return Value(quoted(text[1:-1]))
    plain = text.replace(",", "")
    return Value(plain) if _PLAIN_NUMBER.fullmatch(plain) else None


def _capitalised(pieces: list[_Piece], here: int) -> int:
    """Return how many pieces from here on are written like a name inside a sentence."""
    if here == 0 or pieces[here - 1].text in ".?!" or not pieces[here].text[0].isupper():
        return 0
    length = 1
    while here + length < len(pieces) and pieces[here + length].text[0].isupper():
        length += 1
    return length


def _mention(pieces: list[_Piece], question: str, names: Sequence[_Name]) -> Mention:
    start, end = pieces[0].start, pieces[-1].end
    tables = tuple(table for table, column in names if column is None)
    columns = tuple((table, column) for table, column in names if column is not None)
    return Mention(start, end, question[start:end], tables, columns)


def _nearest(mention: Mention, tables: set[str]) -> Mention:
    """Keep a few candidates, those of mentioned tables first."""
    if len(mention.columns) <= CANDIDATES:
        return mention
    ranked = sorted(mention.columns, key=lambda name: name[0] not in tables)
    return Mention(
        mention.start,
        mention.end,
        mention.text,
        mention.tables,
        tuple(ranked[:CANDIDATES]),
        mention.values,
    )
