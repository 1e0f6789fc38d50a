"""Train a small causal model from nothing on rows that share a schema.

    >>> pretrain(model, rows, steps=600, seed=1)

A row is one schema and many questions with their SQL: each question sees the schema and itself, so
that the schema, which is most of the tokens, is computed once for all of them. Same loss as one row
for each question; `rows` and `attention` say how.

Imports nothing beyond torch and transformers, so that it also runs on a machine that has little
else. Deterministic: the same rows, seed and thread count give the same weights.

Not covered: schemas that do not fit beside one question.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import torch

from text2sql.training.rows import Group, build_row, cut
from text2sql.training.sharing import batch_of, share

LONGEST = 2**20  # tokens of a row: as many as the cap brings


def pretrain(
    model: Any,
    groups: Sequence[Group],
    *,
    steps: int,
    seed: int,
    branches: int = 16,
    learning_rate: float = 3e-3,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Minimise the loss over the SQL, in place.

    Args:
        model: a causal model of transformers with random weights; it shares schemas from then on.
        groups: what to learn from; partitioned anew in every pass.
        steps: optimiser steps of one row each, with a linear warm-up over the first 5 % and a
            cosine decay to a tenth.
        seed: of the order and the partition.
        branches: questions in a row at most.
        learning_rate: the peak; AdamW, weight decay 0.01.
        progress: called with the step and its loss.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=learning_rate, betas=(0.9, 0.95), weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    share(model, "merged")
    model.train()
    rows = _rows(groups, branches, Random(seed))
    for step in range(1, steps + 1):
        loss = row_loss(model, next(rows))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        progress(step, loss.item())
    model.eval()


def _rate(step: int, steps: int) -> float:
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    share = torch.tensor(torch.pi * (step - warm) / max(1, steps - warm))
    return 0.1 + 0.45 * (1 + torch.cos(share).item())


def _rows(groups: Sequence[Group], size: int, random: Random) -> Iterator[Group]:
    """Yield rows for ever; a pass has every question once."""
    while True:
        rows = cut(groups, cap=size, tokens=LONGEST, random=random)
        random.shuffle(rows)
        yield from rows


def row_loss(model: Any, row: Group) -> torch.Tensor:
    """Return the mean loss over the SQL tokens of one row, a scalar; the model shares schemas."""
    batch = batch_of(build_row([row]))
    output = model(**{name: torch.tensor([values]) for name, values in batch.items()})
    loss: torch.Tensor = output.loss
    return loss
