"""Fill the tables of an invented database: columns, keys and rows.

    >>> made = fill(thing, style, {"books": [1, 2, 3]}, Random(1), "en")
    >>> [column.name for column in made.table.columns], made.rows[0]
    (['id', 'title', 'pages'], (1, 'The Green River', 312))

Covered: keys that are numbers or codes, foreign keys that nobody declared, empty cells, columns by
the table's own style.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from text2sql.data.synthesis import makers
from text2sql.data.synthesis.kinds import kinds, refined
from text2sql.data.synthesis.lexicon import Attribute, Relation
from text2sql.data.synthesis.queries import Col
from text2sql.data.synthesis.styling import Style
from text2sql.data.synthesis.worlds import Field, Link, Noun
from text2sql.schema.model import Column, ForeignKey, Table
from text2sql.schema.thesaurus import thesaurus

_GENDERS = {"f": "女", "female": "女性", "m": "男", "male": "男性"}


@dataclass(slots=True)
class Thing:
    """A table in the making."""

    name: str  # in words
    noun: Noun
    attributes: list[Attribute]
    parents: "list[tuple[Thing, str, Relation]]" = field(default_factory=list)  # and the role
    bridge: bool = False
    table: str = ""
    key: str = ""


def _reference(style: Style, role: str, parent: str) -> list[str]:
    """Return the words of a foreign key."""
    if style.bare_keys and role != parent:
        return role.split()
    end = style.key.removeprefix("table ")
    return [*role.split(), end]


def key_words(style: Style, role: list[str]) -> list[str]:
    """Return the words of a key, or of what refers to it."""
    end = style.key.removeprefix("table ")
    return [end] if style.key == "id" else [*role, end]


def key_values(style: Style, count: int, random: Random) -> list[makers.Value]:
    """Return the values of a primary key: numbers, or codes."""
    if style.key != "table code":
        first = random.choices((1, 101, 1001), (8, 1, 1))[0]
        return list(range(first, first + count))
    letters = "".join(random.choices("ABCDEFGHKLMNPRSTUVW", k=random.choice((1, 2, 3))))
    return [f"{letters}{number:03d}" for number in range(1, count + 1)]


@dataclass(slots=True)
class Made:
    table: Table
    fields: list[Field]
    links: list[Link]
    rows: list[tuple[makers.Value | None, ...]]


def fill(
    thing: Thing,
    style: Style,
    keys_of: dict[str, list[makers.Value]],
    random: Random,
    language: str,
    *,
    cells: str | None = None,
) -> Made:
    """Make the columns and rows of a thing.

    Args:
        thing: with its table's name.
        style: of names.
        keys_of: the keys of every table.
        random: decides everything.
        language: in which people ask about it.
        cells: language of what stands in its cells; None: the same.
    """
    count = len(keys_of[thing.table])
    declared_key = "TEXT" if style.key == "table code" else "INTEGER"
    columns: list[Column] = []
    values: list[list[makers.Value | None]] = []
    fields: list[Field] = []
    links: list[Link] = []
    keys: list[ForeignKey] = []

    def add(name: str, declared: str, held: list[makers.Value | None], said: Field) -> None:
        columns.append(Column(name, declared, nullable=None in held))
        values.append(held)
        fields.append(said)

    if not thing.bridge or random.random() < 0.35:
        col = Col(thing.table, thing.key)
        said = Field(col, kinds()["code"], _key_names(thing, style, random, language), key=True)
        add(thing.key, declared_key, [*keys_of[thing.table]], said)
    for attribute in thing.attributes:
        name = style.column(attribute.name.split(), thing.name.split(), random)
        if name.lower() not in {column.name.lower() for column in columns}:
            made = makers.make(attribute, count, random, language=cells or language)
            field, declared, held = _field(attribute, thing, name, made, random, language)
            add(name, declared, held, field)
    for parent, role, relation in thing.parents:
        name = style.cased(_reference(style, role, parent.name))
        if name.lower() in {column.name.lower() for column in columns}:
            continue
        col = Col(thing.table, name)
        referred = random.choices(keys_of[parent.table], k=count)
        add(
            name,
            declared_key,
            [*referred],
            Field(col, kinds()["code"], _reference_names(role, parent, language), key=True),
        )
        parent_key = Col(parent.table, parent.key)
        links.append(Link(col, parent_key, *_verbs(relation, language), thing.bridge))
        if random.random() < 0.92:
            keys.append(ForeignKey((name,), parent.table, (parent.key,)))
    primary = (thing.key,) if thing.key in {column.name for column in columns} else ()
    table = Table(thing.table, tuple(columns), primary, tuple(keys))
    return Made(table, fields, links, list(zip(*values, strict=True)))


def _key_names(thing: Thing, style: Style, random: Random, language: str) -> tuple[str, ...]:
    """Return what a primary key is called."""
    name = thing.name
    if language == "zh":
        return f"{thing.noun.one[0]}编号", "编号"
    if style.key == "table code":
        return "code", f"{name} code"
    own = f"{name} id"
    return (own, "id", f"{name} number") if random.random() < 0.6 else ("id", own, f"{name} number")


def _verbs(relation: Relation, language: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what leads to the parent and back; in Chinese only words that take an object."""
    if language != "zh":
        return relation.verbs, relation.reverse
    if relation.zh.endswith(("于", "自", "到")):
        return (relation.zh,), ()
    ways = (relation.zh_verbs, relation.zh_reverse)
    there, back = (tuple(verb for verb in way if "…" not in verb) for way in ways)
    return there, back


