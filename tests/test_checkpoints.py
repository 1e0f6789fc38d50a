"""Checkpoints: what a kill left half-written is passed over, and no whole one is deleted early."""

import json
from pathlib import Path

import pytest

from text2sql.training.checkpoints import SEAL, STATE, is_whole, last_checkpoint, rotate, seal


def checkpoint(folder: Path, step: int, *, sealed: bool = True) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / STATE).write_text(json.dumps({"global_step": step}))
    (path / "adapter_model.safetensors").write_bytes(b"weights")
    if sealed:
        seal(path)
    return path


def test_the_latest_sealed_checkpoint_is_the_one_to_resume_from(tmp_path):
    for step in (20, 100, 40):
        checkpoint(tmp_path, step)

    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-100"
    assert last_checkpoint(tmp_path / "nowhere") is None


@pytest.mark.parametrize("harm", ["never sealed", "seal cut", "file cut", "file gone", "no state"])
def test_a_checkpoint_that_is_not_whole_is_passed_over_and_removed(harm, tmp_path):
    before = checkpoint(tmp_path, 20)
    broken = checkpoint(tmp_path, 40, sealed=harm != "never sealed")
    if harm == "seal cut":
        (broken / SEAL).write_text((broken / SEAL).read_text()[:20])
    if harm == "file cut":
        (broken / "adapter_model.safetensors").write_bytes(b"wei")
    if harm == "file gone":
        (broken / "adapter_model.safetensors").unlink()
    if harm == "no state":
        (broken / STATE).unlink()
        seal(broken)

    assert last_checkpoint(tmp_path) == before
    assert not broken.exists()


def test_rotation_counts_whole_checkpoints_only(tmp_path):
    for step in (20, 40, 60):
        checkpoint(tmp_path, step)
    unfinished = checkpoint(tmp_path, 80, sealed=False)
    rotate(tmp_path, keep=2)

    assert {path.name for path in tmp_path.iterdir() if is_whole(path)} == {
        "checkpoint-40",
        "checkpoint-60",
    }
    assert unfinished.exists()  # it may be the one that is being written
    rotate(tmp_path, keep=None)
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-60"
