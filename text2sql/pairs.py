"""Verified pairs: questions whose SQL somebody has checked, shown with questions like them.

    >>> nearest(question, [Pair("orders paid in May?", "SELECT ...")], 2)
    [Pair(question='orders paid in May?', sql='SELECT ...')]

They stand in text2sql.yaml as a list, or as the path of a JSON Lines file with `question` and
`sql` (or `query`, as examples have it). Nearness is overlap of stems, a word that few pairs have
counting more.

Not covered: pairs in another language than the question.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

from text2sql.errors import DataError
from text2sql.schema.words import stems

LEAST = 0.2  # of a question's weight that a pair must share with it


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and the SQL that answers it."""

    question: str
    sql: str


def nearest(question: str, pairs: Sequence[Pair], count: int) -> list[Pair]:
    """Return the pairs whose questions are most like one, the most alike first."""
    return [pair for pair, _ in list(ranked(question, pairs))[:count]]


def ranked(question: str, pairs: Sequence[Pair]) -> Iterator[tuple[Pair, float]]:
    """Yield pairs that are like a question with their likeness (0 to 1), the best first."""
    words = [frozenset(stems(pair.question)) for pair in pairs]
    counts = Counter(word for own in words for word in own)
    rarity = {word: log(1 + len(pairs) / count) for word, count in counts.items()}
    wanted = frozenset(stems(question))
    most = log(1 + len(pairs))  # of a word that no pair has
    whole = sum(rarity.get(word, most) for word in wanted) or 1.0
    scores = [sum(rarity[word] for word in own & wanted) / whole for own in words]
    for place in sorted(range(len(pairs)), key=lambda place: -scores[place]):
        if scores[place] < LEAST:
            return
        yield pairs[place], scores[place]


def read_pairs(path: Path) -> tuple[Pair, ...]:
    """Read pairs from JSON Lines.

    Raises:
        DataError: the file is missing, or a line is no pair.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read: {error}", path) from None
    return tuple(_pair(text, path, n) for n, text in enumerate(lines, 1) if text.strip())


def _pair(text: str, path: Path, line: int) -> Pair:
    try:
        record = json.loads(text)
        found = Pair(record["question"], record["sql" if "sql" in record else "query"])
    except (ValueError, KeyError, TypeError):
        found = Pair("", "")
    if not all(isinstance(part, str) and part.strip() for part in (found.question, found.sql)):
        raise DataError('a pair is written {"question": "...", "sql": "..."}', path, line)
    return found
