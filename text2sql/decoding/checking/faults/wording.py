"""The words of a fault: where it is, what it is called in the query, which known name was meant.

    >>> blame_name(stop, "no table 'custmers'", stop.lexeme, ["customers", "orders"]).message
    "no table 'custmers' (did you mean 'customers'?)"

Covered: names as the query writes them; at most three suggestions, nearest first; where nothing
looks alike, a list of what is known if it is short.
Not covered: reasons, which the other modules give.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from text2sql.decoding.checking.faults.refusals import Refusal
from text2sql.decoding.checking.relations import Relation
from text2sql.decoding.checking.replaying import Lexeme, folded


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong with a text."""

    message: str
    position: int  # of its first character in the text
    found: str  # what stands there; "" at the end of the text
    suggestions: tuple[str, ...] = ()  # what was probably meant, nearest first


Reason = Callable[[Refusal], Fault | None]  # None: it is not the reason

PHASES = {
    "items": "the SELECT list", "late": "the SELECT list", "from": "FROM", "join": "FROM",
    "natural": "FROM", "on": "ON", "closed": "this place", "where": "WHERE", "group": "GROUP BY",
    "having": "HAVING", "window": "WINDOW", "qualify": "QUALIFY", "order": "ORDER BY",
    "compound": "ORDER BY after UNION, INTERSECT or EXCEPT", "limit": "LIMIT",
    "values": "VALUES", "full": "FROM", "rows": "a function in FROM",
}  # fmt: skip
_LISTED = 12  # names that a message lists where none looks like the wrong one


def blame(stop: Refusal, message: str, at: Lexeme | None = None, *meant: str) -> Fault:
    """Return a fault.

    Args:
        stop: where reading stopped.
        message: what is wrong.
        at: the lexeme that is at fault, if not the one where reading stopped.
        meant: suggestions.
    """
    at = at or stop.lexeme
    return Fault(message, at.start, at.text, tuple(meant))


def blame_name(stop: Refusal, message: str, name: Lexeme, known: Iterable[str]) -> Fault:
    """Blame a name, and say which known ones look like it; else what is known, if little is.

    Args:
        stop: where reading stopped.
        message: what is wrong; suggestions are added.
        name: the lexeme that is at fault.
        known: names that could stand in its place.
    """
    names = {name.casefold(): name for name in known}
    close = get_close_matches(unquoted(name).casefold(), names, n=3, cutoff=0.5)
    meant = [names[match] for match in close]
    if meant:
        message += f" (did you mean {meant[0]!r}?)"
    elif 0 < len(names) <= _LISTED and ";" not in message:
        message += f" (known: {', '.join(names.values())})"
    return blame(stop, message, name, *meant)


def blame_keyword(stop: Refusal) -> Fault:
    """Blame a word that is a name only in quotes."""
    mark = "`" if stop.checker.dialect.string_fallback else '"'
    text = stop.lexeme.text
    quoted = mark + text + mark
    return blame(stop, f"{text!r} is a keyword: as a name it needs quotes, {quoted}", None, quoted)


def unquoted(lexeme: Lexeme) -> str:
    """Return a name without its quotes."""
    return lexeme.text[1:-1] if lexeme.kind == "quoted" else lexeme.text


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is not one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def written(stop: Refusal, name: bytes) -> str:
    """Return a name of the query as it is written there first."""
    for lexeme in (*(terminal.lexeme for terminal in stop.read), stop.lexeme, *stop.rest):
        if lexeme.kind in ("word", "quoted") and folded(stop.checker, lexeme) == name:
            return unquoted(lexeme)
    return name.decode()


def table_name(stop: Refusal, relation: Relation) -> str | None:
    """Return the name of the table that a relation is; None for a subquery."""
    for tables in stop.checker.scope.namespaces.values():
        for name, table in tables.items():
            if table is relation:
                origin = relation.origins[0] if relation.origins else None
                return origin[0] if origin else name.decode()
    return None
