"""How many times faster than the official programs are the same verdicts, and one more, made?

The official side is the work that it takes to get execution accuracy, keep-distinct, exact set
match with hardness, and BIRD's rule of the same pairs: four passes. With `--official DIR` it is
the official program itself (a checkout of taoyds/test-suite-sql-eval, imported from there; BIRD's
pass is always ours). Without it, the program's steps are done here again with its own libraries, in
its own order: for each pair and pass, names read from the database, gold and prediction split into
words by NLTK and parsed, DISTINCT removed by sqlparse, a new connection and an event loop for each
query, columns permuted by its search. Our side is one call of `text2sql.scoring.score` for those
metrics and the strict rule, starting workers and hashing included, without the classes of error
(the official programs name none): five times with an empty cache, five times with gold results on
disk; the median counts. Both sides must agree on every pair.

    T2S_DATA=... python benchmarks/scoring.py [--limit 200] [--official DIR] [--workers 2]

Needs Spider's files with a folder `predictions` under T2S_DATA/spider. VES, R-VES and soft F1 are
timed in bird_metrics.py. Hardware: two CPU cores; about half a minute. The last line is JSON with
`pairs`, `ratio_cold`, `ratio_cached` and `worker_overhead_ms`, the median of what a worker process
adds to a gold query.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import random
import re
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from text2sql import scoring
from text2sql.errors import Text2SQLError
from text2sql.execution import Executor
from text2sql.reporting.tables import text_table
from text2sql.scoring.inputs import read_gold, read_predictions
from text2sql.scoring.pairs import Pair
from text2sql.scoring.spider import levels
from text2sql.scoring.spider import parser as spider_parser
from text2sql.scoring.spider.exact_match import component_matches, exact_set_match
from text2sql.scoring.spider.structure import Names

METRICS = (
    "execution_accuracy",
    "execution_accuracy_keep_distinct",
    "exact_set_match",
    "bird_execution_accuracy",
)
OURS = (*METRICS, "strict_execution_accuracy")
RUNS = 5

Case = tuple[str, str, str]  # gold, prediction, db_id
Rows = list[tuple[Any, ...]]
Verdicts = dict[str, list[int]]  # by metric


def main() -> None:
    """Time both sides on the same pairs, print a table and a line of JSON."""
    options = arguments()
    spider = Path(options.data) / "spider"
    with tempfile.TemporaryDirectory() as scratch:
        # The official programs open databases for writing.
        shutil.copytree(spider / "database", Path(scratch) / "database")
        runs = [
            measure(spider, name, options, Path(scratch))
            for name in sorted(path.stem for path in (spider / "predictions").glob("*.sql"))
        ]
    if not runs:
        sys.exit(f"error: no predictions in {spider / 'predictions'}")
    overhead = worker_overhead(spider, options.limit or 300)
    total = {key: sum(run[key] for run in runs) for key in ("pairs", "official", "cold", "cached")}
    header = ("system", "pairs", "official s", "empty cache s", "gold cached s", "cold", "cached")
    print(text_table(header, [row(run) for run in [*runs, total | {"system": "all"}]]))
    result = {
        "benchmark": "scoring",
        "pairs": total["pairs"],
        "ratio_cold": round(total["official"] / total["cold"], 2),
        "ratio_cached": round(total["official"] / total["cached"], 2),
        "worker_overhead_ms": round(overhead, 3),
        "differing": sum(run["differing"] for run in runs),
        "official": "program" if options.official else "steps",
        "systems": runs,
        "workers": options.workers,
        "cores": os.cpu_count(),
        "scorer_version": runs[0]["manifest"]["scorer_version"],
        "libraries": runs[0].pop("manifest")["libraries"],
    }
    for run in runs[1:]:
        run.pop("manifest")
    print(json.dumps(result, ensure_ascii=False))
    sys.exit(bool(result["differing"]))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", default=os.environ.get("T2S_DATA"), help="data root")
    parser.add_argument("--limit", type=int, default=None, help="only the first so many pairs")
    parser.add_argument("--official", type=Path, default=None, help="the official program")
    parser.add_argument("--workers", type=int, default=2, help="worker processes for SQL")
    options = parser.parse_args()
    if options.data is None:
        print(json.dumps({"benchmark": "scoring", "skipped": "T2S_DATA is not set"}))
        sys.exit(0)
    return options


def row(run: dict[str, Any]) -> tuple[object, ...]:
    """Return a line of the table."""
    ratios = (f"{run['official'] / run[side]:.1f} x" for side in ("cold", "cached"))
    seconds = (f"{run[key]:.2f}" for key in ("official", "cold", "cached"))
    return (run["system"], run["pairs"], *seconds, *ratios)


def measure(
    spider: Path, system: str, options: argparse.Namespace, scratch: Path
) -> dict[str, Any]:
    """Time both sides on one system's predictions."""
    examples = read_gold(spider / "dev_gold.sql")
    predicted = read_predictions(spider / "predictions" / f"{system}.sql", examples)
    cases = [(e.query, p, e.db_id) for e, p in zip(examples, predicted, strict=True)]
    cases = cases[: options.limit]
    gold, predictions = scratch / f"{system}.gold.sql", scratch / f"{system}.sql"
    gold.write_text("".join(f"{sql}\t{db_id}\n" for sql, _, db_id in cases))
    predictions.write_text("".join(f"{text}\n" for _, text, _ in cases))
    cold, cached = [], []
    for number in range(RUNS):
        cache = scratch / f"{system}-{number}"
        for times in (cold, cached):
            scores = scoring.score(
                predictions,
                gold,
                spider / "database",
                metrics=OURS,
                tables=spider / "tables.json",
                workers=options.workers,
                gold_cache=cache,
                classify=False,
            )
            times.append(scores.seconds)
        if number == 0:
            tables = spider / "tables.json"
            started = time.perf_counter()
            if options.official:
                theirs = run_program(options.official, gold, predictions, scratch, tables)
            else:
                theirs = run_steps(cases, scratch / "database", tables)
            theirs["bird_execution_accuracy"] = bird_pass(cases, scratch / "database")
            official = time.perf_counter() - started
    ours = {metric: [v.values[metric] for v in scores.verdicts] for metric in METRICS}
    differing = [
        (metric, i)
        for metric in METRICS
        for i, (one, two) in enumerate(zip(ours[metric], theirs[metric], strict=True))
        if one != two
    ]
    for metric, i in differing:
        print(f"{system} {i} {metric}: {ours[metric][i]} != {theirs[metric][i]}")
    return {
        "system": system,
        "pairs": len(cases),
        "official": round(official, 3),
        "cold": statistics.median(cold),
        "cached": statistics.median(cached),
        "differing": len(differing),
        "manifest": scores.manifest,
    }


