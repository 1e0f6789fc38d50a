"""Two selections of one table's rows that differ in what the same columns hold.

    >>> one, other = contrast(speaker, "student")
    >>> one.words, other.words
    (' taking the course Biology in 2019', ' taking the course Physics in 2020')

So people set things against each other: above and below, one value and another, few and many.
"""

from collections.abc import Sequence
from dataclasses import replace

from text2sql.data.synthesis.families.counting import children, numbered
from text2sql.data.synthesis.families.merging import Part, together
from text2sql.data.synthesis.families.owning import worded
from text2sql.data.synthesis.families.parts import path
from text2sql.data.synthesis.families.routing import beyond
from text2sql.data.synthesis.queries import Compare, Expr, Lit
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
