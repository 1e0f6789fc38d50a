"""Conditions on a table's own columns, one kind of narrowing each.

    >>> ends(speaker, "singer", frozenset()).words
    'whose age is at least 20 and no more than 40'

Covered: one condition, one of two, a number between two ends or outside them, a text with one of
two words, two columns compared.
"""

from text2sql.data.synthesis.families.merging import Part, joined
from text2sql.data.synthesis.grammar import is_plural
from text2sql.data.synthesis.queries import Arithmetic, Compare, Junction, Lit, Pattern
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field


def own(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """A condition on a column."""
    found = speaker.condition(table, equal=speaker.chance(0.6))
    return Part(found[1], found[0]) if found else None


def shared(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """A condition that several rows fulfil, for beside others."""
    found = speaker.condition(table, equal=speaker.chance(0.65), shared=True)
    return Part(found[1], found[0]) if found else None


def either(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """One of two conditions."""
    equal = speaker.chance(0.55)
    first = speaker.condition(table, equal=equal, shared=True)
    second = speaker.beside(table, first[0], "or", equal=equal) if first else None
    if first is None or second is None:
        return None
    text = joined(speaker, (first[1], second[1]), "or")
    return Part(text, Junction("or", (first[0], second[0])))


def ends(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """A number between two ends, or outside them."""
    known = [f for f in speaker.fields(table) if f.numeric and len(f.values) > 2]
    if not known:
        return None
    field = speaker.random.choice(known)
    low, high = sorted(v for v in speaker.random.sample(field.values, 2) if not isinstance(v, str))
    inside = speaker.chance(0.5)
    operators, values, key = (">=", "<="), [low, high], "inside"
    if not inside:
        operators, key = ("<", ">"), "outside"
    if not inside and speaker.chance(0.5):
        operators, values, key = (">", "<"), [high, low], "outside_turned"
    words = speaker.say(
        key,
        v=speaker.value(field, values[0]),
        w=speaker.value(field, values[1]),
        **places_of_column(speaker, field),
    )
    sides = [Compare(field.col, op, Lit(v)) for op, v in zip(operators, values, strict=True)]
    return Part(words, Junction("and" if inside else "or", tuple(sides)))


def places_of_column(speaker: Speaker, field: Field) -> dict[str, str]:
    """Return the places of a template for a column, its article and its verb."""
    name = speaker.column(field)
    several = speaker.english and is_plural(name)
    return {
        "n": name,
        "a": "" if several else "a ",
        "verb_be": "are" if several else "is",
        "who": speaker.who(field.col.table),
    }


def contains(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """A text that contains one of two words."""
    known = [f for f in speaker.fields(table) if len(f.values) > 2 and isinstance(f.values[0], str)]
    if not known:
        return None
    field = speaker.random.choice(known)
    words = [str(value).split()[0] for value in speaker.random.sample(field.values, 2)]
    if words[0] == words[1] or min(map(len, words)) < 2:
        return None
    v, w = (speaker.say("quoted", v=word) for word in words)
    sides = tuple(Compare(field.col, "like", Pattern(word)) for word in words)
    text = speaker.say("contains_either", n=speaker.column(field), v=v, w=w)
    return Part(text, Junction("or", sides))


def twins(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """Two columns of one kind, compared."""
    drawn = pair_of_kind(speaker, table)
    if drawn is None:
        return None
    one, other = drawn
    parts = {**places_of_column(speaker, one), "m": speaker.column(other)}
    if one.kind.calendar or speaker.chance(0.7):
        manner = "_moment" if one.kind.calendar else ""
        key, operator = speaker.random.choice((("twins_more", ">"), ("twins_less", "<")))
        return Part(speaker.say(key + manner, **parts), Compare(one.col, operator, other.col))
    value = _rounded(speaker, one)
    condition = Compare(Arithmetic(one.col, "-", other.col), ">", Lit(value))
    return Part(speaker.say("twins_by", v=speaker.number(value), **parts), condition)


def _rounded(speaker: Speaker, field: Field) -> int:
    found = [abs(v) for v in field.values if not isinstance(v, str)]
    return int(float(f"{max(found, default=1) * speaker.random.random() / 2:.1g}"))


def pair_of_kind(speaker: Speaker, table: str) -> tuple[Field, Field] | None:
    """Draw two numeric or two temporal columns of one kind."""
    known = [f for f in speaker.fields(table) if f.numeric or f.kind.calendar]
    pairs = [(a, b) for a in known for b in known if a is not b and a.kind is b.kind]
    return speaker.random.choice(pairs) if pairs else None


def worded(speaker: Speaker, key: str, field: Field, value: str | int | float) -> str:
    """Word a comparison of a column with a value: key is `more`, `less` or `equal`."""
    if field.kind.calendar and key != "equal":
        key += "_moment"
    return speaker.say(key, v=speaker.value(field, value), **places_of_column(speaker, field))
