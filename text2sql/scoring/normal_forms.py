"""Read SQL into a normal form, in which spelling does not count.

    >>> tree = parse("SELECT s.Name FROM singer s WHERE 20 < s.age", "sqlite")
    >>> Reading("sqlite", None).read(tree).where
    (('compare', '>', ('column', 'singer', 'age'), ('literal', '20')),)

Covered: aliases stand for their tables, positions and output names for what they select; the order
of tables and of commutative operands is fixed; joins in WHERE, USING and BETWEEN are rewritten; a
double-quoted string of SQLite is a string. With the names of a schema, columns without a table find
theirs.
Not covered: equivalent queries of different build, such as IN against a join.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from text2sql.limits import check_joins
from text2sql.scoring.spider.structure import Names

LONGEST = 20_000  # characters; what is longer is a runaway output, and no tree tells more

# (head, tag, *operands); a column is ("column", table, name), a literal ("literal", text), a
# subquery ("query", Shape).
Term = tuple[Any, ...]


@lru_cache(maxsize=512)
def parse(sql: str, dialect: str) -> exp.Expr | None:
    """Return the tree of one query, not to be changed; None where sqlglot sees none."""
    if len(sql) > LONGEST:
        return None
    try:
        check_joins(sql)
        reader = Dialect.get_or_raise(dialect)
        trees = reader.parser().parse(reader.tokenize(sql), sql)
    except Exception:  # a parser of any dialect meets what a model wrote: nothing may come of it
        return None
    tree = trees[0] if len(trees) == 1 else None
    return tree if isinstance(tree, exp.Query) else None


@dataclass(frozen=True, slots=True)
class Shape:
    """One query in normal form."""

    op: str = "select"  # or that of a set operation, such as "union all"
    sides: tuple["Shape", ...] = ()  # of a set operation
    distinct: bool = False
    select: tuple[Term, ...] = ()
    tables: tuple[str, ...] = ()  # sorted; a self-join has a table twice
    derived: tuple["Shape", ...] = ()  # queries in FROM
    joins: frozenset[Term] = frozenset()  # equalities of columns of two tables
    outer: tuple[str, ...] = ()  # outer joins, sorted
    where: tuple[Term, ...] = ()  # operands of the AND
    group: frozenset[Term] = frozenset()
    having: tuple[Term, ...] = ()
    order: tuple[Term, ...] = ()
    limit: tuple[Term, ...] = ()  # with the offset

    def all_tables(self) -> Iterator[str]:
        """Yield the tables of the query and of those in it."""
        yield from self.tables
        for shape in (*self.sides, *self.derived):
            yield from shape.all_tables()
        for term in (*self.select, *self.where, *self.having, *self.order):
            for part in parts(term):
                if part[0] == "query":
                    yield from part[1].all_tables()


def parts(term: Term) -> Iterator[Term]:
    """Yield a term and those in it, queries closed."""
    yield term
    for operand in term[2:]:
        if isinstance(operand, tuple):
            yield from parts(operand)


_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NEGATED = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_RANKS = {"column": 0, "literal": 2, "query": 3}  # the column to the left, the value to the right
_COMMUTATIVE = {"add", "mul"}
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Source:
    """What a name in FROM stands for."""

    alias: str
    table: str | None  # None: a derived table or CTE
    columns: Mapping[str, Term] = field(default_factory=dict)  # of one that has no table
    place: int = 1  # among the sources with the same table


@dataclass(slots=True)
class _Scope:
    """The names that a query sees."""

    outer: "_Scope | None" = None
    ctes: dict[str, tuple[Shape, dict[str, Term]]] = field(default_factory=dict)
    sources: list[_Source] = field(default_factory=list)
    outputs: dict[str, Term] = field(default_factory=dict)  # aliases of the select list

    def find(self, alias: str) -> _Source | None:
        """Return the source of that name, the innermost first."""
        own = next((source for source in self.sources if source.alias == alias), None)
        return own or (self.outer.find(alias) if self.outer else None)

    def visible(self) -> Iterator[_Source]:
        """Yield every source, the innermost first."""
        yield from self.sources
        if self.outer:
            yield from self.outer.visible()


@dataclass(slots=True)
class Reading:
    """One statement being read, and what was noticed on the way."""

    dialect: str
    names: Names | None
    loose: frozenset[str] = frozenset()  # columns that are compared without their tables
    exact: bool = False  # the second of a self-join is "person 2", '1970' is not 1970
    homeless: frozenset[str] = frozenset()  # columns whose table the text does not tell
    unknown_tables: bool = False
    unknown_columns: bool = False

    def unknown(self) -> set[str]:
        """Return the classes of what the database does not have."""
        seen = (("unknown table", self.unknown_tables), ("unknown column", self.unknown_columns))
        return {name for name, is_so in seen if is_so}

    def read(self, tree: exp.Expr) -> Shape:
        """Return the normal form of a whole statement."""
        return self.query(tree, _Scope())

    def query(self, tree: exp.Expr, outer: _Scope) -> Shape:
        while isinstance(tree, exp.Subquery | exp.Paren):
            tree = tree.this
        scope = _Scope(outer, dict(outer.ctes))
        for cte in tree.args["with_"].expressions if tree.args.get("with_") else ():
            body = self.query(cte.this, scope)
            scope.ctes[cte.alias.lower()] = (body, _outputs(cte.this, body, cte.args["alias"]))
        if isinstance(tree, exp.SetOperation):
            return self.set_operation(tree, scope)
        if isinstance(tree, exp.Select):
            return self.select(tree, scope)
        return Shape(tree.key, select=(self.generic(tree, scope),))

    def set_operation(self, tree: exp.Expr, scope: _Scope) -> Shape:
        left, right = (self.query(tree.args[key], scope) for key in ("this", "expression"))
        scope.outputs = _outputs(tree.this, left)
        return Shape(
            f"{tree.key} all" if tree.args.get("distinct") is False else tree.key,
            (left, right),
            order=self.order(tree, scope, leftmost(left).select),
            limit=self.limit(tree, scope),
        )

    def select(self, tree: exp.Expr, scope: _Scope) -> Shape:
        sources = list(_sources(tree))
        derived = [shape for source, _ in sources if (shape := self.source(source, scope))]
        items = tuple(self.term(item, scope) for item in tree.expressions)
        scope.outputs = {
            item.alias.lower(): term
            for item, term in zip(tree.expressions, items, strict=True)
            if isinstance(item, exp.Alias)
        }
        joins, where = self.conditions(tree, sources, scope)
        group = tree.args.get("group")
        having = tree.args.get("having")
        return Shape(
            distinct=bool(tree.args.get("distinct")),
            select=items,
            tables=tuple(sorted(s.table for s in scope.sources if s.table)),
            derived=tuple(derived),
            joins=frozenset(joins),
            outer=tuple(sorted(_outer_joins(sources))),
            where=where,
            group=frozenset(self.position(g, scope, items) for g in group or ()),
            having=tuple(_sorted(self.conjuncts(having.this, scope))) if having else (),
            order=self.order(tree, scope, items),
            limit=self.limit(tree, scope),
        )

    def source(self, node: exp.Expr, scope: _Scope) -> Shape | None:
        """Put one source of FROM into the scope; return it if it is a query."""
        name = node.name.lower() if isinstance(node, exp.Table) else ""
        alias = (node.alias or name).lower()
        if not name or name in scope.ctes:
            body, columns = scope.ctes[name] if name else self.derived(node, scope)
            scope.sources.append(_Source(alias, None, columns))
            return body
        place = 1 + sum(source.table == name for source in scope.sources)
        scope.sources.append(_Source(alias, name, place=place))
        self.unknown_tables |= self.names is not None and name not in self.names.columns
        return None

    def derived(self, node: exp.Expr, scope: _Scope) -> tuple[Shape, dict[str, Term]]:
        body = self.query(node, _Scope(scope.outer, scope.ctes))
        return body, _outputs(node, body, node.args.get("alias"))

    def conditions(
        self, tree: exp.Expr, sources: Iterable[tuple[exp.Expr, exp.Join | None]], scope: _Scope
    ) -> tuple[list[Term], tuple[Term, ...]]:
        """Return the equalities that join, and all other conditions of FROM and WHERE."""
        where = tree.args.get("where")
        trees = [join.args["on"] for _, join in sources if join and join.args.get("on")]
        joins: list[Term] = []
        others: list[Term] = []
        for part in (p for t in [*trees, *([where.this] if where else [])] for p in _operands(t)):
            is_join = isinstance(part, exp.EQ) and self.joins_two(part, scope)
            found = self.condition(part, scope)
            # sqlglot writes ON TRUE where a JOIN has no condition
            (joins if is_join else others).extend(t for t in found if t != ("literal", "true"))
        for place, (_, join) in enumerate(sources):
            for column in (join.args.get("using") or ()) if join else ():
                joins.append(self.using(column.name.lower(), place, scope))
        return joins, tuple(_sorted(others))

    def joins_two(self, part: exp.EQ, scope: _Scope) -> bool:
        """Tell whether an equality is one of columns of two sources."""
        owners = [
            self.owner(side, scope)
            for side in (part.this, part.expression)
            if isinstance(side, exp.Column) and not self.is_string(side, scope)
        ]
        return len(owners) == 2 and owners[0] is not owners[1]

    def using(self, name: str, place: int, scope: _Scope) -> Term:
        left = next((s for s in scope.sources[:place] if self.has(s, name)), scope.sources[0])
        sides = (self.of_source(source, name) for source in (left, scope.sources[place]))
        return _comparison("=", *sides)

    def order(self, tree: exp.Expr, scope: _Scope, items: Sequence[Term]) -> tuple[Term, ...]:
        order = tree.args.get("order")
        return tuple(
            (
                "sort",
                "desc" if item.args.get("desc") else "asc",
                self.position(item.this, scope, items),
            )
            for item in (order.expressions if order else ())
        )

    def position(self, node: exp.Expr, scope: _Scope, items: Sequence[Term]) -> Term:
        """Read an entry of GROUP BY or ORDER BY, which may be a position in the select list."""
        if isinstance(node, exp.Literal) and node.name.isdigit() and not node.is_string:
            place = int(node.name) - 1
            if 0 <= place < len(items):
                return items[place]
        return self.term(node, scope)

    def limit(self, tree: exp.Expr, scope: _Scope) -> tuple[Term, ...]:
        limit, offset = tree.args.get("limit"), tree.args.get("offset")
        rows = limit and (limit.args.get("expression") or limit.args.get("count"))
        start = offset and offset.args.get("expression")
        if rows is None:
            return (("none", ""), self.term(start, scope)) if start else ()
        begun = self.term(start, scope) if start else ("literal", "0")
        return self.term(rows, scope), begun

    def conjuncts(self, node: exp.Expr, scope: _Scope) -> Iterator[Term]:
        for part in _operands(node):
            yield from self.condition(part, scope)

    def condition(self, node: exp.Expr, scope: _Scope) -> Iterator[Term]:
        """Yield the operands of one condition; BETWEEN has two."""
        if isinstance(node, exp.Between) and not node.args.get("negate"):
            value, low, high = (self.term(node.args[k], scope) for k in ("this", "low", "high"))
            yield _comparison(">=", value, low)
            yield _comparison("<=", value, high)
        else:
            yield self.term(node, scope)

    def term(self, node: exp.Expr, scope: _Scope) -> Term:
        """Return the normal form of an expression."""
        if isinstance(node, exp.Column):
            return self.column(node, scope)
        if isinstance(node, exp.Literal):
            return ("literal", _value(node, self.exact))
        reader = _READERS.get(type(node))
        if reader is not None:
            found = reader(self, node, scope)
        elif isinstance(node, exp.Query):
            found = ("query", self.query(node, scope))
        elif isinstance(node, exp.AggFunc):
            found = self.aggregate(node, scope)
        elif isinstance(node, exp.Binary):
            found = self.binary(node, scope)
        else:
            found = self.generic(node, scope)
        return _negation(found) if node.args.get("negate") else found

    def inner(self, node: exp.Expr, scope: _Scope) -> Term:
        return self.term(node.this, scope)

    def star(self, node: exp.Expr, scope: _Scope) -> Term:
        return ("star", "")

    def constant(self, node: exp.Expr, scope: _Scope) -> Term:
        return ("literal", node.sql().lower())

    def minus(self, node: exp.Expr, scope: _Scope) -> Term:
        operand = self.term(node.this, scope)
        number = operand[0] == "literal" and not operand[1].startswith(("'", "-"))
        return ("literal", f"-{operand[1]}") if number else ("arithmetic", "neg", operand)

    def negated(self, node: exp.Expr, scope: _Scope) -> Term:
        return _negation(self.term(node.this, scope))

    def connective(self, node: exp.Expr, scope: _Scope) -> Term:
        operands = (t for part in node.flatten() for t in self.condition(part, scope))
        return ("logic", node.key, *_sorted(operands))

    def range(self, node: exp.Expr, scope: _Scope) -> Term:
        return ("logic", "and", *self.condition(node, scope))

    def membership(self, node: exp.Expr, scope: _Scope) -> Term:
        value, query = self.term(node.this, scope), node.args.get("query")
        if query is not None:
            return ("compare", "in", value, ("query", self.query(query, scope)))
        listed = _sorted({self.term(item, scope) for item in node.expressions})
        # IN with one value is an equality
        return _comparison("=", value, *listed) if len(listed) == 1 else ("in", "", value, *listed)

    def existence(self, node: exp.Expr, scope: _Scope) -> Term:
        # what is selected does not matter
        return ("call", "exists", ("query", replace(self.query(node.this, scope), select=())))

    def binary(self, node: exp.Binary, scope: _Scope) -> Term:
        sides = self.term(node.this, scope), self.term(node.args["expression"], scope)
        if type(node) in _COMPARISONS:
            return _comparison(_COMPARISONS[type(node)], *sides)
        if isinstance(node, exp.Predicate):
            return ("compare", node.key, *sides)
        return ("arithmetic", node.key, *(_sorted(sides) if node.key in _COMMUTATIVE else sides))

    def aggregate(self, node: exp.Expr, scope: _Scope) -> Term:
        distinct = isinstance(node.this, exp.Distinct)
        operands = node.this.expressions if distinct else [node.this] if node.this else []
        rest = [item for item in node.args.get("expressions") or () if isinstance(item, exp.Expr)]
        terms = (self.term(operand, scope) for operand in (*operands, *rest))
        return ("aggregate", (node.key, distinct), *terms)

    def generic(self, node: exp.Expr, scope: _Scope) -> Term:
        """Read whatever has no rule of its own: its kind, its settings and its operands."""
        if isinstance(node, exp.Identifier | exp.DataType | exp.Var):
            return ("literal", node.sql().lower())
        settings, operands = [node.key], []
        for key, value in node.args.items():
            for item in value if isinstance(value, list) else (value,):
                if isinstance(item, exp.Expr):
                    operands.append(self.term(item, scope))
                elif item not in (None, False):
                    settings.append(f"{key}={item}".lower())
        return ("call", " ".join(settings), *operands)

    def column(self, node: exp.Column, scope: _Scope) -> Term:
        if isinstance(node.this, exp.Star):
            source = scope.find(node.table.lower())
            return ("star", (source.table if source else None) or "")
        name = node.name.lower()
        if self.is_string(node, scope):
            return ("literal", f"'{node.name}'")
        if not node.table and name in scope.outputs:
            return scope.outputs[name]
        source = self.owner(node, scope)
        if source is not None:
            return self.of_source(source, name)
        if node.table:
            self.unknown_tables = True
            return ("column", "", name)
        self.homeless |= {name}
        self.unknown_columns |= not any(map(self.has_any, scope.visible()))
        return ("column", "", name)

    def of_source(self, source: _Source, name: str) -> Term:
        if source.table is None:
            return source.columns.get(name, ("column", "", name))
        known = self.columns(source.table)
        self.unknown_columns |= known is not None and name not in known
        number = f" {source.place}" if self.exact and source.place > 1 else ""
        return ("column", "" if name in self.loose else source.table + number, name)

    def owner(self, node: exp.Column, scope: _Scope) -> _Source | None:
        """Return the source that a column belongs to, as far as it can be told."""
        if node.table:
            return scope.find(node.table.lower())
        if len(scope.sources) == 1 and self.has_any(scope.sources[0]):
            return scope.sources[0]
        name = node.name.lower()
        return next((s for s in scope.visible() if self.has(s, name)), None)

    def has_any(self, source: _Source) -> bool:
        """Tell whether a source may have any column, because nothing is known of it."""
        return source.table is not None and self.columns(source.table) is None

    def has(self, source: _Source, name: str) -> bool:
        if source.table is None:
            return name in source.columns
        return name in (self.columns(source.table) or ())

    def columns(self, table: str) -> tuple[str, ...] | None:
        """Return the columns of a table, None where they are not known."""
        return self.names.columns.get(table) if self.names else None

    def is_string(self, node: exp.Column, scope: _Scope) -> bool:
        """Tell SQLite's double-quoted strings from columns, without a schema by where they are."""
        if self.dialect != "sqlite" or node.table or not node.this.args.get("quoted"):
            return False
        if self.names is not None:
            return self.owner(node, scope) is None
        return node.arg_key in ("expression", "expressions", "low", "high") and isinstance(
            node.parent, exp.Binary | exp.In | exp.Between
        )


