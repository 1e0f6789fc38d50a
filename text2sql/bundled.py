"""Build the bundled base from the bundled samples, once, on first use.

    >>> ensure_mini()
    PosixPath('/home/ann/.cache/text2sql/mini-1')

What it learns from: prompts and SQL of the samples' `train` split, never of `dev` or
`dev_in_domain`. About a minute and a half on two cores. Deterministic by seed on one machine and
thread count.
"""

import itertools
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from text2sql.bases import find_base, mini
from text2sql.bases.loading import quiet
from text2sql.data.catalog import DataSet, find_dataset
from text2sql.errors import OutputError, need
from text2sql.examples import Example
from text2sql.outputs import full_disk
from text2sql.prompting import Prompt, build_prompt, encode, encode_completion
from text2sql.schema import canonicalise

if TYPE_CHECKING:
    from text2sql.training.pretraining import Pretrained
    from text2sql.training.rows import Group

SEED = 1
STEPS = 500
BRANCHES = 16  # questions of a row
LONGEST = 2**20  # tokens of a row: as many as the questions bring
TODAY = date(2026, 1, 1)  # a date that prompts carry; the same for every build


def ensure_mini() -> Path:
    """Return the folder of the bundled base; build it if it is not there.

    Raises:
        OutputError: the user's cache cannot be written.
    """
    place = mini.place()
    need("infer", "torch", "transformers", "peft")
    if not (place / "config.json").exists():
        print(
            "building the bundled base, once: about two minutes on two idle cores", file=sys.stderr
        )
        build_mini(place)
    return place


def build_mini(place: Path, *, steps: int | None = None, seed: int = SEED) -> None:
    """Build the base into a folder, replacing what is there, in one move.

    Args:
        place: the folder; written beside it first, so that a broken build leaves nothing behind.
        steps: optimiser steps of the pretraining; None means STEPS.
        seed: of weights and order.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=place.parent, prefix="mini-building-"))
    except OSError as error:
        raise OutputError(f"cannot write to {place.parent}: {error.strerror}") from None
    try:
        with full_disk(place.parent), quiet():
            model, tokenizer = _pretrained(steps or STEPS, seed)
            model.save_pretrained(scratch)
            tokenizer.save_pretrained(scratch)
        shutil.rmtree(place, ignore_errors=True)
        scratch.replace(place)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _pretrained(steps: int, seed: int) -> tuple[Any, Any]:
    from text2sql.training.pretraining import Schedule, pretrain

    dataset = find_dataset("samples", split="train")
    model, tokenizer = mini.create(_texts(dataset), seed=seed)

    def show(done: "Pretrained") -> None:
        left = done.seconds / done.steps * (steps - done.steps)
        print(
            f"step {done.steps}/{steps}  loss {done.loss:.3f}  {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )

    # one row a step, in float32
    schedule = Schedule(steps, tokens=1, bfloat16=False)
    pretrain(model, _stream(_groups(dataset, tokenizer), seed), schedule, report=show)
    return model, tokenizer


def _stream(groups: "list[Group]", seed: int) -> "Callable[[int], Iterator[Group]]":
    """Return the parts of pass after pass over the groups, each in an order of its own."""
    from text2sql.training.rows import cut

    def read(place: int) -> "Iterator[Group]":
        size = len(cut(groups, cap=BRANCHES, tokens=LONGEST, random=None))
        for number in itertools.count(place // size):
            random = Random(f"{seed}/{number}")
            parts = cut(groups, cap=BRANCHES, tokens=LONGEST, random=random)
            random.shuffle(parts)
            yield from parts[place - number * size :] if number == place // size else parts

    return read


def _texts(dataset: DataSet) -> list[str]:
    """Return what the tokenizer's merges are learnt from."""
    examples = dataset.examples
    return [text for e in examples for text in (_prompt(e, dataset).text, e.query)]


def _prompt(example: Example, dataset: DataSet) -> Prompt:
    base = find_base("mini")
    return build_prompt(
        example.question,
        dataset.schema(example.db_id),
        format=base.prompt_format,
        style=base.style,
        today=TODAY,
    )


def _groups(dataset: DataSet, tokenizer: Any) -> "list[Group]":
    """Return one group a database."""
    from text2sql.training.rows import Branch, Group

    groups: dict[str, Group] = {}
    base = find_base("mini")
    for example in dataset.examples:
        sql = canonicalise(example.query, dataset.schema(example.db_id))
        prompt = encode(_prompt(example, dataset), tokenizer)
        group = groups.setdefault(example.db_id, Group(prompt.shared_ids, []))
        group.branches.append(Branch(prompt.own_ids, encode_completion(sql, tokenizer, base)))
    return list(groups.values())
