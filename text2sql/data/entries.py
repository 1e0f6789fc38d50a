"""Add an entry to a project file that a person wrote: nothing else of its text changes.

    >>> add_data_entry(Path("text2sql.yaml"), "mine", {"path": "data/mine", "database": "shop"})

The entry is a line of text under `data:`; the file is read again to see that it says what it said
before, and the entry. A file that does not exist is made.

Covered: block style, with comments, with and without entries; an entry that is there already.
Not covered: `data: {...}` in braces: the message holds the line to be added by hand.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from text2sql.errors import SettingsError
from text2sql.outputs import write_whole
from text2sql.settings import read_settings

_PLAIN = re.compile(r"[A-Za-z_/][\w./-]*")
_SECTION = re.compile(r"^data:[ \t]*(#[^\n]*)?$", re.MULTILINE)


def add_data_entry(file: Path, name: str, entry: Mapping[str, str]) -> None:
    """Add a data set to a project file.

    Args:
        file: the project file.
        name: of the data set.
        entry: its keys and values, all text.

    Raises:
        SettingsError: the file says something else under that name, or has a form in which nothing
            can be added.
    """
    before = read_settings(file).content if file.exists() else {}
    known = (before.get("data") or {}).get(name)
    said = {"path": known} if isinstance(known, str) else known
    if said is not None:
        if said != dict(entry):
            raise SettingsError(f"{file}: data set {name!r} is there already, with other settings")
        return
    text = file.read_text(encoding="utf-8-sig") if file.exists() else ""
    inside = ", ".join(f"{key}: {_text(value)}" for key, value in entry.items())
    line = f"{_text(name)}: {{{inside}}}"
    wanted = before | {"data": (before.get("data") or {}) | {name: dict(entry)}}
    changed = _with_line(text, line)
    if changed is None or not _says(changed, wanted, file):
        raise SettingsError(f"{file}: cannot be added to; put this under `data:` yourself: {line}")
    write_whole(file, changed)


def _text(value: str) -> str:
    """Return a text as YAML has it: in quotes where it could mean something."""
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _with_line(text: str, line: str) -> str | None:
    """Return the text with a line under `data:`; None where that is not in block style."""
    section = _SECTION.search(text)
    if section is None:
        if re.search(r"^data:", text, re.MULTILINE):
            return None
        return f"{text.rstrip()}\n\ndata:\n  {line}\n".lstrip()
    rest = text[section.end() :]
    first = re.search(r"^([ \t]+)[^\s#]", rest, re.MULTILINE)
    own = first and not re.search(r"^[^\s#]", rest[: first.start()], re.MULTILINE)
    indent = first[1] if first and own else "  "
    return f"{text[: section.end()]}\n{indent}{line}{rest or chr(10)}"


def _says(text: str, wanted: Mapping[str, object], file: Path) -> bool:
    """Tell whether a text, read as a project file, says just that."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file.name
        path.write_text(text, encoding="utf-8")
        try:
            return read_settings(path).content == wanted
        except SettingsError:
            return False
