"""SQL as a base writes it that points at names instead of spelling them, and back.

    >>> pointed = to_pointers("SELECT name FROM singer WHERE age > 30", checker, prompt.pointers)
    >>> pointed
    'FROM <t0> SELECT <c1> WHERE <c2> > <v0>'
    >>> to_sql("FROM singer SELECT singer.name WHERE singer.age > 30", from_first_checker)
    'SELECT singer.name FROM singer WHERE singer.age > 30'

FROM leads each block, so that a model has said which tables it reads before it points at their
columns; joins by foreign keys are commas (`joining`). A column's pointer stands for `table.column`:
there are no aliases of tables.

Covered: every query in which no FROM has a table twice; CTEs and derived tables keep their names.
Not covered: self joins, and an inner query that refers to an outer row of its own table: a pointer
cannot tell the two apart.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from text2sql.bases.base import Base
from text2sql.errors import Unsayable
from text2sql.prompting.answers import ANSWERS
from text2sql.prompting.segments import Prompt
from text2sql.schema.model import Schema
from text2sql.schema.pointers import Pointers

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

    from text2sql.decoding.checking import Checker

_LEXEME = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\d+(?:\.\d+)?|[^\W\d]\w*|\s+|.""", re.DOTALL)
_NEGATED = re.compile(r"\bNOT (<c\d+>) (IN|LIKE|BETWEEN)\b")
_NAME = re.compile(r"""[^\W\d]\w*|"(?:[^"]|"")*\"""")
_PATTERN = re.compile(r"'(%?)(.*?)(%?)'", re.DOTALL)


def to_sql(text: str, checker: "Checker") -> str:
    """Return the ordinary SQL of a text in which FROM leads; other text as it is.

    Args:
        text: what a model wrote, names in the place of pointers.
        checker: of order "from-first".
    """
    from text2sql.decoding.joining import lengthen

    try:
        return lengthen(checker.to_sql(text), checker.schema)
    except ValueError:
        return text


def as_answered(sql: str, schema: Schema, prompt: Prompt, base: Base) -> str:
    """Return a query as the base's answer format has it: as it is, or pointed.

    Args:
        sql: canonical.
        schema: the whole one of the database.
        prompt: that is answered.
        base: says the answer format.

    Raises:
        Unsayable: pointers cannot say it.
    """
    if not ANSWERS[base.answer_format].pointers:
        return sql
    from text2sql.decoding.guides import checker_of

    assert prompt.pointers is not None  # a base that points has a prompt format that does
    return to_pointers(sql, checker_of(schema), prompt.pointers)


def to_pointers(sql: str, checker: "Checker", pointers: Pointers) -> str:
    """Return what a model should write for a query.

    Args:
        sql: one query, canonical.
        checker: of order "select-first", for the schema of the query.
        pointers: of the prompt.

    Raises:
        Unsayable: pointers cannot say it.
    """
    text = _from_first(sql, checker)
    # sqlglot writes NOT x IN (...): a model reads what people write
    return _NEGATED.sub(r"\1 NOT \2", "".join(_pointed(text, pointers)))


@lru_cache(maxsize=256)  # several questions about a database often have one query
def _from_first(sql: str, checker: "Checker") -> str:
    """Write FROM first, every column with its table, and every table by its own name."""
    from text2sql.decoding.checking.rewriting import to_from_first

    try:
        return to_from_first(checker, _without_aliases(sql, checker))
    except ValueError as error:
        raise Unsayable(f"pointers cannot say it: {error}") from None


def _without_aliases(sql: str, checker: "Checker") -> str:
    """Write every column with its table, and every table by its own name."""
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import traverse_scope

    from text2sql.decoding.joining import shorten
    from text2sql.schema import prepared_schema

    dialect = checker.dialect.name
    try:
        written = parse_one(sql, dialect=dialect)
        for alias in written.find_all(exp.Alias):
            alias.meta["written"] = True
        tree = qualify(
            written,
            schema=prepared_schema(checker.schema),
            dialect=dialect,
            expand_stars=False,
            expand_alias_refs=False,
            quote_identifiers=False,
            identify=False,
        )
        scopes = traverse_scope(tree)
    except SqlglotError as error:
        raise Unsayable(f"pointers cannot say it: {str(error).splitlines()[0]}") from None
    renamed = [rename for scope in scopes for rename in _renames(scope)]
    for column, name in renamed:
        column.set("table", name)
    tables = [s for scope in scopes for s in scope.sources.values() if isinstance(s, exp.Table)]
    for table in tables:
        table.set("alias", None)
    for alias in list(tree.find_all(exp.Alias)):
        if "written" not in alias.meta:  # qualify names everything that is selected
            _undo(alias)
    tree = shorten(tree, checker.schema)
    return str(tree.sql(dialect=dialect, identify=False))


def _undo(alias: "exp.Alias") -> None:
    """Take a name that qualify gave away again, here and where it put it in ORDER BY."""
    from sqlglot import exp

    order = alias.parent.args.get("order") if alias.parent else None
    for column in list(order.find_all(exp.Column)) if order else []:
        if not column.table and column.name == alias.alias:
            column.replace(alias.this.copy())
    alias.replace(alias.this)


def _renames(scope: "Scope") -> "Iterator[tuple[exp.Column, exp.Identifier]]":
    """Yield each column of a scope that names a table's alias, with the table's own name."""
    from sqlglot import exp

    own = [s.name.lower() for s in scope.sources.values() if isinstance(s, exp.Table)]
    if len(own) != len(set(own)):
        raise Unsayable("pointers cannot say it: a table stands twice in one FROM")
    for column in scope.columns:
        found, inner = scope, set()
        while column.table and column.table not in found.sources and found.parent is not None:
            inner |= {s.name.lower() for s in found.sources.values() if isinstance(s, exp.Table)}
            found = found.parent
        source = found.sources.get(column.table)
        if isinstance(source, exp.Table) and not source.args.get("cte"):
            if source.name.lower() in inner:
                raise Unsayable("pointers cannot say it: an inner table hides an outer one")
            yield column, exp.to_identifier(source.name, quoted=source.this.quoted)


def _pointed(text: str, pointers: Pointers) -> Iterator[str]:
    """Yield a text with pointers in the place of names and values."""
    tables = {_folded(name): token for name, token in pointers.tables.items()}
    columns = {
        (_folded(table), _folded(column)): token
        for (table, column), token in pointers.columns.items()
    }
    parts = _LEXEME.findall(text)
    here, before = 0, ""
    while here < len(parts):
        part = parts[here]
        named = _folded(part) if _NAME.fullmatch(part) else None
        if named and parts[here + 1 : here + 2] == ["."]:
            token = columns.get((named, _folded(parts[here + 2])))
            yield token or "".join(parts[here : here + 3])
            here += 3
            continue
        reads = before in ("from", "join", ",") and named in tables
        yield tables[named] if reads and named else _value(part, pointers)
        before = part.lower() if not part.isspace() else before
        here += 1


def _folded(name: str) -> str:
    return (name[1:-1].replace('""', '"') if name.startswith('"') else name).lower()


def _value(part: str, pointers: Pointers) -> str:
    if part in pointers.values:
        return pointers.values[part]
    pattern = _PATTERN.fullmatch(part)
    if pattern and (pattern[1] or pattern[3]):
        token = pointers.values.get(f"'{pattern[2]}'") or pointers.values.get(pattern[2])
        if token:
            return f"'{pattern[1]}{token.replace('v', 'w')}{pattern[3]}'"
    return part
