"""What is wrong with a clause: its place, or how many columns it has.

    >>> out_of_order(stop).message  # SELECT tier FROM customers GROUP BY tier «WHERE tier > 1
    'WHERE stands before GROUP BY'

Covered: widths of subqueries, CTEs and set operations; positions in ORDER BY and GROUP BY; clauses
out of order; what a place has no room for.
Not covered: the names within a clause.
"""

from collections.abc import Sequence

from text2sql.decoding.checking.faults.refusals import Refusal, commas_ahead
from text2sql.decoding.checking.faults.wording import (
    PHASES,
    Fault,
    Reason,
    blame,
    counted,
    unquoted,
    written,
)
from text2sql.decoding.checking.frames import Block, Output, Query, Reference
from text2sql.decoding.checking.scope import OPENING_LIMIT

CLAUSES = {
    "FROM": "from", "WHERE": "where", "GROUP": "group", "HAVING": "having", "WINDOW": "window",
    "QUALIFY": "qualify", "ORDER": "order", "LIMIT": "limit",
}  # fmt: skip
_RANKS = {phase: rank for rank, phase in enumerate(CLAUSES.values())}
_RANKS |= {"on": 0, "join": 0, "natural": 0, "compound": _RANKS["order"]}
_ARMS = ("UNION", "INTERSECT", "EXCEPT")
_NUMBERS = ("no column", "one column", "two columns", "three columns", "four columns")


def wrong_width(stop: Refusal) -> Fault | None:
    """Say that a SELECT list has too many or too few columns; None where it has not."""
    block = stop.frame
    if not isinstance(block, Block):
        return None
    query = stop.checker.scope.query_of(block)
    shown = _expanded(stop, block)
    starred = any(o.name == b"*" for o in shown) or stop.action == "star"
    if starred and stop.lexeme.text in (",", "*") and query.width is not None:
        return blame(stop, "write the columns out: here * cannot stand beside others")
    if stop.action in ("next_item", "item_value") and stop.lexeme.text == ",":
        more = commas_ahead(stop) + 1
        return width_fault(stop, len(shown) + more) if query.width is not None else None
    if query.width is not None and len(shown) != query.width:
        return width_fault(stop, len(shown))
    if stop.action == "no_from" and any(o.name == b"*" for o in block.outputs):
        return blame(stop, "FROM is missing: * has no table")
    return None


def _expanded(stop: Refusal, block: Block) -> list[Output]:
    found: list[Output] = []
    for output in block.outputs:
        starred = output.name == b"*" and block.sources
        scope = stop.checker.scope
        found += scope.starred(block, output.qualifier) if starred else [output]
    return found


def width_fault(stop: Refusal, number: int) -> Fault | None:
    """Blame a SELECT list for the number of its columns; None where any number would do."""
    query = stop.checker.scope.query_of(stop.frame)
    width = query.width
    if width is None:
        return None
    if query.arms:
        operation = _last(stop, ("UNION", "INTERSECT", "EXCEPT"))
        said = f"{counted(number, 'column')} on the right, {width} on the left"
        return blame(stop, f"{operation}: {said}")
    if query.role == "cte" and query.columns:
        cte = written(stop, query.cte or b"")
        return blame(stop, f"WITH gives {cte} {_columns(width)}, its SELECT has {number}")
    said = f"must have {_columns(width)}, not {_columns(number).removesuffix('s').split()[0]}"
    return blame(stop, f"{_subquery(query)} {said}")


