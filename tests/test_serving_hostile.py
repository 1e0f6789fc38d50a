"""Bad input and hostile callers: the right status, one line, no leak, and a server alive."""

import json
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from scripted import scripted_model
from serving import asked, events, served

from text2sql import Predictor
from text2sql.project import find_database
from text2sql.serving import create_app
from text2sql.serving.audit import AuditLog
from text2sql.serving.limits import Limits

COUNT = "SELECT count(*) FROM customers"
POLICY = {"roles": {"buyer": {"tables": {"customers": {"rows": "tier = {{ user.tier }}"}}}}}
USERS = {
    "ann": {"name": "ann", "role": "buyer", "tier": "gold"},
    "eve": {"name": "eve", "role": "nobody"},
    "bob": {"name": "bob", "role": "buyer"},
}


def identify(request):
    return USERS.get(request.headers.get("x-api-key", ""))


def predictor(samples, answer, **options):
    database = find_database(str(samples / "database" / "shop" / "shop.sqlite"))
    return Predictor(scripted_model(answer), database, **options)


def problem(response):
    """Return status and type of an error, which is one line in our form."""
    said = response.json()["error"]
    assert set(said) == {"type", "message", "request_id"} and "\n" not in said["message"]
    assert said["request_id"] == response.headers["x-request-id"]
    for leak in ("/work", "/tmp", "/home", "Traceback", ".py", "sqlite"):
        assert leak not in said["message"]
    return response.status_code, said["type"]


@pytest.fixture(scope="module")
def client(samples):
    with (
        predictor(samples, lambda prompt: [COUNT], policy=POLICY) as opened,
        served(create_app(opened, identify=identify)) as client,
    ):
        yield client


def post(client, body, key="ann", **headers):
    sent = body if isinstance(body, bytes | str) else json.dumps(body)
    named = {"X-API-Key": key, "Content-Type": "application/json"} | headers
    return client.post("/v1/ask", content=sent, headers=named)


def test_nobody_gets_anything_but_the_state(client):
    for method, path in (("POST", "/v1/ask"), ("GET", "/v1/schema"), ("GET", "/v1/nope")):
        assert problem(client.request(method, path)) == (401, "unauthenticated")
    assert problem(post(client, {"question": "x"}, key="wrong")) == (401, "unauthenticated")
    for path in ("/health", "/ready", "/metrics", "/openapi.json"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"question": "x" * 1_000_000}, 413),
        ({"question": "x" * 5_000}, 413),
        ({"question": ""}, 400),
        ({}, 422),
        ([], 422),
        ("{", 422),
        ("[" * 100_000, 400),
        (b"\xff\xfe", 422),
        ('{"question": "\\ud83d"}', 422),
        ('{"question": "a\\u0000b"}', 422),
        ({"question": 3}, 422),
        ({"question": "x", "tabels": ["orders"]}, 422),
        ({"question": "x", "tables": []}, 422),
        ({"question": "x", "database": "../../etc/passwd"}, 404),
        ({"question": "x", "model": "other"}, 404),
        ({"question": "x", "tables": ["orders"]}, 404),
        ({"question": "x", "history": [{"question": "y", "sql": "z"}] * 21}, 413),
    ],
)
def test_what_cannot_be_asked_has_its_status_and_one_line(client, body, status):
    response = post(client, body)

    assert problem(response)[0] == status
    assert "xxxx" not in response.text and "passwd" not in response.text.replace("etc/passwd'", "")


def test_other_paths_methods_and_types_have_the_same_form(client):
    headers = {"X-API-Key": "ann"}

    assert problem(client.get("/v1/nope", headers=headers)) == (404, "not_found")
    assert problem(client.get("/v1/ask", headers=headers)) == (405, "invalid_request")
    text = post(client, '{"question": "x"}', **{"Content-Type": "text/plain"})
    assert problem(text)[0] in (415, 422)


def test_a_user_whom_the_policy_does_not_let_in_learns_nothing(client):
    for key in ("eve", "bob"):
        response = post(client, {"question": "x"}, key=key)
        assert problem(response) == (403, "forbidden")
        assert "tier" not in response.text and "buyer" not in response.text
    response = post(client, {"question": "x", "database": "shp"}, key="eve")
    assert "known: none" in response.text


def test_a_request_id_is_taken_over_only_where_it_is_plain(client):
    for given, kept in (("abc-1", True), ("a b", False), ("x" * 65, False), ("<script>", False)):
        response = client.get("/health", headers={"X-Request-ID": given})
        assert (response.headers["x-request-id"] == given) is kept


def test_a_wrong_attempt_is_counted_without_what_was_sent(client):
    post(client, {"question": "secret question", "database": "secret-database"})
    client.get("/secret-path", headers={"X-API-Key": "ann"})
    page = client.get("/metrics").text

    assert 't2s_questions_total{database="",model="mini"' not in page
    assert "secret" not in page and 'route="other"' in page and "t2s_requests_total{" in page


def test_over_quota_is_429_with_the_time_to_wait(samples):
    limits = Limits(requests_per_minute=3)
    with (
        predictor(samples, lambda prompt: [COUNT], policy=POLICY) as opened,
        served(create_app(opened, identify=identify, limits=limits)) as client,
    ):
        given = [post(client, {"question": "x"}) for _ in range(4)]
        other = post(client, {"question": "x"}, key="eve")

    assert [response.status_code for response in given] == [200, 200, 200, 429]
    assert problem(given[3]) == (429, "rate_limited") and int(given[3].headers["retry-after"]) >= 1
    assert other.status_code == 403


