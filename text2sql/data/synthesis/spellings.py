"""A query's tree as text: one tree, several spellings.

    >>> write(query, Spelled(schema))
    'SELECT avg(age) FROM singer'
    >>> write(query, Pointed(pointers, schema))
    'FROM <t0> SELECT avg(<c2>)'

Ordinary SQL with or without aliases, and pointers with FROM first (`decoding.pointing`).

Imports nothing beyond the standard library and the schema's model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Protocol

from text2sql.data.synthesis.queries import (
    Arithmetic,
    Bool,
    Call,
    Case,
    Cast,
    Col,
    Expr,
    Join,
    Junction,
    Key,
    Lit,
    Pattern,
    Query,
    Star,
    Window,
    blocks,
)
from text2sql.schema.join_paths import implied, join_path
from text2sql.schema.model import Schema
from text2sql.schema.pointers import Pointers
from text2sql.schema.quoting import quote


class Spelling(Protocol):
    """How names and values are written, which clause leads, what is left out."""

    @property
    def from_first(self) -> bool:
        """Whether FROM stands before SELECT."""
        ...

    def enter(self, query: Query) -> "Spelling":
        """Return the spelling inside a query: aliases are its own."""
        ...

    def arrange(self, query: Query) -> Query:
        """Return the query as this spelling has it: a join without columns is a comma."""
        ...

    def table(self, name: str) -> str:
        """Write a table in FROM, with its alias."""
        ...

    def column(self, column: Col) -> str:
        """Write a column."""
        ...

    def literal(self, value: str | int | float | None) -> str:
        """Write a value."""
        ...

    def pattern(self, pattern: Pattern) -> str:
        """Write the right side of LIKE."""
        ...


def write(query: Query, spelling: Spelling) -> str:
    """Write a query as text."""
    query = spelling.arrange(query)
    inside = spelling.enter(query)
    head, source = _select(query, inside), _from(query, inside)
    parts = [source, head] if inside.from_first else [head, source]
    if query.where is not None:
        parts.append(f"WHERE {_bool(query.where, inside)}")
    if query.group:
        parts.append(f"GROUP BY {_list(query.group, inside)}")
    if query.having is not None:
        parts.append(f"HAVING {_bool(query.having, inside)}")
    if query.then is not None:
        operator, other = query.then
        parts.append(f"{operator.upper()} {write(other, spelling)}")
    if query.order:
        parts.append(f"ORDER BY {', '.join(_key(key, inside) for key in query.order)}")
    if query.limit is not None:
        parts.append(f"LIMIT {inside.literal(query.limit)}")
    return " ".join(parts)


def _select(query: Query, spelling: Spelling) -> str:
    names = query.names or (None,) * len(query.select)
    items = [
        _expr(expression, spelling) + (f" AS {name}" if name else "")
        for expression, name in zip(query.select, names, strict=True)
    ]
    return f"SELECT {'DISTINCT ' if query.distinct else ''}{', '.join(items)}"


def _from(query: Query, spelling: Spelling) -> str:
    if isinstance(query.source, Query):
        source = f"({write(query.source, spelling)})" + (
            f" AS {query.alias}" if query.alias else ""
        )
    else:
        source = spelling.table(query.source)
    return f"FROM {source}{''.join(_join(join, spelling) for join in query.joins)}"


def _join(join: Join, spelling: Spelling) -> str:
    if not join.on:
        return f", {spelling.table(join.table)}"
    pairs = " AND ".join(f"{spelling.column(a)} = {spelling.column(b)}" for a, b in join.on)
    return f" {join.kind.upper()} {spelling.table(join.table)} ON {pairs}"


def _list(expressions: Sequence[Expr], spelling: Spelling) -> str:
    return ", ".join(_expr(expression, spelling) for expression in expressions)


def _key(key: Key, spelling: Spelling) -> str:
    return _expr(key.expression, spelling) + (" DESC" if key.descending else "")


def _expr(expression: Expr, spelling: Spelling) -> str:
    match expression:
        case Col():
            return spelling.column(expression)
        case Star(table):
            return "*" if table is None else f"{spelling.column(Col(table, '*'))}"
        case Lit(value):
            return spelling.literal(value)
        case Pattern():
            return spelling.pattern(expression)
        case Call(name, argument, distinct, further):
            inside = _list((() if argument is None else (argument,)) + further, spelling)
            return f"{name}({'DISTINCT ' if distinct else ''}{inside})"
        case Arithmetic(left, operator, right):
            return f"{_operand(left, spelling)} {operator} {_operand(right, spelling)}"
        case Cast(inner, kind):
            return f"CAST({_expr(inner, spelling)} AS {kind})"
        case Case(branches, otherwise):
            return _case(branches, otherwise, spelling)
        case Window(call, partition, order):
            return _window(call, partition, order, spelling)
        case Query():
            return f"({write(expression, spelling)})"


def _operand(expression: Expr, spelling: Spelling) -> str:
    text = _expr(expression, spelling)
    return f"({text})" if isinstance(expression, Arithmetic) else text


def _case(branches: Sequence[tuple[Bool, Expr]], otherwise: Expr | None, spelling: Spelling) -> str:
    whens = [
        f"WHEN {_bool(when, spelling)} THEN {_expr(then, spelling)}" for when, then in branches
    ]
    last = [] if otherwise is None else [f"ELSE {_expr(otherwise, spelling)}"]
    return " ".join(["CASE", *whens, *last, "END"])


def _window(call: Call, partition: Sequence[Expr], order: Sequence[Key], spelling: Spelling) -> str:
    parts = [f"PARTITION BY {_list(partition, spelling)}"] if partition else []
    parts += [f"ORDER BY {', '.join(_key(key, spelling) for key in order)}"] if order else []
    return f"{_expr(call, spelling)} OVER ({' '.join(parts)})"


def _bool(condition: Bool, spelling: Spelling) -> str:
    if isinstance(condition, Junction):
        parts = [
            f"({_bool(part, spelling)})" if _looser(part, condition) else _bool(part, spelling)
            for part in condition.parts
        ]
        return f" {condition.operator.upper()} ".join(parts)
    operator, right = condition.operator.upper(), condition.right
    if condition.left is None:  # exists
        assert isinstance(right, Query)
        return f"{operator} ({write(right, spelling)})"
    left = _expr(condition.left, spelling)
    if right is None:
        return f"{left} {operator}"
    if isinstance(right, tuple):
        return f"{left} {operator} {_several(operator, right, spelling)}"
    return f"{left} {operator} {_expr(right, spelling)}"


def _looser(part: Bool, outer: Junction) -> bool:
    return isinstance(part, Junction) and part.operator == "or" and outer.operator == "and"


def _several(operator: str, values: Sequence[Expr], spelling: Spelling) -> str:
    if "BETWEEN" in operator:
        low, high = values
        return f"{_expr(low, spelling)} AND {_expr(high, spelling)}"
    return f"({_list(values, spelling)})"


def literal(value: str | int | float | None) -> str:
    """Return a value as SQL's literal."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)


