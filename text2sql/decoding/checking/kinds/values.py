"""VALUES in FROM and WITH, where names are given to their columns.

    >>> checker.accepts("SELECT x FROM (VALUES (1, 'a'), (2, NULL)) AS t(x, y)")
    True

The values of a column go together as those of a CASE do.

Covered: rows of literals and expressions without columns; subqueries.
Not covered: VALUES without names for the columns, which sqlglot does not find; VALUES behind IN, as
a value, beside a SELECT of a set operation; LATERAL (VALUES ...).
"""

from typing import NamedTuple

from text2sql.decoding.checking.frames import Block, Context, Output, Query
from text2sql.decoding.checking.kinds.naming import KindNaming
from text2sql.decoding.checking.query_actions import MAX_VALUES
from text2sql.decoding.checking.scope import OPENING_LIMIT, Move

ROLE = "values"  # of a query in FROM whose columns get their names behind it


class Rows(NamedTuple):
    """Rows in FROM whose columns get their names behind them."""

    maker: str  # the function that makes them; "values"
    kinds: tuple[str, ...]  # of the columns
    fixed: tuple[bool, ...]  # whether they are constants
    alias: bytes = b""  # that they go by
    names: tuple[bytes, ...] = ()  # of the columns so far


class KindValues(KindNaming):
    """The actions that read rows of values."""

    def do_values(self, move: Move) -> bool:
        query: Query = move.frame
        around = self.scope.query_of(query.parent).names if query.parent is not None else ()
        with_it = any(name != query.cte for name, _ in query.names[len(around) :])
        if with_it or query.arms or move.taken >= OPENING_LIMIT:
            return False
        if query.role == "derived":
            move.frame = self.frames.change(query, role=ROLE)
        elif query.role != "cte" or not query.columns or query.recursion:
            return False
        return self._select(move, "values")

    def do_value_row(self, move: Move) -> bool:
        move.frame = self.frames.make(Context, move.frame, "values", ())
        return True

    def do_value(self, move: Move) -> bool:
        """Ask that the next value goes with those above it; a row has as many as the first."""
        if move.terminal == "," and not self._keep_value(move):
            return False
        row: Context = move.frame
        outputs, place = row.parent.outputs, len(row.detail)
        if place >= self._most(row.parent):
            return False
        wanted = self.rules.together(outputs[place].kind) if outputs else None
        return self._demand(move, 1, wanted)

    def _most(self, block: Block) -> int:
        return len(block.outputs) or self.scope.query_of(block).width or MAX_VALUES

    def _keep_value(self, move: Move) -> bool:
        value = self._settled(move, self._pop_operand(move))
        if value is None or value.kind == "any":
            return False
        values = (*move.frame.detail, (value.kind, self._told(value) is not False))
        move.frame = self.frames.change(move.frame, detail=values, stack=())
        return True

    def do_end_value_row(self, move: Move) -> bool:
        if not self._keep_value(move):
            return False
        row: Context = move.frame
        block: Block = row.parent
        width = len(block.outputs) or self.scope.query_of(block).width or len(row.detail)
        made = [Output(None, kind=kind, fixed=fixed) for kind, fixed in row.detail]
        for place, above in enumerate(block.outputs if len(made) == width else ()):
            kind = self.rules.unify(above.kind, made[place].kind)
            if kind is None:
                return False
            fixed = bool(above.fixed or made[place].fixed)
            made[place] = made[place]._replace(kind=kind, fixed=fixed)
        move.frame = self.frames.change(block, outputs=tuple(made))
        return len(made) == width

    def do_can_combine(self, move: Move) -> bool:
        return bool(move.frame.phase != "values") and super().do_can_combine(move)

    def do_end_query(self, move: Move) -> bool:
        block: Block = move.frame
        if block.phase == "values":  # of literals alone a text is made
            told = {"string": "text", "null": "text"}
            named = (o._replace(kind=told.get(o.kind, o.kind)) for o in block.outputs)
            move.frame = self.frames.change(block, outputs=tuple(named))
        return super().do_end_query(move)

    def do_end_derived(self, move: Move) -> bool:
        query: Query = move.frame
        if query.role != ROLE:
            return super().do_end_derived(move)
        kinds = tuple(output.kind for output in query.outputs)
        move.held = ("rows", Rows(ROLE, kinds, tuple(bool(o.fixed) for o in query.outputs)))
        move.frame = query.parent
        return True
