"""Questions over several tables."""

from text2sql.data.synthesis import grammar, relating
from text2sql.data.synthesis.conditions import Said
from text2sql.data.synthesis.families.counting import condition_on
from text2sql.data.synthesis.families.parts import (
    COUNT,
    Draft,
    Family,
    Path,
    aggregate_words,
    aggregates,
    amount,
    joint,
    named,
    ordered,
    pair,
    path,
    selected,
    things,
)
from text2sql.data.synthesis.queries import (
    Bool,
    Call,
    Compare,
    Expr,
    Join,
    Junction,
    Key,
    Query,
)
from text2sql.data.synthesis.relating import is_bridged
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Link

_BARE = {"having": "", "by": ""}  # places of a group that is neither limited nor ordered


def places_of(speaker: Speaker, first: str, other: str, verb: str = "") -> dict[str, str]:
    said = verb or speaker.say("verb")
    who = speaker.who(first)
    return {
        "who": who,
        "not_verb": grammar.negated(said, past=speaker.chance(0.3)),
        "as": speaker.thing(first),
        "a": speaker.thing(first, False),
        "bs": speaker.thing(other),
        "b": speaker.thing(other, False),
        "verb": grammar.several(said),
        "verb1": said,
        "verbs": grammar.third_person(said),
        "distinct": speaker.say("distinct"),
    }


def joined(query: Query, route: Path) -> Query:
    source, joins = route.source()
    return Query(
        query.select, source, query.distinct, joins, query.where, query.group, query.having,
        query.order, query.limit, query.then,
    )  # fmt: skip


def columns(speaker: Speaker) -> Draft | None:
    """Columns of one table where another one fulfils a condition."""
    route = path(speaker)
    shown = selected(speaker, route.tables[0]) if route else None
    found = speaker.condition(route.target) if route else None
    if route is None or shown is None or found is None:
        return None
    where, places = conditions_on(speaker, route, found)
    order, by = ordered(speaker, route.tables[0], 0.1)
    parts = {"what": shown[1], "by": by, **places}
    distinct = speaker.chance(0.22)
    if distinct:
        parts["what"] = speaker.different(shown[1])
    query = Query(shown[0], "", distinct, where=where, order=order)
    if not distinct and speaker.goes_unsaid(route.tables[0], shown[0]) and speaker.chance(0.25):
        return Draft(joined(query, route), speaker.say("join_which", **parts))
    return Draft(joined(query, route), speaker.ask(speaker.say("join_list", **parts)))


def conditions_on(speaker: Speaker, route: Path, found: Said) -> tuple[Bool | None, dict[str, str]]:
    """Return the condition of a path's end, with others on either end at times, and its words."""
    start, target = route.tables[0], route.target
    said: dict[str, str] = {target: found[1]}
    conditions: dict[str, list[Bool]] = {target: [found[0]], start: []}
    for _ in range(speaker.random.choices((0, 1, 2), (66, 26, 8))[0]):
        table = speaker.random.choice((start, target))
        alone = table == target and len(conditions[target]) == 1
        operator = "or" if alone and speaker.chance(0.35) else "and"
        equal, told = speaker.chance(0.5), [c for c in conditions[table] if isinstance(c, Compare)]
        further = (
            speaker.beside(table, told[0], operator, equal=equal)
            if told
            else speaker.condition(table, equal=equal, shared=True)
        )
        if further is None or (operator == "and" and further[0].left in {c.left for c in told}):
            continue
        words = said.get(table)
        said[table] = speaker.both(words, further[1], operator) if words else further[1]
        conditions[table].append(further[0])
        if operator == "or":
            conditions[target] = [Junction("or", (found[0], further[0]))]
    where = joint(*conditions[target], *conditions[start])
    return where, relation_places(speaker, route, said)


