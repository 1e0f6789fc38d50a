"""The hardness of a drawn query: the official counts where they exist, else those of its tree.

    >>> hardness_of(query, sql, names)
    'medium'

`scoring.hardness` parses what Spider's own parser does not read with sqlglot, which takes longer
than all else that is done for a pair; here the tree is at hand. Both give the same level.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from text2sql.data.synthesis.queries import AGGREGATES, Call, Compare, Junction, Query
from text2sql.scoring.spider.levels import Counts, count, level
from text2sql.scoring.spider.parser import read_query
from text2sql.scoring.spider.structure import Names
from text2sql.scoring.spider.words import UnreadableSQL


def hardness_of(query: Query, sql: str, names: Names) -> str:
    """Return easy, medium, hard or extra.

    Args:
        query: the tree.
        sql: how it is written.
        names: of the database's schema.
    """
    try:
        return level(count(read_query(sql, names)))
    except UnreadableSQL:
        return level(count_parts(query))


def count_parts(query: Query) -> Counts:
    """Count what `scoring.spider.tree_levels.count_tree` counts: the left side of a set operation.

    What stands behind a set operation, its order and limit, belongs to no side.
    """
    alone = query.then is None
    clauses = (query.where, query.group, query.order if alone else (), query.limit if alone else 0)
    own = [*_own(query.where), *_own(query.having)]
    likes = sum(isinstance(p, Compare) and p.operator.endswith("like") for p in own)
    ors = sum(len(p.parts) - 1 for p in own if isinstance(p, Junction) and p.operator == "or")
    shown = (query.select, query.group, tuple(key.expression for key in query.order) * alone)
    aggregates = sum(isinstance(p, Call) and p.name in AGGREGATES for p in _own(shown))
    return Counts(
        sum(map(bool, clauses)) + len(query.joins) + ors + likes,
        sum(isinstance(part, Query) for part in own) + (not alone),
        (aggregates > 1)
        + (len(query.select) > 1)
        + isinstance(query.where, Junction)
        + (len(query.group) > 1),
    )


def _own(part: object) -> Iterator[object]:
    """Yield the parts of a part, with nested queries but not what is in them."""
    if isinstance(part, tuple):
        for each in part:
            yield from _own(each)
    elif is_dataclass(part):
        yield part
        if not isinstance(part, Query):
            for each in fields(part):
                yield from _own(getattr(part, each.name))
