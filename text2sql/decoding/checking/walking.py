"""Random walks through the checker: queries that it lets through, for fuzzing.

    >>> walk(checker, random.Random(1), length=20).text
    'SELECT T1 . name FROM singer AS T1 WHERE ...'

A walk is dead where nothing may come next and the text may not end. It writes whole lexemes that
the grammar names; `stumble` goes on from a text with whatever a model might propose.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from text2sql.decoding.checking.frames import Block
from text2sql.decoding.checking.grammar import Grammar
from text2sql.decoding.checking.lexer import READY, Place, finish
from text2sql.decoding.checking.machine import CLASSES as TOKEN_CLASSES
from text2sql.decoding.checking.names import CLASSES as NAME_CLASSES
from text2sql.decoding.checking.names import GIVEN
from text2sql.decoding.checking.options import LITERALS, is_plain, quote
from text2sql.decoding.checking.scope import CALL_LIMIT

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker, State

_OTHERS = 0.15  # operators, of which there are many
# Of a production that is sought: the weight of a step nearer, symbols ahead that are looked at,
# what a production deeper counts in them, and what is out of reach.
_ATTRACTION, _SIGHT, _DEEPER, _FAR = 3.0, 16, 10, 500
_STEPS_TO_OVER = 2  # from an operand: primary, name_tail, over
_WEIGHTS = {
    "<column>": 4.0, "<member>": 3.0, ".": 2.0, "(": 0.5, "<table>": 3.0, "FROM": 5.0, "*": 0.6,
    ")": 2.5, ",": 0.8, "EOT": 0.8, "WHERE": 1.5, "GROUP": 1.2, "ORDER": 1.2, "LIMIT": 1.0,
    "HAVING": 3.0, "BY": 1.0, "SELECT": 1.0, "JOIN": 0.8, "ON": 3.0, "USING": 2.0, "AS": 0.8,
    "<alias>": 1.0, "<source_alias>": 1.0, "<bare_alias>": 0.15, "<bare_source_alias>": 0.2,
    "AND": 0.6, "=": 0.6, "OVER": 2.0, "FILTER": 1.0, "STRING": 0.4, "NUMBER": 0.4, "WITH": 0.4,
    "DISTINCT": 0.5, "UNION": 0.4, "INTERSECT": 0.3, "EXCEPT": 0.3, "EXISTS": 0.3, "IN": 0.4,
    "THEN": 2.0, "WHEN": 1.0, "END": 2.0, "ELSE": 1.0, "PARTITION": 1.0, "ROWS": 1.0, "RANGE": 1.0,
    "GROUPS": 1.0, "EXCLUDE": 1.0, "NULLS": 1.0, "WINDOW": 1.0, "PRECEDING": 1.0, "FOLLOWING": 1.0,
    "CURRENT": 1.0, "DESC": 0.6,
}  # fmt: skip
_TYPED = {
    "STRING": (
        b"'day'",
        b"'%Y-%m'",
        b"'a.*b'",
        b"'2020-01-31'",
        b"'2020-01-01 10:00:00'",
        b"'UTC'",
    ),
    "STRING_INTERVAL": (b"'3 months'", b"'1'"),
}
_STRINGS = (b"''", b"'a'", b"'it''s %'", b"'2020-01-01'", "'é😀'".encode(), b"'a\nb'")
_BLOBS = (b"x''", b"X'00fF'")
_NUMBERS = (b"0", b"1", b"2", b"10", b"3.5", b".5", b"1e3", b"99")
_GIVEN = (b"t1", b"t2", b"t3", b"a", b"b", b"cnt", b"total", b"x1", b"name_2")

# How names are written: bare, if they can be, else in quotes; some of those in two ways that SQLite
# alone has, and strings only for names of these classes.
_BARE, _DOUBLE = 0.8, 0.2
_IN_STRINGS = ("<table>", "<member>", "<alias>")
_QUOTING = {b"": 0, b'"': 1, b"`": 2}

# no comment stands before these: sqlglot joins them with the word before
_SECOND_WORDS = frozenset({b"BY", b"TO", b"SETS", b"PRECISION", b"VARYING"})

# what a model may propose anywhere: beginnings and ends of lexemes, and parts of them
_PIECES = (
    *(b'"', b"'", b"`", b"[", b"]", b" ", b"\n", b"--", b"/*", b"*/", b";", b"(", b")", b",", b"."),
    *(b"0", b"7", b"12", b"1.", b".5", b"e", b"0x", b"x'", b"_", b"a", b"q", b"T1"),
    *(b"t2.", b" AS ", b"*", b"=", b"==", b"<", b"<=", b"<>", b"!", b"||", b"|", b"&"),
    *(b"-", b"->", b"+", b"/", b"%", b"~", b"::", b"count(", b"sum", b" max(", b'""', b"''"),
    *("é".encode(), b"\xc3", b"\xf0\x9f"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk: its text, whether it got stuck, and the productions on its way."""

    text: str
    dead: bool
    productions: Counter[tuple[str, int]]


