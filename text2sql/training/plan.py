"""What a training run will need, worked out before anything is loaded: memory, tokens, steps, time.

    >>> found = plan(recipe, find_dataset("spider", split="train"), memory="24GiB", gpus=1)
    >>> found.trainable, round(found.memory.total / GIB, 1), found.fits
    (39976960, 19.2, True)

No weights, no tokenizer and no torch are needed. What is counted, what is estimated and what is
assumed is said with every figure (`Plan.remarks`); where the run does not fit, `Plan.advice` holds
the smallest change of settings with which it does.

Not covered: runs on a CPU, whose memory is not counted; stages after the first.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

from text2sql.bases import find_base
from text2sql.bases.architecture import Architecture
from text2sql.data.catalog import DataSet
from text2sql.errors import ModelError, SettingsError, UnknownName
from text2sql.training.lengths import CHARACTERS_PER_TOKEN, Length, Lengths, measure
from text2sql.training.material import partition_of
from text2sql.training.memory import GIB, Memory, memory, trainable_parameters
from text2sql.training.recipe import Recipe
from text2sql.training.rows import Branch, Group, fewest_forwards, partition
from text2sql.training.shipped import compare_with_shipped

# usable GiB, and dense bfloat16 TFLOP/s of the makers' data sheets; none before Ampere, which have
# no bfloat16
CARDS = {
    "a10": (22, 125),
    "l4": (22, 121),
    "rtx3090": (24, 71),
    "rtx4090": (24, 165),
    "l40s": (44, 362),
    "a100-40gb": (39, 312),
    "a100-80gb": (79, 312),
    "h100": (79, 989),
    "h200": (139, 989),
}
USUAL_CARD = "a100-80gb"  # whose rate is taken where none is named
USE = 0.4  # of that rate: ours, what tuned LoRA runs reach; a measured rate is taken whole
DEQUANTISATION = 1.3  # times as long with a base in 4 bits: ours, not measured
MODES = ("ddp", "fsdp", "zero2", "zero3")


@dataclass(frozen=True, slots=True)
class Work:
    """One epoch as forward passes."""

    rows: int  # forward passes of one GPU, all GPUs together
    steps: int  # optimizer steps
    tokens: int  # that are computed, padding included
    longest: int  # tokens of the longest forward pass
    labelled: int  # of its tokens, that carry loss


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is known before the run."""

    base: str
    data: str
    packing_strategy: str
    parameters: int
    trainable: int
    examples: int
    skipped: int
    reduced: int
    tokens: int  # of an epoch, one row for each example
    computed_tokens: int  # of an epoch, after sharing or packing, padding included
    estimated: bool  # tokens were estimated from characters
    rows: int
    longest_row: int
    steps: int  # of the whole run
    epochs: float
    gpus: int
    distributed: str
    checkpointing: bool
    load_in_4bit: bool
    memory: Memory
    available: float | None  # bytes of one GPU; None: not said
    seconds: float
    flops: float  # a second, on each GPU
    advice: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def fits(self) -> bool | None:
        """Tell whether one GPU's part fits; None where no size was given."""
        return None if self.available is None else self.memory.total <= self.available

    def record(self) -> dict[str, Any]:
        """Return the plan for JSON, bytes as they are."""
        parts = asdict(self.memory) | {"total": self.memory.total}
        return asdict(self) | {"memory": parts, "fits": self.fits}


