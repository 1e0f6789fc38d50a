"""Names and values of a prompt as pointer tokens: what a small model copies instead of spelling.

    >>> pointers = number(schema)
    >>> pointers.of_column("singer", "age"), pointers.sql["<c2>"]
    ('<c2>', 'singer.age')

A prompt shows each name with its pointer behind it; an answer is SQL in which pointers stand for
tables, columns and values of this prompt. So no name has to be spelled, and what a model has learnt
on one schema holds on another. Pointers are tokens of their own (`TOKENS`) in an otherwise ordinary
tokenizer.

Covered: tables, their columns, the values that a question mentions, in quotes and bare (for LIKE);
further tables of a question, numbered behind those that all questions share. Comments and synonyms
are not shown: the linker reads them, and marks what a question says by them.
Not covered: one table twice in the same FROM, whose columns a pointer cannot tell apart.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from text2sql.errors import PromptError
from text2sql.schema.mentions import Mention
from text2sql.schema.model import ForeignKey, Schema, Table
from text2sql.schema.quoting import quote
from text2sql.schema.words import words

TABLES, COLUMNS, VALUES = 32, 192, 16
TOKENS: tuple[str, ...] = (
    *(f"<t{i}>" for i in range(TABLES)),
    *(f"<c{i}>" for i in range(COLUMNS)),
    *(f"<v{i}>" for i in range(VALUES)),
    *(f"<w{i}>" for i in range(VALUES)),  # the same values without quotes
)

_MOMENT = re.compile(r"date|time|year", re.IGNORECASE)
_NUMBER = re.compile(r"int|real|num|dec|floa|doub|money|serial", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pointers:
    """The pointers of one prompt."""

    tables: Mapping[str, str]  # full name -> token
    columns: Mapping[tuple[str, str], str]  # (table's full name, column) -> token
    sql: Mapping[str, str]  # token -> what it stands for in SQL
    values: Mapping[str, str] = field(default_factory=dict)  # literal -> token

    def of_table(self, table: str) -> str:
        """Return the token of a table, by its full name."""
        return self.tables[table]

    def of_column(self, table: str, column: str) -> str:
        """Return the token of a column, by the full name of its table."""
        return self.columns[table, column]

    def with_values(self, literals: Iterable[str]) -> "Pointers":
        """Return the pointers with values of a question.

        Args:
            literals: as SQL writes them, `'France'` or `3`; those beyond VALUES get no token.
        """
        kept = list(dict.fromkeys(literals))[:VALUES]
        quoted = {f"<v{i}>": literal for i, literal in enumerate(kept)}
        bare = {f"<w{i}>": _bare(literal) for i, literal in enumerate(kept)}
        values = {literal: token for token, literal in quoted.items()}
        return Pointers(self.tables, self.columns, {**self.sql, **quoted, **bare}, values)

    def bytes(self) -> dict[str, bytes]:
        """Return what each token stands for in a text; a name begins with a blank."""
        return {
            token: (f" {sql}" if token[1] in "tcv" else sql).encode()
            for token, sql in self.sql.items()
        }


def _bare(literal: str) -> str:
    return literal[1:-1] if literal.startswith("'") else literal


def number(schema: Schema, strays: Schema | None = None) -> Pointers:
    """Give every table and column of a schema a pointer, in its order.

    Args:
        schema: what all questions share.
        strays: tables or columns that one question needs beside it.

    Raises:
        PromptError: there are more names than pointers.
    """
    tables: dict[str, str] = {}
    columns: dict[tuple[str, str], str] = {}
    sql: dict[str, str] = {}
    for table in (*schema.tables, *(strays.tables if strays else ())):
        _number(table, schema.dialect, tables, columns, sql)
    return Pointers(tables, columns, sql)


def _number(
    table: Table,
    dialect: str,
    tables: dict[str, str],
    columns: dict[tuple[str, str], str],
    sql: dict[str, str],
) -> None:
    name = ".".join(quote(part, dialect) for part in table.full_name_parts)
    own = quote(table.name, dialect)
    if table.full_name not in tables:
        tables[table.full_name] = token = _token("t", len(tables), TABLES, "tables")
        sql[token] = name
    for column in table.columns:
        if (table.full_name, column.name) not in columns:
            token = _token("c", len(columns), COLUMNS, "columns")
            columns[table.full_name, column.name] = token
            sql[token] = f"{own}.{quote(column.name, dialect)}"


def _token(kind: str, place: int, most: int, what: str) -> str:
    if place >= most:
        raise PromptError(f"the base points at {most} {what} at most, and there are more")
    return f"<{kind}{place}>"


def fits(schema: Schema, strays: Schema | None = None) -> bool:
    """Tell whether there are pointers for all names."""
    try:
        number(schema, strays)
    except PromptError:
        return False
    return True


def describe(tables: Sequence[Table], pointers: Pointers) -> str:
    """Write tables with their pointers, one line each.

    A column's marks follow its pointer: `*` of the primary key, `+` a number, `~` a date or time,
    `> <t1> <c4>` refers to that column of that table.
    """
    return "\n".join(_line(table, pointers) for table in tables)


def _line(table: Table, pointers: Pointers) -> str:
    referred = {
        column: _located((_parent(key), to), pointers)
        for key in table.foreign_keys
        for column, to in zip(key.columns, key.referred, strict=False)
    }
    parts = []
    for column in table.columns:
        marks = ["*"] if column.name in table.primary_key else []
        marks += _kind(column.type)
        marks += [">", *parent] if (parent := referred.get(column.name)) else []
        said = " ".join(words(column.name))
        parts.append(" ".join([said, pointers.of_column(table.full_name, column.name), *marks]))
    said = " ".join(words(table.name))
    return f"{said} {pointers.of_table(table.full_name)} : {' , '.join(parts)}"


def _parent(key: ForeignKey) -> str:
    return f"{key.namespace}.{key.table}" if key.namespace else key.table


def _kind(declared: str) -> list[str]:
    """Return the mark of a declared type: a number, a date or time, or nothing that is sure."""
    if _MOMENT.search(declared):
        return ["~"]
    return ["+"] if _NUMBER.search(declared) else []


def mark(question: str, mentions: Sequence[Mention], pointers: Pointers) -> list[tuple[str, bool]]:
    """Return a question with pointers behind what it mentions, as pieces of text.

    Args:
        question: as a person asks it.
        mentions: of the linker, in order.
        pointers: with the values of these mentions; what has none is not marked.

    Returns:
        Pieces, and whether each is a mark of ours.
    """
    pieces: list[tuple[str, bool]] = []
    here = 0
    for mention in mentions:
        tokens = _tokens(mention, pointers)
        if tokens:
            pieces.append((question[here : mention.end], False))
            pieces.append((f" {' '.join(tokens)}", True))
            here = mention.end
    return [*pieces, (question[here:], False)]


def _tokens(mention: Mention, pointers: Pointers) -> list[str]:
    """Return the pointers of a mention: its tables, its columns, its values with their columns."""
    found = [token for table in mention.tables if (token := pointers.tables.get(table))]
    told: dict[str, None] = {}
    for column in mention.columns:
        found += _new(told, _located(column, pointers))
    for value in mention.values:
        found += _new(told, [token] if (token := pointers.values.get(value.sql)) else [])
        if value.table and value.column:
            found += _new(told, _located((value.table, value.column), pointers))
    return found


def _located(column: tuple[str, str], pointers: Pointers) -> list[str]:
    """Return a column's pointer behind its table's, so that nobody has to look for the table."""
    token = pointers.columns.get(column)
    return [pointers.tables[column[0]], token] if token else []


def _new(told: dict[str, None], tokens: list[str]) -> list[str]:
    """Return tokens unless the last of them has been told before."""
    if not tokens or tokens[-1] in told:
        return []
    told[tokens[-1]] = None
    return tokens


def literals(mentions: Sequence[Mention]) -> list[str]:
    """Return the values that are mentioned, as SQL writes them, in order."""
    return list(dict.fromkeys(value.sql for mention in mentions for value in mention.values))
