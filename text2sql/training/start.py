"""Start a training from what a command line gives: settle the recipe and the data set, then train.

>>> start(None, settings={"base": "mini", "data": "samples"}, output=Path("runs/first"))
Run(folder=PosixPath('runs/first'), ...)
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from text2sql.bases import find_base
from text2sql.bundled import ensure_mini
from text2sql.data.catalog import DataSet, find_dataset
from text2sql.data.contamination import evaluation_sets, refuse_contaminated
from text2sql.data.mixing import mix
from text2sql.errors import SettingsError, need
from text2sql.measuring import dev_sample
from text2sql.project import Project, load_project
from text2sql.training.recipe import Recipe, read_recipe
from text2sql.training.reporters import check_reporters
from text2sql.training.sft import PACKAGES, Run, train
from text2sql.training.shipped import shipped_recipe
from text2sql.training.stage_settings import read_stages


def start(
    recipe: Path | None,
    *,
    settings: Mapping[str, Any],
    overrides: Sequence[str] = (),
    output: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    data_root: Path | None = None,
    revision: str | None = None,
    trust_remote_code: bool | None = None,
) -> Run:
    """Train the adapter that a command line describes.

    Args:
        recipe: a YAML file; with `resume` and none given, the one in the output folder.
        settings: keys of `Recipe` from options; None means not given.
        overrides: `key=value` texts.
        output: the adapter's folder; default `runs/<base>-<data>`.
        resume, overwrite, revision, trust_remote_code: as in `sft.train`.
        data_root: where data sets are.

    Raises:
        SettingsError: no base is named, or a setting is wrong.
        DataError: the data set asks what an evaluation set asks.
    """
    project = load_project()
    read = read_request(
        recipe,
        settings=settings,
        overrides=overrides,
        output=output,
        resume=resume,
        project=project,
    )
    stages = read_stages(read)  # a mistake in one is named before anything is looked for
    found = _Data(data_root, project)
    learnt = [found.find(each) for each in [stage.recipe for stage in stages] or [read]]
    if not read.allow_contaminated:
        known = list(evaluation_sets(data_root=data_root, project=project))
        for data in learnt:
            refuse_contaminated(data, known)
    everything = replace(learnt[0], examples=[e for data in learnt for e in data.examples])
    need("train", *PACKAGES)
    check_reporters(read.report_to)
    sample = dev_sample(read, everything, data_root=data_root, project=project)
    measure = sample.measure if sample else None
    if find_base(read.base).name == "mini":
        ensure_mini()
    source: dict[str, Any] = {"revision": revision, "trust_remote_code": trust_remote_code}
    again: dict[str, Any] = {"resume": resume, "overwrite": overwrite}
    if not stages:
        return train(read, learnt[0], measure=measure, **again, **source)
    from text2sql.stage_runs import stage_abilities
    from text2sql.training.stages import run_stages

    abilities = stage_abilities(found.find, measure=measure, source=source)
    return run_stages(read, abilities, **again, source=source)


def read_request(
    recipe: Path | None,
    *,
    settings: Mapping[str, Any],
    overrides: Sequence[str] = (),
    output: Path | None = None,
    resume: bool = False,
    project: Project,
) -> Recipe:
    """Return the recipe that a command line means, its output folder named; nothing is loaded.

    Without a recipe file it is the one that comes with the kit for this base.

    Raises:
        SettingsError: no base is named, or a setting is wrong.
    """
    written = output / "recipe.yaml" if output else None
    if recipe is None and resume and written and written.exists():
        recipe = written
    read = _with_base(recipe, overrides, settings, project)
    if recipe is None and (shipped := shipped_recipe(find_base(read.base))) is not None:
        read = _with_base(shipped, overrides, {**settings, "base": read.base}, project)
    if read.output_dir is not None and output is None:
        return read
    name = find_base(read.base).name.replace("/", "--")
    folder = output or Path("runs") / f"{name}-{Path(read.data).stem}"
    return read.model_copy(update={"output_dir": str(folder)})


class _Data:
    """The data sets of a run, each read once."""

    def __init__(self, data_root: Path | None, project: Project) -> None:
        self.places: dict[str, Any] = {"data_root": data_root, "project": project}
        self.found: dict[tuple[Any, ...], DataSet] = {}

    def find(self, recipe: Recipe) -> DataSet:
        """Return what a recipe learns from."""
        mixed = tuple(recipe.mix.items())
        key = recipe.data, recipe.split, recipe.limit, mixed, recipe.seed if mixed else None
        if key not in self.found:
            self.found[key] = find_data(recipe, **self.places)
        return self.found[key]


def find_data(recipe: Recipe, *, data_root: Path | None, project: Project) -> DataSet:
    """Return what a recipe learns from, with the shares of other data sets that it asks for.

    Raises:
        UnknownName, DataError, SettingsError: as `find_dataset` and `mix`.
    """
    places: dict[str, Any] = {"data_root": data_root, "project": project}
    own = find_dataset(recipe.data, split=recipe.split, limit=recipe.limit, **places)
    others = {
        name: (find_dataset(name, split="train", **places), share)
        for name, share in recipe.mix.items()
    }
    return mix(own, others, seed=recipe.seed) if others else own


def _with_base(
    recipe: Path | None, overrides: Sequence[str], settings: Mapping[str, Any], project: Project
) -> Recipe:
    named = settings.get("base") or any(text.startswith("base=") for text in overrides)
    if recipe is None and not named:
        settings = {**settings, "base": project.defaults.base}
        if settings["base"] is None:
            raise SettingsError(
                "which base? --base NAME (t2s base list), or --recipe FILE that names one"
            )
    return read_recipe(recipe, overrides=overrides, **settings)
