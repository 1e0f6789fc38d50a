"""Evaluate a model on a data set: predict, verify, run beside the gold, write down what happened.

    >>> evaluation = evaluate(dataset, model, "runs/eval-1")
    >>> evaluation.scorecard["metrics"]["execution_accuracy"]["all"]["accuracy"]
    0.31

The output folder holds predictions.jsonl, verdicts.jsonl, scorecard.json (counts, intervals,
manifest) and report.html. A run that was killed continues with `resume`, and ends with the same
scores.

Covered: several samples a question, chosen among as `decoding.selection` says; abstention, an
unsure answer counting as none.
Not covered: several settings on one loaded model (`sweeps`); another selection among the samples of
a run that is over (`reselection`).
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from text2sql import reporting, scoring
from text2sql.data.catalog import DataSet
from text2sql.data.checks import check_gold, refuse_unusable, runner
from text2sql.decoding.generation import Decoding
from text2sql.decoding.selection import check_selection
from text2sql.errors import OutputError
from text2sql.execution import Executor
from text2sql.models import Model
from text2sql.outputs import full_disk, owned, write_whole
from text2sql.prediction_runs import PredictionRun, to_line
from text2sql.run_figures import confidence_figures, run_figures, sample_figures
from text2sql.scoring.manifests import questions_hash

PREDICTIONS, VERDICTS, SCORECARD, REPORT, SETTINGS = (
    "predictions.jsonl",
    "verdicts.jsonl",
    "scorecard.json",
    "report.html",
    "settings.json",
)
UNCOMPARED = ("today", "files")  # a resumed run keeps its day, and data may lie elsewhere

Progress = Callable[[str, int, int], None]  # what, done, of how many


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found, as it stands in its folder."""

    folder: Path
    scores: scoring.Scores
    scorecard: dict[str, Any]


def new_folder(dataset: DataSet, model: Model) -> Path:
    """Return a folder in `runs/` that is not there yet, named after data set, base and second."""
    name = f"{dataset.name}-{dataset.split}-{model.base.name}".replace("/", "--").replace(":", "-")
    return Path("runs") / f"eval-{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def evaluate(
    dataset: DataSet,
    model: Model,
    output: str | Path,
    *,
    decoding: Decoding | None = None,
    metrics: Sequence[str] = ("execution_accuracy",),
    abstain_below: float | None = None,
    today: date | None = None,
    skip_bad_gold: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
) -> Evaluation:
    """Predict and score one split.

    Args:
        dataset: examples with their databases.
        model: an open model.
        output: folder of the results.
        decoding: samples, temperature, seed, constraint, selection, batch size.
        metrics: names in `scoring.METRICS`.
        abstain_below: the least agreement of the samples with which a question is answered; another
            one counts as wrong.
        today: the date that prompts carry; None means the day on which the run starts.
        skip_bad_gold: count gold SQL that does not run instead of stopping at it.
        resume: continue a run with the same settings.
        overwrite: empty the folder first.
        workers: worker processes for SQL.
        progress: called with what is done, how much of it, and the total.

    Raises:
        GoldError: gold SQL does not run; found before anything is predicted.
        DatabaseError: an example has no database.
        OutputError: the folder exists, or was started with other settings.
        SettingsError: a threshold for one sample alone.
        UnknownName: a selection or metric that does not exist.
    """
    decoding = decoding or Decoding()
    check_selection(decoding, abstain_below)
    with (
        owned(output, resume=resume, overwrite=overwrite) as folder,
        full_disk(folder, kept="use --resume"),
    ):
        with Executor(workers=workers) as pool:
            dataset = _usable(dataset, pool, skip_bad_gold, workers)
            asked = _settings(dataset, model, decoding, abstain_below, today)
            settings = _settle(folder, asked, resume)
            predictions = PredictionRun(
                dataset,
                model,
                decoding,
                pool,
                folder / PREDICTIONS,
                today=date.fromisoformat(settings["today"]),
                abstain_below=abstain_below,
                progress=progress or _show(),
            ).predict_all()
        settings = _with_refusal(folder, settings, model)
        return _score(
            dataset,
            predictions,
            settings,
            folder,
            metrics=metrics,
            skip_bad_gold=skip_bad_gold,
            workers=workers,
        )


def _usable(dataset: DataSet, pool: Executor, skip_bad_gold: bool, workers: int) -> DataSet:
    """Run the gold before a model spends hours; leave out examples without a database if told."""
    check = check_gold(dataset, runner(pool), workers=workers)
    if not skip_bad_gold:
        refuse_unusable(dataset, check)
    bad = check.unusable()
    if not bad:
        return dataset
    homeless = {finding.index for finding in bad if finding.kind == "no_database"}
    print(f"{len(bad)} gold queries do not run; {len(homeless)} left out", file=sys.stderr)
    return replace(dataset, examples=[e for e in dataset.examples if e.index not in homeless])


