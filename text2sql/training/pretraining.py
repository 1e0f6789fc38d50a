"""Train a small causal model from nothing on rows that share a schema.

    >>> pretrain(model, rows, steps=600, seed=1)

A row is one schema and many questions with their SQL: each question sees the schema and itself, so
that the schema, which is most of the tokens, is computed once for all of them. Same loss as one row
for each question (the mask says who sees whom, positions start again at the end of the schema).

Imports nothing beyond torch, so that it also runs on a machine that has little else. Deterministic:
the same rows, seed and thread count give the same weights.

Not covered: schemas that do not fit beside one question; attention that skips what the mask hides.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

IGNORED = -100  # the label that the loss skips


@dataclass(frozen=True, slots=True)
class Group:
    """One schema and the questions about it."""

    shared: list[int]  # token ids of the schema
    branches: list[tuple[list[int], list[int]]]  # token ids of a question, and of its SQL


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
        model: a causal model of transformers with random weights, attention `eager` or `sdpa`.
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
        rows = []
        for group in groups:
            order = random.sample(group.branches, len(group.branches))
            parts = (order[start : start + size] for start in range(0, len(order), size))
            rows += [Group(group.shared, part) for part in parts]
        random.shuffle(rows)
        yield from rows


def row_loss(model: Any, row: Group) -> torch.Tensor:
    """Return the mean loss over the SQL tokens of one row, a scalar."""
    ids, labels = list(row.shared), [IGNORED] * len(row.shared)
    positions, owners = list(range(len(row.shared))), [0] * len(row.shared)
    for number, (question, sql) in enumerate(row.branches, start=1):
        length = len(question) + len(sql)
        ids += question + sql
        labels += [IGNORED] * len(question) + sql
        positions += range(len(row.shared), len(row.shared) + length)
        owners += [number] * length
    output = model(
        input_ids=torch.tensor([ids]),
        position_ids=torch.tensor([positions]),
        attention_mask=_mask(torch.tensor(owners), model.dtype),
        use_cache=False,
    )
    # shifting by one is right at a branch's start, too: its first token carries no label
    return torch.nn.functional.cross_entropy(
        output.logits[0, :-1].float(), torch.tensor(labels[1:]), ignore_index=IGNORED
    )


def _mask(owners: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return the additive mask (1, 1, length, length): earlier, and of the schema or of oneself."""
    length = len(owners)
    earlier = torch.ones(length, length, dtype=torch.bool).tril()
    seen = earlier & ((owners[None, :] == 0) | (owners[None, :] == owners[:, None]))
    return torch.zeros(length, length, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)[
        None, None
    ]
