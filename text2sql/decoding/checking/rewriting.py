"""Turn text whose SELECTs begin with FROM into ordinary SQL and back, by the checker's own grammar.

    >>> to_sql(checker, "FROM singer AS T1 SELECT T1.name WHERE T1.age > 30")
    'SELECT T1.name FROM singer AS T1 WHERE T1.age > 30'

The text is read again, a lexeme at a time; where a SELECT list ends, what FROM says is put behind
it.

Covered: every SELECT, however deep; comments; all else stays byte for byte, with one space where
two parts meet.
Not covered: text that the checker does not accept.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from text2sql.decoding.checking.replaying import Terminal, lexemes, replay

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker


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
