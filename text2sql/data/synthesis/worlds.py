"""What the sampler knows of a database: how its tables and columns are called, how they join, rows.

    >>> world = invent(Random(1)).world
    >>> world.nouns["singer"].many, world.fields["singer"][2].kind.name
    (('singers',), 'age')

A world is made from an invented schema (`inventing`), whose lexicon says how people speak, or from
a real one (`surveying`), whose names and cells are all there is.

Covered: foreign keys that are declared, said by an overlay or found out (`schema.joins`); tables
without keys or rows.
Not covered: keys of several columns: such tables are not joined.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from text2sql.data.synthesis.kinds import Kind
from text2sql.data.synthesis.queries import Col
from text2sql.schema.model import Schema, Table
from text2sql.schema.words import words

Cell = str | int | float
_NAMES = {
    "name", "title", "nickname", "username", "hostname", "label", "headline", "surname",
    "forename", "gamertag",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Noun:
    """How a table's rows are called."""

    one: tuple[str, ...]  # the first is the usual word
    many: tuple[str, ...]
    person: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A column, how it is called, and what stands in it."""

    col: Col
    kind: Kind
    names: tuple[str, ...]  # the first is the column's own words
    values: tuple[Cell, ...] = ()  # distinct, as stored; not all of a large table
    nulls: bool = False
    key: bool = False  # of the primary key or a foreign key: says nothing by itself
    phrases: dict[str, tuple[str, ...]] = field(default_factory=dict)  # value -> how people say it
    negated: tuple[str, ...] = ()  # of a flag that is off

    @property
    def names_rows(self) -> bool:
        """Whether a row is called by it: a name or title, not a coach's or an owner's."""
        last = self.names[0].rpartition(" ")[2]
        return self.kind.identifying and (self.names[0].isascii() is False or last in _NAMES)

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.kind.numeric and not self.key


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key: many rows of the child belong to one of the parent."""

    child: Col
    parent: Col
    verbs: tuple[str, ...] = ()  # child ... parent
    reverse: tuple[str, ...] = ()  # parent ... child
    through: bool = False  # the child only connects: the verbs say what lies behind it


@dataclass(slots=True)
class World:
    """A database as questions speak of it."""

    schema: Schema
    nouns: dict[str, Noun]  # by full name of the table
    fields: dict[str, list[Field]]
    links: list[Link]
    rows: dict[str, int] = field(default_factory=dict)
    language: str = "en"
    # rows with their cells in the schema's order, for `witnesses`; not all of a large table
    samples: dict[str, list[tuple[Cell | None, ...]]] = field(default_factory=dict)

    def field_of(self, col: Col) -> Field:
        """Return the field of a column."""
        return next(f for f in self.fields[col.table] if f.col == col)

    def only_people(self) -> str | None:
        """Return the table of people where it is the only one: nobody else can be meant."""
        found = [table for table, noun in self.nouns.items() if noun.person]
        return found[0] if len(found) == 1 else None

    def primary(self, table: str) -> Col | None:
        """Return the column of a primary key that is one column."""
        found = self.schema.table(table)
        keys = found.primary_key if found else ()
        return Col(table, keys[0]) if len(keys) == 1 else None


def links(schema: Schema) -> list[Link]:
    """Return the foreign keys of one column."""
    known = {(table.namespace, table.name): table for table in schema.tables}
    return [
        Link(Col(table.full_name, key.columns[0]), Col(parent.full_name, key.referred[0]))
        for table in schema.tables
        for key in table.foreign_keys
        if len(key.columns) == len(key.referred) == 1
        and (parent := known.get((key.namespace, key.table))) is not None
    ]


def plain(name: str, table: Table) -> str:
    """Return a column's name in words, without those of its table where something is left."""
    said = words(name)
    own = words(table.name)
    if len(said) > len(own) and said[: len(own)] == own:
        return " ".join(said[len(own) :])
    return " ".join(said)


def noun(name: str, synonyms: Iterable[str] = ()) -> Noun:
    """Return how the rows of a table are called, from its name in one or the other number."""
    said = " ".join(words(name))
    one, many = singular(said), plural(singular(said))
    others = tuple(synonyms)
    return Noun((one, *map(singular, others)), (many, *(plural(singular(o)) for o in others)))


_IRREGULAR = {
    "bus": "buses",
    "person": "people",
    "child": "children",
    "man": "men",
    "woman": "women",
    "foot": "feet",
    "mouse": "mice",
    "staff": "staff",
    "series": "series",
    "species": "species",
    "aircraft": "aircraft",
    "equipment": "equipment",
    "criterion": "criteria",
    "analysis": "analyses",
}
_PHRASE = re.compile(r" (?:of|per|for|in|at|by|to|from|until|since|on|with|after|before) ")
_ONE_OF_MANY = {many: one for one, many in _IRREGULAR.items()}


def plural(noun: str) -> str:
    """Return the plural of an English noun phrase: its last word's, or the one before `of`."""
    inside = _PHRASE.search(noun)
    if inside and inside.start() > 0:
        return plural(noun[: inside.start()]) + noun[inside.start() :]
    head, _, last = noun.rpartition(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    elif last.endswith(("s", "x", "ch", "sh", "z")):
        last += "es"
    else:
        last += "s"
    return f"{head} {last}".strip()


def singular(noun: str) -> str:
    """Return the singular of an English noun phrase."""
    head, _, last = noun.rpartition(" ")
    if last in _ONE_OF_MANY:
        last = _ONE_OF_MANY[last]
    elif last in _IRREGULAR or last.endswith(("ss", "us", "is")) or len(last) < 4:
        pass
    elif last.endswith("ies"):
        last = last[:-3] + "y"
    elif last.endswith(("xes", "ches", "shes", "sses", "zes")):
        last = last[:-2]
    elif last.endswith("s"):
        last = last[:-1]
    return f"{head} {last}".strip()
