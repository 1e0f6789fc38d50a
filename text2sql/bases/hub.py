"""Ask the hub for a model before anything heavy starts, and say in one line why it cannot be had.

    >>> available("codellama/CodeLlama-7b-hf")          # no network, and nothing in the cache
    ModelError: cannot load base codellama/CodeLlama-7b-hf: cannot connect to https://huggingface.co
        (...); ...

transformers asks for several files in turn, and huggingface_hub repeats each failed request five
times with pauses of up to eight seconds: half a minute until a machine without a network hears so.
One HEAD request for config.json, not repeated, tells the same in less than its timeout.

Covered: no network, offline mode, no such repository or revision, gated and private ones, too
little disk. HF_HOME, HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN and HF_HUB_ETAG_TIMEOUT keep their
meaning.
Not covered: a connection that breaks in the middle of a download, which huggingface_hub itself
repeats.
"""

import shutil
from pathlib import Path
from typing import Any

from text2sql.errors import MissingExtra, ModelError

ELSEWHERE = "download it on another machine and give the folder: --base /path/to/folder"
WEIGHTS = (".safetensors", ".bin")  # in this order of preference


def available(hub_id: str, *, revision: str | None = None, weights: bool = False) -> Path | None:
    """Make sure that a model can be loaded.

    Args:
        hub_id: `org/name`.
        revision: branch, tag or commit; None means the default branch.
        weights: also check that the disk has room for them.

    Returns:
        The folder of the copy in the hub's cache where the hub cannot serve the model; None where
        it can.

    Raises:
        ModelError: neither the hub nor its cache has it; one line with the reason.
        MissingExtra: huggingface_hub is not installed.
    """
    try:
        reason = _refusal(hub_id, revision)
    except ImportError:
        raise MissingExtra("infer", "huggingface_hub") from None
    if reason is not None:
        cached = _cached(hub_id, revision)
        if cached is None:
            raise failure(hub_id, reason)
        return cached
    if weights:
        _check_disk(hub_id, revision)
    return None


def failure(hub_id: str, reason: str) -> ModelError:
    """Return the error of a hub model: its id, the reason, and the way round it."""
    return ModelError(f"cannot load base {hub_id}: {reason}; {ELSEWHERE}")


def _refusal(hub_id: str, revision: str | None) -> str | None:
    """Return why the hub does not serve the model, or None."""
    from huggingface_hub import constants, errors, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.utils import validate_repo_id

    endpoint = constants.ENDPOINT
    try:
        validate_repo_id(hub_id)
        url = hf_hub_url(hub_id, "config.json", revision=revision)
        get_hf_file_metadata(url, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except errors.OfflineModeIsEnabled:
        return "offline mode is on (HF_HUB_OFFLINE) and it is not in the cache"
    except errors.HFValidationError:
        return "that is not a hub id, which is org/name"
    except errors.GatedRepoError:
        return f"it is gated: accept its licence at {endpoint}/{hub_id} and set HF_TOKEN"
    except errors.RevisionNotFoundError:
        return f"it has no revision {revision or 'main'!r}"
    except errors.RepositoryNotFoundError:
        return f"{endpoint} has no such model, or it is private and HF_TOKEN is not set"
    except errors.RemoteEntryNotFoundError:
        return "it has no config.json, so it is no transformers model"
    except errors.HfHubHTTPError as error:
        return f"{endpoint} answered {error.response.status_code}"
    except errors.FileMetadataError:
        return f"{endpoint} did not answer as a hub does"
    except (
        errors.HTTPError
    ) as error:  # of the HTTP client: no route, no name, timeout, bad certificate
        return f"cannot connect to {endpoint} ({one_line(error) or type(error).__name__})"
    return None


def _cached(hub_id: str, revision: str | None) -> Path | None:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(hub_id, revision=revision, local_files_only=True))
    except (OSError, ValueError):  # not in the cache, or not a hub id
        return None
    return folder if (folder / "config.json").exists() else None


def _check_disk(hub_id: str, revision: str | None) -> None:
    from huggingface_hub import constants

    needed, place = _bytes_to_download(hub_id, revision), _existing(Path(constants.HF_HUB_CACHE))
    free = shutil.disk_usage(place).free
    if needed > free:
        amounts = f"{needed / 2**30:.1f} GiB to download, {free / 2**30:.1f} GiB free in {place}"
        raise failure(hub_id, f"not enough disk: {amounts} (HF_HOME moves the cache)")


def _bytes_to_download(hub_id: str, revision: str | None) -> int:
    """Sum the weight files that are not in the cache; 0 where a mirror does not tell sizes."""
    from huggingface_hub import HfApi, errors, try_to_load_from_cache

    try:
        info = HfApi().model_info(hub_id, revision=revision, files_metadata=True, timeout=10)
    except (OSError, ValueError, KeyError, errors.HTTPError):
        return 0
    files: list[Any] = info.siblings or []
    for suffix in WEIGHTS:
        wanted = [file for file in files if file.rfilename.endswith(suffix)]
        if wanted:
            here = (
                try_to_load_from_cache(hub_id, file.rfilename, revision=info.sha) for file in wanted
            )
            return sum(
                file.size or 0
                for file, cached in zip(wanted, here, strict=True)
                if not isinstance(cached, str)
            )
    return 0


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def one_line(error: BaseException, limit: int = 200) -> str:
    """Return the first lines of an error's message as one line."""
    text = " ".join(str(error).split())
    return text if len(text) <= limit else f"{text[:limit]}..."
