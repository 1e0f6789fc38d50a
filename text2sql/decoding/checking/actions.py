"""What happens between two terminals: the actions that `grammar.PRODUCTIONS` names with `@`.

An action takes the `Move` of a terminal and changes its frame; False means that the terminal is not
legal here. Between a name and what makes it a table, a column, a qualifier or a function, `held`
keeps it: ("name", folded bytes, quoted), ("dot", qualifier), ("source", name, relation).

Not covered: kinds of values; a dialect that is typed has more actions, in `kinds`.
"""

from collections.abc import Callable
from typing import Any

from text2sql.decoding.checking.frames import (
    Block,
    Call,
    Context,
    Frame,
    Output,
    Query,
    Reference,
)
from text2sql.decoding.checking.scope import DEEP_LIMIT, DEPTH_LIMIT, OPENING_LIMIT, Move, Scope

Action = Callable[[Move], bool]
GENERIC_TYPES = frozenset(
    {b"range", b"map", b"list", b"array", b"struct", b"object", b"nullable", b"lowcardinality"}
)
DOUBLE_QUOTED, STRING_QUOTED = 1, 3  # how a name was written: 0 bare, 2 another way to quote


class Actions:
    """The actions of one scope, by name."""

    def __init__(self, scope: Scope) -> None:
        self.scope, self.frames, self.dialect = scope, scope.frames, scope.dialect
        self.table: dict[str, Action] = {
            name.removeprefix("do_"): getattr(self, name)
            for name in dir(self)
            if name.startswith("do_")
        }
        for name in _MARKS:
            self.table.setdefault(name, self._mark)

    def watch_literals(self) -> None:
        """Keep in `held` which column a literal will be compared with."""
        for name in _FORGETTING:
            self._then(name, self._forget)
        for name in ("compare", "is"):
            self._then(name, self._compare)

    def _then(self, name: str, then: Action) -> None:
        first = self.table.get(name)
        self.table[name] = then if first is None else lambda move: first(move) and then(move)

    def _forget(self, move: Move) -> bool:
        move.held = None
        return True

    def _compare(self, move: Move) -> bool:
        equal = move.terminal in ("=", "==", "<>", "!=", "IS", "DISTINCT", "FROM")
        is_column = move.held is not None and move.held[0] in ("of", "compare")
        move.held = ("compare", move.held[1]) if equal and is_column else None
        return True

    def _mark(self, move: Move) -> bool:
        move.frame = self.scope.marked(move.frame)
        return True

    # --- queries -----------------------------------------------------------------------------

    def _push(self, move: Move, role: str, *, width: int | None = None) -> bool:
        names = () if move.frame is None else self.scope.query_of(move.frame).names
        move.frame = self.frames.make(
            Query, move.frame, role, names, width, (), 0, False, None, (), ""
        )
        return True

    def do_open(self, move: Move) -> bool:
        return self._push(move, "top")

    def do_scalar(self, move: Move) -> bool:
        move.frame = self.scope.marked(move.frame)
        return self._push(move, "scalar", width=1)

    def do_limit_scalar(self, move: Move) -> bool:
        return self._push(move, "limit", width=1)

    def do_in_query(self, move: Move) -> bool:
        frame = move.frame
        width = frame.detail if isinstance(frame, Context) and frame.kind == "row_in" else 1
        return self._push(move, "in", width=width)

    def do_exists(self, move: Move) -> bool:
        move.frame = self.scope.marked(move.frame)
        return self._push(move, "exists")

    def _pop(self, move: Move) -> bool:
        move.frame = move.frame.parent
        return True

    do_end_scalar = do_end_exists = do_end_in_query = _pop

    def do_end_query(self, move: Move) -> bool:
        block: Block = move.frame
        query: Query = block.parent
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
        return len(block.sources) < 20

    def do_derived(self, move: Move) -> bool:
        block: Block = move.frame
        width = self.scope.query_of(block).width
        stars = any(o.name == b"*" and o.qualifier is None for o in block.outputs)
        rest = width - len(self.scope.starred(block)) if stars and width is not None else None
        return self._push(move, "derived", width=rest)

    def do_end_derived(self, move: Move) -> bool:
        query: Query = move.frame
        move.held = ("source", None, self.scope.relation_of(query))
        move.frame = query.parent
        return True

    # --- common table expressions ------------------------------------------------------------

    def do_with(self, move: Move) -> bool:
        return move.depth < OPENING_LIMIT

    def do_recursive(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, recursion="declared")
        return True

    def do_cte(self, move: Move) -> bool:
        owner: Query = move.frame
        name = self._name(move)
        known = owner.parent and self.scope.query_of(owner.parent).names or ()
        if any(own == name for own, _ in owner.names[len(known) :]):
            return False
        recursion = "possible" if owner.recursion == "declared" else ""
        move.frame = self.frames.make(
            Query, owner, "cte", owner.names, None, (), 0, False, name, (), recursion
        )
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
        move.frame = self.frames.change(query, names=names, width=len(query.columns) or None)
        return True

    def do_close_cte(self, move: Move) -> bool:
        query: Query = move.frame
        found = (query.cte, self.scope.relation_of(query))
        move.frame = self.frames.change(query.parent, names=(*query.parent.names, found))
        return True

    # --- set operations ----------------------------------------------------------------------

    def do_can_combine(self, move: Move) -> bool:
        """Let nothing follow the SELECT that repeats itself."""
        return self.scope.query_of(move.frame).recursion != "used"

    def do_arm(self, move: Move) -> bool:
        block: Block = move.frame
        query: Query = block.parent
        outputs = query.outputs if query.arms else block.outputs
        move.frame = self.frames.change(
            query, outputs=outputs, width=len(outputs), arms=query.arms + 1, union=False
        )
        return True

    def do_arm_union(self, move: Move) -> bool:
        if not self.do_arm(move):
            return False
        move.frame = self.frames.change(move.frame, union=True)
        return True

    # --- the SELECT list ---------------------------------------------------------------------

    def _select(self, move: Move, phase: str) -> bool:
        nothing: frozenset[Any] = frozenset()
        deep = move.depth >= DEEP_LIMIT
        found = ((), (), (), (), False, nothing, (), None, None, "", False, False, nothing, deep)
        move.frame = self.frames.make(Block, move.frame, phase, *found)
        return True

    def do_select(self, move: Move) -> bool:
        return self._select(move, "items")

    def do_select_alone(self, move: Move) -> bool:
        return self._select(move, "late")  # FROM would have come: only outer columns are in sight

    def do_distinct(self, move: Move) -> bool:
        return True

    def do_item(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, item=b"", wrapped=None, uses="")
        return True

    def do_star(self, move: Move) -> bool:
        block: Block = move.frame
        width = self.scope.query_of(block).width
        if width is not None and (block.outputs or (block.deep and block.phase == "items")):
            return False
        return self._output(move, Output(b"*"))

    def do_item_value(self, move: Move) -> bool:
        block: Block = move.frame
        if isinstance(block.item, tuple):
            return self._output(move, Output(b"*", qualifier=block.item[1]))
        name = block.item or None
        return self._output(move, Output(name, uses=block.uses, shadow=block.wrapped))

    def _output(self, move: Move, output: Output) -> bool:
        block: Block = move.frame
        if block.phase == "late" and output.name == b"*":
            starred = self.frames.change(block, outputs=(*block.outputs, output))
            if not block.sources or not self.scope.feasible(starred):
                return False
            shown = self.scope.starred(block, output.qualifier)
            changed = self.frames.change(block, outputs=(*block.outputs, *shown), item=None)
        else:
            changed = self.frames.change(block, outputs=(*block.outputs, output), item=None)
        width = self.scope.query_of(changed).width
        if width is not None and self.scope.least_width(changed)[0] > width:
            return False
        move.frame = changed
        return True

    def do_alias(self, move: Move) -> bool:
        block: Block = move.frame
        name = self._name(move)
        if name in self.scope.forbidden_outputs(block):
            return False
        named = block.outputs[-1]._replace(name=name, explicit=True, shadow=None)
        move.frame = self.frames.change(block, outputs=(*block.outputs[:-1], named))
        return True

    def _last_output_fits(self, block: Block) -> bool:
        last = block.outputs[-1]
        forbidden = self.scope.forbidden_outputs(block)
        if last.shadow is not None:
            forbidden = forbidden | self.scope.wanted_around(block)
        return last.name == b"*" or not {last.name, last.shadow} & forbidden

    def do_next_item(self, move: Move) -> bool:
        block: Block = move.frame
        width = self.scope.query_of(block).width
        if width is not None:
            stars = any(o.name == b"*" and o.qualifier is None for o in block.outputs)
            if stars or self.scope.least_width(block)[0] >= width:
                return False
        return self._last_output_fits(block)

    # --- FROM --------------------------------------------------------------------------------

    def do_from(self, move: Move) -> bool:
        block: Block = move.frame
        if not self._list_is_whole(block):
            return False
        move.frame = self.frames.change(block, phase="from")
        return True

    def _list_is_whole(self, block: Block) -> bool:
        width = self.scope.query_of(block).width
        stars = any(output.name == b"*" for output in block.outputs)
        whole = width is None or stars or len(block.outputs) == width
        return whole and self._last_output_fits(block)

    def do_from_first(self, move: Move) -> bool:
        return self._select(move, "from")

    def do_select_after(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, phase="late")
        return True

    def do_end_items(self, move: Move) -> bool:
        block: Block = move.frame
        width = self.scope.query_of(block).width
        if width is not None and len(block.outputs) != width:
            return False
        move.frame = self.frames.change(block, phase="closed")
        return self._last_output_fits(block)

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
            return False
        query = block.parent
        if query.cte == name and query.recursion == "possible":
            if block.aggregates or any(output.uses for output in block.outputs):
                return False
            move.frame = self.frames.change(
                block, parent=self.frames.change(query, recursion="used")
            )
        move.held = ("source", name, found)
        return True

    def do_source(self, move: Move) -> bool:
        _, name, found = move.held
        return self._add(move, name, found)

    def do_source_as(self, move: Move) -> bool:
        return self._add(move, self._name(move), move.held[2])

    def _add(self, move: Move, name: bytes | None, found: Any) -> bool:
        block: Block = move.frame
        lenient = block.phase == "join"
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
        if width is None or not self._shows_all(block):
            return True
        return len(self.scope.starred(block)) < width

    def _shows_all(self, block: Block) -> bool:
        return any(output.name == b"*" and not output.qualifier for output in block.outputs)

    def do_can_join_outer(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, outer=True)
        return self.scope.feasible(move.frame) and self.do_can_join(move)

    def do_can_join_naturally(self, move: Move) -> bool:
        block: Block = move.frame
        return self.scope.query_of(block).width is None or not self._shows_all(block)

    def do_comma(self, move: Move) -> bool:
        return self._joining(move, "from")

    def do_join(self, move: Move) -> bool:
        return self._joining(move, "join")

    def do_cross(self, move: Move) -> bool:
        return self._joining(move, "from")

    def do_natural(self, move: Move) -> bool:
        return self._joining(move, "natural")

    def do_settled(self, move: Move) -> bool:
        return self.scope.feasible(move.frame)

    def do_on(self, move: Move) -> bool:
        return self._joining(move, "on")

    def do_end_on(self, move: Move) -> bool:
        return self._joining(move, "from")

    def do_can_use(self, move: Move) -> bool:
        return move.depth < OPENING_LIMIT and next(self.usable(move.frame), None) is not None

    def usable(self, block: Block) -> Any:
        """Yield the names that USING may hold: once on the left, once in the last source."""
        left = self.frames.change(block, sources=block.sources[:-1])
        done = {name for name, _ in block.merged}
        if self.scope.shows_all_of_a_width(block):
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
        move.frame = self.frames.change(
            block, merged=tuple(sorted(merged.items())), hidden=hidden
        )
        return True

    def do_end_using(self, move: Move) -> bool:
        return self._joining(move, "from")

    # --- the other clauses -------------------------------------------------------------------

    def _clause(self, move: Move, phase: str) -> bool:
        move.frame = self.frames.change(move.frame, phase=phase, item=None)
        return True

    def do_phase_where(self, move: Move) -> bool:
        return self._clause(move, "where")

    def do_phase_group(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, grouped=True)
        return self._clause(move, "group")

    def do_can_have(self, move: Move) -> bool:
        return bool(move.frame.grouped or move.frame.aggregates)

    def do_phase_having(self, move: Move) -> bool:
        return self._clause(move, "having")

    def do_phase_order(self, move: Move) -> bool:
        compound = self.scope.query_of(move.frame).arms > 0
        return self._clause(move, "compound" if compound else "order")

    def do_phase_limit(self, move: Move) -> bool:
        return self._clause(move, "limit")

    def do_term(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, item=b"", uses="")
        return True

    def do_number(self, move: Move) -> bool:
        block = move.frame
        whole = move.payload.isdigit() or move.payload[:2] == b"0x"
        if whole and self._is_hidden_position(block):
            return False
        if isinstance(block, Block) and block.item == b"":
            if block.phase != "items" and move.payload[:2] == b"0x":
                return False  # a position for sqlglot
            if block.phase == "compound" and not self._is_position(block, move.payload):
                return False
            if block.phase in ("order", "group", "compound"):
                move.held = ("position", move.payload)
                return True
        return self._mark(move)

    def _is_hidden_position(self, frame: Any) -> bool:
        """Tell whether a number is all that parentheses and signs hold: SQLite counts by it."""
        while isinstance(frame, Context) and frame.kind == "paren":
            frame = frame.parent
        is_term = isinstance(frame, Block) and frame.phase in ("order", "group")
        return is_term and frame.item is False

    def _is_position(self, block: Block, digits: bytes) -> bool:
        outputs = self._listed(block)
        if not digits.isdigit():
            return block.phase != "compound"
        if not 1 <= int(digits) <= len(outputs):
            return False
        return block.phase != "group" or not outputs[int(digits) - 1].uses

    def _listed(self, block: Block) -> tuple[Output, ...]:
        query = self.scope.query_of(block)
        return query.outputs if query.arms else block.outputs

    def do_can_collate(self, move: Move) -> bool:
        """Leave a position alone: SQLite counts by `10 COLLATE NOCASE` too."""
        return not (move.held and move.held[0] == "position")

    def do_end_term(self, move: Move) -> bool:
        block: Block = move.frame
        if move.held and move.held[0] == "position" and block.item == b"":
            if not self._is_position(block, move.held[1]):
                return False
        move.held = None
        move.frame = self.frames.change(block, item=None)
        return True

    def do_sign(self, move: Move) -> bool:
        frame = move.frame
        if move.terminal == "+" and isinstance(frame, Block) and frame.item == b"":
            move.frame = frame = self.frames.change(frame, wrapped=b"+")
        move.frame = self._opened(frame)
        return True

    def _opened(self, frame: Frame) -> Frame:
        if isinstance(frame, Block) and frame.phase in ("order", "group") and frame.item == b"":
            return self.frames.change(frame, item=False)
        if isinstance(frame, Block) and frame.item is False:
            return frame
        return self.scope.marked(frame)

    def do_logic(self, move: Move) -> bool:
        """Refuse AND at the top of a term: SQLite makes `0 AND x` the number 0, a position."""
        frame = move.frame
        while isinstance(frame, Context) and frame.kind == "paren":
            frame = frame.parent
        is_term = isinstance(frame, Block) and frame.phase in ("order", "group")
        if is_term and move.terminal == "AND":
            return False
        return self._mark(move)

    # --- columns -----------------------------------------------------------------------------

    def _name(self, move: Move) -> bytes:
        name: bytes = move.payload[0]
        return name

    def do_column(self, move: Move) -> bool:
        _, name, quoted = move.held
        if not quoted and not self.dialect.allows(name, "column"):
            return False
        if not quoted and move.terminal == "<" and name in GENERIC_TYPES:
            return False  # sqlglot takes it for the start of a type: range<...>
        soft = quoted == DOUBLE_QUOTED and self.dialect.string_fallback
        return self._refer(move, Reference(None, name, soft=soft))

    def do_dot(self, move: Move) -> bool:
        _, name, quoted = move.held
        if not quoted and not self.dialect.allows(name, "qualifier"):
            return False
        if not self.scope.qualifier_fits(move.frame, name):
            return False
        move.held = ("dot", name)
        return True

    def do_member(self, move: Move) -> bool:
        return self._refer(move, Reference(move.held[1], self._name(move)))

    def _refer(self, move: Move, reference: Reference) -> bool:
        frame: Frame = move.frame
        fresh = isinstance(frame, Block) and frame.item == b""
        met = self.scope.resolve(frame, reference, alone=fresh and move.alone)
        if met is None:
            return False
        if isinstance(met, Block) and met.item is not None:
            met = self.frames.change(met, item=reference.name if fresh else None)
        elif isinstance(met, Block) and met.wrapped == b"+":
            met = self.frames.change(met, wrapped=reference.name)  # sqlglot drops the sign
        elif isinstance(met, Context) and met.kind == "paren":
            block = self.scope.block_of(met)
            met = self.scope.with_block(
                met, self.frames.change(block, wrapped=reference.name)
            )
        origin = self.scope.origin_of(frame, reference)
        move.frame, move.held = met, origin and ("of", origin)
        return True

    def do_qualified_star(self, move: Move) -> bool:
        block = move.frame
        if not isinstance(block, Block) or block.item != b"":
            return False
        qualifier = move.held[1]
        reference = Reference(qualifier, b"*", local=True)
        width = self.scope.query_of(block).width
        if block.phase == "late":
            if self.scope.count(block, reference) != 1:
                return False
        else:
            if block.phase != "items" or (width is not None and block.deep):
                return False
            block = self.scope.owe(block, reference)
            if block is None:
                return False
        move.frame = self.frames.change(block, item=("*", qualifier))
        move.held = None
        return True

    # --- functions ---------------------------------------------------------------------------

    def do_call(self, move: Move) -> bool:
        _, name, quoted = move.held
        function = None if quoted else self.dialect.functions.get(name.decode("utf-8", "replace"))
        if function is None:
            return False
        begun = self.scope.begin_call(move.frame, function)
        move.frame, move.held = begun, None
        return begun is not None

    def do_count_star(self, move: Move) -> bool:
        call: Call = move.frame
        return call.function.name == "count"

    def do_no_arguments(self, move: Move) -> bool:
        call: Call = move.frame
        return call.least == 0 and move.terminal == ")"

    def do_distinct_argument(self, move: Move) -> bool:
        call: Call = move.frame
        if not call.function.distinct or call.least > 1:
            return False
        move.frame = self.frames.change(call, distinct=True)
        return True

    def do_argument(self, move: Move) -> bool:
        return self._argument(move)

    def do_next_argument(self, move: Move) -> bool:
        call: Call = move.frame
        return not call.distinct and self._argument(move)

    def _argument(self, move: Move) -> bool:
        call: Call = move.frame
        most = call.function.most
        if call.function.name in self.dialect.scalar_too:
            most = self.dialect.scalar_too[call.function.name].most
        if most is not None and call.count >= most:
            return False
        if call.count >= 20:
            return False
        call = self.frames.change(call, count=call.count + 1)
        reads = self._reads(call)
        move.frame = call if reads == "expression" else self.frames.make(Context, call, reads)
        return True

    def _reads(self, call: Call) -> str:
        function = call.function
        if call.count > 1 and function.name in self.dialect.scalar_too:
            function = self.dialect.scalar_too[function.name]
        place = call.count - 1
        if place >= len(function.reads):
            tail = function.reads[-function.step :]
            return tail[(place - len(function.reads)) % len(tail)]
        return function.reads[place]

    def do_end_argument(self, move: Move) -> bool:
        if isinstance(move.frame, Context):
            move.frame = move.frame.parent
        return True

    def do_end_arguments(self, move: Move) -> bool:
        call: Call = move.frame
        if call.count == 0:
            return True
        extra = call.count - len(call.function.takes)
        if call.count < call.least or (extra > 0 and extra % call.function.step):
            return False
        if call.function.step > 1 and (call.count - call.function.least) % call.function.step:
            return False
        nested = self.scope.is_aggregate(call) and call.inner == "aggregate"
        return not nested or self.scope.allows_window(call.parent)

    def do_called(self, move: Move) -> bool:
        call: Call = move.frame
        aggregate = self.scope.is_aggregate(call)
        least = call.least if aggregate or call.function.kind != "aggregate" else 2
        move.frame = self.frames.change(call, closed=True, least=least)
        return True

    def _aggregates(self, call: Call) -> bool:
        return call.function.kind == "aggregate" and not (
            call.function.name in self.dialect.scalar_too and call.least > 1
        )

    def do_can_filter(self, move: Move) -> bool:
        call: Call = move.frame
        return self._aggregates(call) and call.function.filter and move.depth < OPENING_LIMIT

    def do_filter(self, move: Move) -> bool:
        move.frame = self.frames.make(Context, move.frame, "filter")
        return True

    do_end_filter = _pop

    def do_can_over(self, move: Move) -> bool:
        call: Call = move.frame
        may = call.function.over and not call.distinct
        may &= call.function.kind == "window" or self._aggregates(call)
        return may and self.scope.allows_window(call.parent)

    def do_over(self, move: Move) -> bool:
        move.frame = self.frames.make(Context, self.frames.change(move.frame, over=True), "over")
        return True

    do_end_over = _pop

    def do_over_name(self, move: Move) -> bool:
        call: Call = move.frame
        name = self._name(move)
        block = self.scope.block_of(call)
        defined = (name, True) in block.windows
        if not defined and block.phase not in ("items", "late"):
            return False
        if not defined:
            owing = self.frames.change(block, windows=block.windows | {(name, False)})
            call = self.scope.with_block(call, owing)
        move.frame = self.frames.change(call, over=True)
        return True

    def do_new_window(self, move: Move) -> bool:
        block: Block = move.frame
        name = self._name(move)
        if (name, True) in block.windows:
            return False
        windows = (block.windows - {(name, False)}) | {(name, True)}
        return self._clause_with(move, windows)

    def _clause_with(self, move: Move, windows: frozenset[tuple[bytes, bool]]) -> bool:
        move.frame = self.frames.change(move.frame, windows=windows, phase="window", item=None)
        return True

    def do_open_window(self, move: Move) -> bool:
        move.frame = self.frames.make(Context, move.frame, "over")
        return True

    def do_windows_done(self, move: Move) -> bool:
        return all(defined for _, defined in move.frame.windows)

    def do_end_call(self, move: Move) -> bool:
        call: Call = move.frame
        frame = call.parent
        if call.over:
            use = "window"
        elif call.function.kind == "window" or (self._aggregates(call) and call.inner):
            return False  # OVER must follow
        elif self._aggregates(call):
            use = "aggregate"
        else:
            use = call.inner
        move.frame = self.scope.with_use(frame, use) if use else frame
        return True

    # --- operands ----------------------------------------------------------------------------

    def do_group(self, move: Move) -> bool:
        move.frame = self.frames.make(Context, self._opened(move.frame), "paren")
        return True

    def do_can_be_row(self, move: Move) -> bool:
        """Let a row begin only where it is the whole left side of an IN."""
        if move.depth >= OPENING_LIMIT:
            return False
        cell = move.cell
        while cell is not None and cell.symbol != ")":
            cell = cell.rest
        while cell is not None and not cell.symbol.startswith("tail_"):
            if cell.symbol not in (")", "@computed", "postfix"):
                return False
            cell = cell.rest
        return cell is not None and cell.symbol.split("_")[1] in "123"

    def do_row(self, move: Move) -> bool:
        width = move.frame.detail or 1
        move.frame = self.frames.change(move.frame, detail=width + 1)
        return True

    def do_next_in_row(self, move: Move) -> bool:
        return bool(move.frame.detail < 8)

    def do_end_parenthesis(self, move: Move) -> bool:
        frame: Context = move.frame
        row = frame.detail is not None
        move.frame = self.frames.change(frame, kind="row") if row else frame.parent
        return True

    def do_case(self, move: Move) -> bool:
        move.frame = self.frames.make(Context, self.scope.marked(move.frame), "inner")
        return True

    do_end_case = _pop

    def do_in(self, move: Move) -> bool:
        frame = move.frame
        if isinstance(frame, Context) and frame.kind == "row":
            move.frame = self.frames.change(frame, kind="row_in")
            return True
        origin = move.held[1] if move.held and move.held[0] == "of" else None
        move.frame = self.frames.make(Context, self.scope.marked(move.frame), "in", origin)
        move.held = None
        return True

    do_end_in = _pop

    def do_cast(self, move: Move) -> bool:
        move.frame = self.frames.make(Context, self.scope.marked(move.frame), "inner")
        return True

    do_end_cast = _pop

    def do_type(self, move: Move) -> bool:
        move.held = ("type", self.dialect.cast_types[self._name(move).decode()][1])
        return True

    def do_sized(self, move: Move) -> bool:
        return bool(move.held and move.held[0] == "type" and move.held[1] > 0)

    def do_type_parameter(self, move: Move) -> bool:
        move.held = ("type", move.held[1] - 1)
        return True


# After these what stands on the left is no bare column any more.
_FORGETTING = (
    "calculated concatenated arrowed bitted signed end_call end_case end_cast end_scalar computed"
    " compared logical string number null boolean arithmetic concat bits arrow sign"
).split()
_MARKS = (
    "string null boolean date_value timestamp_value time_value computed not is_null compare"
    " arithmetic concat arrow bits is between like escape is_truth"
).split()
