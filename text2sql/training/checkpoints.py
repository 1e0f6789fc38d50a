"""The checkpoints of a run: sealed when they are whole, and the last sealed one to resume from.

    >>> seal(Path("runs/mine/checkpoints/checkpoint-40"))
    >>> last_checkpoint(Path("runs/mine/checkpoints"))
    PosixPath('runs/mine/checkpoints/checkpoint-40')

A process that was killed while it wrote a checkpoint leaves a folder without a seal: it is ignored
and removed. The seal is written last, by rename, after every file has reached the disk, and names
them with their sizes; so an older checkpoint may be deleted once a newer one is sealed, and no
sooner.
"""

import json
import os
import shutil
from pathlib import Path

from text2sql.outputs import write_whole

SEAL = "complete.json"
STATE = "trainer_state.json"


def seal(checkpoint: Path) -> None:
    """Mark a checkpoint as whole, once all of it is on the disk.

    Raises:
        OutputError: the disk is full.
    """
    files = sorted(p for p in checkpoint.rglob("*") if p.is_file() and p.name != SEAL)
    for path in files:
        _sync(path)
    sizes = {str(path.relative_to(checkpoint)): path.stat().st_size for path in files}
    write_whole(checkpoint / SEAL, json.dumps(sizes, indent=1) + "\n")
    for path in (checkpoint / SEAL, checkpoint, checkpoint.parent):
        _sync(path)


def last_checkpoint(folder: Path) -> Path | None:
    """Return the latest whole checkpoint; remove what a killed process left half-written."""
    for path in _by_step(folder):
        if is_whole(path):
            return path
        shutil.rmtree(path)
    return None


def is_whole(checkpoint: Path) -> bool:
    """Tell whether a checkpoint was sealed and its files still have the sizes that they had."""
    try:
        sizes = json.loads((checkpoint / SEAL).read_text(encoding="utf-8"))
        return STATE in sizes and all(
            (checkpoint / name).stat().st_size == size for name, size in sizes.items()
        )
    except (OSError, ValueError):
        return False


def rotate(folder: Path, *, keep: int | None) -> None:
    """Delete the oldest whole checkpoints beyond `keep`; None keeps all."""
    whole = [path for path in _by_step(folder) if is_whole(path)]
    for path in whole[keep:] if keep is not None else ():
        (path / SEAL).unlink()  # first, so that a kill amid the deletion leaves no half of one
        shutil.rmtree(path)


def step_of(checkpoint: Path) -> int:
    """Return the step after which a checkpoint was saved, -1 where its name has none."""
    tail = checkpoint.name.rpartition("-")[2]
    return int(tail) if tail.isdigit() else -1


def _by_step(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True)


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
