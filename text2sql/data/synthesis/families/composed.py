"""Questions composed of independent parts: what is shown, of which rows, grouped and ordered how.

The other families word the combinations that people ask for most; here every combination of parts
has a chance, in plainer words. What narrows the rows is `narrowing`.
"""

from dataclasses import replace

from text2sql.data.synthesis.families.counting import tally
from text2sql.data.synthesis.families.merging import Part, compared
from text2sql.data.synthesis.families.narrowing import (
    COUNTED,
    GROUPING,
    OWN,
    against,
    best,
    commonest,
    narrow,
)
from text2sql.data.synthesis.families.parts import (
    COUNT,
    Draft,
    Family,
    aggregate_words,
    any_table,
    fitting,
    joint,
    path,
    selected,
    things,
)
from text2sql.data.synthesis.families.routing import beyond
from text2sql.data.synthesis.families.showing import (
    Shown,
    child_table,
    columns_of,
    first_rows,
    measures_of,
    of_other,
    order_of,
    tables_of,
)
from text2sql.data.synthesis.queries import Call, Compare, Key, Query, Star
from text2sql.data.synthesis.speaking import Speaker


def block(speaker: Speaker) -> Draft | None:
    """Columns of rows, in an order."""
    table = any_table(speaker)
    if table is None:
        return None
    kinds = GROUPING if speaker.chance(0.4) else None
    part = narrow(speaker, table, (0.1, 0.46, 0.32, 0.12), kinds=kinds)
    shown = columns_of(speaker, table, part)
    if shown is None or {*shown.columns} <= compared(part):
        return None  # nobody asks for what the question says
    if speaker.chance(0.08) and not part.joins:
        shown = Shown((Star(),), speaker.say("all_columns"))
    order, by = order_of(speaker, table, part) if speaker.chance(0.26) else ((), "")
    limit = None
    if order and speaker.chance(0.25):
        limit, by = first_rows(speaker, by)
    query = part.over(Query(shown.columns, table, shown.distinct, order=order, limit=limit))
    words = {"what": shown.words, "where": part.words, "by": by, **things(speaker, table)}
    return Draft(query, speaker.ask(speaker.say("list", **words)))


def superlative(speaker: Speaker) -> Draft | None:
    """The row, or the few rows, with the most or least of something."""
    table = any_table(speaker)
    if table is None:
        return None
    part = narrow(speaker, table, (0.1, 0.6, 0.25, 0.05))
    where = speaker.random.choice(tables_of(table, part))
    known = [f for f in speaker.fields(where) if f.numeric or f.kind.moment]
    shown = columns_of(speaker, table, part)
    if not known or shown is None:
        return None
    field, most = speaker.random.choice(known), speaker.chance(0.66)
    if field.col in compared(part):
        return None
    limit = speaker.random.choice((1, 1, 1, 3))
    words = {"what": shown.words, "where": part.words}
    if where == table and limit == 1:
        first = speaker.superlative(field, most, speaker.thing(table, False))
        text = speaker.say("extreme", superlative=first, **words)
    else:
        said = speaker.column(field)
        words |= {"n": said if where == table else of_other(speaker, where, said)}
        words |= {"k": speaker.number(limit), "most": speaker.extreme(field, most)}
        text = speaker.say("first_of", **things(speaker, table), **words)
    if limit == 1 and not part.group and speaker.chance(0.24):  # the best of the same rows
        best_of = part.over(Query((Call("max" if most else "min", field.col),), table))
        query = part.over(Query(shown.columns, table, shown.distinct))
        extreme = joint(query.where, Compare(field.col, "=", best_of))
        return Draft(replace(query, where=extreme), speaker.ask(text))
    order = (Key(field.col, most),)
    query = part.over(Query(shown.columns, table, shown.distinct, order=order, limit=limit))
    return Draft(query, speaker.ask(text))


