"""A table as one user may see it, as a query that stands in the table's place.

    >>> guard = make_guard(orders, [rule], {"tenants": [3]}, "sqlite")
    >>> guard.sql
    'SELECT t2s_t."id", ... FROM "orders" AS t2s_t WHERE t2s_t."tenant_id" IN (3) LIMIT -1'

A guard gives the columns that may be seen and no others (`*` where that is all of them), so that
`*`, a whole row, `rowid` or `ctid` cannot show more. Where it filters rows it ends in a limit that
limits nothing: engines move no condition of the outer query below one, so an error that a user
provokes (a cast, a division) can come from rows of their own only.

Sources: PostgreSQL 17 manual, 41.5 (why a condition below a filter leaks) and
`subquery_is_pushdown_safe` in allpaths.c; SQLite's `pushDownWhereTerms` and `flattenSubquery` in
select.c; DuckDB's filter_pushdown.cpp.

Covered: rules of several roles together; conditions with subqueries, which read the tables as they
are.
Not covered: how long a query takes, which depends on rows that are not seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import sqlglot
from sqlglot import exp

from text2sql.access.attributes import User, bind, parse_condition
from text2sql.access.policy import EVERYTHING, Rule
from text2sql.errors import PolicyError, hint
from text2sql.execution.walls import EVERY, Pairs
from text2sql.limits import check_joins
from text2sql.schema.model import Column, Table
from text2sql.unreadable import UNREADABLE

ALIAS = "t2s_t"  # of the table inside its guard


@dataclass(frozen=True, slots=True)
class Guard:
    """What stands in a table's place, and what it leaves."""

    table: Table  # with the columns that are seen
    sql: str | None  # of the query; None: the table itself, all of which may be seen
    said: tuple[str, ...] = ()  # what is kept back, in words
    reads: Pairs = frozenset()  # (table, column) that it reads, folded


def make_guard(
    table: Table,
    rules: Sequence[Rule],
    user: User,
    dialect: str,
    *,
    definition: exp.Query | None = None,
    strict: bool = True,
) -> Guard | None:
    """Return the guard of a table; None where the rules leave nothing of it.

    Args:
        table: as the database has it.
        rules: that hold together: the rows of each, the columns of all.
        user: whose attributes the conditions name.
        dialect: of the database.
        definition: the guarded query of a view; None reads the table or view itself.
        strict: columns that rules name must exist; otherwise a condition on one that the table
            lacks leaves nothing of it.

    Raises:
        PolicyError: a rule that cannot be read, names no column, or needs an attribute that the
            user lacks.
    """
    try:
        masks = _masks(table, rules, user, dialect, strict)
        condition = _condition(table, rules, user, dialect)
    except PolicyError as error:
        if not strict and isinstance(error, _NoColumn):
            return None
        raise type(error)(f"policy, table {table.full_name!r}: {error}") from None
    columns = _shown(table, rules, strict)
    if not columns:
        return None
    seen = _seen(table, [c for c in table.columns if c.name in columns], masks)
    whole = len(columns) == len(table.columns) and not masks
    if whole and condition is None and definition is None:
        return Guard(seen, None, reads=_all_columns(table))
    query = _query(table, seen, masks, condition, dialect, definition)
    sql = query.sql(dialect, comments=False)
    return Guard(seen, sql, _said(table, masks, condition, dialect), _reads(table, query))


class _NoColumn(PolicyError):
    """A rule names a column that its table lacks."""


def _shown(table: Table, rules: Sequence[Rule], strict: bool) -> set[str]:
    shown = {column.name for column in table.columns}
    for rule in rules:
        if rule.columns is not None:
            shown &= _named(table, rule.columns, strict)
        shown -= _named(table, rule.hide, strict)
    return shown


