"""Output folders: nothing of somebody else's is touched, and files appear whole."""

import pytest

from text2sql.errors import OutputError
from text2sql.outputs import owned, write_whole


def test_a_folder_that_is_there_is_refused_and_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")

    with (
        pytest.raises(OutputError, match="--resume, or replace it with --overwrite"),
        owned(tmp_path),
    ):
        pass
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_overwriting_empties_a_run_of_ours_and_no_other_folder(tmp_path):
    with owned(tmp_path / "run") as folder:
        (folder / "old.json").write_text("{}")
    with owned(tmp_path / "run", overwrite=True) as folder:
        assert [path.name for path in folder.iterdir()] == [".lock"]
        (folder / "new.json").write_text("{}")

    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("keep")
    with (
        pytest.raises(OutputError, match="somebody else's"),
        owned(tmp_path / "home", overwrite=True),
    ):
        pass
    assert (tmp_path / "home" / "thesis.tex").read_text() == "keep"


def test_a_block_that_leaves_nothing_leaves_no_folder(tmp_path):
    with pytest.raises(ZeroDivisionError), owned(tmp_path / "run"):
        _ = 1 / 0
    assert not (tmp_path / "run").exists()


def test_a_file_in_place_of_a_folder_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("keep")

    for options in ({}, {"resume": True}, {"overwrite": True}):
        with pytest.raises(OutputError), owned(tmp_path / "file", **options):
            pass
    assert (tmp_path / "file").read_text() == "keep"


def test_a_folder_is_held_by_one_at_a_time(tmp_path):
    with (
        owned(tmp_path / "run"),
        pytest.raises(OutputError, match="in use by another process"),
        owned(tmp_path / "run", resume=True),
    ):
        pass


def test_a_file_is_replaced_whole_and_leaves_no_scratch(tmp_path):
    write_whole(tmp_path / "a.json", "old")
    write_whole(tmp_path / "a.json", "new")

    assert (tmp_path / "a.json").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
