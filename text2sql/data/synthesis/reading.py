"""Read SQL that somebody else wrote into the tree that we draw, word and write.

    >>> read_sql("SELECT count(*) FROM orders o WHERE o.status = 'paid'", schema)
    Query(select=(Call('count', Star()),), source='orders', where=Compare(...))

Names are resolved by the schema: aliases go, and what is left is the tables' and columns' own
spelling, whatever the dialect.

Covered: one SELECT, or several in a set operation; inner and left joins on equal columns; WHERE,
GROUP BY, HAVING, ORDER BY, LIMIT; comparisons, IN, BETWEEN, LIKE, IS NULL, EXISTS, queries in
conditions; aggregates and arithmetic.
Not covered: WITH, derived tables, windows, CASE, functions other than aggregates, a table that
stands twice in one FROM. `Unread` says which.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp

from text2sql.data.synthesis.queries import (
    AGGREGATES,
    Arithmetic,
    Bool,
    Call,
    Col,
    Compare,
    Expr,
    Join,
    Junction,
    Key,
    Lit,
    Pattern,
    Query,
    Star,
)
from text2sql.limits import check_joins
from text2sql.schema.canonical import canonicalise
from text2sql.schema.model import Schema, Table
from text2sql.unreadable import UNREADABLE


class Unread(Exception):
    """SQL that the tree cannot hold; the message says what of it."""


_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.LT: "<", exp.GTE: ">=", exp.LTE: "<=",
    exp.Like: "like", exp.ILike: "like",
}  # fmt: skip
_NEGATED = {"like": "not like", "in": "not in", "between": "not between", "exists": "not exists"}
_NEGATED |= {"is null": "is not null", "=": "<>"}
_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_SETS: dict[type[exp.Expr], str] = {exp.Intersect: "intersect", exp.Except: "except"}
_SELECT_PARTS = {
    "kind", "expressions", "from_", "joins", "where", "group", "having", "order", "limit",
    "distinct", "operation_modifiers", "hint", "into",
}  # fmt: skip


def read_sql(sql: str, schema: Schema) -> Query:
    """Return a query as a tree.

    Args:
        sql: one statement in the schema's dialect.
        schema: of its database.

    Raises:
        Unread: it does not parse, names what is not there, or has a part that the tree lacks.
    """
    try:
        check_joins(sql)
        tree = sqlglot.parse_one(canonicalise(sql, schema), read=schema.dialect)
    except UNREADABLE:
        raise Unread("SQL that does not parse") from None
    return _Reader(schema, {}).query(tree)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one query; `around` are the tables of those that it stands in, by alias."""

    schema: Schema
    around: Mapping[str, Table]

    def query(self, tree: exp.Expr) -> Query:
        """Return a SELECT, or several in a set operation."""
        while isinstance(tree, exp.Subquery | exp.Paren):
            tree = tree.this
        if isinstance(tree, exp.SetOperation):
            return self._set(tree)
        if not isinstance(tree, exp.Select):
            raise Unread(f"a statement: {tree.key.upper()}")
        odd = [key for key, value in tree.args.items() if value and key not in _SELECT_PARTS]
        if odd:
            raise Unread(f"the clause {odd[0].strip('_').upper()}")
        return self._select(tree)

    def _set(self, tree: exp.SetOperation) -> Query:
        operator = _SETS.get(type(tree)) or ("union" if tree.args.get("distinct") else "union all")
        left, right = self.query(tree.this), self.query(tree.expression)
        if left.then is not None or tree.args.get("order") or tree.args.get("limit"):
            raise Unread("a set operation of several")
        return replace(left, then=(operator, right))

    def _select(self, tree: exp.Select) -> Query:
        source = tree.args.get("from_")
        if source is None:
            raise Unread("a query without FROM")
        joins = tree.args.get("joins") or []
        tables = [self._table(node) for node in (source.this, *(join.this for join in joins))]
        if len({table.full_name for _, table in tables}) < len(tables):
            raise Unread("a table that stands twice")
        inside = _Reader(self.schema, {**self.around, **dict(tables)})
        own = dict(tables)
        limit = tree.args.get("limit")
        group = tree.args.get("group")
        return Query(
            tuple(inside.expression(item.unalias(), own) for item in tree.expressions),
            tables[0][1].full_name,
            bool(tree.args.get("distinct")),
            tuple(
                inside.join(node, t, own) for node, (_, t) in zip(joins, tables[1:], strict=True)
            ),
            inside.condition(tree.args["where"].this, own) if tree.args.get("where") else None,
            tuple(inside.key(node, tree, own) for node in group.expressions) if group else (),
            inside.condition(tree.args["having"].this, own) if tree.args.get("having") else None,
            tuple(inside.order(node, tree, own) for node in _ordered(tree)),
            _number(limit) if limit else None,
        )

    def _table(self, node: exp.Expr) -> tuple[str, Table]:
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            raise Unread("a derived table")
        name = ".".join(part for part in (node.db, node.name) if part)
        table = self.schema.table(name) or self.schema.table(node.name)
        if table is None:
            raise Unread(f"an unknown table: {name}")
        return (node.alias or node.name).casefold(), table

    def join(self, node: exp.Join, table: Table, own: Mapping[str, Table]) -> Join:
        """Return a join on equal columns."""
        kind = f"{node.side} {node.kind}".strip().upper()
        if kind not in ("", "INNER", "LEFT", "LEFT OUTER") or node.args.get("using"):
            raise Unread(f"a join of another kind: {kind or 'USING'}")
        on = node.args.get("on")
        if on is None:
            raise Unread("a join without ON")
        parts = list(on.flatten()) if isinstance(on, exp.And) else [on]
        pairs = tuple(self._pair(part, own) for part in parts)
        return Join(table.full_name, pairs, "left join" if "LEFT" in kind else "join")

    def _pair(self, part: exp.Expr, own: Mapping[str, Table]) -> tuple[Col, Col]:
        if isinstance(part, exp.EQ):
            left, right = (self.expression(side, own) for side in (part.this, part.expression))
            if isinstance(left, Col) and isinstance(right, Col):
                return left, right
        raise Unread("a join on something else than equal columns")

    def key(self, node: exp.Expr, tree: exp.Select, own: Mapping[str, Table]) -> Expr:
        """Return what is grouped or ordered by; a number or an alias is an item of the SELECT."""
        if isinstance(node, exp.Literal) and not node.is_string:
            items = tree.expressions
            place = int(node.name) - 1
            if 0 <= place < len(items):
                return self.expression(items[place].unalias(), own)
        if isinstance(node, exp.Column) and not node.table:
            for item in tree.expressions:
                if isinstance(item, exp.Alias) and item.alias.casefold() == node.name.casefold():
                    return self.expression(item.unalias(), own)
        return self.expression(node, own)

    def order(self, node: exp.Ordered, tree: exp.Select, own: Mapping[str, Table]) -> Key:
        """Return what rows are ordered by."""
        return Key(self.key(node.this, tree, own), bool(node.args.get("desc")))

    def expression(self, node: exp.Expr, own: Mapping[str, Table]) -> Expr:
        """Return a value, or a query that gives one."""
        node = node.unnest()
        if isinstance(node, exp.Star):
            return Star()
        if isinstance(node, exp.Column):
            return self._column(node, own)
        if isinstance(node, exp.Query):
            return self.query(node)
        if isinstance(node, exp.AggFunc) and node.sql_name().lower() in AGGREGATES:
            return self._aggregate(node, own)
        if type(node) in _ARITHMETIC:
            left, right = (self.expression(side, own) for side in (node.this, node.expression))
            return Arithmetic(left, _ARITHMETIC[type(node)], right)
        return Lit(_literal(node))

    def _aggregate(self, node: exp.AggFunc, own: Mapping[str, Table]) -> Call:
        inside = node.this
        distinct = isinstance(inside, exp.Distinct)
        if distinct:
            if len(inside.expressions) != 1:
                raise Unread("an aggregate of several columns")
            inside = inside.expressions[0]
        return Call(node.sql_name().lower(), self.expression(inside, own), distinct)

    def _column(self, node: exp.Column, own: Mapping[str, Table]) -> Col | Star:
        if node.table:
            table = self.around.get(node.table.casefold())
            if isinstance(node.this, exp.Star):
                return Star(table.full_name if table else None)
            found = [table] if table is not None and table.column(node.name) else []
        else:
            known = list(own.values()) or list(self.around.values())
            found = [t for t in known if t.column(node.name)]
            found = found or [t for t in self.around.values() if t.column(node.name)][-1:]
        if len(found) != 1:
            raise Unread(f"an {'ambiguous' if found else 'unknown'} column: {node.name}")
        column = found[0].column(node.name)
        assert column is not None
        return Col(found[0].full_name, column.name)

    # --- conditions ------------------------------------------------------------------------------

    def condition(self, node: exp.Expr, own: Mapping[str, Table]) -> Bool:
        """Return a condition."""
        node = node.unnest()
        if node.args.get("negate"):  # sqlglot's NOT LIKE
            bare = node.copy()
            bare.set("negate", None)
            return self._negated(self.condition(bare, own))
        if isinstance(node, exp.And | exp.Or):
            operator = "and" if isinstance(node, exp.And) else "or"
            return Junction(operator, tuple(self.condition(part, own) for part in node.flatten()))
        if isinstance(node, exp.Not):
            return self._negated(self.condition(node.this, own))
        if type(node) in _COMPARISONS:
            return self._comparison(node, own)
        if isinstance(node, exp.In):
            return self._in(node, own)
        if isinstance(node, exp.Between):
            ends = (self.expression(node.args[end], own) for end in ("low", "high"))
            return Compare(self.expression(node.this, own), "between", tuple(ends))
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            return Compare(self.expression(node.this, own), "is null")
        if isinstance(node, exp.Exists):
            return Compare(None, "exists", self.query(node.this))
        raise Unread(f"a condition of another kind: {node.key.upper()}")

    def _negated(self, condition: Bool) -> Bool:
        if not isinstance(condition, Compare) or condition.operator not in _NEGATED:
            raise Unread("NOT before something else than one condition")
        return Compare(condition.left, _NEGATED[condition.operator], condition.right)

    def _comparison(self, node: exp.Expr, own: Mapping[str, Table]) -> Compare:
        operator = _COMPARISONS[type(node)]
        left, right = (self.expression(side, own) for side in (node.this, node.expression))
        if operator == "like":
            return Compare(left, operator, _pattern(right))
        return Compare(left, operator, right)

    def _in(self, node: exp.In, own: Mapping[str, Table]) -> Compare:
        left = self.expression(node.this, own)
        query = node.args.get("query")
        if query is not None:
            return Compare(left, "in", self.query(query))
        return Compare(left, "in", tuple(self.expression(e, own) for e in node.expressions))


def _ordered(tree: exp.Select) -> Iterator[exp.Ordered]:
    order = tree.args.get("order")
    yield from order.expressions if order else ()


def _number(limit: exp.Expr) -> int:
    value = _literal(limit.expression)
    if not isinstance(value, int):
        raise Unread("a LIMIT that is no number")
    return value


def _literal(node: exp.Expr) -> str | int | float | None:
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal):
        value = _literal(node.this)
        assert isinstance(value, int | float)
        return -value
    if isinstance(node, exp.Literal):
        if node.is_string:
            return str(node.this)
        return int(node.this) if node.is_int else float(node.this)
    raise Unread(f"an expression of another kind: {node.key.upper()}")


def _pattern(right: Expr) -> Pattern:
    """Return what LIKE looks for: a text with % at its ends."""
    text = right.value if isinstance(right, Lit) else None
    inside = text.strip("%") if isinstance(text, str) else ""
    if not isinstance(text, str) or not inside or "%" in inside or "_" in inside:
        raise Unread("a LIKE of another form")
    return Pattern(inside, text.startswith("%"), text.endswith("%"))
