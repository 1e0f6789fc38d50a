"""Refuse to train on questions of an evaluation set.

    >>> refuse_contaminated(dataset, evaluation_sets(data_root="data"))
    Traceback (most recent call last):
    DataError: 12 of 7,000 training examples are in spider dev, ...

An example counts if an evaluation set asks its question about a database of its name: letter for
letter, but for case, punctuation and spaces. Spider's own train and dev share six questions about
different databases: they are no reason to refuse.

Covered: the evaluation splits of every data set that the kit knows by name and finds at hand. It
takes no longer than reading them.
Not covered: questions that were changed a little, databases that were renamed: for those,
`data.decontamination`.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from text2sql.data.catalog import DATASETS, DataSet, examples_of
from text2sql.data.layouts import Layout
from text2sql.data.likeness import plain
from text2sql.data.wikisql import WikiSQLTables
from text2sql.errors import DataError
from text2sql.examples import Example, read_example

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


def evaluation_sets(*, data_root: str | Path | None = None) -> Iterator[Known]:
    """Yield the examples of every split that is there and is not one to train on.

    One whose file is malformed is passed over: it is not what the user asked for.

    Args:
        data_root: as `find_dataset` takes it.
    """
    yield from _bundled()
    for name, entry in DATASETS.items():
        splits = {} if entry.build else entry.splits(entry.folder(name, data_root))
        for split, layout in splits.items():
            if not split.startswith("train"):
                with suppress(DataError):
                    yield f"{name} {split}", _examples(layout, split)


def _examples(layout: Layout, split: str) -> list[Example]:
    tables = layout.tables if layout.form == "wikisql" else None
    return examples_of(layout, split, WikiSQLTables(tables) if tables is not None else {})


def _bundled() -> Iterator[Known]:
    """Yield the samples' evaluation splits, without building their databases."""
    from text2sql.samples.building import SPLITS, read_questions

    records = read_questions()
    for split in [split for split in SPLITS if split != "train"]:
        own = [record for record in records if record["split"] == split]
        yield f"samples {split}", [read_example(r, i) for i, r in enumerate(own)]
