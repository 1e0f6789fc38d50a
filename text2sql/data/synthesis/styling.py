"""How one database writes its names: case, prefixes, abbreviations, keys.

    >>> style = draw_style(Random(8))
    >>> style.column(["department", "number"], ["employee"], Random(1))
    'dept_number'

People choose one style for a database and break it now and then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

CASES: dict[str, Callable[[Sequence[str]], str]] = {
    "snake": lambda words: "_".join(words).lower(),
    "title": lambda words: "_".join(word.capitalize() for word in words),
    "pascal": lambda words: "".join(word.capitalize() for word in words),
    "camel": lambda words: words[0].lower() + "".join(w.capitalize() for w in words[1:]),
    "upper": lambda words: "_".join(words).upper(),
    "blank": lambda words: " ".join(words).capitalize(),
    "joined": lambda words: "".join(words).lower(),
    "first": lambda words: "_".join(words).lower().capitalize(),
}
_SHARES = (38, 17, 13, 8, 4, 4, 6, 5)


@dataclass(frozen=True, slots=True)
class Style:
    """How one database names things."""

    case: str  # a key of CASES
    plural_tables: bool
    prefix: float  # chance that a column carries its table's name
    short_prefix: bool  # the first letters of it
    key: str  # "id", "table id", "table no" or "table code"
    table_prefix: str
    abbreviated: float  # chance of a word that has an abbreviation
    plain: bool  # "name", not "singer name": many tables have equal columns
    bare_keys: bool  # foreign keys are named by their role alone: "owner"

    def cased(self, words: Sequence[str]) -> str:
        """Return words as a name; nobody writes the apostrophe of `hairdresser's`."""
        return CASES[self.case]([word.replace("'", "") for word in words])

    def table(self, words: Sequence[str]) -> str:
        """Return a table's name."""
        return self.cased([*filter(None, [self.table_prefix]), *words])

    def column(self, words: Sequence[str], owner: Sequence[str], random: Random) -> str:
        """Return a column's name.

        Args:
            words: of the column.
            owner: of its table.
            random: decides about prefix and abbreviations.
        """
        said = [*words]
        if self.plain and said[: len(owner)] == [*owner] and len(said) > len(owner):
            said = said[len(owner) :]
        said = self._shortened(said, random)
        if random.random() < self.prefix and [*words][: len(owner)] != [*owner]:
            said = [*self._prefix(owner), *said]
        return self.cased(said)

    def _prefix(self, owner: Sequence[str]) -> list[str]:
        if not self.short_prefix:
            return [*owner]
        return [owner[0][:3]] if len(owner) == 1 else ["".join(word[0] for word in owner)]

    def _shortened(self, words: Sequence[str], random: Random) -> list[str]:
        known = abbreviations()
        whole = known["names"].get(" ".join(words))
        if whole and random.random() < self.abbreviated:
            chosen: str = random.choice(whole)
            return chosen.split()
        return [
            random.choice(known["words"][word])
            if word in known["words"] and random.random() < self.abbreviated
            else word
            for word in words
        ]


@cache
def abbreviations() -> dict[str, Any]:
    """Return short forms, of words and of whole names."""
    path = Path(__file__).with_name("abbreviations.yaml")
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


def draw_style(random: Random) -> Style:
    """Draw how a database names things."""
    return Style(
        case=random.choices(list(CASES), _SHARES)[0],
        plural_tables=random.random() < 0.47,
        prefix=random.choice((0.0, 0.0, 0.0, 0.1, 0.6)),
        short_prefix=random.random() < 0.3,
        key=random.choices(("table id", "id", "table no", "table code"), (56, 34, 5, 5))[0],
        table_prefix=random.choices(("", "tbl", "dim", "ref"), (40, 1, 1, 1))[0],
        abbreviated=random.choices((0.03, 0.25, 0.8), (75, 15, 10))[0],
        plain=random.random() < 0.45,
        bare_keys=random.random() < 0.1,
    )
