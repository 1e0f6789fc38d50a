"""The feedback file: what was acknowledged is there, whatever happens to the process."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

from text2sql.errors import DataError, OutputError
from text2sql.serving.feedback import Feedback, FeedbackStore, check_feedback, read_feedback

DOWN = Feedback("down", "orders in May?", "SELECT 1", "shop")

# keeps on adding, and says each number once `add` has returned
WRITER = """
import sys
from text2sql.serving.feedback import Feedback, FeedbackStore
store = FeedbackStore(sys.argv[1])
for n in range(10**6):
    print(store.add(Feedback("up", f"question {n}", "SELECT 1", "shop")), flush=True)
"""


def test_everything_that_is_said_is_kept(tmp_path):
    said = Feedback(
        "correction", "orders in May?", "SELECT 1", "shop", "SELECT 2", "May is 5", "no", "ann",
        "r-1", "ab12", True,
    )  # fmt: skip
    with FeedbackStore(tmp_path / "deep" / "said.sqlite") as store:
        assert [store.add(said), store.add(DOWN)] == [1, 2]

    first, second = read_feedback(tmp_path / "deep" / "said.sqlite")
    assert first.time.endswith("+00:00") and first.follow_up is True
    assert first == Feedback(**{n: getattr(said, n) for n in Feedback.__slots__} | {
        "time": first.time, "id": 1})  # fmt: skip
    assert (second.kind, second.corrected, second.user) == ("down", None, None)


def test_what_was_acknowledged_survives_a_kill(tmp_path):
    path = tmp_path / "said.sqlite"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    acknowledged = 0
    while acknowledged < 40:
        acknowledged = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    rest = writer.communicate()[0].split()
    acknowledged = max([acknowledged, *map(int, rest)])

    kept = [said.question for said in read_feedback(path)]
    assert kept[:acknowledged] == [f"question {n}" for n in range(acknowledged)]
    with FeedbackStore(path) as store:
        assert store.add(DOWN) == len(kept) + 1


def test_the_disk_is_asked_for_each_entry(tmp_path):
    with FeedbackStore(tmp_path / "said.sqlite") as store:
        said = store._connection.execute
        assert said("PRAGMA journal_mode").fetchone() == ("wal",)
        assert said("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_threads_and_processes_wait_for_each_other(tmp_path):
    path = tmp_path / "said.sqlite"
    begin = threading.Barrier(4)

    def write() -> None:
        begin.wait()
        with FeedbackStore(path) as store:
            for _ in range(10):
                store.add(DOWN)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [said.id for said in read_feedback(path)] == list(range(1, 41))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (Feedback("maybe", "q", "SELECT 1", "shop"), "one of up, down, correction, edit"),
        (Feedback("up", " ", "SELECT 1", "shop"), "needs 'question'"),
        (Feedback("down", "q", None, "shop"), "needs 'sql'"),
        (Feedback("edit", "q", "SELECT 1", "shop"), "needs 'corrected'"),
        (Feedback("up", "q", "SELECT 1", "shop", "SELECT 2"), "'corrected' belongs to"),
        (Feedback("up", "q" * 4_001, "SELECT 1", "shop"), "at most 4,000"),
        (Feedback("up", "q", "SELECT " + "1" * 20_000, "shop"), "at most 20,000"),
    ],
)
def test_what_is_no_feedback_is_refused(said, message):
    with pytest.raises(DataError, match=message):
        check_feedback(said)


def test_half_a_character_is_refused_and_the_next_entry_kept(tmp_path):
    with FeedbackStore(tmp_path / "said.sqlite") as store:
        with pytest.raises(DataError, match="not UTF-8"):
            store.add(Feedback("up", "q\ud800", "SELECT 1", "shop"))
        assert store.add(DOWN) == 1


def test_another_database_is_neither_written_nor_read(shop, tmp_path):
    before = shop.read_bytes()
    with pytest.raises(OutputError, match="holds no feedback"):
        FeedbackStore(shop)
    with pytest.raises(DataError, match="holds no feedback"):
        read_feedback(shop)
    (tmp_path / "notes.txt").write_text("no database, whatever its length is, is in here" * 50)
    with pytest.raises(OutputError, match="not a database"):
        FeedbackStore(tmp_path / "notes.txt")

    assert shop.read_bytes() == before
    with pytest.raises(DataError, match="no such file"):
        read_feedback(tmp_path / "none.sqlite")


def test_a_file_that_another_process_holds_is_an_error_not_a_loss(tmp_path, monkeypatch):
    monkeypatch.setattr("text2sql.serving.feedback.WAIT_SECONDS", 0.05)
    with FeedbackStore(tmp_path / "said.sqlite") as store:
        other = sqlite3.connect(tmp_path / "said.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputError, match="locked"):
            store.add(DOWN)
        other.execute("COMMIT")
        other.close()
        assert store.add(DOWN) == 1
