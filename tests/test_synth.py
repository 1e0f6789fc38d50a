"""`t2s synth`: questions about real databases, proved by running them, and sets from nothing."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import library
import pytest
from typer.testing import CliRunner

from text2sql import scoring
from text2sql.cli import app
from text2sql.data.catalog import find_dataset
from text2sql.data.checks import check_splits
from text2sql.data.synthesis.dialects import spell
from text2sql.data.synthesis.drafting import propose
from text2sql.data.synthesis.hardness import count_parts, hardness_of
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.making import make_examples
from text2sql.data.synthesis.sets import write_set
from text2sql.data.synthesis.shares import names, read_shares, with_shares
from text2sql.databases import locate
from text2sql.errors import DatabaseError, OutputError, SettingsError, Text2SQLError, UnknownName
from text2sql.execution import execute
from text2sql.records import read_examples
from text2sql.scoring.spider.levels import level
from text2sql.scoring.spider.structure import Names
from text2sql.scoring.spider.tree_levels import level_by_tree

WANTED = 30


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("library")
    return {
        "sqlite": library.build_sqlite(folder / "library.sqlite"),
        "duckdb": library.build_duckdb(folder / "library.duckdb"),
    }


def t2s(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_every_gold_runs_on_its_own_engine_and_returns_something(files, engine):
    made = make_examples(locate(files[engine]), WANTED, seed=2)

    assert len(made.records) == WANTED and made.drawn == WANTED + sum(made.refused.values())
    for record in made.records:
        ran = execute(record["query"], files[engine])
        assert ran.error is None and ran.rows, record
        assert record["dialect"] == engine and record["hardness"] and record["skeleton"]
        assert record["provenance"]["seed"] == 2 and "." in record["provenance"]["family"]


def test_postgres_is_asked_in_its_own_sql(postgres_url):
    library.build_postgres(postgres_url, "public")
    made = make_examples(locate(postgres_url), WANTED)

    assert len(made.records) == WANTED and any("JOIN" in r["query"] for r in made.records)
    for record in made.records:
        ran = execute(record["query"], postgres_url)
        assert ran.error is None and ran.rows, record
        assert "database" not in record  # the URL holds a password


def test_hardness_is_that_of_the_scorer():
    levels = Counter()
    for seed in range(12):
        invented = invent(Random(seed))
        schema = invented.world.schema
        for pair in propose(invented.world, Random(seed), 25):
            sql = spell(pair.query, schema)
            assert hardness_of(pair.query, sql, Names.of(schema)) == scoring.hardness(sql, schema)
            by_tree = level_by_tree(sql, "sqlite")
            assert level(count_parts(pair.query)) == by_tree, sql
            levels[by_tree] += 1
    assert set(levels) == {"easy", "medium", "hard", "extra"}


def test_joins_that_nobody_declared_are_used_and_reported(files):
    made = make_examples(locate(files["sqlite"]), WANTED)
    without = make_examples(locate(files["sqlite"]), WANTED, least=2)

    assert "loans.book_id -> books.book_id" in [join.shown for join in made.joins]
    assert any("JOIN" in record["query"] for record in made.records)
    assert not without.joins and not any("JOIN" in record["query"] for record in without.records)


def test_the_same_seed_makes_the_same_records(files):
    first, again, other = (
        make_examples(locate(files["sqlite"]), 20, seed=seed).records for seed in (1, 1, 2)
    )

    assert first == again and first != other


def test_questions_differ_and_no_sql_is_asked_more_than_three_times(files):
    records = make_examples(locate(files["sqlite"]), 200).records

    assert len({record["question"].lower() for record in records}) == len(records)
    assert max(Counter(record["query"] for record in records).values()) <= 3


def test_chinese_questions_are_asked_in_chinese(files):
    records = make_examples(locate(files["sqlite"]), 20, language="zh").records

    assert all(any("\u4e00" <= c <= "\u9fff" for c in r["question"]) for r in records)


def test_shares_decide_which_families_are_drawn(files):
    families = with_shares(read_shares(["groups=1"]))
    records = make_examples(locate(files["sqlite"]), 30, families=families).records

    assert {r["provenance"]["family"].split(".")[0] for r in records} == {"groups"}
    assert sum(with_shares({"joins": 0.5}).values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("share", "error", "words"),
    [
        ("jions=0.5", UnknownName, "did you mean 'joins'"),
        ("joins", SettingsError, "NAME=NUMBER"),
        ("joins=2", SettingsError, "from 0 to 1"),
    ],
)
def test_a_share_that_makes_no_sense_is_named(share, error, words):
    with pytest.raises(error, match=words):
        read_shares([share])
    assert "joins" in names() and "single.count" in names()


def test_a_small_database_gives_what_it_has_and_says_so(tmp_path):
    import sqlite3

    connection = sqlite3.connect(tmp_path / "one.sqlite")
    connection.executescript("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x'), ('y')")
    connection.close()
    result = t2s("synth", "-d", tmp_path / "one.sqlite", "-n", 500, "-o", tmp_path / "a.jsonl")

    assert result.exit_code == 0, result.output
    assert "gives no more than" in result.stderr
    assert 0 < len(read_examples(tmp_path / "a.jsonl")) < 500


def test_a_database_without_rows_is_an_error(tmp_path):
    import sqlite3

    sqlite3.connect(tmp_path / "e.sqlite").execute("CREATE TABLE t (a TEXT)").connection.close()
    with pytest.raises(DatabaseError, match="no table with rows"):
        make_examples(locate(tmp_path / "e.sqlite"), 5)


def test_the_command_writes_records_that_the_kit_reads(files, tmp_path):
    output = tmp_path / "mine.jsonl"
    result = t2s("synth", "-d", files["sqlite"], "-n", 30, "-o", output, "--json")

    assert result.exit_code == 0, result.output
    account = json.loads(result.stdout)
    assert account["questions"] == 30 and account["joins"][0]["confidence"] > 0.7
    (check,) = check_splits(str(output))
    assert check.counts()["runs"] == 30
    again = t2s("synth", "-d", files["sqlite"], "-n", 3, "-o", output)
    assert isinstance(again.exception, OutputError) and "--overwrite" in str(again.exception)


def test_without_a_file_the_records_are_printed(files):
    result = t2s("synth", "-d", files["sqlite"], "-n", 5)

    assert [json.loads(line)["db_id"] for line in result.stdout.splitlines()] == ["library"] * 5


def test_an_unknown_language_or_database_is_one_line(files, tmp_path):
    assert isinstance(
        t2s("synth", "-d", files["sqlite"], "--language", "xx").exception, UnknownName
    )
    assert isinstance(t2s("synth", "-d", tmp_path / "no.sqlite").exception, Text2SQLError)


def test_an_invented_set_is_one_that_training_takes(tmp_path):
    result = t2s("synth", "--invented", 5, "-n", 100, "-o", tmp_path / "inv")

    assert result.exit_code == 0, result.output
    train, dev = (find_dataset(str(tmp_path / "inv"), split=s) for s in ("train", "dev"))
    assert len(train.examples) == 80 and len(dev.examples) == 20
    assert not set(train.db_ids()) & set(dev.db_ids())
    assert set(train.published) == {*train.db_ids(), *dev.db_ids()}
    db_id = train.db_ids()[0]
    published = train.published[db_id]
    assert [t.name for t in published.tables] == [t.name for t in train.schema(db_id).tables]
    (check,) = check_splits(str(tmp_path / "inv"), split="train")
    assert check.counts()["runs"] == 80


def test_an_invented_set_is_a_function_of_its_seed(tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_set(tmp_path / name, databases=2, count=20, seed=seed)
    texts = [(tmp_path / name / "train.jsonl").read_text() for name in "abc"]

    assert texts[0] == texts[1] != texts[2]
