"""Evaluate a model on a data set: predict, verify, run beside the gold, write down what happened.

    >>> evaluation = evaluate(dataset, model, "runs/eval-1")
    >>> evaluation.scorecard["metrics"]["execution_accuracy"]["all"]["accuracy"]
    0.31

The output folder holds predictions.jsonl, verdicts.jsonl, scorecard.json (counts, intervals,
manifest) and report.html. Predictions are written batch by batch: a run that was killed continues
with `resume`, and ends with the same scores, because batches depend on the examples alone.

Not covered: choosing among samples by their results; several settings on one loaded model.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from text2sql import reporting, scoring
from text2sql.data.catalog import DataSet
from text2sql.data.checks import check_gold, runner
from text2sql.decoding.candidates import choose
from text2sql.decoding.generation import Decoding, batches
from text2sql.errors import GoldError, OutputError, PromptError
from text2sql.examples import Example
from text2sql.execution import Execution, Executor
from text2sql.models import Model
from text2sql.outputs import full_disk, owned, write_whole
from text2sql.prompting import Fitted

PREDICTIONS, VERDICTS, SCORECARD, REPORT, SETTINGS = (
    "predictions.jsonl",
    "verdicts.jsonl",
    "scorecard.json",
    "report.html",
    "settings.json",
)
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
        decoding: samples, temperature, seed, batch size.
        metrics: names in `scoring.METRICS`.
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
    """
    decoding = decoding or Decoding()
    with (
        owned(output, resume=resume, overwrite=overwrite) as folder,
        full_disk(folder, kept="use --resume"),
    ):
        with Executor(workers=workers) as pool:
            dataset = _usable(dataset, pool, skip_bad_gold, workers)
            settings = _settle(folder, _settings(dataset, model, decoding, today), resume)
            day = date.fromisoformat(settings["today"])
            run = _Run(
                dataset, model, decoding, pool, day, folder / PREDICTIONS, progress or _show()
            )
            predictions = run.predict_all()
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
    bad = check_gold(dataset, runner(pool), workers=workers).unusable()
    if not bad:
        return dataset
    if not skip_bad_gold:
        dataset.database(bad[0].db_id)  # raises where that is what is missing
        raise GoldError(bad[0].index, bad[0].db_id, bad[0].sql, bad[0].reason)
    homeless = {finding.index for finding in bad if finding.kind == "no_database"}
    print(f"{len(bad)} gold queries do not run; {len(homeless)} left out", file=sys.stderr)
    return replace(dataset, examples=[e for e in dataset.examples if e.index not in homeless])


def _settings(
    dataset: DataSet, model: Model, decoding: Decoding, today: date | None
) -> dict[str, Any]:
    """Return everything that decides the predictions; a resumed run must agree on all of it."""
    asked = [f"{e.index} {e.db_id} {e.question}" for e in dataset.examples]
    return {
        "dataset": dataset.name,
        "split": dataset.split,
        "examples": len(dataset.examples),
        "questions": scoring.ids_hash(asked),
        "model": model.described,
        "prompt": {
            "format": model.base.prompt_format,
            "answer_format": model.base.answer_format,
            "style": model.style,
            "language": model.language,
        },
        "decoding": decoding.record(),
        "today": (today or date.today()).isoformat(),
    }


def _settle(folder: Path, settings: dict[str, Any], resume: bool) -> dict[str, Any]:
    path = folder / SETTINGS
    if resume and path.exists():
        before = _read_settings(path)
        for key, value in settings.items():
            if key != "today" and before.get(key) != value:
                raise OutputError(
                    f"cannot resume {folder}: {key} is {value!r}, was {before.get(key)!r}"
                )
        return before
    write_whole(path, json.dumps(settings, ensure_ascii=False, indent=2))
    return settings


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OutputError(f"cannot resume: {path} is broken ({error})") from None
    if not isinstance(settings, dict) or "today" not in settings:
        raise OutputError(f"cannot resume: {path} is not what an evaluation writes")
    return settings