def plan(
    recipe: Recipe,
    dataset: DataSet,
    *,
    memory: str | None = None,
    gpus: int = 1,
    card: str | None = None,
    tflops: float | None = None,
) -> Plan:
    """Work out what a run needs.

    Args:
        recipe: its settings.
        dataset: what it learns from.
        memory: of one GPU, such as `24GiB`; None takes the card's.
        gpus: how many there are.
        card: a name in `CARDS`.
        tflops: measured 10^12 floating-point operations a second of one GPU in this work.

    Raises:
        ModelError: the base's architecture is not known.
        SettingsError: a memory size that cannot be read.
        UnknownName: no such card, LoRA target or optimizer.
    """
    if card is not None and card not in CARDS:
        raise UnknownName("card", card, CARDS)
    available = read_size(memory) if memory else CARDS[card][0] * GIB if card else None
    flops = tflops * 1e12 if tflops else CARDS[card or USUAL_CARD][1] * 1e12 * USE
    lengths = measure(dataset, find_base(recipe.base), recipe)
    asked = _Asked(lengths, gpus, available, flops, _rate_remark(card, tflops))
    drawn = _draw(recipe, asked)
    return drawn if drawn.fits is not False else _advised(drawn, recipe, asked)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What stays the same while settings are tried."""

    lengths: Lengths
    gpus: int
    available: float | None
    flops: float
    rate_remark: str


def _draw(recipe: Recipe, asked: _Asked) -> Plan:
    """Work out one set of settings."""
    architecture = find_architecture(recipe)
    work = find_work(asked.lengths.examples, recipe, asked.gpus)
    mode = resolve_mode(recipe, asked.gpus)
    checkpointing = recipe.gradient_checkpointing is not False
    needed = memory(
        architecture,
        recipe,
        tokens=work.longest,
        labelled=work.labelled,
        gpus=asked.gpus,
        distributed=mode,
        checkpointing=checkpointing,
    )
    steps = recipe.max_steps if recipe.max_steps > 0 else 0
    steps = steps or math.ceil(work.steps * recipe.num_train_epochs)
    operations = _operations(architecture, asked.lengths, work, checkpointing)
    slow = DEQUANTISATION if recipe.load_in_4bit else 1.0
    return Plan(
        base=recipe.base,
        data=f"{recipe.data}, {recipe.split}",
        packing_strategy=recipe.packing_strategy,
        parameters=architecture.parameters(),
        trainable=trainable_parameters(architecture, recipe),
        examples=len(asked.lengths.examples),
        skipped=asked.lengths.skipped,
        reduced=asked.lengths.reduced,
        tokens=asked.lengths.tokens,
        computed_tokens=work.tokens,
        estimated=asked.lengths.estimated,
        rows=work.rows,
        longest_row=work.longest,
        steps=steps,
        epochs=steps / work.steps,
        gpus=asked.gpus,
        distributed=mode if asked.gpus > 1 else "",
        checkpointing=checkpointing,
        load_in_4bit=recipe.load_in_4bit,
        memory=needed,
        available=asked.available,
        seconds=operations * slow * steps / work.steps / asked.flops / asked.gpus,
        flops=asked.flops,
        advice=(),
        remarks=tuple(_remarks(recipe, asked)),
    )


def find_architecture(recipe: Recipe) -> Architecture:
    """Return the architecture of a recipe's base.

    Raises:
        ModelError: it is not known.
    """
    base = find_base(recipe.base)
    if base.architecture is None:
        raise ModelError(
            f"the architecture of base {base.name} is not known here:"
            " give the folder of its config.json as the base"
        )
    return base.architecture


def resolve_mode(recipe: Recipe, gpus: int) -> str:
    """Return what is spread over the GPUs; DDP, which spreads nothing, unless the recipe says."""
    if gpus == 1:
        return "ddp"
    if recipe.distributed == "deepspeed":
        return f"zero{recipe.zero_stage}"
    return recipe.distributed or "ddp"


def find_work(lengths: Sequence[Length], recipe: Recipe, gpus: int) -> Work:
    """Cut one epoch into forward passes as the recipe's packing does."""
    return PACKING[recipe.packing_strategy](lengths, recipe, gpus)


