"""Words for rows that are related to others."""

import re
from random import Random

import pytest

from text2sql.data.synthesis.families.parts import Path, path
from text2sql.data.synthesis.grammar import name, resolve
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.relating import is_bridged, related, verbs
from text2sql.data.synthesis.speaking import Speaker


def routes(kind, language: str = "en"):
    """Yield speakers and paths of a kind on invented databases."""
    for seed in range(250):
        made = invent(Random(seed), language=language)
        speaker = Speaker(made.world, Random(seed))
        route = path(speaker, (50, 50))
        if route is not None and kind(route):
            yield speaker, route


def bridged(route: Path) -> bool:
    return len(route.links) == 2 and is_bridged(route, 0)


def test_a_table_between_two_others_is_passed_over():
    drawn = 0
    for speaker, route in routes(bridged):
        drawn += 1
        assert verbs(route, 0, 2) == route.links[1].verbs and verbs(route, 0) == ()
        middle = speaker.world.nouns[route.tables[1]].many[0]
        said = resolve(related(speaker, route, {}))
        assert middle not in re.findall(r"[\w ]+", said)
    assert drawn >= 5


@pytest.mark.parametrize("condition", ["older than 30", name("Joe Sharp", "named Joe Sharp")])
def test_a_condition_stands_at_the_table_that_it_is_about(condition):
    said = []
    for speaker, route in routes(lambda route: len(route.links) == 1):
        words = related(speaker, route, {route.target: condition})
        said.append(resolve(f"{speaker.thing(route.tables[0])} {words}"))
    assert len(said) > 60 and len(set(said)) > 50
    assert all("older than 30" in text or "Joe Sharp" in text for text in said)


def test_relations_are_said_by_participles_clauses_and_gerunds():
    said = [
        resolve(related(speaker, route, {}))
        for speaker, route in routes(lambda route: len(route.links) == 1)
        if verbs(route, 0)
    ]
    firsts = {text.split(" ")[0] for text in said}
    assert {"that", "who"} <= firsts
    assert any(first.endswith("ing") for first in firsts)
    assert any(first.endswith("ed") for first in firsts)


def test_chinese_relations_have_their_verbs():
    known = [link.verbs for _, route in routes(bridged, "zh") for link in route.links[1:]]
    assert any(known) and all(re.fullmatch("[\u4e00-\u9fff]+", v) for way in known for v in way)
