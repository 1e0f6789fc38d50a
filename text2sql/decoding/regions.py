"""The regions of an answer: reasoning that is free, fixed words, SQL that a checker lets through.

    >>> [[type(piece).__name__ for piece in way] for way in make_ways("fence", checker)]
    [['Reasoning', 'Words', 'Sql', 'Tail'], ['Sql']]

An answer format is a few ways to write an answer, and a way is a row of pieces. A piece reads bytes
from its own place in it, tells what is left of them where it is over, and can end itself.

Covered: the formats of `prompting.answers.ANSWERS`; a backtick or bracket that may begin a quoted
name or end the answer.
Not covered: tokens and their budget, which `guides` knows; in a dollar quote a fence is not told
from text.
"""

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from text2sql.prompting.sqltext import looks_like_sql

if TYPE_CHECKING:
    from text2sql.decoding.checking import Checker

_BLANKS = b" \t\r\n"
_FENCE, _THOUGHT = b"```", b"</think>"
_LANGUAGES = (b"sql\n", b"sqlite\n", b"duckdb\n", b"postgresql\n", b"mysql\n")
_MOST_BLANKS = 8  # bytes behind an answer, such as the blank that ends a chat's turn
_HEAD = 256  # bytes at the start of a text that decide whether it is SQL at once
_FROM = re.compile(r"[\s(]*(?:from|FROM)\s")
_MARKS = re.compile(r"\s*(?:```|<answer>)")
_QUOTES = (b"'", b'"', b"`")
_OUTSIDE = (b"", b"-", b"/")  # of quotes and comments; the last byte may begin a comment


class Piece(Protocol):
    """A part of an answer; `local` is a place in it."""

    @property
    def start(self) -> Any:
        """The place before its first byte."""
        ...

    def feed(self, local: Any, data: bytes) -> "tuple[Any, bytes | None] | None":
        """Return the place behind the bytes, and what is left of them where the piece is over.

        None means that the bytes are illegal.
        """
        ...

    def stops(self, local: Any) -> bool:
        """Tell whether the whole answer may end here."""
        ...

    def rest(self, local: Any) -> bytes:
        """Return bytes that end the piece."""
        ...


def _grow(matched: int, byte: int, mark: bytes) -> int:
    """Return how much of a mark has been read; only its first byte begins it again."""
    return matched + 1 if byte == mark[matched] else int(byte == mark[0])


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Any text until a mark, unless it begins as an answer without reasoning."""

    until: bytes
    marked: bool = False  # a fence or tag at the very start is an answer, too
    start: Any = (b"", 0)  # the first bytes while they decide, else None; bytes of the mark

    def feed(self, local: Any, data: bytes) -> tuple[Any, bytes | None] | None:
        head, matched = local
        end = None
        for place, byte in enumerate(data):
            matched = _grow(matched, byte, self.until)
            if matched == len(self.until):
                end = place + 1
                break
        if head is not None:
            head = (head + data[:end]).lstrip(_BLANKS)
            if self._answers(head):
                return None
            head = head if len(head) < _HEAD else None
        return (head, matched), data[end:] if end is not None else None

    def _answers(self, head: bytes) -> bool:
        text = head.decode(errors="ignore")
        if self.marked and _MARKS.match(text):
            return True
        return _FROM.match(text) is not None or looks_like_sql(text)

    def stops(self, local: Any) -> bool:
        return False

    def rest(self, local: Any) -> bytes:
        return self.until[local[1] :]

    def leaves(self, local: Any, data: bytes) -> bool:
        """Tell whether the bytes go on with the mark, or end it."""
        rest = self.rest(local)
        return data.startswith(rest) or rest.startswith(data)


@dataclass(frozen=True, slots=True)
class Words:
    """One of a few fixed texts, none of which begins another."""

    options: tuple[bytes, ...]  # the first is the one that an ending takes
    lead: bytes = b""  # what an ending writes before it
    blanks: bytes = _BLANKS  # bytes that may stand before it
    optional: bool = False  # the answer may end before it
    start: Any = b""

    def feed(self, local: Any, data: bytes) -> tuple[Any, bytes | None] | None:
        text = local + (data if local else data.lstrip(self.blanks))
        for option in self.options:
            if text.startswith(option):
                return option, text[len(option) :]
        return (text, None) if any(o.startswith(text) for o in self.options) else None

    def stops(self, local: Any) -> bool:
        return self.optional and not local

    def rest(self, local: Any) -> bytes:
        if not local:
            return self.lead + self.options[0]
        return min((o for o in self.options if o.startswith(local)), key=len)[len(local) :]


@dataclass(frozen=True, slots=True)
class Tail:
    """Nothing but a few blanks."""

    start: Any = 0

    def feed(self, local: Any, data: bytes) -> tuple[Any, bytes | None] | None:
        count = local + len(data)
        return (count, None) if count <= _MOST_BLANKS and not data.strip(_BLANKS) else None

    def stops(self, local: Any) -> bool:
        return True

    def rest(self, local: Any) -> bytes:
        return b""


@dataclass(frozen=True, slots=True)
class Sql:
    """SQL that the checker lets through, until a mark where the format has one.

    A place is (state, quote, matched, ends, barred): the checker's state, None where only the mark
    may go on; what the text stands in as `sqltext.find_end` reads it; how much of the mark has been
    read, and whether SQL could end before it; how much of `never` has been read.
    """

    checker: "Checker"
    mark: bytes = b""  # ends the SQL wherever it stands outside quotes and comments
    must_close: bool = False  # a fence that is left open and holds another in quotes is misread
    never: bytes = b""  # may not stand anywhere, for the sake of who reads the answer
    begun: bytes = b""  # what the prompt has already written of it
    special: re.Pattern[bytes] | None = field(init=False)
    start: Any = field(init=False)

    def __post_init__(self) -> None:
        state: Any = self.checker.start
        if self.begun:
            state = self.checker.step(state, self.begun)
        object.__setattr__(self, "start", self.place(state))
        watched = (b"'\"`/-" if self.mark else b"") + self.mark[:1] + self.never[:1]
        special = re.compile(b"[" + re.escape(watched) + b"]") if watched else None
        object.__setattr__(self, "special", special)

    def feed(self, local: Any, data: bytes) -> tuple[Any, bytes | None] | None:
        state = self.plain_state(local)
        if state is not None and (self.special is None or self.special.search(data) is None):
            state = self.checker.step(state, data)
            return None if state is None else (self.place(state), None)
        return self._feed_slowly(local, data)

    @staticmethod
    def place(state: Any) -> Any:
        """Return the place outside quotes and marks at which the checker is in a state."""
        return state, b"", 0, False, 0

    def plain_state(self, local: Any) -> Any:
        """Return the checker's state where nothing but it decides what may follow; else None."""
        state, quote, matched, _, barred = local
        return None if quote or matched or barred else state

    def _feed_slowly(self, local: Any, data: bytes) -> tuple[Any, bytes | None] | None:
        state, quote, matched, ends, barred = local
        for place, number in enumerate(data):
            byte = data[place : place + 1]
            if self.never:
                barred = _grow(barred, number, self.never)
                if barred == len(self.never):
                    return None
            if self.mark:
                if matched and number == self.mark[matched]:
                    matched += 1
                elif quote in _OUTSIDE and number == self.mark[0]:
                    matched, ends = 1, state is not None and self.checker.may_end(state)
                else:
                    matched, ends = 0, False
                if matched == len(self.mark):
                    return (local, data[place + 1 :]) if ends else None
                quote = _inside(quote, byte)
            state = None if state is None else self.checker.step(state, byte)
            if state is None and not ends:
                return None
        return (state, quote, matched, ends, barred), None

    def stops(self, local: Any) -> bool:
        return not self.must_close and local[0] is not None and self.checker.may_end(local[0])

    def rest(self, local: Any) -> bytes:
        state, _, matched, ends, _ = local
        if ends:
            return self.mark[matched:]
        return self.checker.completion(state) + (b"\n" + self.mark if self.mark else b"")


