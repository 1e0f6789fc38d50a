"""Which constructions of people's SQL does the synthesis draw, and how fast?

Draws pairs from invented databases and counts their skeletons (`data.skeletons`). Printed is the
share of a Spider split's gold queries, by count, whose skeleton was drawn at least three times: all
of them and each hardness; and the same once more with `canonical` skeletons of both sides, for
which it does not count in which order conditions stand. Why: what is never drawn is not learnt.

    T2S_DATA=... python benchmarks/skeletons.py [--limit 200000] [--missing 40] [--families]

`--missing` lists train's most frequent skeletons that were drawn too seldom; `--families` prints
the clauses of both sides and what each family gave. For `--split dev` nothing but the shares is
printed: the families are never written by it.

Hardware: one core. Pairs a second of its own time are those drawn and verified, the invention of
databases included; skeletons and hardness are counted apart.
The last line is JSON.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

from text2sql.data.catalog import find_dataset
from text2sql.data.skeletons import canonical, skeleton
from text2sql.data.synthesis.drafting import draw
from text2sql.data.synthesis.inventing import invent
from text2sql.data.synthesis.spellings import Spelled, write
from text2sql.reporting.tables import text_table
from text2sql.schema import canonicalise
from text2sql.scoring import hardness
from text2sql.scoring.manifests import commit, libraries
from text2sql.scoring.spider.levels import LEVELS
from text2sql.scoring.spider.structure import Names

ENOUGH = 3  # draws that make a skeleton covered
QUESTIONS = 24  # about one database, as in the pretraining of mini
CLAUSES = {
    "joins 1": lambda text: text.count(" JOIN ") == 1,
    "joins 2+": lambda text: text.count(" JOIN ") > 1,
    "where": lambda text: " WHERE " in text,
    "and / or": lambda text: " AND _" in text or " OR _" in text,
    "like": lambda text: " LIKE " in text,
    "between": lambda text: " BETWEEN " in text,
    "group by": lambda text: " GROUP BY " in text,
    "having": lambda text: " HAVING " in text,
    "order by": lambda text: " ORDER BY " in text,
    "limit": lambda text: " LIMIT " in text,
    "nested": lambda text: "(SELECT" in text,
    "not in / except": lambda text: " NOT IN " in text or " EXCEPT " in text,
    "intersect / union": lambda text: " INTERSECT " in text or " UNION " in text,
    "distinct": lambda text: "DISTINCT" in text,
    "count(": lambda text: "COUNT(" in text,
    "sum avg min max": lambda text: any(f"{a}(" in text for a in ("SUM", "AVG", "MIN", "MAX")),
}


def main() -> None:
    """Draw, compare, print tables and a line of JSON."""
    options = arguments()
    drawn, families, figures = count_drawn(options.limit, Random(options.seed))
    record: dict[str, Any] = {"benchmark": "skeletons", **figures, "enough": ENOUGH}
    if options.data:
        record |= compare(drawn, options)
    if options.families:
        total = sum(families.values())
        rows = [(name, f"{100 * n / total:.2f}") for name, n in families.most_common()]
        print(text_table(("family", "share, %"), rows))
    record |= {
        "seed": options.seed,
        "text2sql": version("text2sql"),
        "commit": commit(),
        "libraries": libraries(),
    }
    print(json.dumps(record, ensure_ascii=False))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("T2S_DATA"), help="data root")
    parser.add_argument("--limit", type=int, default=200_000, help="pairs to draw")
    parser.add_argument("--split", default="train", choices=("train", "dev"))
    parser.add_argument("--missing", type=int, default=0, help="missing skeletons to be listed")
    parser.add_argument("--families", action="store_true", help="shares of clauses and families")
    parser.add_argument("--seed", type=int, default=11)
    return parser.parse_args()


def count_drawn(limit: int, random: Random) -> tuple[Counter[str], Counter[str], dict[str, Any]]:
    """Return the skeletons that were drawn, the families, and figures of speed and hardness."""
    drawn: Counter[str] = Counter()
    families: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    clock = {"drawing": 0.0, "counting": 0.0}
    while drawn.total() < limit:
        begun = time.process_time()
        made = invent(random)
        pairs = draw(made.world, made.connection, QUESTIONS, random)
        made.connection.close()
        between = time.process_time()
        names = Names.of(made.world.schema)
        for pair in pairs:
            sql = write(pair.query, Spelled(made.world.schema))
            drawn[skeleton(sql)] += 1
            levels[hardness(sql, names)] += 1
            families[pair.family] += 1
        clock["drawing"] += between - begun
        clock["counting"] += time.process_time() - between
    pairs_drawn = drawn.total()
    figures = {
        "pairs": pairs_drawn,
        "skeletons": len(drawn),
        "pairs_per_second": round(pairs_drawn / clock["drawing"]),
        "pairs_per_second_with_skeleton_and_hardness": round(pairs_drawn / sum(clock.values())),
        "hardness": {level: round(levels[level] / pairs_drawn, 3) for level in LEVELS},
    }
    return drawn, families, figures


def compare(drawn: Counter[str], options: argparse.Namespace) -> dict[str, Any]:
    """Print and return which share of a split's gold has its skeleton among those drawn."""
    dataset = find_dataset("spider", split=options.split, data_root=options.data)
    golds = []
    for example in dataset.examples:
        schema = dataset.schema(example.db_id)
        text = skeleton(canonicalise(example.query, schema))
        golds.append((hardness(example.query, schema), text))
    folded: Counter[str] = Counter()
    for text, times in drawn.items():
        folded[canonical(text)] += times
    shares: dict[str, dict[str, float]] = {"covered": {}, "covered_canonical": {}}
    rows = []
    for level in (*LEVELS, "all"):
        texts = [text for of, text in golds if level in (of, "all")]
        found = [drawn[text] for text in texts]
        counts = (found, [folded[canonical(text)] for text in texts])
        if texts:
            for key, often in zip(shares, counts, strict=True):
                shares[key][level] = round(sum(n >= ENOUGH for n in often) / len(texts), 4)
            once = sum(n > 0 for n in found) / len(texts)
            said = [f"{share[level]:.4f}" for share in shares.values()]
            rows.append((level, len(texts), said[0], f"{once:.4f}", said[1]))
    head = (f"drawn {ENOUGH} times", "drawn once", f"canonical, {ENOUGH} times")
    print(text_table((options.split, "golds", *head), rows))
    if options.split == "train":
        show(drawn, [text for _, text in golds], options)
    return {"split": options.split, "golds": len(golds), **shares}


def show(drawn: Counter[str], golds: Sequence[str], options: argparse.Namespace) -> None:
    """Print what is missing, and the clauses of both sides."""
    missing = Counter(text for text in golds if drawn[text] < ENOUGH)
    for text, times in missing.most_common(options.missing):
        print(f"{times:4} {drawn[text]:2} {text}", file=sys.stderr)
    if options.families:
        sides = (Counter(golds), drawn)
        rows = [(name, *(share(side, name) for side in sides)) for name in CLAUSES]
        print(text_table(("clause, %", "train", "drawn"), rows))


def share(skeletons: Counter[str], clause: str) -> str:
    """Return the share of queries with a clause, in percent."""
    found = sum(count for text, count in skeletons.items() if CLAUSES[clause](text))
    return f"{100 * found / skeletons.total():.1f}"


if __name__ == "__main__":
    main()
