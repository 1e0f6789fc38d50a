"""Calls of functions: arguments that fit, what is made of them, aggregates and windows.

    >>> [checker.accepts(f"SELECT {call}") for call in ("round(1.5)", "round('a')")]
    [True, False]

Covered: every form of a function, arguments of one kind, columns named in aggregates and windows.
Not covered: functions that return tables of several columns.
"""

from typing import Any

from text2sql.decoding.checking.frames import (
    Block,
    Call,
    Context,
    Frame,
)
from text2sql.decoding.checking.functions import Function
from text2sql.decoding.checking.kinds.arguments import same_kind, take
from text2sql.decoding.checking.kinds.folding import NULLABLE, VOLATILE, Fixed, any_of
from text2sql.decoding.checking.kinds.forms import ORDERED, POLYMORPHIC
from text2sql.decoding.checking.kinds.lists import returns_list, wants_list
from text2sql.decoding.checking.kinds.operands import Operand, is_free, joined, leaves_of
from text2sql.decoding.checking.kinds.rows import KindRows
from text2sql.decoding.checking.kinds.scope import NEED_GROUPS, ROWS, SETS, Part, shows_all
from text2sql.decoding.checking.kinds.tables import (
    MOMENTS,
    NUMBERS,
    PARTS,
    TEXTS,
    Kinds,
    element,
    list_of,
)
from text2sql.decoding.checking.scope import Move

GROUPING = "grouping"  # no aggregate, but where one may stand, and not within one


