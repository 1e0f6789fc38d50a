"""Refuse to train on questions of an evaluation set.

    >>> refuse_contaminated(dataset, evaluation_sets(data_root="data", project=project))
    Traceback (most recent call last):
    DataError: 12 of 7,000 training examples are in spider dev, ...

An example counts if an evaluation set asks its question about a database of its name: letter for
letter, but for case, punctuation and spaces. Spider's own train and dev share six questions about
different databases: they are no reason to refuse.

Covered: the evaluation splits of every data set that the kit, or text2sql.yaml, knows by name and
finds at hand. It takes no longer than reading them.
Not covered: questions that were changed a little, databases that were renamed: for those,
`data.decontamination`.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from text2sql.data.catalog import DATASETS, DataSet, examples_of, split_file
from text2sql.data.layouts import Layout, Splits, find_splits
from text2sql.data.likeness import plain
from text2sql.data.wikisql import WikiSQLTables
from text2sql.errors import DataError
from text2sql.examples import Example, read_example
from text2sql.project import Project

# How splits are named that are there to train on, and in a project those that are not.
TRAIN = ("train", "fewshot")
TEST = ("dev", "test", "val", "eval")
Known = tuple[str, list[Example]]  # what it is called, its examples


def refuse_contaminated(training: DataSet, known: Iterable[Known]) -> None:
    """Make sure that a training set holds no question of an evaluation set.

    Raises:
        DataError: it does; the first one is named.
    """
    learnt = [(_key(example), example) for example in training.examples]
    for name, examples in known:
        asked = set(map(_key, examples))
        found = [example for key, example in learnt if key in asked]
        if found:
            raise _refusal(training, name, found)


def _key(example: Example) -> tuple[str, str]:
    return example.db_id.casefold(), plain(example.question)


def _refusal(training: DataSet, name: str, found: list[Example]) -> DataError:
    count = f"{len(found):,} of {len(training.examples):,} training examples"
    first = f"the first is example {found[0].index}, {found[0].question!r}"
    return DataError(
        f"{count} of {training.name!r} are in the evaluation set {name} ({first}): take them out"
        f" with `t2s data decontaminate`, or train on them with --allow-contaminated"
    )


def evaluation_sets(
    *, data_root: str | Path | None = None, project: Project | None = None
) -> Iterator[Known]:
    """Yield the examples of every split that is there and is not one to train on.

    One whose file is malformed is passed over: it is not what the user asked for.

    Args:
        data_root, project: as `find_dataset` takes them.
    """
    yield from _bundled()
    for name, entry in DATASETS.items():
        if not entry.build:
            splits = entry.splits(entry.folder(name, data_root))
            yield from _laid_out(name, {k: v for k, v in splits.items() if not k.startswith(TRAIN)})
    for name, own in (project.data if project else {}).items():
        yield from _of_project(name, Path(own.path))


def _of_project(name: str, path: Path) -> Iterator[Known]:
    splits = find_splits(path)
    yield from _laid_out(name, {k: v for k, v in splits.items() if k.startswith(TEST)})
    if path.is_file():
        with suppress(DataError):
            for split, examples in split_file(path).items():
                if split.startswith(TEST):
                    yield f"{name} {split}", examples


def _laid_out(name: str, splits: Splits) -> Iterator[Known]:
    for split, layout in splits.items():
        with suppress(DataError):
            yield f"{name} {split}", _examples(layout, split)


def _examples(layout: Layout, split: str) -> list[Example]:
    tables = layout.tables if layout.form == "wikisql" else None
    return examples_of(layout, split, WikiSQLTables(tables) if tables is not None else {})


def _bundled() -> Iterator[Known]:
    """Yield the samples' evaluation splits, without building their databases."""
    from text2sql.samples.building import read_questions

    records = [r for r in read_questions() if not r["split"].startswith(TRAIN)]
    for split in dict.fromkeys(record["split"] for record in records):
        own = [record for record in records if record["split"] == split]
        yield f"samples {split}", [read_example(r, index) for index, r in enumerate(own)]
