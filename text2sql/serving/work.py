"""The way of every question to a model, whatever protocol it came by.

    >>> answer = await answered(deployment, request, caller, Question("How many orders?"))
    >>> async for piece in pieces(deployment, request, caller, question): ...

A question takes a place (`limits.Gate`), is answered on a thread, and gives its place back when
that work has ended: after the deadline, or when the caller has left, a model may still be writing.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from starlette.requests import Request

from text2sql.answers import Answer
from text2sql.predictor import Predictor
from text2sql.serving.accounts import accounted
from text2sql.serving.deployment import Caller, Deployment
from text2sql.serving.engines import Question
from text2sql.serving.problems import Gone, Problem

Found = TypeVar("Found")
LOOK_SECONDS = 0.25  # between two looks whether the caller is still there


async def answered(
    deployment: Deployment, request: Request, caller: Caller, question: Question
) -> Answer:
    """Answer a question.

    Raises:
        Problem: 503, 429, 504: too many questions, or too slow.
        Gone: the caller has left.
        Text2SQLError: as `Predictor.predict`.
    """
    left = threading.Event()

    def ask() -> Answer:
        options: dict[str, Any] = {"user": caller.user, "gone": left.is_set}
        with _predictor(deployment, caller, question) as predictor:
            return deployment.engine.predict(predictor, question, **options)

    def work() -> Answer:
        return accounted(deployment, request.state.request_id, caller, question, ask)

    try:
        async with asyncio.timeout(deployment.limits.request_seconds):
            task = await _start(deployment, caller, work)
            while not task.done():
                await asyncio.wait([task], timeout=LOOK_SECONDS)
                if not task.done() and await request.is_disconnected():
                    raise Gone
            return task.result()
    except TimeoutError:
        raise _too_slow(deployment) from None
    finally:
        left.set()


async def pieces(
    deployment: Deployment, request: Request, caller: Caller, question: Question
) -> AsyncGenerator[str | Answer, None]:
    """Yield the text as it grows, then the answer; raises as `answered`."""
    left = threading.Event()
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[str | Answer | Gone | None] = asyncio.Queue()
    watch = asyncio.create_task(_until_gone(request, heard))

    def tell(said: str | Answer | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(heard.put_nowait, said)

    def ask() -> Answer:
        options: dict[str, Any] = {"user": caller.user, "gone": left.is_set}
        with _predictor(deployment, caller, question) as predictor:
            for said in deployment.engine.stream(predictor, question, **options):
                if isinstance(said, Answer):
                    return said
                tell(said)
        raise Gone

    def work() -> None:
        try:
            tell(accounted(deployment, request.state.request_id, caller, question, ask))
        finally:
            tell(None)

    ends = loop.time() + deployment.limits.request_seconds
    try:
        async with asyncio.timeout_at(ends):
            task = await _start(deployment, caller, work)
        while True:
            async with asyncio.timeout_at(ends):  # not around the yield: who reads may be slow
                said = await heard.get()
            if said is None:
                break
            if isinstance(said, Gone):
                raise said
            yield said
        await asyncio.wait([task])
        task.result()
    except TimeoutError:
        raise _too_slow(deployment) from None
    finally:
        watch.cancel()
        left.set()


async def _until_gone(request: Request, heard: "asyncio.Queue[Any]") -> None:
    """Say that the caller has left: whoever writes to a closed connection is not told."""
    while not await request.is_disconnected():
        await asyncio.sleep(LOOK_SECONDS)
    heard.put_nowait(Gone())


async def worked(deployment: Deployment, caller: Caller, work: Callable[[], Found]) -> Found:
    """Do what may take a while on a thread, within the limits.

    Raises:
        Problem: 503, 429, 504: too much at once, or too slow.
    """
    try:
        async with asyncio.timeout(deployment.limits.request_seconds):
            task = await _start(deployment, caller, work)
            await asyncio.wait([task])
            return task.result()
    except TimeoutError:
        raise _too_slow(deployment) from None


def _predictor(
    deployment: Deployment, caller: Caller, question: Question
) -> AbstractContextManager[Predictor]:
    named = (question.model, question.database)
    return deployment.service.asking(*named, user=caller.user)


def _too_slow(deployment: Deployment) -> Problem:
    seconds = deployment.limits.request_seconds
    return Problem(504, f"no answer within {seconds:g} s")


async def _start(
    deployment: Deployment, caller: Caller, work: Callable[[], Found]
) -> "asyncio.Future[Found]":
    """Take a place and begin; the place is given back when the work has ended."""
    await deployment.gate.enter(caller.name, deployment.limits)
    task = asyncio.get_running_loop().run_in_executor(deployment.threads, work)
    task.add_done_callback(lambda done: _finish(deployment, caller, done))
    return task


def _finish(deployment: Deployment, caller: Caller, done: "asyncio.Future[Any]") -> None:
    deployment.gate.leave(caller.name)
    if not done.cancelled():
        done.exception()  # whoever waited may have left: it has been looked at
