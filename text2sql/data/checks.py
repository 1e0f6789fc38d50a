"""Run every gold query of a data set; report those that fail, come back empty or lack a database.

    >>> check_gold(dataset, run).counts()
    {'runs': 979, 'fails': 3, 'no_database': 14, 'empty': 49}

A training set that teaches SQL that does not run, or a score against gold that returns nothing, is
not what it seems.

Not covered: gold whose result depends on the clock or on the order of ties.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from text2sql.data.catalog import DataSet, find_dataset, present_splits
from text2sql.databases import Database
from text2sql.errors import DatabaseError, GoldError
from text2sql.examples import Example
from text2sql.execution import Execution, Executor
from text2sql.project import load_project

KINDS = ("runs", "empty", "fails", "no_database")

RunSQL = Callable[[str, Database], Execution]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one gold query did."""

    index: int
    db_id: str
    kind: str  # one of KINDS; `runs` means with at least one row
    reason: str  # the engine's message, empty where it runs
    sql: str


@dataclass(frozen=True, slots=True)
class GoldCheck:
    """What every gold query of a split did; a question with several golds has several findings."""

    name: str
    split: str
    examples: int
    findings: list[Finding]

    def counts(self) -> dict[str, int]:
        """Return how many gold queries fall into each kind."""
        counted = Counter(finding.kind for finding in self.findings)
        return {kind: counted[kind] for kind in KINDS}

    def unusable(self) -> list[Finding]:
        """Return the findings that make an example useless for scoring: fails, no database."""
        return [finding for finding in self.findings if finding.kind in ("fails", "no_database")]

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
    progress: Callable[[int], None] = lambda done: None,
) -> GoldCheck:
    """Run every gold query once.

    Args:
        dataset: the split to check.
        run: executes SQL on a database, safely, under a deadline.
        workers: queries at the same time; `run` must allow that many threads.
        progress: called with the number of examples done.
    """
    findings: list[Finding] = []
    with ThreadPoolExecutor(workers) as threads:
        results = threads.map(lambda example: _examine(example, dataset, run), dataset.examples)
        for done, found in enumerate(results, start=1):
            findings += found
            progress(done)
    return GoldCheck(dataset.name, dataset.split, len(dataset.examples), findings)


def _examine(example: Example, dataset: DataSet, run: RunSQL) -> list[Finding]:
    return [_finding(example, sql, dataset, run) for sql in example.queries]


def _finding(example: Example, sql: str, dataset: DataSet, run: RunSQL) -> Finding:
    try:
        execution = run(sql, dataset.database(example.db_id))
    except DatabaseError as error:
        return Finding(example.index, example.db_id, "no_database", str(error), sql)
    if execution.error is not None:
        return Finding(example.index, example.db_id, "fails", execution.error, sql)
    kind = "runs" if execution.rows else "empty"
    return Finding(example.index, example.db_id, kind, "", sql)


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
    note: Callable[[str], None] = lambda text: None,
) -> list[GoldCheck]:
    """Check one split of a data set, or every split of it that is there.

    Args:
        name: a registered name, a folder, or a file of examples.
        split: one split; None means all.
        timeout: seconds that a gold query may run.
        note: takes lines of progress.
    """
    project = load_project()
    splits = [split] if split else present_splits(name, data_root=data_root) or ["dev"]
    checks = []
    with Executor(workers=workers) as pool:
        for each in splits:
            dataset = find_dataset(
                name, split=each, data_root=data_root, project=project, limit=limit
            )
            total = len(dataset.examples)
            note(f"{name} {each}: {total:,} examples")
            checks.append(check_gold(dataset, runner(pool, timeout=timeout), workers=workers))
    return checks


def runner(pool: Executor, *, timeout: float = 30.0) -> RunSQL:
    """Return the function that `check_gold` runs SQL with."""
    return lambda sql, database: pool.execute(sql, database, timeout=timeout)
