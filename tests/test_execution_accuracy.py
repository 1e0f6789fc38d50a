"""Comparing results: Spider's rule against its definition, and against published verdicts."""

import json
import math
import sqlite3
from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text2sql import scoring
from text2sql.errors import GoldError
from text2sql.execution import Executor
from text2sql.scoring.results import same_rows
from text2sql.scoring.spider.structure import Names
from text2sql.scoring.spider.text import prepare_gold, prepare_prediction, remove_distinct

VALUES = st.sampled_from([None, 0, 1, 1.0, 15, 2.5, "", "a", "1", b"a"])


@st.composite
def tables(draw: st.DrawFn, most: int = 4) -> list[tuple[object, ...]]:
    width = draw(st.integers(1, most))
    return draw(st.lists(st.tuples(*[VALUES] * width), max_size=6))


def by_definition(gold: list, predicted: list, *, ordered: bool) -> bool:
    """Spider's rule, word for word: some order of columns makes the rows equal; row texts first."""
    if not gold and not predicted:
        return True
    if len(gold) != len(predicted) or len(gold[0]) != len(predicted[0]):
        return False
    key = lambda value: str(value) + str(type(value))  # noqa: E731
    texts = [[tuple(sorted(row, key=key)) for row in rows] for rows in (gold, predicted)]
    if texts[0] != texts[1] if ordered else set(texts[0]) != set(texts[1]):
        return False
    for order in permutations(range(len(gold[0]))):
        moved = [tuple(row[i] for i in order) for row in predicted]
        if moved == gold if ordered else Counter(moved) == Counter(gold):
            return True
    return False


@settings(max_examples=500)
@given(tables(), st.data(), st.booleans())
def test_the_rule_equals_its_definition(gold: list, data: st.DataObject, ordered: bool) -> None:
    near = st.permutations(gold).map(list) if gold else st.just([])
    predicted = data.draw(st.one_of(tables(), near))
    if gold and predicted and data.draw(st.booleans()):
        order = data.draw(st.permutations(range(len(predicted[0]))))
        predicted = [tuple(row[i] for i in order) for row in predicted]
    expected = by_definition(gold, predicted, ordered=ordered)
    assert same_rows(gold, predicted, ordered=ordered) == expected


@given(tables(), st.randoms())
def test_row_order_is_ignored_when_gold_does_not_order(gold: list, random) -> None:
    assert same_rows(gold, random.sample(gold, len(gold)), ordered=False)


@given(tables(6), st.randoms(), st.booleans())
def test_column_order_is_ignored(gold: list, random, ordered: bool) -> None:
    order = random.sample(range(len(gold[0])), len(gold[0])) if gold else []
    assert same_rows(gold, [tuple(row[i] for i in order) for row in gold], ordered=ordered)


@given(tables(), tables(), st.booleans())
def test_the_rule_is_symmetric(a: list, b: list, ordered: bool) -> None:
    assert same_rows(a, b, ordered=ordered) == same_rows(b, a, ordered=ordered)


@given(tables().filter(bool))
def test_duplicates_count(gold: list) -> None:
    assert not same_rows([*gold, gold[0]], gold, ordered=False)


def test_row_order_counts_when_gold_orders() -> None:
    assert not same_rows([(1,), (2,)], [(2,), (1,)], ordered=True)


def test_values_compare_as_python_compares_them_but_rows_as_texts_first() -> None:
    assert same_rows([(1,)], [(1.0,)], ordered=False)
    assert not same_rows([(1,)], [("1",)], ordered=False)
    assert not same_rows(
        [(1, 15)], [(1.0, 15)], ordered=False
    )  # the official first test sorts texts


def test_columns_must_move_together() -> None:
    gold = [("a", "x"), ("b", "y")]
    assert not same_rows(gold, [("a", "y"), ("b", "x")], ordered=False)


def test_a_wide_result_with_equal_columns_is_decided_without_trying_all_orders() -> None:
    width = 24  # 24! orders
    rows = [tuple((i * (j % 5)) % 3 for j in range(width)) for i in range(200)]
    turned = [row[::-1] for row in reversed(rows)]
    assert same_rows(rows, turned, ordered=False)
    broken = [*turned[:-1], tuple(1 - value for value in turned[-1])]
    assert not same_rows(rows, broken, ordered=False)


def _cycles(lengths: list[int]) -> list[tuple[int, ...]]:
    """Return the edges of rings as rows, one column a corner: every column and row looks alike."""
    rows, start, total = [], 0, sum(lengths)
    for length in lengths:
        for i in range(length):
            ends = {start + i, start + (i + 1) % length}
            rows.append(tuple(int(corner in ends) for corner in range(total)))
        start += length
    return rows


def test_alike_columns_are_told_apart_by_their_neighbours() -> None:
    assert not same_rows(_cycles([6]), _cycles([3, 3]), ordered=False)
    assert same_rows(_cycles([3, 4]), _cycles([4, 3]), ordered=False)


def test_a_search_that_could_take_years_ends_and_says_different() -> None:
    assert not same_rows(_cycles([3] * 10), _cycles([3] * 8 + [6]), ordered=False)


