"""Attention in two parts that are computed apart and merged by the logarithms of their sums.

    >>> plan = plan_merged(read_tree(row.reach), dtype=torch.float32, device="cpu")
    >>> plan.attend(query, key, value, scaling=0.125)

A branch's softmax runs over its schema and itself. Each of the two is flash attention of its own:
all branches' tokens, one after the other, over one copy of the schema, and the branches, padded,
over themselves. Nothing is copied for each branch, and of the greater part nothing is padded. With
`a` and `b` the two outputs and `x` and `y` the log-sum-exps of their scores, the whole is
`a * exp(x - z) + b * exp(y - z)`, `z = log(exp(x) + exp(y))`; given the whole output and `z`, the
backward passes of the two are those of one softmax, as in ring attention (Liu et al. 2023,
arXiv:2310.01889, section 3 and its appendix).

The kernel is PyTorch's flash attention for CPUs, which returns the log-sum-exp. No dropout of
attention weights. Branches that have branches of their own are computed as in `twopart`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from text2sql.training.attention.kernels import attend
from text2sql.training.attention.tree import Tree
from text2sql.training.attention.twopart import Branches, Part, below, gather, plan_twopart

_forward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


@dataclass(frozen=True, slots=True)
class Merged:
    """A plan for one row; serves every layer."""

    parts: tuple[Part, ...]

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, *, scaling: float, dropout: float = 0.0
    ) -> Tensor:
        """Return (1, length, heads, width) of (1, heads, length, width); fewer key heads do.

        Raises:
            NotImplementedError: attention weights should be dropped out.
        """
        if dropout:
            raise NotImplementedError("merged attention has no dropout")
        groups = query.shape[1] // key.shape[1]
        if groups > 1:
            key, value = (x.repeat_interleave(groups, dim=1) for x in (key, value))
        outputs: list[Tensor] = []
        for part in self.parts:
            outputs += _attend(part, query, key, value, scaling)
        return torch.cat(outputs, dim=2).transpose(1, 2)


def _attend(
    part: Part, query: Tensor, key: Tensor, value: Tensor, scaling: float
) -> Iterator[Tensor]:
    """Yield a root's output, then that of all that hangs below it."""
    own = query[:, :, part.start : part.end]
    root = (key[:, :, part.start : part.end], value[:, :, part.start : part.end])
    yield attend(own, *root, causal=True, scaling=scaling)
    if part.branches is None:
        return
    if part.branches.deep:
        yield below(
            part.branches, query[0], key[0], value[0], root, partial(attend, scaling=scaling)
        )
        return
    hanging = (x[:, :, part.end : part.last] for x in (query, key, value))
    merged: Any = _Merge.apply(*hanging, *root, part, scaling)
    yield merged


class _Merge(torch.autograd.Function):
    """One root's branches over the root and over themselves.

    Queries, keys and values are (1, heads, tokens, width): the branches' tokens, then the root's.
    """

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        root_key: Tensor,
        root_value: Tensor,
        part: Part,
        scaling: float,
    ) -> Tensor:
        shared, over_shared = _forward(query, root_key, root_value, 0.0, False, scale=scaling)
        padded = (_pad(x, part) for x in (query, key, value))
        own, over_own = _forward(*padded, 0.0, True, scale=scaling)
        own = _unpad(own, part)
        over_own = _unpad(over_own[..., None], part)[..., 0].to(over_shared.dtype)
        total = torch.logaddexp(over_shared, over_own)
        weights = ((x - total).exp()[..., None].to(query.dtype) for x in (over_shared, over_own))
        output = shared * next(weights) + own * next(weights)
        ctx.save_for_backward(query, key, value, root_key, root_value, output, total)
        ctx.part, ctx.scaling = part, scaling
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        query, key, value, root_key, root_value, output, total = ctx.saved_tensors
        part, scale = ctx.part, ctx.scaling
        over_root, root_keys, root_values = _backward(
            gradient, query, root_key, root_value, output, total, 0.0, False, scale=scale
        )
        # padding repeats a real token, whose gradient is already counted: its own is zero
        silent = _pad(gradient, part) * part.branches.real[:, None, :, None]
        totals = _pad(total[..., None], part)[..., 0]
        padded = [_pad(x, part) for x in (query, key, value, output)]
        found = _backward(silent, *padded, totals, 0.0, True, scale=scale)
        over_own, keys, values = (_unpad(x, part) for x in found)
        return over_root + over_own, keys, values, root_keys, root_values, None, None


def _pad(states: Tensor, part: Part) -> Tensor:
    """Return (branches, heads, longest, width) of the branches' (1, heads, tokens, width)."""
    assert part.branches is not None
    return gather(states[0], part.branches.queries - part.end)


def _unpad(states: Tensor, part: Part) -> Tensor:
    """Return (1, heads, tokens, width) of (branches, heads, longest, width)."""
    branches: Branches | None = part.branches
    assert branches is not None
    return states.transpose(0, 1).flatten(1, 2).index_select(1, branches.kept)[None]


def plan_merged(tree: Tree, *, dtype: torch.dtype, device: torch.device | str) -> Merged:
    """Plan a row's attention; once a step, for all layers."""
    return Merged(plan_twopart(tree, dtype=dtype, device=device).parts)