def _inside(quote: bytes, byte: bytes) -> bytes:
    """Return what the text stands in behind a byte: a quote, a comment, or nothing (`_OUTSIDE`)."""
    if quote in _QUOTES:
        return b"" if byte == quote else quote
    if quote == b"--":
        return b"" if byte == b"\n" else quote
    if quote in (b"/*", b"/**"):
        closes = quote == b"/**" and byte == b"/"
        return b"" if closes else b"/**" if byte == b"*" else b"/*"
    if quote + byte in (b"--", b"/*"):
        return quote + byte
    return byte if byte in _QUOTES or byte in _OUTSIDE else b""


def make_ways(
    answer_format: str, checker: "Checker", *, db_id: str = "", begun: str = ""
) -> tuple[tuple[Piece, ...], ...]:
    """Return the ways to write an answer; see the readers of `prompting.answers`.

    Args:
        answer_format: a name in `ANSWERS`.
        checker: of the schema.
        db_id: for an answer format that names the database.
        begun: what the prompt has already written of the SQL.

    Raises:
        KeyError: no ways are known for the answer format.
    """
    sql, tail, fenced = Sql(checker), Tail(), Sql(checker, _FENCE, must_close=True)
    fence = Words(tuple(_FENCE + language for language in _LANGUAGES), b"\n")
    tag, tag_end = Words((b"<answer>",), b"\n"), Words((b"</answer>",), b"\n", optional=True)
    thought = Reasoning(_THOUGHT, marked=True)
    # Without reasoning, its mark would be looked for in the SQL.
    at_once = Sql(checker, never=_THOUGHT)
    fenced_at_once = replace(fenced, never=_THOUGHT)
    ways: dict[str, tuple[tuple[Piece, ...], ...]] = {
        "plain": ((sql,),),
        "pointers": ((sql,),),
        "select": ((Sql(checker, begun=begun.encode()),),),
        "picard": ((Words((f"{db_id} |".encode(),)), sql),),
        "open_fence": ((Sql(checker, _FENCE), tail),),
        "sql_marks": ((Sql(checker, b"[/SQL]"), tail),),
        "fence": ((Reasoning(_FENCE), Words(_LANGUAGES, blanks=b""), fenced, tail), (sql,)),
        "after_think": (
            (thought, fence, fenced, tail),
            (fence, fenced_at_once, tail),
            (at_once,),
        ),
        "answer_tags": (
            (thought, tag, fence, fenced, tag_end, tail),
            (tag, fence, fenced_at_once, tag_end, tail),
            (fence, fenced_at_once, tail),
            (at_once,),
        ),
    }
    return ways[answer_format]
