"""Joined calls: threads that ask at once get the texts that each would get alone."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest
from test_decoding_loop import STOPS, Numbers, make_prompts
from test_shared_cache import build

from text2sql.decoding import batch as batches_of_rows
from text2sql.decoding import loop
from text2sql.decoding.cache import Prefixes
from text2sql.decoding.generation import Decoding, Stopped
from text2sql.decoding.writers import Asked
from text2sql.errors import ModelError
from text2sql.serving import batches
from text2sql.serving.batches import ASKER, Asker, Desk

LONG = Decoding(max_new_tokens=48, batch_size=4)


def read(ids):
    return " ".join(map(str, ids))


def asked(prompt, guide=None, hear=None):
    return Asked(prompt.shared_ids, prompt.own_ids, read, guide, hear)


@pytest.fixture(scope="module")
def llama():
    return build("llama")


@pytest.fixture
def desk(llama):
    prefixes = Prefixes()
    desk = Desk(lambda decoding: batches_of_rows.Batch(llama, decoding, STOPS[:1], prefixes))
    yield desk
    desk.close(ModelError("closed"))


def texts(found):
    return [[text.text for text in each] for each in found]


def alone(model, prompts, decoding=LONG):
    return texts(loop.decode(prompts, model, Numbers(), decoding, stop_ids=STOPS[:1]))


@dataclass(frozen=True)
class Free:
    """Lets every token through; what a test wants to happen at some place, happens there."""

    at: int = -1
    error: Exception | None = None
    reached: threading.Event | None = None
    go_on: threading.Event | None = None

    def start(self):
        return 0

    def advance(self, cursor, token):
        if cursor == self.at and self.error is not None:
            raise self.error
        if cursor == self.at and self.reached is not None:
            self.reached.set()
            self.go_on.wait(60)
        return cursor + 1

    def may_stop(self, cursor):
        return False

    def ending(self, cursor, left):
        return None


def test_threads_get_the_texts_that_each_would_get_alone(llama, desk):
    prompts = make_prompts(9, databases=3)
    with ThreadPoolExecutor(9) as threads:
        found = list(threads.map(lambda p: desk.answer([asked(p)], LONG)[0], prompts))

    assert texts(found) == alone(llama, prompts)


def test_prompts_of_several_threads_are_written_in_the_same_steps(llama, desk, monkeypatch):
    together, step = [], batches_of_rows.Batch._write
    monkeypatch.setattr(
        batches_of_rows.Batch,
        "_write",
        lambda self: together.append(len(self._writers)) or step(self),
    )
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda p: desk.answer([asked(p)], LONG), make_prompts(8, databases=3)))

    assert max(together) == 4


def test_calls_with_other_settings_wait_for_the_batch_and_are_answered(llama, desk):
    prompts, drawn = make_prompts(4), Decoding(max_new_tokens=8, temperature=1.0, num_samples=2)
    settings = [LONG, drawn, LONG, drawn]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda p, d: desk.answer([asked(p)], d)[0], prompts, settings))

    wanted = [alone(llama, [p], d)[0] for p, d in zip(prompts, settings, strict=True)]
    assert texts(found) == wanted


def begun(desk, threads, *prompts):
    """Start a call that waits in the middle of its first text until it is let go."""
    guide = Free(2, None, threading.Event(), threading.Event())
    future = threads.submit(desk.answer, [asked(prompts[0], guide), *map(asked, prompts[1:])], LONG)
    assert guide.reached.wait(60)
    return future, guide.go_on


def wait_until(condition):
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_an_error_of_one_call_is_its_own(llama, desk):
    first, second, third = make_prompts(3)
    broken = asked(second, Free(1, ValueError("no such token")))
    with ThreadPoolExecutor(3) as threads:
        held, go_on = begun(desk, threads, first)
        failing = threads.submit(desk.answer, [asked(third), broken], LONG)
        fine = threads.submit(desk.answer, [asked(third)], LONG)
        wait_until(lambda: sum(desk.load) == 4)
        go_on.set()

    with pytest.raises(ValueError, match="no such token"):
        failing.result()
    assert texts(held.result() + fine.result()) == alone(llama, [first, third])


def test_a_forward_pass_that_fails_is_tried_for_each_prompt_by_itself(llama, desk, monkeypatch):
    prompts, prefill = (
        make_prompts(4),
        batches_of_rows.open_rows(llama, Prefixes()).prefill.__func__,
    )
    bad = prompts[1].own_ids

    def fails(self, read):
        if any(own == bad for _, own in read):
            raise RuntimeError("out of memory")
        return prefill(self, read)

    monkeypatch.setattr("text2sql.decoding.cache.SharedRows.prefill", fails)
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(desk.answer, [asked(prompt)], LONG) for prompt in prompts]
    with pytest.raises(ModelError, match="failed on this prompt: RuntimeError"):
        calls.pop(1).result()

    monkeypatch.undo()
    found = [call.result()[0] for call in calls]
    assert texts(found) == alone(llama, [prompts[0], *prompts[2:]])


def test_a_caller_who_has_gone_is_dropped_and_the_others_go_on(llama, desk):
    first, second, third = make_prompts(3)
    left = threading.Event()

    def leaving():
        ASKER.set(Asker("ann", left.is_set))
        return desk.answer([asked(second), asked(third)], LONG)

    with ThreadPoolExecutor(2) as threads:
        held, go_on = begun(desk, threads, first)
        gone = threads.submit(leaving)
        wait_until(lambda: sum(desk.load) == 3)
        left.set()
        go_on.set()

    with pytest.raises(Stopped):
        gone.result()
    assert texts(held.result()) == alone(llama, [first]) and desk.load == (0, 0)


def test_a_listener_that_stops_ends_its_call_alone(llama, desk):
    first, second = make_prompts(2)
    heard = []

    def hear(sample, text):
        heard.append(text)
        if len(heard) == 3:
            raise Stopped

    with ThreadPoolExecutor(2) as threads:
        other = threads.submit(desk.answer, [asked(second)], LONG)
        with pytest.raises(Stopped):
            desk.answer([asked(first, hear=hear)], LONG)
    assert len(heard) == 3 and heard[2].startswith(heard[1])
    assert texts(other.result()) == alone(llama, [second])


def test_a_caller_of_many_prompts_delays_another_by_a_place(desk):
    prompts, order = make_prompts(12), []
    one = Decoding(max_new_tokens=4, batch_size=1)

    def ask(name, given):
        ASKER.set(Asker(name))

        def hear(sample, text):
            return name in order[-1:] or order.append(name)

        desk.answer([asked(prompt, hear=hear) for prompt in given], one)

    with ThreadPoolExecutor(3) as threads:
        guide = Free(1, None, threading.Event(), threading.Event())
        threads.submit(desk.answer, [asked(prompts[0], guide)], one)
        assert guide.reached.wait(60)
        threads.submit(ask, "ann", prompts[1:9])
        wait_until(lambda: desk.load[0] == 8)
        threads.submit(ask, "ben", prompts[9:11])
        wait_until(lambda: desk.load[0] == 10)
        guide.go_on.set()

    assert order == ["ann", "ben", "ann", "ben", "ann"]


def test_a_closed_desk_tells_who_waits_and_who_comes(llama, desk):
    with ThreadPoolExecutor(2) as threads:
        held, go_on = begun(desk, threads, *make_prompts(8))
        closing = threads.submit(desk.close, ModelError("the model is closed"))
        wait_until(lambda: desk._closed is not None)
        go_on.set()
        closing.result()

    for call in (held.result, partial(desk.answer, [asked(make_prompts(2)[0])], LONG)):
        with pytest.raises(ModelError, match="the model is closed"):
            call()


def test_a_thread_that_was_interrupted_leaves_nothing_behind(desk, monkeypatch):
    first, second = make_prompts(2)
    with ThreadPoolExecutor(2) as threads:
        held, go_on = begun(desk, threads, first)
        monkeypatch.setattr(threading.Event, "wait", lambda self, timeout=None: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            desk.answer([asked(second)], LONG)
        monkeypatch.undo()
        go_on.set()
        assert held.result()
    assert desk.load == (0, 0)


def test_a_model_is_joined_in_place_and_once(tiny_llama):
    from text2sql.models import open_model

    with open_model(str(tiny_llama)) as model:
        first = batches.join(model).backend
        assert isinstance(first, batches.JoinedBackend) and batches.join(model).backend is first
        assert model.call_size(Decoding()) == 128
