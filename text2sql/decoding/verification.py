"""Judge a finished text: one query, known tables, known columns, and the engine's own word.

    >>> verify("SELECT nme FROM customers", schema, explain=executor.explain).fault.message
    "no column 'nme' (did you mean 'name'? known: customer_id, name, ...)"

Four layers, in order; the first that fails ends the judgement and says why. A layer after it is not
reached. `tables` comes before `columns` because sqlglot blames the column when its table is
misspelt.

Not covered: whether the query answers the question; types (the engine's EXPLAIN judges some).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from text2sql.errors import hint
from text2sql.execution import Execution
from text2sql.execution.results import Refusal, check_size
from text2sql.schema import prepared_schema
from text2sql.schema.model import Schema
from text2sql.unreadable import UNREADABLE

DEFAULT_NAMESPACES = ("main", "public", "dbo")  # of SQLite and DuckDB, PostgreSQL, SQL Server
LONGEST_FAULT = 600  # characters
LAYERS = ("parse", "tables", "columns", "engine")


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong with a text, in words."""

    layer: str  # one of LAYERS
    message: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What each layer said: True, False, or None where it was not reached."""

    layers: dict[str, bool | None]
    fault: Fault | None

    @property
    def valid(self) -> bool:
        """Whether every layer let the text through."""
        return self.fault is None


def verify(
    sql: str, schema: Schema, *, explain: Callable[[str], Execution] | None = None
) -> Verification:
    """Judge one text that has been canonicalised.

    Args:
        sql: the text; what is wrong with it is in the result, never raised.
        schema: of the database that it is meant for.
        explain: the engine's EXPLAIN (`Executor.explain`); None leaves that layer out.
    """
    layers: dict[str, bool | None] = dict.fromkeys(LAYERS)
    try:
        for layer, fault in _judge(sql, schema, explain):
            layers[layer] = fault is None
            if fault is not None:
                return Verification(layers, Fault(layer, _short(fault)))
    except RecursionError:  # a tree that could be parsed may still be too deep to walk
        layer = next(name for name in LAYERS if layers[name] is None)
        layers[layer] = False
        return Verification(layers, Fault(layer, "nested too deeply"))
    return Verification(layers, None)


def _short(message: str) -> str:
    """Return one line: names that a text invents may be long, and hold line ends."""
    line = " ".join(message.split())
    return line if len(line) <= LONGEST_FAULT else f"{line[:LONGEST_FAULT]}..."


def _judge(
    sql: str, schema: Schema, explain: Callable[[str], Execution] | None
) -> Iterable[tuple[str, str | None]]:
    tree, fault = _parse(sql, schema.dialect)
    yield "parse", fault
    if tree is None:
        return
    yield "tables", _unknown_table(tree, schema)
    yield "columns", _unknown_column(tree, schema)
    if explain is not None:
        yield "engine", explain(sql).error


def _parse(sql: str, dialect: str) -> tuple[exp.Query | None, str | None]:
    if not sql.strip():
        return None, "there is no SQL"
    try:
        check_size(sql)
        statements = [s for s in sqlglot.parse(sql, dialect=dialect) if s is not None]
    except Refusal as refusal:
        return None, refusal.message
    except RecursionError:
        return None, "nested too deeply"
    except UNREADABLE as error:
        return None, str(error).split("\n", 1)[0]
    if len(statements) != 1:
        return None, f"{len(statements)} statements instead of one"
    tree = statements[0]
    if not isinstance(tree, exp.Query):
        return None, f"{tree.key.upper()} is not a query"
    return tree, None


def _unknown_table(tree: exp.Query, schema: Schema) -> str | None:
    defined = {cte.alias_or_name.casefold() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):  # a table function: the engine judges it
            continue
        default = not table.db or table.db.casefold() in DEFAULT_NAMESPACES
        name = table.name if default else f"{table.db}.{table.name}"
        if name.casefold() not in defined and schema.table(name) is None:
            known = [t.full_name for t in schema.tables]
            return f"no table {name!r} in database {schema.name!r} ({hint(name, known)})"
    return None


def _unknown_column(tree: exp.Query, schema: Schema) -> str | None:
    try:
        qualify(
            named(tree.copy()),
            schema=prepared_schema(schema),
            dialect=schema.dialect,
            validate_qualify_columns=True,
            quote_identifiers=False,
            identify=False,
        )
    except OptimizeError as error:
        return _name_the_column(tree, schema) or str(error).split("\n", 1)[0]
    except Exception as error:  # sqlglot asserts what it takes for granted of other people's SQL
        return str(error).split("\n", 1)[0] or f"sqlglot fails with {type(error).__name__}"
    return None


def named(tree: exp.Query) -> exp.Query:
    """Give tables in quotes their own name as alias: sqlglot would make it one in lower case."""
    for table in tree.find_all(exp.Table):
        plain = isinstance(table.this, exp.Identifier) and table.this.quoted
        if plain and not table.alias:
            alias = exp.to_identifier(table.name, quoted=True)
            table.set("alias", exp.TableAlias(this=alias))
    return tree


def _name_the_column(tree: exp.Query, schema: Schema) -> str | None:
    """Find the column that its scope does not have, and the nearest that it has."""
    for scope in traverse_scope(tree.copy()):
        tables = [schema.table(s.name) for s in scope.sources.values() if isinstance(s, exp.Table)]
        if None in tables or len(tables) != len(scope.sources):
            continue  # a derived table: its output columns are qualify's affair
        for column in scope.columns:
            fault = _column_fault(column, scope, schema)
            if fault is not None:
                return fault
    return None


def _column_fault(column: exp.Column, scope: Scope, schema: Schema) -> str | None:
    """Say what is wrong with one column; None where its scope, or one around it, may know it."""
    if column.table and column.table not in scope.sources:
        what = f"no table or alias {column.table!r} in FROM ({hint(column.table, scope.sources)})"
        return what if scope.parent is None else None
    tables = {
        alias: (source.name, [c.name for c in table.columns])
        for alias, source in scope.sources.items()
        if isinstance(source, exp.Table) and (table := schema.table(source.name)) is not None
    }
    if column.table:
        name, known = tables[column.table]
        owner = f" in table {name!r}"
    elif scope.parent is not None:
        return None
    else:
        owner, known = "", [name for _, own in tables.values() for name in own]
    aliases = [e.alias for e in scope.expression.find_all(exp.Alias)] if not column.table else []
    if column.name.casefold() in {name.casefold() for name in (*known, *aliases)}:
        return None
    return f"no column {column.name!r}{owner} ({hint(column.name, known)})"
