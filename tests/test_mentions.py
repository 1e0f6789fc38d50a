"""Where a question mentions tables, columns and values."""

from itertools import pairwise

import pytest

from text2sql.schema import Column, ForeignKey, Schema, Table
from text2sql.schema.mentions import CANDIDATES, Linker, Mention, Value

SINGER = Table(
    "singer",
    (
        Column("singer_id", "INTEGER"),
        Column("full_name", "TEXT", synonyms=("stage name",)),
        Column("age", "INTEGER"),
        Column("country", "TEXT"),
    ),
    ("singer_id",),
    synonyms=("vocalist",),
)
CONCERT = Table(
    "concert",
    (Column("concert_name", "TEXT"), Column("year", "INTEGER"), Column("singer_id", "INTEGER")),
    (),
    (ForeignKey(("singer_id",), "singer", ("singer_id",)),),
)
SCHEMA = Schema("music", "sqlite", (SINGER, CONCERT))
CELLS = {
    "france": [Value("'France'", "singer", "country")],
    "new york": [Value("'New York'", "singer", "country")],
    "age": [Value("'Age'", "concert", "concert_name")],
}


def found(question: str, cells: dict | None = None) -> dict[str, Mention]:
    return {m.text: m for m in Linker(SCHEMA, cells or {}).mentions(question)}


def test_names_are_found_whole_in_any_number_and_by_their_synonyms():
    mentions = found("Show the full names and ages of all vocalists")
    assert mentions["full names"].columns == (("singer", "full_name"),)
    assert mentions["ages"].columns == (("singer", "age"),)
    assert mentions["vocalists"].tables == ("singer",)
    assert found("their stage names")["stage names"].columns == (("singer", "full_name"),)


def test_a_part_of_a_name_may_mean_every_name_that_has_it():
    assert set(found("which names?")["names"].columns) == {
        ("singer", "full_name"),
        ("concert", "concert_name"),
    }


def test_numbers_quoted_text_and_names_in_a_sentence_are_values():
    mentions = found("singers older than 1,030 or three, called 'Ann O\"Hara', from Rio Bravo")
    said = {text: m.values[0].sql for text, m in mentions.items() if m.values}
    assert said == {
        "1,030": "1030",
        "three": "3",
        "'Ann O\"Hara'": "'Ann O\"Hara'",
        "Rio Bravo": "'Rio Bravo'",
    }
    assert found("Singers. Give O'Brien")["O'Brien"].values == (Value("'O''Brien'"),)


def test_cells_are_found_in_any_case_and_over_several_words_with_their_column():
    mentions = found("singers from france or NEW YORK", CELLS)
    assert mentions["france"].values == (Value("'France'", "singer", "country"),)
    assert mentions["NEW YORK"].values == (Value("'New York'", "singer", "country"),)


def test_a_word_that_is_a_column_is_not_taken_for_a_cell():
    assert found("age of singers", CELLS)["age"].columns == (("singer", "age"),)


def test_mentions_are_in_order_and_lie_where_they_say():
    question = "How many singers are from france, by age?"
    mentions = Linker(SCHEMA, CELLS).mentions(question)
    assert [question[m.start : m.end] for m in mentions] == [m.text for m in mentions]
    assert [m.start for m in mentions] == sorted(m.start for m in mentions)
    assert all(a.end <= b.start for a, b in pairwise(mentions))


def test_of_many_candidates_those_of_mentioned_tables_are_kept():
    tables = tuple(Table(f"t{i}", (Column("code"), Column(f"x{i}"))) for i in range(9))
    linker = Linker(Schema("d", "sqlite", tables))
    mention = next(m for m in linker.mentions("the code of t7") if m.text == "code")
    assert len(mention.columns) == CANDIDATES and mention.columns[0] == ("t7", "code")


@pytest.mark.parametrize(
    "question", ["", "?", "'", "the", "😀", "'' \"\"", "多少个歌手", "a" * 5000]
)
def test_nothing_worth_mentioning_is_nothing(question):
    assert isinstance(Linker(SCHEMA, CELLS).mentions(question), list)
