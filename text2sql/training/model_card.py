"""The model card of an adapter: what it was made from, how good it was seen to be, how it is used.

    >>> write_model_card(folder, recipe, base, [dataset], run)
    PosixPath('runs/mine/README.md')

Every figure is one that the run measured: a run that measured no accuracy says so. An accuracy that
chose the weights is said to have done so, since the best of many looks better than it is.

Not covered: other metrics than the run's own (`t2s eval` writes them, with their manifest).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from text2sql.bases.base import Base
from text2sql.data.catalog import DataSet
from text2sql.outputs import write_whole
from text2sql.scoring.manifests import file_hash, installed_version, questions_hash
from text2sql.training.curves import CURVES
from text2sql.training.history import METRIC, History
from text2sql.training.recipe import Recipe

if TYPE_CHECKING:
    from text2sql.training.sft import Run

CARD = "README.md"
LIBRARIES = ("text2sql", "torch", "transformers", "peft", "trl")
SHOWN = 12  # characters of a hash


def write_model_card(
    folder: Path,
    recipe: Recipe,
    base: Base,
    datasets: Sequence[DataSet],
    run: "Run",
    *,
    stages: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write README.md into an adapter's folder, over the one that PEFT leaves there.

    Args:
        folder: of the adapter, with its history and curves.
        recipe: settled.
        base: that it was trained on.
        datasets: that it learnt from.
        run: steps, examples, and the accuracy of what is published.
        stages: the records of stages.json, where there were stages.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    parts = [
        _front_matter(base),
        f"# Text-to-SQL adapter for {base.name}\n",
        _about(recipe, base, run),
        _accuracy(folder, recipe, run),
        _stage_table(stages),
        _curves(folder, stages),
        _usage(folder, base),
        _data(datasets),
        _recipe(recipe),
    ]
    write_whole(folder / CARD, "\n".join(filter(None, parts)))
    return folder / CARD


def _front_matter(base: Base) -> str:
    facts: dict[str, Any] = {"library_name": "peft", "pipeline_tag": "text-generation"}
    if base.hub_id and base.path is None:
        facts["base_model"] = base.hub_id
    facts["tags"] = ["text-to-sql", "lora", "text2sql"]
    return f"---\n{yaml.safe_dump(facts, sort_keys=False)}---\n"


def _about(recipe: Recipe, base: Base, run: "Run") -> str:
    loss = "" if run.loss is None else f"; mean loss {run.loss:.3f}"
    left_out = f" ({run.skipped:,} left out)" if run.skipped else ""
    return (
        f"A LoRA adapter of rank {recipe.lora_r} on `{base.source}`, trained on"
        f" {run.examples:,} examples{left_out} in {run.steps:,} steps{loss}.\n"
    )


def _accuracy(folder: Path, recipe: Recipe, run: "Run") -> str:
    if run.published is None:
        return (
            "## Accuracy\n\nNone was measured during this run."
            " `t2s eval DATASET --adapter FOLDER` measures it.\n"
        )
    name, split = recipe.eval_data or recipe.data, recipe.eval_split or "dev"
    low, high = run.published.interval
    return (
        "## Accuracy\n\n"
        "| metric | data | correct | n | accuracy | 95 % interval (Wilson) |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        f"| {METRIC} | {name} {split}{_drawn(recipe)} | {run.published.correct:,}"
        f" | {run.published.n:,} | {run.published.share:.1%} | {low:.1%} to {high:.1%} |\n\n"
        f"One greedy answer a question, under the schema constraint.{_chosen(folder, recipe)}\n"
    )


def _drawn(recipe: Recipe) -> str:
    return f", {recipe.eval_limit:,} drawn with seed {recipe.seed}" if recipe.eval_limit else ""


def _chosen(folder: Path, recipe: Recipe) -> str:
    looks = len(History(folder).accuracies())
    if looks < 2 or not recipe.load_best:
        return ""
    return (
        f" The weights are those of the best of {looks} evaluations on these examples, so the"
        " figure is optimistic: measure on others before you rely on it."
    )


def _stage_table(stages: Sequence[Mapping[str, Any]]) -> str:
    if not stages:
        return ""
    rows = "\n".join(map(_stage_row, stages))
    return (
        f"## Stages\n\n| stage | kind | examples | steps | {METRIC} | raised |\n"
        f"| --- | --- | --- | --- | --- | --- |\n{rows}\n"
    )


def _stage_row(stage: Mapping[str, Any]) -> str:
    found = stage["accuracy"]
    share = "not measured"
    if found:
        interval = f"{found['low']:.1%} to {found['high']:.1%}"
        share = f"{found[METRIC]:.1%} ({interval}, n = {found['n']:,})"
    raised = {True: "yes", False: "no", None: ""}[stage["raised"]]
    why = f": {stage['kept']}" if stage["kept"] else ""
    return (
        f"| {stage['number']} {stage['name']} | {stage['kind']} | {stage['examples']:,}"
        f" | {stage['steps']:,} | {share} | {raised}{why} |"
    )


def _curves(folder: Path, stages: Sequence[Mapping[str, Any]]) -> str:
    places = [f"stages/{s['number']}-{s['name']}/{CURVES}" for s in stages] or [CURVES]
    there = [place for place in places if (folder / place).exists()]
    shown = "\n".join(f"![Curves of the run]({place})" for place in there)
    return f"## Curves\n\n{shown}\n" if there else ""


def _usage(folder: Path, base: Base) -> str:
    if base.name == "mini":
        imported, weights = "from text2sql.bases import mini\n", "mini.folder()"
    else:
        imported, weights = "", json.dumps(base.source)
    return f"""## Use

With the kit, which writes the prompts that the adapter was trained on:

```python
from text2sql import Predictor

with Predictor.from_pretrained({json.dumps(folder.name)}, database="shop.sqlite") as predictor:
    print(predictor.predict("How many orders were paid in May?").sql)
```

With plain PEFT; `prompt_card.json` says which prompts, and `t2s prompt` shows one:

```python
from peft import PeftModel
{imported}from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained({weights})
model = PeftModel.from_pretrained(base, {json.dumps(folder.name)})
tokenizer = AutoTokenizer.from_pretrained({json.dumps(folder.name)})
```
"""


def _data(datasets: Sequence[DataSet]) -> str:
    rows = "\n".join(_data_row(dataset) for dataset in datasets)
    return (
        "## Data\n\n| data set | split | examples | questions (hash) | files (SHA-256) |\n"
        f"| --- | --- | --- | --- | --- |\n{rows}\n"
    )


def _data_row(dataset: DataSet) -> str:
    asked = questions_hash(dataset.examples)
    files = ", ".join(f"{p.name} {file_hash(p)[:SHOWN]}" for p in dataset.files if p.exists())
    count = f"{len(dataset.examples):,}"
    return f"| {dataset.name} | {dataset.split} | {count} | {asked} | {files} |"


def _recipe(recipe: Recipe) -> str:
    given = recipe.model_dump(exclude={"output_dir"}, exclude_none=True)
    text = yaml.safe_dump(given, sort_keys=False, allow_unicode=True)
    found = ((name, installed_version(name)) for name in LIBRARIES)
    versions = ", ".join(f"{name} {version}" for name, version in found if version)
    return f"## Recipe\n\n```yaml\n{text}```\n\nMade with {versions}.\n"
