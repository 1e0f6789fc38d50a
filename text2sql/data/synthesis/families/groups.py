"""Questions about groups of one table's rows."""

from dataclasses import replace

from text2sql.data.synthesis.families.counting import tally
from text2sql.data.synthesis.families.parts import (
    COUNT,
    Draft,
    Family,
    aggregates,
    amount,
    any_table,
    things,
)
from text2sql.data.synthesis.families.showing import first_rows
from text2sql.data.synthesis.queries import Call, Compare, Expr, Key, Lit, Query
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field


def _grouped(speaker: Speaker) -> tuple[str, Field] | None:
    table = any_table(speaker)
    if table is None or not (known := speaker.groups(table)):
        return None
    return table, speaker.random.choice(known)


def _parts(speaker: Speaker, table: str, field: Field) -> dict[str, str]:
    return {
        "n": speaker.column(field),
        "ns": speaker.column(field, many=True),
        "distinct": speaker.say("distinct"),
        **things(speaker, table),
    }


def counts(speaker: Speaker) -> Draft | None:
    """How many rows in each group."""
    if (drawn := _grouped(speaker)) is None:
        return None
    table, field = drawn
    where, said = speaker.conditions(table, (0.82, 0.17, 0.01))
    order: tuple[Key, ...] = ()
    by = ""
    if speaker.chance(0.18):
        descending = speaker.chance(0.65)
        order = (Key(COUNT, descending),)
        by = speaker.say("by_count_desc" if descending else "by_count_asc")
    shown: tuple[Expr, ...] = (field.col, COUNT) if speaker.chance(0.72) else (COUNT, field.col)
    parts = _parts(speaker, table, field) | {"where": said, "by": by}
    query = Query(shown, table, where=where, group=(field.col,), order=order)
    return Draft(query, speaker.say("group_count", **parts))


def measures(speaker: Speaker) -> Draft | None:
    """An aggregate of each group."""
    if (drawn := _grouped(speaker)) is None:
        return None
    table, field = drawn
    if (found := aggregates(speaker, table)) is None:
        return None
    calls, words = found
    if speaker.chance(0.12):
        calls, words = (COUNT, *calls), speaker.listed([speaker.rows(), words])
    where, said = speaker.conditions(table, (0.74, 0.23, 0.03))
    shown: tuple[Expr, ...] = (field.col, *calls) if speaker.chance(0.55) else (*calls, field.col)
    order: tuple[Key, ...] = ()
    by, limit = "", None
    if speaker.chance(0.1):
        key, by = speaker.order(field)
        order = (key,)
    elif len(calls) == 1 and speaker.chance(0.16):
        descending = speaker.chance(0.7)
        order = (Key(calls[0], descending),)
        by = speaker.say("descending" if descending else "ascending", n=words)
        if speaker.chance(0.5):
            limit, by = first_rows(speaker, by)
    parts = _parts(speaker, table, field) | {"aggs": words, "where": said, "by": by}
    query = Query(shown, table, where=where, group=(field.col,), order=order, limit=limit)
    return Draft(query, speaker.say("group_aggregate", **parts))


def most(speaker: Speaker) -> Draft | None:
    """The group with the most or fewest rows."""
    if (drawn := _grouped(speaker)) is None:
        return None
    table, field = drawn
    descending = speaker.chance(0.82)
    where, said = speaker.conditions(table, (0.8, 0.18, 0.02))
    parts = _parts(speaker, table, field) | {
        "where": said,
        "many": speaker.say("many"),
        "fewest": speaker.say("fewest"),
        "common": speaker.say("common"),
        "rare": speaker.say("rare"),
    }
    call, parts["rows"] = tally(speaker, table)
    key = "group_most" if descending else "group_fewest"
    question = speaker.say(key if call == COUNT else f"{key}_counted", **parts)
    shown: tuple[Expr, ...] = (field.col,)
    if speaker.chance(0.15) and speaker.english:
        shown = (field.col, call)
        question = question.rstrip("?") + speaker.say("and_count") + "?"
    order = (Key(call, descending),)
    query = Query(shown, table, where=where, group=(field.col,), order=order, limit=1)
    return Draft(query, question)


