"""Several processes of one run: the main one works, all get its result or its exception."""

import multiprocessing
from pathlib import Path

import forked
import pytest

from text2sql.errors import DatabaseError
from text2sql.training.processes import on_main, wait_for_all


def share_work(rank: int, meeting: Path, told: "multiprocessing.Queue[tuple]") -> None:
    from torch import distributed

    distributed.init_process_group("gloo", init_method=meeting.as_uri(), rank=rank, world_size=2)
    worked: list[int] = []
    number = on_main(rank == 0, lambda: worked.append(rank) or 42)
    wait_for_all()
    try:
        on_main(rank == 0, lambda: {}["gone"])
        error = None
    except KeyError as found:
        error = str(found)
    told.put((rank, worked, number, error))
    distributed.destroy_process_group()


def test_two_processes_share_the_work_of_the_main_one(tmp_path):
    told = forked.server().Queue()
    pair = [forked.start(share_work, rank, tmp_path / "meet", told) for rank in (0, 1)]
    answers = sorted(told.get(timeout=120) for _ in pair)
    for process in pair:
        process.join()

    assert answers == [(0, [0], 42, "'gone'"), (1, [], 42, "'gone'")]


def test_a_process_that_is_alone_just_works():
    assert on_main(True, lambda: 42) == 42
    with pytest.raises(DatabaseError):
        on_main(True, fail)


def fail() -> None:
    raise DatabaseError("gone")
