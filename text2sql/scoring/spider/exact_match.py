"""Compare a prediction with gold SQL clause by clause, as Spider's exact set match does.

    >>> pair.gold, pair.predicted
    ('SELECT a , b FROM t WHERE a > 1', 'SELECT b , a FROM t WHERE a > 2')
    >>> exact_set_match(pair)
    1

Covered: the official verdicts, total and by component. The rules that surprise, each with its
function in evaluation.py (taoyds/test-suite-sql-eval at e97acc5):

- `value` in a prediction becomes `1`, also inside names (`evaluate`); nothing else is prepared.
- Values of conditions are forgotten, at every depth (`rebuild_sql_val`), but those of a query in
  FROM are kept, and so are its DISTINCT and its order of tables, columns and conditions.
- DISTINCT is forgotten (`DISABLE_DISTINCT`) but not in queries inside conditions and in FROM.
- A column of a foreign key stands for the first column of its group (`build_foreign_key_map`,
  `rebuild_col_unit_col`), where its own table is in the outermost FROM; queries on the right of a
  set operation are held against that same FROM, queries inside conditions keep their columns.
- A prediction that cannot be read is an empty query (`evaluate`), right in every clause that gold
  does not have.
- ON counts for nothing but its AND, OR, NOT, IN and LIKE (`get_keywords`); FROM is a bag of tables,
  compared once all components are right (`eval_exact_match`).
- GROUP BY compares column names without their tables or aggregates, as a bag (`eval_group`), and
  again in order, joined by foreign keys, with HAVING (`eval_having`).
- ORDER BY keeps one direction; LIMIT counts as there or not (`eval_order`), and where gold has no
  ORDER BY only as a keyword.
- AND and OR of WHERE are compared as sets; where they differ, the totals of gold and prediction
  change places, and where both have none they count as one that is right (`eval_and_or`).
- INTERSECT, UNION and EXCEPT: the queries on the right are matched as a whole (`eval_IUEN`).

Not covered: the end of the official program where it crashes: on gold that it cannot read (here
`GoldError`), on two different queries in one FROM, on an AND or OR where a condition should be
(here compared).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from text2sql.errors import GoldError
from text2sql.scoring.pairs import Pair
from text2sql.scoring.spider.parser import CACHED_QUERIES, LONGEST_CACHED, read_query
from text2sql.scoring.spider.structure import (
    ColumnUnit,
    Condition,
    Conditions,
    Names,
    OrderBy,
    Query,
    SelectItem,
    Value,
    ValueUnit,
)
from text2sql.scoring.spider.text import replace_value
from text2sql.scoring.spider.words import UnreadableSQL

COMPONENTS = (
    *("select", "select(no AGG)", "where", "where(no OP)", "group(no Having)"),
    *("group", "order", "and/or", "IUEN", "keywords"),
)
EMPTY = Query(False, (), (), (), (), (), (), None, False)  # stands for what cannot be read


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a pair: its size in gold and in the prediction, and what is in both."""

    gold_total: int
    predicted_total: int
    matched: int

    @property
    def right(self) -> bool:
        """Whether all of it matches: `get_scores` gives no credit for a part."""
        return self.gold_total == self.predicted_total == self.matched


def exact_set_match(pair: Pair) -> int:
    """Tell whether a prediction matches gold clause by clause, values ignored.

    Raises:
        GoldError: the official parser does not read the gold query.

    `eval_exact_match` in evaluation.py (taoyds/test-suite-sql-eval at e97acc5); Yu et al. 2018,
    "Spider", arXiv:1809.08887, section 5.
    """
    right = all(component.right for component in pair_components(pair).values())
    return int(right and _same_tables(*_read_pair(pair)))


def pair_components(pair: Pair) -> dict[str, Component]:
    """Return the component matches of a pair, by the names of COMPONENTS.

    Raises:
        GoldError: the official parser does not read the gold query.
    """
    if pair_components not in pair.shared:
        pair.shared[pair_components] = dict(_components(*_read_pair(pair)))
    found: dict[str, Component] = pair.shared[pair_components]
    return found


def component_matches(gold: Query, predicted: Query | None, names: Names) -> dict[str, Component]:
    """Return the component matches of two queries, by the names of COMPONENTS.

    Args:
        gold: as `read_query` gives it.
        predicted: likewise; None for what cannot be read.
        names: of the database, with its foreign keys.

    `eval_partial_match` in evaluation.py (taoyds/test-suite-sql-eval at e97acc5).
    """
    return dict(_components(_rebuild(gold, names), _rebuild(predicted or EMPTY, names)))


def _read_pair(pair: Pair) -> tuple[Query, Query]:
    names = pair.names()
    try:
        gold = _read_rebuilt(pair.gold, names)
    except UnreadableSQL as refusal:
        reason = f"Spider's parser cannot read it ({refusal})"
        raise GoldError(
            pair.index, pair.db_id, pair.gold, reason, fault="has no exact set match"
        ) from None
    try:
        return gold, _read_rebuilt(replace_value(pair.predicted), names)
    except UnreadableSQL:
        return gold, EMPTY


def _read_rebuilt(sql: str, names: Names) -> Query:
    return (_rebuilt if len(sql) <= LONGEST_CACHED else _rebuilt.__wrapped__)(sql, names)


@lru_cache(CACHED_QUERIES)
def _rebuilt(sql: str, names: Names) -> Query:
    return _rebuild(read_query(sql, names), names)


def _match(gold: Query, predicted: Query) -> bool:
    right = all(component.right for _, component in _components(gold, predicted))
    return right and _same_tables(gold, predicted)


