"""Build the bundled base from invented databases, in runs of any length.

    >>> build_mini(Path("mini"), minutes=30)            # a first half hour
    >>> build_mini(Path("mini"), minutes=30, resume=True)

A build is a tokenizer learnt from synthetic prompts, then pretraining on a stream of invented
databases, one row of which holds a schema and all questions about it. What has been done stands
beside the folder, under `<folder>.building`: a run that was stopped, or that has used up its
minutes, goes on from there. The folder appears when the last step is done. Every few minutes the
model is shown databases that it never learns from.

Deterministic by seed on one machine and thread count.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from text2sql import corpora
from text2sql.bases import find_base, mini
from text2sql.bases.mini_card import write_card
from text2sql.errors import OutputError, need
from text2sql.outputs import full_disk

if TYPE_CHECKING:
    from text2sql.training.pretraining import Pretrained
    from text2sql.training.rows import Group

SEED = 1
STEPS = 7_400
TOKENS = 3000  # of a step
TEXTS = 400  # databases that the tokenizer is learnt from
HELD_OUT = 48  # databases that tell how far it is
UNSEEN = 10**15  # their seeds begin here; those of the stream stay below
EVERY = 300.0  # seconds between two looks at them
SHARD = "14MB"
TOKENIZER, PROGRESS, SEEDED = "tokenizer", "progress.jsonl", "seed"


def ensure_mini() -> Path:
    """Return the folder of the bundled base.

    Raises:
        ModelError: it is not there.
    """
    need("infer", "torch", "transformers", "peft")
    return mini.folder()


def build_mini(
    place: Path,
    *,
    steps: int = STEPS,
    minutes: float | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int = SEED,
    held_out: int = HELD_OUT,
    texts: int = TEXTS,
) -> bool:
    """Build the base into a folder.

    Args:
        place: the folder.
        steps: optimiser steps of the whole build. With `resume` a build may be given another
            number: its rate falls from where it then is.
        minutes: of this run; None means until the last step.
        resume: go on with what an earlier run has left.
        overwrite: begin anew, and replace what is there.
        seed: of weights and data.
        held_out: databases that tell how far it is.
        texts: databases that the tokenizer is learnt from.

    Returns:
        Whether the build is done.

    Raises:
        OutputError: something is there and neither `resume` nor `overwrite` is given; what is
            resumed has another seed; or the folder cannot be written.
    """
    need("infer", "torch", "transformers")
    scratch = place.with_name(f"{place.name}.building")
    _check(place, scratch, resume=resume, overwrite=overwrite)
    try:
        scratch.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write to {place.parent}: {error.strerror}") from None
    with full_disk(place.parent):
        model, tokenizer = _begun(scratch, seed, texts)
        done = _pretrain(model, tokenizer, scratch, steps, minutes, seed, held_out)
        if done.steps < steps:
            return False
        _finish(model, tokenizer, scratch, place, done, seed)
    return True


def _check(place: Path, scratch: Path, *, resume: bool, overwrite: bool) -> None:
    if overwrite:
        shutil.rmtree(scratch, ignore_errors=True)
        return
    if (place / "config.json").exists() and not (resume and scratch.exists()):
        raise OutputError(f"{place} holds a base: --overwrite replaces it")
    if scratch.exists() and not resume:
        raise OutputError(f"{scratch} holds a build: --resume goes on, --overwrite begins anew")


def _begun(scratch: Path, seed: int, texts: int) -> tuple[Any, Any]:
    """Return the model with its first weights, and the tokenizer, learnt or read."""
    from transformers import PreTrainedTokenizerFast

    folder, seeded = scratch / TOKENIZER, scratch / SEEDED
    if seeded.exists() and seeded.read_text() != str(seed):
        raise OutputError(f"{scratch} was begun with seed {seeded.read_text()}, not {seed}")
    seeded.write_text(str(seed))
    if not (folder / "tokenizer.json").exists():
        _say(f"learning a tokenizer from {texts} invented databases")
        mini.learn_tokenizer(corpora.texts(seed, texts)).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    return mini.create(tokenizer, seed=seed), tokenizer


def _pretrain(
    model: Any,
    tokenizer: Any,
    scratch: Path,
    steps: int,
    minutes: float | None,
    seed: int,
    held_out: int,
) -> "Pretrained":
    from text2sql.training.pretraining import Schedule, pretrain

    held = [
        group
        for number in range(held_out)
        if (group := corpora.synthetic_group(UNSEEN + number, tokenizer))
    ]
    return pretrain(
        model,
        corpora.stream(seed, scratch / TOKENIZER),
        Schedule(steps, tokens=TOKENS),
        folder=scratch,
        minutes=minutes,
        save_every=EVERY,
        report=_reporter(model, held, scratch / PROGRESS, steps),
    )


def _reporter(
    model: Any, held: "Sequence[Group]", path: Path, steps: int
) -> "Callable[[Pretrained], None]":
    """Return what says how far a build is, and now and then how good."""
    from text2sql.training.pretraining import exact_share

    looked = time.monotonic()

    def report(done: "Pretrained") -> None:
        nonlocal looked
        line = (
            f"step {done.steps:,}/{steps:,}  questions {done.questions:,}  loss {done.loss:.3f}"
            f"  {done.tokens / done.seconds:,.0f} tokens/s"
            f"  {done.seconds / done.steps * (steps - done.steps) / 60:.0f} min left"
        )
        if held and (time.monotonic() - looked > EVERY or done.steps == steps):
            looked = time.monotonic()
            share = exact_share(model, held)
            line += f"  right on databases held out {share:.1%}"
            with path.open("a", encoding="utf-8") as file:
                record = {"steps": done.steps, "questions": done.questions, "loss": done.loss}
                file.write(json.dumps({**record, "held_out": round(share, 4)}) + "\n")
        _say(line)

    return report


def _finish(
    model: Any, tokenizer: Any, scratch: Path, place: Path, done: "Pretrained", seed: int
) -> None:
    """Write the base beside its place, and put it there in one move."""
    import torch

    made = scratch / "made"
    shutil.rmtree(made, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(made, max_shard_size=SHARD)
    tokenizer.save_pretrained(made)
    base = find_base("mini")
    card = {"prompt_format": base.prompt_format, "answer_format": base.answer_format}
    (made / "text2sql.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    text = write_card(
        weights=model.num_parameters(),
        steps=done.steps,
        questions=done.questions,
        tokens=done.tokens,
        seed=seed,
    )
    (made / "README.md").write_text(text, encoding="utf-8")
    if (scratch / PROGRESS).exists():
        shutil.copyfile(scratch / PROGRESS, made / PROGRESS)
    shutil.rmtree(place, ignore_errors=True)
    made.replace(place)
    shutil.rmtree(scratch, ignore_errors=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
