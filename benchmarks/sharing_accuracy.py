"""Does a base learn as much when questions share their schema, and how much sooner?

For each seed the same base is trained twice on the same examples, as many in a step: with shared
prefixes and as TRL does it, one row a question. Both adapters answer the same held-out questions.
The time ratio is of the CPU seconds of the two trainings, which take turns in one process.

    T2S_DATA=... python benchmarks/sharing_accuracy.py --data spider --limit 1500 --seeds 1 2 3
    python benchmarks/sharing_accuracy.py --data samples --limit 100 --eval-limit 24

The difference is the mean over seeds of (shared - unshared) accuracy; `noise` is twice its standard
error, from the spread between the seeds and, where that is larger, from the questions of which one
side alone is right. Hardware: two CPU cores; the first command takes about an hour. The last
line is JSON.
"""

import argparse
import json
import math
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from text2sql.data.catalog import DataSet, find_dataset
from text2sql.evaluation import evaluate
from text2sql.models import open_model
from text2sql.reporting.tables import text_table
from text2sql.scoring.manifests import commit, libraries
from text2sql.training.start import start

SIDES = {"shared": "prefix", "unshared": "none"}  # packing_strategy


def main() -> None:
    """Train and score both sides of every seed, print the table."""
    asked = arguments()
    torch.set_num_threads(1)
    dev = find_dataset(asked.data, split=asked.eval_split, limit=asked.eval_limit)
    with tempfile.TemporaryDirectory() as scratch:
        place = asked.output or Path(scratch)
        before = score(asked.base, None, dev, place / "base")
        found = []
        for seed in asked.seeds:
            sides = {side: run(asked, side, seed, dev, place) for side in SIDES}
            found.append(sides)
            print(text_table(["seed", *TITLES], [row(seed, sides)]), flush=True)
    print(text_table(["seed", *TITLES], list(map(row, asked.seeds, found))))
    print(json.dumps(summary(asked, before, found)))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--base", default="mini")
    parser.add_argument("--data", default="samples")
    parser.add_argument("--eval-split", default="dev")
    parser.add_argument("--eval-limit", type=int)
    parser.add_argument("--limit", type=int, default=1500, help="training examples")
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--output", type=Path, help="keep the runs here; a broken one goes on")
    return parser.parse_args()


def run(asked: argparse.Namespace, side: str, seed: int, dev: DataSet, place: Path) -> dict:
    """Train one side of a seed and score it; what was done before is read."""
    folder = place / f"{side}-{seed}"
    record = folder / "figures.json"
    if record.exists():
        return json.loads(record.read_text())
    settings: dict[str, Any] = {
        "base": asked.base,
        "data": asked.data,
        "limit": asked.limit,
        "seed": seed,
        "num_train_epochs": asked.epochs,
        "packing_strategy": SIDES[side],
        "allow_skips": True,
    }
    begun = time.process_time()
    trained = start(None, settings=settings, output=folder, overwrite=True)
    figures = {
        "cpu_seconds": time.process_time() - begun,
        "seconds": trained.seconds,
        "steps": trained.steps,
        "examples": trained.examples,
        "loss": trained.loss,
        "right": score(asked.base, folder, dev, place / f"{side}-{seed}-answers"),
    }
    record.write_text(json.dumps(figures))
    return figures


def score(base: str, adapter: Path | None, dev: DataSet, folder: Path) -> list[bool]:
    """Return which questions are answered rightly."""
    with open_model(base, adapter=adapter) as opened:
        evaluate(dev, opened, folder, skip_bad_gold=True, overwrite=True)
    lines = (folder / "verdicts.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["execution_accuracy"] == 1 for line in lines]


TITLES = ["shared", "unshared", "CPU s shared", "CPU s unshared", "time ratio", "steps"]


def row(seed: int, sides: dict[str, dict]) -> list[str]:
    """Return one seed's row of the table."""
    shared, unshared = sides["shared"], sides["unshared"]
    return [
        str(seed),
        f"{mean(shared['right']):.1%}",
        f"{mean(unshared['right']):.1%}",
        f"{shared['cpu_seconds']:.0f}",
        f"{unshared['cpu_seconds']:.0f}",
        f"{unshared['cpu_seconds'] / shared['cpu_seconds']:.2f}",
        f"{shared['steps']} and {unshared['steps']}",
    ]


def summary(asked: argparse.Namespace, before: list[bool], found: list[dict]) -> dict[str, Any]:
    """Return the line of JSON."""
    pairs = [(sides["shared"], sides["unshared"]) for sides in found]
    differences = [mean(a["right"]) - mean(b["right"]) for a, b in pairs]
    return {
        "base": asked.base,
        "data": asked.data,
        "examples": pairs[0][0]["examples"],
        "epochs": asked.epochs,
        "questions": len(before),
        "base_accuracy": round(mean(before), 4),
        "shared": [round(mean(a["right"]), 4) for a, _ in pairs],
        "unshared": [round(mean(b["right"]), 4) for _, b in pairs],
        "difference": round(statistics.mean(differences), 4),
        "noise": round(noise(differences, pairs), 4),
        "time_ratio": round(
            statistics.median(b["cpu_seconds"] / a["cpu_seconds"] for a, b in pairs), 2
        ),
        "runs": [
            {side: {k: v for k, v in one.items() if k != "right"} for side, one in sides.items()}
            for sides in found
        ],
        "commit": commit(),
        "libraries": libraries(),
    }


def noise(differences: list[float], pairs: list[tuple[dict, dict]]) -> float:
    """Return twice the standard error of the mean difference."""
    seeds = len(differences)
    between = statistics.stdev(differences) / math.sqrt(seeds) if seeds > 1 else 0.0
    apart = sum(x != y for a, b in pairs for x, y in zip(a["right"], b["right"], strict=True))
    within = math.sqrt(apart) / sum(len(a["right"]) for a, _ in pairs)  # McNemar
    return 2 * max(between, within)


def mean(values: list[bool]) -> float:
    """Return the share of True."""
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
