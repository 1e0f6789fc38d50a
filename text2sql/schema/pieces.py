"""Cut a question into the pieces that can be looked up.

    >>> [(piece.text, piece.key) for piece in cut("Show cities, O'Brien's id 3.5")]
    [('Show', 'show'), ('cities', 'city'), (',', ''), ("O'Brien", 'o brien'), ("'", ''), ...]

Covered: quoted texts, dates and times of digits, numbers, words with hyphens and apostrophes.
Chinese has no blanks: a run of it is cut where the longest known text ends (`known`).
Not covered: languages without blanks other than Chinese.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from text2sql.schema.words import CHINESE, plain, stem, words

LONGEST_CHINESE = 12  # characters that are looked up together

_PIECE = re.compile(
    r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|“[^”]*”|‘[^’]*’|「[^」]*」|《[^》]*》"  # quoted
    r"|\d{4}-\d\d?-\d\d?(?:[ T]\d\d:\d\d(?::\d\d)?)?(?![\d-])"  # dates and times
    r"|\d\d?/\d\d?/\d{2,4}(?![\d/])|\d\d?:\d\d(?::\d\d)?"
    r"|(?<![\w.)])-?\d+(?:[.,]\d+)*(?:st|nd|rd|th)?"
    rf"(?!\d|[^\W\d_{CHINESE}])|\d+(?:[.,]\d+)*"  # Chinese follows a number without a blank
    r"|[^\W\d_]+(?:[_-][^\W_]+|['’][^\W\d_]{2,})*|\S"
)
_CHINESE_RUN = re.compile(rf"[{CHINESE}]+|[^{CHINESE}]+")
_HAS_CHINESE = re.compile(rf"[{CHINESE}]")

Known = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a question."""

    start: int
    end: int
    text: str
    low: str  # in lower case
    key: str  # stems of its words


def cut(question: str, known: Known | None = None) -> list[Piece]:
    """Return the pieces of a question in order.

    Args:
        question: as a person asks it.
        known: tells whether a text of Chinese, or a word with a hyphen, is a name, a cell or a word
            that says something; None leaves both whole.
    """
    found = []
    for match in _PIECE.finditer(question):
        text = match[0]
        if (
            text.isascii()
            or len(text) == 1
            or not _HAS_CHINESE.search(text)
            or text[0] in "\"'“‘「《"
        ):
            hyphened = "-" in text and text[0].isalpha() and known is not None and not known(text)
            found += _hyphened(match.start(), text) if hyphened else [_piece(match.start(), text)]
        elif known is None:
            found.append(_piece(match.start(), text))
        else:
            found += (_piece(match.start() + at, part) for at, part in _chinese(text, known))
    return found


def _hyphened(start: int, text: str) -> list[Piece]:
    return [_piece(start + m.start(), m[0]) for m in re.finditer(r"-|[^-]+", text)]


def _chinese(text: str, known: Known) -> Iterator[tuple[int, str]]:
    for run in _CHINESE_RUN.finditer(text):
        if not _HAS_CHINESE.match(run[0]):
            yield run.start(), run[0]
            continue
        here = 0
        while here < len(run[0]):
            part = _longest(run[0][here : here + LONGEST_CHINESE], known)
            yield run.start() + here, part
            here += len(part)


def _longest(text: str, known: Known) -> str:
    for length in range(len(text), 1, -1):
        if known(text[:length]):
            return text[:length]
    return text[:1]


def _piece(start: int, text: str) -> Piece:
    return Piece(start, start + len(text), text, *_forms(text))


@lru_cache(maxsize=65536)
def _forms(text: str) -> tuple[str, str]:
    return text.lower(), " ".join(map(stem, words(plain(text))))
