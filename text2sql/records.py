"""Read records from JSON, JSON Lines, CSV and `SQL<TAB>db_id` lines; name the line at fault.

    >>> [example.query for example in read_examples(Path("dev.json"))][:1]
    ['SELECT count(*) FROM singer']

Covered: UTF-8 with or without a byte order mark, blank lines between JSON Lines, several accepted
golds; every spelling of an example that `record_forms` knows; CSV with a header, separated by
commas, semicolons or tabs.

Not covered: files that do not fit in memory (an example is about 1 kB; a million is 1 GB).
"""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from text2sql.errors import DataError
from text2sql.examples import Example, read_example
from text2sql.record_forms import spelt

CSV_SUFFIXES = (".csv", ".tsv")


def read_text(path: Path) -> str:
    """Return a file's text.

    Raises:
        DataError: the file is missing, cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError("no such file", path) from None
    except IsADirectoryError:
        raise DataError("this is a folder, not a file", path) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise DataError("not UTF-8 text", path, line) from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", path) from None


def read_records(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return the objects of a JSON array or of JSON Lines, each with its 1-based line.

    A row of a CSV file is an object, too: what its header names, where the cell is not empty. In an
    array the line is that of the array's first character: the decoder keeps no positions.

    Raises:
        DataError: malformed JSON (with its line), something that is not an object, or no record.
    """
    text = read_text(path)
    if path.suffix.lower() in CSV_SUFFIXES:
        records = list(_rows(text, path))
    else:
        records = _array(text, path) if text.lstrip().startswith("[") else _lines(text, path)
    if not records:
        raise DataError("holds no record", path)
    for line, record in records:
        if not isinstance(record, dict):
            raise DataError(f"expected an object, found {type(record).__name__}", path, line)
    return records


def _rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    names: list[str] | None = None
    start = 1
    try:
        for row in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if names is None:
                names = [name.strip() for name in row]
            elif len(row) != len(names):
                raise DataError(f"has {len(row)} cells, the header {len(names)}", path, line)
            else:
                cells = zip(names, row, strict=True)
                yield line, {name: cell for name, cell in cells if cell.strip()}
    except csv.Error as error:
        raise DataError(f"malformed CSV: {error}", path, reader.line_num) from None


def _array(text: str, path: Path) -> list[tuple[int, Any]]:
    try:
        return [(1, record) for record in json.loads(text)]
    except json.JSONDecodeError as error:
        raise DataError(f"malformed JSON: {error.msg}", path, error.lineno) from None
    except RecursionError:
        raise DataError("malformed JSON: nested too deeply", path) from None
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise DataError("malformed JSON: a number is too long", path) from None


def _lines(text: str, path: Path) -> list[tuple[int, Any]]:
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            records.append((number, json.loads(line)))
        except (ValueError, RecursionError) as error:
            deep = isinstance(error, RecursionError)
            reason = "nested too deeply" if deep else getattr(error, "msg", "a number is too long")
            raise DataError(f"malformed JSON: {reason}", path, number) from None
    return records


def read_examples(path: Path, *, split: str | None = None) -> list[Example]:
    """Return the examples of a file, numbered from 0.

    Args:
        path: a JSON array or JSON Lines, a CSV file, or a `.sql` file of `SQL<TAB>db_id`.
        split: the split's name for records that do not name one; with a name, records of another
            split are left out.

    Raises:
        DataError: as `read_records`; a record without question, db_id or SQL; no record of the
            split.
    """
    if path.suffix == ".sql":
        return [
            Example(i, "", (sql,), db_id, split=split)
            for i, (sql, db_id) in enumerate(read_gold_lines(path))
        ]
    records = read_records(path)
    if split is not None and any("split" in record for _, record in records):
        records = [
            (line, record) for line, record in records if record.get("split", split) == split
        ]
        if not records:
            raise DataError(f"no record of split {split!r}", path)
    return [
        _example(record, index, path, line, split) for index, (line, record) in enumerate(records)
    ]


def _example(
    record: dict[str, Any], index: int, path: Path, line: int, split: str | None
) -> Example:
    try:
        return read_example({"split": split} | dict(spelt(record)), index)
    except DataError as error:
        raise DataError(str(error), path, line if line > 1 else None) from None


def read_gold_lines(path: Path) -> list[tuple[str, str]]:
    """Return (SQL, db_id) of each line `SQL<TAB>db_id`; a blank last line is no record.

    Raises:
        DataError: a line without a tab.
    """
    pairs = []
    for number, line in enumerate(read_text(path).rstrip("\n").split("\n"), start=1):
        sql, tab, db_id = line.rstrip("\r").rpartition("\t")
        if not tab or not sql.strip():
            raise DataError("expected SQL<TAB>db_id", path, number)
        pairs.append((sql, db_id.strip()))
    return pairs
