"""Which values an engine works out before it runs, and where such a value may not stand.

    >>> [checker.accepts(f"SELECT {sum}") for sum in ("1 / 2", "1 / (2 - 2)")]
    [True, False]

Covered: operands of arithmetic, arguments of functions that refuse some values.
Not covered: the values themselves (see `folding`); what CAST makes of them (see `constructs`).
"""

from typing import Any

from text2sql.decoding.checking.frames import Call, Reference
from text2sql.decoding.checking.kinds.folding import (
    HARMLESS,
    LISTING,
    TOLD_BY_KIND,
    VOLATILE,
    Fixed,
    all_of,
    any_of,
    lists_little,
    overflows,
    tame,
    worth,
)
from text2sql.decoding.checking.kinds.operands import Demand, KindOperands, Operand, joined
from text2sql.decoding.checking.kinds.outcomes import comes_out
from text2sql.decoding.checking.kinds.tables import MOMENTS, NUMBERS, arithmetic, expand
from text2sql.decoding.checking.scope import Move

_DAYS = 100_000  # that a date may be away from another
_COUNTED = NUMBERS | MOMENTS | {"interval", "time"}
_SIGNS = frozenset({*"+-*/%", "//"})


class KindVarying(KindOperands):
    """What must vary."""

    def _vary(self, move: Move, fixed: Fixed) -> bool:
        """Ask of FROM that a value varies; False where it cannot."""
        if fixed is False or not self.rules.folds:
            return True
        if fixed is True:
            return False
        for reference in sorted(fixed, key=str):
            met = self.scope.resolve(move.frame, reference._replace(varying=True))
            if met is None:
                return False
            move.frame = met
        return True

    def _told(self, operand: Operand) -> Fixed:
        """Return whether a value is fixed for what does not make NULL of NULL."""
        return any_of(operand.fixed, operand.nil) if self.rules.exact else operand.fixed

    def _refer(self, move: Move, reference: Reference) -> bool:
        if not super()._refer(move, reference):
            return False
        operand = self._pop_operand(move)
        return self._fits_beside(move.frame, operand) and self._push_beside(move, operand)

    def _push_beside(self, move: Move, operand: Operand) -> bool:
        """Push an operand; beside a fixed one, ask of FROM that it varies where it might not."""
        if not isinstance(operand.fixed, bool) and self._beside_fixed(move.frame) is not None:
            if not self._vary(move, operand.fixed):
                return False
            operand = operand._replace(fixed=False)
        return self._push_operand(move, operand)

    def _beside_fixed(self, frame: Any) -> tuple[Operand, str] | None:
        """Return the fixed left operand of the arithmetic whose right one is read, and the sign."""
        stack = frame.stack
        while stack and not isinstance(stack[-1], Demand):
            stack = stack[:-1]
        if len(stack) < 2 or stack[-1].sign not in _SIGNS or not isinstance(stack[-2], Operand):
            return None
        left: Operand = stack[-2]
        if not self.rules.exact and not expand(left.kind) <= NUMBERS:
            return None
        return (left, stack[-1].sign) if left.fixed is True and self.rules.folds else None

    def _fits_beside(self, frame: Any, operand: Operand) -> bool:
        """Tell whether arithmetic with a fixed left operand can be worked out with a right one."""
        beside = self._beside_fixed(frame) if operand.fixed is True else None
        return beside is None or self._works_out(beside[0], beside[1], operand)

    def _works_out(self, left: Operand, sign: str, right: Operand) -> bool:
        """Tell whether arithmetic of two fixed values gives one, for sure."""
        if not self.rules.exact and sign in ("//", "%") and worth(right.text) in (None, 0):
            return False
        if not self.rules.exact:
            return not overflows(joined("(", left.text, ")", sign, "(", right.text, ")"))
        if not all(expand(one.kind) <= _COUNTED for one in (left, right)):
            return False
        numbers = [one for one in (left, right) if expand(one.kind) <= NUMBERS]
        if len(numbers) == 2:
            whole = worth(joined("(", left.text, ")", sign, "(", right.text, ")"))
            return whole is not None or self._stays_small(left, sign, right)
        found = [worth(one.text) for one in numbers]
        if any(one is None or abs(one) > _DAYS for one in found):
            return False
        return sign not in "*/" or all(one is not None and 0 < abs(one) <= 100 for one in found)

    def _stays_small(self, left: Operand, sign: str, right: Operand) -> bool:
        """Tell whether arithmetic of two decimals, one not known here, comes to a number."""
        if arithmetic(sign, left.kind, right.kind, exact=True) not in ("decimal", "float"):
            return False
        divides = sign in "/%"
        known = not divides or worth(right.text) not in (None, 0)
        return known and tame(left.text) and tame(right.text)

    def _result_fixed(self, move: Move, left: Operand, sign: str, right: Operand) -> Fixed | None:
        """Return whether the result of arithmetic is fixed; None where it may not be made."""
        fixed = all_of(left.fixed, right.fixed)
        if fixed is False or not self.rules.folds:
            return False
        if fixed is True:
            return True if self._works_out(left, sign, right) else None
        if not self.rules.exact:
            return fixed
        if right.fixed is True and worth(right.text) not in (None, 0):
            return fixed
        if left.fixed is True and sign in "+-*" and worth(left.text) is not None:
            return fixed
        return False if self._vary(move, fixed) else None

    def _arguments_vary(self, move: Move) -> bool:
        """Ask that a function which refuses some values is not called with fixed ones alone."""
        call: Call = move.frame
        arguments = self._arguments(call)
        if not arguments or not self.rules.folds or call.function.kind != "scalar":
            return True
        return self._is_harmless(call) or self._vary(
            move, all_of(*(self._told(one) for one in arguments))
        )

    def _is_harmless(self, call: Call) -> bool:
        if not self.rules.exact and self._beside_fixed(call.parent) is not None:
            return False
        if self.rules.exact and call.function.name not in HARMLESS:
            arguments = self._arguments(call)
            known = all(one.fixed is True for one in arguments)
            return known and comes_out(call.function.name, arguments)
        if call.function.name in LISTING and not self.rules.exact:
            return lists_little([one.text for one in self._arguments(call)])
        return call.function.name in HARMLESS

    def _varies_yet(self, call: Call) -> bool:
        """Tell whether a call is fine whose other arguments are all literals."""
        if not self.rules.folds or call.function.kind != "scalar" or self._is_harmless(call):
            return True
        return all_of(*(self._told(one) for one in self._arguments(call))) is not True

    def _call_fixed(self, call: Call, arguments: tuple[Operand, ...]) -> Fixed:
        """Return whether what a call returns is fixed."""
        name = call.function.name
        if call.function.kind != "scalar" or name in self.dialect.row_makers:
            return False
        if self.rules.folds and name in TOLD_BY_KIND:
            return True
        if self.rules.folds and name in VOLATILE:
            return False
        if self.rules.folds and arguments and name not in HARMLESS:  # they vary, or it comes out
            return all(one.fixed is True for one in arguments)
        if self.rules.folds and name in ("coalesce", "ifnull"):
            arguments = tuple(one for one in arguments if one.kind != "null")[:1]
        if self.rules.folds and name == "if" and arguments[0].fixed is not False:
            arguments = arguments[:1]  # it leaves one of the values
        return all_of(*(self._told(one) for one in arguments if one.kind != "null"))
