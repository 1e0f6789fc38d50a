"""Results that metrics and examples share: a query that was run lately is not run again.

    >>> results.prepare(["SELECT count(*) FROM singer"], database)
    >>> results.get("select count(*) from singer", database).rows
    [(6,)]

Covered: whoever asks, another metric, another accepted gold, another example; statements of SQLite
that differ in case and spacing alone; gold results from disk; equal results are one object. Used
from several threads.
Not covered: two threads that ask for the same query at the same moment both run it.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from text2sql.databases import Database
from text2sql.execution.frames import Reply, decode
from text2sql.scoring.gold_cache import GoldCache

CACHED_BYTES = 32 << 20  # of encoded results kept in memory for queries that come again
DECODED_BYTES = 8 << 20  # of those, how many as rows as well, which take ten times the memory
LARGEST_CACHED = 2 << 20  # bytes: larger results are held while one pair is judged, no longer
MAX_BYTES = 256 << 20  # of a result; a larger one is not compared
_CASE_MATTERS = re.compile(r"""['"`\[]|--|/\*|[^\x20-\x7e\n\t]""")
_OVERHEAD = 200  # bytes that a kept result takes besides its rows

Fetch = Callable[[Sequence[str], Database, int], list[Reply]]  # with the most bytes of a result
Rows = list[tuple[Any, ...]]


class Kept:
    """A result whose rows are decoded when somebody looks at them."""

    __slots__ = ("_decode", "error", "error_kind", "pages", "seconds", "truncated")

    def __init__(self, reply: Reply, decode_pages: Callable[[tuple[bytes, ...]], Rows]) -> None:
        self.error, self.truncated = reply.error, reply.truncated
        self.error_kind, self.seconds = reply.error_kind, reply.seconds
        self.pages = tuple(reply.pages)
        self._decode = decode_pages

    @property
    def rows(self) -> Rows:
        """The rows; equal results share one list."""
        return self._decode(self.pages)

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return _OVERHEAD + sum(map(len, self.pages))


@dataclass(slots=True)
class Results:
    """Results that were asked for lately, oldest dropped first; used from several threads."""

    fetch: Fetch
    gold_cache: GoldCache | None = None
    kept: OrderedDict[tuple[str, str], Kept] = field(default_factory=OrderedDict)
    decoded: dict[tuple[bytes, ...], Rows] = field(default_factory=dict)
    size: int = 0
    decoded_size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, sql: str, database: Database) -> Kept:
        """Return the result of a query on a database, running it if it is not at hand."""
        kept = self._kept(sql, database)
        return kept or self._keep(sql, database, self.fetch([sql], database, MAX_BYTES)[0])

    def prepare(self, statements: Sequence[str], database: Database, *, gold: bool = False) -> None:
        """Have the results of queries at hand; those that are not run together on one worker.

        Results larger than LARGEST_CACHED are left for `get`.

        Args:
            statements: SQL.
            database: where they run.
            gold: look for the results on disk as well, and leave them there.
        """
        left = [sql for sql in statements if self._kept(sql, database) is None]
        cache = self.gold_cache if gold else None
        if cache is not None:
            at_hand = zip(left, cache.get(left, database), strict=True)
            left = [sql for sql, reply in at_hand if not self._usable(sql, database, reply)]
        replies = self.fetch(left, database, LARGEST_CACHED) if left else []
        for sql, reply in zip(left, replies, strict=True):
            self._usable(sql, database, reply)
        if cache is not None:
            cache.put(left, replies, database)

    @property
    def is_filling(self) -> bool:
        """Whether what is prepared now may push out what was prepared before."""
        return self.size > CACHED_BYTES // 2

    def _usable(self, sql: str, database: Database, reply: Reply | None) -> bool:
        if reply is None or reply.truncated:
            return False
        self._keep(sql, database, reply)
        return True

    def _kept(self, sql: str, database: Database) -> Kept | None:
        key = _key(sql, database)
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
            return self.kept.get(key)

    def _keep(self, sql: str, database: Database, reply: Reply) -> Kept:
        kept, key = Kept(reply, self.rows), _key(sql, database)
        with self.lock:
            if key not in self.kept and kept.size <= LARGEST_CACHED + _OVERHEAD:
                self.kept[key] = kept
                self.size += kept.size
            while self.size > CACHED_BYTES:
                self.size -= self.kept.popitem(last=False)[1].size
        return kept

    def rows(self, pages: tuple[bytes, ...]) -> Rows:
        """Decode rows; the same pages give the same list, so that equal results are one object."""
        with self.lock:
            if pages in self.decoded:
                return self.decoded[pages]
        rows = [row for page in pages for row in decode(page)]
        with self.lock:
            size = _OVERHEAD + sum(map(len, pages))
            if self.decoded_size + size > DECODED_BYTES:
                self.decoded.clear()
                self.decoded_size = 0
            self.decoded_size += size
            return self.decoded.setdefault(pages, rows)


def _key(sql: str, database: Database) -> tuple[str, str]:
    """Return what a result is kept under: statements that differ in case or spacing share one."""
    return database.url, folded(sql) if database.engine == "sqlite" else sql


@lru_cache(8192)
def folded(sql: str) -> str:
    """Return SQL for SQLite in one spelling; as it is where quotes or comments are."""
    if _CASE_MATTERS.search(sql):
        return sql
    return " ".join(sql.lower().split())


@dataclass(frozen=True, slots=True)
class Nothing:
    """What running an empty prediction comes to."""

    rows: Sequence[tuple[Any, ...]] = ()
    truncated: bool = False
    error: str | None = "the prediction is empty"
    error_kind: str | None = "parse"
