"""What happens in FROM: tables, aliases, joins, USING.

A part of `actions`.
"""

import re
from collections.abc import Iterable
from typing import Any

from text2sql.decoding.checking.action_base import ActionBase
from text2sql.decoding.checking.frames import Block, Query, Reference
from text2sql.decoding.checking.lookups import VALUES_KIND
from text2sql.decoding.checking.obligations import GENERATED
from text2sql.decoding.checking.scope import DEEP_LIMIT, OPENING_LIMIT, Move
from text2sql.limits import MAX_WAITING

# Tables that sqlglot loses without an alias of their own, or gives another's: it makes _0, _1, ...
UNALIASED = re.compile(rb"[:@\[?${ ]|_\d+\Z|.* \Z|.*'", re.DOTALL)

BARE_LIMIT = 5  # JOINs without a condition: sqlglot takes twice as long for each


class SourceActions(ActionBase):
    """Actions of the FROM clause."""

    def do_from(self, move: Move) -> bool:
        block: Block = move.frame
        if not self._list_is_whole(block):
            return False
        move.frame = self.frames.change(block, phase="from")
        return self.scope.has_room(move.frame)

    def _list_is_whole(self, block: Block) -> bool:
        width = self.scope.query_of(block).width
        stars = any(output.name == b"*" for output in block.outputs)
        whole = width is None or stars or len(block.outputs) == width
        return whole and (stars or self.scope.fits_around(block))

    def do_from_first(self, move: Move) -> bool:
        return self._select(move, "from") and self.scope.has_room(move.frame)

    def do_from_leads(self, move: Move) -> bool:
        """Let FROM come first where people write it so: in a whole statement, behind EXISTS."""
        query: Query = move.frame
        free = query.role in ("top", "exists") and query.width is None
        return free and move.taken < DEEP_LIMIT and self.do_from_first(move)

    def do_select_after(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, phase="late")
        return True

    def do_end_items(self, move: Move) -> bool:
        block: Block = move.frame
        if move.terminal == "EXCEPT" and "from_too" in self.dialect.features:
            return False  # `FROM t SELECT * EXCEPT` leaves columns out, to sqlglot
        width = self.scope.query_of(block).width
        if width is not None and len(block.outputs) != width:
            return False
        move.frame = self.scope.listed(block)
        return self.scope.fits_around(block)

    def do_close_from(self, move: Move) -> bool:
        block: Block = move.frame
        closed = self.scope.settle(block)
        move.frame = closed
        return closed is not None

    def do_no_from(self, move: Move) -> bool:
        block: Block = move.frame
        if not self._list_is_whole(block) or any(o.name == b"*" for o in block.outputs):
            return False
        closed = self.scope.settle(block)
        move.frame = closed
        return closed is not None

    def do_table(self, move: Move) -> bool:
        block: Block = move.frame
        name = self._name(move)
        found = self.scope.find_relation(block, name)
        if found is None or not self.scope.can_add(block, name, found):
            move.held = ("namespace", name)
            return self.scope.namespace_fits(block, name)
        query = block.parent
        if query.cte == name and query.recursion == "possible":
            if block.aggregates or any(output.uses for output in block.outputs):
                return False
            move.frame = self.frames.change(
                block, parent=self.frames.change(query, recursion="used")
            )
        move.held = ("source", name, found)
        return True

    def do_namespace(self, move: Move) -> bool:
        """Take the name before a dot for that of a namespace, where it is none of a CTE."""
        block: Block = move.frame
        name = move.held[1]
        itself = self.scope.query_of(block).cte == name
        move.held = ("namespace", name)
        return not itself and self.scope.namespace_fits(block, name)

    def do_namespaced_table(self, move: Move) -> bool:
        name = self._name(move)
        found = self.scope.namespaces[move.held[1]].get(name)
        if found is None or not self.scope.can_add(move.frame, name, found):
            return False
        move.held = ("source", name, found)
        return True

    def do_is_source(self, move: Move) -> bool:
        return bool(move.held[0] == "source")

    def do_source(self, move: Move) -> bool:
        _, name, found = move.held
        if name is not None and UNALIASED.match(name):
            return False
        # two queries without an alias, the first of them VALUES: sqlglot loses one
        unnamed = (s.relation for s in move.frame.sources if s.name is None)
        if name is None and any(VALUES_KIND in one.kinds for one in unnamed):
            return False
        return self._add(move, name, found)

    def do_takes_alias(self, move: Move) -> bool:
        """Let a table have another name, unless tables are to keep theirs."""
        return move.held[1] is None or self.scope.joins_itself

    def do_source_as(self, move: Move) -> bool:
        name = self._name(move)
        return GENERATED.fullmatch(name) is None and self._add(move, name, move.held[2])

    def _add(self, move: Move, name: bytes | None, found: Any) -> bool:
        block: Block = move.frame
        lenient = block.phase in ("join", "full")
        added = self.scope.add_source(block, name, found, lenient=lenient)
        move.frame, move.held = added, None
        if added is not None and block.phase == "natural":
            move.frame = self.frames.change(added, phase="from")
        return added is not None

    def _joining(self, move: Move, phase: str) -> bool:
        move.frame = self.frames.change(move.frame, phase=phase)
        return True

    def do_can_join(self, move: Move) -> bool:
        """Let another source in, where `*` has room for its columns."""
        block: Block = move.frame
        width = self.scope.query_of(block).width
        if move.terminal != "," and block.unmet_joins >= MAX_WAITING:
            return False
        shows_all = width is not None and self._shows_all(block)
        if shows_all and len(self.scope.starred(block)) >= (width or 0):
            return False
        return self.scope.has_room(block)

    def _shows_all(self, block: Block) -> bool:
        return any(output.name == b"*" and not output.qualifier for output in block.outputs)

    def do_can_join_outer(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, outer=True)
        return self.do_can_join(move)

    def do_can_join_naturally(self, move: Move) -> bool:
        block: Block = move.frame
        if self.scope.query_of(block).width is not None and self._shows_all(block):
            return False
        return self.scope.has_room(self.frames.change(block, phase="natural"))

    def do_comma(self, move: Move) -> bool:
        return self._joining(move, "from")

    def do_join(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, unmet_joins=move.frame.unmet_joins + 1)
        return self._joining(move, "join")

    def _met(self, block: Block) -> Block:
        """Return the SELECT with one JOIN less that waits for its condition."""
        met: Block = self.frames.change(block, unmet_joins=max(0, block.unmet_joins - 1))
        return met

    def arrays(self, frame: Any) -> dict[bytes | None, list[bytes]]:
        """Return the columns, by source, of which ANY takes one; see `kinds`."""
        return {None: []}

    def paired(self, block: Block) -> dict[bytes, list[bytes]]:
        """Return the columns, by source, of which FULL JOIN wants a pair; see `kinds`."""
        return {}

    def row_aliases(self, block: Block, held: Any) -> Iterable[bytes]:
        """Return the names that rows of a function in FROM may go by; see `kinds`."""
        return ()

    def row_names(self, block: Block, held: Any) -> Iterable[bytes]:
        """Return the names that the column of such rows may have; see `kinds`."""
        return ()

    def do_cross(self, move: Move) -> bool:
        return self._joining(move, "from")

    def do_natural(self, move: Move) -> bool:
        return self._joining(move, "natural")

    def do_settled(self, move: Move) -> bool:
        return self.scope.feasible(move.frame)

    def do_bare(self, move: Move) -> bool:
        """End a JOIN that has no condition; one of VALUES sqlglot gives none later, either."""
        named = any(name is not None for name in move.frame.sources[-1].relation.names)
        bare = move.frame.bare_joins + 1 if named else 0
        move.frame = self.frames.change(move.frame, bare_joins=bare)
        return bare <= BARE_LIMIT

    def do_late(self, move: Move) -> bool:
        """Let ON stand behind a comma, where sqlglot gives it to the last JOIN that has none."""
        bare = move.frame.bare_joins
        move.frame = self.frames.change(move.frame, bare_joins=max(0, bare - 1))
        return bool(bare)

    def do_on(self, move: Move) -> bool:
        move.frame = self._met(move.frame)
        return self._joining(move, "on")

    def do_end_on(self, move: Move) -> bool:
        return self._joining(move, "from")

    def do_can_use(self, move: Move) -> bool:
        has_room = move.terminal == "," or move.depth < OPENING_LIMIT
        return has_room and next(self.usable(move.frame), None) is not None

    def usable(self, block: Block) -> Any:
        """Yield the names that USING may hold: once on the left, once in the last source."""
        left = self.frames.change(block, sources=block.sources[:-1])
        done = {name for name, _ in block.merged}
        if self.scope.shows_all_of_a_width(block) or self.scope.is_opaque(block):
            return
        fixed = {r.name for r in block.pending if r.fixed and r.qualifier is None}
        for name in block.sources[-1].relation.ordered:
            if name not in fixed and self.scope.count(left, Reference(None, name)) == 1:
                merged_now = dict(block.merged).get(name, 0)
                total = self.scope.count(block, Reference(None, name))
                if total == 2 or (name in done and merged_now and total == 2):
                    yield name

    def do_using(self, move: Move) -> bool:
        block: Block = move.frame
        name = self._name(move)
        if name not in self.usable(block):
            return False
        merged = dict(block.merged)
        merged[name] = merged.get(name, 1) + 1
        hidden = (*block.hidden, (len(block.sources) - 1, name))
        move.frame = self.frames.change(block, merged=tuple(sorted(merged.items())), hidden=hidden)
        return True

    def do_end_using(self, move: Move) -> bool:
        move.frame = self._met(move.frame)
        return self._joining(move, "from")
