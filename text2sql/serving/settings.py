"""Read the file of a service: models, databases, who may ask, how much.

    models:                           # the first one is asked where a question names none
      sales: {base: mini, adapter: runs/sales}      # adapters on one base share its weights
      plain: mini
    databases:                        # as in text2sql.yaml
      shop: {url: shop.sqlite, policy: policy.yaml}
      warehouse: {url: env:WAREHOUSE_URL}
    identity:
      keys:
        - {name: ann, key: "sha256:9f86d0...", user: {role: buyer, tenants: [3]}}
        - {name: ci, key: env:T2S_CI_KEY}
    limits: {requests_per_minute: 60}
    audit: audit.jsonl                # who asked what, and what became of it
    feedback: feedback.sqlite         # what people say about answers

    >>> read_service(Path("service.yaml")).models["plain"].base
    'mini'

Paths are taken from the file's folder.
Covered: a misspelt key is named with its file and line.
Not covered: whether models and databases can be opened (`service`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from text2sql.databases import Database
from text2sql.decoding.generation import Decoding
from text2sql.errors import SettingsError
from text2sql.project import (
    DatabaseEntry,
    Project,
    choose_model,
    find_database,
    spell_entries,
    spell_out,
    validated,
)
from text2sql.serving.identity import IdentityEntry
from text2sql.serving.limits import Limits
from text2sql.settings import Settings, read_settings

HOST, PORT = "127.0.0.1", 8000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DecodingEntry(_Strict):
    """How SQL is drawn; see `t2s predict --help`."""

    num_samples: int = 1
    temperature: float | None = None
    top_p: float = 1.0
    seed: int = 0
    max_new_tokens: int = 256
    constraint: str = "schema"
    selection: str = "first"
    num_beams: int = 1

    def decoding(self) -> Decoding:
        """Return the settings as a predictor takes them.

        Raises:
            SettingsError: they mean nothing.
        """
        return Decoding(**self.model_dump())


class ModelEntry(_Strict):
    """A model; a bare text in the file is its `base`."""

    base: str | None = None  # a name, hub id, folder, or http://host/v1#model
    adapter: str | None = None  # a folder, from the file's
    revision: str | None = None
    dtype: str = "auto"
    device_map: str | None = None
    load_in_4bit: bool = False
    trust_remote_code: bool | None = None
    style: str | None = None
    language: str | None = None
    decoding: DecodingEntry = Field(default_factory=DecodingEntry)
    abstain_below: float | None = None

    def loading(self) -> dict[str, Any]:
        """Return what `open_model` takes."""
        return self.model_dump(exclude={"decoding", "abstain_below"})


class _ServiceFile(_Strict):
    models: dict[str, ModelEntry] = Field(min_length=1)
    databases: dict[str, DatabaseEntry] = Field(min_length=1)
    identity: IdentityEntry = Field(default_factory=IdentityEntry)
    limits: Limits = Field(default_factory=Limits)
    audit: str | None = None
    feedback: str | None = None
    host: str = HOST
    port: int = Field(default=PORT, ge=0, le=65_535)


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What is served; every path is absolute or from the current folder."""

    models: dict[str, ModelEntry]
    databases: dict[str, Database]
    identity: IdentityEntry = field(default_factory=IdentityEntry)
    limits: Limits = field(default_factory=Limits)
    audit: Path | None = None
    feedback: Path | None = None
    host: str = HOST
    port: int = PORT
    files: Sequence[Path] = ()  # that were read, or will be when it opens


def read_service(path: Path) -> ServiceSettings:
    """Read the file of a service.

    Raises:
        SettingsError: it is missing, is not YAML, or has a wrong key or value.
        DatabaseError: a database's file or environment variable is missing.
    """
    file = read_settings(path)
    folder = path.resolve().parent
    files = [path.resolve(), *_named_files(file, folder)]
    spell_out(file)
    spell_entries(file, "models", "base")
    _restore_types(file, path)
    said = validated(_ServiceFile, file)
    project = Project(path.resolve(), said.databases)
    databases = {name: project.database(name) for name in said.databases}
    return ServiceSettings(
        {name: _from_folder(entry, folder) for name, entry in said.models.items()},
        databases,
        said.identity.in_folder(folder),
        said.limits,
        _place(folder, said.audit),
        _place(folder, said.feedback),
        said.host,
        said.port,
        files,
    )


def named_service(
    database: str | None,
    *,
    base: str | None = None,
    adapter: str | None = None,
    policy: Path | None = None,
    audit: Path | None = None,
    feedback: Path | None = None,
) -> ServiceSettings:
    """Return a service of one model and one database, as commands name them.

    Raises:
        SettingsError, DatabaseError, UnknownName: as `find_database`.
    """
    found = find_database(database)
    if policy is not None:
        found = replace(found, policy=policy)
    chosen = choose_model(base, adapter)
    entry = ModelEntry(**chosen)  # type: ignore[arg-type]
    name = Path(str(chosen["adapter"] or chosen["base"] or "mini")).name
    files = [found.policy] if found.policy is not None else []
    return ServiceSettings(
        {name: entry}, {found.name: found}, audit=audit, feedback=feedback, files=files
    )


def _place(folder: Path, text: str | None) -> Path | None:
    return None if text is None else folder / Path(text).expanduser()


def _from_folder(entry: ModelEntry, folder: Path) -> ModelEntry:
    """Return a model whose paths are absolute; a base that is no path stays a name."""
    changed: dict[str, Any] = {}
    if entry.adapter is not None:
        changed["adapter"] = str(_place(folder, entry.adapter))
    if entry.base is not None and entry.base.startswith((".", "~", "/")):
        changed["base"] = str(_place(folder, entry.base))
    return entry.model_copy(update=changed)


def _named_files(file: Settings, folder: Path) -> list[Path]:
    """Return the files that entries name, before they are replaced by their content."""
    databases = file.content.get("databases")
    entries = databases.values() if isinstance(databases, dict) else ()
    named = [
        entry[key]
        for entry in entries
        if isinstance(entry, dict)
        for key in ("overlay", "pairs", "policy")
        if isinstance(entry.get(key), str)
    ]
    return [folder / Path(text).expanduser() for text in named]


def _restore_types(file: Settings, path: Path) -> None:
    """Give the attributes of users the types that YAML says: a policy compares 3 with numbers."""
    import yaml

    identity = file.content.get("identity")
    keys = identity.get("keys") if isinstance(identity, dict) else None
    if not isinstance(keys, list):
        return
    try:
        typed = yaml.safe_load(path.read_text(encoding="utf-8-sig"))["identity"]["keys"]
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not valid YAML: {type(error).__name__}") from None
    for entry, own in zip(keys, typed, strict=True):
        if isinstance(entry, dict) and isinstance(own, dict) and "user" in entry:
            entry["user"] = own["user"]
