"""What happens in an expression: columns, functions, operators.

A part of `actions`.
"""

from text2sql.decoding.checking.action_base import ActionBase
from text2sql.decoding.checking.frames import Block, Call, Context, Frame, Output, Reference
from text2sql.decoding.checking.functions import Function
from text2sql.decoding.checking.lending import LendingActions, hands_on
from text2sql.decoding.checking.literals import Beside
from text2sql.decoding.checking.scope import OPENING_LIMIT, Move

GENERIC_TYPES = frozenset(
    {b"range", b"map", b"list", b"array", b"struct", b"object", b"nullable", b"lowcardinality"}
)
LONG_TYPES = {b"double": "PRECISION", b"character": "VARYING"}  # what must follow a type's word
STARLESS = frozenset({"pi"})  # functions without arguments that sqlglot gives no star either
# functions of any number of arguments, which SQLite calls without one, too: as good as never meant
STARRED = frozenset({"char", "format", "json_insert", "json_replace", "printf", "strftime"})
ROW_LIMIT = 8  # values of a row


class OperandActions(LendingActions):
    """Actions of expressions."""

    def do_column(self, move: Move) -> bool:
        _, name, quoted = move.held
        if not quoted and not self.dialect.allows(name, "column"):
            return False
        if not quoted and move.terminal[0] == "<" and name in GENERIC_TYPES:
            return False  # sqlglot takes it for the start of a type: range<...>
        if not quoted and move.terminal == "[" and self.dialect.is_type(name):
            return False  # and for one of arrays: time[...]
        soft = self.dialect.may_be_string(name, quoted)
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
            met = self.frames.change(met, item=reference if fresh else None)
        by_else = self.dialect.names_items
        if not fresh and (reference.soft or hands_on(frame, move.cell, by_else=by_else)):
            met = self.lend(met, reference.name)
        origin = self.scope.origin_of(frame, reference)
        move.frame, move.held = met, origin and ("of", origin)
        if not fresh:
            self.lend_spelt(move, reference.name)
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
        shown = (*block.outputs, Output(b"*", qualifier=qualifier))
        if not self.scope.feasible(self.frames.change(block, outputs=shown, item=None)):
            return False
        move.frame = self.frames.change(block, item=reference)
        move.held = None
        return True

    def do_call(self, move: Move) -> bool:
        _, name, quoted = move.held
        function = None if quoted else self.dialect.functions.get(name.decode("utf-8", "replace"))
        if function is None or (function.over and move.depth >= OPENING_LIMIT):
            return False  # OVER must still be able to open its parenthesis
        begun = self.scope.begin_call(move.frame, function)
        move.frame, move.held = begun, None
        if begun is not None:
            self.lend_spelt(move, name)
        return begun is not None

    def may_say(self, frame: Frame, type_name: bytes) -> bool:
        """Tell whether a literal of a type can fit; a dialect that is typed asks."""
        return True

    def may_call(self, frame: Frame, function: Function) -> bool:
        """Tell whether what a function returns can fit; a dialect that is typed asks."""
        return True

    def do_count_star(self, move: Move) -> bool:
        function = move.frame.function
        if function.name == "count":
            return True
        if "star_arguments" not in self.dialect.features or function.kind != "scalar":
            return False
        if function.name in STARRED:
            return True
        return not function.least and function.name not in STARLESS

    def do_all_arguments(self, move: Move) -> bool:
        return move.frame.function.name in self.dialect.all_too

    def do_no_arguments(self, move: Move) -> bool:
        call: Call = move.frame
        return call.least == 0 and move.terminal == ")"

    def do_distinct_argument(self, move: Move) -> bool:
        call: Call = move.frame
        # elsewhere items may be named, and sqlglot does not look for them behind DISTINCT
        block = self.scope.block_of(call)
        before = block.phase in ("items", "late", "on")
        unnamed = before or not any(output.explicit for output in block.outputs)
        idle = unnamed and call.function.name in self.dialect.distinct_too
        able = call.function.distinct and call.least <= 1 and call.inner != "over"
        if not idle and not able:
            return False
        move.frame = self.frames.change(call, distinct=True)
        return True

    def do_argument(self, move: Move) -> bool:
        return self._argument(move)

    def do_next_argument(self, move: Move) -> bool:
        call: Call = move.frame
        several = not call.distinct or call.function.kind == "scalar"
        return several and self._argument(move)

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

    do_end_filter = ActionBase._pop

    def do_can_over(self, move: Move) -> bool:
        call: Call = move.frame
        may = call.function.over and not call.distinct
        may &= call.function.kind == "window" or self._aggregates(call)
        return may and self.scope.allows_window(call.parent)

    def do_over(self, move: Move) -> bool:
        move.frame = self.frames.make(Context, self.frames.change(move.frame, over=True), "over")
        return True

    do_end_over = ActionBase._pop

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

    def do_base_window(self, move: Move) -> bool:
        """Begin a window that is another one with a frame: WINDOW, still to come, gives it none."""
        name = self._name(move)
        block = self.scope.block_of(move.frame)
        if block.phase not in ("items", "late"):
            return False
        windows, frameless = block.windows | {(name, False)}, block.frameless | {name}
        owing = self.frames.change(block, windows=windows, frameless=frameless)
        move.frame = self.scope.with_block(move.frame, owing)
        return True

    def do_end_sort_term(self, move: Move) -> bool:
        """Count what a window is sorted by: RANGE counts from it, if there is one."""
        window: Context = move.frame
        move.frame = self.frames.change(window, stack=(*window.stack, None)[-2:])
        return True

    def do_range_count(self, move: Move) -> bool:
        return len(move.frame.stack) == 1

    def do_can_frame(self, move: Move) -> bool:
        return bool(move.frame.detail != "frameless")

    def do_new_window(self, move: Move) -> bool:
        block: Block = move.frame
        name = self._name(move)
        move.held = ("frameless",) if name in block.frameless else None
        if (name, True) in block.windows:
            return False
        windows = (block.windows - {(name, False)}) | {(name, True)}
        return self._clause_with(move, windows)

    def _clause_with(self, move: Move, windows: frozenset[tuple[bytes, bool]]) -> bool:
        move.frame = self.frames.change(move.frame, windows=windows, phase="window", item=None)
        return True

    def do_open_window(self, move: Move) -> bool:
        detail = "frameless" if move.held == ("frameless",) else None
        move.frame, move.held = self.frames.make(Context, move.frame, "over", detail), None
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

    def do_group(self, move: Move) -> bool:
        move.frame = self.frames.make(Context, self._opened(move.frame), "paren")
        return True

    def do_can_be_row(self, move: Move) -> bool:
        """Let a row begin only as the whole side of a comparison, or on the left of an IN."""
        if self._row_before(move.frame):
            return True
        if move.depth >= OPENING_LIMIT or self._reads_less(move.frame.parent):
            return False
        if self.scope.block_of(move.frame).phase == "rows":
            return False  # IN would have to have a query
        cell = move.cell
        while cell is not None and cell.symbol != ")":
            cell = cell.rest
        while cell is not None and not cell.symbol.startswith("tail_"):
            if cell.symbol not in (")", "@computed", "postfix"):
                return False
            cell = cell.rest
        return cell is not None and cell.symbol.split("_")[1] in "123"

    def _reads_less(self, frame: Frame) -> bool:
        """Tell whether an argument is being read that may not compare."""
        return isinstance(frame, Context) and frame.kind in ("operand", "primary")

    def do_row(self, move: Move) -> bool:
        width = move.frame.detail or 1
        move.frame = self.frames.change(move.frame, detail=width + 1)
        return True

    def do_next_in_row(self, move: Move) -> bool:
        return bool(move.frame.detail < (self._row_before(move.frame) or ROW_LIMIT))

    def _row_before(self, frame: Context) -> int:
        """Return the width of the row that a parenthesis is compared with; 0: with none."""
        side = frame.parent
        is_side = isinstance(side, Context) and side.kind == "row_side"
        return int(side.detail) if is_side else 0

    def do_compare(self, move: Move) -> bool:
        frame = move.frame
        if isinstance(frame, Context) and frame.kind == "row":
            move.frame = self.frames.change(frame, kind="row_side")
            return True
        return self._mark(move)

    def do_compared(self, move: Move) -> bool:
        frame = move.frame
        if isinstance(frame, Context) and frame.kind == "row_done":
            move.frame = frame.parent
        return True

    def do_end_parenthesis(self, move: Move) -> bool:
        frame: Context = move.frame
        width = self._row_before(frame)
        if width:
            move.frame = self.frames.change(frame.parent, kind="row_done")
            return bool(frame.detail == width)
        row = frame.detail is not None
        move.frame = self.frames.change(frame, kind="row") if row else frame.parent
        return True

    def do_case(self, move: Move) -> bool:
        move.frame = self.frames.make(Context, self.scope.marked(move.frame), "inner")
        return True

    do_end_case = ActionBase._pop

    def do_in_nothing(self, move: Move) -> bool:
        """Let `x IN ()` stand without aggregates: SQLite drops x, and misses them behind it."""
        block = self.scope.block_of(move.frame)
        return block.phase in ("on", "where", "group") or not block.uses

    def do_in(self, move: Move) -> bool:
        frame = move.frame
        if isinstance(frame, Context) and frame.kind == "row":
            move.frame = self.frames.change(frame, kind="row_in")
            return True
        beside = self._compared_with(move, equal=True)
        move.frame = self.frames.make(Context, self.scope.marked(move.frame), "in", beside)
        move.held = None
        return True

    def _compared_with(self, move: Move, *, equal: bool) -> Beside | None:
        """Return what the next literal is compared with; None where it may say anything.

        Args:
            move: `held` is the column before the operator, or what an IS has kept of it.
            equal: the operator asks whether two values are the same.
        """
        held = move.held
        if not equal or held is None or held[0] not in ("of", "compare"):
            return None
        if held[0] == "compare":
            kept: Beside = held[1]
            return kept
        return Beside(held[1]) if held[1] is not None else None

    do_end_in = ActionBase._pop

    def do_cast(self, move: Move) -> bool:
        move.frame = self.frames.make(Context, self.scope.marked(move.frame), "inner")
        return True

    do_end_cast = ActionBase._pop

    def do_type(self, move: Move) -> bool:
        name = self._name(move)
        most = self.dialect.cast_types.get(name.decode(), ("any", 0))[1]
        more = LONG_TYPES.get(name) if "long_types" in self.dialect.features else None
        move.held = ("type", most) if more is None else ("type of", more, most)
        return True

    def do_long_type(self, move: Move) -> bool:
        if not move.held or move.held[:2] != ("type of", move.terminal):
            return False
        move.held = ("type", move.held[2])
        return True

    def do_whole_type(self, move: Move) -> bool:
        return bool(move.held and move.held[0] == "type")

    def do_sized(self, move: Move) -> bool:
        return bool(move.held and move.held[0] == "type" and move.held[1] > 0)

    def do_type_parameter(self, move: Move) -> bool:
        move.held = ("type", move.held[1] - 1)
        return True
