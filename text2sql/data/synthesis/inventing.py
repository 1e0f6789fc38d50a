"""Invent a database: a few things of a domain, named as people name things, with rows.

    >>> invented = invent(Random(1))
    >>> [table.name for table in invented.world.schema.tables]
    ['Books', 'Publishers', 'Loans', 'Members']
    >>> invented.connection.execute("SELECT count(*) FROM Books").fetchone()
    (24,)

Covered: one to seven tables joined by foreign keys and bridges, also to themselves; tables that
have nothing to do with the rest; names in seven styles, prefixed with the table's name, by a
synonym, or of a word that does not exist; keys that nobody declared; empty cells; nouns and values
in English or Chinese.
Not covered: views, comments, composite keys.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random

from text2sql.data.synthesis import makers
from text2sql.data.synthesis.kinds import kinds, refined
from text2sql.data.synthesis.lexicon import Attribute, Bridge, Domain, Entity, Relation, domains
from text2sql.data.synthesis.queries import Col
from text2sql.data.synthesis.worlds import Field, Link, Noun, World, plural
from text2sql.schema.model import Column, ForeignKey, Schema, Table
from text2sql.schema.rendering import render

SIZES = {1: 8, 2: 16, 3: 22, 4: 20, 5: 16, 6: 10, 7: 8}  # tables: weight
ROWS = (12, 40)
PEOPLE = 2.5  # times as often as of anything else, databases begin with a table of people


@dataclass(slots=True)
class Invented:
    """An invented database, open in memory."""

    world: World
    connection: sqlite3.Connection


@dataclass(slots=True)
class _Thing:
    """A table in the making."""

    name: str  # in words
    noun: Noun
    attributes: list[Attribute]
    parents: "list[tuple[_Thing, str, Relation]]" = field(default_factory=list)  # and the role
    bridge: bool = False
    table: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class _Style:
    """How one database names things."""

    case: Callable[[list[str]], str]
    plural_tables: bool
    prefix: float  # chance that a column carries its table's name
    key: str  # "id", "table id" or "table no"
    table_prefix: str


def invent(random: Random, *, language: str = "en", domain: str | None = None) -> Invented:
    """Invent a database.

    Args:
        random: decides everything.
        language: of the nouns and values: `en` or `zh`.
        domain: a name in `domains()`; None draws one.
    """
    known = domains()
    chosen = known[domain] if domain else known[random.choice(sorted(known))]
    size = random.choices(list(SIZES), list(SIZES.values()))[0]
    things = _things(chosen, size, random, language)
    if len(known) > 1 and random.random() < 0.2:
        other = known[random.choice(sorted(known.keys() - {chosen.name}))]
        things += [t for t in _things(other, 1, random, language) if _new(t, things)]
    style = _style(random)
    world, rows = _build(chosen.name, things, style, random, language)
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.executescript(render(world.schema, "ddl"))
    for table, values in rows.items():
        marks = ", ".join("?" * len(values[0])) if values else ""
        connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', values)
    return Invented(world, connection)


def _new(thing: _Thing, things: list[_Thing]) -> bool:
    return thing.name not in {other.name for other in things}


def _things(domain: Domain, size: int, random: Random, language: str) -> list[_Thing]:
    """Draw things that hang together."""
    by_name = {entity.name: entity for entity in domain.entities}
    weights = [PEOPLE if entity.person else 1 for entity in domain.entities]
    first = random.choices(domain.entities, weights)[0]
    things = {first.name: _thing(first, random, language)}
    for _ in range(8 * size):
        if len(things) >= size:
            break
        _grow(domain, by_name, things, size, random, language)
    return list(things.values())


def _grow(
    domain: Domain,
    by_name: dict[str, Entity],
    things: dict[str, _Thing],
    size: int,
    random: Random,
    language: str,
) -> None:
    """Add what a relation or a bridge leads to."""
    steps: list[tuple[str, Relation] | Bridge] = [
        (entity.name, relation) for entity in domain.entities for relation in entity.relations
    ]
    steps += domain.bridges
    step = random.choice(steps) if steps else None
    if step is None:
        return
    if isinstance(step, Bridge):
        if step.name in things or not set(step.between) & things.keys():
            return
        if len(set(step.between) - things.keys()) + 1 > size - len(things) and len(things) > 1:
            return
        sides = []
        for name in step.between:
            if name not in things:
                things[name] = _thing(by_name[name], random, language)
            sides.append(things[name])
        things[step.name] = _bridge(step, sides, random, language)
        return
    child, relation = step
    if child not in things and relation.to not in things:
        return
    for name in (child, relation.to):
        if name not in things:
            things[name] = _thing(by_name[name], random, language)
    parent, role = things[relation.to], relation.role or relation.to
    if all(other is not parent or known != role for other, known, _ in things[child].parents):
        things[child].parents.append((parent, role, relation))


def _thing(entity: Entity, random: Random, language: str) -> _Thing:
    number = min(len(entity.attributes), random.choices((2, 3, 4, 5, 6, 8), (1, 2, 4, 4, 3, 2))[0])
    attributes = random.sample(entity.attributes, number)
    names = [a for a in entity.attributes if kinds()[a.kind].identifying]
    if names and random.random() < 0.85 and not any(a in attributes for a in names):
        attributes.append(names[0])
    if random.random() < 0.7:
        attributes.sort(key=entity.attributes.index)
    attributes = _split_names(attributes, random)
    name, one = entity.name, (entity.name, *entity.synonyms)
    if entity.synonyms and random.random() < 0.12:
        name = random.choice(entity.synonyms)
        one = (name, *(other for other in one if other != name))
    many = tuple(
        entity.plural if other == entity.name and entity.plural else plural(other) for other in one
    )
    if language == "zh":
        one = many = (entity.zh or entity.name, *entity.zh_synonyms)
    return _Thing(name, Noun(one, many, entity.person), [_renamed(a, random) for a in attributes])


def _split_names(attributes: list[Attribute], random: Random) -> list[Attribute]:
    """Keep a person's name in two columns at times."""
    kinds_found = {attribute.kind for attribute in attributes}
    place = next((i for i, a in enumerate(attributes) if a.maker == "person"), None)
    if place is None or "last name" in kinds_found or random.random() > 0.35:
        return attributes
    parts = [Attribute("first name", "first name", "名"), Attribute("last name", "last name", "姓")]
    return [*attributes[:place], *parts, *attributes[place + 1 :]]


