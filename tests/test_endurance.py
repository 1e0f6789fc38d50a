"""Run ten thousand queries, one in a hundred hostile, through one executor; kill its parent.

    >>> Executor(workers=2).execute("SELECT 1", "t.sqlite", timeout=0.3).rows  # doctest: +SKIP
    [(1,)]

Covered: processes and open files left behind, memory of the parent, the databases' bytes, and
workers whose parent was killed in the middle of a query.
Not covered: a machine that runs out of memory or of process numbers.
"""

import ctypes
import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import duckdb
import pytest

from text2sql.execution import Execution, Executor

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT (n * 7) % 65537 FROM r) "
# refused, wrong or too large; the last one uses up its deadline
HOSTILE = [
    *["DROP TABLE t", "PRAGMA writable_schema = 1", "ATTACH '/tmp/t2s_endurance.db' AS p"],
    *["SELECT * FROM sqlite_master", "SELECT 1; DELETE FROM t", "not SQL at all"],
    *["SELECT x FROM nowhere", "SELECT " + "(" * 500 + "1" + ")" * 500],
    "SELECT length(printf('%.900000000c', 'x')) AS n",
    ENDLESS + "SELECT min(n) FROM r",
]
# one opcode or one call that no interrupt cuts, so that the worker has to be killed
STUCK = {
    "sqlite": "SELECT length(ltrim(hex(zeroblob(400000)), "
    "replace(hex(zeroblob(400000)), '0', 'a') || '0'))",
    "duckdb": "SELECT levenshtein(repeat('ab', 100000), repeat('ba', 100000))",
}
HARMLESS = [
    "SELECT count(*) FROM t WHERE id > {n}",
    "SELECT name, v FROM t WHERE id = {n}",
    "SELECT id % 5 AS k, sum(v) FROM t WHERE id < {n} GROUP BY 1 ORDER BY 1",
    "SELECT a.name FROM t a JOIN t b ON a.id = b.id + 1 WHERE b.id = {n}",
    "WITH x AS (SELECT max(v) AS m FROM t) SELECT min(id) FROM t, x WHERE v = m",
]


def build(folder: Path) -> list[Path]:
    """Make `t` of 1,000 rows as a SQLite and as a DuckDB file."""
    paths = [folder / "t.sqlite", folder / "t.duckdb"]
    create = "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, v REAL)"
    small = sqlite3.connect(paths[0])
    small.execute(create)
    rows = [(n, f"n{n}", n % 97 / 4) for n in range(1, 1001)]
    small.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    small.commit()
    small.close()
    with duckdb.connect(str(paths[1])) as columns:
        columns.execute(create)
        columns.execute("INSERT INTO t SELECT i, 'n' || i, i % 97 / 4 FROM range(1, 1001) r(i)")
    return paths


def queries(paths: list[Path], count: int) -> list[tuple[str, Path, bool]]:
    """Return statement, file and whether it is harmless: one in a hundred is not."""
    rng, made = random.Random(7), []
    for n in range(count):
        # DuckDB takes several times as long for a small query
        path = paths[rng.random() < 0.1]
        if n % 500 == 99:
            made.append((STUCK[path.suffix[1:]], path, False))
        elif n % 100 == 99:
            made.append((rng.choice(HOSTILE), path, False))
        else:
            made.append((rng.choice(HARMLESS).format(n=rng.randrange(1, 1000)), path, True))
    return made


def processes() -> dict[int, tuple[int, str]]:
    """Return the parent and the command line of every process that is not a zombie."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended since
            continue
        if state != "Z":
            found[int(entry.name)] = (int(parent), command)
    return found


def descendants(root: int) -> set[int]:
    """Return the ids of the processes below one."""
    parents, found = processes(), {root}
    while more := {pid for pid, (parent, _) in parents.items() if parent in found} - found:
        found |= more
    return found - {root}


@contextmanager
def heir_of_orphans() -> Iterator[None]:
    """Let this process inherit what loses its parent below it, so that nothing gets out of sight.

    Linux's subreaper (prctl(2)); otherwise init inherits, whose children are of the whole machine.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1) == 0
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0)


def footprint() -> tuple[int, int]:
    """Return open files and resident memory in kB of this process."""
    status = Path("/proc/self/status").read_text().splitlines()
    memory = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return len(list(Path("/proc/self/fd").iterdir())), memory


def survive(executor: Executor, asked: list[tuple[str, Path, bool]]) -> list[Execution]:
    """Run queries from two threads and return the outcomes of the harmless ones."""

    def run(query: tuple[str, Path, bool]) -> Execution:
        sql, path, harmless = query
        return executor.execute(sql, str(path), timeout=10.0 if harmless else 0.3)

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(run, asked))
    return [execution for execution, (*_, harmless) in zip(done, asked, strict=True) if harmless]


def gone(pids: set[int], *, within: float) -> bool:
    """Return whether processes end within some seconds."""
    end = monotonic() + within
    while (left := pids & set(processes())) and monotonic() < end:
        sleep(0.05)
    return not left


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads processes from /proc")
def test_ten_thousand_queries_leave_nothing_behind(tmp_path: Path) -> None:
    paths = build(tmp_path)
    hashes = [hashlib.md5(path.read_bytes()).hexdigest() for path in paths]
    asked, before = queries(paths, 10_000), descendants(os.getpid())
    with heir_of_orphans(), Executor(workers=2) as executor:
        first = survive(executor, asked[:2_000])
        files, memory = footprint()
        first += survive(executor, asked[2_000:])
        workers = descendants(os.getpid()) - before
        assert [done.error for done in first if done.error] == []
        after = footprint()
    assert workers
    assert after[0] <= files + 4
    assert after[1] <= memory + 16 * 1024  # 9,900 kept outcomes are part of it
    assert gone(workers, within=5.0)
    assert descendants(os.getpid()) <= before
    assert [hashlib.md5(path.read_bytes()).hexdigest() for path in paths] == hashes
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert not Path("/tmp/t2s_endurance.db").exists()


PARENT = """
import sys
from text2sql.execution import Executor

with Executor(workers=2) as executor:
    executor.execute("SELECT 1", sys.argv[1])
    print("ready", flush=True)
    executor.execute(sys.argv[2], sys.argv[1], timeout=60.0)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads processes from /proc")
@pytest.mark.parametrize("stuck", [False, True], ids=["interruptible", "stuck"])
@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_the_workers_of_a_killed_parent_end_within_two_seconds(
    tmp_path: Path, engine: str, stuck: bool
) -> None:
    path = next(path for path in build(tmp_path) if path.suffix == f".{engine}")
    sql = STUCK[engine] if stuck else ENDLESS + "SELECT min(n) FROM r"
    command = [sys.executable, "-c", PARENT, str(path), sql]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        sleep(0.3)  # the query is under way
        workers = descendants(parent.pid)
        parent.send_signal(signal.SIGKILL)
    ended = gone(workers, within=2.0)
    for pid in workers & set(processes()):  # what survives would burn a core for a minute
        os.kill(pid, signal.SIGKILL)
    assert workers
    assert ended
