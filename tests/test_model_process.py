"""Models in a process of their own: the same texts, and a process that may die."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from text2sql.bases.base import Base
from text2sql.decoding.generation import Decoding, Stopped
from text2sql.errors import ModelError, SettingsError
from text2sql.execution.sampling import value_lister
from text2sql.models import open_model
from text2sql.samples.building import samples_folder
from text2sql.schema import read_schema
from text2sql.serving.batches import ASKER, Asker
from text2sql.serving.model_process import ModelProcess

QUESTIONS = ("How many customers are there?", "Which orders were paid?", "Names of all products")
SHORT = Decoding(max_new_tokens=64)
STORED = Decoding(constraint="values", num_samples=16, temperature=1.5)  # some ask for values
SHOP = samples_folder() / "database" / "shop" / "shop.sqlite"


@pytest.fixture(scope="module")
def schema():
    return read_schema(SHOP)


@pytest.fixture(scope="module")
def here():
    with open_model("mini") as model:
        yield model


@pytest.fixture(scope="module")
def process():
    with closing(ModelProcess(threads=1)) as process:
        yield process


@pytest.fixture(scope="module")
def apart(process):
    return open_model("mini", load=process.load, backend=process.backend)


def asked(model, schema, *questions, decoding=SHORT, **options):
    """Return the texts that a model writes."""
    today = date(2026, 3, 1)
    prompts = [model.prompt(question, schema, today=today).prompt for question in questions]
    return model.backend.generate(prompts, decoding, schema=schema, **options)


@pytest.mark.parametrize("decoding", [Decoding(), Decoding(num_samples=3, batch_size=4, seed=5)])
def test_texts_are_those_of_the_model_here(decoding, here, apart, schema):
    found = asked(apart, schema, *QUESTIONS, decoding=decoding)
    assert found == asked(here, schema, *QUESTIONS, decoding=decoding)
    assert apart.context == here.context and apart.described == here.described


def test_nothing_is_asked_of_the_process_where_there_is_no_prompt(apart, schema):
    assert asked(apart, schema) == []


def test_many_threads_are_answered_at_once(here, apart, schema):
    wanted = dict(zip(QUESTIONS, asked(here, schema, *QUESTIONS), strict=True))
    with ThreadPoolExecutor(9) as threads:
        found = list(threads.map(lambda q: (q, asked(apart, schema, q)[0]), QUESTIONS * 6))
    assert len(found) == 18 and all(texts == wanted[question] for question, texts in found)


def test_texts_are_heard_as_they_grow(apart, schema):
    heard = []
    [[text]] = asked(apart, schema, QUESTIONS[0], listen=lambda *said: heard.append(said))
    assert heard and {(place, sample) for place, sample, _ in heard} == {(0, 0)}
    assert heard[-1][2] == text.text


def test_stored_values_are_asked_for_where_the_database_is(here, apart, schema):
    listed, lister = [], value_lister(SHOP)

    def values(table, column):
        listed.append((table, column))
        return lister(table, column)

    found = asked(apart, schema, QUESTIONS[1], decoding=STORED, values=values)
    known = list(listed)
    assert found == asked(here, schema, QUESTIONS[1], decoding=STORED, values=values)
    assert known and known == listed[len(known) :]


def test_values_that_cannot_be_listed_are_the_questions_own_error(apart, schema):
    def values(table, column):
        raise OSError("no such disk")

    with pytest.raises(ModelError, match="no such disk"):
        asked(apart, schema, QUESTIONS[1], decoding=STORED, values=values)
    assert asked(apart, schema, QUESTIONS[0])


def test_a_listener_who_stops_leaves_the_others_alone(here, apart, schema):
    def listen(place, sample, text):
        raise Stopped

    with pytest.raises(Stopped):
        asked(apart, schema, QUESTIONS[1], listen=listen)
    assert asked(apart, schema, QUESTIONS[0]) == asked(here, schema, QUESTIONS[0])


def test_who_has_gone_gets_no_answer(apart, schema):
    def ask():
        ASKER.set(Asker("ann", lambda: True))
        return asked(apart, schema, *QUESTIONS * 20)

    with ThreadPoolExecutor(1) as threads, pytest.raises(Stopped):
        threads.submit(ask).result()


def test_errors_are_what_they_are_here(apart, schema):
    with pytest.raises(SettingsError) as raised:
        asked(apart, schema, QUESTIONS[0], decoding=Decoding(max_new_tokens=1))
    assert "\n" not in str(raised.value)
    assert asked(apart, schema, QUESTIONS[0])


def test_a_model_that_is_closed_is_not_asked(process, schema):
    other = open_model("mini", load=process.load, backend=process.backend)
    other.close()
    with pytest.raises(ModelError, match="mini is closed"):
        asked(other, schema, QUESTIONS[0])


def test_a_base_that_is_not_there_is_named(process, tmp_path):
    with pytest.raises(ModelError, match=r"cannot load base .*nowhere"):
        process.load(Base("nowhere", None, path=tmp_path / "nowhere"))


def test_a_schema_that_has_changed_is_another_schema(here, apart, schema):
    smaller = replace(schema, tables=schema.tables[:1])
    found = [asked(apart, one, QUESTIONS[1]) for one in (schema, smaller, schema)]
    assert found == [asked(here, one, QUESTIONS[1]) for one in (schema, smaller, schema)]


def test_a_process_that_was_killed_is_started_again(process, here, apart, schema):
    killed = process.pid
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(asked, apart, schema, *QUESTIONS * 20)
        time.sleep(0.05)
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(ModelError, match="died"):
            asking.result()

    assert asked(apart, schema, QUESTIONS[0]) == asked(here, schema, QUESTIONS[0])
    assert process.pid != killed


def test_a_closed_process_says_so():
    process = ModelProcess()
    process.close()
    with pytest.raises(ModelError, match="is closed"):
        process.load(Base("tiny", None))


def test_it_ends_with_its_parent():
    code = (
        "import os; from text2sql.models import open_model;"
        "from text2sql.serving.model_process import ModelProcess; process = ModelProcess();"
        "open_model('mini', load=process.load, backend=process.backend);"
        "print(process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    place, until = Path(f"/proc/{int(ran.stdout)}"), time.monotonic() + 20
    while place.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not place.exists()
