"""Read a text again by the checker's grammar, a lexeme at a time: what each was read as, and where.

    >>> read, stopped = replay(checker, lexemes(checker, "SELECT name FROM custmers"))
    >>> [terminal.name for terminal in read], stopped.text
    (['SELECT', '<column>', 'FROM'], 'custmers')

The checker itself reads bytes and keeps no lexemes. `rewriting` and `faults` need them.

Covered: comments, literals, names in any quotes of the dialect; each terminal with the places
before and behind it and the actions that it set off.
Not covered: lexemes that may only stand apart from their neighbours: each is read alone.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from text2sql.decoding.checking import lexer
from text2sql.decoding.checking.grammar import Grammar
from text2sql.decoding.checking.lexer import Place
from text2sql.decoding.checking.machine import CLASSES as TOKEN_CLASSES
from text2sql.decoding.checking.machine import Shift
from text2sql.decoding.checking.names import CLASSES as NAME_CLASSES

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker


class Lexeme(NamedTuple):
    """A piece of text that is read at once."""

    kind: str  # word, number, string, blob, quoted, sign, comment, unclosed or end
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


# Operators of more than one letter that not every dialect has.
_SIGNS = (("whole_division", "//"), ("regex", r"!~\*|!~|~\*"), ("named_arguments", "=>"))


@cache
def _pattern(
    openers: frozenset[int], features: frozenset[str], hex_numbers: bool
) -> re.Pattern[str]:
    hexadecimal = "0[xX][0-9a-fA-F]+|" if hex_numbers else ""
    blob = "(?P<blob>[xX]'[^']*') |" if "blobs" in features else ""
    signs = "".join(f"{sign}|" for feature, sign in _SIGNS if feature in features)
    bracket = r"|\[[^\]]*\]" if ord("[") in openers else ""
    backtick = "|`(?:[^`]|``)*`" if ord("`") in openers else ""
    return re.compile(
        rf"""(?P<blank>[ \t\n\r]+) | (?P<comment>--[^\n]*\n?|/\*.*?\*/)
        | {blob} (?P<number>{hexadecimal}(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
        | (?P<word>[A-Za-z0-9_\u0080-\U0010ffff]+) | (?P<string>'(?:[^']|'')*')
        | (?P<quoted>"(?:[^"]|"")*"{backtick}{bracket}) | (?P<unclosed>(?:['"`]|/\*).*)
        | (?P<sign>{signs}->>|->|\|\||<=|>=|<>|!=|==|<<|>>|::|.)""",
        re.VERBOSE | re.DOTALL | re.ASCII,
    )


def lexemes(checker: "Checker", sql: str) -> Iterator[Lexeme]:
    """Yield the lexemes of a text, comments too, and an empty one at its end."""
    dialect = checker.dialect
    pattern = _pattern(frozenset(checker.quotes), dialect.features, dialect.hex_numbers)
    before, place = Lexeme("end", 0, ""), 0
    while (match := pattern.match(sql, place)) is not None:
        kind, text = str(match.lastgroup), match[0]
        if kind == "number" and text[0] == "." and place and _is_name(checker, before, place):
            kind, text = "sign", "."  # of T1.2nd; SELECT.5 has a number
        place += len(text)
        if kind != "blank":
            before = Lexeme(kind, place - len(text), text)
            yield before
    yield Lexeme("end", len(sql), "")


def _is_name(checker: "Checker", lexeme: Lexeme, end: int) -> bool:
    """Tell whether a lexeme that ends at a place is a name rather than a keyword."""
    keyword = lexeme.kind == "word" and lexeme.text.upper() in _keywords(checker.grammar)
    return lexeme.end == end and lexeme.kind in ("word", "quoted") and not keyword


@cache
def _keywords(grammar: Grammar) -> frozenset[str]:
    bodies = chain.from_iterable(grammar.alternatives.values())
    return frozenset(symbol for symbol in chain.from_iterable(bodies) if symbol.isupper())


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
    if lexeme.kind == "blob":
        yield "BLOB", None
    if lexeme.kind == "string":
        kept = text[1:-1].replace("''", "'").encode()
        strings = terminals & {"STRING", "ARROW_KEY", "STRING_INTERVAL", "ESCAPE_STRING"}
        yield from ((terminal, kept) for terminal in sorted(strings))
        if checker.dialect.string_alias:
            name = checker.dialect.fold(kept, quoted=True), 3
            yield from ((t, name) for t in ("<alias>", "<member>", "<table>") if t in terminals)


def quoting(lexeme: Lexeme) -> int:
    """Return how a name is written: 0 bare, 1 in double quotes, 2 in others."""
    return 0 if lexeme.kind == "word" else 1 if lexeme.text[0] == '"' else 2


def folded(checker: "Checker", lexeme: Lexeme) -> bytes:
    """Return the key of the name that a word or a name in quotes is."""
    text = lexeme.text
    if lexeme.kind == "quoted":
        close = text[-1]
        text = text[1:-1] if close == "]" else text[1:-1].replace(close * 2, close)
    return checker.dialect.fold(text.encode(), quoted=lexeme.kind == "quoted")
