"""English agreement in synthetic questions."""

import pytest

from text2sql.data.synthesis import grammar
from text2sql.data.synthesis.deeds import ages, deed, is_own
from text2sql.data.synthesis.grammar import ARE, BE, MANY, ONE, modifier, noun_mark, resolve

SINGERS = f"{noun_mark(3)}singers"
SINGER = f"{noun_mark(3)}{ONE}singer"
sing = grammar.third_person("sings")
FRENCH = modifier(3, "French", "from France")


@pytest.mark.parametrize(
    ("marked", "said"),
    [
        (f"what {BE} the {MANY}ages", "what are the ages"),
        (f"what {BE} the age", "what is the age"),
        (f"what {BE} the different {MANY}ages", "what are the different ages"),
        ("a old a unit of an hour, a 8 and an house", "an old a unit of an hour, an 8 and a house"),
        ("an user and an European", "a user and a European"),
        (f"which {SINGERS} {ARE} with a hat?", "which singers have a hat?"),
        (f"which {SINGERS} {ARE} older than 30?", "which singers are older than 30?"),
        (f"which {SINGERS} {ARE} who sing?", "which singers  sing?"),
        (f"which {SINGER} {ARE} born in 1990?", "which singer was born in 1990?"),
        (f"{SINGERS} who {sing}, a {SINGER} who {sing}", "singers who sing, a singer who sings"),
    ],
)
def test_words_agree_with_what_follows(marked, said):
    assert resolve(marked) == said


def test_an_adjective_stands_before_the_noun_of_its_table():
    assert (
        resolve(f"how many {SINGERS} are there {FRENCH}?") == "how many French singers are there?"
    )
    assert resolve(f"the oldest {noun_mark(3)}singer {FRENCH}") == "the oldest French singer"
    assert resolve(f"how many {SINGERS} {ARE} {FRENCH}?") == "how many French singers are there?"


def test_a_condition_stands_behind_where_no_noun_of_its_table_does():
    assert resolve(f"{noun_mark(1)}songs {FRENCH}") == "songs from France"
    assert resolve(f"in the {SINGERS} table {FRENCH}") == "in the singers table from France"


def test_two_conditions_are_linked_only_behind_the_noun():
    both = grammar.with_link(FRENCH, " and ") + "older than 30"
    assert resolve(f"{SINGERS} {both}") == "French singers older than 30"
    assert resolve(f"those {both}") == "those from France and  older than 30"
    assert grammar.is_modifier(FRENCH) and not grammar.is_modifier(both)
    assert grammar.plain(FRENCH) == "from France"


def test_no_mark_is_left():
    text = resolve(f"{MANY}{BE}{ARE}{sing}{SINGERS}{FRENCH}{grammar.IMPLIED}")
    assert not [c for c in text if 0xE000 <= ord(c) < 0xF900]


@pytest.mark.parametrize("name", ["pages", "awards won", "number of pages", "stories per year"])
def test_plural_names_are_known(name):
    assert grammar.is_plural(name) == (name != "number of pages")
    assert not grammar.is_plural("address") and not grammar.is_plural("bus")


def test_dates_are_said_by_what_happened():
    assert deed("hire date", "employee") == "were hired"
    assert deed("opened on", "branch") == "were opened" and deed("joined", "member") == "joined"
    assert deed("visit date", "visit") is None and deed("due date", "loan") is None
    assert is_own("order date", "order") and not is_own("due date", "loan")
    assert ages("were built") and not ages("were hired")