def relation_places(speaker: Speaker, route: Path, words: dict[str, str]) -> dict[str, str]:
    """Return the places of a relation's templates: {rel} in English, {verb} and {inner} in Chinese.

    Args:
        speaker: words it.
        route: from the rows that are asked for to others.
        words: of the conditions on the tables of the route.
    """
    start, target = route.tables[0], route.target
    places = places_of(speaker, start, target, route.verb(speaker))
    if not speaker.english:
        own = f"{speaker.say('and')}{words[start]}" if start in words else ""
        return places | {"inner": speaker.behind(words.get(target, "")), "where": own}
    own = speaker.behind(words[start]) if start in words else ""
    beyond = {table: said for table, said in words.items() if table != start}
    return places | {"rel": relating.related(speaker, route, beyond), "where": own}


def count(speaker: Speaker) -> Draft | None:
    """How many rows of one table where another one fulfils a condition."""
    route = path(speaker)
    found = speaker.condition(route.target) if route else None
    if route is None or found is None:
        return None
    where, parts = conditions_on(speaker, route, found)
    shown: Expr = COUNT
    if not all(route.forward):  # a row of the first table may stand in several joined ones
        primary = speaker.world.primary(route.tables[0])
        if primary is None:
            return None
        shown = Call("count", primary, distinct=True)
        if speaker.chance(0.4):
            parts["as"] = speaker.different(parts["as"])
    query = Query((shown,), "", where=where)
    return Draft(joined(query, route), speaker.say("join_count", **parts))


def aggregate(speaker: Speaker) -> Draft | None:
    """An aggregate of one table where others fulfil a condition; no row is joined twice."""
    children = sorted({link.child.table for link in speaker.world.links})
    start = speaker.random.choice(children) if children else None
    route = path(speaker, (58, 32, 10), start, forward=True)
    numbers = aggregates(speaker, route.tables[0]) if route else None
    found = speaker.condition(route.target, equal=speaker.chance(0.5)) if route else None
    if route is None or numbers is None or found is None:
        return None
    where, places = conditions_on(speaker, route, found)
    parts = {"aggs": numbers[1], **places}
    query = Query(numbers[0], "", where=where)
    return Draft(joined(query, route), speaker.ask(speaker.say("join_aggregate", **parts)))


def two(speaker: Speaker) -> Draft | None:
    """Columns of two tables side by side."""
    route = path(speaker, (52, 38, 10))
    shown = selected(speaker, route.tables[0], speaker.random.choice((1, 1, 2))) if route else None
    other = selected(speaker, route.target, speaker.random.choice((1, 1, 1, 2))) if route else None
    if route is None or shown is None or other is None:
        return None
    table = speaker.random.choice((route.tables[0], route.target))
    found = speaker.condition(table) if speaker.chance(0.3) else None
    order, by = ordered(speaker, speaker.random.choice(route.tables), 0.22)
    own = f"{speaker.world.nouns[route.target].one[0]} "
    parts = {"what": shown[1], "other": other[1].replace(own, ""), "by": by}
    parts |= places_of(speaker, route.tables[0], route.target, route.verb(speaker))
    parts["where"] = ""
    if found and not speaker.english:
        parts["where"] = ("" if table == route.tables[0] else parts["b"]) + speaker.behind(found[1])
    elif found and table == route.tables[0]:
        parts |= {"as": f"{parts['as']} {found[1]}", "a": f"{parts['a']} {found[1]}"}
    elif found:
        parts["where"] = f" for {speaker.thing(table)} {found[1]}"
    columns_shown = shown[0] + other[0] if speaker.chance(0.85) else other[0] + shown[0]
    query = Query(columns_shown, "", where=found[0] if found else None, order=order)
    return Draft(joined(query, route), speaker.ask(speaker.say("join_two", **parts)))


