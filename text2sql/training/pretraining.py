"""Train a small causal model from nothing on a stream of rows that share schemas.

    >>> pretrain(model, stream, Schedule(steps=600, tokens=3000), folder=Path("runs/mini"))
    Pretrained(steps=600, tokens=1800342, seconds=912.4, loss=0.41)

A row is a few schemas, each with many questions and their SQL: each question sees its schema and
itself, so that the schema, which is most of the tokens, is computed once for all of them. Same loss
as one row for each question; `rows` and `attention` say how.

Matrices learn by Muon (Jordan et al. 2024, github.com/KellerJordan/Muon), which orthogonalises
their updates; embeddings and norms by AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101). The rate
rises, then falls with the square root of the steps, and to nothing at the end: a step sees a few
schemas only, and their noise has to be averaged out early.

The stream is a function of a place in it, so that a run that was stopped, or that has used up its
minutes, goes on as if nothing had happened: bit for bit on one machine and thread count. Imports
nothing beyond torch and transformers, so that it also runs on a machine that has little else.

Not covered: more than one process; schemas that do not fit beside one question.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from text2sql.training.rows import Group, build_row
from text2sql.training.sharing import batch_of, choose_backend, share

Stream = Callable[[int], Iterable[Group]]  # the groups from a place on, for ever

WARM = 60  # steps of the rise
LAST = 0.02  # of the peak, at the end
SHORT_ROWS = (
    "twopart",
    "merged",
    "dense",
)  # backends by speed, for schemas of a few hundred tokens
STATE, HISTORY = "state.pt", "history.jsonl"


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast.

    Args:
        steps: optimiser steps of the whole training.
        tokens: of one step, about: groups are added until there are as many.
        matrix_rate: peak of Muon.
        other_rate: peak of AdamW.
        bfloat16: compute in bfloat16 where the processor has it; weights stay float32.
    """

    steps: int
    tokens: int = 3000
    matrix_rate: float = 0.02
    other_rate: float = 0.004
    bfloat16: bool = True


@dataclass(frozen=True, slots=True)
class Pretrained:
    """What a training has come to."""

    steps: int
    groups: int  # place in the stream
    questions: int
    tokens: int
    seconds: float  # over all runs
    loss: float | None  # mean of the last steps


def pretrain(
    model: Any,
    stream: Stream,
    schedule: Schedule,
    *,
    folder: Path | None = None,
    minutes: float | None = None,
    save_every: float = 300.0,
    report_every: float = 30.0,
    report: Callable[[Pretrained], None] = lambda state: None,
) -> Pretrained:
    """Minimise the loss over the SQL, in place, until the schedule's end or the budget's.

    Args:
        model: a causal model of transformers with random weights; it shares schemas from then on.
        stream: what to learn from.
        schedule: the whole training's.
        folder: of the state, from which a later call goes on; None keeps none.
        minutes: of this call; None means until the end.
        save_every, report_every: seconds.
        report: called with what has been done.
    """
    order = SHORT_ROWS if model.device.type == "cpu" else None
    share(model, choose_backend(model, order).backend or "dense")
    model.train()
    optimizers = _optimizers(model, schedule)
    done = _restore(folder, model, optimizers)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    started = saved = told = time.monotonic()
    losses: list[float] = []
    before = done.seconds
    rows = _rows(stream, done.groups, schedule.tokens)
    while done.steps < schedule.steps:
        parts, place = next(rows)
        losses.append(_step(model, parts, optimizers, _rate(done.steps, schedule), schedule))
        now = time.monotonic()
        done = Pretrained(
            done.steps + 1,
            place,
            done.questions + sum(len(part.branches) for part in parts),
            done.tokens + sum(part.tokens for part in parts),
            before + now - started,
            sum(losses[-50:]) / len(losses[-50:]),
        )
        over = minutes is not None and now - started > 60 * minutes
        last = over or done.steps == schedule.steps
        if last or now - told > report_every:
            told = now
            report(done)
        if folder is not None and (last or now - saved > save_every):
            saved = now
            _save(folder, model, optimizers, done)
        if over:
            break
    model.eval()
    return done


