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
most frequent value, IN and NOT IN with set operations inside, EXISTS, groups of related rows.
Not covered: more than one group.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from text2sql.data.synthesis import relating
from text2sql.data.synthesis.families.joins import places_of
from text2sql.data.synthesis.families.parts import (
    COUNT,
    Path,
    aggregate_words,
    amount,
    fitting,
    joint,
    path,
)
from text2sql.data.synthesis.grammar import is_modifier, is_plural, plain, with_link
from text2sql.data.synthesis.queries import (
    Arithmetic,
    Bool,
    Call,
    Col,
    Compare,
    Expr,
    Join,
    Junction,
    Key,
    Lit,
    Pattern,
    Query,
)
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field, Link


@dataclass(frozen=True, slots=True)
class Part:
    """What narrows rows, and its words: without a blank before or 的 behind them."""

    words: str
    where: Bool | None = None
    joins: tuple[Join, ...] = ()
    group: tuple[Expr, ...] = ()
    having: Bool | None = None
    repeats: bool = False  # joins may give a row several times: what is counted then is wrong

    def over(self, query: Query) -> Query:
        """Return a query of the rows that are left."""
        return replace(
            query,
            joins=(*query.joins, *self.joins),
            where=joint(query.where, self.where),
            group=query.group or self.group,
            having=joint(query.having, self.having),
        )


Narrowing = Callable[[Speaker, str, frozenset[str]], Part | None]
Shares = Sequence[float]


def narrow(
    speaker: Speaker,
    table: str,
    shares: Shares,
    *,
    kinds: "Mapping[Narrowing, float] | None" = None,
    taken: frozenset[str] = frozenset(),
) -> Part:
    """Draw so many kinds of narrowing, joined by AND, seldom by OR.

    Args:
        table: whose rows are narrowed.
        shares: weights of none, one, two, ... kinds.
        kinds: with their weights; None means all that do not group.
        taken: tables that joins must not lead to.

    Returns:
        One part, its words as they stand at the noun (`Speaker.behind`); no words where nothing
        narrows.
    """
    drawn = OWN if kinds is not OWN and speaker.chance(PLAIN) else kinds or KINDS
    number = speaker.random.choices(range(len(shares)), shares)[0]
    parts: list[Part] = []
    taken |= {table}
    for kind in speaker.random.choices(list(drawn), list(drawn.values()), k=number):
        part = kind(speaker, table, taken)
        if part is not None and not _repeats(part, parts):
            parts.append(part)
            taken |= {join.table for join in part.joins}
    return _merged(speaker, parts)


def _repeats(part: Part, parts: Sequence[Part]) -> bool:
    """Tell whether a part says what another one says, or groups where another one does."""
    columns = _columns(part)
    alike = any(columns & _columns(other) for other in parts)
    counts = [p for p in (part, *parts) if p.group or p.repeats]
    return alike or (len(counts) > 1 and any(p.group for p in counts))


def _columns(part: Part) -> frozenset[Col]:
    """Return the columns that a part's conditions begin with."""
    conditions = part.where.parts if isinstance(part.where, Junction) else (part.where,)
    compared = (one.left for one in conditions if isinstance(one, Compare))
    return frozenset(left for left in compared if isinstance(left, Col))


def _merged(speaker: Speaker, parts: Sequence[Part]) -> Part:
    if not parts:
        return Part("")
    plain = all(isinstance(p.where, Compare) and not p.joins and not p.group for p in parts)
    operator = "or" if len(parts) == 2 and plain and speaker.chance(0.22) else "and"
    wheres = [part.where for part in parts if part.where is not None]
    where = Junction("or", tuple(wheres)) if operator == "or" else joint(*wheres)
    return Part(
        speaker.behind(_joined(speaker, [part.words for part in parts], operator)),
        where,
        tuple(join for part in parts for join in part.joins),
        next((part.group for part in parts if part.group), ()),
        joint(*(part.having for part in parts)),
        any(part.repeats for part in parts),
    )


def _joined(speaker: Speaker, words: Sequence[str], operator: str) -> str:
    """Join the words of parts; one that may stand before the noun comes first."""
    if len(words) == 1:
        return words[0]
    link = speaker.say("together" if operator == "and" else "or")
    if operator == "or":
        return speaker.say("either") + link.join(map(plain, words))
    first, *rest = sorted(words, key=is_modifier, reverse=True)
    behind = link.join(map(plain, rest))
    return with_link(first, link) + behind if is_modifier(first) else plain(first) + link + behind


def clause(speaker: Speaker, text: str) -> str:
    """Return words that stand at a noun without their blank or particle."""
    return text.strip() if speaker.english else text.removesuffix("的")


# --- a table's own columns -----------------------------------------------------------------------


