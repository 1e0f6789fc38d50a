"""Run the stages of a recipe, each from the adapter before it: sft, reject, dpo, grpo.

    >>> run_stages(recipe, abilities, resume=True)
    Run(folder=PosixPath('runs/mine'), steps=420, ...)

    runs/mine/                            the last stage's adapter, and stages.json: the table
    runs/mine/stages/1-sft/               its recipe, checkpoints, adapter, and stage.json
    runs/mine/stages/2-dpo/               and samples.jsonl, verdicts.jsonl, pairs.jsonl

A stage is over when its stage.json is there; a run that was killed goes on in the first one that
has none, whether it was sampling, judging or training, and ends with the same weights.

A stage that finds nothing to learn from (samples all right or all wrong) hands on the adapter that
it was given and says why. Whether a stage raised execution accuracy is in the table.

Sampling, judging and evaluating belong to rooms below this one and are passed in (`Abilities`).
Covered: a first stage of any kind; it begins a new adapter on the base.
Not covered: several processes.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from text2sql.bases import find_base, load_model, load_tokenizer
from text2sql.data.catalog import DataSet
from text2sql.errors import DataError, OutputError, SettingsError
from text2sql.outputs import write_whole
from text2sql.training.feedback import Question, collect, count_samples
from text2sql.training.history import METRIC, Accuracy, Measure, Snapshot
from text2sql.training.model_card import write_model_card
from text2sql.training.preference import choose_pairs, encode_pairs, fit_preferences
from text2sql.training.recipe import Recipe, write_recipe
from text2sql.training.records import Skip
from text2sql.training.reinforcement import (
    Policy,
    check_batches,
    encode_prompts,
    fit_policy,
    rewards,
)
from text2sql.training.rejection import choose
from text2sql.training.sft import (
    SKIPS_SHOWN,
    Run,
    Source,
    load_trainable,
    save_adapter,
    settle,
    train_in,
    training_folder,
)
from text2sql.training.stage_settings import Dpo, Grpo, Reject, Sampling, Stage, read_stages
from text2sql.training.trainers import EVALUATIONS, measure_at
from text2sql.training.verdicts import Judge

if TYPE_CHECKING:
    from text2sql.training.following import Outcome as Ended

STAGES, STAGE_FILE, TABLE = "stages", "stage.json", "stages.json"
_WEIGHTS = "adapter_model.safetensors"
_OWN_FILES = (STAGE_FILE, "recipe.yaml")  # of a stage, beside the adapter's


class Sampler(Protocol):
    """Draws samples, going on from what the file holds."""

    def __call__(
        self,
        dataset: DataSet,
        *,
        adapter: Path | None,
        recipe: Recipe,
        settings: Sampling,
        file: Path,
    ) -> list[list[str]]:
        """Return the SQL of each example's samples, in the order of the examples.

        Args:
            dataset: the questions.
            adapter: who is asked; None asks the base.
            recipe: settled: base, style, language, day, seed.
            settings: how many samples, and how they are drawn.
            file: where they are kept as they are drawn.
        """
        ...


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the stages need of the rooms below."""

    find_data: Callable[[Recipe], DataSet]  # what a stage learns from
    sample: Sampler
    # opens a judge on the databases of a data set, and neighbours in a folder
    open_judge: Callable[[DataSet, str | None], AbstractContextManager[Judge]]
    measure: Measure | None  # execution accuracy on a dev sample; None measures nothing


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one stage."""

    counts: Mapping[str, Any] = field(default_factory=dict)  # published
    run: Run | None = None
    kept: str | None = None  # why the adapter before it goes on unchanged


@dataclass(frozen=True, slots=True)
class _Context:
    """Where a stage stands."""

    stage: Stage
    folder: Path
    parent: Path | None
    abilities: Abilities
    source: Source

    @property
    def recipe(self) -> Recipe:
        return self.stage.recipe


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
    _check(recipe)
    begun = time.monotonic()
    with training_folder(recipe, resume=resume, overwrite=overwrite) as folder:
        recipe = settle(recipe, find_base(recipe.base), folder, resume)
        write_recipe(recipe, folder / "recipe.yaml")
        parent, records = None, list[dict[str, Any]]()
        for stage in read_stages(recipe):
            place = folder / STAGES / stage.folder_name
            context = _Context(stage, place, parent, abilities, source)
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


def _check(recipe: Recipe) -> None:
    """Refuse what would be found out hours later."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise SettingsError("stages run in one process: leave out --gpus, or the stages")
    for stage in read_stages(recipe):
        if isinstance(stage.settings, Grpo):
            check_batches(stage.recipe, stage.settings)


def _finished(context: _Context) -> dict[str, Any] | None:
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


