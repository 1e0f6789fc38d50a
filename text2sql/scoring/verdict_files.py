"""Verdicts on disk: one a line, with the scorecard and its manifest beside them.

    >>> write_verdicts(scores, "runs/a.jsonl")      # and runs/a.scorecard.json

Covered: files that appear whole or not at all.
Not covered: verdicts while they are made (`journal`).
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from text2sql.errors import OutputError
from text2sql.outputs import full_disk, write_whole

if TYPE_CHECKING:
    from text2sql.scoring.scores import Scores


def scorecard_path(verdicts: str | Path) -> Path:
    """Return where the scorecard of a verdict file lies: `x.jsonl` has `x.scorecard.json`."""
    path = Path(verdicts)
    return path.with_name(f"{path.name.removesuffix('.jsonl')}.scorecard.json")


def write_verdicts(scores: "Scores", path: str | Path) -> None:
    """Write one verdict a line, and the scorecard with its manifest beside it.

    Raises:
        OutputError: a file cannot be written.
    """
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in scores.records())
    write_lines(lines, scores, Path(path))


def write_lines(lines: Iterable[str], scores: "Scores", path: Path) -> None:
    """Write verdicts that are lines already, and the scorecard beside them.

    Raises:
        OutputError: as `write_verdicts`.
    """
    if path.is_dir():
        raise OutputError(f"cannot write {path}: this is a folder")
    scratch = path.with_name(f".{path.name}.part")
    try:
        with (
            full_disk(path.parent),
            scratch.open("w", encoding="utf-8", errors="surrogatepass", newline="\n") as file,
        ):
            file.writelines(lines)
        card = json.dumps(scores.scorecard, ensure_ascii=False, indent=2)
        write_whole(scorecard_path(path), card + "\n")
        shutil.move(scratch, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    finally:
        scratch.unlink(missing_ok=True)
