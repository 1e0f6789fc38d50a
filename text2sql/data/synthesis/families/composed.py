"""Questions composed of independent parts: what is shown, of which rows, grouped and ordered how.

The other families word the combinations that people ask for most; here every combination of parts
has a chance, in plainer words. What narrows the rows is `narrowing`.
"""

from dataclasses import dataclass, replace

from text2sql.data.synthesis.families.narrowing import (
    COUNTED,
    GROUPING,
    OWN,
    Part,
    measured,
    narrow,
    numerous,
    pair_of_kind,
)
from text2sql.data.synthesis.families.parts import (
    COUNT,
    Draft,
    Family,
    aggregate_words,
    aggregates,
    amount,
    any_table,
    fitting,
    joint,
    path,
    selected,
    things,
)
from text2sql.data.synthesis.queries import (
    Arithmetic,
    Bool,
    Call,
    Col,
    Compare,
    Expr,
    Junction,
    Key,
    Query,
    Star,
)
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field


@dataclass(frozen=True, slots=True)
class Shown:
    """What is selected, and what it is called."""

    columns: tuple[Expr, ...]
    words: str
    distinct: bool = False


def _child(speaker: Speaker, share: float) -> str | None:
    """Draw a table, in that share of draws one that belongs to others."""
    children = sorted({link.child.table for link in speaker.world.links})
    if children and speaker.chance(share):
        found = speaker.random.choice(children)
        return found if speaker.fields(found) else None
    return any_table(speaker)


def _tables(table: str, part: Part) -> tuple[str, ...]:
    return (table, *(join.table for join in part.joins))


def _columns(speaker: Speaker, table: str, part: Part) -> Shown | None:
    """Draw columns of a table, and of those that it is joined with."""
    where = speaker.random.choice(_tables(table, part)) if speaker.chance(0.2) else table
    shown = selected(speaker, where, speaker.random.choices((None, 5), (97, 3))[0])
    if shown is None:
        return None
    columns: tuple[Expr, ...] = shown[0]
    words = [shown[1] if where == table else _of_other(speaker, where, shown[1])]
    others = [other for other in _tables(table, part) if other != where]
    if others and speaker.chance(0.3):
        other = speaker.random.choice(others)
        more = selected(speaker, other, speaker.random.choice((1, 1, 2)))
        if more is not None:
            columns = (*columns, *more[0])
            words.append(more[1] if other == table else _of_other(speaker, other, more[1]))
    pair = pair_of_kind(speaker, table) if speaker.chance(0.05) else None
    if pair is not None and pair[0].numeric:
        term = _term(speaker, *pair)
        columns, words = (*columns, term[0]), [*words, term[1]]
    distinct = speaker.chance(0.28)
    text = speaker.listed(words)
    return Shown(columns, speaker.different(text) if distinct else text, distinct)


def _of_other(speaker: Speaker, table: str, words: str) -> str:
    return speaker.say("of_other", what=words, b=speaker.thing(table, False))


def _term(speaker: Speaker, one: Field, other: Field) -> tuple[Arithmetic, str]:
    """Return the sum or difference of two columns."""
    operator, key = speaker.random.choice((("-", "minus"), ("+", "plus")))
    words = speaker.say(key, n=speaker.column(one), m=speaker.column(other))
    return Arithmetic(one.col, operator, other.col), words


# --- rows ----------------------------------------------------------------------------------------


def block(speaker: Speaker) -> Draft | None:
    """Columns of rows, in an order."""
    table = any_table(speaker)
    if table is None:
        return None
    kinds = GROUPING if speaker.chance(0.4) else None
    part = narrow(speaker, table, (0.14, 0.44, 0.3, 0.12), kinds=kinds)
    shown = _columns(speaker, table, part)
    if shown is None:
        return None
    if speaker.chance(0.08) and not part.joins:
        shown = Shown((Star(),), speaker.say("all_columns"))
    order, by = _order(speaker, table, part) if speaker.chance(0.3) else ((), "")
    limit = None
    if order and speaker.chance(0.25):
        limit, by = _first(speaker, by)
    query = part.over(Query(shown.columns, table, shown.distinct, order=order, limit=limit))
    words = {"what": shown.words, "where": part.words, "by": by, **things(speaker, table)}
    return Draft(query, speaker.ask(speaker.say("list", **words)))


