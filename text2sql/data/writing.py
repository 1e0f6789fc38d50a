"""Write examples to a file that stands on its own: every record says where its database is.

    >>> write_examples(Path("clean.jsonl"), dataset)

Not covered: schemas that a benchmark keeps in a file (`tables.json` of databases that are not
there, WikiSQL's headers, KaggleDBQA's descriptions): they are read with the benchmark alone.
"""

import json
from pathlib import Path
from typing import Any

from text2sql.data.catalog import DataSet
from text2sql.errors import OutputError
from text2sql.examples import Example, write_example
from text2sql.outputs import write_whole


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Make sure that nothing is lost by writing a file.

    Raises:
        OutputError: it is there, and may not be replaced.
    """
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists: replace it with --overwrite")


def write_examples(path: Path, dataset: DataSet) -> None:
    """Write a data set's examples as JSON Lines.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    places = {db_id: _database(dataset, db_id) for db_id in dataset.db_ids()}
    lines = [json.dumps(_record(e, places[e.db_id]), ensure_ascii=False) for e in dataset.examples]
    write_whole(path, "".join(f"{line}\n" for line in lines))


def _record(example: Example, place: str | None) -> dict[str, Any]:
    record = write_example(example)
    return record | {"database": place} if place else record


def _database(dataset: DataSet, db_id: str) -> str | None:
    """Return the full path of a database; a URL stays what the record says: it may be secret."""
    if not dataset.has_database(db_id):
        return None
    path = dataset.database(db_id).path
    return str(path.resolve()) if path is not None else None
