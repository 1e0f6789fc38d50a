"""Run the stages of a recipe, each from the adapter before it: sft, reject, dpo, grpo.

    >>> run_stages(recipe, abilities, resume=True, source=source)
    Run(folder=PosixPath('runs/mine'), steps=420, ...)

    runs/mine/                            the last stage's adapter, and stages.json: the table
    runs/mine/stages/1-sft/               its recipe, checkpoints, adapter, and stage.json
    runs/mine/stages/2-dpo/               and samples.jsonl, verdicts.jsonl, pairs.jsonl

A stage is over when its stage.json is there; a run that was killed goes on in the first one that
has none, whether it was sampling, judging or training, and ends with the same weights. The table
says of each stage from which adapter it started (by hash), what it saw, and whether it raised
execution accuracy.

Not covered: several processes.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from text2sql.bases import find_base, load_model, load_tokenizer
from text2sql.data.catalog import DataSet
from text2sql.errors import DataError, Interrupted, OutputError, SettingsError
from text2sql.outputs import write_whole
from text2sql.training.history import METRIC, Accuracy, Snapshot
from text2sql.training.model_card import write_model_card
from text2sql.training.recipe import Recipe, write_recipe
from text2sql.training.reinforcement import check_batches
from text2sql.training.sft import Run, Source, settle, training_folder
from text2sql.training.stage_kinds import KINDS, Abilities, Context, Outcome, find_questions
from text2sql.training.stage_settings import Grpo, Judged, read_stages
from text2sql.training.trainers import EVALUATIONS

STAGES, STAGE_FILE, TABLE = "stages", "stage.json", "stages.json"
_WEIGHTS = "adapter_model.safetensors"
_OWN_FILES = (STAGE_FILE, "recipe.yaml")  # of a stage, beside the adapter's


def run_stages(
    recipe: Recipe,
    abilities: Abilities,
    *,
    resume: bool = False,
    overwrite: bool = False,
    source: Source,
) -> Run:
    """Run every stage that is not over, and publish the last adapter.

    Args:
        recipe: with stages; `output_dir` must be set.
        abilities: of the rooms below.
        resume: go on with a run that was stopped or killed.
        overwrite: empty `output_dir` first.
        source: where the base comes from, as `load_model` takes it.

    Raises:
        SettingsError: a stage that is not well described; before anything is loaded.
        OutputError: as `sft.train`, or an earlier stage's adapter was exchanged meanwhile.
        DataError: nothing could be learnt in any stage, or examples do not fit.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was saved.
    """
    _check(recipe, abilities)
    begun = time.monotonic()
    with training_folder(recipe, resume=resume, overwrite=overwrite) as folder:
        recipe = settle(recipe, find_base(recipe.base), folder, resume)
        write_recipe(recipe, folder / "recipe.yaml")
        parent, records = None, list[dict[str, Any]]()
        for stage in read_stages(recipe):
            place = folder / STAGES / stage.folder_name
            context = Context(stage, place, parent, abilities, source)
            records.append(_finished(context) or _run(context, recipe, records))
            write_whole(folder / TABLE, json.dumps(records, ensure_ascii=False, indent=2) + "\n")
            parent = parent if records[-1]["kept"] else place
        if parent is None:
            raise DataError(f"no adapter came of any stage: {records[-1]['kept']}")
        _publish(parent, folder)
        run = _total(folder, records, time.monotonic() - begun)
        write_model_card(
            folder, recipe, find_base(recipe.base), _learnt(recipe, abilities), run, stages=records
        )
    return run


def _learnt(recipe: Recipe, abilities: Abilities) -> list[DataSet]:
    """Return what the stages learn from, each data set once."""
    found = [abilities.find_data(stage.recipe) for stage in read_stages(recipe)]
    return list({(data.name, data.split, len(data.examples)): data for data in found}.values())


def _check(recipe: Recipe, abilities: Abilities) -> None:
    """Refuse what would be found out hours later."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise SettingsError("stages run in one process: leave out --gpus, or the stages")
    for stage in read_stages(recipe):
        if isinstance(stage.settings, Grpo):
            check_batches(stage.recipe, stage.settings)
        if isinstance(stage.settings, Judged):  # are its databases there, and the neighbours?
            data = find_questions(stage, abilities)
            with abilities.open_judge(data, stage.settings.neighbours):
                pass


def _finished(context: Context) -> dict[str, Any] | None:
    """Return the record of a stage that is over; None where there is still something to do."""
    path = context.folder / STAGE_FILE
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if record["parent"] != adapter_hash(context.parent):
        raise OutputError(
            f"{context.folder} was trained from another adapter than the stage before it has now:"
            " start anew with --overwrite"
        )
    return record


