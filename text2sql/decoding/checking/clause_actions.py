"""What happens behind FROM: phases, positions, named windows.

A part of `actions`.
"""

from typing import Any

from text2sql.decoding.checking.action_base import ActionBase
from text2sql.decoding.checking.frames import Block, Context
from text2sql.decoding.checking.lookups import TRUTHS
from text2sql.decoding.checking.scope import Move


class ClauseActions(ActionBase):
    """Actions of WHERE, GROUP BY, HAVING, WINDOW, ORDER BY and LIMIT."""

    def _clause(self, move: Move, phase: str) -> bool:
        move.frame = self.frames.change(move.frame, phase=phase, item=None)
        return True

    def do_phase_where(self, move: Move) -> bool:
        return self._clause(move, "where")

    def do_phase_group(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, grouped=True)
        return self._clause(move, "group")

    def do_no_group(self, move: Move) -> bool:
        return not self.scope.owes_group(move.frame)

    def do_can_have(self, move: Move) -> bool:
        return bool(move.frame.grouped or move.frame.having)

    def do_phase_having(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, uses="")
        return self._clause(move, "having")

    def do_can_sort(self, move: Move) -> bool:
        """Let ORDER BY follow a set operation where it can name or count a column."""
        block: Block = move.frame
        query = self.scope.query_of(block)
        counted = any(output.counted for output in query.outputs)
        return not query.arms or counted or bool(self.scope.sorted_by(block))

    def do_phase_order(self, move: Move) -> bool:
        compound = self.scope.query_of(move.frame).arms > 0
        return self._clause(move, "compound" if compound else "order")

    def do_phase_limit(self, move: Move) -> bool:
        return self._clause(move, "limit")

    def do_term(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, item=b"", uses="")
        return True

    def do_number(self, move: Move) -> bool:
        block = move.frame
        whole = move.payload.isdigit() or move.payload[:2] == b"0x"
        if whole and self._is_hidden_position(block):
            return False
        if isinstance(block, Block) and block.item == b"":
            if block.phase not in ("items", "late") and move.payload[:2] == b"0x":
                return False  # a position for sqlglot
            bound = block.phase == "compound" or self.scope.is_led(block)
            if bound and not self._is_position(block, move.payload):
                return False
            if block.phase in ("order", "group", "compound"):
                move.held = ("position", move.payload)
                return True
        return self._mark(move)

    def _is_hidden_position(self, frame: Any) -> bool:
        """Tell whether a number is all that parentheses and signs hold: SQLite counts by it."""
        while isinstance(frame, Context) and frame.kind == "paren":
            frame = frame.parent
        is_term = isinstance(frame, Block) and frame.phase in ("order", "group")
        return is_term and frame.item is False

    def _is_position(self, block: Block, digits: bytes) -> bool:
        outputs = self._listed(block) if block.phase == "compound" else block.outputs
        if not digits.isdigit():
            return block.phase != "compound"
        if not 1 <= int(digits) <= len(outputs):
            return False
        named = outputs[int(digits) - 1]
        if not named.counted:
            return False
        return block.phase != "group" or not (
            named.uses or self.scope.is_out_of_reach(block, (named,))
        )

    def do_counted(self, move: Move) -> bool:
        """Let COLLATE stand behind a position that is one: SQLite counts by `2 COLLATE NOCASE`."""
        block = move.frame
        if not move.held or move.held[0] != "position":
            return True
        if not isinstance(block, Block) or block.item != b"":
            return True  # a number further on, or within a number's term
        return block.phase != "group" and self._is_position(block, move.held[1])

    def do_end_term(self, move: Move) -> bool:
        block: Block = move.frame
        position = move.held[1] if move.held and move.held[0] == "position" else None
        if position is not None and block.item == b"" and not self._is_position(block, position):
            return False
        move.held = None
        move.frame = self.frames.change(block, item=None)
        return True

    def do_sign(self, move: Move) -> bool:
        frame = move.frame
        move.frame = self._opened(frame)
        return True

    def do_boolean(self, move: Move) -> bool:
        """Let TRUE and FALSE stand, unless a column of the schema has taken the word."""
        return not TRUTHS & self.scope.all_columns and self._mark(move)

    def do_logic(self, move: Move) -> bool:
        """Refuse AND at the top of a term: SQLite makes `0 AND x` the number 0, a position."""
        frame = move.frame
        while isinstance(frame, Context) and frame.kind == "paren":
            frame = frame.parent
        is_term = isinstance(frame, Block) and frame.phase in ("order", "group")
        if is_term and move.terminal == "AND":
            return False
        return self._mark(move)
