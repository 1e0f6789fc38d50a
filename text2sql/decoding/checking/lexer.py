"""From bytes to terminals, a token of a model at a time, wherever that token begins and ends.

    READY -> WORD -> READY -> STRING -> STRING_END -> ...

A lexeme is handed to the parser when the byte after it is known, and is let in only while some
legal lexeme begins so: `SELE` is fine where SELECT is.

Covered: words, numbers, strings, blobs (`x'00ff'`), names in the dialect's quotes, operators,
comments; UTF-8 that a token cuts in two.
Not covered: strings with a letter of their own before the quote.
"""

import re
from functools import cache, lru_cache
from itertools import product
from typing import Any, Protocol

READY, WORD, NUMBER, STRING, STRING_END, QUOTED, QUOTED_END, SIGN, LINE, BLOCK = range(10)
BLOB, BLOB_END = 10, 11
_WORD_RUN = re.compile(rb"[A-Za-z0-9_\x80-\xff]+")
_DIGITS = re.compile(rb"[0-9]+")
_HEX = re.compile(rb"[0-9a-fA-F]*")
_BLANKS = re.compile(rb"[ \t\n\r]+")
_NUMBER = re.compile(rb"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|0x[0-9a-f]{1,15}", re.IGNORECASE)
_NUMBER_BEGUN = re.compile(
    rb"(\d+(\.\d*)?|\.\d+)([eE]([+-]?\d*)?)?|\.|0x[0-9a-f]{0,15}", re.IGNORECASE
)
_WORD_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") | set(
    range(0x80, 0x100)
)
_SPACES = frozenset(b" \t\n\r")
# Marks that neither quote nor begin a comment.
_LEXEME = re.compile(
    rb"([ \t\n\r]*)(?:([A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)|([,.()*=<>+%|&;]))"
)
_INSIDE = frozenset({STRING, QUOTED, LINE, BLOCK, BLOB})
# In which modes a word or mark without a blank before it is a lexeme of its own, or goes on.
_BEFORE = {
    WORD: frozenset({READY, WORD, SIGN}),
    SIGN: frozenset({READY, WORD, STRING_END, QUOTED_END, BLOB_END}),
}
_QUOTE = ord("'")
BRACKETED = 4  # how a name is written: in brackets, which it cannot have
_PREFIXES = frozenset({b"x", b"n"})  # a quotation mark that touches one begins no plain string
_LONG_SIGNS = frozenset(b"~!@#%^&|`?")  # with one of these an operator may end in + or -
MAX_NUMBER, MAX_DIGITS = 40, 18

# place in the statement: (stack, frame, held)
Place = tuple[Any, Any, Any]
# what is being read: (place, mode, text)
Reading = tuple[Place, int, Any]


class Parser(Protocol):
    """What the lexer asks of the checker."""

    quotes: dict[int, int]
    touching: bool  # a word and a quotation mark may touch
    long_signs: bool  # `||-` is an operator of its own

    def finish(self, reading: Reading) -> Place | None: ...
    def word(self, place: Place, text: bytes) -> Place | None: ...
    def word_begins(self, place: Place, text: bytes) -> bool: ...
    def name(self, place: Place, text: bytes, quoted: int) -> Place | None: ...
    def name_begins(self, place: Place, text: bytes, quoted: int) -> bool: ...
    def number(self, place: Place, text: bytes) -> Place | None: ...
    def number_begins(self, place: Place, text: bytes) -> bool: ...
    def string(self, place: Place, text: bytes | None) -> Place | None: ...
    def string_begins(self, place: Place, text: bytes | None) -> bool: ...
    def blob(self, place: Place) -> Place | None: ...
    def string_matters(self, place: Place) -> bool: ...
    def comment_begins(self, place: Place) -> bool: ...
    def sign(self, place: Place, text: bytes) -> Place | None: ...
    def sign_begins(self, place: Place, text: bytes) -> bool: ...


