"""Two ways to run SQL for a score, and the names of each schema: what a judge is made of.

    >>> with runner(None, workers=2, timeout=30.0) as pool:
    ...     pool.fetch(["SELECT 1"], database, 1 << 20)
    [Reply(...)]

Covered: a pool of worker processes that lives until the block ends, one that is there already, a
caller's own function.
Not covered: results that were there before (`shared_results`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from text2sql.databases import Database
from text2sql.errors import UnknownName
from text2sql.execution.executor import Executor
from text2sql.execution.frames import Reply, encode
from text2sql.schema.spider_tables import SpiderSchemas
from text2sql.scoring.pairs import Ran
from text2sql.scoring.shared_results import Fetch
from text2sql.scoring.spider.structure import Names
from text2sql.scoring.suites import FindDatabase

MAX_ROWS = 1_000_000  # of a result; a larger one is not compared

RunSQL = Callable[[str, Database], Ran]
Timed = Callable[[str, Database], float | None]  # engine seconds; None where it does not run
FindNames = Callable[[str], Names]  # from db_id


def names_finder(find: FindDatabase, tables: str | Path | None) -> FindNames:
    """Return the function from db_id to the names of its schema, each read once.

    The function raises DataError where `tables` cannot be read, and UnknownName for a db_id that is
    not in it.
    """
    from text2sql.schema.reading import read_schema

    if tables is None:
        return cache(lambda db_id: Names.of(read_schema(find(db_id))))
    published = cache(lambda: SpiderSchemas(tables))  # when first asked: workers run meanwhile

    def known(db_id: str) -> Names:
        schemas = published()
        if db_id not in schemas:
            raise UnknownName("database", db_id, schemas, f"in {tables}")
        return Names.of(schemas[db_id])

    return cache(known)


@dataclass(frozen=True, slots=True)
class Runner:
    """Two ways to run SQL: several statements with their rows encoded, and one for its time."""

    fetch: Fetch
    timed: Timed


@contextmanager
def runner(
    run: RunSQL | None,
    *,
    workers: int,
    timeout: float,
    as_of: date | str | None = None,
    executor: Executor | None = None,
) -> Iterator[Runner]:
    """Give the caller's way to run SQL, or a pool that lives until the block ends."""
    if run is not None:
        one = run
        yield Runner(
            lambda statements, database, size: [_reply(one(sql, database)) for sql in statements],
            lambda sql, database: getattr(one(sql, database), "seconds", None),
        )
        return
    with nullcontext(executor) if executor else Executor(workers=workers).start() as pool:

        def fetch(statements: Sequence[str], database: Database, size: int) -> list[Reply]:
            caps = {"max_rows": MAX_ROWS, "max_bytes": size}
            return pool.fetch(statements, database, timeout=timeout, as_of=as_of, **caps)

        def timed(sql: str, database: Database) -> float | None:
            ran = pool.execute(sql, database, timeout=timeout, max_rows=MAX_ROWS, as_of=as_of)
            return ran.seconds if ran.error is None else None

        yield Runner(fetch, timed)


def _reply(ran: Any) -> Reply:
    kind = None if ran.error is None else getattr(ran, "error_kind", "engine")
    pages = [encode(list(ran.rows))] if ran.rows else []
    return Reply(kind, ran.error, 0.0, ran.truncated, [], pages)