def walk(
    checker: "Checker",
    random: Random,
    *,
    length: int = 25,
    goal: tuple[str, int] | None = None,
) -> Walk:
    """Return one random query, the same for the same seed.

    Args:
        checker: whose queries are wanted.
        random: the source of chance.
        length: terminals after which the walk takes the shortest way out.
        goal: a production to walk through, if chance allows.
    """
    place: Place | None = finish(checker, checker.start.reading)
    pieces: list[bytes] = []
    productions: Counter[tuple[str, int]] = Counter()
    for _ in range(length):
        assert place is not None
        found = _step(checker, place, random, goal)
        if found is None:
            break  # of the names that chance has offered none fits
        terminal, text, after = found
        shift = checker.machine.shift(place[0], terminal)
        productions.update(shift.productions if shift else ())
        goal = None if goal in productions else goal
        if terminal == "EOT":
            return Walk(_text(pieces, random), False, productions)
        pieces.append(text)
        place = after
    return _ended(checker, _text(pieces, random), productions)


def stumble(
    checker: "Checker", random: Random, prefix: str, *, steps: int = 5, tries: int = 30
) -> "Iterator[tuple[bytes, State]]":
    """Yield texts that go on from a prefix with what a model might propose and the checker takes.

    Args:
        checker: takes the prefix.
        random: the source of chance.
        prefix: where it begins.
        steps: pieces that are taken at most.
        tries: pieces that are proposed for each.
    """
    text = prefix.encode()
    state = checker.step(checker.start, text)
    pools = (_PIECES, _keywords(checker.grammar), _names_of(checker))
    for _ in range(steps):
        for _ in range(tries):
            piece = _proposed(random, random.choice(pools))
            after = checker.step(state, piece) if state is not None else None
            if after is not None:
                break
        else:
            return
        text, state = text + piece, after
        yield text, after


def _proposed(random: Random, pool: Sequence[bytes]) -> bytes:
    """Return a piece, a part of one, or one behind a blank."""
    piece = random.choice(pool)
    if pool is not _PIECES and random.random() < 0.5:
        piece = piece[: random.randint(1, len(piece))]
    return b" " + piece if random.random() < 0.3 else piece


@cache
def _keywords(grammar: Grammar) -> tuple[bytes, ...]:
    symbols = {symbol for choices in grammar.table.values() for symbol in choices}
    words = {symbol for symbol in symbols if symbol[0].isalpha() and symbol not in TOKEN_CLASSES}
    return tuple(word.encode() for word in sorted(words))


def _names_of(checker: "Checker") -> tuple[bytes, ...]:
    tables = checker.schema.tables
    names = {name for table in tables for name in (table.name, *(c.name for c in table.columns))}
    return tuple(name.encode() for name in sorted(names) if name) or _PIECES


def _ended(checker: "Checker", text: str, productions: Counter[tuple[str, int]]) -> Walk:
    state = checker.read(text)
    if state is None:
        return Walk(text, True, productions)
    try:
        return Walk(text + checker.completion(state).decode(), False, productions)
    except ValueError:
        return Walk(text, True, productions)


def _step(
    checker: "Checker", place: Place, random: Random, goal: tuple[str, int] | None
) -> tuple[str, bytes, Place] | None:
    """Return a legal terminal with its text and the place behind it; None where none is found."""
    terminals = sorted(place[0].terminals)
    steps = {terminal: _steps(checker, place, terminal, goal) for terminal in terminals}
    least = min(steps.values(), default=0)
    weights = {
        terminal: _WEIGHTS.get(terminal, _OTHERS) * _ATTRACTION ** (least - steps[terminal])
        for terminal in terminals
    }
    calls = goal is not None and _is_in_call(checker.grammar, goal)
    while weights:
        terminal = random.choices(list(weights), list(weights.values()))[0]
        found = list(_ways(checker, place, terminal, random, calls=calls))
        while found:
            text, after = found.pop(random.randrange(len(found)))
            if terminal == "EOT" or checker.lives((after, READY, None)):
                return terminal, text, after
        del weights[terminal]
    return None


def _steps(checker: "Checker", place: Place, terminal: str, goal: tuple[str, int] | None) -> int:
    """Return how far from a production a terminal leads; 0 where none is sought.

    What stands on the stack already counts before what another operand could bring: else a walk
    that seeks the OVER of a call would begin a call in its arguments.
    """
    shift = checker.machine.shift(place[0], terminal) if goal is not None else None
    if shift is None or goal is None or goal in shift.productions:
        return 0
    distances = _distances(checker.grammar, goal[0])
    near, cell = _FAR, shift.cell
    for ahead in range(_SIGHT):
        if cell is None:
            break
        if cell.symbol in distances:
            near = min(near, ahead + _DEEPER * distances[cell.symbol])
        cell = cell.rest
    return 1 + near