def _run(context: Context, recipe: Recipe, before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    stage, folder = context.stage, context.folder
    print(f"stage {stage.number} of {len(recipe.stages)}: {stage.name}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    write_recipe(stage.recipe, folder / "recipe.yaml")
    begun = time.monotonic()
    try:
        outcome = KINDS[stage.kind](context)
        found = _accuracy(context, outcome, before)
    except KeyboardInterrupt:  # a trainer stops in order; all else just goes on later
        raise Interrupted(
            f"stopped in stage {stage.number}, {stage.name};"
            f" continue with: t2s train --resume --output {recipe.output_dir}"
        ) from None
    record = {
        "number": stage.number,
        "name": stage.name,
        "kind": stage.kind,
        "settings": stage.settings.model_dump(),
        "parent": adapter_hash(context.parent),
        "adapter": adapter_hash(context.parent if outcome.kept else folder),
        "kept": outcome.kept,
        "steps": outcome.run.steps if outcome.run else 0,
        "loss": outcome.run.loss if outcome.run else None,
        "examples": outcome.run.examples if outcome.run else 0,
        "skipped": outcome.run.skipped if outcome.run else 0,
        "tokens": outcome.run.tokens if outcome.run else 0,
        "counts": dict(outcome.counts),
        "accuracy": found,
        "raised": _raised(found, before),
        "seconds": round(time.monotonic() - begun, 1),
    }
    write_whole(folder / STAGE_FILE, json.dumps(record, ensure_ascii=False, indent=2) + "\n")
    print(describe(record, before[-1] if before else None), file=sys.stderr)
    return record


def _accuracy(
    context: Context, outcome: Outcome, before: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Return the accuracy of the adapter that goes on; None where nothing is measured."""
    measure, recipe = context.abilities.measure, context.recipe
    if measure is None or outcome.run is None:
        return before[-1]["accuracy"] if before else None
    published = outcome.run.published
    if published is None:
        base, options = find_base(recipe.base), dict(context.source)
        tokenizer = load_tokenizer(base, **options)
        options |= {"load_in_4bit": recipe.load_in_4bit, "adapter": context.folder}
        model, place = load_model(base, **options), context.folder / EVALUATIONS / "end"
        published = measure(Snapshot(model, tokenizer, base, recipe, outcome.run.steps, place))
    return published.record()


def _raised(found: Mapping[str, Any] | None, before: Sequence[Mapping[str, Any]]) -> bool | None:
    """Tell whether accuracy rose; None where there is nothing to compare it with."""
    earlier = before[-1]["accuracy"] if before else None
    return None if found is None or earlier is None else found[METRIC] > earlier[METRIC]


def describe(record: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    """Say in one line what came of a stage.

    Args:
        record: of the stage, as in stages.json.
        before: that of the stage before it.
    """
    head = f"stage {record['number']} {record['name']}:"
    if record["kept"]:
        return f"{head} {record['kept']}; the adapter before it goes on unchanged"
    loss = "" if record["loss"] is None else f", mean loss {record['loss']:.3f}"
    text = f"{head} {record['examples']:,} examples, {record['steps']:,} steps{loss}"
    found, earlier = record["accuracy"], before["accuracy"] if before else None
    if found is None:
        return text
    text += f"; execution accuracy {found[METRIC]:.1%} of {found['n']:,}"
    if earlier is None:
        return text
    overlap = earlier["low"] <= found["high"] and found["low"] <= earlier["high"]
    said = "raised" if record["raised"] else "NOT raised"
    noise = ", within the noise of the sample" if overlap else ""
    return f"{text}, {said} from {earlier[METRIC]:.1%}{noise}"


def adapter_hash(folder: Path | None) -> str | None:
    """Return the SHA-256 of an adapter's weights; None where there is no adapter."""
    if folder is None:
        return None
    return hashlib.sha256((folder / _WEIGHTS).read_bytes()).hexdigest()


def _publish(adapter: Path, folder: Path) -> None:
    """Copy an adapter's files, each whole, into the run's folder."""
    for path in sorted(adapter.iterdir()):
        if path.is_file() and path.name not in _OWN_FILES and path.suffix != ".jsonl":
            scratch = folder / f".{path.name}.copy"
            shutil.copyfile(path, scratch)
            scratch.replace(folder / path.name)


def _total(folder: Path, records: Sequence[Mapping[str, Any]], seconds: float) -> Run:
    def summed(key: str) -> int:
        return sum(record[key] for record in records)

    examples, skipped, tokens = map(summed, ("examples", "skipped", "tokens"))
    loss, found = records[-1]["loss"], records[-1]["accuracy"]
    published = Accuracy(found["step"], found["correct"], found["n"]) if found else None
    return Run(folder, summed("steps"), loss, examples, skipped, tokens, seconds, published)
