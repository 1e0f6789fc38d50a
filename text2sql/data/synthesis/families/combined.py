"""Set operations: two selections of the same columns, united, in common, or one without the other.

>>> sets(speaker).question
'names of singers from Rome, but not of those with more than 3 concerts'
"""

from text2sql.data.synthesis.families.narrowing import (
    GROUPING,
    Part,
    beyond,
    narrow,
    worded,
)
from text2sql.data.synthesis.families.parts import (
    COUNT,
    Draft,
    Family,
    amount,
    any_table,
    pair,
    path,
    selected,
    things,
)
from text2sql.data.synthesis.queries import Col, Compare, Expr, Lit, Query
from text2sql.data.synthesis.speaking import Speaker


def sets(speaker: Speaker) -> Draft | None:
    """Two selections of the same columns, united, intersected or one without the other."""
    table = any_table(speaker)
    shown = selected(speaker, table, speaker.random.choice((1, 1, 1, 2, 3))) if table else None
    if table is None or shown is None:
        return None
    operator, key = speaker.random.choices(
        (("intersect", "set_both"), ("except", "set_neither"), ("union", "set_union")), (4, 5, 3)
    )[0]
    if operator != "union" and speaker.chance(0.3):
        first, second = _contrast(speaker, table, shown[0]) or (None, None)
    else:
        first = _side(speaker, table, shown[0], (0.55 if operator == "except" else 0, 0.75, 0.25))
        second = _side(speaker, table, shown[0], (0, 0.78, 0.22))
    if first is None or second is None or first.words == second.words:
        return None
    distinct = speaker.chance(0.14)
    right = second.over(Query(shown[0], table, distinct and speaker.chance(0.5)))
    query = first.over(Query(shown[0], table, distinct, then=(operator, right)))
    words = {"what": shown[1], "first": first.words, "second": second.words}
    text = speaker.say(key, **words, **things(speaker, table))
    if speaker.chance(0.08) and len(shown[0]) == 1:
        return Draft(Query((COUNT,), query), speaker.say("set_count", w=text))
    return Draft(query, speaker.ask(text))


def _contrast(speaker: Speaker, table: str, shown: tuple[Expr, ...]) -> tuple[Part, Part] | None:
    """Draw two sides that differ in one value: above and below, or one value and another."""
    route = path(speaker, (75, 25), table) if speaker.chance(0.5) else None
    target = route.target if route else table
    known = [f for f in speaker.fields(target) if len(f.values) > 1 and f.kind.name != "flag"]
    known = [f for f in known if f.col not in shown]  # one's own name is no name in common
    if not known:
        return None
    field = speaker.random.choice(known)
    low, high = sorted(speaker.random.sample(field.values, 2), key=lambda v: (str(type(v)), v))
    ranges = field.numeric and speaker.chance(0.75)
    said = (("more", ">", high), ("less", "<", low)) if ranges else (("equal", "=", low),) * 2
    values = [value for _, _, value in said] if ranges else [low, high]
    sides = []
    for (key, sign, _), value in zip(said, values, strict=True):
        condition = Compare(field.col, sign, Lit(value))
        words = worded(speaker, key, field, value)
        sides.append(Part(speaker.behind(words), condition))
    if speaker.chance(0.5):
        sides.reverse()
    one, other = sides if route is None else (beyond(speaker, route, side) for side in sides)
    return one, other


def _side(
    speaker: Speaker, table: str, columns: tuple[Expr, ...], shares: tuple[float, ...]
) -> Part | None:
    """Draw one side of a set operation; its words stand at the noun, "" only for all rows."""
    if speaker.chance(0.1) and shares[0] == 0 and len(columns) == 1:
        having, words = amount(speaker)
        text = speaker.behind(speaker.say("repeated", amount=words))
        return Part(text, group=columns, having=having)
    part = narrow(speaker, table, shares, kinds=GROUPING)
    return part if part.words or shares[0] else None


def shared_columns(speaker: Speaker) -> Draft | None:
    """Values of two tables' columns together, in common, or in one alone."""
    if speaker.chance(0.5) and (alike := _alike(speaker)) is not None:
        return _side_by_side(speaker, *alike)
    if (drawn := pair(speaker)) is None:
        return None
    _, _, link = drawn
    first = (link.parent, link.child)
    return _side_by_side(speaker, *(first[::-1] if speaker.chance(0.25) else first))


def _alike(speaker: Speaker) -> tuple[Col, Col] | None:
    """Draw columns of two tables that hold texts of one kind, such as cities."""
    texts = [
        field
        for table in speaker.world.nouns
        for field in speaker.fields(table)
        if field.values[:1] and isinstance(field.values[0], str) and not field.kind.calendar
    ]
    pairs = [
        (one.col, other.col)
        for one in texts
        for other in texts
        if one.col.table != other.col.table and one.names[0] == other.names[0]
    ]
    return speaker.random.choice(pairs) if pairs else None


def _side_by_side(speaker: Speaker, one: Col, other: Col) -> Draft:
    names = speaker.world.field_of(one)
    places = {
        "what": speaker.column(names, many=True),
        "as": speaker.thing(one.table),
        "bs": speaker.thing(other.table),
        "b": speaker.thing(other.table, False),
    }
    operator, key = speaker.random.choice(
        (
            ("except", "only_first"),
            ("except", "only_first"),
            ("intersect", "shared_tables"),
            ("union", "union_tables"),
        )
    )
    query = Query((one,), one.table, then=(operator, Query((other,), other.table)))
    return Draft(query, speaker.ask(speaker.say(key, **places)))


FAMILIES: dict[Family, float] = {
    sets: 24,
    shared_columns: 1.6,
}
