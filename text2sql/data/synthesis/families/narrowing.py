"""What narrows the rows of a table: conditions, relations, comparisons with other rows, counts.

    >>> part = narrow(speaker, "singer", (0, 0, 1))
    >>> part.words
    ' that play in bands from Rome and whose age is above the average'
    >>> part.joins, part.where
    ((Join('band', ...),), Junction('and', (Compare(...), Compare(...))))

Every kind of narrowing is worded by itself, as people set it behind a noun (English) or in front of
one (Chinese), so that any of them may stand together, and in any question that speaks of rows.

Covered: conditions on own columns and on those of tables up to four joins away, OR, two-sided
ranges, two columns compared, nested comparisons with an aggregate, with a named row or with the
most frequent value, IN and NOT IN with joins, groups and set operations inside, EXISTS, groups of
related rows.
Not covered: more than one group.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from text2sql.data.synthesis import relating
from text2sql.data.synthesis.families.contrasts import contrast
from text2sql.data.synthesis.families.counting import condition_on, numerous
from text2sql.data.synthesis.families.joins import places_of
from text2sql.data.synthesis.families.merging import Part, clause, compared, merged, repeats
from text2sql.data.synthesis.families.owning import (
    contains,
    either,
    ends,
    own,
    places_of_column,
    shared,
    twins,
)
from text2sql.data.synthesis.families.parts import COUNT, Path, joint, path
from text2sql.data.synthesis.families.routing import joining, relation
from text2sql.data.synthesis.grammar import plain
from text2sql.data.synthesis.queries import Bool, Call, Col, Compare, Junction, Key, Lit, Query
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Link

Narrowing = Callable[[Speaker, str, frozenset[str]], Part | None]
Shares = Sequence[float]
PLAIN = 0.38  # people seldom mix kinds


def narrow(
    speaker: Speaker,
    table: str,
    shares: Shares,
    *,
    kinds: "Mapping[Narrowing, float] | None" = None,
    taken: frozenset[str] = frozenset(),
    alone: float = PLAIN,
) -> Part:
    """Draw so many kinds of narrowing, joined by AND, seldom by OR.

    Args:
        table: whose rows are narrowed.
        shares: weights of none, one, two, ... kinds.
        kinds: with their weights; None means all that do not group.
        taken: tables that joins must not lead to.
        alone: share of rows that nothing but their own columns narrows.

    Returns:
        One part, its words as they stand at the noun (`Speaker.behind`); no words where nothing
        narrows.
    """
    drawn = OWN if kinds is not OWN and speaker.chance(alone) else kinds or KINDS
    number = speaker.random.choices(range(len(shares)), shares)[0]
    parts: list[Part] = []
    taken |= {table}
    for kind in speaker.random.choices(list(drawn), list(drawn.values()), k=number):
        kind = shared if kind is own and number > 1 else kind
        part = kind(speaker, table, taken)
        if part is not None and not repeats(part, parts):
            parts.append(part)
            taken |= {join.table for join in part.joins}
    return merged(speaker, parts)


# --- nested comparisons --------------------------------------------------------------------------


def against(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """A number compared with an aggregate of all rows, or of some."""
    known = speaker.numbers(table)
    if not known:
        return None
    field = speaker.random.choice(known)
    name = speaker.random.choices(("avg", "max", "min"), (5, 3, 2))[0]
    inner = _some(speaker, table, (0.52, 0.42, 0.06))
    query = inner.over(Query((Call(name, field.col),), table))
    things = speaker.thing(table)
    if name != "avg" and speaker.chance(0.45):
        words = speaker.say(
            "at_extreme_of", max=speaker.say(name), things=things, inner=inner.words,
            **places_of_column(speaker, field),
        )  # fmt: skip
        return Part(words, Compare(field.col, "=", query))
    above = speaker.chance({"min": 1, "avg": 0.62, "max": 0}[name])
    if name != "avg" and inner.where is not None and speaker.chance(0.4):
        above = not above  # beyond all of some rows
    operator = ">" if above else "<"
    if name == "avg" and speaker.chance(0.12):
        operator += "="
    key = {">": "above_v", "<": "below_v", ">=": "not_below_v", "<=": "not_above_v"}[operator]
    words = speaker.say(
        "against_some", n=speaker.column(field), agg=speaker.say(name), things=things,
        cmp=speaker.say(key, v="").strip(), inner=inner.words,
    )  # fmt: skip
    return Part(clause(speaker, words), Compare(field.col, operator, query))


def _some(speaker: Speaker, table: str, shares: Shares) -> Part:
    """Draw what narrows the rows of an inner query: seldom by a join."""
    return narrow(speaker, table, shares, kinds=INNER)


def commonest(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """The value that most rows have, or the fewest."""
    if not (known := speaker.groups(table)):
        return None
    field, most = speaker.random.choice(known), speaker.chance(0.85)
    common = speaker.say("common" if most else "rare")
    inner = Query((field.col,), table, group=(field.col,), order=(Key(COUNT, most),), limit=1)
    if speaker.chance(0.15):
        some = narrow(speaker, table, (0, 1), kinds={own: 1})
        if field.col in compared(some):
            return None
        words = speaker.say(
            "commonest_of", common=common, things=speaker.thing(table), inner=some.words,
            **places_of_column(speaker, field),
        )  # fmt: skip
        return Part(words, Compare(field.col, "=", some.over(inner)))
    key, operator = ("the_commonest", "=") if speaker.chance(0.85) else ("not_commonest", "<>")
    words = speaker.say(key, n=speaker.column(field), common=common)
    return Part(clause(speaker, words), Compare(field.col, operator, inner))


def same(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """What one named row has, or more or less of it."""
    naming = speaker.naming(table)
    if naming is None or len(naming.values) != speaker.world.rows.get(table):
        return None
    others = [f for f in speaker.fields(table) if f is not naming and f.kind.name != "flag"]
    if not others:
        return None
    field, value = speaker.random.choice(others), speaker.random.choice(naming.values)
    key, operator = "same_as", "="
    if field.numeric and not field.kind.calendar and speaker.chance(0.6):
        key, operator = speaker.random.choice((("more_than_of", ">"), ("less_than_of", "<")))
    named = Compare(naming.col, "=", Lit(value))
    words = speaker.say(key, v=speaker.value(naming, value), **places_of_column(speaker, field))
    where: Bool = Compare(field.col, operator, Query((field.col,), table, where=named))
    if operator == "=" and speaker.chance(0.3):
        words += speaker.say("but_itself")
        where = Junction("and", (where, Compare(naming.col, "<>", Lit(value))))
    return Part(words, where)


def best(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """What the first row of an order has."""
    known = [f for f in speaker.fields(table) if f.numeric or f.kind.moment]
    others = speaker.groups(table)
    if not known or not others:
        return None
    field, held = speaker.random.choice(known), speaker.random.choice(others)
    most = speaker.chance(0.7)
    if held is field:
        return None
    first = speaker.superlative(field, most, speaker.thing(table, False))
    inner = Query((held.col,), table, order=(Key(field.col, most),), limit=1)
    words = speaker.say("same_as_best", superlative=first, **places_of_column(speaker, held))
    return Part(words, Compare(held.col, "=", inner))


# --- other tables --------------------------------------------------------------------------------


def related(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """Rows that belong to rows of another table, up to four joins away."""
    return _through(speaker, path(speaker, (50, 33, 12, 5), table), taken)


def linked(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """Rows that belong to any row of another table."""
    route = path(speaker, (68, 32), table)
    if route is None or taken & set(route.tables[1:]):
        return None
    return joining(route, relation(speaker, route, {}), None)


def belonging(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """Rows that belong to one row of another table: none of them is joined twice."""
    return _through(speaker, path(speaker, (52, 36, 12), table, forward=True), taken)


def _through(speaker: Speaker, route: Path | None, taken: frozenset[str]) -> Part | None:
    if route is None or taken & set(route.tables[1:]):
        return None
    inner = narrow(speaker, route.target, (0.16, 0.58, 0.21, 0.05), kinds=FAR, alone=0.3)
    where, words = inner.where, {}
    if inner.words:
        words[route.target] = clause(speaker, inner.words)
    if len(route.tables) > 2 and where is not None and speaker.english and speaker.chance(0.22):
        between = speaker.condition(route.tables[1])
        if between is not None:
            words[route.tables[1]] = between[1]
            said = relating.related(speaker, route, words)
            return joining(route, said, joint(between[0], where))
    return joining(route, relation(speaker, route, words), where)


def among(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """Rows whose key is, or is not, among the rows of another table."""
    links = [k for k in speaker.world.links if table in (k.child.table, k.parent.table)]
    links = [k for k in links if k.child.table != k.parent.table]
    if not links:
        return None
    link = speaker.random.choice(links)
    down = link.child.table == table
    key, foreign = (link.child, link.parent) if down else (link.parent, link.child)
    draw, negated = speaker.random.random(), speaker.chance(0.6)
    if not down and draw < 0.2 and (found := _both(speaker, key, foreign, negated)) is not None:
        return found
    if not down and draw > 0.86:
        return _numbered(speaker, link, negated)
    return _those(speaker, Path((table, foreign.table), (link,), (down,)), negated)


def _those(speaker: Speaker, route: Path, negated: bool) -> Part | None:
    """Rows that do, or do not, belong to some rows of another table."""
    table, other = route.tables
    link, down = route.links[0], route.forward[0]
    key, foreign = (link.child, link.parent) if down else (link.parent, link.child)
    inner = narrow(
        speaker,
        other,
        (0 if down else 0.3, 0.58, 0.12),
        kinds=AMONG,
        taken=frozenset((table,)),
        alone=0.2,
    )
    if down and not inner.words:
        return None
    places = places_of(speaker, table, other, route.verb(speaker)) | {"inner": inner.words}
    word = f"{'not_' if negated else ''}{'of_those' if down else 'in_those'}"
    if negated and speaker.chance(0.5):
        word = "not_belonging" if down else "not_those"
    words = clause(speaker, speaker.say(word, **places))
    if not negated and not down and inner.where is None and speaker.chance(0.3):
        query = Query((foreign,), other, where=Compare(foreign, "=", key))
        return Part(words, Compare(None, "exists", query))
    query = inner.over(Query((foreign,), other, speaker.chance(0.1)))
    return Part(words, Compare(key, "not in" if negated else "in", query))


def _numbered(speaker: Speaker, link: Link, negated: bool) -> Part:
    """Rows that so many rows of another table belong to, or the most, told by their key alone."""
    key, foreign = link.parent, link.child
    rows = Query((foreign,), foreign.table, group=(foreign,))
    if not negated and speaker.chance(0.5):
        most = speaker.chance(0.8)
        many = speaker.say("many" if most else "fewest")
        places = {"bs": speaker.thing(foreign.table), "who": speaker.who(key.table)}
        query = replace(rows, order=(Key(COUNT, most),), limit=1)
        operator = "in" if speaker.chance(0.5) else "="
        return Part(speaker.say("with_most", many=many, **places), Compare(key, operator, query))
    route = Path((key.table, foreign.table), (link,), (False,))
    having, words = condition_on(speaker, route, negated=negated)
    return Part(words, Compare(key, "not in" if negated else "in", replace(rows, having=having)))


def _both(speaker: Speaker, key: Col, foreign: Col, negated: bool) -> Part | None:
    """Rows that belong to rows of two kinds, to one of them only, or to none."""
    table = foreign.table
    sides = contrast(speaker, table) if speaker.chance(0.5) else None
    if sides is None:
        found = [speaker.condition(table, equal=True) for _ in range(2)]
        if found[0] is None or found[1] is None or found[0][0] == found[1][0]:
            return None
        sides = Part(plain(found[0][1]), found[0][0]), Part(plain(found[1][1]), found[1][0])
    one, other = (side.over(Query((foreign,), table)) for side in sides)
    operator, word = speaker.random.choice((("intersect", "in_both"), ("except", "in_one")))
    if negated:
        operator, word = "union", "in_none"
    words = speaker.say(
        word, bs=speaker.thing(table), who=speaker.who(key.table),
        first=clause(speaker, sides[0].words), second=clause(speaker, sides[1].words),
    )  # fmt: skip
    sign = "not in" if negated else "in"
    if operator != "except" and speaker.chance(0.35):  # each side by itself
        apart = (Compare(key, sign, one), Compare(key, sign, other))
        return Part(words, Junction("and", apart))
    return Part(words, Compare(key, sign, replace(one, then=(operator, other))))


OWN: dict[Narrowing, float] = {own: 30, either: 4, ends: 1, contains: 0.5, against: 1}
INNER: dict[Narrowing, float] = {own: 12, related: 5, either: 0.8}
AMONG: dict[Narrowing, float] = {own: 11, related: 14, either: 1, ends: 0.5, against: 0.8}
FAR: dict[Narrowing, float] = {  # what narrows rows of another table
    own: 24,
    either: 4.5,
    ends: 1.5,
    contains: 0.4,
    against: 6,
    among: 5,
    best: 2.2,
    commonest: 2,
    same: 0.6,
}
KINDS: dict[Narrowing, float] = {
    own: 40,
    related: 26,
    against: 6,
    among: 17,
    either: 3,
    ends: 3,
    commonest: 3,
    same: 3,
    contains: 1.5,
    twins: 1.5,
    best: 1.5,
}
GROUPING: dict[Narrowing, float] = {**KINDS, numerous: 30}
SIDES: dict[Narrowing, float] = {  # of a set operation, which is long enough as it is
    own: 36,
    related: 42,
    linked: 9,
    numerous: 10,
    against: 3,
    among: 3,
    either: 2,
}
COUNTED: dict[Narrowing, float] = {**KINDS, related: 5, belonging: 34}
