"""Invent a database: a few things of a domain, named as people name things, with rows.

    >>> invented = invent(Random(1))
    >>> [table.name for table in invented.world.schema.tables]
    ['Books', 'Publishers', 'Loans', 'Members']
    >>> invented.connection.execute("SELECT count(*) FROM Books").fetchone()
    (24,)

Covered: one to twelve tables joined by foreign keys and bridges, also to themselves; tables that
have nothing to do with the rest; names in many styles (`styling`), by a synonym, or of a word that
does not exist; nouns and values in English or Chinese, also Chinese questions about English values.
Not covered: views, comments, composite keys.
"""

import sqlite3
from dataclasses import dataclass, replace
from random import Random

from text2sql.data.synthesis import makers
from text2sql.data.synthesis.everyday import with_everyday
from text2sql.data.synthesis.filling import Thing, fill, key_values, key_words
from text2sql.data.synthesis.kinds import kinds
from text2sql.data.synthesis.lexicon import (
    Attribute,
    Bridge,
    Domain,
    Entity,
    Relation,
    domains,
    extras,
)
from text2sql.data.synthesis.styling import Style, draw_style
from text2sql.data.synthesis.worlds import Noun, World, plural
from text2sql.schema.model import Schema
from text2sql.schema.rendering import render

SIZES = {1: 6, 2: 15, 3: 26, 4: 20, 5: 12, 6: 8, 7: 6, 8: 3, 10: 2, 12: 2}  # tables: weight
ROWS = (12, 40)
LIFE = 0.12  # share of things with a date that is missing until something has happened
ENGLISH_CELLS = 0.6  # share of databases asked about in Chinese whose cells are English
PEOPLE = 3  # times as often as of anything else, databases begin with a table of people


@dataclass(slots=True)
class Invented:
    """An invented database, open in memory."""

    world: World
    connection: sqlite3.Connection


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
    while len(things) < size - 2 or random.random() < 0.17:  # of another domain
        more = 1 if len(things) >= size - 2 else size - len(things)
        other = known[random.choice(sorted(known))]
        things += _apart(_things(other, more, random, language), things)
    style = draw_style(random)
    world, rows = _build(chosen.name, things, style, random, language)
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.executescript(render(world.schema, "ddl"))
    for table, values in rows.items():
        marks = ", ".join("?" * len(values[0])) if values else ""
        connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', values)
    return Invented(with_everyday(world), connection)


def _apart(more: list[Thing], things: list[Thing]) -> list[Thing]:
    """Return further things without those whose name is taken, and what refers to them."""
    taken = {thing.name for thing in things}
    kept = [thing for thing in more if thing.name not in taken]
    for thing in kept:
        thing.parents = [p for p in thing.parents if any(p[0] is other for other in kept)]
    return [thing for thing in kept if not thing.bridge or len(thing.parents) == 2]


def _things(domain: Domain, size: int, random: Random, language: str) -> list[Thing]:
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
    things: dict[str, Thing],
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


def _thing(entity: Entity, random: Random, language: str) -> Thing:
    number = random.choices((1, 2, 3, 4, 5, 6, 8, 14), (2, 5, 6, 6, 5, 4, 3, 1))[0]
    attributes = random.sample(entity.attributes, min(number, len(entity.attributes)))
    if number > len(attributes) + 3 or random.random() < 0.06:
        taken = {attribute.name for attribute in entity.attributes}
        more = [extra for extra in extras() if extra.name not in taken and not extra.missing]
        attributes += random.sample(more, max(1, number - len(attributes)))
    if random.random() < LIFE:
        attributes += _of_life(entity, random)
    names = [a for a in entity.attributes if kinds()[a.kind].identifying]
    if names and random.random() < 0.85 and not any(a in attributes for a in names):
        attributes.append(names[0])
    if random.random() < 0.7:
        place = {attribute.name: i for i, attribute in enumerate(entity.attributes)}
        attributes.sort(key=lambda attribute: place.get(attribute.name, len(place)))
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
    return Thing(name, Noun(one, many, entity.person), [_renamed(a, random) for a in attributes])


def _of_life(entity: Entity, random: Random) -> list[Attribute]:
    """Return a column of what happens to things in the end, which has not happened to all."""
    taken = {attribute.name for attribute in entity.attributes}
    known = [e for e in extras() if e.missing and e.person in (None, entity.person)]
    return [e for e in random.sample(known, 1) if e.name not in taken]


def _split_names(attributes: list[Attribute], random: Random) -> list[Attribute]:
    """Keep a person's name in two columns at times."""
    kinds_found = {attribute.kind for attribute in attributes}
    place = next((i for i, a in enumerate(attributes) if a.maker == "person"), None)
    if place is None or "last name" in kinds_found or random.random() > 0.35:
        return attributes
    parts = [Attribute("first name", "first name", "名"), Attribute("last name", "last name", "姓")]
    return [*attributes[:place], *parts, *attributes[place + 1 :]]


def _bridge(bridge: Bridge, sides: list[Thing], random: Random, language: str) -> Thing:
    one = (bridge.zh or bridge.name,) if language == "zh" else (bridge.name,)
    many = one if language == "zh" else (bridge.plural or plural(bridge.name),)
    attributes = [a for a in bridge.attributes if random.random() < 0.6]
    thing = Thing(bridge.name, Noun(one, many), attributes, bridge=True)
    first, second = sides
    ways = (
        Relation(first.name, bridge.reverse, bridge.verbs, zh_reverse=bridge.zh_verbs),
        Relation(second.name, bridge.verbs, zh_verbs=bridge.zh_verbs),
    )
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


def _build(
    name: str, things: list[Thing], style: Style, random: Random, language: str
) -> tuple[World, dict[str, list[tuple[makers.Value | None, ...]]]]:
    for thing in things:
        said = plural(thing.name) if style.plural_tables else thing.name
        words = said.split()
        taken = {other.table.lower() for other in things}
        free = [words, [*words, "info"], [*words, "data"], [*words, "list"]]
        thing.table = next(t for w in free if (t := style.table(w)).lower() not in taken)
        thing.key = style.cased(key_words(style, thing.name.split()))
    counts = {t.table: random.randint(*ROWS) * (2 if t.bridge else 1) for t in things}
    keys = {table: key_values(style, count, random) for table, count in counts.items()}
    foreign = language != "en" and random.random() < ENGLISH_CELLS
    cells = "en" if foreign else language
    made = [fill(thing, style, keys, random, language, cells=cells) for thing in things]
    order = random.sample(made, len(made)) if random.random() < 0.5 else made
    schema = Schema(name, "sqlite", tuple(m.table for m in order))
    rows = {m.table.name: m.rows for m in made}
    world = World(
        schema,
        {thing.table: thing.noun for thing in things},
        {m.table.name: m.fields for m in made},
        [link for m in made for link in m.links],
        counts,
        language,
        rows,
    )
    return world, rows
