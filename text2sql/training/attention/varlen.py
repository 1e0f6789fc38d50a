"""Flash attention over a row that shares prefixes: segments against the tokens on their path.

    >>> plan = plan_varlen(read_tree(row.reach), dtype=torch.bfloat16, device="cuda")
    >>> plan.attend(query, key, value, scaling=0.125)

Every segment is a sequence of queries, its keys and values are gathered from its path from the
root, and a causal mask is aligned at the end of both. The same idea serves reinforcement learning
in TRL (`trl/experimental/async_grpo/packing.py`, `tree_attention`). The kernel is PyTorch's own
`varlen_attn`: CUDA, half precision, no dropout of attention weights.
"""

import inspect
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from text2sql.training.attention.tree import Tree


@dataclass(frozen=True, slots=True)
class Varlen:
    """A plan for one row; serves every layer."""

    keys: Tensor  # places of the keys, path after path
    query_ends: Tensor  # cumulated lengths of the segments, from 0, int32
    key_ends: Tensor  # cumulated lengths of their paths, from 0, int32
    longest: tuple[int, int]  # segment and path

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, *, scaling: float, dropout: float = 0.0
    ) -> Tensor:
        """Return (1, length, heads, width) of (1, heads, length, width) each; fewer key heads do.

        Raises:
            NotImplementedError: attention weights should be dropped out.
        """
        if dropout:
            raise NotImplementedError("flash attention over segments has no dropout")
        flat_query, flat_key, flat_value = (x[0].transpose(0, 1) for x in (query, key, value))
        output = run_kernel(
            flat_query.contiguous(),
            flat_key.index_select(0, self.keys),
            flat_value.index_select(0, self.keys),
            self.query_ends,
            self.key_ends,
            *self.longest,
            scale=scaling,
        )
        return output[None]


def run_kernel(query: Tensor, key: Tensor, value: Tensor, *where: Any, scale: float) -> Tensor:
    """Call `varlen_attn`, causal, by the names that the installed version has for that.

    Args:
        query: (tokens, heads, width).
        key: (gathered tokens, key heads, width).
        value: likewise.
        where: cumulated lengths of queries and keys, longest query and key sequence.
        scale: of the scores.
    """
    from torch.nn.attention.varlen import varlen_attn

    known = inspect.signature(varlen_attn).parameters
    causal: dict[str, Any]
    causal = {"is_causal": True} if "is_causal" in known else {"window_size": (-1, 0)}
    if "enable_gqa" in known:
        causal["enable_gqa"] = query.shape[1] != key.shape[1]
    elif query.shape[1] != key.shape[1]:
        groups = query.shape[1] // key.shape[1]
        key, value = (x.repeat_interleave(groups, dim=1) for x in (key, value))
    output: Any = varlen_attn(query, key, value, *where, scale=scale, **causal)
    return output


def plan_varlen(tree: Tree, *, dtype: torch.dtype, device: torch.device | str) -> Varlen:
    """Plan a row's attention; once a step, for all layers."""
    paths = [tree.path(segment) for segment in tree.segments]
    lengths = [segment.end - segment.start for segment in tree.segments]
    return Varlen(
        keys=torch.tensor([place for path in paths for place in path], device=device),
        query_ends=_ends(lengths, device),
        key_ends=_ends([len(path) for path in paths], device),
        longest=(max(lengths), max(map(len, paths))),
    )


def _ends(lengths: list[int], device: torch.device | str) -> Tensor:
    return torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)
