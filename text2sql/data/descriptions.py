"""Put on a schema what a benchmark says of its columns in files of its own.

    >>> describe(schema, bird_descriptions(Path("dev_databases/shop/database_description")))

Covered: BIRD's `database_description/<table>.csv` (column and value description), whatever they
were saved as; `column_descriptions` and `value_enums` of KaggleDBQA_tables.json.
Not covered: descriptions of tables and databases: BIRD has none, KaggleDBQA's are essays.

Sources: BIRD's dev.zip (dev_databases/*/database_description); the README of
chiahsuan156/KaggleDBQA.
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from text2sql.errors import DataError
from text2sql.records import read_text
from text2sql.schema.model import Column, Schema

Texts = Mapping[tuple[str, str], str]  # (table, column), casefolded -> what is said of it

FOLDER = "database_description"
_NAME, _MEANING, _VALUES = "original_column_name", "column_description", "value_description"


def describe(schema: Schema, texts: Texts) -> Schema:
    """Return a schema whose columns have these descriptions as comments.

    Names that the schema does not have are passed over: published descriptions misspell some.
    """

    def said(table: str, column: Column) -> Column:
        text = texts.get((table.casefold(), column.name.casefold()))
        return replace(column, comment=text) if text else column

    tables = tuple(
        replace(table, columns=tuple(said(table.name, column) for column in table.columns))
        for table in schema.tables
    )
    return replace(schema, tables=tables)


def bird_descriptions(folder: Path) -> dict[tuple[str, str], str]:
    """Return what the CSV files of a database say of its columns; nothing without a folder.

    Raises:
        DataError: a file without the column `original_column_name`.
    """
    found = {}
    for path in sorted(folder.glob("*.csv")):
        rows = csv.DictReader(io.StringIO(_text(path), newline=""))
        if _NAME not in [(name or "").strip() for name in rows.fieldnames or ()]:
            raise DataError(f"expected a CSV file with the column {_NAME}", path)
        for row in rows:
            cells = {(k or "").strip(): v for k, v in row.items() if isinstance(v, str)}
            name = cells.get(_NAME, "").strip()
            if name:
                found[path.stem.casefold(), name.casefold()] = _said(cells)
    return found


def _text(path: Path) -> str:
    """Read a file that may have been saved by a spreadsheet of Windows."""
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _said(cells: Mapping[str, str]) -> str:
    parts = [" ".join(cells.get(key, "").split()) for key in (_MEANING, _VALUES)]
    if not parts[0]:  # the natural name, where nothing else is said
        parts[0] = " ".join(cells.get("column_name", "").split())
    return "; ".join(part for part in parts if part)


def kaggle_descriptions(path: Path) -> dict[str, dict[tuple[str, str], str]]:
    """Return what KaggleDBQA_tables.json says of columns, by db_id.

    Raises:
        DataError: it is no JSON list of databases.
    """
    try:
        records = json.loads(read_text(path))
    except ValueError as error:
        raise DataError(f"malformed JSON: {error}", path) from None
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise DataError("must be a JSON list of databases", path)
    return {str(record.get("db_id")): _of_database(record) for record in records}


def _of_database(record: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    tables = record.get("table_names_original") or []
    names = record.get("column_names_original") or []
    texts = record.get("column_descriptions") or []
    found = {}
    for (table, name), text in zip(names, texts, strict=False):
        text = text[-1] if isinstance(text, list) and text else text  # [table, text] in some
        if table >= 0 and isinstance(text, str) and text.strip():
            found[tables[table].casefold(), name.casefold()] = " ".join(text.split())
    return found
