"""Backends: an OpenAI-compatible server in another process, and what it may do wrong."""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from servers import free_port

from text2sql import Predictor
from text2sql.data.catalog import find_dataset
from text2sql.decoding.generation import Decoding
from text2sql.errors import ModelError
from text2sql.evaluation import evaluate
from text2sql.models import open_model


@pytest.fixture(scope="module")
def served(tiny_llama, tmp_path_factory):
    """Serve a tiny chat model with `transformers serve`; yield its address."""
    import shutil

    import httpx
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("served") / "chat"
    shutil.copytree(tiny_llama, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    tokenizer.save_pretrained(folder)
    port = free_port()
    command = [
        str(Path(sys.executable).parent / "transformers"),
        "serve",
        str(folder),
        "--host",
        "127.0.0.1",
    ]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "--port", str(port), "--device", "cpu"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            if httpx.get(f"{address}/health", timeout=2).status_code == 200:
                break
        except httpx.HTTPError:
            assert process.poll() is None, "transformers serve ended"
        time.sleep(0.5)
    yield f"{address}/v1#{folder}"
    process.terminate()
    process.wait(20)


def test_a_real_server_answers_questions(served, shop):
    decoding = Decoding(num_samples=2, max_new_tokens=8)
    with Predictor.from_pretrained(
        served, database=shop, decoding=decoding, today=date(2026, 1, 1)
    ) as predictor:
        answer = predictor.predict("How many orders?")

    assert len(answer.candidates) == 2
    assert answer.candidates[0].text and answer.error  # a random model writes text, not SQL


@contextmanager
def answering(status: int, body: bytes):
    """Serve one fixed answer on loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1#m"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b'{"error": "no key"}', "refused the request .401.: .*no key"),
        (200, b"<html>", "did not answer with JSON"),
        (200, b'{"choices": []}', "did not answer with a chat completion"),
        (
            200,
            b'{"choices": [{"message": {"content": 5}}]}',
            "did not answer with a chat completion",
        ),
        (200, b"[" * 100_000, "did not answer with JSON"),
    ],
)
def test_a_server_that_fails_is_one_clear_line(status, body, words, shop):
    with (
        answering(status, body) as address,
        Predictor.from_pretrained(address, database=shop) as predictor,
        pytest.raises(ModelError, match=words) as caught,
    ):
        predictor.predict("How many orders?")
    assert "\n" not in str(caught.value)


def test_a_server_that_is_away_is_named(shop):
    address = f"http://127.0.0.1:{free_port()}/v1"
    with (
        Predictor.from_pretrained(f"{address}#m", database=shop) as predictor,
        pytest.raises(ModelError, match=f"cannot reach {address}"),
    ):
        predictor.predict("How many orders?")


def test_a_password_in_a_servers_address_is_neither_printed_nor_stored(shop):
    from text2sql.models import open_model

    address = f"http://ann:s3cr3t@127.0.0.1:{free_port()}/v1?api_key=s3cr3t#m"
    with open_model(address) as model:
        assert "s3cr3t" not in str(model.described) + model.base.name
    with (
        Predictor.from_pretrained(address, database=shop) as predictor,
        pytest.raises(ModelError) as caught,
    ):
        predictor.predict("How many orders?")
    assert "s3cr3t" not in str(caught.value)


def test_generation_settings_that_came_with_the_weights_change_nothing(tiny_llama, tmp_path, shop):
    import shutil

    odd = shutil.copytree(tiny_llama, tmp_path / "odd")
    settings = {"repetition_penalty": 9.0, "do_sample": True, "top_k": 3, "max_new_tokens": 2}
    (odd / "generation_config.json").write_text(json.dumps(settings))
    texts = []
    for base in (tiny_llama, odd):
        decoding = Decoding(max_new_tokens=12)
        with Predictor.from_pretrained(base, database=shop, decoding=decoding) as predictor:
            texts.append(predictor.predict("How many orders?", run=False).candidates[0].text)

    assert texts[0] == texts[1] != ""


def test_a_fence_and_prose_around_the_sql_are_read_away(shop):
    text = (
        rb'{"choices": [{"message": {"content":'
        rb' "Sure!\n```sql\nSELECT count(*) FROM orders;\n```"}}]}'
    )
    with (
        answering(200, text) as address,
        Predictor.from_pretrained(address, database=shop) as predictor,
    ):
        answer = predictor.predict("How many orders?")

    assert answer.sql == "SELECT count(*) FROM orders" and answer.rows[0][0] > 1000


@contextmanager
def recording(answer):
    """Serve what a function makes of each request, (status, text); yield address and requests."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, text = answer(asked[-1])
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1#m", asked
    server.shutdown()
    server.server_close()


COUNTED = json.dumps({"choices": [{"message": {"content": "SELECT count(*) FROM orders"}}]})


def test_a_server_gets_the_schema_as_a_grammar(shop):
    with (
        recording(lambda request: (200, COUNTED)) as (address, asked),
        Predictor.from_pretrained(address, database=shop) as predictor,
    ):
        assert predictor.predict("How many orders?").error is None

    grammar = asked[0]["structured_outputs"]["grammar"]
    assert grammar == asked[0]["guided_grammar"] and "unit_price" in grammar


def test_a_server_gets_no_grammar_without_a_constraint(shop):
    with (
        recording(lambda request: (200, COUNTED)) as (address, asked),
        Predictor.from_pretrained(
            address, database=shop, decoding=Decoding(constraint="none")
        ) as predictor,
    ):
        predictor.predict("How many orders?")

    assert "guided_grammar" not in asked[0] and "structured_outputs" not in asked[0]


@pytest.mark.parametrize(
    ("status", "complaint"),
    [
        (400, "Unrecognized request argument supplied: structured_outputs"),
        (422, "Unexpected keys in the request: {'guided_grammar'}"),
    ],
)
def test_a_server_that_takes_no_grammar_is_asked_without_one_and_told_of_once(
    status, complaint, shop, capsys
):
    def answer(request):
        return (status, complaint) if "guided_grammar" in request else (200, COUNTED)

    with (
        recording(answer) as (address, asked),
        Predictor.from_pretrained(address, database=shop) as predictor,
    ):
        answers = [predictor.predict("How many orders?") for _ in range(2)]
        assert complaint in predictor.model.backend.grammar_refused

    assert all(answer.error is None for answer in answers)
    assert ["guided_grammar" in request for request in asked] == [True, False, False]
    assert capsys.readouterr().err.count("takes no grammar") == 1


def test_the_manifest_says_that_a_server_took_no_grammar(tmp_path):
    def answer(request):
        return (400, "no guided_grammar") if "guided_grammar" in request else (200, COUNTED)

    dataset = find_dataset("samples", split="dev", limit=2)
    with recording(answer) as (address, asked):
        for resumes in (False, True):  # the second run asks nothing, and says the same
            with open_model(address) as model:
                again = evaluate(dataset, model, tmp_path / "run", resume=resumes)
    reasons = again.scorecard["manifest"]["decoding"]["unconstrained"]
    assert len(asked) == 3 and reasons == ["the server takes no grammar: no guided_grammar"]


def test_a_refusal_that_is_not_about_the_grammar_stays_an_error(shop):
    with (
        recording(lambda request: (400, "context length exceeded")) as (address, asked),
        Predictor.from_pretrained(address, database=shop) as predictor,
        pytest.raises(ModelError, match="context length exceeded"),
    ):
        predictor.predict("How many orders?")
    assert len(asked) == 1
