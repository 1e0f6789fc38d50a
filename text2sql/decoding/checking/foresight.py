"""Whether a text can still end well, where the rules alone do not promise it: by an end.

    >>> checker = Checker(schema, dialect="duckdb")
    >>> calls = ("list_unique", "unicode")
    >>> [checker.prefix_ok(f"SELECT day(CURRENT_DATE - {call}(") for call in calls]
    [False, True]

An engine works out what has no column in it before it runs, and refuses what does not come out
(see `kinds.folding`). So what may follow a literal deep inside other expressions depends on all
that they want, and no rule for one operator says it. There a scout goes ahead: a checker of the
same schema that does not look ahead itself. What it finds is kept, for every state on its way.

Covered: literals inside calls, parentheses, CASE, CAST, IN; arguments that must be lists.
Not covered: a way out that `completion` does not find within its `SIGHT`; what needs it is refused.
"""

from copy import copy
from typing import TYPE_CHECKING, Any

from text2sql.decoding.checking.completion import complete, way_out
from text2sql.decoding.checking.frames import Block, Call, Context
from text2sql.decoding.checking.kinds import Operand
from text2sql.decoding.checking.kinds.lists import wants_list
from text2sql.decoding.checking.lexer import Reading

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker


class Foresight:
    """What is known of texts of which only an end can show that there is one."""

    def __init__(self, checker: "Checker") -> None:
        self._scout = copy(checker)
        self._scout.begin_alone()
        self._ends: dict[Reading, bool] = {}

    def forget(self) -> None:
        """Drop what is remembered."""
        self._scout.forget()
        self._ends.clear()

    def ends(self, reading: Reading) -> bool:
        """Tell whether an end can be reached from what is being read."""
        frame = reading[0][1]
        if not in_doubt(frame) and not wants_list(frame, self._scout.dialect):
            return True
        known = self._ends.get(reading)
        if known is None:
            way = way_out(self._scout, self._scout.state_of(reading))
            known = self._ends[reading] = way is not None
            self._ends.update((state.reading, True) for _, state in way or ())
        return known

    def completion(self, reading: Reading) -> bytes:
        """Return a short completion; the scout need not look ahead to find it."""
        return complete(self._scout, self._scout.state_of(reading))


def in_doubt(frame: Any) -> bool:
    """Tell whether literals are read inside something that wants more of them than a row does."""
    inside = False
    while isinstance(frame, (Call, Context)):
        if _holds_literal(frame):
            return True
        inside, frame = True, frame.parent
    return inside and isinstance(frame, Block) and _holds_literal(frame)


def _holds_literal(frame: Any) -> bool:
    return any(isinstance(entry, Operand) and entry.fixed is True for entry in frame.stack)