_READERS: dict[type[exp.Expr], Callable[[Reading, Any, _Scope], Term]] = {
    exp.Alias: Reading.inner,
    exp.Paren: Reading.inner,
    exp.Star: Reading.star,
    exp.Null: Reading.constant,
    exp.Boolean: Reading.constant,
    exp.Neg: Reading.minus,
    exp.Not: Reading.negated,
    exp.And: Reading.connective,
    exp.Or: Reading.connective,
    exp.Between: Reading.range,
    exp.In: Reading.membership,
    exp.Exists: Reading.existence,
}


def _sources(tree: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Join | None]]:
    """Yield what FROM names, each with the JOIN that brings it in, parentheses opened."""
    first = tree.args.get("from_")
    pairs = [(first.this, None)] if first else []
    pairs += [(join.this, join) for join in tree.args.get("joins") or ()]
    for source, join in pairs:
        inside = source
        while isinstance(inside, exp.Subquery | exp.Paren) and not inside.alias:
            inside = inside.this
        source = inside if isinstance(inside, exp.Table) else source
        yield source, join
        for more in source.args.get("joins") or () if isinstance(source, exp.Table) else ():
            yield more.this, more


def _outer_joins(sources: Iterable[tuple[exp.Expr, exp.Join | None]]) -> Iterator[str]:
    for _, join in sources:
        if join is not None and join.side:
            yield "full" if join.side == "FULL" else "one side"  # LEFT mirrors RIGHT


