"""Write a SQLite query for DuckDB, so that it gives the same rows on the same data.

    >>> port('SELECT name FROM singer WHERE country = "France" GROUP BY country', schema)
    'SELECT FIRST("singer"."name") AS "name" FROM ...'

`schema` is that of the SQLite file, as `read_schema` gives it; the DuckDB file is one that
`text2sql.porting.loading` made of it. The steps are `RULES` on the whole, `SHAPES` on each
query, then `sqlite_expressions.HANDLERS` on its expressions.

Covered: double-quoted strings; aliases and ordinals wherever SQLite sees them; columns that are
neither grouped nor aggregated; sets that mix types; subqueries of several rows where one is taken;
NATURAL joins; LIMIT; ties, as SQLite would break them (`row_order`).
Not covered: collations that columns declare, which a schema does not hold. `PortError`: recursive
WITH, VALUES, rowid, views, IN with the name of a table, joins and queries in parentheses in FROM
but for plain `(SELECT ...)`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from text2sql.limits import check_joins
from text2sql.porting.expressions import port_expression, port_order
from text2sql.porting.row_order import (
    break_ties,
    group_distinct_rows,
    is_scalar,
    pick_bare_columns,
    sources_of,
    spell_out_order,
)
from text2sql.porting.values import (
    NUMBERS,
    NUMERIC_OR_TEXT,
    Output,
    PortError,
    Scope,
    any_kind,
    build,
    declared_affinity,
    kind_of,
    size_of,
    sort_key,
    truth,
    value,
)
from text2sql.schema.canonical import canonicalise, prepared_schema
from text2sql.schema.model import Column, Schema, Table
from text2sql.unreadable import UNREADABLE

__all__ = ["RULES", "SHAPES", "PortError", "port", "porter"]

# what a column became in DuckDB -> its kind, and how it is read so that its values are SQLite's
_READ = {
    "BIGINT": ("integer", ":x"),
    "DOUBLE": ("real", ":x"),
    "VARCHAR": ("text", ":x"),
    "BLOB": ("blob", ":x"),
    "BOOLEAN": ("integer", "CAST(:x AS BIGINT)"),
    "DATE": ("text", "CAST(:x AS VARCHAR)"),
    "TIMESTAMP": ("text", "CAST(:x AS VARCHAR)"),
    "MIXED": ("any", NUMERIC_OR_TEXT),
}
_SUPPOSED = {"integer": "BIGINT", "real": "DOUBLE", "numeric": "DOUBLE", "text": "VARCHAR"}

Stored = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Context:
    """What the rules know of a database."""

    schema: Schema
    names: MappingSchema
    tables: Mapping[str, tuple[Output, ...]]  # by name in lower case

    @classmethod
    def of(cls, schema: Schema, stored: Stored | None) -> "Context":
        """Read a schema; without `stored` the declared types are taken for what DuckDB has."""
        names = prepared_schema(schema)
        tables = {
            table.name.lower(): tuple(_output(table, column, stored) for column in table.columns)
            for table in schema.tables
            if not table.view
        }
        return cls(schema, names, tables)


def port(sql: str, schema: Schema, *, stored: Stored | None = None) -> str:
    """Return DuckDB's SQL for a SQLite query.

    Args:
        sql: one query.
        schema: of the SQLite database.
        stored: what each column became, `Loaded.stored`; by default the declared types.

    Raises:
        PortError: the query cannot be read, names what the schema lacks, or has no counterpart.
    """
    return porter(schema, stored=stored)(sql)


def porter(schema: Schema, *, stored: Stored | None = None) -> Callable[[str], str]:
    """Return `port` for one database; it remembers what it has ported."""
    context = Context.of(schema, stored)

    @lru_cache(maxsize=4096)
    def known(sql: str) -> tuple[str, str | None]:
        try:
            return _port(sql, context), None
        except PortError as error:
            return "", str(error)
        except RecursionError:
            return "", "the query is nested too deeply"

    def port_one(sql: str) -> str:
        found, reason = known(sql)
        if reason is not None:
            raise PortError(reason)
        return found

    return port_one


def _port(sql: str, context: Context) -> str:
    tree = _read(sql, context)
    for rule in RULES:
        tree = rule(tree, context)
    return tree.sql("duckdb")


def _read(sql: str, context: Context) -> exp.Expr:
    try:
        check_joins(sql)
        trees = sqlglot.parse(canonicalise(sql, context.schema, dialect="sqlite"), read="sqlite")
    except RecursionError:
        raise
    except UNREADABLE as error:
        raise PortError(f"cannot be read: {_first_line(error)}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise PortError("one query is expected")
    foreign = trees[0].find(exp.First)  # our own sign, see `_picked`
    if foreign is not None:
        raise PortError(f"no function {foreign.sql_name().lower()} in SQLite")
    return trees[0]


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _output(table: Table, column: Column, stored: Stored | None) -> Output:
    affinity = declared_affinity(column.type)
    supposed = _SUPPOSED.get(affinity or "", "VARCHAR")
    held = (stored or {}).get((table.name.lower(), column.name.lower()), supposed)
    kind, read_as = _READ[held]
    if kind == "real" and affinity in ("integer", "numeric"):
        kind = "numeric"  # SQLite turned what is whole among them into integers
    compared = affinity if affinity in (None, "text") else "numeric"
    leads_key = table.primary_key[:1] == (column.name,)
    return Output(column.name.lower(), kind, compared, read_as, leads_key)


# Rules on the whole tree


def natural_joins(tree: exp.Expr, context: Context) -> exp.Expr:
    """Name the columns of NATURAL joins: those that a table shares with one before it."""
    for select in list(tree.find_all(exp.Select)):
        joins = select.args.get("joins") or []
        before = [select.args["from_"].this] if joins else []
        for join in joins:
            if join.method.upper() == "NATURAL":
                known = {name for source in before for name in _names(source, context)}
                shared = [name for name in _names(join.this, context) if name in known]
                join.set("method", None)
                join.set("using", [exp.to_identifier(name, quoted=True) for name in shared])
            before.append(join.this)
    return tree


def _names(source: exp.Expr, context: Context) -> list[str]:
    outputs = context.tables.get(source.name.lower()) if isinstance(source, exp.Table) else None
    if outputs is None:
        raise PortError("a NATURAL join of something other than tables")
    return [output.name for output in outputs]


def qualified(tree: exp.Expr, context: Context) -> exp.Expr:
    """Say of each column whose it is; write out `*`, and what aliases and ordinals stand for."""
    try:
        return qualify(tree, schema=context.names, dialect="sqlite", identify=True)
    except RecursionError:
        raise
    except (*UNREADABLE, KeyError) as error:
        raise PortError(_first_line(error)) from None


def values(tree: exp.Expr, context: Context) -> exp.Expr:
    """Port each query from the inside out, and make the outermost result plain values."""
    port_query(tree, Scope(port_query, context.tables))
    query = tree
    while isinstance(query, exp.Subquery):
        query = query.this
    if isinstance(query, exp.Select) and not query.args.get("distinct"):
        for projection in query.expressions:
            inner = projection.unalias()
            plain = _PLAIN.get(kind_of(inner))
            if plain and size_of(inner) < _SHORT:
                inner.replace(build(plain, "any", x=inner))
    return tree


_SHORT = 100  # nodes: of a longer expression 3.0 may stand for 3

# SQLite gives 3, 2.5 and 'a' out of one column, where DuckDB has 3.0, 2.5 and 'a'
_MEMBERS = "UNION(i BIGINT, d DOUBLE, s VARCHAR)"
_WHOLE = "WHEN {0} = trunc({0}) AND abs({0}) < 9e15 THEN CAST(CAST({0} AS BIGINT) AS {1})"
_DIGITS = "union_extract(:x, 'n')"
_PLAIN = {
    "numeric": (
        f"CASE {_WHOLE.format(':x', _MEMBERS)}"
        f" WHEN NOT :x IS NULL THEN CAST(CAST(:x AS DOUBLE) AS {_MEMBERS}) END"
    ),
    "any": (
        f"CASE {_WHOLE.format(_DIGITS, _MEMBERS)}"
        f" WHEN union_tag(:x) = 'n' THEN CAST(union_extract(:x, 'n') AS {_MEMBERS})"
        f" WHEN NOT :x IS NULL THEN CAST(union_extract(:x, 's') AS {_MEMBERS}) END"
    ),
}

RULES: tuple[Callable[[exp.Expr, Context], exp.Expr], ...] = (natural_joins, qualified, values)


# Queries


def port_query(query: exp.Expr, scope: Scope) -> list[Output]:
    """Port a query in place and return its columns."""
    if isinstance(query, exp.Subquery):
        return _port_parenthesis(query, scope)
    scope = _with_queries(query, scope)
    if isinstance(query, exp.SetOperation):
        return _port_set_operation(query, scope)
    if isinstance(query, exp.Select):
        return _port_select(query, scope)
    raise PortError(f"no form for {query.key.upper()}")


def _port_parenthesis(query: exp.Subquery, scope: Scope) -> list[Output]:
    outputs = port_query(query.this, scope)
    if query.args.get("order") or query.args.get("limit"):
        raise PortError("ORDER BY or LIMIT after a parenthesis")
    return outputs


def _with_queries(query: exp.Expr, scope: Scope) -> Scope:
    clause = query.args.get("with_")
    if clause is None:
        return scope
    if clause.args.get("recursive") and any(_is_recursive(cte) for cte in clause.expressions):
        raise PortError("a recursive WITH")
    queries = dict(scope.queries)
    for cte in clause.expressions:
        outputs = port_query(cte.this, replace(scope, queries=queries))
        queries[cte.alias.lower()] = _renamed(outputs, cte.alias_column_names)
    return replace(scope, queries=queries)


def _is_recursive(cte: exp.CTE) -> bool:
    return any(table.name.lower() == cte.alias.lower() for table in cte.this.find_all(exp.Table))


def _renamed(outputs: Iterable[Output], names: list[str]) -> tuple[Output, ...]:
    """Return the columns as seen from outside: whatever they are, they are read as they come."""
    outputs = list(outputs)
    names = names or [output.name for output in outputs]
    return tuple(
        Output(name.lower(), output.kind, output.affinity)
        for name, output in zip(names, outputs, strict=False)
    )


def _port_select(select: exp.Select, scope: Scope) -> list[Output]:
    inner = scope.within(_sources(select, scope))
    for reshape in SHAPES:
        reshape(select, inner)
    for join in select.args.get("joins") or ():
        _port_join(join, inner)
    for key in ("where", "having"):
        clause = select.args.get(key)
        if clause is not None:
            clause.set("this", truth(port_expression(clause.this, inner)).copy())
    group = select.args.get("group")
    if group is not None:
        keys = [sort_key(port_expression(key, inner)) for key in group.expressions]
        group.set("expressions", [key.copy() for key in keys])
    if select.args.get("order"):
        order = port_order(select.args["order"], inner)
        select.set("order", order if order.expressions else None)
    _port_limit(select)
    return _port_projections(select, inner)


def postpone_conditions(select: exp.Select, scope: Scope) -> None:
    """Move conditions of joins that speak of later tables to WHERE, where they mean the same."""
    joins = select.args.get("joins") or []
    coming = [join.this.alias_or_name.lower() for join in joins]
    for place, join in enumerate(joins):
        condition = join.args.get("on")
        if condition is None or not any(
            column.table.lower() in coming[place + 1 :] for column in condition.find_all(exp.Column)
        ):
            continue
        if any(other.side for other in joins):
            raise PortError("a condition of an outer join that speaks of a later table")
        select.where(join.args["on"].pop(), copy=False)


# what is done to a query before its expressions are ported, in this order
SHAPES: tuple[Callable[[exp.Select, Scope], None], ...] = (
    spell_out_order,
    group_distinct_rows,
    break_ties,
    pick_bare_columns,
    postpone_conditions,
)


def _port_join(join: exp.Join, scope: Scope) -> None:
    condition = join.args.get("on")
    if condition is not None:
        join.set("on", truth(port_expression(condition, scope)).copy())
    elif not join.args.get("using"):  # SQLite needs no condition
        join.set("kind", None if join.side else "CROSS")
        join.set("on", exp.true() if join.side else None)


def _sources(select: exp.Select, scope: Scope) -> dict[str, tuple[Output, ...]]:
    found = {}
    for source in sources_of(select):
        in_one = isinstance(source, exp.Subquery) and not isinstance(source.this, exp.Subquery)
        if in_one and isinstance(source.this, exp.Query):
            names = source.alias_column_names
            found[source.alias.lower()] = _renamed(port_query(source.this, scope), names)
            continue
        name = source.name.lower()
        outputs = scope.queries.get(name) or scope.tables.get(name)
        if not isinstance(source, exp.Table) or outputs is None:
            raise PortError(f"no form for the source {source.sql('sqlite')[:60]}")
        found[source.alias_or_name.lower()] = tuple(outputs)
    return found


def _port_projections(select: exp.Select, scope: Scope) -> list[Output]:
    outputs, made = [], []
    for place, projection in enumerate(select.expressions):
        inner = value(port_expression(projection.unalias(), scope)).copy()
        name = projection.alias_or_name or f"_col_{place}"
        outputs.append(Output(name.lower(), kind_of(inner), inner.meta.get("affinity")))
        made.append(exp.alias_(inner, name, quoted=True, copy=False))
    select.set("expressions", made)
    return outputs


def _port_limit(query: exp.Expr) -> None:
    """A negative LIMIT is none in SQLite."""
    for key in ("limit", "offset"):
        clause = query.args.get(key)
        if clause is None:
            continue
        count = clause.expression
        if isinstance(count, exp.Neg):
            query.set(key, None)
        elif not isinstance(count, exp.Literal) or count.is_string:
            raise PortError(f"{key.upper()} that is no number")


# UNION, INTERSECT, EXCEPT


def _port_set_operation(query: exp.SetOperation, scope: Scope) -> list[Output]:
    if is_scalar(query) and not query.args.get("limit"):
        query.set("limit", exp.Limit(expression=exp.Literal.number(1)))
    _match_order(query)
    left, right = query.this, query.expression
    ours, theirs = port_query(left, scope), port_query(right, scope)
    if len(ours) != len(theirs):
        raise PortError("the sides of a set operation have different numbers of columns")
    outputs = []
    for place, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        kinds = {one.kind, other.kind} - {"null"}
        kind = next(iter(kinds), "null") if len(kinds) < 2 else "numeric"
        if len(kinds) == 2 and not kinds <= NUMBERS:
            kind = "any"
            for side in (left, right):
                _convert(side, place)
        outputs.append(Output(one.name, kind, one.affinity))
    _port_limit(query)
    return outputs


def _match_order(query: exp.SetOperation) -> None:
    """Make the terms of ORDER BY places in the list; equal rows follow by their other columns."""
    first: exp.Expr = query
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    assert isinstance(first, exp.Select)
    names = [projection.alias_or_name.lower() for projection in first.selects]
    shown = [projection.unalias() for projection in first.selects]
    order = query.args.get("order")
    places = []
    for term in order.expressions if order else ():
        place = _place(term.this, names, shown)
        places.append(place)
        term.set("this", exp.Literal.number(place))
    if (order or query.args.get("limit")) and query.args.get("distinct"):
        rest = [place for place in range(1, len(names) + 1) if place not in places]
        terms = [exp.Ordered(this=exp.Literal.number(place), nulls_first=True) for place in rest]
        written = [term.copy() for term in order.expressions] if order else []
        query.set("order", exp.Order(expressions=[*written, *terms]))


def _place(term: exp.Expr, names: list[str], shown: list[exp.Expr]) -> int:
    if isinstance(term, exp.Literal) and not term.is_string:
        return int(term.name)
    if isinstance(term, exp.Column) and term.name.lower() in names:
        return names.index(term.name.lower()) + 1
    if term in shown:
        return shown.index(term) + 1
    raise PortError(f"ORDER BY {term.sql('sqlite')[:60]} names no column of the set operation")


def _convert(query: exp.Expr, place: int) -> None:
    """Make a column of a ported query hold values with their types."""
    if isinstance(query, exp.Subquery):
        _convert(query.this, place)
    elif isinstance(query, exp.SetOperation):
        _convert(query.this, place)
        _convert(query.expression, place)
    elif isinstance(query, exp.Select):
        projection = query.selects[place]
        made = exp.alias_(any_kind(projection.unalias()).copy(), projection.alias, quoted=True)
        query.expressions[place].replace(made)
