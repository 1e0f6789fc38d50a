"""Operators: what may stand to their left and right, and what they make.

    >>> [checker.accepts(f"SELECT 1 {sign} 'a'") for sign in ("||", "-")]
    [True, False]

Covered: signs, arithmetic, `||`, comparison, IS, NOT, AND, OR, LIKE, BETWEEN.
Not covered: bit operators and JSON arrows.
"""

from text2sql.decoding.checking.frames import Context
from text2sql.decoding.checking.kinds.folding import Fixed, all_of, any_of
from text2sql.decoding.checking.kinds.literals import KindLiterals
from text2sql.decoding.checking.kinds.operands import (
    BEFORE_AND,
    Operand,
    is_free,
    is_sure,
    is_value_of_in,
    joined,
    leaves_of,
)
from text2sql.decoding.checking.kinds.tables import (
    LISTS,
    NUMBERS,
    TEXTS,
    arithmetic,
    element,
    expand,
    partners,
    reaches,
)
from text2sql.decoding.checking.scope import Move

_DOCUMENTS = frozenset({"json", "text"})
# Of what IS DISTINCT FROM makes in PostgreSQL: no other IS may follow it.
_DISTINCT = 3
_COMPARED = (_DISTINCT, 4)
_EQUALITY = ("=", "<>", "!=", "FROM")  # IS DISTINCT FROM