def feed(parser: Parser, reading: Reading, data: bytes) -> Reading | None:
    """Return what is being read after some bytes; None where no legal text continues so."""
    place, mode, text = reading
    if mode not in _INSIDE:
        lexeme = _one_lexeme(data)
        if lexeme is not None and (lexeme[0] or mode in _BEFORE[lexeme[1]]):
            return _feed_lexeme(parser, reading, *lexeme)
    index, end = 0, len(data)
    while index < end:
        byte = data[index]
        if mode == READY:
            if byte in _SPACES:
                index = _BLANKS.match(data, index).end()  # type: ignore[union-attr]
                continue
            begun = _begin(parser, place, data, index)
            if begun is None:
                return None
            (place, mode, text), index = begun
            continue
        if mode == WORD:
            if byte in _WORD_BYTES:
                index_end = _WORD_RUN.match(data, index).end()  # type: ignore[union-attr]
                text += data[index:index_end].lower()
                index = index_end
                if index == end and not parser.word_begins(place, text):
                    return None
                continue
            if byte == _QUOTE and text == b"x" and parser.blob(place) is not None:
                mode, text, index = BLOB, False, index + 1
                continue
            if byte == _QUOTE and text in _PREFIXES:
                return None
            if (byte == _QUOTE or byte in parser.quotes) and not parser.touching:
                return None
        elif mode == STRING:
            string = _in_string(parser, place, text, data, index)
            if string is None:
                return None
            (mode, text), index = string
            continue
        elif mode == STRING_END:
            if byte == _QUOTE:
                kept, partial = text
                text = (kept + b"'" if kept is not None else None, partial)
                if not parser.string_begins(place, text[0]):
                    return None
                mode, index = STRING, index + 1
                continue
            if byte in _WORD_BYTES and not parser.touching:
                return None
        elif mode == BLOB:
            blob = _in_blob(text, data, index)
            if blob is None:
                return None
            (mode, text), index = blob
            continue
        elif mode == BLOB_END:
            if byte == _QUOTE or byte in _WORD_BYTES:
                return None
        elif mode == QUOTED:
            quoted = _in_quotes(parser, place, text, data, index)
            if quoted is None:
                return None
            (mode, text), index = quoted
            continue
        elif mode == QUOTED_END:
            opener, kept = text
            if byte == parser.quotes[opener] and opener != ord("["):
                kept += bytes((byte,))
                if not parser.name_begins(place, kept, _quoting(opener)):
                    return None
                mode, text, index = QUOTED, (opener, kept), index + 1
                continue
            if byte in _WORD_BYTES and not parser.touching:
                return None
        elif mode == NUMBER:
            longer = text + data[index : index + 1]
            if _NUMBER_BEGUN.fullmatch(longer):
                if len(longer) > MAX_NUMBER or not parser.number_begins(place, longer.lower()):
                    return None
                text, index = longer.lower(), index + 1
                continue
            if byte in _WORD_BYTES or byte == ord("."):
                return None
        elif mode == SIGN:
            longer = text + data[index : index + 1]
            if longer in (b"--", b"/*") and parser.comment_begins(place):
                mode, text, index = (LINE if longer == b"--" else BLOCK), b"", index + 1
                continue
            if parser.sign_begins(place, longer):
                text, index = longer, index + 1
                continue
            if longer == b"~~" or _are_one(parser, text, longer[-1:]):
                return None  # to sqlglot `~~` is LIKE, also where two signs are meant
        elif mode == LINE:
            newline = data.find(b"\n", index)
            if newline < 0:
                return _comment(place, mode, text, data[index:])
            if cut(text + data[index:newline]) != b"":
                return None
            mode, text, index = READY, None, newline + 1
            continue
        elif mode == BLOCK:
            block = _in_block(text, data, index)
            if block is None:
                return None
            (mode, text), index = block
            continue
        closed = parser.finish((place, mode, text))
        if closed is None:
            return None
        place, mode, text = closed, READY, None
    return place, mode, text


@lru_cache(maxsize=1 << 16)
def _one_lexeme(data: bytes) -> tuple[bool, int, bytes] | None:
    """Return (whether blanks come first, mode, text) of what is one word or mark; else None."""
    found = _LEXEME.fullmatch(data)
    if found is None:
        return None
    blanks, word, mark = found.groups()
    return bool(blanks), (SIGN if word is None else WORD), mark if word is None else word.lower()


