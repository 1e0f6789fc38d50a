"""Does the scorer say of every published prediction what the official evaluators say?

Runs the predictions of two published systems on Spider's 1,034 development questions and compares
each verdict with the recorded one: execution accuracy, execution accuracy that keeps DISTINCT,
BIRD's rule, exact set match, hardness, and whether the official parser reads the prediction. A
score is only comparable with published ones if all of them are equal; that figure is the point,
the seconds are not.

    T2S_DATA=... python benchmarks/published_verdicts.py [--limit 200] [--workers 2]

Needs Spider's files with a folder `predictions` (`<system>.sql` and `<system>.verdicts.jsonl`)
under T2S_DATA/spider. Hardware: two CPU cores are enough; it runs in a few seconds. The last line
is JSON.
"""

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from text2sql import scoring
from text2sql.reporting.tables import text_table
from text2sql.schema.spider_tables import read_spider_schemas
from text2sql.scoring.inputs import read_gold, read_predictions
from text2sql.scoring.spider.parser import read_query
from text2sql.scoring.spider.structure import Names
from text2sql.scoring.spider.text import replace_value
from text2sql.scoring.spider.words import UnreadableSQL

METRICS = (
    "execution_accuracy",
    "execution_accuracy_keep_distinct",
    "bird_execution_accuracy",
    "exact_set_match",
)
FIELDS = (*METRICS, "hardness", "parses")


def main() -> None:
    """Compare every verdict, print a table and a line of JSON; status 1 if a verdict differs."""
    options = arguments()
    spider = options.data / "spider"
    systems = sorted(path.stem for path in (spider / "predictions").glob("*.sql"))
    if not systems:
        sys.exit(f"error: no predictions in {spider / 'predictions'}")
    runs = {name: compare(spider, name, options.limit, options.workers) for name in systems}
    rows = [
        (name, run["n"], *(run["equal"][field] for field in FIELDS), f"{run['seconds']:.1f}")
        for name, run in runs.items()
    ]
    print(text_table(("equal verdicts", "n", *FIELDS, "seconds"), rows))
    differing = sum(run["n"] - equal for run in runs.values() for equal in run["equal"].values())
    print(json.dumps(summary(runs, differing), ensure_ascii=False))
    sys.exit(bool(differing))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("T2S_DATA"), help="data root")
    parser.add_argument("--limit", type=int, default=None, help="only the first so many")
    parser.add_argument("--workers", type=int, default=2, help="worker processes for SQL")
    options = parser.parse_args()
    if options.data is None:
        print(json.dumps({"benchmark": "published_verdicts", "skipped": "T2S_DATA is not set"}))
        sys.exit(0)
    return options


def compare(spider: Path, system: str, limit: int | None, workers: int) -> dict[str, Any]:
    """Score one system and count, field by field, the verdicts that equal the published ones."""
    folder = spider / "predictions"
    every = read_gold(spider / "dev_gold.sql")
    predictions = read_predictions(folder / f"{system}.sql", every)[:limit]
    examples = every[:limit]
    lines = (folder / f"{system}.verdicts.jsonl").read_text(encoding="utf-8").splitlines()
    scores = scoring.score(
        predictions,
        examples,
        spider / "database",
        metrics=METRICS,
        tables=spider / "tables.json",
        workers=workers,
    )
    schemas = read_spider_schemas(spider / "tables.json")
    names = {db_id: Names.of(schema) for db_id, schema in schemas.items()}
    equal: Counter[str] = Counter(dict.fromkeys(FIELDS, 0))
    for record, prediction, line in zip(scores.records(), predictions, lines, strict=False):
        published = json.loads(line)
        ours = record | {"parses": reads(prediction, names[record["db_id"]])}
        for field in FIELDS:
            equal[field] += ours[field] == published[field]
            if ours[field] != published[field]:
                print(f"{system} {record['index']} {field}: {ours[field]} != {published[field]}")
    right = {metric: sum(record[metric] for record in scores.records()) for metric in METRICS}
    return {
        "n": len(examples),
        "equal": dict(equal),
        "right": right,
        "seconds": scores.seconds,
        "manifest": scores.manifest,
    }


def reads(prediction: str, names: Names) -> bool:
    """Tell whether the official parser reads a prediction in the form that it is given."""
    try:
        read_query(replace_value(prediction), names)
    except UnreadableSQL:
        return False
    return True


def summary(runs: dict[str, dict[str, Any]], differing: int) -> dict[str, Any]:
    """Return the last line: counts, and what they hold for."""
    manifest = next(iter(runs.values()))["manifest"]
    kept = ("database_set", "scorer_version", "text2sql", "commit", "libraries")
    systems = {
        name: {key: run[key] for key in ("n", "equal", "right", "seconds")}
        for name, run in runs.items()
    }
    return {
        "benchmark": "published_verdicts",
        "pairs": sum(run["n"] for run in runs.values()),
        "differing": differing,
        "systems": systems,
        **{key: manifest[key] for key in kept},
    }


if __name__ == "__main__":
    main()
