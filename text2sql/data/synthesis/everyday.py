"""Words of everyday beside a world's own: an article for a product, a town for a city.

    >>> with_everyday(world).fields["customers"][3].names
    ('city', 'town', 'municipality', 'hometown', 'place')

They come from the thesaurus that the linker reads, so that questions hold words which it marks
although no name has them; synonyms of the lexicon are often unknown to it, and a base learns both.

Covered: whole names and the last words of longer ones ("home town"), English and Chinese; a word
that names something else of the world is left out.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from text2sql.data.synthesis.worlds import Field, Noun, World, plural
from text2sql.schema.thesaurus import thesaurus

# words that cannot be counted, or that questions are made of
_UNFIT_WORDS = """
    staff personnel workforce merchandise equipment cast crew spectators crowd pieces units sum
    total count number value time good label title
"""
_UNFIT = frozenset(_UNFIT_WORDS.split())


def with_everyday(world: World) -> World:
    """Return a world in which columns and things are also called by other words."""
    taken = Counter(_all_words(world))
    nouns = {table: _called(noun, taken, world) for table, noun in world.nouns.items()}
    if world.language == "en" and (table := world.only_people()):
        noun = nouns[table]
        nouns[table] = replace(noun, one=(*noun.one, "person"), many=(*noun.many, "people"))
    fields = {
        table: [_named(field, known, taken) for field in known]
        for table, known in world.fields.items()
    }
    return replace(world, nouns=nouns, fields=fields)


def _all_words(world: World) -> Iterable[str]:
    """Yield every word that the world's own names are made of, once a name."""
    for noun in world.nouns.values():
        yield from {word for said in (*noun.one, *noun.many) for word in said.split()}
    for known in world.fields.values():
        for field in known:
            yield from {word for said in field.names for word in said.split()}


def _alike(name: str, taken: Counter[str]) -> list[str]:
    """Return other words for a name, none of which the world uses."""
    head, _, last = name.rpartition(" ")
    found = thesaurus().alike.get(name) or thesaurus().alike.get(last, ())
    fresh = [
        word
        for word in found
        if len(word) > 1 and word not in _UNFIT and not any(map(taken.get, word.split()))
    ]
    whole = name in thesaurus().alike or not head
    return fresh if whole else [f"{head} {word}" for word in fresh if " " not in word]


def _called(noun: Noun, taken: Counter[str], world: World) -> Noun:
    more = _alike(noun.one[0], taken)
    if world.language == "en":
        return replace(noun, one=(*noun.one, *more), many=(*noun.many, *map(plural, more)))
    return replace(noun, one=(*noun.one, *more), many=(*noun.many, *more))


def _named(field: Field, known: Iterable[Field], taken: Counter[str]) -> Field:
    if field.key or field.kind.identifying or field.kind.name == "flag":
        return field
    more = _alike(field.names[0], taken)
    return replace(field, names=(*field.names, *more)) if more else field
