"""The checkpoint that a resumed training starts from: the last one that is whole.

    >>> last_checkpoint(Path("runs/mine/checkpoints"))
    PosixPath('runs/mine/checkpoints/checkpoint-40')

A process that was killed while it wrote a checkpoint leaves an incomplete folder: it is removed.
"""

import json
import shutil
from pathlib import Path

NEEDED = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt")


def last_checkpoint(folder: Path) -> Path | None:
    """Return the latest complete checkpoint; remove what a killed process left half-written."""
    found = sorted(folder.glob("checkpoint-*"), key=_step, reverse=True)
    for path in found:
        if _complete(path):
            return path
        shutil.rmtree(path)
    return None


def _step(path: Path) -> int:
    tail = path.name.rpartition("-")[2]
    return int(tail) if tail.isdigit() else -1


def _complete(path: Path) -> bool:
    # trainer_state.json is the last file that the trainer writes into a checkpoint.
    try:
        state = json.loads((path / "trainer_state.json").read_text())
    except (OSError, ValueError):
        return False
    return "global_step" in state and all((path / name).exists() for name in NEEDED)
