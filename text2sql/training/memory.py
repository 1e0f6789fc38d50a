"""How many bytes a LoRA run needs on each GPU, counted from the architecture, part by part.

    >>> parts = memory(find_base("codellama-7b").architecture, recipe, tokens=8192, labelled=1500)
    >>> round(parts.weights / GIB, 1), round(parts.total / GIB, 1)
    (12.6, 18.7)

Counted exactly, and tested against PyTorch: parameters, adapter, gradients, optimizer, and the
tensors that autograd keeps for the backward pass of the layers. Assumed: that the base is in
bfloat16 under autocast with adapters in float32 (with a 4-bit base: adapters in bfloat16, as trl
1.16 casts them), that attention keeps no matrix of scores (flash, flex or varlen), that logits are
made at labelled positions only, and `RESERVE` for what lives for a moment and for the allocator.

Not covered: runs on a CPU (float32 throughout), full fine-tuning, the base's own dropout.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from text2sql.bases.architecture import Architecture
from text2sql.errors import UnknownName

GIB = 2**30
HALF, SINGLE = 2, 4  # bytes of a bfloat16 and of a float32
# NF4 with double quantisation: 4 bits, an 8-bit constant per 64 weights and a 32-bit one per
# 64 x 256 (QLoRA, arXiv:2305.14314, section 3)
NF4 = (4 + 8 / 64 + 32 / (64 * 256)) / 8
LOGIT_CELL = 2 * SINGLE + 2 * HALF  # bf16 logits and their gradient, float32 copy and its gradient
RESERVE = 0.10  # of what is made anew in each step, for the allocator's gaps; ours
CONTEXT = 0.6 * GIB  # CUDA context and library workspaces; ours
STATES = {  # bytes of optimizer state per trainable weight of a size in bytes
    "adamw_torch": lambda size: 2 * size,
    "adamw_torch_fused": lambda size: 2 * size,
    "adamw_8bit": lambda size: 2,
    "adamw_bnb_8bit": lambda size: 2,
    "paged_adamw_8bit": lambda size: 2,
    "paged_adamw_32bit": lambda size: 2 * SINGLE,
    "sgd": lambda size: 0,
}
SHARDED = ("fsdp", "zero3")  # weights are spread over the GPUs


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on one GPU, by what they are for."""

    weights: float
    adapter: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    gathered: float  # layers that a sharded run has whole for a moment
    reserve: float

    @property
    def total(self) -> float:
        """All parts together."""
        return sum(asdict(self).values())


def memory(
    architecture: Architecture,
    recipe: Any,
    *,
    tokens: int,
    labelled: int,
    gpus: int = 1,
    distributed: str = "ddp",
    checkpointing: bool = True,
) -> Memory:
    """Count the bytes of one training step on one GPU.

    Args:
        architecture: of the base.
        recipe: LoRA, 4 bit and optimizer settings.
        tokens: in the forward pass of one GPU at once, padding included.
        labelled: how many of them carry loss.
        gpus: over which `distributed` spreads what it spreads.
        distributed: `ddp`, `fsdp`, `zero2` or `zero3`.
        checkpointing: keep only each layer's input and compute the rest again.

    Raises:
        UnknownName: a LoRA target or an optimizer that is not known here.
    """
    four_bit = recipe.load_in_4bit
    weights = weight_bytes(architecture, four_bit=four_bit)
    size = HALF if four_bit or distributed == "zero3" else SINGLE
    trainable = trainable_parameters(architecture, recipe)
    states = _states(recipe.optim, size) * trainable
    shards = gpus if distributed in SHARDED else 1
    partly = gpus if distributed in (*SHARDED, "zero2") else 1
    counted = Memory(
        weights=weights / shards,
        adapter=trainable * size / shards,
        gradients=trainable * size / partly,
        optimizer=states / partly,
        activations=activation_bytes(
            architecture, recipe, copied=size == SINGLE, checkpointing=checkpointing
        )
        * tokens,
        logits=labelled * architecture.vocabulary * LOGIT_CELL,
        gathered=2 * weights / architecture.layers if shards > 1 else 0.0,
        reserve=CONTEXT,
    )
    passing = counted.gradients + counted.activations + counted.logits + counted.gathered
    return replace(counted, reserve=CONTEXT + RESERVE * passing)


