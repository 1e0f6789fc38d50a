"""How many of Spider's gold queries keep their result when they are scored on DuckDB?

Copies each SQLite database into DuckDB, ports each gold query, runs both on their engines and
compares the rows by Spider's rule. `same` is about bags of rows; `same_in_order` asks for the order
of the rows, too, where the gold query has ORDER BY, which is what execution accuracy does. The port
was written with the train split at hand; dev is held out. A figure of predictions scored this way
is not Spider's: the share here is the ceiling of what it can mean.

    T2S_DATA=... python benchmarks/duckdb_port.py [--split train dev] [--limit 200] [--show 10]

Hardware: two CPU cores are enough; both splits take two minutes, the copies included. The last line
is JSON.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from text2sql.data.catalog import DataSet, find_dataset
from text2sql.errors import Text2SQLError
from text2sql.execution import Executor
from text2sql.porting.loading import Loaded, loaded_folder
from text2sql.porting.statements import PortError, porter
from text2sql.reporting.tables import text_table
from text2sql.scoring.manifests import commit, libraries
from text2sql.scoring.results import same_rows

TIMEOUT, MAX_ROWS = 30.0, 200_000
CAUSES = ("rounding", "ties", "bare columns", "other")
COUNTS = ("same", "same_in_order", "same_rounded", "refused", "error", "differ", *CAUSES)

Rows = Sequence[tuple[Any, ...]]
Run = Callable[[str], Rows]


class Failed(Exception):
    """A query that an engine did not run."""


def main() -> None:
    """Measure each split, print a table and a line of JSON."""
    options = arguments()
    runs = {}
    with tempfile.TemporaryDirectory() as folder, Executor(workers=2) as executor:
        for split in options.split:
            dataset = find_dataset("spider", split=split, data_root=options.data)
            cache = options.cache or Path(folder)
            runs[split] = Split(dataset, executor, cache, options.show).measure(options.limit)
    rows = [(split, run["n"], *(run[name] for name in COUNTS)) for split, run in runs.items()]
    print(text_table(("gold on DuckDB", "n", *COUNTS), rows))
    versions = {"commit": commit(), "libraries": libraries()}
    print(json.dumps({"benchmark": "duckdb_port", "splits": runs, **versions}))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("T2S_DATA"), help="data root")
    parser.add_argument("--split", nargs="+", default=["train", "dev"], help="splits of Spider")
    parser.add_argument("--limit", type=int, default=None, help="only the first so many of a split")
    parser.add_argument("--cache", type=Path, default=None, help="keep the DuckDB files here")
    parser.add_argument("--show", type=int, default=0, help="print so many that differ")
    options = parser.parse_args()
    if options.data is None:
        print(json.dumps({"benchmark": "duckdb_port", "skipped": "T2S_DATA is not set"}))
        sys.exit(0)
    return options


class Split:
    """One split while it is measured."""

    def __init__(self, dataset: DataSet, executor: Executor, cache: Path, show: int) -> None:
        self._dataset, self._executor, self._show = dataset, executor, show
        self._load = loaded_folder(dataset.database, cache)
        self._known: dict[str, tuple[Loaded, Callable[[str], str]]] = {}
        self._seconds: Counter[str] = Counter()

    def measure(self, limit: int | None) -> dict[str, Any]:
        """Return counts and shares over the queries that SQLite runs."""
        counts: Counter[str] = Counter(dict.fromkeys((*COUNTS, "skipped"), 0))
        examples = self._dataset.examples[:limit]
        for number, example in enumerate(examples):
            print(f"\r{self._dataset.split} {number + 1}/{len(examples)}", end="", file=sys.stderr)
            counts.update(self._verdict(example.query, example.db_id))
        print(file=sys.stderr)
        n = len(examples) - counts["skipped"]
        shares = {
            name: round(counts[name] / max(n, 1), 4)
            for name in ("same", "same_in_order", "same_rounded")
        }
        seconds = {name: round(value, 1) for name, value in self._seconds.items()}
        return {"n": n, **counts, "shares": shares, "seconds": seconds}

    def _verdict(self, sql: str, db_id: str) -> list[str]:
        """Return the counts that a gold query adds to."""
        try:
            gold = self._on_sqlite(db_id)(sql)
        except (Failed, Text2SQLError):
            return ["skipped"]  # the database is not at hand, or the gold query is broken
        try:
            rows = self._on_duckdb(db_id)(sql)
        except PortError as error:
            self._tell("refused", db_id, sql, str(error))
            return ["refused"]
        except Failed as error:
            self._tell("error", db_id, sql, str(error))
            return ["error"]
        if same_rows(gold, rows, ordered=False):
            ordered = "order by" in sql.lower()
            found = ["same", "same_rounded"]
            return [*found, "same_in_order"] if same_rows(gold, rows, ordered=ordered) else found
        cause = self._cause(sql, db_id, gold, rows)
        self._tell(cause, db_id, sql, f"{gold[:2]} {rows[:2]}")
        return ["differ", cause, *(["same_rounded"] if cause == "rounding" else [])]

    def _cause(self, sql: str, db_id: str, gold: Rows, rows: Rows) -> str:
        if same_rows(rounded(gold), rounded(rows), ordered=False):
            return "rounding"
        whole = without_limit(sql)
        try:
            both = self._on_sqlite(db_id)(whole), self._on_duckdb(db_id)(whole)
        except (Failed, PortError):
            return "other"
        if whole != sql and same_rows(rounded(both[0]), rounded(both[1]), ordered=False):
            return "ties"
        return "bare columns" if "FIRST(" in self._ready(db_id)[1](sql) else "other"

    def _on_sqlite(self, db_id: str) -> Run:
        return lambda sql: self._rows(sql, self._dataset.database(db_id), "sqlite")

    def _on_duckdb(self, db_id: str) -> Run:
        loaded, ported = self._ready(db_id)

        def run(sql: str) -> Rows:
            started = time.perf_counter()
            written = ported(sql)
            self._seconds["porting"] += time.perf_counter() - started
            return self._rows(written, loaded.database, "duckdb")

        return run

    def _ready(self, db_id: str) -> tuple[Loaded, Callable[[str], str]]:
        if db_id not in self._known:
            started = time.perf_counter()
            loaded = self._load(db_id)
            self._seconds["loading"] += time.perf_counter() - started
            schema = self._dataset.schema(db_id)
            self._known[db_id] = loaded, porter(schema, stored=loaded.stored)
        return self._known[db_id]

    def _rows(self, sql: str, database: Any, engine: str) -> Rows:
        ran = self._executor.execute(sql, database, timeout=TIMEOUT, max_rows=MAX_ROWS)
        self._seconds[engine] += ran.seconds
        if ran.error is not None or ran.truncated:
            raise Failed(ran.error or "too many rows")
        return ran.rows

    def _tell(self, what: str, db_id: str, sql: str, reason: str) -> None:
        if self._show > 0:
            self._show -= 1
            print(f"{what}: {db_id}: {sql}\n    {reason}")


def rounded(rows: Rows) -> list[tuple[Any, ...]]:
    """Round doubles to six places, as sums in another order ask for."""
    return [tuple(round(v, 6) if isinstance(v, float) else v for v in row) for row in rows]


def without_limit(sql: str) -> str:
    """Return a query without its LIMITs, wherever they are."""
    tree = sqlglot.parse_one(sql, read="sqlite")
    limits = list(tree.find_all(exp.Limit, exp.Offset))
    for limit in limits:
        limit.pop()
    return tree.sql("sqlite") if limits else sql


if __name__ == "__main__":
    main()
