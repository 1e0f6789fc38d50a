"""What every action needs: the scope, the frames, the name that a terminal carries.

An action takes the `Move` of a terminal and changes its frame; False means that the terminal is not
legal here. See `actions`.
"""

from typing import Any

from text2sql.decoding.checking.frames import Block, Frame, Output, Query
from text2sql.decoding.checking.scope import DEEP_LIMIT, Move, Scope


class ActionBase:
    """The actions of one scope have these in common."""

    def __init__(self, scope: Scope) -> None:
        self.scope, self.frames, self.dialect = scope, scope.frames, scope.dialect

    def _mark(self, move: Move) -> bool:
        move.frame = self.scope.marked(move.frame)
        return True

    def _name(self, move: Move) -> bytes:
        name: bytes = move.payload[0]
        return name

    def _listed(self, block: Block) -> tuple[Output, ...]:
        query = self.scope.query_of(block)
        return query.outputs if query.arms else block.outputs

    def _push(self, move: Move, role: str, *, width: int | None = None) -> bool:
        names = () if move.frame is None else self.scope.query_of(move.frame).names
        move.frame = self.frames.make(
            Query, move.frame, role, names, width, (), 0, False, None, (), ""
        )
        self._count_joins(move)
        return True

    def _pop(self, move: Move) -> bool:
        move.frame = move.frame.parent
        return True

    def _select(self, move: Move, phase: str) -> bool:
        nothing: frozenset[Any] = frozenset()
        deep = move.taken >= DEEP_LIMIT
        found = ((), (), (), (), False, nothing, (), None, nothing, "", False, False, nothing, deep)
        move.frame = self.frames.make(Block, move.frame, phase, *found)
        self._count_joins(move)
        return True

    def _count_joins(self, move: Move) -> None:
        """Let a query or SELECT that begins know how many JOINs before it have no condition."""
        place: Any = move.frame.parent
        while place is not None and not hasattr(place, "unmet_joins"):
            place = place.parent
        if place is not None and place.unmet_joins:
            move.frame = self.frames.change(move.frame, unmet_joins=place.unmet_joins)

    def _opened(self, frame: Frame) -> Frame:
        if isinstance(frame, Block) and frame.phase in ("order", "group") and frame.item == b"":
            return self.frames.change(frame, item=False)
        if isinstance(frame, Block) and frame.item is False:
            return frame
        return self.scope.marked(frame)
