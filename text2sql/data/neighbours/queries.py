"""Gold SQL as the makers of neighbours see it: its text in the forms that run, and its tree.

    >>> read_query("SELECT name FROM singer ORDER BY age LIMIT 1", schema).leaning
    ('SELECT singer.name ... ORDER BY singer.age, 1 LIMIT 1',
     'SELECT singer.name ... ORDER BY singer.age, 1 DESC LIMIT 1')

Where a query leaves the engine a choice (ties, a bare column under GROUP BY, LIMIT without ORDER
BY), one of the leaning forms takes the smallest of what may be chosen, the other the largest: they
agree exactly if the choice makes no difference.

Covered: double-quoted strings made ordinary; every column qualified by its table or alias.
Not covered: SQL that sqlglot cannot read: such gold has to have one answer too, but no mutants.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from text2sql.data.neighbours.profiles import Profile
from text2sql.limits import check_joins
from text2sql.schema.canonical import canonicalise, prepared_schema
from text2sql.schema.model import Schema
from text2sql.scoring.spider.text import prepare_gold
from text2sql.unreadable import UNREADABLE


@dataclass(frozen=True, slots=True)
class Query:
    """One gold query."""

    sql: str  # as it runs, DISTINCT kept
    bare: str  # as Spider's rule runs it: without DISTINCT
    tree: exp.Query | None  # columns qualified, strings ordinary; None where sqlglot cannot read it
    tables: tuple[str, ...]  # that it reads, as it spells them
    leaning: tuple[str, ...]  # two forms with every choice made, or none where it leaves no choice

    @property
    def ordered(self) -> bool:
        """Whether Spider's rule compares its rows in order."""
        return "order by" in self.sql.lower()

    @property
    def unpromised(self) -> bool:
        """Whether the rule compares an order that the query itself does not ask for."""
        return self.ordered and self.tree is not None and self.tree.args.get("order") is None


def read_query(sql: str, schema: Schema) -> Query:
    """Read one gold query."""
    kept = prepare_gold(sql, keep_distinct=True)
    tree = _read_tree(kept, schema)
    tables = tuple(dict.fromkeys(t.name for t in tree.find_all(exp.Table))) if tree else ()
    return Query(kept, prepare_gold(sql), tree, tables, _lean(tree, schema) if tree else ())


def _read_tree(sql: str, schema: Schema) -> exp.Query | None:
    try:
        check_joins(sql)
        tree = qualify(
            sqlglot.parse_one(canonicalise(sql, schema), read="sqlite"),
            schema=prepared_schema(schema),
            dialect="sqlite",
            expand_stars=False,
            validate_qualify_columns=False,
            quote_identifiers=False,
            identify=False,
        )
    except UNREADABLE:
        return None
    return tree if isinstance(tree, exp.Query) else None


def own_nodes(node: exp.Expr, *kinds: type[exp.Expr]) -> Iterator[exp.Expr]:
    """Yield the nodes of these kinds that belong to a query itself, not to its subqueries."""
    for found in node.walk(prune=lambda each: each is not node and isinstance(each, exp.Query)):
        if isinstance(found, kinds):
            yield found


def sources(select: exp.Select, profile: Profile) -> dict[str, str]:
    """Return the tables of FROM and JOIN by alias, spelt as the profile does."""
    joins = select.args.get("joins") or []
    start = select.args.get("from_") or select.args.get("from")
    found: dict[str, str] = {}
    for each in [start, *joins]:
        table = each.this if each is not None else None
        known = profile.find(table.name) if isinstance(table, exp.Table) else None
        if table is not None and known is not None:
            found[table.alias_or_name] = known.name
    return found


def _lean(tree: exp.Query, schema: Schema) -> tuple[str, ...]:
    forms = []
    for high in (False, True):
        copy = tree.copy()
        for each in list(copy.find_all(exp.Select, exp.SetOperation)):
            if isinstance(each, exp.Select):
                _choose_rows_of_groups(each, high=high)
            _break_ties(each, schema, high=high)
        forms.append(copy.sql("sqlite"))
    return tuple(forms) if len(set(forms)) > 1 else ()


def _choose_rows_of_groups(select: exp.Select, *, high: bool) -> None:
    """Put min or max around the columns that a group leaves open.

    A single min() or max() decides them itself (sqlite.org/lang_select.html#bareagg).
    """
    group = select.args.get("group")
    if group is None and not any(
        True for each in select.expressions for _ in own_nodes(each, exp.AggFunc)
    ):
        return
    if any(True for _ in own_nodes(select, exp.Min, exp.Max)):
        return
    fixed = {each.sql("sqlite") for each in (group.expressions if group else ())}
    clauses = [*select.expressions, select.args.get("having"), select.args.get("order")]
    for clause in filter(None, clauses):
        for column in list(own_nodes(clause, exp.Column)):
            free = getattr(column, "table", "") and column.sql("sqlite") not in fixed
            if free and not isinstance(column.this, exp.Star) and not _aggregated(column):
                column.replace((exp.Max if high else exp.Min)(this=column.copy()))


def _aggregated(column: exp.Expr) -> bool:
    found = column.find_ancestor(exp.AggFunc, exp.Select)
    return isinstance(found, exp.AggFunc)


def _break_ties(query: exp.Expr, schema: Schema, *, high: bool) -> None:
    """Order what is tied by every result column."""
    order, limit = query.args.get("order"), query.args.get("limit")
    width = _width(query, schema) if order is not None or limit is not None else 0
    keys = [exp.Ordered(this=exp.Literal.number(n), desc=high) for n in range(1, width + 1)]
    if keys:
        query.set("order", exp.Order(expressions=[*(order.expressions if order else ()), *keys]))


def _width(query: exp.Expr, schema: Schema) -> int:
    """Return the number of result columns; 0 where it cannot be told."""
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select):
        return 0
    count = 0
    for each in query.expressions:
        alias = each.table if isinstance(each, exp.Column) else ""
        if not isinstance(each.unalias(), exp.Star) and not isinstance(each.this, exp.Star):
            count += 1
            continue
        tables = [t for t in own_nodes(query, exp.Table) if alias in ("", t.alias_or_name)]
        known = [schema.table(t.name) for t in tables]
        if not known or None in known or any(True for _ in own_nodes(query, exp.Subquery)):
            return 0
        count += sum(len(table.columns) for table in known if table)
    return count
