"""Is everything that the checker lets through fine, and does it ever lead into a dead end?

Queries are walked from the checker itself: at every step one of the texts that it takes. Each
finished one is judged by sqlglot's parse and qualify, the execution room's gate and the engine's
EXPLAIN; so is the completion of a random prefix of each, and of that prefix with whatever a model
might propose behind it, as far as the checker takes it. A walk that can neither go on nor end is a
dead end. A walk that never reaches a production proves nothing about it: those are named.

    T2S_DATA=... python benchmarks/checker_fuzz.py --limit 100000 [--seed 1] [--failures FILE]
    T2S_DATA=... python benchmarks/checker_fuzz.py --limit 5000 --seed 2 --log fuzz.jsonl

With --log what each schema gave is kept in a file: a run that was broken off goes on where it was,
runs of other seeds are added, and the table and the last line sum up all of them.

At least 100 schemas: Spider's where T2S_DATA is set, the bundled ones, made ones with odd names,
and two of 500 and 2,000 columns. --order from-first walks texts that begin with FROM, and judges
the SQL that they stand for; --constraint walks those that keep to declared types or stored values.
--dialect postgres needs --server or T2S_POSTGRES, whose user may create databases. Hardware: two
CPU cores. The last line is JSON.
"""

import argparse
import json
import logging
import os
import re
import signal
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from checker.oracle import Oracle, open_oracle
from checker.servers import private_database
from checker.wide_schemas import schemas

from text2sql.decoding.checking import Checker
from text2sql.decoding.checking.checker import ORDERS
from text2sql.decoding.checking.walking import stumble, walk
from text2sql.reporting.tables import text_table
from text2sql.schema.model import Schema
from text2sql.scoring.manifests import commit, libraries

_VALUES = ("Ann", "it's", "é", 7, 2.5)  # of every column, where literals are stored values
PATIENCE = 30  # seconds of this process's CPU for a walk, its judgement and its completion
_LENGTHS = (8, 16, 30, 60)  # of walks, after which they look for the end
_NAMES = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\d+|(?<=: )\S+$")


@dataclass(frozen=True, slots=True)
class Task:
    """So many walks over one schema."""

    schema: Schema
    walks: int
    seed: int
    server: str | None
    order: str = ORDERS[0]
    constraint: str = "schema"  # "types": declared types count; "values": literals are stored ones

    @property
    def key(self) -> str:
        """What tells it from every other one."""
        about = f"{self.schema.dialect} {self.schema.name} {self.walks} {self.seed}"
        about += f" {self.constraint}" if self.constraint != "schema" else ""
        return about if self.order == ORDERS[0] else f"{about} {self.order}"


@dataclass(slots=True)
class Outcome:
    """What was counted, and every text that is not fine."""

    counts: Counter[str] = field(default_factory=Counter)
    productions: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, str]] = field(default_factory=list)
    key: str = ""  # of the task

    def add(self, other: "Outcome") -> None:
        """Take in what another one has."""
        self.counts.update(other.counts)
        self.productions.update(other.productions)
        self.failures += other.failures


def main() -> None:
    """Walk, judge, print counts and a line of JSON; status 1 where a text was not fine."""
    options = arguments()
    begun = time.perf_counter()
    found = Outcome()
    known = schemas(options.dialect, 100, data=options.data, seed=options.seed)
    with ExitStack() as stack:
        servers: list[str | None] = [None] * options.processes
        if options.dialect == "postgres":
            opened = (private_database(options.server) for _ in servers)
            servers = [stack.enter_context(database) for database in opened]
        done = logged(options.log) if options.log else {}
        for outcome in done.values():
            found.add(outcome)
        lists = [
            [task for task in own if task.key not in done]
            for own in divide(known, options, servers)
        ]
        for outcome in fuzzed(lists, options.processes):
            found.add(outcome)
            if options.log:
                log(outcome, options.log)
            tell(found.counts["queries"])
    show(found, options)
    if options.failures:
        write(found.failures, options.failures)
    record = summary(found, options, len(known))
    record["seconds"] = round(time.perf_counter() - begun, 1)
    print(json.dumps(record | {"commit": commit(), "libraries": libraries()}))
    sys.exit(any(record[key] for key in FAULTS))


def log(outcome: Outcome, path: Path) -> None:
    """Append what a task gave to the log."""
    names = ("key", "counts", "productions", "failures")
    record = {name: getattr(outcome, name) for name in names}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")


