"""MAKE_INTERVAL with its arguments by name.

    >>> checker.accepts("SELECT now() - make_interval(days => 7, hours => 12)")
    True

Covered: each argument once; what is worked out before the statement runs is small.
Not covered: arguments by position.
"""

from text2sql.decoding.checking.frames import Context
from text2sql.decoding.checking.kinds.folding import worth
from text2sql.decoding.checking.kinds.forms import KindForms
from text2sql.decoding.checking.kinds.operands import (
    SURE,
    Operand,
)
from text2sql.decoding.checking.kinds.tables import NUMBERS
from text2sql.decoding.checking.scope import Move

_LARGEST = 9999  # of a part that is worked out before the statement runs


class KindSpans(KindForms):
    """The actions that read an interval by its parts, and what contains another."""

    def do_can_make(self, move: Move) -> bool:
        return self._literal_fits(move, "interval") and not self.is_read_as_name(move)

    def do_make_interval(self, move: Move) -> bool:
        self._mark(move)
        move.held = None
        parts = (frozenset[bytes](), True)
        move.frame = self.frames.make(Context, move.frame, "inner", parts)
        return True

    def do_span(self, move: Move) -> bool:
        """Ask of a part that it is the first of its name, and a whole number; seconds any."""
        name = self._name(move)
        named, fixed = move.frame.detail
        move.frame = self.frames.change(move.frame, detail=(named | {name}, fixed), stack=())
        numbers = NUMBERS if name == b"secs" else frozenset({"int4"})
        return name not in named and self._demand(move, 1, numbers)

    def do_spanned(self, move: Move) -> bool:
        part = self._settled(move, self._pop_operand(move))
        if part is None:
            return False
        number = worth(part.text)
        if part.fixed is True and (number is None or abs(number) > _LARGEST):
            return False
        if part.fixed is not True and not self._vary(move, self._told(part)):
            return False
        named, fixed = move.frame.detail
        fixed = fixed and part.fixed is True
        move.frame = self.frames.change(move.frame, detail=(named, fixed), stack=())
        return True

    def do_end_make_interval(self, move: Move) -> bool:
        made = Operand("interval", fixed=move.frame.detail[1], leaves=SURE)
        self._pop(move)
        return self._may_stand(move, made) and self._push_operand(move, made)
