"""Questions composed of independent parts: what, over which tables, which rows, groups, order.

The other families word the combinations that people ask for most; here every combination of parts
has a chance, in plainer words.
"""

from text2sql.data.synthesis import grammar
from text2sql.data.synthesis.conditions import Said
from text2sql.data.synthesis.families.joins import joined, places_of, relation_places
from text2sql.data.synthesis.families.parts import (
    COUNT,
    Draft,
    Family,
    Path,
    aggregates,
    amount,
    any_table,
    joint,
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
    Junction,
    Key,
    Query,
)
from text2sql.data.synthesis.speaking import Speaker


def _route(speaker: Speaker) -> tuple[str, Path | None]:
    """Draw a table, or a path of joins that begins at it."""
    table = any_table(speaker) or ""
    route = path(speaker, (62, 28, 10)) if speaker.chance(0.62) else None
    return (route.tables[0] if route else table), route


def _rows(
    speaker: Speaker, table: str, route: Path | None, shares: tuple[float, ...]
) -> tuple[Bool | None, dict[str, str]]:
    """Draw conditions on the tables of a route, and their words by table.

    Two that are joined by OR are on one table: what both say stands at its noun.
    """
    number = speaker.random.choices(range(len(shares)), shares)[0]
    found: dict[str, list[Said]] = {}
    for _ in range(number):
        where = speaker.random.choice(route.tables) if route else table
        drawn = speaker.condition(where, equal=speaker.chance(0.6))
        if drawn and all(drawn[0].left != other.left for other, _ in found.get(where, ())):
            found.setdefault(where, []).append(drawn)
    parts: list[Bool] = []
    words: dict[str, str] = {}
    for where, said in found.items():
        condition, words[where] = _one_of(speaker, said)
        parts.append(condition)
    return joint(*parts), words


def _one_of(speaker: Speaker, said: list[Said]) -> tuple[Bool, str]:
    """Join conditions on one table by AND, the last two by OR at times."""
    if len(said) == 1:
        return said[0]
    operator = "or" if speaker.chance(0.25) else "and"
    first, second = said[-2:]
    condition: Bool = Junction(operator, (first[0], second[0]))
    words = speaker.both(first[1], second[1], operator)
    for other in said[:-2]:
        condition = joint(other[0], condition) or condition
        words = speaker.both(other[1], words, "and")
    return condition, words


def _placed(
    speaker: Speaker, table: str, route: Path | None, words: dict[str, str]
) -> dict[str, str]:
    """Return the places of rows: their noun, their conditions, and what they are related to."""
    own = speaker.behind(words[table]) if table in words else ""
    if route is None:
        return {
            "as": speaker.thing(table),
            "a": speaker.thing(table, False),
            "rel": "",
            "where": own,
        }
    if speaker.english:
        places = relation_places(speaker, route, words)
        return places | {"rel": f" {places['rel']}"}
    places = places_of(speaker, table, route.target)
    others = [f"{speaker.thing(t)}的{said}" for t, said in words.items() if t != table]
    where = speaker.say("and").join([*([words[table]] if table in words else []), *others])
    rel = speaker.say("related", bs=places["bs"])
    return places | {"rel": rel, "where": speaker.behind(where) if where else ""}


def _over(query: Query, table: str, route: Path | None) -> Query:
    if route is not None:
        return joined(query, route)
    return Query(
        query.select, table, query.distinct, (), query.where, query.group, query.having,
        query.order, query.limit, query.then,
    )  # fmt: skip


def _what(
    speaker: Speaker, table: str, route: Path | None
) -> tuple[tuple[Expr, ...], str, bool] | None:
    """Draw what is shown: columns of one or two tables, or aggregates; and whether DISTINCT."""
    where = speaker.random.choice(route.tables) if route and speaker.chance(0.25) else table
    draw = speaker.random.random()
    single = route is None or all(route.forward)  # else rows repeat, and a sum would be wrong
    if draw < 0.26:
        found = aggregates(speaker, table) if single else None
        return (found[0], found[1], False) if found else None
    if draw < 0.36 and where == table and (known := speaker.groups(where)):
        field = speaker.random.choice(known)
        words = {"ns": speaker.column(field, many=True), "distinct": speaker.say("distinct")}
        call = Call("count", field.col, distinct=True)
        return (call,), speaker.say("number_of", **words), False
    shown = selected(speaker, table)
    if shown is None:
        return None
    columns: tuple[Expr, ...] = shown[0]
    text = shown[1]
    if route is not None and (known := speaker.shown(where)) and where != table:
        field = speaker.random.choice(known)
        columns, text = (*columns, field.col), speaker.listed([text, speaker.owned(field)])
    distinct = speaker.chance(0.2)
    return columns, speaker.different(text) if distinct else text, distinct


