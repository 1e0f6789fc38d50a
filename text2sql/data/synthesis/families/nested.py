"""Questions with a query inside, and set operations, about one table."""

from text2sql.data.synthesis import grammar
from text2sql.data.synthesis.families.parts import (
    COUNT,
    Draft,
    Family,
    aggregates,
    any_table,
    joint,
    selected,
    things,
)
from text2sql.data.synthesis.queries import Call, Compare, Lit, Query
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field


def average(speaker: Speaker) -> Draft | None:
    """Rows above or below the average."""
    table = any_table(speaker)
    if table is None or not (known := speaker.numbers(table)):
        return None
    field, above = speaker.random.choice(known), speaker.chance(0.66)
    places = things(speaker, table)
    said = speaker.say(
        "above_average" if above else "below_average", n=speaker.column(field), **places
    )
    inner = Query((Call("avg", field.col),), table)
    condition = Compare(field.col, ">" if above else "<", inner)
    return _rows(speaker, table, condition, said)


def at_extreme(speaker: Speaker) -> Draft | None:
    """Rows at the maximum or minimum, all of them."""
    table = any_table(speaker)
    if table is None or not (known := speaker.numbers(table)):
        return None
    field, largest = speaker.random.choice(known), speaker.chance(0.6)
    key = "at_maximum" if largest else "at_minimum"
    parts = {"max": speaker.say("max"), "min": speaker.say("min"), "n": speaker.column(field)}
    inner = Query((Call("max" if largest else "min", field.col),), table)
    return _rows(speaker, table, Compare(field.col, "=", inner), speaker.say(key, **parts))


def against(speaker: Speaker) -> Draft | None:
    """Rows above or below some or all rows that fulfil a condition."""
    table = any_table(speaker)
    if table is None or not (known := speaker.numbers(table)):
        return None
    field, found = speaker.random.choice(known), speaker.condition(table, equal=True)
    if speaker.chance(0.25):
        return _inside(speaker, table, field)
    if found is None or found[0].left == field.col:
        return None
    condition, words = found
    key, name, operator = speaker.random.choice(
        (("above_any", "min", ">"), ("above_all", "max", ">"), ("below_all", "min", "<"))
    )
    places = things(speaker, table) | {"n": speaker.column(field), "inner": speaker.behind(words)}
    inner = Query((Call(name, field.col),), table, where=condition)
    return _rows(speaker, table, Compare(field.col, operator, inner), speaker.say(key, **places))


def _inside(speaker: Speaker, table: str, field: Field) -> Draft | None:
    """Rows below the largest or above the smallest."""
    name, operator, key = speaker.random.choice((("max", "<", "below_v"), ("min", ">", "above_v")))
    said = speaker.say(
        "against_some", n=speaker.column(field), agg=speaker.say(name), inner="",
        cmp=speaker.say(key, v="").strip(), things=speaker.thing(table),
    )  # fmt: skip
    inner = Query((Call(name, field.col),), table)
    return _rows(speaker, table, Compare(field.col, operator, inner), said)


def _rows(speaker: Speaker, table: str, condition: Compare, said: str) -> Draft | None:
    """Ask for columns, the number, an aggregate or different values of the rows."""
    places, draw = things(speaker, table), speaker.random.random()
    if draw < 0.2:
        text = speaker.say("count", where=said, **places)
        return Draft(Query((COUNT,), table, where=condition), text)
    if draw < 0.27 and (found := aggregates(speaker, table)) is not None:
        text = speaker.ask(speaker.say("aggregate", aggs=found[1], where=said, **places))
        return Draft(Query(found[0], table, where=condition), text)
    if draw < 0.33 and (known := speaker.groups(table)):
        field, distinct = speaker.random.choice(known), speaker.say("distinct")
        names = {"n": speaker.column(field), "ns": speaker.column(field, many=True)}
        text = speaker.say("count_distinct", where=said, distinct=distinct, **names, **places)
        return Draft(
            Query((Call("count", field.col, distinct=True),), table, where=condition), text
        )
    shown = selected(speaker, table)
    if shown is None:
        return None
    distinct_rows = speaker.chance(0.2)
    what = speaker.different(shown[1]) if distinct_rows else shown[1]
    text = speaker.ask(speaker.say("list", what=what, where=said, by="", **places))
    return Draft(Query(shown[0], table, distinct_rows, where=condition), text)


