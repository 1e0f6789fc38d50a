"""A forward pass of Llama and Qwen2 with nothing in it that a step of decoding does not need.

    >>> suits(model)
    True
    >>> logits = read(model, prompts, begun, recorder)
    >>> logits = last_logits(model, ids, cache, mask=mask, places=places, shares=shares)

What transformers does around each layer (masks, hooks, tables of attentions, records of outputs)
takes about a sixth of the time of a small model's step. The arithmetic is that of transformers
5.23, `models/llama/modeling_llama.py`, operation by operation: the logits of a step are the same to
the bit. Prompts are read end to end, so that short ones do not wait for long ones: of prompts that
users ask at once, padding would be the half.

Covered: adapters and quantised layers: each projection, norm and MLP is called as what it is there.
Not covered: hooks on whole layers, models on several devices; `suits` finds these out.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, cast

import torch
from torch import Tensor
from transformers import Cache
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from text2sql.bases.sharing import AdaptedModel
from text2sql.decoding.attention import Prefix, Shares, attend

# of one layer's module, queries, keys and values: (rows, length, heads, width)
Attention = Callable[[Any, Tensor, Tensor, Tensor], Tensor]

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
    """Run a model that suits over rows of one length.

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

    def attention(module: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys, values = cache.update(key, value, module.layer_idx)
        terms: dict[str, Any] = {"scaling": module.scaling, "shared_prefixes": shares}
        return attend(module, query, keys, values, mask, **terms)[0]

    with _turn(model) as held:
        base = _base(held)
        logits: Tensor = base.lm_head(_hidden(base, ids, places, attention)[:, -1:])
        return logits[:, -1]


def read(
    model: Any, prompts: Sequence[Sequence[int]], begun: Sequence[Prefix | None], cache: Cache
) -> Tensor:
    """Run a model that suits over prompts of any lengths, laid end to end: nothing is padding.

    Args:
        model: in evaluation mode, with or without an adapter.
        prompts: token ids, at least one of each.
        begun: what stands before each of them.
        cache: takes the keys and values of each layer: (1, heads, all tokens, width).

    Returns:
        (prompts, vocabulary), of the last token of each.
    """
    lengths = [len(prompt) for prompt in prompts]
    before = [prefix.length if prefix else 0 for prefix in begun]
    device = model.device
    masks = [_seen(old, new, device) for old, new in zip(before, lengths, strict=True)]

    def attention(module: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        cache.update(key, value, module.layer_idx)
        parts = zip(*(part.split(lengths, dim=2) for part in (query, key, value)), strict=True)
        found = [
            _of_one(module, *own, prefix=prefix, mask=mask)
            for own, prefix, mask in zip(parts, begun, masks, strict=True)
        ]
        return torch.cat(found, dim=1)

    ids = torch.tensor([[token for prompt in prompts for token in prompt]], device=device)
    runs = zip(before, lengths, strict=True)
    places = torch.cat([torch.arange(old, old + new, device=device) for old, new in runs])
    last = torch.tensor(list(accumulate(lengths)), device=device) - 1
    with _turn(model) as held:
        base = _base(held)
        logits: Tensor = base.lm_head(_hidden(base, ids, places[None], attention)[0, last])
        return logits


def _seen(before: int, length: int, device: torch.device) -> Tensor:
    """Return (1, 1, length, before + length): a token sees what stands before it, and itself."""
    whole = torch.ones(1, 1, length, before + length, dtype=torch.bool, device=device)
    return whole.tril(before)


def _of_one(
    module: Any, query: Tensor, key: Tensor, value: Tensor, *, prefix: Prefix | None, mask: Tensor
) -> Tensor:
    """Return (1, length, heads, width): what one prompt's tokens attend to."""
    if prefix is not None:
        key = torch.cat((prefix.keys[module.layer_idx][None], key), dim=2)
        value = torch.cat((prefix.values[module.layer_idx][None], value), dim=2)
    scaling = module.scaling
    found: Tensor = sdpa_attention_forward(module, query, key, value, mask, scaling=scaling)[0]
    return found


def _hidden(base: Any, ids: Tensor, places: Tensor, attention: Attention) -> Tensor:
    """Return (rows, length, width), what the last layer says of each token."""
    body = base.model
    hidden: Tensor = body.embed_tokens(ids)
    cos, sin = (part.unsqueeze(1) for part in body.rotary_emb(hidden, position_ids=places))
    for layer in body.layers:
        own = layer.self_attn
        query, key, value = _projected(own, layer.input_layernorm(hidden))
        found = attention(own, _rotated(query, cos, sin), _rotated(key, cos, sin), value)
        hidden = hidden + own.o_proj(found.flatten(2))
        hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
    return cast("Tensor", body.norm(hidden))


def _projected(module: Any, hidden: Tensor) -> Iterator[Tensor]:
    """Yield queries, keys and values, each (rows, heads, length, width)."""
    shape = (*hidden.shape[:-1], -1, module.head_dim)
    for project in (module.q_proj, module.k_proj, module.v_proj):
        yield project(hidden).view(shape).transpose(1, 2)


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
