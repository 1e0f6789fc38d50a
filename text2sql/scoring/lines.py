"""Lines of a text file, ended by line feeds alone, and the JSON on them; faults with their line.

    >>> for number, line in read_lines(Path("predictions.sql")): ...

Covered: UTF-8 with or without a byte order mark, files of any length.
Not covered: other encodings: a line that is not UTF-8 is an error.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from text2sql.errors import DataError


def opening(path: Path) -> bytes:
    """Return the first character of a file that is not white space or a byte order mark."""
    for _, line in read_lines(path):
        if line.strip():
            return line.strip()[:1].encode(errors="replace")
    return b""


def read_lines(path: Path, *, ends: bool = False) -> Iterator[tuple[int, str]]:
    """Yield numbered lines, ended by line feeds alone.

    Raises:
        DataError: the file is missing, cannot be read, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                raw = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
                try:
                    line = raw.decode()
                except UnicodeDecodeError:
                    raise DataError("not UTF-8 text", path, number) from None
                yield number, line if ends else line.removesuffix("\n").removesuffix("\r")
    except FileNotFoundError:
        raise DataError("no such file", path) from None
    except IsADirectoryError:
        raise DataError("this is a folder, not a file", path) from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", path) from None


def decoded(text: str, path: Path, number: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"malformed JSON: {error.msg}", path, number + error.lineno - 1) from None
    except RecursionError:
        raise DataError("malformed JSON: nested too deeply", path, number) from None
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise DataError("malformed JSON: a number is too long", path, number) from None