@dataclass(frozen=True, slots=True)
class Spelled:
    """Ordinary SQL.

    `aliases` is how tables are named where there are several: `T` (T1, T2, as in Spider), `initial`
    (s, c), or `full` (their own names).
    """

    schema: Schema
    aliases: str = "T"
    from_first: bool = False
    named: dict[str, str] = field(default_factory=dict)  # table -> alias, in the query around
    alone: bool = True  # one table in FROM and nothing around it: columns need no table
    quoted: dict[str, str] = field(default_factory=dict)  # full names that were written before

    def enter(self, query: Query) -> "Spelled":
        tables = query.tables()
        if len(tables) == 1 and not query.alias:
            own = {tables[0]: ""}
        else:
            own = {}
            for place, table in enumerate(tables, start=1):
                own[table] = self._alias(table, place, {*self.named.values(), *own.values()})
        named = self.named | own
        return Spelled(self.schema, self.aliases, False, named, len(tables) < 2, self.quoted)

    def _alias(self, table: str, place: int, taken: set[str]) -> str:
        if self.aliases == "full":
            return ""
        name = f"T{place}" if self.aliases == "T" else table.rpartition(".")[2][0].lower()
        number = place
        while name in taken:
            number += 1
            name = f"{name[0]}{number}"
        return name

    def arrange(self, query: Query) -> Query:
        return query

    def table(self, name: str) -> str:
        alias = self.named.get(name)
        return self._full(name) + (f" AS {alias}" if alias else "")

    def column(self, column: Col) -> str:
        written = "*" if column.column == "*" else quote(column.column, self.schema.dialect)
        alias = self.named.get(column.table)
        if alias:
            return f"{alias}.{written}"
        if alias is None or not self.alone or len(self.named) > 1:
            return f"{self._full(column.table)}.{written}"
        return written

    def _full(self, name: str) -> str:
        if name not in self.quoted:
            table = self.schema.table(name)
            parts = table.full_name_parts if table else (name,)
            self.quoted[name] = ".".join(quote(part, self.schema.dialect) for part in parts)
        return self.quoted[name]

    def literal(self, value: str | int | float | None) -> str:
        return literal(value)

    def pattern(self, pattern: Pattern) -> str:
        return literal(f"{'%' * pattern.before}{pattern.text}{'%' * pattern.behind}")