def top(speaker: Speaker) -> Draft | None:
    """The few largest groups."""
    if (drawn := _grouped(speaker)) is None:
        return None
    table, field = drawn
    number = speaker.random.choice((2, 3, 3, 5))
    where, said = speaker.conditions(table, (0.8, 0.2, 0))
    parts = _parts(speaker, table, field) | {
        "where": said,
        "k": speaker.number(number),
        "many": speaker.say("many"),
        "common": speaker.say("common"),
    }
    order = (Key(COUNT, True),)
    query = Query((field.col,), table, where=where, group=(field.col,), order=order, limit=number)
    return Draft(query, speaker.say("group_top", **parts))


def having(speaker: Speaker) -> Draft | None:
    """The groups with so many rows."""
    if (drawn := _grouped(speaker)) is None:
        return None
    table, field = drawn
    condition, words = amount(speaker)
    where, said = speaker.conditions(table, (0.85, 0.15, 0))
    call, rows = tally(speaker, table)
    parts = _parts(speaker, table, field) | {"amount": words, "where": said, "things": rows}
    condition = replace(condition, left=call)
    query = Query((field.col,), table, where=where, group=(field.col,), having=condition)
    return Draft(query, speaker.say("group_having", **parts))


def having_measure(speaker: Speaker) -> Draft | None:
    """The groups whose aggregate is so large."""
    if (drawn := _grouped(speaker)) is None:
        return None
    table, field = drawn
    known = [f for f in speaker.numbers(table) if f is not field and f.values]
    if not known:
        return None
    measure = speaker.random.choice(known)
    value, above = speaker.random.choice(measure.values), speaker.chance(0.6)
    name = speaker.random.choice(("avg", "avg", "sum", "max", "min"))
    parts = _parts(speaker, table, field) | {
        "avg": speaker.say(name),
        "m": speaker.column(measure),
        "where": "",
        "compare": speaker.say("above_v" if above else "below_v", v=speaker.value(measure, value)),
    }
    condition = Compare(Call(name, measure.col), ">" if above else "<", Lit(value))
    query = Query((field.col,), table, group=(field.col,), having=condition)
    return Draft(query, speaker.say("group_having_aggregate", **parts))


def different(speaker: Speaker) -> Draft | None:
    """How many different values in each group."""
    if (drawn := _grouped(speaker)) is None:
        return None
    table, field = drawn
    others = [f for f in speaker.fields(table) if f is not field]
    if not others:
        return None
    other = speaker.random.choice(others)
    parts = _parts(speaker, table, field) | {"where": "", "ms": speaker.column(other, many=True)}
    call = Call("count", other.col, distinct=True)
    query = Query((field.col, call), table, group=(field.col,))
    return Draft(query, speaker.say("group_distinct", **parts))


def measure_most(speaker: Speaker) -> Draft | None:
    """The group with the largest aggregate."""
    if (drawn := _grouped(speaker)) is None:
        return None
    table, field = drawn
    known = [f for f in speaker.numbers(table) if f is not field]
    if not known:
        return None
    measure, descending = speaker.random.choice(known), speaker.chance(0.75)
    name = speaker.random.choice(
        ("sum", "sum", "avg", "max") if measure.kind.summable else ("avg",)
    )
    where, said = speaker.conditions(table, (0.85, 0.15, 0))
    parts = _parts(speaker, table, field) | {
        "most": speaker.say("most" if descending else "least"),
        "agg": speaker.say(name),
        "m": speaker.column(measure),
        "where": said,
    }
    order = (Key(Call(name, measure.col), descending),)
    query = Query((field.col,), table, where=where, group=(field.col,), order=order, limit=1)
    return Draft(query, speaker.say("group_sum_most", **parts))


FAMILIES: dict[Family, float] = {
    counts: 5,
    measures: 4.2,
    most: 4.8,
    top: 0.4,
    having: 4.2,
    having_measure: 0.4,
    different: 0.6,
    measure_most: 0.8,
}
