"""Questions about groups, composed of independent parts: measures, conditions, order, limit.

>>> grouped(speaker).question
'for each city, show the average age of singers, only those with at least 3 albums'
"""

from dataclasses import replace

from text2sql.data.synthesis.families.counting import measured, numerous, tally
from text2sql.data.synthesis.families.merging import Part
from text2sql.data.synthesis.families.narrowing import COUNTED, GROUPING, narrow
from text2sql.data.synthesis.families.parts import (
    COUNT,
    Draft,
    Family,
    aggregate_words,
    amount,
    any_table,
    fitting,
    selected,
)
from text2sql.data.synthesis.families.showing import (
    Shown,
    child_table,
    first_rows,
    measures_of,
    of_other,
    tables_of,
)
from text2sql.data.synthesis.queries import Bool, Call, Col, Compare, Expr, Junction, Key, Query
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field


def grouped(speaker: Speaker) -> Draft | None:
    """Measures of groups, with conditions on rows and on groups, an order and a limit."""
    table = child_table(speaker, 0.4)
    if table is None:
        return None
    part = narrow(speaker, table, (0.5, 0.4, 0.1), kinds=COUNTED)
    keys = _keys(speaker, table, part)
    return _groups(speaker, table, part, keys, keys.columns) if keys else None


def _keys(speaker: Speaker, table: str, part: Part) -> Shown | None:
    """Draw one or two columns that put the rows into groups."""
    where = speaker.random.choice(tables_of(table, part))
    known = speaker.groups(where)
    if not known or part.repeats:
        return None
    fields = speaker.random.sample(known, min(len(known), 2 if speaker.chance(0.2) else 1))
    names = speaker.listed([speaker.column(field) for field in fields])
    if where != table:
        names = of_other(speaker, where, names)
    return Shown(tuple(field.col for field in fields), names)


def of_largest(speaker: Speaker) -> Draft | None:
    """Measures of the group with the most or fewest rows."""
    table = child_table(speaker, 0.4)
    if table is None:
        return None
    part = narrow(speaker, table, (0.62, 0.3, 0.08), kinds=COUNTED)
    keys = _keys(speaker, table, part)
    found = measures_of(speaker, table, rows=0.15, keys=keys.columns) if keys else None
    if keys is None or found is None:
        return None
    most = speaker.chance(0.8)
    words = {
        "what": found[1],
        "g": keys.words,
        "where": part.words,
        "as": speaker.thing(table),
        "many": speaker.say("many" if most else "fewest"),
    }
    query = Query(found[0], table, group=keys.columns, order=(Key(COUNT, most),), limit=1)
    return Draft(part.over(query), speaker.ask(speaker.say("of_largest_group", **words)))


def best_of_each(speaker: Speaker) -> Draft | None:
    """The row with the most or least in each group, and how much that is.

    SQLite takes bare columns from the row that `max` or `min` found.
    """
    table = child_table(speaker, 0.5)
    if table is None:
        return None
    part = narrow(speaker, table, (0.6, 0.36, 0.04), kinds=COUNTED)
    keys, shown = _keys(speaker, table, part), selected(speaker, table)
    known = speaker.numbers(table)
    if keys is None or shown is None or not known or len(keys.columns) > 1:
        return None
    field, most, key = speaker.random.choice(known), speaker.chance(0.65), keys.columns[0]
    if field.col in (*shown[0], key) or key in shown[0]:
        return None
    columns: list[Expr] = [*shown[0]]
    call = Call("max" if most else "min", field.col)
    columns.insert(speaker.random.randint(0, len(columns)), call)
    what = speaker.say("and_measure", what=shown[1], n=speaker.column(field))
    if speaker.chance(0.4):
        columns.insert(speaker.random.choice((0, len(columns))), key)
    best = speaker.superlative(field, most, speaker.thing(table, False))
    words = {"g": keys.words, "what": what, "superlative": best, "where": part.words, "by": ""}
    ordered = speaker.chance(0.15)
    if ordered:
        words["by"] = speaker.say("ascending", n=keys.words)
    order = (Key(key),) if ordered else ()
    query = Query(tuple(columns), table, group=keys.columns, order=order)
    return Draft(part.over(query), speaker.ask(speaker.say("best_of_each", **words)))


def per_parent(speaker: Speaker) -> Draft | None:
    """Measures of the rows that belong to each row, with conditions, an order and a limit."""
    table = any_table(speaker)
    if table is None:
        return None
    part = narrow(speaker, table, (0.6, 0.36, 0.04), kinds=GROUPING)
    of = part if part.group else numerous(speaker, table, frozenset(tables_of(table, part)))
    shown = selected(speaker, table)
    if of is None or shown is None or part.repeats:
        return None
    key = of.group if speaker.chance(0.7) else shown[0][:1]
    joins = part.joins if part is of else (*part.joins, *of.joins)
    rows = replace(part, joins=joins, group=())
    child = of.joins[-1].table
    return _groups(speaker, table, rows, Shown(shown[0], shown[1]), key, child)


