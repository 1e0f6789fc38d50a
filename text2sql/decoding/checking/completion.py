"""A shortest legal completion of a text: what is written when the budget of tokens runs out.

    >>> checker.complete("SELECT name FROM singer WHERE age >")
    'SELECT name FROM singer WHERE age >1'

A best-first search over lexemes, by the bytes written and those that the grammar still needs. FROM
is the one place where the grammar knows too little: what is owed there is paid in one stroke, by
tables that have the columns, else by a derived table that is made to have them.
"""

import heapq
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from text2sql.decoding.checking import lexer
from text2sql.decoding.checking.frames import Block, Call
from text2sql.decoding.checking.lexer import Place
from text2sql.decoding.checking.options import is_plain, quote, written

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker, State

MAX_VISITS = 4_000
_NAMES = 4  # names tried at a place: the shortest
_EAGERNESS = 5  # of the search: 1 finds the very shortest, and takes long
_DEBT = 30  # bytes that a source takes about
_CHOICES = (5, 40)  # terminals tried at a place, at first and when those lead nowhere


def complete(checker: "Checker", state: "State") -> bytes:
    """Return a shortest completion, b"" where the text may end.

    Raises:
        ValueError: there is none within reach; the checker promises that this does not happen.
    """
    if checker.may_end(state):
        return b""
    for choices in _CHOICES:
        found = _search(checker, state, choices)
        if found is not None:
            return found
    raise ValueError("no completion within reach")


def _search(checker: "Checker", state: "State", choices: int) -> bytes | None:
    """Look for a completion among the most promising choices at each place."""
    order = count()
    todo: list[tuple[int, int, bytes, State]] = [(0, next(order), b"", state)]
    seen: set[State] = set()
    while todo and len(seen) < MAX_VISITS:
        _, _, written, here = heapq.heappop(todo)
        if here in seen:
            continue
        seen.add(here)
        if checker.may_end(here):
            return written
        for text in _pieces(checker, here, choices):
            after = checker.step(here, text)
            if after is not None and after not in seen:
                longer = written + text
                size = len(longer) + _EAGERNESS * _rest(checker, after)
                heapq.heappush(todo, (size, next(order), longer, after))
    return None


def _rest(checker: "Checker", state: "State") -> int:
    """Return about how many bytes a state still needs."""
    (cell, frame, _), mode, _ = state.reading
    if mode != lexer.READY:
        closed = lexer.finish(checker, state.reading)
        if closed is not None:
            cell, frame, _ = closed
    if cell is None:
        return 0
    return int(cell.least) + _owed(checker, frame)


def _owed(checker: "Checker", frame: Any) -> int:
    """Return about how many bytes it takes to pay what the grammar does not know of."""
    total = 0
    while frame is not None:
        if isinstance(frame, Call) and not frame.closed:
            total += 3 * max(0, frame.least - frame.count)
        elif isinstance(frame, Block) and (frame.pending or frame.windows):
            total += _DEBT * sum(not defined for _, defined in frame.windows)
            unmet = {r.qualifier or b"" for r in frame.pending if not checker.scope.count(frame, r)}
            total += (6 if frame.phase == "items" and unmet else 0) + _DEBT * len(unmet)
        frame = frame.parent
    return total


def _pieces(checker: "Checker", state: "State", choices: int) -> Iterator[bytes]:
    """Yield what could be written next: the end of a lexeme, or a whole one."""
    _, mode, text = state.reading
    if mode == lexer.STRING:
        yield from _string_ends(text)
        return
    if mode == lexer.QUOTED:
        yield from _quoted_ends(checker, state)
        return
    if mode in (lexer.LINE, lexer.BLOCK):
        yield from (_character_end(text) + end for end in (b"\n", b"*/", b"/"))
        return
    if mode == lexer.WORD:
        yield from _word_ends(checker, state)
    if mode == lexer.NUMBER:
        yield from (b"0", b"1")
    if mode == lexer.SIGN:
        yield from (b"=", b">", b"-\n", b"**/", b"|")
    place = lexer.finish(checker, state.reading)
    if place is not None:
        gap = b" " if mode in (lexer.WORD, lexer.NUMBER, lexer.STRING_END, lexer.QUOTED_END) else b""
        for piece in _lexemes(checker, place, choices):
            tight = not gap or piece[:1] in b",();.=<>+*/%|"
            yield piece if tight else gap + piece


