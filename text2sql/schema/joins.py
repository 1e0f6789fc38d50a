"""Find the foreign keys that nobody declared: columns whose values are all keys of another table.

    >>> for join in infer_joins(schema, run):
    ...     print(join.shown, round(join.confidence, 2), join.reason)
    orders.customer_id -> customers.id 0.95 named after the table; 1,000 of 1,000 values are keys

Inclusion alone says little: nearly every small integer is some table's key. So the name has to
speak for a join, too, unless the values are texts that hardly stand in two tables by chance. The
idea of ranking inclusion dependencies by names and values is that of Rostin et al. 2009 ("A Machine
Learning Approach to Foreign Key Discovery"); the weights here are our own, set by hand.

Covered: keys of one column; what is declared, or said by an overlay, is left as it is.
Not covered: keys of several columns; a column that refers to several tables.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from text2sql.schema.model import Column, ForeignKey, Schema, Table
from text2sql.schema.quoting import quote
from text2sql.schema.words import stem, stems

Run = Callable[[str], Sequence[tuple[Any, ...]] | None]  # SQL to rows; None where it fails

PROBED = 1_000  # distinct values of a column that are looked up
MOST_PROBES = 2_000  # pairs of columns; a schema with more is asked about its best names only
LEAST = 0.7  # confidence with which a join is taken for one
LEAST_INCLUDED = 0.95  # dirty data has strays
FEW = 5  # values say nothing below this

_FAMILIES = {
    "number": ("int", "num", "dec", "serial", "real", "floa", "doub"),
    "text": ("char", "text", "clob", "uuid", "string", "enum"),
}  # a word of the declared type -> values that can be equal
_KEY_WORDS = set(map(stem, ("id", "key", "no", "code", "nr", "num", "number", "fk", "ref", "uuid")))


@dataclass(frozen=True, slots=True)
class Join:
    """A foreign key that the database does not declare, and what speaks for it."""

    child: Table
    column: str
    parent: Table
    referred: str
    confidence: float  # 0 to 1
    reason: str

    @property
    def shown(self) -> str:
        """The join as an overlay's `relationships` says it."""
        return f"{self.child.full_name}.{self.column} -> {self.parent.full_name}.{self.referred}"


def infer_joins(schema: Schema, run: Run, *, least: float = LEAST) -> list[Join]:
    """Return undeclared foreign keys, one for a column, the surest first.

    Args:
        schema: with what is declared and what an overlay says.
        run: runs one query on its database, under a deadline.
        least: confidence below which a join is left out.
    """
    ranked = sorted(_candidates(schema), key=lambda found: -found[0])[:MOST_PROBES]
    best: dict[tuple[str, str], Join] = {}
    for likeness, child, column, parent, referred in ranked:
        place = child.full_name, column.name
        if place in best and best[place].confidence >= likeness:
            continue
        join = _probe(schema, run, likeness, child, column, parent, referred)
        if join and join.confidence >= least:
            best[place] = max(join, best.get(place, join), key=lambda each: each.confidence)
    return sorted(best.values(), key=lambda join: (-join.confidence, join.shown))


def with_joins(schema: Schema, joins: Iterable[Join]) -> Schema:
    """Return a schema whose tables have further, undeclared foreign keys."""
    tables = {table.full_name: table for table in schema.tables}
    for join in joins:
        key = ForeignKey(
            (join.column,), join.parent.name, (join.referred,), join.parent.namespace, False
        )
        child = tables[join.child.full_name]
        tables[child.full_name] = replace(child, foreign_keys=(*child.foreign_keys, key))
    return replace(schema, tables=tuple(tables.values()))


_Candidate = tuple[float, Table, Column, Table, Column]


def _candidates(schema: Schema) -> Iterator[_Candidate]:
    """Yield pairs of columns that may join, with what their names say for it."""
    parents = [(table, key) for table in schema.tables for key in _keys(table)]
    for child, column in schema.columns():
        taken = {name for key in child.foreign_keys for name in key.columns}
        if column.name in taken or child.primary_key == (column.name,) or child.view:
            continue
        for parent, key in parents:
            if parent is not child or column.name != key.name:
                likeness = _likeness(child, column, parent, key)
                if likeness is not None and _family(column) == _family(key):
                    yield likeness, child, column, parent, key


def _keys(table: Table) -> list[Column]:
    """Return what may be referred to: the primary key, else a first column named like a key."""
    if table.view or not table.columns:
        return []
    if table.primary_key:
        found = table.column(table.primary_key[0]) if len(table.primary_key) == 1 else None
        return [found] if found else []
    first = table.columns[0]
    return [first] if set(stems(first.name)) & _KEY_WORDS else []


def _likeness(child: Table, column: Column, parent: Table, key: Column) -> float | None:
    """Return how strongly names say that a column refers to a key; None where they say nothing."""
    said, owner, named = stems(column.name), stems(parent.name), stems(key.name)
    bare = [word for word in said if word not in _KEY_WORDS]
    if bare and bare == [word for word in owner if word not in _KEY_WORDS]:
        return 0.97 if len(said) > len(bare) else 0.85  # customer_id; customer
    if said == named and bare:
        return 0.92  # cust_no of orders and of customers
    if bare and owner and bare[-1] == owner[-1]:
        return 0.85 if len(said) > len(bare) else 0.72  # billing_customer_id
    if parent is child and bare and set(said) & _KEY_WORDS:
        return 0.6  # manager_id: of people like oneself
    return 0.5 if _family(column) == _family(key) == "text" else None


def _family(column: Column) -> str:
    """Return the family of a column's type; other types stand for themselves."""
    declared = column.type.lower()
    named = (name for name, parts in _FAMILIES.items() if any(part in declared for part in parts))
    return next(named, declared or "text")


def _probe(
    schema: Schema,
    run: Run,
    likeness: float,
    child: Table,
    column: Column,
    parent: Table,
    referred: Column,
) -> Join | None:
    """Look a column's values up among a key's."""
    inner, outer = quote(column.name, schema.dialect), quote(referred.name, schema.dialect)
    own, other = (_written(table, schema.dialect) for table in (child, parent))
    sql = (
        f"SELECT count(*), count(k.v) FROM (SELECT DISTINCT {inner} AS v FROM {own}"
        f" WHERE {inner} IS NOT NULL LIMIT {PROBED}) AS c"
        f" LEFT JOIN (SELECT DISTINCT {outer} AS v FROM {other}) AS k ON k.v = c.v"
    )
    found = run(sql)
    if not found or not found[0][0]:
        return None
    values, included = (int(number) for number in found[0])
    if values < min(FEW, 2 if likeness > 0.9 else FEW) or included < LEAST_INCLUDED * values:
        return None
    unique = run(f"SELECT count(*) - count(DISTINCT {outer}) FROM {other}")
    if not unique or unique[0][0] != 0:
        return None
    said = {0.5: "names say nothing", 0.6: "a key to its own table"}
    why = said.get(likeness, "named after the table" if likeness != 0.92 else "named as the key")
    confidence = likeness * included / values
    if likeness == 0.5:  # texts alone: the more there are, the less it is chance
        confidence = min(0.9, 0.5 + values / 100) * included / values
    elif likeness == 0.6:
        confidence = min(0.8, 0.6 + values / 100) * included / values
    reason = f"{why}; {included:,} of {values:,} values are keys"
    return Join(child, column.name, parent, referred.name, confidence, reason)


def _written(table: Table, dialect: str) -> str:
    return ".".join(quote(part, dialect) for part in table.full_name_parts)
