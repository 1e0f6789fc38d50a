"""What each kind of stage does with the adapter before it: sft, reject, dpo, grpo.

    >>> KINDS["dpo"](context).counts
    {'sampled': 512, 'valid': 498, 'correct': 201, ..., 'pairs': 96}

A kind that finds nothing to learn from (samples all right, or all wrong) says why in `kept`, and
the adapter before it goes on unchanged.

Sampling, judging and measuring belong to rooms below this one and are passed in (`Abilities`).
Covered: a context without an adapter begins a new one on the base.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from text2sql.bases import find_base, load_tokenizer
from text2sql.data.catalog import DataSet
from text2sql.errors import DatabaseError, SettingsError
from text2sql.outputs import write_whole
from text2sql.training.exercises import SHOWN, report_skips, settle_skips
from text2sql.training.feedback import Question, collect, count_samples
from text2sql.training.history import Measure
from text2sql.training.preference import choose_pairs, encode_pairs, fit_preferences
from text2sql.training.processes import tell
from text2sql.training.recipe import DECOMPOSED, Recipe
from text2sql.training.reinforcement import (
    Policy,
    check_batches,
    encode_prompts,
    fit_policy,
    rewards,
)
from text2sql.training.rejection import choose
from text2sql.training.sft import (
    Run,
    Source,
    load_trainable,
    save_adapter,
    train_in,
)
from text2sql.training.stage_settings import Dpo, Grpo, Judged, Reject, Sampling, Stage
from text2sql.training.trainers import measure_at
from text2sql.training.verdicts import Judge

if TYPE_CHECKING:
    from text2sql.training.following import Outcome as Ended


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
class Context:
    """Where a stage stands, and what it has to work with."""

    stage: Stage
    folder: Path
    parent: Path | None
    abilities: Abilities
    source: Source

    @property
    def recipe(self) -> Recipe:
        """What the stage trains with."""
        return self.stage.recipe


def _sft(context: Context) -> Outcome:
    dataset = context.abilities.find_data(context.recipe)
    return Outcome(run=_fine_tune(context, dataset))


def _fine_tune(context: Context, dataset: DataSet, *, allow_skips: bool = False) -> Run:
    skips = {"allow_skips": allow_skips or context.recipe.allow_skips}
    return train_in(
        context.folder,
        context.recipe.model_copy(update=skips),
        dataset,
        parent=context.parent,
        measure=context.abilities.measure,
        resume=True,
        source=context.source,
    )


def _reject(context: Context) -> Outcome:
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
    learnt = replace(dataset, examples=chosen.examples)
    # what the model wrote may be too long: no reason to throw hours of sampling away
    return Outcome(counts, _fine_tune(context, learnt, allow_skips=True))


def _dpo(context: Context) -> Outcome:
    settings, recipe = context.stage.settings, context.recipe
    assert isinstance(settings, Dpo)
    _refuse_decomposed(context)
    dataset, questions = _ask(context, settings)
    pairs = choose_pairs(questions, settings, dialect=_dialect_of(dataset))
    counts = count_samples(questions) | {"pairs": len(pairs)}
    _write_lines(context.folder / "pairs.jsonl", [pair.record() for pair in pairs])
    if not pairs:
        return Outcome(counts, kept=_nothing(counts))
    base, begun = find_base(recipe.base), time.monotonic()
    tokenizer = load_tokenizer(base, **context.source)
    encoded = encode_pairs(pairs, dataset, base, tokenizer, recipe)
    report_skips(encoded.skips)
    if not encoded.rows:
        return Outcome(counts, kept=f"none of {len(pairs):,} pairs can be learnt from")
    model = load_trainable(base, recipe, context.parent, context.source)
    measured = measure_at(context.abilities.measure, tokenizer, base, recipe, context.folder)
    model, ended = fit_preferences(
        model, tokenizer, recipe, settings, encoded, context.folder, measure=measured
    )
    save_adapter(model, context.folder, base, tokenizer, recipe)
    size = len(encoded.rows), len(encoded.skips), encoded.tokens
    return Outcome(counts, _ran(context, ended, size, begun))


def _grpo(context: Context) -> Outcome:
    settings, recipe = context.stage.settings, context.recipe
    assert isinstance(settings, Grpo)
    _refuse_decomposed(context)
    dataset = find_questions(context.stage, context.abilities)
    base, begun = find_base(recipe.base), time.monotonic()
    tokenizer = load_tokenizer(base, **context.source)
    prompts = encode_prompts(dataset, base, tokenizer, recipe, settings)
    settle_skips(prompts.skips, len(dataset.examples), allowed=recipe.allow_skips)
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


def _refuse_decomposed(context: Context) -> None:
    """Refuse to compare with a base that is no longer whole."""
    begins = str(context.recipe.init_lora_weights)
    if context.parent is None and begins.startswith(DECOMPOSED):
        raise SettingsError(
            f"stage {context.stage.number} ({context.stage.kind}): init_lora_weights {begins} takes"
            " the base apart, which is the reference here: let an sft stage come first"
        )


def _ran(context: Context, ended: "Ended", size: tuple[int, int, int], begun: float) -> Run:
    seconds = time.monotonic() - begun
    return Run(context.folder, ended.steps, ended.loss, *size, seconds, ended.published)


KINDS: dict[str, Callable[[Context], Outcome]] = {
    "sft": _sft,
    "reject": _reject,
    "dpo": _dpo,
    "grpo": _grpo,
}


def find_questions(stage: Stage, abilities: Abilities) -> DataSet:
    """Return what a stage that runs SQL learns from: questions whose databases are there.

    Raises:
        DatabaseError: a database is missing and the recipe allows no skips, or all are missing.
    """
    assert isinstance(stage.settings, Judged)
    dataset, most = abilities.find_data(stage.recipe), stage.settings.max_questions
    missing = [db_id for db_id in dataset.db_ids() if not dataset.has_database(db_id)]
    kept = [example for example in dataset.examples if example.db_id not in missing]
    if missing:
        where = f"stage {stage.number} ({stage.kind}) runs SQL: no database for db_id"
        lost = f"{where} {', '.join(map(repr, missing[:SHOWN]))} of {dataset.name!r}"
        if not kept or not stage.recipe.allow_skips:
            raise DatabaseError(f"{lost}; --allow-skips leaves such questions out", missing[0])
        tell(f"{lost}: {len(dataset.examples) - len(kept):,} questions are left out")
    if most is not None and most < len(kept):
        drawn = Random(stage.recipe.seed).sample(range(len(kept)), most)
        kept = [kept[place] for place in sorted(drawn)]
    return replace(dataset, examples=kept)


def _ask(context: Context, settings: Sampling) -> tuple[DataSet, list[Question]]:
    """Return what the adapter before says to the questions of a stage, judged."""
    abilities, folder = context.abilities, context.folder
    dataset = find_questions(context.stage, abilities)
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
        f" {counts['questions_all_correct']:,} with right ones alone;"
        f" {counts['run_away']:,} samples have run away)"
    )


def _dialect_of(dataset: DataSet) -> Callable[[str], str]:
    return lambda db_id: dataset.schema(db_id).dialect


def _write_lines(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    write_whole(path, "".join(lines))
