"""What may stand behind `*`: EXCLUDE and REPLACE.

    >>> checker.accepts("SELECT * EXCLUDE (notes) REPLACE (round(freight) AS freight) FROM orders")
    True

The names are owed like those of items: FROM must have each of them once, and in every source a
column that is not left out.

Covered: `*` before FROM, of a list whose number of columns is free.
Not covered: `t.* EXCLUDE`, COLUMNS(...), RENAME, an arm of a set operation but the first.
"""

from text2sql.decoding.checking.frames import Block, Output, Reference
from text2sql.decoding.checking.kinds.clauses import KindClauses
from text2sql.decoding.checking.scope import Move

_ROLES = ("top", "cte", "derived", "exists")


class KindStars(KindClauses):
    """The actions behind `*`."""

    def do_can_edit(self, move: Move) -> bool:
        block: Block = move.frame
        query = self.scope.query_of(block)
        free = query.width is None and query.role in _ROLES and not query.columns
        return free and block.phase == "items" and not block.deep

    def _own(self, move: Move) -> Output | None:
        """Return the `*` once FROM owes the column that is named; None where it cannot."""
        name = self._name(move)
        star: Output = move.frame.outputs[-1]
        if name in star.left_out or name in dict(star.replaced):
            return None
        move.frame = self.scope.owe(move.frame, Reference(None, name, local=True))
        return star if move.frame is not None else None

    def _show(self, move: Move, star: Output) -> bool:
        outputs = move.frame.outputs
        move.frame = self.frames.change(move.frame, outputs=(*outputs[:-1], star))
        return self.scope.feasible(move.frame)

    def do_leave_out(self, move: Move) -> bool:
        star = self._own(move)
        return star is not None and self._show(
            move, star._replace(left_out=star.left_out | {self._name(move)})
        )

    def do_replacement(self, move: Move) -> bool:
        move.frame = self.frames.change(
            move.frame, item=None, lent=frozenset(), uses="", stack=(), bare=frozenset()
        )
        return True

    def do_replacing(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        if operand is None:
            return False
        kind = {"string": "text", "null": "any"}.get(operand.kind, operand.kind)
        move.held = ("replacing", kind if operand.reference is None else "any")
        move.frame = self.frames.change(move.frame, stack=(), bare=frozenset())
        return True

    def do_replace(self, move: Move) -> bool:
        star, kind = self._own(move), move.held[1]
        move.held = None
        return star is not None and self._show(
            move, star._replace(replaced=(*star.replaced, (self._name(move), kind)))
        )
