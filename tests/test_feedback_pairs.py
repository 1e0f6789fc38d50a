"""Feedback as training pairs: only what runs, nothing that somebody found wrong, nothing twice."""

import json

import pytest
from typer.testing import CliRunner

from text2sql.cli import app
from text2sql.databases import locate
from text2sql.pairs import read_pairs
from text2sql.records import read_examples
from text2sql.serving.feedback import Feedback, FeedbackStore
from text2sql.serving.feedback_pairs import learn

ORDERS = "SELECT count(*) FROM orders"
CUSTOMERS = "SELECT count(*) FROM customers"


def said(
    kind, sql, corrected=None, *, question="How many orders?", user=None, **others
) -> Feedback:
    return Feedback(kind, question, sql, "shop", corrected, user=user, **others)


def learned(shop, *entries):
    numbered = [
        Feedback(**{n: getattr(e, n) for n in Feedback.__slots__} | {"id": place})
        for place, e in enumerate(entries, start=1)
    ]
    return learn(numbered, {"shop": locate(shop)})


def golds(shop, *entries) -> list[str]:
    return [record["query"] for record in learned(shop, *entries).records]


def test_a_thumb_up_and_a_correction_are_gold_and_say_where_they_come_from(shop):
    found = learned(
        shop,
        said("up", ORDERS, user="ann"),
        said("correction", ORDERS, CUSTOMERS + ";", question="How many customers?"),
    )

    first, second = found.records
    assert (first["question"], first["query"]) == ("How many orders?", ORDERS)
    assert first["feedback"]["entries"] == [1] and first["feedback"]["kinds"] == ["up"]
    assert (second["query"], second["source"], second["db_id"]) == (CUSTOMERS, "feedback", "shop")
    assert found.contradictions == [] and found.failing == []


def test_a_thumb_down_is_never_gold(shop):
    assert golds(shop, said("down", ORDERS)) == []
    found = learned(shop, said("up", ORDERS, user="ann"), said("down", ORDERS.lower(), user="bob"))

    assert found.records == []
    (contradiction,) = found.contradictions
    assert contradiction.reason == "found right and found wrong"


def test_what_was_corrected_is_not_gold_though_others_liked_it(shop):
    entries = [said("up", CUSTOMERS, user="ann"), said("edit", CUSTOMERS, ORDERS, user="bob")]

    assert golds(shop, *entries) == [ORDERS]


def test_a_persons_last_word_counts(shop):
    assert golds(shop, said("down", ORDERS, user="ann"), said("up", ORDERS, user="ann")) == [ORDERS]
    assert golds(shop, said("up", ORDERS, user="ann"), said("down", ORDERS, user="ann")) == []
    twice = [said("correction", "SELECT 1", sql, user="ann") for sql in (CUSTOMERS, ORDERS)]
    assert golds(shop, *twice) == [ORDERS]


def test_people_without_a_name_are_different_people(shop):
    assert golds(shop, said("down", ORDERS), said("up", ORDERS)) == []


def test_sql_that_does_not_run_or_writes_is_left_out_and_told(shop):
    found = learned(
        shop,
        said("up", "SELECT nothing FROM nowhere"),
        said("correction", None, "DELETE FROM orders", question="Clean up?"),
        said("edit", None, "SELECT 1; DROP TABLE orders", question="Drop it?"),
    )

    assert found.records == [] and found.left["does not run"] == 3
    assert [fault["sql"][:6] for fault in found.failing] == ["SELECT", "DELETE", "SELECT"]


def test_two_answers_with_different_rows_contradict_each_other(shop):
    found = learned(
        shop,
        said("up", ORDERS, user="ann"),
        said("correction", "SELECT 1", CUSTOMERS, question="how many  orders", user="bob"),
    )

    assert found.records == []
    assert found.contradictions[0].sql == (ORDERS, CUSTOMERS)


def test_the_same_said_twice_is_one_pair_and_equal_rows_are_no_contradiction(shop):
    other = "SELECT count(order_id) FROM orders"
    found = learned(
        shop,
        said("up", ORDERS, user="ann"),
        said("up", ORDERS.lower(), user="bob"),
        said("edit", None, other, user="eve"),
    )

    (record,) = found.records
    assert record["feedback"]["people"] == 2 and record["query"] == ORDERS.lower()
    assert found.left == {"another SQL with the same result": 1}


def test_a_follow_up_and_another_database_are_left_out(shop):
    elsewhere = Feedback("up", "How many?", ORDERS, "warehouse")
    found = learned(shop, said("up", ORDERS, follow_up=True), elsewhere)

    assert found.records == []
    assert found.left == {"follow-up questions": 1, "of another database": 1}


def test_one_question_with_other_evidence_is_another_question(shop):
    entries = [
        said("up", ORDERS, evidence="orders are rows of orders"),
        said("up", CUSTOMERS, evidence="orders are customers"),
    ]
    assert golds(shop, *entries) == [ORDERS, CUSTOMERS]


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "said.sqlite"
    with FeedbackStore(path) as kept:
        kept.add(said("up", ORDERS))
        kept.add(said("correction", ORDERS, CUSTOMERS, question="How many customers?"))
        kept.add(said("down", "SELECT 2", question="Two?"))
    return path


def run(*words):
    return CliRunner().invoke(app, ["data", "feedback", *map(str, words)], catch_exceptions=False)


def test_the_command_writes_lines_for_training_and_for_the_prompt(store, shop, tmp_path):
    output = tmp_path / "pairs.jsonl"
    done = run(store, "-d", shop, "--output", output)

    assert done.exit_code == 0 and "2 pairs" in done.stdout
    examples = read_examples(output)
    assert [(e.query, e.split, e.db_id) for e in examples] == [
        (ORDERS, "train", "shop"),
        (CUSTOMERS, "train", "shop"),
    ]
    assert [pair.sql for pair in read_pairs(output)] == [ORDERS, CUSTOMERS]


def test_the_command_finds_databases_by_their_names_in_the_project(
    store, shop, tmp_path, monkeypatch
):
    (tmp_path / "text2sql.yaml").write_text(f"databases:\n  shop: {shop}\n")
    monkeypatch.chdir(tmp_path)
    lines = [json.loads(line) for line in run(store).stdout.splitlines() if line.startswith("{")]
    assert [line["query"] for line in lines] == [ORDERS, CUSTOMERS]

    (tmp_path / "text2sql.yaml").write_text(f"databases:\n  store: {shop}\n")
    assert "3 of another database" in run(store).output


def test_the_account_for_programs_names_what_was_left(store, shop, tmp_path):
    done = run(store, "-d", shop, "--output", tmp_path / "pairs.jsonl", "--json")
    account = json.loads(done.stdout)

    assert (account["pairs"], account["read"]) == (2, 3)
    assert account["left"] == {"found wrong": 2}


def test_training_reads_the_pairs(store, shop, tmp_path):
    from text2sql.data.catalog import find_dataset

    output = tmp_path / "pairs.jsonl"
    run(store, "-d", shop, "--output", output)
    dataset = find_dataset(str(output), split="train")

    assert len(dataset.examples) == 2 and dataset.schema("shop").table("orders") is not None