def far_compared(speaker: Speaker) -> Draft | None:
    """Rows that belong to those of another table that is compared with all of its rows."""
    route = path(speaker, (58, 32, 10))
    shown = selected(speaker, route.tables[0]) if route else None
    kind = speaker.random.choices((against, commonest, best), (6, 2, 2))[0]
    if route is None or shown is None:
        return None
    far = kind(speaker, route.target, frozenset())
    if far is None:
        return None
    part, distinct = beyond(speaker, route, far), speaker.chance(0.3)
    what = speaker.different(shown[1]) if distinct else shown[1]
    words = {"what": what, "where": part.words, "by": "", **things(speaker, route.tables[0])}
    query = part.over(Query(shown[0], route.tables[0], distinct))
    return Draft(query, speaker.ask(speaker.say("list", **words)))


def measured_rows(speaker: Speaker) -> Draft | None:
    """Counts and aggregates of rows."""
    table = child_table(speaker, 0.5)
    if table is None:
        return None
    part = narrow(speaker, table, (0.06, 0.45, 0.35, 0.14), kinds=COUNTED)
    where = table if speaker.chance(0.85) else speaker.random.choice(tables_of(table, part))
    if speaker.chance(0.36) or part.repeats:
        counted = _counted(speaker, table, part)
        text = speaker.say("count", where=part.words, **things(speaker, table))
        return Draft(part.over(Query((counted,), table)), text) if counted else None
    found = measures_of(speaker, where, rows=0.1)
    if found is None:
        return None
    columns, words = found
    said = words if where == table else of_other(speaker, where, words)
    text = speaker.say("aggregate", aggs=said, where=part.words, **things(speaker, table))
    return Draft(part.over(Query(columns, table)), speaker.ask(text))


def _counted(speaker: Speaker, table: str, part: Part) -> Call | None:
    """Return what counts the rows of a table, each once."""
    primary = speaker.world.primary(table)
    if not part.repeats:
        return COUNT
    return Call("count", primary, distinct=True) if primary else None


def most_related(speaker: Speaker) -> Draft | None:
    """The row that the most or fewest rows belong to, of some rows at times."""
    route = path(speaker, (52, 40, 8))
    if route is None or route.forward[0] or not speaker.fields(route.target):
        return None
    table, far = route.tables[0], route.target
    shown = selected(speaker, table)
    inner = narrow(speaker, far, (0.5, 0.45, 0.05), kinds=OWN)
    part = narrow(speaker, table, (0.8, 0.2), kinds=OWN)
    if shown is None:
        return None
    most, numbers = speaker.chance(0.82), speaker.numbers(far)
    call, measure, counted = COUNT, "", speaker.thing(far)
    if numbers and not route.forward[-1] and speaker.chance(0.3):
        field = speaker.random.choice(numbers)
        name = speaker.random.choice(("sum", "sum", *fitting(field)))
        call, measure = Call(name, field.col), aggregate_words(speaker, name, field)
    elif not route.forward[-1] and speaker.chance(0.7):
        call, counted = tally(speaker, far)
    limit = speaker.random.choices((1, 3, None), (80, 12, 8))[0]
    key = "most_children" if limit == 1 else "first_children" if limit else "by_children"
    words = {
        "what": shown[1],
        "where": part.words,
        "inner": inner.words,
        "bs": counted,
        "k": speaker.number(limit or 0),
        "as": speaker.thing(table),
        "a": speaker.thing(table, False),
        "many": speaker.say("many" if most else "fewest"),
        "way": speaker.say("falling" if most else "rising"),
    }
    if measure:
        key, words["agg"] = f"{key}_measured", measure
        words["most"] = speaker.say("most" if most else "least")
    source, joins = route.source()
    group = (route.links[0].parent,) if speaker.chance(0.72) else shown[0][:1]
    query = Query(
        shown[0], source, joins=joins, where=joint(part.where, inner.where), group=group,
        order=(Key(call, most),), limit=limit,
    )  # fmt: skip
    return Draft(query, speaker.ask(speaker.say(key, **words)))


FAMILIES: dict[Family, float] = {
    block: 32,
    superlative: 9,
    far_compared: 4,
    measured_rows: 19,
    most_related: 13,
}