class KindCalls(KindRows):
    """The actions that read a call."""

    def may_call(self, frame: Frame, function: Function) -> bool:
        """Tell whether what a function returns can fit, where no argument can help it."""
        if wants_list(frame, self.dialect) and not returns_list(function):
            return False
        if isinstance(frame, Call) and frame.function.name == GROUPING and not frame.closed:
            return False
        if function.name in VOLATILE and not self.rules.exact and _in_window(frame):
            return False
        if function.name in self.dialect.row_makers:
            return self._may_make_rows(frame)
        if not hasattr(frame, "stack"):
            return True
        if not self._may_tell(frame, {form.returns for form in self.forms[function.name]}):
            return False
        if function.most != 0 or function.kind != "scalar":
            return True
        here = Move(frame, None, "(", None, None, 0, False)
        return self._literal_fits(here, self._returned(function, ()))

    def _may_make_rows(self, frame: Frame) -> bool:
        """Tell whether rows may be made: in FROM, as the beginning of an item of no aggregates."""
        if not isinstance(frame, Block) or frame.phase not in ("items", "late"):
            return isinstance(frame, Block) and frame.phase in ("from", "join")
        begins = frame.item == b"" or not frame.stack  # before the item is begun, or behind that
        return begins and (self.rules.exact or not frame.aggregates)

    def do_call(self, move: Move) -> bool:
        before = move.frame
        if not super().do_call(move) or not self.may_call(before, move.frame.function):
            return False
        if move.frame.function.name not in self.dialect.row_makers:
            return True
        shown = before.phase in ("items", "late")
        if not shown or before.item != b"":
            return not shown
        flag = ROWS if self.rules.exact else "star"
        block = self.frames.change(move.frame.parent, groups=before.groups | {flag})
        move.frame = self.frames.change(move.frame, parent=block)
        return True

    def _returned(self, form: Function, kinds: tuple[str, ...]) -> str:
        """Return the kind that a function makes of arguments of some kinds."""
        kind = form.returns
        if kind == "first":
            kind = kinds[0] if kinds else "null"
        elif kind in ("same", "listed", "element"):
            kind = same_kind(form, kinds, rules=self.rules)
        if form.returns not in ("same", "first"):
            kind = self._of_list(kind, form.returns)
        kind = {"string": "text", "null": "any"}.get(kind, kind)
        return self.dialect.results.get(form.name, kind) if kind == "any" else kind

    def _of_list(self, kind: str, returns: str) -> str:
        """Return the kind of an element of a list, or of a list of a kind."""
        if returns == "listed":
            return list_of(kind, exact=self.rules.exact) or "list"
        return element(kind) if returns == "element" else returns

    def do_end_argument(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        if operand is None:
            return False
        operand = self._commit(move, operand)
        if operand.kind == "null" and not self._taken_by(move) <= {"any", "same", "element"}:
            return False
        if operand.kind in ("null", "string") and self._is_polymorphic(move):
            return False
        super().do_end_argument(move)
        if not self._narrow_first(move, operand):
            return False
        if move.frame.distinct and not self._owe_order(move, operand):
            return False
        self._push_operand(move, operand._replace(level=9))
        call: Call = move.frame
        kinds = tuple(one.kind for one in self._arguments(call))
        return bool(self._forms(call, kinds))

    def _is_polymorphic(self, move: Move) -> bool:
        """Tell whether a function wants a value whose type is known: a bare literal has none."""
        call: Call = move.frame if isinstance(move.frame, Call) else move.frame.parent
        if not self.rules.exact or "any" not in self._taken_by(move):
            return False
        return call.function.kind == "window" or call.function.name in POLYMORPHIC

    def _narrow_first(self, move: Move, operand: Operand) -> bool:
        """Ask of a first argument of which nothing is known that it goes with a further one."""
        call: Call = move.frame
        arguments = self._arguments(call)
        form = self.forms[call.function.name][0]
        if not arguments or take(form, call.count - 1) != "same" or not is_free(arguments[0]):
            return True
        if operand.kind == "null":
            return True
        wanted = NUMBERS if is_free(operand) else self.rules.together(operand.kind) or TEXTS
        known = self._narrow(move, arguments[0], frozenset(wanted - {"null", "string"}))
        if known is None:
            return False
        return self._set(move, (known, *move.frame.stack[1:]))

    def _taken_by(self, move: Move) -> set[str | None]:
        call: Call = move.frame if isinstance(move.frame, Call) else move.frame.parent
        return {take(form, call.count - 1) for form in self.forms[call.function.name]}

    def do_distinct_argument(self, move: Move) -> bool:
        call: Call = move.frame
        if not call.function.distinct or call.inner == "over":
            return False
        move.frame = self.frames.change(call, distinct=True)
        return True

    def do_next_argument(self, move: Move) -> bool:
        before = move.frame
        if not self._argument(move):
            return False
        if not isinstance(move.frame, Context) or move.frame.kind not in PARTS:
            return True
        if not self._varies_yet(before):
            return False
        # what comes is a literal: nothing but the arguments so far can be more than that
        return self._may_become(Move(before, None, move.terminal, None, None, 0, False))

    def do_can_order(self, move: Move) -> bool:
        call: Call = move.frame
        whole = call.count >= call.least
        able = call.function.kind == "aggregate" and call.function.name not in ORDERED
        if self.scope.block_of(call).phase == "order" and self.dialect.alias_in_terms:
            able = False  # sqlglot does not look for an item's name in there
        return able and whole and (not call.distinct or self.distinct_text(call) is not None)

    def distinct_text(self, call: Call) -> tuple[Any, ...] | None:
        """Return the text of the column that an aggregate takes once each; None: no column.

        Such an aggregate is ordered by what it takes.
        """
        arguments = self._arguments(call)
        text = arguments[0].text if call.distinct and arguments else None
        return text if text and len(text) == 1 and isinstance(text[0], tuple) else None

    def do_call_order(self, move: Move) -> bool:
        move.frame = self.frames.change(move.frame, ordered=True)
        return True

    def _owe_order(self, move: Move, operand: Operand) -> bool:
        """Ask that what is compared or sorted can be: JSON cannot in PostgreSQL."""
        if not self._sorts(operand):
            return False
        if operand.reference is None or operand.reference.kinds is not None:
            return True
        if not self.rules.opaque:
            return True
        known = self._commit(move, operand)
        reference = operand.reference._replace(kinds=self.scope.every_kind - self.rules.opaque)
        met = move.frame if known.kind != "any" else self.scope.resolve(move.frame, reference)
        move.frame = met
        return met is not None

    def do_window_term(self, move: Move) -> bool:
        before = self.scope.block_of(move.frame).bare
        if isinstance(move.frame, Context):
            move.frame = self.frames.change(move.frame, detail=before)
        return self._demand(move, 1, None)

    def do_end_window_term(self, move: Move) -> bool:
        operand = self._pop_operand(move)
        self._pop_operand(move)
        if not self._owe_order(move, operand):
            return False
        if operand.text is not None and isinstance(move.frame, Context):
            self._name_part(move, operand.text)
        call = move.frame
        if isinstance(call, Call) and call.distinct and operand.text != self.distinct_text(call):
            return False
        return not operand.constant

    def do_end_sort_term(self, move: Move) -> bool:
        """Keep what a window is sorted by: RANGE may count from it, if there is one."""
        operand = move.frame.stack[-1]
        if not self.do_end_window_term(move) or not isinstance(move.frame, Context):
            return False
        return self._push_operand(move, operand)

    def do_range_moment(self, move: Move) -> bool:
        return self._sorted_by(move, MOMENTS) and self._mark(move)

    def do_range_interval(self, move: Move) -> bool:
        self._pop_operand(move)
        return True

    def do_range_count(self, move: Move) -> bool:
        return self._sorted_by(move, NUMBERS - {"hugeint"})

    def _sorted_by(self, move: Move, kinds: Kinds) -> bool:
        """Ask that a window is sorted by one value, of some kinds."""
        stack = move.frame.stack
        if len(stack) != 1 or stack[0].kind == "any":
            return False
        operand = self._narrow(move, stack[0], kinds)
        return operand is not None and self._set(move, (operand,))

    def _name_part(self, move: Move, text: tuple[Any, ...]) -> None:
        """Let GROUP BY name a term of a window as a whole, in place of what is new in it."""
        block = self.scope.block_of(move.frame)
        before: frozenset[Any] = move.frame.detail
        if block.phase in ("items", "late") and len(text) > 1 and block.bare != before:
            named = self.frames.change(block, bare=before | {Part(text)})
            move.frame = self.scope.with_block(move.frame, named)

    def do_over_name(self, move: Move) -> bool:
        """Refuse a named window in ORDER BY, where DuckDB does not find it."""
        return self.scope.block_of(move.frame).phase != "order" and super().do_over_name(move)

    def do_can_over(self, move: Move) -> bool:
        call: Call = move.frame
        if call.function.name == GROUPING:
            return False
        ordered = call.ordered or call.function.name in self.ordered
        if not super().do_can_over(move) or (ordered and not self.dialect.ordered_windows):
            return False
        block = self.scope.block_of(call)
        must = block.phase in NEED_GROUPS and (block.grouped or block.aggregates)
        return not must or self.scope.own(block, call.bare) <= self.scope.covered(block)

    def do_can_filter(self, move: Move) -> bool:
        call: Call = move.frame
        ready = call.function.name not in self.ordered or call.ordered
        ready &= call.function.name != GROUPING
        return ready and super().do_can_filter(move)

    def do_end_call(self, move: Move) -> bool:
        call: Call = move.frame
        within = call.function.name in self.ordered
        if (within and not call.ordered) or not super().do_end_call(move):
            return False
        is_window = call.over
        if is_window and call.bare:
            self._spill(move, call.bare)
        if self._aggregates(call) and not is_window and not self._may_aggregate(move.frame):
            return False
        if within:
            return self._push_operand(move, Operand(self.within_kind(call)))
        arguments = self._arguments(call)
        kinds = tuple(operand.kind for operand in arguments)
        forms = self._whole_forms(call, kinds)
        if not forms:
            return False
        kind = self._returned(forms[0], kinds)
        text = None
        if call.function.kind == "scalar" and all(one.text is not None for one in arguments):
            parts = (part for one in arguments for part in (one.text, ","))
            text = joined(call.function.name, *parts)
        free = [one.reference for one in arguments if is_free(one)]
        reference = free[0] if len(arguments) == 1 and forms[0].returns == "same" and free else None
        fixed = self._is_fixed(call)
        constant = fixed is True and not arguments
        made = Operand(kind, reference, text=text, constant=constant, fixed=fixed)
        nil = any_of(*(one.nil for one in arguments if call.function.kind == "scalar"))
        if call.function.name in NULLABLE:
            nil = any_of(fixed, nil)
        made = made._replace(leaves=leaves_of(*arguments), nil=nil)
        return self._fits_beside(move.frame, made) and self._push_beside(move, made)

    def _is_fixed(self, call: Call) -> Fixed:
        return self._call_fixed(call, self._arguments(call))

    def made_of(self, call: Call) -> str:
        """Return the kind that a call makes of its arguments."""
        kinds = tuple(operand.kind for operand in self._arguments(call))
        forms = self._whole_forms(call, kinds)
        return self._returned(forms[0], kinds) if forms else "any"

    def do_end_arguments(self, move: Move) -> bool:
        if not super().do_end_arguments(move) or not self._may_become(move):
            return False
        if move.frame.function.name == GROUPING and not self._is_grouping(move):
            return False
        return self._arguments_vary(move)

    def _is_grouping(self, move: Move) -> bool:
        """Ask that a column is one of GROUP BY's own: grouping() tells whether it is summed up."""
        call: Call = move.frame
        text = self._arguments(call)[0].text
        if text is None or len(text) > 1 or not isinstance(text[0], tuple):
            return False
        named = text[0][1:]
        block = self.scope.block_of(call)
        if block.phase in NEED_GROUPS:
            own = self.scope.own(block, {named})
            return bool(own) and own <= block.groups
        owing = self.frames.change(block, bare=block.bare | {named}, groups=block.groups | {SETS})
        move.frame = self.scope.with_block(call, owing)
        return True

    def _may_become(self, move: Move) -> bool:
        """Tell whether what is made of arguments that are all literals fits around the call."""
        call: Call = move.frame
        if self._is_fixed(call) is not True:
            return True
        kinds = tuple(operand.kind for operand in self._arguments(call))
        made = {self._returned(form, kinds) for form in self._whole_forms(call, kinds)}
        around = Move(call.parent, None, move.terminal, None, None, 0, False)
        return any(self._literal_fits(around, kind) for kind in made)

    def _spill(self, move: Move, bare: frozenset[Any]) -> None:
        """Hand what a window function names to the aggregate or SELECT around it."""
        frame = move.frame
        chain = []
        while not isinstance(frame, Block):
            if isinstance(frame, Call) and self.scope.is_aggregate(frame):
                break
            chain.append(frame)
            frame = frame.parent
        if isinstance(frame, Block) and frame.phase not in ("items", "late"):
            return
        frame = self.frames.change(frame, bare=frame.bare | bare)
        for inner in reversed(chain):
            frame = self.frames.change(inner, parent=frame)
        move.frame = frame

    def _may_aggregate(self, frame: Any) -> bool:
        """Tell whether a SELECT may be an aggregate one: no `*`, no DISTINCT ON."""
        if not isinstance(frame, (Block, Call, Context)):
            return True
        block = self.scope.block_of(frame)
        return not shows_all(block)


def _in_window(frame: Any) -> bool:
    """Tell whether what is read says how a window is parted or sorted."""
    while isinstance(frame, (Call, Context)):
        if isinstance(frame, Context) and frame.kind == "over":
            return True
        frame = frame.parent
    return False
