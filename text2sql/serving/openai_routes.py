"""`/v1/chat/completions` and `/v1/models` in OpenAI's form: what chat programs and tools ask.

    >>> client = openai.OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="...")
    >>> messages = [{"role": "user", "content": "How many orders were paid in May?"}]
    >>> client.chat.completions.create(model="mini/shop", messages=messages)

A model's id names a model and a database. Identity, limits and policy are those of /v1/ask. What is
streamed has been checked: nothing is sent before the answer is there.
"""

import json
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from text2sql.answers import Answer
from text2sql.errors import Text2SQLError, UnknownName
from text2sql.serving.asking import EVENTS, answer_body, check
from text2sql.serving.chats import ChatBody, check_fields, cut, message_of, question_of
from text2sql.serving.deployment import Caller, Deployment, caller_of
from text2sql.serving.engines import Question
from text2sql.serving.problems import Problem, problem_of
from text2sql.serving.work import answered, worked

OWNER = "text2sql"


class OpenAIRoute(APIRoute):
    """A route whose refusals have OpenAI's form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with its errors told as a client of OpenAI reads them."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError as error:
                return _refusal(request, Problem(400, _first(error)), _param(error))
            except HTTPException as error:  # a body that is no text
                return _refusal(request, Problem(error.status_code, str(error.detail)), None)
            except (Problem, Text2SQLError) as error:
                problem = problem_of(error)
                if problem.status >= 500:  # goes into the log
                    raise
                return _refusal(request, problem, getattr(error, "param", None))

        return handle


def _refusal(request: Request, problem: Problem, param: str | None) -> JSONResponse:
    kind = "invalid_request_error" if problem.status in (400, 404, 413) else problem.kind
    code = "model_not_found" if problem.status == 404 else None
    said = {"message": problem.message, "type": kind, "param": param, "code": code}
    body = {"error": {**said, "request_id": request.state.request_id}}
    return JSONResponse(body, problem.status, problem.headers)


def _first(error: RequestValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    return f"{where}: {first['msg']}" if where else str(first["msg"])


def _param(error: RequestValidationError) -> str | None:
    where = [part for part in error.errors()[0]["loc"] if part != "body"]
    return str(where[0]) if where else None


def openai_routes(deployment: Deployment) -> APIRouter:
    """Return the routes that speak OpenAI's form."""
    router = APIRouter(tags=["openai"], route_class=OpenAIRoute)
    begun = int(time.time())

    def shown(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": begun, "owned_by": OWNER}

    @router.get("/v1/models")
    async def models(caller: Annotated[Caller, Depends(caller_of)]) -> dict[str, Any]:
        """List what can be asked: a model and a database that the caller sees something of."""
        found = await worked(deployment, caller, lambda: ids(deployment, caller))
        return {"object": "list", "data": [shown(name) for name in found]}

    @router.get("/v1/models/{name:path}")
    async def model(name: str, caller: Annotated[Caller, Depends(caller_of)]) -> dict[str, Any]:
        """Describe one of them."""
        found = await worked(deployment, caller, lambda: ids(deployment, caller))
        return shown("/".join(split_id(name, found)))

    @router.post("/v1/chat/completions", responses={200: {"content": {EVENTS: {}}}})
    async def complete(
        body: ChatBody, request: Request, caller: Annotated[Caller, Depends(caller_of)]
    ) -> Response:
        """Answer the last message of the user: SQL in a block, and its rows as a table."""
        check_fields(body)
        text, turns = question_of(body)
        question = await worked(
            deployment, caller, lambda: addressed(deployment, caller, body.model, text, turns)
        )
        answer = await answered(deployment, request, caller, check(deployment, question))
        completion = Completion(deployment, request, body, question, answer)
        if body.stream:
            return StreamingResponse(completion.events(), media_type=EVENTS)
        return JSONResponse(completion.whole())

    return router


def addressed(
    deployment: Deployment, caller: Caller, name: str, text: str, turns: list[tuple[str, str]]
) -> Question:
    """Return a question to the model of an id, with the turns that it takes; on a thread.

    Raises:
        UnknownName: there is no such model.
    """
    model, database = split_id(name, ids(deployment, caller))
    if turns and not deployment.service.find(model, database, user=caller.user).model.takes_turns:
        turns = []
    kept = turns[max(0, len(turns) - deployment.limits.max_history) :]
    return Question(text, model, database, history=tuple(kept))


def ids(deployment: Deployment, caller: Caller) -> list[str]:
    """Return the ids of models; on a thread, since databases may have to be read."""
    service = deployment.service
    service.check_ready()
    seen = service.seen(caller.user)
    return [f"{model}/{database}" for model in service.models for database in seen]


def split_id(name: str, known: list[str]) -> tuple[str, str]:
    """Return a model and a database; a model alone means the first database.

    Raises:
        UnknownName: there is no such model.
    """
    found = name if name in known else next((k for k in known if k.startswith(f"{name}/")), None)
    if found is None:
        raise UnknownName("model", name, known)
    model, _, database = found.rpartition("/")
    return model, database


class Completion:
    """One answer in the form of a chat completion."""

    def __init__(
        self,
        deployment: Deployment,
        request: Request,
        body: ChatBody,
        question: Question,
        answer: Answer,
    ) -> None:
        self.body, self.answer = body, answer
        self.about = {
            "id": f"chatcmpl-{request.state.request_id}",
            "created": int(time.time()),
            "model": f"{question.model}/{question.database}",
        }
        if body.as_json:
            said = answer_body(deployment, question, answer, request)
            self.parts, self.reason = [json.dumps(said, ensure_ascii=False)], "stop"
        else:
            self.parts, self.reason = self._message()

    def _message(self) -> tuple[list[str], str]:
        parts, reason = message_of(self.answer), "stop"
        most = self.body.max_completion_tokens or self.body.max_tokens
        if most is not None and self.answer.completion_tokens > most:
            parts, reason = parts[:1], "length"  # SQL is never cut in the middle
        return cut(parts, self.body.stop), reason

    @property
    def usage(self) -> dict[str, int]:
        """Tokens that the model read and wrote, all samples together."""
        read, written = self.answer.prompt_tokens, self.answer.completion_tokens
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        }

    def whole(self) -> dict[str, Any]:
        """Return the completion in one piece."""
        message = {"role": "assistant", "content": "".join(self.parts), "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.reason}
        about = {**self.about, "object": "chat.completion"}
        return {**about, "choices": [choice], "usage": self.usage}

    def events(self) -> Iterator[str]:
        """Yield the completion as server-sent events."""
        yield self._event({"role": "assistant", "content": ""})
        for part in self.parts:
            yield self._event({"content": part})
        yield self._event({}, self.reason)
        if self.body.stream_options and self.body.stream_options.include_usage:
            yield _data({**self._chunk, "choices": [], "usage": self.usage})
        yield "data: [DONE]\n\n"

    @property
    def _chunk(self) -> dict[str, Any]:
        return {**self.about, "object": "chat.completion.chunk"}

    def _event(self, delta: dict[str, Any], reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return _data({**self._chunk, "choices": [choice]})


def _data(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"
