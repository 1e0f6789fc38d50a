"""What narrows rows through other tables: the joins of a path, and their words.

>>> beyond(speaker, route, Part("from Oslo", condition)).words
' published by publishers from Oslo'
"""

from collections.abc import Mapping
from dataclasses import replace

from text2sql.data.synthesis import relating
from text2sql.data.synthesis.families.joins import places_of
from text2sql.data.synthesis.families.merging import Part, clause
from text2sql.data.synthesis.families.parts import Path
from text2sql.data.synthesis.queries import Bool
from text2sql.data.synthesis.speaking import Speaker


def beyond(speaker: Speaker, route: Path, inner: Part) -> Part:
    """Return what narrows the far end of a path as what narrows its beginning."""
    words = {route.target: clause(speaker, inner.words)}
    part = joining(route, relation(speaker, route, words), inner.where)
    return replace(part, words=speaker.behind(part.words))


def joining(route: Path, words: str, where: Bool | None) -> Part:
    return Part(words, where, route.source()[1], repeats=not all(route.forward))


def relation(speaker: Speaker, route: Path, words: Mapping[str, str]) -> str:
    if speaker.english and speaker.chance(0.88):
        return relating.related(speaker, route, words)
    places = places_of(speaker, route.tables[0], route.target, route.verb(speaker))
    inner = words.get(route.target, "")
    parts = {key: places[key] for key in ("verb", "bs", "b", "who")}
    return (
        speaker.say("rel", inner=speaker.behind(inner), **parts)
        if inner
        else (speaker.say("rel_any", **parts))
    )
