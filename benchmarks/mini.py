"""What the bundled base answers, before anybody trains it.

Execution accuracy by the official rule, constrained and greedy, on Spider dev (where T2S_DATA has
it) and on the bundled samples, by hardness, with and without questions whose gold returns nothing;
the samples' Chinese questions by themselves; Spider dev and the samples again with four beams whose
literals are stored ones; milliseconds from a question to its rows.

    python benchmarks/mini.py [--base mini] [--limit N] [--write]

`--write` puts the table into the base's card and each run's scorecard into benchmarks/results/. The
last line is JSON.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from text2sql import Predictor
from text2sql.bases import mini
from text2sql.bases.mini_card import BEGIN, END
from text2sql.data.catalog import DataSet, find_dataset
from text2sql.decoding.generation import Decoding
from text2sql.errors import DataError
from text2sql.evaluation import evaluate
from text2sql.models import open_model
from text2sql.samples.building import samples_folder

RESULTS = Path(__file__).parent / "results" / "mini"
HARDNESS = ("easy", "medium", "hard", "extra", "all", "without_empty_gold")
BEAMS = Decoding(num_beams=4, constraint="values")
WARM, ASKED = 3, 20  # questions before the clock, and under it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base", default="mini")
    parser.add_argument("--limit", type=int, help="questions of each set")
    parser.add_argument("--write", action="store_true", help="into card and results")
    options = parser.parse_args()
    cards = {}
    with tempfile.TemporaryDirectory() as folder, open_model(options.base) as model:
        for name, dataset, decoding in sets(options.limit):
            output = Path(folder) / slug(name)
            evaluated = evaluate(dataset, model, output, decoding=decoding, skip_bad_gold=True)
            cards[name] = evaluated.scorecard
    table = accuracy_table(cards)
    figures = {"base": options.base, "accuracy": shares(cards), "validity": validity(cards)}
    figures["question_to_rows_ms"] = milliseconds(options.base)
    print(table)
    if options.write:
        write(table, cards, figures)
    print(json.dumps(figures))


def sets(limit: int | None) -> Iterator[tuple[str, DataSet, Decoding]]:
    """Yield the sets of questions, by their names in the table, and how they are answered."""
    found = dict(datasets(limit))
    for name, dataset in found.items():
        yield name, dataset, Decoding()
    for name in ("Spider dev", "samples dev"):
        if name in found:
            yield f"{name}, {BEAMS.num_beams} beams", found[name], BEAMS


def datasets(limit: int | None) -> Iterator[tuple[str, DataSet]]:
    try:
        yield "Spider dev", find_dataset("spider", split="dev", limit=limit)
    except DataError as error:
        print(f"without Spider: {error}")
    for split in ("dev", "dev_in_domain"):
        dataset = find_dataset("samples", split=split, limit=limit)
        yield f"samples {split}", dataset
        chinese = [e for e in dataset.examples if e.language == "zh"]
        if split == "dev" and chinese:
            yield "samples dev Chinese", replace(dataset, examples=chinese)


def slug(name: str) -> str:
    return name.replace(",", "").replace(" ", "-").lower()


def accuracy_table(cards: dict[str, dict]) -> str:
    rows = []
    for name, card in cards.items():
        found = card["metrics"]["execution_accuracy"]
        cells = [_figure(found.get(hardness)) for hardness in HARDNESS]
        rows.append([name, str(card["n"]), *cells])
    titles = [title.replace("_", " ") for title in HARDNESS]
    lines = [["questions", "n", *titles], ["---"] * (2 + len(HARDNESS)), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _figure(share: dict | None) -> str:
    return f"{share['accuracy']:.3f}" if share and share["n"] else ""


def shares(cards: dict[str, dict]) -> dict[str, float]:
    return {
        name: round(card["metrics"]["execution_accuracy"]["all"]["accuracy"], 4)
        for name, card in cards.items()
    }


def validity(cards: dict[str, dict]) -> dict[str, float]:
    return {name: round(card["run"]["chosen"]["rate"], 4) for name, card in cards.items()}


def milliseconds(base: str) -> float:
    """Return the median time from a question to its rows on a bundled database, warm."""
    dataset = find_dataset("samples", split="dev")
    asked = [e for e in dataset.examples if e.db_id == dataset.examples[0].db_id][: WARM + ASKED]
    path = samples_folder() / "database" / asked[0].db_id / f"{asked[0].db_id}.sqlite"
    took = []
    with Predictor.from_pretrained(base, database=path) as predictor:
        for place, example in enumerate(asked):
            started = time.perf_counter()
            predictor.predict(example.question)
            if place >= WARM:
                took.append(1000 * (time.perf_counter() - started))
    return round(statistics.median(took), 1)


def write(table: str, cards: dict[str, dict], figures: dict) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name, card in cards.items():
        text = json.dumps(card, indent=2, ensure_ascii=False)
        (RESULTS / f"{slug(name)}.json").write_text(text + "\n")
    (RESULTS / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    path = mini.folder() / "README.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
