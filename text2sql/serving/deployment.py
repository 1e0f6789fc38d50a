"""What the routes of one application share: the service, who asks, limits, logs, figures.

    >>> deployment = Deployment(service, identify=identify)
    >>> predictor = deployment.service.find(model=None, database="shop")

Each group of routes is an `APIRouter` made by a function of a `Deployment`; a route that wants to
know who asks has a parameter `caller: Annotated[Caller, Depends(caller_of)]`.
"""

import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from text2sql.access.attributes import User
from text2sql.serving.audit import AuditLog
from text2sql.serving.engines import Engine, Joined
from text2sql.serving.feedback import FeedbackStore
from text2sql.serving.limits import Gate, Limits, Rates
from text2sql.serving.metrics import Metrics
from text2sql.serving.problems import Problem
from text2sql.serving.service import Service

Identify = Callable[[Request], "User | Awaitable[User | None] | None"]

MOST_THREADS = 256  # the gate lets fewer in; this only bounds what a settings file can ask for
_NAMES = ("name", "id", "sub", "email")  # attributes that say who a user is


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a name for logs and limits, and the user of the policy."""

    name: str | None  # None: nobody in particular
    user: User | None


@dataclass(slots=True)
class Deployment:
    """One application's parts."""

    service: Service
    identify: Identify | None = None
    feedback: FeedbackStore | None = None  # without one none is kept
    audit: AuditLog | None = None
    hosts: Sequence[str] = ()  # names under which it may be called; none: any
    metrics: Metrics = field(default_factory=Metrics)
    gate: Gate = field(default_factory=Gate)
    rates: Rates = field(default_factory=Rates)
    engine: Engine = field(default_factory=Joined)
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="question")
    )

    @property
    def limits(self) -> Limits:
        """The limits that hold now."""
        return self.service.limits

    async def identified(self, request: Request) -> Caller:
        """Return who sends a request, and count it.

        Raises:
            Problem: 401, nobody whom `identify` knows; 429, too many requests.
        """
        identify = self.identify or self.service.identify
        if identify is None:
            return Caller(None, None)
        if inspect.iscoroutinefunction(identify):
            user = await identify(request)
        else:
            user = await run_in_threadpool(identify, request)  # may ask another server
        if user is None:
            raise Problem(401, "a key or token that holds is needed")
        caller = Caller(name_of(user), user)
        self.rates.admit(str(caller.name), self.limits)
        return caller


def caller_of(request: Request) -> Caller:
    """Return who sends a request, as `envelope` found out before any route."""
    caller: Caller = request.state.caller
    return caller


def name_of(user: Mapping[str, Any]) -> str:
    """Return a user's name for logs and limits; attributes without one have a hash."""
    said = next((user[key] for key in _NAMES if isinstance(user.get(key), str | int)), None)
    if said is not None:
        return str(said)[:200]
    text = json.dumps(dict(user), sort_keys=True, default=str)
    return "user-" + hashlib.sha256(text.encode()).hexdigest()[:12]
