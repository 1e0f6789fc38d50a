"""Write a schema as text for a prompt, in one of several styles.

    >>> print(render(schema, "compact"))
    customers(id INTEGER pk, name TEXT /* full name */)
    orders(id INTEGER pk, customer_id INTEGER)
    orders.customer_id -> customers.id

Comments, synonyms and meanings of stored values are part of every style. Relationships that only
the overlay knows are written like declared foreign keys: the reader has to know how tables join.

Covered: names are quoted where the dialect needs it; no name, comment or value can end its comment
or its line. The `ddl` text of a SQLite schema runs in SQLite and makes the same tables and keys.
Not covered: defaults, checks, indexes; a view is written as the table that it looks like.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from text2sql.errors import SchemaError, UnknownName
from text2sql.schema import notes
from text2sql.schema.model import Column, ForeignKey, Schema, Table
from text2sql.schema.quoting import quote, quoted

Sample = Callable[[Table, int], Sequence[Sequence[object]]]  # (table, k) -> at most k rows
Style = Callable[[Schema, Sample | None], str]

SAMPLE_ROWS = 3

_STRINGS_IN_TYPE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_PLAIN_TYPE = re.compile(r"(?!.*--)[\w\s.,%()\[\]<>:+-]*\Z")


def render(schema: Schema, style: str | Style = "ddl", *, sample: Sample | None = None) -> str:
    """Return a schema as text.

    Args:
        schema: what to write, all of it; `prune` makes it smaller.
        style: a name in `STYLES`, or a function of the same form.
        sample: reads at most k rows of a table, columns in its order; `ddl_rows` needs it,
            `mschema` takes its examples from it.

    Raises:
        UnknownName: no such style; the nearest is named.
        SchemaError: `ddl_rows` without `sample`.
    """
    if callable(style):
        return style(schema, sample)
    if style not in STYLES:
        raise UnknownName("schema style", style, STYLES)
    return STYLES[style](schema, sample)


def ddl(schema: Schema, sample: Sample | None = None) -> str:
    """Write CREATE TABLE statements, with what is said of tables and columns in `--` comments."""
    return "\n\n".join(_create_table(table, schema.dialect) for table in schema.tables)


def ddl_rows(schema: Schema, sample: Sample | None = None) -> str:
    """Write `ddl`, and after each table a few of its rows in a comment.

    The idea is that of Rajkumar et al. 2022, arXiv:2204.00498, section 3 ("Select X").
    """
    if sample is None:
        raise SchemaError("style 'ddl_rows' needs rows: pass sample=, a function of a table and k")
    dialect = schema.dialect
    return "\n\n".join(
        f"{_create_table(table, dialect)}\n{_row_comment(table, dialect, sample)}"
        for table in schema.tables
    )


def compact(schema: Schema, sample: Sample | None = None) -> str:
    """Write one line a table and one line a foreign key."""
    dialect = schema.dialect
    lines = [_compact_table(table, dialect) for table in schema.tables]
    for table, key in _foreign_keys(schema):
        pairs = list(_joined_columns(table, key, dialect))
        left, right = (", ".join(side) for side in zip(*pairs, strict=True))
        lines.append(f"{left} -> {right}")
    return "\n".join(lines)


def mschema(schema: Schema, sample: Sample | None = None) -> str:
    """Write XiYan's M-Schema: XGenerationLab/M-Schema, `MSchema.to_mschema`, default options.

    As there, types lose their arguments and few examples are shown (`notes.examples`). Unlike
    there, names are quoted where SQL needs it.
    """
    dialect = schema.dialect
    lines = [f"【DB_ID】 {notes.flat(schema.name)}", "【Schema】"]
    for table in schema.tables:
        note = notes.table_note(table)
        lines.append(f"# Table: {_line_name(table, dialect)}{', ' + note if note else ''}")
        lines += ["[", ",\n".join(_mschema_columns(table, dialect, sample)), "]"]
    pairs = [
        f"{left}={right}"
        for table, key in _foreign_keys(schema)
        for left, right in _joined_columns(table, key, dialect)
    ]
    return "\n".join(lines + (["【Foreign keys】", *pairs] if pairs else []))


STYLES: dict[str, Style] = {
    "ddl": ddl,
    "ddl_rows": ddl_rows,
    "compact": compact,
    "mschema": mschema,
}


def _create_table(table: Table, dialect: str) -> str:
    items = [
        (_column_definition(table, column, dialect), notes.column_note(column))
        for column in table.columns
    ]
    if len(table.primary_key) > 1:
        items.append((f"PRIMARY KEY {_names(table.primary_key, dialect)}", ""))
    items += [(_foreign_key_clause(key, dialect), "") for key in table.foreign_keys]
    lines = [
        f"  {item}{',' if number < len(items) else ''}{notes.line_comment(note)}\n"
        for number, (item, note) in enumerate(items, start=1)
    ]
    note = notes.table_note(table)
    name = _full_name(table.namespace, table.name, dialect)
    return "".join([f"-- {note}\n" if note else "", f"CREATE TABLE {name} (\n", *lines, ");"])


def _column_definition(table: Table, column: Column, dialect: str) -> str:
    alone = len(table.primary_key) == 1 and _is_key(table, column)
    parts = [
        quote(column.name, dialect),
        _type(column.type, dialect),
        "" if column.nullable or alone else "NOT NULL",
        "PRIMARY KEY" if alone else "",
    ]
    return " ".join(filter(None, parts))


def _foreign_key_clause(key: ForeignKey, dialect: str) -> str:
    columns, referred = _names(key.columns, dialect), _names(key.referred, dialect)
    parent = _full_name(key.namespace, key.table, dialect)
    return f"FOREIGN KEY {columns} REFERENCES {parent} {referred}"


def _type(declared: str, dialect: str) -> str:
    """Return a declared type on one line; one that could end its line is quoted like a name."""
    flat = notes.flat(declared)
    outside = _STRINGS_IN_TYPE.sub("", flat)
    balanced = outside.count("(") == outside.count(")")
    return flat if balanced and _PLAIN_TYPE.match(outside) else quoted(flat, dialect)


def _row_comment(table: Table, dialect: str, sample: Sample) -> str:
    rows = sample(table, SAMPLE_ROWS)
    name = _line_name(table, dialect)
    if not rows:
        return f"-- {name} has no rows"
    heads = [notes.one_line(quote(column.name, dialect)) for column in table.columns]
    cells = [heads, *([notes.value_text(value) for value in row] for row in rows)]
    lines = [f"{len(rows)} row{'s' if len(rows) > 1 else ''} of {name}:", *map(" | ".join, cells)]
    return "\n".join(f"-- {line}" for line in lines)


def _compact_table(table: Table, dialect: str) -> str:
    columns = ", ".join(_compact_column(table, column, dialect) for column in table.columns)
    note = notes.block_comment(notes.table_note(table))
    return f"{_line_name(table, dialect)}({columns}){note}"


def _compact_column(table: Table, column: Column, dialect: str) -> str:
    name = notes.one_line(quote(column.name, dialect))
    kind = f" {_type(column.type, dialect)}" if column.type else ""
    key = " pk" if _is_key(table, column) else ""
    return f"{name}{kind}{key}{notes.block_comment(notes.column_note(column))}"


def _mschema_columns(table: Table, dialect: str, sample: Sample | None) -> Iterator[str]:
    rows = sample(table, SAMPLE_ROWS) if sample else ()
    for index, column in enumerate(table.columns):
        examples = notes.examples(row[index] for row in rows)
        name, kind = notes.one_line(quote(column.name, dialect)), notes.flat(column.type)
        parts = [
            f"{name}:{kind.split('(')[0].strip().upper()}",
            notes.column_note(column),
            "Primary Key" if _is_key(table, column) else "",
            f"Examples: [{', '.join(examples)}]" if examples else "",
        ]
        yield f"({', '.join(filter(None, parts))})"


def _is_key(table: Table, column: Column) -> bool:
    return column.name in table.primary_key


def _foreign_keys(schema: Schema) -> Iterator[tuple[Table, ForeignKey]]:
    return ((table, key) for table in schema.tables for key in table.foreign_keys)


def _joined_columns(table: Table, key: ForeignKey, dialect: str) -> Iterator[tuple[str, str]]:
    """Yield `child.column` and `parent.column` as written on one line."""
    child = _full_name(table.namespace, table.name, dialect)
    parent = _full_name(key.namespace, key.table, dialect)
    for column, referred in zip(key.columns, key.referred, strict=True):
        left, right = f"{child}.{quote(column, dialect)}", f"{parent}.{quote(referred, dialect)}"
        yield notes.one_line(left), notes.one_line(right)


def _full_name(namespace: str | None, name: str, dialect: str) -> str:
    return (
        f"{quote(namespace, dialect)}.{quote(name, dialect)}" if namespace else quote(name, dialect)
    )


def _line_name(table: Table, dialect: str) -> str:
    return notes.one_line(_full_name(table.namespace, table.name, dialect))


def _names(names: Sequence[str], dialect: str) -> str:
    return f"({', '.join(quote(name, dialect) for name in names)})"
