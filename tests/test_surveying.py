"""A real database as questions speak of it: kinds by names, types and values."""

from datetime import date, datetime
from decimal import Decimal

import library
import pytest

from text2sql.data.synthesis.queries import Col
from text2sql.data.synthesis.surveying import plain_cell, survey
from text2sql.execution.sampling import sampler
from text2sql.schema import Column, Schema, Table, read_schema


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    path = library.build_sqlite(tmp_path_factory.mktemp("survey") / "library.sqlite")
    return survey(read_schema(path), sample=sampler(path), count=lambda table: 100)


def kind(world, place: str) -> str:
    return world.field_of(Col(*place.split("."))).kind.name


def count(table) -> int:
    return 5


def field_of(column: Column, *cells, language="en"):
    schema = Schema("x", "sqlite", (Table("things", (column,)),))
    rows = [(cell,) for cell in cells]
    return survey(schema, sample=lambda table, k: rows, count=count, language=language).fields[
        "things"
    ]


def test_kinds_come_from_names_types_and_values(world):
    assert kind(world, "books.price") == "price" and kind(world, "branches.city") == "city"
    assert kind(world, "loans.lent_on") == "date" and kind(world, "members.email") == "email"
    assert kind(world, "books.is_rare") == "flag" and kind(world, "books.title") == "title"


def test_keys_say_nothing_by_themselves(world):
    keys = {field.col.column for field in world.fields["books"] if field.key}

    assert keys == {"book_id", "author_id"}


def test_what_stands_in_the_cells_outweighs_the_declared_type():
    (dates,) = field_of(Column("added", "TEXT"), "2024-01-02", "2024-02-03")
    (moments,) = field_of(Column("added", "TEXT"), "2024-01-02 10:00:00", "2024-02-03")
    (zips,) = field_of(Column("zip", "INTEGER"), 1010, 4020)
    (flag,) = field_of(Column("open", "TEXT"), "Y", "N", "Y")
    (numbers,) = field_of(Column("born", "DATE"), 19900101, 19910203)

    kinds = [field.kind.name for field in (dates, moments, zips, flag, numbers)]
    assert kinds == ["date", "datetime", "postcode", "flag", "number"]


def test_short_forms_and_prefixes_are_not_what_people_say():
    columns = (Column("EarTag", "TEXT"), Column("wt_kg", "REAL"), Column("site_no", "INTEGER"))
    schema = Schema("x", "sqlite", (Table("tblAnimal", columns),))
    world = survey(schema, sample=lambda table, k: [("a", 1.0, 2)], count=count)

    names = [field.names[0] for field in world.fields["tblAnimal"]]
    assert names == ["ear tag", "weight kg", "site number"]
    assert world.nouns["tblAnimal"].many[0] == "animals"


def test_tables_that_would_be_called_alike_keep_their_whole_names():
    column = (Column("name", "TEXT"),)
    tables = (Table("people", column, namespace="hr"), Table("people", column, namespace="sales"))
    world = survey(Schema("x", "duckdb", tables), sample=lambda table, k: [("a",)], count=count)

    assert [noun.many[0] for noun in world.nouns.values()] == ["hr people", "sales people"]


def test_a_column_without_nulls_is_known_to_have_none_where_all_rows_were_seen():
    columns = (Column("a", "INT"), Column("b", "INT"))
    schema = Schema("x", "duckdb", (Table("t", columns),))
    rows = [(1, 2), (3, None)]
    seen, partly = (
        survey(schema, sample=lambda table, k: rows, count=lambda table, n=n: n) for n in (2, 9)
    )

    assert [c.nullable for _, c in seen.schema.columns()] == [False, True]
    assert [c.nullable for _, c in partly.schema.columns()] == [True, True]


def test_uuids_are_keys_and_no_names():
    uuid = "16bd04d2-150c-4303-b72d-fc054cb595bd"

    assert field_of(Column("u", "UUID"), uuid)[0].key
    assert not field_of(Column("u", "TEXT"), uuid, "a name")[0].key


def test_keys_of_tables_are_keys_in_views_too():
    column = Column("site_no", "INTEGER")
    tables = (Table("sites", (column,), ("site_no",)), Table("v_sites", (column,), view=True))
    world = survey(Schema("x", "sqlite", tables), sample=lambda table, k: [(1,), (2,)], count=count)

    assert world.fields["v_sites"][0].key


def test_of_mixed_cells_those_of_the_commoner_type_are_asked_for():
    (field,) = field_of(Column("c17", "INT"), 1, 2, 3, "it's", b"\x00", float("inf"), 2**62)
    (texts,) = field_of(Column("c18", ""), "a", "b", 3)

    assert field.values == (1, 2, 3) and texts.values == ("a", "b")
    assert field_of(Column("share", "REAL"), 1 / 3, 2 / 3)[0].values == (0.33, 0.67)


def test_a_flag_called_is_something_is_spoken_of_by_that_word():
    (flag,) = field_of(Column("is_active", "INTEGER"), 1, 0)

    assert flag.phrases == {"1": ("active",), "0": ("not active",)}


def test_meanings_and_short_comments_are_what_people_say():
    column = Column("st", "TEXT", comment="order status", meanings=(("P", "paid"),))
    (field,) = field_of(column, "P", "O")

    assert field.names == ("st", "order status") and field.phrases["P"] == ("paid",)
    long = Column("flavour", "TEXT", comment="The status, as set by the back office at night.")
    assert field_of(long, "P", "O")[0].names == ("flavour",)


def test_chinese_questions_take_chinese_comments():
    column = Column("city", "TEXT", comment="城市")

    assert field_of(column, "北京", "上海", language="zh")[0].names == ("城市",)
    assert field_of(column, "北京", "上海")[0].names == ("city",)


def test_long_texts_are_no_values_to_ask_for():
    (field,) = field_of(Column("body", "TEXT"), "a" * 200, "two\nlines", "short one")

    assert field.values == ("short one",)


def test_days_that_there_are_none_of_are_no_values_to_ask_for():
    cells = ("0000-00-00", "2023-02-30", "2024-02-29")
    (days,) = field_of(Column("hired_on", "DATE"), *cells)
    (moments,) = field_of(Column("seen_at", "TIMESTAMP"), *(f"{day} 00:00:00" for day in cells))

    assert days.values == ("2024-02-29",) and days.kind.calendar
    assert moments.values == ("2024-02-29 00:00:00",) and moments.kind.moment


def test_columns_of_lists_are_left_out():
    assert field_of(Column("tags", "VARCHAR[]"), ["a"], ["b", "c"]) == []


@pytest.mark.parametrize(
    ("cell", "plain"),
    [
        (Decimal("2.50"), 2.5),
        (Decimal("3.00"), 3),
        (date(2024, 1, 2), "2024-01-02"),
        (datetime(2024, 1, 2, 3, 4), "2024-01-02 03:04:00"),
        (b"x", None),
        (float("nan"), None),
    ],
)
def test_cells_become_what_sql_can_say(cell, plain):
    assert plain_cell(cell) == plain
