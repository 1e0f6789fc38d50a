"""What a score holds for: data, databases, metric and rule, and the model that was measured.

    >>> manifest(data="spider", split="dev", examples=examples, databases=found)["examples"]
    1034

Covered: hashes of contents, so that two runs compare only where they measured the same thing.
Files are read in pieces, each once per process while it does not change.
Not covered: databases on a server: their URL without password stands for their contents.
"""

import hashlib
import json
import platform
import sqlite3
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from text2sql.databases import Database
from text2sql.errors import DataError
from text2sql.examples import Example
from text2sql.scoring.inputs import ExampleSet

SCORER_VERSION = "2"  # raised whenever a verdict may change
LIBRARIES = ("duckdb", "peft", "sqlglot", "torch", "transformers", "trl")


def manifest(
    *,
    data: str,
    examples: Sequence[Example] | ExampleSet,
    databases: Mapping[str, Database],
    files: Iterable[str | Path] = (),
    split: str | None = None,
    metrics: Sequence[str] = ("execution_accuracy",),
    rule: str = "official",
    base: str | None = None,
    base_revision: str | None = None,
    adapter: str | Path | None = None,
    prompt_card: Mapping[str, Any] | None = None,
    decoding: Mapping[str, Any] | None = None,
    seed: int | None = None,
    scoring: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe a score; the order of keys is always the same.

    Args:
        data: name of the data set.
        examples: those that were scored.
        databases: by db_id, those that the examples ran on.
        files: of the data set; their contents are hashed.
        split: such as dev.
        metrics: names, the headline first.
        rule: official or strict.
        base: name of the base model; None where predictions came from a file.
        base_revision: commit of the base on its hub.
        adapter: folder of the adapter; its contents are hashed.
        prompt_card: how prompts were made; hashed and kept.
        decoding: settings of the decoding.
        seed: of the sampling.
        scoring: what else decides a verdict: plugged values, the moment, the engine.

    Raises:
        DataError: a file cannot be read.
    """
    known = examples if isinstance(examples, ExampleSet) else ExampleSet.of(examples)
    return {
        "data": data,
        "data_hash": files_hash(files),
        "split": split,
        "examples": known.n,
        "example_ids": ids_hash(known.indices),
        "gold_hash": known.gold_hash,
        "queries_hash": known.queries_hash,
        "database_set": databases_hash(databases),
        "metrics": list(metrics),
        "rule": rule,
        "scoring": dict(scoring or {}),
        "scorer_version": SCORER_VERSION,
        "text2sql": installed_version("text2sql"),
        "commit": commit(),
        "base": base,
        "base_revision": base_revision,
        "adapter": None if adapter is None else str(adapter),
        "adapter_hash": None if adapter is None else folder_hash(adapter),
        "prompt_card": None if prompt_card is None else dict(prompt_card),
        "prompt_card_hash": None if prompt_card is None else _hash(prompt_card),
        "decoding": None if decoding is None else dict(decoding),
        "seed": seed,
        "libraries": libraries(),
    }


def described(gold: Any) -> dict[str, Any]:
    """Return what `manifest` takes as data and files where the caller says only what the gold is.

    Args:
        gold: a file, or examples.
    """
    files = [Path(gold)] if isinstance(gold, str | Path) else []
    return {"data": files[0].name if files else "examples", "files": files}


def _hash(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


def ids_hash(ids: Iterable[int | str]) -> str:
    """Return a hash of the ids of examples, in order."""
    return _hash(list(ids))


def questions_hash(examples: Iterable[Example]) -> str:
    """Return a hash of what was asked, and where."""
    return ids_hash(f"{e.index} {e.db_id} {e.question}" for e in examples)


def files_hash(paths: Iterable[str | Path]) -> str:
    """Return a hash of names and contents of files, whatever their order and folder.

    Raises:
        DataError: one cannot be read.
    """
    return _hash(sorted((Path(path).name, file_hash(path)) for path in paths))


def folder_hash(folder: str | Path) -> str:
    """Return a hash of the files in a folder and below, by relative name.

    Raises:
        DataError: one cannot be read.
    """
    root = Path(folder)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return _hash([(path.relative_to(root).as_posix(), file_hash(path)) for path in files])


def databases_hash(databases: Mapping[str, Database]) -> str:
    """Return a hash of the contents of databases, by db_id; of a server, its URL without password.

    Raises:
        DataError: a file cannot be read.
    """
    found = sorted(databases.items())
    return _hash([(db_id, database_hash(database)) for db_id, database in found])


def database_hash(database: Database) -> str:
    """Return a hash of one database: of its file and what its write-ahead log adds to it.

    Raises:
        DataError: a file cannot be read.
    """
    if database.path is None:
        return database.shown
    log = database.path.with_name(f"{database.path.name}-wal")
    try:
        logged = log.stat().st_size > 0
    except OSError:
        logged = False
    return file_hash(database.path) + (file_hash(log) if logged else "")


def file_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file's contents, in hexadecimal.

    Raises:
        DataError: it cannot be read.
    """
    try:
        resolved = Path(path).resolve()
        state = resolved.stat()
        # the last one cannot be set back, as `touch -r` and `cp -p` do with the one before
        return _file_hash(resolved, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", path) from None


@lru_cache(maxsize=4096)
def _file_hash(path: Path, size: int, modified: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def libraries() -> dict[str, str | None]:
    """Return the versions of what a score depends on, without importing it; None: not installed."""
    found = {name: installed_version(name) for name in LIBRARIES}
    return found | {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}


def installed_version(package: str) -> str | None:
    """Return the version of a package, without importing it; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@lru_cache(maxsize=1)
def commit() -> str | None:
    """Return the commit of the checkout that this package runs from; None where it is installed."""
    here = Path(__file__).resolve()
    try:
        for command in (["ls-files", "--error-unmatch", here.name], ["rev-parse", "HEAD"]):
            # an installed copy may lie inside somebody else's repository, which does not track it
            done = subprocess.run(
                ["git", "-C", str(here.parent), *command],
                capture_output=True,
                text=True,
                timeout=10,
            )
            if done.returncode:
                return None
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