def _bridge(bridge: Bridge, sides: list[_Thing], random: Random, language: str) -> _Thing:
    one = (bridge.zh or bridge.name,) if language == "zh" else (bridge.name,)
    many = one if language == "zh" else (bridge.plural or plural(bridge.name),)
    attributes = [a for a in bridge.attributes if random.random() < 0.8]
    thing = _Thing(bridge.name, Noun(one, many), attributes, bridge=True)
    first, second = sides
    ways = Relation(first.name, bridge.reverse, bridge.verbs), Relation(second.name, bridge.verbs)
    thing.parents = [(first, first.name, ways[0]), (second, second.name, ways[1])]
    return thing


def _renamed(attribute: Attribute, random: Random) -> Attribute:
    """Let a column be called by a synonym, or by a word that does not exist."""
    draw = random.random()
    if attribute.synonyms and draw < 0.12:
        name = random.choice(attribute.synonyms)
        others = (attribute.name, *(s for s in attribute.synonyms if s != name))
        return replace(attribute, name=name, synonyms=others)
    if draw > 0.96:
        return replace(attribute, name=_strange(attribute.name, random), synonyms=(), zh="")
    return attribute


def _strange(name: str, random: Random) -> str:
    """Return a word that does not exist, from the letters of one that does."""
    words = name.split()
    place = random.randrange(len(words))
    letters = [c for c in words[place] if c.isalpha()] or ["q"]
    random.shuffle(letters)
    words[place] = "".join(letters)[:8] + random.choice(("", "o", "ix", "um", "er"))
    return " ".join(words)


_CASES: dict[str, Callable[[list[str]], str]] = {
    "snake": lambda words: "_".join(words).lower(),
    "title": lambda words: "_".join(word.capitalize() for word in words),
    "pascal": lambda words: "".join(word.capitalize() for word in words),
    "camel": lambda words: words[0].lower() + "".join(w.capitalize() for w in words[1:]),
    "upper": lambda words: "_".join(words).upper(),
    "blank": lambda words: " ".join(words).capitalize(),
    "joined": lambda words: "".join(words).lower(),
}


def _style(random: Random) -> _Style:
    case = random.choices(list(_CASES), (45, 20, 12, 9, 4, 5, 5))[0]
    return _Style(
        _CASES[case],
        random.random() < 0.4,
        random.choice((0.0, 0.0, 0.1, 0.6)),
        random.choices(("table id", "id", "table no"), (6, 3, 1))[0],
        random.choices(("", "tbl", "dim", "ref"), (30, 1, 1, 1))[0],
    )


def _build(
    name: str, things: list[_Thing], style: _Style, random: Random, language: str
) -> tuple[World, dict[str, list[tuple[makers.Value | None, ...]]]]:
    for thing in things:
        said = thing.noun.many[0] if style.plural_tables and language == "en" else thing.name
        words = [*filter(None, [style.table_prefix]), *said.split()]
        taken = {other.table.lower() for other in things}
        free = [words, [*words, "info"], [*words, "data"], [*words, "list"]]
        thing.table = next(t for w in free if (t := style.case(w)).lower() not in taken)
        words = thing.name.split()
        thing.key = style.case(
            {"id": ["id"], "table id": [*words, "id"]}.get(style.key, [*words, "no"])
        )
    counts = {t.table: random.randint(*ROWS) * (2 if t.bridge else 1) for t in things}
    made = [_table(thing, style, counts, random, language) for thing in things]
    order = random.sample(made, len(made)) if random.random() < 0.5 else made
    schema = Schema(name, "sqlite", tuple(m.table for m in order))
    world = World(
        schema,
        {thing.table: thing.noun for thing in things},
        {m.table.name: m.fields for m in made},
        [link for m in made for link in m.links],
        counts,
        language,
    )
    return world, {m.table.name: m.rows for m in made}


