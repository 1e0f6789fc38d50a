"""How alike two questions, or two queries, are as texts.

    >>> plain("How many singers do we have?") == plain("how many  singers do we have")
    True
    >>> index = Index(threshold=0.8)
    >>> index.add(0, "How many singers do we have?")
    >>> index.find("How many singers do we have now?")
    [(0, 0.861...)]

Texts are compared by the share of their letter triples that both have (Jaccard). Which pairs are
worth comparing is found by MinHash (Broder 1997, "On the resemblance and containment of
documents") with banding (Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", 3.4), so
that nothing is compared with everything; what is found is then measured exactly.

Covered: Chinese as well as English: letters, not words; case, punctuation and spaces do not count.
Not covered: other words for the same (`semantic` in `data.deduplication`).
"""

import re
import unicodedata
import zlib
from collections import defaultdict
from functools import lru_cache
from random import Random

PERMUTATIONS = 64
RECALL = 0.999  # of pairs just at the threshold
_PRIME = (1 << 61) - 1
_MASK = (1 << 32) - 1
_WORD = re.compile(r"\w+")
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_TEXT = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")")


def plain(question: str) -> str:
    """Return a question's words, case and punctuation aside."""
    spelt = question if question.isascii() else unicodedata.normalize("NFKC", question)
    return " ".join(_WORD.findall(spelt.casefold()))


def plain_sql(sql: str) -> str:
    """Return SQL in small letters outside quotes, with one space or none between words."""
    parts = _TEXT.split(sql.strip().rstrip("; \t\r\n"))
    for place in range(0, len(parts), 2):
        parts[place] = re.sub(r"\s+", " ", parts[place].casefold())
        parts[place] = re.sub(r" ?([^\w\s'\"`]) ?", r"\1", parts[place])
    return "".join(parts)


def shingles(text: str) -> frozenset[str]:
    """Return the runs of three letters of a text, of two in Chinese or Japanese, ends marked."""
    padded = f" {plain(text)} "
    size = 2 if _IDEOGRAPH.search(padded) else 3
    return frozenset(padded[i : i + size] for i in range(max(1, len(padded) - size + 1)))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Return the share of all elements that both have."""
    both = len(left & right)
    return both / ((len(left) + len(right) - both) or 1)


class Index:
    """Texts by their MinHash, to be asked for those that are alike.

    Args:
        threshold: likeness (Jaccard) from which on texts are alike, above 0 and at most 1.
    """

    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold
        self._rows = _rows(threshold)
        self._buckets: dict[tuple[int, ...], list[int]] = defaultdict(list)
        self._shingles: dict[int, frozenset[str]] = {}

    def add(self, place: int, text: str) -> None:
        """Remember a text under a number."""
        self._shingles[place], signature = _signed(text)
        for band in self._bands(signature):
            self._buckets[band].append(place)

    def find(self, text: str) -> list[tuple[int, float]]:
        """Return numbers and likeness of the texts that are alike, in the order of numbers."""
        own, signature = _signed(text)
        low, high = len(own) * self.threshold, len(own) / self.threshold
        near = {p for band in self._bands(signature) for p in self._buckets.get(band, ())}
        found = []
        for place in near:
            other = self._shingles[place]
            if low <= len(other) <= high and (same := jaccard(own, other)) >= self.threshold:
                found.append((place, same))
        return sorted(found)

    def _bands(self, signature: tuple[int, ...]) -> list[tuple[int, ...]]:
        starts = range(0, PERMUTATIONS - self._rows + 1, self._rows)
        return [(start, *signature[start : start + self._rows]) for start in starts]


@lru_cache(maxsize=64)
def _signed(text: str) -> tuple[frozenset[str], tuple[int, ...]]:
    own = shingles(text)
    return own, tuple(map(min, zip(*map(_hashes, own), strict=True)))


def _rows(threshold: float) -> int:
    """Return the rows of a band: as many as still find nearly every pair at the threshold."""
    fitting = [
        rows
        for rows in range(1, PERMUTATIONS + 1)
        if 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) >= RECALL
    ]
    return max(fitting, default=1)


@lru_cache(maxsize=100_000)
def _hashes(shingle: str) -> tuple[int, ...]:
    value = zlib.crc32(shingle.encode(errors="surrogatepass"))
    return tuple((a * value + b) % _PRIME & _MASK for a, b in _COEFFICIENTS)


def _coefficients() -> list[tuple[int, int]]:
    random = Random("text2sql")  # the same in every process
    return [(random.randrange(1, _PRIME), random.randrange(_PRIME)) for _ in range(PERMUTATIONS)]


_COEFFICIENTS = _coefficients()