def _lexemes(checker: "Checker", place: Place, choices: int) -> Iterator[bytes]:
    cell, frame, _ = place
    ranked = []
    operators = checker.operators if choices < max(_CHOICES) else frozenset()
    for terminal in cell.terminals:
        shift = checker.machine.shift(cell, terminal)
        if terminal in operators and len(cell.terminals) > len(operators):
            continue
        if terminal == "<column>" and "NUMBER" in cell.terminals:
            continue  # a number may stand wherever a column may
        if shift is not None:
            rest = shift.cell.least if shift.cell is not None else 0
            ranked.append((len(terminal) + rest, terminal))
    for _, terminal in sorted(ranked):
        found = [option.text for option in written(checker, place, terminal, functions=False)]
        yield from sorted(found, key=lambda name: (len(name), name))[:_NAMES]
        choices -= bool(found)
        if not choices:
            break
    if isinstance(frame, Block) and frame.phase in ("items", "from", "join", "natural"):
        yield from _payments(checker, frame, place)


def _payments(checker: "Checker", block: Block, place: Place) -> Iterator[bytes]:
    """Yield sources that pay what a FROM owes: tables first, else a derived table."""
    unmet = [r for r in block.pending if not checker.scope.count(block, r) and not r.soft]
    for qualifier in sorted({r.qualifier for r in unmet}, key=lambda q: q or b""):
        wanted = {r.name for r in unmet if r.qualifier == qualifier} - {b"*"}
        fitting = [
            name
            for name in checker.scope.relation_names(block)
            if (found := checker.scope.find_relation(block, name)) is not None
            and all(found.count(column) == 1 for column in wanted)
        ]
        for name in sorted(fitting, key=len)[:_NAMES]:
            yield _named(checker, name) + (
                b" AS " + _named(checker, qualifier) if qualifier not in (None, name) else b""
            )
        columns = b",".join(b"1 AS " + _named(checker, c) for c in sorted(wanted)) or b"1"
        alias = _named(checker, qualifier or b"t")
        yield b"(SELECT " + columns + b") AS " + alias


def _named(checker: "Checker", name: bytes) -> bytes:
    allowed = all(checker.dialect.allows(name, p) for p in ("table", "alias", "column"))
    return name if is_plain(name) and allowed else quote(checker, name)


def _character_end(partial: bytes | None) -> bytes:
    """Return bytes that make a cut character whole; b"" where none is cut."""
    partial = (partial or b"").removeprefix(b".")
    for tail in (b"", b"\x80", b"\xbf", b"\x80\x80", b"\xbf\xbf", b"\x80\x80\x80", b"\x90\x80\x80"):
        if lexer.cut(partial + tail) == b"":
            return tail
    return b""


def _string_ends(text: tuple[bytes | None, bytes]) -> Iterator[bytes]:
    kept, partial = text
    end = _character_end(partial)
    yield end + b"'"
    yield end + b"a'"


def _quoted_ends(checker: "Checker", state: "State") -> Iterator[bytes]:
    (cell, frame, held), _, (opener, kept) = state.reading
    close = bytes((checker.quotes[opener],))
    yield _character_end(lexer.cut(kept)) + close
    yield b"x" + close
    folded = checker.dialect.fold(kept, quoted=True)
    for terminal in cell.terminals:
        if terminal.startswith("<") and len(terminal) > 2:
            known = sorted(checker.names.known(terminal, frame, held, folded, cell.depth), key=len)
            for name in known[:_NAMES]:
                yield name[len(kept) :].replace(close, close + close) + close


def _word_ends(checker: "Checker", state: "State") -> Iterator[bytes]:
    (cell, frame, held), _, text = state.reading
    for word in cell.words:
        if word.startswith(text) and word != text:
            yield word[len(text) :]
    for terminal in cell.terminals:
        if terminal.startswith("<") and len(terminal) > 2:
            known = sorted(checker.names.known(terminal, frame, held, text, cell.depth), key=len)
            yield from (name[len(text) :] for name in known[:_NAMES] if len(name) > len(text))
    if lexer.finish(checker, state.reading) is None:
        yield from (b"_", b"1", b"x")