def _first(speaker: Speaker, by: str) -> tuple[int, str]:
    limit = speaker.random.choice((1, 1, 3, 5))
    return limit, by + speaker.say("first_k", k=speaker.number(limit))


def _order(speaker: Speaker, table: str, part: Part) -> tuple[tuple[Key, ...], str]:
    """Draw an order by one or two columns, or by a sum or difference."""
    where = speaker.random.choice(_tables(table, part))
    known = speaker.fields(where)
    pair = pair_of_kind(speaker, table) if speaker.chance(0.08) else None
    if pair is not None and pair[0].numeric:
        term, words = _term(speaker, *pair)
        descending = speaker.chance(0.6)
        way = "descending" if descending else "ascending"
        return (Key(term, descending),), speaker.say(way, n=words)
    if not known:
        return (), ""
    first = speaker.random.choice(known)
    key, by = speaker.order(first)
    others = [field for field in known if field is not first]
    if not others or not speaker.chance(0.15):
        return (key,), by
    second = speaker.random.choice(others)
    return (key, Key(second.col)), by + speaker.say("then_by", n=speaker.column(second))


def superlative(speaker: Speaker) -> Draft | None:
    """The row, or the few rows, with the most or least of something."""
    table = any_table(speaker)
    if table is None:
        return None
    part = narrow(speaker, table, (0.1, 0.6, 0.25, 0.05))
    where = speaker.random.choice(_tables(table, part))
    known = [f for f in speaker.fields(where) if f.numeric or f.kind.moment]
    shown = _columns(speaker, table, part)
    if not known or shown is None:
        return None
    field, most = speaker.random.choice(known), speaker.chance(0.66)
    limit = speaker.random.choice((1, 1, 1, 3))
    words = {"what": shown.words, "where": part.words}
    if where == table and limit == 1:
        best = speaker.superlative(field, most, speaker.thing(table, False))
        text = speaker.say("extreme", superlative=best, **words)
    else:
        said = speaker.column(field)
        words |= {"n": said if where == table else _of_other(speaker, where, said)}
        words |= {"k": speaker.number(limit), "most": speaker.extreme(field, most)}
        text = speaker.say("first_of", **things(speaker, table), **words)
    order = (Key(field.col, most),)
    query = part.over(Query(shown.columns, table, shown.distinct, order=order, limit=limit))
    return Draft(query, speaker.ask(text))


def measured_rows(speaker: Speaker) -> Draft | None:
    """Counts and aggregates of rows."""
    table = _child(speaker, 0.5)
    if table is None:
        return None
    part = narrow(speaker, table, (0.06, 0.45, 0.35, 0.14), kinds=COUNTED)
    where = table if speaker.chance(0.85) else speaker.random.choice(_tables(table, part))
    if speaker.chance(0.36) or part.repeats:
        counted = _counted(speaker, table, part)
        text = speaker.say("count", where=part.words, **things(speaker, table))
        return Draft(part.over(Query((counted,), table)), text) if counted else None
    found = _measures(speaker, where, rows=0.1)
    if found is None:
        return None
    columns, words = found
    said = words if where == table else _of_other(speaker, where, words)
    text = speaker.say("aggregate", aggs=said, where=part.words, **things(speaker, table))
    return Draft(part.over(Query(columns, table)), speaker.ask(text))


def _counted(speaker: Speaker, table: str, part: Part) -> Call | None:
    """Return what counts the rows of a table, each once."""
    primary = speaker.world.primary(table)
    if not part.repeats:
        return COUNT
    return Call("count", primary, distinct=True) if primary else None


def _measures(speaker: Speaker, table: str, rows: float) -> tuple[tuple[Expr, ...], str] | None:
    """Draw one to three of: aggregates of numbers, the count of rows, of values, of distinct ones.

    Args:
        rows: share of drawing the count of rows, where it can say something.
    """
    columns: list[Expr] = []
    words: list[str] = []
    for _ in range(speaker.random.choices((1, 2, 3), (74, 20, 6))[0]):
        draw = speaker.random.random()
        if draw < rows:
            columns.append(COUNT)
            words.append(speaker.say("how_many"))
        elif draw < rows + 0.2 and (known := speaker.groups(table)):
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


