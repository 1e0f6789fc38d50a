"""What composed questions show: columns of joined tables, terms, measures, orders.

>>> columns_of(speaker, "singer", part)
Shown((Col("singer", "name"), Col("band", "city")), 'name and the city of their band')
"""

from collections.abc import Sequence
from dataclasses import dataclass

from text2sql.data.synthesis.families.merging import Part
from text2sql.data.synthesis.families.owning import pair_of_kind
from text2sql.data.synthesis.families.parts import COUNT, aggregates, any_table, selected
from text2sql.data.synthesis.queries import Arithmetic, Call, Expr, Key
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field

DISTINCT, DISTINCT_JOINED = 0.26, 0.38  # shares: joins give rows several times


@dataclass(frozen=True, slots=True)
class Shown:
    """What is selected, and what it is called."""

    columns: tuple[Expr, ...]
    words: str
    distinct: bool = False


def child_table(speaker: Speaker, share: float) -> str | None:
    """Draw a table, in that share of draws one that belongs to others."""
    children = sorted({link.child.table for link in speaker.world.links})
    if children and speaker.chance(share):
        found = speaker.random.choice(children)
        return found if speaker.fields(found) else None
    return any_table(speaker)


def tables_of(table: str, part: Part) -> tuple[str, ...]:
    """Return a table and those that it is joined with."""
    return (table, *(join.table for join in part.joins))


def columns_of(speaker: Speaker, table: str, part: Part) -> Shown | None:
    """Draw columns of a table, and of those that it is joined with."""
    where = speaker.random.choice(tables_of(table, part)) if speaker.chance(0.15) else table
    shown = selected(speaker, where, speaker.random.choices((None, 5), (99, 1))[0])
    if shown is None:
        return None
    columns: tuple[Expr, ...] = shown[0]
    words = [shown[1] if where == table else of_other(speaker, where, shown[1])]
    others = [other for other in tables_of(table, part) if other != where]
    if others and speaker.chance(0.24):
        other = speaker.random.choice(others)
        more = selected(speaker, other, speaker.random.choice((1, 1, 2)))
        if more is not None:
            columns = (*columns, *more[0])
            words.append(more[1] if other == table else of_other(speaker, other, more[1]))
    pair = pair_of_kind(speaker, table) if speaker.chance(0.1) else None
    if pair is not None and pair[0].numeric:
        value, said = term(speaker, *pair)
        alone = speaker.chance(0.3)
        columns, words = ((value,), [said]) if alone else ((*columns, value), [*words, said])
    distinct = speaker.chance(DISTINCT_JOINED if part.joins else DISTINCT)
    text = speaker.listed(words)
    return Shown(columns, speaker.different(text) if distinct else text, distinct)


def of_other(speaker: Speaker, table: str, words: str) -> str:
    """Say that columns are those of another table."""
    return speaker.say("of_other", what=words, b=speaker.thing(table, False))


def term(speaker: Speaker, one: Field, other: Field) -> tuple[Arithmetic, str]:
    """Return the sum or difference of two columns."""
    operator, key = speaker.random.choice((("-", "minus"), ("+", "plus")))
    words = speaker.say(key, n=speaker.column(one), m=speaker.column(other))
    return Arithmetic(one.col, operator, other.col), words


def first_rows(speaker: Speaker, by: str) -> tuple[int, str]:
    """Draw how many rows of an order are shown."""
    limit = speaker.random.choice((1, 1, 3, 5))
    return limit, by + speaker.say("first_k", k=speaker.number(limit))


def order_of(speaker: Speaker, table: str, part: Part) -> tuple[tuple[Key, ...], str]:
    """Draw an order by one or two columns, or by a sum or difference."""
    where = speaker.random.choice(tables_of(table, part))
    known = speaker.fields(where)
    pair = pair_of_kind(speaker, table) if speaker.chance(0.18) else None
    if pair is not None and pair[0].numeric:
        value, words = term(speaker, *pair)
        descending = speaker.chance(0.6)
        way = "descending" if descending else "ascending"
        return (Key(value, descending),), speaker.say(way, n=words)
    if not known:
        return (), ""
    first = speaker.random.choice(known)
    key, by = speaker.order(first)
    keys = [key]
    others = [field for field in known if field is not first]
    while others and len(keys) < 3 and speaker.chance(0.2):
        following = others.pop(speaker.random.randrange(len(others)))
        descending = speaker.chance(0.25)
        keys.append(Key(following.col, descending))
        by += speaker.say("then_by_desc" if descending else "then_by", n=speaker.column(following))
    return tuple(keys), by


def measures_of(
    speaker: Speaker, table: str, *, rows: float, keys: Sequence[Expr] = ()
) -> tuple[tuple[Expr, ...], str] | None:
    """Draw one to three of: aggregates of numbers, the count of rows, of values, of distinct ones.

    Args:
        rows: share of drawing the count of rows, where it can say something.
        keys: of groups, whose values are not worth counting.
    """
    columns: list[Expr] = []
    words: list[str] = []
    for _ in range(speaker.random.choices((1, 2, 3), (80, 16, 4))[0]):
        draw = speaker.random.random()
        if draw < rows:
            columns.append(COUNT)
            words.append(speaker.say("how_many"))
        elif draw < rows + 0.2 and (
            known := [f for f in speaker.groups(table) if f.col not in keys]
        ):
            field, distinct = speaker.random.choice(known), speaker.chance(0.75)
            key = "number_of" if distinct else "count_known"
            names = speaker.column(field, many=True)
            columns.append(Call("count", field.col, distinct))
            words.append(speaker.say(key, ns=names, distinct=speaker.say("distinct")))
        elif (found := aggregates(speaker, table)) is not None:
            columns += found[0]
            words.append(found[1])
    unique = len(set(columns)) == len(columns) > 0
    return (tuple(columns), speaker.listed(words)) if unique else None
