"""What does each stage of a training add?

Takes a base through sft, reject and dpo (or the stages of a recipe file) and prints, after each,
execution accuracy on one and the same sample of held-out questions. The neighbour databases that
samples are judged on are made first, of the training split alone. A difference inside the noise of
the sample is marked: without seeds and a sample of hundreds it says nothing.

    python benchmarks/stages.py --base mini --data samples --eval-split dev_in_domain --limit 48
    T2S_DATA=... python benchmarks/stages.py --data spider --eval-limit 1034 --questions 2000 \
        --set allow_skips=true

Hardware: whatever trains the base; the first command takes two CPU cores tens of minutes with the
bundled base, most of which go into decoding. `--output` keeps the runs. The last line is JSON.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from text2sql.bases import find_base
from text2sql.data.catalog import find_dataset
from text2sql.data.neighbours import Settings, make_neighbours
from text2sql.reporting.tables import text_table
from text2sql.scoring.manifests import commit, libraries
from text2sql.training.history import METRIC
from text2sql.training.recipe import read_recipe
from text2sql.training.shipped import shipped_recipe
from text2sql.training.start import start

STAGES: list[dict[str, Any]] = [
    {"kind": "sft", "num_train_epochs": 3},
    {"kind": "reject", "num_samples": 8, "num_train_epochs": 1},
    {"kind": "dpo", "num_samples": 8, "loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.2]},
]
REJECT_SHARE = 0.25  # of the base's rate: the adapter is there already


def main() -> None:
    """Run every seed, print the table."""
    asked = arguments()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        place = asked.output or Path(scratch)
        neighbours = asked.neighbours or make(asked, place / "neighbours")
        runs = {seed: run(asked, seed, place / f"seed-{seed}", neighbours) for seed in asked.seeds}
    for seed, records in runs.items():
        rows = [
            row(record, before) for record, before in zip(records, [None, *records], strict=False)
        ]
        print(f"\nseed {seed}")
        print(text_table(["stage", "examples", "steps", METRIC, "95 %", "raised"], rows))
    seconds = round(time.monotonic() - begun)
    about = {"base": asked.base, "data": asked.data, "limit": asked.limit, "seconds": seconds}
    versions = {"commit": commit(), "libraries": libraries()}
    print(json.dumps(about | {"runs": runs} | versions))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--base", default="mini")
    parser.add_argument("--data", default="samples")
    parser.add_argument("--eval-split", default="dev")
    parser.add_argument("--eval-limit", type=int, default=100)
    parser.add_argument("--limit", type=int, help="training examples")
    parser.add_argument("--questions", type=int, help="asked in a stage that samples; all")
    parser.add_argument("--recipe", type=Path, help="with stages of its own")
    parser.add_argument("--set", action="append", default=[], help="key=value over the recipe")
    parser.add_argument("--neighbours", help="a folder that `t2s data neighbours` wrote")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--output", type=Path, help="keep the runs here")
    return parser.parse_args()


def make(asked: argparse.Namespace, folder: Path) -> str:
    """Make neighbours of the databases that are trained on."""
    training = find_dataset(asked.data, split="train", limit=asked.limit)
    make_neighbours(training, folder, settings=Settings(k=4), resume=folder.exists())
    return str(folder)


def run(asked: argparse.Namespace, seed: int, folder: Path, neighbours: str) -> list[dict]:
    """Train one seed through all stages; return the records of stages.json."""
    judged = {"neighbours": neighbours, "max_questions": asked.questions}
    stages = [stage | (judged if stage["kind"] != "sft" else {}) for stage in STAGES]
    shipped = read_recipe(shipped_recipe(find_base(asked.base)), base=asked.base)
    stages[1]["learning_rate"] = REJECT_SHARE * shipped.learning_rate
    settings: dict[str, Any] = {
        "base": asked.base,
        "data": asked.data,
        "limit": asked.limit,
        "seed": seed,
        "eval_split": asked.eval_split,
        "eval_limit": asked.eval_limit,
        "stages": None if asked.recipe else stages,
    }
    start(
        asked.recipe,
        settings=settings,
        overrides=asked.set,
        output=folder,
        resume=folder.exists(),
    )
    return json.loads((folder / "stages.json").read_text(encoding="utf-8"))


def row(record: dict[str, Any], before: dict[str, Any] | None) -> list[str]:
    """Return a stage as a row of the table."""
    found, earlier = record["accuracy"], before["accuracy"] if before else None
    if found is None:  # nothing was learnt yet
        return [f"{record['number']} {record['name']}", "0", "0", "", "", record["kept"]]
    said = {True: "yes", False: "no", None: ""}[record["raised"]]
    if earlier and earlier["low"] <= found["high"] and found["low"] <= earlier["high"]:
        said += ", within the noise"
    return [
        f"{record['number']} {record['name']}",
        f"{record['examples']:,}",
        f"{record['steps']:,}",
        f"{found[METRIC]:.1%} of {found['n']}",
        f"{found['low']:.1%} to {found['high']:.1%}",
        record["kept"] or said,
    ]


if __name__ == "__main__":
    main()
