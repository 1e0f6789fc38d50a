"""Read schemas from Spider's `tables.json`, and from BIRD's, which has the same form; write one.

    >>> read_spider_schemas("spider/tables.json")["concert_singer"].tables[0].name
    'stadium'

Covered: names as in the database; the published natural names as comments where they say more;
primary keys of one column or, nested, of several.
Not covered: which columns may be NULL; composite foreign keys: the form has neither.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from text2sql.errors import DataError
from text2sql.schema.model import Column, ForeignKey, Schema, Table
from text2sql.schema.words import words

KEYS = (
    "table_names_original",
    "column_names_original",
    "column_types",
    "primary_keys",
    "foreign_keys",
)
_TYPES = (
    ("date|time", "time"),
    ("int|real|num|dec|floa|doub", "number"),
    ("char|text|clob", "text"),
)


def read_spider_schemas(path: str | Path) -> dict[str, Schema]:
    """Return the schema of every database in the file, by db_id.

    Raises:
        DataError: no such file, an empty one, malformed JSON (with its line), or a database whose
            record lacks a key or contradicts itself (with its db_id and the key).
    """
    return dict(SpiderSchemas(path))


def spider_record(schema: Schema) -> dict[str, Any]:
    """Return a schema as a record of `tables.json`; its natural names are the words of the names.

    Types are Spider's own four (number, text, time, others); keys of several columns are nested
    lists, as in BIRD.
    """
    places = [(-1, "*")] + [(n, c.name) for n, t in enumerate(schema.tables) for c in t.columns]
    number = {place: index for index, place in enumerate(places)}
    named = {(table.namespace, table.name): n for n, table in enumerate(schema.tables)}
    keys = [[number[n, name] for name in t.primary_key] for n, t in enumerate(schema.tables)]
    pairs = [
        [number[n, column], number[named[key.namespace, key.table], referred]]
        for n, table in enumerate(schema.tables)
        for key in table.foreign_keys
        for column, referred in zip(key.columns, key.referred, strict=True)
    ]
    return {
        "db_id": schema.name,
        "table_names_original": [table.name for table in schema.tables],
        "table_names": [" ".join(words(table.name)) or table.name for table in schema.tables],
        "column_names_original": [list(place) for place in places],
        "column_names": [[n, " ".join(words(name)) or name] for n, name in places],
        "column_types": ["text", *(_spider_type(c.type) for _, c in schema.columns())],
        "primary_keys": [key[0] if len(key) == 1 else key for key in keys if key],
        "foreign_keys": pairs,
    }


def _spider_type(declared: str) -> str:
    for words_of_it, kind in _TYPES:
        if re.search(words_of_it, declared, re.IGNORECASE):
            return kind
    return "others"


class SpiderSchemas(Mapping[str, Schema]):
    """The schemas of a file by db_id, each made when it is first asked for.

    Raises:
        DataError: as `read_spider_schemas`; a faulty record when its schema is asked for.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._records: dict[str, Mapping[str, Any]] = {}
        self._made: dict[str, Schema] = {}
        for number, record in enumerate(_read_records(self._path)):
            db_id = record.get("db_id") if isinstance(record, dict) else None
            if not isinstance(db_id, str):
                raise DataError(f"database {number} has no 'db_id'", self._path)
            if db_id in self._records:
                raise DataError(f"database {db_id!r} is described twice", self._path)
            self._records[db_id] = record

    def __getitem__(self, db_id: str) -> Schema:
        if db_id not in self._made:
            self._made[db_id] = _Record(self._records[db_id], db_id, self._path).schema()
        return self._made[db_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


def _read_records(path: Path) -> list[Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read: {error.strerror}", path) from None
    except UnicodeDecodeError:
        raise DataError("is not UTF-8 text", path) from None
    if not text.strip():
        raise DataError("the file is empty", path)
    try:
        records = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"malformed JSON: {error.msg}", path, error.lineno) from None
    if not isinstance(records, list) or not records:
        raise DataError("must be a JSON list of databases that is not empty", path)
    return records


class _Record:
    """One database's entry, read with complaints that name the db_id and the key."""

    def __init__(self, record: Mapping[str, Any], db_id: str, path: Path) -> None:
        self.record, self.db_id, self.path = record, db_id, path
        for key in KEYS:
            if not isinstance(record.get(key), list):
                raise self.error(key, "is missing" if key not in record else "must be a list")

    def error(self, key: str, reason: str) -> DataError:
        return DataError(f"database {self.db_id!r}: {key!r} {reason}", self.path)

    def schema(self) -> Schema:
        names = self.names("table_names_original")
        places = [self.place(entry, len(names)) for entry in self.record["column_names_original"]]
        types = self.record["column_types"]
        if len(types) != len(places):
            raise self.error("column_types", "must have one entry for each column")
        tables = tuple(self.table(index, names, places) for index in range(len(names)))
        return Schema(self.db_id, "sqlite", tables)

    def table(self, index: int, names: list[str], places: list[tuple[int, str]]) -> Table:
        columns = tuple(
            Column(
                name, str(self.record["column_types"][number]), comment=self.comment(number, name)
            )
            for number, (owner, name) in enumerate(places)
            if owner == index
        )
        natural = self.natural("table_names", index)
        comment = _if_it_says_more(natural, names[index])
        key = tuple(self.primary_key(index, places))
        foreign = tuple(self.foreign_keys(index, names, places))
        return Table(names[index], columns, key, foreign, comment)

    def names(self, key: str) -> list[str]:
        names = self.record[key]
        if not all(isinstance(name, str) for name in names):
            raise self.error(key, "must be a list of names")
        return names

    def place(self, entry: Any, tables: int) -> tuple[int, str]:
        """Return (index of the table, name) of a column; the table of `*` is -1."""
        match entry:
            case [int(index), str(name)] if -1 <= index < tables:
                return index, name
        raise self.error("column_names_original", f"has {entry!r}, not [table, name]")

    def primary_key(self, index: int, places: list[tuple[int, str]]) -> Iterator[str]:
        for entry in self.record["primary_keys"]:
            for number in entry if isinstance(entry, list) else [entry]:
                owner, name = self.column(number, "primary_keys", places)
                if owner == index:
                    yield name

    def foreign_keys(
        self, index: int, names: list[str], places: list[tuple[int, str]]
    ) -> Iterator[ForeignKey]:
        for pair in self.record["foreign_keys"]:
            if not isinstance(pair, list) or len(pair) != 2:
                raise self.error("foreign_keys", f"has {pair!r}, not a pair of columns")
            (owner, name), (parent, referred) = (
                self.column(number, "foreign_keys", places) for number in pair
            )
            if owner == index:
                yield ForeignKey((name,), names[parent], (referred,))

    def column(self, number: Any, key: str, places: list[tuple[int, str]]) -> tuple[int, str]:
        if not isinstance(number, int) or not 0 <= number < len(places) or places[number][0] < 0:
            raise self.error(key, f"has {number!r}, which is no column")
        return places[number]

    def comment(self, number: int, name: str) -> str | None:
        entry = self.natural("column_names", number)
        natural = entry[1] if isinstance(entry, list) and len(entry) == 2 else None
        return _if_it_says_more(natural, name)

    def natural(self, key: str, number: int) -> Any:
        names = self.record.get(key)
        return names[number] if isinstance(names, list) and number < len(names) else None


def _if_it_says_more(natural: Any, name: str) -> str | None:
    """Return a natural name unless it is just the identifier with its words apart."""
    if not isinstance(natural, str) or _letters(natural) in ("", _letters(name)):
        return None
    return natural


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