def worker_overhead(spider: Path, n: int) -> float:
    """Return the median of the milliseconds that a worker adds to a gold query."""
    examples = read_gold(spider / "dev_gold.sql")[:n]
    added = []
    with Executor() as executor, contextlib.ExitStack() as stack:
        opened: dict[str, sqlite3.Connection] = {}
        for example in examples:
            path = spider / "database" / example.db_id / f"{example.db_id}.sqlite"
            if example.db_id not in opened:
                connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
                opened[example.db_id] = stack.enter_context(contextlib.closing(connection))
                executor.execute("SELECT 1", path)
            inside = seconds_of(lambda e=example: opened[e.db_id].execute(e.query).fetchall())
            outside = seconds_of(lambda e=example, p=path: executor.execute(e.query, p))
            added.append((outside - inside) * 1000)
    return statistics.median(added)


def seconds_of(work: Callable[[], object]) -> float:
    """Return the shorter of two runs."""
    times = []
    for _ in range(2):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


# The official program itself


def run_program(
    folder: Path, gold: Path, predictions: Path, scratch: Path, tables: Path
) -> Verdicts:
    """Run the three passes of a checkout of taoyds/test-suite-sql-eval."""
    sys.path.insert(0, str(folder))
    import evaluation  # type: ignore[import-not-found]

    keys = evaluation.build_foreign_key_map_from_json(str(tables))
    found: Verdicts = {}
    for metric, etype, keep in (
        ("execution_accuracy", "exec", False),
        ("execution_accuracy_keep_distinct", "exec", True),
        ("exact_set_match", "match", False),
    ):
        judged = _Noted(evaluation)
        with contextlib.redirect_stdout(io.StringIO()), judged:
            evaluation.evaluate(
                *(str(gold), str(predictions), str(scratch / "database"), etype),
                *(keys, False, keep, False),
            )
        found[metric] = judged.exact if etype == "match" else judged.exec
    return found


