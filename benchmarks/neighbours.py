"""What do neighbour databases find out that the original database does not?

Makes neighbours of Spider's 20 development databases and counts three things. Predictions of two
published systems that are right on the original alone and wrong on a neighbour: they were right by
luck, and are counted apart by what exact set match says of them. Other spellings of gold that mean
the same: none may be failed. Near misses of gold, drawn with another seed than those that chose the
neighbours: how many the original tells apart, and how many original and neighbours together.

    T2S_DATA=... python benchmarks/neighbours.py [--limit 200] [--neighbours DIR] [--show 5]

Results are compared by Spider's rule: for predictions with DISTINCT left out, as execution_accuracy
does; for near misses with it; for other spellings both ways. Hardware: two CPU cores, about five
minutes, most of which go into making; `--neighbours` takes a folder that `t2s data neighbours
spider` has written. The last line is JSON.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

from text2sql.data.catalog import DataSet, find_dataset
from text2sql.data.neighbours import Settings, make_neighbours, summarise
from text2sql.data.neighbours.mutants import draw_mutants
from text2sql.data.neighbours.profiles import Profile, read_profile
from text2sql.data.neighbours.queries import Query, read_query
from text2sql.data.neighbours.rewritings import rewrite
from text2sql.execution import Executor
from text2sql.reporting.tables import text_table
from text2sql.scoring.manifests import commit, libraries
from text2sql.scoring.results import same_rows
from text2sql.scoring.spider.text import prepare_gold, prepare_prediction

HELD_OUT = 12  # near misses of a gold query
MAX_ROWS = 100_000


class Bench:
    """Runs SQL on the original of a database and on its neighbours."""

    def __init__(self, dataset: DataSet, folder: Path, executor: Executor, seed: int) -> None:
        self.dataset, self.folder, self.executor, self.seed = dataset, folder, executor, seed

    def suite(self, db_id: str) -> list[str]:
        """Return the files of a database, the original first."""
        files = sorted((self.folder / db_id).glob("*.sqlite"))
        first = self.folder / db_id / f"{db_id}.sqlite"
        return [str(first), *(str(file) for file in files if file != first)]

    def first_miss(self, gold: str, other: str, files: Sequence[str]) -> str:
        """Return where another query first misses gold's answer: original, neighbour, nowhere."""
        for file in files:
            expected = self.executor.execute(gold, file, timeout=10.0, max_rows=MAX_ROWS)
            got = self.executor.execute(other, file, timeout=10.0, max_rows=MAX_ROWS)
            if expected.error is not None:
                raise SystemExit(f"error: gold fails on {file}: {expected.error}: {gold}")
            ordered = "order by" in gold.lower()
            right = got.error is None and same_rows(expected.rows, got.rows, ordered=ordered)
            if not right:
                return "neighbour" if "_neighbour_" in Path(file).name else "original"
        return "nowhere"

    def prediction(self, gold: str, predicted: str, db_id: str) -> str:
        """Return where a prediction fails first: original, neighbour or nowhere."""
        return self.first_miss(prepare_gold(gold), prepare_prediction(predicted), self.suite(db_id))

    def spellings(self, db_id: str, query: Query) -> list[tuple[str, str, str]]:
        """Return (name, SQL, where it fails first) of every spelling, and of pairs of them."""
        schema = self.dataset.schema(db_id)
        single = rewrite(query.sql, schema)
        files = self.suite(db_id)[::-1]  # neighbours first: they must never fail
        random = Random(f"{self.seed} spellings {query.sql}")
        for name in random.sample(sorted(single), min(3, len(single))):
            twice = rewrite(single[name], schema)
            single |= {f"{name}+{other}": sql for other, sql in twice.items() if other != "respelt"}
        found = []
        for name, sql in single.items():
            where = self.first_miss(query.sql, sql, files)
            if where == "nowhere":  # and by the rule that leaves DISTINCT out
                where = self.first_miss(query.bare, prepare_gold(sql), files)
            found.append((name, sql, where))
        return found

    def near_misses(self, db_id: str, query: Query, profile: Profile) -> Counter[str]:
        """Count where held-out mutants are told apart first; those that do not run are left out."""
        drawn = Settings(seed=self.seed)
        used = draw_mutants(
            query, profile, count=drawn.mutants, random=Random(f"{drawn.seed} mutants {query.sql}")
        )
        known = frozenset(mutant.sql for mutant in used)
        random = Random(f"held out {self.seed} {query.sql}")
        counts: Counter[str] = Counter()
        for mutant in draw_mutants(query, profile, count=HELD_OUT, random=random, exclude=known):
            original = self.suite(db_id)[0]
            if self.executor.execute(mutant.sql, original, timeout=3.0).error is None:
                counts[self.first_miss(query.sql, mutant.sql, self.suite(db_id))] += 1
        return counts


