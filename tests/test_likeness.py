"""Likeness: which questions, and which queries, are the same text but for how they are written."""

from hypothesis import given
from hypothesis import strategies as st

from text2sql.data.likeness import Index, jaccard, plain, plain_sql, shingles

QUESTIONS = [
    "How many singers do we have?",
    "How many singers do we have in all?",
    "What is the name of the oldest singer?",
    "List every concert in 2014.",
    "五月份付了多少订单？",
    "五月份付了多少个订单",
]


def test_case_punctuation_and_spaces_make_no_other_question():
    assert plain("How  many SINGERS do we have ?") == plain("how many singers do we have")
    assert plain("ＡＢＣ１２") == "abc12" and plain("¿?") == ""


def test_quotes_keep_their_case_in_plain_sql():
    left = plain_sql("SELECT  Name FROM t WHERE a  >=  'It''s OK' AND b IN ( 1 , 2 ) ;")

    assert left == "select name from t where a>='It''s OK' and b in(1,2)"
    assert left != plain_sql("SELECT Name FROM t WHERE a >= 'it''s ok' AND b IN (1, 2)")


def test_the_index_finds_what_comparing_all_pairs_finds():
    index = Index(threshold=0.6)
    for place, question in enumerate(QUESTIONS):
        index.add(place, question)
    found = {(a, b) for a, q in enumerate(QUESTIONS) for b, _ in index.find(q) if a != b}
    parts = [shingles(question) for question in QUESTIONS]
    places = range(len(QUESTIONS))
    near = {(a, b) for a in places for b in places if a != b and jaccard(parts[a], parts[b]) >= 0.6}

    assert found == near and {(0, 1), (4, 5)} <= found


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_every_text_is_found_again_as_itself(texts):
    index = Index(threshold=1.0)
    for place, text in enumerate(texts):
        index.add(place, text)

    for place, text in enumerate(texts):
        assert (place, 1.0) in index.find(text)
