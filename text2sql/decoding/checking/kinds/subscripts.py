"""An element of a list or text, and a part of one: `tags[1]`, `name[1:3]`, `tags[2:]`.

    >>> checker.accepts("SELECT upper(name[1:3]) FROM products")
    True

A part is of the kind that the whole is of, an element of that of the list's values.

Covered: bounds that are whole numbers, either of them left out. Behind a colon that comes first
sqlglot takes a name for a placeholder (`name[:n]`): only a literal stands there.
Not covered: steps (`tags[1:9:2]`), elements of structs, maps and JSON.
"""

from text2sql.decoding.checking.frames import Context
from text2sql.decoding.checking.kinds.arrays import KindArrays
from text2sql.decoding.checking.kinds.folding import all_of, any_of
from text2sql.decoding.checking.kinds.operands import Demand, Operand, joined
from text2sql.decoding.checking.kinds.tables import INTEGERS, LISTS, element
from text2sql.decoding.checking.scope import Move


class KindSubscripts(KindArrays):
    """The actions that read what stands in brackets behind a value."""

    def do_subscript(self, move: Move) -> bool:
        able = LISTS if self.rules.exact else LISTS | {"text"}
        operand = self._narrow(move, self._pop_operand(move), able)
        if operand is None or operand.constant or (self.rules.exact and not operand.whole):
            return False
        self._mark(move)
        move.frame = self.frames.make(Context, move.frame, "paren")
        return self._push_operand(move, operand) and self._demand(move, 1, INTEGERS, "[")

    def do_bound(self, move: Move) -> bool:
        bound = self._settled(move, self._pop_operand(move))
        return bound is not None and self._push_operand(move, bound)

    def do_slice(self, move: Move) -> bool:
        """Go on to the second bound: what is read so far is the whole, with its first bound."""
        stack = move.frame.stack
        first = stack[-1] if isinstance(stack[-1], Operand) else None
        demand: Demand = stack[1]
        whole: Operand = stack[0]
        fixed = whole.fixed if first is None else all_of(whole.fixed, first.fixed)
        text = joined(whole.text, "[", () if first is None else first.text, ":")
        return self._set(move, (whole._replace(text=text, fixed=fixed), demand))

    def do_sliced(self, move: Move) -> bool:
        whole, last = self._taken_apart(move)
        text = joined(whole.text, () if last is None else last.text)
        fixed = whole.fixed if last is None else all_of(whole.fixed, last.fixed)
        nil = any_of(fixed, whole.nil, False if last is None else last.nil)
        made = Operand(whole.kind, text=text, fixed=fixed, nil=nil, leaves=whole.leaves)
        return self._push_operand(move, made._replace(told=whole.told))

    def do_subscripted(self, move: Move) -> bool:
        whole, place = self._taken_apart(move)
        assert place is not None
        kind = "text" if whole.kind == "text" else element(whole.kind)
        text = joined(whole.text, "[", place.text)
        fixed = all_of(whole.fixed, place.fixed)
        nil = any_of(fixed, whole.nil, place.nil)
        made = Operand(kind, text=text, fixed=fixed, nil=nil, leaves=whole.leaves)
        return self._push_operand(move, made._replace(told=whole.told))

    def _taken_apart(self, move: Move) -> tuple[Operand, Operand | None]:
        """Return the whole and the bound that was read last; leave the brackets."""
        stack = move.frame.stack
        self._pop(move)
        return stack[0], stack[-1] if isinstance(stack[-1], Operand) else None
