"""What the stages of a training borrow from prediction and execution: sampling, and a judge.

    >>> abilities = stage_abilities(find_data, measure=sample.measure, source=source)
    >>> run_stages(recipe, abilities, source=source)

Covered: samples that were drawn before a run was killed are not drawn again; a model is not even
loaded where all are there.
Not covered: sampling from a server.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

from text2sql.data.catalog import DataSet
from text2sql.databases import Database
from text2sql.decoding.generation import Decoding
from text2sql.errors import DatabaseError, UnknownName
from text2sql.execution import Executor
from text2sql.models import open_model
from text2sql.prediction_runs import PredictionRun
from text2sql.scoring.suites import database_finder, suite
from text2sql.training.history import Measure
from text2sql.training.recipe import Recipe
from text2sql.training.stage_kinds import Abilities
from text2sql.training.stage_settings import Sampling
from text2sql.training.verdicts import ExecutionJudge, FindDatabases, Judge

WORKERS = 2


def stage_abilities(
    find_data: Callable[[Recipe], DataSet],
    *,
    measure: Measure | None,
    source: Mapping[str, Any],
) -> Abilities:
    """Return what `run_stages` needs.

    Args:
        find_data: what a stage learns from.
        measure: execution accuracy on a dev sample; None measures nothing.
        source: `revision` and `trust_remote_code`, as `open_model` takes them.
    """

    def sample(
        dataset: DataSet,
        *,
        adapter: Path | None,
        recipe: Recipe,
        settings: Sampling,
        file: Path,
    ) -> list[list[str]]:
        drawn = _drawn(dataset, file)
        return drawn or _draw(dataset, adapter, recipe, settings, file, source)

    return Abilities(find_data, sample, partial(open_judge, told=set()), measure)


def _draw(
    dataset: DataSet,
    adapter: Path | None,
    recipe: Recipe,
    settings: Sampling,
    file: Path,
    source: Mapping[str, Any],
) -> list[list[str]]:
    assert recipe.today is not None
    decoding = Decoding(
        num_samples=settings.num_samples,
        temperature=settings.temperature,
        top_p=settings.top_p,
        seed=recipe.seed,
        max_new_tokens=settings.max_new_tokens,
        batch_size=settings.sampling_batch_size,
        constraint=settings.constraint,
    )
    # an adapter's card says these
    prompt = {} if adapter else {"style": recipe.style, "language": recipe.language}
    options: dict[str, Any] = {**source, **prompt, "load_in_4bit": recipe.load_in_4bit}
    with (
        open_model(recipe.base, adapter=adapter, **options) as model,
        Executor(workers=WORKERS) as pool,
    ):
        records = PredictionRun(
            dataset,
            model,
            decoding,
            pool,
            file,
            today=date.fromisoformat(recipe.today),
            progress=_show(),
        ).predict_all()
    return [_texts(record) for record in records]


def _drawn(dataset: DataSet, file: Path) -> list[list[str]] | None:
    """Return the samples that are all in the file; None where one is missing."""
    try:
        lines = filter(None, file.read_text(encoding="utf-8").split("\n"))
        records = {record["index"]: record for record in map(json.loads, lines)}
        return [_texts(records[example.index]) for example in dataset.examples]
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        return None


def _texts(record: Mapping[str, Any]) -> list[str]:
    return [candidate["sql"] for candidate in record["candidates"]]


@contextmanager
def open_judge(
    dataset: DataSet, neighbours: str | None, *, told: set[str | None] | None = None
) -> Iterator[Judge]:
    """Open a judge on the databases of a data set, until the block ends.

    Args:
        dataset: has the databases.
        neighbours: a folder of `t2s data neighbours`, or of a test suite; None takes those that
            stand beside the data set's own files.
        told: folders of which it was said that some databases have no neighbours there.

    Raises:
        DatabaseError: there is no such folder, or a database of the data set is missing.
    """
    databases = cache(databases_finder(dataset, neighbours))
    alone = [db_id for db_id in dataset.db_ids() if len(databases(db_id)) == 1]
    told = set() if told is None else told
    if alone and neighbours not in told:
        told.add(neighbours)
        print(
            f"{len(alone)} of {len(dataset.db_ids())} databases have no neighbours: SQL is judged"
            " on the database alone there, where it may be right by chance"
            " (t2s data neighbours makes some)",
            file=sys.stderr,
        )
    with Executor(workers=WORKERS) as pool:
        yield ExecutionJudge(pool.execute, databases)


def databases_finder(dataset: DataSet, neighbours: str | None) -> FindDatabases:
    """Return the function from db_id to its database and the neighbours of it.

    Raises:
        DatabaseError: there is no such folder of neighbours.
    """
    folder = Path(neighbours) if neighbours else dataset.folder / "database"
    find = database_finder(folder) if neighbours or folder.is_dir() else None

    def databases(db_id: str) -> list[Database]:
        own = dataset.database(db_id)
        try:
            beside = suite(find(db_id))[1:] if find else []
        except (DatabaseError, UnknownName):  # none were made of this one
            beside = []
        return [own, *beside]

    return databases


def _show() -> Callable[[str, int, int], None]:
    begun = last = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 5 or done == total:
            last = now
            left = (now - begun) / done * (total - done)
            print(f"sampled {done}/{total} questions  {left:.0f} s left", file=sys.stderr)

    return show
