"""`POST /v1/feedback`: what a user says about an answer, acknowledged when the disk has it.

    {"kind": "correction", "question": "What was paid in May?", "sql": "SELECT 1",
     "corrected": "SELECT sum(amount) FROM payments WHERE ...", "answer": "5f0c..."}
    {"id": 17, "request_id": "9a1e..."}

SQL that a user finds right, or writes, has to be valid for what this user sees under the policy;
SQL that they find wrong may be anything.
"""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from text2sql.asking import check_sql
from text2sql.errors import DataError, OutputError
from text2sql.serving.asking import Text
from text2sql.serving.deployment import Caller, Deployment, caller_of
from text2sql.serving.feedback import GIVING, LONGEST, Feedback, Kind
from text2sql.serving.problems import Problem


class FeedbackBody(BaseModel):
    """What a user says about an answer."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(description="up, down, correction, or edit: SQL that the user ran instead.")
    question: Text = Field(min_length=1, max_length=LONGEST["question"])
    sql: Text | None = Field(None, max_length=LONGEST["sql"], description="That was shown.")
    corrected: Text | None = Field(
        None, max_length=LONGEST["corrected"], description="The user's own SQL."
    )
    database: Text | None = Field(
        None, max_length=LONGEST["database"], description="A name; the first one by default."
    )
    evidence: Text | None = Field(None, max_length=LONGEST["evidence"])
    comment: Text | None = Field(None, max_length=LONGEST["comment"])
    answer: Text | None = Field(
        None, max_length=LONGEST["request_id"], description="The answer's request_id."
    )
    follow_up: bool = Field(False, description="The question needs the turns before it.")


class KeptBody(BaseModel):
    """The acknowledgement."""

    id: int
    request_id: str


def feedback_routes(deployment: Deployment) -> APIRouter:
    """Return the route of feedback."""
    router = APIRouter(tags=["feedback"])

    @router.post("/v1/feedback", status_code=201, response_model=KeptBody)
    async def keep(
        body: FeedbackBody, request: Request, caller: Annotated[Caller, Depends(caller_of)]
    ) -> JSONResponse:
        """Keep what a user says about an answer."""
        if deployment.feedback is None:
            raise Problem(404, "this service keeps no feedback")
        await deployment.gate.enter(caller.name, deployment.limits)
        try:
            loop = asyncio.get_running_loop()
            number = await loop.run_in_executor(deployment.threads, _keep, deployment, body, caller)
        finally:
            deployment.gate.leave(caller.name)
        return JSONResponse({"id": number, "request_id": request.state.request_id}, 201)

    return router


def _keep(deployment: Deployment, body: FeedbackBody, caller: Caller) -> int:
    """Check feedback with the rights of who gives it, and keep it.

    Raises:
        Problem: 422, it is no feedback, or its SQL is not valid; 503, it cannot be kept.
        UnknownName: no such database.
        PolicyError: the policy does not let the user in.
    """
    assert deployment.feedback is not None
    predictor = deployment.service.find(database=body.database, user=caller.user)
    view = predictor.view(caller.user)
    said = Feedback(
        **_said(body),
        database=body.database or deployment.service.databases[0],
        user=caller.name,
        view=view.door.view.key if view.door else None,
    )
    right = said.corrected if said.kind in GIVING else said.sql if said.kind == "up" else None
    fault = check_sql(right, view)["fault"] if right else None
    if fault is not None:
        raise Problem(422, f"the SQL is not valid: {fault['message']}")
    try:
        return deployment.feedback.add(said)
    except DataError as error:
        raise Problem(422, str(error)) from None
    except OutputError as error:
        message = "feedback cannot be kept at the moment"
        raise Problem(503, message, kind="unavailable", hidden=str(error)) from None


def _said(body: FeedbackBody) -> dict[str, Any]:
    said = body.model_dump(exclude={"database", "answer"})
    return said | {"request_id": body.answer}
