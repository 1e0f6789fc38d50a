"""What may come next, written out: for completions, for random walks, for explanations.

    >>> [option.text for option in options(checker, place)][:3]
    [b'*', b'(', b'count']

Covered: keywords, signs, names in sight, names that are given, literals.
Not covered: every literal: there are one or a few of each sort.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, count
from typing import TYPE_CHECKING, Any, NamedTuple

from text2sql.decoding.checking.frames import Block, Query
from text2sql.decoding.checking.lexer import Place
from text2sql.decoding.checking.lookups import DERIVED
from text2sql.decoding.checking.machine import CLASSES as TOKEN_CLASSES
from text2sql.decoding.checking.names import CLASSES as NAME_CLASSES
from text2sql.decoding.checking.names import GIVEN
from text2sql.decoding.checking.obligations import FRESH
from text2sql.decoding.checking.scope import CALL_LIMIT

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker

LITERALS = {
    "NUMBER": (b"1",),
    "<count>": (b"1",),
    "STRING": (b"''",),
    "ARROW_KEY": (b"0",),
    "ESCAPE_STRING": (b"'!'",),
    "STRING_INTERVAL": (b"'1 day'",),
}


# Where a literal must be a unit, a format, a date or a position.
TYPED_LITERALS = {
    "STRING": (b"''", b"'day'", b"'%Y'", b"'2000-01-01'", b"'00:00'", b"'UTC'"),
    "NUMBER": (b"1", b"2", b"3"),
    "ARROW_KEY": (b"'a'",),
}


class Option(NamedTuple):
    """One terminal that is legal, how it is written, and where it leads."""

    terminal: str
    text: bytes
    place: Place


def options(checker: "Checker", place: Place) -> Iterator[Option]:
    """Yield what may come next between two lexemes."""
    for terminal in sorted(place[0].terminals):
        yield from written(checker, place, terminal)


def written(
    checker: "Checker", place: Place, terminal: str, *, functions: bool = True
) -> Iterator[Option]:
    """Yield the ways to write one terminal that are legal: names of the schema, one literal.

    Args:
        checker: knows the schema.
        place: where the text stands, between two lexemes.
        terminal: one of the place's.
        functions: count their names among those of columns.
    """
    if terminal in NAME_CLASSES:
        yield from _names(checker, place, terminal, functions)
    elif terminal in LITERALS:
        yield from _literals(checker, place, terminal)
    elif terminal == "BLOB":
        after = checker.blob(place)
        yield from [Option(terminal, b"x''", after)] if after is not None else []
    elif terminal not in TOKEN_CLASSES:
        after = checker.shift(place, terminal)
        if after is not None:
            yield Option(terminal, terminal.encode(), after)


def _literals(checker: "Checker", place: Place, terminal: str) -> Iterator[Option]:
    typed = checker.dialect.typed
    common = TYPED_LITERALS.get(terminal, LITERALS[terminal]) if typed else LITERALS[terminal]
    for text in (*_stored(checker, place), *_position(checker, place), *common):
        is_string = text[:1] == b"'"
        kept = text[1:-1].replace(b"''", b"'") if is_string else text
        if is_string == (terminal in ("NUMBER", "<count>")):
            continue
        after = checker.string(place, kept) if is_string else checker.number(place, kept)
        if after is not None:
            yield Option(terminal, text, after)


def _stored(checker: "Checker", place: Place) -> list[bytes]:
    """Return a stored value where only such may stand, as a number or string."""
    origin = checker.compared(place)
    shortest = checker.literals.shortest(origin, b"") if origin and checker.literals else None
    if shortest is None:
        return []
    return [shortest, b"'" + shortest.replace(b"'", b"''") + b"'"]


def _position(checker: "Checker", place: Place) -> list[bytes]:
    """Return the first position that ORDER BY of a set operation may take."""
    frame = place[1]
    if not isinstance(frame, Block) or frame.phase != "compound":
        return []
    outputs = enumerate(checker.scope.query_of(frame).outputs, start=1)
    return [b"%d" % number for number, output in outputs if output.counted][:1]


def _names(checker: "Checker", place: Place, terminal: str, functions: bool) -> Iterator[Option]:
    cell, frame, held = place
    if terminal in GIVEN:
        found: Iterable[bytes] = _given(checker, frame, held)
    else:
        depth = cell.depth if functions else CALL_LIMIT
        known = checker.names.known(terminal, frame, held, b"", depth)
        found = dict.fromkeys((*known, b"x") if terminal == "<member>" else known)
    for name in found:
        for written, quoted in ((name, 0), (quote(checker, name), 2)):
            if quoted == 0 and not is_plain(name):
                continue
            after = checker.written_name(place, name, quoted)
            if after is not None:
                yield Option(terminal, written, after)
                break


def begun_names(
    checker: "Checker", place: Place, text: bytes, *, quoted: bool = False
) -> list[bytes]:
    """Return the names that are owed or known, and longer than a beginning; the shortest first."""
    cell, frame, held = place
    depth = CALL_LIMIT if quoted else cell.depth  # functions have no quotes
    found: set[bytes] = set()
    for terminal in cell.names:
        if terminal in GIVEN:
            found.update(_given(checker, frame, held))
        else:
            found.update(checker.names.known(terminal, frame, held, text, depth))
    owed = {*_of_rows(checker, frame, held), *_owed(frame)}
    longer = (name for name in found if name.startswith(text) and len(name) > len(text))
    return sorted(longer, key=lambda name: (name not in owed, len(name), name))


def _of_rows(checker: "Checker", frame: Any, held: Any) -> list[bytes]:
    """Return the names that the next column of rows in FROM may well have."""
    rows = checker.actions.row_names(frame, held) if held and held[0] == "rows as" else ()
    return [name for name in rows if name != FRESH]


def _owed_around(frame: Any) -> set[bytes]:
    """Return the plain names that the FROM around a derived table owes: an alias may not fit."""
    query = frame.parent if isinstance(frame, Block) else None
    if not isinstance(query, Query) or query.role not in DERIVED:
        return set()
    return {r.name for r in query.parent.pending if r.qualifier is None}


def _given(checker: "Checker", frame: Any, held: Any) -> list[bytes]:
    owed = [*_of_rows(checker, frame, held), *_owed(frame)]
    names = [*checker.dialect.aliases_shown, b"x", b"y", free_name(frame)]
    around = _owed_around(frame)
    return owed + sorted(names, key=lambda name: name in around)


def free_name(frame: Any) -> bytes:
    """Return a name that no source, window, CTE or column that a frame knows of has."""
    taken: set[bytes | None] = set()
    if isinstance(frame, Block):
        taken = {source.name for source in frame.sources} | {r.qualifier for r in frame.pending}
        taken |= {name for name, _ in frame.windows}
    elif isinstance(frame, Query):
        taken = {frame.cte, *frame.columns, *(name for name, _ in frame.names)}
    names = chain((b"t", b"u", b"v"), map(b"t%d".__mod__, count()))
    return next(name for name in names if name not in taken)


def _owed(frame: Any) -> list[bytes]:
    if not isinstance(frame, Block):
        return []
    windows = [name for name, defined in sorted(frame.windows) if not defined]
    return windows + sorted({r.qualifier for r in frame.pending if r.qualifier})


def is_plain(name: bytes) -> bool:
    """Tell whether a name could stand without quotes, were it no reserved word."""
    return name.isascii() and name == name.lower() and name.decode().isidentifier()


def quote(checker: "Checker", name: bytes) -> bytes:
    """Return a name in quotes that never make it a string; b"" where that cannot be written."""
    mark = b'"' if not checker.dialect.string_fallback else b"`"
    return mark + name.replace(mark, mark + mark) + mark