def block(speaker: Speaker) -> Draft | None:
    """Anything over a table or a path of joins."""
    table, route = _route(speaker)
    shown = _what(speaker, table, route) if table else None
    if shown is None:
        return None
    columns, words, distinct = shown
    where, said = _rows(speaker, table, route, (0.25, 0.3, 0.33, 0.12))
    plain = not isinstance(columns[0], Call)
    order, by = ordered(speaker, table, 0.35) if plain else ((), "")
    limit = None
    if order and speaker.chance(0.2):
        limit = speaker.random.choice((1, 1, 3, 5))
        by += speaker.say("first_k", k=speaker.number(limit))
    parts = {"what": words, "by": by, **_placed(speaker, table, route, said)}
    query = Query(columns, "", distinct, where=where, order=order, limit=limit)
    return Draft(_over(query, table, route), speaker.ask(speaker.say("composed", **parts)))


def counted(speaker: Speaker) -> Draft | None:
    """How many rows, with up to three conditions over a path of joins."""
    table, route = _route(speaker)
    if not table:
        return None
    where, said = _rows(speaker, table, route, (0.05, 0.25, 0.4, 0.3))
    parts = _placed(speaker, table, route, said)
    counted: Expr = COUNT
    if route is not None and not all(route.forward):
        primary = speaker.world.primary(table)
        if primary is None:
            return None
        counted = Call("count", primary, distinct=True)
    query = _over(Query((counted,), "", where=where), table, route)
    return Draft(query, speaker.say("composed_count", **parts))


def grouped(speaker: Speaker) -> Draft | None:
    """Aggregates of groups, with conditions on rows and on groups, an order and a limit."""
    table, route = _route(speaker)
    if route is not None and not all(route.forward):
        route = None
    where_from = speaker.random.choice(route.tables) if route else table
    known = speaker.groups(where_from) if table else []
    if not known:
        return None
    fields = speaker.random.sample(known, min(len(known), 2 if speaker.chance(0.12) else 1))
    keys: tuple[Expr, ...] = tuple(field.col for field in fields)
    found = aggregates(speaker, table) if speaker.chance(0.6) else None
    if found is None:
        counted_words = speaker.rows()
        found = (COUNT,), counted_words
    elif speaker.chance(0.15):
        found = (*found[0], COUNT), speaker.listed([found[1], speaker.rows()])
    where, said = _rows(speaker, table, route, (0.6, 0.32, 0.08))
    having, amount_words = amount(speaker) if speaker.chance(0.2) else (None, "")
    order: tuple[Key, ...] = ()
    by, limit = "", None
    if speaker.chance(0.3):
        descending = speaker.chance(0.7)
        order = (Key(found[0][0], descending),)
        by = speaker.say("by_count_desc" if descending else "by_count_asc")
        if found[0][0] != COUNT:
            name = found[1] if len(found[0]) == 1 else found[1].split(",")[0]
            by = speaker.say("descending" if descending else "ascending", n=name)
        if speaker.chance(0.35):
            limit = speaker.random.choice((1, 1, 3, 5))
            by += speaker.say("first_k", k=speaker.number(limit))
    said_by = speaker.column if where_from == table else speaker.owned
    names = speaker.listed([said_by(field) for field in fields])
    parts = {
        "what": found[1],
        "g": names,
        "by": by,
        "having": speaker.say("having_count", amount=amount_words) if having else "",
        **_placed(speaker, table, route, said),
    }
    draw = speaker.random.random()
    columns = (*keys, *found[0]) if draw < 0.7 else (*found[0], *keys)
    if draw > 0.92 and (having or limit):
        columns = keys
        parts["what"] = names
    query = Query(columns, "", where=where, group=keys, having=having, order=order, limit=limit)
    return Draft(_over(query, table, route), speaker.ask(speaker.say("composed_group", **parts)))


