"""The texts in a database's cells as an index."""

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text2sql.schema import Column, Schema, Table, values
from text2sql.schema.mentions import Linker, Value
from text2sql.schema.values import ValueIndex, build_values, gather, text_columns
from text2sql.schema.words import fold, key_of

TEXTS = {
    ("city", "name"): ["New York", " Zürich", "Köln", "O'Hare", "北京市", "***", "x" * 200, ""],
    ("pet", "kind"): ["cat", "dog", "Hamster"],
    ("pet", "tag"): ["cat", 7, "2014"],
    ("pet", "notes"): None,
}


def build(texts=TEXTS) -> ValueIndex:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    build_values(texts, lambda table, column: texts[table, column], connection)
    return ValueIndex(connection)


@pytest.fixture(scope="module")
def index():
    with build() as found:
        yield found


def test_a_text_is_found_in_any_case_with_its_blanks_and_marks_as_stored(index):
    assert index.get(key_of("NEW  york")) == (Value("'New York'", "city", "name"),)
    assert index.get(key_of("zürich"))[0].sql == index.get(key_of("Zurich"))[0].sql == "' Zürich'"
    assert index.get(key_of("o'hare"))[0].sql == "'O''Hare'"
    assert index.get(key_of("北京市"))[0].column == "name"
    assert index.get(key_of("***"))[0].sql == "'***'"
    assert index.get(key_of("nowhere")) == ()


def test_a_text_is_found_by_the_stems_of_its_words_in_every_column_that_has_it(index):
    assert index.get(key_of("cats")) == (
        Value("'cat'", "pet", "kind"),
        Value("'cat'", "pet", "tag"),
    )


def test_cells_at_hand_are_found_as_those_of_an_index(index):
    at_hand = gather(
        (table, column, text)
        for (table, column), listed in TEXTS.items()
        for text in listed or ()
        if isinstance(text, str) and len(text) <= values.LONGEST
    )
    for text in ("New York", "cats", "2014", "köln", "***"):
        assert at_hand[key_of(text)] == index.get(key_of(text))


def test_a_typing_error_finds_the_text_that_was_meant(index):
    pytest.importorskip("rapidfuzz")
    assert index.near("New Yrok")[0].sql == "'New York'"
    assert index.near("hamsters")[0].sql == "'Hamster'"
    assert index.near("Zurich")[0].sql == "' Zürich'"
    assert index.near("cot") == () and index.near("something else") == ()


def test_without_rapidfuzz_nothing_is_near_and_texts_are_found_all_the_same(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rapidfuzz.fuzz", None)
    with build() as index:
        assert index.near("New Yrok") == ()
        assert index.get(key_of("New York"))


def test_columns_that_could_not_be_read_are_named(index):
    assert index.unread == ("pet.notes",)


def test_texts_are_bounded_and_what_was_too_much_is_told(monkeypatch):
    monkeypatch.setattr(values, "MAX_VALUES", 10)
    with build() as index:
        assert index.unread == ("pet.tag", "pet.notes")
        assert index.get("hamster") and not index.get("2014")


def test_a_deadline_ends_the_reading(monkeypatch):
    monkeypatch.setattr(values, "MAX_SECONDS", -1.0)
    with build() as index:
        assert len(index.unread) == len(TEXTS)


def test_keys_of_another_kind_need_another_format():
    texts = ("Employees' 20099 Campuses", "people", "Zürich  Nord", "北京市", "prices paid", "***")
    found = [key_of(text) for text in texts]
    made = ["employe 20099 campus", "person", "zurich nord", "北京 京市", "pric pay", "***"]
    assert (values.FORMAT, found) == (3, made)


def test_columns_of_numbers_and_bytes_hold_no_texts():
    types = {"a": "INTEGER", "b": "varchar(20)", "c": "BLOB", "d": "", "e": "DATE", "f": "REAL[]"}
    table = Table("t", tuple(Column(name, kind) for name, kind in types.items()))
    found = [column.name for _, column in text_columns(Schema("d", "sqlite", (table,)))]
    assert found == ["b", "d", "e"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=8), st.text(max_size=30))
def test_any_text_is_found_again_and_no_question_fails(texts, question):
    with build({("t", "c"): texts}) as index:
        for text in filter(fold, texts):
            assert any(found.column == "c" for found in index.get(key_of(text)))
            index.near(text + "x")
        schema = Schema("d", "sqlite", (Table("t", (Column("c"),)),))
        Linker(schema, index, index.near).mentions(question)
