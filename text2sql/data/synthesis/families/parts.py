"""What several families of questions have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from text2sql.data.synthesis.grammar import is_plural
from text2sql.data.synthesis.queries import (
    Bool,
    Call,
    Col,
    Compare,
    Expr,
    Join,
    Junction,
    Key,
    Lit,
    Query,
    Star,
)
from text2sql.data.synthesis.relating import is_bridged, verbs
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field, Link

PEOPLE = 2  # times as often as about anything else, people ask about people
COUNT = Call("count", Star())


@dataclass(frozen=True, slots=True)
class Draft:
    """A query and a question for it."""

    query: Query
    question: str


Family = Callable[[Speaker], Draft | None]


def any_table(speaker: Speaker) -> str | None:
    """Draw a table that has something to say."""
    found = [table for table in speaker.world.nouns if speaker.fields(table)]
    weights = [PEOPLE if speaker.world.nouns[table].person else 1 for table in found]
    return speaker.random.choices(found, weights)[0] if found else None


def things(speaker: Speaker, table: str) -> dict[str, str]:
    """Return the places of a template that name a table's rows."""
    return {"things": speaker.thing(table), "thing": speaker.thing(table, False)}


def selected(
    speaker: Speaker, table: str, count: int | None = None, *, many: float = 0.5
) -> tuple[tuple[Col, ...], str] | None:
    """Draw columns to show, and what they are called."""
    known = speaker.shown(table)
    if not known:
        return None
    number = count or speaker.random.choices((1, 2, 3, 4), (66, 26, 6.5, 1.5))[0]
    naming = speaker.naming(table)
    if number == 1 and naming is not None and speaker.chance(0.45):
        chosen = [naming]
    else:
        chosen = speaker.drawn(known, number)
        if naming and naming not in chosen and number > 1 and speaker.chance(0.4):
            chosen[0] = naming
    chosen = whole(speaker, table, chosen)
    primary = speaker.world.primary(table)
    if primary is not None and speaker.chance(0.11):
        key = speaker.world.field_of(primary)
        chosen = [key, *chosen[1:]] if speaker.chance(0.5) else [key, *chosen]
    words = speaker.showing(table, chosen, many=speaker.chance(many))
    return tuple(field.col for field in chosen), words


def whole(speaker: Speaker, table: str, chosen: list[Field]) -> list[Field]:
    """Return columns to show with the last name beside the first name, mostly."""
    names = speaker.implied(table)
    if len(names) == 2 and speaker.chance(0.85) and any(name in chosen for name in names):
        rest = [field for field in chosen if field not in names]
        return [*names, *rest]
    return chosen


def ordered(speaker: Speaker, table: str, share: float) -> tuple[tuple[Key, ...], str]:
    """Draw an order or none."""
    known = [field for field in speaker.fields(table) if field.kind.name != "flag"]
    if not known or not speaker.chance(share):
        return (), ""
    key, text = speaker.order(speaker.drawn(known)[0])
    return (key,), text


def aggregates(speaker: Speaker, table: str) -> tuple[tuple[Call, ...], str] | None:
    """Draw one to three aggregates of a table's numbers, and their words."""
    known = speaker.numbers(table)
    if not known:
        return None
    number = speaker.random.choices((1, 2, 3), (68, 24, 8))[0]
    if number > 1 and speaker.chance(0.6):
        field = speaker.random.choice(known)
        fit = list(dict.fromkeys(fitting(field)))
        names = speaker.random.sample(fit, min(number, len(fit)))
        if number == 2 and speaker.chance(0.45):
            names = ["max", "min"] if speaker.chance(0.7) else ["min", "max"]
        words = speaker.listed([speaker.say(name) for name in names])
        text = (
            f"{words} {speaker.column(field)}"
            if speaker.english
            else f"{speaker.column(field)}的{words}"
        )
        return tuple(Call(name, field.col) for name in names), text
    fields = speaker.random.sample(known, min(number, len(known)))
    calls, texts, alike = [], [], speaker.chance(0.6)
    name = ""
    for field in fields:
        fit = fitting(field)
        name = name if alike and name in fit else speaker.random.choice(fit)
        calls.append(Call(name, field.col))
        texts.append(aggregate_words(speaker, name, field))
    return tuple(calls), speaker.listed(texts)


def aggregate_words(speaker: Speaker, name: str, field: Field) -> str:
    """Return what an aggregate of a column is called."""
    column = speaker.column(field)
    number = speaker.english and is_plural(column) and speaker.chance(0.7)
    return speaker.say(f"{name}_of", n=f"number of {column}" if number else column)


def fitting(field: Field) -> list[str]:
    """Return the aggregates of a column that say something, as often as people ask for them."""
    if field.kind.summable:
        return ["avg"] * 4 + ["sum"] * 4 + ["max"] * 2 + ["min"]
    return ["avg"] * 4 + ["max"] * 2 + ["min"]