def _groups(
    speaker: Speaker,
    table: str,
    part: Part,
    shown: Shown,
    keys: tuple[Expr, ...],
    child: str | None = None,
) -> Draft | None:
    """Complete a question about groups: measures, conditions, order."""
    of = child or table
    found = measures_of(speaker, of, rows=0.55, keys=keys)
    if found is None:
        return None
    calls, what = found
    if child is not None:
        what = speaker.say("of_children", what=what, bs=speaker.thing(child))
    having, having_words = _having(speaker, of, child) if speaker.chance(0.36) else (None, "")
    order, by, limit = _group_order(speaker, of, shown, calls, what)
    columns = _placed(speaker, shown.columns, calls)
    if speaker.chance(0.5 if having or order else 0.06):
        columns, what = shown.columns, ""
    distinct = not what and speaker.chance(0.16)
    words = {
        "what": what,
        "g": speaker.different(shown.words) if distinct else shown.words,
        "as": speaker.thing(table),
        "a": speaker.thing(table, False),
        "where": part.words,
        "having": having_words,
        "by": by,
    }
    key = "per_parent" if child else "per_group"
    if not what:
        key = "only_parents" if child else "only_groups"
    query = Query(columns, table, distinct, group=keys, having=having, order=order, limit=limit)
    return Draft(part.over(query), speaker.say(key, **words))


def _placed(
    speaker: Speaker, columns: tuple[Expr, ...], calls: tuple[Expr, ...]
) -> tuple[Expr, ...]:
    """Set measures behind the columns of a group, before them, or between them at times."""
    draw = speaker.random.random()
    if draw < 0.12 and len(columns) > 1:
        return (columns[0], *calls, *columns[1:])
    return (*columns, *calls) if draw < 0.62 else (*calls, *columns)


# --- conditions on groups ------------------------------------------------------------------------


def _having(speaker: Speaker, table: str, child: str | None) -> tuple[Bool | None, str]:
    """Draw one or two conditions on a group, of a child's rows at times."""
    one, words, first = _of_group(speaker, table, child)
    if not speaker.chance(0.16):
        return one, words
    other, _, second = _of_group(speaker, table, child)
    if other == one:
        return one, words
    operator = "or" if one.left == other.left or speaker.chance(0.3) else "and"
    both = speaker.say(f"having_{operator}", first=first, second=second)
    return Junction(operator, (one, other)), both


def _of_group(speaker: Speaker, table: str, child: str | None) -> tuple[Compare, str, str]:
    """Draw a condition on a group, its words, and those words as one of two."""
    known = [f for f in speaker.numbers(table) if f.values]
    if known and speaker.chance(0.44):
        field = speaker.random.choice(known)
        condition, said = measured(speaker, field)
        if speaker.chance(0.12):
            condition, said = _above_all(speaker, table, field)
        return condition, speaker.say("having_measure", measure=said), said
    call, rows = tally(speaker, table)
    condition, number = amount(speaker)
    if call == COUNT and child is None:
        bare = speaker.say("bare_count", amount=number)
        return condition, speaker.say("having_count", amount=number), bare
    condition, bare = replace(condition, left=call), speaker.say("bare", amount=number, bs=rows)
    return condition, speaker.say("having_children", amount=number, bs=rows), bare


def _above_all(speaker: Speaker, table: str, field: Field) -> tuple[Compare, str]:
    """Compare an average of a group with that of all rows."""
    above = speaker.chance(0.6)
    call = Call("avg", field.col)
    words = speaker.say(
        "above_all_groups" if above else "below_all_groups", n=speaker.column(field)
    )
    return Compare(call, ">" if above else "<", Query((call,), table)), words


# --- orders --------------------------------------------------------------------------------------


def _group_order(
    speaker: Speaker, table: str, shown: Shown, calls: tuple[Expr, ...], words: str
) -> tuple[tuple[Key, ...], str, int | None]:
    """Draw an order of groups: by a measure that is shown, a count, another one, or a key."""
    draw = speaker.random.random()
    if draw > 0.55:
        return (), "", None
    descending = speaker.chance(0.7)
    way = "descending" if descending else "ascending"
    known = speaker.numbers(table)
    order: Expr
    if draw < 0.18:
        order, counted = tally(speaker, table)
        by = speaker.say("by_count_desc" if descending else "by_count_asc")
        if order != COUNT:
            by = speaker.say(way, n=speaker.say("number_of_rows", bs=counted))
    elif draw < 0.36 and len(calls) == 1 and calls[0] != COUNT:
        order, by = calls[0], speaker.say(way, n=words)
    elif draw < 0.46 and known:
        field = speaker.random.choice(known)
        name = speaker.random.choice(("sum", *fitting(field)))
        order, by = Call(name, field.col), speaker.say(way, n=aggregate_words(speaker, name, field))
    else:
        order, by = shown.columns[0], speaker.say(way, n=_first_name(speaker, shown))
    limit = None
    if speaker.chance(0.42):
        limit, by = first_rows(speaker, by)
    return (Key(order, descending),), by, limit


def _first_name(speaker: Speaker, shown: Shown) -> str:
    first = shown.columns[0]
    return speaker.column(speaker.world.field_of(first)) if isinstance(first, Col) else shown.words


FAMILIES: dict[Family, float] = {
    grouped: 19,
    per_parent: 18,
    of_largest: 1.4,
    best_of_each: 1.8,
}
