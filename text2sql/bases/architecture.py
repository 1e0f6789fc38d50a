"""The numbers of a model's architecture, and how many parameters they make.

    >>> Architecture("llama", 4096, 32, 32, 32, 11008, 32016, 16384, False).parameters()
    6738546688

Covered: the four decoder families of the catalogue (Llama and MiniCPM, Qwen2, GPTBigCode,
Starcoder2).
Not covered: mixtures of experts, multi-head latent attention; their entries have no architecture.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Architecture:
    """What a plan for memory and time needs to know of a model without its weights."""

    family: str  # transformers' model_type: llama, minicpm, qwen2, gpt_bigcode, starcoder2
    width: int  # hidden size
    layers: int
    heads: int
    kv_heads: int
    ffn: int  # inner width of the feed-forward block
    vocabulary: int
    context: int  # positions
    tied: bool  # input and output embeddings are one matrix

    def parameters(self) -> int:
        """Count the weights and biases.

        Raises:
            KeyError: a family whose formula is not known here.
        """
        embeddings = self.vocabulary * self.width * (1 if self.tied else 2)
        return FAMILIES[self.family](self) + embeddings

    def linears(self) -> list[tuple[str, int, int]]:
        """Return the linear maps of one layer: name as LoRA targets it, inputs, outputs.

        Raises:
            KeyError: a family whose layers are not known here.
        """
        return LINEARS[self.family](self)

    @property
    def gated(self) -> bool:
        """Tell whether the feed-forward block multiplies with a gate (and norms are RMS norms)."""
        return any(name == "gate_proj" for name, _, _ in self.linears())

    @property
    def kv_width(self) -> int:
        """Width of the keys (and of the values) of one layer, all heads together."""
        return self.width // self.heads * self.kv_heads


def _llama(a: Architecture) -> int:
    attention = 2 * a.width * a.width + 2 * a.width * a.kv_width
    gated_ffn = 3 * a.width * a.ffn
    norms = 2 * a.width
    return a.layers * (attention + gated_ffn + norms) + a.width


def _qwen2(a: Architecture) -> int:
    return _llama(a) + a.layers * (a.width + 2 * a.kv_width)  # biases of q, k and v


def _starcoder2(a: Architecture) -> int:
    attention = 2 * a.width * a.width + 2 * a.width * a.kv_width
    ffn = 2 * a.width * a.ffn
    biases = 2 * a.width + 2 * a.kv_width + a.ffn + a.width
    norms = 4 * a.width
    return a.layers * (attention + ffn + biases + norms) + 2 * a.width


def _gpt_bigcode(a: Architecture) -> int:
    return _starcoder2(a) + a.context * a.width  # learned positions


FAMILIES: dict[str, Callable[[Architecture], int]] = {
    "llama": _llama,
    "mistral": _llama,
    "minicpm": _llama,
    "qwen2": _qwen2,
    "starcoder2": _starcoder2,
    "gpt_bigcode": _gpt_bigcode,
}


def _attention_linears(a: Architecture) -> list[tuple[str, int, int]]:
    return [
        ("q_proj", a.width, a.width),
        ("k_proj", a.width, a.kv_width),
        ("v_proj", a.width, a.kv_width),
        ("o_proj", a.width, a.width),
    ]


def _llama_linears(a: Architecture) -> list[tuple[str, int, int]]:
    gated = [("gate_proj", a.width, a.ffn), ("up_proj", a.width, a.ffn)]
    return [*_attention_linears(a), *gated, ("down_proj", a.ffn, a.width)]


def _starcoder2_linears(a: Architecture) -> list[tuple[str, int, int]]:
    return [*_attention_linears(a), ("c_fc", a.width, a.ffn), ("c_proj", a.ffn, a.width)]


def _gpt_bigcode_linears(a: Architecture) -> list[tuple[str, int, int]]:
    attention = [("c_attn", a.width, a.width + 2 * a.kv_width), ("c_proj", a.width, a.width)]
    return [*attention, ("c_fc", a.width, a.ffn), ("c_proj", a.ffn, a.width)]


LINEARS: dict[str, Callable[[Architecture], list[tuple[str, int, int]]]] = {
    "llama": _llama_linears,
    "mistral": _llama_linears,
    "minicpm": _llama_linears,
    "qwen2": _llama_linears,
    "starcoder2": _starcoder2_linears,
    "gpt_bigcode": _gpt_bigcode_linears,
}


def read_architecture(config: Mapping[str, Any]) -> Architecture | None:
    """Take the numbers from a decoded config.json; None where one is missing.

    GPTBigCode keeps GPT-2's names (`n_embd`), the others say `hidden_size` and so on.
    """
    family = config.get("model_type")
    if family not in FAMILIES:
        return None
    old = family == "gpt_bigcode"
    heads = config.get("n_head" if old else "num_attention_heads")
    shared_kv = 1 if config.get("multi_query", True) else heads
    width = config.get("n_embd" if old else "hidden_size")
    numbers = (
        width,
        config.get("n_layer" if old else "num_hidden_layers"),
        heads,
        shared_kv if old else config.get("num_key_value_heads") or heads,
        (config.get("n_inner") or 4 * (width or 0)) if old else config.get("intermediate_size"),
        config.get("vocab_size"),
        config.get("n_positions" if old else "max_position_embeddings"),
    )
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        return None
    # transformers' own default: tied in GPTBigCode, Starcoder2; untied in Llama, Qwen2, Mistral.
    tied = config.get("tie_word_embeddings", family in ("gpt_bigcode", "starcoder2"))
    return Architecture(family, *numbers, bool(tied))  # type: ignore[arg-type]