def _same_tables(gold: Query, predicted: Query) -> bool:
    return not gold.tables or _same_bag(gold.tables, predicted.tables)


def _components(gold: Query, predicted: Query) -> Iterator[tuple[str, Component]]:
    yield "select", _bags(gold.select, predicted.select)
    yield "select(no AGG)", _bags(*([item.unit for item in q.select] for q in (gold, predicted)))
    yield "where", _bags(gold.where[::2], predicted.where[::2])
    yield "where(no OP)", _bags(*(_condition_units(q.where) for q in (gold, predicted)))
    yield "group(no Having)", _bags(*(_group_names(q) for q in (gold, predicted)))
    yield "group", _having(gold, predicted)
    yield "order", _order(gold, predicted)
    yield "and/or", _connectives(set(gold.where[1::2]), set(predicted.where[1::2]))
    yield "IUEN", _set_operations(gold, predicted)
    yield "keywords", _bags(*(sorted(_keywords(q)) for q in (gold, predicted)))


def _bags(gold: Sequence[object], predicted: Sequence[object]) -> Component:
    if gold == predicted:
        return Component(len(gold), len(gold), len(gold))
    left = list(gold)
    for part in predicted:
        if part in left:
            left.remove(part)
    return Component(len(gold), len(predicted), len(gold) - len(left))


def _same_bag(gold: Sequence[object], predicted: Sequence[object]) -> bool:
    return _bags(gold, predicted).right


def _condition_units(conditions: Conditions) -> list[ValueUnit | str]:
    return [part.unit if isinstance(part, Condition) else part for part in conditions[::2]]


def _group_names(query: Query) -> list[str]:
    return [unit.column.split(".")[1] if "." in unit.column else "*" for unit in query.group_by]


def _having(gold: Query, predicted: Query) -> Component:
    columns = [[unit.column for unit in query.group_by] for query in (gold, predicted)]
    same = bool(gold.group_by) and columns[0] == columns[1] and gold.having == predicted.having
    return Component(int(bool(gold.group_by)), int(bool(predicted.group_by)), int(same))


def _order(gold: Query, predicted: Query) -> Component:
    ours, theirs = gold.order_by, predicted.order_by
    same = ours is not None and ours == theirs and gold.limit == predicted.limit
    return Component(int(ours is not None), int(theirs is not None), int(same))


def _connectives(gold: set[Condition | str], predicted: set[Condition | str]) -> Component:
    if gold == predicted:
        return Component(1, 1, 1)
    return Component(len(predicted), len(gold), 0)  # in places changed, as in the official program


def _set_operations(gold: Query, predicted: Query) -> Component:
    ours, theirs = gold.right, predicted.right
    if ours is None or theirs is None or gold.set_op != predicted.set_op:
        return Component(int(ours is not None), int(theirs is not None), 0)
    return Component(1, 1, int(_match(ours, theirs)))


def _keywords(query: Query) -> set[str]:
    clauses = (
        ("where", query.where),
        ("group", query.group_by),
        ("having", query.having),
        ("order", query.order_by),
        ("limit", query.limit),
        ("or", "or" in query.connectives()),
    )
    found = {word for word, there in clauses if there}
    if query.order_by:
        found.add(query.order_by.direction)
    if query.set_op:
        found.add(query.set_op)
    for part in query.condition_parts():
        if isinstance(part, Condition):
            found.update({"not"} if part.negated else (), {part.op} & {"in", "like"})
    return found


def _rebuild(query: Query, names: Names) -> Query:
    """Put a query into the form that is compared."""
    tables = query.tables
    keys = {
        column: first for column, first in names.keys.items() if column.partition(".")[0] in tables
    }
    return _join_columns(query, keys)


def _join_columns(query: Query, keys: Mapping[str, str]) -> Query:
    order = query.order_by
    if order is not None:
        order = OrderBy(order.direction, tuple(_unit(unit, keys) for unit in order.units))
    return Query(
        False,
        tuple(SelectItem(item.aggregate, _unit(item.unit, keys)) for item in query.select),
        query.tables,
        _conditions(query.joins, keys),
        _conditions(query.where, keys),
        tuple(_column(unit, keys) for unit in query.group_by),
        _conditions(query.having, keys),
        order,
        query.limit,
        query.set_op,
        query.right and _join_columns(query.right, keys),
    )


def _forget_values(query: Query) -> Query:
    return replace(
        query,
        joins=_conditions(query.joins, None),
        where=_conditions(query.where, None),
        having=_conditions(query.having, None),
        right=query.right and _forget_values(query.right),
    )


def _conditions(conditions: Conditions, keys: Mapping[str, str] | None) -> Conditions:
    """Forget values, and join columns where there are keys; what stands at odd places is kept."""
    return tuple(
        _condition(part, keys) if place % 2 == 0 and isinstance(part, Condition) else part
        for place, part in enumerate(conditions)
    )


def _condition(part: Condition, keys: Mapping[str, str] | None) -> Condition:
    unit = part.unit if keys is None else _unit(part.unit, keys)
    return Condition(part.negated, part.op, unit, _query(part.value), _query(part.second))


def _query(value: Value) -> Query | None:
    return _forget_values(value) if isinstance(value, Query) else None


def _unit(unit: ValueUnit, keys: Mapping[str, str]) -> ValueUnit:
    return ValueUnit(unit.op, _column(unit.left, keys), unit.right and _column(unit.right, keys))


def _column(unit: ColumnUnit, keys: Mapping[str, str]) -> ColumnUnit:
    if unit.column not in keys and not unit.distinct:
        return unit
    return ColumnUnit(unit.aggregate, keys.get(unit.column, unit.column))
