"""The whole loop on bundled data, told step by step: prepare, train, evaluate, ask.

    >>> quickstart(Path("runs/quickstart"))

Everything that it prints was measured in this run. Each step names the command that does the same.
"""

import shutil
import time
from pathlib import Path

from text2sql import reporting
from text2sql.bundled import ensure_mini
from text2sql.data.catalog import find_dataset
from text2sql.evaluation import Evaluation, evaluate
from text2sql.models import open_model
from text2sql.outputs import owned
from text2sql.predictor import Predictor
from text2sql.samples import NAMES
from text2sql.samples.building import read_questions, samples_folder
from text2sql.training.recipe import read_recipe
from text2sql.training.sft import train

SPLITS = {
    "dev_in_domain": "new questions, known databases",
    "dev": "new questions, new databases",
}
EPOCHS, LEARNING_RATE = 6, 2e-3  # those of adapters/mini
LIMIT: int | None = None  # questions of a split; None: all
DATABASE = "shop"
QUESTION = "Break the orders down by status: how many of each?"
REMARK = """
The bundled base is a very small model that has read invented databases only; the adapter has read
the samples' 192 training questions. A real base goes through the same commands (t2s base list)."""


def quickstart(output: Path) -> None:
    """Run the loop and print what happens.

    Args:
        output: folder of the adapter and of the results; an earlier quickstart's is replaced.
    """
    begun = time.monotonic()
    adapter = output / "adapter"
    _clear(output)
    _say(f"1. Prepare: {len(NAMES)} bundled databases, {len(read_questions())} questions, a base.")
    database = samples_folder() / "database" / DATABASE / f"{DATABASE}.sqlite"
    ensure_mini()
    _say("2. Evaluate the base as it is.   t2s eval samples --base mini")
    before = {split: _evaluate(split, None, output / f"before-{split}") for split in SPLITS}
    _say("3. Train a LoRA adapter.   t2s train --base mini --data samples")
    _train(adapter)
    _say(f"4. Evaluate again.   t2s eval samples --adapter {adapter}")
    after = {split: _evaluate(split, adapter, output / f"after-{split}") for split in SPLITS}
    _print_accuracies(before, after)
    _say(f'5. Ask.   t2s predict "{QUESTION}" -d {database.name}')
    _ask(adapter, database)
    _say(f"Done in {time.monotonic() - begun:.0f} s. Reports: {output}/after-*/report.html")


def _train(adapter: Path) -> None:
    recipe = read_recipe(
        None,
        base="mini",
        data="samples",
        output_dir=str(adapter),
        num_train_epochs=EPOCHS,
        learning_rate=LEARNING_RATE,
        logging_steps=25,
    )
    train(recipe, find_dataset("samples", split="train"))


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


def _clear(output: Path) -> None:
    """Make room for this run; only what a quickstart left is removed."""
    with owned(output, resume=True):
        for name in (
            "adapter",
            *(f"{when}-{split}" for when in ("before", "after") for split in SPLITS),
        ):
            shutil.rmtree(output / name, ignore_errors=True)


def _evaluate(split: str, adapter: Path | None, folder: Path) -> Evaluation:
    with open_model("mini", adapter=adapter) as model:
        return evaluate(find_dataset("samples", split=split, limit=LIMIT), model, folder)


def _print_accuracies(before: dict[str, Evaluation], after: dict[str, Evaluation]) -> None:
    rows = [
        (f"{split}: {meaning}", before[split].scorecard["n"], *map(_accuracy, pair))
        for split, meaning in SPLITS.items()
        for pair in [(before[split], after[split])]
    ]
    print(reporting.rows_table(["execution accuracy", "questions", "before", "after"], rows))
    print(REMARK)


def _accuracy(evaluation: Evaluation) -> str:
    share = evaluation.scorecard["metrics"]["execution_accuracy"]["all"]
    return f"{share['accuracy']:.1%} ({share['correct']})"


def _ask(adapter: Path, database: Path) -> None:
    with Predictor.from_pretrained(adapter, database=database) as predictor:
        answer = predictor.predict(QUESTION)
    print(f"question: {answer.question}\nSQL:      {answer.sql}")
    print(
        reporting.rows_table(answer.columns, answer.rows)
        if answer.error is None
        else f"error: {answer.error}"
    )
