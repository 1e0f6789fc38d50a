"""How people write numbers and dates in a question, whatever is stored.

    >>> number_words(3), number_words(2500000), date_words("2020-03-03", Random(1))
    (('three',), ('2.5 million', '2,500,000'), 'March 3, 2020')

Covered: small numbers, thousands and millions; dates, months and years in words.
Not covered: ordinals, fractions, times of the day.
"""

from datetime import date
from functools import cache
from random import Random

SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
         "eleven", "twelve")  # fmt: skip


@cache
def number_words(value: int) -> tuple[str, ...]:
    """Return other ways to write a whole number; none where it is written in digits only."""
    if 0 < value < len(SMALL):
        return (SMALL[value],)
    if value >= 1_000_000 and value % 100_000 == 0:
        return f"{value / 1e6:g} million", f"{value:,}"
    if value >= 10_000 and value % 1000 == 0:
        return f"{value // 1000} thousand", f"{value // 1000}k", f"{value:,}"
    return (f"{value:,}",) if value >= 10_000 else ()


def period_words(period: str, random: Random, language: str) -> str:
    """Return a month or a year as it is spoken: `March 2023` of `2023-03`.

    Args:
        period: ISO, such as `2023-03` or `2023`.
        random: chooses among ways.
        language: `en` or `zh`.
    """
    year, _, month = period.partition("-")
    if language == "zh":
        return f"{year}年{int(month)}月" if month else f"{year}年"
    if not month:
        return random.choice((year, year, year, f"the year {year}"))
    name = date(int(year), int(month), 1).strftime("%B")
    return random.choice((f"{name} {year}", f"{name} {year}", f"{name[:3]} {year}"))


def date_words(value: str, random: Random) -> str | None:
    """Return a date as it is spoken; None of what is no date.

    Args:
        value: ISO, such as `2020-03-03`.
        random: chooses the order of its parts.
    """
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return None
    month = day.strftime("%B")
    return random.choice(
        (
            f"{month} {day.day}, {day.year}",
            f"{day.day} {month} {day.year}",
            f"{month} {day.day} {day.year}",
        )
    )
