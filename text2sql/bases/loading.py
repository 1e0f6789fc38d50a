"""Load a base's tokenizer and weights with transformers, and an adapter with PEFT.

    >>> base = find_base("qwen2.5-coder-7b")
    >>> tokenizer, model = load_tokenizer(base), load_model(base, load_in_4bit=True)

The data type chosen by itself is bfloat16 on a CUDA device that has it, float16 on an older one,
float32 on a CPU. Weights go to this process's CUDA device if there is one.

Covered: hub ids, folders, the bundled base; 4 bit through bitsandbytes; adapters. Every failure is
one line.
Not covered: quantised formats of other programs (GGUF); code from a hub repository, unless it is
allowed.
"""

import errno
import logging as stdlib_logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from text2sql.bases import hub
from text2sql.bases.base import Base
from text2sql.errors import MissingExtra, ModelError, Text2SQLError, UnknownName

DTYPES = ("auto", "float32", "bfloat16", "float16")
PAD_TOKENS = ("<pad>", "<|finetune_right_pad_id|>", "<|fim_pad|>", "<unk>", "<|endoftext|>")


def load_tokenizer(
    base: Base, *, revision: str | None = None, trust_remote_code: bool | None = None
) -> Any:
    """Load the tokenizer; its pad token is set to one that the vocabulary has.

    Args:
        base: what `find_base` returned.
        revision: branch, tag or commit on the hub.
        trust_remote_code: allow Python code from the model's repository to run.

    Raises:
        ModelError: it cannot be had, or needs code that is not allowed.
        MissingExtra: transformers is not installed.
    """
    _require("transformers")
    where = _where(base, revision, trust_remote_code, weights=False)
    with _one_line(base), quiet():
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(**where)
    set_pad_token(tokenizer)
    return tokenizer


def load_model(
    base: Base,
    *,
    dtype: str = "auto",
    device_map: Any = None,
    revision: str | None = None,
    load_in_4bit: bool = False,
    trust_remote_code: bool | None = None,
    adapter: str | Path | None = None,
) -> Any:
    """Load the model, in evaluation mode.

    Args:
        base: what `find_base` returned.
        dtype: a name in `DTYPES`.
        device_map: as in transformers; None means this process's device.
        revision: branch, tag or commit on the hub.
        load_in_4bit: quantise to NF4 with double quantisation (QLoRA, arXiv:2305.14314).
        trust_remote_code: allow Python code from the model's repository to run.
        adapter: a folder with adapter_config.json, put on the base without merging.

    Raises:
        UnknownName: no such data type.
        ModelError: the base or adapter cannot be had or does not fit.
        MissingExtra: torch, transformers, PEFT or bitsandbytes is not installed.
    """
    if dtype not in DTYPES:
        raise UnknownName("data type", dtype, DTYPES)
    _require("torch", "transformers", *(["peft"] if adapter else []))
    if load_in_4bit and find_spec("bitsandbytes") is None:
        raise MissingExtra("quant", "bitsandbytes")
    if adapter is not None:
        _check_adapter(Path(adapter))
    settings = _where(base, revision, trust_remote_code, weights=True)
    settings |= {"dtype": _dtype(dtype), "device_map": _device_map(device_map)}
    with _one_line(base), quiet():
        from transformers import AutoModelForCausalLM

        if load_in_4bit:
            settings["quantization_config"] = _four_bit(settings["dtype"])
        model = AutoModelForCausalLM.from_pretrained(**settings)
    return (model if adapter is None else put_adapter(model, Path(adapter))).eval()


def set_pad_token(tokenizer: Any) -> None:
    """Give a tokenizer a pad token that its vocabulary has, so that no embedding is added.

    The end of sequence comes last: a loss that skips pads would not teach the model to stop.
    """
    if tokenizer.pad_token is not None:
        return
    taken = (tokenizer.eos_token, tokenizer.bos_token)
    added = {str(token) for token in tokenizer.added_tokens_decoder.values()}
    spare = (token for token in PAD_TOKENS if token in added and token not in taken)
    pad = next(spare, tokenizer.eos_token)
    if pad is not None:
        tokenizer.pad_token = pad


def _require(*packages: str) -> None:
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtra("infer", package)