def test_values_of_other_engines_are_compared() -> None:
    rows = [
        ([1, 2], {"a": math.nan}, Decimal("1.5"), date(2020, 1, 1)),
        ([3], {"a": 1}, None, None),
    ]
    again = [
        ([3], {"a": 1}, None, None),
        ([1, 2], {"a": float("nan")}, Decimal("1.5"), date(2020, 1, 1)),
    ]
    assert same_rows(rows, again, ordered=False)
    assert not same_rows(rows, again, ordered=True)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT DISTINCT a FROM t", "SELECT  a FROM t"),
        ("SELECT count(distinct a) FROM t", "SELECT count( a) FROM t"),
        ("SELECT 'DISTINCT' , \"distinct\" FROM t", "SELECT 'DISTINCT' , \"distinct\" FROM t"),
        (
            "SELECT distinct_id, [distinct] FROM t -- DISTINCT",
            "SELECT distinct_id, [distinct] FROM t -- DISTINCT",
        ),
        ("SELECT 'it''s; DISTINCT' FROM t; DROP TABLE t", "SELECT 'it''s; DISTINCT' FROM t; "),
        ("SELECT (';') /* ; DISTINCT */ ; SELECT 2", "SELECT (';') /* ; DISTINCT */ ; "),
        ("SELECT DISTINCT 'open", "SELECT  'open"),
        ("", ""),
    ],
)
def test_distinct_is_removed_as_a_word_with_what_follows_the_statement(
    sql: str, expected: str
) -> None:
    assert remove_distinct(sql) == expected


def test_a_text_of_unclosed_comments_is_left_alone() -> None:
    text = "distinct /*" * 40_000
    assert remove_distinct(text) == text


def test_predictions_are_prepared_as_the_official_program_prepares_them() -> None:
    sql = "SELECT values_, x FROM t WHERE a > = value AND b ! = 'value' AND y < = YEAR( CURDATE() )"
    expected = "SELECT 1s_, x FROM t WHERE a >= 1 AND b != '1' AND y <= 2020"
    assert prepare_prediction(sql).strip() == expected
    assert "value" in prepare_gold(sql)


@pytest.fixture(scope="module")
def clubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clubs") / "clubs.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript((Path(__file__).parent / "data" / "clubs.sql").read_text())
    connection.close()
    return path


@pytest.fixture(scope="module")
def pair(clubs: Path):
    with Executor(clubs) as executor:
        names = Names.from_columns({})
        yield lambda gold, predicted: scoring.Pair(
            0, "clubs", gold, predicted, executor.execute, lambda: names
        )


@pytest.mark.parametrize(
    ("gold", "predicted", "official", "keep", "bird", "strict"),
    [
        ("SELECT name, age FROM member", "SELECT age, name FROM member", 1, 1, 0, 0),
        ("SELECT name FROM member", "SELECT DISTINCT name FROM member", 1, 0, 1, 0),
        ("SELECT count(DISTINCT name) FROM member", "SELECT count(name) FROM member", 1, 0, 0, 0),
        ("SELECT id FROM member ORDER BY id", "SELECT id FROM member ORDER BY id DESC", 0, 0, 1, 0),
        (
            "SELECT id FROM member ORDER  BY id",
            "SELECT id FROM member ORDER BY id DESC",
            1,
            1,
            1,
            0,
        ),
        ("SELECT id FROM member", "SELECT id FROM member ORDER BY id DESC", 1, 1, 1, 1),
        (
            "SELECT id FROM member WHERE id = 1",
            "SELECT id FROM member WHERE id = value",
            1,
            1,
            0,
            0,
        ),
        ("SELECT id FROM member WHERE id = 1", "SELECT id FROM member WHERE id < = 1", 1, 1, 0, 0),
        ("SELECT name FROM guest", "SELECT title FROM club WHERE city = 'Bonn'", 1, 1, 1, 1),
        ("SELECT name FROM guest", "DELETE FROM guest", 0, 0, 0, 0),
        ("SELECT name FROM member", "SELECT nme FROM member", 0, 0, 0, 0),
        (
            "SELECT (SELECT max(id) FROM club ORDER BY 1), id FROM member",
            "SELECT 3, id FROM member ORDER BY id DESC",
            0,
            0,
            1,
            1,
        ),
    ],
)
def test_each_rule_has_its_own_verdict(pair, gold, predicted, official, keep, bird, strict) -> None:
    case = pair(gold, predicted)
    assert scoring.execution_accuracy(case) == official
    assert scoring.execution_accuracy_keep_distinct(case) == keep
    assert scoring.bird_execution_accuracy(case) == bird
    assert scoring.strict_execution_accuracy(case) == strict


def test_valid_sql_asks_the_engine(pair) -> None:
    assert scoring.valid_sql(pair("SELECT 1", "SELECT name FROM member")) == 1
    assert scoring.valid_sql(pair("SELECT 1", "SELECT nme FROM member")) == 0


def test_gold_that_does_not_run_raises(pair) -> None:
    with pytest.raises(GoldError, match=r"example 0 does not run on 'clubs'.*nme"):
        scoring.execution_accuracy(pair("SELECT nme FROM member", "SELECT 1"))


@pytest.mark.spider
@pytest.mark.parametrize("system", ["graphix", "dbgpt_lora"])
def test_verdicts_equal_the_published_ones_on_every_prediction(spider: Path, system: str) -> None:
    folder = spider / "predictions"
    lines = (folder / f"{system}.verdicts.jsonl").read_text().splitlines()
    metrics = ("execution_accuracy", "execution_accuracy_keep_distinct", "bird_execution_accuracy")
    scores = scoring.score(
        folder / f"{system}.sql", spider / "dev_gold.sql", spider / "database", metrics=metrics
    )
    assert len(scores.verdicts) == len(lines) == 1034
    for record, expected in zip(scores.records(), map(json.loads, lines), strict=True):
        keys = ("index", "db_id", "hardness", *metrics)
        assert {k: record[k] for k in keys} == {k: expected[k] for k in keys}
