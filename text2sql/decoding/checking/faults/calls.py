"""What is wrong with a call: its name, its place, its arguments, their types, its window.

    >>> REASONS["end_arguments"](stop).message  # SELECT substr(name«)
    'substr takes 2 or 3 arguments, not 1'

Covered: functions, aggregates and window functions; DISTINCT, FILTER, OVER; types of CAST.
Not covered: which types would fit.
"""

from itertools import pairwise

from text2sql.decoding.checking.faults.refusals import Refusal, commas_ahead
from text2sql.decoding.checking.faults.wording import (
    PHASES,
    Fault,
    Reason,
    blame,
    blame_name,
    counted,
    unquoted,
)
from text2sql.decoding.checking.frames import Block, Call
from text2sql.decoding.checking.functions import Function
from text2sql.decoding.checking.kinds import Operand
from text2sql.decoding.checking.replaying import Lexeme, folded


def _no_function(stop: Refusal) -> Fault | None:
    return function_fault(stop, stop.read[-1].lexeme)


def function_fault(stop: Refusal, name: Lexeme) -> Fault | None:
    """Say why a function may not be called here; None where the reason is another."""
    functions = stop.checker.dialect.functions
    function = functions.get(name.text.lower())
    key = folded(stop.checker, name)
    if function is None and name.kind == "word" and not stop.checker.dialect.allows(key, "column"):
        return None  # a keyword: VALUES (1)
    if function is None:
        return blame_name(stop, f"no function {unquoted(name)!r}", name, functions)
    if function.kind == "scalar":
        return None
    return blame(stop, _misplaced(stop, function), name)


def _misplaced(stop: Refusal, function: Function) -> str:
    frame, what = stop.frame, "aggregate" if function.kind == "aggregate" else "window function"
    while not isinstance(frame, Block):
        if isinstance(frame, Call) and stop.checker.scope.is_aggregate(frame):
            inside = f"{frame.function.name}()"
            return f"{what} {function.name}() is not allowed inside {inside}"
        if getattr(frame, "kind", None) == "filter":
            return f"{what} {function.name}() is not allowed in FILTER"
        frame = frame.parent
    if frame.phase in ("order", "qualify") and function.kind == "aggregate":
        return f"aggregate {function.name}() in ORDER BY needs GROUP BY or another in SELECT"
    return f"{what} {function.name}() is not allowed in {PHASES[frame.phase]}"


def _call_of(stop: Refusal) -> tuple[Call | None, Lexeme]:
    """Return the call around, and the lexeme of its name."""
    frame, level = stop.frame, 0
    while frame is not None and not isinstance(frame, Call):
        frame = frame.parent
    for before, after in reversed(list(pairwise(stop.read))):
        level += (after.name == ")") - (after.name == "(")
        if after.name == "(" and level < 0 and before.name == "<column>":
            return frame, before.lexeme
    return frame, stop.lexeme


def _arguments(stop: Refusal) -> Fault | None:
    call, name = _call_of(stop)
    if call is None or (call.distinct and call.function.kind == "aggregate"):
        return None
    function = call.function
    more = commas_ahead(stop) + 1 if stop.lexeme.text == "," else 0
    given = call.count + more
    scalar = stop.checker.dialect.scalar_too.get(function.name)
    if scalar is not None and given == 1:
        return blame(stop, _misplaced(stop._replace(frame=call.parent), function), name)
    if call.inner == "over" and given >= function.least:
        return _needs_over(stop)
    if stop.action == "end_arguments" and given >= function.least and call.inner:
        return blame(stop, f"{name.text}() holds another aggregate: that needs OVER", name)
    if scalar is None and _is_number_of(function, given):
        return _does_not_fit(stop, call, name)
    said = f"{name.text} takes {_takes(scalar or function)}, not {given}"
    return blame(stop, said, name)


def _is_number_of(function: Function, given: int) -> bool:
    """Tell whether a function takes so many arguments."""
    enough = given >= function.least and (function.most is None or given <= function.most)
    return enough and (given - function.least) % function.step == 0


