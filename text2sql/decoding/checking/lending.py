"""Names that an item without an alias may get from its parts: nobody may refer to them.

    SELECT x FROM (SELECT c -> x FROM t), u      -- to sqlglot the first column is called x

SQLite calls a computed item by its text, and `x COLLATE NOCASE` by the column. sqlglot calls it by
a column that it only wraps (parentheses, `+`, CAST, the key behind `->`, `json_extract`) or by a
literal inside, and then finds two columns `x` where `u` has one. So such names are counted as
mistakes; an alias ends that.

Source: `Expression.output_name` and its overrides, sqlglot 30.30.
"""

import re
from typing import Any

from text2sql.decoding.checking.action_base import ActionBase
from text2sql.decoding.checking.frames import Block, Call, Frame, Query
from text2sql.decoding.checking.machine import Cell
from text2sql.decoding.checking.scope import Move

# What may stand between a column and its item, if the item is to be called by the column.
_HANDING_ON = frozenset({
    "name_tail", "member", "<member>", "postfix", ")", "row", "@end_parenthesis", "@computed",
    "@arrowed", "@told", "@signed", "@unchanged", "@as", "AS", "type", "@end_cast",
    "@end_argument", "more_arguments", "call_order", "@end_arguments", "@called", "within",
    "filter", "over", "@end_call",
})  # fmt: skip
_SEGMENT = re.compile(rb'[^.$"\[\]]+')  # of a JSON path


def hands_on(frame: Frame, cell: Cell | None) -> bool:
    """Tell whether an item may be called by the column that has just been read in it.

    Args:
        frame: where the column stands.
        cell: the stack above it.
    """
    while not isinstance(frame, Block):
        if frame is None or (isinstance(frame, Call) and frame.function.name != "json_extract"):
            return False
        frame = frame.parent
    while cell is not None and cell.symbol != "@item_value":
        rest = cell.rest
        negated = cell.symbol == "@signed" and (rest is None or rest.symbol != "@unchanged")
        passes = cell.symbol in _HANDING_ON or cell.symbol.startswith("tail_")
        if negated or not passes:
            return False
        cell = rest
    return cell is not None


class LendingActions(ActionBase):
    """Actions that note what an item may be called."""

    def lends(self, frame: Any) -> bool:
        """Tell whether it matters what the item that is being read is called."""
        while not isinstance(frame, Block):
            if frame is None or isinstance(frame, Query):
                return False
            frame = frame.parent
        query = self.scope.query_of(frame)
        named = query.role in ("derived", "cte") and not query.arms
        return named and frame.phase in ("items", "late")

    def lend(self, frame: Frame, *names: bytes) -> Frame:
        """Return the frame whose item may be called by some names."""
        if not self.lends(frame):
            return frame
        block = self.scope.block_of(frame)
        lent = self.frames.change(block, lent=block.lent.union(names))
        return self.scope.with_block(frame, lent)

    def lend_literal(self, move: Move) -> bool:
        """Note what a literal says, and the last step of a JSON path."""
        said = move.payload
        if isinstance(said, bytes) and self.lends(move.frame):
            said = said.lower()
            move.frame = self.lend(move.frame, said, *_SEGMENT.findall(said)[-1:])
        return True

    def do_can_collate(self, move: Move) -> bool:
        """Leave a position alone: SQLite counts by `10 COLLATE NOCASE` too.

        It also calls `x COLLATE NOCASE` by the column.
        """
        block = move.frame
        if isinstance(block, Block) and isinstance(block.item, bytes) and block.item:
            move.frame = self.lend(block, block.item)
        return not (move.held and move.held[0] == "position")
