"""Words for rows that are related to others: "published by the company Penguin".

    >>> related(speaker, path, {"publisher": "from Oslo"})
    'published by publishers from Oslo'

A path of joins is said step by step, each by a verb of its foreign key; a table that does nothing
but connect two others is passed over: a member borrows a book, whatever the loans say.

Covered: verbs in the active and the passive, as clauses, participles and gerunds; one or several
rows at the other end; names that stand for their row.
Not covered: Chinese, whose templates say the relation themselves.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from text2sql.data.synthesis import grammar
from text2sql.data.synthesis.worlds import Link

if TYPE_CHECKING:
    from text2sql.data.synthesis.speaking import Speaker


class Route(Protocol):
    """Tables from the one that is asked for to another: see `families.parts.Path`."""

    @property
    def tables(self) -> tuple[str, ...]:
        """Full names."""
        ...

    @property
    def links(self) -> tuple[Link, ...]:
        """One fewer than tables."""
        ...

    @property
    def forward(self) -> tuple[bool, ...]:
        """Whether a link is followed from child to parent."""
        ...


def related(speaker: "Speaker", route: Route, conditions: Mapping[str, str]) -> str:
    """Return the words behind the noun of a path's first table.

    Args:
        speaker: words the tables.
        route: of joins.
        conditions: words for some of the tables behind the first.
    """
    at, words = 0, []
    while at < len(route.links):
        step = 2 if is_bridged(route, at) and route.tables[at + 1] not in conditions else 1
        words.append(_verb(speaker, route, at, step))
        at += step
        table = route.tables[at]
        words.append(_others(speaker, table, conditions.get(table, "")))
    return " ".join(words)


def is_bridged(route: Route, at: int) -> bool:
    """Tell whether the table behind a place of a path only connects its two neighbours."""
    if route.forward[at : at + 2] != (False, True):
        return False
    near, far = route.links[at : at + 2]
    return near.through and far.through


def verbs(route: Route, at: int, step: int = 1) -> tuple[str, ...]:
    """Return what leads from a table of a path to the next one, in the third person."""
    if step == 2:
        return route.links[at + 1].verbs
    link = route.links[at]
    if link.through:  # a member borrows a book, not the loan between them
        return ()
    return link.verbs if route.forward[at] else link.reverse


def _verb(speaker: "Speaker", route: Route, at: int, step: int) -> str:
    known, who = verbs(route, at, step), speaker.who(route.tables[at])
    down = step == 1 and route.forward[at]
    if not known or speaker.chance(0.22):
        return speaker.say(
            "related_down" if down else "related_up", who=speaker.who(route.tables[at])
        )
    verb = speaker.random.choice(known)
    clause = f"{speaker.who(route.tables[at])} {grammar.third_person(verb)}"
    if verb.startswith("is ") and speaker.chance(0.5):
        return verb.removeprefix("is ")
    if (past := grammar.past(verb)) and speaker.chance(0.25):
        return f"{who} {past}"
    if (said := grammar.gerund(verb)) and speaker.chance(0.2):
        return said
    return clause


def _others(speaker: "Speaker", table: str, condition: str) -> str:
    """Return the rows at the end of a step: one or several, by name alone at times."""
    one, many = speaker.thing(table, False), speaker.thing(table)
    if not condition:
        return speaker.random.choice((many, many, f"a {one}", f"any {one}"))
    if name := grammar.named(condition):
        return speaker.say("by_name", b=one, v=name)
    if speaker.chance(0.5):
        return f"{speaker.random.choice(('', '', 'the '))}{many} {condition}"
    return f"{speaker.random.choice(('a', 'the', 'the'))} {one} {condition}"
