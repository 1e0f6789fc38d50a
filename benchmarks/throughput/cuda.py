"""Shared rows on a GPU: random Code Llamas in bfloat16 with LoRA, beside packed rows.

>>> measure(["7b"], limit=200, toy=False)

Needs torch, transformers and peft alone. Lengths are those of all of Spider's training questions
(`spider_lengths.json`, written on a machine that has Spider), ids are random: speed does not
depend on what they say. TRL need not be there: its packed rows are made here (best fit by
decreasing length, positions that start again, the mask that transformers makes of these without
flash attention), with our head at labelled positions, which TRL has on a GPU too.

For each base: examples a second (forward and backward, row by row after a warm-up) of packed rows,
of packed rows by our kernel (`packed_same_kernel`: what is left is sharing alone) and of shared
rows at caps 16 and 64; the share of the matmul rate measured in the same run that the shared linear
maps reach; the peak memory of a shared row beside an unshared one of as many tokens. Then the worst
gradient error of every backend on a small model, and QLoRA at batch 1 where bitsandbytes is
installed. `--toy` runs the same code on a CPU on tiny models: its figures mean nothing.
"""

import copy
import gc
import time
from collections.abc import Sequence
from importlib.util import find_spec
from statistics import median
from typing import Any

import torch
from peft import get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from text2sql.training.attention import BACKENDS
from text2sql.training.rows import Branch, Group, Row, build_row
from text2sql.training.sharing import batch_of, choose_backend, share
from throughput.trainers import lora, random_llama
from throughput.workload import random_groups

SIZES = {  # hidden, intermediate, layers, heads, key heads: config.json of codellama/CodeLlama-*-hf
    "7b": (4096, 11008, 32, 32, 32),
    "13b": (5120, 13824, 40, 40, 40),
    "34b": (8192, 22016, 48, 64, 8),
    "toy": (64, 128, 2, 4, 2),
}
VOCABULARY = 32_016
CAPS = (16, 64)
PACKED = 2048  # tokens in a packed row
LONG = 8192  # tokens of the rows whose memory is compared
ROOMY = 100 * 2**30  # bytes of a card on which 7B and 13B keep their activations


def measure(bases: Sequence[str], *, limit: int, toy: bool) -> dict[str, Any]:
    """Return the figures of every base, and of the card."""
    device = "cpu" if toy else "cuda"
    dtype = torch.float32 if toy else torch.bfloat16
    rate = matmul_rate(device, dtype)
    found: dict[str, Any] = {"device": card(device), "matmul_tflops": round(rate / 1e12, 2)}
    found["gradient_error"] = gradient_errors(device)
    for base in ["toy"] if toy else bases:
        found[base] = of_base(base, limit=limit, rate=rate, device=device, dtype=dtype)
        print(base, found[base], flush=True)
    found["qlora"] = "bitsandbytes is not installed"
    if find_spec("bitsandbytes") is not None:
        found["qlora"] = {base: qlora(base, device) for base in (["toy"] if toy else bases)}
    return found


def card(device: str) -> str:
    """Return the name of what computes."""
    return torch.cuda.get_device_name() if device == "cuda" else "cpu (toy: figures mean nothing)"


def matmul_rate(device: str, dtype: torch.dtype) -> float:
    """Return the operations a second of a large square product."""
    size = 8192 if device == "cuda" else 512
    one = torch.randn(size, size, device=device, dtype=dtype)
    return 2 * size**3 / median(seconds(lambda: one @ one, device) for _ in range(8))


def seconds(work: Any, device: str) -> float:
    """Time one call, to the end of what it started."""
    wait(device)
    begun = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - begun


def wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def of_base(
    base: str, *, limit: int, rate: float, device: str, dtype: torch.dtype
) -> dict[str, Any]:
    """Measure one base."""
    checkpointing = base == "34b" or (device == "cuda" and _memory() < ROOMY)
    model = random_base(base, device, dtype)
    weights = sum(p.numel() for n, p in model.named_parameters() if "layers" in n and p.dim() == 2)
    model = adapted(model, checkpointing)
    plain = model.get_base_model().forward
    groups = {cap: random_groups(limit=limit, cap=cap, vocabulary=VOCABULARY) for cap in CAPS}
    packed = pack(groups[CAPS[0]])
    result: dict[str, Any] = {"checkpointing": checkpointing}
    result["packed"] = rate_of(model, [packed_batch(row, device) for row in packed], device)
    choice = choose_backend(model)
    assert choice.backend is not None, choice.reason
    share(model, choice.backend)
    result |= {"backend": choice.backend, "passed_over": choice.reason}
    rows = [(build_row(row), len(row)) for row in packed]
    result["packed_same_kernel"] = rate_of(model, [shared_batch(*r, device) for r in rows], device)
    passes = 6 if checkpointing else 4  # operations for each weight and token: LoRA, frozen weights
    for cap, parts in groups.items():
        rows = [(build_row([part]), len(part.branches)) for part in parts]
        found = rate_of(model, [shared_batch(*row, device) for row in rows], device)
        found["share_of_matmul_rate"] = passes * weights * found["tokens_per_second"] / rate
        found["vs_packing"] = found["examples_per_second"] / result["packed"]["examples_per_second"]
        result[f"shared_cap_{cap}"] = found
    result["peak_memory"] = peaks(model, device)
    model.get_base_model().forward = plain
    del model
    free()
    return rounded(result)


def random_base(base: str, device: str, dtype: torch.dtype) -> Any:
    """Return a Code Llama with random weights, made on the device."""
    hidden, intermediate, layers, heads, keys = SIZES[base]
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=keys,
        max_position_embeddings=16_384,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        use_cache=False,
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)


def adapted(model: Any, checkpointing: bool) -> Any:
    """Return the model with a LoRA adapter, in training mode."""
    model = get_peft_model(model, lora())
    if checkpointing:
        model.gradient_checkpointing_enable()
        model.enable_input_require_grads()
    return model.train()


def pack(groups: list[Group]) -> list[list[Group]]:
    """Pack questions into rows of PACKED tokens, or the longest's: best fit, long first."""
    singles = [Group(g.shared, [branch]) for g in groups for branch in g.branches]
    singles.sort(key=lambda single: -single.tokens)
    size = max(PACKED, singles[0].tokens)
    rows: list[list[Group]] = []
    room: list[int] = []
    for single in singles:
        fits = [place for place, left in enumerate(room) if left >= single.tokens]
        place = min(fits, key=room.__getitem__) if fits else len(rows)
        if not fits:
            rows.append([])
            room.append(size)
        rows[place].append(single)
        room[place] -= single.tokens
    return rows


def packed_batch(parts: list[Group], device: str) -> tuple[dict[str, Any], int]:
    """Return what TRL gives the model for a packed row, and its examples."""
    row = batch_of(build_row(parts))
    del row["reach"]  # transformers reads the restarts of the positions
    return {name: torch.tensor([ids], device=device) for name, ids in row.items()}, len(parts)


def shared_batch(row: Row, examples: int, device: str) -> tuple[dict[str, Any], int]:
    """Return what ours gives it."""
    batch = {n: torch.tensor([ids], device=device) for n, ids in batch_of(row).items()}
    return batch, examples


def rate_of(model: Any, batches: list[Any], device: str) -> dict[str, float]:
    """Train on every row once; return examples and tokens a second."""
    step(model, batches[0][0])  # compiles, fills the caches
    spent = sum(seconds(lambda batch=batch: step(model, batch), device) for batch, _ in batches)
    tokens = sum(batch["input_ids"].numel() for batch, _ in batches)
    examples = sum(count for _, count in batches)
    return {"examples_per_second": examples / spent, "tokens_per_second": tokens / spent}


def step(model: Any, batch: dict[str, Any]) -> None:
    """Compute a row's loss and gradients."""
    if "reach" in batch:
        model(**batch).loss.backward()
    else:
        compact(model, batch).backward()
    model.zero_grad(set_to_none=True)


def compact(model: Any, batch: dict[str, Any]) -> Any:
    """Return the loss of a packed row with the head at labelled positions."""
    labels = batch["labels"][0]
    places = (labels[1:] != -100).nonzero().squeeze(1)
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    logits = model(**inputs, logits_to_keep=places, use_cache=False).logits[0]
    return torch.nn.functional.cross_entropy(logits.float(), labels[places + 1])


