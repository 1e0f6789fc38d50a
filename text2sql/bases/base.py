"""One base model: where its weights are, what it wants to read, how it answers.

    >>> find_base("qwen2.5-coder-7b-instruct").prompt_format
    'chatml'

Prompt format and answer format are names in `prompting.formats.FORMATS` and
`prompting.answers.ANSWERS`.
"""

from dataclasses import dataclass
from pathlib import Path

from text2sql.bases.architecture import Architecture

# Every linear layer of a block; what QLoRA found necessary to match full training
# (arXiv:2305.14314, figure 2).
LLAMA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
STARCODER2_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "c_fc", "c_proj")
BIGCODE_TARGETS = ("c_attn", "c_proj", "c_fc")

TARGETS: dict[str, tuple[str, ...]] = {
    "llama": LLAMA_TARGETS,
    "mistral": LLAMA_TARGETS,
    "minicpm": LLAMA_TARGETS,
    "qwen2": LLAMA_TARGETS,
    "starcoder2": STARCODER2_TARGETS,
    "gpt_bigcode": BIGCODE_TARGETS,
}


@dataclass(frozen=True, slots=True)
class Base:
    """A causal language model that can be specialised to SQL."""

    name: str  # what the user types
    hub_id: str | None  # on the Hugging Face hub; None for a model that is only on this machine
    prompt_format: str = (
        "chat"  # the tokenizer's own chat template if it has one, else plain completion
    )
    answer_format: str = "plain"
    stop: tuple[
        str, ...
    ] = ()  # the first one ends a training answer; the tokenizer's eos counts too
    lora_targets: tuple[str, ...] = ()  # empty: not known, PEFT's own choice ("all-linear")
    architecture: Architecture | None = None  # None: not known, never guessed
    context_length: int | None = None  # tokens
    licence: str = "see the model card"
    aliases: tuple[str, ...] = ()  # other short names, and hub ids of the same weights
    trust_remote_code: bool = False  # True: the model needs Python code from its hub repository
    style: str = "ddl"  # how the schema is written for it
    notes: str = ""
    path: Path | None = None  # a local folder with config.json

    @property
    def source(self) -> str:
        """What the libraries load: the local folder, else the hub id."""
        return str(self.path) if self.path is not None else self.hub_id or self.name
