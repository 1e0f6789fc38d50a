"""Start a training on several GPUs: write Accelerate's configuration, launch it, watch its end.

    >>> launch(["train", "--base", "codellama-34b"], Path("runs/wide"), recipe, processes=8)
    0

Three ways: DDP (each GPU has all weights), FSDP2 (weights are spread; QLoRA too) and DeepSpeed's
ZeRO 2 or 3. Where the recipe does not say, DDP is taken if one GPU holds a step, else FSDP2. The
command can as well be started by hand, with `accelerate launch` and the configuration in the run's
folder, or with torchrun for DDP.

How many processes there are is never assumed: the launcher says how many it asked for, and
`processes.join` compares (accelerate's `--cpu --num_processes 2` starts two runs of one process).

Covered: one machine. The CPU can stand in for the GPUs (DDP alone), which is how this is tested.
Not covered: several machines; FSDP2 and DeepSpeed were configured after their documentation and
trl's examples, and not run here.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import yaml

from text2sql.bases import find_base
from text2sql.errors import SettingsError, need
from text2sql.outputs import write_whole
from text2sql.training.memory import memory
from text2sql.training.processes import ASKED
from text2sql.training.recipe import Recipe
from text2sql.training.rows import TOKENS

FILE = "accelerate.yaml"
SQL_SHARE = 4  # one token of so many carries loss: about that of Spider's rows

_FSDP2 = {
    "fsdp_version": 2,
    "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
    "fsdp_reshard_after_forward": True,
    "fsdp_cpu_ram_efficient_loading": True,
    "fsdp_state_dict_type": "FULL_STATE_DICT",  # the adapter is saved whole
    "fsdp_offload_params": False,
    "fsdp_activation_checkpointing": False,  # the trainer's own is used
}


def launch(
    arguments: Sequence[str],
    folder: Path,
    recipe: Recipe,
    *,
    processes: int,
    device: Literal["cuda", "cpu"] = "cuda",
) -> int:
    """Run `t2s` with these arguments in several processes; return the exit status.

    Args:
        arguments: of the command line, without `--gpus`.
        folder: the configuration is written beside it, as `<folder>.accelerate.yaml`.
        recipe: what the arguments mean.
        processes: how many, one for each GPU.
        device: where they run.

    Raises:
        SettingsError: there are fewer GPUs, or DeepSpeed is not installed where it is asked for.
        MissingExtra: accelerate is not installed.
    """
    need("train", "torch", "accelerate")
    mode = choose_mode(recipe, processes, _free_bytes(processes) if device == "cuda" else None)
    if mode.startswith("zero") and find_spec("deepspeed") is None:
        raise SettingsError("distributed=deepspeed needs DeepSpeed: pip install deepspeed")
    settings = configuration(mode, processes=processes, device=device)
    path = folder.with_name(f"{folder.name}.{FILE}")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, f"# accelerate launch --config_file {path.name}\n{yaml.safe_dump(settings)}")
    print(f"{processes} processes, {mode}: {path}", file=sys.stderr)
    command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(path)]
    port = ["--main_process_port", str(_free_port())]
    done = subprocess.run(
        [*command, *port, "--module", "text2sql", *arguments],
        env=os.environ | {ASKED: str(processes)},
        check=False,
    )
    return done.returncode


def choose_mode(recipe: Recipe, processes: int, free: float | None) -> str:
    """Return `ddp`, `fsdp`, `zero2` or `zero3`.

    Args:
        recipe: may say it.
        processes: how many GPUs there are.
        free: bytes of one GPU; None where that is not known.
    """
    if recipe.distributed == "deepspeed":
        return f"zero{recipe.zero_stage}"
    architecture = find_base(recipe.base).architecture
    if recipe.distributed or architecture is None or free is None:
        return recipe.distributed or "ddp"
    tokens = recipe.prefix_tokens or TOKENS
    labelled = tokens // SQL_SHARE
    checkpointing = recipe.gradient_checkpointing is not False
    whole = memory(
        architecture, recipe, tokens=tokens, labelled=labelled, checkpointing=checkpointing
    )
    return "ddp" if whole.total <= free else "fsdp"


def configuration(mode: str, *, processes: int, device: str = "cuda") -> dict[str, Any]:
    """Return what `accelerate launch --config_file` reads.

    Args:
        mode: what `choose_mode` returned.
        processes: one for each GPU.
        device: `cuda` or `cpu`.
    """
    common: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        "machine_rank": 0,
        "num_machines": 1,
        "num_processes": processes,
        "main_training_function": "main",
        "use_cpu": device == "cpu",
        "mixed_precision": "no" if device == "cpu" else "bf16",
    }
    if device == "cpu":  # MULTI_CPU is for MPI: accelerate would start one process
        return common | {"distributed_type": "MULTI_GPU"}
    if mode == "fsdp":
        return common | {"distributed_type": "FSDP", "fsdp_config": dict(_FSDP2)}
    if mode.startswith("zero"):
        return common | {"distributed_type": "DEEPSPEED", "deepspeed_config": _deepspeed(mode)}
    return common | {"distributed_type": "MULTI_GPU" if processes > 1 else "NO"}


def without_gpus(arguments: Sequence[str]) -> list[str]:
    """Return a command line without `--gpus N`, for the processes that it starts."""
    kept, skip = list[str](), False
    for word in arguments:
        if not skip and word != "--gpus" and not word.startswith("--gpus="):
            kept.append(word)
        skip = word == "--gpus"
    return kept


def _deepspeed(mode: str) -> dict[str, Any]:
    stage = int(mode.removeprefix("zero"))
    return {
        "zero_stage": stage,
        "zero3_init_flag": stage == 3,
        "zero3_save_16bit_model": stage == 3,
        "offload_optimizer_device": "none",
        "offload_param_device": "none",
        "deepspeed_multinode_launcher": "standard",
    }


def _free_bytes(processes: int) -> float:
    """Return the free bytes of the first GPU, once there are as many as processes."""
    import torch

    found = torch.cuda.device_count()
    if found < processes:
        raise SettingsError(f"--gpus {processes}, but this machine has {found} CUDA devices")
    return float(torch.cuda.mem_get_info()[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
