"""Near misses of a query: the same tree with one mistake in it.

    >>> [mutant.sql for mutant in draw_mutants(query, profile, count=2, random=Random(0))]
    ['SELECT singer.name AS name FROM singer AS singer WHERE singer.age >= 20', ...]

Covered: comparisons, constants, LIKE patterns, AND and OR, conditions left out, aggregates,
DISTINCT, other columns of the same table and type, order, LIMIT, joins, set operations, HAVING.
Not covered: several mistakes at once; a mutant may mean the same as its query, and nothing can tell
such a pair apart.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from sqlglot import exp

from text2sql.data.neighbours.demands import literal_value
from text2sql.data.neighbours.profiles import ColumnProfile, Profile
from text2sql.data.neighbours.queries import Query, sources

Edit = Callable[[exp.Expr], exp.Expr | None]  # changes a node in place, or returns another for it

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_NEAREST: dict[type[exp.Expr], tuple[type[exp.Expr], ...]] = {
    exp.EQ: (exp.NEQ, exp.GTE, exp.LTE),
    exp.NEQ: (exp.EQ, exp.GT),
    exp.GT: (exp.GTE, exp.LT, exp.EQ),
    exp.GTE: (exp.GT, exp.LTE, exp.EQ),
    exp.LT: (exp.LTE, exp.GT, exp.EQ),
    exp.LTE: (exp.LT, exp.GTE, exp.EQ),
}
_AGGREGATES = (exp.Max, exp.Min, exp.Avg, exp.Sum, exp.Count)
_SETS = (exp.Union, exp.Intersect, exp.Except)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A query with one mistake."""

    kind: str
    sql: str


@dataclass(frozen=True, slots=True)
class _Site:
    """A mistake that has not been made yet: making one copies the tree."""

    kind: str
    node: int  # its place in the walk over the tree
    edit: Edit


def draw_mutants(
    query: Query,
    profile: Profile,
    *,
    count: int,
    random: Random,
    exclude: frozenset[str] = frozenset(),
) -> list[Mutant]:
    """Draw near misses, every kind of mistake in turn.

    Args:
        query: to be mutated.
        profile: of its database: other columns, other values.
        count: mutants at most.
        random: where choices come from.
        exclude: SQL that is not wanted.
    """
    if query.tree is None:
        return []
    by_kind: dict[str, list[_Site]] = defaultdict(list)
    for site in _sites(query.tree, profile, random):
        by_kind[site.kind].append(site)
    for sites in by_kind.values():
        random.shuffle(sites)
    order = [sites for _, sites in sorted(by_kind.items())]
    found: dict[str, Mutant] = {}
    seen = {query.tree.sql("sqlite"), *exclude}
    while len(found) < count and any(order):
        for sites in order:
            sql = _apply(query.tree, site) if sites and (site := sites.pop()) else None
            if sql is not None and sql not in seen and len(found) < count:
                seen.add(sql)
                found[sql] = Mutant(site.kind, sql)
    return list(found.values())


def _apply(tree: exp.Query, site: _Site) -> str | None:
    copy = tree.copy()
    node = next(each for number, each in enumerate(copy.walk()) if number == site.node)
    other = site.edit(node)
    if other is not None and other is not node:
        if node is copy:
            return other.sql("sqlite")
        node.replace(other)
    return copy.sql("sqlite")


def _sites(tree: exp.Query, profile: Profile, random: Random) -> Iterator[_Site]:
    for number, node in enumerate(tree.walk()):
        for kind, finder in _FINDERS.items():
            for edit in finder(node, profile, random):
                yield _Site(kind, number, edit)


