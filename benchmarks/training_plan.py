"""What training takes by the plan, base by base, and how the plan compares with PyTorch.

Why: a plan is worth as much as its numbers are right. First table: bytes that the plan counts for
small random models of each architecture, next to what PyTorch allocates for parameters, adapter,
optimizer, and keeps for the backward pass (on a CPU, bfloat16 under autocast, as on a GPU). Second
table: what the recipes in adapters/ need.

    python benchmarks/training_plan.py [--limit 2] [--write]

`--limit` takes the first so many architectures and recipes; `--write` puts the needs into
adapters/*/README.md. A few seconds on two CPU cores; the second table needs neither torch nor data.
"""

import argparse
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from text2sql import reporting
from text2sql.bases import find_base
from text2sql.bases.architecture import Architecture, read_architecture
from text2sql.training.memory import GIB, Memory, activation_bytes, memory, trainable_parameters
from text2sql.training.plan import CARDS
from text2sql.training.recipe import Recipe, read_recipe
from text2sql.training.rows import TOKENS

ADAPTERS = Path(__file__).parent.parent / "adapters"
BEGIN, END = "<!-- plan: benchmarks/training_plan.py --write -->", "<!-- end of plan -->"
SQL_SHARE = 4  # one token of so many is SQL: about that of Spider's training rows
ROWS, LENGTH = 2, 128
LLAMA = {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 4}
HEADS = {"num_attention_heads": 8, "num_key_value_heads": 2}
SILENT = {"attn_pdrop": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0}
CONFIGS: dict[str, dict[str, Any]] = {
    "llama": LLAMA | HEADS,
    "qwen2": LLAMA | HEADS,
    "starcoder2": LLAMA | HEADS,
    "gpt_bigcode": {"n_embd": 256, "n_inner": 704, "n_layer": 4, "n_head": 8, "n_positions": 256}
    | SILENT,
}


def main() -> None:
    """Print both tables and one line of JSON."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--limit", type=int, help="first so many of each")
    options.add_argument("--write", action="store_true", help="refresh adapters/*/README.md")
    chosen = options.parse_args()
    started = time.monotonic()
    checks = [row for name in [*CONFIGS][: chosen.limit] for row in compare(name)]
    print(reporting.rows_table(["architecture, part", "planned", "measured", "ratio"], checks))
    folders = sorted(path.parent for path in ADAPTERS.glob("*/recipe.yaml"))[: chosen.limit]
    needs = [need_row(folder) for folder in folders]
    print(reporting.rows_table(["recipe", "bfloat16 GiB", "card", "4 bit GiB", "card"], needs))
    if chosen.write:
        for folder in folders:
            write_block(folder)
    worst = max(abs(1 - row[3]) for row in checks)
    versions = {name: version(name) for name in ("torch", "transformers", "peft")}
    figures = {"worst_error": round(worst, 4), "checks": len(checks), "recipes": len(needs)}
    seconds = round(time.monotonic() - started, 1)
    print(json.dumps(figures | {"versions": versions, "seconds": seconds}))


def compare(family: str) -> list[tuple[str, float, float, float]]:
    """Measure one random model and set the plan's bytes beside it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        family, vocab_size=512, bos_token_id=None, eos_token_id=1, pad_token_id=0, **CONFIGS[family]
    )
    recipe = read_recipe(None, base="mini")
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    lora = LoraConfig(r=recipe.lora_r, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora).train()
    architecture = read_architecture(config.to_dict())
    assert architecture is not None
    kept = _kept_bytes(model)
    planned = memory(architecture, recipe, tokens=1, labelled=1)
    per_token = activation_bytes(architecture, recipe, copied=True, checkpointing=False)
    frozen = sum(p.nbytes for p in model.parameters() if not p.requires_grad)
    adapter = sum(p.nbytes for p in model.parameters() if p.requires_grad)
    pairs = {
        "base": (planned.weights, frozen),
        "adapter": (planned.adapter, adapter),
        "gradients and optimizer": (planned.gradients + planned.optimizer, _state_bytes(model)),
        "activations per token": (per_token, kept),
    }
    assert trainable_parameters(architecture, recipe) * 4 == adapter
    return [
        (f"{family}, {part}", plan, found, round(plan / found, 4))
        for part, (plan, found) in pairs.items()
    ]


def _kept_bytes(model: Any) -> float:
    """Return the bytes per token that autograd keeps for the layers."""
    import torch

    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, tuple[int, Any]] = {}

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        # autocast's copies of the adapter's weights do not grow with the row
        if storage.data_ptr() not in own and {LENGTH, ROWS * LENGTH} & set(tensor.shape):
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    ids = torch.arange(ROWS * LENGTH).reshape(ROWS, LENGTH)
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", dtype=torch.bfloat16),
    ):
        model.get_base_model().base_model(input_ids=ids, use_cache=False)
    return sum(size for size, _ in kept.values()) / (ROWS * LENGTH)


def _state_bytes(model: Any) -> int:
    """Return the bytes of gradients and optimizer state after one step."""
    import torch

    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained)
    ids = torch.arange(12)[None]
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    states = (v for state in optimizer.state.values() for k, v in state.items() if k != "step")
    return sum(state.nbytes for state in states) + sum(p.grad.nbytes for p in trained)


def needs(recipe: Recipe) -> dict[bool, Memory]:
    """Return the memory of a full row of a recipe, in bfloat16 and (key True) with 4 bits."""
    architecture = find_base(recipe.base).architecture
    assert isinstance(architecture, Architecture)
    tokens = recipe.prefix_tokens or TOKENS
    return {
        four_bit: memory(
            architecture,
            recipe.model_copy(update={"load_in_4bit": four_bit}),
            tokens=tokens,
            labelled=tokens // SQL_SHARE,
        )
        for four_bit in (False, True)
    }


def smallest_card(size: float) -> str:
    """Return the card with the least memory into which a run fits, or a dash."""
    fitting = [(gib, name) for name, (gib, _) in CARDS.items() if size <= gib * GIB]
    return min(fitting)[1] if fitting else "-"


def need_row(folder: Path) -> tuple[str, str, str, str, str]:
    """Return a recipe's line of the second table."""
    cells = [
        cell
        for found in needs(read_recipe(folder / "recipe.yaml")).values()
        for cell in (f"{found.total / GIB:.1f}", smallest_card(found.total))
    ]
    return (folder.name, *cells)  # type: ignore[return-value]


def block(folder: Path) -> str:
    """Return what a recipe's README says of memory."""
    recipe = read_recipe(folder / "recipe.yaml")
    rows = []
    for four_bit, found in needs(recipe).items():
        name = "4 bit (`--load-in-4bit`)" if four_bit else "bfloat16"
        passing = found.activations + found.logits
        learnt = found.adapter + found.gradients + found.optimizer
        sizes = (found.weights, learnt, passing, found.reserve, found.total)
        cells = " | ".join(f"{size / GIB:.1f}" for size in sizes)
        rows.append(f"| {name} | {cells} | {smallest_card(found.total)} |")
    tokens = recipe.prefix_tokens or TOKENS
    return "\n".join(
        [
            f"Memory in GiB of a row of {tokens:,} tokens, the most that a forward pass holds, with"
            " checkpointing:",
            "",
            "| base in | base | adapter, gradients, optimizer | activations, logits | reserve |"
            " together | smallest card |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *rows,
        ]
    )


def write_block(folder: Path) -> None:
    """Refresh the part of a recipe's README that the plan writes."""
    path = folder / "README.md"
    head, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    path.write_text(f"{head}{BEGIN}\n{block(folder)}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
