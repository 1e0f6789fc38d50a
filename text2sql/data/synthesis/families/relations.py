"""Questions about rows that are related to others: to some, to two kinds of them, to none.

>>> both(speaker).question
'names of students who take both courses in 2019 and courses in 2020'
"""

from dataclasses import replace

from text2sql.data.synthesis import grammar
from text2sql.data.synthesis.families.joins import conditions_on, joined, places_of
from text2sql.data.synthesis.families.parts import Draft, Family, Path, path, selected
from text2sql.data.synthesis.queries import Bool, Col, Compare, Junction, Query
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field


def both(speaker: Speaker) -> Draft | None:
    """The rows that are related to rows of two kinds."""
    route = path(speaker, (60, 40))
    shown = selected(speaker, route.tables[0], speaker.random.choice((1, 1, 2))) if route else None
    if route is None or shown is None:
        return None
    first = speaker.condition(route.target, equal=speaker.chance(0.7))
    second = speaker.condition(route.target, first and _field(speaker, first[0]), equal=True)
    if first is None or second is None or first[0] == second[0]:
        return None
    places = places_of(speaker, route.tables[0], route.target, route.verb(speaker))
    places |= {"first": speaker.behind(first[1]), "second": speaker.behind(second[1])}
    if speaker.chance(0.35):
        distinct = speaker.chance(0.5)
        what = speaker.different(shown[1]) if distinct else shown[1]
        text = speaker.ask(speaker.say("relation_either", what=what, **places))
        query = Query(shown[0], "", distinct, where=Junction("or", (first[0], second[0])))
        return Draft(joined(query, route), text)
    text = speaker.ask(speaker.say("relation_both", what=shown[1], **places))
    if speaker.chance(0.3):
        key, one = _keys_of(route, first[0])
        inner = replace(one, then=("intersect", _keys_of(route, second[0])[1]))
        return Draft(Query(shown[0], route.tables[0], where=Compare(key, "in", inner)), text)
    one, two_ = (joined(Query(shown[0], "", where=c[0]), route) for c in (first, second))
    source, joins = route.source()
    query = Query(shown[0], source, joins=joins, where=one.where, then=("intersect", two_))
    return Draft(query, text)


def _keys_of(route: Path, where: Bool | None) -> tuple[Col, Query]:
    """Return what a path's first rows are known by, and the query of it behind the first join."""
    link, down = route.links[0], route.forward[0]
    key, foreign = (link.child, link.parent) if down else (link.parent, link.child)
    behind = replace(
        route, tables=route.tables[1:], links=route.links[1:], forward=route.forward[1:]
    )
    source, joins = behind.source()
    return key, Query((foreign,), source, joins=joins, where=where)


def _field(speaker: Speaker, condition: Compare) -> Field | None:
    return speaker.world.field_of(condition.left) if isinstance(condition.left, Col) else None


def not_related(speaker: Speaker) -> Draft | None:
    """The rows that are related to no row of a kind."""
    route = path(speaker, (55, 45))
    alone = speaker.chance(0.6)
    shown = selected(speaker, route.tables[0], 1 if alone else None) if route else None
    found = speaker.condition(route.target, equal=speaker.chance(0.8)) if route else None
    if route is None or shown is None or found is None:
        return None
    places = places_of(speaker, route.tables[0], route.target, route.verb(speaker))
    places["inner"] = speaker.behind(grammar.plain(found[1]))
    text = speaker.ask(speaker.say("relation_not", what=shown[1], **places))
    if len(shown[0]) > 1 or speaker.chance(0.3):
        key, inner = _keys_of(route, found[0])
        return Draft(Query(shown[0], route.tables[0], where=Compare(key, "not in", inner)), text)
    other = joined(Query(shown[0], "", where=found[0]), route)
    return Draft(Query(shown[0], route.tables[0], then=("except", other)), text)


def related(speaker: Speaker) -> Draft | None:
    """The rows that are related to a row of a kind, each once."""
    route = path(speaker, (45, 45, 10))
    shown = selected(speaker, route.tables[0]) if route else None
    found = speaker.condition(route.target, equal=speaker.chance(0.6)) if route else None
    if route is None or shown is None or found is None or all(route.forward):
        return None
    where, places = conditions_on(speaker, route, found)
    if isinstance(where, Junction) and places["where"]:
        return None  # a condition of its own, which belongs outside
    distinct = speaker.chance(0.55)
    what = (
        speaker.different(shown[1])
        if distinct
        else speaker.say("each_once", what=shown[1], thing=speaker.thing(route.tables[0], False))
    )
    text = speaker.ask(speaker.say("join_list", **places, what=what, by=""))
    if distinct:
        return Draft(joined(Query(shown[0], "", True, where=where), route), text)
    key, inner = _keys_of(route, where)
    return Draft(Query(shown[0], route.tables[0], where=Compare(key, "in", inner)), text)


FAMILIES: dict[Family, float] = {
    both: 3.4,
    not_related: 2.2,
    related: 2.6,
}