@dataclass
class _Run:
    """The predicting half of an evaluation."""

    dataset: DataSet
    model: Model
    decoding: Decoding
    pool: Executor
    today: date
    path: Path
    progress: Progress

    def predict_all(self) -> list[dict[str, Any]]:
        """Return one prediction record per example, in order; append each batch to the file."""
        prompts = self._prompts()
        records = {
            i: self._refused(self.dataset.examples[i], str(refusal))
            for i, refusal in enumerate(prompts)
            if isinstance(refusal, PromptError)
        }
        plan = self._plan(prompts)
        done = _read_done(self.path)
        kept = [
            batch for batch in plan if all(self.dataset.examples[i].index in done for i in batch)
        ]
        records |= {i: done[self.dataset.examples[i].index] for batch in kept for i in batch}
        write_whole(self.path, "".join(_line(record) for record in records.values()))
        with self.path.open("a", encoding="utf-8") as file:
            for batch in (batch for batch in plan if batch not in kept):
                new = self._predict(batch, prompts)
                file.write("".join(_line(record) for record in new))
                file.flush()
                records |= dict(zip(batch, new, strict=True))
                self.progress("predicted", len(records), len(prompts))
        ordered = [records[i] for i in range(len(prompts))]
        write_whole(self.path, "".join(_line(record) for record in ordered))
        return ordered

    def _plan(self, prompts: Sequence[Any]) -> list[list[int]]:
        """Return batches of places in the split; a function of the examples alone."""
        askable = [i for i, fitted in enumerate(prompts) if isinstance(fitted, Fitted)]
        lengths = [len(prompts[i].prompt.text) for i in askable]
        groups = [self.dataset.examples[i].db_id for i in askable]
        return [
            [askable[j] for j in batch]
            for batch in batches(lengths, groups, self.decoding.batch_size)
        ]

    def _prompts(self) -> list[Fitted | PromptError]:
        return [self._prompt(example) for example in self.dataset.examples]

    def _prompt(self, example: Example) -> Fitted | PromptError:
        schema = self.dataset.schema(example.db_id)
        room = self.decoding.max_new_tokens
        try:
            return self.model.prompt(
                example.question,
                schema,
                today=self.today,
                evidence=example.evidence,
                sample=self.dataset.sample(example.db_id),
                room=room,
            )
        except PromptError as error:
            return error

    def _predict(self, batch: Sequence[int], prompts: Sequence[Any]) -> list[dict[str, Any]]:
        examples = [self.dataset.examples[i] for i in batch]
        db_id = examples[0].db_id
        explain = self._explain(db_id)
        begun = time.perf_counter()
        fitted = [prompts[i] for i in batch]
        answered = self.model.answer(
            fitted, self.dataset.schema(db_id), self.decoding, explain=explain
        )
        seconds = (time.perf_counter() - begun) / len(batch)
        return [
            {
                "index": example.index,
                "db_id": db_id,
                "question": example.question,
                "sql": choose(found.candidates).sql,
                "valid": choose(found.candidates).valid,
                "candidates": [candidate.record() for candidate in found.candidates],
                "left_out": list(fit.schema.left_out),
                "tokens": found.tokens,
                "seconds": round(seconds, 4),
            }
            for example, found, fit in zip(examples, answered, fitted, strict=True)
        ]

    def _explain(self, db_id: str) -> Callable[[str], Execution] | None:
        if not self.dataset.has_database(db_id):
            return None
        database = self.dataset.database(db_id)
        return lambda sql: self.pool.explain(sql, database)

    def _refused(self, example: Example, reason: str) -> dict[str, Any]:
        about = {"index": example.index, "db_id": example.db_id, "question": example.question}
        empty = {
            "sql": "",
            "valid": False,
            "candidates": [],
            "left_out": [],
            "tokens": 0,
            "seconds": 0.0,
        }
        return about | empty | {"error": reason}


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"


def _read_done(path: Path) -> dict[int, dict[str, Any]]:
    """Return the predictions that a killed run wrote; its last line may be cut."""
    done = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            break
        done[record["index"]] = record
    return done


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
    card = scores.scorecard | {"run": _run_figures(predictions)}
    if settings["decoding"]["num_samples"] > 1:
        card["samples"] = _sample_figures(dataset, predictions, skip_bad_gold, workers)
    records = scores.records()
    write_whole(folder / VERDICTS, "".join(_line(record) for record in records))
    write_whole(folder / SCORECARD, json.dumps(card, ensure_ascii=False, indent=2) + "\n")
    page = reporting.html_report(card, predictions, records, examples=dataset.examples)
    write_whole(folder / REPORT, page)
    return Evaluation(folder, scores, card)


def _about(dataset: DataSet, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what the manifest says beyond data, databases and metrics."""
    model = settings["model"]
    return {
        "data": dataset.name,
        "files": dataset.files,
        "split": dataset.split,
        "base": model["base"],
        "base_revision": model["revision"],
        "adapter": model["adapter"],
        "prompt_card": settings["prompt"] | {"today": settings["today"]},
        "decoding": settings["decoding"],
        "seed": settings["decoding"]["seed"],
    }


def _run_figures(predictions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Count what the decoding did: valid SQL, first candidates that were valid, time and tokens."""
    figures = {key: [record[key] for record in predictions] for key in ("seconds", "tokens")}
    firsts = [record["candidates"][0] for record in predictions if record["candidates"]]
    faults = Counter(first["fault"]["layer"] for first in firsts if first["fault"])
    return {
        "valid": sum(record["valid"] for record in predictions),
        "first_candidate_valid": len(firsts) - faults.total(),
        "first_candidate_faults": dict(faults),
        "refused_prompts": sum("error" in record for record in predictions),
        "reduced_schemas": sum(bool(record["left_out"]) for record in predictions),
        **scoring.percentiles(figures),
    }


def _sample_figures(
    dataset: DataSet, predictions: Sequence[dict[str, Any]], skip_bad_gold: bool, workers: int
) -> dict[str, Any]:
    """Return pass@k and the accuracy of the majority vote over all candidates."""
    scores = scoring.score_samples(
        [[c["sql"] for c in record["candidates"]] for record in predictions],
        dataset.examples,
        dataset.database,
        skip_bad_gold=skip_bad_gold,
        workers=workers,
        about={"data": dataset.name, "split": dataset.split},
    )
    return {metric: groups["all"] for metric, groups in scores.scorecard["metrics"].items()}
