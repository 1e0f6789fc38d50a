"""Other spellings of a query that mean the same on every database.

    >>> rewrite("SELECT name FROM t WHERE a = 1 AND b IN (2)", schema)["in_list"]
    "SELECT name FROM t WHERE a = 1 AND b = 2"

A suite of neighbours must give all of them the verdict of the query itself.

Covered: operands of AND, OR and comparisons changed over; IN and equality; BETWEEN and two
comparisons; negated comparisons; JOIN ... ON as a product with conditions, tables in another order;
aliases of tables and results; a query around the query; UNION and INTERSECT turned round.
Not covered: what holds only for some data (DISTINCT for a key, an extremum for a sort with LIMIT).
"""

from collections.abc import Callable

import sqlglot
from sqlglot import exp

from text2sql.data.neighbours.queries import own_nodes
from text2sql.limits import check_joins
from text2sql.schema.canonical import canonicalise
from text2sql.schema.model import Schema
from text2sql.unreadable import UNREADABLE

_FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
    exp.GT: exp.LT,
    exp.LT: exp.GT,
    exp.GTE: exp.LTE,
    exp.LTE: exp.GTE,
}
_OPPOSITE: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.GT: exp.LTE,
    exp.LT: exp.GTE,
    exp.GTE: exp.LT,
    exp.LTE: exp.GT,
}


def rewrite(sql: str, schema: Schema) -> dict[str, str]:
    """Return the spellings that differ from the query's own, by name.

    Args:
        sql: one query.
        schema: of its database.

    Returns:
        Nothing where sqlglot cannot read the query.
    """
    try:
        check_joins(sql)
        tree = sqlglot.parse_one(canonicalise(sql, schema), read="sqlite")
        if not isinstance(tree, exp.Query):
            return {}
        plain = tree.sql("sqlite")
        found = {name: change(tree.copy()).sql("sqlite") for name, change in REWRITINGS.items()}
    except UNREADABLE:
        return {}
    return {"respelt": plain} | {name: text for name, text in found.items() if text != plain}


def _flip_comparisons(tree: exp.Query) -> exp.Query:
    for node in list(tree.find_all(*_FLIPPED)):
        # SQLite takes the collation of the left side: both are columns or one is a constant
        node.replace(_FLIPPED[type(node)](this=node.expression, expression=node.this))
    return tree


def _swap_conditions(tree: exp.Query) -> exp.Query:
    for node in list(tree.find_all(exp.And, exp.Or)):
        left, right = _wrapped(node.this), _wrapped(node.expression)
        node.set("this", right)
        node.set("expression", left)
    return tree


def _wrapped(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node) if isinstance(node, exp.And | exp.Or) else node


def _spell_in(tree: exp.Query) -> exp.Query:
    """Write IN (a, b) as equalities, and a lone equality with a constant as IN."""
    for node in list(tree.find_all(exp.In, exp.EQ)):
        if isinstance(node, exp.EQ):
            if isinstance(node.expression, exp.Literal) and isinstance(node.this, exp.Column):
                node.replace(exp.In(this=node.this, expressions=[node.expression]))
        elif node.expressions and all(isinstance(e, exp.Literal) for e in node.expressions):
            tests = [exp.EQ(this=node.this.copy(), expression=e.copy()) for e in node.expressions]
            node.replace(exp.Paren(this=exp.or_(*tests)) if len(tests) > 1 else tests[0])
    return tree


def _spell_between(tree: exp.Query) -> exp.Query:
    """Write BETWEEN as two comparisons."""
    for node in list(tree.find_all(exp.Between)):
        low = exp.GTE(this=node.this.copy(), expression=node.args["low"])
        high = exp.LTE(this=node.this.copy(), expression=node.args["high"])
        node.replace(exp.Paren(this=exp.And(this=low, expression=high)))
    return tree


def _negate_comparisons(tree: exp.Query) -> exp.Query:
    """Write a > b as NOT (a <= b), which is unknown for the same rows."""
    for node in list(tree.find_all(*_OPPOSITE)):
        if node.find_ancestor(exp.Where, exp.Having):
            opposite = _OPPOSITE[type(node)](this=node.this, expression=node.expression)
            node.replace(exp.Not(this=exp.Paren(this=opposite)))
    return tree


