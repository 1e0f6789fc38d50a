"""Does a policy let anything through, and what does it cost?

Two databases differ only in what a user may not see (`leaks.worlds`): rows of other tenants, hidden
tables and columns, what is under masks. Random queries, walked from a checker that knows the user's
tables and from one that knows all, are asked of both as this user: an answer that differs is a
leak, and so is a hidden value in a result or a message. Then the gold SQL of the bundled databases
is asked under a policy whose conditions hold for every row: its results have to stay what they are.
Times are of rewriting that, in ms of one CPU.

    python benchmarks/policy_fuzz.py --dialect sqlite --limit 1000 [--seed 1]
    python benchmarks/policy_fuzz.py --dialect postgres --server postgresql://... --limit 300

--dialect postgres needs --server or T2S_POSTGRES, whose user may create databases; it has no gold.
Answers that were cut are compared by their columns, those that ran out of time not at all.
Hardware: two CPU cores. The last line is JSON.
"""

import argparse
import json
import logging
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from random import Random
from statistics import quantiles

from checker.servers import private_database
from leaks.worlds import POLICY, USER, build_worlds, holds_canary

from text2sql.access import Door, load_policy, open_door, rewrite
from text2sql.databases import locate
from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.walking import walk
from text2sql.execution import Execution, Executor
from text2sql.reporting.tables import text_table
from text2sql.samples.building import samples_folder
from text2sql.schema import read_schema
from text2sql.scoring.manifests import commit, libraries

DAY = "2026-11-20"  # in the clock's place, which would differ
LENGTHS = (8, 16, 30, 60)  # of walks, after which they look for the end
VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|[\d.]+")  # that a message quotes
CHANCE = ("random", "uuid", "changes", "last_insert")  # of functions that differ by themselves


def main() -> None:
    """Walk, ask both, print counts and a line of JSON; status 1 where something leaked."""
    options = arguments()
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    counts: Counter[str] = Counter()
    begun = time.perf_counter()
    with opened_doors(options.dialect, options.server) as doors:
        for sql, whose in walks(doors[0], options.limit, options.seed):
            outcome = asked(doors, sql)
            counts[f"{whose}: {outcome}"] += 1
            if outcome == "LEAK":
                print(f"leak: {sql}", file=sys.stderr)
    gold, seconds = same_gold(options.dialect, options.gold)
    shown = [*counts.items(), *((f"gold: {name}", number) for name, number in gold.items())]
    print(text_table(("queries", "number"), sorted((name, str(n)) for name, n in shown)))
    leaks = sum(number for name, number in counts.items() if name.endswith("LEAK"))
    cuts = quantiles([1000 * second for second in seconds], n=100) if len(seconds) > 1 else [0] * 99
    record = {"dialect": options.dialect, "queries": sum(counts.values()), "leaks": leaks}
    record |= {"ran": sum(n for name, n in counts.items() if name.endswith("ran"))}
    record["gold"] = dict(gold)
    record |= {"rewrite_ms_p50": round(cuts[49], 2), "rewrite_ms_p99": round(cuts[98], 2)}
    record["seconds"] = round(time.perf_counter() - begun, 1)
    print(json.dumps(record | {"commit": commit(), "libraries": libraries()}))
    sys.exit(leaks > 0)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dialect", choices=("sqlite", "duckdb", "postgres"), default="sqlite")
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--gold", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--server", default=os.environ.get("T2S_POSTGRES"))
    return parser.parse_args()


@contextmanager
def opened_doors(dialect: str, server: str | None) -> Iterator[list[Door]]:
    """Yield the user's doors to both databases."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = ("", "")
        if dialect == "postgres":
            if server is None:
                sys.exit("--dialect postgres needs --server or T2S_POSTGRES")
            private = private_database(server), private_database(server)
            urls = stack.enter_context(private[0]), stack.enter_context(private[1])
        databases = build_worlds(dialect, folder, urls)
        executor = stack.enter_context(Executor())
        policy = load_policy(POLICY)
        yield [
            open_door(executor, database, read_schema(database, name="world"), policy, USER)
            for database in databases
        ]


def walks(door: Door, count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yield queries, each with whose names it is made of."""
    whole = read_schema(door.database, name="world")
    view = door.view.schema
    checkers = {
        name: Checker(s, dialect=view.dialect) for name, s in (("own", view), ("all", whole))
    }
    random = Random(seed)
    while count > 0:
        whose = "own" if count % 4 else "all"
        walked = walk(checkers[whose], random, length=random.choice(LENGTHS))
        if not walked.dead and not any(word in walked.text.lower() for word in CHANCE):
            yield walked.text, whose
            count -= 1


def asked(doors: list[Door], sql: str) -> str:
    """Return what came of a query."""
    first, second = (door.execute(sql, timeout=2.0, max_rows=2_000, as_of=DAY) for door in doors)
    kinds = {first.error_kind, second.error_kind}
    if "timeout" in kinds:
        return "timeout"
    seen = (first.rows, first.error, second.rows, second.error)
    if shown(first) != shown(second) or holds_canary(seen):
        return "LEAK"
    return first.error_kind or "ran"


def shown(ran: Execution) -> tuple[object, ...]:
    """Return what has to be equal: of a result that was cut only its columns.

    Which of the user's own rows an error meets first depends on the plan.
    """
    rows = None if ran.truncated else sorted(map(repr, ran.rows))
    error = ran.error and VALUES.sub("?", ran.error)
    return ran.columns, error, ran.truncated, rows


def same_gold(dialect: str, count: int) -> tuple[Counter[str], list[float]]:
    """Return whether gold has the same result behind guards that hold nothing back, and times."""
    found: Counter[str] = Counter()
    seconds: list[float] = []
    if dialect == "postgres":
        return found, seconds
    policy = load_policy({"tables": {"*": {"rows": "1 = 1"}}})
    folder = samples_folder()
    records = map(json.loads, (folder / "train.jsonl").read_text().splitlines())
    doors: dict[str, Door] = {}
    with Executor() as executor:
        for record in islice(records, count):
            name, sql = record["db_id"], record["query"]
            if name not in doors:
                database = locate(folder / "database" / name / f"{name}.{dialect}")
                doors[name] = open_door(executor, database, read_schema(database), policy)
            begun = time.process_time()
            rewrite(sql, doors[name].view)
            seconds.append(time.process_time() - begun)
            plain = executor.execute(sql, doors[name].database)
            found[same(plain, doors[name].execute(sql))] += 1
    return found, seconds


def same(plain: Execution, guarded: Execution) -> str:
    """Tell how two results differ; ties may come in another order."""
    if plain.error or guarded.error:
        return "same" if plain.error == guarded.error else "error"
    if plain.rows == guarded.rows:
        return "same"
    rows = (sorted(repr(rounded(row)) for row in ran.rows) for ran in (plain, guarded))
    return "other order" if next(rows) == next(rows) else "different"


def rounded(row: tuple) -> tuple:
    """Return a row whose sums do not tell in which order they were added."""
    return tuple(round(value, 6) if isinstance(value, float) else value for value in row)


if __name__ == "__main__":
    main()
