"""What is wrong with a source of FROM: no such table, a name that is taken, a column it spoils.

    >>> REASONS["table"](stop).message  # SELECT name FROM «custmers
    "no table 'custmers' (did you mean 'customers'?)"

Covered: tables, CTEs and subqueries with their aliases; keywords that are names only in quotes.
Not covered: the columns of a source; see `columns`.
"""

from text2sql.decoding.checking.faults.clauses import width_fault
from text2sql.decoding.checking.faults.columns import column_fault, pending, wants_qualifier
from text2sql.decoding.checking.faults.refusals import Refusal, follower
from text2sql.decoding.checking.faults.wording import (
    Fault,
    Reason,
    blame,
    blame_keyword,
    blame_name,
    table_name,
    unquoted,
    written,
)
from text2sql.decoding.checking.frames import Block, Source
from text2sql.decoding.checking.json_tables import JSON_ROWS
from text2sql.decoding.checking.lookups import UNREADABLE
from text2sql.decoding.checking.relations import Relation
from text2sql.decoding.checking.replaying import folded


def _no_table(stop: Refusal) -> Fault | None:
    scope, block = stop.checker.scope, stop.frame
    name = folded(stop.checker, stop.lexeme)
    found = scope.find_relation(block, name)
    if found is None:
        if follower(stop) == "(":
            return _no_json(stop, block) or blame(
                stop, f"a function cannot stand in FROM: {stop.lexeme.text!r}"
            )
        if dict(scope.query_of(block).names).get(name) is UNREADABLE:
            return blame(
                stop, f"WITH gives {unquoted(stop.lexeme)} names that do not fit its SELECT"
            )
        known = [table_name(stop, table) or "" for table in scope.every_table]
        known += [n.decode() for n in scope.relation_names(block) if n not in scope.tables]
        return blame_name(stop, f"no table {unquoted(stop.lexeme)!r}", stop.lexeme, known)
    if scope.can_add(block, name, found):
        return blame(stop, "a recursive query cannot be aggregated where it names itself")
    return _spoilt(stop, block, _alias_ahead(stop) or name, found)


def _no_json(stop: Refusal, block: Block) -> Fault | None:
    """Say why no rows of a JSON text can be made here; None where another function is called."""
    if stop.lexeme.text.upper() not in stop.place[0].terminals:
        return None
    if block.outer or block.phase == "natural":
        what = f"{stop.lexeme.text}() does not stand beside RIGHT, FULL or NATURAL JOIN"
        return blame(stop, what)
    for reference, _, name in pending(stop, block):
        if reference.qualifier is None and JSON_ROWS.count(reference.name):
            return wants_qualifier(stop, Source(None, JSON_ROWS), name)
    return None


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


_MUST_BE_NAMES = (
    "<table>",
    "<member>",
    "<using>",
    "<shown>",
    "<alias>",
    "<source_alias>",
    "<cte>",
    "<new_column>",
)


def _reserved(stop: Refusal) -> Fault | None:
    """Blame a word that is a name only in quotes."""
    checker, name = stop.checker, folded(stop.checker, stop.lexeme)
    if stop.lexeme.kind != "word" or checker.names.may_be_bare(stop.terminal, name):
        return None
    known = stop.terminal != "<table>" or checker.scope.find_relation(stop.frame, name)
    return blame_keyword(stop) if known and stop.terminal in _MUST_BE_NAMES else None


def _spoilt(stop: Refusal, block: Block, name: bytes | None, found: Relation) -> Fault | None:
    """Say what a source breaks that was in order before."""
    frames, scope = stop.checker.scope.frames, stop.checker.scope
    if name is not None and any(source.name == name for source in block.sources):
        return blame(stop, f"FROM has {written(stop, name)!r} twice: give one an alias")
    added = frames.change(block, sources=(*block.sources, Source(name, found)))
    for reference, qualifier, column in pending(stop, block):
        count = scope.count(added, reference)
        if count > 1 or (count == 0 and reference.qualifier == name is not None):
            return column_fault(stop, added, reference, qualifier, column)
    width = scope.query_of(block).width
    total = scope.least_width(added)[0]
    return width_fault(stop, total) if width is not None and total != width else None


def _no_namespaced(stop: Refusal) -> Fault | None:
    """Blame the name behind a dot, the name of no table in that namespace."""
    tables = stop.checker.scope.namespaces[stop.held[1]]
    name = folded(stop.checker, stop.lexeme)
    if name in tables:
        return _spoilt(stop, stop.frame, _alias_ahead(stop) or name, tables[name])
    what = f"no table {unquoted(stop.lexeme)!r} in {written(stop, stop.held[1])!r}"
    return blame_name(stop, what, stop.lexeme, [known.decode() for known in tables])


def _bad_source(stop: Refusal) -> Fault | None:
    if stop.held is not None and stop.held[0] == "namespace":
        tables = [name.decode() for name in stop.checker.scope.namespaces[stop.held[1]]]
        name = written(stop, stop.held[1])
        return blame(stop, f"{name!r} is no table: say which of its tables", None, *tables[:3])
    if stop.action == "settled":
        last = stop.frame.sources[-1]
        before = stop.checker.scope.frames.change(stop.frame, sources=stop.frame.sources[:-1])
        return _spoilt(stop, before, last.name, last.relation)
    if stop.held is None:
        return None
    name = stop.payload[0] if stop.action == "source_as" else stop.held[1]
    return _spoilt(stop, stop.frame, name, stop.held[2])


def _sees_nothing(stop: Refusal) -> Fault | None:
    what = "no LATERAL and no function in FROM beside RIGHT, FULL or NATURAL JOIN"
    return (
        blame(stop, what) if stop.frame.outer or stop.frame.phase not in ("from", "join") else None
    )


def _nameless_rows(stop: Refusal) -> Fault | None:
    never = "row_ranges" in stop.checker.dialect.features
    maker = stop.held[1].maker if stop.held is not None else ""
    if maker == "values":
        return blame(stop, "the columns of VALUES need names: AS t(x)")
    named = never or maker == "unnest"
    return blame(stop, f"the column of {maker}() needs a name: AS t(x)") if named else None


REASONS: dict[str, Reason] = {
    **dict.fromkeys(_MUST_BE_NAMES, _reserved),
    "table": _no_table,
    "namespaced_table": _no_namespaced,
    **dict.fromkeys(("is_source", "source"), _bad_source),
    "source_as": _bad_source,
    "can_see": _sees_nothing,
    "rows_alone": _nameless_rows,
    "settled": _bad_source,
}
