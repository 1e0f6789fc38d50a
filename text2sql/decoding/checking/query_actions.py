"""Where a query begins and ends: subqueries, common table expressions, set operations.

A part of `actions`.
"""

from text2sql.decoding.checking.action_base import ActionBase
from text2sql.decoding.checking.frames import Block, Context, Frame, Output, Query
from text2sql.decoding.checking.lookups import UNREADABLE, VALUES_KIND
from text2sql.decoding.checking.machine import Cell
from text2sql.decoding.checking.scope import DEPTH_LIMIT, OPENING_LIMIT, Move

MAX_VALUES = 20  # columns of rows whose number nothing else says


# What may stand around a subquery if it is to be a whole item for sqlglot, which drops `+`.
_WRAPPING = frozenset(
    {"parenthesis", ")", "@computed", "row", "@end_parenthesis", "postfix", "@signed", "@unchanged"}
)


def _is_whole_item(cell: Cell | None) -> bool:
    """Tell whether a subquery that begins is all of an item so far."""
    while cell is not None and cell.symbol != "@item_value":
        rest = cell.rest
        negated = cell.symbol == "@signed" and (rest is None or rest.symbol != "@unchanged")
        if negated or not (cell.symbol in _WRAPPING or cell.symbol.startswith("tail_")):
            return False
        cell = rest
    return cell is not None


