"""Where reading stopped: the lexeme, and the actions that refused it.

    >>> [refusal.action for refusal in find_refusals(stop)]  # SELECT name FROM «custmers
    ['table']

A lexeme may be several terminals of the grammar, and each of them is refused by an action of its
own: a word could be an alias, a column or the name of a function.

Covered: every terminal that the grammar has a place for; what the query says further on.
Not covered: what is to be said of it, which is the business of `sources`, `columns`, `calls` and
`clauses`; the lexemes for which the grammar has no place at all.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from text2sql.decoding.checking.lexer import Place
from text2sql.decoding.checking.names import CLASSES as NAME_CLASSES
from text2sql.decoding.checking.replaying import Lexeme, Terminal, candidates
from text2sql.decoding.checking.scope import Move

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker


class Refusal(NamedTuple):
    """Where reading stopped: the lexeme, and the action that refused it as a terminal."""

    checker: "Checker"
    read: list[Terminal]
    lexeme: Lexeme
    rest: list[Lexeme]  # what follows the lexeme
    place: Place
    terminal: str = ""
    action: str = ""  # "": no terminal of the grammar fits
    frame: Any = None  # when the action refused
    held: Any = None
    payload: Any = None


def find_refusals(stop: Refusal) -> Iterator[Refusal]:
    """Yield what each terminal that the lexeme could be was refused by, if not by the grammar.

    Args:
        stop: where reading stopped, without terminal and action.
    """
    checker, (cell, frame, held) = stop.checker, stop.place
    for terminal, payload in candidates(checker, stop.place, stop.lexeme):
        found = checker.machine.shift(cell, terminal)
        if found is None:
            continue
        refused = stop._replace(terminal=terminal, payload=payload, frame=frame, held=held)
        if terminal in NAME_CLASSES and not _fits(stop, terminal, payload[0]):
            yield refused._replace(action=terminal)
            continue
        if not checker.allows(cell, frame, terminal):  # its actions count on that
            yield refused._replace(action="not here")
            continue
        alone = terminal not in checker.continuing
        taken = found.cell.depth if found.cell is not None else 0
        move = Move(frame, held, terminal, payload, cell, cell.depth, alone, taken)
        action = _first_refusal(checker, move, found.before)
        if not action:
            if terminal == "<column>":
                move.held = ("name", *payload)
            action = _first_refusal(checker, move, found.after)
        if not action:
            action = terminal if terminal in NAME_CLASSES else "not here"
        yield refused._replace(action=action, frame=move.frame, held=move.held)


def _fits(stop: Refusal, terminal: str, name: bytes) -> bool:
    """Tell whether a name may be one of its class, wherever that stands."""
    names = stop.checker.names
    if terminal == "<type>":
        return name.decode("utf-8", "replace") in stop.checker.dialect.cast_types
    return stop.lexeme.kind == "quoted" or names.may_be_bare(terminal, name)


def _first_refusal(checker: "Checker", move: Move, actions: tuple[str, ...]) -> str:
    """Run actions in order; return the one that refuses, with the move as it was before it."""
    for name in actions:
        action = checker.actions.table.get(name)
        frame, held = move.frame, move.held
        if action is not None and not action(move):
            move.frame, move.held = frame, held
            return name
    return ""


def follower(stop: Refusal) -> str:
    """Return what follows the lexeme; "" at the end of the text."""
    return next((lexeme.text for lexeme in stop.rest if lexeme.kind != "comment"), "")


def commas_ahead(stop: Refusal) -> int:
    """Count the commas that follow at this level of parentheses, up to FROM."""
    level = commas = 0
    for lexeme in stop.rest:
        level += (lexeme.text == "(") - (lexeme.text == ")")
        if level < 0 or (level == 0 and lexeme.text.upper() == "FROM"):
            break
        commas += level == 0 and lexeme.text == ","
    return commas
