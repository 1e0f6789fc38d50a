"""Read text2sql.yaml: a project's named databases, data sets and defaults.

    databases:
      warehouse:
        url: env:WAREHOUSE_URL        # or a URL, or a path from this file's folder
        include: [sales.*]
        overlay: warehouse.yaml       # or the overlay itself
        policy: policy.yaml           # who may see what
        pairs: verified.jsonl         # questions with checked SQL, or a list of them
        time_zone: Europe/Berlin
        fiscal_start: 4               # the month
      shop: shop.sqlite
    data:
      mine: {path: data/mine, database: warehouse}
    defaults: {database: warehouse, base: mini}

    >>> find_database("shop").engine
    'sqlite'

Covered: a misspelt key is named with its file and line; no password is in any message or repr.
Not covered: whether a database answers, whether a base or style exists: who uses them finds out.
"""

import os
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from text2sql.databases import FILE_ENGINES, Database, hide_password, locate
from text2sql.errors import DatabaseError, SettingsError, UnknownName, hint
from text2sql.overlays import Overlay
from text2sql.pairs import Pair, read_pairs
from text2sql.settings import Settings, read_settings

FILE_NAME = "text2sql.yaml"
DATABASE_VARIABLE = "T2S_DATABASE"

_INSTANCE = re.compile(r"a valid dictionary or instance of \w+")

