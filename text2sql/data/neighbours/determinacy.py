"""Tell whether a gold query has one answer on a database, or one that the engine chose.

    >>> with Orders(profile, content) as orders:
    ...     orders.determined(query)
    False

`ORDER BY age LIMIT 1` with two youngest, an order with ties, a bare column under GROUP BY, the last
digit of a sum: another plan gives another answer, and a right prediction would be failed. The
leaning forms of a query find the first three. For the rest, the same rows are stored in several
physical orders, with and without indexes, and scanned forwards and backwards (PRAGMA
reverse_unordered_selects); an answer that moves, by Spider's rule, is not determined.

Covered: both forms of a query, with DISTINCT and, as Spider's rule runs it, without.
Not covered: SQL that reads the clock or a random number; these would need another detector.
"""

import sqlite3
from collections.abc import Iterable
from random import Random
from types import TracebackType

from text2sql.data.neighbours.copies import open_copy
from text2sql.data.neighbours.profiles import Content, Profile, Row
from text2sql.data.neighbours.queries import Query
from text2sql.scoring.results import same_rows
from text2sql.scoring.spider.text import prepare_gold

# Steps of SQLite's machine, not seconds: the same on every computer. A tenth of a second or so.
_STEPS, _LOOK = 5_000_000, 10_000


class Orders:
    """The same rows in several physical orders, in memory.

    Only queries that the gate of the execution room has let through on the original may come here:
    these connections are not locked down beyond PRAGMA query_only.

    Args:
        profile: of the original.
        content: rows by table.
        shuffles: copies without keys and indexes, each in a random order of its own.
    """

    def __init__(self, profile: Profile, content: Content, *, shuffles: int = 2) -> None:
        self._looks = 0
        self._connections = [open_copy(profile, content)]
        for number in range(shuffles):
            random = Random(f"order {number}")
            mixed = {name: random.sample(rows, len(rows)) for name, rows in content.items()}
            self._connections.append(open_copy(profile, mixed, plain=True))
        for connection in self._connections:
            connection.execute("PRAGMA query_only = ON")
            connection.set_progress_handler(self._too_long, _LOOK)

    def rows(self, sql: str) -> list[Row] | None:
        """Run a query on the rows as they came; None if it fails or takes too many steps."""
        return next(iter(self._answers(sql)))

    def determined(self, query: Query) -> bool:
        """Tell whether every physical order, and every choice among ties, gives one answer."""
        return (
            self._promised(query)
            and self._leans_nowhere(query)
            and all(self._agree(sql) for sql in dict.fromkeys((query.sql, query.bare)))
        )

    def _promised(self, query: Query) -> bool:
        """Where only a subquery orders, rows are compared in an order that nothing promises."""
        return not query.unpromised or len(set(self.rows(query.bare) or ())) <= 1

    def _leans_nowhere(self, query: Query) -> bool:
        for forms in (query.leaning, tuple(map(prepare_gold, query.leaning))):
            answers = [self.rows(sql) for sql in forms]
            known = [answer for answer in answers if answer is not None]
            if len(known) == 2 and not same_rows(*known, ordered=query.ordered):
                return False
        return True

    def _agree(self, sql: str) -> bool:
        answers = iter(self._answers(sql))
        first = next(answers)
        ordered = "order by" in sql.lower()
        return first is not None and all(
            other is not None and same_rows(first, other, ordered=ordered) for other in answers
        )

    def _answers(self, sql: str) -> Iterable[list[Row] | None]:
        for connection in self._connections:
            for backwards in ("OFF", "ON"):
                connection.execute(f"PRAGMA reverse_unordered_selects = {backwards}")
                yield self._answer(connection, sql)

    def _too_long(self) -> bool:
        self._looks += 1
        return self._looks * _LOOK > _STEPS

    def _answer(self, connection: sqlite3.Connection, sql: str) -> list[Row] | None:
        self._looks = 0
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.Error:
            return None

    def close(self) -> None:
        """Drop the copies."""
        for connection in self._connections:
            connection.close()

    def __enter__(self) -> "Orders":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
