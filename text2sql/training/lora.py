"""The adapter: PEFT's options from a recipe, saved so that plain PEFT loads it, checked for vLLM.

    >>> config = lora_config(read_recipe(None, base="mini", use_rslora=True))
    >>> config.use_rslora
    True
    >>> vllm_refusals(Path("runs/mine"))
    ["rank 32 is above vLLM's default of 16: start it with --max-lora-rank 32"]

`init_lora_weights` and `lora_kwargs` reach PEFT as they are. PiSSA (arXiv:2404.02948) and OLoRA
(arXiv:2406.01775) begin with a part of the base's own weights and take it out of the base; what is
saved is the difference between end and beginning, an ordinary LoRA of twice the rank, which fits
the base as it was. DoRA is arXiv:2402.09353, rsLoRA arXiv:2312.03732, LoRA+ arXiv:2402.12354.

Covered: what vLLM checks and what it leaves out when it reads adapter_config.json
(`vllm/lora/peft_helper.py`).
Not covered: starting vLLM; architectures for which vLLM has no adapters.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from text2sql.errors import ModelError, SettingsError
from text2sql.training.recipe import DECOMPOSED, Recipe

BEGINNING = "beginning"  # folder of the adapter as it was before the first step
VLLM_RANK = 16  # vLLM's default of --max-lora-rank


def lora_config(recipe: Recipe) -> Any:
    """Return PEFT's configuration of a recipe's adapter.

    Raises:
        SettingsError: an option that PEFT does not know or refuses.
    """
    from peft import LoraConfig

    options = {
        "r": recipe.lora_r,
        "lora_alpha": recipe.lora_alpha,
        "lora_dropout": recipe.lora_dropout,
        "target_modules": recipe.target_modules or "all-linear",
        "use_rslora": recipe.use_rslora,
        "use_dora": recipe.use_dora,
        "init_lora_weights": recipe.init_lora_weights,
        "task_type": "CAUSAL_LM",
    }
    try:
        return LoraConfig(**(options | recipe.lora_kwargs))
    except (TypeError, ValueError) as error:
        raise SettingsError(f"PEFT refuses the adapter's settings: {error}") from None


def keep_beginning(model: Any, folder: Path) -> None:
    """Write a decomposed adapter before its first step: what `save_lora` subtracts."""
    config = model.peft_config["default"]
    if not str(config.init_lora_weights).startswith(DECOMPOSED):
        return
    said, config.init_lora_weights = config.init_lora_weights, True  # loaded, not decomposed again
    model.save_pretrained(str(folder / BEGINNING), selected_adapters=["default"])
    config.init_lora_weights = said


def whole_weights(trainer: Any) -> dict[str, Any] | None:
    """Gather weights that FSDP or ZeRO 3 spreads over the processes; None where nothing is spread.

    All processes must call it.
    """
    if not (trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled):
        return None
    gathered: dict[str, Any] = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    return gathered


def save_lora(model: Any, folder: Path, weights: dict[str, Any] | None = None) -> None:
    """Write the trained adapter so that `PeftModel.from_pretrained` puts it on the plain base.

    Args:
        model: with the adapter.
        folder: where to.
        weights: what `whole_weights` returned.
    """
    beginning = folder / BEGINNING
    options: dict[str, Any] = {"state_dict": weights} if weights is not None else {}
    if beginning.exists():
        options["path_initial_model_for_weight_conversion"] = str(beginning)
    model.save_pretrained(str(folder), selected_adapters=["default"], **options)
    shutil.rmtree(beginning, ignore_errors=True)


class TwoRates:
    """Mixed in before a transformers trainer, it gives LoRA+'s B matrices their own rate.

    `loraplus_lr_ratio` is that rate over the learning rate; None leaves the optimizer alone.
    """

    loraplus_lr_ratio: float | None = None

    def create_optimizer(self, *given: Any) -> Any:
        """Make the optimizer once."""
        trainer: Any = self
        if self.loraplus_lr_ratio is None or trainer.optimizer is not None:
            return super().create_optimizer(*given)  # type: ignore[misc]
        from peft.optimizers import create_loraplus_optimizer

        kind, options = trainer.get_optimizer_cls_and_kwargs(trainer.args, trainer.model)
        trainer.optimizer = create_loraplus_optimizer(
            trainer.model,
            kind,
            loraplus_lr_ratio=self.loraplus_lr_ratio,
            loraplus_weight_decay=trainer.args.weight_decay,
            **options,
        )
        return trainer.optimizer


def vllm_refusals(folder: Path) -> list[str]:
    """Return the reasons for which vLLM would not load an adapter, or would load it wrongly.

    Args:
        folder: with adapter_config.json.

    Raises:
        ModelError: the folder holds no adapter.
    """
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read adapter {folder}: {error}") from None
    return list(_refusals(config))


def _refusals(config: dict[str, Any]) -> Iterator[str]:
    if config.get("use_dora"):
        yield "vLLM does not compute DoRA's magnitudes: merge the adapter into the base"
    for key in ("modules_to_save", "trainable_token_indices"):
        if config.get(key):
            yield f"vLLM loads no whole modules ({key}): merge the adapter into the base"
    if config.get("bias", "none") != "none":
        yield "vLLM loads no trained biases: merge the adapter into the base"
    if str(config.get("init_lora_weights")).startswith(DECOMPOSED):
        yield "the adapter fits a base whose weights were changed: save it converted"
    for key in ("rank_pattern", "alpha_pattern"):
        if config.get(key):
            yield f"vLLM reads one rank and alpha for all modules, not {key}"
    if config["r"] > VLLM_RANK:
        yield (
            f"rank {config['r']} is above vLLM's default of {VLLM_RANK}:"
            f" start it with --max-lora-rank {config['r']}"
        )
