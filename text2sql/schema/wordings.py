"""What people say and what columns are called, in any domain: the table `wordings.yaml`.

    >>> wordings().hints["oldest"]
    ('age', 'birth', 'birthday', ...)

Covered: short forms in names, words that names are put together from, what a question says without
naming a column, codes that cells hold for it; English and Chinese.
Not covered: what belongs to one database: that is its overlay's (`text2sql.yaml`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from text2sql.schema.words import key_of, stem


@dataclass(frozen=True, slots=True)
class Code:
    """What a question says and what cells hold for it."""

    columns: tuple[str, ...]  # stems of words in the names of such columns; () any column
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wordings:
    """The table; what a question says is kept by the stems of English words, Chinese as it is."""

    abbreviations: Mapping[str, tuple[str, ...]]  # short form -> words
    inside: frozenset[str]  # words inside names that are written together
    hints: Mapping[str, tuple[str, ...]]  # -> stems of column words, best first
    codes: Mapping[str, tuple[Code, ...]]


@lru_cache(maxsize=1)
def wordings() -> Wordings:
    """Return the table, read once."""
    import yaml

    text = files("text2sql.schema").joinpath("wordings.yaml").read_text(encoding="utf-8")
    read = yaml.load(text, Loader=yaml.BaseLoader)  # `no` is a word
    both = [read, read["chinese"]]
    return Wordings(
        {short: tuple(said.split()) for short, said in read["abbreviations"].items()},
        frozenset(read["inside"].split()),
        _hints(line for part in both for line in part["hints"]),
        _codes(line for part in both for line in part["codes"]),
    )


def _hints(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for line in lines:
        said, columns = line.split(" -> ")
        for word in said.split():
            found.setdefault(key_of(word), {}).update(dict.fromkeys(map(stem, columns.split())))
    return {word: tuple(columns) for word, columns in found.items()}


def _codes(lines: Iterable[str]) -> dict[str, tuple[Code, ...]]:
    found: dict[str, tuple[Code, ...]] = {}
    for line in lines:
        said, columns, values = line.split(" -> ")
        names = () if columns == "*" else tuple(map(stem, columns.split()))
        code = Code(names, tuple(values.split(", ")))
        for word in said.split():
            found[key_of(word)] = (*found.get(key_of(word), ()), code)
    return found