# --- groups --------------------------------------------------------------------------------------


def grouped(speaker: Speaker) -> Draft | None:
    """Measures of groups, with conditions on rows and on groups, an order and a limit."""
    table = _child(speaker, 0.4)
    if table is None:
        return None
    part = narrow(speaker, table, (0.42, 0.43, 0.12, 0.03), kinds=COUNTED)
    where = speaker.random.choice(_tables(table, part))
    known = speaker.groups(where)
    if not known or part.repeats:
        return None
    fields = speaker.random.sample(known, min(len(known), 2 if speaker.chance(0.14) else 1))
    names = speaker.listed([speaker.column(field) for field in fields])
    if where != table:
        names = _of_other(speaker, where, names)
    keys: tuple[Expr, ...] = tuple(field.col for field in fields)
    return _groups(speaker, table, part, Shown(keys, names), keys)


def per_parent(speaker: Speaker) -> Draft | None:
    """Measures of the rows that belong to each row, with conditions, an order and a limit."""
    table = any_table(speaker)
    if table is None:
        return None
    part = narrow(speaker, table, (0.68, 0.32), kinds=GROUPING)
    of = part if part.group else numerous(speaker, table, frozenset(_tables(table, part)))
    shown = selected(speaker, table)
    if of is None or shown is None or part.repeats:
        return None
    key = of.group if speaker.chance(0.7) else shown[0][:1]
    joins = part.joins if part is of else (*part.joins, *of.joins)
    rows = replace(part, joins=joins, group=())
    child = of.joins[-1].table
    return _groups(speaker, table, rows, Shown(shown[0], shown[1]), key, child)


def most_related(speaker: Speaker) -> Draft | None:
    """The row that the most or fewest rows belong to, of some rows at times."""
    route = path(speaker, (52, 40, 8))
    if route is None or route.forward[0] or not speaker.fields(route.target):
        return None
    table, far = route.tables[0], route.target
    shown = selected(speaker, table)
    inner = narrow(speaker, far, (0.5, 0.45, 0.05), kinds=OWN)
    part = narrow(speaker, table, (0.8, 0.2), kinds=OWN)
    if shown is None:
        return None
    most, numbers = speaker.chance(0.82), speaker.numbers(far)
    call, measure = COUNT, ""
    if numbers and not route.forward[-1] and speaker.chance(0.3):
        field = speaker.random.choice(numbers)
        name = speaker.random.choice(("sum", "sum", *fitting(field)))
        call, measure = Call(name, field.col), aggregate_words(speaker, name, field)
    limit = speaker.random.choices((1, 3, None), (80, 12, 8))[0]
    key = "most_children" if limit == 1 else "first_children" if limit else "by_children"
    words = {
        "what": shown[1],
        "where": part.words,
        "inner": inner.words,
        "bs": speaker.thing(far),
        "k": speaker.number(limit or 0),
        "as": speaker.thing(table),
        "a": speaker.thing(table, False),
        "many": speaker.say("many" if most else "fewest"),
        "way": speaker.say("falling" if most else "rising"),
    }
    if measure:
        key, words["agg"] = f"{key}_measured", measure
        words["most"] = speaker.say("most" if most else "least")
    source, joins = route.source()
    group = (route.links[0].parent,) if speaker.chance(0.72) else shown[0][:1]
    query = Query(
        shown[0], source, joins=joins, where=joint(part.where, inner.where), group=group,
        order=(Key(call, most),), limit=limit,
    )  # fmt: skip
    return Draft(query, speaker.ask(speaker.say(key, **words)))


