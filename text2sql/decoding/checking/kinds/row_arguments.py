"""What a function of FROM takes that makes rows, in an engine that calls it to know its rows.

    >>> [checker.accepts(f"SELECT n FROM range({n}) AS r(n)") for n in ("2 * 5", "'5'::INT + 1")]
    [True, False]

DuckDB works out an argument without a column while it reads it, whatever a rule would leave for
later. So such an argument is what people write there, and what surely comes out.

Covered: numbers and sums of them; texts; moments, also a span away; lists of these; a function of
them; a subquery, by itself or in a sum. With a column: functions, arithmetic, CAST, elements.
Not covered: conditions, CASE, EXTRACT, `||`; without a column functions within others, and CAST of
anything but one text to a moment.
"""

import re
from typing import Any

from text2sql.decoding.checking.frames import Block, Call, Context, Frame
from text2sql.decoding.checking.functions import Function
from text2sql.decoding.checking.kinds.folding import LISTING, worth
from text2sql.decoding.checking.kinds.joins import GROWING
from text2sql.decoding.checking.kinds.operands import Operand
from text2sql.decoding.checking.kinds.strings import moment_ok
from text2sql.decoding.checking.kinds.values import KindValues
from text2sql.decoding.checking.scope import Move

_ANSWER = ("SELECT",)  # the text of a subquery there
_PARENTHESES = ("(", ")")
_STRING = (b"'",)  # that of a string which may say anything
_DAY = r"(?:(?:date|timestamp) '|(?:'|CURRENT_DATE|SELECT) AS (?:date|timestamp)|CURRENT_DATE)"
_ONE = rf"(?:[+-] )?(?:1|{_DAY}|'|INTERVAL 1|NULL|TRUE|FALSE)"
_SINGLE = re.compile(rf"{_ONE}|{_DAY} [+-] (?:1|INTERVAL 1)")
_LISTED = re.compile(rf"{_ONE}|ARRAY(?: THEN {_ONE})+ \]|[a-z_]+(?: {_ONE} ,)+")


def reads_rows(frame: Any) -> Call | None:
    """Return the function of FROM of which an argument is read; None: it is none of such."""
    while isinstance(frame, (Call, Context)):
        around = frame.parent
        if isinstance(frame, Call) and isinstance(around, Block) and around.phase in GROWING:
            return frame
        frame = around
    return None


class KindRowArguments(KindValues):
    """The actions that read such an argument."""

    def do_end_scalar(self, move: Move) -> bool:
        kind = move.frame.outputs[0].kind
        if self.rules.exact or reads_rows(move.frame.parent) is None:
            return super().do_end_scalar(move)
        return self._pop(move) and self._push_operand(move, Operand(kind, text=_ANSWER))

    def do_string(self, move: Move) -> bool:
        if not super().do_string(move):
            return False
        operand = self._pop_operand(move)
        bare = operand.text is None and not self.rules.exact
        if bare and reads_rows(move.frame) is not None:
            operand = operand._replace(text=_STRING)
        return self._push_operand(move, operand)

    def _push_operand(self, move: Move, operand: Operand) -> bool:
        """Keep an operand; tell whether it comes out, where DuckDB asks that as it reads it."""
        super()._push_operand(move, operand)
        call = None if self.rules.exact else reads_rows(move.frame)
        if call is None:
            return True
        return _comes_out(call, operand.text) or (operand.constant and operand.text is None)

    def _boolean_at(self, move: Move, level: int) -> bool:
        return self._reads_freely(move) and super()._boolean_at(move, level)

    def do_not(self, move: Move) -> bool:
        return self._reads_freely(move) and super().do_not(move)

    def do_logic(self, move: Move) -> bool:
        return self._reads_freely(move) and super().do_logic(move)

    def do_concat(self, move: Move) -> bool:
        return self._reads_freely(move) and super().do_concat(move)

    def do_case(self, move: Move) -> bool:
        return self._reads_freely(move) and super().do_case(move)

    def do_can_extract(self, move: Move) -> bool:
        return self._reads_freely(move) and super().do_can_extract(move)

    def _reads_freely(self, move: Move) -> bool:
        """Tell whether what is read stands where any expression may."""
        return self.rules.exact or reads_rows(move.frame) is None

    def do_arithmetic(self, move: Move) -> bool:
        return self._may_go_on(move) and super().do_arithmetic(move)

    def do_double_colon(self, move: Move) -> bool:
        return self._may_go_on(move) and super().do_double_colon(move)

    def do_as(self, move: Move) -> bool:
        text = move.frame.stack[-1].text
        sums = text is not None and _sums(text)
        return (sums or self._may_go_on(move, "::")) and super().do_as(move)

    def _may_go_on(self, move: Move, sign: str | None = None) -> bool:
        """Tell whether an operator may follow a value: where DuckDB works it out at once, few."""
        if self._reads_freely(move):
            return True
        text = move.frame.stack[-1].text
        return _waits(text) or (sign or move.terminal) in _signs_behind(text)

    def may_call(self, frame: Frame, function: Function) -> bool:
        call = None if self.rules.exact else reads_rows(frame)
        lists = call is frame and call is not None and call.function.name not in LISTING
        return (lists or self._may_wait(frame)) and super().may_call(frame, function)

    def do_group(self, move: Move) -> bool:
        return self._may_wait(move.frame) and super().do_group(move)

    def _may_wait(self, frame: Frame) -> bool:
        """Tell whether what begins can have a column, where it has to."""
        if self.rules.exact or reads_rows(frame) is None:
            return True
        return any(block.sources or block.phase == "items" for block in self.scope.chain(frame))


def _waits(text: tuple[Any, ...] | None) -> bool:
    """Tell whether a part of an argument has a column, and so waits for rows."""
    return text is not None and _ANSWER[0] not in text and any(isinstance(p, tuple) for p in text)


def _comes_out(call: Call, text: tuple[Any, ...] | None) -> bool:
    """Tell whether a part of an argument can be worked out at once, or waits.

    Args:
        call: the function of FROM.
        text: how the part is written; None: not known.
    """
    if text is None or _waits(text):
        return text is not None
    if text.count("AS") > 1:
        return False
    sure = _SINGLE if call.function.name in LISTING else _LISTED
    return _sums(text) or sure.fullmatch(_shown(text)) is not None


def _signs_behind(text: tuple[Any, ...] | None) -> tuple[str, ...]:
    """Return the signs that may follow a value which is worked out at once."""
    if text is None:
        return ()
    if text == _ANSWER:
        return ("+", "-", "*", "::")
    if _sums(text):
        return ("+", "-", "*")
    shown = _shown(text)
    told = next((part[1:] for part in text if isinstance(part, bytes)), b"")
    says = shown == "'" and moment_ok(told, b"timestamp")
    casts = ("::",) if says or shown == "CURRENT_DATE" else ()
    return (*casts, "+", "-") if re.fullmatch(_DAY, shown) else casts


def _sums(text: tuple[Any, ...]) -> bool:
    return worth(tuple(b"1" if part in _ANSWER else part for part in text)) is not None


def _shown(text: tuple[Any, ...]) -> str:
    return " ".join(_rendered(part) for part in text if part not in _PARENTHESES)


def _rendered(part: str | bytes) -> str:
    if isinstance(part, str):
        return part
    if part[:1] == b"'":
        return "'"
    return part.decode() if part.isalpha() else "1"
