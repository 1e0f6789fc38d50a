"""Mix examples of other data sets into one, so that what was learnt before is rehearsed.

    >>> mixed = mix(spider, {"samples": (samples, 0.2)}, seed=1)
    >>> len(spider.examples), len(mixed.examples)
    (7000, 8750)

A share is of the whole: with 0.2, two of ten examples come from the other data set. It gives each
of its examples once before it gives one again.

Not covered: data sets that call different databases by one id.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from text2sql.data.catalog import DataSet
from text2sql.databases import Database
from text2sql.errors import DataError, SettingsError
from text2sql.examples import Example
from text2sql.schema.model import Schema
from text2sql.schema.rendering import Sample


@dataclass(frozen=True)
class MixedDataSet(DataSet):
    """Examples of several data sets; each database is found by the one that it comes from."""

    homes: Mapping[str, DataSet] = field(default_factory=dict, repr=False)  # by db_id

    def database(self, db_id: str) -> Database:
        """Return the database of an id."""
        return self.homes[db_id].database(db_id) if db_id in self.homes else super().database(db_id)

    def schema(self, db_id: str) -> Schema:
        """Return the schema of an id."""
        return self.homes[db_id].schema(db_id) if db_id in self.homes else super().schema(db_id)

    def sample(self, db_id: str) -> Sample | None:
        """Return the function that reads rows of an id's tables."""
        return self.homes[db_id].sample(db_id) if db_id in self.homes else super().sample(db_id)


def mix(own: DataSet, others: Mapping[str, tuple[DataSet, float]], *, seed: int) -> MixedDataSet:
    """Return a data set with shares of others, its own examples first.

    Args:
        own: all of its examples are kept.
        others: by name: a data set, and its share of all examples.
        seed: of the choice.

    Raises:
        SettingsError: shares that are not above 0, or leave nothing to the data set itself.
        DataError: two data sets call different databases by one id, or one has no examples.
    """
    total = sum(share for _, share in others.values())
    if total >= 1 or any(share <= 0 for _, share in others.values()):
        raise SettingsError("mix: shares are above 0 and below 1 together")
    drawn = list(own.examples)
    homes = dict.fromkeys(own.db_ids(), own)
    for name, (other, share) in others.items():
        count = round(len(own.examples) * share / (1 - total))
        chosen = list(_draw(other, count, Random(f"{seed}/{name}")))
        for db_id in {example.db_id for example in chosen}:
            if homes.setdefault(db_id, other) is not other:
                raise DataError(
                    f"cannot mix {name!r} in: database id {db_id!r} is in {homes[db_id].name!r} too"
                )
        drawn += chosen
    return MixedDataSet(
        name="+".join([own.name, *others]),
        split=own.split,
        examples=drawn,
        folder=own.folder,
        files=own.files + tuple(file for other, _ in others.values() for file in other.files),
        engine=own.engine,
        homes=homes,
    )


def _draw(other: DataSet, count: int, random: Random) -> Iterator[Example]:
    if not other.examples:
        raise DataError(f"cannot mix {other.name!r} in: it has no examples")
    while count > 0:
        once = random.sample(other.examples, min(count, len(other.examples)))
        yield from once
        count -= len(once)
