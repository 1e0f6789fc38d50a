"""`POST /v1/ask`: a question in, SQL and rows out, in one piece or as it is written.

    {"question": "How many orders were paid in May?", "database": "shop"}
    {"sql": "SELECT ...", "columns": [{"name": "n", "type": "integer"}], "rows": [[412]], ...}

With `Accept: text/event-stream` or `"stream": true` the answer comes as server-sent events: `piece`
(what the first sample has more of, unchecked), then `answer` or `error`.
"""

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from text2sql.answers import Answer
from text2sql.serving.deployment import Caller, Deployment, caller_of
from text2sql.serving.engines import Question
from text2sql.serving.problems import Gone, Problem, problem_of
from text2sql.serving.values import encode_rows
from text2sql.serving.work import answered, pieces

EVENTS = "text/event-stream"


def sayable(text: str) -> str:
    """Return a text; JSON can hold half characters, which nothing behind it can say."""
    if any("\ud800" <= character <= "\udfff" or character == "\0" for character in text):
        raise ValueError("must be text: it holds half a character or a NUL")
    return text


Text = Annotated[str, AfterValidator(sayable)]


class Turn(BaseModel):
    """An earlier question of the conversation with its SQL."""

    model_config = ConfigDict(extra="forbid")

    question: Text
    sql: Text


class AskBody(BaseModel):
    """A question."""

    model_config = ConfigDict(extra="forbid")

    question: Text = Field(examples=["How many orders were paid in May?"])
    database: Text | None = Field(None, description="A name; the first one by default.")
    model: Text | None = Field(None, description="A name; the first one by default.")
    tables: list[Text] | None = Field(
        None, min_length=1, max_length=500, description="Only these may occur in the SQL."
    )
    history: list[Turn] = Field([], description="Earlier turns, the oldest first.")
    evidence: Text | None = Field(None, description="What the question's words mean here.")
    run: bool = Field(True, description="False stops at the SQL.")
    stream: bool = Field(False, description="Server-sent events instead of one JSON document.")

    def asked(self) -> Question:
        """Return the question as the predictor takes it."""
        turns = tuple((turn.question, turn.sql) for turn in self.history)
        about = (self.model, self.database, self.tables, turns, self.evidence, self.run)
        return Question(self.question, *about)


class ColumnBody(BaseModel):
    """A column of a result."""

    name: str
    type: str = Field(
        description="boolean, integer, number, decimal, text, bytes, timestamp, date, time,"
        " interval; any where there is no value or the values differ."
    )


class AbstentionBody(BaseModel):
    """Why a question has SQL, but no answer."""

    kind: str = Field(description="unsure, ambiguous, missing or invalid.")
    message: str
    between: list[str] = Field(
        [], description="What may be meant: SQL of the samples' readings, tables or columns."
    )


class AnswerBody(BaseModel):
    """What came of a question."""

    sql: str = Field(description="As the model wrote it.")
    columns: list[ColumnBody]
    rows: list[list[Any]] = Field(
        description="Values as JSON: integers beyond 2**53 - 1, decimals, NaN and infinity are"
        " strings; dates and times ISO 8601; bytes base64."
    )
    truncated: bool = Field(description="There were more rows.")
    confidence: float | None = Field(description="Share of the samples that agree.")
    abstention: AbstentionBody | None
    error: str | None = Field(description="Why there are no rows.")
    rewritten: str | None = Field(description="What ran in its place under the policy.")
    kept_back: list[str] = Field(description="What the policy keeps back, in words.")
    doubts: list[str] = Field(
        description="What the question names that is not there, or that is there twice."
    )
    left_out: list[str] = Field(description="Tables and columns the prompt had no room for.")
    seconds: dict[str, float] = Field(description="By part: prompt, generate, run.")
    model: str
    database: str
    request_id: str


def ask_routes(deployment: Deployment) -> APIRouter:
    """Return the route of questions."""
    router = APIRouter(tags=["questions"])

    @router.post(
        "/v1/ask",
        response_model=AnswerBody,
        responses={200: {"content": {EVENTS: {}}, "description": "The answer."}},
    )
    async def ask(
        body: AskBody, request: Request, caller: Annotated[Caller, Depends(caller_of)]
    ) -> Response:
        """Ask a question: SQL, its rows, and how sure they are."""
        question = check(deployment, body.asked())
        if body.stream or EVENTS in request.headers.get("accept", ""):
            told = pieces(deployment, request, caller, question)
            first = await anext(told)  # what goes wrong before it still has a status
            events = _events(deployment, request, question, first, told)
            return StreamingResponse(events, media_type=EVENTS)
        answer = await answered(deployment, request, caller, question)
        return JSONResponse(answer_body(deployment, question, answer, request))

    return router


def check(deployment: Deployment, question: Question) -> Question:
    """Return a question that is within the limits and asks for what there is.

    Raises:
        Problem: 413, it is too long.
        UnknownName: no such model.
    """
    limits, said = deployment.limits, question.evidence or ""
    longest = max(len(question.text), len(said))
    if longest > limits.max_question:
        what = f"{longest:,} characters: at most {limits.max_question:,} can be asked"
        raise Problem(413, f"the question has {what}")
    if len(question.history) > limits.max_history:
        raise Problem(413, f"history: at most {limits.max_history} earlier turns can be sent")
    return question


def answer_body(
    deployment: Deployment, question: Question, answer: Answer, request: Request
) -> dict[str, Any]:
    """Return an answer as `AnswerBody` has it, with as many rows as the limits let through."""
    rows = answer.rows[: deployment.limits.max_rows]
    abstained = answer.abstention
    columns = zip(answer.columns, answer.types, strict=True)
    service = deployment.service
    return {
        "sql": answer.sql,
        "columns": [{"name": name, "type": kind} for name, kind in columns],
        "rows": encode_rows(rows),
        "truncated": answer.truncated or len(rows) < len(answer.rows),
        "confidence": answer.confidence,
        "abstention": abstained
        and {
            "kind": abstained.kind,
            "message": abstained.message,
            "between": list(abstained.between),
        },
        "error": answer.error,
        "rewritten": answer.rewritten,
        "kept_back": list(answer.kept_back),
        "doubts": list(answer.doubts),
        "left_out": list(answer.left_out),
        "seconds": {part: round(seconds, 4) for part, seconds in answer.seconds.items()},
        "model": question.model or service.models[0],
        "database": question.database or service.databases[0],
        "request_id": request.state.request_id,
    }


async def _events(
    deployment: Deployment,
    request: Request,
    question: Question,
    first: str | Answer,
    told: AsyncGenerator[str | Answer, None],
) -> AsyncIterator[str]:
    def shown(said: str | Answer) -> str:
        if isinstance(said, str):
            return event("piece", {"text": said})
        return event("answer", answer_body(deployment, question, said, request))

    try:
        async with contextlib.aclosing(told):
            yield shown(first)
            async for said in told:
                yield shown(said)
    except Gone:
        return
    except Exception as error:  # the response has begun: it is said in the stream
        yield event("error", problem_of(error).body(request.state.request_id))


def event(name: str, data: Any) -> str:
    """Return a server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
