"""Other words for tables, columns and cells, as the linker finds them."""

import pytest

from text2sql.schema import Column, Schema, Table
from text2sql.schema.mentions import Linker, Value
from text2sql.schema.thesaurus import thesaurus
from text2sql.schema.values import gather
from text2sql.schema.words import key_of

CLINIC = Schema(
    "clinic",
    "sqlite",
    (
        Table("patients", (Column("patient_id", "INT"), Column("city", "TEXT")), ("patient_id",)),
        Table("visits", (Column("status", "TEXT"), Column("fee", "REAL"))),
    ),
)
CELLS = gather([("visits", "status", "cancelled"), ("visits", "status", "done")])


def mentions(question: str):
    return Linker(CLINIC, CELLS).mentions(question)


@pytest.mark.parametrize(
    ("question", "text", "column"),
    [
        ("patients per town", "town", ("patients", "city")),
        ("the average price of visits", "price", ("visits", "fee")),
        ("patient numbers of all", "patient numbers", ("patients", "patient_id")),
        ("每个城市有多少患者？", "城市", ("patients", "city")),
        ("费用最高的就诊", "费用", ("visits", "fee")),
    ],
)
def test_other_words_for_a_column_stand_for_it(question, text, column):
    assert {m.text: m.columns for m in mentions(question)}[text] == (column,)


@pytest.mark.parametrize("question", ["How many appointments?", "有多少次就诊？"])
def test_other_words_for_a_table_stand_for_it(question):
    assert [m.tables for m in mentions(question)] == [("visits",)]


@pytest.mark.parametrize("question", ["declined or canceled visits", "已取消的就诊"])
def test_other_words_for_a_cell_stand_for_it(question):
    values = [value for m in mentions(question) for value in m.values]
    assert values == [Value("'cancelled'", "visits", "status")]


def test_a_word_that_is_a_name_stands_for_nothing_else():
    table = Table("t", (Column("town", "TEXT"), Column("city", "TEXT")))
    (found,) = Linker(Schema("s", "sqlite", (table,))).mentions("which town")
    assert found.columns == (("t", "town"),)


def test_a_phrase_of_several_words_stands_for_a_column():
    table = Table("t", (Column("dob", "TEXT"), Column("surname", "TEXT")))
    linker = Linker(Schema("s", "sqlite", (table,)))
    found = {m.text: m.columns for m in linker.mentions("family names of all")}
    assert found["family names"] == (("t", "surname"),)


def test_no_word_stands_for_itself():
    assert all(said not in called for said, called in thesaurus().names.items())
    assert "client" in thesaurus().names[key_of("顾客")]


@pytest.mark.parametrize(
    "question", ["orders in March 2023", "orders per month", "2023年3月的订单"]
)
def test_a_moment_hints_at_columns_that_hold_moments_whatever_they_are_called(question):
    columns = (Column("order_id", "INT"), Column("paid_on", "TEXT"), Column("sent", "DATETIME"))
    linker = Linker(Schema("s", "sqlite", (Table("orders", columns), Table("t", columns))))
    found = {column for m in linker.mentions(question) for column in m.columns}
    assert {("orders", "paid_on"), ("orders", "sent")} <= found
    assert ("t", "paid_on") not in found
