"""Find a data set by name or path: its examples, and the database and schema of each.

    >>> dataset = find_dataset("spider", split="dev", data_root="data")
    >>> dataset.name, len(dataset.examples)
    ('spider', 1034)

A data set is a folder `<root>/<name>/` whose files `data.layouts` knows: Spider's
train_spider.json, dev.json, tables.json and `database/<db_id>/<db_id>.sqlite`, or those of another
benchmark; or one file of examples that name their databases. The root is `data_root`, else
T2S_DATA, else the user data folder.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import platformdirs

from text2sql.cells import DatabaseCells
from text2sql.data.descriptions import FOLDER as DESCRIPTIONS
from text2sql.data.descriptions import Texts, bird_descriptions, describe, kaggle_descriptions
from text2sql.data.layouts import Layout, Splits, find_spider_splits, find_splits
from text2sql.data.wikisql import WikiSQLTables, read_wikisql
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
    databases: tuple[Path, ...] = ()  # folders of <db_id>/<db_id>.sqlite; none: `database/`
    published: Mapping[str, Schema] = field(default_factory=dict, repr=False)  # of tables.json
    published_first: bool = False  # those schemas, even where there is a database to read them from
    described: Mapping[str, Texts] = field(default_factory=dict, repr=False)  # columns, by db_id
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
        folders = self.databases or (self.folder / "database",)
        for folder in folders:
            for suffix in SUFFIXES[self.engine]:
                path = folder / db_id / f"{db_id}{suffix}"
                if path.exists():
                    return locate(path)
        named = next((e.database for e in self.examples if e.db_id == db_id and e.database), None)
        if named is None:
            where = folders[0] / db_id
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
        texts = self.described.get(db_id, {})
        if db_id in self.published and (self.published_first or not self.has_database(db_id)):
            return describe(self.published[db_id], texts)
        database = self.database(db_id)
        schema = read_schema(database, name=db_id)
        if not schema.tables:
            raise DatabaseError(f"database {db_id!r} has no tables", db_id)
        if not texts and database.path is not None:
            texts = bird_descriptions(database.path.parent / DESCRIPTIONS)
        return describe(schema, texts)

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
    """A data set that the kit knows by name."""

    about: str
    files: Mapping[str, str] = field(default_factory=dict)  # of each split; none: what is found
    engine: str = "sqlite"
    build: Callable[[], Path] | None = None  # makes the folder, for data sets that we bundle
    language: str | None = None

    def folder(self, name: str, root: str | Path | None) -> Path:
        """Return where its files are, or would be."""
        return self.build() if self.build else find_root(root) / name

    def splits(self, folder: Path) -> Splits:
        """Return the splits that are there."""
        if not self.files:
            return find_splits(folder) if folder.is_dir() else {}
        found = find_spider_splits(folder, self.files)
        return {split: layout for split, layout in found.items() if layout.files[0].exists()}


def _samples() -> Path:
    from text2sql.samples.building import samples_folder

    return samples_folder()


_SAMPLE_FILES = {"train": "train.jsonl", "dev": "dev.jsonl", "dev_in_domain": "dev_in_domain.jsonl"}
_SPIDER_FILES = {
    "train": "train_spider.json",
    "dev": "dev.json",
    "train_others": "train_others.json",
    "test": "test.json",
}

DATASETS: dict[str, Published] = {
    "samples": Published(
        "bundled: six databases of our own, English and Chinese", _SAMPLE_FILES, build=_samples
    ),
    "samples-duckdb": Published(
        "the bundled samples on DuckDB", _SAMPLE_FILES, engine="duckdb", build=_samples
    ),
    "spider": Published(
        "Spider 1.0 (Yu et al. 2018): 7,000 + 1,034 English questions, 166 databases",
        _SPIDER_FILES,
    ),
    "cspider": Published(
        "CSpider (Min et al. 2019): Spider's questions in Chinese",
        {"train": "train.json", "dev": "dev.json"},
        language="zh",
    ),
    "spider-syn": Published("Spider-Syn (Gan et al. 2021): Spider with synonyms for its names"),
    "spider-dk": Published("Spider-DK (Gan et al. 2021): 535 questions that need domain knowledge"),
    "spider-realistic": Published(
        "Spider-Realistic (Deng et al. 2021): 508 questions that do not name columns"
    ),
    "dr-spider": Published(
        "Dr.Spider (Chang et al. 2023): 17 perturbations of Spider dev, each a split, with its _pre"
    ),
    "bird": Published("BIRD (Li et al. 2023): 9,428 + 1,534 questions with evidence"),
    "kaggle-dbqa": Published("KaggleDBQA (Lee et al. 2021): 272 questions about 8 web databases"),
    "archer": Published(
        "Archer (Zheng et al. 2024): arithmetic and hypothetical; English, Chinese"
    ),
    "wikisql": Published("WikiSQL (Zhong et al. 2017): 80,654 questions, each about one table"),
    "sql-eval": Published("sql-eval (Defog): questions with several golds; a split per dialect"),
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
    folder = entry.folder(name, root)
    splits = _in_language(entry.splits(folder), entry.language)
    known = list(entry.files) or list(splits)
    if known and split not in known:
        raise UnknownName("split", split, known, f"in data set {name!r}")
    if split not in splits:
        raise DataError(
            f"data set {name!r} is not there: expected {folder / entry.files.get(split, '')}"
            f" (set T2S_DATA or --data-root to the folder that holds {name}/, or see"
            f" `t2s data get {name}`)"
        )
    return _laid_out(name, split, folder, splits[split], engine=entry.engine)


def _in_language(splits: Splits, language: str | None) -> Splits:
    if language is None:
        return splits
    return {name: replace(layout, language=language) for name, layout in splits.items()}


def _from_path(name: str, path: Path, split: str) -> DataSet:
    if not path.is_dir():
        examples = read_examples(path, split=split)
        return DataSet(
            name, split, examples, path.parent, (path,), _engine([path.parent / "database"])
        )
    splits = find_splits(path)
    if split not in splits:
        raise DataError(
            f"no file {split}.json or {split}.jsonl (splits there: {', '.join(splits) or 'none'})",
            path,
        )
    layout = splits[split]
    return _laid_out(name, split, path, layout, engine=_engine(layout.databases))


def _laid_out(name: str, split: str, folder: Path, layout: Layout, *, engine: str) -> DataSet:
    """Return the split whose parts are in these places; a broken file is named at once."""
    published: Mapping[str, Schema] = {}
    described: Mapping[str, Texts] = {}
    if layout.tables is not None and layout.form == "wikisql":
        published = WikiSQLTables(layout.tables)
    elif layout.tables is not None:
        published = read_spider_schemas(layout.tables)
        described = kaggle_descriptions(layout.tables) if layout.form == "kaggle_dbqa" else {}
    return DataSet(
        name,
        split,
        examples_of(layout, split, published),
        folder,
        layout.files,
        engine,
        everywhere=locate(layout.everywhere) if layout.everywhere else None,
        databases=layout.databases,
        published=published,
        published_first=isinstance(published, WikiSQLTables),
        described=described,
    )


def examples_of(layout: Layout, split: str, published: Mapping[str, Schema]) -> list[Example]:
    """Return the examples of a split, numbered from 0.

    Args:
        layout: where they are.
        split: its name.
        published: the schemas of `layout.tables`, for WikiSQL, whose SQL has to be made.

    Raises:
        DataError: a file is missing or malformed.
    """
    if isinstance(published, WikiSQLTables):
        return read_wikisql(layout.files[0], published, split)
    read = [example for file in layout.files for example in read_examples(file, split=split)]
    return [
        replace(
            example,
            index=index,
            language=example.language or layout.language,
            dialect=example.dialect or layout.dialect,
        )
        for index, example in enumerate(read)
    ]


def _engine(folders: Sequence[Path]) -> str:
    for engine in ("sqlite", "duckdb"):
        if any(any(folder.glob(f"*/*.{engine}")) for folder in folders):
            return engine
    return "sqlite"


def list_datasets(
    *, data_root: str | Path | None = None, project: Project | None = None
) -> list[dict[str, Any]]:
    """Return every data set that has a name: name, splits, whether it is there, what it is."""
    rows = []
    for name, entry in DATASETS.items():
        # what is bundled is built when it is used
        splits = list(entry.files if entry.build else entry.splits(entry.folder(name, data_root)))
        rows.append({"name": name, "splits": splits, "present": bool(splits), "about": entry.about})
    for name, own in (project.data if project else {}).items():
        about, path = f"from text2sql.yaml: {own.path}", Path(own.path)
        rows.append(
            {"name": name, "splits": _own_splits(path), "present": path.exists(), "about": about}
        )
    return rows


def _own_splits(folder: Path) -> list[str]:
    """Return the splits of a folder, what is trained on first."""
    return sorted(find_splits(folder), key=lambda split: split != "train")


def present_splits(
    name: str, *, data_root: str | Path | None = None, project: Project | None = None
) -> list[str]:
    """Return the splits of a data set that are there; none where its one file names no split.

    Args:
        name: as `find_dataset` takes it.
        data_root, project: as for `find_dataset`.
    """
    named = {row["name"]: row["splits"] for row in list_datasets(data_root=data_root)}
    own = project.data if project else {}
    path = Path(own[name].path if name in own else name)
    if name in named and name not in own:
        return named[name]
    if path.is_dir():
        return _own_splits(path)
    return list(split_file(path)) if path.exists() else []


def split_file(path: Path) -> dict[str, list[Example]]:
    """Return the examples of a file by the split that their records name, those that name one."""
    found: dict[str, list[Example]] = {}
    for example in read_examples(path):
        if example.split:
            found.setdefault(example.split, []).append(example)
    return found
