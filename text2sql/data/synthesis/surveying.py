"""Survey a real database: what its rows are called, what its columns mean, what stands in them.

    >>> world = survey(read_schema("shop.sqlite"), sample=sampler("shop.sqlite"), count=rows_of)
    >>> world.field_of(Col("orders", "paid_on")).kind.name
    'date'

The kind of a column is guessed from its name, its declared type and its values: a TEXT column that
holds ISO dates is a date, an INTEGER that holds 0 and 1 is a flag, digits that are called phone or
zip are no numbers. Names are those of the schema, then its synonyms and short comments.

Covered: English and Chinese names; short forms (`wt_kg`) and prefixes of tables (`tblAnimal`),
which nobody says; overlays (synonyms, meanings of stored values); values as the
engine hands them out: dates, decimals, booleans.
Not covered: columns of lists, structures and bytes, which nobody asks about: they are left out;
long texts, whose cells are no values to ask for.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from text2sql.data.synthesis.kinds import guess, kinds
from text2sql.data.synthesis.queries import Col
from text2sql.data.synthesis.worlds import Cell, Field, Noun, World, links, noun, plain
from text2sql.schema.model import Column, Schema, Table
from text2sql.schema.rendering import Sample
from text2sql.schema.wordings import wordings
from text2sql.schema.words import words

SAMPLED = 1_000  # rows of a table that are looked at
SHOWN_VALUES = 60  # values of a column that questions are about
LONGEST = 60  # characters of a value that a question may hold


_HUGE = 10**15  # numbers from which on nobody says them
_PREFIXES = {"tbl", "tb", "t", "dim", "fact", "fct", "ref", "stg", "src", "v", "vw", "view", "mv"}

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FLAGS = ({"0", "1"}, {"y", "n"}, {"t", "f"}, {"yes", "no"}, {"true", "false"}, {"是", "否"})
_ON = {"1", "y", "t", "yes", "true", "是"}
_KEYS = {"id", "uuid", "guid", "key", "hash", "oid", "rowid"}
_DIGITS = {"phone", "postcode", "code"}  # kinds whose digits are no numbers
_COMMENT = re.compile(r"[^\s,;:.()（），；：。]+(?: [^\s,;:.()]+){0,3}")  # that can serve as a name


def survey(
    schema: Schema, *, sample: Sample, count: Callable[[Table], int], language: str = "en"
) -> World:
    """Describe a real database by its names and cells.

    Args:
        schema: with overlays, whose synonyms are used, and with joins that were found out.
        sample: the first rows of a table (`execution.sampling.sampler`).
        count: of a table's rows.
        language: of the questions; Chinese ones take Chinese comments and synonyms for names.
    """
    chinese = language == "zh"
    fields, rows, samples, tables = {}, {}, {}, []
    shared = _key_names(schema)
    for table in schema.tables:
        read = list(sample(table, SAMPLED))
        rows[table.full_name] = count(table)
        cells = list(zip(*read, strict=True)) if read else [()] * len(table.columns)
        samples[table.full_name] = [tuple(map(_shown, row)) for row in read]
        keys = _keys(table)
        if table.view:  # which declares none
            keys = {c.name for c in table.columns if c.name.casefold() in shared}
        described = (
            _field(table, column, cells[place], column.name in keys, chinese)
            for place, column in enumerate(table.columns)
        )
        fields[table.full_name] = _named([field for field in described if field])
        if len(read) == rows[table.full_name]:
            table = _without_nulls(table, cells)
        tables.append(table)
    seen = replace(schema, tables=tuple(tables))
    nouns = _nouns(schema, chinese)
    return World(seen, nouns, fields, links(schema), rows, language, samples)


def _without_nulls(table: Table, cells: Sequence[Sequence[Any]]) -> Table:
    """Return a table whose columns without NULLs say so: orders need not speak of them."""
    columns = (
        replace(column, nullable=column.nullable and None in found)
        for column, found in zip(table.columns, cells, strict=True)
    )
    return replace(table, columns=tuple(columns))


def _nouns(schema: Schema, chinese: bool) -> dict[str, Noun]:
    """Return what rows are called; tables that would be called alike keep their whole names."""
    nouns = {table.full_name: _noun(table, chinese) for table in schema.tables}
    often = Counter(noun.one[0] for noun in nouns.values())
    for table in schema.tables:
        if often[nouns[table.full_name].one[0]] > 1:
            nouns[table.full_name] = noun(" ".join(words(table.full_name)), table.synonyms)
    return nouns


def _keys(table: Table) -> set[str]:
    """Return the columns of a table's keys."""
    return {*table.primary_key, *(name for key in table.foreign_keys for name in key.columns)}


def _key_names(schema: Schema) -> set[str]:
    return {name.casefold() for table in schema.tables for name in _keys(table)}


def _field(
    table: Table, column: Column, cells: Sequence[Any], key: bool, chinese: bool
) -> Field | None:
    """Describe a column; None where its cells are nothing that people ask about."""
    known = [cell for cell in cells if cell is not None and cell != ""]
    stored = [plain_cell(cell) for cell in known]
    values = _of_one_type([value for value in dict.fromkeys(stored) if value is not None])
    if known and not values:
        return None
    kind = _kind(column, values)
    shown = list(dict.fromkeys(_said(value) for value in values if _sayable(value)))[:SHOWN_VALUES]
    identifier = words(column.name)[-1:] and words(column.name)[-1] in _KEYS
    identifier = identifier or all(_UUID.fullmatch(str(value)) for value in values)
    return Field(
        Col(table.full_name, column.name),
        kinds()[kind],
        _names(table, column, chinese),
        tuple(shown),
        any(cell is None for cell in cells),
        key or bool(values and identifier),
        _phrases(column, values) if kind == "flag" else _meanings(column),
    )


