"""Questions about one table."""

from text2sql.data.synthesis import grammar
from text2sql.data.synthesis.conditions import asks
from text2sql.data.synthesis.families.parts import (
    COUNT,
    Draft,
    Family,
    aggregates,
    any_table,
    joint,
    ordered,
    selected,
    things,
)
from text2sql.data.synthesis.queries import (
    Arithmetic,
    Call,
    Case,
    Cast,
    Col,
    Compare,
    Key,
    Lit,
    Query,
    Star,
)
from text2sql.data.synthesis.speaking import Speaker


def columns(speaker: Speaker) -> Draft | None:
    """Columns of the rows that fulfil conditions, in an order."""
    table = any_table(speaker)
    if table is None or (shown := selected(speaker, table)) is None:
        return None
    where, said = speaker.conditions(table)
    if isinstance(where, Compare) and where.operator == "=" and where.left in shown[0]:
        return None  # nobody asks for what the question says
    order, by = ordered(speaker, table, 0.28)
    distinct = speaker.chance(0.2 if len(shown[0]) == 1 else 0.04)
    what = speaker.different(shown[1]) if distinct else shown[1]
    if order and isinstance(where, Compare) and where.left == order[0].expression:
        order, by = (), ""
    parts = {"what": what, "where": said, "by": by, **things(speaker, table)}
    if question := _of_one(speaker, table, shown, said):
        return Draft(Query(shown[0], table, distinct, where=where), question)
    only_name = speaker.goes_unsaid(table, shown[0])
    if said and not distinct and speaker.world.only_people() == table and speaker.chance(0.15):
        parts |= {"where": grammar.plain(said), "one": speaker.somebody(table)}
        question = speaker.say("list_who" if only_name else "list_who_two", **parts)
    elif only_name and said and not distinct and speaker.chance(0.35):
        question = speaker.say("list_which", **parts)
    elif said and speaker.chance(0.14):
        question = speaker.say("list_for" if speaker.chance(0.6) else "list_two", **parts)
    elif not said and speaker.chance(0.22) and not _is_said(speaker, table, shown[1]):
        question = speaker.ask(speaker.say("list_bare", **parts))
    else:
        question = speaker.ask(speaker.say("list", **parts))
    return Draft(Query(shown[0], table, distinct, where=where, order=order), question)


def _is_said(speaker: Speaker, table: str, words: str) -> bool:
    """Tell whether the name of a column says its table's noun already."""
    return any(noun in words for noun in speaker.world.nouns[table].one)


def _of_one(
    speaker: Speaker, table: str, shown: tuple[tuple[Col, ...], str], said: str
) -> str | None:
    """Ask about one row that is known by its name: "how old is Joe Sharp?"."""
    name = grammar.named(said)
    if name is None or not speaker.chance(0.7):
        return None
    field = speaker.world.field_of(shown[0][0])
    row = name if speaker.chance(0.5) else f"the {speaker.thing(table, False)} {name}"
    if len(shown[0]) == 1 and (asked := asks(speaker, field)) and speaker.chance(0.85):
        return speaker.random.choice(asked).format(t=row)
    parts = things(speaker, table) | {"what": shown[1], "v": name}
    return speaker.ask(speaker.say("list_of_one", **parts))


def of_one(speaker: Speaker) -> Draft | None:
    """A column of the row that has a name, which has a question of its own: how old, where from."""
    table = any_table(speaker)
    fields = speaker.fields(table) if table else []
    names = [f for f in fields if f.names_rows and f.kind.name in ("name", "title") and f.values]
    known = [f for f in fields if f not in names and asks(speaker, f)]
    if table is None or not names or not known:
        return None
    field, value = speaker.random.choice(known), speaker.random.choice(names[0].values)
    query = Query((field.col,), table, where=Compare(names[0].col, "=", Lit(value)))
    said = speaker.value(names[0], value)
    if speaker.english and speaker.chance(0.8):
        row = said if speaker.chance(0.6) else f"the {speaker.thing(table, False)} {said}"
        return Draft(query, speaker.random.choice(asks(speaker, field)).format(t=row))
    parts = things(speaker, table) | {"what": speaker.column(field), "v": said}
    return Draft(query, speaker.ask(speaker.say("list_of_one", **parts)))


