"""Find a base by what the user typed: a short name, a hub id, or a folder.

    >>> find_base("codellama-7b").hub_id
    'codellama/CodeLlama-7b-hf'
    >>> find_base("./models/CodeLlama-7b-Instruct-hf").prompt_format      # a downloaded copy
    'llama2'

Covered: every entry of `models.py`; hub ids outside it (`org/name`), whose tokenizer's own chat
template is used if it has one; folders with a config.json, described by a `text2sql.json` beside it
if there is one.
Not covered: servers (`http://...`), which answer but are never loaded.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from text2sql.bases.architecture import read_architecture
from text2sql.bases.base import TARGETS, Base
from text2sql.bases.models import models
from text2sql.errors import ModelError, UnknownName

BASES: dict[str, Base] = {base.name: base for base in models()}
GENERIC = Base(
    "generic", None, prompt_format="instruct"
)  # a model of which nothing is known, behind a server
BASE_CARD = "text2sql.json"

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_CACHE_FOLDER = re.compile(
    r"models--(.+?)--(.+)"
)  # of huggingface_hub: models--org--name/snapshots/<commit>


class BaseCard(BaseModel):
    """What a folder says of its own model, in `text2sql.json`."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    prompt_format: str | None = None
    answer_format: str | None = None
    stop: tuple[str, ...] | None = None
    lora_targets: tuple[str, ...] | None = None
    context_length: int | None = None
    licence: str | None = None
    style: str | None = None
    notes: str | None = None


def find_base(text: str | Path | Base) -> Base:
    """Find a base.

    Args:
        text: a short name, alias or hub id (case ignored), or a folder. A folder wins over a hub
            id.

    Raises:
        UnknownName: a short name that is not in the catalogue; the nearest is named.
        ModelError: a folder that does not exist or holds no model, or a server's address.
    """
    if isinstance(text, Base):
        return text
    name = str(text).strip()
    if name.startswith(("http://", "https://")):
        raise ModelError(f"{name} is a server: it can be asked, but not loaded or trained")
    if name == GENERIC.name:
        return GENERIC
    folder = Path(name).expanduser()
    place = isinstance(text, Path) or "/" in name
    if place and folder.is_dir():
        return read_folder(folder)
    if known := _by_name().get(name.casefold()):
        return _as_typed(known, name)
    if folder.is_dir():
        return read_folder(folder)
    if not isinstance(text, Path) and _HUB_ID.fullmatch(name):
        return Base(name, name)
    if place or name.startswith((".", "~")):
        what = "is a file, not a model's folder" if folder.exists() else "does not exist"
        raise ModelError(f"cannot load base {name}: the folder {what}")
    raise UnknownName("base", name, BASES)


def _by_name() -> dict[str, Base]:
    names: dict[str, Base] = {}
    for base in BASES.values():
        for name in (*base.aliases, base.hub_id, base.name):
            if name is not None:
                names.setdefault(name.casefold(), base)
    return names


def _as_typed(base: Base, name: str) -> Base:
    """Keep the hub id that was asked for: a twin has the same weights behind another gate."""
    twin = next((a for a in base.aliases if "/" in a and a.casefold() == name.casefold()), None)
    return replace(base, hub_id=twin) if twin else base


def read_folder(folder: Path) -> Base:
    """Describe a local model: by its own card, its origin, or its architecture.

    Raises:
        ModelError: no config.json, one that cannot be read, or a `text2sql.json` with a wrong key.
    """
    config = _read_json(folder / "config.json", _missing(folder))
    origin = _origin(folder, config)
    base = replace(origin, path=folder.resolve(), name=folder.name or str(folder.resolve()))
    if not (folder / BASE_CARD).exists():
        return base
    card = _read_card(folder / BASE_CARD)
    return replace(base, **{key: value for key, value in card.items() if value is not None})


def _missing(folder: Path) -> str:
    if (folder / "adapter_config.json").exists():
        return f"{folder} holds an adapter, not a base: give it as the adapter"
    return f"{folder} holds no config.json: give the folder that the model was saved in"


def _read_json(path: Path, missing: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"cannot load base: {missing}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {path}: {error}") from None
    if not isinstance(content, dict):
        raise ModelError(f"cannot read {path}: it is not a JSON object")
    return content


def _read_card(path: Path) -> dict[str, Any]:
    try:
        return BaseCard.model_validate(_read_json(path, f"no {path}")).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        known = ", ".join(BaseCard.model_fields)
        raise ModelError(f"{path}: {key}: {first['msg']} (known: {known})") from None


def _origin(folder: Path, config: dict[str, Any]) -> Base:
    """Return the catalogue's entry that the folder is a copy of, else a generic one."""
    names = _by_name()
    resolved = folder.resolve()
    for name in (*_cache_ids(resolved), str(config.get("_name_or_path", "")), resolved.name):
        known = names.get(name.casefold()) or _by_tail(name)
        if known is not None and known.hub_id is not None:
            return known
    architecture = read_architecture(config)
    return Base(
        name="",
        hub_id=None,
        lora_targets=TARGETS.get(str(config.get("model_type")), ()),
        architecture=architecture,
        context_length=architecture.context
        if architecture
        else config.get("max_position_embeddings"),
    )


def _cache_ids(folder: Path) -> tuple[str, ...]:
    found = (_CACHE_FOLDER.fullmatch(part) for part in folder.parts)
    return tuple(f"{match[1]}/{match[2]}" for match in found if match)


def _by_tail(name: str) -> Base | None:
    """Match a folder called as the last part of a hub id: `CodeLlama-7b-hf`."""
    tail = name.rstrip("/").rpartition("/")[2].casefold()
    matches = (b for b in BASES.values() if b.hub_id and b.hub_id.casefold().endswith(f"/{tail}"))
    return next(matches, None) if tail else None
