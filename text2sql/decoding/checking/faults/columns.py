"""What is wrong with a column: no table here has it, several have it, or it may not be used here.

    >>> REASONS["close_from"](stop).message  # SELECT «nme FROM customers
    "no column 'nme' in customers (did you mean 'name'?)"

A column that was named before FROM is found wanting where FROM ends; the fault then stands where
the column does.

Covered: qualified names, `*`, USING, aliases of output columns, columns that GROUP BY lacks.
Not covered: names that a query gives itself.
"""

from collections.abc import Iterator
from typing import Any

from text2sql.decoding.checking.faults.calls import function_fault
from text2sql.decoding.checking.faults.clauses import wrong_width
from text2sql.decoding.checking.faults.expectations import nearest_word
from text2sql.decoding.checking.faults.refusals import Refusal, follower
from text2sql.decoding.checking.faults.wording import (
    PHASES,
    Fault,
    Reason,
    blame,
    blame_keyword,
    blame_name,
    table_name,
    unquoted,
    written,
)
from text2sql.decoding.checking.frames import Block, Reference, Source
from text2sql.decoding.checking.relations import Relation
from text2sql.decoding.checking.replaying import Lexeme, folded, quoting


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


def pending(stop: Refusal, block: Block) -> list[tuple[Reference, Lexeme, Lexeme]]:
    """Return what FROM owes, in the order of the text.

    Returns:
        The references with the lexemes of qualifier and name: one lexeme for a bare name.
    """
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
    for reference, qualifier, name in pending(stop, block):
        owing = scope.frames.change(block, pending=frozenset({reference}), outputs=())
        if scope.settle(owing) is None:
            if not block.sources and scope.query_of(block).role not in ("scalar", "in", "exists"):
                what = f"FROM is missing: {unquoted(name)!r} is a column of no table"
                return blame(stop, what, name)
            return column_fault(stop, block, reference, qualifier, name)
    return wrong_width(stop)


def column_fault(
    stop: Refusal, frame: Any, reference: Reference, qualifier: Lexeme, name: Lexeme
) -> Fault | None:
    """Say why a column means nothing in a frame; None where the reason is another."""
    blocks = list(stop.checker.scope.chain(stop.checker.scope.block_of(frame)))
    hidden = _hidden(stop, blocks, reference, name)
    if hidden is not None:
        return hidden
    if reference.qualifier is not None:
        return _member_fault(stop, blocks, reference, qualifier, name)
    for block in blocks:
        shown = stop.checker.scope.visible(block)
        holders = [s for s in shown if s.relation.count(reference.name)]
        if stop.checker.scope.count(block, reference) > 1:
            return _ambiguous(stop, holders, name)
        if holders and stop.checker.scope.is_led(block):
            what = "ORDER BY of SELECT DISTINCT takes what is selected"
            return blame(stop, f"{what}: {unquoted(name)!r} is not", name)
        if holders and stop.checker.dialect.typed and block.phase in ("having", "order", "qualify"):
            return blame(stop, f"{unquoted(name)!r} must be in GROUP BY or in an aggregate", name)
        if holders:
            return None
    sources = [source for block in blocks for source in stop.checker.scope.visible(block)]
    aliases = [o for o in blocks[0].outputs if o.explicit and o.name == reference.name]
    if aliases and aliases[0].uses:
        kind = "an aggregate" if aliases[0].uses == "aggregate" else "a window function"
        where = PHASES[blocks[0].phase]
        return blame(stop, f"{name.text!r} stands for {kind}: it is not allowed in {where}", name)
    if any(source.name == reference.name for source in sources):
        return blame(stop, f"{unquoted(name)!r} is a table here: which of its columns?", name)
    if blocks[0].phase == "items":
        tables = stop.checker.scope.every_table
        every = [column for table in tables for column in _shown(table)]
        return blame_name(stop, f"no table has a column {unquoted(name)!r}", name, every)
    own = " or ".join(dict.fromkeys(_source_name(stop, source) for source in sources))
    others = _tables_with(stop, reference.name)
    known = [column for source in sources for column in _shown(source.relation)]
    before = next((t.before for t in stop.read if t.lexeme is name), stop.place)
    known += filter(None, [nearest_word(stop.checker, before, name)])
    what = f"no column {unquoted(name)!r}{f' in {own}' if own else ''}"
    return blame_name(stop, what + (f"; {others} has it" if others else ""), name, known)


