"""Attention in two parts: each schema over itself, then its branches over schema and self.

    >>> plan = plan_twopart(read_tree(row.reach), dtype=torch.float32, device="cpu")
    >>> plan.attend(query, key, value, scaling=0.125)

Exact, with any kernel, on any device. The branches of a schema
are one batch, padded to the longest of them; the schema's keys and values stand before those of
each. What is below a branch (several SQL texts for one question) is a branch of its own whose keys
begin with those of its question.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from text2sql.training.attention.kernels import attend
from text2sql.training.attention.tree import Segment, Tree


@dataclass(frozen=True, slots=True)
class Branches:
    """What hangs below one root, as indices into the row."""

    queries: Tensor  # (branches, longest) places, padded with the first branch's own
    keys: Tensor  # (branches, longest path below the root) places, padded likewise
    mask: Tensor  # (branches, 1, longest, root + longest path), to be added to the scores
    kept: Tensor  # places among the flattened queries that are no padding
    real: Tensor  # (branches, longest) True where a query is no padding
    deep: bool  # a branch hangs below another


@dataclass(frozen=True, slots=True)
class Part:
    """One root and what hangs below it."""

    start: int
    end: int
    last: int  # the end of what hangs below it
    branches: Branches | None


@dataclass(frozen=True, slots=True)
class TwoPart:
    """A plan for one row; serves every layer."""

    parts: tuple[Part, ...]

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, *, scaling: float, dropout: float = 0.0
    ) -> Tensor:
        """Return (1, length, heads, width) of (1, heads, length, width); fewer key heads do."""
        groups = query.shape[1] // key.shape[1]
        if groups > 1:
            key, value = (x.repeat_interleave(groups, dim=1) for x in (key, value))
        fixed = partial(attend, scaling=scaling, dropout=dropout)
        outputs: list[Tensor] = []
        for part in self.parts:
            own = slice(part.start, part.end)
            root = (key[:, :, own], value[:, :, own])
            outputs.append(fixed(query[:, :, own], *root, causal=True))
            if part.branches is not None:
                outputs.append(below(part.branches, query[0], key[0], value[0], root, fixed))
        return torch.cat(outputs, dim=2).transpose(1, 2)


def below(
    branches: Branches,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    root: tuple[Tensor, Tensor],
    attend: Callable[..., Tensor],
) -> Tensor:
    """Return (1, heads, tokens, width): the branches' tokens in the row's order."""
    count = len(branches.queries)
    keys, values = (
        torch.cat([shared.expand(count, -1, -1, -1), gather(own, branches.keys)], dim=2)
        for shared, own in zip(root, (key, value), strict=True)
    )
    queries = gather(query, branches.queries)
    seen = attend(queries, keys, values, mask=branches.mask.to(query.dtype))
    flat = seen.transpose(0, 1).flatten(1, 2)
    return flat.index_select(1, branches.kept)[None]


def gather(states: Tensor, places: Tensor) -> Tensor:
    """Return (branches, heads, longest, width) of (heads, length, width)."""
    return states.index_select(1, places.flatten()).unflatten(1, places.shape).transpose(0, 1)


def plan_twopart(tree: Tree, *, dtype: torch.dtype, device: torch.device | str) -> TwoPart:
    """Plan a row's attention; once a step, for all layers."""
    parts = []
    for root, hanging in tree.roots():
        branches = _branches(tree, root, hanging, dtype, device) if hanging else None
        last = hanging[-1].end if hanging else root.end
        parts.append(Part(root.start, root.end, last, branches))
    return TwoPart(tuple(parts))


def _branches(
    tree: Tree,
    root: Segment,
    hanging: list[Segment],
    dtype: torch.dtype,
    device: torch.device | str,
) -> Branches:
    size = root.end - root.start
    paths = [tree.path(segment)[size:] for segment in hanging]
    owns = [list(range(segment.start, segment.end)) for segment in hanging]
    queries, real = _pad(owns, hanging[0].start)
    keys, there = _pad(paths, hanging[0].start)
    # a query sees the keys of its branch that do not come after it in the row
    seen = there[:, None, :] & (keys[:, None, :] <= queries[:, :, None])
    mask = torch.zeros(len(hanging), queries.shape[1], size + keys.shape[1], dtype=dtype)
    mask[:, :, size:].masked_fill_(~seen, torch.finfo(dtype).min)
    return Branches(
        queries.to(device),
        keys.to(device),
        mask[:, None].to(device),
        real.flatten().nonzero().squeeze(1).to(device),
        real.to(device),
        deep=any(len(segment.ancestors) > 1 for segment in hanging),
    )


def _pad(rows: list[list[int]], filler: int) -> tuple[Tensor, Tensor]:
    width = max(map(len, rows))
    places = torch.tensor([row + [filler] * (width - len(row)) for row in rows])
    return places, torch.tensor([[True] * len(row) + [False] * (width - len(row)) for row in rows])
