"""Calls of literals that are worked out before a statement runs, and do not fail then.

    >>> comes_out("mod", [Operand("int4", text=(b"10",)), Operand("int4", text=(b"3",))])
    True

A literal that fails is refused by EXPLAIN: `sqrt(-1)`, `mod(1, 0)`, `make_date(2023, 2, 29)`.

Covered: PostgreSQL's functions that people call so; numbers up to about a thousand million.
Not covered: functions that take any value of their kinds (`folding.HARMLESS`); the rest is refused.
"""

from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction

from text2sql.decoding.checking.kinds.folding import worth
from text2sql.decoding.checking.kinds.operands import FORMATTED, Operand, said
from text2sql.decoding.checking.kinds.strings import moment_ok
from text2sql.decoding.checking.kinds.tables import MOMENTS, NUMBERS, expand

_LONGEST = 1000  # letters
_HUGE = 1e15
_FORMAT = b"YYYY-MM-DD"


def _is_day(year: Fraction, month: Fraction, day: Fraction) -> bool:
    try:
        date(*map(int, (year, month, day)))
    except ValueError:
        return False
    return True


def _is_moderate(base: Fraction, by: Fraction) -> bool:
    return base > 0 and abs(by) <= 30 and 1 / _HUGE <= float(base) ** float(by) <= _HUGE


def _has_logarithm(*numbers: Fraction) -> bool:
    return all(number > 0 for number in numbers) and (len(numbers) == 1 or numbers[0] != 1)


# What the numbers among the arguments may be; texts may say anything.
_TESTS: dict[str, Callable[..., bool]] = {
    **dict.fromkeys(("mod", "div"), lambda number, by: by != 0),
    **dict.fromkeys(("power", "pow"), _is_moderate),
    **dict.fromkeys(("ln", "log", "log10"), _has_logarithm),
    **dict.fromkeys(
        ("trunc", "sin", "cos", "atan", "atan2", "cbrt", "degrees", "radians", "translate"),
        lambda *numbers: True,
    ),
    **dict.fromkeys(
        ("substr", "substring"), lambda start=None, length=0: start is not None and length >= 0
    ),
    "exp": lambda number: abs(number) <= 30,
    "sqrt": lambda number: number >= 0,
    "make_date": _is_day,
    "split_part": lambda place: place != 0,
    "repeat": lambda times: times <= _LONGEST,
}


def comes_out(name: str, arguments: Sequence[Operand]) -> bool:
    """Tell whether a function of values without columns surely returns one.

    Args:
        name: of the function.
        arguments: all of them, each of them fixed.
    """
    if name == "to_char":
        return expand(arguments[0].kind) <= MOMENTS
    if name in FORMATTED:
        text, form = (said(one) for one in arguments)
        return form == _FORMAT and text is not None and moment_ok(text, b"date")
    test = _TESTS.get(name)
    if test is None or any(one.kind == "null" for one in arguments):
        return False
    numbers = [worth(one.text) for one in arguments if expand(one.kind) <= NUMBERS]
    return None not in numbers and test(*numbers)