def both(speaker: Speaker) -> Draft | None:
    """Values that belong to rows of two kinds."""
    table = any_table(speaker)
    shown = selected(speaker, table, 1) if table else None
    if table is None or shown is None:
        return None
    draw = speaker.random.random()
    if draw < 0.5:
        return _both_values(speaker, table, shown)
    first, second = speaker.condition(table), speaker.condition(table)
    if first is None or second is None or first[0] == second[0]:
        return None
    sides = (grammar.plain(said[1]) for said in (first, second))
    one, two = sides if speaker.english else (speaker.behind(said) for said in sides)
    parts = {"what": shown[1], "first": one, "second": two, **things(speaker, table)}
    operator, key = ("intersect", "both") if draw < 0.85 else ("union", "union")
    other = Query(shown[0], table, where=second[0])
    query = Query(shown[0], table, where=first[0], then=(operator, other))
    return Draft(query, speaker.ask(speaker.say(key, **parts)))


def _both_values(speaker: Speaker, table: str, shown: tuple) -> Draft | None:
    known = [f for f in speaker.groups(table) if len(f.values) > 1 and f.col not in shown[0]]
    if not known:
        return None
    field = speaker.random.choice(known)
    one, two = speaker.random.sample(list(field.values), 2)
    parts = {
        "what": shown[1],
        "n": speaker.column(field),
        "v": speaker.value(field, one),
        "w": speaker.value(field, two),
        **things(speaker, table),
    }
    sides = [Query(shown[0], table, where=Compare(field.col, "=", Lit(v))) for v in (one, two)]
    query = Query(shown[0], table, where=sides[0].where, then=("intersect", sides[1]))
    return Draft(query, speaker.ask(speaker.say("both_values", **parts)))


def neither(speaker: Speaker) -> Draft | None:
    """Values that belong to no row of a kind."""
    table = any_table(speaker)
    shown = selected(speaker, table, 1) if table else None
    found = speaker.condition(table, equal=speaker.chance(0.7)) if table else None
    if table is None or shown is None or found is None:
        return None
    first = grammar.plain(found[1]) if speaker.english else speaker.behind(found[1])
    parts = {"what": shown[1], "first": first, "where": "", **things(speaker, table)}
    other = Query(shown[0], table, where=found[0])
    query = Query(shown[0], table, then=("except", other))
    return Draft(query, speaker.ask(speaker.say("neither", **parts)))


def group_average(speaker: Speaker) -> Draft | None:
    """Rows that fulfil a condition and lie above the average."""
    table = any_table(speaker)
    if table is None or not (known := speaker.numbers(table)):
        return None
    field, found = speaker.random.choice(known), speaker.condition(table)
    shown = selected(speaker, table)
    if found is None or shown is None:
        return None
    said = speaker.say("above_average", n=speaker.column(field), **things(speaker, table))
    inner = Query((Call("avg", field.col),), table)
    where = joint(found[0], Compare(field.col, ">", inner))
    text = f"{speaker.behind(found[1])}{speaker.say('and')}{said.strip()}"
    question = speaker.say("list", what=shown[1], where=text, by="", **things(speaker, table))
    return Draft(Query(shown[0], table, where=where), speaker.ask(question))


FAMILIES: dict[Family, float] = {
    average: 2.2,
    at_extreme: 0.6,
    against: 1.3,
    both: 2.4,
    neither: 0.9,
    group_average: 0.3,
}
