"""Semantic kinds of columns: how people speak of an age, a price or a date.

    >>> kinds()["age"].most, kinds()["age"].more[0]
    (('oldest',), 'older than {v}')
    >>> guess("unit_price", "REAL")
    'price'

A kind decides the wording of comparisons, superlatives and orders, and how values are made. The
lexicon names the kind of each attribute; for a real database it is guessed from name and type. The
wordings are data, `kinds.yaml`.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from text2sql.schema.words import words


@dataclass(frozen=True, slots=True)
class Kind:
    """Wordings in which {v} stands for a value, {w} for the upper end of a range."""

    name: str
    most: tuple[str, ...] = ()  # superlatives, before the noun
    least: tuple[str, ...] = ()
    more: tuple[str, ...] = ()  # comparisons, behind the noun
    less: tuple[str, ...] = ()
    between: tuple[str, ...] = ()
    equal: tuple[str, ...] = ()
    ascending: tuple[str, ...] = ()  # orders
    descending: tuple[str, ...] = ()
    own: tuple[str, ...] = ()  # words of names that these wordings fit; none: all names
    asks: tuple[str, ...] = ()  # questions for one row, {t}
    numeric: bool = False
    moment: bool = False  # a date or time
    summable: bool = False  # a sum of it says something
    identifying: bool = False  # names the thing itself
    adjective: bool = False  # a value may stand before the noun: "red cars"
    asked: float = 1.0  # how often, beside other kinds
    people: tuple[str, ...] = ()  # `equal` for people only
    things: tuple[str, ...] = ()  # `equal` for anything else
    grouping: bool = False  # puts rows into groups
    person: bool = False  # its wordings are for people only

    @property
    def asks_where(self) -> bool:
        """Whether it tells a place."""
        return bool(self.people)

    @property
    def calendar(self) -> bool:
        """Whether its values are moments, years among them."""
        return self.moment or self.name.endswith("year")


@cache
def kinds() -> dict[str, Kind]:
    """Return every kind by its name."""
    path = Path(__file__).with_name("kinds.yaml")
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: Kind(name, **_tuples(said)) for name, said in read.items()}


def _tuples(said: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}


# Words of a column's name that tell its kind; the last one in the name wins.
_HINTS = """
age: age | price: price cost fare fee | money: amount revenue income sales profit | budget: budget
salary: salary wage | weight: weight mass | height: height | elevation: elevation altitude
length: length | width: width | depth: depth | distance: distance | area: area | size: size
speed: speed | duration: duration | temperature: temperature | population: population
capacity: capacity | rating: rating | score: score points | rank: rank | level: level
quantity: quantity qty stock | percent: percent percentage rate | year: year
date: date birthday dob
time: time | name: name | title: title | country: country nation | city: city town location
state: state | nationality: nationality | language: language | gender: gender sex
colour: color colour | status: status | category: type category genre class kind | code: code
number: number | address: address | street: street | postcode: zip | email: email | phone: phone
url: url | text: description | power: horsepower
"""
_BY_WORD = {
    word: kind.strip()
    for entry in re.split(r"[|\n]", _HINTS)
    if entry.strip()
    for kind, _, said in [entry.partition(":")]
    for word in said.split()
}
_NUMERIC = re.compile(r"int|real|num|dec|floa|doub", re.IGNORECASE)
_MOMENT = re.compile(r"date|time", re.IGNORECASE)


def refined(kind: str, name: str) -> str:
    """Return a kind, of a birth where the column's name says so."""
    born = kind in ("date", "year") and re.search(r"\bbirth|\bborn\b|\bdob\b", name)
    return f"birth {kind}" if born else kind


def guess(name: str, declared: str) -> str:
    """Return the kind of a column of a real database, by its name and declared type."""
    numeric, moment = bool(_NUMERIC.search(declared)), bool(_MOMENT.search(declared))
    for word in reversed(words(name)):
        kind = kinds().get(_BY_WORD.get(word, ""))
        if kind is not None and (kind.moment or kind.numeric == numeric or kind.name == "code"):
            known = "date" if kind.name == "time" and moment else kind.name
            return refined(known, " ".join(words(name)))
    if numeric:
        return "number"
    return "datetime" if moment else "text"
