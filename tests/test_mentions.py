"""Where a question mentions tables, columns and values."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text2sql.schema import Column, ForeignKey, Schema, Table
from text2sql.schema.mentions import Linker, Mention, Value
from text2sql.schema.ranking import CANDIDATES
from text2sql.schema.values import gather

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
CELLS = gather(
    [
        ("singer", "country", "France"),
        ("singer", "country", "New York"),
        ("concert", "concert_name", "Age"),
    ]
)


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


def marked(question: str, schema: Schema, cells=()) -> set[str]:
    """Return the columns that a question mentions, with those of its values."""
    mentions = Linker(schema, gather(cells)).mentions(question)
    columns = {name for m in mentions for name in m.columns}
    columns |= {(v.table, v.column) for m in mentions for v in m.values if v.column}
    return {column for _, column in columns}


def schema_of(**tables: str) -> Schema:
    made = (Table(name, tuple(map(Column, names.split()))) for name, names in tables.items())
    return Schema("d", "sqlite", tuple(made))


SHORT = schema_of(
    employee="eid fname lname birthdate dept_no qty_sold baseprice mgrid avg_temp lat",
    department="dept_no dname",
)


@pytest.mark.parametrize(
    ("question", "column"),
    [
        ("first names of employees", "fname"),
        ("birth dates of employees", "birthdate"),
        ("ids of the employees", "eid"),
        ("department numbers of employees", "dept_no"),
        ("what quantity was sold", "qty_sold"),
        ("the base price of an employee", "baseprice"),
        ("the price of an employee", "baseprice"),
        ("id of the manager of each employee", "mgrid"),
        ("average temperature", "avg_temp"),
        ("latitude of employees", "lat"),
        ("names of departments", "dname"),
        ("who is the oldest employee", "birthdate"),
    ],
)
def test_short_names_and_names_written_together_are_found_by_their_words(question, column):
    assert column in marked(question, SHORT)


PEOPLE = schema_of(people="name age sex country height price city hand", year="year date title")


@pytest.mark.parametrize(
    ("question", "column"),
    [
        ("the oldest people", "age"),
        ("the tallest person", "height"),
        ("how much does it cost", "price"),
        ("where are these people", "city"),
        ("Where do they live?", "city"),
        ("Who is from France", "name"),
        ("how many women are there", "sex"),
        ("titles since 2009", "year"),
        ("persons by nation", "country"),
    ],
)
def test_what_is_said_without_a_name_hints_at_columns(question, column):
    assert column in marked(question, PEOPLE)


def test_words_inside_a_sentence_that_only_join_clauses_hint_at_nothing():
    assert "name" not in marked("people who won, whose age is 3", PEOPLE)
    assert "city" not in marked("people of an age where it rains", PEOPLE)


def test_codes_and_nationalities_are_found_as_they_are_stored():
    cells = [("people", "sex", "F"), ("people", "country", "France"), ("people", "hand", "L")]
    cells += [("people", "name", "F")]
    mentions = {
        m.text: m.values
        for m in Linker(PEOPLE, gather(cells)).mentions("French women who are left-handed")
    }
    assert mentions["French"] == (Value("'France'", "people", "country"),)
    assert mentions["women"] == (Value("'F'", "people", "sex"),)
    assert mentions["left-handed"] == (Value("'L'", "people", "hand"),)


@pytest.mark.parametrize(
    ("question", "values"),
    [
        ("2025年11月超过100元的", ["'2025-11'", "100"]),
        ("在2025 年 3 月 5 日之后", ["'2025-03-05'"]),
        ("2020年13月", ["2020", "13"]),
    ],
)
def test_chinese_around_a_number_leaves_it_whole(question, values):
    mentions = Linker(Schema("s", "sqlite", ())).mentions(question)
    assert [value.sql for m in mentions for value in m.values] == values


def test_plurals_punctuation_and_blanks_of_cells_do_not_matter():
    cells = [("people", "name", "cat"), ("people", "city", " Comp. Sci. "), ("people", "hand", "x")]
    values = {m.text: m.values for m in Linker(PEOPLE, gather(cells)).mentions("cats in Comp Sci")}
    assert values["cats"][0].sql == "'cat'"
    assert values["Comp Sci"][0].sql == "' Comp. Sci. '"


def test_of_two_columns_with_a_cell_the_one_of_a_mentioned_table_comes_first():
    schema = schema_of(shop="city", customer="city", order="city")
    cells = [(table.name, "city", "Rome") for table in schema.tables]
    mentions = Linker(schema, gather(cells)).mentions("orders from Rome")
    assert mentions[-1].values[0].table == "order"


def test_a_column_of_the_table_that_is_named_beside_it_comes_first():
    schema = schema_of(a="id name", shop="id name", b="id name")
    mentions = {m.text: m for m in Linker(schema).mentions("names of shops")}
    assert mentions["names"].columns[0] == ("shop", "name")


def test_a_table_that_is_asked_for_brings_what_it_is_called_but_not_where_it_is_counted():
    schema = schema_of(club="club_id title", member="club_id age")
    assert "title" in marked("which clubs have members", schema)
    assert "title" not in marked("how many clubs are there", schema)


def test_a_name_whose_parts_stand_in_columns_of_their_own_is_taken_apart():
    cells = [("people", "name", "Ann"), ("people", "city", "Lee")]
    (mention,) = Linker(PEOPLE, gather(cells)).mentions('"Ann Lee"')
    assert [v.sql for v in mention.values] == ["'Ann Lee'", "'Ann'", "'Lee'"]


def test_a_text_that_is_nearly_a_cell_is_kept_beside_it():
    linker = Linker(PEOPLE, {}, lambda text: (Value("'Anna Leo'", "people", "name"),))
    said = [[v.sql for v in m.values] for m in linker.mentions("age of 'Anna Lee'")]
    assert said == [[], ["'Anna Leo'", "'Anna Lee'"]]


def test_a_letter_that_is_called_so_is_a_value():
    mentions = Linker(PEOPLE).mentions("names with the letter a")
    assert mentions[-1].values == (Value("'a'"),)


def test_a_text_that_no_cell_holds_may_be_what_the_table_beside_it_is_called():
    schema = schema_of(song="song_id title length", album="title")
    assert "title" in marked('the length of the song "Badlands"', schema)
    assert "title" not in marked('the length of "Badlands"', schema)


def test_an_aggregated_column_is_found_beside_one_that_is_called_so():
    schema = schema_of(job="min_salary", employee="salary age")
    found = marked("the minimum salary of employees", schema)
    assert found == {"min_salary", "salary"}


def test_words_with_a_hyphen_are_taken_apart_where_they_are_nothing_whole():
    said = {m.text: m for m in Linker(PEOPLE).mentions("sex-specific age of twenty-five")}
    assert set(said) == {"sex", "age", "twenty-five"}


def test_number_of_asks_for_a_count_and_not_for_a_column():
    schema = schema_of(room="number price", hotel="number_of_rooms id")
    assert "number" not in marked("the number of prices", schema)
    assert "number" in marked("the number and price of rooms", schema)
    assert "number_of_rooms" in marked("the number of rooms of each hotel", schema)


def test_digits_have_no_endings():
    values = gather([("people", "name", "20099")])
    assert Linker(PEOPLE, values).mentions("in 2009")[0].values == (Value("2009"),)


CHINESE = Schema(
    "商店",
    "sqlite",
    (
        Table("客户", (Column("客户编号"), Column("姓名"), Column("性别"), Column("出生日期"))),
        Table("orders", (Column("amount", comment="订单金额"), Column("city", synonyms=("城市",)))),
    ),
)


def test_chinese_is_cut_where_names_and_cells_end():
    cells = [("orders", "city", "北京市"), ("客户", "性别", "女")]
    mentions = {
        m.text: m
        for m in Linker(CHINESE, gather(cells)).mentions(
            "北京市的女客户中年龄最大的三十五个客户编号和订单金额"
        )
    }
    assert mentions["北京市"].values == (Value("'北京市'", "orders", "city"),)
    assert mentions["女"].values == (Value("'女'", "客户", "性别"),)
    assert mentions["客户"].tables == ("客户",)
    assert mentions["年龄"].columns == (("客户", "出生日期"),)
    assert mentions["三十五"].values == (Value("35"),)
    assert mentions["客户编号"].columns == (("客户", "客户编号"),)
    assert mentions["订单金额"].columns == (("orders", "amount"),)


def test_chinese_and_english_may_stand_side_by_side():
    mentions = {m.text for m in Linker(CHINESE).mentions("每个customer的amount和城市")}
    assert {"amount", "城市"} <= mentions


def test_a_wide_schema_of_codes_is_linked_by_them():
    wide = schema_of(t=" ".join(f"c{n}" for n in range(500)), xkz="a b")
    assert "c17" in marked("the largest c17 of t", wide)
    assert {m.tables for m in Linker(wide).mentions("rows of xkz")} == {("xkz",)}


ODD = st.text(st.sampled_from("aé客户ß1'\"“.-/ 年一\u200b\x00😀Q_%"), max_size=25)


@settings(max_examples=150, deadline=None)
@given(st.lists(ODD, max_size=4, unique=True), st.lists(ODD, max_size=4), ODD)
def test_no_name_cell_or_question_is_too_odd(names, texts, question):
    table = Table(names[0] if names else "", tuple(map(Column, names)), comment=question)
    linker = Linker(Schema("d", "sqlite", (table,)), gather(("", "c", text) for text in texts))
    for asked in (question, " ".join([*names, *texts]), question * 20):
        mentions = linker.mentions(asked)
        assert [asked[m.start : m.end] for m in mentions] == [m.text for m in mentions]
        assert all(a.end <= b.start for a, b in pairwise(mentions))
        assert all(len(m.columns) <= CANDIDATES for m in mentions)


@pytest.mark.parametrize(
    "question", ["", "?", "'", "the", "😀", "'' \"\"", "多少个歌手", "a" * 5000]
)
def test_nothing_worth_mentioning_is_nothing(question):
    assert isinstance(Linker(SCHEMA, CELLS).mentions(question), list)


def test_a_table_that_is_called_as_columns_are_called_by_is_no_label_of_itself():
    schema = schema_of(job_title="title pay", song_title="song title_name")
    assert marked("show the job titles", schema) == {"title"}
    assert "title_name" in marked("list all song titles", schema)
