"""Turn the double-quoted strings of SQLite and MySQL into ordinary, single-quoted ones.

    >>> canonicalise('SELECT Name FROM singer WHERE Country = "France" ;', schema)
    "SELECT Name FROM singer WHERE Country = 'France'"

SQLite reads a double-quoted token that names nothing as a string; every other reader of SQL takes
it for a column. sqlglot's `qualify` refuses 213 of Spider's 1,034 dev queries for this alone.

Covered: everything but the quotes stays byte for byte; the meaning stays what SQLite gives it. A
string that names an output of a derived table or CTE keeps that name: `SELECT 'x' AS "x"`.
Not covered: SQL that sqlglot cannot parse, several statements, statements that are no query: they
come back as they were, stripped. MySQL's ANSI_QUOTES mode.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.schema import MappingSchema
from sqlglot.tokens import Token, TokenType

from text2sql.limits import check_joins
from text2sql.schema.model import Schema
from text2sql.schema.quoting import quote
from text2sql.schema.visibility import is_needed_output, names_something, scope_of
from text2sql.unreadable import UNREADABLE

# the namespace that a dialect's plain table names are in
DEFAULT_NAMESPACES = {"postgres": "public", "redshift": "public", "tsql": "dbo"}

LONGEST = 20_000  # characters; nothing runs longer SQL, and tokens of a megabyte take seconds

_END = re.compile(r"[\s;]+\Z")
_ESCAPED = re.compile(r"\\.|\"\"|'", re.DOTALL)


def canonicalise(sql: str, schema: Schema, *, dialect: str | None = None) -> str:
    """Return SQL with its double-quoted strings in single quotes, stripped of white space and `;`.

    Args:
        sql: one statement.
        schema: tells names from strings; a reduced one knows what was left out of its tables.
        dialect: of the SQL, else the schema's; only "sqlite" and "mysql" have such strings.

    Returns:
        SQL that its engine takes for the same query. Text that cannot be parsed, or is too long
        for any layer to read, is only stripped.
    """
    dialect = dialect or schema.dialect
    if len(sql) > LONGEST:
        return _END.sub("", sql.lstrip())
    try:
        check_joins(sql)
        sql, tokens = _without_semicolon(sql, dialect)
        strings = sorted(STRINGS[dialect](sql, tokens, schema)) if dialect in STRINGS else []
    except UNREADABLE:
        return _END.sub("", sql.lstrip())
    for start, end, text in reversed(strings):
        # 'a' right before or after another string would join it to that one's quote
        before = " " if sql[start - 1 : start] == "'" else ""
        after = " " if sql[end + 1 : end + 2] == "'" else ""
        sql = f"{sql[:start]}{before}{text}{after}{sql[end + 1 :]}"
    return sql


def sqlglot_schema(schema: Schema) -> dict[str, Any]:
    """Return a schema as the mapping that sqlglot's `qualify` takes: table -> column -> type.

    Where tables are in namespaces, all are one level deeper: namespace -> table -> column -> type.
    Names are written as in SQL, because sqlglot reads them so.
    """
    dialect = schema.dialect
    deep = any(table.namespace for table in schema.tables)
    default = DEFAULT_NAMESPACES.get(dialect, "main")
    found: dict[str, Any] = {}
    for table in schema.tables:
        level = found.setdefault(quote(table.namespace or default, dialect), {}) if deep else found
        columns = {quote(c.name, dialect): _known_type(c.type, dialect) for c in table.columns}
        level.setdefault(quote(table.name, dialect), columns)
    return found


@lru_cache(maxsize=64)
def prepared_schema(schema: Schema) -> MappingSchema:
    """Return a schema in the form that `qualify` makes of the mapping, which takes it a while."""
    return MappingSchema(sqlglot_schema(schema), dialect=schema.dialect)


def _without_semicolon(sql: str, dialect: str) -> tuple[str, list[Token]]:
    sql = sql.strip()
    tokens = Dialect.get_or_raise(dialect).tokenize(sql)
    before = sql
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        start = tokens.pop().start
        sql = sql[:start] + sql[start + 1 :]  # a comment behind it stays
    if sql == before:
        return sql, tokens
    sql = sql.strip()
    return sql, Dialect.get_or_raise(dialect).tokenize(sql)


def _sqlite_strings(
    sql: str, tokens: list[Token], schema: Schema
) -> Iterable[tuple[int, int, str]]:
    quoted = {token.start: token for token in tokens if sql[token.start] == '"'}
    tree = _parse_query(sql, tokens) if quoted else None
    if tree is None:
        return
    scope = scope_of(tree, schema)
    needed = set[int]()
    escapes = {start for start, token in quoted.items() if token.token_type == TokenType.STRING}
    for column in tree.find_all(exp.Column):
        start = column.this.meta.get("start") if not column.table else None
        if start in quoted and not names_something(column, scope):
            escapes.add(start)
            if is_needed_output(column, scope):
                needed.add(start)
    for start in escapes:
        end = quoted[start].end
        text = sql[start + 1 : end].replace('""', '"').replace("'", "''")
        yield start, end, f"'{text}' AS {sql[start : end + 1]}" if start in needed else f"'{text}'"


def _parse_query(sql: str, tokens: list[Token]) -> exp.Expr | None:
    for before, token in pairwise(tokens):
        # sqlglot's parser wants a string here, and nothing else is ever meant
        if before.token_type == TokenType.ESCAPE and sql[token.start] == '"':
            token.token_type = TokenType.STRING
    trees = Dialect.get_or_raise("sqlite").parser().parse(tokens, sql)
    is_query = len(trees) == 1 and isinstance(trees[0], exp.Query | exp.Values)
    return trees[0] if is_query else None


def _mysql_strings(sql: str, tokens: list[Token], schema: Schema) -> Iterable[tuple[int, int, str]]:
    for before, token in zip([None, *tokens], tokens, strict=False):
        is_alias = before is not None and before.token_type == TokenType.ALIAS
        if sql[token.start] == '"' and not is_alias:
            text = _ESCAPED.sub(_requoted, sql[token.start + 1 : token.end])
            yield token.start, token.end, f"'{text}'"


def _requoted(found: re.Match[str]) -> str:
    return {'""': '"', "'": "''"}.get(found[0], found[0])


STRINGS: dict[str, Callable[[str, list[Token], Schema], Iterable[tuple[int, int, str]]]] = {
    "sqlite": _sqlite_strings,
    "mysql": _mysql_strings,
}


@cache
def _known_type(declared: str, dialect: str) -> str:
    """Return a type that sqlglot can read, UNKNOWN for one that it cannot."""
    try:
        exp.DataType.build(declared, dialect=dialect)
    except UNREADABLE:
        return "UNKNOWN"
    return declared
