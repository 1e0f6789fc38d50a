"""Words of everyday beside a world's own, and what is said of things in everyday words."""

from random import Random

import pytest

from text2sql.data.synthesis.conditions import condition
from text2sql.data.synthesis.deeds import standing
from text2sql.data.synthesis.drafting import propose
from text2sql.data.synthesis.everyday import with_everyday
from text2sql.data.synthesis.families import single
from text2sql.data.synthesis.families.parts import aggregate_words
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.kinds import kinds
from text2sql.data.synthesis.queries import Col, Pattern
from text2sql.data.synthesis.saying import period_words
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.worlds import Field, Noun, World
from text2sql.schema import Column, Schema, Table


def world(*names: str, kind: str = "category", values=(), nulls=False, language="en", noun="order"):
    table = Table("t", tuple(Column(name, "TEXT") for name in names))
    fields = [Field(Col("t", n), kinds()[kind], (n,), tuple(values), nulls) for n in names]
    nouns = {"t": Noun((noun,), (noun + "s",))}
    return World(Schema("s", "sqlite", (table,)), nouns, {"t": fields}, [], {"t": 9}, language)


def test_columns_and_things_are_also_called_by_other_words():
    found = with_everyday(world("city", "home city", noun="customer"))
    assert "town" in found.fields["t"][0].names and "home town" in found.fields["t"][1].names
    assert "client" in found.nouns["t"].one and "clients" in found.nouns["t"].many
    assert found.fields["t"][0].names[0] == "city"


def test_a_word_that_names_something_else_is_left_out():
    first = with_everyday(world("city", "town")).fields["t"][0]
    assert "town" not in first.names and "municipality" in first.names


def test_chinese_has_other_words_too():
    found = with_everyday(world("城市", "国家", language="zh", noun="客户"))
    assert "顾客" in found.nouns["t"].one
    assert all(len(name) > 1 for field in found.fields["t"] for name in field.names)


def said(name: str, values: list[str], *, language="en", nulls=False) -> list[tuple]:
    made = world(name, kind="date", values=values, nulls=nulls, language=language)
    speaker = Speaker(made, Random(3))
    return [pair for _ in range(400) if (pair := condition(speaker, "t"))]


@pytest.mark.parametrize(("language", "words"), [("en", "March 2023"), ("zh", "2023年3月")])
def test_a_month_is_said_in_words_and_compared_as_the_beginning_of_a_date(language, words):
    found = said("paid on", ["2023-03-05"], language=language)
    months = [text for c, text in found if c.right == Pattern("2023-03", before=False)]
    assert months and any(words in text for text in months)


def test_a_missing_date_is_something_that_has_not_happened():
    texts = {
        text for c, text in said("paid on", ["2023-03-05"], nulls=True) if c.operator == "is null"
    }
    assert any("not yet paid" in text for text in texts)
    assert any("unpaid" in text for text in texts)


def test_a_missing_date_in_chinese_is_something_that_has_not_happened():
    found = said("付款日期", ["2023-03-05"], language="zh", nulls=True)
    assert any("尚未付款" in text for c, text in found if c.operator == "is null")


@pytest.mark.parametrize(
    ("deed", "done", "way"),
    [
        ("were closed", False, "still open"),
        ("were closed", True, "already closed"),
        ("left", False, "that have not left yet"),
        ("left", True, "former"),
    ],
)
def test_what_has_happened_and_what_has_not_is_said_in_its_words(deed, done, way):
    assert way in standing(deed, done=done)


def test_a_year_and_a_month_are_spoken():
    assert period_words("2023", Random(1), "zh") == "2023年"
    assert {period_words("2023-03", Random(i), "en") for i in range(9)} == {
        "March 2023",
        "Mar 2023",
    }


def test_chinese_questions_are_asked_about_english_cells_too():
    cells = set()
    for seed in range(12):
        invented = invent(Random(seed), language="zh", domain="bank")
        fields = [f for known in invented.world.fields.values() for f in known]
        cells |= {(v, f.phrases.get(v)) for f in fields for v in f.values if isinstance(v, str)}
        invented.connection.close()
    assert ("retail", ("零售",)) in {(str(v).lower(), said) for v, said in cells}
    assert any(v == "零售" for v, _ in cells)


def test_people_are_asked_for_by_who_where_only_one_table_holds_people():
    questions = set()
    for seed in range(30):
        invented = invent(Random(seed), domain="chess")
        pairs = propose(invented.world, Random(seed), 40, families={single.columns: 1})
        lone = invented.world.only_people()
        questions |= {(lone, p.question) for p in pairs if p.question.lower().startswith("who ")}
        invented.connection.close()
    assert questions and all(lone for lone, _ in questions)
    assert not any(question.lower().startswith("who are ") for _, question in questions)


@pytest.mark.parametrize(("name", "said"), [("avg", "平均薪水"), ("sum", "总薪水")])
def test_an_aggregate_in_chinese_may_stand_before_its_column(name, said):
    made = world("薪水", kind="salary", language="zh")
    speaker = Speaker(made, Random(2))
    field = made.fields["t"][0]
    assert said in {aggregate_words(speaker, name, field) for _ in range(60)}
