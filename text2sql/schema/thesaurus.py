"""Other words for what tables, columns and cells are called: the table `thesaurus.yaml`.

    >>> thesaurus().names["town"]
    ('city', 'municipality', 'hometown', 'place')
    >>> thesaurus().names["顾客"], thesaurus().cells["取消"]
    (('custom', 'client', 'buy', 'shop'), ('cancel', 'void'))

What is said and what it may stand for are kept by their keys: stems of English words, Chinese as it
is.

Covered: general words of any domain, English for English and English for Chinese.
Not covered: words of one trade, and of one database: those are its overlay's (`text2sql.yaml`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from text2sql.schema.words import key_of


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """The table; keys of what is said -> keys of what that may be called, the likeliest first."""

    names: Mapping[str, tuple[str, ...]]
    cells: Mapping[str, tuple[str, ...]]
    alike: Mapping[str, tuple[str, ...]]  # words as written -> others of the same language
    translated: Mapping[str, tuple[str, ...]]  # folded English texts of cells -> Chinese
    phrases: tuple[str, ...]  # those of `names` that are several English words


@lru_cache(maxsize=1)
def thesaurus() -> Thesaurus:
    """Return the table, read once."""
    import yaml

    text = files("text2sql.schema").joinpath("thesaurus.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    read = yaml.load(text, loader)
    names: dict[str, dict[str, None]] = {}
    alike: dict[str, dict[str, None]] = {}
    translated: dict[str, dict[str, None]] = {}
    for line in read["english"]:
        first, *others = (word.replace("_", " ") for word in line.split())
        _add(alike, first, others)
        keys = [_key(word) for word in line.split()]
        for said in keys:
            _add(names, said, (key for key in keys if key != said))
    for line in read["chinese"]:
        said_words, called = line.split(" -> ")
        first, *others = said_words.split()
        _add(alike, first, others)
        keys = [*map(_key, called.split()), *map(key_of, said_words.split())]
        for word in map(key_of, said_words.split()):
            _add(names, word, (key for key in keys if key != word))
    cells: dict[str, dict[str, None]] = {}
    for line in read["cells"]:
        said_words, held = line.split(" -> ")
        for word in said_words.split():
            _add(cells, key_of(word), map(key_of, held.split(", ")))
        if not said_words.isascii():
            for text in held.split(", "):
                _add(translated, text, said_words.split())
    phrases = tuple(said for said in names if " " in said and said.isascii())
    return Thesaurus(_frozen(names), _frozen(cells), _frozen(alike), _frozen(translated), phrases)


def _key(word: str) -> str:
    return key_of(word.replace("_", " "))


def _add(found: dict[str, dict[str, None]], said: str, called: Iterable[str]) -> None:
    found.setdefault(said, {}).update(dict.fromkeys(called))


def _frozen(found: Mapping[str, dict[str, None]]) -> dict[str, tuple[str, ...]]:
    return {said: tuple(called) for said, called in found.items()}
