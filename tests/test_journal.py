"""Verdicts on disk while they are made."""

import json
import os
from pathlib import Path

import pytest

from text2sql.errors import OutputError
from text2sql.scoring.journal import Journal

RECORDS = [{"index": i, "text": "a\u2028b"} for i in range(3)]


def keep(folder: Path, fingerprint: str = "f") -> None:
    """Leave the journal of a run that did not end."""
    journal = Journal.open(folder, fingerprint)
    journal.write(RECORDS)
    journal.close(keep=True)


def test_a_run_that_did_not_end_leaves_its_records(tmp_path: Path) -> None:
    keep(tmp_path)
    with Journal.open(tmp_path, "f") as journal:
        assert journal.done == 3
        assert list(journal.records()) == RECORDS


def test_a_run_that_ended_leaves_nothing(tmp_path: Path) -> None:
    with Journal.open(tmp_path, "f") as journal:
        journal.write(RECORDS)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_raised_leaves_its_records_unless_there_are_none(tmp_path: Path) -> None:
    for records, left in ((RECORDS, 1), ([], 0)):
        with pytest.raises(ZeroDivisionError), Journal.open(tmp_path, f"f{left}") as journal:
            journal.write(records)
            raise ZeroDivisionError
        assert len(list(tmp_path.glob(f"f{left}.jsonl"))) == left


def test_a_line_cut_by_a_kill_is_dropped_and_written_again(tmp_path: Path) -> None:
    keep(tmp_path)
    path = tmp_path / "f.jsonl"
    path.write_bytes(path.read_bytes()[:-5])  # what a kill leaves of the last line
    with Journal.open(tmp_path, "f") as journal:
        assert journal.done == 2
        journal.write(RECORDS[2:])
        assert list(journal.records()) == RECORDS


def test_a_file_that_is_no_journal_of_this_run_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_text('{"fingerprint": "another"}\n{"index": 9}\n')
    with Journal.open(tmp_path, "f") as journal:
        assert journal.done == 0
        assert list(journal.records()) == []


def test_two_runs_of_the_same_thing_do_not_share_a_journal(tmp_path: Path) -> None:
    with Journal.open(tmp_path, "f") as one, Journal.open(tmp_path, "f") as two:
        one.write(RECORDS[:1])
        two.write(RECORDS[1:])
        assert (list(one.records()), list(two.records())) == (RECORDS[:1], RECORDS[1:])
    assert list(tmp_path.iterdir()) == []


def test_other_fingerprints_have_other_journals(tmp_path: Path) -> None:
    keep(tmp_path)
    with Journal.open(tmp_path, "g") as journal:
        assert journal.done == 0
    assert (
        json.loads((tmp_path / "f.jsonl").read_text(encoding="utf-8").split("\n")[1]) == RECORDS[0]
    )


def test_a_run_goes_on_where_its_journal_has_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Journal.open(tmp_path / "file" / "scores", "f") as journal:
        journal.write(RECORDS)
        assert list(journal.records()) == RECORDS
    assert not journal.path.parent.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_told_with_the_place_and_how_to_go_on(tmp_path: Path) -> None:
    message = f"cannot write to {tmp_path}; make room, then run the same again"
    with pytest.raises(OutputError, match=message), Journal.open(tmp_path, "f") as journal:
        with open("/dev/full", "wb") as full:  # noqa: PTH123
            os.dup2(full.fileno(), journal._file.fileno())
        journal.write(RECORDS)
