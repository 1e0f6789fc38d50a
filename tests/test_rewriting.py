"""Questions in other words, by scripted models and a scripted server: only round trips are kept."""

import json

import library
import pytest
from scripted import scripted_model
from test_backends import recording
from typer.testing import CliRunner

from text2sql.cli import app
from text2sql.databases import locate
from text2sql.models import open_model
from text2sql.rewriting import read_question, rewrite

GOLDS = {
    "How many books are there?": "SELECT count(*) FROM books",
    "How many authors are there?": "SELECT count(*) FROM authors",
    "List the cities of branches.": "SELECT city FROM branches",
    "How many loans are there?": "SELECT count(*) FROM loans",
}
WORDS = {
    "How many books are there?": 'New question: "What is the number of books?"',
    "How many authors are there?": "Count all the writers",
    "List the cities of branches.": "list the CITIES of branches",
    "How many loans are there?": "SELECT count(*) FROM loans",
}
ANSWERS = {
    "What is the number of books?": "SELECT count(book_id) FROM books",
    "Count all the writers": "SELECT count(*) FROM members",
}


def say(prompt: str) -> list[str]:
    """Answer as a writer where a rewriting is asked for, else as one who knows SQL."""
    if "New question:" in prompt:
        return [next(words for question, words in WORDS.items() if question in prompt)]
    return [next(sql for question, sql in ANSWERS.items() if question in prompt)]


@pytest.fixture
def database(tmp_path):
    return locate(library.build_sqlite(tmp_path / "library.sqlite"))


RECORDS = [{"question": q, "query": sql, "db_id": "library"} for q, sql in GOLDS.items()]


def test_a_question_is_kept_only_if_its_answer_is_the_golds(database):
    rewritten = rewrite(RECORDS, scripted_model(say), database)

    assert [record["question"] for record in rewritten.records] == ["What is the number of books?"]
    assert rewritten.records[0]["query"] == GOLDS["How many books are there?"]
    assert rewritten.records[0]["provenance"]["rewritten_from"] == "How many books are there?"
    counts = {"asked": 4, "kept": 1, "other result": 1, "same words": 1, "no question": 1}
    assert rewritten.counts() == counts


def test_another_model_may_answer(database):
    answerer = scripted_model(lambda prompt: ["SELECT count(*) FROM authors"])
    rewritten = rewrite(RECORDS[:2], scripted_model(say), database, answerer=answerer)

    assert [record["question"] for record in rewritten.records] == ["Count all the writers"]
    assert len(answerer.backend.asked) == 2


def test_an_answer_without_sql_is_counted(database):
    answerer = scripted_model(lambda prompt: ["I do not know"])
    rewritten = rewrite(RECORDS[:1], scripted_model(say), database, answerer=answerer)

    assert rewritten.counts() == {"asked": 1, "kept": 0, "no SQL": 1}


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ('\n"How many?"\n', "How many?"),
        ("Rewritten question: Who? \nBecause ...", "Who?"),
        ("新的问题：有多少本书？", "有多少本书？"),
        ("  ", ""),
    ],
)
def test_the_question_is_found_in_what_a_model_says(text, question):
    assert read_question(text) == question


def respond(request):
    text = say(request["messages"][-1]["content"])[0]
    return 200, json.dumps({"choices": [{"message": {"content": text}}]})


def test_a_server_rewrites_too(database):
    with recording(respond) as (address, asked), open_model(address) as model:
        rewritten = rewrite(RECORDS, model, database)

    assert rewritten.counts()["kept"] == 1
    assert asked[0]["temperature"] > 0 and "structured_outputs" not in asked[0]


def test_the_command_adds_what_was_rewritten_and_counts(database, tmp_path):
    def echo(request):
        """Put a word before the question; answer any question with the gold that it came with."""
        text = request["messages"][-1]["content"]
        if "New question:" in text:
            question, sql = (text.split(mark)[1].split("\n")[0] for mark in ("Question: ", "it: "))
            golds[f"Please: {question}"] = sql
            said = f"Please: {question}"
        else:
            said = next(sql for question, sql in golds.items() if question in text)
        return 200, json.dumps({"choices": [{"message": {"content": said}}]})

    golds: dict[str, str] = {}
    output = tmp_path / "out.jsonl"
    with recording(echo) as (address, _):
        command = ["synth", "-d", str(database.path), "-n", "6", "-o", str(output), "--json"]
        result = CliRunner().invoke(app, [*command, "--rewrite", address])

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["rewriting"] == {"asked": 6, "kept": 6}
    records = [json.loads(line) for line in output.read_text().splitlines()]
    assert len(records) == 12
    assert sum("rewritten_from" in record["provenance"] for record in records) == 6