def _does_not_fit(stop: Refusal, call: Call, lexeme: Lexeme) -> Fault:
    name = call.function.name
    fixed = [one.fixed is True for one in call.stack if isinstance(one, Operand)]
    if fixed and all(fixed):
        said = "of values that are known before the query runs: where that might fail it is refused"
        return blame(stop, f"{name}() {said}", lexeme)
    return blame(stop, f"{name}() does not fit here: see what it takes and stands in", lexeme)


def _takes(function: Function) -> str:
    least, most = function.least, function.most
    if most == 0:
        return "no argument"
    if most is None:
        pairs = f", then {function.step} at a time" if function.step > 1 else ""
        return f"at least {counted(least, 'argument')}{pairs}"
    span = f"{least}" if most == least else f"{least} or {most}" if most == least + 1 else ""
    return f"{span or f'{least} to {most}'} argument{'' if most == 1 else 's'}"


def _not_distinct(stop: Refusal) -> Fault | None:
    call, name = _call_of(stop)
    return blame(stop, f"{name.text}() takes no DISTINCT") if call else None


def _no_star(stop: Refusal) -> Fault | None:
    _, name = _call_of(stop)
    return blame(stop, f"only count(*) takes a star, not {name.text}")


def _needs_over(stop: Refusal) -> Fault | None:
    call = stop.frame
    if not isinstance(call, Call):
        return None
    name = call.function.name
    if call.function.kind == "scalar":
        return _does_not_fit(stop, call, _call_of(stop)[1])
    if call.inner == "over":  # begun as one, where no other may stand
        return blame(stop, _misplaced(stop._replace(frame=call.parent), call.function))
    if call.function.kind == "window":
        return blame(stop, f"window function {name}() needs OVER")
    return blame(stop, f"aggregate {name}() holds another aggregate: that needs OVER")


def _no_over(stop: Refusal) -> Fault | None:
    call = stop.frame
    if not isinstance(call, Call):
        return None
    if call.distinct:
        return blame(stop, f"{call.function.name}(DISTINCT ...) takes no OVER")
    where = PHASES[stop.checker.scope.block_of(call).phase]
    if not call.function.over:
        return blame(stop, f"{call.function.name}() takes no OVER")
    return blame(stop, f"a window is not allowed in {where}")


def _no_filter(stop: Refusal) -> Fault | None:
    call = stop.frame
    if not isinstance(call, Call):
        return None
    return blame(stop, f"{call.function.name}() is no aggregate: it takes no FILTER")


def _no_window(stop: Refusal) -> Fault | None:
    owed = sorted(name.decode() for name, defined in stop.frame.windows if not defined)
    return blame(stop, f"WINDOW must define {', '.join(owed)}") if owed else None


def _no_type(stop: Refusal) -> Fault | None:
    types = stop.checker.dialect.cast_types
    return blame_name(stop, f"no type {stop.lexeme.text!r}", stop.lexeme, types)


_LEFT = ("arithmetic", "concat", "like", "compare", "between", "logic", "in", "is")


def unfit(stop: Refusal) -> Fault | None:
    """Say that the kinds of values do not fit, where a strict dialect wants them to."""
    text = stop.lexeme.text
    if stop.lexeme.kind in ("string", "number"):
        return blame(stop, f"a value of another type is needed here, not {text}")
    if stop.action in _LEFT:
        return blame(stop, f"{text} does not take the type of what stands before it")
    if stop.action == "end_argument":
        call, name = _call_of(stop)
        return (
            blame(stop, f"{name.text}() does not take an argument of this type") if call else None
        )
    if stop.action.startswith("<") or stop.action == "not here":
        return None
    end = repr(text) if text else "the end"
    return blame(stop, f"the types do not fit: see what stands before {end}")


REASONS: dict[str, Reason] = {
    "<type>": _no_type,
    "call": _no_function,
    "argument": _arguments,
    "next_argument": _arguments,
    "no_arguments": _arguments,
    "end_arguments": _arguments,
    "distinct_argument": _not_distinct,
    "count_star": _no_star,
    "end_call": _needs_over,
    "can_over": _no_over,
    "can_filter": _no_filter,
    "windows_done": _no_window,
    "over_name": _no_window,
    "base_window": _no_window,
}
