"""Processes: none is left behind, none is mixed up, none trusts another."""

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_databases import build_duckdb, build_sqlite

from text2sql.errors import SettingsError
from text2sql.execution import Execution, Executor
from text2sql.execution.frames import collect, decode, encode
from text2sql.execution.results import Caps
from text2sql.execution.workers import Request, Worker

ROOT = Path(__file__).parents[1]
HARD = (
    "SELECT instr(hex(zeroblob(4000000)), hex(zeroblob(200000)) || '1')"  # one operation: only kill
)
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's /proc")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sqlite(tmp_path_factory.mktemp("workers"))


def gone(pid: int) -> bool:
    """Tell whether a process has ended; a zombie that nobody waits for has."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "Z" and len(list(Path(f"/proc/{pid}/task").iterdir())) == 1:
                return True  # and none of its threads is still on its way out
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.1)
    return False


def start_endless(executor: Executor, threads: ThreadPoolExecutor) -> "Future[Execution]":
    """Start a query that does not end by itself, and wait until a worker has it."""
    executor.execute("SELECT 1")
    endless = threads.submit(executor.execute, "SELECT count(*) FROM t a, t b, t c", timeout=60)
    while executor._idle:
        time.sleep(0.01)
    time.sleep(0.3)
    return endless


def script(folder: Path, body: str) -> subprocess.Popen[str]:
    """Start a script without a main guard, in a folder whose files shadow standard modules."""
    (folder / "signal.py").write_text("raise ImportError('the wrong module')\n")
    (folder / "job").mkdir()
    file = folder / "job" / "job.py"
    file.write_text(textwrap.dedent(body))
    return subprocess.Popen(
        [sys.executable, str(file)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a background job of a shell ignores Ctrl-C, and so would whatever it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@needs_proc
def test_a_worker_killed_from_outside_is_replaced(path: Path) -> None:
    with Executor(path) as executor:
        executor.execute("SELECT 1")
        pid = executor._crew[0].pid
        os.kill(pid, signal.SIGKILL)
        assert gone(pid)
        assert executor.execute("SELECT 2").rows == [(2,)]


def test_a_worker_killed_while_it_runs_says_killed(path: Path) -> None:
    with Executor(path) as executor:
        with ThreadPoolExecutor(1) as threads:
            slow = start_endless(executor, threads)
            os.kill(executor._crew[0].pid, signal.SIGKILL)
            assert slow.result().error_kind == "killed"
        assert executor.execute("SELECT 2").rows == [(2,)]


def test_want_of_memory_costs_one_statement(path: Path) -> None:
    with Executor(path, memory=256 << 20) as executor:
        greedy = "SELECT json_group_array(hex(zeroblob(9000))) FROM t a, t b"
        assert executor.execute(greedy).error_kind in ("memory", "timeout")
        assert executor.execute("SELECT 2").rows == [(2,)]


def test_threads_share_workers_without_mixing_answers(path: Path, tmp_path: Path) -> None:
    others = [build_sqlite(tmp_path)]
    with Executor(workers=2) as executor, ThreadPoolExecutor(8) as threads:

        def ask(i: int) -> bool:
            sql = f"SELECT {i}, name FROM t WHERE id = {i + 1}"
            return executor.execute(sql, [path, *others][i % 2]).rows == [(i, f"n{i + 1}")]

        assert all(threads.map(ask, range(400)))
        assert len(executor._crew) <= 2


def test_many_databases_pass_through_one_worker(tmp_path: Path) -> None:
    for i in range(40):
        connection = sqlite3.connect(tmp_path / f"{i}.sqlite")
        connection.execute(f"CREATE TABLE u AS SELECT {i} AS a")
        connection.close()
    with Executor() as executor:
        for i in [*range(40), *range(40)]:
            assert executor.execute("SELECT a FROM u", tmp_path / f"{i}.sqlite").rows == [(i,)]


def test_statements_that_are_sent_ahead_are_answered_in_order(path: Path) -> None:
    worker, caps = Worker(memory=1 << 30), Caps(timeout=20.0)
    asked = [Request("sqlite", str(path), (), f"SELECT {i}") for i in range(100)]
    replies = worker.ask_many(asked, caps)
    worker.stop()
    assert [reply.error for reply in replies] == [None] * 100
    assert [decode(reply.pages[0]) for reply in replies] == [[(i,)] for i in range(100)]


def test_a_closed_executor_says_so(path: Path) -> None:
    with Executor(path) as executor:
        executor.execute("SELECT 1")
    with pytest.raises(SettingsError, match="closed"):
        executor.execute("SELECT 1")
    with pytest.raises(SettingsError, match="workers"):
        Executor(path, workers=0)


def test_closing_ends_what_still_runs(path: Path) -> None:
    executor = Executor(path)
    with ThreadPoolExecutor(1) as threads:
        slow = start_endless(executor, threads)
        executor.close()
        assert slow.result().error_kind == "killed"


@pytest.fixture
def heeds_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_does_not_hand_the_answer_to_the_next_caller(path: Path, heeds_ctrl_c) -> None:
    with Executor(path) as executor:
        executor.execute("SELECT 1")
        main = threading.main_thread().ident
        timer = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            executor.execute("SELECT count(*) FROM t a, t b, t c", timeout=30)
        assert executor.execute("SELECT 2").rows == [(2,)]


BODY = """
    from text2sql.execution import execute, executor
    print(execute("SELECT 40 + 2", {path!r}).rows[0][0], flush=True)
    print(executor.shared()._crew[0].pid, flush=True)