def _settings(
    dataset: DataSet,
    model: Model,
    decoding: Decoding,
    abstain_below: float | None,
    today: date | None,
) -> dict[str, Any]:
    """Return everything that decides the predictions; a resumed run must agree on all of it."""
    threshold = {} if abstain_below is None else {"abstain_below": abstain_below}
    return {
        "dataset": dataset.name,
        "split": dataset.split,
        "examples": len(dataset.examples),
        "questions": questions_hash(dataset.examples),
        "files": [str(path.resolve()) for path in dataset.files],
        "model": model.described,
        "prompt": {
            "format": model.base.prompt_format,
            "answer_format": model.base.answer_format,
            "style": model.style,
            "language": model.language,
        },
        "decoding": decoding.record() | threshold | _unconstrained(dataset, decoding),
        "today": (today or date.today()).isoformat(),
    }


def _unconstrained(dataset: DataSet, decoding: Decoding) -> dict[str, Any]:
    """Say of which dialects the tokens stay free although a constraint was asked for."""
    from text2sql.decoding.guides import unconstrained_reason

    if decoding.constraint == "none":
        return {}
    dialects = {dataset.schema(db_id).dialect for db_id in {e.db_id for e in dataset.examples}}
    reasons = sorted(reason for d in dialects if (reason := unconstrained_reason(d)) is not None)
    return {"unconstrained": reasons} if reasons else {}


def _settle(folder: Path, settings: dict[str, Any], resume: bool) -> dict[str, Any]:
    path = folder / SETTINGS
    if resume and path.exists():
        before = read_run_settings(path)
        for key, value in settings.items():
            if key not in UNCOMPARED and before.get(key) != value:
                raise OutputError(
                    f"cannot resume {folder}: {key} is {value!r}, was {before.get(key)!r}"
                )
        return before
    write_whole(path, json.dumps(settings, ensure_ascii=False, indent=2))
    return settings


def _with_refusal(folder: Path, settings: dict[str, Any], model: Model) -> dict[str, Any]:
    """Keep with the settings that a server took no grammar: a run that resumes may not ask it."""
    refused = getattr(model.backend, "grammar_refused", None)  # a model in this process: no server
    if refused is None:
        return settings
    settings = settings | {"grammar_refused": refused}
    write_whole(folder / SETTINGS, json.dumps(settings, ensure_ascii=False, indent=2))
    return settings


def read_run_settings(path: Path) -> dict[str, Any]:
    """Read the settings that an evaluation left in its folder.

    Raises:
        OutputError: they are broken, or another program's.
    """
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OutputError(f"cannot continue from {path}: it is broken ({error})") from None
    if not isinstance(settings, dict) or "today" not in settings:
        raise OutputError(f"cannot continue from {path}: no evaluation wrote it")
    return settings


def _show() -> Progress:
    """Return a progress function that writes to stderr, at most once a second."""
    begun = last = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 1 or done == total:
            last = now
            left = (now - begun) / done * (total - done)
            print(f"{what} {done}/{total}  {left:.0f} s left", file=sys.stderr, flush=True)

    return show


def _score(
    dataset: DataSet,
    predictions: Sequence[dict[str, Any]],
    settings: dict[str, Any],
    folder: Path,
    *,
    metrics: Sequence[str],
    skip_bad_gold: bool,
    workers: int,
) -> Evaluation:
    scores = scoring.score(
        [record["sql"] for record in predictions],
        dataset.examples,
        dataset.database,
        metrics=metrics,
        skip_bad_gold=skip_bad_gold,
        workers=workers,
        about=_about(dataset, settings),
    )
    card = scores.scorecard | {"run": run_figures(predictions)}
    options = {"skip_bad_gold": skip_bad_gold, "workers": workers}
    if settings["decoding"]["num_samples"] > 1:
        card["samples"] = sample_figures(dataset, predictions, **options)
    card |= confidence_figures(dataset, predictions, scores, **options)
    records = _with_reasons(scores.records(), predictions)
    write_whole(folder / VERDICTS, "".join(map(to_line, records)))
    write_whole(folder / SCORECARD, json.dumps(card, ensure_ascii=False, indent=2) + "\n")
    page = reporting.html_report(card, predictions, records, examples=dataset.examples)
    write_whole(folder / REPORT, page)
    return Evaluation(folder, scores, card)


def _with_reasons(
    verdicts: Sequence[dict[str, Any]], predictions: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Say of a question that was not answered why, where its verdict says that there is no SQL."""
    reasons = {record["index"]: record["error"] for record in predictions if "error" in record}
    return [
        verdict | {"error": reasons[verdict["index"]]} if verdict["index"] in reasons else verdict
        for verdict in verdicts
    ]


def _about(dataset: DataSet, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what the manifest says beyond data, databases and metrics."""
    model, decoding = settings["model"], settings["decoding"]
    if refused := settings.get("grammar_refused"):
        reasons = [*decoding.get("unconstrained", ()), f"the server takes no grammar: {refused}"]
        decoding = decoding | {"unconstrained": reasons}
    return {
        "data": dataset.name,
        "files": dataset.files,
        "split": dataset.split,
        "base": model["base"],
        "base_revision": model["revision"],
        "adapter": model["adapter"],
        "prompt_card": settings["prompt"] | {"today": settings["today"]},
        "decoding": decoding,
        "seed": decoding["seed"],
    }
