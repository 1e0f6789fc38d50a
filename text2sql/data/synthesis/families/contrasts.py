"""Two selections of one table's rows that differ in what the same columns hold.

    >>> one, other = contrast(speaker, "student")
    >>> one.words, other.words
    (' taking the course Biology in 2019', ' taking the course Physics in 2020')

So people set things against each other: above and below, one value and another, few and many.
"""

from collections.abc import Sequence
from dataclasses import replace

from text2sql.data.synthesis.families.counting import children, numbered
from text2sql.data.synthesis.families.merging import Part, clause, together
from text2sql.data.synthesis.families.owning import worded
from text2sql.data.synthesis.families.parts import path
from text2sql.data.synthesis.families.routing import beyond, joining, relation
from text2sql.data.synthesis.queries import Call, Compare, Expr, Lit, Query
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field

Sides = tuple[Part, Part]


def contrast(
    speaker: Speaker, table: str, *, shown: Sequence[Expr] = (), counted: bool = False
) -> Sides | None:
    """Draw two sides, on the table itself or on one that it is joined with.

    Args:
        speaker: words them.
        table: whose rows are told apart.
        shown: columns that tell nothing: one's own name is no name in common.
        counted: at times, by how many rows of another table belong to a row.
    """
    if counted and speaker.chance(0.12):
        return _by_number(speaker, table)
    route = path(speaker, (66, 25, 9), table) if speaker.chance(0.5) else None
    target = route.target if route else table
    known = [f for f in speaker.fields(target) if len(f.values) > 1 and f.kind.name != "flag"]
    known = [f for f in known if f.col not in shown]
    if not known:
        return None
    fields = speaker.random.sample(known, min(len(known), 2 if speaker.chance(0.34) else 1))
    sides = [_two_values(speaker, field, same=place > 0) for place, field in enumerate(fields)]
    if fields[0].numeric and not fields[0].kind.calendar and speaker.chance(0.12):
        sides = [_about_average(speaker, fields[0])]
    one, other = (together(speaker, parts) for parts in zip(*sides, strict=True))
    if route is None:
        return one, other
    return beyond(speaker, route, one), beyond(speaker, route, other)


def _two_values(speaker: Speaker, field: Field, *, same: bool) -> list[Part]:
    """Draw two conditions on a column; `same` lets them be one at times."""
    low, high = sorted(speaker.random.sample(field.values, 2), key=lambda v: (str(type(v)), v))
    said = [("equal", "=", low), ("equal", "=", high)]
    if field.numeric and speaker.chance(0.75):
        said = [("more", ">", high), ("less", "<", low)]
        if same and speaker.chance(0.4):
            said = [("more", ">", low), ("more", ">", high)]
    if speaker.chance(0.5):
        said.reverse()
    if same and speaker.chance(0.4):
        said = [said[0], said[0]]
    return [
        Part(worded(speaker, key, field, value), Compare(field.col, sign, Lit(value)))
        for key, sign, value in said
    ]


def _about_average(speaker: Speaker, field: Field) -> list[Part]:
    """Return what lies above the average of a column and what lies below it, in either order."""
    table = field.col.table
    average = Query((Call("avg", field.col),), table)
    signs = [(">", "above_v"), ("<", "below_v")]
    speaker.random.shuffle(signs)
    return [
        Part(
            clause(
                speaker,
                speaker.say(
                    "against_some", n=speaker.column(field), agg=speaker.say("avg"), inner="",
                    cmp=speaker.say(key, v="").strip(), things=speaker.thing(table),
                ),
            ),
            Compare(field.col, sign, average),
        )
        for sign, key in signs
    ]  # fmt: skip


def linked_or_not(speaker: Speaker, table: str) -> Sides | None:
    """Draw rows that belong to any row of another table, and those that belong to such ones."""
    route = path(speaker, (58, 34, 8), table)
    found = speaker.condition(route.target, equal=speaker.chance(0.7)) if route else None
    if route is None or found is None:
        return None
    any_row = joining(route, relation(speaker, route, {}), None)
    return replace(any_row, words=speaker.behind(any_row.words)), beyond(
        speaker, route, Part(found[1], found[0])
    )


def _by_number(speaker: Speaker, table: str) -> Sides | None:
    """Draw two numbers, or measures, of the rows that belong to a row."""
    route = children(speaker, table, frozenset((table,)))
    if route is None:
        return None
    one, other = (numbered(speaker, route, few=True) for _ in range(2))
    if one.having == other.having:
        return None
    first, second = speaker.behind(one.words), speaker.behind(other.words)
    return replace(one, words=first), replace(other, words=second)
