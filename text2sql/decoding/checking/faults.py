"""Say what is wrong with a text, as a person would: the first fault, where it is, what was meant.

    >>> explain(checker, "SELECT nme FROM customers").message
    "no column 'nme' in customers (did you mean 'name'? known: birth_date, customer_id, ...)"

The text is read again, a lexeme at a time, until one is refused. Either the grammar has no place
for it there, or an action refused it: `_REASONS` has words for each. A column that was named before
FROM is found wanting where FROM ends; the fault then stands where the column does.

Covered: names of tables, aliases, columns, functions; widths; aggregates, windows; order of
clauses; what was expected.
Not covered: a second fault; faults that the checker does not see, such as types when they are off.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from text2sql.decoding.checking.frames import Block, Call, Output, Query, Reference, Source
from text2sql.decoding.checking.functions import Function
from text2sql.decoding.checking.lexer import Place
from text2sql.decoding.checking.machine import CLASSES as TOKEN_CLASSES
from text2sql.decoding.checking.names import CLASSES as NAME_CLASSES
from text2sql.decoding.checking.relations import Relation
from text2sql.decoding.checking.rewriting import (
    Lexeme,
    Terminal,
    candidates,
    folded,
    lexemes,
    quoting,
    replay,
)
from text2sql.decoding.checking.scope import OPENING_LIMIT, Move

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong with a text."""

    message: str
    position: int  # of its first character in the text
    found: str  # what stands there; "" at the end of the text
    suggestions: tuple[str, ...] = ()  # what was probably meant, nearest first


class Refusal(NamedTuple):
    """Where reading stopped: the lexeme, and the action that refused it as a terminal."""

    checker: "Checker"
    read: list[Terminal]
    lexeme: Lexeme
    rest: list[Lexeme]  # what follows the lexeme
    place: Place
    terminal: str = ""
    action: str = ""  # "": no terminal of the grammar fits
    frame: Any = None  # when the action refused
    held: Any = None
    payload: Any = None


Reason = Callable[[Refusal], Fault | None]


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
    return _lexical(stop) or _no_value(stop) or _reasoned(stop) or _syntax(stop)


def _reasoned(stop: Refusal) -> Fault | None:
    """Return what an action has against the lexeme; None where the grammar refuses it."""
    for refusal in _refusals(stop):
        reason = _REASONS.get(refusal.action)
        if reason is None and stop.checker.dialect.typed:
            reason = _unfit
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


# --- who refused -----------------------------------------------------------------------------


def _refusals(stop: Refusal) -> Iterator[Refusal]:
    """Yield what each terminal that the lexeme could be was refused by, if not by the grammar."""
    checker, (cell, frame, held) = stop.checker, stop.place
    for terminal, payload in candidates(checker, stop.place, stop.lexeme):
        found = checker.machine.shift(cell, terminal)
        if found is None:
            continue
        refused = stop._replace(terminal=terminal, payload=payload, frame=frame, held=held)
        if terminal in NAME_CLASSES and not _fits(stop, terminal, payload[0]):
            yield refused._replace(action=terminal)
            continue
        if not checker._allowed(cell, frame, terminal):  # its actions count on that
            yield refused._replace(action="not here")
            continue
        alone = terminal not in checker._operators
        move = Move(frame, held, terminal, payload, cell, cell.depth, alone)
        action = _first_refusal(checker, move, found.before)
        if not action:
            if terminal == "<column>":
                move.held = ("name", *payload)
            action = _first_refusal(checker, move, found.after)
        if not action:
            action = terminal if terminal in NAME_CLASSES else "not here"
        yield refused._replace(action=action, frame=move.frame, held=move.held)


def _fits(stop: Refusal, terminal: str, name: bytes) -> bool:
    """Tell whether a name may be one of its class, wherever that stands."""
    names = stop.checker.names
    if terminal == "<type>":
        return name.decode("utf-8", "replace") in stop.checker.dialect.cast_types
    return stop.lexeme.kind == "quoted" or names.may_be_bare(terminal, name)


def _first_refusal(checker: "Checker", move: Move, actions: tuple[str, ...]) -> str:
    for name in actions:
        action = checker.actions.table.get(name)
        frame, held = move.frame, move.held
        if action is not None and not action(move):
            move.frame, move.held = frame, held
            return name
    return ""


# --- small words -----------------------------------------------------------------------------

_PHASES = {
    "items": "the SELECT list", "late": "the SELECT list", "from": "FROM", "join": "FROM",
    "natural": "FROM", "on": "ON", "closed": "this place", "where": "WHERE", "group": "GROUP BY",
    "having": "HAVING", "window": "WINDOW", "qualify": "QUALIFY", "order": "ORDER BY",
    "compound": "ORDER BY after UNION, INTERSECT or EXCEPT", "limit": "LIMIT",
}  # fmt: skip
_LISTED = 12  # names that a message lists where none looks like the wrong one
_NUMBERS = ("no column", "one column", "two columns", "three columns", "four columns")


