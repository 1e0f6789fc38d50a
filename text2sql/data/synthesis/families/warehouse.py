"""What analysts ask of a warehouse: relative dates, periods, shares, ranks, top k per group.

    >>> draft = last_days(speaker)
    >>> draft.question
    'how many orders are there whose date is in the last 7 days? (as of 2024-03-15)'
    >>> write(draft.query, Spelled(schema))
    "SELECT count(*) FROM orders WHERE date > date('2024-03-15', '-7 days') AND date < ..."

These constructions are not in Spider, and a small base has little room for them:
`drafting.FAMILIES` leaves them out, and a share of them is asked for by name (`shares`). The
question states the day that counts as today. The last 7 days end with today; the last month is the
whole one before this. A change is one against the period before that has rows.

Written with SQLite's functions; `dialects.translate` writes them for other engines.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta

from text2sql.data.synthesis.families.narrowing import OWN, narrow
from text2sql.data.synthesis.families.parts import (
    COUNT,
    Draft,
    Family,
    aggregate_words,
    any_table,
    fitting,
    joint,
    things,
)
from text2sql.data.synthesis.queries import (
    Arithmetic,
    Bool,
    Call,
    Col,
    Compare,
    Expr,
    Key,
    Lit,
    Query,
    Window,
)
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PERIODS = {"month": "%Y-%m", "year": "%Y"}


def dated(speaker: Speaker) -> tuple[str, Field] | None:
    """Draw a table with a column of days, or of days with times."""
    table = any_table(speaker)
    known = [f for f in speaker.fields(table) if _is_day(f)] if table else []
    return (table, speaker.random.choice(known)) if table and known else None


def _is_day(field: Field) -> bool:
    found = field.values[:1]
    return field.kind.calendar and bool(found) and bool(_DAY.match(str(found[0])))


def _today(speaker: Speaker, field: Field) -> date:
    """Draw a day that lies shortly behind one that is stored."""
    stored = str(speaker.random.choice(field.values))[:10]
    return date.fromisoformat(stored) + timedelta(days=speaker.random.randint(0, 9))


def _moved(today: date, *steps: str) -> Call:
    return Call("date", Lit(today.isoformat()), further=tuple(map(Lit, steps)))


def _measure(speaker: Speaker, table: str) -> tuple[Call, str]:
    """Draw the count of rows or an aggregate of a number, and its words with the rows."""
    numbers = [f for f in speaker.numbers(table) if f.kind.summable] or speaker.numbers(table)
    if not numbers or speaker.chance(0.4):
        return COUNT, speaker.say("how_many")
    field = speaker.random.choice(numbers)
    name = speaker.random.choice(("sum", "sum", *fitting(field)))
    return Call(name, field.col), aggregate_words(speaker, name, field)


# --- relative dates ------------------------------------------------------------------------------


def _recent(
    speaker: Speaker, period: Callable[[Speaker, Field, date], tuple[Bool, str]]
) -> Draft | None:
    """Ask for the rows of a period that is relative to today."""
    drawn = dated(speaker)
    if drawn is None:
        return None
    table, field = drawn
    today = _today(speaker, field)
    condition, words = period(speaker, field, today)
    part = narrow(speaker, table, (0.75, 0.25), kinds=OWN)
    where = joint(condition, part.where)
    said = speaker.say("period_and", first=words, second=part.words) if part.words else words
    behind = speaker.behind(said)
    as_of = speaker.say("as_of", today=today.isoformat())
    naming = speaker.naming(table)
    if naming is not None and speaker.chance(0.35):
        parts = {"what": speaker.column(naming, many=True), "where": behind, "by": ""}
        text = speaker.ask(speaker.say("list", **parts, **things(speaker, table)))
        return Draft(Query((naming.col,), table, where=where), text + as_of)
    call, measure = _measure(speaker, table)
    if call == COUNT:
        text = speaker.say("count", where=behind, **things(speaker, table))
    else:
        text = speaker.ask(
            speaker.say("aggregate", aggs=measure, where=behind, **things(speaker, table))
        )
    return Draft(Query((call,), table, where=where), text + as_of)


def last_days(speaker: Speaker) -> Draft | None:
    """Rows of the last days, today among them."""
    return _recent(speaker, _last_days)


def _last_days(speaker: Speaker, field: Field, today: date) -> tuple[Bool, str]:
    count = speaker.random.choice((7, 7, 10, 14, 30, 30, 60, 90, 180, 365))
    after = Compare(field.col, ">", _moved(today, f"-{count} days"))
    until = Compare(field.col, "<", _moved(today, "+1 day"))
    if count % 7 == 0 and speaker.chance(0.3):
        words = speaker.say("last_weeks", n=speaker.column(field), k=str(count // 7))
    else:
        words = speaker.say("last_days", n=speaker.column(field), k=str(count))
    return joint(after, until) or after, words


def whole_period(speaker: Speaker) -> Draft | None:
    """Rows of this month or year, or of the one before."""
    return _recent(speaker, _whole_period)


def _whole_period(speaker: Speaker, field: Field, today: date) -> tuple[Bool, str]:
    unit, last = speaker.random.choice(("month", "year")), speaker.chance(0.6)
    start, step = f"start of {unit}", f"1 {unit}"
    begin = _moved(today, start, f"-{step}") if last else _moved(today, start)
    end = _moved(today, start) if last else _moved(today, start, f"+{step}")
    both = joint(Compare(field.col, ">=", begin), Compare(field.col, "<", end))
    assert both is not None
    return both, speaker.say(f"{'last' if last else 'this'}_{unit}", n=speaker.column(field))


# --- periods -------------------------------------------------------------------------------------


def per_period(speaker: Speaker) -> Draft | None:
    """A measure of each month or year."""
    drawn = dated(speaker)
    if drawn is None:
        return None
    table, field = drawn
    unit = speaker.random.choice(list(_PERIODS))
    period = Call("strftime", Lit(_PERIODS[unit]), further=(field.col,))
    call, measure = _measure(speaker, table)
    text = speaker.say(
        f"per_{unit}_measure", what=measure, n=speaker.column(field), **things(speaker, table)
    )
    query = Query((period, call), table, group=(period,), order=(Key(period),))
    return Draft(query, speaker.ask(text))


def change(speaker: Speaker) -> Draft | None:
    """A measure of each month or year, and its change against the one before."""
    drawn = dated(speaker)
    if drawn is None:
        return None
    table, field = drawn
    unit = speaker.random.choice(list(_PERIODS))
    period = Call("strftime", Lit(_PERIODS[unit]), further=(field.col,))
    call, measure = _measure(speaker, table)
    before = Window(Call("lag", call), (), (Key(period),))
    difference: Expr = Arithmetic(call, "-", before)
    key = f"change_{unit}"
    if speaker.chance(0.4):
        difference = Arithmetic(Arithmetic(Lit(100.0), "*", difference), "/", before)
        key += "_percent"
    text = speaker.say(key, what=measure, n=speaker.column(field), **things(speaker, table))
    query = Query((period, call, difference), table, group=(period,), order=(Key(period),))
    return Draft(query, speaker.ask(text))


# --- ranks, sums, shares -------------------------------------------------------------------------


def _numbered(speaker: Speaker) -> tuple[str, Field, Field] | None:
    """Draw a table with the column that names its rows and a number."""
    table = any_table(speaker)
    naming = speaker.naming(table) if table else None
    numbers = [f for f in speaker.numbers(table) if f is not naming] if table else []
    if table is None or naming is None or not numbers:
        return None
    return table, naming, speaker.random.choice(numbers)


def ranked(speaker: Speaker) -> Draft | None:
    """Rows with their rank, in all or within a group."""
    drawn = _numbered(speaker)
    if drawn is None:
        return None
    table, naming, field = drawn
    groups = [f for f in speaker.groups(table) if f not in (naming, field)]
    group = speaker.random.choice(groups) if groups and speaker.chance(0.5) else None
    most = speaker.chance(0.8)
    rank = Window(
        Call("rank", None), (group.col,) if group else (), (Key(field.col, most),)
    )  # fmt: skip
    words = {
        "what": speaker.column(naming),
        "n": speaker.column(field),
        "most": speaker.extreme(field, most),
        "g": speaker.column(group) if group else "",
    }
    text = speaker.say("ranked_within" if group else "ranked", **words, **things(speaker, table))
    shown: tuple[Expr, ...] = (naming.col, *((group.col,) if group else ()), field.col, rank)
    return Draft(Query(shown, table), speaker.ask(text))


def running(speaker: Speaker) -> Draft | None:
    """A number with its sum up to that day."""
    drawn = dated(speaker)
    numbers = speaker.numbers(drawn[0]) if drawn else []
    if drawn is None or not numbers:
        return None
    table, day = drawn
    field = speaker.random.choice(numbers)
    total = Window(Call("sum", field.col), (), (Key(day.col),))
    words = {"n": speaker.column(field), "d": speaker.column(day)}
    text = speaker.say("running_total", **words, **things(speaker, table))
    query = Query((day.col, field.col, total), table, order=(Key(day.col),))
    return Draft(query, speaker.ask(text))


def top_per_group(speaker: Speaker) -> Draft | None:
    """The few rows with the most of each group."""
    drawn = _numbered(speaker)
    if drawn is None:
        return None
    table, naming, field = drawn
    groups = [f for f in speaker.groups(table) if f not in (naming, field)]
    if not groups:
        return None
    group, most = speaker.random.choice(groups), speaker.chance(0.8)
    limit = speaker.random.choice((1, 1, 2, 3, 3, 5))
    rank = Window(Call("rank", None), (group.col,), (Key(field.col, most),))
    inner = Query((group.col, naming.col, rank), table, names=("category", "item", "place"))
    shown = (Col("ranked", "category"), Col("ranked", "item"))
    where = Compare(Col("ranked", "place"), "<=", Lit(limit))
    words = {
        "g": speaker.column(group),
        "what": speaker.column(naming, many=limit > 1),
        "n": speaker.column(field),
        "most": speaker.extreme(field, most),
        "k": speaker.number(limit),
    }
    key = "best_in_group" if limit == 1 else "top_in_group"
    text = speaker.say(key, **words, **things(speaker, table))
    return Draft(Query(shown, inner, where=where, alias="ranked"), speaker.ask(text))


def share(speaker: Speaker) -> Draft | None:
    """What each group contributes to the whole, in percent."""
    table = any_table(speaker)
    groups = speaker.groups(table) if table else []
    if table is None or not groups:
        return None
    group = speaker.random.choice(groups)
    numbers = [f for f in speaker.numbers(table) if f.kind.summable and f is not group]
    call, words = COUNT, ""
    if numbers and speaker.chance(0.6):
        field = speaker.random.choice(numbers)
        call, words = Call("sum", field.col), speaker.column(field)
    whole: Expr = Query((call,), table)
    if speaker.chance(0.4):
        whole = Window(Call("sum", call))
    part = Arithmetic(Arithmetic(Lit(100.0), "*", call), "/", whole)
    key = "share_of_sum" if words else "share_of_rows"
    text = speaker.say(key, n=words, g=speaker.column(group), **things(speaker, table))
    return Draft(Query((group.col, part), table, group=(group.col,)), speaker.ask(text))


FAMILIES: dict[Family, float] = {
    last_days: 3,
    whole_period: 2,
    per_period: 3,
    change: 2,
    ranked: 2,
    running: 1,
    top_per_group: 3,
    share: 2,
}
