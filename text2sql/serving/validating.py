"""`POST /v1/sql/validate`: is SQL valid for what the caller sees, and what would run for them.

    {"sql": "SELECT nme FROM customers", "database": "shop"}
    {"valid": false, "fault": {"layer": "columns", "message": "no column 'nme' ...", ...}, ...}

Nothing runs: the engine is asked for its plan.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from text2sql.asking import check_sql
from text2sql.serving.asking import Text
from text2sql.serving.deployment import Caller, Deployment, caller_of
from text2sql.serving.work import worked


class ValidateBody(BaseModel):
    """SQL that somebody wrote."""

    model_config = ConfigDict(extra="forbid")

    sql: Text = Field(max_length=20_000, examples=["SELECT nme FROM customers"])
    database: Text | None = Field(None, description="A name; the first one by default.")


class FaultBody(BaseModel):
    """The first thing that is wrong."""

    layer: str = Field(description="parse, tables, columns or engine.")
    message: str
    position: int | None = Field(None, description="Character at which it stands, from 0.")
    suggestions: list[str] = []


class ValidatedBody(BaseModel):
    """The verdict."""

    valid: bool
    sql: str = Field(description="The SQL in canonical form.")
    fault: FaultBody | None
    layers: dict[str, bool | None] = Field(description="None: not reached.")
    note: str | None
    rewritten: str | None = Field(description="What would run under the policy.")
    kept_back: list[str] = Field(description="What the policy keeps back, in words.")
    database: str
    request_id: str


def validating_routes(deployment: Deployment) -> APIRouter:
    """Return the route that checks SQL."""
    router = APIRouter(tags=["sql"])

    @router.post("/v1/sql/validate", response_model=ValidatedBody)
    async def validate(
        body: ValidateBody, request: Request, caller: Annotated[Caller, Depends(caller_of)]
    ) -> JSONResponse:
        """Check SQL against the schema and the engine, without running it."""

        def work() -> dict[str, Any]:
            predictor = deployment.service.find(database=body.database, user=caller.user)
            return check_sql(body.sql, predictor.view(caller.user))

        verdict = await worked(deployment, caller, work)
        named = {"database": body.database or deployment.service.databases[0]}
        return JSONResponse({**verdict, **named, "request_id": request.state.request_id})

    return router
