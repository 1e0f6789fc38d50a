"""The predictor: rows or a reason, never an exception for what the model does wrong."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from scripted import scripted_model
from typer.testing import CliRunner

from text2sql import Predictor
from text2sql.cli import app
from text2sql.decoding.generation import Decoding
from text2sql.errors import (
    DatabaseError,
    ModelError,
    PolicyError,
    PromptError,
    SettingsError,
    UnknownName,
)
from text2sql.models import open_model
from text2sql.project import find_database
from text2sql.schema import Schema

THREE = Decoding(num_samples=3)


def scripted(database, *texts: str, **options) -> Predictor:
    model = scripted_model(lambda prompt: texts)
    return Predictor(model, find_database(str(database)), today=date(2026, 5, 1), **options)


def test_a_question_becomes_sql_columns_and_rows(shop):
    with scripted(shop, "SELECT tier, count(*) AS n FROM customers GROUP BY tier") as predictor:
        answer = predictor.predict("customers per tier?")

    assert answer.error is None and answer.columns == ["tier", "n"]
    assert sum(n for _, n in answer.rows) == 400 and answer.confidence is None
    assert {"prompt", "generate", "run"} <= answer.seconds.keys()


def test_the_prompt_carries_the_schema_the_day_and_the_question(shop):
    with scripted(shop, "SELECT 1") as predictor:
        predictor.predict("customers per tier?", evidence="tier is the level")
    (prompt,) = predictor.model.backend.asked

    for text in (
        "CREATE TABLE customers",
        "2026-05-01",
        "tier is the level",
        "customers per tier?",
    ):
        assert text in prompt
    assert prompt.index("CREATE TABLE") < prompt.index("2026-05-01") < prompt.index("customers per")


def test_no_valid_sql_is_a_reason_and_nothing_runs(shop):
    with scripted(shop, "SELECT nam FROM customers", "DROP TABLE customers") as predictor:
        answer = predictor.predict("names?")

    assert answer.rows == [] and answer.error.startswith("no valid SQL: no column 'nam'")
    assert [candidate.valid for candidate in answer.candidates] == [False, False]


def test_the_first_valid_candidate_is_taken_and_agreement_is_the_confidence(shop):
    texts = ["SELECT nam FROM customers", "SELECT 1", "SELECT 2", "SELECT 1"]
    with scripted(shop, *texts) as predictor:
        answer = predictor.predict("one?")

    assert answer.sql == "SELECT 1" and answer.rows == [(1,)] and answer.confidence == 0.5


def test_the_selection_chooses_among_the_samples(shop):
    texts = ["SELECT 1", "SELECT count(*) FROM orders", "SELECT count(order_id) FROM orders"]
    vote = Decoding(num_samples=3, selection="vote")
    with scripted(shop, *texts, decoding=vote) as predictor:
        answer = predictor.predict("how many orders?")

    assert (answer.sql, answer.rows) == (texts[1], [(1800,)])
    assert answer.confidence == pytest.approx(2 / 3)


def test_an_answer_below_the_threshold_is_withheld(shop):
    texts = ["SELECT 1", "SELECT 2", "SELECT 2"]
    with scripted(shop, *texts, decoding=THREE, abstain_below=0.5) as predictor:
        answer = predictor.predict("one?")

    assert answer.error == "abstained: 33% of the samples agree, below 50%"
    assert answer.rows == [] and answer.sql == "SELECT 1"


def test_what_cannot_be_selected_is_refused(shop):
    with pytest.raises(UnknownName, match="no selection 'votes'"):
        scripted(shop, "SELECT 1", decoding=Decoding(selection="votes"))
    with pytest.raises(SettingsError, match="abstain_below compares samples"):
        scripted(shop, "SELECT 1", abstain_below=0.5)
    vote = Decoding(num_samples=3, selection="vote")
    with (
        scripted(shop, "SELECT 1", "SELECT 2", decoding=vote) as predictor,
        pytest.raises(SettingsError, match="selection 'vote' runs the samples"),
    ):
        predictor.predict("one?", run=False)


def test_the_command_refuses_a_wrong_selection_before_it_loads_a_model(shop):
    words = ["predict", "how many?", "-d", str(shop), "--base", "codellama-7b"]
    for more, error in (
        (["--selection", "votes"], UnknownName),
        (["--abstain-below", "0.5"], SettingsError),
        (["--constraint", "schemas"], SettingsError),
    ):
        assert isinstance(CliRunner().invoke(app, [*words, *more]).exception, error)


def test_the_backend_gets_the_schema_and_for_its_constraint_the_values(shop):
    for constraint in ("schema", "values"):
        decoding = Decoding(constraint=constraint)
        with scripted(shop, "SELECT 1", decoding=decoding) as predictor:
            predictor.predict("one?")
        (given,) = predictor.model.backend.given
        assert given["schema"].table("orders") is not None
        assert (given["values"] is not None) == (constraint == "values")
    assert "gold" in given["values"]("customers", "tier")


@pytest.mark.parametrize(
    ("answer_format", "asked", "given"),
    [("pointers", 256, 128), ("pointers", 64, 64), ("plain", 512, 512)],
)
def test_a_base_that_points_at_names_writes_no_more_than_its_answers_need(
    answer_format, asked, given
):
    model = scripted_model(lambda prompt: ["SELECT 1"])
    model = replace(model, base=replace(model.base, answer_format=answer_format))
    schema = Schema("empty", "sqlite", ())

    model.answer([], schema, Decoding(max_new_tokens=asked), explain=None)

    assert [call["tokens"] for call in model.backend.given] == [given]


def test_a_query_that_is_too_slow_is_a_reason(shop):
    slow = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with scripted(shop, slow, timeout=0.3) as predictor:
        answer = predictor.predict("for ever?")

    assert answer.rows == [] and answer.error


def test_without_running_there_is_only_sql(shop):
    with scripted(shop, "SELECT 1") as predictor:
        answer = predictor.predict("one?", run=False)

    assert answer.sql == "SELECT 1" and answer.rows == [] and answer.error is None


def test_many_questions_are_answered_in_order(shop):
    with scripted(shop, "SELECT 1", decoding=Decoding(batch_size=2)) as predictor:
        answers = predictor.predict_many(["a?", "b?", "c?"])

    assert [answer.question for answer in answers] == ["a?", "b?", "c?"]


@pytest.mark.parametrize("question", ["", "  \n", "why " * 3000])
def test_a_question_that_is_empty_or_too_long_raises(shop, question):
    with scripted(shop, "SELECT 1") as predictor, pytest.raises(PromptError):
        predictor.predict(question)


def test_a_database_without_tables_is_refused(tmp_path):
    import sqlite3

    connection = sqlite3.connect(tmp_path / "bare.sqlite")
    connection.execute("CREATE TABLE t (a)")
    connection.execute("DROP TABLE t")
    connection.commit()
    connection.close()

    with pytest.raises(DatabaseError, match="has no tables"):
        scripted(tmp_path / "bare.sqlite", "SELECT 1")


def test_an_adapter_refuses_another_prompt_than_it_was_trained_on(tiny_llama, tmp_path):
    from text2sql.data.catalog import find_dataset
    from text2sql.training.recipe import read_recipe
    from text2sql.training.sft import train

    recipe = read_recipe(base=str(tiny_llama), output_dir=str(tmp_path / "run"), max_steps=1)
    train(recipe, find_dataset("samples", split="train", limit=2))

    with pytest.raises(ModelError, match="trained with style 'ddl': style 'compact'"):
        open_model(adapter=tmp_path / "run", style="compact")
    with pytest.raises(ModelError, match=r"fingerprint|tokenizer"):
        card = tmp_path / "run" / "prompt_card.json"
        card.write_text(card.read_text().replace('"fingerprint": "', '"fingerprint": "0'))
        open_model(adapter=tmp_path / "run")


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_both_engines_answer(samples, engine):
    path = samples / "database" / "shop" / f"shop.{engine}"
    with scripted(path, "SELECT count(*) FROM orders") as predictor:
        assert predictor.predict("how many orders?").rows == [(1800,)]


def test_a_model_given_as_a_function_is_opened_once_and_only_for_a_question(shop):
    opened = []

    def open_it():
        opened.append(scripted_model(lambda prompt: ["SELECT 1"]))
        return opened[-1]

    with Predictor(open_it, find_database(str(shop))) as predictor:
        assert predictor.view().schema.tables and not opened
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(predictor.predict, ["one?"] * 4))

    assert [answer.rows for answer in answers] == [[(1,)]] * 4 and len(opened) == 1


def test_a_user_who_is_not_let_in_opens_no_model(shop):
    never = {"roles": {"clerk": {"tables": {"orders": "all"}}}}
    with (
        Predictor(lambda: 1 / 0, find_database(str(shop)), policy=never) as predictor,
        pytest.raises(PolicyError),
    ):
        predictor.predict("one?", user={"role": "nobody"})