def _is_in_call(grammar: Grammar, goal: tuple[str, int]) -> bool:
    """Tell whether the shortest way to a production is through a function that takes OVER."""
    distances = _distances(grammar, goal[0])
    tail = distances.get("over", _FAR)
    return distances.get("primary", _FAR) == tail + _STEPS_TO_OVER


@cache
def _distances(grammar: Grammar, goal: str) -> dict[str, int]:
    """Return how many productions lie between each nonterminal and one of them, at least."""
    found, todo = {goal: 0}, [goal]
    for name in todo:
        for parent, bodies in grammar.alternatives.items():
            if parent not in found and any(name in body for body in bodies):
                found[parent] = found[name] + 1
                todo.append(parent)
    return found


def _ways(
    checker: "Checker", place: Place, terminal: str, random: Random, *, calls: bool
) -> Iterator[tuple[bytes, Place]]:
    """Yield the legal ones among some ways to write a terminal; `calls` prefers aggregates."""
    if terminal in NAME_CLASSES:
        yield from _names(checker, place, terminal, random, calls=calls)
    elif terminal in LITERALS:
        texts = _STRINGS if terminal == "STRING" else LITERALS[terminal]
        text = random.choice(_NUMBERS if terminal == "NUMBER" else texts)
        for one in (text, *_TYPED.get(terminal, ())) if checker.dialect.typed else (text,):
            after = _literal(checker, place, one)
            if after is not None:
                yield one, after
    elif terminal == "BLOB":
        after = checker.blob(place)
        yield from [(random.choice(_BLOBS), after)] if after is not None else []
    elif terminal not in TOKEN_CLASSES or terminal == "EOT":
        after = checker.shift(place, terminal)
        if after is not None:
            yield terminal.encode(), after


def _literal(checker: "Checker", place: Place, text: bytes) -> Place | None:
    """Return the place after a number or string, None where it is not legal."""
    if text[:1] != b"'":
        return checker.number(place, text) if checker.number_begins(place, text[:1]) else None
    if not checker.string_matters(place):
        return checker.string(place, None) if checker.string_begins(place, None) else None
    kept = text[1:-1].replace(b"''", b"'")
    return checker.string(place, kept) if checker.string_begins(place, b"") else None


def _names(
    checker: "Checker", place: Place, terminal: str, random: Random, *, calls: bool
) -> Iterator[tuple[bytes, Place]]:
    cell, frame, held = place
    depth = cell.depth if calls or random.random() < 0.4 else CALL_LIMIT
    known = list(checker.names.known(terminal, frame, held, b"", depth))
    if terminal == "<column>" and random.random() < (0.8 if calls else 0.3):
        known = [name for name in known if _is_aggregate(checker, name)] or known
        known += [b"count"] * (b"count" in known) * 5
    if terminal in GIVEN or terminal in ("<column>", "<member>"):
        owed = (
            sorted(r.qualifier or r.name for r in frame.pending) if isinstance(frame, Block) else []
        )
        known = random.sample(known, min(len(known), 4)) + random.sample(_GIVEN, 1) + owed
    if len(known) > 3:
        known = random.sample(known, 3)
    for name in known:
        if name == b"*":
            continue
        for mark in _marks(checker, terminal, name, random):
            if mark == b"'":
                after = checker.string(place, name) if checker.string_begins(place, b"") else None
            else:
                after = checker.written_name(place, name, _QUOTING[mark])
            if after is not None:
                yield (mark + name.replace(mark, 2 * mark) + mark if mark else name), after
                break


def _marks(checker: "Checker", terminal: str, name: bytes, random: Random) -> Iterator[bytes]:
    """Yield the marks to try around a name: mostly none, else those that always make it a name."""
    if is_plain(name) and random.random() < _BARE:
        yield b""
    elif checker.dialect.string_fallback and random.random() < _DOUBLE:
        yield b'"'  # a string where it names nothing
    elif checker.dialect.string_alias and terminal in _IN_STRINGS and random.random() < _DOUBLE:
        yield b"'"
    yield quote(checker, b"")[:1]


def _is_aggregate(checker: "Checker", name: bytes) -> bool:
    function = checker.dialect.functions.get(name.decode("utf-8", "replace"))
    return function is not None and function.kind != "scalar"


def _text(pieces: list[bytes], random: Random) -> str:
    """Write a walk out, as people do: mostly single spaces, any case of words, a comment."""
    loud = random.random() < 0.5
    text = b""
    for number, piece in enumerate(pieces):
        if piece.isalpha() and piece.isupper() and not loud:
            piece = piece.lower()
        tight = piece in (b".", b",", b")", b"(", b";") or text[-1:] in (b".", b"(", b"")
        gap = b"" if tight and random.random() < 0.7 else b" "
        splits = piece.upper() in _SECOND_WORDS or text[-2:] == b"::"
        if not splits and random.random() < 0.002:
            gap = random.choice((b"\n", b"\t", b" /* c */ ", b" -- c\n"))
        if number and text[-1:] == b")" and piece[:1].isalnum():
            gap = gap or b" "
        text += gap + piece
    return text.decode()
