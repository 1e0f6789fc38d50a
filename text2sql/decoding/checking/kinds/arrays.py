"""ARRAY[...] and, in DuckDB, [...]: as a value and behind ANY, SOME and ALL.

    >>> checker.accepts("SELECT 1 FROM people WHERE tier = ANY (ARRAY['gold', 'silver'])")
    True

Its values go together as those of a CASE do; the kind of an array is that of its values with [].

Covered: arrays of one dimension with a value whose kind is known.
Not covered: arrays of arrays, ARRAY(SELECT ...), arrays in quotes, `[x FOR x IN list]`.
"""

from text2sql.decoding.checking.frames import Context
from text2sql.decoding.checking.kinds.constructs import Case, KindConstructs
from text2sql.decoding.checking.kinds.folding import all_of, any_of
from text2sql.decoding.checking.kinds.operands import Operand, joined
from text2sql.decoding.checking.kinds.tables import GROUPS, LISTS, Kinds, element, list_of
from text2sql.decoding.checking.scope import Move


class KindArrays(KindConstructs):
    """The actions that read an array."""

    def do_array(self, move: Move) -> bool:
        wanted = self.demanded(move.frame).kinds
        able = wanted is None or "boolean" in wanted or not wanted.isdisjoint(LISTS)
        move.frame = self.frames.make(Context, self.scope.marked(move.frame), "inner")
        return able and self._case(move, Case(None, "null", ("ARRAY",), True))

    def do_array_value_next(self, move: Move) -> bool:
        """Ask that a value goes with those before it, and with what is wanted of an array."""
        kind = move.frame.detail.kind
        if kind != "null":
            return self._demand(move, 1, self.rules.together(kind))
        return self._demand(move, 1, self._wanted_values(move.frame.parent))

    def _wanted_values(self, frame: object) -> Kinds | None:
        wanted = self.demanded(frame).kinds or frozenset()
        values = frozenset(element(kind) for kind in wanted & LISTS)
        if wanted - values - LISTS - {"null", "string"}:
            return None
        return values | {"string"} if "text" in values else values or None

    def do_array_value(self, move: Move) -> bool:
        value = self._settled(move, self._pop_operand(move))
        if value is None:
            return False
        before: Case = move.frame.detail
        if not self._push_operand(move, value) or not self.do_case_value(move):
            return False
        told = value.kind == "null" or self._told(value)
        fixed = all_of(before.fixed, told)
        return self._case(move, move.frame.detail._replace(fixed=fixed))

    def do_end_array(self, move: Move) -> bool:
        case: Case = move.frame.detail
        self._pop(move)
        kind = list_of(case.kind, exact=self.rules.exact)
        if kind is None or kind == "any[]":
            return False
        leaves = None if case.kind in GROUPS else case.leaves
        made = Operand(kind, text=joined(case.text, "]"), fixed=case.fixed, leaves=leaves)
        return self._may_stand(move, made) and self._push_operand(move, made)

    # --- behind ANY, SOME, ALL ---------------------------------------------------------------

    def do_any_array(self, move: Move) -> bool:
        left: Operand = move.frame.detail
        alike = self.rules.ordered("text" if left.kind == "string" else left.kind)
        return self._demand(move, 1, frozenset(f"{kind}[]" for kind in alike) & LISTS)

    def do_end_any_array(self, move: Move) -> bool:
        array = self._settled(move, self._pop_operand(move))
        if array is None:
            return False
        left: Operand = move.frame.detail
        fixed, nil = all_of(left.fixed, array.fixed), any_of(left.nil, array.nil)
        kept = left._replace(fixed=fixed, nil=nil, text=None)
        move.frame = self.frames.change(move.frame, detail=kept, stack=())
        return True