def _named(table: Table, names: Iterable[str], strict: bool) -> set[str]:
    found = {name: table.column(name) for name in names}
    missing = next((name for name, column in found.items() if column is None), None)
    if strict and missing is not None:
        raise PolicyError(f"policy, table {table.full_name!r}: {_no_column(table, missing)}")
    return {column.name for column in found.values() if column is not None}


def _no_column(table: Table, name: str) -> str:
    return f"no column {name!r} ({hint(name, [column.name for column in table.columns])})"


def _masks(
    table: Table, rules: Sequence[Rule], user: User, dialect: str, strict: bool
) -> dict[str, exp.Expr]:
    """Return what stands for each masked column; the first rule that masks it decides."""
    masks: dict[str, exp.Expr] = {}
    for rule in rules:
        _named(table, rule.mask, strict)
        for name, text in rule.mask.items():
            column = table.column(name)
            if column is not None and column.name not in masks:
                masks[column.name] = _mask(table, column, text, user, dialect)
    return masks


def _mask(table: Table, column: Column, text: str | None, user: User, dialect: str) -> exp.Expr:
    if text is None:
        return _null(column, dialect)
    parsed = _parsed_condition(f"({text})", dialect)
    return _inside(bind(parsed, user), table)


def _null(column: Column, dialect: str) -> exp.Expr:
    """Return NULL of the column's type, so that functions still take it."""
    try:
        kind = exp.DataType.build(_plain_type(column.type), dialect=dialect)
    except UNREADABLE:
        return exp.null()
    return exp.null() if dialect == "sqlite" else exp.Cast(this=exp.null(), to=kind)


def _plain_type(declared: str) -> str:
    """Return a type without the values that an enumeration lists."""
    return "TEXT" if declared.upper().startswith("ENUM") else declared


def _condition(table: Table, rules: Sequence[Rule], user: User, dialect: str) -> exp.Expr | None:
    """Return which rows are seen; None where all are."""
    clauses = [rule.rows or "all" for rule in rules]
    if "all" in clauses:
        return None
    found = [
        exp.false() if clause == "none" else _inside(bind(_parsed(clause, dialect), user), table)
        for clause in dict.fromkeys(clauses)
    ]
    return exp.or_(*found) if len(found) > 1 else found[0]


def _parsed(clause: str, dialect: str) -> exp.Expr:
    assert clause not in EVERYTHING
    return _parsed_condition(clause, dialect)


@lru_cache(maxsize=1_024)
def _parsed_condition(clause: str, dialect: str) -> exp.Expr:
    return parse_condition(clause, dialect)


def _inside(condition: exp.Expr, table: Table) -> exp.Expr:
    """Return a condition whose columns are those of the guarded table, whatever surrounds it."""
    root = exp.Paren(this=condition)
    own = {table.name.casefold(), ALIAS}
    for column in root.find_all(exp.Column):
        query = column.find_ancestor(exp.Query)
        if column.table and column.table.casefold() not in own:
            if query is None:
                raise PolicyError(f"{column.sql()}: no table {column.table!r} outside a subquery")
            continue
        known = table.column(column.name)
        if query is None and known is None:
            raise _NoColumn(_no_column(table, column.name))
        if query is None or (column.table and not _has_source(query, column.table)):
            if known is not None:
                column.set("this", exp.to_identifier(known.name, quoted=True))
            column.set("table", exp.to_identifier(ALIAS))
            column.set("db", None)
    return root.this


def _has_source(query: exp.Expr, name: str) -> bool:
    """Tell whether a query inside a condition has a source of that name itself."""
    tables = query.find_all(exp.Table, exp.Subquery)
    return any(table.alias_or_name.casefold() == name.casefold() for table in tables)


def _seen(table: Table, columns: Sequence[Column], masks: dict[str, exp.Expr]) -> Table:
    """Return a table with these columns and the keys that they still make."""
    names = {column.name.casefold() for column in columns}
    shown = tuple(_unmarked(c) if c.name in masks else c for c in columns)
    keys = (k for k in table.foreign_keys if {c.casefold() for c in k.columns} <= names)
    whole_key = {name.casefold() for name in table.primary_key} <= names
    return replace(
        table,
        columns=shown,
        primary_key=table.primary_key if whole_key else (),
        foreign_keys=tuple(keys),
    )


