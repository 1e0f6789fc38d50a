"""What stands around every request: an id, who asks, a bound on its body, one line in the log.

    >>> app.add_middleware(Envelope, deployment=deployment)

Who asks is found out here and not by the routes: a route that somebody adds is closed unless its
path is in `OPEN`. Nothing that goes wrong inside reaches the server as an exception.
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from starlette._utils import get_route_path
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from text2sql.serving.deployment import Deployment
from text2sql.serving.logs import LOGGER
from text2sql.serving.problems import Gone, Problem, problem_of

OPEN = ("/health", "/ready", "/metrics", "/docs", "/redoc", "/openapi.json")
DRAINED = 16 << 20  # bytes that are read of a body that is too large: its sender must see the 413

log = logging.getLogger(LOGGER)

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class Envelope:
    """The outermost layer of an application."""

    def __init__(self, app: ASGIApp, *, deployment: Deployment) -> None:
        self.app, self.deployment = app, deployment

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        try:
            await self._handle(exchange)
        except (ClientDisconnect, Gone):
            return
        except Exception as error:
            await exchange.fail(problem_of(error), error)
        finally:
            exchange.close(self.deployment)

    async def _handle(self, exchange: "_Exchange") -> None:
        scope, limits = exchange.scope, self.deployment.limits
        if self.deployment.hosts:
            _check_host(Request(scope), self.deployment.hosts)
        if get_route_path(scope) not in OPEN:
            try:
                caller = await self.deployment.identified(Request(scope))
            except Problem:
                await _read(exchange.receive, 0, limits.body_seconds)
                raise
            scope["state"]["caller"] = caller
        body = await _read(exchange.receive, limits.max_body, limits.body_seconds)
        await self.app(scope, _replay(body, exchange.receive), exchange.send)


class _Exchange:
    """One request with its response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self._send = scope, receive, send
        self.begun, self.status = time.perf_counter(), 0
        given = Request(scope).headers.get("x-request-id", "")
        self.id = given if _ID.match(given) else uuid.uuid4().hex
        scope["state"] = {**scope.get("state", {}), "request_id": self.id}

    async def send(self, message: Message) -> None:
        """Send on, with the headers that every response has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            named = {name.lower() for name, _ in message["headers"]}
            extra = {"X-Request-ID": self.id, **_HEADERS}
            message["headers"] = [*message["headers"], *_raw(extra, named)]
        await self._send(message)

    async def fail(self, problem: Problem, error: Exception) -> None:
        """Say what went wrong, to the caller where that is still possible and to the log."""
        told = logging.ERROR if problem.status >= 500 and not isinstance(error, Problem) else None
        if told is not None:
            known = problem.kind != "internal"
            about = {"request_id": self.id, "error": problem.hidden or problem.message}
            log.log(told, "failed", extra={"about": about}, exc_info=None if known else error)
        if self.status:  # the response has begun: all that is left is to end it
            return
        body = problem.body(self.id)
        await JSONResponse(body, problem.status, problem.headers)(
            self.scope, self.receive, self.send
        )

    def close(self, deployment: Deployment) -> None:
        """Write the request into the log."""
        seconds = time.perf_counter() - self.begun
        caller = self.scope["state"].get("caller")
        about: dict[str, Any] = {
            "request_id": self.id,
            "method": self.scope["method"],
            "route": route_of(self.scope),
            "status": self.status or 499,  # 499: nobody was there to send it to
            "seconds": round(seconds, 4),
            "user": caller.name if caller else None,
        }
        log.info("request", extra={"about": about})
        deployment.metrics.count_request(about["method"], about["route"], about["status"], seconds)


def _check_host(request: Request, hosts: Sequence[str]) -> None:
    """Refuse a name that is not ours: a page of a foreign site may have let it point here.

    Raises:
        Problem: 421.
    """
    name = request.url.hostname or ""
    if name not in hosts:
        raise Problem(421, "this service answers under its own name only")


def route_of(scope: Mapping[str, Any]) -> str:
    """Return the path as the application declares it; "other" for one that it does not have."""
    route = scope.get("route")
    return str(getattr(route, "path", "other"))


def _raw(headers: Mapping[str, str], but: set[bytes]) -> list[tuple[bytes, bytes]]:
    found = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return [(name, value) for name, value in found if name not in but]


async def _read(receive: Receive, limit: int, seconds: float) -> bytes:
    """Return a request's body; with a limit of 0 it is read and forgotten.

    Raises:
        Problem: 413, it is longer than the limit; 408, it takes too long.
        ClientDisconnect: the caller has left.
    """
    parts, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            while size <= DRAINED:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                part = message.get("body", b"")
                size += len(part)
                if size <= limit:
                    parts.append(part)
                if not message.get("more_body"):
                    break
    except TimeoutError:
        if limit and size <= limit:  # else there is a better reason than the time
            late = f"the request was not received within {seconds:g} s"
            raise Problem(408, late) from None
    if limit and size > limit:
        raise Problem(413, f"the request is too large: at most {limit:,} bytes are read")
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body, then what comes after it."""
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay
