"""Leave out examples that say again what an earlier one said.

    >>> found = deduplicate(dataset, by="minhash", threshold=0.8)
    >>> len(found.kept.examples), found.removed[0].like.index
    (6612, 3)

Only examples about the same database can be alike:

| by | alike are examples with |
| --- | --- |
| `exact` | the same question and the same SQL: case, punctuation and spaces aside |
| `minhash` | the same SQL skeleton, and questions that share so many of their letter triples |
| `semantic` | the same SQL skeleton, and questions whose embeddings have such a cosine |
| `skeleton` | the same SQL skeleton, whatever the question |

What is like an example that stays is removed, in the order of the data set: the first stays, and
the same input always gives the same output.

Not covered: examples about one database under two ids (`data.decontamination` knows databases by
their schemas).
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from text2sql.data.catalog import DataSet
from text2sql.data.likeness import Index, plain, plain_sql
from text2sql.data.skeletons import skeleton_of
from text2sql.errors import SettingsError, UnknownName
from text2sql.examples import Example

WAYS = ("exact", "minhash", "semantic", "skeleton")
THRESHOLDS = {"minhash": 0.8, "semantic": 0.97}
_BLOCK = 256  # questions that are compared with all others at once

Embed = Callable[[Sequence[str]], Any]  # texts -> tensor (texts, width), rows of length 1


@dataclass(frozen=True, slots=True)
class Removed:
    """An example that was left out, and the one that stays in its place."""

    example: Example
    like: Example
    likeness: float  # 1.0 where they are the same by what they are compared by


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """A data set without its repetitions."""

    kept: DataSet
    removed: list[Removed]


class _Kept(Protocol):
    """Examples that stay, by place, to be asked for those that are alike."""

    def find(self, place: int) -> list[tuple[int, float]]: ...
    def add(self, place: int) -> None: ...


def deduplicate(
    dataset: DataSet,
    *,
    by: str = "exact",
    threshold: float | None = None,
    keep: int = 1,
    embed: Embed | None = None,
) -> Deduplicated:
    """Return a data set without examples that are like an earlier one.

    Args:
        dataset: its examples, in the order in which they are preferred.
        by: a name in `WAYS`.
        threshold: likeness from which on questions are alike, above 0 and at most 1; None means
            that of `THRESHOLDS`.
        keep: how many examples that are alike stay.
        embed: turns questions into rows of length 1, for `semantic`.

    Raises:
        UnknownName: no such way.
        SettingsError: a threshold where none counts, or out of its range; no way to embed.
    """
    examples = dataset.examples
    stays = _ways(examples, by, _settled(by, threshold), embed)
    kept: list[Example] = []
    removed: list[Removed] = []
    for place, example in enumerate(examples):
        alike = stays.find(place)
        if len(alike) < keep:
            stays.add(place)
            kept.append(example)
        else:
            first, likeness = max(alike, key=lambda found: (found[1], -found[0]))
            removed.append(Removed(example, examples[first], likeness))
    return Deduplicated(replace(dataset, examples=kept), removed)


def _settled(by: str, threshold: float | None) -> float:
    if by not in WAYS:
        raise UnknownName("way to tell duplicates", by, WAYS)
    if threshold is None:
        return THRESHOLDS.get(by, 1.0)
    if by not in THRESHOLDS:
        raise SettingsError(f"--by {by} takes no threshold: what is alike is the same")
    if not 0 < threshold <= 1:
        raise SettingsError(f"a threshold is above 0 and at most 1, not {threshold}")
    return threshold


def _ways(examples: Sequence[Example], by: str, threshold: float, embed: Embed | None) -> _Kept:
    if by == "exact":
        return _Same([(e.db_id, plain(e.question), *map(plain_sql, e.queries)) for e in examples])
    groups = [(e.db_id, skeleton_of(e)) for e in examples]
    if by == "skeleton":
        return _Same(groups)
    questions = [example.question for example in examples]
    if by == "minhash":
        return _NearText(groups, questions, threshold)
    if embed is None:
        raise SettingsError("--by semantic needs a base whose embeddings are compared")
    return _NearMeaning(groups, embed(questions), threshold)


class _Same:
    """Examples by what has to be equal."""

    def __init__(self, keys: Iterable[Hashable]) -> None:
        self.keys = list(keys)
        self.places: dict[Hashable, list[int]] = defaultdict(list)

    def find(self, place: int) -> list[tuple[int, float]]:
        return [(found, 1.0) for found in self.places[self.keys[place]]]

    def add(self, place: int) -> None:
        self.places[self.keys[place]].append(place)


class _NearText:
    """Questions of a group by their letters."""

    def __init__(
        self, groups: Sequence[Hashable], questions: Sequence[str], threshold: float
    ) -> None:
        self.groups, self.questions = groups, questions
        self.indexes: dict[Hashable, Index] = defaultdict(lambda: Index(threshold=threshold))

    def find(self, place: int) -> list[tuple[int, float]]:
        return self.indexes[self.groups[place]].find(self.questions[place])

    def add(self, place: int) -> None:
        self.indexes[self.groups[place]].add(place, self.questions[place])


class _NearMeaning:
    """Questions of a group by their embeddings; which are alike is computed once, in blocks."""

    def __init__(self, groups: Sequence[Hashable], vectors: Any, threshold: float) -> None:
        members: dict[Hashable, list[int]] = defaultdict(list)
        for place, group in enumerate(groups):
            members[group].append(place)
        self.near: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for places in members.values():
            for start in range(0, len(places), _BLOCK):
                self._compare(places[start : start + _BLOCK], places, vectors, threshold)
        self.kept: set[int] = set()

    def _compare(self, block: list[int], places: list[int], vectors: Any, threshold: float) -> None:
        cosines = vectors[block] @ vectors[places].T
        for row, column in (cosines >= threshold).nonzero().tolist():
            place, other = block[row], places[column]
            if other < place:
                self.near[place].append((other, min(1.0, float(cosines[row, column]))))

    def find(self, place: int) -> list[tuple[int, float]]:
        return [found for found in self.near[place] if found[0] in self.kept]

    def add(self, place: int) -> None:
        self.kept.add(place)