def _multiply_tables(tree: exp.Query) -> exp.Query:
    """Write inner joins as a product with all conditions in WHERE."""
    for select in list(tree.find_all(exp.Select)):
        joins = _inner_joins(select)
        for join in joins:
            if join.args.get("on") is not None:
                select.where(join.args["on"].copy(), copy=False)
                join.set("on", None)
                join.set("kind", None)
    return tree


def _turn_tables(tree: exp.Query) -> exp.Query:
    """Put the joined tables in the opposite order, as a product with conditions."""
    for select in list(tree.find_all(exp.Select)):
        joins = _inner_joins(select)
        if joins and not any(isinstance(each, exp.Star) for each in own_nodes(select, exp.Star)):
            _turn(select, joins)
    return tree


def _turn(select: exp.Select, joins: list[exp.Join]) -> None:
    conditions = [join.args["on"].copy() for join in joins if join.args.get("on") is not None]
    tables = [select.args["from_"].this, *(join.this for join in joins)][::-1]
    select.set("from_", exp.From(this=tables[0].copy()))
    select.set("joins", [exp.Join(this=t.copy(), kind="CROSS") for t in tables[1:]])
    for condition in conditions:
        select.where(condition, copy=False)


def _inner_joins(select: exp.Select) -> list[exp.Join]:
    """Return the joins of a query if all are inner, and none names its columns by USING."""
    joins: list[exp.Join] = select.args.get("joins") or []
    odd = any(j.side or j.args.get("using") or j.method for j in joins)
    return [] if odd else joins


def _rename_tables(tree: exp.Query) -> exp.Query:
    """Give every table that has an alias another one."""
    names = {t.alias.casefold() for t in tree.find_all(exp.Table) if t.alias}
    for node in tree.find_all(exp.Table, exp.Column):
        if isinstance(node, exp.Table) and node.alias:
            node.set("alias", exp.TableAlias(this=exp.to_identifier(f"{node.alias}_r")))
        elif isinstance(node, exp.Column) and node.table.casefold() in names:
            node.set("table", exp.to_identifier(f"{node.table}_r"))
    return tree


def _name_results(tree: exp.Query) -> exp.Query:
    """Give a name to every result of the outer query that is computed."""
    if isinstance(tree, exp.Select):
        for number, each in enumerate(list(tree.expressions)):
            if isinstance(each, exp.AggFunc):
                each.replace(exp.alias_(each.copy(), f"result_{number}"))
    return tree


def _wrap(tree: exp.Query) -> exp.Query:
    """Select everything from the query; an order would not be promised there."""
    if tree.find(exp.Order) or len(set(tree.named_selects)) < len(tree.named_selects):
        return tree
    return exp.select("*").from_(tree.subquery("wrapped"))


def _turn_sets(tree: exp.Query) -> exp.Query:
    for node in list(tree.find_all(exp.Union, exp.Intersect)):
        plain = not any(node.args.get(key) for key in ("order", "limit", "with_"))
        sides = (node.this, node.expression)
        if plain and all(isinstance(side, exp.Select) for side in sides):
            node.set("this", sides[1])
            node.set("expression", sides[0])
    return tree


def _count_ones(tree: exp.Query) -> exp.Query:
    for node in list(tree.find_all(exp.Count)):
        if isinstance(node.this, exp.Star):
            node.set("this", exp.Literal.number(1))
    return tree


REWRITINGS: dict[str, Callable[[exp.Query], exp.Query]] = {
    "flipped": _flip_comparisons,
    "swapped": _swap_conditions,
    "in_list": _spell_in,
    "between": _spell_between,
    "negated": _negate_comparisons,
    "product": _multiply_tables,
    "turned": _turn_tables,
    "renamed": _rename_tables,
    "named": _name_results,
    "wrapped": _wrap,
    "sets_turned": _turn_sets,
    "count_ones": _count_ones,
}
