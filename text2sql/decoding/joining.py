"""Leave out of a FROM what the foreign keys say, and put it there again.

    >>> shorten(parse_one("SELECT s.name FROM concert JOIN s ON concert.singer_id = s.id"), schema)
    SELECT s.name FROM s, concert
    >>> lengthen("SELECT s.name FROM s, concert", schema)
    'SELECT s.name FROM s JOIN concert ON concert.singer_id = s.id'

Left out are ON, and tables that only lead from one to another, whose columns nobody asks for.

For bases that point (`decoding.pointing`): a small model that has to say which columns join two
tables spends a quarter of its loss on it, and a schema knows them. Tables stand in the schema's
order, and GROUP BY names the key that is referred to, not the one that refers: of several ways to
say the same, one is to be learnt.

Covered: inner joins of tables by their foreign keys (`schema.join_paths`). Other joins stay as they
are.
Not covered: tables under an alias; all pairs of rows of tables that foreign keys do join.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from text2sql.errors import Unsayable
from text2sql.schema.join_paths import Pair, Step, completed, implied, join_path
from text2sql.schema.model import Schema
from text2sql.schema.quoting import quote

if TYPE_CHECKING:
    from sqlglot import exp

_Plain = frozenset[tuple[str, str]]  # two columns that are equal, in lower case


def shorten(tree: "exp.Expr", schema: Schema) -> "exp.Expr":
    """Write FROM with commas wherever its joins are those of the foreign keys, in place.

    Args:
        tree: of a query; tables have no aliases, and columns name their tables.
        schema: that it is about.

    Raises:
        Unsayable: it reads all pairs of rows of tables that foreign keys join.
    """
    from sqlglot import exp

    for select in tree.find_all(exp.Select):
        path = _said_by_keys(select, schema)
        if path is not None:
            _group_by_keys(select, [p for step in path for p in step.pairs], schema.dialect)
            named = _named(select, path, schema)
            _place(select, _ordered(select, named, schema.dialect), [None] * len(named))
        elif _means_keys(select, schema) is not None:
            raise Unsayable(
                "pointers cannot say it: all pairs of rows of tables that hang together"
            )
    return tree


def lengthen(sql: str, schema: Schema) -> str:
    """Return SQL in which tables behind commas are joined by their foreign keys.

    Args:
        sql: as a base that points means it; text that is no SQL is returned as it is.
        schema: that it is about. Tables that no foreign key joins stay behind commas.
    """
    from sqlglot import exp, parse_one

    from text2sql.limits import check_joins
    from text2sql.unreadable import UNREADABLE

    try:
        check_joins(sql)
        tree = parse_one(sql, dialect=schema.dialect)
    except UNREADABLE:
        return sql
    changed = False
    for select in tree.find_all(exp.Select):
        path = _means_keys(select, schema)
        if path is not None:
            conditions = [_condition(step.pairs, schema) for step in path]
            _place(select, _ordered(select, path, schema.dialect), conditions)
            changed = True
    return str(tree.sql(dialect=schema.dialect)) if changed else sql


def _means_keys(select: "exp.Select", schema: Schema) -> list[Step] | None:
    """Return the path of a FROM with nothing but commas; None of another."""
    joins = select.args.get("joins") or []
    tables = _tables(select)
    if not joins or tables is None or not all(map(_is_comma, joins)):
        return None
    return _path(tables, schema) or _path_through(tables, select, schema)


def _path_through(tables: Sequence[str], select: "exp.Select", schema: Schema) -> list[Step] | None:
    """Return the path of tables that only others join; None where a star would show those."""
    from sqlglot import exp

    if _is_unknown(tables, schema) or any(isinstance(e, exp.Star) for e in select.expressions):
        return None
    found = completed(schema, tables)
    return None if found is None else join_path(schema, found)


def _named(select: "exp.Select", path: Sequence[Step], schema: Schema) -> list[Step]:
    """Return the steps whose tables are to be named: the others follow from these."""
    from sqlglot import exp

    columns = select.find_all(exp.Column)
    said = {
        column.table.casefold()
        for column in columns
        if not isinstance(column.find_ancestor(exp.Join, exp.Select), exp.Join)
    }
    tables = [step.table for step in path]
    used = [name for name in tables if name.rpartition(".")[2].casefold() in said]
    left_out = implied(schema, tables, used)
    order = [table.full_name for table in schema.tables]
    named = [step for step in path if step.table not in left_out]
    return sorted(named, key=lambda step: order.index(step.table)) if left_out else named


def _said_by_keys(select: "exp.Select", schema: Schema) -> list[Step] | None:
    """Return the path of a FROM whose joins are those of the foreign keys; None of another."""
    from sqlglot import exp

    joins = select.args.get("joins") or []
    tables = _tables(select)
    if not joins or tables is None or not all(_is_inner(join) for join in joins):
        return None
    if any(isinstance(item, exp.Star) for item in select.expressions):
        return None  # the order of the tables is that of the columns
    known = [table.full_name for table in schema.tables]
    folded = {name.casefold(): place for place, name in enumerate(known)}
    if not all(name.casefold() in folded for name in tables):
        return None
    ordered = sorted((known[folded[name.casefold()]] for name in tables), key=known.index)
    path = _path(ordered, schema)
    if path is None:
        return None
    said = [pair for join in joins for pair in _equalities(join.args["on"])]
    meant = [_plain(a, b) for step in path for a, b in step.pairs]
    same = None not in said and sorted(map(_key, said)) == sorted(map(_key, meant))
    return path if same else None


def _key(pair: "_Plain | None") -> list[tuple[str, str]]:
    return sorted(pair or ())


def _path(tables: Sequence[str], schema: Schema) -> list[Step] | None:
    return None if _is_unknown(tables, schema) else join_path(schema, tables)


def _is_unknown(tables: Sequence[str], schema: Schema) -> bool:
    """Tell whether a table stands there twice, or is not of the schema."""
    folded = [name.casefold() for name in tables]
    return len(set(folded)) < len(folded) or any(schema.table(name) is None for name in tables)


def _tables(select: "exp.Select") -> list[str] | None:
    """Return the full names of what FROM reads; None where it is not tables alone."""
    from sqlglot import exp

    source = select.args.get("from_")
    sources = (
        [source.this, *(join.this for join in select.args.get("joins") or [])] if source else []
    )
    if not sources or any(not isinstance(s, exp.Table) or s.alias for s in sources):
        return None
    return [f"{s.db}.{s.name}" if s.db else s.name for s in sources]


def _is_comma(join: "exp.Join") -> bool:
    if any(join.args.get(part) for part in ("side", "method", "on", "using")):
        return False
    return join.args.get("kind") in (None, "", "CROSS")  # sqlglot reads a comma as CROSS JOIN


def _is_inner(join: "exp.Join") -> bool:
    plain = not any(join.args.get(part) for part in ("side", "method", "using"))
    return plain and join.args.get("kind") in (None, "", "INNER") and bool(join.args.get("on"))


def _equalities(condition: "exp.Expr") -> "list[_Plain | None]":
    """Return the pairs of columns that a condition equates; None for each other part."""
    from sqlglot import exp

    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    found: list[_Plain | None] = []
    for part in (part.unnest() for part in parts):
        if isinstance(part, exp.Boolean) and part.this:
            continue  # ON TRUE: a later ON says how the table is joined
        sides = (part.left, part.right) if isinstance(part, exp.EQ) else ()
        columns = [(side.table, side.name) for side in sides if isinstance(side, exp.Column)]
        found.append(_plain(*columns) if len(columns) == 2 else None)
    return found


def _plain(one: tuple[str, str], other: tuple[str, str]) -> _Plain:
    """Return a pair without its order; a table by its last name, as columns have it."""
    return frozenset((t.rpartition(".")[2].casefold(), c.casefold()) for t, c in (one, other))


def _group_by_keys(select: "exp.Select", pairs: Sequence[Pair], dialect: str) -> None:
    """Group by the key that is referred to where no other clause needs the one that refers."""
    from sqlglot import exp

    group = select.args.get("group")
    if group is None:
        return
    parts = [*select.expressions, select.args.get("having"), select.args.get("order")]
    columns = [column for part in parts if part for column in part.find_all(exp.Column)]
    shown = {(column.table.casefold(), column.name.casefold()) for column in columns}
    for column in list(group.expressions):
        if not isinstance(column, exp.Column):
            continue
        name = (column.table.casefold(), column.name.casefold())
        for (table, own), (parent, other) in pairs:
            if name == (table.rpartition(".")[2].casefold(), own.casefold()) and name not in shown:
                column.replace(_column(parent, other, dialect))
                break


def _ordered(select: "exp.Select", path: Sequence[Step], dialect: str) -> "list[exp.Expr]":
    """Return the tables of FROM in a path's order, with those that nobody has named."""
    sources = [select.args["from_"].this, *(join.this for join in select.args.get("joins") or [])]
    by_name = {(f"{s.db}.{s.name}" if s.db else s.name).casefold(): s for s in sources}
    return [by_name.get(step.table.casefold()) or _table(step.table, dialect) for step in path]


