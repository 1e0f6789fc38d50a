"""A query as Spider's official evaluator sees it: which clauses, which columns, which operators.

    >>> names = Names.of(schema)
    >>> read_query("SELECT count(*) FROM singer WHERE age > 20", names).where
    (Condition(negated=False, op='>', unit=ValueUnit(op=None, left=ColumnUnit(...), ...),
    value=20.0, ...),)

Covered: the structure only; `spider_parser.read_query` builds it, `levels.hardness` counts in it,
`exact_match` compares it.
Not covered: anything outside the official subset (CASE, CAST, OVER, WITH, functions but five
aggregates).

The shapes are those of process_sql.py (taoyds/test-suite-sql-eval at e97acc5), with names for
positions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

from text2sql.schema.model import Schema, Table

ALL = "*"

Value = Union[float, str, "ColumnUnit", "Query", None]


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """All that the official program knows of a database, in lower case; equal only to itself."""

    columns: Mapping[str, tuple[str, ...]]  # by table
    ids: frozenset[str]  # "*", "table" and "table.column"
    # "table.column" to the first column of those that foreign keys join it with; only keys are here
    keys: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: Schema) -> "Names":
        """Take the names of a schema; views are left out, as `get_schema` leaves them out.

        The official verdict of exact set match rests on the foreign keys of `tables.json`; those
        of a database may differ from them.
        """
        tables = [table for table in schema.tables if not table.view]
        columns = {table.name: tuple(c.name for c in table.columns) for table in tables}
        return cls.from_columns(columns, [pair for table in tables for pair in _key_pairs(table)])

    @classmethod
    def from_columns(
        cls,
        columns: Mapping[str, tuple[str, ...]],
        foreign_keys: Iterable[tuple[str, str]] = (),
    ) -> "Names":
        """Take names from a mapping of table to columns.

        Args:
            columns: by table, both in the database's order.
            foreign_keys: pairs of "table.column", in the order of `tables.json`: it decides
                which columns stand together.
        """
        lower = {table.lower(): tuple(c.lower() for c in cols) for table, cols in columns.items()}
        qualified = [f"{table}.{column}" for table, cols in lower.items() for column in cols]
        pairs = [(child.lower(), parent.lower()) for child, parent in foreign_keys]
        return cls(lower, frozenset({ALL, *lower, *qualified}), _representatives(pairs, qualified))


def _key_pairs(table: Table) -> Iterator[tuple[str, str]]:
    for key in table.foreign_keys:
        if key.declared:
            for column, referred in zip(key.columns, key.referred, strict=False):
                yield f"{table.name}.{column}", f"{key.table}.{referred}"


def _representatives(pairs: Iterable[tuple[str, str]], columns: Sequence[str]) -> Mapping[str, str]:
    """Map each column of a foreign key to the first column of its group.

    `build_foreign_key_map` of evaluation.py: a pair joins the first group that has either column;
    groups that a later pair would join stay apart, and the last group of a column counts.
    """
    groups: list[set[str]] = []
    for pair in pairs:
        group = next((known for known in groups if not known.isdisjoint(pair)), None)
        if group is None:
            groups.append(group := set())
        group.update(pair)
    places = {column: place for place, column in enumerate(columns)}
    found: dict[str, str] = {}
    for group in groups:
        first = min(group, key=lambda column: places.get(column, len(places)))
        found |= dict.fromkeys(group, first)
    return found


@dataclass(frozen=True, slots=True)
class ColumnUnit:
    """A column, perhaps under an aggregate: `max(singer.age)`."""

    aggregate: str | None  # max, min, count, sum, avg
    column: str  # "table.column" or "*"
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class ValueUnit:
    """One column unit, or two joined by `-`, `+`, `*` or `/`."""

    op: str | None
    left: ColumnUnit
    right: ColumnUnit | None = None


@dataclass(frozen=True, slots=True)
class SelectItem:
    """An aggregate written before the value, or none: in `max(a)` the aggregate stands here."""

    aggregate: str | None
    unit: ValueUnit


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison; `second` is the upper end of BETWEEN. Quoted text keeps its quotes."""

    negated: bool
    op: str
    unit: ValueUnit
    value: Value
    second: Value = None


# Flat: comparisons with "and" / "or" between them, or none between two that touch.
Conditions = tuple[Condition | str, ...]


@dataclass(frozen=True, slots=True)
class OrderBy:
    """`direction` is the last one written, for all units: the official program keeps one."""

    direction: str
    units: tuple[ValueUnit, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT with the set operation that follows it."""

    distinct: bool
    select: tuple[SelectItem, ...]
    tables: tuple[Union[str, "Query"], ...]  # the units of FROM, in order
    joins: Conditions  # every ON, joined by "and"
    where: Conditions
    group_by: tuple[ColumnUnit, ...]
    having: Conditions
    order_by: OrderBy | None
    limit: bool  # the official program reads every limit as 1
    set_op: str | None = None  # intersect, union, except
    right: Union["Query", None] = None  # the query after `set_op`

    def condition_parts(self) -> Conditions:
        """Return what stands at the places of comparisons in ON, WHERE and HAVING."""
        return self.joins[::2] + self.where[::2] + self.having[::2]

    def connectives(self) -> Conditions:
        """Return what stands at the places of AND and OR in ON, WHERE and HAVING."""
        return self.joins[1::2] + self.where[1::2] + self.having[1::2]
