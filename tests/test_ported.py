"""A SQLite benchmark scored on DuckDB: ported on both sides, and said so."""

import sqlite3
from pathlib import Path

import pytest

from text2sql import reporting, scoring
from text2sql.errors import DatabaseError, GoldError
from text2sql.examples import Example

GOLD = (
    "SELECT name FROM member WHERE age / 3 = 6",  # 20 / 3 is 6 in SQLite alone
    'SELECT count(*) FROM club WHERE city = "Ulm"',
    "SELECT title FROM club WHERE title LIKE 'ch%'",
)
EXAMPLES = [Example(i, "q", (sql,), "clubs") for i, sql in enumerate(GOLD)]


@pytest.fixture
def databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "database" / "clubs").mkdir(parents=True)
    with sqlite3.connect(tmp_path / "database" / "clubs" / "clubs.sqlite") as connection:
        connection.executescript((Path(__file__).parent / "data" / "clubs.sql").read_text())
    connection.close()
    return tmp_path / "database"


def test_gold_keeps_its_rows_and_so_do_predictions(databases: Path) -> None:
    predicted = [GOLD[0], "SELECT 2", "SELECT title FROM club WHERE title = 'nothing'"]
    scores = scoring.score(predicted, EXAMPLES, databases, engine="duckdb")
    assert [verdict.values["execution_accuracy"] for verdict in scores.verdicts] == [1, 1, 0]
    assert scores.scorecard["gold_kept"] == {"kept": 3, "n": 3}
    assert scores.manifest["scoring"]["engine"] == "duckdb"


def test_the_report_never_calls_the_figure_the_benchmarks(databases: Path) -> None:
    text = reporting.report(scoring.score(list(GOLD), EXAMPLES, databases, engine="duckdb"))
    assert "run on duckdb, gold and predictions ported: no figure of the benchmark" in text
    assert "3 of 3 gold queries keep their result there" in text


def test_gold_without_a_counterpart_is_named_or_left_out(databases: Path) -> None:
    broken = [Example(0, "q", ("SELECT rowid FROM member",), "clubs"), EXAMPLES[1]]
    with pytest.raises(GoldError, match="cannot be written for DuckDB"):
        scoring.score(list(GOLD[:2]), broken, databases, engine="duckdb")
    card = scoring.score(
        ["SELECT 1", GOLD[1]], broken, databases, engine="duckdb", skip_bad_gold=True
    ).scorecard
    assert (card["bad_gold"], card["gold_kept"]) == (1, {"kept": 1, "n": 1})


def test_every_database_of_a_suite_is_ported(databases: Path) -> None:
    other = databases / "clubs" / "clubs_1.sqlite"
    other.write_bytes((databases / "clubs" / "clubs.sqlite").read_bytes())
    with sqlite3.connect(other) as connection:
        connection.execute("DELETE FROM club")
    connection.close()
    scores = scoring.score(
        [GOLD[1], "SELECT 2"],
        [EXAMPLES[1]] * 2,
        databases,
        engine="duckdb",
        metrics=("test_suite_accuracy", "execution_accuracy"),
    )
    assert [verdict.values["execution_accuracy"] for verdict in scores.verdicts] == [1, 1]
    assert [verdict.values["test_suite_accuracy"] for verdict in scores.verdicts] == [1, 0]


def test_a_prediction_without_a_counterpart_is_wrong(databases: Path) -> None:
    verdict = scoring.score(
        ["SELECT rowid FROM member"], EXAMPLES[:1], databases, engine="duckdb"
    ).verdicts[0]
    assert verdict.values["execution_accuracy"] == 0
    assert "cannot be written for DuckDB" in verdict.error


def test_databases_that_are_no_sqlite_files_are_refused(samples: Path, databases: Path) -> None:
    file = samples / "database" / "shop" / "shop.duckdb"
    with pytest.raises(DatabaseError, match="not SQLite"):
        scoring.score(["SELECT 1"], [EXAMPLES[1]], file, engine="duckdb")
