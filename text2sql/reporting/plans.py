"""Print what a training run will need, before it is started.

>>> print(plan_table(plan(recipe, dataset, memory="24GiB")))
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from text2sql.reporting.tables import text_table

if TYPE_CHECKING:
    from text2sql.training.plan import Plan

GIB = 2**30
PARTS = {
    "weights": "base",
    "adapter": "adapter",
    "gradients": "gradients",
    "optimizer": "optimizer",
    "activations": "activations",
    "logits": "logits at labels",
    "gathered": "layers gathered",
    "reserve": "reserve",
}


def plan_table(plan: "Plan") -> str:
    """Return a plan as tables and remarks, the verdict last."""
    run = text_table((f"{plan.base} on {plan.data}", ""), _run_rows(plan))
    each = f"memory of {'the GPU' if plan.gpus == 1 else f'each of {plan.gpus} GPUs'}"
    parts = text_table((each, "GiB"), _memory_rows(plan))
    return "\n".join([run, "", parts, "", *plan.remarks, *_verdict(plan)])


def _run_rows(plan: "Plan") -> Iterator[tuple[str, str]]:
    about = "about " if plan.estimated else ""
    yield "parameters of the base", f"{plan.parameters:,}"
    yield "trainable", f"{plan.trainable:,} ({plan.trainable / plan.parameters:.2%})"
    yield "examples", f"{plan.examples:,}"
    yield "tokens of an epoch, apart", f"{about}{plan.tokens:,}"
    ratio = plan.tokens / plan.computed_tokens
    yield f"computed ({plan.packing_strategy})", f"{about}{plan.computed_tokens:,} (1/{ratio:.2f})"
    yield "rows of an epoch", f"{plan.rows:,}, the longest {plan.longest_row:,} tokens"
    yield "optimizer steps", f"{plan.steps:,} in {plan.epochs:g} epochs"
    yield "time", f"about {_time(plan.seconds)}"


def _memory_rows(plan: "Plan") -> Iterator[tuple[str, str]]:
    notes = {
        "weights": "in 4 bits" if plan.load_in_4bit else "in bfloat16",
        "activations": "with checkpointing" if plan.checkpointing else "without checkpointing",
    }
    for key, size in asdict(plan.memory).items():
        if size:
            yield " ".join(filter(None, (PARTS[key], notes.get(key)))), f"{size / GIB:.2f}"
    yield "together", f"{plan.memory.total / GIB:.2f}"


def _verdict(plan: "Plan") -> Iterator[str]:
    if plan.available is None:
        return
    size = f"{plan.available / GIB:.1f} GiB"
    spread = f" ({plan.distributed} over {plan.gpus} GPUs)" if plan.gpus > 1 else ""
    yield f"fits in {size}{spread}" if plan.fits else f"does not fit in {size}{spread}"
    for line in plan.advice:
        yield f"would fit with {line}" if line.startswith("--set") else line


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
