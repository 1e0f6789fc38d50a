"""Find the examples of a training set that an evaluation set asks, too, and take them out.

    >>> overlaps = find_overlaps(train, [dev], threshold=0.8)
    >>> overlaps[0].kind, overlaps[0].example.question, overlaps[0].other.question
    ('question', 'How many singers are there?', 'How many singers are there in all?')

| kind | the evaluation set has |
| --- | --- |
| `database` | the example's database: of the same name, or with the same tables and columns |
| `question` | its question, in the same letters or nearly so (`data.likeness`) |
| `skeleton` | a query of the same construction on the same database |

A model that has seen the question, or the database, is not tested by it: it remembers.

Not covered: questions in other words or in another language; a database that was changed by a
column.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from text2sql.data.catalog import DataSet
from text2sql.data.likeness import Index, plain
from text2sql.data.skeletons import skeleton_of
from text2sql.errors import DatabaseError, SettingsError, UnknownName
from text2sql.examples import Example

THRESHOLD = 0.8

Found = tuple[Example, float]  # of the evaluation set, and the likeness of the questions
Look = Callable[[Example], Found | None]


@dataclass(frozen=True, slots=True)
class Overlap:
    """An example of the training set, and what an evaluation set has of it."""

    kind: str  # a name in KINDS
    example: Example
    against: str  # name and split of the evaluation set
    other: Example
    likeness: float  # of the questions; 1.0 for other kinds


def find_overlaps(
    train: DataSet,
    against: Sequence[DataSet],
    *,
    kinds: Sequence[str] = ("database", "question", "skeleton"),
    threshold: float = THRESHOLD,
) -> list[Overlap]:
    """Return what a training set shares with evaluation sets, each example once per kind.

    Args:
        train: the training set.
        against: the evaluation sets.
        kinds: names in `KINDS`.
        threshold: share of letter triples from which on two questions are the same.

    Raises:
        UnknownName: no such kind.
        SettingsError: a threshold that is no share.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownName("kind of overlap", kind, KINDS)
    if not 0 < threshold <= 1:
        raise SettingsError(f"a threshold is above 0 and at most 1, not {threshold}")
    found: dict[tuple[int, str], Overlap] = {}
    for dataset in against:
        for kind in dict.fromkeys(kinds):
            look = KINDS[kind](train, dataset, threshold)
            for place, example in enumerate(train.examples):
                if (place, kind) not in found and (seen := look(example)) is not None:
                    name = f"{dataset.name} {dataset.split}"
                    found[place, kind] = Overlap(kind, example, name, *seen)
    return [found[key] for key in sorted(found)]


def without(train: DataSet, overlaps: Iterable[Overlap]) -> DataSet:
    """Return a training set without the examples that overlap."""
    bad = {id(overlap.example) for overlap in overlaps}
    return replace(train, examples=[e for e in train.examples if id(e) not in bad])


def _by_database(train: DataSet, dataset: DataSet, threshold: float) -> Look:
    same = _same_databases(train, dataset)
    first = {e.db_id: e for e in reversed(dataset.examples)}

    def look(example: Example) -> Found | None:
        shared = same[example.db_id]
        return (first[shared[0]], 1.0) if shared else None

    return look


def _by_skeleton(train: DataSet, dataset: DataSet, threshold: float) -> Look:
    same = _same_databases(train, dataset)
    asked = {(e.db_id, skeleton_of(e)): e for e in reversed(dataset.examples)}

    def look(example: Example) -> Found | None:
        own = skeleton_of(example)
        seen = (asked.get((db_id, own)) for db_id in same[example.db_id])
        other = next((e for e in seen if e is not None), None)
        return (other, 1.0) if other is not None else None

    return look


def _by_question(train: DataSet, dataset: DataSet, threshold: float) -> Look:
    exact = {plain(e.question): e for e in reversed(dataset.examples)}
    index = Index(threshold=threshold)
    for place, example in enumerate(dataset.examples):
        index.add(place, example.question)

    def look(example: Example) -> Found | None:
        if (same := exact.get(plain(example.question))) is not None:
            return same, 1.0
        near = index.find(example.question)
        if not near:
            return None
        place, likeness = max(near, key=lambda found: (found[1], -found[0]))
        return dataset.examples[place], likeness

    return look


KINDS: dict[str, Callable[[DataSet, DataSet, float], Look]] = {
    "database": _by_database,
    "question": _by_question,
    "skeleton": _by_skeleton,
}


def _same_databases(train: DataSet, dataset: DataSet) -> dict[str, list[str]]:
    """Return, for each database of a training set, its ids in an evaluation set."""
    by_content: dict[frozenset[tuple[str, str]], list[str]] = {}
    for db_id in dataset.db_ids():
        if (content := _content(dataset, db_id)) is not None:
            by_content.setdefault(content, []).append(db_id)
    known = {db_id.casefold(): db_id for db_id in dataset.db_ids()}
    same = {}
    for db_id in train.db_ids():
        named = [known[db_id.casefold()]] if db_id.casefold() in known else []
        content = _content(train, db_id)
        alike = by_content.get(content, []) if content is not None else []
        same[db_id] = list(dict.fromkeys(named + alike))
    return same


def _content(dataset: DataSet, db_id: str) -> frozenset[tuple[str, str]] | None:
    """Return the tables and columns of a database; None where it is not there."""
    try:
        schema = dataset.schema(db_id)
    except DatabaseError:
        return None
    return frozenset((t.name.casefold(), c.name.casefold()) for t, c in schema.columns())
