"""Where aggregates and window functions may stand.

    >>> [checker.accepts(f"SELECT {e} FROM t") for e in ("sum(sum(a))", "sum(sum(a)) OVER ()")]
    [False, True]

Covered: aggregates in each clause, inside one another, in FILTER, in windows and in the SELECT that
a recursive CTE repeats; `min` and `max` of several arguments, which are none.
Not covered: what a strict dialect must group; see `kinds`.
"""

from text2sql.decoding.checking.frames import Block, Call, Context, Frame, Query, remembered
from text2sql.decoding.checking.functions import Function
from text2sql.decoding.checking.lookups import Lookups


class Aggregation(Lookups):
    """The rules of aggregates and window functions."""

    def is_aggregate(self, call: Call) -> bool:
        """Tell whether the arguments being read are those of an aggregate, as far as is known."""
        if call.closed or call.function.kind != "aggregate":
            return False
        scalar = call.function.name in self.dialect.scalar_too
        return not (scalar and not call.distinct and max(call.least, call.count) > 1)

    def allows_window(self, frame: Frame) -> bool:
        """Tell whether a window function may stand here."""
        while not isinstance(frame, Block):
            if isinstance(frame, Query) or (
                isinstance(frame, Call)
                and (frame.closed or frame.function.kind == "window" or self.is_aggregate(frame))
            ):
                return False
            frame = frame.parent
        recursive = isinstance(frame.parent, Query) and frame.parent.recursion == "used"
        return frame.phase in ("items", "late", "order", "qualify") and not recursive

    def enter_aggregate(self, frame: Frame) -> Frame | None:
        """Return the frame in which an aggregate may begin; None where none may."""
        if isinstance(frame, Query):
            return None
        if isinstance(frame, Block):
            query = frame.parent
            assert isinstance(query, Query)
            grouped = frame.phase in ("order", "qualify") and (frame.aggregates or frame.grouped)
            allowed = frame.phase in ("items", "late", "having") or grouped
            return frame if allowed and query.recursion != "used" else None
        if isinstance(frame, Context) and frame.kind == "filter":
            return None
        if isinstance(frame, Call) and self.is_aggregate(frame):
            scalar = frame.function.name in self.dialect.scalar_too
            windowed = self.allows_window(frame.parent)
            if frame.distinct or not (windowed or scalar):
                return None
            if not windowed:
                frame = self.frames.change(frame, least=2)  # min(x, y) of two numbers
        around = self.enter_aggregate(frame.parent)
        if around is None or around is frame.parent:
            return frame if around else None
        return self.frames.change(frame, parent=around)

    def owes_group(self, block: Block) -> bool:
        """Tell whether GROUP BY has to follow: a query in FROM whose windows alone aggregate.

        SQLite hands such a query the WHERE around it as a HAVING, and then misses GROUP BY.
        """
        if self.dialect.typed or block.grouped or block.having or not block.aggregates:
            return False
        return self.query_of(block).role in ("derived", "cte", "arm")

    @remembered
    def begin_call(self, frame: Frame, function: Function) -> Frame | None:
        """Return the frame of a call's arguments; None where the function may not stand here.

        In QUALIFY and ORDER BY any aggregate may, with OVER behind it.
        """
        least, inner = function.least, ""
        if function.kind == "window":
            if not self.allows_window(frame):
                return None
        elif function.kind == "aggregate":
            entered = self.enter_aggregate(frame)
            if entered is not None:
                frame = entered
            elif function.name in self.dialect.scalar_too:
                least = 2
            elif self._may_order_over(frame):
                inner = "over"
            else:
                return None
        parent = self.marked(frame)
        return self.frames.make(Call, parent, function, least, 0, False, False, inner, False, False)

    def _may_order_over(self, frame: Frame) -> bool:
        """Tell whether an aggregate that may not stand here may do so as a window function."""
        return self.allows_window(frame) and self.block_of(frame).phase in ("qualify", "order")

    def marked(self, frame: Frame) -> Frame:
        """Return the frame whose current item is more than a bare column."""
        if isinstance(frame, Block) and frame.item is not None:
            return self.frames.change(frame, item=None)
        return frame

    def _is_in_window(self, frame: Call | Context) -> bool:
        """Tell whether an aggregate that stands directly in a frame is a part of a window."""
        if isinstance(frame, Context):
            return frame.kind == "over"
        return frame.function.kind == "window" or self.is_aggregate(frame)

    def with_use(self, frame: Frame, use: str, *, windowed: bool = False) -> Frame:
        """Tell the frames around that an aggregate or a window function is inside.

        Args:
            frame: where it stands.
            use: "aggregate" or "window".
            windowed: it is a part of a window function: SQLite lets no HAVING follow.
        """
        if isinstance(frame, Block):
            new = use == "aggregate" and frame.phase in ("items", "late")
            uses = "window" if "window" in (use, frame.uses) else use
            aggregates, having = frame.aggregates or new, frame.having or (new and not windowed)
            return self.frames.change(frame, uses=uses, aggregates=aggregates, having=having)
        if isinstance(frame, Query):
            return frame
        windowed = windowed or self._is_in_window(frame)
        around = self.with_use(frame.parent, use, windowed=windowed)
        if isinstance(frame, Call) and not frame.closed:
            inner = "window" if "window" in (use, frame.inner) else use
            return self.frames.change(frame, parent=around, inner=inner)
        return frame if around is frame.parent else self.frames.change(frame, parent=around)
