"""Spider's four levels of hardness, from counts of what a gold query uses.

    >>> hardness("SELECT name FROM singer WHERE age > 20", schema)
    'easy'

Covered: the level that the official evaluator gives every query that its parser reads, quirks
included: a negated comparison in WHERE or HAVING and every AND or OR in HAVING count as an
aggregate, those in HAVING's own comparisons do not; a query in FROM counts nothing; ORDER BY and
LIMIT after a set operation belong to the query on its right and count nothing.
Not covered: BIRD's difficulty (simple, moderate, challenging), which people assigned.

The rules are those of `eval_hardness` in evaluation.py (taoyds/test-suite-sql-eval at e97acc5).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from text2sql.schema.model import Schema
from text2sql.scoring.spider.parser import read_query
from text2sql.scoring.spider.structure import (
    ColumnUnit,
    Condition,
    Conditions,
    Names,
    Query,
    ValueUnit,
)
from text2sql.scoring.spider.words import UnreadableSQL

LEVELS = ("easy", "medium", "hard", "extra")


@dataclass(frozen=True, slots=True)
class Counts:
    """The three counts that decide the level."""

    components: int  # WHERE, GROUP BY, ORDER BY, LIMIT, each further table, each OR, each LIKE
    nested: int  # queries inside conditions, and one for a set operation
    others: int  # of: several aggregates, several columns, several conditions, several groups


def hardness(sql: str, schema: Schema | Names, *, dialect: str = "sqlite") -> str:
    """Return easy, medium, hard or extra.

    What the official parser cannot read gets its level by the same counts on sqlglot's tree: the
    outermost SELECT (the left one of a set operation) is counted, each CTE is one nested query,
    and the quirks of the official counts are left out. On Spider's 8,033 gold queries that both
    read, both give the same level to 7,948. SQL that sqlglot cannot read either is extra.

    Args:
        sql: gold SQL.
        schema: of its database; the official parser knows columns by it.
        dialect: sqlglot's name of the SQL, used only where the official parser gives up.
    """
    names = schema if isinstance(schema, Names) else Names.of(schema)
    try:
        return level(count(read_query(sql, names)))
    except UnreadableSQL:
        from text2sql.scoring.spider.tree_levels import level_by_tree  # late: few need a parser

        return level_by_tree(sql, dialect)


def level(counts: Counts) -> str:
    """Return the level that the three counts mean."""
    components, nested, others = counts.components, counts.nested, counts.others
    if nested == 0 and components <= 1 and others == 0:
        return "easy"
    if nested == 0 and ((others <= 2 and components <= 1) or (components <= 2 and others < 2)):
        return "medium"
    if nested == 0 and ((others > 2 and components <= 2) or (components == 3 and others <= 2)):
        return "hard"
    if nested <= 1 and components <= 1 and others == 0:
        return "hard"
    return "extra"


def count(query: Query) -> Counts:
    """Count what a query of the official subset uses."""
    parts = query.condition_parts()
    return Counts(
        sum(map(bool, (query.where, query.group_by, query.order_by, query.limit)))
        + max(0, len(query.tables) - 1)
        + query.connectives().count("or")
        + sum(isinstance(part, Condition) and part.op == "like" for part in parts),
        len(_nested(parts)) + (query.right is not None),
        (_aggregates(query) > 1)
        + (len(query.select) > 1)
        + (len(query.where) > 1)
        + (len(query.group_by) > 1),
    )


def _nested(parts: Conditions) -> list[Query]:
    values = [v for part in parts if isinstance(part, Condition) for v in (part.value, part.second)]
    return [value for value in values if isinstance(value, Query)]


def _aggregates(query: Query) -> int:
    units = query.order_by.units if query.order_by else ()
    return (
        sum(item.aggregate is not None for item in query.select)
        # `count_agg` looks at the first field of a condition, which is whether it is negated; in
        # HAVING also at the words between conditions, and the first letter of "and" counts.
        + sum(_counts_as_aggregate(part) for part in query.where[::2] + query.having)
        + sum(map(_is_aggregate, query.group_by))
        + sum(map(_is_aggregate, _columns(units)))
    )


def _counts_as_aggregate(part: Condition | str) -> bool:
    return part.negated if isinstance(part, Condition) else True


def _is_aggregate(unit: ColumnUnit) -> bool:
    return unit.aggregate is not None


def _columns(units: Iterable[ValueUnit]) -> list[ColumnUnit]:
    return [column for unit in units for column in (unit.left, unit.right) if column is not None]