def _feed_lexeme(
    parser: Parser, reading: Reading, spaced: bool, kind: int, begun: bytes
) -> Reading | None:
    """Read what most tokens are: one word or mark, where what is being read ends or goes on."""
    place, mode, text = reading
    if mode == WORD and kind == WORD and not spaced:
        begun = text + begun
    elif mode == SIGN and not spaced and _are_one(parser, text, begun):
        return None
    elif mode != READY:
        closed = parser.finish(reading)
        if closed is None:
            return None
        place = closed
    begins = parser.word_begins if kind == WORD else parser.sign_begins
    if begins(place, begun):
        return place, kind, begun
    if begun == b"." and parser.number_begins(place, begun):
        return place, NUMBER, begun
    return None


def _are_one(parser: Parser, sign: bytes, mark: bytes) -> bool:
    """Tell whether an engine reads an operator and a sign behind it as one operator.

    Source: the rules of operators in PostgreSQL's manual, section 4.1.3; DuckDB has them too.
    """
    return parser.long_signs and mark in (b"+", b"-") and not _LONG_SIGNS.isdisjoint(sign)


def finish(parser: Parser, reading: Reading) -> Place | None:
    """Hand over what is being read, as if a blank followed."""
    place, mode, text = reading
    if mode == WORD:
        return parser.word(place, text)
    if mode == NUMBER:
        return parser.number(place, text) if _NUMBER.fullmatch(text) else None
    if mode == STRING_END:
        return parser.string(place, text[0])
    if mode == QUOTED_END:
        return parser.name(place, text[1], _quoting(text[0]))
    if mode == BLOB_END:
        return parser.blob(place)
    if mode == SIGN:
        return parser.sign(place, text)
    return place if mode == READY or (mode == LINE and not text) else None


def is_word(text: bytes) -> bool:
    """Tell whether a text is read as one word."""
    return _WORD_RUN.fullmatch(text) is not None and not text[:1].isdigit()


def is_number(text: bytes) -> bool:
    """Tell whether a text is a whole number."""
    return _NUMBER.fullmatch(text) is not None


def _begin(parser: Parser, place: Place, data: bytes, index: int) -> tuple[Reading, int] | None:
    """Return what the byte at an index begins."""
    byte = data[index]
    if byte in _WORD_BYTES and not 48 <= byte <= 57:
        run = _WORD_RUN.match(data, index)
        assert run is not None
        text = run[0].lower()
        if run.end() == len(data) and not parser.word_begins(place, text):
            return None
        return (place, WORD, text), run.end()
    if 48 <= byte <= 57 or (byte == ord(".") and not parser.sign_begins(place, b".")):
        text = data[index : index + 1]
        return ((place, NUMBER, text), index + 1) if parser.number_begins(place, text) else None
    if byte == _QUOTE:
        kept = b"" if parser.string_matters(place) else None
        if not parser.string_begins(place, kept):
            return None
        return (place, STRING, (kept, b"")), index + 1
    if byte in parser.quotes:
        if not parser.name_begins(place, b"", _quoting(byte)):
            return None
        return (place, QUOTED, (byte, b"")), index + 1
    text = data[index : index + 1]
    if not parser.sign_begins(place, text) and not (text in b"-/" and parser.comment_begins(place)):
        return None
    return (place, SIGN, text), index + 1


def _quoting(opener: int) -> int:
    return {ord('"'): 1, ord("["): BRACKETED}.get(opener, 2)


def _in_string(
    parser: Parser, place: Place, text: tuple[bytes | None, bytes], data: bytes, index: int
) -> tuple[tuple[int, Any], int] | None:
    kept, partial = text
    close = data.find(b"'", index)
    run = data[index : close if close >= 0 else len(data)]
    left = cut(partial + run)
    if left is None or (close >= 0 and left):
        return None
    if kept is not None:
        kept += run
        if not parser.string_begins(place, kept):
            return None
    if close < 0:
        return (STRING, (kept, left)), len(data)
    if kept is not None and not _string_may_close(parser, place, kept):
        return None
    return (STRING_END, (kept, b"")), close + 1