def logged(path: Path) -> dict[str, Outcome]:
    """Return what a log holds, by task."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found: dict[str, Outcome] = {}
    for record in map(json.loads, lines):
        counts, walked = Counter(record["counts"]), Counter(record["productions"])
        found[record["key"]] = Outcome(counts, walked, record["failures"], record["key"])
    return found


def tell(queries: int) -> None:
    """Show progress on a terminal."""
    if sys.stderr.isatty():
        print(f"\r{queries} queries", end="", file=sys.stderr)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("T2S_DATA"), help="data root")
    parser.add_argument("--dialect", default="sqlite", choices=("sqlite", "duckdb", "postgres"))
    parser.add_argument("--order", default=ORDERS[0], choices=ORDERS)
    parser.add_argument("--constraint", default="schema", choices=("schema", "types", "values"))
    parser.add_argument("--limit", type=int, default=2000, help="queries to walk")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--server", default=os.environ.get("T2S_POSTGRES"), help="PostgreSQL's URL")
    parser.add_argument("--failures", type=Path, help="write texts that are not fine here")
    parser.add_argument("--log", type=Path, help="keep what is done here, and go on from there")
    parser.add_argument("--show", type=int, default=20, help="print so many groups of failures")
    options = parser.parse_args()
    if options.dialect == "postgres" and not options.server:
        skipped = {"benchmark": "checker_fuzz", "skipped": "neither --server nor T2S_POSTGRES"}
        print(json.dumps(skipped))
        sys.exit(0)
    return options


def divide(
    known: list[Schema], options: argparse.Namespace, servers: list[str | None]
) -> list[list[Task]]:
    """Return the tasks, those of one process and database together, walks shared out evenly."""
    random = Random(options.seed)
    walks = Counter(random.sample(range(len(known)), options.limit % len(known)))
    lists: list[list[Task]] = [[] for _ in servers]
    for number, schema in enumerate(known):
        own = options.limit // len(known) + walks[number]
        seed = zlib.crc32(f"{schema.name} {number} {options.seed}".encode())
        place = number % len(servers)
        if own:
            how = (servers[place], options.order, options.constraint)
            lists[place].append(Task(schema, own, seed, *how))
    return lists


def fuzzed(lists: list[list[Task]], processes: int) -> Iterator[Outcome]:
    """Yield the outcome of every task; without a server any process takes the next one."""
    tasks = [task for own in lists for task in own]
    if processes == 1:
        yield from map(fuzz, tasks)
        return
    with ProcessPoolExecutor(processes) as pool:
        if tasks and tasks[0].server:
            for outcomes in pool.map(_fuzz_all, lists):
                yield from outcomes
        else:
            for done in as_completed([pool.submit(fuzz, task) for task in tasks]):
                yield done.result()


def _fuzz_all(tasks: list[Task]) -> list[Outcome]:
    return [fuzz(task) for task in tasks]


def fuzz(task: Task) -> Outcome:
    """Walk over one schema and judge what comes out."""
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    checker = Checker(
        task.schema,
        dialect=task.schema.dialect,
        order=task.order,
        types=task.constraint == "types",
        values=(lambda table, column: _VALUES) if task.constraint == "values" else None,
    )
    random = Random(task.seed)
    with open_oracle(task.schema, server=task.server) as oracle:
        trial = Trial(checker, oracle, Outcome(key=task.key))
        for _ in range(task.walks):
            try:
                with deadline(PATIENCE):
                    trial.walk(random)
            except Slow:
                trial.outcome.counts["slow"] += 1
                trial.fail("slow", trial.text, f"not done in {PATIENCE} s")
            except Exception as error:  # a crash is a failure like the others, not the end
                trial.outcome.counts["crashes"] += 1
                trial.fail("crash", trial.text, f"{type(error).__name__}: {error}")
        return trial.outcome


class Slow(BaseException):
    """A walk that took too long; no Exception, so that nobody on the way takes it for a failure."""


@contextmanager
def deadline(seconds: int) -> Iterator[None]:
    """Interrupt the main thread of this process after so many seconds of CPU."""

    def interrupt(*_: object) -> None:
        raise Slow

    before = signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)  # what other programs do at that time is no fault
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass(slots=True)
class Trial:
    """A checker and an oracle side by side."""

    checker: Checker
    oracle: Oracle
    outcome: Outcome
    text: str = ""  # that is being looked at

    def walk(self, random: Random) -> None:
        """Walk one query, and complete one of its prefixes."""
        counts = self.outcome.counts
        counts["queries"] += 1
        self.text = ""
        length = random.choice(_LENGTHS)
        # every other walk seeks a production, so that rare ones are tried too
        goal = random.choice(self.checker.grammar.names) if counts["queries"] % 2 else None
        found = walk(self.checker, random, length=length, goal=goal)
        self.text = found.text
        counts["characters"] += len(found.text)
        describe = self.checker.grammar.describe
        self.outcome.productions.update(
            {describe(production): count for production, count in found.productions.items()}
        )
        if found.dead:
            counts["dead_ends"] += 1
            self.fail("dead end", found.text, "")
            return
        if not self.checker.accepts(found.text):
            counts["walks_refused"] += 1
            self.fail("walked but refused", found.text, self.checker.explain(found.text))
        self.judge(found.text, "")
        prefix = found.text[: random.randint(0, len(found.text))]
        self.complete(prefix)
        self.stumble(prefix, random)

    def complete(self, prefix: str) -> None:
        """Complete a prefix as the decoder does when its budget runs out, and judge the whole."""
        counts = self.outcome.counts
        counts["completions"] += 1
        self.text = prefix
        if not self.checker.prefix_ok(prefix):
            counts["prefixes_refused"] += 1
            self.fail("prefix refused", prefix, "of a walked query")
            return
        try:
            whole = self.checker.complete(prefix)
        except ValueError as error:
            counts["completions_missing"] += 1
            self.fail("completion missing", prefix, error)
            return
        self.judge(whole, "completion_")

    def stumble(self, prefix: str, random: Random) -> None:
        """Go on from a prefix with what a model might propose; complete that, and judge it."""
        whole = ""
        for text, state in stumble(self.checker, random, prefix):
            self.outcome.counts["stumbles"] += 1
            self.text = text.decode(errors="replace")
            try:
                whole = (text + self.checker.completion(state)).decode()
            except ValueError as error:
                self.outcome.counts["stuck"] += 1
                self.fail("stuck", self.text, error)
                return
        if whole:
            self.judge(whole, "completion_")

    def judge(self, text: str, of: str) -> None:
        """Ask the oracle about the SQL of a text."""
        try:
            sql = self.checker.to_sql(text)
        except ValueError as error:
            self.outcome.counts["not_rewritten"] += 1
            self.fail("not rewritten", text, error)
            return
        fault = self.oracle.fault(sql)
        if fault is not None:
            who = "engine" if fault.layer == "engine" else "sqlglot"
            who = "gate" if fault.message.startswith("gate: ") else who
            self.outcome.counts[f"{of}{who}_failures"] += 1
            self.fail(f"{of}{who}", sql, fault.message)

    def fail(self, what: str, sql: str, why: object) -> None:
        """Keep a text that is not fine."""
        record = {"what": what, "schema": self.oracle.schema.name, "sql": sql, "why": str(why)}
        self.outcome.failures.append(record)


FAULTS = (
    *("sqlglot_failures", "engine_failures", "gate_failures", "dead_ends", "walks_refused"),
    *("completion_sqlglot_failures", "completion_engine_failures", "completion_gate_failures"),
    *("prefixes_refused", "completions_missing", "stuck", "not_rewritten", "crashes", "slow"),
)


def grouped(failures: list[dict[str, str]]) -> list[tuple[str, list[dict[str, str]]]]:
    """Return failures by what failed and the message without its names, the largest first."""
    groups: dict[str, list[dict[str, str]]] = {}
    for failure in sorted(failures, key=lambda one: (one["schema"], one["sql"])):
        key = f"{failure['what']}: {_NAMES.sub('_', failure['why'])}"
        groups.setdefault(key, []).append(failure)
    return sorted(groups.items(), key=lambda group: -len(group[1]))


def write(failures: list[dict[str, str]], path: Path) -> None:
    """Write failures as JSON lines, group by group, the shortest text of each first."""
    lines = [
        json.dumps({"group": key} | failure, ensure_ascii=False)
        for key, own in grouped(failures)
        for failure in sorted(own, key=lambda one: len(one["sql"]))
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def show(found: Outcome, options: argparse.Namespace) -> None:
    """Print the productions with their counts, then the groups of failures, one text of each."""
    rows = sorted(found.productions.items(), key=lambda row: -row[1])
    print(text_table(("production", "times"), rows))
    never = unreached(found, options)
    print(f"never reached: {', '.join(never) or 'none'}")
    for key, own in grouped(found.failures)[: options.show]:
        shortest = min(own, key=lambda one: len(one["sql"]))
        print(f"\n{len(own)} x {key}\n  {shortest['schema']}: {shortest['sql'][:500]}")


def unreached(found: Outcome, options: argparse.Namespace) -> list[str]:
    """Return the productions of a dialect that no walk has used."""
    empty = Schema("none", options.dialect, ())
    checker = Checker(empty, dialect=options.dialect, order=options.order)
    return sorted(set(checker.productions()) - set(found.productions))


def summary(found: Outcome, options: argparse.Namespace, known: int) -> dict[str, Any]:
    """Return the last line."""
    counts, never = found.counts, unreached(found, options)
    return {
        "benchmark": "checker_fuzz",
        "dialect": options.dialect,
        "order": options.order,
        "schemas": known,
        "queries": counts["queries"],
        "mean_characters": round(counts["characters"] / max(counts["queries"], 1), 1),
        **{key: counts[key] for key in FAULTS},
        "completions": counts["completions"],
        "stumbles": counts["stumbles"],
        "productions_reached": len(found.productions),
        "productions": len(found.productions) + len(never),
        "never_reached": never,
        "seed": options.seed,
    }


if __name__ == "__main__":
    main()
