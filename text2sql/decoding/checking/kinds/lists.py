"""Where an argument must be a list, which no operator and no CAST makes of another value.

    >>> [checker.accepts(f"SELECT list_sort({one}) FROM t") for one in ("tags", "name")]
    [True, False]

So nothing but a column or a function that returns a list may begin there.
"""

from typing import Any

from text2sql.decoding.checking.dialects import Dialect
from text2sql.decoding.checking.frames import Call, Context
from text2sql.decoding.checking.functions import Function
from text2sql.decoding.checking.kinds.tables import LISTS, expand

_WORDS = """
    NUMBER STRING NULL TRUE FALSE CURRENT_DATE CURRENT_TIMESTAMP CASE CAST TRY_CAST EXISTS EXTRACT
    INTERVAL NOT DISTINCT - + ::
"""
_OTHERS = frozenset(_WORDS.split())


def wants_list(frame: Any, dialect: Dialect) -> bool:
    """Tell whether what a frame reads is an argument that every form wants to be a list."""
    while isinstance(frame, Call) and frame.closed:  # what FILTER and OVER may follow
        frame = frame.parent
    stack = getattr(frame, "stack", ())
    if stack and getattr(stack[-1], "sign", "") == "||":
        return False  # what is appended
    inside = isinstance(frame, Context) and frame.kind in ("operand", "primary", "expression")
    call = frame.parent if inside else frame
    if not isinstance(call, Call) or call.closed:
        return False
    place = max(0, call.count - 1)
    forms = dialect.forms[call.function.name]
    return all(place < len(form.takes) and expand(form.takes[place]) <= LISTS for form in forms)


def returns_list(function: Function) -> bool:
    """Tell whether a function makes a list."""
    same = function.returns == "same" and function.takes[:1] == ("list",)
    return same or function.returns in LISTS or function.returns == "listed"


def may_begin(terminal: str, symbol: str) -> bool:
    """Tell whether a terminal may stand where a list is wanted.

    Args:
        terminal: what comes.
        symbol: the top of the stack; the parenthesis of a call is no operand.
    """
    if terminal == symbol:  # nothing else may: the bracket of ARRAY
        return True
    if terminal == "[":  # a list, no element of one
        return symbol.startswith(("expr_", "argument", "array"))
    return terminal not in _OTHERS and (terminal != "(" or symbol == "name_tail")
