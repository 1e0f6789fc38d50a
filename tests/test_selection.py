"""Selection among samples: validity, running, vote, least risk; agreement and abstention."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2sql.bases import find_base
from text2sql.decoding.candidates import Candidate, judge
from text2sql.decoding.generation import Decoding
from text2sql.decoding.selection import (
    Content,
    abstention,
    check_selection,
    distance,
    select,
)
from text2sql.errors import SettingsError, UnknownName
from text2sql.execution import Executor
from text2sql.schema import read_schema

GOLD, SAME = (
    "SELECT tier, count(*) FROM customers GROUP BY tier",
    "SELECT count(*), tier FROM customers GROUP BY tier ORDER BY 1",
)
NO_COLUMN = "SELECT nam FROM customers"
FAILS = "SELECT json_extract('{', '$') FROM customers"  # EXPLAIN lets it through
SLOW = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture(scope="module")
def engine(samples):
    with Executor(samples / "database" / "shop" / "shop.sqlite") as executor:
        yield executor


@pytest.fixture(scope="module")
def choose(engine, samples):
    schema = read_schema(samples / "database" / "shop" / "shop.sqlite")

    def chosen(*texts: str, selection: str = "first", run=True):
        found = judge(texts, base=find_base("generic"), schema=schema, explain=engine.explain)
        way = (lambda sql: engine.execute(sql, timeout=0.5)) if run else None
        return select(found, way, selection=selection)

    return chosen


def test_the_first_valid_sample_is_chosen_and_the_share_with_its_result_is_the_agreement(choose):
    found = choose(NO_COLUMN, GOLD, "SELECT 1", SAME)

    assert found.place == 1 and found.candidate.sql == GOLD
    assert found.agreement == 0.5 and NO_COLUMN not in found.ran


def test_where_nothing_is_valid_the_first_is_chosen_and_nobody_agrees(choose):
    for selection in ("first", "executes", "vote", "mbr"):
        found = choose(NO_COLUMN, "nonsense", NO_COLUMN, selection=selection)
        assert (found.place, found.agreement, found.ran) == (0, 0.0, {})


def test_a_sample_that_fails_when_it_runs_is_passed_over(choose):
    texts = (FAILS, SLOW, "SELECT 1", "SELECT 1")

    assert choose(FAILS, "SELECT 1").place == 0 and choose(FAILS, "SELECT 1").agreement == 0.0
    found = choose(*texts, selection="executes")
    assert (found.place, found.agreement) == (2, 0.5)
    assert found.run_error(Candidate(FAILS, FAILS, found.candidate.verification))
    assert found.run_error(found.candidate) is None


def test_where_nothing_runs_the_first_valid_sample_is_chosen(choose):
    for selection in ("executes", "vote", "mbr"):
        assert choose(NO_COLUMN, FAILS, FAILS, selection=selection).place == 1


def test_the_commonest_result_wins_the_vote_however_it_is_spelt(choose):
    found = choose("SELECT 1", NO_COLUMN, GOLD, SAME, selection="vote")

    assert found.place == 2 and found.agreement == 0.5


def test_of_equal_votes_the_models_order_decides(choose):
    assert choose("SELECT 2", "SELECT 1", "SELECT 1", "SELECT 2", selection="vote").place == 0


def test_a_result_that_was_cut_does_not_vote(choose):
    cut = "SELECT a.order_id FROM orders a, orders b"
    found = choose(cut, cut, "SELECT 1", selection="vote")

    assert found.place == 2 and choose(cut, cut, "SELECT 1").agreement == pytest.approx(2 / 3)


def test_least_risk_takes_the_result_that_shares_most_with_the_others(choose):
    texts = [
        "SELECT 'x'",
        "SELECT 'x'",
        "SELECT customer_id FROM customers WHERE customer_id < 10",
        "SELECT customer_id FROM customers WHERE customer_id < 11",
        "SELECT customer_id FROM customers WHERE customer_id < 12",
    ]

    assert choose(*texts, selection="vote").place == 0
    assert choose(*texts, selection="mbr").place == 3


def test_of_equal_risks_the_models_order_decides(choose):
    assert choose("SELECT 2", "SELECT 1", "SELECT 3", selection="mbr").place == 0


def test_equal_sql_runs_once_and_a_single_sample_not_at_all(choose):
    assert list(choose("SELECT 1", "SELECT 1", GOLD, selection="vote").ran) == ["SELECT 1", GOLD]
    alone = choose(FAILS, selection="executes")
    assert (alone.place, alone.agreement, alone.ran) == (0, None, {})


def test_without_running_samples_agree_where_their_sql_is_the_same(choose):
    found = choose(NO_COLUMN, GOLD, SAME, GOLD, run=False)

    assert (found.place, found.agreement, found.ran) == (1, 0.5, {})
    with pytest.raises(SettingsError, match="selection 'vote' runs the samples"):
        choose(GOLD, SAME, selection="vote", run=False)


def test_a_selection_that_does_not_exist_names_the_nearest(choose):
    with pytest.raises(UnknownName, match="did you mean 'vote'"):
        choose(GOLD, selection="votes")


cells = st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["a", "b"]), st.floats())
tables = st.integers(1, 3).flatmap(lambda width: st.lists(st.tuples(*[cells] * width), max_size=5))


@given(tables, tables)
def test_the_distance_is_symmetric_and_between_0_and_1(one, other):
    there, back = distance(Content(one), Content(other)), distance(Content(other), Content(one))

    assert there == back and 0 <= there <= 1


@given(tables, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_is_no_distance(rows, chance: random.Random):
    places = chance.sample(range(len(rows[0])), len(rows[0])) if rows else []
    turned = [tuple(row[i] for i in places) for row in chance.sample(rows, len(rows))]

    assert distance(Content(rows), Content(turned)) == 0


def test_the_distance_counts_rows_and_cells_in_part():
    names = Content([("Ann",), ("Bo",)])

    assert distance(names, Content([("Cy",)])) == 1
    assert distance(names, Content([])) == 1 and distance(Content([]), Content([])) == 0
    assert distance(names, Content([("Ann",), ("Cy",)])) == 0.5
    assert distance(names, Content([("Ann", 1), ("Bo", 2)])) == pytest.approx(1 - (2 / 3) / 2)


def test_an_unsure_answer_is_withheld_with_its_reason():
    assert abstention(0.4, 0.5) == "abstained: 40% of the samples agree, below 50%"
    assert abstention(0.5, 0.5) is None and abstention(0.1, None) is None
    assert abstention(None, 0.5) is None


@pytest.mark.parametrize(
    ("decoding", "threshold", "error", "words"),
    [
        ({"selection": "mrb"}, None, UnknownName, "did you mean 'mbr'"),
        ({}, 0.5, SettingsError, "give num_samples of at least 2"),
        ({"num_samples": 3}, 1.5, SettingsError, "between 0 and 1, not 1.5"),
    ],
)
def test_what_cannot_work_is_refused_beforehand(decoding, threshold, error, words):
    with pytest.raises(error, match=words):
        check_selection(Decoding(**decoding), threshold)


def test_a_candidate_comes_back_from_its_record(choose):
    for text in (NO_COLUMN, f"```sql\n{GOLD}\n```"):
        candidate = choose(text).candidate
        assert Candidate.of(candidate.record()) == candidate
