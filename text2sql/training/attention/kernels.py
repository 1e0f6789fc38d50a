"""Scaled dot product attention by the way that is fastest for its shape.

    >>> attend(query, key, value, mask=mask, scaling=0.125)

torch's own kernels, but for short keys in half precision on a CPU: there two plain matrix products
take 0.6 of their time, backward included (width 192, schemas of 150 tokens, 20 branches), and the
scores that they hold are small. From about a thousand keys on torch's kernels are ahead.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

SHORT = 1024  # keys


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    scaling: float,
    mask: Tensor | None = None,
    causal: bool = False,
    dropout: float = 0.0,
) -> Tensor:
    """Return (..., queries, width) of (..., queries, width) and (..., keys, width).

    Args:
        query, key, value: with the same heads.
        scaling: of the scores.
        mask: added to the scores.
        causal: each query sees the keys up to its own place; as many queries as keys.
        dropout: share of the weights that are dropped.
    """
    plain = query.device.type == "cpu" and query.dtype in (torch.bfloat16, torch.float16)
    if not plain or dropout or key.shape[-2] > SHORT:
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=causal, scale=scaling, dropout_p=dropout
        )
    scores = torch.matmul(query * scaling, key.transpose(-1, -2))
    if causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later, float("-inf"))
    elif mask is not None:
        scores = scores + mask
    return torch.matmul(torch.softmax(scores, -1), value)