Model = TypeVar("Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class PairEntry(_Strict):
    """A verified question with its SQL."""

    question: str
    sql: str


class DatabaseEntry(_Strict):
    """A database of the project; a bare text in the file is its `url`."""

    url: str = Field(repr=False)  # env:NAME, a SQLAlchemy URL, or a path from the file's folder
    include: Patterns = ()
    exclude: Patterns = ()
    overlay: Overlay = Field(default_factory=Overlay)
    pairs: tuple[PairEntry, ...] = ()  # or the path of a JSON Lines file
    policy: str | None = None  # path of a policy file, from the file's folder
    time_zone: str | None = None
    fiscal_start: int | None = Field(default=None, ge=1, le=12)


class DataEntry(_Strict):
    """A data set of the project; a bare text in the file is its `path`."""

    path: str  # from the file's folder
    url: str | None = None  # where it comes from
    database: str | None = None  # of all its questions: a name, URL or path


class Defaults(_Strict):
    """What commands take where nothing is said."""

    database: str | None = None
    base: str | None = None
    style: str | None = None
    language: str | None = None
    adapter: str | None = None


class _ProjectFile(_Strict):
    databases: dict[str, DatabaseEntry] = Field(default_factory=dict)
    data: dict[str, DataEntry] = Field(default_factory=dict)
    defaults: Defaults = Field(default_factory=Defaults)


@dataclass(frozen=True, slots=True)
class Project:
    """What text2sql.yaml says; empty where there is none."""

    path: Path | None = None  # of the file
    databases: dict[str, DatabaseEntry] = field(default_factory=dict)
    data: dict[str, DataEntry] = field(default_factory=dict)  # paths are absolute
    defaults: Defaults = field(default_factory=Defaults)

    def database(self, name: str) -> Database:
        """Return the database of that name.

        Raises:
            UnknownName: the project has none of that name.
            DatabaseError: its environment variable is not set, or its file is missing.
        """
        if name not in self.databases:
            raise UnknownName("database", name, self.databases, f"in {self.path or FILE_NAME}")
        entry = self.databases[name]
        found = locate(self._target(name, entry.url))
        folder = self.path.parent if self.path else Path()
        return replace(
            found,
            name=name,
            include=entry.include,
            exclude=entry.exclude,
            overlay=entry.overlay,
            pairs=tuple(Pair(pair.question, pair.sql) for pair in entry.pairs),
            policy=folder / Path(entry.policy).expanduser() if entry.policy else None,
            time_zone=entry.time_zone,
            fiscal_start=entry.fiscal_start,
        )

    def _target(self, name: str, url: str) -> str:
        folder = self.path.parent if self.path else Path()
        if not url.startswith("env:"):
            return _from_folder(url, folder)
        variable = url.removeprefix("env:").strip()
        if not os.environ.get(variable):
            message = (
                f"database {name!r} needs the environment variable {variable}, which is not set"
            )
            raise DatabaseError(f"{self.path}: {message}", name)
        value = os.environ[variable]
        if "://" not in value and not Path(value).expanduser().exists():
            message = f"database {name!r}: {variable} holds neither a URL nor the path of a file"
            raise DatabaseError(f"{self.path}: {message}", name)
        return value


def load_project(path: str | Path | None = None) -> Project:
    """Read a project file.

    Args:
        path: the file or its folder; else text2sql.yaml is looked for in the current folder and
            those above it, and an empty project is returned where there is none.

    Raises:
        SettingsError: the file is missing, is not YAML, or has a wrong key or value.
    """
    found = _find_file() if path is None else Path(path)
    if found is None:
        return Project()
    found = found / FILE_NAME if found.is_dir() else found
    file = read_settings(found)
    spell_out(file)
    said = validated(_ProjectFile, file)
    folder = found.resolve().parent
    data = {
        name: entry.model_copy(update={"path": str(folder / Path(entry.path).expanduser())})
        for name, entry in said.data.items()
    }
    return Project(found.resolve(), said.databases, data, said.defaults)


def choose_model(
    base: str | None,
    adapter: str | None,
    style: str | None = None,
    language: str | None = None,
    *,
    project: Project | None = None,
) -> dict[str, str | None]:
    """Fill in what the project says of the model; an adapter's own card decides style and language.

    Args:
        base: a name, hub id, folder or server; `None` where nothing was said, like the others.
        adapter: its folder.
        style: of the schema in the prompt.
        language: of the prompt.
        project: else that of the current folder.

    Returns:
        The four by name, as `open_model` takes them.
    """
    said = (load_project() if project is None else project).defaults
    if base is None and adapter is None:
        base, adapter = said.base, said.adapter
    if adapter is None:
        style, language = style or said.style, language or said.language
    return {"base": base, "adapter": adapter, "style": style, "language": language}


def find_database(
    text: str | Path | Database | None = None, *, project: Project | None = None
) -> Database:
    """Find the database that a command was given.

    Args:
        text: a name in the project, a path or a URL; None or "": T2S_DATABASE, else the project's
            default.
        project: else that of the current folder.

    Raises:
        DatabaseError: none is given, or it cannot be opened.
        UnknownName: a plain word that is neither in the project nor a file.
    """
    if isinstance(text, Database):
        return text
    project = load_project() if project is None else project
    text = str(text or "") or os.environ.get(DATABASE_VARIABLE) or project.defaults.database
    if not text:
        raise DatabaseError(_how_to_give_one(project))
    if text in project.databases:
        return project.database(text)
    if project.databases and text.isidentifier() and not Path(text).exists():
        return project.database(text)
    return locate(text)


def _how_to_give_one(project: Project) -> str:
    known = f" ({hint('', project.databases)})" if project.databases else ""
    return (
        "no database given: use -d with a URL, a .sqlite or .duckdb file"
        f" or a name from {FILE_NAME}{known}, or set {DATABASE_VARIABLE}"
    )


def _find_file() -> Path | None:
    try:
        here = Path.cwd()
    except OSError:  # the current folder has been removed
        return None
    return next((f / FILE_NAME for f in (here, *here.parents) if (f / FILE_NAME).is_file()), None)


def _from_folder(url: str, folder: Path) -> str:
    """Return a URL or path such that a relative file is one of the project's folder."""
    if "://" not in url and "@" in url and ":" in url:
        return url  # a malformed URL: whoever opens it says so, without its password
    if "://" not in url:
        return str(folder / Path(url).expanduser())
    scheme, mark, path = url.partition(":///")
    is_file = mark and scheme.split("+")[0] in FILE_ENGINES
    return f"{scheme}{mark}{folder / path}" if is_file else url


def spell_out(file: Settings) -> None:
    """Replace the short forms of the file by the long ones, and overlay paths by their content."""
    for section in [name for name, entry in file.content.items() if entry is None]:
        del file.content[section]
    databases = spell_entries(file, "databases", "url")
    spell_entries(file, "data", "path")
    for name, entry in databases.items():
        if isinstance(entry, dict) and isinstance(entry.get("overlay"), str):
            where = f"{file.where(('databases', name, 'overlay'))}: overlay "
            if "://" in entry["overlay"]:
                raise SettingsError(f"{where}must be a mapping or the path of a YAML file")
            path = file.path.parent / Path(entry["overlay"]).expanduser()
            entry["overlay"] = validated(Overlay, read_settings(path, said_by=where))
        if isinstance(entry, dict) and isinstance(entry.get("pairs"), str):
            path = file.path.parent / Path(entry["pairs"]).expanduser()
            entry["pairs"] = [asdict(pair) for pair in read_pairs(path)]


def spell_entries(file: Settings, section: str, key: str) -> dict[str, Any]:
    """Make each entry of a section a mapping: a bare text is one with that key. Return them."""
    entries = file.content.get(section)
    if not isinstance(entries, dict):
        return {}
    for name, entry in entries.items():
        entries[name] = {key: entry} if isinstance(entry, str) else {} if entry is None else entry
    return entries


def validated(model: type[Model], file: Settings) -> Model:
    """Return a file's content as a model.

    Raises:
        SettingsError: the first wrong key or value, with its line; never what it holds.
    """
    try:
        return model.model_validate(file.content)
    except ValidationError as error:
        raise SettingsError(_complaint(error, model, file)) from None


def _complaint(error: ValidationError, model: type[BaseModel], file: Settings) -> str:
    """Say the first thing that is wrong, never with the value: it may hold a password."""
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    # a misspelt key first: it is also why another one is missing
    first = min(errors, key=lambda e: e["type"] != "extra_forbidden")
    path = first["loc"]
    where, key = file.where(path), ".".join(str(part) for part in path)
    if first["type"] == "extra_forbidden":
        nearest = hint(str(path[-1]), _known_keys(model, path))
        return f"{where}: unknown key {hide_password(key)!r} ({nearest})"
    if first["type"] == "missing":
        return f"{where}: key {key!r} is missing"
    reason = _INSTANCE.sub("a mapping", first["msg"].removeprefix("Input "))
    return f"{where}: {key!r} {reason}"


def _known_keys(model: Any, path: tuple[int | str, ...]) -> list[str]:
    """Return the keys that may stand where the last one of a path stands."""
    for part in path[:-1]:
        is_model = isinstance(model, type) and issubclass(model, BaseModel)
        model = model.model_fields[str(part)].annotation if is_model else _held(model)
        model = _held(model) if get_origin(model) in (Union, UnionType) else model
    return list(getattr(model, "model_fields", ()))


def _held(annotation: Any) -> Any:
    """Return what a mapping, list or optional value holds."""
    return [arg for arg in get_args(annotation) if arg not in (..., type(None))][-1]
