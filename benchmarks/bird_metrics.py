"""What do BIRD's timing metrics cost, and how much of them is noise?

Scores published predictions on Spider's development questions by VES, R-VES and soft F1, each timed
apart with the results for comparing at hand, then VES and R-VES once more: a figure that changes
between two runs on one machine cannot tell two models apart by less than that. The gold queries
are scored against themselves, too; without noise both their VES and their R-VES would be 1 (with
it, about half of the ratios are just below 1, and R-VES rewards those with 0.75 instead of 1).

    T2S_DATA=... python benchmarks/bird_metrics.py [--limit 200] [--iterations 100]

Hardware: one core for the engine and one for the scorer, otherwise idle; a minute and a half with
200 pairs. Needs T2S_DATA/spider with `predictions/<system>.sql`. The last line is JSON.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from sqlite3 import sqlite_version
from statistics import fmean, median, quantiles

from text2sql import scoring
from text2sql.examples import Example
from text2sql.execution import Execution, Executor
from text2sql.reporting.tables import text_table
from text2sql.scoring.bird_metrics import ITERATIONS, r_ves, soft_f1, ves
from text2sql.scoring.inputs import read_gold, read_predictions
from text2sql.scoring.manifests import commit
from text2sql.scoring.spider.structure import Names

METRICS: dict[str, Callable[..., float]] = {"ves": ves, "r_ves": r_ves, "soft_f1": soft_f1}


def main() -> None:
    """Score, score again, print a table and a line of JSON."""
    options = arguments()
    with paired(options.data / "spider", options.system, options.limit) as pairs:
        right = [pair for pair in pairs if scoring.bird_execution_accuracy(pair)]
        itself = [replace(pair, predicted=pair.gold) for pair in right]
        timing = {"iterations": options.iterations}
        runs = {
            name: [measure(partial(METRICS[name], **timing), pairs) for _ in range(2)]
            for name in ("ves", "r_ves")
        }
        runs["soft_f1"] = [measure(soft_f1, pairs)]
        control, _ = measure(partial(ves, **timing), itself)
        rewards, _ = measure(partial(r_ves, **timing), itself)
    print(text_table(("metric", "mean", "again", "seconds"), [row(k, v) for k, v in runs.items()]))
    changes = relative_changes(*(values for values, _ in runs["ves"]))
    steps = [one != other for one, other in zip(*(v for v, _ in runs["r_ves"]), strict=True)]
    record = {
        "benchmark": "bird_metrics",
        "system": options.system,
        "pairs": len(pairs),
        "right": len(right),
        "iterations": options.iterations,
        "seconds": {name: round(found[0][1], 3) for name, found in runs.items()},
        "mean": {name: [round(fmean(v), 4) for v, _ in found] for name, found in runs.items()},
        "ves_change_median": round(median(changes), 4),
        "ves_change_p95": round(quantiles(changes, n=20)[-1], 4),
        "r_ves_changed_share": round(sum(steps) / len(right), 4),
        "ves_of_gold_itself": {
            "mean": round(fmean(control), 4),
            "least": round(min(control), 4),
            "most": round(max(control), 4),
        },
        "r_ves_of_gold_itself": round(fmean(rewards), 4),
        **provenance(),
    }
    print(json.dumps(record))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("T2S_DATA"), help="data root")
    parser.add_argument("--system", default="graphix", help="a file of spider/predictions")
    parser.add_argument("--limit", type=int, default=200, help="pairs, spread over the split")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="runs of each query")
    options = parser.parse_args()
    if options.data is None:
        print(json.dumps({"benchmark": "bird_metrics", "skipped": "T2S_DATA is not set"}))
        sys.exit(0)
    return options


@contextmanager
def paired(spider: Path, system: str, limit: int) -> Iterator[list[scoring.Pair]]:
    """Give pairs whose results are kept and whose times are measured on one worker."""
    examples = read_gold(spider / "dev_gold.sql")
    predictions = read_predictions(spider / "predictions" / f"{system}.sql", examples)
    cases = list(zip(examples, predictions, strict=True))
    with Executor(workers=1) as executor:

        def pair(example: Example, predicted: str) -> scoring.Pair:
            path = spider / "database" / example.db_id / f"{example.db_id}.sqlite"
            run = partial(executor.execute, database=path, timeout=30.0, max_rows=1_000_000)
            about = example.index, example.db_id, example.query, predicted
            names = partial(Names.from_columns, {})
            return scoring.Pair(*about, cache(run), names, timed=partial(seconds, run))

        spread = cases[:: max(1, len(cases) // limit)][:limit]
        yield [pair(*case) for case in spread]


def seconds(run: Callable[[str], Execution], sql: str) -> float | None:
    """Return the engine seconds of one run."""
    ran = run(sql)
    return None if ran.error is not None else ran.seconds


def measure(
    metric: Callable[[scoring.Pair], float], pairs: Sequence[scoring.Pair]
) -> tuple[list[float], float]:
    """Return a metric's values and the wall time of all."""
    begun = time.perf_counter()
    return [metric(pair) for pair in pairs], time.perf_counter() - begun


def relative_changes(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """Return by which share the values of right predictions moved from one run to the next."""
    return [abs(b / a - 1) for a, b in zip(first, second, strict=True) if a and b]


def row(name: str, runs: Sequence[tuple[list[float], float]]) -> tuple[str, str, str, str]:
    """Return a line of the table."""
    means = [f"{fmean(values):.4f}" for values, _ in runs]
    return name, means[0], means[1] if len(means) > 1 else "", f"{runs[0][1]:.2f}"


def provenance() -> dict[str, str | None]:
    """Return what the figures hold for."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    python = platform.python_version()
    return {"commit": commit(), "python": python, "sqlite": sqlite_version, "machine": machine}


if __name__ == "__main__":
    main()