def _comparison(node: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    if type(node) in _NEAREST and not isinstance(node.parent, exp.Join):
        for other in _NEAREST[type(node)]:
            yield lambda n, o=other: o(this=n.this, expression=n.expression)  # type: ignore[misc]
    if isinstance(node, exp.Not):  # NOT IN, NOT LIKE
        yield lambda n: n.this
    if isinstance(node, exp.In | exp.Like | exp.Exists) and not isinstance(node.parent, exp.Not):
        yield lambda n: exp.Not(this=n.copy())
    if isinstance(node, exp.Between):
        yield lambda n: exp.GTE(this=n.this, expression=n.args["low"])
        yield lambda n: exp.And(
            this=exp.GT(this=n.this, expression=n.args["low"]),
            expression=exp.LT(this=n.this.copy(), expression=n.args["high"]),
        )


def _constant(node: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    if not isinstance(node, exp.Literal) or isinstance(node.parent, exp.Limit | exp.Offset):
        return
    value = literal_value(node)
    if isinstance(value, str):
        if isinstance(node.parent, exp.Like):
            return
        others: list[str | int | float] = [value.lower(), value.upper(), f"{value} "]
        others += _other_values(node, profile, random)
    else:
        step = 1 if isinstance(value, int) else 0.5
        others = [abs(value) + step, abs(value) - step]  # type: ignore[arg-type]
        others += [v for v in _other_values(node, profile, random) if not isinstance(v, str)]
    for other in dict.fromkeys(others):
        if other != value:
            yield lambda n, o=other: exp.convert(o)  # type: ignore[misc]


def _other_values(node: exp.Literal, profile: Profile, random: Random) -> list[str | int | float]:
    """Return two further values of the column that a constant is compared with."""
    columns = list(node.parent.find_all(exp.Column)) if node.parent else []
    found = _column_profile(columns[0], profile) if columns else None
    values = [v for v in found.values if isinstance(v, str | int | float)] if found else []
    return random.sample(values, min(2, len(values)))


def _pattern(node: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    if not isinstance(node, exp.Literal) or not isinstance(node.parent, exp.Like):
        return
    text = str(node.this)
    inner = text.strip("%")
    for other in dict.fromkeys((f"%{inner}%", f"{inner}%", f"%{inner}", inner)):
        if other != text:
            yield lambda n, o=other: exp.Literal.string(o)  # type: ignore[misc]


def _connective(node: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    if isinstance(node, exp.And | exp.Or) and not node.find_ancestor(exp.Join):
        other = exp.Or if isinstance(node, exp.And) else exp.And
        yield lambda n: exp.Paren(this=other(this=n.this, expression=n.expression))
        yield lambda n: n.this
        yield lambda n: n.expression


def _clause(node: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    """Leave out WHERE, HAVING, GROUP BY, ORDER BY or LIMIT, or move the limit by one."""
    if isinstance(node, exp.Select | exp.SetOperation):
        for key in ("where", "having", "group", "order", "limit"):
            if node.args.get(key) is not None and not (key == "group" and node.args.get("having")):
                yield lambda n, k=key: n.set(k, None)  # type: ignore[misc]
    if isinstance(node, exp.Limit) and isinstance(node.expression, exp.Literal):
        number = int(node.expression.this) if str(node.expression.this).isdigit() else 1
        for other in (number + 1, number - 1):
            yield lambda n, o=other: n.set("expression", exp.Literal.number(o))  # type: ignore[misc]


def _order(node: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    if isinstance(node, exp.Ordered):
        yield lambda n: n.set("desc", not n.args.get("desc"))


def _aggregate(node: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    if not isinstance(node, _AGGREGATES):
        return
    inner = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    if not isinstance(inner, exp.Star):
        for other in _AGGREGATES:
            if not isinstance(node, other):
                yield lambda n, o=other, i=inner: o(this=i.copy())  # type: ignore[misc]
    if isinstance(node, exp.Count):
        yield from _counts(node, inner, profile, random)


def _counts(node: exp.Count, inner: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    if isinstance(inner, exp.Star):
        select = node.find_ancestor(exp.Select)
        tables = sources(select, profile) if isinstance(select, exp.Select) else {}
        for alias, name in tables.items():
            column = exp.column(
                random.choice(profile.tables[name].columns).name, alias, quoted=True
            )
            yield lambda n, c=column: exp.Count(this=c.copy())  # type: ignore[misc]
            yield lambda n, c=column: exp.Count(  # type: ignore[misc]
                this=exp.Distinct(expressions=[c.copy()])
            )
        return
    yield lambda n: exp.Count(this=exp.Star())
    if isinstance(node.this, exp.Distinct):
        yield lambda n: exp.Count(this=inner.copy())
    else:
        yield lambda n: exp.Count(this=exp.Distinct(expressions=[inner.copy()]))


def _distinct(node: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    if isinstance(node, exp.Select):
        now = node.args.get("distinct")
        yield lambda n: n.set("distinct", None if now else exp.Distinct())


def _column(node: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    """Put another column of the same table and type in the place of one."""
    if not isinstance(node, exp.Column) or isinstance(node.parent, exp.Star):
        return
    table = _table_of(node, profile)
    now = _column_profile(node, profile)
    if table is None or now is None:
        return
    alike = [c for c in profile.tables[table].columns if c.kind == now.kind and c.name != now.name]
    for other in random.sample(alike, min(3, len(alike))):
        column = exp.column(other.name, node.table or None, quoted=True)
        yield lambda n, c=column: c.copy()  # type: ignore[misc]


def _projection(node: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    """Leave out a column of SELECT."""
    if isinstance(node, exp.Select) and len(node.expressions) > 1:
        for place in range(len(node.expressions)):
            yield lambda n, p=place: n.set(  # type: ignore[misc]
                "expressions", [e for i, e in enumerate(n.expressions) if i != p]
            )


def _join(node: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    if isinstance(node, exp.Join) and node.args.get("on") is not None:
        if node.side:
            yield lambda n: n.set("side", None)
        else:
            yield lambda n: n.set("side", "LEFT")
        yield lambda n: n.set("on", None)
    if isinstance(node, exp.Select) and node.args.get("joins"):
        for place in range(len(node.args["joins"])):
            yield lambda n, p=place: _drop_join(n, p)  # type: ignore[misc]


def _drop_join(select: exp.Expr, place: int) -> None:
    """Leave out a joined table; where it is needed elsewhere, the mutant does not run."""
    joins = select.args["joins"]
    select.set("joins", [join for number, join in enumerate(joins) if number != place])


def _set_operation(node: exp.Expr, profile: Profile, random: Random) -> Iterator[Edit]:
    if not isinstance(node, exp.SetOperation):
        return
    for other in _SETS:
        if not isinstance(node, other):
            yield lambda n, o=other: o(  # type: ignore[misc]
                **{k: v for k, v in n.args.items() if k != "distinct"}, distinct=True
            )
    if isinstance(node, exp.Union):
        yield lambda n: n.set("distinct", not n.args.get("distinct"))
    yield lambda n: n.this
    yield lambda n: n.expression


Finder = Callable[[exp.Expr, Profile, Random], Iterator[Edit]]

_FINDERS: dict[str, Finder] = {
    "aggregate": _aggregate,
    "clause": _clause,
    "column": _column,
    "comparison": _comparison,
    "connective": _connective,
    "constant": _constant,
    "distinct": _distinct,
    "join": _join,
    "order": _order,
    "pattern": _pattern,
    "projection": _projection,
    "set_operation": _set_operation,
}
KINDS = tuple(_FINDERS)


def _table_of(column: exp.Column, profile: Profile) -> str | None:
    """Return the table that an alias stands for in the nearest query that knows it."""
    select = column.find_ancestor(exp.Select)
    while isinstance(select, exp.Select):
        found = sources(select, profile).get(column.table)
        if found is not None:
            return found
        select = select.find_ancestor(exp.Select)
    return None


def _column_profile(column: exp.Column, profile: Profile) -> ColumnProfile | None:
    table = _table_of(column, profile)
    for each in profile.tables[table].columns if table else ():
        if each.name.casefold() == column.name.casefold():
            return each
    return None
