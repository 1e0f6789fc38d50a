"""Plant rows that a query finds, so that it does not come back empty.

    >>> content = plant(query.tree, content, profile, random)

A query that finds nothing on the original is told from no other that finds nothing. For each of its
SELECTs, one row of each table is made or changed so that joins meet and conditions hold; the next
planting breaks one condition on purpose, which makes the row of a near miss.

Covered: conditions between a column and a constant, equal columns, IN with a subquery, set
operations, HAVING with a count.
Not covered: derived tables, correlated subqueries, conditions that are computed: what is planted
may then miss.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from sqlglot import exp

from text2sql.data.neighbours.demands import Demand, literal_value, literals
from text2sql.data.neighbours.profiles import Content, Profile, Row, TableProfile, Value
from text2sql.data.neighbours.queries import own_nodes, sources
from text2sql.data.neighbours.values import Cells, around, matching

_MOST_COPIES = 60  # of a row, for HAVING
_DEEPEST = 4  # chains of foreign keys; circles end there

Cell = tuple[str, int]  # alias, place of the column
Wanted = dict[int, Value]  # place among the results -> the value that it must have


def plant(
    tree: exp.Expr, content: Content, profile: Profile, random: Random, *, spoil: bool = False
) -> Content:
    """Return the content with rows that satisfy a query.

    Args:
        tree: of the query, columns qualified.
        content: rows by table; it is not changed.
        profile: of the original.
        random: where choices come from.
        spoil: break one condition, so that the rows just miss.
    """
    planter = _Planter({name: list(rows) for name, rows in content.items()}, profile, random)
    planter.query(tree, {}, spoil=spoil)
    return planter.content


@dataclass(slots=True)
class _Plan:
    """What the rows of one SELECT must hold."""

    tables: dict[str, str]  # by alias
    values: dict[Cell, Value] = field(default_factory=dict)
    equal: list[set[Cell]] = field(default_factory=list)

    def settle(self, cell: Cell) -> list[Cell]:
        """Return a cell with all that must equal it, in a fixed order."""
        return sorted(next((group for group in self.equal if cell in group), {cell}))

    def join(self, first: Cell, second: Cell) -> None:
        """Demand that two cells are equal."""
        groups = [group for group in self.equal if first in group or second in group]
        self.equal = [group for group in self.equal if group not in groups]
        self.equal.append({first, second}.union(*groups))


class _Planter:
    """Plants into one content."""

    def __init__(self, content: Content, profile: Profile, random: Random) -> None:
        self.content, self.profile, self.random = content, profile, random

    def query(self, tree: exp.Expr, wanted: Wanted, *, spoil: bool = False) -> list[Value]:
        """Plant for a query; return the values of its results."""
        match tree:
            case exp.Subquery():
                return self.query(tree.this, wanted, spoil=spoil)
            case exp.Except():
                return self.query(tree.this, wanted, spoil=spoil)
            case exp.SetOperation():
                found = self.query(tree.this, wanted)
                both = dict(enumerate(found)) if isinstance(tree, exp.Intersect) else {}
                self.query(tree.expression, both, spoil=spoil)
                return found
            case exp.Select():
                return self._select(tree, wanted, spoil=spoil)
        return []

    def _select(self, select: exp.Select, wanted: Wanted, *, spoil: bool) -> list[Value]:
        plan = _Plan(sources(select, self.profile))
        for place, value in wanted.items():
            cell = self._result(select, place, plan)
            if cell is not None and value is not None:
                plan.values[cell] = value
        conditions = list(self._conditions(select))
        broken = self.random.choice(conditions) if spoil and conditions else None
        for condition in conditions:
            if condition is not broken or self._is_join(condition, plan):
                self._require(condition, plan)
        for _ in range(self._copies(select)):
            self._lay(plan)
        cells = [self._result(select, place, plan) for place in range(len(select.selects))]
        return [plan.values.get(cell) if cell else None for cell in cells]

    def _result(self, select: exp.Select, place: int, plan: _Plan) -> Cell | None:
        """Return the cell that a result column shows."""
        each = select.selects[place] if place < len(select.selects) else None
        node = each.unalias() if each is not None else None
        return self._cell(node, plan)

    def _cell(self, node: exp.Expr | None, plan: _Plan) -> Cell | None:
        if not isinstance(node, exp.Column) or node.table not in plan.tables:
            return None
        table = self.profile.tables[plan.tables[node.table]]
        names = [column.name.casefold() for column in table.columns]
        folded = node.name.casefold()
        return (node.table, names.index(folded)) if folded in names else None

    def _conditions(self, select: exp.Select) -> Iterator[exp.Expr]:
        joins = [join.args.get("on") for join in select.args.get("joins") or []]
        where = select.args.get("where")
        for clause in [*joins, where.this if where else None]:
            if clause is not None:
                yield from self._parts(clause)

    def _parts(self, node: exp.Expr) -> Iterator[exp.Expr]:
        """Yield the conditions that must hold together: one side of each OR."""
        match node:
            case exp.And():
                yield from self._parts(node.this)
                yield from self._parts(node.expression)
            case exp.Or():
                yield from self._parts(self.random.choice((node.this, node.expression)))
            case exp.Paren():
                yield from self._parts(node.this)
            case _:
                yield node

    def _is_join(self, node: exp.Expr, plan: _Plan) -> bool:
        ends = (node.this, node.expression) if isinstance(node, exp.EQ) else ()
        return bool(ends) and all(self._cell(end, plan) for end in ends)

    def _require(self, node: exp.Expr, plan: _Plan) -> None:
        left = self._cell(node.this if isinstance(node.this, exp.Expr) else None, plan)
        right = self._cell(node.args.get("expression"), plan)
        if left is None:
            return
        if right is not None:
            if isinstance(node, exp.EQ):
                plan.join(left, right)
            return
        inner = node.args.get("query") if isinstance(node, exp.In) else None
        if inner is not None:
            value = next(iter(self.query(inner, {})), None)
        else:
            value = self._satisfying(node, left, plan)
        if value is not None:
            for cell in plan.settle(left):
                plan.values[cell] = value

    def _satisfying(self, node: exp.Expr, cell: Cell, plan: _Plan) -> Value:
        """Return a value for which a condition on one column holds; None if it is not plain."""
        constants = list(literals(node))
        if not constants:
            return None
        column = self.profile.tables[plan.tables[cell[0]]].columns[cell[1]]
        if isinstance(node, exp.Like):
            pattern = str(constants[0])
            return pattern.replace("%", "").replace("_", "a") or matching(pattern, self.random)
        near = around(self.random.choice(constants), column)
        if not near:
            return None
        match node:
            case exp.EQ() | exp.In() | exp.GTE() | exp.LTE() | exp.Between():
                return near[0]
            case exp.GT():
                return _extreme(near, largest=True)
            case exp.LT():
                return _extreme(near, largest=False)
            case exp.NEQ():
                return near[-1]
        return None

    def _copies(self, select: exp.Select) -> int:
        """Return how many rows a group needs for HAVING."""
        having = select.args.get("having")
        numbers = [
            value
            for node in (own_nodes(having, exp.Literal) if having is not None else ())
            if isinstance(value := literal_value(node), int)
        ]
        return min(_MOST_COPIES, max(numbers, default=0) + 1)

    def _lay(self, plan: _Plan) -> None:
        """Put one row a table: a row that has the key is changed, else a new one is made."""
        order = list(self.profile.tables)
        for alias, name in sorted(plan.tables.items(), key=lambda item: order.index(item[1])):
            table = self.profile.tables[name]
            fixed = {place: v for (a, place), v in plan.values.items() if a == alias}
            row = self._row(table, fixed)
            for place, value in enumerate(row):
                for cell in plan.settle((alias, place)):
                    if cell != (alias, place):
                        plan.values[cell] = value

    def _row(self, table: TableProfile, fixed: Wanted, depth: int = 0) -> Row:
        rows = self.content[table.name]
        key = {place: fixed.get(place) for place in table.primary_key}
        same = [
            number
            for number, row in enumerate(rows)
            if key and all(row[place] == value for place, value in key.items())
        ]
        if same or (key and rows and None in key.values() and len(key) == 1):
            number = same[0] if same else self.random.randrange(len(rows))
            row = [fixed.get(place, value) for place, value in enumerate(rows[number])]
        else:
            row, number = self._new(table, fixed), len(rows)
        self._point(table, row, fixed, depth)
        rows[number : number + 1] = [tuple(row)]
        return rows[number]

    def _point(self, table: TableProfile, row: list[Value], fixed: Wanted, depth: int) -> None:
        """Make foreign keys point at rows: their targets are planted where they are missing."""
        for link in table.links if depth < _DEEPEST else ():
            parent, parents = self.profile.tables[link.parent], self.content[link.parent]
            key = [row[place] for place in link.columns]
            if any([target[place] for place in link.referred] == key for target in parents):
                continue
            if any(place in fixed for place in link.columns):
                self._row(parent, dict(zip(link.referred, key, strict=True)), depth + 1)
                continue
            target = self.random.choice(parents) if parents else self._row(parent, {}, depth + 1)
            for place, referred in zip(link.columns, link.referred, strict=True):
                row[place] = target[referred]

    def _new(self, table: TableProfile, fixed: Wanted) -> list[Value]:
        """Make a row around fixed cells."""
        row: list[Value] = []
        for place, column in enumerate(table.columns):
            cells = Cells(column, Demand(), self.random, edge=0.0, nulls=0.0)
            unique = (place,) in table.unique
            taken = {each[place] for each in self.content[table.name]} if unique else set()
            row.append(fixed[place] if place in fixed else cells.fresh(taken))
        return row


def _extreme(values: list[Value], *, largest: bool) -> Value:
    numbers = [value for value in values if isinstance(value, int | float)]
    texts = [value for value in values if isinstance(value, str)]
    pick = max if largest else min
    return pick(numbers) if numbers else pick(texts, default=None)
