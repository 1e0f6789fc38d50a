"""Measure a model while it trains: decode a dev sample, run it beside the gold.

    >>> sample = dev_sample(recipe, training, data_root="data", project=project)
    >>> accuracy = sample.measure(snapshot)
    >>> accuracy.correct, accuracy.n
    (31, 100)

Decoding is greedy, under the schema constraint, as evaluation does it; the predictions of every
measurement stay in its folder. A dev example whose question is in the training set is left out, and
said so: its accuracy would be memory.

Not covered: questions that are in the training set in other words.
"""

import random
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from text2sql import scoring
from text2sql.data.catalog import DataSet, find_dataset
from text2sql.data.checks import check_gold, refuse_unusable, runner
from text2sql.data.likeness import plain
from text2sql.decoding.backends import LocalBackend
from text2sql.decoding.generation import Decoding
from text2sql.errors import DataError
from text2sql.execution import Executor
from text2sql.models import Model, context_of
from text2sql.prediction_runs import PredictionRun
from text2sql.project import Project
from text2sql.training.history import METRIC, Accuracy, Snapshot
from text2sql.training.recipe import Recipe

PREDICTIONS = "predictions.jsonl"


@dataclass(frozen=True, slots=True)
class DevSample:
    """Dev examples, and how they are answered."""

    dataset: DataSet
    decoding: Decoding
    workers: int = 2

    def measure(self, snapshot: Snapshot) -> Accuracy:
        """Return the execution accuracy of a model that is being trained.

        Raises:
            DatabaseError: a database of the sample is gone.
        """
        today = date.fromisoformat(snapshot.recipe.today or date.today().isoformat())
        shutil.rmtree(snapshot.folder, ignore_errors=True)  # of a run that was killed later
        snapshot.folder.mkdir(parents=True)
        path = snapshot.folder / PREDICTIONS
        self._refuse_missing_databases()
        with Executor(workers=self.workers) as pool:
            predictions = PredictionRun(
                self.dataset, _opened(snapshot), self.decoding, pool, path, today=today
            ).predict_all()
        return self._score([record["sql"] for record in predictions], snapshot.step)

    def _refuse_missing_databases(self) -> None:
        for db_id in self.dataset.db_ids():
            self.dataset.database(db_id)

    def _score(self, predicted: list[str], step: int) -> Accuracy:
        dataset = self.dataset
        scores = scoring.score(
            predicted, dataset.examples, dataset.database, metrics=(METRIC,), workers=self.workers
        )
        counted = scores.scorecard["metrics"][METRIC]["all"]
        return Accuracy(step, int(counted["correct"]), counted["n"])


def _opened(snapshot: Snapshot) -> Model:
    recipe, base = snapshot.recipe, snapshot.base
    return Model(
        LocalBackend(snapshot.model, snapshot.tokenizer, base),
        base,
        recipe.style or base.style,
        recipe.language,
        context_of(base, snapshot.model),
    )


def dev_sample(
    recipe: Recipe,
    training: DataSet,
    *,
    data_root: str | Path | None = None,
    project: Project | None = None,
    decoding: Decoding | None = None,
) -> DevSample | None:
    """Return the sample that a recipe's run is measured on, or None where it asks for none.

    Args:
        recipe: `eval_data`, `eval_split`, `eval_limit`, `seed`.
        training: what is trained on.
        data_root, project: where data sets are, as `find_dataset` takes them.
        decoding: None means greedy, under the schema constraint.

    Raises:
        UnknownName: no such data set or split.
        DataError: every dev example is in the training set.
        GoldError, DatabaseError: an example cannot be scored.
    """
    if recipe.eval_steps is None and recipe.eval_split is None:
        return None
    name, split = recipe.eval_data or recipe.data, recipe.eval_split or "dev"
    dev = find_dataset(name, split=split, data_root=data_root, project=project)
    dev = draw(without_training(dev, training), recipe.eval_limit, seed=recipe.seed)
    with Executor(workers=2) as pool:
        refuse_unusable(dev, check_gold(dev, runner(pool)))
    return DevSample(dev, decoding or Decoding())


def without_training(dev: DataSet, training: DataSet) -> DataSet:
    """Return a split without the questions that a training set asks; case and marks do not count.

    Raises:
        DataError: none is left.
    """
    learnt = {plain(example.question) for example in training.examples}
    kept = [example for example in dev.examples if plain(example.question) not in learnt]
    found = len(dev.examples) - len(kept)
    said = f"{found:,} of {len(dev.examples):,} examples of {dev.name} {dev.split}"
    if not kept:
        raise DataError(f"{said} are in the training set by question: choose another eval_split")
    if found:
        print(f"{said} left out: the training set asks the same", file=sys.stderr)
    return replace(dev, examples=kept)


def draw(dataset: DataSet, limit: int | None, *, seed: int) -> DataSet:
    """Return so many examples drawn at random, in their order: a split lists them by database."""
    total = len(dataset.examples)
    if limit is None or limit >= total:
        return dataset
    places: Iterable[int] = sorted(random.Random(seed).sample(range(total), limit))
    return replace(dataset, examples=[dataset.examples[place] for place in places])
