"""Does the checker accept what is fine and refuse what is not, by sqlglot's and the engine's word?

Three questions, because each is cheap to win alone. Gold SQL: how much of it is accepted? Mutants
of gold SQL with one edit: is one accepted that sqlglot's qualify, the gate or the engine's EXPLAIN
refuses (must be none), and how many are refused that are fine? Prefixes: is every one of an
accepted statement alive, and is its completion fine?

    T2S_DATA=... python benchmarks/checker_coverage.py [--mutants 10000] [--seed 1] [--limit 100]
    python benchmarks/checker_coverage.py --statements my.jsonl --schemas my_schemas/

Gold that the engine does not prepare is excluded and listed. --types (with --mutants 0) asks how
much of the gold keeps to declared types, and shows what does not. Without T2S_DATA Spider is left
out. PostgreSQL needs --server or T2S_POSTGRES, whose user may create a database. What is wrong goes
to --failures as JSON lines. Hardware: two CPU cores; some three minutes. The last line is JSON.
"""

import argparse
import json
import logging
import os
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random
from typing import Any

from checker.mutating import mutants
from checker.oracle import Oracle, open_oracle
from checker.servers import private_database
from checker.statements import (
    Source,
    StatementSet,
    bird_style,
    from_files,
    further,
    samples,
    spider,
)

from text2sql.decoding.checking import Checker, State
from text2sql.decoding.verification import Fault
from text2sql.reporting.tables import text_table
from text2sql.scoring.manifests import commit, libraries

COLUMNS = {
    "total": "n",
    "accepted": "accepted",
    "excluded": "excluded",
    "mutants": "mutants",
    "fine": "fine",
    "accepted_but_refused_by_oracle": "unsound",
    "refused_but_fine": "too strict",
    "prefixes": "prefixes",
    "prefix_refused": "dead",
    "completion_refused_by_oracle": "bad ends",
}
UNSOUND = ("accepted_but_refused_by_oracle", "gold_accepted_but_refused", "crashes")
DIALECTS = ("sqlite", "duckdb", "postgres")


@dataclass(frozen=True, slots=True)
class Task:
    """The statements of one database, and how much to try on them."""

    name: str  # of the set
    db_id: str
    source: Source
    statements: list[str]
    mutants: int
    prefixes: int  # statements whose prefixes are tried
    seed: int
    server: str | None
    types: bool = False  # declared types count


@dataclass(slots=True)
class Outcome:
    """What was counted, and every text that is not as it should be."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, str]] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Take in what another one has."""
        self.counts.update(other.counts)
        self.failures += other.failures


