"""Read what is to be scored: gold, predictions that stay aligned with it, and databases.

    >>> examples = read_gold(Path("dev_gold.sql"))
    >>> predictions = read_predictions(Path("predictions.sql"), examples)

Covered: one SQL a line (only a line feed ends a line, text after a tab is dropped as in Spider's
own reader), JSON Lines with `sql`, lists; a blank line is an empty prediction and fails alone.
Not covered: BIRD's JSON object; several predictions per example.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from text2sql.databases import Database, check_db_id, locate
from text2sql.errors import DatabaseError, DataError, UnknownName
from text2sql.examples import Example
from text2sql.records import read_examples, read_gold_lines, read_text

FindDatabase = Callable[[str], Database]  # from db_id

SUFFIXES = (".sqlite", ".duckdb", ".db")


def read_gold(gold: str | Path | Sequence[Example]) -> list[Example]:
    """Return the examples to score against.

    Raises:
        DataError: the file is missing or malformed, or an example has no gold SQL.
    """
    if not isinstance(gold, str | Path):
        examples, path = list(gold), None
    else:
        path = Path(gold)
        examples = _read_gold_file(path)
    for example in examples:
        if not example.queries:
            raise DataError(f"example {example.index} has no gold SQL", path)
    if not examples:
        raise DataError("there is no gold to score against", path)
    return examples


def _read_gold_file(path: Path) -> list[Example]:
    if read_text(path).lstrip()[:1] in ("[", "{"):
        return read_examples(path)
    pairs = enumerate(read_gold_lines(path))
    return [Example(index, "", (sql,), db_id) for index, (sql, db_id) in pairs]


def read_predictions(
    predictions: str | Path | Sequence[str | None], examples: Sequence[Example]
) -> list[str]:
    """Return one prediction per example, in the examples' order; an empty one is "".

    JSON records whose `index` values are those of the examples are aligned by them, others by line.

    Raises:
        DataError: a malformed line, or not as many predictions as examples.
    """
    if not isinstance(predictions, str | Path):
        found, path = [sql or "" for sql in predictions], None
    else:
        path = Path(predictions)
        found = _read_lines(path, examples)
    while len(found) > len(examples) and not found[-1].strip():
        found.pop()  # blank lines at the end of a file are no predictions
    if len(found) != len(examples):
        raise DataError(f"{len(found)} predictions for {len(examples)} gold queries", path)
    return found


def _read_lines(path: Path, examples: Sequence[Example]) -> list[str]:
    text = read_text(path)
    lines = text.removesuffix("\n").split("\n") if text else []
    if not text.lstrip().startswith("{"):
        return [line.strip().split("\t")[0] for line in lines]
    records = [_read_record(line, path, number) for number, line in enumerate(lines, start=1)]
    by_index = {
        record["index"]: record for record in records if isinstance(record.get("index"), int)
    }
    indices = [example.index for example in examples]
    if len(by_index) == len(records) and by_index.keys() == set(indices):
        records = [by_index[index] for index in indices]
    return [record["sql"] or "" for record in records]


def _read_record(line: str, path: Path, number: int) -> dict[str, Any]:
    if not line.strip():
        return {"sql": ""}
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = getattr(error, "msg", "nested too deeply")
        raise DataError(f"malformed JSON: {reason}", path, number) from None
    if not isinstance(record, dict) or not isinstance(record.get("sql", 0), str | None):
        raise DataError('expected an object with "sql", the predicted text', path, number)
    return record


def database_finder(databases: str | Path | Database | FindDatabase) -> FindDatabase:
    """Return the function from db_id to database.

    Args:
        databases: a folder of `<db_id>/<db_id>.sqlite` (or `.duckdb`) files; one database (a file,
            a URL) for all examples; or the function itself.

    Raises:
        DatabaseError: the folder does not exist, or the one database cannot be located.
    """
    if callable(databases):
        return databases
    if isinstance(databases, Database) or "://" in str(databases) or Path(databases).is_file():
        one = locate(databases)
        return lambda db_id: one
    folder = Path(databases)
    if not folder.is_dir():
        raise DatabaseError(f"no folder of databases: {folder}", str(folder))
    return lambda db_id: _in_folder(folder, db_id)


def _in_folder(folder: Path, db_id: str) -> Database:
    check_db_id(db_id)
    for suffix in SUFFIXES:
        path = folder / db_id / f"{db_id}{suffix}"
        if path.is_file():
            return locate(path)
    known = [path.name for path in folder.iterdir() if path.is_dir()]
    raise UnknownName("database", db_id, known, f"in {folder}")
