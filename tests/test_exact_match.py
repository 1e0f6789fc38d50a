"""Exact set match: titled pairs, and the published verdicts."""

import json
from pathlib import Path

import pytest

from text2sql.errors import GoldError
from text2sql.schema.model import Column, ForeignKey, Schema, Table
from text2sql.schema.spider_tables import read_spider_schemas
from text2sql.scoring.pairs import Pair
from text2sql.scoring.spider import exact_match
from text2sql.scoring.spider.parser import read_query
from text2sql.scoring.spider.structure import Names

NAMES = Names.from_columns(
    {
        "Member": ("id", "name", "age"),
        "club": ("id", "title"),
        "joined": ("member_id", "sponsor_id", "club_id", "year"),
    },
    [
        ("joined.member_id", "Member.id"),
        ("joined.sponsor_id", "Member.id"),
        ("joined.club_id", "club.id"),
    ],
)


def case_list() -> list[list[str]]:
    text = (Path(__file__).parent / "data" / "exact_set_match.sql").read_text(encoding="utf-8")
    blocks = [block.strip().split("\n") for block in text.split("\n\n")]
    return [block for block in blocks if len(block) == 4]


def pair(gold: str, predicted: str, names: Names = NAMES, index: int = 0) -> Pair:
    def run(sql: str) -> None:
        raise AssertionError(f"exact set match runs nothing: {sql}")

    return Pair(index, "clubs", gold, predicted, run, lambda: names)


@pytest.mark.parametrize(("title", "gold", "predicted", "expected"), case_list())
def test_verdicts_and_wrong_components_are_the_official_ones(
    title: str, gold: str, predicted: str, expected: str
) -> None:
    parts = exact_match.pair_components(pair(gold, predicted))
    wrong = ", ".join(name for name, component in parts.items() if not component.right)
    assert exact_match.exact_set_match(pair(gold, predicted)) == (expected == "match"), title
    assert wrong == expected.replace("match", "").replace("tables", ""), title


def test_every_gold_of_the_list_matches_itself() -> None:
    assert all(exact_match.exact_set_match(pair(gold, gold)) for _, gold, _, _ in case_list())


def test_components_count_gold_prediction_and_what_is_in_both() -> None:
    parts = exact_match.component_matches(
        read_query("SELECT name , age FROM member WHERE age > 1 AND id = 2", NAMES),
        read_query("SELECT age FROM member WHERE age > 9", NAMES),
        NAMES,
    )
    assert tuple(parts) == exact_match.COMPONENTS
    assert parts["select"] == exact_match.Component(gold_total=2, predicted_total=1, matched=1)
    assert parts["where"] == exact_match.Component(gold_total=2, predicted_total=1, matched=1)
    # where they differ, the totals change places, as in the official program
    assert parts["and/or"] == exact_match.Component(gold_total=0, predicted_total=1, matched=0)


def test_an_unreadable_prediction_has_the_components_of_an_empty_query() -> None:
    gold = read_query("SELECT name FROM member ORDER BY age", NAMES)
    nothing = exact_match.component_matches(gold, None, NAMES)
    assert nothing == exact_match.pair_components(pair("SELECT name FROM member ORDER BY age", "("))
    assert nothing["select"] == exact_match.Component(1, 0, 0)


def test_unreadable_gold_has_no_verdict() -> None:
    with pytest.raises(GoldError, match=r"example 7 .* cannot read it \(no column 'nme' in member"):
        exact_match.exact_set_match(pair("SELECT nme FROM member", "SELECT 1", index=7))


def test_conditions_that_touch_are_compared() -> None:
    gold = "SELECT name FROM member WHERE age = 1 id = 2"
    assert exact_match.exact_set_match(pair(gold, gold)) == 1
    assert exact_match.exact_set_match(pair(gold, gold.replace("id = 2", "id = 3"))) == 0


def test_two_queries_in_from_are_compared_as_a_bag() -> None:
    first, second = "SELECT id FROM member", "SELECT id FROM club"
    gold = f"SELECT count(*) FROM ({first}) ({second})"
    turned = f"SELECT count(*) FROM ({second}) ({first})"
    assert exact_match.exact_set_match(pair(gold, turned)) == 1
    assert exact_match.exact_set_match(pair(gold, gold.replace(second, first))) == 0


def test_foreign_keys_come_from_the_schema() -> None:
    key = ForeignKey(("member_id",), "member", ("ID",))
    member, joined = Table("member", (Column("ID"),)), Table("joined", (Column("Member_ID"),))
    schema = Schema("clubs", "sqlite", (member, Table(joined.name, joined.columns, (), (key,))))
    found = Names.of(schema).keys
    assert found == {"joined.member_id": "member.id", "member.id": "member.id"}


def test_groups_of_foreign_keys_that_a_later_one_would_join_stay_apart() -> None:
    names = Names.from_columns(
        {"t": ("a", "b", "c", "d")}, [("t.d", "t.c"), ("t.b", "t.a"), ("t.d", "t.b")]
    )
    assert names.keys == {"t.b": "t.a", "t.a": "t.a", "t.d": "t.b", "t.c": "t.b"}


@pytest.mark.spider
@pytest.mark.parametrize("system", ["graphix", "dbgpt_lora"])
def test_verdicts_equal_the_published_ones(spider: Path, system: str) -> None:
    names = {db: Names.of(s) for db, s in read_spider_schemas(spider / "tables.json").items()}
    read = (spider / "predictions" / f"{system}.sql").read_text(encoding="utf-8").splitlines()
    lines = (spider / "predictions" / f"{system}.verdicts.jsonl").read_text().splitlines()
    gold = [line.split("\t") for line in (spider / "dev_gold.sql").read_text().splitlines()]
    assert len(read) == len(lines) == len(gold) == 1034
    for verdict, prediction, (sql, db_id) in zip(map(json.loads, lines), read, gold, strict=True):
        ours = exact_match.exact_set_match(pair(sql, prediction.strip(), names[db_id]))
        assert ours == verdict["exact_set_match"], prediction


@pytest.mark.spider
def test_every_gold_of_spider_but_one_matches_itself(spider: Path) -> None:
    names = {db: Names.of(s) for db, s in read_spider_schemas(spider / "tables.json").items()}
    text = (spider / "dev_gold.sql").read_text() + (spider / "train_gold.sql").read_text()
    unread = 0
    for sql, db_id in (line.split("\t") for line in text.splitlines()):
        try:
            # `value` is replaced in predictions alone
            assert exact_match.exact_set_match(pair(sql, sql, names[db_id])) or "value" in sql
        except GoldError:
            unread += 1
    assert unread == 1