def main() -> None:
    """Measure, print tables and a line of JSON; status 1 where an unsound text was accepted."""
    options = arguments()
    begun = time.perf_counter()
    with ExitStack() as stack:
        server = stack.enter_context(private_database(options.server)) if options.server else None
        sets = list(statement_sets(options, server))
        outcomes = {known.name: Outcome() for known in sets}
        tasks = [replace(t, types=options.types) for t in plan(sets, options, server)]
        for task, outcome in measured(tasks, options.processes):
            outcomes[task.name].add(outcome)
    show(outcomes, options.show)
    if options.failures:
        write(outcomes, options.failures)
    record = summary(outcomes, {known.name: known.dialect for known in sets})
    record |= {"seed": options.seed, "seconds": round(time.perf_counter() - begun, 1)}
    print(json.dumps(record | {"commit": commit(), "libraries": libraries()}))
    sys.exit(any(outcome.counts[key] for outcome in outcomes.values() for key in UNSOUND))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("T2S_DATA"), help="data root")
    parser.add_argument("--dialect", nargs="+", default=["sqlite"], choices=DIALECTS)
    parser.add_argument("--limit", type=int, default=None, help="first statements of each set")
    parser.add_argument("--mutants", type=int, default=None, help="default 10,000, or 5 x limit")
    parser.add_argument("--prefixes", type=int, default=None, help="statements tried by prefix")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--types", action="store_true", help="keep to declared types, in SQLite")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--statements", type=Path, help="only this file of db_id and query")
    parser.add_argument("--schemas", type=Path, help="the folder of its schemas")
    parser.add_argument("--server", default=os.environ.get("T2S_POSTGRES"), help="PostgreSQL's URL")
    parser.add_argument("--failures", type=Path, help="write what is wrong here, as JSON lines")
    parser.add_argument("--show", type=int, default=20, help="print so many of each kind")
    options = parser.parse_args()
    if options.mutants is None:
        options.mutants = 10_000 if options.limit is None else min(10_000, 5 * options.limit)
    if options.prefixes is None:
        options.prefixes = 300 if options.limit is None else max(1, options.limit // 10)
    return options


def statement_sets(options: argparse.Namespace, server: str | None) -> Iterator[StatementSet]:
    """Yield the sets that are at hand; say on stderr what is not."""
    if options.statements:
        dialect, folder = options.dialect[0], options.schemas or options.statements.parent
        yield from_files(options.statements, folder, dialect=dialect, server=server)
        return
    for dialect in options.dialect:
        if dialect == "postgres" and server is None:
            print("postgres left out: neither --server nor T2S_POSTGRES", file=sys.stderr)
            continue
        if dialect == "sqlite" and options.data:
            yield spider("dev", options.data)
            yield spider("train", options.data)
        if dialect != "postgres":
            yield samples(dialect)
        held_out = (bird_style(dialect, server), further(dialect))
        yield from filter(None, held_out)


def plan(
    sets: list[StatementSet], options: argparse.Namespace, server: str | None
) -> Iterator[Task]:
    """Yield the tasks of all sets; each set gets as many mutants and prefixed statements."""
    even = [1] * len(sets)
    edits, prefixes = shared_out(options.mutants, even), shared_out(options.prefixes, even)
    for known, *counts in zip(sets, edits, prefixes, strict=True):
        databases = dict(known.by_database(options.limit))
        yield from divide(known, databases, counts, options.seed, server)


def divide(
    known: StatementSet,
    databases: dict[str, list[str]],
    counts: list[int],
    seed: int,
    server: str | None,
) -> Iterator[Task]:
    """Yield a task for each database, with its share of the mutants and prefixed statements."""
    weights = [len(own) for own in databases.values()]
    shares = zip(*(shared_out(count, weights) for count in counts), strict=True)
    needed = server if known.dialect == "postgres" else None
    for (db_id, own), (edits, prefixes) in zip(databases.items(), shares, strict=True):
        mixed = zlib.crc32(f"{known.name} {db_id} {seed}".encode())
        yield Task(known.name, db_id, known.source(db_id), own, edits, prefixes, mixed, needed)


def shared_out(total: int, weights: Sequence[int]) -> list[int]:
    """Divide a number into parts by weight; the parts add up to it."""
    ends = [total * weight // sum(weights) for weight in accumulate(weights)]
    return [end - begin for begin, end in pairwise([0, *ends])]


def measured(tasks: list[Task], processes: int) -> Iterator[tuple[Task, Outcome]]:
    """Yield each task with its outcome; PostgreSQL's share one database and take turns."""
    served = [task for task in tasks if task.server]
    local = [task for task in tasks if not task.server]
    if processes > 1 and len(local) > 1:
        with ProcessPoolExecutor(processes) as pool:
            yield from zip(local, pool.map(measure, local), strict=True)
    else:
        served = local + served
    for task in served:
        yield task, measure(task)


def measure(task: Task) -> Outcome:
    """Try gold, mutants and prefixes of one database."""
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    schema = task.source.schema
    checker = Checker(schema, dialect=schema.dialect, types=task.types)
    random = Random(task.seed)
    with open_oracle(schema, script=task.source.script, server=task.server) as oracle:
        trial = Trial(checker, oracle, task.db_id, Outcome())
        for sql in task.statements:
            trial.gold(sql)
        for kind, mutant in distinct_mutants(task, random):
            trial.mutant(kind, mutant)
        accepted = [sql for sql in dict.fromkeys(task.statements) if trial.accepts(sql)]
        for sql in random.sample(accepted, min(task.prefixes, len(accepted))):
            trial.prefixes(sql)
        return trial.outcome


def distinct_mutants(task: Task, random: Random) -> Iterator[tuple[str, str]]:
    """Yield as many (kind, mutant) as a task asks for, none twice."""
    seen: set[str] = set()
    for _ in range(20 * task.mutants):  # a schema of one short statement has few mutants
        if len(seen) == task.mutants:
            return
        sql = random.choice(task.statements)
        kind, mutant = next(mutants(sql, task.source.schema, random))
        if mutant not in seen:
            seen.add(mutant)
            yield kind, mutant


@dataclass(slots=True)
class Trial:
    """A checker and an oracle side by side."""

    checker: Checker
    oracle: Oracle
    db_id: str
    outcome: Outcome
    completions: set[str] = field(default_factory=set)

    def gold(self, sql: str) -> None:
        """Count one statement that people have written."""
        counts = self.outcome.counts
        fault = self.oracle.fault(sql)
        accepted = self.accepts(sql)
        if self.oracle.engine(sql) is not None:
            counts["excluded"] += 1
            self.fail("excluded", sql, fault)
        else:
            counts["total"] += 1
            counts["accepted"] += accepted
            counts["refused_by_sqlglot"] += fault is not None
            if not accepted:
                self.fail("gold_refused", sql, self.explained(sql))
        if accepted and fault is not None:
            counts["gold_accepted_but_refused"] += 1
            self.fail("gold_accepted_but_refused", sql, fault)

    def mutant(self, kind: str, sql: str) -> None:
        """Count one mutant."""
        counts = self.outcome.counts
        fault, accepted = self.oracle.fault(sql), self.accepts(sql)
        counts["mutants"] += 1
        if fault is None and not accepted and not self.oracle.runs(sql):
            fault = Fault("engine", "prepares, and fails when it runs")
        counts["fine"] += fault is None
        if accepted and fault is not None:
            counts["accepted_but_refused_by_oracle"] += 1
            self.fail("accepted_but_refused_by_oracle", sql, fault, kind)
        elif fault is None and not accepted:
            counts["refused_but_fine"] += 1
            self.fail("refused_but_fine", sql, self.explained(sql), kind)

    def prefixes(self, sql: str) -> None:
        """Try every byte prefix of an accepted statement, and what each is completed to."""
        counts, text = self.outcome.counts, sql.encode()
        counts["statements_by_prefix"] += 1
        state = self.checker.start
        for end in range(len(text) + 1):
            if end:
                state = self.checker.step(state, text[end - 1 : end])
            counts["prefixes"] += 1
            if state is None:
                counts["prefix_refused"] += 1
                self.fail("prefix_refused", sql, f"at byte {end}")
                return
            self.complete(text[:end], state)
        if self.checker.step(self.checker.start, text) != state:
            counts["steps_differ"] += 1
            self.fail("steps_differ", sql, "one step is not its bytes one by one")

    def complete(self, prefix: bytes, state: State) -> None:
        """Judge what a prefix is completed to, each text once."""
        counts, how = self.outcome.counts, f"{len(prefix)} bytes"
        try:
            text = (prefix + self.checker.completion(state)).decode()
        except ValueError as error:  # none is found, or it is not UTF-8
            counts["completion_missing"] += 1
            self.fail("completion_missing", prefix.decode(errors="replace"), error, how)
            return
        if text in self.completions:
            return
        self.completions.add(text)
        counts["completions"] += 1
        fault = self.oracle.fault(text)
        if fault is not None:
            counts["completion_refused_by_oracle"] += 1
            self.fail("completion_refused_by_oracle", text, fault, how)
        elif not self.accepts(text):
            counts["completion_refused"] += 1
            self.fail("completion_refused", text, self.explained(text), how)

    def accepts(self, sql: str) -> bool:
        """Ask the checker; a crash is counted, and is no yes."""
        try:
            return self.checker.accepts(sql)
        except Exception as error:  # a benchmark of 10,000 texts must not end at one
            self.outcome.counts["crashes"] += 1
            self.fail("crash", sql, f"{type(error).__name__}: {error}")
            return False

    def explained(self, sql: str) -> str:
        """Return the checker's own words on what is wrong."""
        try:
            return str(self.checker.explain(sql))
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def fail(self, what: str, sql: str, why: object, kind: str = "") -> None:
        """Keep a text that is not as it should be."""
        record = {"what": what, "kind": kind, "db_id": self.db_id, "sql": sql, "why": _words(why)}
        self.outcome.failures.append(record)


def _words(why: object) -> str:
    return f"{why.layer}: {why.message}" if isinstance(why, Fault) else str(why)


def show(outcomes: dict[str, Outcome], most: int) -> None:
    """Print a table of counts, then the first texts of each kind of failure."""
    rows = [(name, *(o.counts[key] for key in COLUMNS)) for name, o in outcomes.items()]
    print(text_table(("set", *COLUMNS.values()), rows))
    failures = [failure for outcome in outcomes.values() for failure in outcome.failures]
    for what in dict.fromkeys(failure["what"] for failure in failures):
        own = [failure for failure in failures if failure["what"] == what]
        print(f"\n{what}: {len(own)}")
        for failure in own[:most]:
            print(f"  [{failure['kind']}] {failure['db_id']}: {failure['sql']}")
            print(f"      {failure['why']}")


def write(outcomes: dict[str, Outcome], path: Path) -> None:
    """Write every text that is not as it should be, as JSON lines."""
    lines = (f for outcome in outcomes.values() for f in outcome.failures)
    texts = (f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
    path.write_text("".join(texts), encoding="utf-8")


def summary(outcomes: dict[str, Outcome], dialects: dict[str, str]) -> dict[str, Any]:
    """Return the last line: counts of each set, and of mutants and prefixes."""
    gold = ("accepted", "total", "excluded", "refused_by_sqlglot", "gold_accepted_but_refused")
    every: Counter[str] = Counter()
    by_dialect: dict[str, Counter[str]] = {}
    for name, outcome in outcomes.items():
        every.update(outcome.counts)
        by_dialect.setdefault(dialects[name], Counter()).update(outcome.counts)
    return {
        "benchmark": "checker_coverage",
        "accepted": every["accepted"],
        "total": every["total"],
        "sets": {name: {key: o.counts[key] for key in gold} for name, o in outcomes.items()},
        "mutants": _mutants(every),
        "mutants_by_dialect": {name: _mutants(counts) for name, counts in by_dialect.items()},
        "refused_but_fine_by_kind": _kinds(outcomes, "refused_but_fine"),
        "prefixes": _prefixes(every),
        "crashes": every["crashes"],
    }


def _mutants(counts: Counter[str]) -> dict[str, Any]:
    keys = ("fine", "accepted_but_refused_by_oracle", "refused_but_fine")
    share = round(counts["refused_but_fine"] / max(counts["fine"], 1), 5)
    found = {key: counts[key] for key in keys}
    return {"total": counts["mutants"], **found, "share_refused_of_fine": share}


def _kinds(outcomes: dict[str, Outcome], what: str) -> dict[str, int]:
    """Return how many failures each kind of edit has."""
    failures = (failure for outcome in outcomes.values() for failure in outcome.failures)
    found = Counter(failure["kind"] for failure in failures if failure["what"] == what)
    return dict(found.most_common())


def _prefixes(counts: Counter[str]) -> dict[str, int]:
    keys = ("prefix_refused", "completions", "completion_refused", "completion_refused_by_oracle")
    found = {key: counts[key] for key in (*keys, "completion_missing", "steps_differ")}
    return {"statements": counts["statements_by_prefix"], "total": counts["prefixes"], **found}


if __name__ == "__main__":
    main()
