"""Clauses: the kinds of items and conditions, what GROUP BY covers, set operations.

    >>> [checker.accepts(f"SELECT a, count(*) FROM t{group}") for group in (" GROUP BY a", "")]
    [True, False]

Covered: SELECT lists, FROM, conditions, GROUP BY by column, alias, position, text or ALL.
Not covered: GROUPING SETS, ROLLUP and CUBE.
"""

from typing import Any

from text2sql.decoding.checking.frames import (
    Block,
    Output,
    Query,
    Reference,
)
from text2sql.decoding.checking.kinds.calls import KindCalls
from text2sql.decoding.checking.kinds.operands import ROW_ROLE, Operand
from text2sql.decoding.checking.kinds.scope import ROWS, SETS, shows_all
from text2sql.decoding.checking.kinds.windows import owes_window
from text2sql.decoding.checking.obligations import CORRELATED
from text2sql.decoding.checking.scope import CALL_LIMIT, Move

_BEHIND_FROM = ("where", "group", "having", "window", "qualify")
_MOST_SAMPLED = 10**9  # rows


class KindClauses(KindCalls):
    """The actions that read a clause."""

    # --- SELECT lists ------------------------------------------------------------------------

    def do_item(self, move: Move) -> bool:
        groups = move.frame.groups - {ROWS}
        move.frame = self.frames.change(move.frame, stack=(), bare=frozenset(), groups=groups)
        return super().do_item(move)

    def do_star(self, move: Move) -> bool:
        block: Block = move.frame
        if block.aggregates or self._in_typed_query(block):
            return False
        if not self._may_star(block) or not super().do_star(move):
            return False
        return self._flag(move, "star")

    def _may_star(self, block: Block) -> bool:
        """Tell whether `*` of some table has the kinds of the SELECT before a set operation."""
        if not self.rules.exact or not self._is_further(block):
            return True
        return any(self.scope.star_fits(block, found) for found in self.scope.relations(block))

    def _is_further(self, block: Block) -> bool:
        """Tell whether other SELECTs say what kinds the items of one must have."""
        return bool(self.scope.before(self.scope.query_of(block)))

    def _in_typed_query(self, block: Block) -> bool:
        query = self.scope.query_of(block)
        return query.role in ("in", ROW_ROLE) and self._wanted_in(query.parent) is not None

    def do_qualified_star(self, move: Move) -> bool:
        block = move.frame
        if isinstance(block, Block) and (block.aggregates or self._in_typed_query(block)):
            return False
        if self.rules.exact and isinstance(block, Block) and self._is_further(block):
            return False
        return super().do_qualified_star(move) and self._flag(move, "star")

    def _flag(self, move: Move, flag: Any) -> bool:
        move.frame = self.frames.change(move.frame, groups=move.frame.groups | {flag})
        return True

    def do_item_value(self, move: Move) -> bool:
        block: Block = move.frame
        if isinstance(block.item, Reference) and block.item.name == b"*":
            return super().do_item_value(move)
        operand = self._settled(move, self._pop_operand(move))
        if operand is None:
            return False
        if "distinct" in block.groups and not self._owe_order(move, operand):
            return False
        if not super().do_item_value(move):
            return False
        block = move.frame
        null = "text" if self.rules.exact else "any"
        kind = {"string": "text", "null": null}.get(operand.kind, operand.kind)
        named = block.outputs[-1]._replace(
            kind=kind,
            reference=operand.reference,
            text=operand.text,
            bare=block.bare,
            fixed=self._told(operand),
            leaves=operand.leaves,
        )
        if block.phase == "late":
            named = named._replace(type=self.scope.type_of(block, named))
        move.frame = self.frames.change(
            block, outputs=(*block.outputs[:-1], named), bare=frozenset(), stack=()
        )
        return True

    def do_distinct(self, move: Move) -> bool:
        return not self.rules.exact or self._flag(move, "distinct")

    def do_distinct_on(self, move: Move) -> bool:
        if self.scope.query_of(move.frame).columns:
            return False  # sqlglot takes what it names for the item, and that for renamed
        return self._flag(move, "distinct on")

    def do_distinct_on_term(self, move: Move) -> bool:
        term = self._pop_operand(move)
        if term.constant or move.frame.aggregates or not self._owe_order(move, term):
            return False
        return not self.rules.exact or self._flag(move, ("on", term.text))

    def do_end_distinct_on(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, stack=(), bare=frozenset())
        return not move.frame.aggregates

    def _settle_kinds(self, move: Move) -> bool:
        """Give the items that are owed columns the kinds of those that FROM has."""
        block: Block = move.frame
        outputs = tuple(self._with_kind(block, output) for output in block.outputs)
        move.frame = self.frames.change(block, outputs=outputs, stack=(), bare=frozenset())
        return True

    def _with_kind(self, block: Block, output: Output) -> Output:
        if not isinstance(output.fixed, bool):
            fixed = any(self._may_be_fixed(block, reference) for reference in output.fixed)
            output = output._replace(fixed=fixed)
        if self.rules.exact:
            output = output._replace(type=self.scope.type_of(block, output), leaves=None)
        if output.reference is None:
            return output
        kind = self.scope.column_kind(block, output.reference)
        if kind is None:  # a query around has it, and could give it another kind
            kind = "any" if self.rules.exact and output.reference.kinds is None else output.kind
        return output._replace(kind=kind, reference=None)

    def _may_be_fixed(self, block: Block, reference: Reference) -> bool:
        bound = self.scope.count(block, reference) == 1
        return not bound or self.scope.is_fixed(block, reference)

    def do_close_from(self, move: Move) -> bool:
        return super().do_close_from(move) and self._settle_kinds(move)

    def do_no_from(self, move: Move) -> bool:
        return super().do_no_from(move) and self._settle_kinds(move)

    def usable(self, block: Block) -> Any:
        """Yield the names that USING may hold: those of one kind on both sides, or of numbers."""
        begun = self.scope.joined_from(block)
        left = self.frames.change(block, sources=block.sources[begun:-1])
        last = block.sources[-1].relation
        for name in super().usable(block):
            kind = self.scope.column_kind(left, Reference(None, name)) or "any"
            if self.rules.merges(kind, last.kinds[last.places[name]]):
                yield name

    # --- the other clauses -------------------------------------------------------------------

    def _clause(self, move: Move, phase: str) -> bool:
        move.frame = self.frames.change(move.frame, stack=(), bare=frozenset())
        return super()._clause(move, phase)

    def do_end_condition(self, move: Move) -> bool:
        if owes_window(move.frame):
            return False
        return self._settled(move, self._pop_operand(move)) is not None

    def do_phase_qualify(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, uses="")
        has_room = move.depth < CALL_LIMIT - 4  # for the window function that it needs
        if not has_room or not self._clause(move, "qualify"):
            return False
        return not owes_window(move.frame) or self.scope.allows_window(move.frame)

    def do_can_sample(self, move: Move) -> bool:
        """Let USING SAMPLE follow where sqlglot does not take it for the USING of a join.

        DuckDB takes none in a query that names columns of one around it, nor in those within.
        """
        block: Block = move.frame
        if _may_see(block):
            return False
        alone = len(block.sources) == 1
        return alone or (bool(block.sources) and block.phase in _BEHIND_FROM)

    def do_sample_count(self, move: Move) -> bool:
        move.held = ("sample", int(move.payload or 1))
        return bool(move.held[1] <= _MOST_SAMPLED)

    def do_sample_percent(self, move: Move) -> bool:
        return bool(move.held[1] <= 100)

    def do_end_on(self, move: Move) -> bool:
        if self._settled(move, self._pop_operand(move)) is None:
            return False
        return super().do_end_on(move)

    def do_end_filter(self, move: Move) -> bool:
        if self._settled(move, self._pop_operand(move)) is None:
            return False
        return self._pop(move)

    def do_can_group(self, move: Move) -> bool:
        return not shows_all(move.frame)

    def do_can_derive(self, move: Move) -> bool:
        block: Block = move.frame
        if self.rules.exact and "star" in block.groups and self._is_further(block):
            return False
        return block.phase not in ("natural", "full", "half") and super().do_can_derive(move)

    def do_can_join_outer(self, move: Move) -> bool:
        """Let no POSITIONAL JOIN in where DuckDB would take no sample, either."""
        if move.terminal == "POSITIONAL" and _may_see(move.frame):
            return False
        return super().do_can_join_outer(move)

    def do_can_join_naturally(self, move: Move) -> bool:
        return super().do_can_join_naturally(move) and self._can_join(move.frame, "natural")

    def _can_join(self, block: Block, phase: str) -> bool:
        """Tell whether some table or CTE can be joined in a way that asks more than ON TRUE."""
        block = self.frames.change(block, phase=phase)
        names = self.scope.relation_names(block)
        found = ((n, self.scope.find_relation(block, n)) for n in names)
        return any(one is not None and self.scope.can_add(block, n, one) for n, one in found)

    def do_can_join_full(self, move: Move) -> bool:
        return self.do_can_join_outer(move) and self._can_join(move.frame, "full")

    def do_full(self, move: Move) -> bool:
        return self._joining(move, "full")

    def _left_side(self, block: Block) -> Reference | None:
        """Return the column on the left of a pair of FULL JOIN; None before it is read."""
        return block.stack[-1] if block.stack else None

    def paired(self, block: Block) -> dict[bytes, list[bytes]]:
        """Return the columns, by source, that the next side of a pair may be."""
        return self.scope.pairs(block, self._left_side(block))

    def do_pair_qualifier(self, move: Move) -> bool:
        move.held = ("dot", self._name(move))
        return move.held[1] in self.paired(move.frame)

    def do_pair_member(self, move: Move) -> bool:
        qualifier, name = move.held[1], self._name(move)
        if name not in self.paired(move.frame).get(qualifier, ()):
            return False
        reference = Reference(qualifier, name)
        met = self.scope.resolve(move.frame, reference)
        move.frame, move.held = met, None
        return met is not None and self._set(move, (*move.frame.stack, reference))

    def do_end_pair(self, move: Move) -> bool:
        return self._set(move, ())

    def do_end_full(self, move: Move) -> bool:
        return self._joining(move, "from")

    def do_comma(self, move: Move) -> bool:
        block: Block = move.frame
        kept = {flag for flag in block.groups if not isinstance(flag, int)}
        move.frame = self.frames.change(block, groups=frozenset(kept | {len(block.sources)}))
        return super().do_comma(move)

    def do_no_group(self, move: Move) -> bool:
        block: Block = move.frame
        return not block.aggregates or not self.scope.uncovered(block)

    def do_can_sort(self, move: Move) -> bool:
        """Let ORDER BY follow DISTINCT ON where it can begin with a column that is named there."""
        block: Block = move.frame
        if self.scope.query_of(block).arms or not self.scope.named_on(block):
            return super().do_can_sort(move)
        return bool(self.scope.leading(self.frames.change(block, phase="order")))

    def do_can_roll(self, move: Move) -> bool:
        """Let several sets of columns stand where FROM has a column."""
        has_column = any(source.relation.ordered for source in move.frame.sources)
        return has_column and self._flag(move, SETS)

    do_can_set = do_can_roll

    def do_group_all(self, move: Move) -> bool:
        block: Block = move.frame
        columns: set[Any] = set()
        for place, output in self.scope.uncovered(block):
            if output.uses:
                return False
            columns.add(("item", place))
            if output.text is not None and len(output.text) == 1:
                columns |= self.scope.own(block, output.bare)
        move.frame = self.frames.change(block, groups=block.groups | columns)
        return True

    def do_end_group(self, move: Move) -> bool:
        return not self.scope.uncovered(move.frame)

    def do_end_term(self, move: Move) -> bool:
        block: Block = move.frame
        position = move.held and move.held[0] == "position" and block.item == b""
        digits = move.held[1] if position else b""
        if not super().do_end_term(move):
            return False
        if position and not digits.isdigit():
            return False
        place = int(digits) - 1 if position else None
        operand = self._pop_operand(move)
        if place is None and operand.constant:
            return False
        meant = operand if place is None else Operand(block.outputs[place].kind)
        if not self._sorts(meant):
            return False
        if block.phase == "order" and block.bare:  # of an expression that GROUP BY has
            if operand.text is None or self.scope.text_key(block, operand.text) not in block.groups:
                return False
            move.frame = self.frames.change(move.frame, bare=frozenset())
        if block.phase == "order" and operand.text is not None and len(operand.text) == 1:
            done = ("ordered", *self.scope.text_key(block, operand.text))
            move.frame = self.frames.change(move.frame, groups=move.frame.groups | {done})
        if block.phase == "group":
            grouped = self._grouped(block, operand, place)
            if not all(self._keeps_kind(block, one[1]) for one in grouped if one[0] == "item"):
                return False
            move.frame = self.frames.change(move.frame, groups=block.groups | grouped)
        return True

    def _keeps_kind(self, block: Block, place: int) -> bool:
        """Tell whether an item that GROUP BY names goes with the SELECTs before it.

        PostgreSQL makes a text of a literal that is grouped or sorted, or of which DISTINCT asks.
        """
        before = self.scope.before(self.scope.query_of(block))
        if not self.rules.exact or place >= len(before):
            return True
        return self.rules.unify(before[place].kind, block.outputs[place].kind) is not None

    def _grouped(self, block: Block, operand: Operand, place: int | None) -> set[Any]:
        """Return what a term of GROUP BY covers."""
        if place is None and operand.text is None:
            return set()
        if place is None:
            assert operand.text is not None
            if len(operand.text) > 1 or not isinstance(operand.text[0], tuple):
                return {self.scope.text_key(block, operand.text)}
            _, qualifier, name = operand.text[0]
            column = self.scope.source_of(block, qualifier, name)
            if column is not None:
                return {(column, name)}
            named = [n for n, o in enumerate(block.outputs) if o.explicit and o.name == name]
            return set().union(*(self._grouped(block, operand, n) for n in named))
        output = block.outputs[place]
        found: set[Any] = {("item", place)}
        if output.text is not None:
            found.add(self.scope.text_key(block, output.text))
            if len(output.text) == 1:
                found |= self.scope.own(block, output.bare)
        return found

    # --- set operations ----------------------------------------------------------------------

    def _merged(self, move: Move) -> tuple[Output, ...]:
        block: Block = move.frame
        query: Query = block.parent
        if not query.arms or len(query.outputs) != len(block.outputs):
            return query.outputs if query.arms else block.outputs
        return tuple(
            first._replace(
                kind=self._merged_kind(first.kind, other.kind),
                fixed=bool(first.fixed or other.fixed),
                type=first.type if first.type == other.type else None,
            )
            for first, other in zip(query.outputs, block.outputs, strict=True)
        )

    def do_can_combine(self, move: Move) -> bool:
        """Let a set operation follow only what has kinds that are known and can be compared."""
        block: Block = move.frame
        if not block.outputs:
            return False
        unknown = self.rules.opaque | {"any"} if self.rules.exact else frozenset[str]()
        known = not any(output.kind in unknown for output in block.outputs)
        return known and not self._mixes_star(block) and super().do_can_combine(move)

    def _mixes_star(self, block: Block) -> bool:
        """Tell whether `*` shows what USING has merged first, where an order of its own counts."""
        return self.rules.exact and "star" in block.groups and bool(block.merged or block.natural)

    def _merged_kind(self, first: str, other: str) -> str:
        if first == other:
            return first
        return (self.rules.unify(first, other) if self.rules.exact else None) or "any"

    def do_close_arm(self, move: Move) -> bool:
        outputs = _plain(move.frame.outputs)
        if not super().do_close_arm(move):
            return False
        block: Block = move.frame
        query: Query = block.parent
        pairs = zip(query.outputs, outputs, strict=False) if query.arms else ()
        together = all(self.rules.unify(a.kind, b.kind) is not None for a, b in pairs)
        move.frame = self.frames.change(block, outputs=outputs)
        return together

    def do_arm(self, move: Move) -> bool:
        merged = self._merged(move)
        if not super().do_arm(move):
            return False
        move.frame = self.frames.change(move.frame, outputs=_plain(merged))
        return True

    def do_end_query(self, move: Move) -> bool:
        merged = self._merged(move)
        query: Query = move.frame.parent
        if query.role == "arm" and not query.arms and self._mixes_star(move.frame):
            return False
        repeats = query.recursion == "used" and self.rules.exact
        if repeats and not all(output.type for output in merged):
            return False
        if not super().do_end_query(move):
            return False
        move.frame = self.frames.change(move.frame, outputs=_plain(merged))
        return True


def _plain(outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    nothing: frozenset[Any] = frozenset()
    return tuple(output._replace(text=None, bare=nothing) for output in outputs)


def _may_see(frame: Any) -> bool:
    """Tell whether a query, or one around it, may name columns of another around."""
    while frame is not None:
        if isinstance(frame, Query) and frame.role in (*CORRELATED, ROW_ROLE):
            return True
        frame = frame.parent
    return False