def _hidden(stop: Refusal, blocks: list[Block], reference: Reference, name: Lexeme) -> Fault | None:
    """Blame a column of a source before a comma, where an ON behind it does not see that."""
    for block in blocks:
        if not stop.checker.dialect.comma_hides or block.phase != "on":
            continue
        for source in set(block.sources) - set(stop.checker.scope.visible(block)):
            named = source.relation.count(reference.name) or reference.name == b"*"
            if reference.qualifier in (None, source.name) and named:
                what = f"{unquoted(name)!r} is of {_source_name(stop, source)}, before a comma"
                return blame(stop, f"{what}: this ON does not see that", name)
    return None


def _ambiguous(stop: Refusal, holders: list[Source], name: Lexeme) -> Fault:
    what = f"column {unquoted(name)!r} is in"
    if len(holders) == 1:
        return wants_qualifier(stop, holders[0], name) or blame(
            stop, f"{what} {_source_name(stop, holders[0])} twice", name
        )
    owners = [written(stop, s.name) if s.name else "a subquery" for s in holders]
    both = "both " if len(owners) == 2 else ""
    which = tuple(f"{owner}.{name.text}" for owner in owners if owner != "a subquery")
    said = f"{what} {both}{', '.join(owners[:-1])} and {owners[-1]}: say which"
    return blame(stop, said, name, *which)


def wants_qualifier(stop: Refusal, source: Source, name: Lexeme) -> Fault | None:
    """Blame a plain name where sqlglot does not know the columns of its source; None: it does."""
    if not source.relation.opaque:
        return None
    what = f"{unquoted(name)!r} needs the name of its source before it here"
    return blame(stop, what, name, f"{written(stop, source.name or b'j')}.{name.text}")


def _member_fault(
    stop: Refusal, blocks: list[Block], reference: Reference, qualifier: Lexeme, name: Lexeme
) -> Fault | None:
    sources = [source for block in blocks for source in stop.checker.scope.visible(block)]
    for source in sources:
        if source.name == reference.qualifier:
            count = source.relation.count(reference.name)
            if count > 1:
                return _ambiguous(stop, [source], name)
            if count or reference.name == b"*":
                return None
            what = f"no column {unquoted(name)!r} in {_source_name(stop, source)}"
            others = _tables_with(stop, reference.name, but=source.relation)
            what += f"; {others} has it" if others else ""
            return blame_name(stop, what, name, _shown(source.relation))
    if _is_made_up(stop, blocks) and not _tables_with(stop, reference.name):
        every = [column for table in stop.checker.scope.every_table for column in _shown(table)]
        return blame_name(stop, f"no table has a column {unquoted(name)!r}", name, every)
    return _no_alias(stop, blocks, qualifier)


def _is_made_up(stop: Refusal, blocks: list[Block]) -> bool:
    """Tell whether a name is refused that a subquery in a FROM still to come could have."""
    return not stop.checker.scope.invents and bool(blocks) and blocks[0].phase == "items"


def _no_alias(stop: Refusal, blocks: list[Block], name: Lexeme) -> Fault:
    sources = [source for block in blocks for source in stop.checker.scope.visible(block)]
    table = stop.checker.scope.tables.get(folded(stop.checker, name))
    others = [s.name for s in sources if table is not None and s.relation is table and s.name]
    if others:
        alias = written(stop, others[0])
        return blame(stop, f"{unquoted(name)} goes by {alias} here", name, alias)
    so_far = " so far" if blocks and blocks[0].phase == "on" else ""
    known = [written(stop, source.name) for source in sources if source.name]
    if table is not None:
        return blame(stop, f"table {unquoted(name)!r} is not in FROM{so_far}", name)
    if _is_made_up(stop, blocks):
        return blame(stop, f"{unquoted(name)!r} is no table, nor as short as an alias, T1", name)
    return blame_name(stop, f"no alias {unquoted(name)!r} in FROM{so_far}", name, known)