def amount(speaker: Speaker, *, most: int = 6, few: bool = True) -> tuple[Compare, str]:
    """Draw a condition on a count, and its words.

    Args:
        speaker: words it.
        most: the largest number.
        few: also upper limits; not where rows without any are not among the groups.
    """
    number = speaker.random.choices((1, 2, 3, 4, 5, 10), (6, 8, 5, 3, 2, 1))[0]
    number = min(number, most)
    if speaker.chance(0.04):
        further = number + speaker.random.choice((1, 2, 2, 3))
        low, high = speaker.number(number), speaker.number(further)
        text = speaker.say("between_k", k=low, l=high)
        return Compare(COUNT, "between", (Lit(number), Lit(further))), text
    draw = speaker.random.uniform(0, 1 if few else 0.85)
    table = (
        (0.37, ">=", "at_least_k"),
        (0.75, ">", "more_than_k"),
        (0.85, "=", "exactly_k"),
        (0.92, "<", "less_than_k"),
        (1.0, "<=", "at_most_k"),
    )
    operator, key = next((op, key) for share, op, key in table if draw < share)
    if number == 1 and operator in (">=", "<"):
        number = 2
    text = speaker.say(key, k=speaker.number(number))
    return Compare(COUNT, operator, Lit(number)), text


def joint(*conditions: Bool | None) -> Bool | None:
    """Join conditions by AND."""
    parts: list[Bool] = []
    for condition in conditions:
        if isinstance(condition, Junction) and condition.operator == "and":
            parts += condition.parts
        elif condition is not None:
            parts.append(condition)
    if len(parts) < 2:
        return parts[0] if parts else None
    return Junction("and", tuple(parts))


@dataclass(frozen=True, slots=True)
class Path:
    """Tables from the one that is asked for to another, and how they join."""

    tables: tuple[str, ...]
    links: tuple[Link, ...]
    forward: tuple[bool, ...]  # from child to parent

    def source(self) -> tuple[str, tuple[Join, ...]]:
        """Return FROM and its joins, the tables in the order of the path."""
        joins = [
            Join(table, ((link.child, link.parent) if down else (link.parent, link.child),))
            for table, link, down in zip(self.tables[1:], self.links, self.forward, strict=True)
        ]
        return self.tables[0], tuple(joins)

    @property
    def target(self) -> str:
        """The table at the other end."""
        return self.tables[-1]

    def verb(self, speaker: Speaker) -> str:
        """Return a verb that leads from the first table's rows to the last one's."""
        step = len(self.links)
        direct = step == 1 or (step == 2 and is_bridged(self, 0))
        known = verbs(self, 0, step) if direct else ()
        if known and speaker.chance(0.7):
            return speaker.random.choice(known)
        down = len(self.links) == 1 and self.forward[0]
        return speaker.say("verb_down" if down else "verb")


def path(
    speaker: Speaker,
    lengths: Sequence[int] = (44, 38, 18),
    start: str | None = None,
    *,
    forward: bool = False,
) -> Path | None:
    """Draw a path of joins; no table twice.

    Args:
        lengths: weights of one, two, three joins.
        start: the first table; None draws one.
        forward: only from children to parents, so that no row is joined twice.
    """
    links = [link for link in speaker.world.links if link.child.table != link.parent.table]
    if not links:
        return None
    joined = sorted({col.table for link in links for col in (link.child, link.parent)})
    tables = [start or speaker.random.choice(joined)]
    taken: list[Link] = []
    downs: list[bool] = []
    for _ in range(speaker.random.choices(range(1, len(lengths) + 1), lengths)[0]):
        steps = [step for link in links if (step := _step(link, tables)) is not None]
        steps = [step for step in steps if step[1] or not forward]
        if not steps:
            break
        link, down, table = speaker.random.choice(steps)
        tables.append(table)
        taken.append(link)
        downs.append(down)
    return Path(tuple(tables), tuple(taken), tuple(downs)) if taken else None


def _step(link: Link, tables: Sequence[str]) -> tuple[Link, bool, str] | None:
    """Return where a link leads from the last table, if to a new one."""
    here, child, parent = tables[-1], link.child.table, link.parent.table
    if child == here and parent not in tables:
        return link, True, parent
    return (link, False, child) if parent == here and child not in tables else None


def pair(speaker: Speaker) -> tuple[str, str, Link] | None:
    """Draw a parent and a child that refers to it."""
    links = [
        link
        for link in speaker.world.links
        if link.child.table != link.parent.table and speaker.fields(link.parent.table)
    ]
    if not links:
        return None
    link = speaker.random.choice(links)
    return link.parent.table, link.child.table, link


def named(speaker: Speaker, table: str) -> tuple[tuple[Expr, ...], str] | None:
    """Draw the columns that tell which row it is, for one row of a group."""
    naming = speaker.naming(table)
    if naming is None:
        return None
    chosen = whole(speaker, table, [naming])
    known = [field for field in speaker.shown(table) if field not in chosen]
    if known and speaker.chance(0.2):
        chosen.append(speaker.random.choice(known))
    primary = speaker.world.primary(table)
    if primary is not None and speaker.chance(0.15):
        chosen.insert(0, speaker.world.field_of(primary))
        if speaker.chance(0.4):
            chosen = chosen[:1]
    return tuple(field.col for field in chosen), speaker.showing(table, chosen)