def _where(
    base: Base, revision: str | None, trust_remote_code: bool | None, *, weights: bool
) -> dict[str, Any]:
    """Return from_pretrained's arguments that say where the model is."""
    if base.trust_remote_code and not trust_remote_code:
        raise ModelError(
            f"base {base.name} needs Python code from its repository ({base.source}):"
            " read it, then allow it with --trust-remote-code"
        )
    folder = _folder(base)
    if folder is None:
        folder = hub.available(str(base.hub_id), revision=revision, weights=weights)
    place: dict[str, Any] = {"pretrained_model_name_or_path": str(folder or base.hub_id)}
    if folder is None:
        place["revision"] = revision or "main"
    return place | {"trust_remote_code": bool(trust_remote_code)}


def _folder(base: Base) -> Path | None:
    if base.path is not None:
        return base.path
    if base.name == "mini":
        from text2sql.bases import mini

        return mini.folder()
    if base.hub_id is None:
        raise ModelError(f"base {base.name} has no weights that can be loaded")
    return None


def _dtype(name: str) -> Any:
    import torch

    if name != "auto":
        return getattr(torch, name)
    if not torch.cuda.is_available():
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _device_map(device_map: Any) -> Any:
    import torch

    if device_map is not None or not torch.cuda.is_available():
        return device_map
    # FSDP and DeepSpeed place the weights themselves, and refuse a model that has a device map.
    if _is_sharded():
        return None
    return {"": int(os.environ.get("LOCAL_RANK", torch.cuda.current_device()))}


def _is_sharded() -> bool:
    names = ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED")
    return any(os.environ.get(name, "").lower() == "true" for name in names)


def _four_bit(compute: Any) -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
        # FSDP spreads tensors of one type alone: the 4-bit ones are told to look like the others
        bnb_4bit_quant_storage=compute if _is_sharded() else torch.uint8,
    )


def _check_adapter(folder: Path) -> None:
    if not (folder / "adapter_config.json").exists():
        what = "holds no adapter_config.json" if folder.is_dir() else "does not exist"
        raise ModelError(f"cannot load adapter {folder}: the folder {what}")


def put_adapter(model: Any, folder: Path, *, name: str = "default") -> Any:
    """Put an adapter on a model, beside those that it has already.

    Raises:
        ModelError: it cannot be loaded or does not fit.
    """
    _check_adapter(folder)
    with quiet():
        try:
            from peft import PeftModel

            if not isinstance(model, PeftModel):
                return PeftModel.from_pretrained(model, str(folder), adapter_name=name)
            model.load_adapter(str(folder), adapter_name=name)
            return model
        except Exception as error:
            raise ModelError(f"cannot load adapter {folder}: {_reason(error)}") from error


@contextmanager
def _one_line(base: Base) -> Iterator[None]:
    """Turn whatever loading raises into a ModelError; transformers raises nearly every kind."""
    try:
        yield
    except Text2SQLError:
        raise
    except Exception as error:
        local = base.path is not None or base.hub_id is None
        reason = _reason(error)
        if local:
            raise ModelError(f"cannot load base {base.source}: {reason}") from error
        raise hub.failure(str(base.hub_id), reason) from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full (HF_HOME moves the cache)"
    if isinstance(error, MemoryError) or "out of memory" in str(error):
        return "out of memory: try a smaller base, or 4 bit"
    return hub.one_line(error) or type(error).__name__


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' bars and warnings off stderr; what goes wrong is raised anyway."""
    from huggingface_hub.utils import logging as hub_logging
    from transformers.utils import logging

    levels = logging.get_verbosity(), hub_logging.get_verbosity()
    quant = stdlib_logging.getLogger("bitsandbytes")  # misses an optional kernel
    quant_level = quant.level
    quant.setLevel(stdlib_logging.ERROR)
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    hub_logging.set_verbosity_error()
    logging.disable_progress_bar()  # of the weights; the bar of a download is huggingface_hub's own
    try:
        with warnings.catch_warnings():
            # trl 1.16 and peft 0.21 use old names of what transformers 5.23 has renamed
            old_name = ".*gradient_checkpointing"
            warnings.filterwarnings("ignore", message=old_name, category=FutureWarning)
            yield
    finally:
        logging.set_verbosity(levels[0])
        hub_logging.set_verbosity(levels[1])
        quant.setLevel(quant_level)
        if bars:
            logging.enable_progress_bar()
