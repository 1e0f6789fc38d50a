"""The texts that `--plug_value` tries, as the official program gives them."""

import pytest

from text2sql.scoring.spider.plugging import MOST, plugged


@pytest.mark.parametrize(
    ("predicted", "gold", "texts"),
    [
        ("SELECT A FROM t", "SELECT a FROM t WHERE b = 3", ["select a from t"]),
        ("SELECT A FROM t WHERE b = 1", "SELECT a FROM t", []),
        (
            "SELECT T1.Name FROM t AS T1 WHERE T1.b = 'x'",
            "SELECT name FROM t WHERE b = 'It is' AND c > 2.5",
            [
                "select t1 . name from t as t1 where t1 . b = 'It is'",
                "select t1 . name from t as t1 where t1 . b = 2.5",
            ],
        ),
        # what stands in double quotes is a value, and an alias with a digit passes for a number
        (
            'SELECT "a" FROM t AS x1',
            "SELECT a FROM t WHERE b = 7",
            ["select 7 from t as 7"],
        ),
        # each value once; every slot takes every value
        (
            "SELECT a FROM t WHERE b = 1 LIMIT 5",
            "SELECT a FROM t WHERE b = 8 OR c = 8 OR d = 9",
            [
                "select a from t where b = 8 limit 8",
                "select a from t where b = 8 limit 9",
                "select a from t where b = 9 limit 8",
                "select a from t where b = 9 limit 9",
            ],
        ),
        # every text of a list is a slot, and so is a number with its sign
        (
            "SELECT a FROM t WHERE b IN ('p','q') AND c>-1",
            "SELECT a FROM t WHERE b = 'z'",
            ["select a from t where b in ( 'z' , 'z' ) and c > 'z'"],
        ),
    ],
)
def test_every_slot_takes_every_value_of_gold(predicted: str, gold: str, texts: list[str]) -> None:
    assert list(plugged(predicted, gold)) == [predicted, *texts]


def test_the_word_value_becomes_a_slot() -> None:
    found = list(plugged("SELECT a FROM t WHERE b = value", "SELECT a FROM t WHERE b = 'x'"))
    assert found == ["SELECT a FROM t WHERE b = 1", "select a from t where b = 'x'"]


def test_distinct_is_removed_unless_it_is_kept() -> None:
    sql = "SELECT DISTINCT a FROM t"
    assert list(plugged(sql, sql)) == ["SELECT  a FROM t", "select a from t"]
    assert list(plugged(sql, sql, keep_distinct=True)) == [sql, "select distinct a from t"]


def test_the_current_year_is_replaced_after_plugging() -> None:
    sql = "SELECT a FROM t WHERE b = YEAR(CURDATE())"
    found = list(plugged(sql, "SELECT a FROM t WHERE b = 3"))
    assert found == ["SELECT a FROM t WHERE b = 2020", "select a from t where b = 2020"]


def test_texts_are_made_one_by_one_and_end() -> None:
    predicted = "SELECT a FROM t WHERE " + " OR ".join(["b = 1"] * 30)
    gold = "SELECT a FROM t WHERE b = 2 OR c = 3"
    assert next(iter(plugged(predicted, gold))) == predicted
    assert sum(1 for _ in plugged(predicted, gold)) == MOST + 1


def test_text_that_is_too_long_is_not_plugged() -> None:
    predicted = "SELECT a FROM t WHERE b = 1" + " OR b = 1" * 5000
    assert list(plugged(predicted, "SELECT a FROM t WHERE b = 2")) == [predicted]
