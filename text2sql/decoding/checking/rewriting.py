"""Turn text whose SELECTs begin with FROM into ordinary SQL and back, by the checker's own grammar.

    >>> to_sql(checker, "FROM singer AS T1 SELECT T1.name WHERE T1.age > 30")
    'SELECT T1.name FROM singer AS T1 WHERE T1.age > 30'

The text is read again, a lexeme at a time; where a SELECT list ends, what FROM says is put behind
it. `replay` shows each terminal with its place; `faults` builds on it too.

Covered: every SELECT, however deep; comments; all else stays byte for byte, with one space where
two parts meet.
Not covered: text that the checker does not accept.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from text2sql.decoding.checking import lexer
from text2sql.decoding.checking.lexer import Place
from text2sql.decoding.checking.machine import CLASSES as TOKEN_CLASSES
from text2sql.decoding.checking.machine import Shift
from text2sql.decoding.checking.names import CLASSES as NAME_CLASSES

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker


class Lexeme(NamedTuple):
    """A piece of text that is read at once."""

    kind: str  # word, number, string, quoted, sign, comment, unclosed or end
    start: int
    text: str

    @property
    def end(self) -> int:
        """The position behind it."""
        return self.start + len(self.text)


class Terminal(NamedTuple):
    """A lexeme that was read, as what, and the places before and behind it."""

    name: str
    lexeme: Lexeme
    before: Place
    after: Place
    shift: Shift  # the actions that it set off


class Move(NamedTuple):
    """Two neighbouring parts of a text that change places."""

    start: int  # of the first part
    first_end: int
    second: int  # start of the second part
    end: int


def to_sql(checker: "Checker", text: str) -> str:
    """Return the ordinary SQL that a text stands for.

    Args:
        checker: the one that the text was written under; of "select-first", it returns the text.
        text: one that the checker accepts.

    Raises:
        ValueError: the checker does not accept the text.
    """
    if checker.order == "select-first":
        return text
    return _exchange(text, _moves(_read(checker, text), _FROM_FIRST))


def to_from_first(checker: "Checker", sql: str) -> str:
    """Return ordinary SQL with FROM before SELECT, as a "from-first" checker reads it.

    Args:
        checker: one that accepts the SQL, of "select-first".
        sql: an ordinary query, such as gold SQL that a model is to learn from.

    Raises:
        ValueError: the checker does not accept the SQL.
    """
    return _exchange(sql, _moves(_read(checker, sql), _SELECT_FIRST))


def _read(checker: "Checker", text: str) -> list[Terminal]:
    read, stopped = replay(checker, lexemes(checker, text))
    if stopped is not None or not checker.accepts(text):
        raise ValueError(f"the checker does not accept {text!r}")
    return read


# The actions that begin the first part, begin the second, and follow it: those of the grammar.
_FROM_FIRST = ("from_first", "select_after", "end_items")
_SELECT_FIRST = ("select", "from", "close_from")


def _moves(read: list[Terminal], actions: tuple[str, str, str]) -> Iterator[Move]:
    """Yield what changes places: FROM with its sources, and SELECT with its list."""
    first, second, close = actions
    open_blocks: list[list[tuple[int, int]]] = []  # (start of a part, end of what is before it)
    behind = 0
    for terminal in read:
        shift = terminal.shift
        if close in shift.before:
            (start, _), (middle, first_end) = open_blocks.pop()
            yield Move(start, first_end, middle, behind)
        if "no_from" in shift.before and first == "select":
            open_blocks.pop()
        if first in shift.after:
            open_blocks.append([(terminal.lexeme.start, behind)])
        if second in shift.after:
            open_blocks[-1].append((terminal.lexeme.start, behind))
        behind = terminal.lexeme.end


def _exchange(text: str, moves: Iterable[Move]) -> str:
    """Return a text with every two parts exchanged; one move may lie within a part of another."""
    return _part(text, sorted(moves), 0, len(text))


def _part(text: str, moves: list[Move], start: int, end: int) -> str:
    inside = [move for move in moves if start <= move.start and move.end <= end]
    written = ""
    while inside:
        move = inside[0]
        written += text[start : move.start]
        written += _part(text, inside, move.second, move.end)
        written += _gap(text[move.first_end : move.second])
        # the move itself does not lie within its parts
        written += _part(text, inside, move.start, move.first_end)
        written += "" if _parted(text[move.end : move.end + 1]) else " "
        start = move.end
        inside = [other for other in inside if other.start >= start]
    return written + text[start:end]


def _gap(between: str) -> str:
    """Return what stands between two parts: a comment with its blanks, else one space."""
    return between if between.strip() else " "


def _parted(following: str) -> bool:
    return not following or following.isspace() or following in "),;-/"


# --- reading a text again --------------------------------------------------------------------


@cache
def _pattern(openers: frozenset[int]) -> re.Pattern[str]:
    bracket = r"|\[[^\]]*\]" if ord("[") in openers else ""
    backtick = "|`(?:[^`]|``)*`" if ord("`") in openers else ""
    return re.compile(
        rf"""(?P<blank>[ \t\n\r]+) | (?P<comment>--[^\n]*\n?|/\*.*?\*/)
        | (?P<number>(?:\d+(?:\.\d*)?|(?<![\w"`\]])\.\d+)(?:[eE][+-]?\d+)?)
        | (?P<word>[A-Za-z0-9_\u0080-\U0010ffff]+) | (?P<string>'(?:[^']|'')*')
        | (?P<quoted>"(?:[^"]|"")*"{backtick}{bracket}) | (?P<unclosed>(?:['"`]|/\*).*)
        | (?P<sign>->>|->|\|\||<=|>=|<>|!=|==|<<|>>|::|.)""",
        re.VERBOSE | re.DOTALL | re.ASCII,
    )


def lexemes(checker: "Checker", sql: str) -> Iterator[Lexeme]:
    """Yield the lexemes of a text, comments too, and an empty one at its end."""
    for match in _pattern(frozenset(checker.quotes)).finditer(sql):
        if match.lastgroup != "blank":
            yield Lexeme(str(match.lastgroup), match.start(), match[0])
    yield Lexeme("end", len(sql), "")


def replay(checker: "Checker", found: Iterable[Lexeme]) -> tuple[list[Terminal], Lexeme | None]:
    """Read lexemes one after another.

    Returns:
        The terminals that were read, and the lexeme that was refused; None where all were read.
    """
    read: list[Terminal] = []
    place: Place = checker.start.reading[0]
    for lexeme in found:
        after = _read_one(checker, place, lexeme)
        if after is None:
            return read, lexeme
        if lexeme.kind != "comment":
            name = _name_of(checker, place, lexeme, after)
            shift = checker.machine.shift(place[0], name)
            assert shift is not None
            read.append(Terminal(name, lexeme, place, after, shift))
            place = after
    return read, None


def _read_one(checker: "Checker", place: Place, lexeme: Lexeme) -> Place | None:
    if lexeme.kind == "end":
        return checker.shift(place, "EOT")
    reading = lexer.feed(checker, (place, lexer.READY, None), lexeme.text.encode())
    return None if reading is None else lexer.finish(checker, reading)


def _name_of(checker: "Checker", place: Place, lexeme: Lexeme, after: Place) -> str:
    for terminal, payload in candidates(checker, place, lexeme):
        if checker.shift(place, terminal, payload) == after:
            return terminal
    return "STRING"  # a double-quoted one


def candidates(checker: "Checker", place: Place, lexeme: Lexeme) -> Iterator[tuple[str, Any]]:
    """Yield the terminals of the grammar that a lexeme could be at a place, keywords first."""
    terminals, text = place[0].terminals, lexeme.text
    if lexeme.kind == "end":
        yield "EOT", None
    if lexeme.kind in ("word", "sign") and text.upper() in terminals - TOKEN_CLASSES:
        yield text.upper(), None
    if lexeme.kind in ("word", "quoted"):
        payload = folded(checker, lexeme), quoting(lexeme)
        yield from ((terminal, payload) for terminal in sorted(terminals & NAME_CLASSES))
    if lexeme.kind == "number":
        numbers = (t for t in ("<count>", "ARROW_KEY", "NUMBER") if t in terminals)
        yield from ((terminal, text.lower().encode()) for terminal in numbers)
    if lexeme.kind == "string":
        kept = text[1:-1].replace("''", "'").encode()
        strings = terminals & {"STRING", "ARROW_KEY", "STRING_INTERVAL", "ESCAPE_STRING"}
        yield from ((terminal, kept) for terminal in sorted(strings))
        if "<alias>" in terminals and checker.dialect.string_alias:
            yield "<alias>", (checker.dialect.fold(kept, quoted=True), 3)


def quoting(lexeme: Lexeme) -> int:
    return 0 if lexeme.kind == "word" else 1 if lexeme.text[0] == '"' else 2


def folded(checker: "Checker", lexeme: Lexeme) -> bytes:
    """Return the key of the name that a word or a name in quotes is."""
    text = lexeme.text
    if lexeme.kind == "quoted":
        close = text[-1]
        text = text[1:-1] if close == "]" else text[1:-1].replace(close * 2, close)
    return checker.dialect.fold(text.encode(), quoted=lexeme.kind == "quoted")