def extreme(speaker: Speaker) -> Draft | None:
    """Columns of the row that belongs to the largest or smallest of another table."""
    route = path(speaker, (60, 40))
    shown = selected(speaker, route.tables[0]) if route else None
    known = [f for f in speaker.fields(route.target) if f.numeric or f.kind.moment] if route else []
    if route is None or shown is None or not known:
        return None
    field, descending = speaker.random.choice(known), speaker.chance(0.65)
    best = speaker.superlative(field, descending, speaker.thing(route.target, False))
    parts = {"what": shown[1], "superlative": best}
    parts |= places_of(speaker, route.tables[0], route.target, route.verb(speaker))
    text = speaker.ask(speaker.say("join_extreme", **parts))
    if speaker.chance(0.3):
        best_of = Query((Call("max" if descending else "min", field.col),), route.target)
        where = Compare(field.col, "=", best_of)
        return Draft(joined(Query(shown[0], "", where=where), route), text)
    query = Query(shown[0], "", order=(Key(field.col, descending),), limit=1)
    return Draft(joined(query, route), text)


# --- a parent and its children ------------------------------------------------------------------


def _family(speaker: Speaker) -> tuple[str, str, Link, dict[str, str], Path] | None:
    """Draw a parent with its children, at times over a bridge."""
    drawn = pair(speaker)
    if drawn is None:
        return None
    parent, child, link = drawn
    route = Path((parent, child), (link,), (False,))
    verb = route.verb(speaker)
    over = [
        other
        for other in speaker.world.links
        if other.child.table == child
        and (end := other.parent.table) not in (parent, child)
        and is_bridged(Path((parent, child, end), (link, other), (False, True)), 0)
    ]
    # over a bridge one counts the rows of the bridge, but speaks of what lies behind it
    spoken = child
    if over and speaker.chance(0.5):
        beyond = speaker.random.choice(over)
        spoken = beyond.parent.table
        verb = speaker.random.choice(beyond.verbs) if beyond.verbs else speaker.say("verb")
    return parent, child, link, places_of(speaker, parent, spoken, verb), route


