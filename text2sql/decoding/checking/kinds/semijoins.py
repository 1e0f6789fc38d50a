"""SEMI and ANTI JOIN, a source whose columns only its own condition sees; ASOF JOIN.

    >>> checker.accepts("SELECT sku FROM products ANTI JOIN order_lines USING (sku)")
    True

While the condition is read, what the SELECT owes waits in `Block.waiting`, so that the source pays
none of it. Behind the condition the source is a name without columns.

An ASOF JOIN compares columns, all but one for equality: DuckDB takes no other condition.

Covered: tables and common table expressions, ON and USING, where FROM owes nothing any more.
Not covered: derived tables, NATURAL and POSITIONAL joins, ASOF JOIN with USING or expressions.
"""

from typing import Any

from text2sql.decoding.checking.frames import Block, Reference
from text2sql.decoding.checking.kinds.joins import HALF
from text2sql.decoding.checking.kinds.stars import KindStars
from text2sql.decoding.checking.scope import Move

UNEVEN = "uneven"  # among `Block.groups`: the condition of an ASOF JOIN has its inequality


class KindSemiJoins(KindStars):
    """The actions of a join that adds no columns."""

    def do_can_join_half(self, move: Move) -> bool:
        """Let such a join in where every name before FROM has its column."""
        block: Block = move.frame
        if not block.outputs:
            return False  # sqlglot resolves no name of such a condition where no SELECT stands
        plan = self.scope.plan(block)
        paid = plan is not None and not plan.payments and not plan.merges
        return paid and self._can_join(block, "half")

    def do_can_join_asof(self, move: Move) -> bool:
        """Let an ASOF JOIN in where some table has a column to compare with one before it."""
        return self.do_can_join(move) and self._can_join(move.frame, "full")

    def do_uneven(self, move: Move) -> bool:
        """Take the one inequality of an ASOF JOIN."""
        groups = move.frame.groups
        move.frame = self.frames.change(move.frame, groups=groups | {UNEVEN})
        return UNEVEN not in groups

    def do_end_asof(self, move: Move) -> bool:
        groups = move.frame.groups
        move.frame = self.frames.change(move.frame, groups=groups - {UNEVEN})
        return UNEVEN in groups and self._joining(move, "from")

    def do_half(self, move: Move) -> bool:
        return self._joining(move, "half")

    def _add(self, move: Move, name: bytes | None, found: Any) -> bool:
        if not super()._add(move, name, found):
            return False
        block: Block = move.frame
        if block.phase == "half":
            groups = block.groups | {HALF}
            move.frame = self.frames.change(
                block, waiting=block.pending, pending=frozenset(), groups=groups
            )
        return True

    def do_end_half(self, move: Move) -> bool:
        block: Block = move.frame
        halved = self.scope.halved(block)
        kept = {one for one in block.pending if self._survives(halved, one)}
        move.frame = self.frames.change(
            halved,
            phase="from",
            waiting=frozenset(),
            pending=block.waiting | kept,
            groups=block.groups - {HALF},
        )
        return self.scope.feasible(move.frame)

    def _survives(self, halved: Block, reference: Reference) -> bool:
        """Tell whether another source, or a query around, has what a condition names."""
        return reference.outside or self.scope.count(halved, reference) == 1