"""


@needs_proc
def test_a_script_without_main_guard_runs_and_leaves_nothing(path: Path, tmp_path: Path) -> None:
    job = script(tmp_path, BODY.format(path=str(path)) + "    raise SystemExit('over')\n")
    out, error = job.communicate(timeout=60)
    assert out.splitlines()[0] == "42", error
    assert "over" in error
    assert gone(int(out.splitlines()[1]))


@needs_proc
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_workers_leave_when_their_parent_dies(path: Path, tmp_path: Path, how: int) -> None:
    job = script(tmp_path, BODY.format(path=str(path)) + "    import time; time.sleep(60)\n")
    assert job.stdout is not None
    assert job.stdout.readline() == "42\n"
    pid = int(job.stdout.readline())
    job.send_signal(how)
    job.communicate(timeout=60)
    assert gone(pid)


@needs_proc
def test_a_worker_that_is_busy_ends_itself_when_its_parent_dies(path: Path, tmp_path: Path) -> None:
    busy = f"    execute({HARD!r}, {str(path)!r}, timeout=1.0)\n"
    job = script(tmp_path, BODY.format(path=str(path)) + busy)
    assert job.stdout is not None
    job.stdout.readline()
    pid = int(job.stdout.readline())
    time.sleep(0.2)
    job.kill()
    job.communicate(timeout=60)
    assert gone(pid)


def test_a_forked_child_gets_workers_of_its_own(path: Path, tmp_path: Path) -> None:
    body = (
        BODY.format(path=str(path))
        + """
    import os, sys
    child = os.fork()
    print("child" if child == 0 else "parent", execute("SELECT 5", {path!r}).rows, flush=True)
    sys.exit(0) if child == 0 else os.waitpid(child, 0)
    print("still", execute("SELECT 6", {path!r}).rows, flush=True)
    """.format(path=str(path))
    )
    out, error = script(tmp_path, body).communicate(timeout=60)
    assert sorted(out.splitlines()[2:]) == ["child [(5,)]", "parent [(5,)]", "still [(6,)]"], error


def test_an_idle_worker_lets_go_of_duckdb_files(tmp_path: Path) -> None:
    import duckdb

    path = build_duckdb(tmp_path)
    with Executor(path) as executor:
        assert executor.execute("SELECT count(*) FROM t").rows == [(20_000,)]
        for _ in range(100):
            try:
                with duckdb.connect(str(path)) as connection:
                    connection.execute("DELETE FROM t")
                break
            except duckdb.IOException:
                time.sleep(0.1)
        assert executor.execute("SELECT count(*) FROM t").rows == [(0,)]


def test_a_frame_builds_no_class_that_a_result_does_not_hold() -> None:
    with pytest.raises(pickle.UnpicklingError, match="system"):
        decode(b"cposix\nsystem\n(S'true'\ntR.")
    with pytest.raises(pickle.UnpicklingError, match="Path"):
        decode(encode(ROOT))


values = (
    st.none() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False) | st.dates()
)
tables = st.lists(st.tuples(values, values), max_size=60)


@given(tables, st.integers(1, 70), st.integers(1, 2_000))
def test_collect_keeps_a_head_of_the_rows_and_says_when_it_cut(
    rows: list[tuple[object, object]], max_rows: int, max_bytes: int
) -> None:
    left = iter(rows)
    pages, truncated = collect(
        lambda n: list(islice(left, n)),
        max_rows=max_rows,
        max_bytes=max_bytes,
        check=lambda: None,
    )
    kept = [row for page in pages for row in decode(page)]
    assert kept == rows[: len(kept)]
    assert truncated == (len(kept) < len(rows))
    assert len(kept) <= max_rows
    assert sum(map(len, pages)) <= max_bytes
