"""The bundled databases and questions: what the documentation says of them must be true."""

import sqlite3
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from random import Random

import duckdb
import pytest

from text2sql.data.catalog import find_dataset
from text2sql.data.skeletons import skeleton
from text2sql.decoding.verification import verify
from text2sql.execution import Executor
from text2sql.samples import NAMES, building
from text2sql.schema import canonicalise

QUESTIONS = building.read_questions()


@cache
def results(engine: str) -> list[list[tuple]]:
    """Return the rows of every gold query, in order."""
    folder = building.samples_folder() / "database"
    connections = {}
    for name in NAMES:
        path = folder / name / f"{name}.{engine}"
        connections[name] = (
            sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            if engine == "sqlite"
            else duckdb.connect(str(path), read_only=True)
        )
    found = [connections[q["db_id"]].execute(q["query"]).fetchall() for q in QUESTIONS]
    for connection in connections.values():
        connection.close()
    return found


def plain(value: object) -> object:
    """Return a value as both engines would write it."""
    if isinstance(value, date | datetime):
        return str(value)
    if isinstance(value, Decimal | float):
        return round(float(value), 4)
    return value


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_every_gold_query_runs_and_few_come_back_empty(engine):
    empty = [q["question"] for q, rows in zip(QUESTIONS, results(engine), strict=True) if not rows]

    assert len(empty) < 0.05 * len(QUESTIONS), empty


def test_both_engines_give_the_same_rows():
    for question, left, right in zip(QUESTIONS, results("sqlite"), results("duckdb"), strict=True):
        bags = [Counter(tuple(map(plain, row)) for row in rows) for rows in (left, right)]
        assert bags[0] == bags[1], question["query"]


@pytest.mark.parametrize("name", ["samples", "samples-duckdb"])
def test_every_gold_query_passes_every_layer_of_the_verification(name):
    with Executor() as executor:
        for dataset in (find_dataset(name, split=split) for split in building.SPLITS):
            for example in dataset.examples:
                schema, database = dataset.schema(example.db_id), dataset.database(example.db_id)
                explain = partial(executor.explain, database=database)
                assert canonicalise(example.query, schema) == example.query
                assert verify(example.query, schema, explain=explain).valid, example.query


def test_there_are_enough_questions_of_every_kind():
    languages = Counter(q["language"] for q in QUESTIONS)

    assert len(QUESTIONS) >= 240
    assert languages["zh"] >= len(QUESTIONS) / 5
    assert len({skeleton(q["query"]) for q in QUESTIONS}) >= 100


def test_two_databases_are_never_trained_on_and_the_others_have_a_held_out_part():
    splits = {name: {q["split"] for q in QUESTIONS if q["db_id"] == name} for name in NAMES}

    assert [name for name, found in splits.items() if found == {"dev"}] == ["energy", "festival"]
    assert all(found in ({"dev"}, {"train", "dev_in_domain"}) for found in splits.values())


def test_no_question_and_no_gold_of_a_held_out_split_occurs_in_train():
    def seen(key):
        return {(q["db_id"], q[key].casefold()) for q in QUESTIONS if q["split"] == "train"}

    for key in ("question", "query"):
        held_out = {(q["db_id"], q[key].casefold()) for q in QUESTIONS if q["split"] != "train"}
        assert not held_out & seen(key)


@pytest.mark.parametrize("name", NAMES)
def test_a_database_has_between_1000_and_20000_rows(name):
    path = building.samples_folder() / "database" / name / f"{name}.sqlite"
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    counts = [
        connection.execute(f'SELECT count(*) FROM "{t}"').fetchone()[0]
        for (t,) in tables
        if "sqlite" not in t
    ]

    assert 1_000 <= sum(counts) <= 20_000 and min(counts) > 0
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_the_same_seed_gives_the_same_rows():
    from text2sql.samples import clinic

    assert clinic.rows(Random(7)) == clinic.rows(Random(7)) != clinic.rows(Random(8))


def test_a_cache_that_cannot_be_written_is_one_clear_line(tmp_path: Path, monkeypatch):
    from text2sql.errors import OutputError

    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))

    with pytest.raises(OutputError, match="cannot build the samples"):
        building.samples_folder()
