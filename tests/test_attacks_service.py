"""A service, abused: bytes that are no requests, bodies without end, a process that is killed.

Covered: the right status, one line without paths, a server that goes on.
Not covered: floods that a system's own limits have to stop (open files, packets).
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attacked
import pytest
from attacked import CLERK, POLICY, leaked
from scripted import scripted_model

pytest.importorskip("fastapi", reason="fastapi is not installed")

import httpx
from serving import served

from text2sql.predictor import Predictor
from text2sql.serving.app import create_app
from text2sql.serving.audit import AuditLog
from text2sql.serving.feedback import Feedback, FeedbackStore, read_feedback
from text2sql.serving.limits import Limits

KEYS = {"ann-key": CLERK, "bob-key": CLERK | {"id": "bob", "tenant": "south"}}
LIMITS = Limits(requests_per_minute=None, body_seconds=1.0)
KEY = {"X-API-Key": "ann-key"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("abused") / "audit.jsonl"


@pytest.fixture(scope="module")
def client(audit: Path) -> Iterator[httpx.Client]:
    model = scripted_model(lambda prompt: ["SELECT owner FROM accounts"])
    with ExitStack() as stack:
        database = stack.enter_context(attacked.world("a", "sqlite", audit.parent))
        predictor = stack.enter_context(Predictor(model, database, policy=POLICY))
        identify = lambda request: KEYS.get(request.headers.get("X-API-Key"))  # noqa: E731
        app = create_app(predictor, identify=identify, limits=LIMITS, audit=AuditLog(audit))
        yield stack.enter_context(served(app))


@pytest.fixture(autouse=True)
def alive(client: httpx.Client) -> Iterator[None]:
    """Ask something plain after each attack."""
    yield
    response = client.post("/v1/ask", json={"question": "Who?"}, headers=KEY)
    assert response.json()["rows"] == [["Ann Alder"], ["Ben Birch"], ["Cyd Cedar"]]


def reason(response: httpx.Response) -> str:
    """Return the one line that says why, which gives nothing away."""
    error = response.json()["error"]
    message = error["message"]
    assert "\n" not in message and len(message) <= 1_000 and not leaked(response.text)
    assert not any(word in response.text for word in ("/work", "/tmp", "Traceback", "site-pack"))
    assert error["type"] and response.headers["x-request-id"] == error["request_id"]
    return str(message)


BODIES = {
    "nothing": b"",
    "half an object": b'{"question": "x"',
    "a list": b'["question"]',
    "a text": b'"question"',
    "null": b"null",
    "bytes that are no text": b'{"question": "\xff\xfe"}',
    "lists a hundred thousand deep": b"[" * 100_000,
    "objects ten thousand deep": b'{"a":' * 10_000,
    "a question as an object": b'{"question": {"$gt": ""}}',
    "a question as a list": b'{"question": ["x"]}',
    "a question of numbers": b'{"question": 7}',
    "no question": b"{}",
    "an empty question": b'{"question": ""}',
    "white space": b'{"question": " \\n\\t "}',
    "an integer of five thousand digits": b'{"question": "x", "run": ' + b"9" * 5_000 + b"}",
    "not a number": b'{"question": "x", "run": NaN}',
    "a key that nobody knows": b'{"question": "x", "user": {"role": "auditor"}}',
    "attributes of a user": b'{"question": "x", "role": "auditor"}',
    "half a character": b'{"question": "\\ud83d"}',
    "a zero in the database": b'{"question": "x", "database": "a\\u0000b"}',
    "a database that is a path": b'{"question": "x", "database": "../../etc/passwd"}',
    "a database that is a URL": b'{"question": "x", "database": "sqlite:////etc/passwd"}',
    "a database of a huge name": b'{"question": "x", "database": "' + b"d" * 100_000 + b'"}',
    "a model of a huge name": b'{"question": "x", "model": "' + b"m" * 100_000 + b'"}',
    "a table of a huge name": b'{"question": "x", "tables": ["' + b"t" * 100_000 + b'"]}',
    "a thousand tables": json.dumps({"question": "x", "tables": ["a"] * 1_000}).encode(),
    "a question of a megabyte": json.dumps({"question": "x" * 1_000_000}).encode(),
    "a question of ten thousand letters": json.dumps({"question": "x" * 10_000}).encode(),
    "turns that are none": b'{"question": "x", "history": [["a", "b"], 7]}',
    "a hundred turns": json.dumps(
        {"question": "x", "history": [{"question": "a", "sql": "b"}] * 100}
    ).encode(),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("path", ["/v1/ask", "/v1/sql/validate", "/v1/chat/completions"])
def test_a_body_that_is_none_is_refused_in_one_line(client, path: str, name: str) -> None:
    response = client.post(path, content=BODIES[name], headers=KEY | JSON)
    assert response.status_code in (400, 404, 413, 422), response.text
    reason(response)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": ""},
    ],
)
def test_a_body_of_another_type_is_refused_in_one_line(client, headers: dict[str, str]) -> None:
    response = client.post("/v1/ask", content=b"question=x\x00\xff", headers=KEY | headers)
    assert response.status_code in (400, 415, 422)
    reason(response)


@pytest.mark.parametrize("key", [None, "", "ANN-KEY", "x" * 10_000, "ann-key,bob-key"])
@pytest.mark.parametrize("path", ["/v1/ask", "/v1/sql/validate", "/v1/feedback"])
def test_whoever_is_not_known_gets_nothing(client, path: str, key: str | None) -> None:
    headers = {} if key is None else {"X-API-Key": key}
    response = client.post(path, json={"question": "Who?", "sql": "SELECT 1"}, headers=headers)
    assert response.status_code == 401 and "Ann" not in response.text
    reason(response)


def raw(client: httpx.Client, *parts: bytes, pause: float = 0.0, wait: float = 10.0) -> bytes:
    """Send bytes as they are, and return what comes back before the other side closes."""
    with _connected(client, wait) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        return _received(connection)


def _connected(client: httpx.Client, wait: float = 10.0) -> socket.socket:
    place = client.base_url
    return socket.create_connection((place.host, place.port), timeout=wait)


def _received(connection: socket.socket) -> bytes:
    got = b""
    try:
        while part := connection.recv(65_536):
            got += part
            if b"\r\n\r\n" in got and b'"request_id"' in got:
                break
    except (TimeoutError, ConnectionError):
        pass
    return got


START = (
    b"POST /v1/ask HTTP/1.1\r\nHost: x\r\nX-API-Key: ann-key\r\nContent-Type: application/json\r\n"
)


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 1000000000000\r\n\r\n",
        b"Content-Length: -1\r\n\r\n{}",
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n",
        b"".join(b"X-%d: y\r\n" % i for i in range(5_000)) + b"\r\n",
        b"X-Request-ID: a\r\n b: c\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_headers_that_lie_end_the_request(client, rest: bytes) -> None:
    got = raw(client, START + rest, wait=4.0)
    status = int(got.split(b" ", 2)[1]) if got else 400
    assert 400 <= status < 500 and not leaked(got.decode("latin-1"))


def test_a_body_without_end_is_refused_before_it_ends(client) -> None:
    part = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with _connected(client) as connection:
        try:
            connection.sendall(START + b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(40):
                connection.sendall(part)
        except ConnectionError:
            pass  # the server has had enough
        assert b" 413 " in _received(connection).split(b"\r\n")[0]


def test_nobody_is_nobody_however_slowly_they_send(client) -> None:
    got = raw(client, START.replace(b"ann-key", b"x") + b"Content-Length: 9\r\n\r\n{")
    assert b" 401 " in got.split(b"\r\n")[0]


def test_a_hundred_bodies_that_never_come_hold_nobody_up(client) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(_connected(client)) for _ in range(100)]
        for connection in slow:
            connection.sendall(START + b'Content-Length: 100\r\n\r\n{"q')
        answer = client.post("/v1/ask", json={"question": "Who?"}, headers=KEY)
        assert answer.status_code == 200
        first = [_received(connection).split(b"\r\n")[0] for connection in slow]
    assert all(b" 408 " in line for line in first), set(first)


def test_lines_in_a_question_make_no_lines_in_a_log(client, audit: Path) -> None:
    forged = 'x\n{"user": "root", "question": "forged"}\r\nlevel=error \u2028\u0085 y'
    before = len(audit.read_text().split("\n"))
    headers = KEY | {"X-Request-ID": 'a", "user": "root'}
    response = client.post("/v1/ask", json={"question": forged}, headers=headers)
    assert response.status_code == 200 and "root" not in response.headers["x-request-id"]
    lines = audit.read_text().split("\n")
    assert len(lines) == before + 1 and json.loads(lines[-2])["question"] == forged


@pytest.mark.parametrize("given", ["x" * 5_000, "../../a", "<script>", "\u00e9", "a b", ""])
def test_an_id_that_is_no_id_is_replaced(client, given: str) -> None:
    response = client.get("/health", headers={"X-Request-ID": given.encode("latin-1")})
    assert response.status_code == 200 and response.headers["x-request-id"] != given
    assert len(response.headers["x-request-id"]) <= 128


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1/schema?database=" + "d" * 20_000,
        "/v1/schema?style=ddl%00",
        "/v1/schema?database=" + "%27%20OR%201=1--",
        "/v1/ask",
        "/docs/../v1/schema/..%2f..%2f",
        "/" + "a" * 30_000,
    ],
)
def test_addresses_that_are_none_are_one_line(client, path: str) -> None:
    response = client.get(path, headers=KEY)
    assert response.status_code in (400, 404, 405, 414, 422), response.text
    if response.headers["content-type"] == "application/json":
        reason(response)


def test_one_user_never_gets_what_another_asked(client) -> None:
    said = client.post("/v1/ask", json={"question": "Who?"}, headers={"X-API-Key": "bob-key"})
    assert {row[0] for row in said.json()["rows"]}.isdisjoint({"Ann Alder", "Ben Birch"})


@contextmanager
def process(*arguments: Any) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Yield a service of its own, and its address."""
    command = [sys.executable, "-m", "text2sql", "serve", "--port", "0", *map(str, arguments)]
    pipes: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=os.environ | {"HF_HUB_OFFLINE": "1"}, **pipes) as started:
        try:
            assert started.stderr is not None
            address = started.stderr.readline().strip()
            while httpx.get(f"{address}/ready", timeout=60).status_code == 503:
                time.sleep(0.05)
            yield started, address
        finally:
            started.kill()


def test_what_was_acknowledged_is_there_after_a_kill_in_mid_request(shop: Path, tmp_path) -> None:
    path = tmp_path / "feedback.sqlite"
    acknowledged = []
    options = ("--base", "mini", "-d", shop, "--feedback", path)
    with process(*options) as (service, address), httpx.Client(base_url=address) as client:
        for number in range(20):
            body = {"kind": "down", "question": f"q{number}", "sql": "SELECT 1"}
            kept = client.post("/v1/feedback", json=body, timeout=60)
            assert kept.status_code == 201, kept.text
            acknowledged.append(kept.json()["id"])
        with _connected(client) as connection:
            connection.sendall(
                b"POST /v1/feedback HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"
            )
            service.send_signal(signal.SIGKILL)
            service.wait(30)
    assert [said.question for said in read_feedback(path)] == [f"q{n}" for n in range(20)]
    with FeedbackStore(path) as store:
        assert store.add(Feedback("down", "later", "SELECT 1", "shop")) == 21
    assert acknowledged == list(range(1, 21))