def _separate(lengths: Sequence[Length], recipe: Recipe, gpus: int) -> Work:
    """Padded batches of whole examples."""
    order = list(lengths)
    if recipe.train_sampling_strategy == "group_by_length":
        order.sort(key=lambda length: length.total)
    elif recipe.train_sampling_strategy == "random":
        Random(recipe.seed).shuffle(order)
    size = recipe.per_device_train_batch_size
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    padded = [max(length.total for length in batch) * len(batch) for batch in batches]
    return Work(
        rows=len(batches),
        steps=math.ceil(len(batches) / gpus / recipe.gradient_accumulation_steps),
        tokens=sum(padded),
        longest=max(length.total for length in lengths) * size,  # a batch of a run may hold it
        labelled=max(length.sql for length in lengths) * size,
    )


def _packed(lengths: Sequence[Length], recipe: Recipe, gpus: int) -> Work:
    """Rows of `max_length` tokens, filled by best fit: as few as there can be."""
    tokens = sum(length.total for length in lengths)
    row = recipe.max_length or find_base(recipe.base).context_length or 2048
    rows = math.ceil(tokens / row)
    size = recipe.per_device_train_batch_size
    passes = math.ceil(rows / size)
    share = sum(length.sql for length in lengths) / tokens
    return Work(
        rows=passes,
        steps=math.ceil(passes / gpus / recipe.gradient_accumulation_steps),
        tokens=tokens,
        longest=row * size,
        labelled=math.ceil(row * size * share),
    )


def _shared(lengths: Sequence[Length], recipe: Recipe, gpus: int) -> Work:
    """Rows of one schema and many questions."""
    groups = _groups(lengths)
    how = partition_of(recipe, groups, world=gpus)
    how = replace(how, forwards=fewest_forwards(groups, how, epochs=1, world=gpus))
    passes = partition(groups, how, epoch=0)
    sizes = [sum(part.tokens for part in parts) for parts in passes]
    longest = passes[sizes.index(max(sizes))]
    return Work(
        rows=len(passes),
        steps=len(passes) // how.forwards,
        tokens=sum(sizes),
        longest=max(sizes),
        labelled=sum(len(branch.sql) for part in longest for branch in part.branches),
    )


def _groups(lengths: Sequence[Length]) -> list[Group]:
    """Build groups of the right sizes; only the first token of a question tells it from others."""
    groups: dict[tuple[str, int], Group] = {}
    for number, length in enumerate(lengths, start=1):
        key = (length.db_id, length.shared)
        group = groups.setdefault(key, Group([0] * length.shared, [], length.db_id))
        group.branches.append(Branch([number] + [0] * (length.own - 1), [0] * length.sql))
    return list(groups.values())


PACKING = {"none": _separate, "bfd": _packed, "prefix": _shared}


def _operations(a: Architecture, lengths: Lengths, work: Work, checkpointing: bool) -> float:
    """Return the floating-point operations of an epoch.

    A frozen linear map takes 2 for each weight and token forward and 2 backward, for the gradient
    of its input only; checkpointing runs forward twice. Attention's backward pass takes twice its
    forward one. The head is computed at labelled positions.
    """
    linear = a.layers * sum(wide * high for _, wide, high in a.linears())
    seen = sum(length.total**2 for length in lengths.examples) / 2 / lengths.tokens
    attention = 4 * a.layers * a.width * seen
    per_token = (6 * linear + 4 * attention) if checkpointing else (4 * linear + 3 * attention)
    labelled = sum(length.sql for length in lengths.examples)
    return work.tokens * per_token + labelled * 4 * a.width * a.vocabulary


def _remarks(recipe: Recipe, asked: _Asked) -> Iterator[str]:
    if said := compare_with_shipped(recipe):
        yield said
    if recipe.stages:
        yield (
            f"of {len(recipe.stages)} stages this is fine-tuning with the recipe's own settings:"
            " drawing samples, running them, pairs and groups come on top"
        )
    if asked.lengths.estimated:
        yield (
            f"tokens are estimated at {CHARACTERS_PER_TOKEN} characters each:"
            " the base's tokenizer is not on this machine"
        )
    yield asked.rate_remark
    if recipe.load_in_4bit:
        yield f"assumed: 4 bit takes {DEQUANTISATION} times as long"
    if asked.lengths.skipped:
        yield f"{asked.lengths.skipped} examples cannot be learnt from and are not counted"
    if asked.lengths.reduced:
        yield f"{asked.lengths.reduced} examples need their schema reduced"


