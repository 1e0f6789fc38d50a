"""Words about tables, columns and values, made safe for one line or one comment of a prompt.

    >>> column_note(Column("state", comment="of the order", meanings=(("1", "paid"),)))
    'of the order; 1 = paid'

Covered: line breaks and control characters become spaces; a block comment cannot be ended from
inside.
Not covered: what the words say; they come from the database's owner.
"""

import re
from collections.abc import Iterable

from text2sql.schema.model import Column, Table

VALUE_LENGTH = 25  # characters of a sample value, as in CodeS (utils/db_utils.py)

_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")  # \s has U+2028 and U+2029
_BREAK = re.compile(r"[^\S ]|[\x00-\x1f\x7f-\x9f]")


def table_note(table: Table) -> str:
    """Return what is said of a table on one line; empty where nothing is said."""
    return _join(["view" if table.view else "", table.comment or "", _also(table.synonyms)])


def column_note(column: Column) -> str:
    """Return what is said of a column on one line; empty where nothing is said."""
    meanings = ", ".join(f"{value} = {meaning}" for value, meaning in column.meanings)
    return _join([column.comment or "", _also(column.synonyms), meanings])


def flat(text: str) -> str:
    """Return text on one line, runs of white space and control characters as one space."""
    return _BREAKS.sub(" ", text).strip()


def one_line(name: str) -> str:
    """Return a written name on one line: a line break inside it, rare as it is, becomes `\\n`."""
    return _BREAK.sub(lambda found: repr(found[0])[1:-1], name)


def line_comment(note: str) -> str:
    """Return `-- note` with a space before it, or nothing."""
    return f" -- {note}" if note else ""


def block_comment(note: str) -> str:
    """Return `/* note */` with a space before it, or nothing."""
    inside = note.replace("*/", "* /").replace("/*", "/ *")
    return f" /* {inside} */" if note else ""


def value_text(value: object) -> str:
    """Return a cell's value on one line, at most 25 characters."""
    return "NULL" if value is None else _short(flat(_text(value)))


def examples(values: Iterable[object]) -> list[str]:
    """Choose the values that M-Schema shows of a column.

    Different ones, without NULL; one alone if any has more than 20 characters, none if any has more
    than 50: XGenerationLab/M-Schema, `MSchema.single_table_mschema`.
    """
    texts = list(dict.fromkeys(flat(_text(value)) for value in values if value is not None))
    longest = max(map(len, texts), default=0)
    return [_short(text) for text in ([] if longest > 50 else texts[:1] if longest > 20 else texts)]


def _also(synonyms: tuple[str, ...]) -> str:
    return f"also called {', '.join(synonyms)}" if synonyms else ""


def _join(parts: list[str]) -> str:
    return "; ".join(filter(None, map(flat, parts)))


def _text(value: object) -> str:
    return f"x'{value.hex()}'" if isinstance(value, bytes) else str(value)


def _short(text: str) -> str:
    return text if len(text) <= VALUE_LENGTH else text[: VALUE_LENGTH - 1] + "…"
