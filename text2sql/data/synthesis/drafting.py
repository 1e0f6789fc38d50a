"""Draw questions with their SQL on one database, and keep those that say something.

    >>> pairs = draw(world, connection, 16, Random(1))
    >>> pairs[0].question, write(pairs[0].query, Spelled(world.schema))
    ('how many members are there older than 30?', 'SELECT count(*) FROM member WHERE age > 30')

A pair is kept if its SQL runs and its result is neither empty (a few are) nor that of a simpler
query (`verifying.simplified`), a few with one condition too many left out of account: such a
question tells right from wrong SQL.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from text2sql.data.synthesis.families import (
    combined,
    composed,
    grouping,
    groups,
    joins,
    nested,
    relations,
    single,
    warehouse,
)
from text2sql.data.synthesis.families.parts import Draft, Family
from text2sql.data.synthesis.queries import Junction, Query
from text2sql.data.synthesis.speaking import Speaker
from text2sql.data.synthesis.spellings import Spelled, write
from text2sql.data.synthesis.verifying import same_rows, simplified
from text2sql.data.synthesis.worlds import World

# What people ask, as a guide to the weights: of Spider train's 7,000 golds, in percent, 60 read one
# table, 28 join two and 12 more; 50 have WHERE (11 several conditions), 25 GROUP BY (6 HAVING), 23
# ORDER BY (16 LIMIT), 7 a nested query, 6 NOT IN or EXCEPT, 5 INTERSECT or UNION, 10 DISTINCT; 34
# count, 14 have another aggregate. `benchmarks/skeletons.py --families` prints both sides.
FAMILIES: dict[Family, float] = {
    family: weight
    for room in (single, groups, nested, joins, relations, composed, grouping, combined)
    for family, weight in room.FAMILIES.items()
}
EXTRA: dict[Family, float] = warehouse.FAMILIES  # drawn only where a share is asked for
TRIES = 6  # draws for one pair that is kept
EMPTY = 0.06  # share of empty results that are kept: a right answer may be empty
SPARSE = 0.25  # of those with several conditions, which few rows of an invented table fulfil
REDUNDANT = 0.3  # of those with a condition that the others imply, as in a table of few rows
MAX_STEPS = 200_000  # of SQLite's machine, for one query


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and the query that answers it."""

    question: str
    query: Query
    family: str


def draw(
    world: World,
    connection: sqlite3.Connection,
    count: int,
    random: Random,
    *,
    families: Mapping[Family, float] = FAMILIES,
) -> list[Pair]:
    """Draw pairs that differ.

    Args:
        world: of the database.
        connection: to it.
        count: pairs at most; fewer where the database gives no more.
        random: decides everything.
        families: their weights; see `shares.with_shares`.
    """
    found: dict[str, Pair] = {}
    spelling = Spelled(world.schema, "full")
    for pair in propose(world, random, count * TRIES, families=families):
        if pair.question.lower() not in found and _useful(pair.query, spelling, connection, random):
            found[pair.question.lower()] = pair
            if len(found) == count:
                break
    return list(found.values())


def propose(
    world: World, random: Random, tries: int, *, families: Mapping[Family, float] = FAMILIES
) -> Iterator[Pair]:
    """Yield pairs that nobody has run yet.

    Args:
        world: of the database.
        random: decides everything.
        tries: families that are asked; one that has nothing to ask yields nothing.
        families: their weights.
    """
    speaker = Speaker(world, random)
    for family in random.choices(list(families), list(families.values()), k=tries):
        speaker.witness.call()
        draft: Draft | None = family(speaker)
        if draft is not None:
            yield Pair(speaker.finish(draft.question), draft.query, family_name(family))


def family_name(family: Family) -> str:
    """Return the name of a family, such as `joins.without`."""
    return f"{family.__module__.rpartition('.')[2]}.{family.__name__}"


def _useful(
    query: Query, spelling: Spelled, connection: sqlite3.Connection, random: Random
) -> bool:
    rows = _rows(write(query, spelling), connection)
    if rows is None:
        return False
    if not rows or rows in ([(None,)], [(0,)]):
        common = query.then is not None and query.then[0] == "intersect"
        several = common or isinstance(query.where, Junction)
        return random.random() < (SPARSE if several else EMPTY)
    for what, simpler in simplified(query):
        others = _rows(write(simpler, spelling), connection)
        if others is not None and same_rows(rows, others):
            return what == "a condition" and random.random() < REDUNDANT
    return True


def _rows(sql: str, connection: sqlite3.Connection) -> list[tuple[object, ...]] | None:
    connection.set_progress_handler(lambda: 1, MAX_STEPS)
    try:
        return connection.execute(sql).fetchall()
    except sqlite3.Error:
        return None
