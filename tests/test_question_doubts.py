"""Doubts before a model is asked: the bundled base refuses or is told of them; odd databases."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest
from scripted import scripted_model
from typer.testing import CliRunner

from text2sql import Predictor
from text2sql.cli import app
from text2sql.decoding.generation import Decoding
from text2sql.errors import DatabaseError
from text2sql.models import open_model
from text2sql.project import find_database

GOLD = {"tables": {"customers": {"rows": "tier = 'gold'"}, "products": "all"}}


@pytest.fixture(scope="module")
def mini():
    """Return the bundled base, which stays open when a predictor is closed."""
    with open_model("mini") as model:
        yield replace(model, backend=Kept(model.backend))


class Kept:
    """A backend that others may use after one has closed it."""

    def __init__(self, backend) -> None:
        self.backend, self.tokenizer = backend, backend.tokenizer

    def generate(self, *args, **options):
        return self.backend.generate(*args, **options)

    def close(self) -> None: ...


def asking(model, database, **options) -> Predictor:
    return Predictor(model, find_database(str(database)), today=date(2026, 5, 1), **options)


def made(path, *statements: str):
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def test_a_question_about_something_that_is_not_there_is_refused_with_a_reason(mini, shop):
    with asking(mini, shop) as predictor:
        answer = predictor.predict("How many spaceships are there?")

    assert answer.rows == [] and answer.abstention.kind == "missing" and answer.sql
    assert answer.error.startswith("abstained: nothing in database 'shop' is called 'spaceships'")
    assert "tables: customers, " in answer.error


def test_a_choice_between_columns_names_them(mini, shop):
    with asking(mini, shop) as predictor:
        answer = predictor.predict("What is the average amount?")
        told = predictor.predict("What is the average amount of payments?")

    assert answer.abstention.kind == "ambiguous" and answer.rows == []
    assert answer.abstention.between == ("payments.amount", "refunds.amount")
    assert told.abstention is None and told.rows


def test_a_refusal_can_be_switched_off_and_is_then_a_remark(mini, shop):
    with asking(mini, shop, abstain_missing=False) as predictor:
        answer = predictor.predict("How many spaceships are there?")

    assert answer.abstention is None and "spaceships" in answer.doubts[0]


def test_evidence_explains_a_word(mini, shop):
    question = "How many spaceships are there?"
    with asking(mini, shop) as predictor:
        told = predictor.predict(question, evidence="spaceships are customers")
    assert told.doubts == () and told.abstention is None


def test_a_base_that_reads_any_words_is_not_held_back(shop):
    model = scripted_model(lambda prompt: ["SELECT count(*) FROM customers"])
    with asking(model, shop) as free, asking(model, shop, abstain_missing=True) as held:
        assert free.predict("How many vocalists are there?").rows == [(400,)]
        assert free.predict("How many vocalists are there?").doubts == ()
        assert held.predict("How many vocalists are there?").abstention.kind == "missing"


def test_a_doubt_names_nothing_that_the_user_does_not_see(mini, shop):
    with asking(mini, shop, policy=GOLD) as predictor:
        answer = predictor.predict("How many payments are there?")

    assert answer.abstention.kind == "missing" and "tables: customers, products)" in answer.error


def test_the_command_says_why_and_can_answer_anyway(shop):
    words = ["predict", "How many spaceships are there?", "-d", str(shop), "--base", "mini"]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 1 and "is called 'spaceships'" in refused.stderr

    answered = CliRunner().invoke(app, [*words, "--answer-anyway"])
    assert "doubtful: nothing in database 'shop'" in answered.stderr


ODD = [
    "How many people are there?",
    "有多少 customers 来自 Berlin？",
    "show me the 🚀🚀 of 👩‍👩‍👧",
    "c17 of xkz?",
    "¿?¡!",
    "a" * 500,
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Return databases that nobody would make on purpose, by name."""
    folder = tmp_path_factory.mktemp("odd")
    wide = ", ".join(f"measure_{n} REAL" for n in range(500))
    return {
        "wide": made(folder / "wide.sqlite", f"CREATE TABLE readings (id INTEGER, {wide})",
                     "INSERT INTO readings (id, measure_7) VALUES (1, 2.5), (2, 3.5)"),
        "codes": made(folder / "codes.sqlite", "CREATE TABLE xkz (c17 TEXT, c18 INTEGER)",
                      "CREATE TABLE q (c17 TEXT)", "INSERT INTO xkz VALUES ('a', 1)"),
        "without_rows": made(folder / "bare.sqlite", "CREATE TABLE customers (id, name TEXT)"),
        "names": made(folder / "names.sqlite",
                      'CREATE TABLE "订单 🚀" ("金额 €" REAL, "a""b" TEXT)',
                      "INSERT INTO \"订单 🚀\" VALUES (1.5, 'x')"),
    }  # fmt: skip


@pytest.mark.parametrize("which", ["wide", "codes", "without_rows", "names"])
def test_odd_databases_and_questions_give_an_answer_or_a_reason(mini, odd, which):
    with asking(mini, odd[which], decoding=Decoding(max_new_tokens=24)) as predictor:
        answers = predictor.predict_many(ODD)

    for answer in answers:
        assert answer.error is None or answer.error.strip()
        assert answer.columns or answer.error or not answer.rows


def test_a_wide_schema_is_cut_to_what_is_linked_and_says_so(mini, odd):
    with asking(mini, odd["wide"]) as predictor:
        answer = predictor.predict("What is the average measure 7?")

    assert len(answer.left_out) > 100 and "readings.measure_7" not in answer.left_out


def test_an_empty_database_is_a_reason(mini, tmp_path):
    empty = made(tmp_path / "empty.sqlite", "CREATE TABLE t (a)", "DROP TABLE t")
    with pytest.raises(DatabaseError, match="has no tables"):
        asking(mini, empty)
