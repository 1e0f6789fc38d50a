"""A shortest legal completion of a text: what is written when the budget of tokens runs out.

    >>> checker.complete("SELECT name FROM singer WHERE age >")
    'SELECT name FROM singer WHERE age >1'

A best-first search over lexemes, by the bytes written and those that the grammar still needs. FROM
is the one place where the grammar knows too little: what is owed there is paid in one stroke, by
tables that have the columns, else by a derived table that is made to have them.
"""

import heapq
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from text2sql.decoding.checking import lexer
from text2sql.decoding.checking.frames import Block, Call, Context, Reference
from text2sql.decoding.checking.kinds import KindActions, KindScope, endings
from text2sql.decoding.checking.lexer import Place
from text2sql.decoding.checking.machine import Shift
from text2sql.decoding.checking.names import CLASSES as NAME_CLASSES
from text2sql.decoding.checking.options import LITERALS, begun_names, is_plain, quote, written

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker, State

MAX_VISITS = 600
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
    """Look for a completion among the most promising choices at each place.

    The first choice that leaves less to write is followed alone, unless the search is the wide one.
    """
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
        left = _rest(checker, here)
        for text in _pieces(checker, here, choices):
            after = checker.step(here, text)
            if after is None or after in seen:
                continue
            rest = _rest(checker, after)
            longer = written + text
            heapq.heappush(todo, (len(longer) + _EAGERNESS * rest, next(order), longer, after))
            if rest < left and choices < max(_CHOICES):
                break
    return None


def _rest(checker: "Checker", state: "State") -> int:
    """Return about how many bytes a state still needs."""
    (cell, frame, held), mode, _ = state.reading
    if mode != lexer.READY:
        closed = lexer.finish(checker, state.reading)
        if closed is not None:
            cell, frame, held = closed
    if cell is None:
        return 0
    return int(cell.least) + _owed(checker, frame) + _held(checker, frame, held)


def _held(checker: "Checker", frame: Any, held: Any) -> int:
    """Return what a name costs that nothing has made a column yet."""
    if not held or held[0] != "name" or not checker.names.is_free(frame):
        return 0
    block = checker.scope.block_of(frame)
    known = Reference(None, held[1])
    return 0 if known in block.pending or checker.scope.count(block, known) else _DEBT


def _owed(checker: "Checker", frame: Any) -> int:
    """Return about how many bytes it takes to pay what the grammar does not know of."""
    total = 0
    while frame is not None:
        if isinstance(frame, Call) and not frame.closed:
            total += 3 * max(0, frame.least - frame.count)
        elif isinstance(frame, Block) and (frame.pending or frame.windows):
            total += _DEBT * sum(not defined for _, defined in frame.windows)
            unmet = {r for r in frame.pending if not checker.scope.count(frame, r) and not r.soft}
            total += sum(len(reference.name) + 7 for reference in unmet) // _EAGERNESS
            if isinstance(checker.scope, KindScope):
                total += checker.scope.debt(frame)
            total += 6 if frame.phase == "items" and unmet else 0
            total += _DEBT * len({reference.qualifier for reference in unmet})
        if isinstance(frame, Block) and frame.phase in ("items", "late"):
            width = checker.scope.query_of(frame).width or 0
            total += 2 * max(0, width - len(frame.outputs))
            stars = any(output.name == b"*" for output in frame.outputs)
            total += 8 if stars or isinstance(frame.item, tuple) else 0
        if isinstance(frame, Context) and frame.detail:
            # A row must be followed by IN and a query as wide.
            total += {"paren": 40, "row": 25}.get(frame.kind, 0)
        frame = frame.parent
    return total


def _pieces(checker: "Checker", state: "State", choices: int) -> Iterator[bytes]:
    """Yield what could be written next: the end of a lexeme, or a whole one."""
    _, mode, text = state.reading
    if mode == lexer.STRING:
        yield from _stored_ends(checker, state)
        yield from _string_ends(text)
        return
    if mode == lexer.NUMBER:
        yield from _stored_ends(checker, state)
    if mode == lexer.QUOTED:
        yield from _quoted_ends(checker, state)
        return
    if mode in (lexer.LINE, lexer.BLOCK):
        yield from (_character_end(text) + end for end in (b"\n", b"*/", b"/"))
        return
    if mode == lexer.WORD:
        yield from _word_ends(checker, state)
    place = lexer.finish(checker, state.reading)
    if place is None and mode == lexer.NUMBER:
        yield from (b"0", b".5")
    if place is None and mode == lexer.SIGN:
        yield from (b"=", b">", b"<", b"-\n", b"**/", b"|", b":")
    if place is not None:
        ends_late = mode in (lexer.WORD, lexer.NUMBER, lexer.STRING_END, lexer.QUOTED_END)
        gap = b" " if ends_late else b""
        for piece in _lexemes(checker, place, choices):
            tight = not gap or piece[:1] in b",();.=<>+*/%|"
            yield piece if tight else gap + piece