class QueryActions(ActionBase):
    """Actions around whole queries."""

    def do_open(self, move: Move) -> bool:
        return self._push(move, "top")

    def do_scalar(self, move: Move) -> bool:
        alone = _is_whole_item(move.cell)
        frame = self._nesting(move.frame)
        if alone:
            block = self.scope.block_of(frame)
            frame = self.scope.with_block(frame, self.frames.change(block, item=True))
        move.frame = frame
        row = frame.detail if isinstance(frame, Context) and frame.kind == "row_side" else 1
        return self._push(move, "scalar", width=row)

    def do_end_scalar(self, move: Move) -> bool:
        frame = move.frame.parent
        is_side = isinstance(frame, Context) and frame.kind == "row_side"
        move.frame = self.frames.change(frame, kind="row_done") if is_side else frame
        return True

    def do_computed(self, move: Move) -> bool:
        """Leave alone what is a subquery in parentheses, and nothing more."""
        frame = move.frame
        return (isinstance(frame, Block) and frame.item is True) or self._mark(move)

    def _nesting(self, frame: Frame) -> Frame:
        """Return the frame whose current item has a subquery inside."""
        frame = self.scope.marked(frame)
        block = self.scope.block_of(frame)
        return self.scope.with_block(frame, self.frames.change(block, nested=True))

    def do_limit_scalar(self, move: Move) -> bool:
        return self._push(move, "limit", width=1)

    def do_in_query(self, move: Move) -> bool:
        move.frame = frame = self._nesting(move.frame)
        width = frame.detail if isinstance(frame, Context) and frame.kind == "row_in" else 1
        return self._push(move, "in", width=width)

    def do_exists(self, move: Move) -> bool:
        move.frame = self._nesting(move.frame)
        return self._push(move, "exists")

    do_end_exists = ActionBase._pop

    def do_end_in_query(self, move: Move) -> bool:
        frame = move.frame.parent
        is_row = isinstance(frame, Context) and frame.kind == "row_in"
        move.frame = self.frames.change(frame, kind="in", detail=None) if is_row else frame
        return True

    def do_end_query(self, move: Move) -> bool:
        block: Block = move.frame
        query: Query = block.parent
        if query.role == "top" and not query.arms and block.phase == "values":
            return False  # no query to sqlglot
        outputs = query.outputs if query.arms else block.outputs
        move.frame = self.frames.change(query, outputs=outputs, arms=query.arms + 1)
        return True

    def do_can_derive(self, move: Move) -> bool:
        block: Block = move.frame
        if move.depth >= DEPTH_LIMIT:
            return False
        stars = [o for o in block.outputs if o.name == b"*" and o.qualifier is None]
        width = self.scope.query_of(block).width
        if stars and width is not None:
            return width > len(self.scope.starred(block))
        return True

    def do_derived(self, move: Move) -> bool:
        return self._derive(move, "derived")

    def _derive(self, move: Move, role: str) -> bool:
        block: Block = move.frame
        width = self.scope.query_of(block).width
        stars = any(o.name == b"*" and o.qualifier is None for o in block.outputs)
        rest = width - len(self.scope.starred(block)) if stars and width is not None else None
        return self._push(move, role, width=rest)

    def do_end_derived(self, move: Move) -> bool:
        query: Query = move.frame
        move.held = ("source", None, self.scope.relation_of(query))
        move.frame = query.parent
        return True

    def do_with(self, move: Move) -> bool:
        return move.depth < OPENING_LIMIT

    def do_with_read(self, move: Move) -> bool:
        """Mark on the stack that a WITH has been read: it holds places until its query ends."""
        return True

    def do_recursive(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, recursion="declared")
        return True

    def do_cte(self, move: Move) -> bool:
        owner: Query = move.frame
        name = self._name(move)
        known = (owner.parent and self.scope.query_of(owner.parent).names) or ()
        if any(own == name for own, _ in owner.names[len(known) :]):
            return False
        recursion = "possible" if owner.recursion == "declared" else ""
        move.frame = self.frames.make(
            Query, owner, "cte", owner.names, None, (), 0, False, name, (), recursion
        )
        self._count_joins(move)
        return True

    def do_cte_column(self, move: Move) -> bool:
        query: Query = move.frame
        name = self._name(move)
        if name in query.columns:
            return False
        move.frame = self.frames.change(query, columns=(*query.columns, name))
        return True

    def do_open_cte(self, move: Move) -> bool:
        query: Query = move.frame
        names = (*query.names, (query.cte, None))
        any_width = self.dialect.unread_ctes and self.scope.invents and not query.recursion
        width = None if any_width else len(query.columns) or None
        move.frame = self.frames.change(query, names=names, width=width)
        return True

    def do_close_cte(self, move: Move) -> bool:
        query: Query = move.frame
        fits = not query.columns or len(query.columns) == len(query.outputs)
        found = (query.cte, self.scope.relation_of(query) if fits else UNREADABLE)
        move.frame = self.frames.change(query.parent, names=(*query.parent.names, found))
        return True

    def do_values(self, move: Move) -> bool:
        """Begin rows of values: not behind WITH, where sqlglot does not read them."""
        query: Query = move.frame
        around = self.scope.query_of(query.parent).names if query.parent is not None else ()
        with_it = any(name != query.cte for name, _ in query.names[len(around) :])
        alone = not query.arms and query.role != "top" and (with_it or query.role == "limit")
        if query.role == "derived" and not self.scope.may_hold_nameless(query.parent):
            return False
        return not alone and move.taken < OPENING_LIMIT and self._select(move, "values")

    def do_value_row(self, move: Move) -> bool:
        move.frame = self.frames.make(Context, move.frame, "values", 0)
        return True

    def do_value(self, move: Move) -> bool:
        """Count a value; a row has as many as the first one, and as the query needs."""
        row: Context = move.frame
        block: Block = row.parent
        most = len(block.outputs) or self.scope.query_of(block).width or MAX_VALUES
        move.frame = self.frames.change(row, detail=row.detail + 1)
        return row.detail < most

    def do_end_value_row(self, move: Move) -> bool:
        row: Context = move.frame
        block: Block = row.parent
        width = len(block.outputs) or self.scope.query_of(block).width or row.detail
        move.frame = self.frames.change(
            block, outputs=(Output(None, kind=VALUES_KIND),) * row.detail
        )
        return bool(row.detail == width)

    def do_can_combine(self, move: Move) -> bool:
        """Let nothing follow the SELECT that repeats itself, or VALUES that FROM holds."""
        query = self.scope.query_of(move.frame)
        held = query.role == "derived" and not query.arms and move.frame.phase == "values"
        return query.recursion != "used" and not held

    def do_open_arm(self, move: Move) -> bool:
        """Begin a SELECT in parentheses: one side of a set operation, with an order of its own."""
        width = move.frame.width
        return self._select(move, "arm") and self._push(move, "arm", width=width)

    def do_close_arm(self, move: Move) -> bool:
        query: Query = move.frame
        move.frame = self.frames.change(query.parent, phase="closed", outputs=query.outputs)
        return True

    def do_arm(self, move: Move) -> bool:
        block: Block = move.frame
        query: Query = block.parent
        outputs = query.outputs if query.arms else block.outputs
        move.frame = self.frames.change(
            query,
            outputs=outputs,
            width=len(outputs),
            arms=query.arms + 1,
            union=False,
            sorts=self.scope.sorted_by(block),
            unmet_joins=block.unmet_joins,
        )
        return True

    def do_arm_union(self, move: Move) -> bool:
        if not self.do_arm(move):
            return False
        move.frame = self.frames.change(move.frame, union=True)
        return True
