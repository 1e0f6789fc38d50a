"""Train a small causal model from nothing on rows of token ids.

    >>> pretrain(model, rows, steps=600, seed=1)

Imports nothing beyond torch, so that it also runs on a machine that has little else. Deterministic:
the same rows, seed and thread count give the same weights.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import torch


def pretrain(
    model: Any,
    rows: Sequence[tuple[list[int], list[int]]],
    *,
    steps: int,
    seed: int,
    batch_size: int = 8,
    learning_rate: float = 3e-3,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Minimise the next-token loss over rows, in place.

    Args:
        model: a causal model of transformers with random weights.
        rows: (token ids, labels) pairs of equal length; a label of -100 carries no loss.
        steps: optimiser steps, with a linear warm-up over the first 5 % and a cosine decay to a
            tenth.
        seed: of the order of rows.
        batch_size: rows a step; those of similar length go together.
        learning_rate: the peak, AdamW, weight decay 0.01.
        progress: called with the step and its loss.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=learning_rate, betas=(0.9, 0.95), weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    model.train()
    order = _batches(rows, batch_size, Random(seed))
    for step in range(steps):
        ids, labels, mask = _pad([rows[i] for i in next(order)])
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        progress(step + 1, loss.item())
    model.eval()


def _rate(step: int, steps: int) -> float:
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    share = (step - warm) / max(1, steps - warm)
    return 0.1 + 0.45 * (1 + torch.cos(torch.tensor(torch.pi * share)).item())


def _batches(rows: Sequence[tuple[list[int], list[int]]], size: int, random: Random) -> Any:
    """Yield batches for ever: rows shuffled, sorted by length in steps of 32, batches shuffled."""
    while True:
        order = list(range(len(rows)))
        random.shuffle(order)
        order.sort(key=lambda i: len(rows[i][0]) // 32)
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        random.shuffle(batches)
        yield from batches


def _pad(
    rows: Sequence[tuple[list[int], list[int]]],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    width = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([row + [0] * (width - len(row)) for row, _ in rows])
    labels = torch.tensor([row + [-100] * (width - len(row)) for _, row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row, _ in rows])
    return ids, labels, mask
