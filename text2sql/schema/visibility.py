"""Tell whether a bare name in a SQLite query names something, by SQLite's own rules of scope.

SQLite takes a double-quoted name that it cannot resolve for a string (https://sqlite.org/quirks.html,
section 8), so the answer needs exactly its rules: `lookupName` in its source file resolve.c.

Covered: tables, views, CTEs, recursive ones too, derived tables, set operations, correlated
subqueries, rowid, json_each, columns that a reduction of the schema left out; output names in
WHERE, GROUP BY, HAVING, ORDER BY and ON, where SQLite sees them.
Not covered: a source whose columns are unknown, such as a table that the schema lacks: any name may
be its column.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase
from typing import cast

from sqlglot import exp

from text2sql.schema.model import Schema

ROWID_NAMES = frozenset({"rowid", "oid", "_rowid_"})
CATALOGUE = frozenset({"type", "name", "tbl_name", "rootpage", "sql"})
_JSON_ROWS = frozenset(
    {"key", "value", "type", "atom", "id", "parent", "fullkey", "path", "json", "root"}
)
TABLE_FUNCTIONS = {
    "json_each": _JSON_ROWS,
    "json_tree": _JSON_ROWS,
    "jsonb_each": _JSON_ROWS,
    "jsonb_tree": _JSON_ROWS,
    "generate_series": frozenset({"value", "start", "stop", "step"}),
}
# of FTS5: they take the table's own name as a column
_TABLE_NAME_ARGUMENT = frozenset({"bm25", "highlight", "snippet"})

Names = frozenset[str] | None  # None: unknown, any name may be in it
_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)


def fold(name: str) -> str:
    """Return a name as SQLite compares it: of all letters it takes A to Z for a to z, no others."""
    return name.lower() if name.isascii() else name.translate(_SMALL)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names of a query are resolved against; output names are kept once found."""

    tables: dict[str, frozenset[str]]  # folded table name -> folded column names
    mentions: dict[str, list[exp.Expr]]  # folded name -> where the query says it
    merged: Names  # folded names by which tables are joined; None: a NATURAL JOIN may merge any
    known: dict[int, Names] = field(default_factory=dict)  # id of a query -> its output names


def scope_of(tree: exp.Expr, schema: Schema) -> Scope:
    """Return the scope in which the names of a query are resolved."""
    mentions: dict[str, list[exp.Expr]] = {}
    for found in tree.find_all(exp.Column, exp.Lambda):
        # `f(x -> y)`: to sqlglot a parameter, to SQLite a column
        names = found.expressions if isinstance(found, exp.Lambda) else [found]
        for name in names:
            mentions.setdefault(fold(name.name), []).append(name)
    return Scope(_columns_by_table(schema), mentions, _merged(tree))


def _merged(tree: exp.Expr) -> Names:
    joins = list(tree.find_all(exp.Join))
    if any(join.method == "NATURAL" for join in joins):
        return None
    return frozenset(fold(name.name) for join in joins for name in join.args.get("using") or ())


def names_something(column: exp.Column, scope: Scope) -> bool:
    """Tell whether an unqualified name refers to a column or output name that it can see."""
    name = fold(column.name)
    if _is_table_position(column):
        return True
    return any(names is None or name in names for names in _visible(column, scope))


def _columns_by_table(schema: Schema) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for table in schema.tables:
        found.setdefault(fold(table.name), set()).update(
            fold(column.name) for column in table.columns
        )
    for path in schema.left_out:  # "table.column" of a table that was kept
        for table in schema.tables:
            if path.startswith(f"{table.full_name}."):
                column = path[len(table.full_name) + 1 :]
                found[fold(table.name)].add(fold(column))
    return {name: frozenset(columns) for name, columns in found.items()}


def _is_table_position(column: exp.Column) -> bool:
    """`x IN "t"`, `"t" MATCH 'a'`, `bm25("t")`: a table stands where a column could."""
    parent = column.parent
    if isinstance(parent, exp.Anonymous):
        return fold(parent.name) in _TABLE_NAME_ARGUMENT and column.index == 0
    return (isinstance(parent, exp.In) and column.arg_key == "field") or (
        isinstance(parent, exp.Match) and column.arg_key == "this"
    )


def is_needed_output(column: exp.Column, scope: Scope) -> bool:
    """`SELECT "a" FROM (SELECT "a")`: the inner one names an output that another one may ask for.

    As a string it gives that output another name, unless it is given this one.
    """
    select = column.parent
    if not isinstance(select, exp.Select) or column.arg_key != "expressions":
        return False
    if not _feeds_a_source(select):
        return False
    name = fold(column.name)
    if scope.merged is None or name in scope.merged:
        return True
    others = scope.mentions[name]
    return any(all(node is not select for node in _around(other)) for other in others)


def _around(node: exp.Expr) -> Iterator[exp.Expr]:
    while node.parent is not None:
        node = node.parent
        yield node


def _feeds_a_source(query: exp.Query) -> bool:
    while isinstance(query.parent, exp.SetOperation):
        query = query.parent
    return _is_source(query)


