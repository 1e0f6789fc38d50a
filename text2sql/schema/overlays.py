"""Add to a schema what its owner knows and the database does not say.

    >>> overlay = Overlay(relationships=("orders.customer_id -> customers.id",))
    >>> apply_overlay(schema, overlay).table("orders").foreign_keys[0].declared
    False

Covered: descriptions (they replace the database's comments), synonyms, meanings of stored values,
relationships of one or several columns, names written in quotes or without.
Not covered: renaming or hiding; `include` and `exclude` of a database do the hiding.
"""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from text2sql.errors import SettingsError, UnknownName
from text2sql.schema.model import Column, ForeignKey, Schema, Table

if TYPE_CHECKING:
    from text2sql.overlays import ColumnOverlay, Overlay, TableOverlay

_QUOTED = re.compile(r'"(?:[^"]|"")*"')


def apply_overlay(schema: Schema, overlay: "Overlay") -> Schema:
    """Return the schema with the overlay's knowledge in it.

    Raises:
        UnknownName: a table or column that the schema does not have; the nearest is named.
        SettingsError: a relationship that is not written `a.b -> c.d`.
    """
    said = {}
    for name, words in overlay.tables.items():
        table = schema.find_table(name)
        said[table.full_name] = _describe_table(table, words)
    tables = tuple(said.get(table.full_name, table) for table in schema.tables)
    for text in overlay.relationships:
        child, key = _relationship(schema, text)
        tables = tuple(_with_key(t, key) if t.full_name == child else t for t in tables)
    return replace(schema, tables=tables)


def _describe_table(table: Table, words: "TableOverlay") -> Table:
    said = {}
    for name, column_words in words.columns.items():
        column = find_column(table, name)
        said[column.name] = _describe_column(column, column_words)
    return replace(
        table,
        comment=words.description or table.comment,
        synonyms=words.synonyms or table.synonyms,
        columns=tuple(said.get(column.name, column) for column in table.columns),
    )


def _describe_column(column: Column, words: "ColumnOverlay") -> Column:
    return replace(
        column,
        comment=words.description or column.comment,
        synonyms=words.synonyms or column.synonyms,
        meanings=tuple(words.values.items()) or column.meanings,
    )


def find_column(table: Table, name: str) -> Column:
    """Return the column of that name.

    Raises:
        UnknownName: there is none; the nearest is named.
    """
    column = table.column(name)
    if column is None:
        known = [column.name for column in table.columns]
        raise UnknownName("column", name, known, f"in table {table.full_name!r}")
    return column


def _relationship(schema: Schema, text: str) -> tuple[str, ForeignKey]:
    """Return the full name of the table that refers, and its key."""
    sides = _split(text, "->")
    paths = [[_split(reference, ".") for reference in _split(side, ",")] for side in sides]
    if len(sides) != 2 or not all(len(path) > 1 and all(path) for side in paths for path in side):
        raise SettingsError(f"relationship {text!r} must be written 'a.b -> c.d'")
    (child, columns), (parent, referred) = (_side(schema, side, text) for side in paths)
    if len(columns) != len(referred):
        raise SettingsError(f"relationship {text!r} has more columns on one side")
    key = ForeignKey(columns, parent.name, referred, parent.namespace, declared=False)
    return child.full_name, key


def _side(schema: Schema, paths: list[list[str]], text: str) -> tuple[Table, tuple[str, ...]]:
    tables = [schema.find_table(".".join(map(_plain, path[:-1]))) for path in paths]
    columns = [find_column(t, _plain(p[-1])).name for t, p in zip(tables, paths, strict=True)]
    if any(table is not tables[0] for table in tables):
        raise SettingsError(f"relationship {text!r} must have one table on each side")
    return tables[0], tuple(columns)


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark outside double quotes; white space around the parts goes."""
    masked = _QUOTED.sub(lambda quoted: "x" * len(quoted[0]), text)
    ends = [found.start() for found in re.finditer(re.escape(mark), masked)]
    starts = [0, *(end + len(mark) for end in ends)]
    return [text[a:b].strip() for a, b in zip(starts, [*ends, len(text)], strict=True)]


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if _QUOTED.fullmatch(name) else name


def _with_key(table: Table, key: ForeignKey) -> Table:
    known = {(k.columns, k.table, k.referred, k.namespace) for k in table.foreign_keys}
    if (key.columns, key.table, key.referred, key.namespace) in known:
        return table
    return replace(table, foreign_keys=(*table.foreign_keys, key))