def _rows(stream: Stream, place: int, tokens: int) -> Iterator[tuple[list[Group], int]]:
    """Yield the groups of each step, and the place in the stream behind them."""
    parts: list[Group] = []
    for place, group in enumerate(stream(place), start=place + 1):  # noqa: B020 (goes on from it)
        if group.branches:
            parts.append(group)
        if sum(part.tokens for part in parts) >= tokens:
            yield parts, place
            parts = []


def _optimizers(model: Any, schedule: Schedule) -> list[Any]:
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    matrices = [p for name, p in named if p.ndim == 2 and "embed" not in name]
    chosen = {id(p) for p in matrices}
    others = [p for _, p in named if id(p) not in chosen]
    return [
        torch.optim.Muon(
            matrices, lr=schedule.matrix_rate, weight_decay=0.05, adjust_lr_fn="original"
        ),
        torch.optim.AdamW(others, lr=schedule.other_rate, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def _rate(step: int, schedule: Schedule) -> float:
    """Return the share of the peak rate at a step."""
    warm = min(WARM, max(1, schedule.steps // 10))
    rise = min(1.0, (step + 1) / warm)
    slower = min(1.0, (warm / (step + 1)) ** 0.5)
    return rise * slower * max(LAST, 1.0 - step / schedule.steps)


def _step(
    model: Any, parts: list[Group], optimizers: list[Any], rate: float, schedule: Schedule
) -> float:
    with _computing(model, schedule):
        loss = row_loss(model, *parts)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    peaks = (schedule.matrix_rate, schedule.other_rate)
    for optimizer, peak in zip(optimizers, peaks, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = peak * rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return float(loss.item())


def _computing(model: Any, schedule: Schedule) -> AbstractContextManager[Any]:
    kind = model.device.type
    if not schedule.bfloat16 or model.dtype != torch.float32:
        return nullcontext()
    if kind == "cpu" and not getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)():
        return nullcontext()  # emulated bfloat16 is slower than float32
    return torch.autocast(kind, dtype=torch.bfloat16)


def row_loss(model: Any, *parts: Group) -> torch.Tensor:
    """Return the mean loss over the SQL tokens of one row, a scalar; the model shares schemas."""
    batch = batch_of(build_row(parts))
    output = model(
        **{name: torch.tensor([values], device=model.device) for name, values in batch.items()}
    )
    loss: torch.Tensor = output.loss
    return loss


def exact_share(model: Any, groups: Iterable[Group]) -> float:
    """Return the share of questions whose SQL is the model's first choice, token by token.

    Args:
        model: shares schemas.
        groups: that it does not learn from.
    """
    model.eval()
    right = count = 0
    for group in groups:
        batch = batch_of(build_row([group]))
        with torch.no_grad():
            chosen = model(
                **{name: torch.tensor([ids], device=model.device) for name, ids in batch.items()}
            ).is_top1
        lengths = [len(branch.sql) for branch in group.branches]
        right += sum(bool(part.all()) for part in chosen.split(lengths))
        count += len(lengths)
    model.train()
    return right / count


def _save(folder: Path, model: Any, optimizers: list[Any], done: Pretrained) -> None:
    """Write the state in one move: a killed run goes on from the last whole one."""
    state = {
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "done": asdict(done),
    }
    scratch = folder / f"{STATE}.new"
    torch.save(state, scratch)
    with scratch.open("rb") as file:
        os.fsync(file.fileno())
    scratch.replace(folder / STATE)
    with (folder / HISTORY).open("a", encoding="utf-8") as history:
        history.write(json.dumps(asdict(done)) + "\n")


def _restore(folder: Path | None, model: Any, optimizers: list[Any]) -> Pretrained:
    if folder is None or not (folder / STATE).exists():
        return Pretrained(0, 0, 0, 0, 0.0, None)
    state = torch.load(folder / STATE, map_location=model.device, weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return Pretrained(**state["done"])
