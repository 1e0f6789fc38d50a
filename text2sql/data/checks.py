"""Run every gold query of a data set; report those that are of no use, and those to be doubted.

    >>> check_gold(dataset, run, doubts=True).counts()
    {'runs': 979, 'empty': 49, 'fails': 3, 'timeout': 0, 'no_database': 14, 'clock': 0, ...}

A training set that teaches SQL that does not run, or a score against gold that returns nothing or
something else each day, is not what it seems. What is doubted, and how that is found out:
`data.doubts`.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from text2sql.data.catalog import DataSet, find_dataset, present_splits
from text2sql.data.doubts import KINDS as DOUBTS
from text2sql.data.doubts import find_doubts
from text2sql.databases import Database
from text2sql.errors import DatabaseError, GoldError
from text2sql.examples import Example
from text2sql.execution import Execution, Executor
from text2sql.project import load_project

OUTCOMES = ("runs", "empty", "fails", "timeout", "no_database")
UNUSABLE = ("fails", "timeout", "no_database")

RunSQL = Callable[[str, Database], Execution]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one gold query did, or why its result is to be doubted."""

    index: int
    db_id: str
    kind: str  # one of OUTCOMES or DOUBTS; `runs` means with at least one row
    reason: str  # the engine's message or the doubt's; empty where it runs
    sql: str


@dataclass(frozen=True, slots=True)
class GoldCheck:
    """What every gold query of a split did, one finding each, and one for each doubt."""

    name: str
    split: str
    examples: int
    findings: list[Finding]
    doubted: bool = False  # whether doubts were looked for

    def counts(self) -> dict[str, int]:
        """Return how many gold queries fall into each kind; doubts only where looked for."""
        counted = Counter(finding.kind for finding in self.findings)
        return {kind: counted[kind] for kind in OUTCOMES + (DOUBTS if self.doubted else ())}

    def unusable(self) -> list[Finding]:
        """Return the findings that make an example useless for scoring."""
        return [finding for finding in self.findings if finding.kind in UNUSABLE]

    def faults(self) -> list[Finding]:
        """Return what is unusable or doubted: all that is to be mended, but not empty results."""
        return [finding for finding in self.findings if finding.kind in UNUSABLE + DOUBTS]

    def record(self) -> dict[str, Any]:
        """Return the whole check for `--json`; gold that runs is counted, not listed."""
        listed = [asdict(finding) for finding in self.findings if finding.kind != "runs"]
        about = {"dataset": self.name, "split": self.split, "examples": self.examples}
        return about | {"counts": self.counts(), "findings": listed}


def check_gold(
    dataset: DataSet,
    run: RunSQL,
    *,
    workers: int = 2,
    doubts: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> GoldCheck:
    """Run every gold query.

    Args:
        dataset: the split to check.
        run: executes SQL on a database, safely, under a deadline.
        workers: queries at the same time; `run` must allow that many threads.
        doubts: look for doubts, too; what has an order or a limit runs once more for that.
        progress: called with the number of examples done.
    """
    findings: list[Finding] = []
    with ThreadPoolExecutor(workers) as threads:
        examined = threads.map(lambda e: _examine(e, dataset, run, doubts), dataset.examples)
        for done, found in enumerate(examined, start=1):
            findings += found
            progress(done)
    return GoldCheck(dataset.name, dataset.split, len(dataset.examples), findings, doubts)


def _examine(example: Example, dataset: DataSet, run: RunSQL, doubts: bool) -> list[Finding]:
    found = []
    for sql in example.queries:
        found.append(_outcome(example, sql, dataset, run))
        if doubts and found[-1].kind in ("runs", "empty"):
            found += _doubts(example, sql, dataset, run)
    return found


def _outcome(example: Example, sql: str, dataset: DataSet, run: RunSQL) -> Finding:
    try:
        execution = run(sql, dataset.database(example.db_id))
    except DatabaseError as error:
        return Finding(example.index, example.db_id, "no_database", str(error), sql)
    if execution.error is not None:
        kind = "timeout" if execution.error_kind == "timeout" else "fails"
        return Finding(example.index, example.db_id, kind, execution.error, sql)
    kind = "runs" if execution.rows else "empty"
    return Finding(example.index, example.db_id, kind, "", sql)


def _doubts(example: Example, sql: str, dataset: DataSet, run: RunSQL) -> list[Finding]:
    database = dataset.database(example.db_id)
    found = find_doubts(
        sql,
        lambda variant: run(variant, database),
        dataset.schema(example.db_id),
        dialect=example.dialect or database.dialect,
    )
    return [Finding(example.index, example.db_id, d.kind, d.reason, sql) for d in found]


def refuse_unusable(dataset: DataSet, check: GoldCheck) -> None:
    """Stop at the first example that cannot be scored.

    Raises:
        DatabaseError: it has no database.
        GoldError: its gold does not run.
    """
    for bad in check.unusable()[:1]:
        dataset.database(bad.db_id)  # raises where that is what is missing
        raise GoldError(bad.index, bad.db_id, bad.sql, bad.reason)


def check_splits(
    name: str,
    *,
    split: str | None = None,
    data_root: str | Path | None = None,
    limit: int | None = None,
    timeout: float = 30.0,
    workers: int = 2,
    doubts: bool = True,
    note: Callable[[str], None] = lambda text: None,
) -> list[GoldCheck]:
    """Check one split of a data set, or every split of it that is there.

    Args:
        name: a registered name, a folder, or a file of examples.
        split: one split; None means all.
        timeout: seconds that a gold query may run.
        doubts: as in `check_gold`.
        note: takes lines of progress.
    """
    project = load_project()
    there = [split] if split else present_splits(name, data_root=data_root, project=project)
    checks = []
    with Executor(workers=workers) as pool:
        for each in there or ["dev"]:
            dataset = find_dataset(
                name, split=each, data_root=data_root, project=project, limit=limit
            )
            total = len(dataset.examples)
            note(f"{name} {each}: {total:,} examples")
            run = runner(pool, timeout=timeout)
            checks.append(check_gold(dataset, run, workers=workers, doubts=doubts))
    return checks


def runner(pool: Executor, *, timeout: float = 30.0) -> RunSQL:
    """Return the function that `check_gold` runs SQL with."""
    return lambda sql, database: pool.execute(sql, database, timeout=timeout)
