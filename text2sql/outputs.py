"""An output folder that one run at a time owns, and files that appear whole or not at all.

    >>> with owned("runs/mine", resume=True) as folder:
    ...     write_whole(folder / "scorecard.json", text)

Not covered: file systems without flock (some network shares): two runs there are not told apart.
"""

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from text2sql.errors import OutputError

LOCK = ".lock"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_TEXTS = (
    "No space left",
    "os error 28",  # safetensors
    "os error 27",
    "failed writing file",  # torch.save, in words that depend on where it was
    "] . unexpected pos",
)


@contextmanager
def owned(folder: str | Path, *, resume: bool = False, overwrite: bool = False) -> Iterator[Path]:
    """Create the folder, or take over an existing one, and hold it until the block ends.

    A folder in which the block leaves nothing is removed again.

    Raises:
        OutputError: it exists and neither `resume` nor `overwrite` is given, it holds files that
            no run of ours wrote, it is in use, or it cannot be written.
    """
    if resume and overwrite:
        raise OutputError("--resume and --overwrite contradict each other")
    folder = Path(folder)
    used = folder.exists() and not (folder.is_dir() and _names(folder) <= {LOCK})
    if used and not (resume or overwrite):
        raise OutputError(
            f"{folder} exists: continue it with --resume, or replace it with --overwrite"
        )
    if used and overwrite and LOCK not in _names(folder):
        raise OutputError(f"{folder} holds files of somebody else's: choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}") from None
    with lock:
        _hold(lock.fileno(), folder)
        if overwrite:
            _empty(folder)
        try:
            yield folder
        finally:
            if _names(folder) <= {LOCK}:
                (folder / LOCK).unlink(missing_ok=True)
                folder.rmdir()


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _hold(descriptor: int, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows has no flock
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OutputError(f"{folder} is in use by another process") from None


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == LOCK:
            continue
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a kill, finds the old text or the new, never a part.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    with full_disk(path.parent):
        try:
            scratch.write_text(text, encoding="utf-8")
            scratch.replace(path)
        except PermissionError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None
        finally:
            scratch.unlink(missing_ok=True)


@contextmanager
def full_disk(folder: Path, *, kept: str = "") -> Iterator[None]:
    """Turn the many ways in which libraries say that the disk is full into one line.

    Args:
        folder: what is being written, for the message.
        kept: what is safe and how to go on, for the message.
    """
    try:
        yield
    except Exception as error:  # safetensors has an exception of its own
        if getattr(error, "errno", None) in FULL or any(t in str(error) for t in FULL_TEXTS):
            after = f"; {kept}" if kept else ""
            raise OutputError(f"the disk is full: cannot write to {folder}{after}") from None
        raise