def _of_one_type(values: list[Cell]) -> list[Cell]:
    """Return the texts or the numbers among values, whichever are more: SQLite mixes them."""
    texts = [value for value in values if isinstance(value, str)]
    if 2 * len(texts) >= len(values):
        return list(texts)
    return [value for value in values if not isinstance(value, str)]


def plain_cell(value: Any) -> Cell | None:
    """Return a cell as SQL's text or number can say it; None for what has no such form."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value if isinstance(value, str | int | float) and value == value else None


def _shown(cell: Any) -> Cell | None:
    """Return a cell as a field's values hold it; None for what nobody says."""
    stored = plain_cell(cell)
    return None if stored is None or not _sayable(stored) else _said(stored)


def _sayable(value: Cell) -> bool:
    """Tell whether a person could say a value."""
    if not isinstance(value, str):
        return abs(value) < _HUGE
    plain = len(value) <= LONGEST and value.isprintable() and value.strip() == value
    return plain and not (_DAY.match(value) and not _is_day(value))


def _is_day(value: str) -> bool:
    """Tell whether a text begins with a day that there is: MySQL's `0000-00-00` is none."""
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _said(value: Cell) -> Cell:
    """Return a number with the digits that a person would say; it bounds as well as before."""
    return round(value, 2) if isinstance(value, float) else value


def _kind(column: Column, values: Sequence[Cell]) -> str:
    """Return the name of a column's kind: what the values are outweighs what its name says."""
    named = guess(column.name, column.type)
    texts = [value for value in values if isinstance(value, str)]
    said = {str(value).lower() for value in values}
    if values and any(said <= flag and len(said) == 2 for flag in _FLAGS):
        return "flag"
    if values and all(isinstance(value, bool) for value in values):
        return "flag"
    if texts and len(texts) == len(values):
        if all(_DATE.fullmatch(text) for text in texts):
            return "date"
        if all(_MOMENT.fullmatch(text) or _DATE.fullmatch(text) for text in texts):
            return "datetime"
        return "text" if kinds()[named].numeric else named
    digits = guess(column.name, "TEXT")
    if digits in _DIGITS and not texts:
        return digits
    return "number" if values and not texts and named in ("text", "date", "datetime") else named


def _phrases(column: Column, values: Iterable[Cell]) -> dict[str, tuple[str, ...]]:
    """Return how people say that a flag is on or off, from a name such as `is_active`."""
    meant = _meanings(column)
    said = words(column.name)
    if said[:1] != ["is"] or len(said) < 2 or meant:
        return meant
    state = " ".join(said[1:])
    on = {str(value): str(value).lower() in _ON for value in values}
    return {value: (state,) if is_on else (f"not {state}",) for value, is_on in on.items()}


def _meanings(column: Column) -> dict[str, tuple[str, ...]]:
    return {value: (meaning,) for value, meaning in column.meanings}


def _names(table: Table, column: Column, chinese: bool) -> tuple[str, ...]:
    """Return what a column is called, the usual name first."""
    own = column.name if _CHINESE.search(column.name) else plain(column.name, table)
    further = [*column.synonyms, *_from_comment(column.comment)]
    found = [*([] if further else _spelt_out(own)), own or column.name, *further]
    if chinese:
        found.sort(key=lambda name: not _CHINESE.search(name))
        found = [name for name in found if _CHINESE.search(name)] or found
    else:
        found = [name for name in found if not _CHINESE.search(name)] or found
    return tuple(dict.fromkeys(found))


def _spelt_out(name: str) -> list[str]:
    """Return a name without the short forms that everybody reads: `wt kg` is a weight."""
    known = wordings().abbreviations
    said = [" ".join(known.get(word, (word,))) if word != "id" else word for word in name.split()]
    return [" ".join(said)] if said != name.split() else []


def _noun(table: Table, chinese: bool) -> Noun:
    further = [*table.synonyms, *_from_comment(table.comment)]
    written = [name for name in (table.name, *further) if _CHINESE.search(name)]
    if chinese and written:
        return Noun(tuple(written), tuple(written))
    if _CHINESE.search(table.name):
        return Noun((table.name,), (table.name,))
    said = words(table.name)
    bare = " ".join(said[1:] if len(said) > 1 and said[0] in _PREFIXES else said) or table.name
    synonyms = [name for name in table.synonyms if not _CHINESE.search(name)]
    found = noun([*_spelt_out(bare), bare][0], synonyms)
    return Noun(found.one, found.one) if chinese else found  # Chinese knows no plural


def _from_comment(comment: str | None) -> list[str]:
    """Return a comment that is short enough to be a name."""
    text = (comment or "").strip()
    return [text.lower()] if _COMMENT.fullmatch(text) and len(text) <= 30 else []


def _named(fields: list[Field]) -> list[Field]:
    """Let a column of different texts name the rows where no other one does."""
    if any(field.kind.identifying for field in fields):
        return fields
    for place, field in enumerate(fields):
        texts = [v for v in field.values if isinstance(v, str) and re.search(r"[^\W\d_]{3}", v)]
        if field.kind.name == "text" and not field.key and len(texts) >= 8:
            named = replace(field, kind=kinds()["name"])
            return [*fields[:place], named, *fields[place + 1 :]]
    return fields
