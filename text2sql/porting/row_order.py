"""Which row SQLite would take where SQL leaves it open, said in the query itself.

    SELECT name FROM singer GROUP BY country ORDER BY count(*)
    SELECT FIRST(name) AS name FROM singer GROUP BY country ORDER BY COUNT(*), country

A column that is neither grouped nor aggregated, equal rows under ORDER BY, a LIMIT without order:
SQLite settles them by the order in which it visits rows, and that follows from the query: groups
come sorted by their keys, tables are scanned by rowid, and a table with a fitting primary key is
the inner loop. The DuckDB file has its rows in the order of the SQLite file.

Sources: sqlite.org lang_select (bare columns), optoverview; select.c of SQLite 3.40 (the direction
of GROUP BY follows ORDER BY where both have as many terms).

Covered: one table, and joins whose order a primary key settles.
Not covered: what else SQLite's planner weighs: statistics, other indexes, conditions.
"""

from collections.abc import Iterator

from sqlglot import exp

from text2sql.porting.values import Scope, typed


def sources_of(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield what a query selects from, in the order of the text."""
    origin = select.args.get("from_")
    if origin is not None:
        yield origin.this
    for join in select.args.get("joins") or ():
        yield join.this


def spell_out_order(select: exp.Select, scope: Scope) -> None:
    """Put what output names stand for into ORDER BY."""
    named = {p.alias.lower(): p.unalias() for p in select.expressions if p.alias}
    order = select.args.get("order")
    for column in list(order.find_all(exp.Column)) if order else ():
        if not column.table and column.name.lower() in named and _owner(column) is select:
            meant = named[column.name.lower()].copy()
            column.replace(meant if isinstance(column.parent, exp.Ordered) else exp.paren(meant))


def _owner(node: exp.Expr) -> exp.Expr | None:
    return node.find_ancestor(exp.Select)


def _aggregates(select: exp.Select) -> list[exp.Expr]:
    """Return the aggregates of a query, in the order in which SQLite looks for them."""
    clauses = [*select.expressions, select.args.get("order"), select.args.get("having")]
    return [
        node
        for clause in clauses
        if clause is not None
        for node in clause.find_all(exp.AggFunc, exp.Anonymous, bfs=False)
        if _is_aggregate(node) and _owner(node) is select
    ]


def _is_aggregate(node: exp.Expr) -> bool:
    if isinstance(node.parent, exp.Window) and node.arg_key == "this":
        return False
    if isinstance(node, exp.Anonymous):
        return node.name.lower() == "total"
    return isinstance(node, exp.Count | exp.Sum | exp.Avg | exp.Min | exp.Max | exp.GroupConcat)


def group_distinct_rows(select: exp.Select, scope: Scope) -> None:
    """Make DISTINCT rows that are ordered or cut groups, which can be ordered by anything."""
    cut = select.args.get("order") or select.args.get("limit")
    if not (select.args.get("distinct") and cut) or select.args.get("group"):
        return
    if _aggregates(select) or select.find(exp.Window):
        return
    keys = [p.unalias() for p in select.expressions]
    if any(isinstance(key, exp.Literal | exp.Null) for key in keys):
        return
    select.set("distinct", None)
    select.set("group", exp.Group(expressions=[key.copy() for key in keys]))
    select.meta["was_distinct"] = True


def break_ties(select: exp.Select, scope: Scope) -> None:
    """Order equal rows as SQLite meets them: by group keys, else by the rows of the outer loop."""
    order = select.args.get("order")
    if is_scalar(select) and not select.args.get("limit") and not _gives_one_row(select):
        select.set("limit", exp.Limit(expression=exp.Literal.number(1)))
    if not (order or select.args.get("limit")) or select.args.get("distinct"):
        return
    if _gives_one_row(select) or select.find(exp.Window):
        return
    written = order.expressions if order else []
    known = [term.this for term in written]
    more = [term for term in _tie_terms(select, scope, written) if term.this not in known]
    if written or more:
        select.set("order", exp.Order(expressions=[*(t.copy() for t in written), *more]))


def _tie_terms(select: exp.Select, scope: Scope, written: list[exp.Expr]) -> list[exp.Ordered]:
    group = select.args.get("group")
    if group is None:
        return [exp.Ordered(this=row, nulls_first=True) for row in _visited_rows(select, scope)]
    if select.meta.get("was_distinct"):
        rows = _visited_rows(select, scope)[:1]
        return [exp.Ordered(this=typed(exp.Min(this=row), "integer")) for row in rows]
    # SQLite sorts groups in the directions of ORDER BY where both have as many terms (select.c)
    alike = len(written) == len(group.expressions)
    alike = alike and not _come_sorted(group.expressions, select, scope)
    desc = [bool(alike and term.args.get("desc")) for term in written if alike]
    desc = desc or [False] * len(group.expressions)
    return [
        exp.Ordered(this=key.copy(), desc=down, nulls_first=not down)
        for key, down in zip(group.expressions, desc, strict=True)
    ]


def is_scalar(query: exp.Query) -> bool:
    """Tell whether a query stands for one value: SQLite takes its first row."""
    if not isinstance(query.parent, exp.Subquery):
        return False
    outer: exp.Expr = query.parent
    while isinstance(outer.parent, exp.Subquery):
        outer = outer.parent
    if isinstance(outer.parent, exp.In):
        return outer.arg_key != "query"
    rows = exp.From | exp.Join | exp.SetOperation | exp.Exists | exp.CTE | None
    return not isinstance(outer.parent, rows)


def _gives_one_row(select: exp.Select) -> bool:
    return not select.args.get("group") and bool(_aggregates(select))


def _visited_rows(select: exp.Select, scope: Scope) -> list[exp.Expr]:
    """Return the row numbers of the tables, outer loops first; none where a source has none."""
    tables = _loops(select, scope)
    if any(not isinstance(t, exp.Table) or t.name.lower() in scope.queries for t in tables):
        return []
    names = [table.alias_or_name.lower() for table in tables]
    if any(output.name == "rowid" for name in names for output in scope.sources[name]):
        return []
    return [typed(exp.column("rowid", name, quoted=True), "integer") for name in names]


def _loops(select: exp.Select, scope: Scope) -> list[exp.Expr]:
    """Return the sources, outer loops first.

    SQLite would rather look a table up by its primary key than scan it, so such tables are inside.
    """
    sources = list(sources_of(select))
    if any(join.side for join in select.args.get("joins") or ()):
        return sources
    looked_up = {
        column.table.lower()
        for pair in _joined_columns(select, scope)
        for column in pair
        if scope.find(column).leads_key
    }
    return sorted(sources, key=lambda source: source.alias_or_name.lower() in looked_up)


def _joined_columns(select: exp.Select, scope: Scope) -> Iterator[tuple[exp.Column, exp.Column]]:
    """Yield the columns of two sources that have to be equal, where an index could be used."""
    clauses = [join.args.get("on") for join in select.args.get("joins") or ()]
    where = select.args.get("where")
    for clause in (*clauses, where.this if where else None):
        for test in clause.flatten() if isinstance(clause, exp.And) else [clause]:
            if not isinstance(test, exp.EQ):
                continue
            left, right = test.left, test.right
            if not (isinstance(left, exp.Column) and isinstance(right, exp.Column)):
                continue
            own = left.table.lower() in scope.sources and right.table.lower() in scope.sources
            own = own and left.table != right.table
            if own and scope.find(left).affinity == scope.find(right).affinity:
                yield left, right


def _come_sorted(keys: list[exp.Expr], select: exp.Select, scope: Scope) -> bool:
    """Tell whether the outer loop, by its primary key, visits rows in the order of the groups."""
    loops = _loops(select, scope)
    if not isinstance(keys[0], exp.Column) or not loops:
        return False
    outer = loops[0].alias_or_name.lower()
    equal = [keys[0]]
    for pair in _joined_columns(select, scope):
        if keys[0] in pair:
            equal += pair
    return any(column.table.lower() == outer and scope.find(column).leads_key for column in equal)


def pick_bare_columns(select: exp.Select, scope: Scope) -> None:
    """Say which row gives the columns that are neither grouped nor aggregated.

    It is the row of the last min() or max(), as https://sqlite.org/lang_select.html#bareagg has it
    for one of them, and the first row that SQLite visits among these.
    """
    group = select.args.get("group")
    aggregates = _aggregates(select)
    if group is None and not aggregates:
        return
    extremes = [node for node in aggregates if isinstance(node, exp.Min | exp.Max)]
    joined = len(list(sources_of(select))) > 1
    terms = [
        exp.Ordered(this=row)
        for row in (_visited_rows(select, scope) if joined or extremes else [])
    ]
    if extremes:
        by, desc = extremes[-1].this.copy(), isinstance(extremes[-1], exp.Max)
        terms.insert(0, exp.Ordered(this=by, desc=desc, nulls_first=False))
    clauses = [*select.expressions, select.args.get("order"), select.args.get("having")]
    keys = group.expressions if group else []
    for clause in clauses:
        if clause is not None:
            for column in list(_bare(clause, scope, keys)):
                column.replace(_picked(column, terms))


def _bare(node: exp.Expr, scope: Scope, keys: list[exp.Expr]) -> Iterator[exp.Column]:
    if node in keys or _is_aggregate(node) or isinstance(node, exp.Query | exp.Filter):
        return
    if isinstance(node, exp.Column):
        if node.table.lower() in scope.sources:
            yield node
        return
    for child in node.iter_expressions():
        yield from _bare(child, scope, keys)


def _picked(column: exp.Column, terms: list[exp.Ordered]) -> exp.Expr:
    if not terms:
        return exp.First(this=column.copy())
    ordered = [term.copy() for term in terms]
    return exp.First(this=exp.Order(this=column.copy(), expressions=ordered))