def _string_may_close(parser: Parser, place: Place, kept: bytes) -> bool:
    """Tell whether a quote may follow that ends a string, or is doubled, and the string goes on."""
    return parser.string(place, kept) is not None or parser.string_begins(place, kept + b"'")


def _in_quotes(
    parser: Parser, place: Place, text: tuple[int, bytes], data: bytes, index: int
) -> tuple[tuple[int, Any], int] | None:
    opener, kept = text
    close = data.find(bytes((parser.quotes[opener],)), index)
    kept += data[index : close if close >= 0 else len(data)]
    left = cut(kept)
    if left is None or not parser.name_begins(place, kept, _quoting(opener)):
        return None
    if close < 0:
        return (QUOTED, (opener, kept)), len(data)
    if left or not _may_close(parser, place, opener, kept):
        return None
    return (QUOTED_END, (opener, kept)), close + 1


def _may_close(parser: Parser, place: Place, opener: int, kept: bytes) -> bool:
    """Tell whether a mark may follow that ends a name, or that is doubled, and the name goes on."""
    if parser.name(place, kept, _quoting(opener)) is not None:
        return True
    longer = kept + bytes((parser.quotes[opener],))
    return opener != ord("[") and parser.name_begins(place, longer, _quoting(opener))


def _in_blob(half: bool, data: bytes, index: int) -> tuple[tuple[int, Any], int] | None:
    """Read hexadecimal digits, two for a byte; `half` says that one of them waits for the other."""
    end = _HEX.match(data, index).end()  # type: ignore[union-attr]
    half ^= bool((end - index) % 2)
    if end == len(data):
        return (BLOB, half), end
    return None if half or data[end] != _QUOTE else ((BLOB_END, None), end + 1)


def _comment(place: Place, mode: int, partial: bytes, run: bytes) -> Reading | None:
    left = cut(partial + run)
    return None if left is None else (place, mode, left)


def _in_block(text: bytes, data: bytes, index: int) -> tuple[tuple[int, Any], int] | None:
    """Read a `/* */` comment: no other may begin in it (sqlglot nests them), no `+` begins it."""
    run = text + data[index:]
    if text == b"" and run.startswith(b"+"):
        return None
    close = run.find(b"*/")
    inside = run if close < 0 else run[:close]
    if b"/*" in inside:
        return None
    left = cut(inside)
    if left is None or (close >= 0 and left):
        return None
    if close >= 0:
        return (READY, None), index + close + 2 - len(text)
    if left:
        return (BLOCK, b"." + left), len(data)
    return (BLOCK, inside[-1:] if inside[-1:] in (b"*", b"/") else b"."), len(data)


def cut(text: bytes) -> bytes | None:
    """Return the bytes of a character that UTF-8 text ends within; None for what is no UTF-8."""
    if b"\0" in text:
        return None
    try:
        text.decode()
    except UnicodeDecodeError as error:
        whole = error.reason == "unexpected end of data" and error.end == len(text)
        return text[error.start :] if whole else None
    return b""


def whole_size(text: bytes) -> int:
    """Return how many bytes a text has once the character that it ends within is whole."""
    left = cut(text)
    return len(text) + (_size(left[0]) - len(left) if left else 0)


def _size(lead: int) -> int:
    """Return how many bytes a character has that begins with a byte beyond ASCII."""
    return next(size for size, end in ((2, 0xE0), (3, 0xF0), (4, 0x100)) if lead < end)


@cache
def letter_end(partial: bytes, *, first: bool) -> bytes | None:
    """Return bytes that make a cut character one that names have; None where none begins so.

    Args:
        partial: the bytes of the character that are there.
        first: whether the name begins with it.
    """
    before = "" if first else "x"
    for tail in product(range(0x80, 0xC0), repeat=_size(partial[0]) - len(partial)):
        try:
            character = (partial + bytes(tail)).decode()
        except UnicodeDecodeError:
            continue
        if (before + character).isidentifier():
            return bytes(tail)
    return None