def test_two_hundred_connections_at_once_get_an_answer_or_a_reason(samples):
    limits = Limits(concurrent=4, queue=20)
    with (
        predictor(samples, lambda prompt: [COUNT]) as opened,
        served(create_app(opened, limits=limits)) as client,
        ThreadPoolExecutor(200) as threads,
    ):
        client._transport._pool._max_connections = 200
        given = list(threads.map(lambda n: asked(client, f"number {n}?"), range(200)))
        after = asked(client, "and now?")

    statuses = {response.status_code for response in given}
    assert statuses <= {200, 503} and 200 in statuses and after.status_code == 200
    assert all(problem(r) == (503, "overloaded") for r in given if r.status_code == 503)


def test_a_question_that_takes_too_long_is_504_and_its_place_comes_back(samples):
    release = threading.Event()

    def slow(prompt):
        release.wait(20)
        return [COUNT]

    limits = Limits(request_seconds=0.3, concurrent=1, queue=0)
    with (
        predictor(samples, slow) as opened,
        served(create_app(opened, limits=limits)) as client,
    ):
        late, busy = asked(client, "x"), asked(client, "y")
        release.set()
        again = _until_answered(client)

    assert problem(late) == (504, "timeout") and problem(busy) == (503, "overloaded")
    assert again.json()["rows"] == [[400]]


def _until_answered(client):
    for _ in range(100):
        response = asked(client, "z")
        if response.status_code == 200:
            return response
        time.sleep(0.05)
    raise AssertionError(response.text)


def test_a_caller_who_leaves_in_mid_stream_gives_the_place_back(samples):
    text = "SELECT " + ", ".join(["name"] * 400) + " FROM customers"
    limits = Limits(concurrent=3, queue=0)
    with (
        predictor(samples, lambda prompt: [text]) as opened,
        served(create_app(opened, limits=limits)) as client,
    ):
        for _ in range(3):
            body = json.dumps({"question": "names?", "stream": True}).encode()
            with socket.create_connection((client.base_url.host, client.base_url.port)) as line:
                head = f"POST /v1/ask HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
                line.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
                assert b"200 OK" in line.recv(100)
        after = _until_answered(client)
        for _ in range(200):  # who has left is noticed a little later
            inside = [m for m in client.get("/metrics").text.splitlines() if "inside " in m]
            if inside[-1] == "t2s_questions_inside 0.0":
                break
            time.sleep(0.05)

    assert after.status_code == 200 and inside[-1] == "t2s_questions_inside 0.0"


def test_a_worker_that_is_killed_in_mid_request_is_one_line_and_the_next_is_fine(samples):
    endless = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    )
    texts = iter([endless, COUNT])
    with (
        predictor(samples, lambda prompt: [next(texts)], timeout=20) as opened,
        served(create_app(opened)) as client,
    ):
        opened.view().execute("SELECT 1", timeout=5)  # the worker is there
        timer = threading.Timer(1.0, lambda: os.kill(opened._executor._crew[0].pid, signal.SIGKILL))
        timer.start()
        killed, after = asked(client, "for ever?").json(), asked(client, "how many?").json()

    assert "worker process died" in killed["error"] and "\n" not in killed["error"]
    assert killed["rows"] == [] and after["rows"] == [[400]]


def test_an_error_before_the_first_piece_has_its_status_in_a_stream_too(client):
    response = post(client, {"question": "x", "tables": ["orders"], "stream": True})

    assert problem(response) == (404, "not_found")
    last = events(post(client, {"question": "x", "stream": True}).text)[-1]
    assert last[0] == "answer" and json.loads(last[1])["kept_back"]


def test_who_asked_what_is_in_the_audit_log_without_rows_or_nothing_is_answered(samples, tmp_path):
    path = tmp_path / "audit.jsonl"
    audit = AuditLog(path)
    with (
        predictor(samples, lambda prompt: [COUNT], policy=POLICY) as opened,
        served(create_app(opened, identify=identify, audit=audit)) as client,
    ):
        first = post(client, {"question": "how many?"})
        post(client, {"question": "how many?"}, key="eve")
        path.rename(tmp_path / "old.jsonl")
        post(client, {"question": "again?", "stream": True})
        path.unlink()
        path.mkdir()
        refused = post(client, {"question": "unseen?"})
    lines = [json.loads(line) for line in (tmp_path / "old.jsonl").read_text().splitlines()]

    assert lines[0]["user"] == "ann" and lines[0]["sql"] == COUNT and lines[0]["rows"] == 1
    assert lines[0]["request_id"] == first.json()["request_id"] and "tier" in lines[0]["rewritten"]
    assert (lines[1]["user"], lines[1]["error_kind"]) == ("eve", "forbidden")
    assert (tmp_path / "old.jsonl").stat().st_mode & 0o077 == 0
    assert problem(refused) == (503, "unavailable") and COUNT not in refused.text


def test_a_defect_is_told_without_what_it_is(samples, caplog):
    def broken(prompt):
        raise RuntimeError("secret of /home/ann")

    with predictor(samples, broken) as opened, served(create_app(opened)) as client:
        response = asked(client, "what was asked?")

    assert problem(response) == (500, "internal") and "secret" not in response.text
    assert not any("what was asked" in record.getMessage() for record in caplog.records)