def weight_bytes(a: Architecture, *, four_bit: bool) -> float:
    """Return the bytes of the frozen base: bfloat16, or its layers' linear maps in NF4."""
    linear = a.layers * sum(wide * high for _, wide, high in a.linears())
    if not four_bit:
        return a.parameters() * HALF
    return linear * NF4 + (a.parameters() - linear) * HALF


def targets(a: Architecture, wanted: Sequence[str] | None) -> list[tuple[str, int, int]]:
    """Return the linear maps of one layer that get an adapter; None means all of them.

    Raises:
        UnknownName: no map of that name in this architecture.
    """
    known = a.linears()
    for name in wanted or ():
        if name not in {known_name for known_name, _, _ in known}:
            raise UnknownName("LoRA target", name, {n for n, _, _ in known}, f"in {a.family}")
    return [linear for linear in known if not wanted or linear[0] in wanted]


def trainable_parameters(a: Architecture, recipe: Any) -> int:
    """Count the weights of the adapter: two thin matrices for each target, DoRA's magnitudes."""
    chosen = targets(a, recipe.target_modules)
    thin = sum(recipe.lora_r * (wide + high) for _, wide, high in chosen)
    magnitudes = sum(high for _, _, high in chosen) if recipe.use_dora else 0
    return a.layers * (thin + magnitudes)


def activation_bytes(
    a: Architecture, recipe: Any, *, copied: bool, checkpointing: bool, size: int = HALF
) -> float:
    """Return the bytes per token that autograd keeps for the layers' backward pass.

    Args:
        a: the architecture.
        recipe: LoRA's rank and targets.
        copied: adapters are float32 under autocast, so that each target keeps its own cast input;
            otherwise the targets of one input share it.
        checkpointing: each layer's input, and everything for the one layer that is computed again.
        size: bytes of one activation.
    """
    layer = _layer_bytes(a, recipe, copied=copied, size=size)
    return a.layers * a.width * size + layer if checkpointing else a.layers * layer


def _layer_bytes(a: Architecture, recipe: Any, *, copied: bool, size: int) -> float:
    chosen = targets(a, recipe.target_modules)
    norms = 2 * a.width * (SINGLE if a.gated else size)  # RMS norms compute in float32
    attention = (2 * a.width + 2 * a.kv_width) * size  # queries, keys, values, output
    inner = (3 if a.gated else 1) * a.ffn * size  # around the activation function
    inputs = _input_widths(a, chosen, copied=copied) * size
    thin = len(chosen) * recipe.lora_r * size  # what A hands to B
    statistics = SINGLE * (a.heads + (2 if a.gated else 4))  # softmax and norms
    return norms + attention + inner + inputs + thin + statistics


def _input_widths(a: Architecture, chosen: list[tuple[str, int, int]], *, copied: bool) -> int:
    if copied:
        return sum(wide for _, wide, _ in chosen)
    names = {(name, wide) for name, wide, _ in chosen}
    attention = any(name in ("q_proj", "k_proj", "v_proj", "c_attn") for name, _ in names)
    ffn = any(name in ("gate_proj", "up_proj", "c_fc") for name, _ in names)
    inner = any(wide == a.ffn for _, wide in names)
    # attention's output is kept anyway, so that its projection shares it
    return a.width * (attention + ffn) + a.ffn * inner


def _states(optim: str, size: int) -> float:
    if optim not in STATES:
        raise UnknownName("optimizer", optim, STATES, "whose memory is known")
    return STATES[optim](size)
