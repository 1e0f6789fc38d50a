"""Find the first fault of a text, and the module that has words for it.

    >>> explain(checker, "SELECT nme FROM customers").message
    "no column 'nme' in customers (did you mean 'name'?)"

The text is read again, a lexeme at a time, until one is refused. Either the grammar has no place
for it there, or an action refused it: `_REASONS` has words for each.

Covered: lexemes that are none, values that no column holds, refusals, grammar.
Not covered: a second fault; faults that the checker does not see, such as types when they are off.
"""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from text2sql.decoding.checking.faults import affinities, calls, clauses, columns, sources
from text2sql.decoding.checking.faults.expectations import expectation, nearest_word
from text2sql.decoding.checking.faults.refusals import Refusal, find_refusals
from text2sql.decoding.checking.faults.wording import Fault, Reason, blame, blame_name
from text2sql.decoding.checking.frames import Call
from text2sql.decoding.checking.replaying import folded, lexemes, replay

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker

_REASONS: dict[str, Reason] = {
    **sources.REASONS,
    **columns.REASONS,
    **calls.REASONS,
    **clauses.REASONS,
}


def explain(checker: "Checker", sql: str) -> Fault | None:
    """Return the first fault of a text; None where the checker accepts it."""
    if checker.accepts(sql):
        return None
    odd = re.search("[\0\ud800-\udfff]", sql)
    if odd is not None:
        return Fault(f"{odd[0]!r} is no character of SQL", odd.start(), odd[0])
    if not checker.scope.invents:  # a wrong name is found out where FROM tells what is right
        fault = explain(_inventing(checker), sql)
        if fault is not None:
            return fault
    found = list(lexemes(checker, sql))
    read, stopped = replay(checker, found)
    if stopped is None:
        return _seam(checker, sql)
    rest = [lexeme for lexeme in found if lexeme.start >= stopped.end and lexeme.text]
    place = read[-1].after if read else checker.start.reading[0]
    return _explain(Refusal(checker, read, stopped, rest, place))


def _inventing(checker: "Checker") -> "Checker":
    """Return the checker that lets in any name before FROM."""
    from text2sql.decoding.checking.checker import Checker

    return Checker(checker.schema, dialect=checker.dialect.name, order=checker.order)


def _explain(stop: Refusal) -> Fault:
    told = _lexical(stop) or _no_value(stop) or affinities.literal_fault(stop)
    return told or _reasoned(stop) or _syntax(stop)


def _reasoned(stop: Refusal) -> Fault | None:
    """Return what an action has against the lexeme; None where the grammar refuses it."""
    for refusal in find_refusals(stop):
        told = affinities.fault_of(refusal)
        if told is not None:
            return told
        reason = _REASONS.get(refusal.action)
        if reason is None and stop.checker.dialect.typed:
            reason = calls.unfit
        fault = reason(refusal) if reason else None
        if fault is not None:
            return fault
    return None


def _seam(checker: "Checker", sql: str) -> Fault:
    """Blame two lexemes that may not touch: each alone is fine."""
    low, high = 0, len(sql)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if checker.prefix_ok(sql[:middle]) else (low, middle - 1)
    found = sql[low : low + 1]
    return Fault(f"{found!r} may not stand here: a space is missing before it", low, found)


def _lexical(stop: Refusal) -> Fault | None:
    text = stop.lexeme.text
    if stop.lexeme.kind == "unclosed":
        what = {"'": "string", "/": "comment"}.get(text[0], "quoted name")
        return blame(stop, f"the {what} that begins here is not closed")
    if stop.lexeme.kind == "comment":
        return blame(stop, "a comment may not begin with /*+ nor hold another /*")
    if stop.lexeme.kind == "end" and not stop.read:
        return blame(stop, "there is no SQL")
    if stop.lexeme.kind == "quoted" and not folded(stop.checker, stop.lexeme):
        return blame(stop, "a name must not be empty")
    return None


def _no_value(stop: Refusal) -> Fault | None:
    """Blame a literal that the column it is compared with does not hold."""
    literals, text = stop.checker.literals, stop.lexeme.text
    if literals is None or stop.lexeme.kind not in ("string", "number"):
        return None
    origin = stop.checker.compared(stop.place)
    stored = literals.stored(origin) if origin else None
    if origin is None or not stored:
        return None
    table, column = origin
    known = [value.decode("utf-8", "replace") for value in stored]
    what = f"no value {text} in {table}.{column}"
    literal = stop.lexeme._replace(text=text.strip("'"))
    fault = blame_name(stop, what, literal, known)
    return replace(fault, found=text)


def _syntax(stop: Refusal) -> Fault:
    """Say what the grammar expects where a lexeme does not fit."""
    fault = _mistaken_alias(stop) or clauses.out_of_order(stop) or _after_distinct(stop)
    if fault is not None:
        return fault
    if any(terminal.name == ";" for terminal in stop.read):
        return blame(stop, f"one query only: {stop.lexeme.text!r} stands behind the semicolon")
    expected = expectation(stop.checker, stop.place)
    if stop.lexeme.kind == "end":
        return blame(stop, f"the text ends too early: expected {expected}")
    meant = nearest_word(stop.checker, stop.place, stop.lexeme)
    asked = f" (did you mean {meant!r}?)" if meant else ""
    if not stop.read and not meant:
        return blame(stop, f"a query begins with {expected}, not {stop.lexeme.text!r}")
    said = f"expected {expected} here, found {stop.lexeme.text!r}{asked}"
    return blame(stop, said, None, *filter(None, (meant,)))


def _mistaken_alias(stop: Refusal) -> Fault | None:
    """Blame a misspelt keyword that was taken for an alias before: SELECT name FORM singer."""
    last = stop.read[-1] if stop.read else None
    if last is None or last.name not in ("<bare_alias>", "<bare_source_alias>"):
        return None
    if last.lexeme.text.upper() in last.before[0].terminals:  # FILTER behind what takes none
        rest = [stop.lexeme, *stop.rest]
        before = stop._replace(read=stop.read[:-1], rest=rest, place=last.before)
        return _reasoned(before._replace(lexeme=last.lexeme))
    meant = nearest_word(stop.checker, last.before, last.lexeme)
    if not meant:
        return None
    expected = expectation(stop.checker, last.before)
    said = f"expected {expected} here, found {last.lexeme.text!r} (did you mean {meant!r}?)"
    return blame(stop, said, last.lexeme, meant)


def _after_distinct(stop: Refusal) -> Fault | None:
    call = stop.place[1]
    several = not isinstance(call, Call) or not call.distinct or call.function.kind == "scalar"
    if several or stop.lexeme.text != ",":
        return None
    return blame(stop, f"{call.function.name}(DISTINCT ...) takes one argument")
