"""Levels of hardness for SQL that Spider's parser does not read, counted on sqlglot's tree.

    >>> level_by_tree("WITH a AS (SELECT 1 AS x) SELECT x FROM a", "sqlite")
    'hard'

Covered: the counts of `levels`, but for the quirks of the official ones; each CTE is one nested
query.
Not covered: BIRD's difficulty.
"""

from collections.abc import Mapping

import sqlglot
from sqlglot import exp

from text2sql.limits import check_joins
from text2sql.scoring.spider.levels import Counts, level
from text2sql.unreadable import UNREADABLE


def level_by_tree(sql: str, dialect: str) -> str:
    """Return the level of any query; extra where sqlglot cannot read it."""
    try:
        check_joins(sql)
        tree = sqlglot.parse_one(sql, read=dialect)
    except UNREADABLE:
        return "extra"
    return level(count_tree(tree))


def count_tree(tree: exp.Expr) -> Counts:
    """Count the same things in sqlglot's tree of any query."""
    ctes = len(list(tree.find_all(exp.CTE)))
    set_op = isinstance(tree, exp.SetOperation)
    while isinstance(tree, exp.SetOperation | exp.Subquery):
        tree = tree.this
    args = tree.args
    where, having = args.get("where"), args.get("having")
    joins = args.get("joins") or []
    conditions = [join.args["on"] for join in joins if join.args.get("on")]
    conditions += [clause.this for clause in (where, having) if clause]
    own = [node for condition in conditions for node in _own_nodes(condition)]
    groups = args["group"].expressions if args.get("group") else []
    return Counts(
        sum(bool(args.get(key)) for key in ("where", "group", "order", "limit"))
        + len(joins)
        + sum(isinstance(node, exp.Or | exp.Like | exp.ILike) for node in own),
        sum(isinstance(node, exp.Query) for node in own) + set_op + ctes,
        (_tree_aggregates(args) > 1)
        + (len(tree.expressions) > 1)
        + bool(where and isinstance(where.this.unnest(), exp.Connector))
        + (len(groups) > 1),
    )


def _own_nodes(condition: exp.Expr) -> list[exp.Expr]:
    """Return the nodes of a condition, with nested queries but not what is in them."""
    return list(condition.walk(prune=lambda node: isinstance(node, exp.Query)))


def _tree_aggregates(args: Mapping[str, object]) -> int:
    """Count aggregates in the select list, in GROUP BY and in ORDER BY."""
    roots: list[exp.Expr] = []
    for key in ("expressions", "group", "order"):
        found = args.get(key)
        roots += (
            found if isinstance(found, list) else [found] if isinstance(found, exp.Expr) else []
        )
    return sum(isinstance(node, exp.AggFunc) for root in roots for node in _own_nodes(root))
