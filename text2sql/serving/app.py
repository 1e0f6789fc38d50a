"""The HTTP service as an application: to be served alone, or mounted in one's own.

    >>> app = FastAPI()
    >>> app.mount("/t2s", create_app(predictor, identify=lambda request: request.session["user"]))

Covered: errors of every kind in one form; OpenAPI at /openapi.json.
Not covered: opening and closing what is served: whoever made it does that.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from text2sql import __version__
from text2sql.predictor import Predictor
from text2sql.serving.asking import ask_routes
from text2sql.serving.audit import AuditLog
from text2sql.serving.deployment import Deployment, Identify
from text2sql.serving.envelope import Envelope
from text2sql.serving.feedback import FeedbackStore
from text2sql.serving.feedback_routes import feedback_routes
from text2sql.serving.limits import Limits
from text2sql.serving.metrics import CONTENT_TYPE
from text2sql.serving.openai_routes import openai_routes
from text2sql.serving.problems import Problem
from text2sql.serving.schemas import schema_routes
from text2sql.serving.service import Service
from text2sql.serving.validating import validating_routes


class Told(BaseModel):
    """Why there is no answer."""

    type: str
    message: str
    request_id: str


class ErrorBody(BaseModel):
    """The body of every response whose status is 400 or above."""

    error: Told


ROUTES = (ask_routes, validating_routes, schema_routes, feedback_routes, openai_routes)
RESPONSES: dict[int | str, dict[str, Any]] = {"default": {"model": ErrorBody}}


def create_app(
    predictor: Predictor | Service,
    *,
    identify: Identify | None = None,
    limits: Limits | None = None,
    feedback: FeedbackStore | None = None,
    audit: AuditLog | None = None,
    hosts: Sequence[str] = (),
) -> FastAPI:
    """Return the application.

    Args:
        predictor: what is asked; a service has several models and databases.
        identify: tells from a request who asks: the attributes of the policy's user, or None for
            nobody. Without it everybody may ask, as nobody: put something before it that asks who
            it is, or bind to loopback.
        limits: of a predictor; a service has its own.
        feedback: where what users say about answers is kept.
        audit: gets a line for every question, before its answer is handed out.
        hosts: names under which it may be called, such as localhost; none: any.
    """
    service = (
        Service.of(predictor, limits=limits) if isinstance(predictor, Predictor) else predictor
    )
    deployment = Deployment(service, identify=identify, feedback=feedback, audit=audit, hosts=hosts)
    app = FastAPI(
        title="text2sql",
        version=__version__,
        description="Questions to SQL and rows, under a policy.",
        responses=RESPONSES,
    )
    app.state.deployment = deployment
    app.add_middleware(Envelope, deployment=deployment)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    _add_state(app, deployment)
    for routes in ROUTES:
        app.include_router(routes(deployment))
    return app


def _add_state(app: FastAPI, deployment: Deployment) -> None:
    @app.get("/health", tags=["state"])
    async def health() -> dict[str, str]:
        """Say that the process is alive."""
        return {"status": "ok"}

    @app.get("/ready", tags=["state"])
    async def ready() -> dict[str, Any]:
        """Say whether a question can be answered; 503 while the model is loading."""
        deployment.service.check_ready()
        return {"status": "ready"}

    @app.get("/metrics", tags=["state"], response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Show figures for Prometheus."""
        return Response(deployment.metrics.page(), media_type=CONTENT_TYPE)

    figures = deployment.metrics
    figures.watch(
        "t2s_ready", "1 when a question can be answered.", lambda: deployment.service.ready
    )
    figures.watch("t2s_questions_inside", "Being worked on.", lambda: deployment.gate.inside)
    figures.watch("t2s_questions_waiting", "In the queue.", lambda: deployment.gate.waiting)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    known = {404: "no such path: /openapi.json has those that exist"}
    problem = Problem(error.status_code, known.get(error.status_code, str(error.detail)))
    headers = {**(error.headers or {}), **problem.headers}
    return JSONResponse(problem.body(request.state.request_id), problem.status, headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Say the first thing that is wrong, never with what was sent."""
    assert isinstance(error, RequestValidationError)
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
    problem = Problem(422, f"{where}: {first['msg']}" if where else first["msg"])
    return JSONResponse(problem.body(request.state.request_id), problem.status)
