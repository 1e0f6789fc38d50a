"""Limits: requests of one user, questions at once, and what happens beyond."""

import asyncio
import contextlib

import pytest

from text2sql.serving import limits
from text2sql.serving.limits import Gate, Limits, Rates
from text2sql.serving.problems import Problem


def test_a_user_has_so_many_requests_a_minute_and_gets_them_back(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    rates, bound = Rates(), Limits(requests_per_minute=60)
    for _ in range(60):
        rates.admit("ann", bound)
    with pytest.raises(Problem) as refused:
        rates.admit("ann", bound)
    rates.admit("ben", bound)
    now[0] += 1.0
    rates.admit("ann", bound)

    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "2")
    with pytest.raises(Problem):
        rates.admit("ann", bound)


def test_no_rate_is_no_limit_and_forgotten_users_do_not_fill_the_memory():
    rates = Rates()
    for number in range(limits.KEPT_USERS + 50):
        rates.admit(str(number), Limits())
        rates.admit("ann", Limits(requests_per_minute=None))

    assert len(rates._left) == limits.KEPT_USERS


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario, 10))


def test_who_waits_gets_in_by_turn_and_too_many_are_sent_away():
    async def scenario():
        gate, bound, entered = Gate(), Limits(concurrent=1, queue=2), []

        async def enter(name):
            await gate.enter(name, bound)
            entered.append(name)

        await enter("a")
        waiting = [asyncio.create_task(enter(name)) for name in "bc"]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as full:
            await enter("d")
        for name in "abc":
            gate.leave(name)
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        return entered, full.value, gate

    entered, full, gate = run(scenario())

    assert entered == ["a", "b", "c"] and full.status == 503 and "Retry-After" in full.headers
    assert (gate.inside, gate.waiting, dict(gate._of)) == (0, 0, {})


def test_one_user_cannot_take_every_place():
    async def scenario():
        gate, bound = Gate(), Limits(concurrent=4, concurrent_per_user=2)
        await gate.enter("ann", bound)
        await gate.enter("ann", bound)
        with pytest.raises(Problem) as refused:
            await gate.enter("ann", bound)
        await gate.enter("ben", bound)
        return refused.value.status

    assert run(scenario()) == 429


def test_a_waiter_that_gives_up_leaves_its_place_to_the_next():
    async def scenario():
        gate, bound = Gate(), Limits(concurrent=1, queue=5)
        await gate.enter("a", bound)
        tasks = [asyncio.create_task(gate.enter(name, bound)) for name in "bc"]
        await asyncio.sleep(0)
        gate.leave("a")  # b has its place, and is cancelled before it can use it
        tasks[0].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await tasks[0]
        await tasks[1]
        gate.leave("c")
        return gate.inside, gate.waiting, dict(gate._of)

    assert run(scenario()) == (0, 0, {})