def _groups(
    speaker: Speaker,
    table: str,
    part: Part,
    shown: Shown,
    keys: tuple[Expr, ...],
    child: str | None = None,
) -> Draft | None:
    """Complete a question about groups: measures, conditions, order."""
    of = child or table
    found = _measures(speaker, of, rows=0.6)
    if found is None:
        return None
    calls, measure_words = found
    if child is not None:
        measure_words = speaker.say("of_children", what=measure_words, bs=speaker.thing(child))
    draw = speaker.random.random()
    columns = (*shown.columns, *calls) if draw < 0.5 else (*calls, *shown.columns)
    what = measure_words
    having, having_words = _having(speaker, of, child) if speaker.chance(0.33) else (None, "")
    order, by, limit = _group_order(speaker, of, shown, calls, measure_words)
    if draw > 0.62 and (having or order):
        columns, what = shown.columns, ""
    distinct = not what and speaker.chance(0.06)
    words = {
        "what": what,
        "g": shown.words,
        "as": speaker.thing(table),
        "a": speaker.thing(table, False),
        "where": part.words,
        "having": having_words,
        "by": by,
    }
    key = "per_parent" if child else "per_group"
    if not what:
        key = "only_parents" if child else "only_groups"
    query = Query(columns, table, distinct, group=keys, having=having, order=order, limit=limit)
    if distinct:
        words["g"] = speaker.different(words["g"])
    return Draft(part.over(query), speaker.say(key, **words))


def _having(speaker: Speaker, table: str, child: str | None) -> tuple[Bool | None, str]:
    """Draw one or two conditions on a group, of a child's rows at times."""
    number = 2 if speaker.chance(0.12) else 1
    conditions: list[Compare] = []
    words: list[str] = []
    for _ in range(number):
        known = [f for f in speaker.numbers(table) if f.values]
        if known and speaker.chance(0.42):
            field = speaker.random.choice(known)
            condition, said = measured(speaker, field)
            if speaker.chance(0.12):
                condition, said = _above_all(speaker, table, field)
            said = speaker.say("having_measure", measure=said)
        else:
            condition, said = amount(speaker)
            if child is None:
                said = speaker.say("having_count", amount=said)
            else:
                said = speaker.say("having_children", amount=said, bs=speaker.thing(child))
        if condition.left not in {other.left for other in conditions}:
            conditions.append(condition)
            words.append(said)
    if len(conditions) == 1:
        return conditions[0], words[0]
    return Junction("and", tuple(conditions)), "".join(words)


def _above_all(speaker: Speaker, table: str, field: Field) -> tuple[Compare, str]:
    """Compare an average of a group with that of all rows."""
    above = speaker.chance(0.6)
    call = Call("avg", field.col)
    words = speaker.say(
        "above_all_groups" if above else "below_all_groups", n=speaker.column(field)
    )
    return Compare(call, ">" if above else "<", Query((call,), table)), words


def _group_order(
    speaker: Speaker, table: str, shown: Shown, calls: tuple[Expr, ...], words: str
) -> tuple[tuple[Key, ...], str, int | None]:
    """Draw an order of groups: by a measure that is shown, the count, another one, or a key."""
    draw = speaker.random.random()
    if draw > 0.55:
        return (), "", None
    descending = speaker.chance(0.7)
    way = "descending" if descending else "ascending"
    known = speaker.numbers(table)
    order: Expr
    if draw < 0.2:
        order, by = COUNT, speaker.say("by_count_desc" if descending else "by_count_asc")
    elif draw < 0.32 and len(calls) == 1 and calls[0] != COUNT:
        order, by = calls[0], speaker.say(way, n=words)
    elif draw < 0.45 and known:
        field = speaker.random.choice(known)
        name = speaker.random.choice(("sum", *fitting(field)))
        order, by = Call(name, field.col), speaker.say(way, n=aggregate_words(speaker, name, field))
    else:
        order, by = shown.columns[0], speaker.say(way, n=_first_name(speaker, shown))
    limit = None
    if speaker.chance(0.42):
        limit, by = _first(speaker, by)
    return (Key(order, descending),), by, limit


def _first_name(speaker: Speaker, shown: Shown) -> str:
    first = shown.columns[0]
    return speaker.column(speaker.world.field_of(first)) if isinstance(first, Col) else shown.words


FAMILIES: dict[Family, float] = {
    block: 27,
    superlative: 6,
    measured_rows: 15,
    grouped: 12,
    per_parent: 11,
    most_related: 13,
}
