"""Numbers and dates as people write them."""

from random import Random

from text2sql.data.synthesis.makers import demonyms
from text2sql.data.synthesis.saying import date_words, number_words


def test_small_and_round_numbers_have_words():
    assert number_words(1) == ("one",) and number_words(12) == ("twelve",)
    assert number_words(2_500_000)[0] == "2.5 million"
    assert "40k" in number_words(40_000) and number_words(12_345) == ("12,345",)
    assert number_words(0) == number_words(37) == number_words(-3) == ()


def test_dates_are_spoken_by_their_month():
    said = {date_words("2020-03-04", Random(seed)) for seed in range(20)}
    assert said == {"March 4, 2020", "4 March 2020", "March 4 2020"}
    assert date_words("12:30", Random(1)) is None and date_words("2020-13-01", Random(1)) is None


def test_countries_have_adjectives():
    assert demonyms()["France"] == "French" and demonyms()["UK"] == "British"
    assert len(demonyms()) > 40
