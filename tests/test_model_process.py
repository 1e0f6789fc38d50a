"""Models in a process of their own: the same logits, and a process that may die."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from test_decoding_loop import STOPS, Numbers, make_prompts
from test_shared_cache import PREFIX, behind, build

from text2sql.bases.base import Base
from text2sql.decoding import cache, loop
from text2sql.decoding.generation import Decoding
from text2sql.decoding.model_process import ModelProcess
from text2sql.errors import ModelError


@pytest.fixture(scope="module")
def llama():
    return build("llama")


@pytest.fixture(scope="module")
def base(llama, tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    llama.save_pretrained(folder)
    return Base("tiny", None, path=folder)


@pytest.fixture(scope="module")
def process():
    process = ModelProcess(threads=1)
    yield process
    process.close()


def written(rows):
    """Return the logits of two prompts and of what is written behind them."""
    found = [rows.prefill(behind(PREFIX)[:2])]
    rows.admit([0, 1, 1])
    found.append(rows.step([7, 8, 9]))
    rows.arrange([2, 0])
    return [*found, rows.step([5, 6])]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        # another place of the weights in memory rounds otherwise
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_rows_give_the_logits_that_they_give_here(llama, base, process):
    model = process.load(base, dtype="float32")
    here = written(cache.open_rows(llama, cache.Prefixes()))
    apart = written(cache.open_rows(model, cache.Prefixes()))

    assert_same(apart, here)
    assert model.dtype == torch.float32
    assert model.config.max_position_embeddings == llama.config.max_position_embeddings


def test_texts_are_those_of_the_model_here(llama, base, process):
    model, decoding = process.load(base), Decoding(num_samples=3, max_new_tokens=24, batch_size=4)
    prompts = make_prompts(5)
    texts = [
        loop.decode(prompts, one, Numbers(), decoding, stop_ids=STOPS[:1]) for one in (llama, model)
    ]
    assert texts[0] == texts[1]


def test_models_do_not_disturb_each_other(llama, base, process):
    first, second = (cache.open_rows(process.load(base), cache.Prefixes()) for _ in range(2))
    asked = behind(PREFIX)
    one = first.prefill(asked[:1])
    other = second.prefill(asked[1:])
    first.admit([0])
    second.admit([0, 1])
    stepped = first.step([7]), second.step([8, 9])

    alone = cache.open_rows(llama, cache.Prefixes())
    assert_same([one], [alone.prefill(asked[:1])])
    alone.admit([0])
    assert_same([stepped[0]], [alone.step([7])])
    assert other.shape[0] == stepped[1].shape[0] == 2


def test_an_error_of_the_model_is_one_line_and_the_next_batch_is_written(base, process):
    model = process.load(base)
    rows = cache.open_rows(model, cache.Prefixes())
    with pytest.raises(ModelError, match=r"IndexError: .*") as raised:
        rows.prefill([(PREFIX, [10**6])])
    assert "\n" not in str(raised.value)
    assert len(cache.open_rows(model, cache.Prefixes()).prefill(behind(PREFIX))) == 3


def test_a_base_that_is_not_there_is_named(process, tmp_path):
    with pytest.raises(ModelError, match=r"cannot load base .*nowhere"):
        process.load(Base("nowhere", None, path=tmp_path / "nowhere"))


def test_only_the_last_batch_of_a_model_is_kept(base, process):
    model = process.load(base)
    first = cache.open_rows(model, cache.Prefixes())
    first.prefill(behind(PREFIX))
    cache.open_rows(model, cache.Prefixes()).prefill(behind(PREFIX))
    first.admit([0])
    with pytest.raises(ModelError, match="another batch"):
        first.step([7])


def test_a_process_that_was_killed_is_started_again(llama, base, process):
    model = process.load(base)
    rows = cache.open_rows(model, cache.Prefixes())
    rows.prefill(behind(PREFIX))
    killed = process.pid
    os.kill(killed, signal.SIGKILL)
    rows.admit([0])
    with pytest.raises(ModelError, match=r"died|another batch"):
        rows.step([7])

    again = written(cache.open_rows(model, cache.Prefixes()))
    here = written(cache.open_rows(llama, cache.Prefixes()))
    assert process.pid != killed
    assert_same(again, here)


def test_a_closed_process_says_so(base):
    process = ModelProcess()
    process.close()
    with pytest.raises(ModelError, match="is closed"):
        process.load(base)


def test_it_ends_with_its_parent(base):
    code = (
        "import os, sys; from pathlib import Path; from text2sql.bases.base import Base;"
        "from text2sql.decoding.model_process import ModelProcess; process = ModelProcess();"
        "model = process.load(Base('tiny', None, path=Path(sys.argv[1])));"
        "print(process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(base.path)], capture_output=True, text=True, check=False
    )
    place, until = Path(f"/proc/{int(ran.stdout)}"), time.monotonic() + 20
    while place.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not place.exists()
