"""Attention of rows to prefixes that several of them share, as transformers calls it.

    >>> with our_attention(model):
    ...     model(input_ids=ids, past_key_values=own, shared_prefixes=Shares.of(prefixes))

A row attends to its prefix and to its own tokens in one softmax; a prefix is one matrix for all its
rows (as in Hydragen, Juravsky et al. 2024, arXiv:2402.05099, without its second softmax), so a step
reads it once and not once a row. Rows of one batch may begin with different prefixes, or with none:
everything else in the model is computed for all rows at once.

Covered: causal models that go through the attention interface of transformers, with grouped heads.
Not covered: windows, position biases, soft caps; `cache.shares_prefix` finds such models out.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

INTERFACE = "text2sql_shared_prefix"  # the name of our attention in transformers' table
FOREIGN_TERMS = ("softcap", "s_aux", "position_bias", "sliding_window")  # we do not compute them


class Unsupported(Exception):
    """The model's attention has a term that ours has not."""


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """Keys and values of token ids that many prompts begin with."""

    length: int  # tokens
    keys: list[Tensor]  # a layer each: (key-value heads, length, width)
    values: list[Tensor]

    @property
    def bytes(self) -> int:
        """What it takes of the device's memory."""
        return sum(part.nbytes for part in (*self.keys, *self.values))


@dataclass(frozen=True, slots=True)
class Shares:
    """Which rows of a batch begin with which prefix."""

    parts: tuple[tuple[Tensor | slice, Prefix], ...]  # rows, ascending, with what they share

    @property
    def longest(self) -> int:
        """Tokens of the longest prefix."""
        return max((prefix.length for _, prefix in self.parts), default=0)

    @classmethod
    def of(cls, prefixes: Sequence[Prefix | None], device: torch.device) -> "Shares":
        """Return what rows share, from the prefix of each."""
        rows: dict[Prefix, list[int]] = {}
        for row, prefix in enumerate(prefixes):
            if prefix is not None:
                rows.setdefault(prefix, []).append(row)
        return cls(tuple((_chosen(r, device), prefix) for prefix, r in rows.items()))


def _chosen(rows: list[int], device: torch.device) -> Tensor | slice:
    """Return rows as an index; neighbours as a slice, which copies nothing."""
    if rows[-1] - rows[0] == len(rows) - 1:
        return slice(rows[0], rows[-1] + 1)
    return torch.tensor(rows, device=device)


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    shared_prefixes: Shares | None = None,
    **terms: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers calls it; without prefixes it is plain `sdpa`."""
    if any(terms.get(name) is not None for name in FOREIGN_TERMS):
        raise Unsupported
    if not (shared_prefixes and shared_prefixes.parts) or attention_mask is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **terms
        )
    scale = scaling if scaling is not None else query.shape[-1] ** -0.5
    own = (query * scale, key, value, attention_mask)
    return joint_attention(*own, shared_prefixes, module.layer_idx), None


def joint_attention(
    query: Tensor, keys: Tensor, values: Tensor, mask: Tensor, shares: Shares, layer: int
) -> Tensor:
    """Attend to what each row shares with others and to its own tokens, in one softmax.

    Args:
        query: (rows, heads, length, width), scaled.
        keys: (rows, key-value heads, columns, width), the rows' own.
        values: likewise.
        mask: (rows, 1, length, columns), added to the scores of own tokens.
        shares: the rows' prefixes.
        layer: of the model.

    Returns:
        (rows, length, heads, width).
    """
    rows, heads, length, _ = query.shape
    groups, longest = keys.shape[1], shares.longest
    grouped = query.reshape(rows, groups, heads // groups * length, -1)  # reading the same keys
    own = torch.matmul(grouped, keys.transpose(2, 3))
    own = (own.view(rows, groups, -1, length, own.shape[-1]) + mask[:, :, None]).view_as(own)
    scores = torch.cat([_shared_scores(grouped, shares, layer), own], dim=-1)
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    result = torch.matmul(weights[..., longest:], values)
    for chosen, prefix in shares.parts:
        given = _by_head(weights[chosen, ..., : prefix.length])
        shared = torch.bmm(given, prefix.values[layer])
        result[chosen] += _by_row(shared, result.shape[2])
    return result.reshape(rows, heads, length, -1).transpose(1, 2).contiguous()


def _shared_scores(grouped: Tensor, shares: Shares, layer: int) -> Tensor:
    """Return (rows, key-value heads, queries, longest prefix); past a row's own prefix nothing."""
    rows, groups, each, _ = grouped.shape
    found = []
    for chosen, prefix in shares.parts:
        scores = torch.bmm(_by_head(grouped[chosen]), prefix.keys[layer].transpose(1, 2))
        found.append(_by_row(scores, each))
    if len(found) == 1 and found[0].shape[0] == rows:
        return found[0]
    # not -inf: it must stay a number
    whole = grouped.new_full((rows, groups, each, shares.longest), torch.finfo(grouped.dtype).min)
    for (chosen, prefix), scores in zip(shares.parts, found, strict=True):
        whole[chosen, ..., : prefix.length] = scores
    return whole


def _by_head(tensor: Tensor) -> Tensor:
    """Turn (rows, heads, queries, n) into (heads, rows * queries, n): one matrix a head."""
    return tensor.transpose(0, 1).flatten(1, 2)


def _by_row(tensor: Tensor, each: int) -> Tensor:
    """Undo `_by_head` for `each` queries a row."""
    return tensor.view(tensor.shape[0], -1, each, tensor.shape[-1]).transpose(0, 1)


AttentionInterface.register(INTERFACE, attend)
AttentionMaskInterface.register(INTERFACE, sdpa_mask)


@dataclass
class Sharing:
    """What is known of one model."""

    supported: bool | None = None  # None: not tried yet
    lock: Any = field(default_factory=Lock)  # one forward pass at a time changes the attention


_KNOWN: WeakKeyDictionary[Any, Sharing] = WeakKeyDictionary()


def known_of(model: Any) -> Sharing:
    """Return what is known of a model; models with other adapters on the same weights share it."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return _KNOWN.setdefault(inner, Sharing())


@contextmanager
def our_attention(model: Any) -> Iterator[None]:
    """Let a model attend as here, and then as before; other threads wait."""
    config = model.config.get_text_config(decoder=True)
    with known_of(model).lock:
        before = config._attn_implementation
        config._attn_implementation = INTERFACE
        try:
            yield
        finally:
            config._attn_implementation = before
