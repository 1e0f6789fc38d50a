"""What invented databases are about: domains with their things, attributes and relations, as data.

    >>> domain = domains()["library"]
    >>> [entity.name for entity in domain.entities]
    ['author', 'book', 'publisher', 'member', 'branch']

One YAML file a domain, in `lexicon/`, written for this kit from general knowledge; nothing in it
comes from a benchmark.
"""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).with_name("lexicon")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column that a thing may have."""

    name: str
    kind: str
    zh: str = ""
    synonyms: tuple[str, ...] = ()
    range: tuple[float, float] | None = None  # of numbers; decimals where one of them has any
    values: tuple[str, ...] = ()
    zh_values: tuple[str, ...] = ()
    maker: str | None = None  # of names: see `values`
    pattern: str | None = None  # of codes: A a letter, 9 a digit
    unit: str | None = None
    missing: float = 0.0  # share of rows for which nothing is known, or nothing has happened yet
    person: bool | None = None  # of what it may be a column: people, things, or both
    phrases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    negated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """Many of a thing belong to one of another."""

    to: str
    verbs: tuple[str, ...] = ()
    reverse: tuple[str, ...] = ()
    zh: str = ""
    role: str | None = None
    zh_verbs: tuple[str, ...] = ()
    zh_reverse: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of thing that a table is about."""

    name: str
    plural: str | None = None
    zh: str = ""
    synonyms: tuple[str, ...] = ()
    zh_synonyms: tuple[str, ...] = ()
    person: bool = False
    attributes: tuple[Attribute, ...] = ()
    relations: tuple[Relation, ...] = ()


@dataclass(frozen=True, slots=True)
class Bridge:
    """A table between two kinds of things."""

    name: str
    between: tuple[str, str]
    plural: str | None = None
    zh: str = ""
    verbs: tuple[str, ...] = ()
    reverse: tuple[str, ...] = ()
    zh_verbs: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class Domain:
    """Things that belong together."""

    name: str
    zh: str
    entities: tuple[Entity, ...]
    bridges: tuple[Bridge, ...] = ()


@cache
def domains() -> dict[str, Domain]:
    """Return every domain by its name."""
    read = (_read(path) for path in sorted(FOLDER.glob("*.yaml")))
    return {domain.name: domain for domain in read}


@cache
def extras() -> tuple[Attribute, ...]:
    """Return the columns that tables of any kind may have."""
    path = Path(__file__).with_name("extras.yaml")
    return tuple(map(_attribute, yaml.safe_load(path.read_text(encoding="utf-8"))))


def _read(path: Path) -> Domain:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load(path.read_text(encoding="utf-8"), loader)
    return Domain(
        content["domain"],
        content["zh"],
        tuple(_entity(entity) for entity in content["entities"]),
        tuple(_bridge(bridge) for bridge in content.get("bridges", ())),
    )


def _entity(said: dict[str, Any]) -> Entity:
    attributes = tuple(_attribute(attribute) for attribute in said.get("attributes", ()))
    relations = tuple(Relation(**_tuples(r)) for r in said.get("relations", ()))
    return Entity(**_tuples(said) | {"attributes": attributes, "relations": relations})


def _bridge(said: dict[str, Any]) -> Bridge:
    attributes = tuple(_attribute(attribute) for attribute in said.get("attributes", ()))
    return Bridge(**_tuples(said) | {"attributes": attributes})


def _attribute(said: dict[str, Any]) -> Attribute:
    content = _tuples(said)
    values = tuple(str(value) for value in content.get("values", ()))
    phrases = content.get("phrases", {})
    if not isinstance(phrases, dict):  # of a flag that is on
        phrases = {"yes": phrases}
    listed = {_text(value): tuple(_listed(phrase)) for value, phrase in phrases.items()}
    return Attribute(**content | {"values": values, "phrases": listed})


def _text(value: object) -> str:
    return (
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )


def _listed(phrases: object) -> list[str]:
    return list(phrases) if isinstance(phrases, list | tuple) else [str(phrases)]


def _tuples(said: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