def _run(context: _Context, recipe: Recipe, before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    stage, folder = context.stage, context.folder
    print(f"stage {stage.number} of {len(recipe.stages)}: {stage.name}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    write_recipe(stage.recipe, folder / "recipe.yaml")
    begun = time.monotonic()
    outcome = KINDS[stage.kind](context)
    found = _accuracy(context, outcome, before)
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
    context: _Context, outcome: Outcome, before: Sequence[Mapping[str, Any]]
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


def _sft(context: _Context) -> Outcome:
    dataset = context.abilities.find_data(context.recipe)
    return Outcome(run=_fine_tune(context, dataset))


def _fine_tune(context: _Context, dataset: DataSet) -> Run:
    return train_in(
        context.folder,
        context.recipe,
        dataset,
        parent=context.parent,
        measure=context.abilities.measure,
        resume=True,
        source=context.source,
    )


def _reject(context: _Context) -> Outcome:
    settings = context.stage.settings
    assert isinstance(settings, Reject)
    dataset, questions = _ask(context, settings)
    chosen = choose(questions, settings, seed=context.recipe.seed, dialect=_dialect_of(dataset))
    counts = count_samples(questions) | chosen.counts
    _write_lines(
        context.folder / "chosen.jsonl",
        [
            {"index": e.index, "db_id": e.db_id, "question": e.question, "query": e.query}
            | ({"evidence": e.evidence} if e.evidence else {})
            for e in chosen.examples
        ],
    )
    if not chosen.examples:
        return Outcome(counts, kept=_nothing(counts))
    return Outcome(counts, _fine_tune(context, replace(dataset, examples=chosen.examples)))


def _dpo(context: _Context) -> Outcome:
    settings, recipe = context.stage.settings, context.recipe
    assert isinstance(settings, Dpo)
    dataset, questions = _ask(context, settings)
    pairs = choose_pairs(questions, settings, dialect=_dialect_of(dataset))
    counts = count_samples(questions) | {"pairs": len(pairs)}
    _write_lines(context.folder / "pairs.jsonl", [pair.record() for pair in pairs])
    if not pairs:
        return Outcome(counts, kept=_nothing(counts))
    base, begun = find_base(recipe.base), time.monotonic()
    tokenizer = load_tokenizer(base, **context.source)
    encoded = encode_pairs(pairs, dataset, base, tokenizer, recipe)
    _report_skips(encoded.skips, len(pairs), recipe)
    model = load_trainable(base, recipe, context.parent, context.source)
    measured = measure_at(context.abilities.measure, tokenizer, base, recipe, context.folder)
    model, ended = fit_preferences(
        model, tokenizer, recipe, settings, encoded, context.folder, measure=measured
    )
    save_adapter(model, context.folder, base, tokenizer, recipe)
    size = len(encoded.rows), len(encoded.skips), encoded.tokens
    return Outcome(counts, _ran(context, ended, size, begun))


def _grpo(context: _Context) -> Outcome:
    settings, recipe = context.stage.settings, context.recipe
    assert isinstance(settings, Grpo)
    dataset = context.abilities.find_data(recipe)
    base, begun = find_base(recipe.base), time.monotonic()
    tokenizer = load_tokenizer(base, **context.source)
    prompts = encode_prompts(dataset, base, tokenizer, recipe, settings)
    _report_skips(prompts.skips, len(dataset.examples), recipe)
    check_batches(recipe, settings, len(prompts.rows))
    model = load_trainable(base, recipe, context.parent, context.source)
    measured = measure_at(context.abilities.measure, tokenizer, base, recipe, context.folder)
    with context.abilities.open_judge(dataset, settings.neighbours) as judge:
        functions = rewards(judge, dataset, base, settings.reward_weights)
        policy = Policy(model, tokenizer, base, functions)
        model, ended, figures = fit_policy(
            policy, recipe, settings, prompts, context.folder, measure=measured
        )
    save_adapter(model, context.folder, base, tokenizer, recipe)
    size = len(prompts.rows), len(prompts.skips), prompts.tokens
    return Outcome(figures, _ran(context, ended, size, begun))


def _ran(context: _Context, ended: "Ended", size: tuple[int, int, int], begun: float) -> Run:
    seconds = time.monotonic() - begun
    return Run(context.folder, ended.steps, ended.loss, *size, seconds, ended.published)


KINDS: dict[str, Callable[[_Context], Outcome]] = {
    "sft": _sft,
    "reject": _reject,
    "dpo": _dpo,
    "grpo": _grpo,
}


def _ask(context: _Context, settings: Sampling) -> tuple[DataSet, list[Question]]:
    """Return what the adapter before says to the questions of a stage, judged."""
    abilities, folder = context.abilities, context.folder
    dataset = abilities.find_data(context.recipe)
    samples = abilities.sample(
        dataset,
        adapter=context.parent,
        recipe=context.recipe,
        settings=settings,
        file=folder / "samples.jsonl",
    )
    with abilities.open_judge(dataset, settings.neighbours) as judge:
        return dataset, collect(folder, dataset.examples, judge, samples)


def _nothing(counts: Mapping[str, int]) -> str:
    """Say why samples teach nothing."""
    return (
        f"nothing to learn from {counts['sampled']:,} samples of {counts['questions']:,} questions"
        f" ({counts['questions_without_correct']:,} without a right one,"
        f" {counts['questions_all_correct']:,} with right ones alone)"
    )


def _report_skips(skips: Sequence[Skip], total: int, recipe: Recipe) -> None:
    named = [f"example {s.index} ({s.db_id}): {s.reason}" for s in skips[:SKIPS_SHOWN]]
    if len(skips) == total or (skips and not recipe.allow_skips):
        raise DataError(
            f"{len(skips)} of {total} do not fit;"
            f" leave them out with --allow-skips or raise max_length: {'; '.join(named)}"
        )
    for text in named:
        print(f"left out: {text}", file=sys.stderr)


def _dialect_of(dataset: DataSet) -> Callable[[str], str]:
    return lambda db_id: dataset.schema(db_id).dialect


def _write_lines(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    write_whole(path, "".join(lines))
