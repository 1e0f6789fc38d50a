"""Questions of a warehouse: they run, say what they mean, and mean the same on another engine."""

import sqlite3
from random import Random

import duckdb
import pytest

from text2sql.data.synthesis.dialects import spell
from text2sql.data.synthesis.drafting import EXTRA, FAMILIES, draw
from text2sql.data.synthesis.families import warehouse
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.shares import with_shares
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.spellings import Spelled, write
from text2sql.data.synthesis.surveying import survey
from text2sql.decoding.checking import Checker
from text2sql.schema import Column, Schema, Table

COLUMNS = {"id": "INTEGER", "name": "TEXT", "city": "TEXT", "amount": "INTEGER", "date": "DATE"}
ORDERS = Table("orders", tuple(Column(*each) for each in COLUMNS.items()), ("id",))
KINDS = sorted(EXTRA, key=lambda family: family.__name__)


def rows() -> list[tuple]:
    random = Random(5)
    day = "20{:02}-{:02}-{:02}"
    return [
        (i, f"order {i}", random.choice(("Oslo", "Rome", "Bern")), random.randint(1, 500),
         day.format(random.randint(22, 24), random.randint(1, 12), random.randint(1, 28)))
        for i in range(1, 81)
    ]  # fmt: skip


def world_of(connection: sqlite3.Connection):
    found = connection.execute("SELECT * FROM orders").fetchall()
    schema = Schema("shop", "sqlite", (ORDERS,))
    return survey(schema, sample=lambda table, k: found, count=lambda table: len(found))


@pytest.fixture(scope="module")
def engines():
    lite, duck = sqlite3.connect(":memory:"), duckdb.connect(":memory:")
    declared = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    for engine in (lite, duck):
        engine.execute(f"CREATE TABLE orders ({declared})")
        engine.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", rows())
    yield lite, duck
    duck.close()
    lite.close()


def comparable(found) -> list[tuple[str, ...]]:
    said = [
        tuple(f"{value:.6g}" if isinstance(value, int | float) else str(value) for value in row)
        for row in found
    ]
    return sorted(said)


@pytest.mark.parametrize("family", KINDS, ids=lambda family: family.__name__)
def test_a_question_means_the_same_on_duckdb(family, engines):
    lite, duck = engines
    world = world_of(lite)
    other = Schema("shop", "duckdb", (ORDERS,))
    checker = Checker(world.schema)
    drawn = 0
    for seed in range(12):
        draft = family(Speaker(world, Random(seed)))
        if draft is None:
            continue
        drawn += 1
        sql = write(draft.query, Spelled(world.schema))
        assert checker.accepts(sql), checker.explain(sql)
        expected = comparable(lite.execute(sql).fetchall())
        assert comparable(duck.execute(spell(draft.query, other)).fetchall()) == expected
    assert drawn >= 6


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_family_asks_invented_databases(language):
    drawn = dict.fromkeys(KINDS, 0)
    for seed in range(60):
        made = invent(Random(seed), language=language)
        speaker = Speaker(made.world, Random(seed))
        for family in KINDS:
            draft = family(speaker)
            if draft is not None:
                drawn[family] += 1
                made.connection.execute(write(draft.query, Spelled(made.world.schema)))
                assert "{" not in speaker.finish(draft.question)
    assert min(drawn.values()) >= 10


def test_the_last_days_end_with_the_stated_today(engines):
    world = world_of(engines[0])
    draft = warehouse.last_days(Speaker(world, Random(2)))
    assert draft is not None
    sql = write(draft.query, Spelled(world.schema))
    today = draft.question.partition("(")[2]
    stated = next(word.strip(",)") for word in today.split() if word[:2] == "20")
    assert f"date('{stated}', '+1 day')" in sql and f"date('{stated}', '-" in sql


def test_they_are_drawn_only_when_a_share_is_asked_for():
    assert not set(EXTRA) & set(FAMILIES) and not set(EXTRA) & set(with_shares({}))
    weights = with_shares({"warehouse": 0.5})
    assert sum(weights[family] for family in EXTRA) == pytest.approx(0.5)
    made = invent(Random(3))
    pairs = draw(made.world, made.connection, 20, Random(1), families=weights)
    named = [pair.family.startswith("warehouse.") for pair in pairs]
    assert any(named) and not all(named)
