"""What happened on a date: "hire date" says that somebody was hired.

    >>> deed("hire date", "employee"), deed("founded", "club"), deed("visit date", "visit")
    ('were hired', 'were founded', None)

Questions name the deed rather than the column: "employees hired after 2020". The words are data,
`deeds.yaml`.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_GENERIC = {"date", "time", "year", "day", "datetime", "timestamp", "when"}
_PLACED = re.compile(r"^(?:year |date )?(\w+?)(?: (?:on|at|in))?$")


@cache
def _deeds() -> dict[str, Any]:
    path = Path(__file__).with_name("deeds.yaml")
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


@cache
def deed(name: str, noun: str) -> str | None:
    """Return what happened, as the past of a plural; None where the name does not tell.

    Args:
        name: of the column, in words.
        noun: what a row of its table is called: a visit is not visited.
    """
    for word in name.split():
        if noun[:4] == word[:4]:
            return None
        for voice, verb in (("passive", "were "), ("active", "")):
            if word in _deeds()[voice]:
                return verb + str(_deeds()[voice][word])
    return participle(name)


@cache
def participle(name: str) -> str | None:
    """Return the deed that a column is named by without a noun: `opened on`, `year founded`."""
    found = _PLACED.match(name)
    if found is None:
        return None
    word = found[1]
    if not (word in _deeds()["irregular"] or re.search(r"[^e]ed$", word)):
        return None
    return word if word in _deeds()["intransitive"] else f"were {word}"


@cache
def standing(said: str, *, done: bool) -> tuple[str, ...]:
    """Return what is said of things to which a deed has happened, or has not yet.

    Args:
        said: the deed, as `deed` returns it.
        done: whether it has happened.
    """
    bare = said.removeprefix("were ")
    known = _deeds()["past" if done else "pending"]
    if said.startswith("were "):
        own = (
            (f"that have been {bare}", f"that were {bare}", f"already {bare}")
            if done
            else (f"that have not been {bare} yet", f"not yet {bare}", f"that were never {bare}")
        )
    else:
        own = (
            (f"that {bare}", f"that have {bare}", f"that have already {bare}")
            if done
            else (f"that have not {bare} yet", f"that never {bare}", f"that still have not {bare}")
        )
    return (*own, *known.get(bare, ()))


def ages(said: str) -> bool:
    """Tell whether things are new or old by a deed."""
    return said.removeprefix("were ") in _deeds()["ageing"]


@cache
def is_own(name: str, noun: str) -> bool:
    """Tell whether a date is that of the row itself: `date`, `order date` of an order."""
    return set(name.split()) <= _GENERIC | set(noun.split())