def _rate_remark(card: str | None, tflops: float | None) -> str:
    if tflops:
        return f"time at the given {tflops:g} TFLOP/s on each GPU"
    nominal = CARDS[card or USUAL_CARD][1]
    which = card or f"{USUAL_CARD} (no --card given)"
    return f"time assumed at {USE:.0%} of the {nominal} TFLOP/s of {which}"


def _advised(drawn: Plan, recipe: Recipe, asked: _Asked) -> Plan:
    """Add the first change of settings with which the run fits, or what still lacks."""
    smallest = drawn.memory.total
    for change in _changes(recipe, drawn, asked):
        tried = _draw(recipe.model_copy(update=change), asked)
        smallest = min(smallest, tried.memory.total)
        if tried.fits:
            return replace(drawn, advice=(f"{_options(change)}: {_gib(tried.memory.total)}",))
    more = "more GPUs with --set distributed=fsdp" if asked.gpus == 1 else "more GPUs"
    lacking = f"nothing makes it fit ({_gib(smallest)} at least): a smaller base, or {more}"
    return replace(drawn, advice=(lacking,))


def _changes(recipe: Recipe, drawn: Plan, asked: _Asked) -> Iterator[dict[str, Any]]:
    """Yield changes, each slower or less exact than those before it."""
    checkpoint = {"gradient_checkpointing": True} if not drawn.checkpointing else {}
    if checkpoint:
        yield checkpoint
    small = list(_smaller_rows(recipe, asked.lengths.examples))
    yield from (checkpoint | change for change in small)
    least = small[-1] if small else {}
    if asked.gpus > 1:
        yield checkpoint | {"distributed": "fsdp"}
        yield checkpoint | least | {"distributed": "fsdp"}
    if not recipe.load_in_4bit:
        yield from (checkpoint | change | {"load_in_4bit": True} for change in ({}, *small))
        if asked.gpus > 1:
            yield checkpoint | least | {"load_in_4bit": True, "distributed": "fsdp"}


def _smaller_rows(recipe: Recipe, lengths: Sequence[Length]) -> Iterator[dict[str, Any]]:
    """Yield settings with fewer tokens in a forward pass and as many examples in a step."""
    if recipe.packing_strategy == "prefix":
        longest = max(length.total for length in lengths)
        tokens = partition_of(recipe, _groups(lengths), world=1).tokens
        while (tokens := tokens // 2) >= longest:
            yield {"prefix_tokens": tokens}
        return
    size, steps = recipe.per_device_train_batch_size, recipe.gradient_accumulation_steps
    while size > 1:
        steps, size = steps * size // (size // 2), size // 2
        yield {"per_device_train_batch_size": size, "gradient_accumulation_steps": steps}


def _options(change: dict[str, Any]) -> str:
    return " ".join(f"--set {key}={str(value).lower()}" for key, value in change.items())


def _gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB"


def read_size(text: str) -> float:
    """Read a size of memory: `24GiB`, `80GB`, `16000MiB`; a plain number is GiB.

    Raises:
        SettingsError: it is no size.
    """
    match = re.fullmatch(r"\s*([\d.]+)\s*(|[GMT]i?B?)\s*", text, re.IGNORECASE)
    try:
        number = float(match[1]) if match else 0.0
    except ValueError:
        number = 0.0
    if not match or number <= 0:
        raise SettingsError(f"--memory takes a size such as 24GiB, not {text!r}")
    unit = match[2].casefold() or "gib"
    power = " mgt".index(unit[0]) + 1
    return number * (1024 if "i" in unit or len(unit) == 1 else 1000) ** power