def main() -> None:
    """Make or open neighbours, count, print tables and a line of JSON; 1 if a spelling fails."""
    options = arguments()
    dataset = find_dataset("spider", split="dev", data_root=options.data, limit=options.limit)
    with tempfile.TemporaryDirectory() as scratch, Executor(workers=options.workers) as executor:
        folder = options.neighbours or Path(scratch) / "neighbours"
        made, seconds = prepare(dataset, folder, options)
        bench = Bench(dataset, folder, executor, made["settings"]["seed"])
        systems = published(bench, options)
        golds = {(e.db_id, sql): None for e in dataset.examples for sql in e.queries}
        queries = [(db_id, read_query(sql, dataset.schema(db_id))) for db_id, sql in golds]
        spellings = all_spellings(bench, queries, options.workers)
        held_out = all_near_misses(bench, queries, options.workers)
    summary = {
        "benchmark": "neighbours",
        "golds": len(golds),
        "made": summarise(made) | {"settings": made["settings"], "seconds": seconds},
        "systems": systems,
        "spellings": spellings,
        "held_out_mutants": held_out,
        "text2sql": version("text2sql"),
        "commit": commit(),
        "libraries": libraries(),
    }
    print(json.dumps(summary, ensure_ascii=False))
    sys.exit(bool(spellings["failed_on_neighbours"]))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("T2S_DATA"), help="data root")
    parser.add_argument("--limit", type=int, default=None, help="only the first so many")
    parser.add_argument("--neighbours", type=Path, default=None, help="a folder made before")
    parser.add_argument("--show", type=int, default=0, help="predictions found out, to be shown")
    parser.add_argument("--workers", type=int, default=2, help="worker processes for SQL")
    options = parser.parse_args()
    if options.data is None:
        print(json.dumps({"benchmark": "neighbours", "skipped": "T2S_DATA is not set"}))
        sys.exit(0)
    return options


def prepare(
    dataset: DataSet, folder: Path, options: argparse.Namespace
) -> tuple[dict[str, Any], float | None]:
    """Return the record of the neighbours, and the seconds that making them took."""
    if options.neighbours is not None:
        return json.loads((folder / "neighbours.json").read_text(encoding="utf-8")), None
    started = time.perf_counter()
    note = partial(print, file=sys.stderr)
    made = make_neighbours(dataset, folder, workers=options.workers, note=note)
    return made, round(time.perf_counter() - started, 1)


def published(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """Count the predictions of each system that a neighbour finds out."""
    place = Path(options.data) / "spider" / "predictions"
    systems, rows = {}, []
    for path in sorted(place.glob("*.sql")):
        lines = path.read_text(encoding="utf-8").splitlines()
        texts = (place / f"{path.stem}.verdicts.jsonl").read_text(encoding="utf-8").splitlines()
        verdicts = [json.loads(text) for text in texts]
        systems[path.stem] = one = system(bench, lines, verdicts, options)
        rows.append((path.stem, *one.values()))
        header = ("system", *one)
    print(text_table(header, rows))
    return systems


def system(
    bench: Bench, lines: list[str], verdicts: list[dict[str, Any]], options: argparse.Namespace
) -> dict[str, int]:
    """Count, among predictions that are right on the original, those found out, by exact match."""
    chosen = [e for e in bench.dataset.examples if verdicts[e.index]["execution_accuracy"]]

    def judge(example: Any) -> str:
        return bench.prediction(example.queries[0], lines[example.index], example.db_id)

    with ThreadPoolExecutor(options.workers) as threads:
        found = list(zip(chosen, threads.map(judge, chosen), strict=True))
    counts: Counter[tuple[str, int]] = Counter()
    shown = 0
    for example, where in found:
        exact = verdicts[example.index]["exact_set_match"]
        counts[where, exact] += 1
        if where == "neighbour" and shown < options.show:
            shown += 1
            print(f"{example.index} {example.db_id} exact_set_match={exact}")
            print(f"  gold {example.queries[0]}\n  pred {lines[example.index]}")
    caught = {name: counts["neighbour", exact] for name, exact in (("exact", 1), ("other", 0))}
    return {
        "n": len(bench.dataset.examples),
        "right_on_original": sum(
            count for (where, _), count in counts.items() if where != "original"
        ),
        "not_as_published": counts["original", 0] + counts["original", 1],
        "caught": sum(caught.values()),
        "caught_where_exact_match_says_right": caught["exact"],
        "caught_where_exact_match_says_wrong": caught["other"],
    }


def all_spellings(bench: Bench, queries: list[tuple[str, Query]], workers: int) -> dict[str, Any]:
    """Judge every other spelling of every gold."""
    with ThreadPoolExecutor(workers) as threads:
        found = list(threads.map(lambda each: bench.spellings(*each), queries))
    counts: Counter[str] = Counter()
    by_name: Counter[str] = Counter()
    for (db_id, query), spellings in zip(queries, found, strict=True):
        for name, sql, where in spellings:
            counts[where] += 1
            by_name[name.partition("+")[0]] += 1
            if where != "nowhere":
                print(f"spelling {name} fails on the {where} of {db_id}:\n  {query.sql}\n  {sql}")
    print(text_table(("spelling", "judged"), by_name.most_common()))
    return {
        "judged": sum(counts.values()),
        "failed_on_original": counts["original"],  # gold has several answers there
        "failed_on_neighbours": counts["neighbour"],
    }


def all_near_misses(bench: Bench, queries: list[tuple[str, Query]], workers: int) -> dict[str, int]:
    """Count where near misses that had no part in the choice are told apart."""
    profiles = {
        db_id: read_profile(bench.suite(db_id)[0], published=bench.dataset.published.get(db_id))
        for db_id in bench.dataset.db_ids()
    }

    def judge(each: tuple[str, Query]) -> Counter[str]:
        return bench.near_misses(each[0], each[1], profiles[each[0]])

    with ThreadPoolExecutor(workers) as threads:
        counts = sum(threads.map(judge, queries), Counter[str]())
    told = {
        "judged": sum(counts.values()),
        "told_by_original": counts["original"],
        "told_with_neighbours": counts["original"] + counts["neighbour"],
    }
    print(text_table(tuple(told), [tuple(told.values())]))
    return told


if __name__ == "__main__":
    main()
