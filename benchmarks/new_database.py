"""Does training on questions that the kit makes about a database raise accuracy on that database?

What a user with a database and no questions does, with the commands: `t2s synth -d DATABASE`, `t2s
train` on what it wrote, and the questions that people asked about that database, which nothing was
trained on, answered before and after. The databases are of Spider's train split (of the bundled
samples where there is no Spider), those with the most questions; the bundled base has never seen
any of them.

    T2S_DATA=... python benchmarks/new_database.py [--databases 3] [--pairs 1500] [--seeds 1 2 3]

The interval is of the difference over all questions and seeds (McNemar). Hardware: two CPU cores; a
database and seed take about five minutes. The last line is JSON.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from text2sql.data.catalog import DataSet, find_dataset
from text2sql.errors import DataError
from text2sql.reporting.tables import text_table
from text2sql.scoring.manifests import commit, libraries

TITLES = ["database", "questions", "seed", "before", "after"]


def main() -> None:
    """Go through the databases, print the table."""
    asked = arguments()
    golds = asked_by_people()
    names = [name for name, _ in Counter(e.db_id for e in golds.examples).most_common()]
    before, after, rows = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        place = asked.output or Path(scratch)
        for name in names[: asked.databases]:
            folder = place / name
            folder.mkdir(parents=True, exist_ok=True)
            questions = write_questions(golds, name, folder / "questions.jsonl", asked.limit)
            base = right(asked, questions, None, folder / "base")
            for seed in asked.seeds:
                trained = right(asked, questions, adapter(asked, golds, name, seed, folder), folder)
                before, after = before + base, after + trained
                rows.append([name, str(len(base)), str(seed), share(base), share(trained)])
                print(text_table(TITLES, rows[-1:]), flush=True)
    print(text_table(TITLES, rows))
    print(json.dumps(summary(asked, before, after, rows)))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--base", default="mini")
    parser.add_argument("--databases", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=1500, help="made about each database")
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--limit", type=int, help="questions and pairs about each database")
    parser.add_argument("--output", type=Path, help="keep the runs here")
    asked = parser.parse_args()
    if asked.limit is not None:
        asked.pairs = min(asked.pairs, asked.limit)
    return asked


def asked_by_people() -> DataSet:
    """Return questions that people asked, Spider's where it is at hand."""
    try:
        return find_dataset("spider", split="train")
    except DataError as error:
        print(f"without Spider: {error}")
        return find_dataset("samples", split="train")


def write_questions(golds: DataSet, name: str, path: Path, limit: int | None) -> Path:
    """Write the questions that people asked about a database."""
    own = [e for e in golds.examples if e.db_id == name][:limit]
    lines = [
        json.dumps(
            {
                "question": e.question,
                "query": e.query,
                "db_id": name,
                "database": str(golds.database(name).path),
            }
        )
        for e in own
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def adapter(asked: argparse.Namespace, golds: DataSet, name: str, seed: int, folder: Path) -> Path:
    """Make questions about a database and train on them."""
    made, output = folder / f"made-{seed}.jsonl", folder / f"adapter-{seed}"
    database = str(golds.database(name).path)
    t2s("synth", "-d", database, "-n", asked.pairs, "--seed", seed, "--output", made, "--overwrite")
    settings = [f"num_train_epochs={asked.epochs}", f"seed={seed}"]
    sets = [word for setting in settings for word in ("--set", setting)]
    data = ["--data", made, "--output", output, "--allow-skips", "--overwrite"]
    t2s("train", "--base", asked.base, *data, *sets)
    return output


def right(
    asked: argparse.Namespace, questions: Path, trained: Path | None, folder: Path
) -> list[bool]:
    """Return which questions are answered rightly."""
    output = folder / f"answers-{trained.name if trained else 'base'}"
    chosen = ["--adapter", trained] if trained else []
    kept = ["--output", output, "--overwrite", "--skip-bad-gold"]
    t2s("eval", questions, "--base", asked.base, *chosen, *kept)
    lines = (output / "verdicts.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["execution_accuracy"] == 1 for line in lines]


def t2s(*words: object) -> None:
    """Run a command; what it prints is of no interest unless it fails."""
    command = [sys.executable, "-m", "text2sql", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"t2s {' '.join(map(str, words))}: {done.stderr.strip()[-2000:]}")


def share(answers: list[bool]) -> str:
    """Return accuracy as text."""
    return f"{sum(answers) / len(answers):.1%}"


def summary(
    asked: argparse.Namespace, before: list[bool], after: list[bool], rows: list[list[str]]
) -> dict:
    """Return the line of JSON."""
    apart = sum(a != b for a, b in zip(before, after, strict=True))
    gain = (sum(after) - sum(before)) / len(before)
    return {
        "base": asked.base,
        "pairs": asked.pairs,
        "epochs": asked.epochs,
        "seeds": len(asked.seeds),
        "answers": len(before),
        "before": round(sum(before) / len(before), 4),
        "after": round(sum(after) / len(after), 4),
        "gain": round(gain, 4),
        "noise": round(1.96 * math.sqrt(apart) / len(before), 4),
        "databases": rows,
        "commit": commit(),
        "libraries": libraries(),
    }


if __name__ == "__main__":
    main()