def _unmarked(column: Column) -> Column:
    """Return a masked column without the values that its description tells."""
    return replace(column, type=_plain_type(column.type), meanings=(), nullable=True)


def _query(
    table: Table,
    seen: Table,
    masks: dict[str, exp.Expr],
    condition: exp.Expr | None,
    dialect: str,
    definition: exp.Query | None,
) -> exp.Query:
    source = _source(table) if definition is None else exp.to_table("t2s_v")
    source.set("alias", exp.TableAlias(this=exp.to_identifier(ALIAS)))
    shown: list[exp.Expr] = [_column(column.name, masks) for column in seen.columns]
    if len(shown) == len(table.columns) and not masks:
        shown = [exp.Column(this=exp.Star(), table=exp.to_identifier(ALIAS))]  # a shorter text
    query = exp.Select(expressions=shown).from_(source)
    if definition is not None:
        columns = [exp.to_identifier(c.name, quoted=True) for c in table.columns]
        alias = exp.TableAlias(this=exp.to_identifier("t2s_v"), columns=columns)
        query.set("with_", exp.With(expressions=[exp.CTE(this=definition, alias=alias)]))
    if condition is not None:
        query.set("where", exp.Where(this=condition))
        _fence(query, dialect)
    return query


def _column(name: str, masks: dict[str, exp.Expr]) -> exp.Expr:
    mask = masks.get(name)
    return _own(name) if mask is None else exp.alias_(mask, name, quoted=True)


def _own(name: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier(ALIAS))


def _source(table: Table) -> exp.Table:
    namespace = exp.to_identifier(table.namespace, quoted=True) if table.namespace else None
    return exp.Table(this=exp.to_identifier(table.name, quoted=True), db=namespace)


def _fence(query: exp.Query, dialect: str) -> None:
    if dialect == "sqlite":
        query.set("limit", exp.Limit(expression=exp.Neg(this=exp.Literal.number(1))))
    else:
        query.set("offset", exp.Offset(expression=exp.Literal.number(0)))


def _said(
    table: Table, masks: dict[str, exp.Expr], condition: exp.Expr | None, dialect: str
) -> tuple[str, ...]:
    said = []
    if condition is not None:
        shown = condition.copy()
        for column in shown.find_all(exp.Column):
            if column.table == ALIAS:
                column.set("table", None)
        said.append(f"{table.full_name}: only rows where {shown.sql(dialect)}")
    return (*said, *(f"{table.full_name}.{name}: masked" for name in masks))


def _reads(table: Table, query: exp.Query) -> Pairs:
    """Return what a guard reads; of a view as the database computes it nobody knows."""
    if table.view:
        return _all_columns(table)
    names = {column.name.casefold() for column in query.find_all(exp.Column)}
    tables, own = {t.name.casefold() for t in query.find_all(exp.Table)}, table.name.casefold()
    starred = {
        isinstance(star.parent, exp.Column) and star.parent.table == ALIAS
        for star in query.find_all(exp.Star)
    }  # True: the table's own, False: another one's, in a condition
    found = {(t, name) for t in tables for name in (*names, "")}
    return frozenset(found | {(t, EVERY) for t in tables if (t == own) in starred})


def _all_columns(table: Table) -> Pairs:
    return frozenset({(EVERY, EVERY) if table.view else (table.name.casefold(), EVERY)})


def parse_query(sql: str, dialect: str) -> exp.Query | None:
    """Return the tree of one query; None for anything else."""
    try:
        check_joins(sql)
        trees = sqlglot.parse(sql, read=dialect)
    except UNREADABLE:
        return None
    return trees[0] if len(trees) == 1 and isinstance(trees[0], exp.Query) else None
