"""Build the bundled base from the bundled samples, once, on first use.

    >>> ensure_mini()
    PosixPath('/home/ann/.cache/text2sql/mini-1')

What it learns from: prompts and SQL of the samples' `train` split, never of `dev` or
`dev_in_domain`. About a minute and a half on two cores. Deterministic by seed on one machine and
thread count.
"""

import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from text2sql.bases import find_base, mini
from text2sql.bases.loading import quiet
from text2sql.data.catalog import DataSet, find_dataset
from text2sql.errors import OutputError
from text2sql.outputs import full_disk

SEED = 1
STEPS = 400
TODAY = date(2026, 1, 1)  # a date that prompts carry; the same for every build


def ensure_mini() -> Path:
    """Return the folder of the bundled base; build it if it is not there.

    Raises:
        OutputError: the user's cache cannot be written.
    """
    place = mini.place()
    if not (place / "config.json").exists():
        print("building the bundled base, once: about two minutes on two cores", file=sys.stderr)
        build_mini(place)
    return place


def build_mini(place: Path, *, steps: int = STEPS, seed: int = SEED) -> None:
    """Build the base into a folder, replacing what is there, in one move.

    Args:
        place: the folder; written beside it first, so that a broken build leaves nothing behind.
        steps: optimiser steps of the pretraining.
        seed: of weights and order.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=place.parent, prefix="mini-building-"))
    except OSError as error:
        raise OutputError(f"cannot write to {place.parent}: {error.strerror}") from None
    try:
        with full_disk(place.parent), quiet():
            model, tokenizer = _pretrained(steps, seed)
            model.save_pretrained(scratch)
            tokenizer.save_pretrained(scratch)
        shutil.rmtree(place, ignore_errors=True)
        scratch.replace(place)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _pretrained(steps: int, seed: int) -> tuple[Any, Any]:
    from text2sql.training.pretraining import pretrain

    dataset = find_dataset("samples", split="train")
    model, tokenizer = mini.create(_texts(dataset), seed=seed)
    started = time.monotonic()

    def show(step: int, loss: float) -> None:
        if step % 50 == 0 or step == steps:
            seconds = time.monotonic() - started
            left = seconds / step * (steps - step)
            print(
                f"step {step}/{steps}  loss {loss:.3f}  {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )

    pretrain(model, _rows(dataset, tokenizer), steps=steps, seed=seed, progress=show)
    return model, tokenizer


def _texts(dataset: DataSet) -> list[str]:
    """Return what the tokenizer's merges are learnt from."""
    return [
        text
        for example in dataset.examples
        for text in (_prompt(example, dataset).text, example.query)
    ]


def _prompt(example: Any, dataset: DataSet) -> Any:
    from text2sql.prompting import build_prompt

    base = find_base("mini")
    return build_prompt(
        example.question,
        dataset.schema(example.db_id),
        format=base.prompt_format,
        style=base.style,
        today=TODAY,
    )


def _rows(dataset: DataSet, tokenizer: Any) -> list[tuple[list[int], list[int]]]:
    """Return (ids, labels) of each example; every token has loss, as a base also learns to read."""
    from text2sql.prompting import encode, encode_completion
    from text2sql.schema import canonicalise

    base = find_base("mini")
    rows = []
    for example in dataset.examples:
        sql = canonicalise(example.query, dataset.schema(example.db_id))
        ids = encode(_prompt(example, dataset), tokenizer).ids + encode_completion(
            sql, tokenizer, base
        )
        rows.append((ids, ids))
    return rows