def _tables_with(stop: Refusal, name: bytes, but: Relation | None = None) -> str:
    """Return the one table of the database that has a column; "" where none or several have."""
    tables = stop.checker.scope.every_table
    found = [table for table in tables if table is not but and table.count(name)]
    return (table_name(stop, found[0]) or "") if len(found) == 1 else ""


def _shown(relation: Relation) -> list[str]:
    """Return the names of a relation's columns as the database writes them."""
    pairs = zip(relation.names, relation.origins, strict=True)
    return [
        origin[1] if origin and origin[1].encode().lower() == name.lower() else name.decode()
        for name, origin in pairs
        if name is not None
    ]


def _source_name(stop: Refusal, source: Source) -> str:
    table = table_name(stop, source.relation)
    if source.name is None:
        return table or "a subquery"
    name = written(stop, source.name)
    return f"{table} AS {name}" if table and table.casefold() != name.casefold() else name


def _name_fault(stop: Refusal) -> Fault | None:
    """Blame a name whose use, a column, a qualifier or a function, the next lexeme tells."""
    if stop.terminal not in ("<column>", "<bare_alias>"):
        return None
    name, behind = stop.lexeme, follower(stop)
    held = ("name", folded(stop.checker, name), quoting(name))
    if behind == "(":
        return function_fault(stop._replace(held=held), name)
    return _value_fault(stop, name, dotted=behind == ".")


def _value_fault(stop: Refusal, name: Lexeme, *, dotted: bool) -> Fault | None:
    checker, key = stop.checker, folded(stop.checker, name)
    blocks = list(checker.scope.chain(checker.scope.block_of(stop.frame)))
    if name.kind == "word" and key in checker.names.own_words(stop.frame):
        return blame_keyword(stop)
    if dotted:
        hidden = _hidden(stop, blocks, Reference(key, b"*"), name)
        return hidden or _no_alias(stop, blocks, name)
    sources = [source for block in blocks for source in stop.checker.scope.visible(block)]
    if name.kind == "word" and not checker.dialect.allows(key, "column"):
        unread = blocks[0].phase == "items"
        tables = stop.checker.scope.every_table if unread else [s.relation for s in sources]
        known = any(table.count(key) for table in tables)
        return blame_keyword(stop) if known else None
    if blocks[0].phase == "compound":
        shown = [one.decode() for one in sorted(checker.scope.sorted_by(blocks[0]))]
        what = f"{PHASES['compound']} takes names of its columns: no {unquoted(name)!r}"
        return blame_name(stop, what, name, shown)
    return column_fault(stop, stop.frame, Reference(None, key), name, name)


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
    fault = column_fault(stop, stop.frame, reference, qualifier, stop.lexeme)
    if fault is None and name == b"*":
        return blame(stop, f"{qualifier.text}.* may only be an item of the SELECT list", qualifier)
    return fault


def _using(stop: Refusal) -> Fault | None:
    block = stop.frame
    known = [name.decode() for name in stop.checker.actions.usable(block)]
    if stop.action == "can_use":
        return blame(stop, "USING has no column that both sides have") if not known else None
    what = f"USING needs a column of both sides: {unquoted(stop.lexeme)!r} is none"
    return blame_name(stop, what, stop.lexeme, known)


def _ungrouped(stop: Refusal) -> Fault | None:
    """Blame an item of the SELECT list that is neither grouped nor aggregated."""
    if stop.checker.scope.owes_group(stop.frame):
        return blame(stop, "a query in FROM whose aggregates stand in windows needs GROUP BY")
    scope: Any = stop.checker.scope  # of a dialect with strict groups
    left = next(iter(scope.uncovered(stop.frame)), None)
    if left is None:
        return None
    name = left[1].name
    items = (place for reference, _, place in _references(stop) if reference.name == name)
    at = next(items, stop.lexeme)
    shown = repr(unquoted(at)) if at is not stop.lexeme else "an item of the SELECT list"
    return blame(stop, f"{shown} must be in GROUP BY or in an aggregate", at)


REASONS: dict[str, Reason] = {
    "<column>": _name_fault,
    "close_from": _unmet,
    "no_from": _unmet,
    "column": _no_column,
    "dot": _no_qualifier,
    "member": _no_member,
    "qualified_star": _no_member,
    "can_use": _using,
    "using": _using,
    "no_group": _ungrouped,
    "end_group": _ungrouped,
}