@dataclass(frozen=True, slots=True)
class Pointed:
    """What a base writes that points at names; see `schema.pointers` and `decoding.joining`."""

    pointers: Pointers
    schema: Schema
    from_first: bool = True

    def enter(self, query: Query) -> "Pointed":
        return self

    def arrange(self, query: Query) -> Query:
        if not query.joins or not _is_plain(query):
            return query
        tables = sorted(query.tables(), key=[t.full_name for t in self.schema.tables].index)
        path = join_path(self.schema, tables)
        if path is None:
            return query
        pairs = [(Col(*own), Col(*other)) for step in path for own, other in step.pairs]
        said = [frozenset(pair) for join in query.joins for pair in join.on]
        if {*said} != {frozenset(pair) for pair in pairs}:
            return query
        keys = {own: other for own, other in pairs if own not in query.select}
        group = tuple(keys.get(e, e) if isinstance(e, Col) else e for e in query.group)
        query = replace(query, group=group)
        left_out = implied(self.schema, tables, _used(query))
        named = [step.table for step in path]
        if left_out:
            named = [table for table in tables if table not in left_out]
        joins = tuple(Join(table, ()) for table in named[1:])
        return replace(query, source=named[0], joins=joins)

    def table(self, name: str) -> str:
        return self.pointers.of_table(name)

    def column(self, column: Col) -> str:
        if (column.table, column.column) in self.pointers.columns:
            return self.pointers.of_column(column.table, column.column)
        return f"{column.table}.{column.column}"

    def literal(self, value: str | int | float | None) -> str:
        written = literal(value)
        return self.pointers.values.get(written, written)

    def pattern(self, pattern: Pattern) -> str:
        token = self.pointers.values.get(literal(pattern.text))
        inside = token.replace("v", "w") if token else pattern.text.replace("'", "''")
        return f"'{'%' * pattern.before}{inside}{'%' * pattern.behind}'"


def _is_plain(query: Query) -> bool:
    """Tell whether FROM joins tables alone, none twice, and their order does not show."""
    tables = query.tables()
    once = isinstance(query.source, str) and len({*tables}) == len(tables)
    return once and all(j.kind == "join" for j in query.joins) and Star() not in query.select


def _used(query: Query) -> set[str]:
    """Return the tables whose columns stand in a query, or in one inside it."""
    return {table for block in blocks(query) for table in _tables_of(block)}


def _tables_of(block: Query) -> Iterator[str]:
    """Yield the tables of the columns of a block itself, those of ON left out."""
    keys = [key.expression for key in block.order]
    left: list[object] = [*block.select, block.where, *block.group, block.having, *keys]
    while left:
        part = left.pop()
        match part:
            case Col(table) | Star(str() as table):
                yield table
            case Query():
                continue
            case _ if is_dataclass(part):
                left += [getattr(part, each.name) for each in fields(part)]
            case tuple():
                left += part