def _outputs(tree: exp.Expr, shape: Shape, alias: exp.Expr | None = None) -> dict[str, Term]:
    """Return what each output name of a query stands for."""
    while not isinstance(tree, exp.Select) and isinstance(tree.this, exp.Expr):
        tree = tree.this
    listed = [column.name for column in alias.args.get("columns") or ()] if alias else []
    given = listed or [item.alias_or_name for item in tree.expressions]
    return {name.lower(): term for name, term in zip(given, leftmost(shape).select, strict=False)}


def leftmost(shape: Shape) -> Shape:
    while shape.sides:
        shape = shape.sides[0]
    return shape


def _operands(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the operands of an AND, or the one condition that there is."""
    while isinstance(node, exp.Paren):
        node = node.this
    if not isinstance(node, exp.And):
        yield node
        return
    for part in node.flatten():
        yield from _operands(part) if isinstance(part, exp.Paren) else (part,)


def _value(node: exp.Literal, exact: bool) -> str:
    """Return a literal as text that is equal where the values are."""
    text = str(node.this)
    # a column's type makes a number of '1970', and the other way round
    if node.is_string and (exact or not _NUMBER.fullmatch(text)):
        return f"'{text}'"
    try:
        return f"{float(text):.15g}"
    except ValueError:
        return text


def _comparison(op: str, left: Term, right: Term) -> Term:
    ranks = [(_RANKS.get(side[0], 1), repr(side)) for side in (left, right)]
    if ranks[0] <= ranks[1]:
        return ("compare", op, left, right)
    return ("compare", _MIRRORED[op], right, left)


def _negation(term: Term) -> Term:
    if term[0] == "not":
        return term[2]
    if term[0] == "compare" and term[1] in _NEGATED:
        return ("compare", _NEGATED[term[1]], *term[2:])
    return ("not", "", term)


def _sorted(terms: Iterable[Term]) -> list[Term]:
    return sorted(terms, key=repr)