def _lexemes(checker: "Checker", place: Place, choices: int) -> Iterator[bytes]:
    cell, frame, _ = place
    if isinstance(frame, Block) and "<table>" in cell.terminals:
        yield from _payments(checker, frame, place)
    if isinstance(frame, Block) and "WINDOW" in cell.terminals:
        for name in sorted(name for name, defined in frame.windows if not defined):
            yield b" WINDOW " + _named(checker, name) + b" AS()"
    if isinstance(frame, Block) and isinstance(checker.scope, KindScope):
        yield from checker.scope.payments(frame, cell.terminals, partial(_named, checker))
    if isinstance(checker.actions, KindActions) and frame is not None:
        yield from checker.actions.fitting(frame, cell.terminals)
    plain: list[tuple[int, str]] = []
    operators: list[tuple[int, str]] = []
    for terminal in cell.terminals:
        shift = checker.machine.shift(cell, terminal)
        if shift is None or (terminal == "<column>" and "NUMBER" in cell.terminals):
            continue  # a number may stand wherever a column may
        size = 2 if terminal in LITERALS or terminal in NAME_CLASSES else len(terminal)
        rest = shift.cell.least if shift.cell is not None else 0
        (operators if _is_operator(shift) else plain).append((size + rest, terminal))
    given = 0
    for ranked in (plain, operators):
        for _, terminal in sorted(ranked):
            found = [option.text for option in written(checker, place, terminal, functions=False)]
            yield from sorted(found, key=lambda name: (len(name), name))[:_NAMES]
            given += bool(found)
            if given == choices:
                break
        if given and choices < max(_CHOICES):
            return


def _is_operator(shift: Shift) -> bool:
    """Tell whether a terminal makes an expression longer."""
    name = shift.productions[-1][0] if shift.productions else ""
    is_sign = name == "unary" and "sign" in shift.after
    return is_sign or name.startswith(("tail_", "expr_", "postfix"))


def _payments(checker: "Checker", block: Block, place: Place) -> Iterator[bytes]:
    """Yield sources that pay what a FROM owes: tables first, else a derived table."""
    paid = {(r.qualifier, r.name) for r in block.pending if r.outside}  # by a query around
    unmet = [
        r
        for r in block.pending
        if not (checker.scope.count(block, r) or r.soft or (r.qualifier, r.name) in paid)
    ]
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
        made = [
            checker.sample(block, qualifier, column) + b" AS " + _named(checker, column)
            for column in sorted(wanted)
        ]
        made += [b"1"] * (_columns_needed(checker, block, qualifier) - len(made))
        columns = b",".join(made) or b"1"
        alias = _named(checker, qualifier or _free_alias(block))
        yield b"(SELECT " + columns + b") AS " + alias


def _columns_needed(checker: "Checker", block: Block, qualifier: bytes | None) -> int:
    """Return how many columns a source must have so that `qualifier.*` is as wide as it must be."""
    width = checker.scope.query_of(block).width
    stars = [o for o in block.outputs if o.name == b"*" and o.qualifier == qualifier]
    if width is None or qualifier is None or not stars:
        return 0
    others = tuple(output for output in block.outputs if output not in stars)
    rest = checker.scope.frames.change(block, outputs=others)
    return (width - checker.scope.least_width(rest)[0]) // len(stars)


def _free_alias(block: Block) -> bytes:
    taken = {source.name for source in block.sources} | {r.qualifier for r in block.pending}
    names = (b"t", b"u", b"v", *map(b"t%d".__mod__, range(99)))
    return next(name for name in names if name not in taken)


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


def _stored_ends(checker: "Checker", state: "State") -> Iterator[bytes]:
    """Yield the end of the shortest stored value, where only those may stand."""
    place, mode, text = state.reading
    origin = checker.compared(place)
    begun = (text[0] or b"") if mode == lexer.STRING else text
    if origin is None or checker.literals is None:
        return
    found = checker.literals.shortest(origin, begun)
    if found is not None:
        rest = found[len(begun) :]
        yield rest.replace(b"'", b"''") + b"'" if mode == lexer.STRING else rest


def _string_ends(text: tuple[bytes | None, bytes]) -> Iterator[bytes]:
    end = _character_end(text[1])
    yield end + b"'"
    yield end + b"a'"
    if text[0] and not end:
        yield from (tail + b"'" for tail in endings(text[0]))


def _quoted_ends(checker: "Checker", state: "State") -> Iterator[bytes]:
    _, _, (opener, kept) = state.reading
    close = bytes((checker.quotes[opener],))
    yield _character_end(lexer.cut(kept)) + close
    yield b"x" + close
    folded = checker.dialect.fold(kept, quoted=True)
    for name in begun_names(checker, state.reading[0], folded, quoted=True)[:_NAMES]:
        yield name[len(kept) :].replace(close, close + close) + close


def _word_ends(checker: "Checker", state: "State") -> Iterator[bytes]:
    place, _, text = state.reading
    for word in place[0].words:
        if word.startswith(text) and word != text:
            yield word[len(text) :]
    for name in begun_names(checker, place, text)[:_NAMES]:
        yield name[len(text) :]
    cut_letter = lexer.cut(text)
    if cut_letter:
        yield _character_end(cut_letter)
    if lexer.finish(checker, state.reading) is None and not text.endswith(b"_x"):
        yield b"_x"