def _visible(column: exp.Column, scope: Scope) -> Iterator[Names]:
    """Yield the names that each query around a column shows to it, from the inside out."""
    below: exp.Expr = column
    node = column.parent
    sees_sources = True
    while node is not None:
        if isinstance(node, exp.Select) and sees_sources:
            yield from _shown_by(node, below.arg_key or "", scope)
        elif isinstance(node, exp.SetOperation) and below.arg_key == "order":
            yield None  # the term has to match an output column, or the query is refused
        if isinstance(node, exp.Query) and not _is_join_in_parentheses(node):
            sees_sources = not _is_source(node)
        elif isinstance(node, exp.Values):
            sees_sources = not isinstance(node.parent, exp.From | exp.Join | exp.CTE)
        elif isinstance(node, exp.Join) and below.arg_key == "on":
            sees_sources = True
        below, node = node, node.parent


def _is_join_in_parentheses(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Subquery) and not isinstance(node.this, exp.Query)


def _is_source(query: exp.Query) -> bool:
    """Tell whether a query stands in FROM or WITH, where it cannot see its neighbours."""
    parent = query.parent
    if isinstance(query, exp.Subquery):
        joined = isinstance(parent, exp.Subquery) and _is_source(parent)  # FROM ((SELECT ...), t)
        return joined or isinstance(parent, exp.From | exp.Join | exp.CTE)
    if isinstance(parent, exp.Subquery):
        return _is_source(parent)
    return isinstance(parent, exp.CTE)


def _shown_by(select: exp.Select, clause: str, scope: Scope) -> Iterator[Names]:
    sources = list(_sources(select))
    for source in sources:
        yield _columns_of(source, scope)
    if sources:  # which sources show their rowid depends on SQLite's version
        yield ROWID_NAMES
    if clause != "expressions":  # SQLite hides output names from the list that defines them
        yield frozenset(fold(name) for p in select.expressions if (name := _alias(p)))


def _alias(projection: exp.Expr) -> str:
    """Return what AS calls an item; sqlglot keeps the name of its window there, too."""
    return "" if isinstance(projection, exp.Window) else projection.alias


def _sources(select: exp.Select) -> Iterator[exp.Expr]:
    origin = select.args.get("from_")
    joined = [origin, *select.args.get("joins", ()), *select.args.get("laterals", ())]
    for clause in joined:
        if clause is not None:
            yield from _flattened(clause.this if not isinstance(clause, exp.Lateral) else clause)


def _flattened(source: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the tables of a source; joins in parentheses hold several."""
    yield from _flattened(source.this) if _is_join_in_parentheses(source) else [source]
    for join in source.args.get("joins") or ():
        yield from _flattened(join.this)


def _columns_of(source: exp.Expr, scope: Scope) -> Names:
    if isinstance(source, exp.Subquery):
        return _renamed(source, _outputs(cast(exp.Query, source.this), scope))
    if isinstance(source, exp.Values):
        width = len(source.expressions[0].expressions) if source.expressions else 0
        return _renamed(source, frozenset(f"column{n}" for n in range(1, width + 1)))
    if not isinstance(source, exp.Table):
        return None
    if not isinstance(source.this, exp.Identifier):
        return TABLE_FUNCTIONS.get(_function_name(source.this))
    cte = None if source.db else _find_cte(source)
    if cte is not None:
        return _renamed(cte, _outputs(cte.this, scope))
    name = fold(source.name)
    return CATALOGUE if name in ("sqlite_master", "sqlite_schema") else scope.tables.get(name)


def _function_name(function: exp.Expr) -> str:
    if isinstance(function, exp.GenerateSeries):
        return "generate_series"
    return fold(function.name)


def _renamed(source: exp.Expr, names: Names) -> Names:
    columns = source.alias_column_names
    return frozenset(fold(name) for name in columns) if columns else names


def _find_cte(table: exp.Table) -> exp.CTE | None:
    name, node = fold(table.name), table.parent
    while node is not None:
        clause = node.args.get("with_")
        for cte in clause.expressions if clause else ():
            if fold(cte.alias) == name:
                return cast(exp.CTE, cte)
        node = node.parent
    return None


def _outputs(query: exp.Expr, scope: Scope) -> Names:
    """Return the names of a query's output columns, those of its first SELECT."""
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select):
        return None
    if id(query) not in scope.known:
        scope.known[id(query)] = frozenset()  # while it is being found: a recursive CTE asks again
        scope.known[id(query)] = _outputs_of_select(query, scope)
    return scope.known[id(query)]


def _outputs_of_select(select: exp.Select, scope: Scope) -> Names:
    found: set[str] = set()
    for projection in select.expressions:
        names = _projected(projection, select, scope)
        if names is None:
            return None
        found |= names
    return frozenset(found)


def _projected(projection: exp.Expr, select: exp.Select, scope: Scope) -> Names:
    if projection.is_star:
        return _starred(projection, select, scope)
    if _alias(projection):
        return frozenset({fold(_alias(projection))})
    if isinstance(projection, exp.Column):
        quoted = projection.this.args.get("quoted") and not projection.table
        is_string = quoted and not names_something(projection, scope)
        if is_string and not is_needed_output(projection, scope):
            return frozenset()
        return frozenset({fold(projection.name)})
    # SQLite names it by its own text, which may be quoted outside: "count(*)"
    return frozenset({fold(projection.sql("sqlite"))})


def _starred(projection: exp.Expr, select: exp.Select, scope: Scope) -> Names:
    wanted = projection.args.get("table") if isinstance(projection, exp.Column) else None
    found: set[str] = set()
    for source in _sources(select):
        if wanted is None or fold(source.alias_or_name) == fold(wanted.name):
            names = _columns_of(source, scope)
            if names is None:
                return None
            found |= names
    return frozenset(found)
