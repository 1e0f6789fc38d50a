"""The mask of a row that shares prefixes, whole: what every other way is compared with.

    >>> dense_mask(read_tree([3, 2, 3]), device="cpu").int()
    tensor([[[[1, 0, 0], [1, 1, 0], [1, 0, 1]]]])

The model's own attention runs under it. Memory and work grow with length squared: 64 MB at 8,192.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from text2sql.training.attention.tree import Tree


@dataclass(frozen=True, slots=True)
class Dense:
    """A plan for one row: a mask, and the model's own attention."""

    mask: Tensor  # (1, 1, length, length), True where the token of the row sees that of the column

    def added(self, dtype: torch.dtype) -> Tensor:
        """Return the mask as a number to add to the scores, which eager attention needs."""
        mask = torch.zeros(self.mask.shape, dtype=dtype, device=self.mask.device)
        return mask.masked_fill_(~self.mask, torch.finfo(dtype).min)


def dense_mask(tree: Tree, *, device: torch.device | str) -> Tensor:
    """Return (1, 1, length, length): True where the token of the row sees that of the column."""
    reach = torch.tensor(tree.reach, device=device)
    place = torch.arange(len(reach), device=device)
    return ((place[:, None] >= place) & (place[:, None] < reach))[None, None]


def plan_dense(tree: Tree, *, dtype: torch.dtype, device: torch.device | str) -> Dense:
    """Plan a row's attention; once a step, for all layers."""
    return Dense(dense_mask(tree, device=device))