def everything(speaker: Speaker) -> Draft | None:
    """All columns."""
    table = any_table(speaker)
    if table is None:
        return None
    where, said = speaker.conditions(table, (0.3, 0.6, 0.1))
    order, by = ordered(speaker, table, 0.3)
    text = speaker.say("everything", where=said, by=by, **things(speaker, table))
    return Draft(Query((Star(),), table, where=where, order=order), speaker.ask(text))


def count(speaker: Speaker) -> Draft | None:
    """How many rows."""
    table = any_table(speaker)
    if table is None:
        return None
    where, said = speaker.conditions(table, (0.25, 0.58, 0.17))
    question = speaker.say("count", where=said, **things(speaker, table))
    return Draft(Query((COUNT,), table, where=where), question)


def count_distinct(speaker: Speaker) -> Draft | None:
    """How many different values."""
    table = any_table(speaker)
    if table is None or not (known := speaker.groups(table)):
        return None
    field = speaker.random.choice(known)
    where, said = speaker.conditions(table, (0.6, 0.35, 0.05))
    if isinstance(where, Compare) and where.left == field.col:
        return None
    names = {"n": speaker.column(field), "ns": speaker.column(field, many=True)}
    parts = names | {"where": said, "distinct": speaker.say("distinct")} | things(speaker, table)
    call = Call("count", field.col, distinct=True)
    return Draft(Query((call,), table, where=where), speaker.say("count_distinct", **parts))


def distinct(speaker: Speaker) -> Draft | None:
    """The different values of a column."""
    table = any_table(speaker)
    if table is None or not (known := speaker.groups(table)):
        return None
    field = speaker.random.choice(known)
    where, said = speaker.conditions(table, (0.6, 0.35, 0.05))
    if isinstance(where, Compare) and where.left == field.col:
        return None
    order = (Key(field.col),) if speaker.chance(0.1) else ()
    by = speaker.say("ascending", n=speaker.column(field)) if order else ""
    parts = {"ns": speaker.column(field, many=True), "where": said, "by": by}
    parts |= {"distinct": speaker.say("distinct")} | things(speaker, table)
    text = (
        speaker.say("distinct_which", **parts)
        if not order and speaker.chance(0.3)
        else speaker.ask(speaker.say("distinct_list", **parts))
    )
    return Draft(Query((field.col,), table, True, where=where, order=order), text)


def aggregate(speaker: Speaker) -> Draft | None:
    """Averages, extremes and sums of all rows."""
    table = any_table(speaker)
    if table is None or (found := aggregates(speaker, table)) is None:
        return None
    calls, words = found
    where, said = speaker.conditions(table, (0.45, 0.45, 0.1))
    if speaker.chance(0.12):
        calls = (*calls, COUNT)
        words = speaker.listed([words, speaker.rows()])
    parts = {"aggs": words, "where": said} | things(speaker, table)
    if said and speaker.chance(0.15):
        return Draft(Query(calls, table, where=where), speaker.say("aggregate_for", **parts))
    return Draft(Query(calls, table, where=where), speaker.ask(speaker.say("aggregate", **parts)))


