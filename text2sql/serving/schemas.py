"""`GET /v1/schema` and `GET /v1/databases`: what the caller may see of the databases.

GET /v1/schema?database=shop&style=compact
"""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from text2sql.errors import UnknownName
from text2sql.schema.model import Column, Table
from text2sql.schema.rendering import render
from text2sql.serving.asking import Text
from text2sql.serving.deployment import Caller, Deployment, caller_of
from text2sql.serving.work import worked

STYLES = ("ddl", "compact")  # those without rows


class SchemaColumn(BaseModel):
    """A column."""

    name: str
    type: str
    nullable: bool
    comment: str | None = None
    synonyms: list[str] = []


class SchemaKey(BaseModel):
    """Columns that point to those of another table."""

    columns: list[str]
    table: str
    referred: list[str]


class SchemaTable(BaseModel):
    """A table or view."""

    name: str
    view: bool
    comment: str | None = None
    primary_key: list[str]
    columns: list[SchemaColumn]
    foreign_keys: list[SchemaKey]


class SchemaBody(BaseModel):
    """What the caller sees of a database."""

    database: str
    dialect: str
    tables: list[SchemaTable]
    text: str | None = Field(None, description="With `style`: as a prompt would show it.")
    request_id: str


class DatabasesBody(BaseModel):
    """The databases of which the caller sees something."""

    databases: list[str]
    request_id: str


def schema_routes(deployment: Deployment) -> APIRouter:
    """Return the routes about schemas."""
    router = APIRouter(tags=["schemas"])

    @router.get("/v1/databases", response_model=DatabasesBody)
    async def databases(
        request: Request, caller: Annotated[Caller, Depends(caller_of)]
    ) -> JSONResponse:
        """List the databases that can be asked."""
        seen = await worked(deployment, caller, lambda: deployment.service.seen(caller.user))
        return JSONResponse({"databases": seen, "request_id": request.state.request_id})

    @router.get("/v1/schema", response_model=SchemaBody)
    async def schema(
        request: Request,
        caller: Annotated[Caller, Depends(caller_of)],
        database: Annotated[Text | None, Query(max_length=500)] = None,
        style: Annotated[Text | None, Query(max_length=50, description="ddl or compact")] = None,
    ) -> JSONResponse:
        """Show tables, columns and keys that the caller may see."""

        def work() -> dict[str, Any]:
            predictor = deployment.service.find(database=database, user=caller.user)
            if style is not None and style not in STYLES:
                raise UnknownName("schema style", style, STYLES)
            found = predictor.view(caller.user).schema
            text = render(found, style) if style else None
            tables = [_table(table) for table in found.tables]
            return {"dialect": found.dialect, "tables": tables, "text": text}

        said = await worked(deployment, caller, work)
        named = {"database": database or deployment.service.databases[0]}
        return JSONResponse({**named, **said, "request_id": request.state.request_id})

    return router


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.full_name,
        "view": table.view,
        "comment": table.comment,
        "primary_key": list(table.primary_key),
        "columns": [_column(column) for column in table.columns],
        "foreign_keys": [
            {
                "columns": list(key.columns),
                "table": f"{key.namespace}.{key.table}" if key.namespace else key.table,
                "referred": list(key.referred),
            }
            for key in table.foreign_keys
        ],
    }


def _column(column: Column) -> dict[str, Any]:
    kept = asdict(column)
    del kept["meanings"]
    return kept | {"synonyms": list(column.synonyms)}