class KindOperators(KindLiterals):
    """The actions that read an operator and its operands."""

    def do_sign(self, move: Move) -> bool:
        self._mark(move)
        wanted = NUMBERS | {"interval"} if move.terminal == "-" else NUMBERS
        least, around, _ = self.demanded(move.frame)
        if around is not None:
            wanted = frozenset(kind for kind in wanted if reaches(kind, around, 8, least))
        return bool(wanted) and self._demand(move, 9, wanted, move.terminal)

    def do_signed(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        if operand is None:
            return False
        sign = self._pop_operand(move)
        text = joined(sign[2], operand.text)
        return self._push_operand(move, operand._replace(text=text, reference=None, level=8))

    def do_arithmetic(self, move: Move) -> bool:
        self._mark(move)
        level = 6 if move.terminal in "+-" else 7
        left = self._commit(move, self._pop_operand(move))
        if left.reference is not None and not is_sure(left.kind):
            narrowed = self._narrow(move, left, NUMBERS)
            if narrowed is None:
                return False
            left = narrowed
        least, wanted, _ = self.demanded(move.frame)
        sign = move.terminal
        exact = self.rules.exact
        able = partners(sign, left.kind, exact=exact)
        made = {kind: arithmetic(sign, left.kind, kind, exact=exact) for kind in able}
        fitting = {k for k, m in made.items() if reaches(str(m), wanted, level, least, again=False)}
        if not fitting:
            return False
        self._push_operand(move, left)
        return self._demand(move, level + 1, frozenset(fitting), move.terminal)

    def do_calculated(self, move: Move) -> bool:
        right = self._settled(move, self._pop_operand(move))
        if right is None:
            return False
        sign = self._pop_operand(move)[2]
        left = self._pop_operand(move)
        kind = arithmetic(str(sign), left.kind, right.kind, exact=self.rules.exact)
        level = 6 if str(sign) in "+-" else 7
        text = joined(left.text, sign, right.text)
        fixed = self._result_fixed(move, left, str(sign), right)
        if kind is None or fixed is None:
            return False
        leaves, nil = leaves_of(left, right), any_of(left.nil, right.nil)
        return self._made(move, kind, level, text=text, fixed=fixed, nil=nil, leaves=leaves)

    def do_concat(self, move: Move) -> bool:
        self._mark(move)
        first = self._commit(move, self._pop_operand(move))
        if self.rules.exact and expand(first.kind) <= LISTS:
            self._push_operand(move, first)
            return self._demand(move, 9, frozenset({first.kind, element(first.kind)}), "||")
        unknown = self.rules.exact and is_free(first)
        left = self._narrow(move, first, TEXTS if unknown else self.rules.joined)
        if left is None or not self._may_make(move, "text", 8):
            return False
        self._push_operand(move, left)
        is_text = not self.rules.exact or expand(left.kind) <= TEXTS
        return self._demand(move, 9, self.rules.joined if is_text else TEXTS, "||")

    def do_concatenated(self, move: Move) -> bool:
        right = self._settled(move, self._pop_operand(move))
        if right is None:
            return False
        self._pop_operand(move)
        left = self._pop_operand(move)
        if self.rules.exact and left.kind in LISTS:
            text, leaves = joined(left.text, "||", right.text), leaves_of(left, right)
            fixed = all_of(self._told(left), self._told(right))
            return self._made(move, left.kind, 8, text=text, fixed=fixed, nil=fixed, leaves=leaves)
        kinds = {left.kind, right.kind} - ({"string"} if self.rules.exact else set())
        kind = "blob" if kinds == {"blob"} else "text"
        fixed, nil = all_of(left.fixed, right.fixed), any_of(left.nil, right.nil)
        text = joined(left.text, "||", right.text)
        return self._made(move, kind, 8, text=text, fixed=fixed, nil=nil)

    def do_can_compare(self, move: Move) -> bool:
        left: Operand = move.frame.stack[-1]
        chained = left.level in _COMPARED  # a < b < c
        return not chained and self._sorts(left) and self._boolean_at(move, 4)

    def _sorts(self, operand: Operand) -> bool:
        """Tell whether values of a kind are compared with each other at all."""
        return not expand(operand.kind) & self.rules.opaque

    def do_compare(self, move: Move) -> bool:
        self._mark(move)
        if not self.do_can_compare(move):
            return False
        left = self._commit(move, self._pop_operand(move))
        self._push_operand(move, left)
        wanted = None if is_free(left) else self._beside(left)
        if wanted is not None and self._reads_texts(left, move.terminal):
            wanted |= NUMBERS
        if wanted is not None and not wanted:
            return False
        return self._demand(move, 5, wanted, move.terminal)

    def _reads_texts(self, left: Operand, sign: str) -> bool:
        """Tell whether the engine reads texts on the left as numbers, one after another."""
        compares = left.kind == "text" and left.fixed is not True
        return compares and sign in _EQUALITY and not self.rules.exact

    def do_can_quantify(self, move: Move) -> bool:
        """Refuse `IN (x = ANY ...)`: DuckDB takes the query for that of the IN."""
        whole = self.frames.change(move.frame, stack=move.frame.stack[:-2])
        return not is_value_of_in(whole) and move.frame.stack[-2].kind != "any"

    def do_quantified(self, move: Move) -> bool:
        """Begin the query of ANY or ALL, judged as that of IN."""
        self._pop_operand(move)
        left = self._commit(move, self._pop_operand(move))
        kept = left._replace(text=None, fixed=False)
        move.frame = self.frames.make(Context, self.scope.marked(move.frame), "in", kept)
        return self._push(move, "in", width=1)

    def do_end_quantified(self, move: Move) -> bool:
        self._pop(move)
        self._pop(move)
        return self._made(move, "boolean", 4)

    def do_json_arrow(self, move: Move) -> bool:
        """Read `->>` behind a column: sqlglot binds it tightly, DuckDB loosely."""
        self._mark(move)
        left = self._narrow(move, self._pop_operand(move), _DOCUMENTS)
        if left is None or left.level != 9 or not self._may_make(move, "text", 5):
            return False
        if not self._vary(move, left.fixed):
            return False
        left = left._replace(fixed=False)
        return self._push_operand(move, left) and self._demand(move, 6, None, move.terminal)

    def do_json_key(self, move: Move) -> bool:
        sign = self._pop_operand(move)[2]
        left = self._pop_operand(move)
        return self._made(move, "text", 5, text=joined(left.text, sign, move.payload))

    def _boolean_at(self, move: Move, level: int) -> bool:
        """Tell whether what is read last may become part of a truth."""
        operand = self._pop_operand(move)
        fine = self._may_make(move, "boolean", level)
        self._push_operand(move, operand)
        return fine

    def _orderable(self, move: Move) -> Operand | None:
        """Return the operand read last; a column that could be anything is taken for a number."""
        left = self._commit(move, self._pop_operand(move))
        if left.kind == "any" and left.reference is not None:
            narrowed = self._narrow(move, left, NUMBERS)
            if narrowed is None:
                return None
            left = narrowed
        self._push_operand(move, left)
        return left

    def do_compared(self, move: Move) -> bool:
        right = self._settled(move, self._pop_operand(move))
        if right is None:
            return False
        right = self._commit(move, right)
        sign = self._pop_operand(move)[2]
        left = self._pop_operand(move)
        if is_free(left) and not self._compare_free(move, left, right):
            return False
        text = joined(left.text, sign, right.text)
        if sign == "FROM":
            fixed = all_of(self._told(left), self._told(right))
            level = _DISTINCT if self.rules.exact else 4
            return self._made(move, "boolean", level, text=text, fixed=fixed)
        fixed, nil = all_of(left.fixed, right.fixed), any_of(left.nil, right.nil)
        return self._made(move, "boolean", 4, text=text, fixed=fixed, nil=nil)

    def _compare_free(self, move: Move, left: Operand, right: Operand) -> bool:
        """Ask of a column of which nothing is known that it goes with what it is compared with."""
        if right.kind == "null":
            return True
        if is_free(right):
            known = self._narrow(move, right, NUMBERS)
            return known is not None and self._narrow(move, left, NUMBERS) is not None
        together = self.rules.ordered("text" if right.kind == "string" else right.kind)
        kinds = together - {"null", "string", "json"}
        return bool(kinds) and self._narrow(move, left, kinds) is not None

    def do_is(self, move: Move) -> bool:
        self._mark(move)
        chained = move.frame.stack[-1].level == _DISTINCT
        return not chained and self._boolean_at(move, 4)  # IS NULL of a literal: see `_made`

    def do_is_null(self, move: Move) -> bool:
        self._mark(move)
        left = self._pop_operand(move)
        text = joined(left.text, move.terminal)
        return self._made(move, "boolean", 4, text=text, fixed=self._told(left))

    def do_is_truth(self, move: Move) -> bool:
        left = self._narrow(move, self._pop_operand(move), self.rules.truths)
        return left is not None and self._push_operand(move, left) and self.do_is_null(move)

    def do_not(self, move: Move) -> bool:
        self._mark(move)
        return self._may_make(move, "boolean", 3) and self._demand(
            move, 3, self.rules.truths, "NOT"
        )

    def do_negation(self, move: Move) -> bool:
        operand = self._settled(move, self._pop_operand(move))
        if operand is None:
            return False
        self._pop_operand(move)
        text = joined("NOT", operand.text)
        return self._made(move, "boolean", 3, text=text, fixed=operand.fixed, nil=operand.nil)

    def do_logic(self, move: Move) -> bool:
        self._mark(move)
        level = 1 if move.terminal == "OR" else 2
        left = self._narrow(move, self._pop_operand(move), self.rules.truths)
        if left is None or not self._may_make(move, "boolean", level):
            return False
        if self.rules.folds and left.fixed is True and not self._truth_fits(move):
            return False
        self._push_operand(move, left)
        return self._demand(move, level + 1, self.rules.truths, move.terminal)

    def do_logical(self, move: Move) -> bool:
        right = self._settled(move, self._pop_operand(move))
        if right is None:
            return False
        sign = self._pop_operand(move)[2]
        left = self._pop_operand(move)
        level = 1 if sign == "OR" else 2
        fixed = self._settled_by(left, right)
        text = joined(left.text, sign, right.text)
        return self._made(move, "boolean", level, text=text, fixed=fixed, nil=fixed)

    def _settled_by(self, left: Operand, right: Operand) -> Fixed:
        """Return whether AND or OR is fixed: one of the two may settle it."""
        if self.rules.exact:
            return any_of(self._told(left), self._told(right))
        one = self.rules.folds and True in (left.fixed, right.fixed)
        return one or all_of(left.fixed, right.fixed)

    def do_like(self, move: Move) -> bool:
        self._mark(move)
        if move.frame.stack[-1].level in _COMPARED or not self._boolean_at(move, 4):
            return False
        left = self._narrow(move, self._pop_operand(move), self.rules.matched)
        if left is None:
            return False
        self._push_operand(move, left)
        return self._demand(move, 5, self.rules.matched, move.terminal)

    def do_liked(self, move: Move) -> bool:
        return self.do_compared(move)

    def do_between(self, move: Move) -> bool:
        self._mark(move)
        if not self.do_can_compare(move):
            return False
        left = self._orderable(move)
        return left is not None and self._demand(move, 5, self._beside(left), BEFORE_AND)

    def do_between_low(self, move: Move) -> bool:
        low = self._settled(move, self._pop_operand(move))
        if low is None:
            return False
        wanted = self.demanded(move.frame).kinds
        assert wanted is not None
        left: Operand = move.frame.stack[-2]
        known = Operand("any", fixed=all_of(left.fixed, low.fixed), nil=low.nil)
        self._set(move, (*move.frame.stack[:-2], left, known))
        told = low.kind in ("string", "null")
        two = {left.kind, low.kind}
        texts = "string" in two and two <= {"null", "string"}
        if texts and (left.kind == "null" or not self.rules.exact):  # the third must be one, too
            wanted = wanted & self.rules.ordered("text")
        return self._demand(move, 5, wanted if told else wanted & self.rules.ordered(low.kind))

    def do_between_high(self, move: Move) -> bool:
        high = self._settled(move, self._pop_operand(move))
        if high is None:
            return False
        self._commit(move, high)
        self._pop_operand(move)
        low, left = self._pop_operand(move), self._pop_operand(move)
        fixed = all_of(left.fixed, high.fixed)
        fixed = any_of(low.fixed, fixed) if self.rules.exact else all_of(low.fixed, fixed)
        nil = any_of(fixed, left.nil, low.nil, high.nil)
        return self._made(move, "boolean", 4, fixed=fixed, nil=nil)