def _reference_names(role: str, parent: Thing, language: str) -> tuple[str, ...]:
    return (f"{parent.noun.one[0]}编号",) if language == "zh" else (f"{role} id",)


def _field(
    attribute: Attribute,
    thing: Thing,
    name: str,
    made: list[makers.Value],
    random: Random,
    language: str,
) -> tuple[Field, str, list[makers.Value | None]]:
    kind = kinds()[refined(attribute.kind, attribute.name)]
    cells: list[makers.Value | None] = list(made)
    if attribute.missing or random.random() < 0.15:
        share = attribute.missing or 0.2
        cells = [None if random.random() < share else cell for cell in cells]
    shown = tuple(dict.fromkeys(cell for cell in cells if cell is not None))
    declared = _declared(made, kind.moment, attribute.kind, random)
    rest = attribute.name.removeprefix(f"{thing.name} ")
    names = tuple(dict.fromkeys((rest, attribute.name, *attribute.synonyms)))
    if language == "zh":
        names = (attribute.zh or attribute.name,)
    sayings = _phrases if language == "en" else _translated
    phrases = dict(sayings(attribute, shown))
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


def _translated(
    attribute: Attribute, values: tuple[makers.Value, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield how English values of a column are said in Chinese."""
    own: dict[str, str] = {}
    if kinds()[attribute.kind].grouping or attribute.kind == "category":
        own = dict(zip((v.lower() for v in attribute.values), attribute.zh_values, strict=False))
    for value in values:
        text = str(value)
        if not isinstance(value, str) or not text.isascii():
            continue
        said = own.get(text.lower()) or _GENDERS.get(text.lower())
        if known := (said,) if said else thesaurus().translated.get(text.lower(), ()):
            yield text, known


def _declared(values: list[makers.Value], moment: bool, kind: str, random: Random) -> str:
    if all(isinstance(value, int) for value in values):
        return random.choices(("INTEGER", "INT", "NUMERIC", "TEXT"), (12, 4, 2, 1))[0]
    if all(isinstance(value, int | float) for value in values):
        return random.choice(("REAL", "DECIMAL(10,2)", "FLOAT", "NUMERIC"))
    if moment:
        return random.choice(("TEXT", "DATETIME" if kind == "datetime" else kind.upper()))
    return random.choice(("TEXT", "VARCHAR(80)", "TEXT", "CHAR(40)"))
