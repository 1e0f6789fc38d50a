"""How many rows of another table belong to a row, or what they measure together.

    >>> numerous(speaker, "singer", frozenset()).words
    'with at least three albums'

Covered: rows, their different or known values, an aggregate of a number.
"""

from dataclasses import replace

from text2sql.data.synthesis.families.merging import Part
from text2sql.data.synthesis.families.parts import COUNT, Path, aggregate_words, amount, fitting
from text2sql.data.synthesis.queries import Call, Compare, Lit
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field


def children(speaker: Speaker, table: str, taken: frozenset[str]) -> Path | None:
    """Draw a path from a table to rows that belong to its rows, at times over others."""
    links = speaker.world.links
    known = [k for k in links if k.parent.table == table and k.child.table not in taken]
    if not known:
        return None
    link = speaker.random.choice(known)
    route = Path((table, link.child.table), (link,), (False,))
    return _longer(speaker, route, taken) if speaker.chance(0.25) else route


def _longer(speaker: Speaker, route: Path, taken: frozenset[str]) -> Path:
    """Lead a path on to the rows behind it, where there are any."""
    passed, last = taken | {*route.tables}, route.target
    steps = [
        (link, down, far)
        for link in speaker.world.links
        for down, near, far in (
            (True, link.child.table, link.parent.table),
            (False, link.parent.table, link.child.table),
        )
        if near == last and far not in passed and (not down or link.through)
    ]
    if not steps:
        return route
    link, down, far = speaker.random.choice(steps)
    return Path((*route.tables, far), (*route.links, link), (*route.forward, down))


def numerous(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """Rows with so many rows of another table, or with such an aggregate of them."""
    route = children(speaker, table, taken)
    return numbered(speaker, route, few=speaker.chance(0.1)) if route else None


def numbered(speaker: Speaker, route: Path, *, few: bool) -> Part:
    """Draw a condition on the rows that belong to a row.

    Args:
        speaker: words it.
        route: to them.
        few: also upper limits, which rows without any would meet but that a join leaves out.
    """
    having, said = condition_on(speaker, route, few=few)
    return Part(said, None, route.source()[1], (route.links[0].parent,), having)


def condition_on(
    speaker: Speaker, route: Path, *, few: bool = False, negated: bool = False
) -> tuple[Compare, str]:
    """Draw a condition on the rows that belong to a row, and the words at its noun."""
    child, no = route.target, "not_" if negated else ""
    numbers = [f for f in speaker.numbers(child) if f.values]
    who = speaker.who(route.tables[0])
    if numbers and not route.forward[-1] and speaker.chance(0.3):
        having, words = measured(speaker, speaker.random.choice(numbers))
        places = {"bs": speaker.thing(child), "measure": words}
        return having, speaker.say(f"{no}numerous_measure", who=who, **places)
    call, words = tally(speaker, child)
    having, number = amount(speaker, few=few)
    said = speaker.say(f"{no}numerous", amount=number, bs=words, who=who)
    return replace(having, left=call), said


def tally(speaker: Speaker, table: str) -> tuple[Call, str]:
    """Draw what is counted of a table's rows: them, different values, or known ones."""
    rows, draw = speaker.thing(table), speaker.random.random()
    if draw < 0.1 and (known := speaker.groups(table)):
        field = speaker.random.choice(known)
        places = {"ns": speaker.column(field, many=True), "distinct": speaker.say("distinct")}
        said = speaker.say("different_of", bs=rows, b=speaker.thing(table, False), **places)
        return Call("count", field.col, distinct=True), said
    known = [field for field in speaker.fields(table) if field.nulls]
    if draw > 0.92 and known:
        field = speaker.random.choice(known)
        return Call("count", field.col), speaker.say("known_of", bs=rows, n=speaker.column(field))
    return COUNT, rows


def measured(speaker: Speaker, field: Field) -> tuple[Compare, str]:
    """Draw a condition on an aggregate of a column, and its words."""
    name = speaker.random.choice(fitting(field))
    above, value = speaker.chance(0.6), speaker.random.choice(field.values)
    operator = speaker.random.choice((">", ">", ">=") if above else ("<", "<", "<="))
    key = {">": "above_v", "<": "below_v", ">=": "not_below_v", "<=": "not_above_v"}[operator]
    words = f"{aggregate_words(speaker, name, field)}{' ' if speaker.english else ''}"
    words += speaker.say(key, v=speaker.value(field, value))
    return Compare(Call(name, field.col), operator, Lit(value)), words
