"""The ways to compute attention over rows that share prefixes, by name, and their way into a model.

    >>> register()
    >>> model.set_attn_implementation(ATTENTION)
    >>> model(input_ids, position_ids=positions, attention_mask=open_mask("cpu"), prefix=plan)

The plan of a row goes through the model as a keyword, past PEFT and gradient checkpointing, to
every layer's attention. A call without a plan (decoding during training) is ordinary attention.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from text2sql.training.attention.dense import Dense, plan_dense
from text2sql.training.attention.flex import plan_flex
from text2sql.training.attention.merged import plan_merged
from text2sql.training.attention.twopart import plan_twopart
from text2sql.training.attention.varlen import plan_varlen

ATTENTION = "text2sql_prefix"  # the name under which transformers knows it
UNSUPPORTED = ("softcap", "s_aux", "sliding_window")  # keywords of models that need more
NO_DROPOUT = ("merged", "flex", "varlen")  # of attention weights


class Plan(Protocol):
    """How one row's attention is computed."""

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, *, scaling: float, dropout: float = 0.0
    ) -> Tensor:
        """Return (1, length, heads, width) of (1, heads, length, width) each."""


BACKENDS: dict[str, Callable[..., Plan | Dense]] = {
    "dense": plan_dense,
    "twopart": plan_twopart,
    "merged": plan_merged,
    "flex": plan_flex,
    "varlen": plan_varlen,
}


def register() -> None:
    """Make the attention known to transformers."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(ATTENTION, attend)
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    prefix: Plan | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **options: Any,
) -> tuple[Tensor, None]:
    """Compute one layer's attention, as transformers calls it.

    Raises:
        NotImplementedError: the layer asks for a window, sinks or capped scores.
    """
    if prefix is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        ordinary: tuple[Tensor, None] = sdpa_attention_forward(
            module,
            query,
            key,
            value,
            attention_mask,
            scaling=scaling,
            dropout=dropout,
            **options,
        )
        return ordinary
    asked = [name for name in UNSUPPORTED if options.get(name) is not None]
    if asked:
        raise NotImplementedError(f"shared prefixes do not go with {', '.join(asked)}")
    # under autocast rotated queries and keys are wider than the values, and kernels want one type
    query, key = query.to(value.dtype), key.to(value.dtype)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return prefix.attend(query, key, value, scaling=scale, dropout=dropout).contiguous(), None


def open_mask(device: torch.device | str) -> Tensor:
    """Return a mask that transformers hands on untouched, so that it makes none of its own.

    It would otherwise read positions that start again as rows that were packed, and hide the schema
    from its branches.
    """
    return torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device)