def _fault(stop: Refusal, message: str, at: Lexeme | None = None, *meant: str) -> Fault:
    at = at or stop.lexeme
    return Fault(message, at.start, at.text, tuple(meant))


def _misspelt(stop: Refusal, message: str, name: Lexeme, known: Iterable[str]) -> Fault:
    """Blame a name, and say which known ones look like it; else what is known, if little is."""
    names = {name.casefold(): name for name in known}
    close = get_close_matches(_plain(name).casefold(), names, n=3, cutoff=0.5)
    meant = [names[match] for match in close]
    if meant:
        message += f" (did you mean {meant[0]!r}?)"
    elif 0 < len(names) <= _LISTED and ";" not in message:
        message += f" (known: {', '.join(names.values())})"
    return _fault(stop, message, name, *meant)


def _plain(lexeme: Lexeme) -> str:
    return lexeme.text[1:-1] if lexeme.kind == "quoted" else lexeme.text


def _columns(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else f"{number} columns"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _joined(words: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _shown(relation: Relation) -> list[str]:
    """Return the names of a relation's columns as the database writes them."""
    pairs = zip(relation.names, relation.origins, strict=True)
    return [
        origin[1] if origin and origin[1].encode().lower() == name.lower() else name.decode()
        for name, origin in pairs
        if name is not None
    ]


def _table_name(stop: Refusal, relation: Relation) -> str | None:
    """Return the name of the table that a relation is; None for a subquery."""
    for name, table in stop.checker.scope.tables.items():
        if table is relation:
            origin = relation.origins[0] if relation.origins else None
            return origin[0] if origin else name.decode()
    return None


def _written(stop: Refusal, name: bytes) -> str:
    """Return a name of the query as it is written there first."""
    for lexeme in (*(terminal.lexeme for terminal in stop.read), stop.lexeme, *stop.rest):
        if lexeme.kind in ("word", "quoted") and folded(stop.checker, lexeme) == name:
            return _plain(lexeme)
    return name.decode()


def _source_name(stop: Refusal, source: Source) -> str:
    table = _table_name(stop, source.relation)
    if source.name is None:
        return table or "a subquery"
    name = _written(stop, source.name)
    return f"{table} AS {name}" if table and table.casefold() != name.casefold() else name


def _follower(stop: Refusal) -> str:
    return next((lexeme.text for lexeme in stop.rest if lexeme.kind != "comment"), "")


# --- lexemes ---------------------------------------------------------------------------------


def _lexical(stop: Refusal) -> Fault | None:
    text = stop.lexeme.text
    if stop.lexeme.kind == "unclosed":
        what = {"'": "string", "/": "comment"}.get(text[0], "quoted name")
        return _fault(stop, f"the {what} that begins here is not closed")
    if stop.lexeme.kind == "comment":
        return _fault(stop, "a comment may not begin with /*+ nor hold another /*")
    if stop.lexeme.kind == "end" and not stop.read:
        return _fault(stop, "there is no SQL")
    if stop.lexeme.kind == "quoted" and not folded(stop.checker, stop.lexeme):
        return _fault(stop, "a name must not be empty")
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
    fault = _misspelt(stop, what, literal, known)
    return replace(fault, found=text)


# --- tables ----------------------------------------------------------------------------------


def _no_table(stop: Refusal) -> Fault | None:
    scope, block = stop.checker.scope, stop.frame
    name = folded(stop.checker, stop.lexeme)
    found = scope.find_relation(block, name)
    if found is None:
        if _follower(stop) == "(":
            return _fault(stop, f"a function cannot stand in FROM: {stop.lexeme.text!r}")
        known = [_table_name(stop, t) or n.decode() for n, t in scope.tables.items()]
        known += [n.decode() for n in scope.relation_names(block) if n not in scope.tables]
        return _misspelt(stop, f"no table {_plain(stop.lexeme)!r}", stop.lexeme, known)
    if scope.can_add(block, name, found):
        return _fault(stop, "a recursive query cannot be aggregated where it names itself")
    return _spoilt(stop, block, _alias_ahead(stop) or name, found)


def _alias_ahead(stop: Refusal) -> bytes | None:
    """Return the alias that follows a table."""
    words = [lexeme for lexeme in stop.rest if lexeme.kind != "comment"][:2]
    if words and words[0].text.upper() == "AS":
        words = words[1:]
    if not words or words[0].kind not in ("word", "quoted"):
        return None
    name = folded(stop.checker, words[0])
    bare = words[0].kind == "quoted" or stop.checker.names.may_be_bare("<bare_source_alias>", name)
    return name if bare else None


def _reserved(stop: Refusal) -> Fault | None:
    """Blame a word that is a name only in quotes."""
    checker, name = stop.checker, folded(stop.checker, stop.lexeme)
    if stop.lexeme.kind != "word" or checker.names.may_be_bare(stop.terminal, name):
        return None
    known = stop.terminal != "<table>" or checker.scope.find_relation(stop.frame, name)
    return _needs_quotes(stop) if known and stop.terminal in _MUST_BE_NAMES else None


_MUST_BE_NAMES = (
    "<table>",
    "<member>",
    "<using>",
    "<alias>",
    "<source_alias>",
    "<cte>",
    "<new_column>",
)


def _needs_quotes(stop: Refusal) -> Fault:
    mark = "`" if stop.checker.dialect.string_fallback else '"'
    text = stop.lexeme.text
    quoted = mark + text + mark
    return _fault(stop, f"{text!r} is a keyword: as a name it needs quotes, {quoted}", None, quoted)


# --- columns ---------------------------------------------------------------------------------


def _references(stop: Refusal) -> Iterator[tuple[Reference, Lexeme, Lexeme]]:
    """Yield the columns that were named so far, with the lexemes of qualifier and name."""
    read = stop.read
    for place, terminal in enumerate(read):
        key, lexeme = folded(stop.checker, terminal.lexeme), terminal.lexeme
        following = read[place + 1].name if place + 1 < len(read) else ""
        if terminal.name == "<column>" and following not in (".", "("):
            yield Reference(None, key), lexeme, lexeme
        elif place > 1 and read[place - 1].name == ".":
            qualifier = read[place - 2].lexeme
            yield Reference(folded(stop.checker, qualifier), key), qualifier, lexeme


def _level(frame: Any) -> int:
    level = 0
    while frame is not None:
        level += isinstance(frame, Block)
        frame = frame.parent
    return level


def _pending(stop: Refusal, block: Block) -> list[tuple[Reference, Lexeme, Lexeme]]:
    """Return what FROM owes, in the order of the text, with the lexemes of qualifier and name."""
    level, begun = _level(block), 0
    for terminal in stop.read:
        if _level(terminal.before[1]) < level == _level(terminal.after[1]):
            begun = terminal.lexeme.start
    owed = {(r.qualifier, r.name): r for r in block.pending}
    return [
        (owed.pop(reference[:2]), qualifier, name)
        for reference, qualifier, name in _references(stop)
        if qualifier.start >= begun and reference[:2] in owed
    ]


def _unmet(stop: Refusal) -> Fault | None:
    """Blame a column that FROM, now that it ends, does not have."""
    scope, block = stop.checker.scope, stop.frame
    for reference, qualifier, name in _pending(stop, block):
        owing = scope.frames.change(block, pending=frozenset({reference}), outputs=())
        if scope.settle(owing) is None:
            if not block.sources and scope.query_of(block).role not in ("scalar", "in", "exists"):
                what = f"FROM is missing: {_plain(name)!r} is a column of no table"
                return _fault(stop, what, name)
            return _column_fault(stop, block, reference, qualifier, name)
    return _width(stop)


def _spoilt(stop: Refusal, block: Block, name: bytes | None, found: Relation) -> Fault | None:
    """Say what a source breaks that was in order before."""
    frames, scope = stop.checker.scope.frames, stop.checker.scope
    if name is not None and any(source.name == name for source in block.sources):
        return _fault(stop, f"FROM has {_written(stop, name)!r} twice: give one an alias")
    added = frames.change(block, sources=(*block.sources, Source(name, found)))
    for reference, qualifier, column in _pending(stop, block):
        count = scope.count(added, reference)
        if count > 1 or (count == 0 and reference.qualifier == name is not None):
            return _column_fault(stop, added, reference, qualifier, column)
    width = scope.query_of(block).width
    total = scope.least_width(added)[0]
    return _width_fault(stop, total) if width is not None and total != width else None


def _bad_source(stop: Refusal) -> Fault | None:
    if stop.action == "settled":
        last = stop.frame.sources[-1]
        before = stop.checker.scope.frames.change(stop.frame, sources=stop.frame.sources[:-1])
        return _spoilt(stop, before, last.name, last.relation)
    if stop.held is None:
        return None
    name = stop.payload[0] if stop.action == "source_as" else stop.held[1]
    return _spoilt(stop, stop.frame, name, stop.held[2])


def _column_fault(
    stop: Refusal, frame: Any, reference: Reference, qualifier: Lexeme, name: Lexeme
) -> Fault | None:
    """Say why a column means nothing in a frame; None where the reason is another."""
    blocks = list(stop.checker.scope.chain(stop.checker.scope.block_of(frame)))
    if reference.qualifier is not None:
        return _member_fault(stop, blocks, reference, qualifier, name)
    for block in blocks:
        holders = [s for s in block.sources if s.relation.count(reference.name)]
        if stop.checker.scope.count(block, reference) > 1:
            return _ambiguous(stop, holders, name)
        if holders and stop.checker.dialect.typed and block.phase in ("having", "order", "qualify"):
            return _fault(stop, f"{_plain(name)!r} must be in GROUP BY or in an aggregate", name)
        if holders:
            return None
    sources = [source for block in blocks for source in block.sources]
    aliases = [o for o in blocks[0].outputs if o.explicit and o.name == reference.name]
    if aliases and aliases[0].uses:
        kind = "an aggregate" if aliases[0].uses == "aggregate" else "a window function"
        where = _PHASES[blocks[0].phase]
        return _fault(stop, f"{name.text!r} stands for {kind}: it is not allowed in {where}", name)
    if any(source.name == reference.name for source in sources):
        return _fault(stop, f"{_plain(name)!r} is a table here: which of its columns?", name)
    if blocks[0].phase == "items":
        tables = stop.checker.scope.tables.values()
        every = [column for table in tables for column in _shown(table)]
        return _misspelt(stop, f"no table has a column {_plain(name)!r}", name, every)
    own = " or ".join(dict.fromkeys(_source_name(stop, source) for source in sources))
    others = _tables_with(stop, reference.name)
    known = [column for source in sources for column in _shown(source.relation)]
    before = next((t.before for t in stop.read if t.lexeme is name), stop.place)
    known += filter(None, [_nearest_word(stop.checker, before, name)])
    what = f"no column {_plain(name)!r}{f' in {own}' if own else ''}"
    return _misspelt(stop, what + (f"; {others} has it" if others else ""), name, known)


def _ambiguous(stop: Refusal, holders: list[Source], name: Lexeme) -> Fault:
    what = f"column {_plain(name)!r} is in"
    if len(holders) == 1:
        return _fault(stop, f"{what} {_source_name(stop, holders[0])} twice", name)
    owners = [_written(stop, s.name) if s.name else "a subquery" for s in holders]
    both = "both " if len(owners) == 2 else ""
    which = tuple(f"{owner}.{name.text}" for owner in owners if owner != "a subquery")
    said = f"{what} {both}{', '.join(owners[:-1])} and {owners[-1]}: say which"
    return _fault(stop, said, name, *which)


def _member_fault(
    stop: Refusal, blocks: list[Block], reference: Reference, qualifier: Lexeme, name: Lexeme
) -> Fault | None:
    sources = [source for block in blocks for source in block.sources]
    for source in sources:
        if source.name == reference.qualifier:
            count = source.relation.count(reference.name)
            if count > 1:
                return _ambiguous(stop, [source], name)
            if count or reference.name == b"*":
                return None
            what = f"no column {_plain(name)!r} in {_source_name(stop, source)}"
            others = _tables_with(stop, reference.name, but=source.relation)
            what += f"; {others} has it" if others else ""
            return _misspelt(stop, what, name, _shown(source.relation))
    return _no_alias(stop, blocks, qualifier)


def _no_alias(stop: Refusal, blocks: list[Block], name: Lexeme) -> Fault:
    sources = [source for block in blocks for source in block.sources]
    table = stop.checker.scope.tables.get(folded(stop.checker, name))
    others = [s.name for s in sources if table is not None and s.relation is table and s.name]
    if others:
        alias = _written(stop, others[0])
        return _fault(stop, f"{_plain(name)} goes by {alias} here", name, alias)
    so_far = " so far" if blocks and blocks[0].phase == "on" else ""
    known = [_written(stop, source.name) for source in sources if source.name]
    if table is not None:
        return _fault(stop, f"table {_plain(name)!r} is not in FROM{so_far}", name)
    return _misspelt(stop, f"no alias {_plain(name)!r} in FROM{so_far}", name, known)


def _tables_with(stop: Refusal, name: bytes, but: Relation | None = None) -> str:
    """Return the one table of the database that has a column; "" where none or several have."""
    tables = stop.checker.scope.tables.values()
    found = [table for table in tables if table is not but and table.count(name)]
    return (_table_name(stop, found[0]) or "") if len(found) == 1 else ""


def _name_fault(stop: Refusal) -> Fault | None:
    """Blame a name whose use, a column, a qualifier or a function, the next lexeme tells."""
    if stop.terminal not in ("<column>", "<bare_alias>"):
        return None
    name, follower = stop.lexeme, _follower(stop)
    held = ("name", folded(stop.checker, name), quoting(name))
    if follower == "(":
        return _function_fault(stop._replace(held=held), name)
    return _value_fault(stop, name, dotted=follower == ".")


def _value_fault(stop: Refusal, name: Lexeme, *, dotted: bool) -> Fault | None:
    checker, key = stop.checker, folded(stop.checker, name)
    blocks = list(checker.scope.chain(checker.scope.block_of(stop.frame)))
    if dotted:
        return _no_alias(stop, blocks, name)
    sources = [source for block in blocks for source in block.sources]
    if name.kind == "word" and not checker.dialect.allows(key, "column"):
        unread = blocks[0].phase == "items"
        tables = stop.checker.scope.tables.values() if unread else [s.relation for s in sources]
        known = any(table.count(key) for table in tables)
        return _needs_quotes(stop) if known else None
    if blocks[0].phase == "compound":
        outputs = stop.checker.scope.query_of(blocks[0]).outputs
        shown = [o.name.decode() for o in outputs if o.name]
        what = f"{_PHASES['compound']} takes names of its columns: no {_plain(name)!r}"
        return _misspelt(stop, what, name, shown)
    return _column_fault(stop, stop.frame, Reference(None, key), name, name)


def _no_column(stop: Refusal) -> Fault | None:
    """Blame the last name, which turned out to be a column."""
    if not stop.read or stop.read[-1].name != "<column>":
        return None
    return _value_fault(stop, stop.read[-1].lexeme, dotted=False)


def _no_qualifier(stop: Refusal) -> Fault | None:
    if not stop.read or stop.read[-1].name != "<column>":
        return None
    return _value_fault(stop, stop.read[-1].lexeme, dotted=True)


def _no_member(stop: Refusal) -> Fault | None:
    if not stop.held or stop.held[0] != "dot":
        return None
    name = b"*" if stop.lexeme.text == "*" else folded(stop.checker, stop.lexeme)
    qualifier = stop.read[-2].lexeme
    reference = Reference(stop.held[1], name)
    fault = _column_fault(stop, stop.frame, reference, qualifier, stop.lexeme)
    if fault is None and name == b"*":
        return _fault(stop, f"{qualifier.text}.* may only be an item of the SELECT list", qualifier)
    return fault


def _using(stop: Refusal) -> Fault | None:
    block = stop.frame
    known = [name.decode() for name in stop.checker.actions.usable(block)]
    if stop.action == "can_use":
        return _fault(stop, "USING has no column that both sides have") if not known else None
    what = f"USING needs a column of both sides: {_plain(stop.lexeme)!r} is none"
    return _misspelt(stop, what, stop.lexeme, known)


# --- types -----------------------------------------------------------------------------------

_LEFT = ("arithmetic", "concat", "like", "compare", "between", "logic", "in", "is")


def _unfit(stop: Refusal) -> Fault | None:
    """Say that the kinds of values do not fit, where a strict dialect wants them to."""
    text = stop.lexeme.text
    if stop.lexeme.kind in ("string", "number"):
        return _fault(stop, f"a value of another type is needed here, not {text}")
    if stop.action in _LEFT:
        return _fault(stop, f"{text} does not take the type of what stands before it")
    if stop.action == "end_argument":
        call, name = _call_of(stop)
        return (
            _fault(stop, f"{name.text}() does not take an argument of this type") if call else None
        )
    if stop.action.startswith("<") or stop.action == "not here":
        return None
    end = repr(text) if text else "the end"
    return _fault(stop, f"the types do not fit: see what stands before {end}")


def _ungrouped(stop: Refusal) -> Fault | None:
    """Blame an item of the SELECT list that is neither grouped nor aggregated."""
    scope: Any = stop.checker.scope  # of a dialect with strict groups
    left = next(iter(scope.uncovered(stop.frame)), None)
    if left is None:
        return None
    name = left[1].name
    items = (place for reference, _, place in _references(stop) if reference.name == name)
    at = next(items, stop.lexeme)
    shown = repr(_plain(at)) if at is not stop.lexeme else "an item of the SELECT list"
    return _fault(stop, f"{shown} must be in GROUP BY or in an aggregate", at)


# --- functions -------------------------------------------------------------------------------


def _no_function(stop: Refusal) -> Fault | None:
    return _function_fault(stop, stop.read[-1].lexeme)


def _function_fault(stop: Refusal, name: Lexeme) -> Fault | None:
    functions = stop.checker.dialect.functions
    function = functions.get(name.text.lower())
    key = folded(stop.checker, name)
    if function is None and name.kind == "word" and not stop.checker.dialect.allows(key, "column"):
        return None  # a keyword: VALUES (1)
    if function is None:
        return _misspelt(stop, f"no function {_plain(name)!r}", name, functions)
    if function.kind == "scalar":
        return None
    return _fault(stop, _misplaced(stop, function), name)


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
    return f"{what} {function.name}() is not allowed in {_PHASES[frame.phase]}"


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
    if call is None:
        return None
    function = call.function
    more = _commas_ahead(stop) + 1 if stop.lexeme.text == "," else 0
    given = call.count + more
    scalar = stop.checker.dialect.scalar_too.get(function.name)
    if scalar is not None and given == 1:
        return _fault(stop, _misplaced(stop._replace(frame=call.parent), function), name)
    if stop.action == "end_arguments" and given >= function.least and call.inner:
        return _fault(stop, f"{name.text}() holds another aggregate: that needs OVER", name)
    said = f"{name.text} takes {_takes(scalar or function)}, not {given}"
    return _fault(stop, said, name)


def _takes(function: Function) -> str:
    least, most = function.least, function.most
    if most == 0:
        return "no argument"
    if most is None:
        pairs = f", then {function.step} at a time" if function.step > 1 else ""
        return f"at least {_counted(least, 'argument')}{pairs}"
    span = f"{least}" if most == least else f"{least} or {most}" if most == least + 1 else ""
    return f"{span or f'{least} to {most}'} argument{'' if most == 1 else 's'}"


def _commas_ahead(stop: Refusal) -> int:
    """Count the commas that follow at this level of parentheses, up to FROM."""
    level = commas = 0
    for lexeme in stop.rest:
        level += (lexeme.text == "(") - (lexeme.text == ")")
        if level < 0 or (level == 0 and lexeme.text.upper() == "FROM"):
            break
        commas += level == 0 and lexeme.text == ","
    return commas


def _not_distinct(stop: Refusal) -> Fault | None:
    call, name = _call_of(stop)
    return _fault(stop, f"{name.text}() takes no DISTINCT") if call else None


def _no_star(stop: Refusal) -> Fault | None:
    _, name = _call_of(stop)
    return _fault(stop, f"only count(*) takes a star, not {name.text}")


def _needs_over(stop: Refusal) -> Fault | None:
    call = stop.frame
    if not isinstance(call, Call):
        return None
    name = call.function.name
    if call.function.kind == "window":
        return _fault(stop, f"window function {name}() needs OVER")
    return _fault(stop, f"aggregate {name}() holds another aggregate: that needs OVER")


def _no_over(stop: Refusal) -> Fault | None:
    call = stop.frame
    if not isinstance(call, Call):
        return None
    if call.distinct:
        return _fault(stop, f"{call.function.name}(DISTINCT ...) takes no OVER")
    where = _PHASES[stop.checker.scope.block_of(call).phase]
    if not call.function.over:
        return _fault(stop, f"{call.function.name}() takes no OVER")
    return _fault(stop, f"a window is not allowed in {where}")


def _no_filter(stop: Refusal) -> Fault | None:
    call = stop.frame
    if not isinstance(call, Call):
        return None
    return _fault(stop, f"{call.function.name}() is no aggregate: it takes no FILTER")


def _no_window(stop: Refusal) -> Fault | None:
    owed = sorted(name.decode() for name, defined in stop.frame.windows if not defined)
    return _fault(stop, f"WINDOW must define {', '.join(owed)}") if owed else None


# --- widths and numbers of columns -----------------------------------------------------------


def _width(stop: Refusal) -> Fault | None:
    block = stop.frame
    if not isinstance(block, Block):
        return None
    query = stop.checker.scope.query_of(block)
    shown = _expanded(stop, block)
    starred = any(o.name == b"*" for o in shown) or stop.action == "star"
    if starred and stop.lexeme.text in (",", "*") and query.width is not None:
        return _fault(stop, "write the columns out: here * cannot stand beside others")
    if stop.action in ("next_item", "item_value") and stop.lexeme.text == ",":
        more = _commas_ahead(stop) + 1
        return _width_fault(stop, len(shown) + more) if query.width is not None else None
    if query.width is not None and len(shown) != query.width:
        return _width_fault(stop, len(shown))
    if stop.action == "no_from" and any(o.name == b"*" for o in block.outputs):
        return _fault(stop, "FROM is missing: * has no table")
    return None


def _expanded(stop: Refusal, block: Block) -> list[Output]:
    found: list[Output] = []
    for output in block.outputs:
        starred = output.name == b"*" and block.sources
        scope = stop.checker.scope
        found += scope.starred(block, output.qualifier) if starred else [output]
    return found


def _width_fault(stop: Refusal, number: int) -> Fault | None:
    query = stop.checker.scope.query_of(stop.frame)
    width = query.width
    if width is None:
        return None
    if query.arms:
        operation = _last(stop, ("UNION", "INTERSECT", "EXCEPT"))
        said = f"{_counted(number, 'column')} on the right, {width} on the left"
        return _fault(stop, f"{operation}: {said}")
    if query.role == "cte" and query.columns:
        cte = _written(stop, query.cte or b"")
        return _fault(stop, f"WITH gives {cte} {_columns(width)}, its SELECT has {number}")
    said = f"must have {_columns(width)}, not {_columns(number).removesuffix('s').split()[0]}"
    return _fault(stop, f"{_subquery(query)} {said}")


def _subquery(query: Query) -> str:
    places = {"in": "the subquery after IN", "limit": "the subquery of LIMIT"}
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
    outputs = query.outputs if query.arms else block.outputs
    clause = "GROUP BY" if block.phase == "group" else "ORDER BY"
    what = f"{clause} {number.text}: the list has {_counted(len(outputs), 'column')}"
    if digits.isdigit() and 1 <= int(digits) <= len(outputs):
        what = f"{clause} {number.text}: that column is an aggregate"
    return _fault(stop, what, number)


# --- clauses ---------------------------------------------------------------------------------

_CLAUSES = {
    "FROM": "from", "WHERE": "where", "GROUP": "group", "HAVING": "having", "WINDOW": "window",
    "QUALIFY": "qualify", "ORDER": "order", "LIMIT": "limit",
}  # fmt: skip
_RANKS = {phase: rank for rank, phase in enumerate(_CLAUSES.values())}
_RANKS |= {"on": 0, "join": 0, "natural": 0, "compound": _RANKS["order"]}


def _no_having(stop: Refusal) -> Fault | None:
    return _fault(stop, "HAVING needs GROUP BY or an aggregate in the SELECT list")


def _two_names(stop: Refusal) -> Fault | None:
    return _fault(stop, f"{_plain(stop.lexeme)!r} is defined twice")


def _no_type(stop: Refusal) -> Fault | None:
    types = stop.checker.dialect.cast_types
    return _misspelt(stop, f"no type {stop.lexeme.text!r}", stop.lexeme, types)


def _too_deep(stop: Refusal) -> Fault | None:
    if stop.place[0].depth < OPENING_LIMIT:
        return _in_its_place(stop)
    return _fault(stop, "nested too deeply")


def _in_its_place(stop: Refusal) -> Fault | None:
    frame = stop.place[1]
    item, kind = getattr(frame, "item", None), getattr(frame, "kind", None)
    if isinstance(item, tuple):
        return _fault(stop, f"{_written(stop, item[1])}.* stands alone in the SELECT list")
    if item is not None and frame.phase == "compound":
        return _fault(stop, f"{_PHASES['compound']} takes names and numbers of columns only")
    if kind in ("row", "row_in"):
        return _fault(stop, "a row of values may only stand before IN (SELECT ...)")
    if kind in ("operand", "primary"):
        return _fault(stop, "this argument needs parentheses around it")
    return None


def _out_of_order(stop: Refusal) -> Fault | None:
    """Blame a clause that comes too late, or twice."""
    word, frame = stop.lexeme.text.upper(), stop.place[1]
    if not isinstance(frame, Block) or (word not in _CLAUSES and word not in _ARMS):
        return None
    rank = _RANKS.get(frame.phase, -1)
    read = next((name for name, phase in _CLAUSES.items() if _RANKS[phase] == rank), "")
    if word in _ARMS:
        late = frame.phase in ("order", "limit") and word in _ARMS
        said = f"{_clause(read)} belongs behind the last SELECT of {word}"
        return _fault(stop, said) if late else None
    if rank > _RANKS[_CLAUSES[word]]:
        return _fault(stop, f"{_clause(word)} stands before {_clause(read)}")
    if rank == _RANKS[_CLAUSES[word]] and rank > 0:
        with_and = ": join the conditions with AND" if word in ("WHERE", "HAVING") else ""
        return _fault(stop, f"{_clause(word)} stands twice{with_and}")
    return None


_ARMS = ("UNION", "INTERSECT", "EXCEPT")


def _clause(word: str) -> str:
    return f"{word} BY" if word in ("GROUP", "ORDER") else word


# --- what was expected -----------------------------------------------------------------------

_KINDS = {
    "<table>": "a table", "<column>": "a value", "<member>": "a column",
    "<alias>": "an alias", "<source_alias>": "an alias", "<using>": "a column", "<cte>": "a name",
    "<new_column>": "a name", "<new_window>": "a name", "<window>": "a window", "<type>": "a type",
    "<count>": "a whole number", "ESCAPE_STRING": "a string of one character",
    "ARROW_KEY": "a key", "STRING_INTERVAL": "a string", "<field>": "a part of a date",
    "EOT": "the end",
}  # fmt: skip
_SIGNS = {",": "a comma", ";": "a semicolon"}
_SHOWN = 6


def _syntax(stop: Refusal) -> Fault:
    """Say what the grammar expects where a lexeme does not fit."""
    fault = _mistaken_alias(stop) or _out_of_order(stop) or _after_distinct(stop)
    if fault is not None:
        return fault
    if any(terminal.name == ";" for terminal in stop.read):
        return _fault(stop, f"one query only: {stop.lexeme.text!r} stands behind the semicolon")
    expected = _joined(_expected(stop.checker, stop.place)[:_SHOWN])
    if stop.lexeme.kind == "end":
        return _fault(stop, f"the text ends too early: expected {expected}")
    meant = _nearest_word(stop.checker, stop.place, stop.lexeme)
    asked = f" (did you mean {meant!r}?)" if meant else ""
    if not stop.read and not meant:
        return _fault(stop, f"a query begins with {expected}, not {stop.lexeme.text!r}")
    said = f"expected {expected} here, found {stop.lexeme.text!r}{asked}"
    return _fault(stop, said, None, *filter(None, (meant,)))


def _mistaken_alias(stop: Refusal) -> Fault | None:
    """Blame a misspelt keyword that was taken for an alias before: SELECT name FORM singer."""
    last = stop.read[-1] if stop.read else None
    if last is None or last.name not in ("<bare_alias>", "<bare_source_alias>"):
        return None
    if last.lexeme.text.upper() in last.before[0].terminals:  # FILTER behind what takes none
        rest = [stop.lexeme, *stop.rest]
        before = stop._replace(read=stop.read[:-1], rest=rest, place=last.before)
        return _reasoned(before._replace(lexeme=last.lexeme))
    meant = _nearest_word(stop.checker, last.before, last.lexeme)
    if not meant:
        return None
    expected = _joined(_expected(stop.checker, last.before)[:_SHOWN])
    said = f"expected {expected} here, found {last.lexeme.text!r} (did you mean {meant!r}?)"
    return _fault(stop, said, last.lexeme, meant)


def _after_distinct(stop: Refusal) -> Fault | None:
    call = stop.place[1]
    if not isinstance(call, Call) or not call.distinct or stop.lexeme.text != ",":
        return None
    return _fault(stop, f"{call.function.name}(DISTINCT ...) takes one argument")


def _nearest_word(checker: "Checker", place: Place, lexeme: Lexeme) -> str | None:
    if lexeme.kind != "word":
        return None
    text = lexeme.text.upper()
    words = {word.decode().upper() for word in place[0].words} - {text}
    legal = [word for word in sorted(words) if abs(len(word) - len(text)) <= 1]
    found = get_close_matches(text, legal, n=1, cutoff=0.75)
    return found[0] if found else None


def _expected(checker: "Checker", place: Place) -> list[str]:
    """Return what may come next, clauses first, all operators as one."""
    terminals = {t for t in place[0].terminals if _is_legal(checker, place, t)}
    names = [_KINDS[t] for t in sorted(terminals & _KINDS.keys()) if t != "EOT"]
    if not names and terminals & {"NUMBER", "STRING"}:
        names = ["a value" if "STRING" in terminals else "a number"]
    if "<column>" in terminals:  # every word that begins an expression is a value
        terminals -= checker.grammar.first["expr_1"] | {"SELECT"}
    operator = len(terminals & checker.operators) > 3
    if operator:  # AND alone is that of BETWEEN
        between = set() if "OR" in terminals else {"AND"}
        terminals -= (checker.operators - between) | {".", "COLLATE", "::"}
    plain = terminals - _KINDS.keys() - NAME_CLASSES - TOKEN_CLASSES
    closing = [")"] if ")" in plain else []
    words = sorted((t for t in plain if t[0].isalpha()), key=_word_rank)
    signs = sorted(_SIGNS.get(t, t) for t in plain - {")"} if not t[0].isalpha())
    many = ["an operator"] if operator else []
    ends = ["the end"] if "EOT" in terminals and not (words or signs) else []
    return list(dict.fromkeys((*names, *closing, *words, *signs, *many, *ends)))


def _word_rank(word: str) -> tuple[int, str]:
    ranks = ("SELECT", "WITH", *_CLAUSES, "AS", "JOIN", "AND", "OR")
    return (ranks.index(word) if word in ranks else len(ranks), word)


def _is_legal(checker: "Checker", place: Place, terminal: str) -> bool:
    cell, frame, held = place
    if terminal in NAME_CLASSES:
        return checker.names.prefix_ok(terminal, frame, held, b"", cell.depth)
    if terminal in TOKEN_CLASSES or terminal == "<count>":
        return True
    return checker.shift(place, terminal) is not None


_REASONS: dict[str, Reason] = {
    "table": _no_table,
    "<table>": _reserved,
    "<member>": _reserved,
    "<using>": _reserved,
    "<alias>": _reserved,
    "<source_alias>": _reserved,
    "<cte>": _reserved,
    "<new_column>": _reserved,
    "<type>": _no_type,
    "<column>": _name_fault,
    "source": _bad_source,
    "source_as": _bad_source,
    "settled": _bad_source,
    "close_from": _unmet,
    "no_from": _unmet,
    "column": _no_column,
    "dot": _no_qualifier,
    "member": _no_member,
    "qualified_star": _no_member,
    "can_use": _using,
    "using": _using,
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
    "from": _width,
    "item_value": _width,
    "next_item": _width,
    "end_items": _width,
    "star": _width,
    "number": _position,
    "end_term": _position,
    "can_have": _no_having,
    "no_group": _ungrouped,
    "end_group": _ungrouped,
    "cte": _two_names,
    "cte_column": _two_names,
    "new_window": _two_names,
    "not here": _too_deep,
    "with": _too_deep,
    "can_derive": _too_deep,
}
