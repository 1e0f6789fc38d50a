"""Read WikiSQL: its `sql` objects become SQL, its tables schemas, over its database file.

    >>> wikisql_query({"sel": 1, "agg": 3, "conds": [[0, 0, "Bergen"]]}, "1-10015132-9")
    "SELECT COUNT(col1) FROM table_1_10015132_9 WHERE col0 = 'bergen'"

A table is a database of its own here: its id is the `db_id`, and its header is what the columns
`col0`, `col1`, ... mean.

Covered: the rules of the official program: texts in small letters, as the database has them; a
number for a column of numbers, even where it is written among words.
Not covered: conditions with the operator OP, which the official program does not run either.

Source: salesforce/WikiSQL (lib/query.py, lib/dbengine.py; dev.jsonl, dev.tables.jsonl, dev.db).
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from text2sql.errors import DataError
from text2sql.examples import Example
from text2sql.records import read_records
from text2sql.schema.model import Column, Schema, Table

AGGREGATES = ("", "MAX", "MIN", "COUNT", "SUM", "AVG")
OPERATORS = ("=", ">", "<")
_NUMBER = re.compile(r"[-+]?\d*\.\d+|[-+]?\d+")


class WikiSQLTables(Mapping[str, Schema]):
    """The tables of a `*.tables.jsonl` file by id, each made a schema when it is first asked for.

    Raises:
        DataError: the file is missing or malformed, or a table has no id, header or types.
    """

    def __init__(self, path: Path) -> None:
        self._records: dict[str, dict[str, Any]] = {}
        for line, record in read_records(path):
            header, types = record.get("header"), record.get("types")
            if not isinstance(record.get("id"), str):
                raise DataError("a table must have an 'id'", path, line)
            if not (isinstance(header, list) and isinstance(types, list)):
                raise DataError("a table must have a 'header' and 'types'", path, line)
            if len(header) != len(types):
                raise DataError(
                    f"{len(header)} columns in 'header', {len(types)} in 'types'", path, line
                )
            self._records[record["id"]] = record

    def __getitem__(self, key: str) -> Schema:
        record = self._records[key]
        columns = tuple(
            Column(f"col{place}", str(kind), comment=str(name))
            for place, (name, kind) in enumerate(
                zip(record["header"], record["types"], strict=True)
            )
        )
        title = next((record[k] for k in ("page_title", "caption") if record.get(k)), None)
        return Schema(key, "sqlite", (Table(table_name(key), columns, comment=title),))

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def types(self, key: str) -> list[str]:
        """Return the types of a table's columns: text or real."""
        return [str(kind) for kind in self._records[key]["types"]]


def read_wikisql(path: Path, tables: WikiSQLTables, split: str) -> list[Example]:
    """Return the examples of a split's file.

    Raises:
        DataError: as `read_records`; a question, table or `sql` that is missing or wrong.
    """
    examples = []
    for index, (line, record) in enumerate(read_records(path)):
        question, table = record.get("question"), record.get("table_id")
        if not isinstance(question, str) or not question.strip():
            raise DataError("'question' must be text that is not empty", path, line)
        if not isinstance(table, str) or table not in tables:
            raise DataError(f"no table {table!r} in the file of tables", path, line)
        try:
            sql = wikisql_query(record["sql"], table, types=tables.types(table))
        except (KeyError, IndexError, TypeError, ValueError):
            raise DataError(
                "'sql' must have 'sel', 'agg' and 'conds' of this table", path, line
            ) from None
        examples.append(Example(index, question, (sql,), table, split=split, source="wikisql"))
    return examples


def table_name(table_id: str) -> str:
    """Return the name that a table has in the database."""
    return f"table_{table_id.replace('-', '_')}"


def wikisql_query(sql: Mapping[str, Any], table_id: str, *, types: list[str] | None = None) -> str:
    """Return the SQL that a WikiSQL object stands for.

    Args:
        sql: `sel` (column), `agg` (place in `AGGREGATES`), `conds` (column, place in `OPERATORS`,
            value).
        table_id: of the table that is asked.
        types: of its columns, where texts for numbers are to be read as numbers.

    Raises:
        KeyError, IndexError, TypeError, ValueError: it is no such object.
    """
    columns = range(len(types)) if types is not None else range(10_000)
    result = f"col{columns[sql['sel']]}"
    if sql["agg"]:
        result = f"{AGGREGATES[sql['agg']]}({result})"
    tests = []
    for column, operator, value in sql["conds"]:
        kind = types[column] if types is not None else "text"
        tests.append(f"col{columns[column]} {OPERATORS[operator]} {_value(value, kind)}")
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    return f"SELECT {result} FROM {table_name(table_id)}{where}"


def _value(value: Any, kind: str) -> str:
    if isinstance(value, str) and kind == "real":
        found = _NUMBER.search(value.replace(",", ""))
        if found is None:
            raise ValueError(value)
        return found[0].lstrip("+")
    if isinstance(value, str):
        return "'" + value.lower().replace("'", "''") + "'"
    return repr(value + 0)  # raises where it is no number
