"""Joined tables in parentheses, as SQLite's FROM has them: `a LEFT JOIN (b JOIN c ON ...) ON ...`.

    >>> joined = "(orders AS o JOIN payments AS p ON p.order_id = o.order_id)"
    >>> checker.accepts(f"SELECT c.name, p.method FROM customers AS c LEFT JOIN {joined} ON 1")
    True

What parentheses hold may be named outside of them as if they were not there. An ON within names
what they hold, and nothing around them: SQLite makes a subquery of them.

Covered: any depth, subqueries within, commas and joins around.
Not covered: a table alone in parentheses, whose alias SQLite drops; an alias for all; VALUES,
USING, NATURAL, RIGHT and FULL JOIN and functions in such a FROM, where sqlglot loses tables.
"""

from typing import Any, NamedTuple

from text2sql.decoding.checking.frames import Block, Query
from text2sql.decoding.checking.query_actions import QueryActions
from text2sql.decoding.checking.scope import DEEP_LIMIT, Move
from text2sql.decoding.checking.source_actions import SourceActions

MOST_NESTS, DEEPEST_NEST = 3, DEEP_LIMIT - 12  # so that a table can be made for each of them


class Nest(NamedTuple):
    """An open parenthesis of FROM, and what a SELECT was when it was opened."""

    start: int  # sources before it
    phase: str
    unmet_joins: int
    bare_joins: int
    packed: bool
    takes_tables: bool


class JoinedTableActions(QueryActions, SourceActions):
    """Actions of FROM, with joined tables in parentheses."""

    def do_open_nest(self, move: Move) -> bool:
        """Open a parenthesis: what comes next tells whether a query or a table is in it."""
        block: Block = move.frame
        able = block.phase in ("from", "join") and not (
            block.outer or block.natural_too or block.merged or self.scope.is_opaque(block)
        )
        shallow = len(block.nests) < MOST_NESTS and move.taken < DEEPEST_NEST and not block.deep
        able = able and shallow and not self.scope.shows_all_of_a_width(block)
        before = (block.phase, block.unmet_joins, block.bare_joins, block.packed)
        nest = Nest(len(block.sources), *before, takes_tables=True)
        opened = self.frames.change(block, nests=(*block.nests, nest), phase="from")
        able = able and self.scope.feasible(self.frames.change(opened, packed=True))
        if not able:
            nests = (*block.nests, nest._replace(takes_tables=False))
            opened = self.frames.change(block, nests=nests)
        move.frame = opened
        return True

    def _closed(self, block: Block, **changes: Any) -> Block:
        """Return a SELECT without its innermost open parenthesis."""
        nest: Nest = block.nests[-1]
        closed: Block = self.frames.change(
            block, nests=block.nests[:-1], phase=nest.phase, bare_joins=nest.bare_joins, **changes
        )
        return closed

    def do_derived(self, move: Move) -> bool:
        if move.frame.nests:
            move.frame = self._closed(move.frame, packed=move.frame.nests[-1].packed)
        return super().do_derived(move)

    def do_nested(self, move: Move) -> bool:
        block: Block = move.frame
        move.frame = self.frames.change(block, packed=True, bare_joins=0)
        return block.nests[-1].takes_tables

    def do_end_nest(self, move: Move) -> bool:
        block: Block = move.frame
        move.frame = self._closed(block, unmet_joins=block.nests[-1].unmet_joins)
        return True

    def do_values(self, move: Move) -> bool:
        """Refuse VALUES in parentheses with other tables, where sqlglot loses those."""
        query: Query = move.frame
        nested = query.role == "derived" and query.parent.nests
        return not nested and super().do_values(move)

    def do_late(self, move: Move) -> bool:
        return not move.frame.packed and super().do_late(move)

    def do_can_use(self, move: Move) -> bool:
        return not move.frame.packed and super().do_can_use(move)

    def do_can_join_outer(self, move: Move) -> bool:
        return not move.frame.packed and super().do_can_join_outer(move)

    def do_natural(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, natural_too=True)
        return super().do_natural(move)

    def do_can_join_naturally(self, move: Move) -> bool:
        return not move.frame.packed and super().do_can_join_naturally(move)
