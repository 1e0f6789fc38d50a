"""Say what is installed, what the machine has, and where things are kept: what a bug report needs.

>>> diagnose()["problems"]
["infer: torch is not installed (pip install 'text2sql[infer]')"]
"""

import os
import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import platformdirs

from text2sql.data.catalog import list_datasets

PACKAGES = {
    "core": ("duckdb", "pydantic", "sqlalchemy", "sqlglot", "typer"),
    "infer": ("torch", "transformers", "peft", "accelerate"),
    "train": ("trl", "datasets"),
    "quant": ("bitsandbytes",),
}
OPTIONAL = ("train", "quant")  # extras that a healthy installation may lack
HUB_VARIABLES = ("HF_HOME", "HF_ENDPOINT", "HF_HUB_OFFLINE")  # HF_TOKEN is told by presence alone
ENOUGH_DISK = (
    2 << 30
)  # bytes: below this a checkpoint of a 7B adapter with its optimiser may not fit


def diagnose() -> dict[str, Any]:
    """Return versions, hardware, places, data sets, and `problems`, one line each."""
    versions = {name: _version(name) for names in PACKAGES.values() for name in names}
    cache = Path(platformdirs.user_cache_dir("text2sql"))
    return {
        "text2sql": metadata.version("text2sql"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "gpus": _gpus() if versions["torch"] else [],
        "packages": versions,
        "cache": str(cache),
        "free_disk_gib": round(_free(Path.cwd()) / 2**30, 1),
        "data_sets": {row["name"]: row["splits"] or "not there" for row in list_datasets()},
        "environment": {name: os.environ[name] for name in HUB_VARIABLES if name in os.environ}
        | {"HF_TOKEN": "set" if "HF_TOKEN" in os.environ else "not set"},
        "problems": [*_missing(versions), *_places(cache)],
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _missing(versions: dict[str, str | None]) -> list[str]:
    return [
        f"{extra}: {name} is not installed (pip install 'text2sql[{extra}]')"
        for extra, names in PACKAGES.items()
        if extra not in OPTIONAL
        for name in names
        if versions[name] is None
    ]


def _places(cache: Path) -> list[str]:
    problems = []
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        problems.append(
            f"the cache {cache} cannot be written: set XDG_CACHE_HOME to a folder that can"
        )
    if _free(Path.cwd()) < ENOUGH_DISK:
        problems.append(
            f"less than {ENOUGH_DISK >> 30} GiB of disk are free here: checkpoints may not fit"
        )
    return problems


def _free(path: Path) -> int:
    return shutil.disk_usage(path).free


def _gpus() -> list[str]:
    import torch

    gpus = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    return [f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB" for gpu in gpus]
