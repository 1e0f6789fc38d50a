"""Find a data set by name or path: its examples, and the database and schema of each.

    >>> dataset = find_dataset("spider", split="dev", data_root="data")
    >>> dataset.name, len(dataset.examples)
    ('spider', 1034)

A data set is a folder `<root>/<name>/` that holds train_spider.json, dev.json, tables.json and
`database/<db_id>/<db_id>.sqlite`, or one file of examples that name their databases. The root is
`data_root`, else T2S_DATA, else the user data folder.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import platformdirs

from text2sql.cells import DatabaseCells
from text2sql.databases import Database, check_db_id, locate
from text2sql.errors import DatabaseError, DataError, UnknownName
from text2sql.examples import Example
from text2sql.execution.sampling import sampler
from text2sql.project import Project, find_database
from text2sql.records import read_examples
from text2sql.schema import read_schema, read_spider_schemas
from text2sql.schema.model import Schema
from text2sql.schema.rendering import Sample

SUFFIXES = {"sqlite": (".sqlite", ".db"), "duckdb": (".duckdb",)}


@dataclass(frozen=True)
class DataSet:
    """One split of a data set, with its databases."""

    name: str
    split: str
    examples: list[Example]
    folder: Path  # where relative database paths and `database/` are looked for
    files: tuple[Path, ...] = ()  # what was read, for the manifest
    engine: str = "sqlite"
    everywhere: Database | None = None  # of all examples, whatever their db_id
    published: Mapping[str, Schema] = field(default_factory=dict, repr=False)  # of tables.json
    _schemas: dict[str, Schema] = field(default_factory=dict, repr=False)
    _samples: dict[str, Sample | None] = field(default_factory=dict, repr=False)
    _cells: dict[str, DatabaseCells | None] = field(default_factory=dict, repr=False)

    def database(self, db_id: str) -> Database:
        """Return the database of an id.

        Raises:
            DatabaseError: the data set has no database of that id.
        """
        if self.everywhere is not None:
            return self.everywhere
        check_db_id(db_id)
        for suffix in SUFFIXES[self.engine]:
            path = self.folder / "database" / db_id / f"{db_id}{suffix}"
            if path.exists():
                return locate(path)
        named = next((e.database for e in self.examples if e.db_id == db_id and e.database), None)
        if named is None:
            where = self.folder / "database" / db_id
            raise DatabaseError(
                f"no database for db_id {db_id!r}: expected {where}/{db_id}.{self.engine}", db_id
            )
        return locate(named if "://" in named else self.folder / named)

    def has_database(self, db_id: str) -> bool:
        """Tell whether `database` would find a file or URL."""
        try:
            self.database(db_id)
        except DatabaseError:
            return False
        return True

    def schema(self, db_id: str) -> Schema:
        """Return the schema of an id: read from its database, else from `tables.json`."""
        if db_id not in self._schemas:
            self._schemas[db_id] = self._read_schema(db_id)
        return self._schemas[db_id]

    def _read_schema(self, db_id: str) -> Schema:
        if not self.has_database(db_id) and db_id in self.published:
            return self.published[db_id]
        schema = read_schema(self.database(db_id), name=db_id)
        if not schema.tables:
            raise DatabaseError(f"database {db_id!r} has no tables", db_id)
        return schema

    def sample(self, db_id: str) -> Sample | None:
        """Return the function that reads rows of an id's tables; None without a database."""
        if db_id not in self._samples:
            found = sampler(self.database(db_id)) if self.has_database(db_id) else None
            self._samples[db_id] = found
        return self._samples[db_id]

    def cells(self, db_id: str) -> DatabaseCells | None:
        """Return the texts in an id's database, read when first asked; None without a database."""
        if db_id not in self._cells:
            found = self.has_database(db_id)
            cells = DatabaseCells(self.database(db_id), self.schema(db_id)) if found else None
            self._cells[db_id] = cells
        return self._cells[db_id]

    def db_ids(self) -> list[str]:
        """Return the ids of the split's databases, in order of first use."""
        return list(dict.fromkeys(example.db_id for example in self.examples))


@dataclass(frozen=True, slots=True)
class Published:
    """A data set that the kit knows by name: which file holds which split."""

    files: Mapping[str, str]
    about: str
    folder: str | None = None  # its folder's name where that is not the data set's own
    engine: str = "sqlite"
    build: Callable[[], Path] | None = None  # makes the folder, for data sets that we bundle


def _samples() -> Path:
    from text2sql.samples.building import samples_folder

    return samples_folder()


_SAMPLE_FILES = {"train": "train.jsonl", "dev": "dev.jsonl", "dev_in_domain": "dev_in_domain.jsonl"}

DATASETS: dict[str, Published] = {
    "samples": Published(
        _SAMPLE_FILES, "bundled: six databases of our own, English and Chinese", build=_samples
    ),
    "samples-duckdb": Published(
        _SAMPLE_FILES, "the bundled samples on DuckDB", engine="duckdb", build=_samples
    ),
    "spider": Published(
        {
            "train": "train_spider.json",
            "dev": "dev.json",
            "train_others": "train_others.json",
            "test": "test.json",
        },
        "Spider 1.0 (Yu et al. 2018): 7,000 + 1,034 English questions, 166 databases",
    ),
}


