"""Make the neighbours of every database of a data set, in the layout of the official test suites.

    >>> make_neighbours(find_dataset("spider"), "spider-neighbours", settings=Settings(k=8))

    spider-neighbours/neighbours.json                                   what was made, and from what
    spider-neighbours/shop/shop.sqlite                                  the original, byte for byte
    spider-neighbours/shop/shop_neighbour_01.sqlite ...                 its neighbours

Every *.sqlite file of a folder is one database of the suite (taoyds/test-suite-sql-eval).

Covered: a database whose neighbours are written is kept when the run is stopped, and not made again
with `resume`.
Not covered: databases of other engines than SQLite; content that is still in a write-ahead log.
"""

import hashlib
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path
from typing import Any

from text2sql.data.catalog import DataSet
from text2sql.data.neighbours.copies import write_copy
from text2sql.data.neighbours.distilling import Settings, Source, Suite, distil
from text2sql.data.neighbours.profiles import read_profile
from text2sql.data.neighbours.queries import Query, read_query
from text2sql.errors import DatabaseError, DataError, Interrupted, OutputError, SettingsError
from text2sql.execution import Executor
from text2sql.outputs import owned, write_whole

RECORD = "neighbours.json"


def make_neighbours(
    dataset: DataSet,
    output: str | Path,
    *,
    settings: Settings | None = None,
    workers: int = 2,
    resume: bool = False,
    overwrite: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Make mutated copies of each database, chosen to tell gold from its near misses.

    Args:
        dataset: its golds decide what is worth telling apart.
        output: a new folder.
        settings: how many neighbours at most, from which seed.
        workers: databases at the same time.
        resume: continue a run that was stopped.
        overwrite: empty the folder first.
        note: takes lines of progress.

    Returns:
        What `neighbours.json` holds.

    Raises:
        DataError: the data set is not on SQLite files.
        DatabaseError: none of its databases is there.
        SettingsError: a number that is out of range.
        OutputError: the folder exists, or was made with other settings.
        Interrupted: Ctrl-C; finished databases are kept.
    """
    settings = settings or Settings()
    if settings.k < 1 or settings.k > 99 or workers < 1:
        raise SettingsError("neighbours needs k from 1 to 99 and at least one worker")
    paths, missing = _files(dataset)
    with owned(output, resume=resume, overwrite=overwrite) as folder:
        record = _open_record(folder, dataset, settings)
        record["skipped"] |= {db_id: {"reason": "no database file"} for db_id in missing}
        todo = [db_id for db_id in paths if db_id not in record["databases"]]
        with Executor(workers=workers) as executor:
            maker = _Maker(dataset, paths, folder, settings, executor)
            try:
                for db_id, made in _each(maker, todo, workers):
                    kind = "skipped" if "reason" in made else "databases"
                    record[kind][db_id] = made
                    write_whole(folder / RECORD, json.dumps(record, indent=1, ensure_ascii=False))
                    done = len(record["databases"]) + len(record["skipped"])
                    note(f"{done}/{len(paths) + len(missing)} {db_id}: {_line(made)}")
            except KeyboardInterrupt:
                message = "stopped; finished databases are kept: --resume continues"
                raise Interrupted(message) from None
    return record


def _files(dataset: DataSet) -> tuple[dict[str, Path], list[str]]:
    """Return the file of every database that the data set has, by db_id, and what is missing."""
    found: dict[str, Path] = {}
    missing = [db_id for db_id in dataset.db_ids() if not dataset.has_database(db_id)]
    for db_id in dataset.db_ids():
        if db_id in missing:
            continue
        database = dataset.database(db_id)
        if database.engine != "sqlite" or database.path is None:
            raise DataError(
                f"neighbours are made of SQLite files; {db_id!r} of {dataset.name!r}"
                f" is on {database.engine}"
            )
        found[db_id] = database.path
    if not found:
        raise DatabaseError(f"no database for db_id {missing[0]!r} of {dataset.name!r}", missing[0])
    return found, missing


def _open_record(folder: Path, dataset: DataSet, settings: Settings) -> dict[str, Any]:
    """Return the record of a stopped run, or a new one."""
    golds = "\n".join(f"{e.db_id}\t{sql}" for e in dataset.examples for sql in e.queries)
    about = {
        "dataset": dataset.name,
        "split": dataset.split,
        "golds": hashlib.sha256(golds.encode()).hexdigest()[:16],
        "settings": asdict(settings),
        "sqlite": sqlite3.sqlite_version,
    }
    path = folder / RECORD
    if not path.exists():
        return about | {"databases": {}, "skipped": {}}
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    different = [key for key, value in about.items() if record.get(key) != value]
    if different:
        raise OutputError(f"{folder} was made with other {', '.join(different)}: use --overwrite")
    return record


class _Maker:
    """Makes the neighbours of one database after the other, in any thread."""

    def __init__(
        self,
        dataset: DataSet,
        paths: dict[str, Path],
        folder: Path,
        settings: Settings,
        executor: Executor,
    ) -> None:
        self.dataset, self.paths, self.folder = dataset, paths, folder
        self.settings, self.executor = settings, executor
        self.stop = threading.Event()

    def make(self, db_id: str) -> dict[str, Any]:
        """Write one folder; return its record, or the reason why there is none."""
        place = self.folder / db_id
        shutil.rmtree(place, ignore_errors=True)  # left by a run that was stopped in the middle
        try:
            queries, failing = self._queries(db_id)
            published = self.dataset.published.get(db_id)
            profile = read_profile(self.paths[db_id], published=published)
        except DatabaseError as error:
            return {"reason": str(error)}
        place.mkdir()
        source = Source(db_id, self.paths[db_id], profile, self.dataset.schema(db_id), queries)
        suite = distil(
            source, self.executor, place, settings=self.settings, stopped=self.stop.is_set
        )
        shutil.copyfile(self.paths[db_id], place / f"{db_id}.sqlite")
        names = [f"{db_id}_neighbour_{n:02}.sqlite" for n in range(1, len(suite.copies) + 1)]
        for name, content in zip(names, suite.copies, strict=True):
            write_copy(profile, content, place / name)
        return _record(suite, names, place, len(queries), failing)

    def _queries(self, db_id: str) -> tuple[tuple[Query, ...], int]:
        """Return the golds that run on the original, each once, and how many do not."""
        schema, path = self.dataset.schema(db_id), str(self.paths[db_id])
        golds = [sql for e in self.dataset.examples if e.db_id == db_id for sql in e.queries]
        queries = {query.sql: query for sql in golds if (query := read_query(sql, schema))}
        timeout = self.settings.timeout
        kept = tuple(
            query
            for query in queries.values()
            if self.executor.execute(query.sql, path, timeout=timeout).error is None
        )
        return kept, len(queries) - len(kept)


def _record(
    suite: Suite, names: list[str], place: Path, golds: int, failing: int
) -> dict[str, Any]:
    neighbours = [
        {
            "file": name,
            "rows": sum(map(len, content.values())),
            "told": told,
            "sha256": _hash(place / name),
        }
        for name, content, told in zip(names, suite.copies, suite.told_after, strict=True)
    ]
    return {
        "original": _hash(place / f"{place.name}.sqlite"),
        "golds": golds,
        "golds_that_fail": failing,
        "golds_empty_on_original": suite.empty_on_original,
        "golds_empty_on_all": suite.empty_on_all,
        "empty_answers": suite.empty_answers,  # of golds x neighbours
        "mutants": suite.mutants,
        "told_by_original": suite.told_by_original,
        "told": suite.told,
        "candidates": suite.candidates,
        "dropped": dict(suite.dropped),
        "neighbours": neighbours,
    }


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _each(maker: _Maker, todo: list[str], workers: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every database as it is finished; when the reader leaves, stop the others."""
    with ThreadPoolExecutor(workers) as threads:
        jobs: dict[Future[dict[str, Any]], str] = {}
        try:
            jobs = {threads.submit(maker.make, db_id): db_id for db_id in todo}
            while jobs:
                done, _ = wait(jobs, timeout=0.5, return_when=FIRST_COMPLETED)
                for job in done:
                    yield jobs.pop(job), job.result()
        finally:
            maker.stop.set()
            threads.shutdown(cancel_futures=True)


def _line(made: dict[str, Any]) -> str:
    """Say in one line what came of a database."""
    if "reason" in made:
        return f"skipped: {made['reason']}"
    return (
        f"{len(made['neighbours'])} neighbours; {made['told_by_original']:,} of {made['mutants']:,}"
        f" near misses found out by the original alone, {made['told']:,} with its neighbours"
    )


def summarise(record: dict[str, Any]) -> dict[str, Any]:
    """Add up what `neighbours.json` says of its databases."""
    made = list(record["databases"].values())
    keys = (
        "golds",
        "golds_that_fail",
        "golds_empty_on_original",
        "golds_empty_on_all",
        "mutants",
        "told_by_original",
        "told",
    )
    totals = {key: sum(each[key] for each in made) for key in keys}
    neighbours = sum(len(each["neighbours"]) for each in made)
    return {
        "databases": len(made),
        "skipped": len(record["skipped"]),
        "neighbours": neighbours,
    } | totals
