"""Make a data set from nothing: invented databases with verified questions, laid out as Spider is.

    >>> made = write_set("invented", databases=20, count=2_000, seed=1)
    >>> made["questions"]
    {'train': 1_800, 'dev': 200}

    invented/train.jsonl   invented/dev.jsonl      example records
    invented/tables.json                           schemas, in Spider's form
    invented/database/library_003/library_003.sqlite

Dev asks about databases that train does not. `t2s train --data invented` and `t2s eval invented`
take the folder.

Covered: the same seed writes the same rows and questions.
Not covered: more than one language in a set.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from text2sql.data.synthesis.dialects import spell
from text2sql.data.synthesis.drafting import FAMILIES, MAX_STEPS, propose
from text2sql.data.synthesis.families.parts import Family
from text2sql.data.synthesis.inventing import Invented, invent
from text2sql.data.synthesis.making import LANGUAGES, Progress, keep_pairs, record_writer
from text2sql.data.synthesis.queries import Query
from text2sql.data.synthesis.verifying import Rows
from text2sql.errors import SettingsError, UnknownName
from text2sql.outputs import owned, write_whole
from text2sql.schema import read_schema
from text2sql.schema.spider_tables import spider_record

DEV_SHARE = 0.1  # of the databases
_PATIENCE = 12  # draws for each pair wanted of one database


def write_set(
    output: str | Path,
    *,
    databases: int,
    count: int,
    seed: int = 0,
    language: str = "en",
    families: Mapping[Family, float] = FAMILIES,
    dev_share: float = DEV_SHARE,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
) -> dict[str, Any]:
    """Write a folder of invented databases and questions.

    Args:
        output: a new folder; `train.jsonl` appears last, so that a stopped run is no data set.
        databases: how many.
        count: questions, over all databases.
        seed: of everything.
        language: of the questions and cells: `en` or `zh`.
        families: weights of the families of questions.
        dev_share: share of the databases that only dev asks about; 0 means no dev.
        overwrite: empty the folder first.
        progress: called with how many databases there are and how many are wanted.

    Returns:
        What was made: questions by split, databases, draws and refusals by reason.

    Raises:
        OutputError: the folder exists or cannot be written.
        SettingsError: fewer questions than databases, or a share that is none.
        UnknownName: no such language.
    """
    if language not in LANGUAGES:
        raise UnknownName("language", language, LANGUAGES)
    if databases < 1 or count < databases or not 0 <= dev_share < 1:
        raise SettingsError("a set needs a database, a question for each, and a dev share below 1")
    last = databases - (max(1, round(databases * dev_share)) if dev_share and databases > 1 else 0)
    records: dict[str, list[dict[str, Any]]] = {"train": [], "dev": []}
    schemas, drawn = [], Counter[str]()
    with owned(output, overwrite=overwrite) as folder:
        for number in range(databases):
            random = Random(f"{seed}/{number}")
            invented = invent(random, language=language)
            domain = invented.world.schema.name.replace(" ", "_")
            db_id = f"{domain}_{number:03}"
            invented.world.schema = replace(invented.world.schema, name=db_id)
            split = "train" if number < last else "dev"
            share = count // databases + (number < count % databases)
            with closing(invented.connection):
                made = _pairs(invented, share, seed, families, random, drawn)
                records[split] += [record | {"split": split} for record in made]
                path = _save(invented.connection, folder / "database" / db_id / f"{db_id}.sqlite")
            schemas.append(spider_record(read_schema(path, name=db_id)))
            progress(number + 1, databases)
        write_whole(folder / "tables.json", json.dumps(schemas, ensure_ascii=False, indent=1))
        for split in ("dev", "train"):
            if records[split]:
                write_whole(folder / f"{split}.jsonl", json_lines(records[split]))
    questions = {split: len(found) for split, found in records.items()}
    about = {"databases": databases, "questions": questions, "drawn": drawn.pop("drawn", 0)}
    return about | {"refused": dict(drawn.most_common())}


def _pairs(
    invented: Invented,
    count: int,
    seed: int,
    families: Mapping[Family, float],
    random: Random,
    drawn: Counter[str],
) -> list[dict[str, Any]]:
    world = invented.world
    run = _runner(invented)
    pairs = propose(world, random, count * _PATIENCE, families=families)
    write = record_writer(world, seed=seed, database=None)
    return [write(pair) for pair in islice(keep_pairs(pairs, run, drawn), count)]


def _runner(invented: Invented) -> Callable[[Query], Rows | None]:
    """Return the function that runs our own SQL on our own rows, in this process."""
    connection, schema = invented.connection, invented.world.schema
    steps = [0]

    def stop() -> int:
        steps[0] += 1
        return int(steps[0] > 1)

    def run(query: Query) -> Rows | None:
        steps[0] = 0
        connection.set_progress_handler(stop, MAX_STEPS)
        try:
            return connection.execute(spell(query, schema)).fetchall()
        except sqlite3.Error:
            return None

    return run


def _save(connection: sqlite3.Connection, path: Path) -> Path:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as target:
        connection.commit()
        connection.backup(target)
    return path


def json_lines(records: list[dict[str, Any]]) -> str:
    """Return records as JSON Lines."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
