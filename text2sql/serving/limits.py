"""How much one user and all users together may ask, and what happens beyond that.

    >>> limits = Limits(requests_per_minute=60)
    >>> rates = Rates()
    >>> rates.admit("ann", limits)                 # raises Problem 429 when it was too much
    >>> await gate.enter("ann", limits)            # raises Problem 503 when the queue is full
    >>> gate.leave("ann")

Covered: a burst of as many requests as a minute has; users in any number (the least recent are
forgotten, who by then have their full allowance again); waiting callers that give up.
Not covered: several processes, each of which counts for itself.
"""

import asyncio
import time
from collections import Counter, OrderedDict, deque

from pydantic import BaseModel, ConfigDict, Field

from text2sql.serving.problems import Problem

KEPT_USERS = 10_000


class Limits(BaseModel):
    """What is too much. Sizes in bytes or characters, times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_body: int = Field(default=256 << 10, ge=1 << 10)  # bytes of a request
    max_question: int = Field(default=4_000, ge=1)  # characters
    max_history: int = Field(default=20, ge=0)  # earlier turns
    max_rows: int = Field(default=1_000, ge=1)  # of an answer
    requests_per_minute: int | None = Field(default=120, ge=1)  # of one user; null: any number
    concurrent: int = Field(default=16, ge=1)  # questions that are worked on
    concurrent_per_user: int = Field(default=8, ge=1)  # of those and of the waiting
    queue: int = Field(default=64, ge=0)  # questions that wait for that
    request_seconds: float = Field(default=60.0, gt=0)  # from the queue to the answer
    body_seconds: float = Field(default=20.0, gt=0)  # until a request has been received
    query_seconds: float = Field(default=5.0, gt=0)  # that a query may run
    workers: int = Field(default=4, ge=1)  # processes that run queries, for each database


class Rates:
    """Requests of each user: a bucket that a minute fills (a token bucket)."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # requests, moment

    def admit(self, user: str, limits: Limits) -> None:
        """Count a request.

        Raises:
            Problem: 429, with the seconds until the next one is free.
        """
        size = limits.requests_per_minute
        if size is None:
            return
        now = time.monotonic()
        left, then = self._left.get(user, (float(size), now))
        left = min(float(size), left + (now - then) * size / 60)
        self._left[user] = (max(0.0, left - 1) if left >= 1 else left, now)
        self._left.move_to_end(user)
        while len(self._left) > KEPT_USERS:
            self._left.popitem(last=False)
        if left < 1:
            wait = (1 - left) * 60 / size
            message = f"more than {size} requests a minute: try again in {wait:.0f} s"
            raise Problem(429, message, retry_after=wait + 1)


class Gate:
    """Lets so many questions in at once and so many wait, first come first served.

    A place is held until its work has ended, which may be after its caller has left.
    """

    def __init__(self) -> None:
        self.inside = 0
        self._size = 1
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._of: Counter[str] = Counter()  # places and waiters of each user

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def enter(self, user: str | None, limits: Limits) -> None:
        """Take a place, at once or when one is free.

        Args:
            user: who asks; None is nobody in particular, who is not counted for himself.
            limits: that hold now.

        Raises:
            Problem: 503, the queue is full; 429, this user has too many questions in it.
        """
        self._size = limits.concurrent
        if user is not None and self._of[user] >= limits.concurrent_per_user:
            message = f"more than {limits.concurrent_per_user} questions at once"
            raise Problem(429, f"{message}: wait for an answer", retry_after=1)
        if self.inside >= self._size and self.waiting >= limits.queue:
            raise Problem(503, "too many questions at once: try again soon", retry_after=2)
        self._count(user, 1)
        try:
            await self._place()
        except BaseException:
            self._count(user, -1)
            raise

    async def _place(self) -> None:
        if self.inside < self._size and not self._waiting:
            self.inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was called and has left at once
                self._free()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def leave(self, user: str | None) -> None:
        """Give a place back; on the loop's thread."""
        self._count(user, -1)
        self._free()

    def _free(self) -> None:
        self.inside -= 1
        while self._waiting and self.inside < self._size:
            turn = self._waiting.popleft()
            if not turn.done():
                self.inside += 1
                turn.set_result(None)

    def _count(self, user: str | None, change: int) -> None:
        if user is not None:
            self._of[user] += change
            if self._of[user] <= 0:
                del self._of[user]