def _table(full_name: str, dialect: str) -> "exp.Expr":
    from sqlglot import exp

    namespace, _, own = full_name.rpartition(".")
    parts = [exp.to_identifier(n, quoted=quote(n, dialect) != n) for n in (own, namespace) if n]
    return exp.Table(this=parts[0], db=parts[1] if namespace else None)


def _place(
    select: "exp.Select",
    sources: "Sequence[exp.Expr]",
    conditions: "Sequence[exp.Expr | None]",
) -> None:
    from sqlglot import exp

    select.set("from_", exp.From(this=sources[0]))
    joins = zip(sources[1:], conditions[1:], strict=True)
    select.set("joins", [exp.Join(this=source, on=on) for source, on in joins])


def _condition(pairs: Sequence[Pair], schema: Schema) -> "exp.Expr | None":
    from sqlglot import exp

    equal = [
        exp.EQ(this=_column(*one, schema.dialect), expression=_column(*other, schema.dialect))
        for one, other in pairs
    ]
    return exp.and_(*equal) if equal else None


def _column(table: str, column: str, dialect: str) -> "exp.Expr":
    from sqlglot import exp

    own = table.rpartition(".")[2]
    names = [exp.to_identifier(n, quoted=quote(n, dialect) != n) for n in (column, own)]
    return exp.Column(this=names[0], table=names[1])