class _Noted:
    """Notes what the program says of each pair, which it only counts."""

    def __init__(self, program: Any) -> None:
        self.program, self.exec, self.exact, self.depth = program, [], [], 0

    def __enter__(self) -> None:
        self.run = self.program.eval_exec_match
        self.match = self.program.Evaluator.eval_exact_match

        def note_run(*args: Any, **options: Any) -> Any:
            self.exec.append(int(self.run(*args, **options)))
            return self.exec[-1]

        def note_match(*args: Any) -> Any:
            self.depth += 1  # the program matches the right side of a set operation likewise
            found = self.match(*args)
            self.depth -= 1
            if not self.depth:
                self.exact.append(int(bool(found)))
            return found

        self.program.eval_exec_match = note_run
        self.program.Evaluator.eval_exact_match = note_match

    def __exit__(self, *error: object) -> None:
        self.program.eval_exec_match = self.run
        self.program.Evaluator.eval_exact_match = self.match


# The official program's steps


def run_steps(cases: Sequence[Case], databases: Path, tables: Path) -> Verdicts:
    """Do the work of the three passes: default, keep-distinct, exact match."""
    from text2sql.schema.spider_tables import read_spider_schemas

    known = {db_id: Names.of(schema) for db_id, schema in read_spider_schemas(tables).items()}
    found: Verdicts = {metric: [] for metric in METRICS}
    for keep, metric in ((False, METRICS[0]), (True, METRICS[1])):
        for gold, predicted, db_id in cases:
            path = databases / db_id / f"{db_id}.sqlite"
            parse_pair(gold, predicted, path)
            found[metric].append(execution_step(gold, predicted, path, keep))
    for gold, predicted, db_id in cases:
        path = databases / db_id / f"{db_id}.sqlite"
        queries = parse_pair(gold, predicted, path)
        component_matches(*queries, known[db_id])
        pair = Pair(0, db_id, gold, predicted, lambda sql: None, lambda d=db_id: known[d])
        found["exact_set_match"].append(exact_set_match(pair))
    return found