def find_root(given: str | Path | None = None) -> Path:
    """Return the folder of data sets: the one given, else T2S_DATA, else the user data folder."""
    return Path(
        given or os.environ.get("T2S_DATA") or platformdirs.user_data_dir("text2sql")
    ).expanduser()


def find_dataset(
    name: str,
    *,
    split: str = "dev",
    data_root: str | Path | None = None,
    project: Project | None = None,
    limit: int | None = None,
) -> DataSet:
    """Return one split of a data set.

    Args:
        name: a registered name, a name from text2sql.yaml, a folder in Spider's layout, or a file
            of examples.
        split: `train`, `dev`, or what the data set calls its others.
        data_root: see `find_root`.
        project: where `data:` may name further data sets.
        limit: keep the first so many examples.

    Raises:
        UnknownName: no such data set or split.
        DataError: its files are missing or malformed.
    """
    named = dict(project.data) if project else {}
    if project and name in named:
        dataset = _from_project(name, project, split)
    elif name in DATASETS:
        dataset = _published(name, DATASETS[name], split, data_root)
    elif Path(name).exists():
        dataset = _from_path(Path(name).stem, Path(name), split)
    else:
        raise UnknownName(
            "data set", name, [*DATASETS, *named], "(nor a file or folder of that name)"
        )
    return _first(dataset, limit) if limit is not None else dataset


def find_split(text: str, *, split: str = "dev", **places: Any) -> DataSet:
    """Return a data set that is written with or without its split: `spider`, `spider:dev`.

    Args:
        text: a name or path as `find_dataset` takes it, and a split after a colon.
        split: the one meant where none is written.
        places: `data_root`, `project`, as for `find_dataset`.
    """
    name, colon, written = text.rpartition(":")
    whole = not colon or Path(text).exists() or not written.isidentifier()
    return find_dataset(text if whole else name, split=split if whole else written, **places)


def _first(dataset: DataSet, limit: int) -> DataSet:
    if limit < 1:
        raise DataError(f"--limit must be at least 1, not {limit}")
    return replace(dataset, examples=dataset.examples[:limit])


def _from_project(name: str, project: Project, split: str) -> DataSet:
    entry = project.data[name]
    path = Path(entry.path)
    if not path.exists():
        raise DataError(f"data set {name!r} of text2sql.yaml is not there: no {path}")
    dataset = _from_path(name, path, split)
    if entry.database is None:
        return dataset
    return replace(dataset, everywhere=find_database(entry.database, project=project))


def _published(name: str, entry: Published, split: str, root: str | Path | None) -> DataSet:
    if split not in entry.files:
        raise UnknownName("split", split, entry.files, f"in data set {name!r}")
    folder = entry.build() if entry.build else find_root(root) / (entry.folder or name)
    path = folder / entry.files[split]
    if not path.exists():
        raise DataError(
            f"data set {name!r} is not there: expected {path}"
            f" (set T2S_DATA or --data-root to the folder that holds {name}/)"
        )
    examples = read_examples(path, split=split)
    published = _published_schemas(folder)
    return DataSet(name, split, examples, folder, (path,), entry.engine, published=published)


def _from_path(name: str, path: Path, split: str) -> DataSet:
    if path.is_dir():
        file = _split_file(path, split)
        examples, published = read_examples(file, split=split), _published_schemas(path)
        return DataSet(name, split, examples, path, (file,), _engine(path), published=published)
    examples = read_examples(path, split=split)
    return DataSet(name, split, examples, path.parent, (path,), _engine(path.parent))


def _published_schemas(folder: Path) -> dict[str, Schema]:
    """Read `tables.json` where there is one: a broken one is named before anything else happens."""
    tables = folder / "tables.json"
    return read_spider_schemas(tables) if tables.exists() else {}


def _split_file(folder: Path, split: str) -> Path:
    for candidate in (
        f"{split}.json",
        f"{split}.jsonl",
        f"{split}_{folder.name}.json",
        f"{split}_spider.json",
    ):
        if (folder / candidate).exists():
            return folder / candidate
    found = sorted(p.name for p in folder.glob("*.json*") if p.name != "tables.json")
    raise DataError(
        f"no file {split}.json or {split}.jsonl (there: {', '.join(found) or 'none'})", folder
    )


def _engine(folder: Path) -> str:
    if any(folder.glob("database/*/*.sqlite")):
        return "sqlite"
    return "duckdb" if any(folder.glob("database/*/*.duckdb")) else "sqlite"


def list_datasets(
    *, data_root: str | Path | None = None, project: Project | None = None
) -> list[dict[str, Any]]:
    """Return every data set that has a name: name, splits, whether it is there, what it is."""
    rows = []
    for name, entry in DATASETS.items():
        folder = None if entry.build else find_root(data_root) / (entry.folder or name)
        splits = [
            s for s, file in entry.files.items() if folder is None or (folder / file).exists()
        ]
        rows.append({"name": name, "splits": splits, "present": bool(splits), "about": entry.about})
    for name, own in (project.data if project else {}).items():
        about = f"from text2sql.yaml: {own.path}"
        rows.append(
            {"name": name, "splits": [], "present": Path(own.path).exists(), "about": about}
        )
    return rows


def present_splits(name: str, *, data_root: str | Path | None = None) -> list[str]:
    """Return the splits of a registered data set whose file is there; nothing for other names."""
    row = next((row for row in list_datasets(data_root=data_root) if row["name"] == name), None)
    return row["splits"] if row else []
