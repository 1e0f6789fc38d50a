"""Set operations: two selections of the same columns, united, in common, or one without the other.

>>> sets(speaker).question
'names of singers from Rome, but not of those with more than 3 concerts'
"""

from text2sql.data.synthesis.families.contrasts import contrast, linked_or_not
from text2sql.data.synthesis.families.counting import measured
from text2sql.data.synthesis.families.merging import Part
from text2sql.data.synthesis.families.narrowing import OWN, SIDES, narrow
from text2sql.data.synthesis.families.parts import (
    COUNT,
    Draft,
    Family,
    amount,
    any_table,
    pair,
    selected,
    things,
)
from text2sql.data.synthesis.queries import Col, Expr, Query
from text2sql.data.synthesis.speaking import Speaker


def sets(speaker: Speaker) -> Draft | None:
    """Two selections of the same columns, united, intersected or one without the other."""
    table = any_table(speaker)
    shown = (
        selected(speaker, table, speaker.random.choices((1, 2, 3), (86, 11, 3))[0])
        if table
        else None
    )
    if table is None or shown is None:
        return None
    operator, key = speaker.random.choices(
        (("intersect", "set_both"), ("except", "set_neither"), ("union", "set_union")),
        (4.6, 2.8, 1.6),
    )[0]
    if operator == "except" and speaker.chance(0.16):
        first, second = linked_or_not(speaker, table) or (None, None)
    elif speaker.chance(0.54 if operator == "intersect" else 0.3):
        sides = contrast(speaker, table, shown=shown[0], counted=True)
        first, second = sides or (None, None)
    else:
        first = _side(speaker, table, shown[0], (1.6 if operator == "except" else 0, 0.82, 0.18))
        second = _side(speaker, table, shown[0], (0, 0.82, 0.18))
    if first is None or second is None or first.words == second.words:
        return None
    distinct = speaker.chance(0.1)
    right = second.over(Query(shown[0], table, distinct and speaker.chance(0.6)))
    query = first.over(Query(shown[0], table, distinct, then=(operator, right)))
    what = speaker.different(shown[1]) if distinct else shown[1]
    words = {"what": what, "first": first.words, "second": second.words}
    text = speaker.say(key, **words, **things(speaker, table))
    if speaker.chance(0.03) and len(shown[0]) == 1:
        return Draft(Query((COUNT,), query), speaker.say("set_count", w=text))
    return Draft(query, speaker.ask(text))


def _side(
    speaker: Speaker, table: str, columns: tuple[Expr, ...], shares: tuple[float, ...]
) -> Part | None:
    """Draw one side of a set operation; its words stand at the noun, "" only for all rows."""
    column = columns[0]
    if speaker.chance(0.12) and shares[0] == 0 and len(columns) == 1 and isinstance(column, Col):
        return _repeated(speaker, table, column)
    part = narrow(speaker, table, shares, kinds=SIDES)
    return part if part.words or shares[0] else None


def _repeated(speaker: Speaker, table: str, column: Col) -> Part:
    """Values that so many rows have, or whose rows have such an aggregate."""
    known = [f for f in speaker.numbers(table) if f.values and f.col != column]
    if known and speaker.chance(0.45):
        having, said = measured(speaker, speaker.random.choice(known))
        name = speaker.column(speaker.world.field_of(column))
        text = speaker.say("repeated_measure", measure=said, n=name)
    else:
        having, words = amount(speaker)
        text = speaker.say("repeated", amount=words)
    return Part(speaker.behind(text), group=(column,), having=having)


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
    first, second = (narrow(speaker, col.table, (0.72, 0.28), kinds=OWN) for col in (one, other))
    right = second.over(Query((other,), other.table))
    query = first.over(Query((one,), one.table, then=(operator, right)))
    words = {"first": first.words, "second": second.words}
    return Draft(query, speaker.ask(speaker.say(key, **words, **places)))


FAMILIES: dict[Family, float] = {
    sets: 28,
    shared_columns: 2,
}