def _columns(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else f"{number} columns"


def _subquery(query: Query) -> str:
    places = {"in": "the subquery after IN", "limit": "the subquery of LIMIT"}
    places["arm"] = "a SELECT of a set operation"
    return places.get(query.role, "a subquery that is a value")


def _last(stop: Refusal, names: Sequence[str]) -> str:
    return next((t.name for t in reversed(stop.read) if t.name in names), names[0])


def _position(stop: Refusal) -> Fault | None:
    held = stop.held
    digits = held[1] if held and held[0] == "position" else stop.payload
    if not isinstance(digits, bytes):
        return None
    number = stop.lexeme if stop.action == "number" else stop.read[-1].lexeme
    block = stop.checker.scope.block_of(stop.frame)
    query = stop.checker.scope.query_of(block)
    outputs = query.outputs if query.arms and block.phase != "group" else block.outputs
    if block.phase not in ("group", "order", "compound"):
        return blame(stop, f"{number.text} does not fit here", number)
    clause = "GROUP BY" if block.phase == "group" else "ORDER BY"
    what = f"{clause} {number.text}: the list has {counted(len(outputs), 'column')}"
    if digits.isdigit() and 1 <= int(digits) <= len(outputs):
        named = outputs[int(digits) - 1]
        why = (
            "is an aggregate" if named.uses or named.nested else "has a type that does not fit here"
        )
        why = why if named.counted else "has no name of its own: give it an alias"
        what = f"{clause} {number.text}: that column {why}"
    return blame(stop, what, number)


def _no_having(stop: Refusal) -> Fault | None:
    return blame(stop, "HAVING needs GROUP BY or an aggregate in the SELECT list")


def _two_names(stop: Refusal) -> Fault | None:
    return blame(stop, f"{unquoted(stop.lexeme)!r} is defined twice")


def _too_deep(stop: Refusal) -> Fault | None:
    if stop.place[0].depth < OPENING_LIMIT:
        return _in_its_place(stop)
    return blame(stop, "nested too deeply")


def _in_its_place(stop: Refusal) -> Fault | None:
    frame = stop.place[1]
    item, kind = getattr(frame, "item", None), getattr(frame, "kind", None)
    if isinstance(item, Reference) and item.name == b"*":
        return blame(
            stop, f"{written(stop, item.qualifier or b'')}.* stands alone in the SELECT list"
        )
    if item is not None and frame.phase == "compound":
        return blame(stop, f"{PHASES['compound']} takes names and numbers of columns only")
    if kind in ("row", "row_in", "row_side", "row_done"):
        return blame(
            stop, "a row of values stands before IN (SELECT ...), or beside another row or query"
        )
    if kind in ("operand", "primary"):
        return blame(stop, "this argument needs parentheses around it")
    return None


def _no_range(stop: Refusal) -> Fault | None:
    return blame(stop, "RANGE counts from one expression: the window is not sorted by just one")


def out_of_order(stop: Refusal) -> Fault | None:
    """Blame a clause that comes too late, or twice."""
    word, frame = stop.lexeme.text.upper(), stop.place[1]
    if not isinstance(frame, Block) or (word not in CLAUSES and word not in _ARMS):
        return None
    rank = _RANKS.get(frame.phase, -1)
    read = next((name for name, phase in CLAUSES.items() if _RANKS[phase] == rank), "")
    if word in _ARMS:
        late = frame.phase in ("order", "limit") and word in _ARMS
        said = f"{_clause(read)} belongs behind the last SELECT of {word}"
        return blame(stop, said) if late else None
    if rank > _RANKS[CLAUSES[word]]:
        return blame(stop, f"{_clause(word)} stands before {_clause(read)}")
    if rank == _RANKS[CLAUSES[word]] and rank > 0:
        with_and = ": join the conditions with AND" if word in ("WHERE", "HAVING") else ""
        return blame(stop, f"{_clause(word)} stands twice{with_and}")
    return None


def _clause(word: str) -> str:
    return f"{word} BY" if word in ("GROUP", "ORDER") else word


REASONS: dict[str, Reason] = {
    "range_count": _no_range,
    "from": wrong_width,
    "item_value": wrong_width,
    "next_item": wrong_width,
    "end_items": wrong_width,
    "star": wrong_width,
    "number": _position,
    "end_term": _position,
    "can_have": _no_having,
    "cte": _two_names,
    "cte_column": _two_names,
    "new_window": _two_names,
    "not here": _too_deep,
    "with": _too_deep,
    "can_derive": _too_deep,
}
