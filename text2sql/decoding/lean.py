"""A forward pass of Llama and Qwen2 with nothing in it that a step of decoding does not need.

    >>> suits(model)
    True
    >>> logits = last_logits(model, ids, cache, mask=mask, places=places, shares=shares)

What transformers does around each layer (masks, hooks, tables of attentions, records of outputs)
takes about a sixth of the time of a small model's step. The arithmetic is that of transformers
5.23, `models/llama/modeling_llama.py`, operation by operation: the logits are the same to the bit.

Covered: adapters and quantised layers: each projection, norm and MLP is called as what it is there.
Not covered: hooks on whole layers, models on several devices; `suits` finds these out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import Cache

from text2sql.bases.sharing import AdaptedModel
from text2sql.decoding.attention import Shares, attend

KINDS = ("LlamaForCausalLM", "Qwen2ForCausalLM")


def suits(model: Any) -> bool:
    """Tell whether a model is one of those that are computed here."""
    base = _base(model)
    if type(base).__name__ not in KINDS or not type(base).__module__.startswith("transformers."):
        return False
    if len(set((getattr(base, "hf_device_map", None) or {}).values())) > 1:
        return False
    return not any(_is_special(layer) for layer in base.model.layers)


def _is_special(layer: Any) -> bool:
    parts = (layer, layer.self_attn)
    hooked = any(part._forward_hooks or part._forward_pre_hooks for part in parts)
    return hooked or getattr(layer.self_attn, "sliding_window", None) is not None


def last_logits(
    model: Any, ids: Tensor, cache: Cache, *, mask: Tensor, places: Tensor, shares: Shares
) -> Tensor:
    """Run a model that suits.

    Args:
        model: in evaluation mode, with or without an adapter.
        ids: (rows, length).
        cache: takes the keys and values of each layer, and returns all that a row attends to.
        mask: (rows, 1, length, columns), added to the scores of the row's own columns.
        places: (rows, length), of the tokens in their texts.
        shares: the rows' prefixes.

    Returns:
        (rows, vocabulary), of the last column.
    """
    with _turn(model) as held:
        base = _base(held)
        body = base.model
        hidden = body.embed_tokens(ids)
        cos, sin = (part.unsqueeze(1) for part in body.rotary_emb(hidden, position_ids=places))
        for layer in body.layers:
            read = layer.input_layernorm(hidden)
            hidden = hidden + _attention(layer.self_attn, read, cos, sin, cache, mask, shares)
            hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
        logits: Tensor = base.lm_head(body.norm(hidden)[:, -1:])
        return logits[:, -1]


def _attention(
    module: Any,
    hidden: Tensor,
    cos: Tensor,
    sin: Tensor,
    cache: Cache,
    mask: Tensor,
    shares: Shares,
) -> Tensor:
    shape = (*hidden.shape[:-1], -1, module.head_dim)
    query, key, value = (
        project(hidden).view(shape).transpose(1, 2)
        for project in (module.q_proj, module.k_proj, module.v_proj)
    )
    query, key = _rotated(query, cos, sin), _rotated(key, cos, sin)
    keys, values = cache.update(key, value, module.layer_idx)
    terms: dict[str, Any] = {"scaling": module.scaling, "shared_prefixes": shares}
    found, _ = attend(module, query, keys, values, mask, **terms)
    attended: Tensor = module.o_proj(found.flatten(2))
    return attended


def _rotated(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn (rows, heads, length, width) by the places of the tokens (Su et al. 2021, RoPE)."""
    half = states.shape[-1] // 2
    turned = torch.cat((-states[..., half:], states[..., :half]), dim=-1)
    return states * cos + turned * sin


@contextmanager
def _turn(model: Any) -> Iterator[Any]:
    """Yield the model of transformers or PEFT, with its own adapter at work."""
    if isinstance(model, AdaptedModel):
        with model.turn() as held:
            yield held
    else:
        yield model


def _base(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model