def extreme(speaker: Speaker) -> Draft | None:
    """The row with the most or least of something."""
    table = any_table(speaker)
    if table is None:
        return None
    known = [f for f in speaker.fields(table) if f.numeric or f.kind.moment]
    shown = selected(speaker, table, many=0.1)
    if not known or shown is None:
        return None
    field, descending = speaker.random.choice(known), speaker.chance(0.64)
    where, said = speaker.conditions(table, (0.72, 0.26, 0.02))
    parts = {
        "what": shown[1],
        "where": said,
        "most": speaker.extreme(field, descending),
        "n": speaker.column(field),
        "superlative": speaker.superlative(field, descending, speaker.thing(table, False)),
        "who": speaker.who(table),
        **things(speaker, table),
    }
    if speaker.goes_unsaid(table, shown[0]) and speaker.chance(0.5):
        question = speaker.say("extreme_which", **parts)
    else:
        way = "extreme_who" if speaker.chance(0.3) else "extreme"
        question = speaker.ask(speaker.say(way, **parts))
    if speaker.chance(0.16):
        best = Query((Call("max" if descending else "min", field.col),), table, where=where)
        return Draft(
            Query(shown[0], table, where=joint(where, Compare(field.col, "=", best))), question
        )
    order = (Key(field.col, descending),)
    return Draft(Query(shown[0], table, where=where, order=order, limit=1), question)


def top(speaker: Speaker) -> Draft | None:
    """The first few rows of an order."""
    table = any_table(speaker)
    if table is None or not (known := speaker.numbers(table)):
        return None
    shown = selected(speaker, table, many=0.8)
    if shown is None:
        return None
    field, descending = speaker.random.choice(known), speaker.chance(0.75)
    number = speaker.random.choice((2, 3, 3, 5, 5, 4, 8, 10))
    where, said = speaker.conditions(table, (0.75, 0.25, 0))
    parts = {
        "what": shown[1],
        "where": said,
        "k": speaker.number(number),
        "n": speaker.column(field),
        "most": speaker.extreme(field, True),
        "least": speaker.extreme(field, False),
        "superlative": speaker.superlative(field, descending, speaker.thing(table)),
        **things(speaker, table),
    }
    text = speaker.ask(speaker.say("top" if descending else "bottom", **parts))
    order = (Key(field.col, descending),)
    return Draft(Query(shown[0], table, where=where, order=order, limit=number), text)


def difference(speaker: Speaker) -> Draft | None:
    """How far the extremes are apart."""
    table = any_table(speaker)
    if table is None or not (known := speaker.numbers(table)):
        return None
    field = speaker.random.choice(known)
    where, said = speaker.conditions(table, (0.6, 0.4, 0))
    parts = {"n": speaker.column(field), "where": said, "max": speaker.say("max")}
    parts |= {"min": speaker.say("min")} | things(speaker, table)
    span = Arithmetic(Call("max", field.col), "-", Call("min", field.col))
    return Draft(Query((span,), table, where=where), speaker.say("difference", **parts))


def percentage(speaker: Speaker) -> Draft | None:
    """The share of rows that fulfil a condition, in percent."""
    table = any_table(speaker)
    if table is None or (found := speaker.condition(table)) is None:
        return None
    condition, said = found
    hits = Call("sum", Case(((condition, Lit(1)),), Lit(0)))
    share = Arithmetic(Arithmetic(Cast(hits, "REAL"), "*", Lit(100)), "/", COUNT)
    text = speaker.say("percentage", where=speaker.behind(said), **things(speaker, table))
    return Draft(Query((share,), table), text)


def cases(speaker: Speaker) -> Draft | None:
    """Two counts side by side."""
    table = any_table(speaker)
    if table is None:
        return None
    found = [speaker.condition(table), speaker.condition(table)]
    if found[0] is None or found[1] is None or found[0][0] == found[1][0]:
        return None
    (first, one), (second, two) = found[0], found[1]
    calls = tuple(Call("sum", Case(((c, Lit(1)),), Lit(0))) for c in (first, second))
    text = speaker.say("case_count", first=one, second=two, **things(speaker, table))
    return Draft(Query(calls, table), text)


FAMILIES: dict[Family, float] = {
    columns: 19,
    of_one: 3.5,
    everything: 1,
    count: 7.5,
    count_distinct: 3,
    distinct: 4,
    aggregate: 6.5,
    extreme: 6,
    top: 2.4,
    difference: 0.3,
    percentage: 0.25,
    cases: 0.2,
}
