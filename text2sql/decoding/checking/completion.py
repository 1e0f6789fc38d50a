"""A short legal completion of a text: what is written when the budget of tokens runs out.

    >>> checker.complete("SELECT name FROM singer WHERE age >")
    'SELECT name FROM singer WHERE age >1'

It is constructed, a lexeme at a time. At each place the first of these that is legal is taken: what
ends the lexeme that is begun; a table where FROM wants one, by the plan of what it owes; the
terminals that leave less to write, by the grammar's shortest derivations; what else is owed (FROM,
columns, a window's definition); whatever lets the text go on. Where nothing is legal the last
choice is taken back: that is a safeguard, and rare.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from text2sql.decoding.checking import lexer
from text2sql.decoding.checking.frames import Block
from text2sql.decoding.checking.kinds import KindActions, KindScope, endings
from text2sql.decoding.checking.lexer import Place
from text2sql.decoding.checking.machine import Shift
from text2sql.decoding.checking.names import CLASSES as NAME_CLASSES
from text2sql.decoding.checking.names import GIVEN
from text2sql.decoding.checking.options import (
    LITERALS,
    begun_names,
    free_name,
    is_plain,
    quote,
    written,
)
from text2sql.decoding.checking.plans import Payment
from text2sql.decoding.checking.source_actions import UNALIASED

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker, State

MAX_VISITS, SIGHT = 6000, 100  # states that are tried for a completion, and for a look ahead
_ENDS_LATE = (lexer.WORD, lexer.NUMBER, lexer.STRING_END, lexer.QUOTED_END, lexer.BLOB_END)
_AGAIN = 100  # in bytes: what a CAST counts that nothing asks for, and another could follow
_NAMES = 4  # names tried at a place: the shortest


def complete(checker: "Checker", state: "State") -> bytes:
    """Return a short completion, b"" where the text may end.

    Raises:
        ValueError: none is found; the checker promises that this does not happen.
    """
    way = way_out(checker, state, visits=MAX_VISITS)
    if way is None:
        raise ValueError("no completion within reach")
    return b"".join(text for text, _ in way)


def way_out(
    checker: "Checker", state: "State", *, visits: int = SIGHT
) -> "list[tuple[bytes, State]] | None":
    """Return texts that make one legal, each with the state behind it; None: none are found.

    Args:
        checker: whose state it is.
        state: where the text stands.
        visits: states that are tried at most.
    """
    if checker.may_end(state):
        return []
    seen: set[State] = {state}
    way: list[tuple[bytes, State]] = []
    open_pieces = [_pieces(checker, state)]
    while open_pieces and len(seen) < visits:
        text = next(open_pieces[-1], None)
        if text is None:
            open_pieces.pop()
            del way[-1:]
            continue
        after = checker.step(way[-1][1] if way else state, text)
        if after is None or after in seen:
            continue
        seen.add(after)
        way.append((text, after))
        if checker.may_end(after):
            return way
        open_pieces.append(_pieces(checker, after))
    return None


def _pieces(checker: "Checker", state: "State") -> Iterator[bytes]:
    """Yield what could be written next: the end of a lexeme, or a whole one."""
    _, mode, text = state.reading
    if mode == lexer.STRING:
        yield from _stored_ends(checker, state)
        yield from _label_ends(checker, state)
        yield from _string_ends(checker, state.reading[0], *text)
        return
    if mode == lexer.NUMBER:
        yield from _stored_ends(checker, state)
    if mode == lexer.BLOB:
        yield b"0'" if text else b"'"
        return
    if mode == lexer.QUOTED:
        yield from _quoted_ends(checker, state.reading[0], *text)
        return
    if mode in (lexer.LINE, lexer.BLOCK):
        yield from (_character_end(text) + end for end in (b"\n", b"*/", b"/"))
        return
    place = checker.finish(state.reading)
    if place is not None:
        ends_late = mode in _ENDS_LATE
        gap = b" " if ends_late else b""
        for piece in _lexemes(checker, place):
            tight = not gap or piece[:1] in b",();.=<>+*/%|"
            yield piece if tight else gap + piece
    if mode == lexer.WORD:
        yield from _word_ends(checker, state)
    if place is None and mode == lexer.QUOTED_END:
        opener, kept = text
        mark = bytes((checker.quotes[opener],))  # doubled, it is part of the name
        for end in _quoted_ends(checker, state.reading[0], opener, kept + mark):
            yield mark + end
    if place is None and mode == lexer.STRING_END:
        for end in _string_ends(checker, state.reading[0], text[0] + b"'", b""):
            yield b"'" + end  # doubled, the mark is part of what the string says
    if place is None and mode == lexer.NUMBER:
        yield from (b"0", b".5", b"5")
    if place is None and mode == lexer.SIGN:
        yield from (b"=", b">", b"<", b"-\n", b"**/", b"|", b":")


def _lexemes(checker: "Checker", place: Place) -> Iterator[bytes]:
    """Yield what could stand next at a place between two lexemes, the best first."""
    cell, frame, _ = place
    if isinstance(frame, Block) and "<table>" in cell.terminals:
        yield from _sources(checker, frame)
    if isinstance(frame, Block) and "<using>" in cell.terminals:
        yield from _merges(checker, frame)
    if isinstance(frame, Block) and isinstance(checker.scope, KindScope):
        yield from checker.scope.payments(frame, cell.terminals, partial(named, checker))
    if isinstance(checker.actions, KindActions) and frame is not None:
        yield from checker.actions.fitting(frame, cell.terminals, partial(named, checker))
    shorter: list[tuple[int, str]] = []
    longer: list[tuple[int, str]] = []
    operators: list[tuple[int, str]] = []
    for terminal in cell.terminals:
        shift = checker.machine.shift(cell, terminal)
        if shift is None or (terminal in ("<column>", "*") and "NUMBER" in cell.terminals):
            continue  # a number may stand wherever a column may
        size = 2 if terminal in LITERALS or terminal in NAME_CLASSES else len(terminal)
        rest = shift.cell.least if shift.cell is not None else 0
        if _is_operator(shift):
            again = _AGAIN if terminal == "::" else 0
            operators.append((size + rest + again, terminal))
        else:
            (shorter if rest < cell.least else longer).append((size + rest, terminal))
    yield from _written(checker, place, shorter)
    unfixed: Iterable[bytes] = ()
    if isinstance(checker.actions, KindActions) and frame is not None:
        unfixed = list(checker.actions.unfixed(frame, cell.terminals))
    ends = isinstance(frame, Block)  # what is owed behind an item is FROM
    yield from () if ends else unfixed
    yield from _owed(checker, place)
    yield from _written(checker, place, longer)
    yield from unfixed if ends else ()
    yield from _written(checker, place, operators)


def _written(checker: "Checker", place: Place, ranked: list[tuple[int, str]]) -> Iterator[bytes]:
    for _, terminal in sorted(ranked):
        found = [option.text for option in written(checker, place, terminal, functions=False)]
        if terminal not in GIVEN:  # of those the names that are owed come first
            found.sort(key=lambda name: (len(name), name))
        yield from islice(found, _NAMES)


def _owed(checker: "Checker", place: Place) -> Iterator[bytes]:
    """Yield what is owed behind an item, a source or an argument."""
    cell, frame, _ = place
    if isinstance(frame, Block) and "FROM" in cell.terminals:
        missing = checker.scope.missing_around(frame)
        if missing is not None:
            yield b"," + b",".join(_columns(checker, *missing))
    if isinstance(frame, Block) and "GROUP" in cell.terminals and checker.scope.owes_group(frame):
        yield b" GROUP BY NULL"
    if isinstance(frame, Block) and "WINDOW" in cell.terminals:
        for name in sorted(name for name, defined in frame.windows if not defined):
            yield b" WINDOW " + named(checker, name) + b" AS()"
    for terminal in ("SELECT", "FROM", "USING", "OVER", ",", "AS", "IN"):
        if terminal in cell.terminals:
            yield from (option.text for option in written(checker, place, terminal))


def _is_operator(shift: Shift) -> bool:
    """Tell whether a terminal makes an expression longer."""
    name = shift.productions[-1][0] if shift.productions else ""
    is_sign = name == "unary" and "sign" in shift.after
    return is_sign or name.startswith(("tail_", "expr_", "postfix", "unary_"))


def _sources(checker: "Checker", block: Block) -> Iterator[bytes]:
    """Yield sources that FROM owes, by its plan: tables, else a derived table made for it."""
    plan = checker.scope.plan(block)
    payments = plan.payments if plan is not None else ()
    for payment in payments:
        yield from _payment(checker, block, payment)
    if not payments and not block.deep:
        names = sorted(checker.scope.relation_names(block), key=lambda name: (len(name), name))
        for name in names[:_NAMES]:
            yield from (named(checker, name), named(checker, name) + b" " + free_name(block))
        yield b"(SELECT 1) " + free_name(block)


def _payment(checker: "Checker", block: Block, payment: Payment) -> Iterator[bytes]:
    lenient = block.phase in ("join", "full")
    fitting = [
        name
        for name in checker.scope.relation_names(block)
        if (found := checker.scope.find_relation(block, name)) is not None
        and all(found.count(column) == 1 for column in payment.columns)
        and payment.width in (0, len(found.names))
        and payment.table in (None, name)
        and checker.scope.add_source(block, payment.qualifier or name, found, lenient=lenient)
    ]
    for name in sorted(fitting, key=lambda name: (len(name), name))[:_NAMES]:
        if payment.qualifier in (None, name) and not UNALIASED.match(name):
            yield named(checker, name)
        yield named(checker, name) + b" AS " + _alias(checker, block, payment)
    made = _columns(checker, block, payment)
    made += [b"1"] * (max(1, payment.width) - len(made))
    yield b"(SELECT " + b",".join(made) + b") AS " + _alias(checker, block, payment)


def _columns(checker: "Checker", block: Block, payment: Payment) -> list[bytes]:
    """Return the items of a derived table that pay, each of a kind that is wanted."""
    return [
        checker.sample(block, payment.qualifier, column) + b" AS " + named(checker, column)
        for column in payment.columns
    ]


def _alias(checker: "Checker", block: Block, payment: Payment) -> bytes:
    return named(checker, payment.qualifier) if payment.qualifier else free_name(block)


def _merges(checker: "Checker", block: Block) -> Iterator[bytes]:
    """Yield the names that a USING owes."""
    plan = checker.scope.plan(block, lenient=True)
    yield from (named(checker, name) for name in (plan.merges if plan is not None else ()))


def named(checker: "Checker", name: bytes) -> bytes:
    """Return a name as it may stand anywhere, in quotes where it has to."""
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


def _label_ends(checker: "Checker", state: "State") -> Iterator[bytes]:
    """Yield the ends of the values of an enumerated type, where only those may stand."""
    (_, frame, _), _, text = state.reading
    if isinstance(checker.actions, KindActions) and text[0] is not None and not text[1]:
        for label in checker.actions.labels(frame):
            if label.startswith(text[0]):
                yield label[len(text[0]) :].replace(b"'", b"''") + b"'"


def _string_ends(
    checker: "Checker", place: Place, kept: bytes | None, partial: bytes
) -> Iterator[bytes]:
    end = _character_end(partial)
    tails = (b"", b"a", b"0") if end or kept is None else (b"", b"a", b"0", *endings(kept))
    if kept is None:
        yield from (end + tail + b"'" for tail in tails)
        return
    others = []
    for tail in tails:
        if checker.string(place, kept + end + tail) is not None:
            yield end + tail + b"'"
        else:
            others.append(end + tail + b"'")
    yield from others  # a doubled mark may help them
    begun = checker.dialect.fold(kept, quoted=True)  # SQLite takes a string for a name
    for name in begun_names(checker, place, begun, quoted=True)[:_NAMES]:
        yield name[len(begun) :].replace(b"'", b"''") + b"'"


def _quoted_ends(checker: "Checker", place: Place, opener: int, kept: bytes) -> Iterator[bytes]:
    close = bytes((checker.quotes[opener],))
    yield _character_end(lexer.cut(kept)) + close
    yield from (b"x" + close, b"0" + close)
    folded = checker.dialect.fold(kept, quoted=True)
    for name in begun_names(checker, place, folded, quoted=True)[:_NAMES]:
        yield name[len(kept) :].replace(close, close + close) + close


def _word_ends(checker: "Checker", state: "State") -> Iterator[bytes]:
    place, _, text = state.reading
    for word in place[0].words:
        if word.startswith(text) and word != text:
            yield word[len(text) :]
    if isinstance(checker.actions, KindActions) and place[1] is not None:
        pieces = checker.actions.fitting(place[1], place[0].terminals, partial(named, checker))
        begun = (p for p in pieces if p.lower().startswith(text.lower()) and len(p) > len(text))
        yield from (p[len(text) :] for p in begun)
    most = None if "<type>" in place[0].names else _NAMES  # one type alone may fit around a CAST
    words = (name for name in begun_names(checker, place, text) if lexer.is_word(name))
    for name in islice(words, most):
        yield name[len(text) :]
    if text == b"x":
        yield b"''"
    cut_letter = lexer.cut(text)
    if cut_letter and (end := lexer.letter_end(cut_letter, first=text == cut_letter)):
        yield end
    if checker.finish(state.reading) is None and not text.endswith(b"_x"):
        yield b"_x"