@dataclass(slots=True)
class _Made:
    table: Table
    fields: list[Field]
    links: list[Link]
    rows: list[tuple[makers.Value | None, ...]]


def _table(
    thing: _Thing, style: _Style, counts: dict[str, int], random: Random, language: str
) -> _Made:
    count = counts[thing.table]
    columns: list[Column] = []
    values: list[list[makers.Value | None]] = []
    fields: list[Field] = []
    links: list[Link] = []
    keys: list[ForeignKey] = []

    def add(name: str, declared: str, cells: list[makers.Value | None], said: Field) -> None:
        columns.append(Column(name, declared, nullable=None in cells))
        values.append(cells)
        fields.append(said)

    if not thing.bridge or random.random() < 0.5:
        col = Col(thing.table, thing.key)
        names = ("id", f"{thing.name} id", f"{thing.name} number")
        if random.random() < 0.6:
            names = (names[1], names[0], names[2])
        add(
            thing.key,
            "INTEGER",
            list(range(1, count + 1)),
            Field(col, kinds()["code"], names, key=True),
        )
    for attribute in thing.attributes:
        name = _column_name(attribute, thing, style, random)
        if name.lower() not in {column.name.lower() for column in columns}:
            field, declared, cells = _field(attribute, thing, name, count, random, language)
            add(name, declared, cells, field)
    for parent, role, relation in thing.parents:
        name = style.case([*role.split(), "id" if style.key != "table no" else "no"])
        if name.lower() in {column.name.lower() for column in columns}:
            continue
        col = Col(thing.table, name)
        cells = [random.randint(1, counts[parent.table]) for _ in range(count)]
        add(name, "INTEGER", list(cells), Field(col, kinds()["code"], (f"{role} id",), key=True))
        parent_key = Col(parent.table, parent.key)
        links.append(Link(col, parent_key, relation.verbs, relation.reverse))
        if random.random() < 0.92:
            keys.append(ForeignKey((name,), parent.table, (parent.key,)))
    primary = (thing.key,) if thing.key in {column.name for column in columns} else ()
    table = Table(thing.table, tuple(columns), primary, tuple(keys))
    return _Made(table, fields, links, list(zip(*values, strict=True)))


def _column_name(attribute: Attribute, thing: _Thing, style: _Style, random: Random) -> str:
    words = attribute.name.split()
    if random.random() < style.prefix and words[: len(thing.name.split())] != thing.name.split():
        words = [*thing.name.split(), *words]
    return style.case(words)


def _field(
    attribute: Attribute, thing: _Thing, name: str, count: int, random: Random, language: str
) -> tuple[Field, str, list[makers.Value | None]]:
    made = makers.make(attribute, count, random, language=language)
    kind = kinds()[refined(attribute.kind, attribute.name)]
    cells: list[makers.Value | None] = list(made)
    if random.random() < 0.15:
        cells = [None if random.random() < 0.2 else cell for cell in cells]
    shown = tuple(dict.fromkeys(cell for cell in cells if cell is not None))
    declared = _declared(made, kind.moment, attribute.kind, random)
    rest = attribute.name.removeprefix(f"{thing.name} ")
    names = tuple(dict.fromkeys((rest, attribute.name, *attribute.synonyms)))
    if language == "zh":
        names = (attribute.zh or attribute.name,)
    phrases = dict(_phrases(attribute, shown))
    col = Col(thing.table, name)
    said = Field(col, kind, names, shown, None in cells, False, phrases, attribute.negated)
    return said, declared, cells


def _phrases(
    attribute: Attribute, values: tuple[makers.Value, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield how people say the values that stand in a column."""
    on = {"1", "yes", "y", "t", "true"}
    for value in values:
        text = str(value)
        if attribute.kind == "flag":
            said = attribute.phrases.get("yes", ()) if text.lower() in on else attribute.negated
        else:
            known = {said.lower(): ways for said, ways in attribute.phrases.items()}
            said = known.get(text.lower(), ())
        if said:
            yield text, tuple(said)


def _declared(values: list[makers.Value], moment: bool, kind: str, random: Random) -> str:
    if all(isinstance(value, int) for value in values):
        return random.choices(("INTEGER", "INT", "NUMERIC", "TEXT"), (12, 4, 2, 1))[0]
    if all(isinstance(value, int | float) for value in values):
        return random.choice(("REAL", "DECIMAL(10,2)", "FLOAT", "NUMERIC"))
    if moment:
        return random.choice(("TEXT", "DATETIME" if kind == "datetime" else kind.upper()))
    return random.choice(("TEXT", "VARCHAR(80)", "TEXT", "CHAR(40)"))
