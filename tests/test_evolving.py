"""More pairs of a user's own, and pairs of a query log: told, proved, and counted where not."""

import json

import library
import pytest
from typer.testing import CliRunner

from text2sql.cli import app
from text2sql.data.registering import read_pairs
from text2sql.data.synthesis.evolving import WAYS, evolve_examples
from text2sql.data.synthesis.query_logs import read_log, tell_log
from text2sql.databases import locate
from text2sql.errors import DataError
from text2sql.execution import execute

PAIRS = {
    "How many books have more than 300 pages?": "SELECT count(*) FROM books WHERE pages > 300",
    "Which members joined after 2023-02-01?": "SELECT full_name FROM members"
    " WHERE joined > '2023-02-01'",
    "List the titles of books by authors from Japan.": "SELECT b.title FROM books b"
    " JOIN authors a ON b.author_id = a.author_id WHERE a.country = 'Japan'",
    "What is the average price of books?": "SELECT avg(price) FROM books",
    "Show the city of each branch.": "SELECT city FROM branches",
}
LOG = """-- of last night
SELECT count(*) FROM loans WHERE returned_on IS NULL;
SELECT b.title, count(*) FROM loans l JOIN books b ON l.book_id = b.book_id
GROUP BY b.title ORDER BY count(*) DESC LIMIT 5;
WITH x AS (SELECT 1) SELECT * FROM x;
SELECT * FROM nowhere;
SELECT title FROM books WHERE pages > 99999;
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return locate(library.build_sqlite(tmp_path_factory.mktemp("evolve") / "library.sqlite"))


@pytest.fixture(scope="module")
def pairs(database):
    path = database.path.parent / "pairs.jsonl"
    records = [{"question": q, "query": sql} for q, sql in PAIRS.items()]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture(scope="module")
def made(database, pairs):
    return evolve_examples(database, read_pairs(pairs, database), 60, seed=3)


def test_every_way_makes_pairs_whose_gold_runs(made, database):
    ways = {record["provenance"]["family"].partition(".")[2] for record in made.records}

    assert ways == set(WAYS)
    for record in made.records:
        ran = execute(record["query"], database)
        assert ran.error is None and ran.rows, record
        assert record["provenance"]["evolved_from"] in PAIRS


def test_nothing_is_asked_twice_nor_what_the_user_asked(made):
    questions = [record["question"].lower() for record in made.records]

    assert len(set(questions)) == len(questions)
    assert not set(questions) & {question.lower() for question in PAIRS}


def of_way(made, way):
    return [r for r in made.records if r["provenance"]["family"] == f"evolved.{way}"]


def test_another_constant_stands_in_the_question_and_in_the_sql(made):
    for record in of_way(made, "constants"):
        before = PAIRS[record["provenance"]["evolved_from"]]
        (new,) = {
            word.strip("'?.") for word in record["query"].split() if word not in before.split()
        } & {word.strip("?.") for word in record["question"].split()}
        assert new not in record["provenance"]["evolved_from"]


def test_a_paraphrase_keeps_the_users_own_sql(made):
    for record in of_way(made, "paraphrased"):
        assert record["query"] == PAIRS[record["provenance"]["evolved_from"]]


def test_what_is_harder_says_more_than_its_seed(made):
    for record in of_way(made, "harder"):
        assert len(record["query"]) > len(PAIRS[record["provenance"]["evolved_from"]]) - 10
        assert any(word in record["query"] for word in ("WHERE", "GROUP BY", "LIMIT"))


def test_the_same_seed_evolves_alike(database, pairs):
    examples = read_pairs(pairs, database)
    one, again, other = (
        evolve_examples(database, examples, 8, seed=seed).records for seed in (1, 1, 2)
    )

    assert one == again != other


def test_pairs_that_cannot_be_read_are_counted_or_refused(database, pairs, tmp_path):
    windows = {"question": "Who?", "query": "SELECT rank() OVER () FROM books"}
    path = tmp_path / "w.jsonl"
    path.write_text(json.dumps(windows) + "\n")
    with pytest.raises(DataError, match="none of 1 pairs can be evolved: 1 seeds with an expr"):
        evolve_examples(database, read_pairs(path, database), 5)
    path.write_text(pairs.read_text() + json.dumps(windows) + "\n")
    some = evolve_examples(database, read_pairs(path, database), 5)
    assert len(some.records) == 5 and any("seeds with" in reason for reason in some.refused)


def test_a_log_is_told_and_what_is_left_has_a_reason(database, tmp_path):
    (tmp_path / "log.sql").write_text(LOG)
    made = tell_log(database, read_log(tmp_path / "log.sql"), 100)

    golds = {record["query"] for record in made.records}
    assert len(golds) == 2 and made.drawn == 5
    assert made.refused == {
        "the clause WITH": 1,
        "an unknown table: nowhere": 1,
        "fails or returns nothing": 1,
    }
    assert all("loan" in record["question"].lower() for record in made.records)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.sql", "SELECT 1\nSELECT 2\n"),
        ("a.sql", "SELECT 1;\n\nSELECT\n 2;\nSELECT 1;"),
        ("a.jsonl", '{"sql": "SELECT 1"}\n{"query": "SELECT 2;"}\n{"other": 1}\n'),
    ],
)
def test_logs_are_read_in_several_forms_each_text_once(tmp_path, name, text):
    (tmp_path / name).write_text(text)

    assert [" ".join(sql.split()) for sql in read_log(tmp_path / name)] == ["SELECT 1", "SELECT 2"]


def test_an_empty_log_is_an_error(tmp_path):
    (tmp_path / "a.sql").write_text("-- nothing\n")
    with pytest.raises(DataError, match="holds no SQL"):
        read_log(tmp_path / "a.sql")


def test_the_command_takes_seeds_and_logs_but_one_at_a_time(database, pairs, tmp_path):
    (tmp_path / "log.sql").write_text(LOG)
    start = ["synth", "-d", str(database.path), "-n", "4"]
    seeded = CliRunner().invoke(app, [*start, "--seeds", str(pairs)])
    logged = CliRunner().invoke(app, [*start, "--log", str(tmp_path / "log.sql")])
    both = CliRunner().invoke(app, [*start, "--seeds", str(pairs), "--invented", "2"])
    chinese = CliRunner().invoke(app, [*start, "--seeds", str(pairs), "--language", "zh"])

    assert len(seeded.stdout.splitlines()) == len(logged.stdout.splitlines()) == 4
    assert "left: 1 the clause WITH" not in seeded.stderr and both.exit_code == 2
    assert chinese.exit_code == 2
