"""Rows of values: before IN, and in its list.

    >>> checker.accepts("SELECT 1 FROM t WHERE (a, b) IN ((1, 'x'), (2, 'y'))")
    True

Each value of a row in the list goes with the value at its place in the row on the left.

Covered: `IN (SELECT ...)` of as many columns; a list of rows of literals and expressions.
Not covered: rows beside other rows, rows within rows.
"""

from typing import Any

from text2sql.decoding.checking.frames import Context
from text2sql.decoding.checking.kinds.operands import ROW_ROLE, is_value_of_in
from text2sql.decoding.checking.kinds.spans import KindSpans
from text2sql.decoding.checking.kinds.tables import Kinds
from text2sql.decoding.checking.scope import Move


class KindRows(KindSpans):
    """The actions that read a row."""

    # --- on the left ---------------------------------------------------------------------------

    def do_can_be_row(self, move: Move) -> bool:
        inner = move.frame
        if self._listing(inner) is not None:
            return self._next_part(move)
        outside = Move(inner.parent, None, move.terminal, None, None, 0, False)
        if not hasattr(inner.parent, "stack") or not self._may_make(outside, "boolean", 4):
            return False
        if is_value_of_in(inner.parent) and not self.rules.exact:
            return False  # DuckDB takes the inner query for that of the outer IN
        return super().do_can_be_row(move) and self._known_part(move)

    def do_next_in_row(self, move: Move) -> bool:
        if self._listing(move.frame) is not None:
            return self._next_part(move)
        return super().do_next_in_row(move) and self._known_part(move)

    def _known_part(self, move: Move) -> bool:
        """Ask of a part of a row that its kind is known."""
        return self._orderable(move) is not None and move.frame.stack[-1].kind != "any"

    def do_end_parenthesis(self, move: Move) -> bool:
        frame: Context = move.frame
        if self._listing(frame) is not None:
            return self._end_listed(move)
        if frame.detail is None:
            return super().do_end_parenthesis(move)
        if not self._known_part(move):
            return False
        move.frame = self.frames.change(move.frame, kind="row")
        return True

    def do_in_left(self, move: Move) -> bool:
        is_row = isinstance(move.frame, Context) and move.frame.kind == "row"
        return is_row or super().do_in_left(move)

    def do_negated(self, move: Move) -> bool:
        is_row = isinstance(move.frame, Context) and move.frame.kind == "row"
        return is_row or super().do_negated(move)

    def do_in(self, move: Move) -> bool:
        if isinstance(move.frame, Context) and move.frame.kind == "row":
            move.frame = self.frames.change(move.frame, kind="row_in")
            return True
        return super().do_in(move)

    def do_in_query(self, move: Move) -> bool:
        frame: Context = move.frame
        if frame.kind == "row_in":
            # DuckDB has no correlated query of several columns
            role = "in" if self.rules.exact else ROW_ROLE
            return self._push(move, role, width=len(frame.stack))
        return super().do_in_query(move)

    def _wanted_in(self, frame: Any, place: int = 0) -> Kinds | None:
        if isinstance(frame, Context) and frame.kind == "row_in" and place < len(frame.stack):
            wanted = self.rules.ordered(frame.stack[place].kind)
            return wanted if "text" in wanted else wanted - self.rules.texts_of_queries
        return super()._wanted_in(frame, place)

    # --- in the list ---------------------------------------------------------------------------

    def _listing(self, frame: Any) -> Context | None:
        """Return the IN of whose list a row is being read; None: of none."""
        around = frame.parent if isinstance(frame, Context) and frame.kind == "paren" else None
        listing = isinstance(around, Context) and around.kind == "row_in"
        return around if listing else None

    def do_in_values(self, move: Move) -> bool:
        return move.frame.kind == "row_in" or super().do_in_values(move)

    def do_in_value(self, move: Move) -> bool:
        return move.frame.kind == "row_in" or super().do_in_value(move)

    def do_scalar(self, move: Move) -> bool:
        is_row = isinstance(move.frame, Context) and move.frame.kind == "row_in"
        return not is_row and super().do_scalar(move)

    def do_group(self, move: Move) -> bool:
        return super().do_group(move) and self._ask_part(move)

    def do_row(self, move: Move) -> bool:
        return super().do_row(move) and self._ask_part(move)

    def _ask_part(self, move: Move) -> bool:
        """Ask that the next value of a row goes with the one at its place on the left."""
        around = self._listing(move.frame)
        if around is None:
            return True
        left = around.stack[(move.frame.detail or 1) - 1]
        return self._demand(move, 1, self._beside(left))

    def _next_part(self, move: Move) -> bool:
        around = self._listing(move.frame)
        more = around is not None and (move.frame.detail or 1) < len(around.stack)
        return more and self._end_part(move)

    def _end_part(self, move: Move) -> bool:
        value = self._settled(move, self._pop_operand(move))
        return value is not None and self._set(move, ())

    def _end_listed(self, move: Move) -> bool:
        frame: Context = move.frame
        whole = frame.detail == len(frame.parent.stack)
        return whole and self._end_part(move) and self._pop(move)
