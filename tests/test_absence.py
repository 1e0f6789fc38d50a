"""What a question asks for that is not there, and words that mean several columns alike."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text2sql.schema import Column, ForeignKey, Schema, Table
from text2sql.schema.absence import missing
from text2sql.schema.ambiguity import ambiguous
from text2sql.schema.mentions import Linker
from text2sql.schema.values import gather

MEMBERS = Table(
    "members",
    (Column("member_id"), Column("full_name", "TEXT"), Column("city", "TEXT")),
    ("member_id",),
    comment="people who borrow",
)
LOANS = Table(
    "loans",
    (Column("loan_id"), Column("member_id"), Column("lent_on", "DATE"), Column("fee", "REAL")),
    ("loan_id",),
    (ForeignKey(("member_id",), "members", ("member_id",)),),
)
BOOKS = Table(
    "books",
    (Column("book_id"), Column("title", "TEXT"), Column("price", "REAL"), Column("fee", "REAL")),
    ("book_id",),
    synonyms=("volume",),
)
SCHEMA = Schema("library", "sqlite", (MEMBERS, LOANS, BOOKS))
CELLS = gather(
    [("members", "city", "Graz"), ("members", "city", "Linz"), ("books", "title", "Moby Dick")]
)
LINKER = Linker(SCHEMA, CELLS)


def sure(question: str, linker: Linker = LINKER, **options) -> list[str]:
    return [found.text for found in missing(question, linker, **options) if found.sure]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How many spaceships are there?", "spaceships"),
        ("What is the average salary of all members?", "salary"),
        ("List all employees.", "employees"),
        ("What is the total weight of the books?", "weight"),
        ("For each supplier, how many books are there?", "supplier"),
        ("number of wheels per book", "wheels"),
        ("Which engine has the highest price?", "engine"),
        ("What is the weather in Paris?", "weather"),
    ],
)
def test_what_is_not_there_is_named(question, text):
    assert sure(question) == [text]


@pytest.mark.parametrize(
    "question",
    [
        "How many members are there?",
        "How many volumes do we have?",
        "What is the average price of all books?",
        "Show the names of all members in Graz, in alphabetical order.",
        "Which title has the highest price?",
        "List all information about loans, the most expensive first.",
        "What is the maximum fee that was ever paid for a loan?",
        "How many people live in Linz?",
        "How many different cities are there?",
        "what is the number of loans for each member",
        "How many members have no loans at all?",
        "Who wrote 'Moby Dick'?",
        "What is the averge price of boks per membr?",
        "Give me the number of loans per member and the total of all fees.",
        "Wie viele Bücher gibt es?",
        "有多少本书?",
        "How many 📚?",
        "",
    ],
)
def test_a_question_about_what_is_there_raises_no_sure_doubt(question):
    assert sure(question) == []


def test_other_words_for_a_table_are_doubtful_but_not_sure():
    found = missing("What are the full names of the readers from Graz?", LINKER)
    assert [(each.text, each.sure) for each in found] == [("readers", False)]


def test_what_somebody_explains_is_known():
    question = "How many whales are there?"
    assert sure(question) == ["whales"]
    assert sure(question, known=["a whale is a book of more than 800 pages"]) == []
    described = replace(SCHEMA, tables=(MEMBERS, LOANS, replace(BOOKS, comment="whales, mostly")))
    assert sure(question, Linker(described)) == []
    assert sure(question, Linker(replace(SCHEMA, name="whales"))) == []


def test_the_only_table_is_what_is_counted_whatever_it_is_called():
    lone = Linker(Schema("import", "sqlite", (replace(BOOKS, name="data", synonyms=()),)))
    assert sure("How many novels are there?", lone) == []
    assert sure("What is the average weight?", lone) == ["weight"]


def test_several_missing_things_are_sure_together():
    assert sure("names of pilots and of their aeroplanes") == ["pilots", "aeroplanes"]


WORDS = "how many the of average each books spaceships 'x ’s per ? 📚 书 42 -- and".split()  # noqa: SIM905
TEXTS = st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_any_text_is_read(text):
    for found in missing(text, LINKER):
        assert found.text in text
    ambiguous(text, LINKER)


def choices(question: str, linker: Linker = LINKER) -> list[tuple[str, ...]]:
    return [found.between for found in ambiguous(question, linker)]


def test_a_column_that_two_tables_have_is_ambiguous_where_no_table_is_told():
    assert choices("What is the average fee?") == [("loans.fee", "books.fee")]
    assert choices("What is the average fee of a loan?") == []
    assert choices("What is the average fee of Moby Dick?") == []
    assert choices("What is the highest fee, and the price?") == []


def test_keys_and_names_of_anything_are_no_choice():
    assert choices("Show every member id.") == []
    named = Schema("two", "sqlite", (Table("a", (Column("name"),)), Table("b", (Column("name"),))))
    assert choices("Show all names.", Linker(named)) == []


def test_tables_of_one_name_in_two_namespaces_are_ambiguous():
    both = tuple(replace(BOOKS, namespace=where) for where in ("old", "new"))
    linker = Linker(Schema("warehouse", "postgres", both))
    assert choices("How many books are there?", linker) == [("old.books", "new.books")]
