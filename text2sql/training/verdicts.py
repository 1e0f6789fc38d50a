"""Say of SQL that a model wrote whether it answers as gold does, on every database at hand.

    >>> judge = ExecutionJudge(executor.execute, databases)
    >>> judge("SELECT count(*) FROM orders", ["SELECT count(id) FROM orders"], "shop")
    Verdict(valid=True, correct=True, error=None, databases=9)

What a model is trained towards it will find, coincidence included: so neighbours of the database
(`t2s data neighbours`) count as much as the database itself, a gold that finds nothing anywhere
proves nothing, and SQL that reads no table is never right where gold reads one.

Covered: rows as bags, as lists where gold's outermost query orders them, columns in any order
(Spider's rule with DISTINCT kept; no word of the SQL is replaced); several accepted golds; a
neighbour on which gold fails is passed over; SQL that hangs, under the caller's deadline.
Not covered: a wrong query that agrees on every database there is.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlglot import exp

from text2sql.databases import Database
from text2sql.scoring.execution_metrics import orders_rows
from text2sql.scoring.normal_forms import parse
from text2sql.scoring.pairs import Ran
from text2sql.scoring.results import same_rows
from text2sql.scoring.spider.text import prepare_gold

Execute = Callable[[str, Database], Ran]  # under a deadline; what fails is in the result
FindDatabases = Callable[[str], Sequence[Database]]  # of a db_id: its own, then its neighbours
Case = tuple[str, tuple[str, ...], str]  # SQL, accepted golds, db_id

_GOLDS, _VERDICTS = 1_024, 16_384  # results and verdicts that are remembered


@dataclass(frozen=True, slots=True)
class Verdict:
    """What running one query came to, beside gold."""

    valid: bool  # it runs on the question's own database
    correct: bool | None  # it answers as gold on all databases; None: gold cannot tell
    error: str | None  # what is wrong with it, in words; None where nothing is known to be
    databases: int  # on which it was compared with gold


Judge = Callable[[str, Sequence[str], str], Verdict]  # of SQL, accepted golds, db_id


class ExecutionJudge:
    """A judge that runs SQL beside gold; verdicts are remembered, and it may be asked in threads.

    Args:
        execute: runs one statement on a database (`Executor.execute`).
        databases: what a db_id is judged on, its own database first (`scoring.suites.suite`).
    """

    def __init__(self, execute: Execute, databases: FindDatabases) -> None:
        self._execute = execute
        self._databases = lru_cache(_GOLDS)(databases)
        self._gold = lru_cache(_GOLDS)(self._run_gold)
        self._verdict = lru_cache(_VERDICTS)(self._judge)

    def __call__(self, sql: str, golds: Sequence[str], db_id: str) -> Verdict:
        """Judge one query.

        Args:
            sql: as the model wrote it.
            golds: accepted answers, of which one has to agree everywhere.
            db_id: of the question.

        Raises:
            DatabaseError: a database is missing or broken.
        """
        return self._verdict(sql.strip(), tuple(golds), db_id)

    def _judge(self, sql: str, golds: tuple[str, ...], db_id: str) -> Verdict:
        if not sql:
            return Verdict(False, False, "there is no SQL", 0)
        own = self._execute(sql, self._databases(db_id)[0])
        if own.error is not None:
            return Verdict(False, False, own.error, 0)
        found = [self._beside(sql, own, gold, db_id) for gold in golds]
        for wanted in (True, None):
            if best := next((each for each in found if each.correct is wanted), None):
                return best
        return found[0]

    def _beside(self, sql: str, own: Ran, gold: str, db_id: str) -> Verdict:
        """Compare with one gold, until a database tells them apart."""
        databases = self._databases(db_id)
        dialect = databases[0].dialect
        if _reads_a_table(gold, dialect) and not _reads_a_table(sql, dialect):
            return Verdict(True, False, "it reads no table", 0)
        ordered, compared, proven = orders_rows(gold, dialect), 0, False
        for place, database in enumerate(databases):
            right = self._gold(gold, db_id, place)
            if right.error is not None or right.truncated:
                continue
            ran = self._execute(sql, database) if place else own
            compared += 1
            if fault := _difference(right, ran, ordered):
                where = "on other rows, " if place else ""
                return Verdict(True, False, where + fault, compared)
            proven = proven or not _tells_nothing(right.rows)
        reason = None if compared else "gold does not run on any database"
        return Verdict(True, True if proven else None, reason, compared)

    def _run_gold(self, gold: str, db_id: str, place: int) -> Ran:
        # Spider's gold holds operators such as `> =`, which no engine reads
        sql = prepare_gold(gold, keep_distinct=True)
        return self._execute(sql, self._databases(db_id)[place])


def judge_all(judge: Judge, cases: Iterable[Case], *, workers: int = 2) -> list[Verdict]:
    """Judge many queries side by side, in order.

    Args:
        judge: may be asked from several threads.
        cases: SQL, accepted golds and db_id of each.
        workers: threads; as many as there are worker processes behind the judge.
    """
    with ThreadPoolExecutor(workers) as threads:
        return list(threads.map(lambda case: judge(*case), cases))


def _difference(right: Ran, ran: Ran, ordered: bool) -> str | None:
    """Say how a result differs from the right one; None where it does not."""
    if ran.error is not None:
        return ran.error
    if ran.truncated:
        return "its result is too large"
    if same_rows(right.rows, ran.rows, ordered=ordered):
        return None
    if len(right.rows) != len(ran.rows):
        return f"it gives {_count(ran.rows, 'row')} instead of {len(right.rows):,}"
    if len(right.rows[0]) != len(ran.rows[0]):
        return f"it gives {_count(ran.rows[0], 'column')} instead of {len(right.rows[0]):,}"
    same = ordered and same_rows(right.rows, ran.rows, ordered=False)
    return "its rows are in another order" if same else "its rows are others than the right ones"


def _count(things: Sequence[Any], noun: str) -> str:
    return f"{len(things):,} {noun}{'' if len(things) == 1 else 's'}"


def _tells_nothing(rows: Sequence[tuple[Any, ...]]) -> bool:
    """Tell whether a result is what a query gives that finds nothing: no row, NULL, a count of 0.

    Any two such queries agree, so that agreement is no evidence.
    """
    return not rows or (len(rows) == 1 and not any(rows[0]))


def _reads_a_table(sql: str, dialect: str) -> bool:
    """Tell whether a query names a table; one that sqlglot cannot read gets the benefit."""
    tree = parse(sql, dialect)
    return tree is None or tree.find(exp.Table) is not None
