"""What synthetic questions sound like."""

import re
from collections import Counter
from random import Random

import pytest

from text2sql.data.synthesis.carelessness import carelessly, slip
from text2sql.data.synthesis.drafting import draw
from text2sql.data.synthesis.families import single
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.queries import Call, Compare
from text2sql.data.synthesis.speaking import Speaker, wordings
from text2sql.data.synthesis.worlds import World

SAMPLE = 100


@pytest.fixture(scope="module")
def pairs() -> list[tuple[World, str, object]]:
    found = []
    for seed in range(SAMPLE):
        random = Random(seed)
        made = invent(random)
        drawn = draw(made.world, made.connection, 12, random)
        found += [(made.world, pair.question, pair.query) for pair in drawn]
        made.connection.close()
    return found


def test_no_mark_and_no_place_is_left(pairs):
    assert len(pairs) > 1000
    for _, question, _ in pairs:
        assert not re.search("[\ue000-\uf8ff{}]|  | [?.,]", question), question


def test_articles_agree_with_the_next_word(pairs):
    for _, question, _ in pairs:
        assert not re.search(r"\ban (?:[bcdfgjklpqrtvwz])", question), question
        assert not re.search(r"\ba (?:[ai]\w{3})", question), question
        assert not re.search(r"\b(the|a|an|of|all) \1\b", question), question


def test_questions_open_in_many_ways(pairs):
    openings = Counter(" ".join(question.lower().split()[:2]) for _, question, _ in pairs)
    assert len(openings) > 60
    assert openings.most_common(1)[0][1] < 0.25 * len(pairs)


def test_people_are_who_and_things_are_not(pairs):
    told = [q for world, q, _ in pairs if not any(n.person for n in world.nouns.values())]
    assert len(told) > 50 and not [question for question in told if " who " in question]
    assert sum(" who " in question for _, question, _ in pairs) > 0.03 * len(pairs)


def test_some_questions_are_careless_and_most_are_not(pairs):
    lower = sum(question == question.lower() for _, question, _ in pairs) / len(pairs)
    marked = sum(question[-1] in "?." for _, question, _ in pairs) / len(pairs)
    assert 0.07 < lower < 0.25 and 0.8 < marked < 0.98


def test_a_slip_changes_one_plain_word():
    text = "show the names of singers from 'Sao Paulo'"
    slips = {slip(text, Random(seed)) for seed in range(30)}
    assert len(slips) > 5 and text not in slips
    assert all("'Sao Paulo'" in said and abs(len(said) - len(text)) < 2 for said in slips)
    assert slip("who is 30", Random(1)) == "who is 30"


def test_a_sentence_begins_with_a_capital_where_questions_do():
    said = {carelessly("which singers are old? list the names", Random(s)) for s in range(40)}
    assert "Which singers are old? List the names." in said
    assert "which singers are old? list the names." in said


def test_a_way_that_would_leave_words_out_is_not_taken():
    speaker = Speaker(invent(Random(1)).world, Random(1))
    dropping = [way for way in wordings("en")["group_aggregate"] if "{where}" not in way]
    parts = {"n": "city", "ns": "cities", "things": "singers", "distinct": "distinct"}
    parts |= {"aggs": "average age", "by": "", "where": " from France"}
    assert dropping
    assert all("from France" in speaker.say("group_aggregate", **parts) for _ in range(60))


def test_columns_are_said_by_synonyms_at_times(pairs):
    first = other = 0
    for world, question, query in pairs:
        for fields in world.fields.values():
            for field in fields:
                shown = field.col in query.select and len(field.names) > 1
                if shown and field.names[0] in question.lower():
                    first += 1
                elif shown and any(name in question.lower() for name in field.names[1:]):
                    other += 1
    assert 0.1 < other / (first + other) < 0.4


def test_adjectives_stand_before_their_noun_and_rows_go_by_their_name(pairs):
    said = [question.lower() for _, question, _ in pairs]
    assert any(re.search(r"\b(how old|how much|where is|when was)\b", text) for text in said)
    assert sum(" in " in text for text in said) > 0.05 * len(said)


def test_a_table_without_a_name_is_not_asked_for_by_name():
    for seed in range(40):
        speaker = Speaker(invent(Random(seed)).world, Random(seed))
        for table in speaker.world.nouns:
            for field in speaker.implied(table):
                assert field.names_rows
            assert len(speaker.implied(table)) in (0, 1, 2)


def test_an_order_is_said_where_the_sql_has_one():
    told = 0
    for seed in range(400):
        draft = single.columns(Speaker(invent(Random(seed)).world, Random(seed)))
        said = draft and re.search(r"\b(sorted|ascending|descending|order of)\b", draft.question)
        told += bool(said)
        assert not said or draft.query.order, draft.question
    assert told > 15


def test_nobody_asks_how_many_values_a_column_has_where_it_has_one():
    for seed in range(150):
        speaker = Speaker(invent(Random(seed)).world, Random(seed))
        for family in (single.count_distinct, single.distinct):
            if draft := family(speaker):
                shown, where = draft.query.select[0], draft.query.where
                column = shown.argument if isinstance(shown, Call) else shown
                assert not (isinstance(where, Compare) and where.left == column), draft.question
