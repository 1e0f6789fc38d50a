"""What an agent may do with a database, as functions: look, ask, check, run.

    >>> list_tables(service, None, None).tables[0].name
    'customers'
    >>> run_sql(service, {"role": "seller"}, None, "SELECT count(*) FROM orders").rows
    [[17]]

Every one takes the user and the name of a database (None: the first) after the service, and goes
through that user's perspective: the schema, rows and messages of what they may see.

Covered: results are bounded in rows, bytes and length of sample cells, and say where they were cut;
values in JSON as `values` has them.
Not covered: the protocol (`mcp_server`).
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, Field

from text2sql.access.attributes import User
from text2sql.answers import column_type
from text2sql.asking import check_sql
from text2sql.errors import Text2SQLError
from text2sql.perspectives import Perspective
from text2sql.predictor import Predictor
from text2sql.schema.model import Column, ForeignKey, Table
from text2sql.serving.service import Service
from text2sql.serving.values import encode

MAX_ROWS = 1_000  # that a caller may ask for
USUAL_ROWS = 100
MAX_BYTES = 200_000  # of the rows of one result in JSON: an agent has to read them
MAX_TABLES = 20  # described at once
SAMPLE_ROWS = 3
SAMPLE_CELL = 100  # characters

ROWS = (
    "Values as JSON: integers beyond 2**53 - 1 and decimals are strings, dates ISO 8601,"
    " bytes base64."
)


class Refused(Text2SQLError):
    """SQL of the caller that does not run; the message is the reason."""


class TableLine(BaseModel):
    """A table in a list."""

    name: str
    columns: int
    description: str | None = None
    view: bool = False


class Tables(BaseModel):
    """The tables of a database."""

    database: str
    databases: list[str] = Field(description="All that can be asked.")
    dialect: str
    tables: list[TableLine]


class ColumnText(BaseModel):
    """A column of a table."""

    name: str
    type: str
    nullable: bool
    description: str | None = None
    synonyms: list[str] = []
    meanings: dict[str, str] = Field({}, description="What stored values mean.")


class Reference(BaseModel):
    """A foreign key."""

    columns: list[str]
    table: str
    referred: list[str]


class TableText(BaseModel):
    """Everything that is known of a table."""

    name: str
    description: str | None = None
    view: bool = False
    primary_key: list[str] = []
    columns: list[ColumnText]
    foreign_keys: list[Reference] = []
    sample: list[list[Any]] = Field([], description=f"A few rows; long texts are cut. {ROWS}")


class Described(BaseModel):
    """Tables with their columns."""

    database: str
    dialect: str
    tables: list[TableText]


class ResultColumn(BaseModel):
    """A column of a result."""

    name: str
    type: str


class Rows(BaseModel):
    """What a query gave."""

    sql: str
    columns: list[ResultColumn]
    rows: list[list[Any]] = Field(description=ROWS)
    truncated: bool = Field(description="There are more rows.")
    rewritten: str | None = Field(None, description="What ran in its place under the policy.")
    kept_back: list[str] = Field([], description="What the policy keeps back, in words.")


class Asked(Rows):
    """What came of a question."""

    error: str | None = Field(None, description="Why there are no rows.")
    abstained: str | None = Field(
        None, description="unsure, ambiguous, missing or invalid: why there is SQL but no answer."
    )
    confidence: float | None = Field(None, description="Share of the samples that agree.")
    left_out: list[str] = Field([], description="Tables and columns the prompt had no room for.")


class Verdict(BaseModel):
    """Whether SQL is valid."""

    valid: bool
    sql: str = Field(description="As the database's dialect has it.")
    fault: str | None = Field(None, description="The first thing that is wrong.")
    suggestions: list[str] = []
    rewritten: str | None = Field(None, description="What would run under the policy.")
    kept_back: list[str] = []


def list_tables(service: Service, user: User | None, database: str | None) -> Tables:
    """Return the tables that a user sees."""
    predictor, view = _found(service, user, database)
    lines = [
        TableLine(
            name=table.full_name,
            columns=len(table.columns),
            description=table.comment,
            view=table.view,
        )
        for table in view.schema.tables
    ]
    return Tables(
        database=predictor.database.name,
        databases=service.seen(user),
        dialect=view.schema.dialect,
        tables=lines,
    )


def describe(
    service: Service, user: User | None, database: str | None, tables: Sequence[str]
) -> Described:
    """Return the columns, keys and a few rows of tables.

    Raises:
        UnknownName: no such table among those that the user sees.
    """
    predictor, view = _found(service, user, database)
    found = [view.schema.find_table(name) for name in tables]
    return Described(
        database=predictor.database.name,
        dialect=view.schema.dialect,
        tables=[_described(table, view) for table in found],
    )


def ask(
    service: Service,
    user: User | None,
    database: str | None,
    question: str,
    *,
    tables: Sequence[str] | None = None,
    evidence: str | None = None,
    run: bool = True,
    max_rows: int = USUAL_ROWS,
) -> Asked:
    """Answer a question; what the model does wrong is in the result.

    Raises:
        PromptError: the question is empty or too long.
        UnknownName: a table that the user does not see.
    """
    asked: dict[str, Any] = {"tables": tables, "evidence": evidence, "run": run}
    with service.asking(None, database, user=user) as predictor:
        answer = predictor.predict(question, user=user, **asked)
    rows, cut = _bounded(answer.rows, min(max_rows, service.limits.max_rows))
    columns = zip(answer.columns, answer.types, strict=True)
    return Asked(
        sql=answer.sql,
        columns=[ResultColumn(name=name, type=kind) for name, kind in columns],
        rows=rows,
        truncated=answer.truncated or cut,
        rewritten=answer.rewritten,
        kept_back=list(answer.kept_back),
        error=answer.error,
        abstained=answer.abstention.kind if answer.abstention else None,
        confidence=answer.confidence,
        left_out=list(answer.left_out),
    )


def validate_sql(service: Service, user: User | None, database: str | None, sql: str) -> Verdict:
    """Return whether SQL would run for a user, or the first thing that is wrong."""
    _, view = _found(service, user, database)
    found = check_sql(sql, view)
    fault = found["fault"] or {}
    return Verdict(
        valid=found["valid"],
        sql=found["sql"],
        fault=fault.get("message"),
        suggestions=fault.get("suggestions", []),
        rewritten=found["rewritten"],
        kept_back=found["kept_back"],
    )


def run_sql(
    service: Service,
    user: User | None,
    database: str | None,
    sql: str,
    *,
    max_rows: int = USUAL_ROWS,
) -> Rows:
    """Run one query for a user, read-only, under the policy and a deadline.

    Raises:
        Refused: it is no query, touches what the user may not see, or fails.
    """
    predictor, view = _found(service, user, database)
    max_rows = min(max_rows, service.limits.max_rows)
    ran = view.execute(sql, timeout=predictor.timeout, max_rows=max_rows)
    if ran.error is not None:
        raise Refused(ran.error)
    rewritten = view.rewritten(sql)
    rows, cut = _bounded(ran.rows, max_rows)
    kinds = [column_type(row[place] for row in ran.rows) for place in range(len(ran.columns))]
    columns = zip(ran.columns, kinds, strict=True)
    return Rows(
        sql=sql,
        columns=[ResultColumn(name=name, type=kind) for name, kind in columns],
        rows=rows,
        truncated=ran.truncated or cut,
        rewritten=rewritten.sql if rewritten else None,
        kept_back=list(rewritten.said) if rewritten else [],
    )


def _found(
    service: Service, user: User | None, database: str | None
) -> tuple[Predictor, Perspective]:
    predictor = service.find(None, database, user=user)
    return predictor, predictor.view(user)


def _described(table: Table, view: Perspective) -> TableText:
    sample = view.sample(table, SAMPLE_ROWS)
    return TableText(
        name=table.full_name,
        description=table.comment,
        view=table.view,
        primary_key=list(table.primary_key),
        columns=[_column_text(column) for column in table.columns],
        foreign_keys=[_reference(key) for key in table.foreign_keys],
        sample=[[_cut(encode(value)) for value in row] for row in sample],
    )


def _column_text(column: Column) -> ColumnText:
    return ColumnText(
        name=column.name,
        type=column.type,
        nullable=column.nullable,
        description=column.comment,
        synonyms=list(column.synonyms),
        meanings=dict(column.meanings),
    )


def _reference(key: ForeignKey) -> Reference:
    name = f"{key.namespace}.{key.table}" if key.namespace else key.table
    return Reference(columns=list(key.columns), table=name, referred=list(key.referred))


def _cut(value: Any) -> Any:
    long = isinstance(value, str) and len(value) > SAMPLE_CELL
    return value[:SAMPLE_CELL] + "…" if long else value


def _bounded(rows: Iterable[Sequence[Any]], most: int) -> tuple[list[list[Any]], bool]:
    """Return rows as JSON has them, as many as there is room for, and whether some are left out."""
    found: list[list[Any]] = []
    size = 0
    for row in rows:
        encoded = [encode(value) for value in row]
        size += len(json.dumps(encoded, ensure_ascii=False).encode())
        if len(found) == most or size > MAX_BYTES:
            return found, True
        found.append(encoded)
    return found, False