def sets(speaker: Speaker) -> Draft | None:
    """Two selections of the same columns, united, intersected or one without the other."""
    table, route = _route(speaker)
    shown = selected(speaker, table, speaker.random.choice((1, 1, 1, 2))) if table else None
    if shown is None:
        return None
    other = route if speaker.chance(0.75) else None
    first, one = _rows(speaker, table, None, (0.25, 0.5, 0.25))
    second, two = _rows(speaker, table, other, (0, 0.7, 0.3))
    if second is None or first == second:
        return None
    operator, key = speaker.random.choice(
        (("intersect", "both"), ("except", "neither"), ("except", "neither"), ("union", "union"))
    )
    if first is None and operator != "except":
        return None
    distinct = speaker.chance(0.12)
    places = _placed(speaker, table, None, one)
    behind = _placed(speaker, table, other, two)
    said = {"thing": places["a"], "things": places["as"], "what": shown[1]}
    selected_by = (
        f"{behind['where']}{behind['rel']}".strip() if speaker.english else behind["where"]
    )
    if key == "neither":
        said |= {"where": places["where"], "first": selected_by}
    else:
        said |= {"first": places["where"].strip(), "second": selected_by}
    said = {key_: grammar.plain(words) for key_, words in said.items()}
    side = _over(Query(shown[0], "", distinct, where=second), table, other)
    query = _over(Query(shown[0], "", distinct, where=first, then=(operator, side)), table, None)
    return Draft(query, speaker.ask(speaker.say(key, **said)))


def inside(speaker: Speaker) -> Draft | None:
    """Rows whose key is, or is not, among the rows of another table."""
    drawn = pair(speaker)
    if drawn is None:
        return None
    parent, child, link = drawn
    outer, inner_table, key, foreign = parent, child, link.parent, link.child
    if speaker.chance(0.35):
        outer, inner_table, key, foreign = child, parent, link.child, link.parent
    route = path(speaker, (100,), inner_table) if speaker.chance(0.35) else None
    if route is not None and outer in route.tables:
        route = None
    where, words = _rows(speaker, inner_table, route, (0.2, 0.65, 0.15))
    inside_of = _placed(speaker, inner_table, route, words)
    said = inside_of["where"] + (inside_of["rel"] if speaker.english else "")
    negated = speaker.chance(0.6)
    inner = _over(Query((foreign,), "", where=where), inner_table, route)
    condition: Bool | None = Compare(key, "not in" if negated else "in", inner)
    text = speaker.say(
        "not_in_those" if negated else "in_those", bs=speaker.thing(inner_table), inner=said
    )
    return _outer(speaker, outer, condition, text)


def commonest(speaker: Speaker) -> Draft | None:
    """Rows with the value that most rows have."""
    table = any_table(speaker)
    if table is None or not (known := speaker.groups(table)):
        return None
    field = speaker.random.choice(known)
    inner = Query((field.col,), table, group=(field.col,), order=(Key(COUNT, True),), limit=1)
    text = speaker.say("the_commonest", n=speaker.column(field), common=speaker.say("common"))
    return _outer(speaker, table, Compare(field.col, "=", inner), text)


def compared(speaker: Speaker) -> Draft | None:
    """Rows that compare with an aggregate of rows, of another table at times."""
    table, route = _route(speaker)
    known = speaker.numbers(table) if table else []
    if not known:
        return None
    field = speaker.random.choice(known)
    where, words = _rows(speaker, table, None, (0.4, 0.5, 0.1))
    said = _placed(speaker, table, None, words)["where"]
    name = speaker.random.choice(("avg", "max", "min"))
    above = speaker.chance(0.55)
    operator = ">" if above else "<"
    inner = Query((Call(name, field.col),), table, where=where)
    text = speaker.say(
        "against_some", n=speaker.column(field), agg=speaker.say(name),
        cmp=speaker.say("above_v" if above else "below_v", v="").strip(), inner=said,
        **things(speaker, table),
    )  # fmt: skip
    return _outer(speaker, table, Compare(field.col, operator, inner), text, route)


def _outer(
    speaker: Speaker, table: str, condition: Bool | None, text: str, route: Path | None = None
) -> Draft | None:
    """Complete a query whose rows fulfil a condition that is worded already."""
    shown = _what(speaker, table, None)
    if shown is None:
        return None
    columns, words, distinct = shown
    if speaker.chance(0.12):
        columns, words, distinct = (COUNT,), speaker.rows(), False
    more, said = _rows(speaker, table, None, (0.75, 0.22, 0.03))
    places = _placed(speaker, table, route, said)
    if said and speaker.english:
        text = f"{text}{speaker.say('and')}{grammar.plain(said[table])}"
    else:
        text = places["where"] + text
    parts = places | {"what": words, "by": "", "where": text}
    query = Query(columns, "", distinct, where=joint(condition, more))
    return Draft(_over(query, table, route), speaker.ask(speaker.say("composed", **parts)))


FAMILIES: dict[Family, float] = {
    block: 9,
    counted: 2.2,
    grouped: 5,
    sets: 3.2,
    inside: 2.6,
    commonest: 0.6,
    compared: 1.6,
}