def _group(speaker: Speaker, link: Link, shown: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """Return what a parent's rows are grouped by: its key, mostly."""
    if speaker.chance(0.75):
        return (link.parent,)
    return (link.child,) if speaker.chance(0.4) else (shown[0],)


def child_counts(speaker: Speaker) -> Draft | None:
    """How many children each parent has."""
    if (drawn := _family(speaker)) is None or (shown := named(speaker, drawn[0])) is None:
        return None
    _, _, link, places, route = drawn
    order: tuple[Key, ...] = ()
    by = ""
    if speaker.chance(0.12):
        descending = speaker.chance(0.65)
        order = (Key(COUNT, descending),)
        by = speaker.say("by_count_desc" if descending else "by_count_asc")
    columns_shown = (*shown[0], COUNT) if speaker.chance(0.85) else (COUNT, *shown[0])
    query = Query(columns_shown, "", group=_group(speaker, link, shown[0]), order=order)
    text = speaker.say("children_count", what=shown[1], by=by, **places)
    return Draft(joined(query, route), text)


def child_most(speaker: Speaker) -> Draft | None:
    """The parent with the most or fewest children."""
    if (drawn := _family(speaker)) is None or (shown := named(speaker, drawn[0])) is None:
        return None
    _, child, link, places, route = drawn
    descending = speaker.chance(0.85)
    key = "children_most" if descending else "children_fewest"
    places |= {"many": speaker.say("many"), "fewest": speaker.say("fewest")}
    text = speaker.say(key, what=shown[1], **places)
    columns_shown: tuple[Expr, ...] = shown[0]
    if speaker.chance(0.15) and speaker.english:
        columns_shown, text = (*shown[0], COUNT), text.rstrip("?") + speaker.say("and_count") + "?"
    found = speaker.condition(child) if speaker.chance(0.16) else None
    where = None
    if found is not None and speaker.english and places["bs"] == speaker.world.nouns[child].many[0]:
        where, text = found[0], f"{text.rstrip('?')} {found[1]}?"
    query = Query(
        columns_shown, "", where=where, group=_group(speaker, link, shown[0]),
        order=(Key(COUNT, descending),), limit=1,
    )  # fmt: skip
    return Draft(joined(query, route), text)


def child_having(speaker: Speaker) -> Draft | None:
    """The parents with so many children."""
    if (drawn := _family(speaker)) is None or (shown := named(speaker, drawn[0])) is None:
        return None
    parent, _, link, places, route = drawn
    if speaker.chance(0.2):
        condition, words = condition_on(speaker, route)
        said = {"what": shown[1], "where": speaker.behind(words), "by": ""}
        query = Query(shown[0], "", group=_group(speaker, link, shown[0]), having=condition)
        text = speaker.ask(speaker.say("list", **said, **things(speaker, parent)))
        return Draft(joined(query, route), text)
    condition, words = amount(speaker, few=speaker.chance(0.1))
    text = speaker.say("children_having", what=shown[1], amount=words, **places)
    columns_shown: tuple[Expr, ...] = shown[0]
    if speaker.chance(0.14) and speaker.english:
        columns_shown, text = (*shown[0], COUNT), text.rstrip("?") + speaker.say("and_count") + "?"
    query = Query(columns_shown, "", group=_group(speaker, link, shown[0]), having=condition)
    return Draft(joined(query, route), text)


def child_measures(speaker: Speaker) -> Draft | None:
    """An aggregate of each parent's children, or the parent where it is largest."""
    if (drawn := _family(speaker)) is None or (shown := named(speaker, drawn[0])) is None:
        return None
    parent, child, link, _, route = drawn
    known = speaker.numbers(child)
    if not known:
        return None
    places = places_of(speaker, parent, child)
    field = speaker.random.choice(known)
    name = speaker.random.choice(("avg", "max", "min", "sum", "sum"))
    call = Call(name, field.col)
    group = _group(speaker, link, shown[0])
    if speaker.chance(0.6):
        query = Query((*shown[0], call), "", group=group)
        words = aggregate_words(speaker, name, field)
        text = speaker.say("children_aggregate", what=shown[1], aggs=words, by="", **places)
        return Draft(joined(query, route), text)
    descending = speaker.chance(0.8)
    places |= {"most": speaker.extreme(field, descending), "agg": speaker.say(name)}
    places["m"] = speaker.column(field)
    columns_shown, what = shown
    if speaker.chance(0.25):
        said = aggregate_words(speaker, name, field)
        columns_shown, what = (*columns_shown, call), speaker.say("and_measure", what=what, n=said)
    query = Query(columns_shown, "", group=group, order=(Key(call, descending),), limit=1)
    text = speaker.say("children_aggregate_most", what=what, **places)
    return Draft(joined(query, route), text)


def without(speaker: Speaker) -> Draft | None:
    """The parents without children, or without such children."""
    if (drawn := _family(speaker)) is None:
        return None
    parent, child, link, places, route = drawn
    spoken_of_child = places["bs"] in speaker.world.nouns[child].many
    found = speaker.condition(child) if spoken_of_child and speaker.chance(0.25) else None
    places["inner"] = speaker.behind(found[1]) if found else ""
    inner = Query((link.child,), child, where=found[0] if found else None)
    outside: Bool = Compare(link.parent, "not in", inner)
    if speaker.chance(0.2):
        text = speaker.say("without_count", **places)
        return Draft(Query((COUNT,), parent, where=outside), text)
    shown = selected(speaker, parent)
    if shown is None:
        return None
    places["what"] = shown[1]
    key = "without_which" if speaker.chance(0.25) else "without"
    said = speaker.say(key, **places)
    text = said if key == "without_which" else speaker.ask(said)
    draw = speaker.random.random()
    if draw < 0.66:
        return Draft(Query(shown[0], parent, where=outside), text)
    if draw < 0.9 and len(shown[0]) == 1 and speaker.tells_apart(parent, shown[0][0]):
        source, joins = route.source()
        other = Query(shown[0], source, joins=joins, where=found[0] if found else None)
        return Draft(Query(shown[0], parent, then=("except", other)), text)
    exists = Query(
        (link.child,), child, where=joint(Compare(link.child, "=", link.parent), inner.where)
    )
    return Draft(Query(shown[0], parent, where=Compare(None, "not exists", exists)), text)


def with_any(speaker: Speaker) -> Draft | None:
    """The parents that have children at all."""
    if (drawn := _family(speaker)) is None or (shown := selected(speaker, drawn[0])) is None:
        return None
    parent, child, link, places, route = drawn
    text = speaker.ask(speaker.say("with_any", what=shown[1], inner="", **places))
    draw = speaker.random.random()
    if draw < 0.6:
        return Draft(joined(Query(shown[0], "", True), route), text)
    if draw < 0.85:
        inside = Compare(link.parent, "in", Query((link.child,), child))
        return Draft(Query(shown[0], parent, where=inside), text)
    inner = Query((link.child,), child, where=Compare(link.child, "=", link.parent))
    return Draft(Query(shown[0], parent, where=Compare(None, "exists", inner)), text)


def path_groups(speaker: Speaker) -> Draft | None:
    """How many rows of one table for each value of another one's column."""
    route = path(speaker, (65, 35))
    known = speaker.groups(route.target) if route else []
    if route is None or not known:
        return None
    field = speaker.random.choice(known)
    found = speaker.condition(route.tables[0]) if speaker.chance(0.25) else None
    places = places_of(speaker, route.tables[0], route.target) | {
        "n": speaker.column(field),
        "ns": speaker.column(field, many=True),
        "where": speaker.behind(found[1]) if found else "",
        "common": speaker.say("common"),
        "many": speaker.say("many"),
    }
    where = found[0] if found else None
    shown: tuple[Expr, ...]
    measured = aggregates(speaker, route.tables[0]) if all(route.forward) else None
    if measured is not None and speaker.chance(0.4):
        calls, what = measured
        shown = (field.col, *calls) if speaker.chance(0.5) else (*calls, field.col)
        group = speaker.say("of_other", what=places["n"], b=places["b"])
        text = speaker.say("per_group", **(places | {"what": what, "g": group} | _BARE))
        return Draft(joined(Query(shown, "", where=where, group=(field.col,)), route), text)
    if speaker.chance(0.35):
        query = Query(
            (field.col,), "", where=where, group=(field.col,), order=(Key(COUNT, True),), limit=1
        )
        return Draft(joined(query, route), speaker.say("path_group_most", **places))
    shown = (field.col, COUNT) if speaker.chance(0.6) else (COUNT, field.col)
    query = Query(shown, "", where=where, group=(field.col,))
    text = speaker.say("path_group", **places)
    return Draft(joined(query, route), text if "?" in text else speaker.ask(text))


def child_zero(speaker: Speaker) -> Draft | None:
    """How many children each parent has, none included."""
    if (drawn := pair(speaker)) is None or (shown := named(speaker, drawn[0])) is None:
        return None
    parent, child, link = drawn
    text = speaker.say("children_zero", what=shown[1], **places_of(speaker, parent, child))
    join = Join(child, ((link.parent, link.child),), "left join")
    call = Call("count", link.child)
    query = Query((*shown[0], call), parent, joins=(join,), group=(link.parent,))
    return Draft(query, text)


FAMILIES: dict[Family, float] = {
    columns: 16,
    count: 3.6,
    aggregate: 3,
    two: 4,
    extreme: 3.2,
    child_counts: 3.4,
    child_most: 6.4,
    child_having: 5,
    child_measures: 2.2,
    without: 3.4,
    with_any: 1.6,
    path_groups: 3,
    child_zero: 0.2,
}