def own(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """A condition on a column."""
    found = speaker.condition(table, equal=speaker.chance(0.55))
    return Part(found[1], found[0]) if found else None


def either(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """One of two conditions."""
    first = speaker.condition(table, equal=speaker.chance(0.6))
    second = speaker.condition(table, equal=speaker.chance(0.6))
    if first is None or second is None or first[0] == second[0]:
        return None
    text = _joined(speaker, (first[1], second[1]), "or")
    return Part(text, Junction("or", (first[0], second[0])))


def ends(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """A number between two ends, or outside them."""
    known = [f for f in speaker.fields(table) if f.numeric and len(f.values) > 2]
    if not known:
        return None
    field = speaker.random.choice(known)
    low, high = sorted(v for v in speaker.random.sample(field.values, 2) if not isinstance(v, str))
    inside = speaker.chance(0.5)
    words = speaker.say(
        "inside" if inside else "outside",
        v=speaker.value(field, low), w=speaker.value(field, high), **_named(speaker, field),
    )  # fmt: skip
    operators = (">=", "<=") if inside else ("<", ">")
    sides = [Compare(field.col, op, Lit(v)) for op, v in zip(operators, (low, high), strict=True)]
    return Part(words, Junction("and" if inside else "or", tuple(sides)))


def _named(speaker: Speaker, field: Field) -> dict[str, str]:
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
    parts = {**_named(speaker, one), "m": speaker.column(other)}
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


# --- nested comparisons --------------------------------------------------------------------------


def against(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """A number compared with an aggregate of all rows, or of some."""
    known = speaker.numbers(table)
    if not known:
        return None
    field = speaker.random.choice(known)
    name = speaker.random.choices(("avg", "max", "min"), (5, 3, 2))[0]
    inner = _some(speaker, table, (0.45, 0.45, 0.1))
    query = inner.over(Query((Call(name, field.col),), table))
    things = speaker.thing(table)
    if name != "avg" and speaker.chance(0.45):
        words = speaker.say(
            "at_extreme_of", max=speaker.say(name), things=things, inner=inner.words,
            **_named(speaker, field),
        )  # fmt: skip
        return Part(words, Compare(field.col, "=", query))
    above = name == "min" or (name == "avg" and speaker.chance(0.62))
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
        words = speaker.say(
            "commonest_of", common=common, things=speaker.thing(table), inner=some.words,
            **_named(speaker, field),
        )  # fmt: skip
        return Part(words, Compare(field.col, "=", some.over(inner)))
    words = speaker.say("the_commonest", n=speaker.column(field), common=common)
    return Part(clause(speaker, words), Compare(field.col, "=", inner))


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
    words = speaker.say(key, v=speaker.value(naming, value), **_named(speaker, field))
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
    field, shared = speaker.random.choice(known), speaker.random.choice(others)
    most = speaker.chance(0.7)
    if shared is field:
        return None
    first = speaker.superlative(field, most, speaker.thing(table, False))
    inner = Query((shared.col,), table, order=(Key(field.col, most),), limit=1)
    words = speaker.say("same_as_best", superlative=first, **_named(speaker, shared))
    return Part(words, Compare(shared.col, "=", inner))


# --- other tables --------------------------------------------------------------------------------


def related(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """Rows that belong to rows of another table, up to four joins away."""
    return _through(speaker, path(speaker, (50, 34, 11, 5), table), taken)


def belonging(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """Rows that belong to one row of another table: none of them is joined twice."""
    return _through(speaker, path(speaker, (52, 36, 12), table, forward=True), taken)


def _through(speaker: Speaker, route: Path | None, taken: frozenset[str]) -> Part | None:
    if route is None or taken & set(route.tables[1:]):
        return None
    inner = narrow(speaker, route.target, (0.2, 0.58, 0.18, 0.04), kinds=OWN)
    where, words = inner.where, {}
    if inner.words:
        words[route.target] = clause(speaker, inner.words)
    if len(route.tables) > 2 and where is not None and speaker.english and speaker.chance(0.15):
        between = speaker.condition(route.tables[1])
        if between is not None:
            words[route.tables[1]] = between[1]
            said = relating.related(speaker, route, words)
            return _joining(route, said, joint(between[0], where))
    return _joining(route, _relation(speaker, route, words), where)


def beyond(speaker: Speaker, route: Path, inner: Part) -> Part:
    """Return what narrows the far end of a path as what narrows its beginning."""
    words = {route.target: clause(speaker, inner.words)}
    part = _joining(route, _relation(speaker, route, words), inner.where)
    return replace(part, words=speaker.behind(part.words))


def worded(speaker: Speaker, key: str, field: Field, value: str | int | float) -> str:
    """Word a comparison of a column with a value: key is `more`, `less` or `equal`."""
    if field.kind.calendar and key != "equal":
        key += "_moment"
    return speaker.say(key, v=speaker.value(field, value), **_named(speaker, field))


def _joining(route: Path, words: str, where: Bool | None) -> Part:
    return Part(words, where, route.source()[1], repeats=not all(route.forward))


def _relation(speaker: Speaker, route: Path, words: Mapping[str, str]) -> str:
    if speaker.english and speaker.chance(0.88):
        return relating.related(speaker, route, words)
    places = places_of(speaker, route.tables[0], route.target, route.verb(speaker))
    inner = words.get(route.target, "")
    parts = {key: places[key] for key in ("verb", "bs", "b", "who")}
    return (
        speaker.say("rel", inner=speaker.behind(inner), **parts)
        if inner
        else (speaker.say("rel_any", **parts))
    )


def _children(speaker: Speaker, table: str, taken: frozenset[str]) -> Link | None:
    links = speaker.world.links
    known = [k for k in links if k.parent.table == table and k.child.table not in taken]
    return speaker.random.choice(known) if known else None


def numerous(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """Rows with so many rows of another table, or with such an aggregate of them."""
    link = _children(speaker, table, taken)
    if link is None:
        return None
    child = link.child.table
    join = Join(child, ((link.parent, link.child),))
    numbers = [f for f in speaker.numbers(child) if f.values]
    places = {"bs": speaker.thing(child), "who": speaker.who(table)}
    if numbers and speaker.chance(0.3):
        having, words = measured(speaker, speaker.random.choice(numbers))
        said = speaker.say("numerous_measure", measure=words, **places)
    else:
        having, words = amount(speaker, few=speaker.chance(0.1))
        said = speaker.say("numerous", amount=words, **places)
    return Part(said, None, (join,), (link.parent,), having)


def measured(speaker: Speaker, field: Field) -> tuple[Compare, str]:
    """Draw a condition on an aggregate of a column, and its words."""
    name = speaker.random.choice(fitting(field))
    above, value = speaker.chance(0.6), speaker.random.choice(field.values)
    operator = speaker.random.choice((">", ">", ">=") if above else ("<", "<", "<="))
    key = {">": "above_v", "<": "below_v", ">=": "not_below_v", "<=": "not_above_v"}[operator]
    words = f"{aggregate_words(speaker, name, field)}{' ' if speaker.english else ''}"
    words += speaker.say(key, v=speaker.value(field, value))
    return Compare(Call(name, field.col), operator, Lit(value)), words


def among(speaker: Speaker, table: str, taken: frozenset[str]) -> Part | None:
    """Rows whose key is, or is not, among the rows of another table."""
    links = [k for k in speaker.world.links if table in (k.child.table, k.parent.table)]
    links = [k for k in links if k.child.table != k.parent.table]
    if not links:
        return None
    link = speaker.random.choice(links)
    key, foreign = (
        (link.parent, link.child) if link.parent.table == table else (link.child, link.parent)
    )
    negated = speaker.chance(0.6)
    operator, word = ("not in", "not_in_those") if negated else ("in", "in_those")
    who = speaker.who(table)
    found = _two(speaker, foreign, negated, who) if speaker.chance(0.12) else None
    if found is not None:
        return Part(found[1], Compare(key, operator, found[0]))
    inside = frozenset((table,))
    inner = narrow(speaker, foreign.table, (0.26, 0.6, 0.14), kinds=INNER, taken=inside)
    bs = speaker.thing(foreign.table)
    words = clause(speaker, speaker.say(word, bs=bs, inner=inner.words, who=who))
    if not negated and key == link.parent and inner.where is None and speaker.chance(0.3):
        query = Query((foreign,), foreign.table, where=Compare(foreign, "=", key))
        return Part(words, Compare(None, "exists", query))
    distinct = speaker.chance(0.1)
    query = inner.over(Query((foreign,), foreign.table, distinct))
    return Part(words, Compare(key, operator, query))


def _two(speaker: Speaker, foreign: Col, negated: bool, who: str) -> tuple[Query, str] | None:
    """Draw two sets of rows of another table, their keys in common or one without the other."""
    first = speaker.condition(foreign.table, equal=True)
    second = speaker.condition(foreign.table, equal=True)
    if first is None or second is None or first[0] == second[0]:
        return None
    one, other = plain(first[1]), plain(second[1])
    sides = [Query((foreign,), foreign.table, where=found[0]) for found in (first, second)]
    operator, key = speaker.random.choice((("intersect", "in_both"), ("except", "in_one")))
    if negated:
        operator, key = "union", "in_none"
    words = speaker.say(
        key, bs=speaker.thing(foreign.table), first=one, second=other, who=who
    )  # fmt: skip
    return replace(sides[0], then=(operator, sides[1])), words


PLAIN = 0.38  # share of rows that nothing but their own columns narrows: people seldom mix kinds
OWN: dict[Narrowing, float] = {own: 30, either: 4, ends: 1, contains: 0.5, against: 2}
INNER: dict[Narrowing, float] = {own: 12, related: 5, either: 0.8}
KINDS: dict[Narrowing, float] = {
    own: 40,
    related: 26,
    against: 9,
    among: 11,
    either: 3,
    ends: 3,
    commonest: 3,
    same: 3,
    contains: 1.5,
    twins: 1.5,
    best: 1.5,
}
GROUPING: dict[Narrowing, float] = {**KINDS, numerous: 30}
COUNTED: dict[Narrowing, float] = {**KINDS, related: 5, belonging: 34}
