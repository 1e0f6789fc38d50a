"""Flex attention over a row that shares prefixes: blocks that the mask empties are never computed.

    >>> plan = plan_flex(read_tree(row.reach), dtype=torch.bfloat16, device="cuda")
    >>> plan.attend(query, key, value, scaling=0.125)

Compiled once for each length: attention is padded to a power of two, because the compiler gives up
after eight lengths, and blocks of padding are skipped like all empty ones. On a CPU PyTorch has its
forward pass only, without autograd. No dropout of attention weights.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from text2sql.training.attention.tree import Tree

BLOCK = 128


@dataclass(frozen=True, slots=True)
class Flex:
    """A plan for one row; serves every layer."""

    mask: Any  # BlockMask over the padded row
    padding: int

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, *, scaling: float, dropout: float = 0.0
    ) -> Tensor:
        """Return (1, length, heads, width) of (1, heads, length, width) each; fewer key heads do.

        Raises:
            NotImplementedError: attention weights should be dropped out.
        """
        if dropout:
            raise NotImplementedError("flex attention has no dropout")
        length = query.shape[2]
        query, key, value = (F.pad(x, (0, 0, 0, self.padding)) for x in (query, key, value))
        output = _compiled()(
            query,
            key,
            value,
            block_mask=self.mask,
            scale=scaling,
            enable_gqa=query.shape[1] != key.shape[1],
        )
        return output[:, :, :length].transpose(1, 2)


def plan_flex(tree: Tree, *, dtype: torch.dtype, device: torch.device | str) -> Flex:
    """Plan a row's attention; once a step, for all layers."""
    from torch.nn.attention.flex_attention import create_block_mask

    padding = max(BLOCK, 1 << (len(tree.reach) - 1).bit_length()) - len(tree.reach)
    # a token of the padding sees and is seen by itself alone: no row of the softmax is empty
    ends = [*tree.reach, *range(len(tree.reach) + 1, len(tree.reach) + padding + 1)]
    reach = torch.tensor(ends, device=device)

    def sees(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (query >= key) & (query < reach[key])

    length = len(ends)
    mask = create_block_mask(sees, None, None, length, length, device=str(device), BLOCK_SIZE=BLOCK)
    return Flex(mask, padding)


@cache
def _compiled() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False)
