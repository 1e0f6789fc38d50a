"""Numbers, dates and times of a question as SQL writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2sql.schema.constants import chinese_number, read
from text2sql.schema.pieces import cut


@pytest.mark.parametrize(
    ("said", "literal"),
    [
        ("3", "3"),
        ("1,030", "1030"),
        ("3.50", "3.5"),
        ("-7", "-7"),
        ("three", "3"),
        ("twenty five", "25"),
        ("twenty-five", "25"),
        ("two hundred", "200"),
        ("3 thousand", "3000"),
        ("0.5 million", "500000"),
        ("a million", "1000000"),
        ("one dozen", "12"),
        ("two thousand five hundred", "2500"),
        ("one million two hundred thousand", "1200000"),
        ("twice", "2"),
        ("third", "3"),
        ("42nd", "42"),
        ("3 March 2020", "'2020-03-03'"),
        ("3rd of March, 2020", "'2020-03-03'"),
        ("March 3, 2020", "'2020-03-03'"),
        ("Dec 2019", "'2019-12'"),
        ("2020-03-03", "'2020-03-03'"),
        ("2018-03-17 07:13:53", "'2018-03-17 07:13:53'"),
        ("10:30", "'10:30'"),
        ("9" * 400, "9" * 400),
    ],
)
def test_a_constant_is_read_whole(said, literal):
    pieces = cut(said)
    found = read(pieces, 0)
    assert (found and (found[0][0], found[1])) == (literal, len(pieces))


def test_percent_may_be_a_share():
    assert read(cut("5 percent"), 0) == (("5", "0.05"), 2)


@pytest.mark.parametrize("said", ["one", "a", "may I", "march on", "hundreds", "second", "-", "²"])
def test_words_that_may_be_something_else_are_no_constants(said):
    assert read(cut(said), 0) is None


def test_one_is_a_number_where_something_is_compared():
    assert read(cut("more than one"), 2) == (("1",), 1)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("三", "3"),
        ("十", "10"),
        ("三十五", "35"),
        ("两百", "200"),
        ("一万二千", "12000"),
        ("二〇二〇", "2020"),
    ],
)
def test_chinese_numerals(said, number):
    assert chinese_number(said) == number


@given(st.text(st.sampled_from("0123456789.,-:/ thsndrt三万٣²"), max_size=30))
def test_no_text_fails(text):
    pieces = cut(text)
    for here in range(len(pieces)):
        read(pieces, here)
        chinese_number(pieces[here].text)
