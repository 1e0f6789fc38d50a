"""Numbers, dates and times of a question as SQL writes them.

    >>> read(cut("more than two hundred"), 2)
    (('200',), 2)
    >>> read(cut("on 3 March 2020"), 1)
    (("'2020-03-03'",), 3)

Covered: digits with separators, words up to millions, ordinals, percent, dozens, dates with a
month's name in either order, a month with its year (`2020-03`), the same in Chinese (2020年3月),
Chinese numerals up to 万 and 亿.
Not covered: dates that depend on today; fractions in words.
"""

import re
from collections.abc import Sequence

from text2sql.schema.pieces import Piece

Constants = tuple[tuple[str, ...], int]  # literals, best first, and the pieces that they take


def _words(text: str) -> list[str]:
    return text.split()


_UNITS = _words("""zero one two three four five six seven eight nine ten eleven twelve thirteen
    fourteen fifteen sixteen seventeen eighteen nineteen""")
_TENS = _words("twenty thirty forty fifty sixty seventy eighty ninety")
SMALL = {word: n for n, word in enumerate(_UNITS)} | {w: 10 * n for n, w in enumerate(_TENS, 2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "dozen": 12}
_TIMES = {"once": "1", "twice": "2", "thrice": "3"}
_ORDINALS = {
    word: str(n)
    for n, word in enumerate(_words("third fourth fifth sixth seventh eighth ninth tenth"), 3)
}
_MONTHS = _words("""january february march april may june july august september october november
    december""")
_MONTH = {m: n for n, m in enumerate(_MONTHS, 1)} | {m[:3]: n for n, m in enumerate(_MONTHS, 1)}
_AMBIGUOUS = frozenset({"may", "march", "mar", "jun", "sep", "dec", "jan", "oct", "apr", "august"})
_ONE_AFTER = frozenset(_words("than least most exactly only just over under"))

_LONGEST = 15  # characters of a number that is computed with
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_YEAR = re.compile(r"(?:1[5-9]|20|21)\d\d")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?(?:[ t]\d\d:\d\d(?::\d\d)?)?")
_DAY = re.compile(r"'\d{4}-\d\d?(?:-\d\d?)?'")
_SLASHED = re.compile(r"\d\d?/\d\d?/\d{2,4}|\d\d?:\d\d(?::\d\d)?")

_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_POWERS = {"十": 10, "百": 100, "千": 1000}
_BLOCKS = {"万": 10**4, "亿": 10**8}


def read(pieces: Sequence[Piece], here: int) -> Constants | None:
    """Return what a constant may be that begins here, and how many pieces it takes."""
    text = pieces[here].low
    if not (text[0].isdigit() or text[0] == "-" or text in _STARTS):
        return None
    return _date(pieces, here) or _number(pieces, here) or _word(pieces, here)


def is_year(literal: str) -> bool:
    """Tell whether a number may be a year."""
    return _YEAR.fullmatch(literal) is not None


def is_date(literal: str) -> bool:
    """Tell whether a literal is a day or a month of a year."""
    return _DAY.fullmatch(literal) is not None


def is_number_word(text: str) -> bool:
    """Tell whether a word alone is a number, such as `twenty-five`."""
    return text in _STARTS


def _word(pieces: Sequence[Piece], here: int) -> Constants | None:
    text = pieces[here].low
    if text in _TIMES:
        return (_TIMES[text],), 1
    if text in _ORDINALS:
        return (_ORDINALS[text],), 1
    if found := _ORDINAL.fullmatch(text):
        return (found[1],), 1
    return None


def _number(pieces: Sequence[Piece], here: int) -> Constants | None:
    if len(pieces[here].text) > _LONGEST:
        return ((pieces[here].text,), 1) if pieces[here].text.isdecimal() else None
    block, taken = _plain(pieces, here)
    if block is None:
        return None
    total, smallest = 0.0, 0
    while (scale := _SCALES.get(_low(pieces, here + taken))) is not None:
        taken, smallest = taken + 1, scale
        block *= scale
        if scale >= 1000:
            total, block = total + block, 0
        more, length = _plain(pieces, here + taken)
        if more is not None and 0 < more < smallest:
            block, taken = block + more, taken + length
    total += block
    literal = f"{total:.10f}".rstrip("0").rstrip(".") if total % 1 else f"{int(total)}"
    if _low(pieces, here + taken) in ("%", "percent"):
        return (literal, f"{total / 100:g}"), taken + 1
    return (literal,), taken


def _plain(pieces: Sequence[Piece], here: int) -> tuple[float | None, int]:
    """Return a number without its scale: `3.5`, `1,000`, `twenty five`."""
    text = _low(pieces, here)
    bare = text.replace(",", "")
    if _NUMBER.fullmatch(bare):
        return (float(bare) if "." in bare else int(bare)), 1
    if text == "one" and _low(pieces, here - 1) not in _ONE_AFTER:
        return (1, 1) if _low(pieces, here + 1) in _SCALES else (None, 0)
    if text in ("a", "one") and _low(pieces, here + 1) in _SCALES:
        return 1, 1
    if text in SMALL:
        unit = SMALL.get(_low(pieces, here + 1), 0)
        return (SMALL[text] + unit, 2) if SMALL[text] >= 20 and 0 < unit < 10 else (SMALL[text], 1)
    first, _, second = text.partition("-")
    if second in SMALL and SMALL.get(first, 0) >= 20:
        return SMALL[first] + SMALL[second], 1
    return None, 0


def _low(pieces: Sequence[Piece], here: int) -> str:
    return pieces[here].low if 0 <= here < len(pieces) else ""


def _date(pieces: Sequence[Piece], here: int) -> Constants | None:
    """Return a date of digits, or one with a month's name: with day and year, or without one."""
    text = pieces[here].low
    if _DATE.fullmatch(text) or _SLASHED.fullmatch(text):
        return (f"'{pieces[here].text}'",), 1
    if _low(pieces, here + 1)[:1] == "年":
        return _chinese_date(pieces, here)
    if (day := _day(text)) and (month := _month(pieces, _of(pieces, here + 1))):
        at = _of(pieces, here + 1) + 1
        at += _low(pieces, at) in (",", ".")
        if is_year(year := _low(pieces, at)):
            return (f"'{year}-{month:02}-{day:02}'",), at + 1 - here
        return None
    return _month_first(pieces, here)


def _month_first(pieces: Sequence[Piece], here: int) -> Constants | None:
    month = _month(pieces, here)
    if not month:
        return None
    at = here + 1 + (_low(pieces, here + 1) in (",", "."))
    at += _low(pieces, at) in ("of", "in", "the")
    if is_year(year := _low(pieces, at)):
        return (f"'{year}-{month:02}'",), at + 1 - here
    day = _day(_low(pieces, at))
    after = at + 1 + (_low(pieces, at + 1) == ",")
    if day and is_year(year := _low(pieces, after)):
        return (f"'{year}-{month:02}-{day:02}'",), after + 1 - here
    return None


def _chinese_date(pieces: Sequence[Piece], here: int) -> Constants | None:
    """Return a day or a month of a year: 2020年3月5日, 2020年3月."""
    year, month = _low(pieces, here), _low(pieces, here + 2)
    if not (is_year(year) and _low(pieces, here + 3)[:1] == "月" and 0 < _day(month) < 13):
        return None
    day = _day(_low(pieces, here + 4))
    if day and _low(pieces, here + 5)[:1] in ("日", "号"):
        return (f"'{year}-{int(month):02}-{day:02}'",), 6
    return (f"'{year}-{int(month):02}'",), 4


def _of(pieces: Sequence[Piece], here: int) -> int:
    return here + (_low(pieces, here) == "of")


def _day(text: str) -> int:
    found = _ORDINAL.fullmatch(text)
    digits = found[1] if found else text
    return int(digits) if digits.isascii() and digits.isdigit() and 0 < int(digits) < 32 else 0


def _month(pieces: Sequence[Piece], here: int) -> int:
    low = _low(pieces, here)
    if low in _AMBIGUOUS and not pieces[here].text[:1].isupper():
        return 0
    return _MONTH.get(low, 0)


_STARTS = frozenset({*SMALL, *_TIMES, *_ORDINALS, *_MONTH, *_SCALES, "a"}) | {
    f"{ten}-{unit}" for ten in _TENS for unit in _UNITS[1:10]
}


def chinese_number(text: str) -> str | None:
    """Return the number that Chinese numerals write, `三十五` as 35; None for other texts."""
    total = block = digit = 0
    for character in text:
        if character in _DIGITS:
            digit = 10 * digit + _DIGITS[character] if digit else _DIGITS[character]
        elif character in _POWERS:
            block, digit = block + (digit or 1) * _POWERS[character], 0
        elif character in _BLOCKS:
            total, block, digit = total + (block + digit or 1) * _BLOCKS[character], 0, 0
        else:
            return None
    return str(total + block + digit) if text else None
