"""What is wrong with a type, where declared types count in SQLite.

    >>> fault_of(stop).message  # SELECT avg(name«) FROM singer
    "avg() takes numbers, and name is declared as text"

Covered: columns in calls, arithmetic and patterns; literals beside a column of numbers; tables
whose column is not what is asked of it.
Not covered: types of strict dialects; see `calls`.
"""

from text2sql.decoding.checking.affinities import AffinityScope
from text2sql.decoding.checking.faults.columns import pending
from text2sql.decoding.checking.faults.refusals import Refusal
from text2sql.decoding.checking.faults.wording import Fault, blame
from text2sql.decoding.checking.frames import Block, Call, Context, Source

_CALCULATING = ("arithmetic", "calculated")
_TAKING = ("table", "source", "source_as")
_WORDS = {"number": "a number", "text": "text", "moment": "a date or time", "any": "nothing"}


def fault_of(stop: Refusal) -> Fault | None:
    """Return what the action that refused a lexeme has against a type; None: it is not the type."""
    if not isinstance(stop.checker.scope, AffinityScope):
        return None
    if stop.action in _TAKING:
        return _unpaid(stop, stop.checker.scope)
    needed = _needed(stop)
    known = stop.held is not None and stop.held[0] == "of" and len(stop.held) > 3
    if not needed or not known:
        return None
    _, _, family, owed = stop.held
    names = (read.lexeme for read in reversed(stop.read) if read.name in ("<column>", "<member>"))
    name = next(names)
    if owed is not None:
        return blame(stop, f"{needed}, and no table has such a {name.text}", name)
    return blame(stop, f"{needed}, and {name.text} is declared as {_WORDS[family]}", name)


def _needed(stop: Refusal) -> str:
    """Return what an action takes; "" where it does not look at types."""
    if stop.action == "end_argument":
        call = stop.frame.parent if isinstance(stop.frame, Context) else stop.frame
        return f"{call.function.name}() takes numbers" if isinstance(call, Call) else ""
    if stop.action in _CALCULATING:
        return "arithmetic takes numbers"
    return f"{stop.lexeme.text.upper()} takes text" if stop.action == "like" else ""


def _unpaid(stop: Refusal, scope: AffinityScope) -> Fault | None:
    """Blame a column that was named before FROM, and that a table has in another type."""
    block = stop.frame
    if not isinstance(block, Block):
        return None
    name = stop.payload[0] if stop.action in ("table", "source_as") else stop.held[1]
    found = scope.find_relation(block, name) if stop.action == "table" else stop.held[2]
    if found is None:
        return None
    for reference, _, column in pending(stop, block):
        source = Source(reference.qualifier or name, found)
        added = scope.frames.change(block, sources=(*block.sources, source))
        for asked in block.pending:
            if asked.name == reference.name and not scope.fits(added, asked):
                declared = _WORDS[scope.family(added, asked) or "any"]
                what = f"{column.text} is declared as {declared} in this table"
                return blame(stop, f"{what}, and another type is needed", column)
    return None


def literal_fault(stop: Refusal) -> Fault | None:
    """Blame a text that says no number beside a column of numbers."""
    string = stop.lexeme.kind in ("string", "quoted") and stop.lexeme.text[0] in "'\""
    if not string or not stop.checker.wants_number(stop.place):
        return None
    return blame(stop, f"a number is needed here, and {stop.lexeme.text} is none")
