"""Know a published data set by its files: which hold examples, schemas and databases.

    >>> sorted(find_splits(Path("bird")))
    ['dev', 'train']
    >>> find_splits(Path("bird"))["dev"].databases
    (PosixPath('bird/dev/dev_databases'),)

| data set | files, below its folder |
| --- | --- |
| Spider, CSpider | train_spider.json, train.json, dev.json ..., tables.json, database/ |
| Spider-Syn | train_spider.json, dev.json; schemas and databases of Spider beside it |
| Spider-Realistic | spider-realistic.json; the same |
| Spider-DK | Spider-DK.json, tables.json, database/ (the changed ones; the others are Spider's) |
| Dr.Spider | [data/]<perturbation>/questions_{pre,post}_perturbation.json, tables*, database*/ |
| BIRD | [{train,dev}/]{train,dev}.json, {train,dev}_tables.json, {train,dev}_databases/ |
| KaggleDBQA | examples/*_{test,fewshot}.json, KaggleDBQA_tables.json, databases/ |
| Archer | {en,zh}_data/{train,dev}.json, database/ |
| WikiSQL | [data/]{train,dev,test}.{jsonl,tables.jsonl,db} |
| sql-eval | [data/]questions_gen_<dialect>.csv |

Sources: the README of each repository: taoyds/spider, taolusi/chisp, ygan/Spider-Syn,
ygan/Spider-DK, awslabs/diagnostic-robustness-text-to-sql, AlibabaResearch/DAMO-ConvAI (bird),
chiahsuan156/KaggleDBQA, salesforce/WikiSQL, defog-ai/sql-eval; sig4kg.github.io/archer-bench.

Not covered: archives that are still packed.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PERTURBED = re.compile(r"(NLQ|DB|SQL)_\w+")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of one split are."""

    files: tuple[Path, ...]  # of examples
    databases: tuple[Path, ...] = ()  # folders of <db_id>/<db_id>.sqlite, looked through in order
    everywhere: Path | None = None  # one database for all
    tables: Path | None = None  # schemas, as in Spider's tables.json
    form: str = "records"  # records, wikisql, kaggle_dbqa
    language: str | None = None
    dialect: str | None = None


Splits = dict[str, Layout]


def find_splits(folder: Path) -> Splits:
    """Return the splits of a folder by name; nothing where it is none, or of no known form."""
    if not folder.is_dir():
        return {}
    for form in FORMS.values():
        if found := form(folder):
            return found
    return {}


def _wikisql(folder: Path) -> Splits:
    found = {}
    for place in (folder, folder / "data"):
        for tables in sorted(place.glob("*.tables.jsonl")):
            split = tables.name.removesuffix(".tables.jsonl")
            examples = place / f"{split}.jsonl"
            if examples.exists():
                database = _if_there([place / f"{split}.db"])
                found[split] = Layout(
                    (examples,), everywhere=database, tables=tables, form="wikisql"
                )
    return found


def _kaggle_dbqa(folder: Path) -> Splits:
    tables = folder / "KaggleDBQA_tables.json"
    if not tables.exists():
        return {}
    databases = (folder / "databases",)
    by_split = {
        "test": sorted((folder / "examples").glob("*_test.json")),
        "fewshot": sorted((folder / "examples").glob("*_fewshot.json")),
    }
    return {
        split: Layout(tuple(files), databases, tables=tables, form="kaggle_dbqa")
        for split, files in by_split.items()
        if files
    }


def _bird(folder: Path) -> Splits:
    found = {}
    for split in ("train", "dev", "test"):
        for place in (folder, *sorted(folder.glob(f"{split}*/"))):
            databases, examples = place / f"{split}_databases", place / f"{split}.json"
            if databases.is_dir() and examples.exists():
                tables = place / f"{split}_tables.json"
                found[split] = Layout((examples,), (databases,), tables=_if_there([tables]))
    return found


def _archer(folder: Path) -> Splits:
    found = {}
    for language in ("en", "zh"):
        for split in ("train", "dev"):
            path = folder / f"{language}_data" / f"{split}.json"
            if path.exists():
                name = split if language == "en" else f"{split}_{language}"
                databases = (folder / "database", folder / "databases")
                found[name] = Layout((path,), databases, language=language)
    return found


def _dr_spider(folder: Path) -> Splits:
    found = {}
    for place in sorted([*folder.iterdir(), *_folders(folder / "data")]):
        if place.is_dir() and PERTURBED.fullmatch(place.name):
            for when, name in (("post", place.name), ("pre", f"{place.name}_pre")):
                path = place / f"questions_{when}_perturbation.json"
                if path.exists():
                    found[name] = _perturbed(path, place, folder, when)
    return found


def _perturbed(path: Path, place: Path, folder: Path, when: str) -> Layout:
    own = [f"database_{when}_perturbation", "databases", "database"]
    databases = [place / name for name in own] + [*_of_spider(folder), *_of_spider(place.parent)]
    tables = [place / f"tables_{when}_perturbation.json", place / "tables.json"]
    return Layout((path,), tuple(databases), tables=_if_there(tables))


def _sql_eval(folder: Path) -> Splits:
    found = {}
    for place in (folder, folder / "data"):
        for path in sorted(place.glob("questions_gen_*.csv")):
            dialect = path.stem.removeprefix("questions_gen_")
            found[dialect] = Layout((path,), (folder / "database",), dialect=dialect)
    return found


def find_spider_splits(folder: Path, files: Mapping[str, str]) -> Splits:
    """Return where the splits of a folder in Spider's layout are, there or not.

    Args:
        folder: of the data set.
        files: the name of each split's file.
    """
    return {split: _below(folder, folder / file) for split, file in files.items()}


def _spider(folder: Path) -> Splits:
    found: Splits = {}
    names = {"Spider-DK.json": "test", "spider-realistic.json": "test"}
    for path in sorted(folder.glob("*.json")) + sorted(folder.glob("*.jsonl")):
        if not path.stem.endswith("tables"):
            split = names.get(path.name) or _split_of(path.stem, folder.name)
            found.setdefault(split, _below(folder, path))
    return found


def _split_of(stem: str, folder: str) -> str:
    return stem.removesuffix("_spider").removesuffix(f"_{folder}")


def _below(folder: Path, file: Path) -> Layout:
    own = (folder / "database", *_of_spider(folder))
    tables = [folder / "tables.json", folder.parent / "spider" / "tables.json"]
    if file.stem == "test" and (folder / "test_database").is_dir():  # Spider's, since 2024
        own, tables = (folder / "test_database", *own), [folder / "test_tables.json", *tables]
    return Layout((file,), own, tables=_if_there(tables))


def _of_spider(folder: Path) -> tuple[Path, ...]:
    """Return the databases of a Spider beside a folder: its relatives ask about them."""
    return (folder.parent / "spider" / "database",)


def _folders(folder: Path) -> Iterable[Path]:
    return folder.iterdir() if folder.is_dir() else ()


def _if_there(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.exists()), None)


# The first that knows a folder by its files is right.
FORMS: dict[str, Callable[[Path], Splits]] = {
    "wikisql": _wikisql,
    "kaggle-dbqa": _kaggle_dbqa,
    "bird": _bird,
    "archer": _archer,
    "dr-spider": _dr_spider,
    "sql-eval": _sql_eval,
    "spider": _spider,
}
