"""Chinese wordings of synthetic questions."""

import re
import sqlite3
from random import Random
from string import Formatter

import pytest

from text2sql.data.synthesis.drafting import FAMILIES, Pair, draw
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.speaking import Speaker, wordings
from text2sql.data.synthesis.spellings import Spelled, write
from text2sql.data.synthesis.worlds import World

ENGLISH, CHINESE = wordings("en"), wordings("zh")
CONDITIONS = (
    "more less at_least at_most between equal not contains not_contains starts ends null not_null "
    "either_value"
)
CLAUSES = (
    "above_average below_average at_maximum at_minimum above_any above_all below_all "
    "in_those not_in_those the_commonest against_some"
)
ORDERS = "descending ascending alphabetical by_count_desc by_count_asc first_k having_count"


AGREEMENT = {
    "a",
    "are",
    "be",
    "do",
    "have",
    "is",
    "verb_be",
    "verbs",
    "who",
}  # with other English words
RELATION = {"rel", "verb", "verb1", "not_verb", "inner", "a", "bs", "b"}  # see `relation_places`


def places(way: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(way) if name} - AGREEMENT - RELATION


@pytest.fixture(scope="module")
def drawn() -> list[tuple[World, sqlite3.Connection, Pair]]:
    found = []
    for seed in range(8):
        random = Random(seed)
        made = invent(random, language="zh")
        pairs = draw(made.world, made.connection, 12, random)
        found += [(made.world, made.connection, pair) for pair in pairs]
    return found


def test_every_part_that_english_words_is_worded_in_chinese():
    assert CHINESE.keys() == ENGLISH.keys()
    assert all(CHINESE.values())


@pytest.mark.parametrize("key", sorted(ENGLISH))
def test_chinese_ways_fill_the_places_of_the_english_ones(key):
    known = [places(way) for way in ENGLISH[key]]
    for way in CHINESE[key]:
        assert set.intersection(*known) <= places(way) <= set.union(*known), way


def test_a_template_holds_no_english_word():
    bare = [re.sub(r"\{\w+\}", "", way) for ways in CHINESE.values() for way in ways]
    assert not [way for way in bare if re.search(r"[A-Za-z ]|[,.?]", way)]


@pytest.mark.parametrize("key", CONDITIONS.split())
def test_a_condition_begins_with_its_column_and_leaves_the_particle_to_its_noun(key):
    assert all(way.startswith("{n}") and not way.endswith("的") for way in CHINESE[key])


@pytest.mark.parametrize("key", CLAUSES.split())
def test_a_clause_in_front_of_a_noun_ends_with_the_particle(key):
    assert all(way.endswith("的") for way in CHINESE[key])


@pytest.mark.parametrize("key", ORDERS.split())
def test_an_order_stands_behind_a_comma(key):
    assert all(way.startswith("，") for way in CHINESE[key])


def test_no_family_misses_a_place():
    random = Random(3)
    speaker = Speaker(invent(random, language="zh").world, random)
    said = [draft.question for family in FAMILIES for _ in range(20) if (draft := family(speaker))]
    assert len(said) > 300
    assert not [question for question in said if re.search(r"\{\w+\}", question)]


def test_questions_on_chinese_worlds_are_chinese_and_their_queries_run(drawn):
    assert len(drawn) > 60
    for world, connection, pair in drawn:
        assert len(re.findall(r"[\u4e00-\u9fff]", pair.question)) >= 3, pair.question
        connection.execute(write(pair.query, Spelled(world.schema))).fetchall()


def test_the_particle_never_stands_twice(drawn):
    assert not [pair.question for _, _, pair in drawn if "的的" in pair.question]