def parse_pair(gold: str, predicted: str, path: Path) -> tuple[Any, Any]:
    """Read the names of a database and both queries, as every pass does for every pair."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        listed = connection.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
        columns = {
            table: tuple(c[1] for c in connection.execute(f'PRAGMA table_info("{table}")'))
            for (table,) in listed
        }
    names = Names.from_columns(columns)
    queries = []
    for sql in (gold, predicted.replace("value", "1")):
        split_words(sql)
        try:
            # past the cache: the official program parses every text anew
            query = spider_parser._read.__wrapped__(sql, names)
        except Text2SQLError:
            query = None
        queries.append(None if isinstance(query, str) else query)
    levels.count(queries[0])
    return queries[0], queries[1]


def split_words(sql: str) -> list[str]:
    """Split SQL with NLTK, quoted text set aside."""
    from nltk import word_tokenize

    masked = re.sub('"[^"]*"', "__val__", sql.replace("'", '"'))
    return [word.lower() for word in word_tokenize(masked, preserve_line=True)]


def execution_step(gold: str, predicted: str, path: Path, keep: bool) -> int:
    """Run both queries on connections of their own and compare."""
    texts = [gold, predicted.replace("value", "1")]
    texts = [t.replace("> =", ">=").replace("< =", "<=").replace("! =", "!=") for t in texts]
    if not keep:
        texts = [without_distinct(text) for text in texts]
    ordered = "order by" in texts[0].lower()
    results = [asyncio.run(run_anew(path, text)) for text in texts]
    if isinstance(results[1], Exception):
        return 0
    return int(same_by_search(results[0], results[1], ordered))


def without_distinct(sql: str) -> str:
    """Drop DISTINCT with sqlparse."""
    import sqlparse

    tokens = list(sqlparse.parse(sql)[0].flatten())
    return "".join(token.value for token in tokens if token.value.lower() != "distinct")


async def run_anew(path: Path, sql: str) -> Any:
    """Run a query on a new connection."""
    sql = re.sub(r"YEAR\s*\(\s*CURDATE\s*\(\s*\)\s*\)\s*", "2020", sql, flags=re.IGNORECASE)
    connection = sqlite3.connect(path)
    connection.text_factory = lambda text: text.decode(errors="ignore")
    try:
        return connection.execute(sql).fetchall()
    except sqlite3.Error as error:
        return error
    finally:
        connection.close()


def same_by_search(gold: Rows, predicted: Rows, ordered: bool) -> bool:
    """Compare results by trying the orders of columns that could fit."""
    if not gold and not predicted:
        return True
    if len(gold) != len(predicted) or len(gold[0]) != len(predicted[0]):
        return False
    ours, theirs = (
        [tuple(sorted(r, key=lambda x: str(x) + str(type(x)))) for r in rows]
        for rows in (gold, predicted)
    )
    if (ours != theirs) if ordered else (set(ours) != set(theirs)):
        return False
    return any(fits(gold, predicted, order, ordered) for order in orders(gold, predicted))


def orders(gold: Rows, predicted: Rows) -> Iterator[tuple[int, ...]]:
    """Yield orders of the predicted columns, those left out that twenty rows contradict."""
    n = len(gold[0])
    possible = [set(range(n)) for _ in range(n)]
    if n > 3:
        columns = [{row[i] for row in gold} for i in range(n)]
        for _ in range(20):
            seen = random.choice(predicted)
            for i in range(n):
                possible[i] -= {j for j in possible[i] if seen[j] not in columns[i]}
    return (order for order in product(*possible) if len(set(order)) == n)


def fits(gold: Rows, predicted: Rows, order: tuple[int, ...], ordered: bool) -> bool:
    """Tell whether an order of columns gives the gold rows."""
    turned = [tuple(row[i] for i in order) for row in predicted] if len(order) > 1 else predicted
    if ordered:
        return gold == turned
    counts: dict[tuple[Any, ...], int] = {}
    for row_ in gold:
        counts[row_] = counts.get(row_, 0) + 1
    for row_ in turned:
        counts[row_] = counts.get(row_, 0) - 1
    return set(gold) == set(turned) and not any(counts.values())


def bird_pass(cases: Sequence[Case], databases: Path) -> list[int]:
    """Run both queries of each pair on one new connection and compare sets of rows."""
    verdicts = []
    for gold, predicted, db_id in cases:
        connection = sqlite3.connect(databases / db_id / f"{db_id}.sqlite")
        try:
            rows = connection.execute(predicted).fetchall()
            verdicts.append(int(set(rows) == set(connection.execute(gold).fetchall())))
        except sqlite3.Error:
            verdicts.append(0)
        finally:
            connection.close()
    return verdicts


if __name__ == "__main__":
    main()