def peaks(model: Any, device: str) -> dict[str, Any]:
    """Return the peak memory in GiB of a shared row, and of one long text of as many tokens."""
    if device != "cuda":
        return {}
    branches = [Branch([7] * 28 + [number], [9] * 39) for number in range((LONG - 512) // 68)]
    shared = build_row([Group([5] * 512, branches)])
    length = len(shared.input_ids)
    whole = build_row([Group([5] * (length - 40), [Branch([6], [9] * 39)])])
    found = {}
    for name, row in (("shared", shared), ("unshared", whole)):
        torch.cuda.reset_peak_memory_stats()
        step(model, shared_batch(row, 1, device)[0])
        found[name] = torch.cuda.max_memory_allocated() / 2**30
    return found | {"tokens": length, "ratio": found["shared"] / found["unshared"]}


def gradient_errors(device: str) -> dict[str, Any]:
    """Return each backend's worst relative error of a LoRA gradient, against the dense mask."""
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(2, 1000, (2000,), generator=draw).tolist()
    branches = [
        Branch(ids[n : n + 20 + n % 30], ids[n + 50 : n + 80]) for n in range(600, 1900, 80)
    ]
    batch, _ = shared_batch(build_row([Group(ids[:600], branches)]), 1, device)
    model = get_peft_model(random_llama(1000), lora(init_lora_weights=False)).to(device)
    expected = gradients(model, "dense", batch, torch.float32)
    found: dict[str, Any] = {}
    for backend in BACKENDS:
        half = backend == "varlen"
        try:
            mine = gradients(model, backend, batch, torch.bfloat16 if half else torch.float32)
        except Exception as error:
            found[backend] = f"{type(error).__name__}: {str(error)[:80]}"
            continue
        errors = [(a - b).norm() / b.norm() for a, b in zip(mine, expected, strict=True)]
        found[backend + (" (bfloat16)" if half else "")] = float(f"{max(errors).item():.2e}")
    return found


def gradients(model: Any, backend: str, batch: Any, dtype: torch.dtype) -> list[Any]:
    """Return the gradients of a copy of the model."""
    mine = copy.deepcopy(model).to(dtype)
    share(mine, backend)
    mine(**batch).loss.backward()
    return [p.grad.float() for p in mine.parameters() if p.grad is not None]


def qlora(base: str, device: str) -> dict[str, Any]:
    """Train one example on a base in 4 bits; return the peak memory in GiB."""
    import bitsandbytes as bnb
    from peft import prepare_model_for_kbit_training

    model = random_base(base, "cpu", torch.bfloat16)
    for module in list(model.model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.Linear):
                setattr(module, name, in_four_bits(child, bnb, device))
    model.is_loaded_in_4bit = True
    model = model.to(device)
    model = get_peft_model(prepare_model_for_kbit_training(model), lora()).train()
    choice = choose_backend(model)
    assert choice.backend is not None, choice.reason
    share(model, choice.backend)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    row = build_row([Group([5] * 419, [Branch([6] * 28, [7] * 40)])])
    optimizer = torch.optim.AdamW(p for p in model.parameters() if p.requires_grad)
    model(**shared_batch(row, 1, device)[0]).loss.backward()
    optimizer.step()
    peak = torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else None
    del model, optimizer
    free()
    return {"peak_gib": peak, "backend": choice.backend}


def in_four_bits(linear: Any, bnb: Any, device: str) -> Any:
    """Return a linear map quantised to nf4, doubly."""
    new = bnb.nn.Linear4bit(
        linear.in_features,
        linear.out_features,
        bias=False,
        compute_dtype=torch.bfloat16,
        compress_statistics=True,
        quant_type="nf4",
    )
    weight = linear.weight.detach()
    new.weight = bnb.nn.Params4bit(
        weight, requires_grad=False, quant_type="nf4", compress_statistics=True, module=new
    )
    return new.to(device)


def _memory() -> int:
    return torch.cuda.get_device_properties(0).total_memory


def free() -> None:
    """Give memory back before the next model."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def rounded(found: dict[str, Any]) -> dict[str, Any]:
    """Round what will be printed."""
    return {
        key: rounded(value)
        if isinstance(value, dict)
        else round(value, 3)
        if isinstance(value, float)
        else value
        for key, value in found.items()
    }
