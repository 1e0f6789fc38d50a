"""Attention over rows that share prefixes: one structure, five ways to compute it.

    >>> tree = read_tree([10, 10, 10, 7, 7, 7, 7, 10, 10, 10])
    >>> plan = BACKENDS["twopart"](tree, dtype=torch.float32, device="cpu")
    >>> plan.attend(query, key, value, scaling=0.125).shape      # (1, length, heads, width)

| name | is | where |
| --- | --- | --- |
| `dense` | the model's own attention under a 4D mask; memory grows with length squared | anywhere |
| `twopart` | a schema over itself, then its branches, batched, over schema and self | anywhere |
| `merged` | the same two, computed apart and merged; no copies, less padding | CPU |
| `flex` | PyTorch's flex attention; blocks that the mask empties are skipped | CUDA |
| `varlen` | flash attention over gathered keys and values, half precision only | CUDA |

All give the outputs of separate rows to rounding. Sliding windows, attention sinks and capped
scores are not covered: a model that has them is refused, and trains on rows of its own.
"""

from text2sql.training.attention.backends import ATTENTION, BACKENDS, Plan, register
from text2sql.training.attention.tree import Segment, Tree, read_tree

__all__ = ["ATTENTION", "BACKENDS", "Plan", "Segment", "Tree", "read_tree", "register"]
