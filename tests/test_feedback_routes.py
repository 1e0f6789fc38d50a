"""Feedback over HTTP: kept under the caller's own name, checked against what the caller may see."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from scripted import scripted_model
from serving import served

from text2sql import Predictor
from text2sql.project import find_database
from text2sql.serving import create_app
from text2sql.serving.feedback import FeedbackStore, read_feedback

ORDERS = "SELECT count(*) FROM orders"
GOLD = "SELECT count(*) FROM customers WHERE tier = 'gold'"
POLICY = {"tables": {"customers": {"rows": "tier = {{ user.tier }}", "hide": ["email"]}}}
USERS = {"a": {"name": "ann", "tier": "gold"}, "b": {"name": "bob"}}


def told(client, **said) -> httpx.Response:
    return client.post("/v1/feedback", json={"kind": "up", "question": "How many?", **said})


@pytest.fixture
def client(shop, tmp_path):
    """Yield a client of a service without a policy that keeps feedback."""
    database = find_database(str(shop))
    with (
        FeedbackStore(tmp_path / "said.sqlite") as store,
        Predictor(scripted_model(lambda prompt: [ORDERS]), database) as predictor,
        served(create_app(predictor, feedback=store)) as client,
    ):
        yield client


def test_what_is_said_is_kept(client, tmp_path):
    first = told(client, sql=ORDERS, answer="r-1", comment="yes", database="shop")
    second = told(client, kind="edit", corrected=ORDERS, follow_up=True)

    assert (first.status_code, first.json()["id"], second.json()["id"]) == (201, 1, 2)
    one, two = read_feedback(tmp_path / "said.sqlite")
    assert (one.sql, one.request_id, one.database, one.user) == (ORDERS, "r-1", "shop", None)
    assert (two.kind, two.corrected, two.follow_up) == ("edit", ORDERS, True)


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        ({"sql": "SELECT nam FROM customers"}, 422, "did you mean 'name'?"),
        ({"sql": "DELETE FROM orders"}, 422, "not valid"),
        ({"kind": "correction", "corrected": f"{ORDERS}; DROP TABLE orders"}, 422, "not valid"),
        ({"sql": "SELECT '" + "x" * 20_000 + "'"}, 422, "20000"),
        ({"sql": ORDERS, "corrected": ORDERS}, 422, "belongs to"),
        ({"kind": "maybe", "sql": ORDERS}, 422, "kind"),
        ({"sql": ORDERS, "user": "boss"}, 422, "user"),
        ({"sql": ORDERS, "database": "shp"}, 404, "did you mean 'shop'"),
        ({"sql": None}, 422, "needs 'sql'"),
    ],
)
def test_what_is_no_feedback_has_a_status_and_a_reason(client, tmp_path, said, status, reason):
    answer = told(client, **said)

    assert answer.status_code == status and reason in answer.json()["error"]["message"]
    assert read_feedback(tmp_path / "said.sqlite") == []


def test_wrong_sql_may_be_anything(client):
    assert told(client, kind="down", sql="SELEC nonsense").status_code == 201


def test_a_service_without_a_store_says_so(shop):
    database = find_database(str(shop))
    with (
        Predictor(scripted_model(lambda prompt: [ORDERS]), database) as predictor,
        served(create_app(predictor)) as client,
    ):
        assert told(client, sql=ORDERS).json()["error"]["message"].endswith("keeps no feedback")


def test_sql_is_checked_against_what_its_user_sees(shop, tmp_path):
    database = find_database(str(shop))
    with (
        FeedbackStore(tmp_path / "said.sqlite") as store,
        Predictor(scripted_model(lambda p: [GOLD]), database, policy=POLICY) as predictor,
        served(
            create_app(predictor, identify=lambda r: USERS.get(r.headers["x-key"]), feedback=store)
        ) as client,
    ):
        client.headers["x-key"] = "a"
        seen, hidden = told(client, sql=GOLD), told(client, sql=ORDERS)
        column = told(client, sql="SELECT email FROM customers")
        client.headers["x-key"] = "b"
        refused = told(client, sql=GOLD)
        client.headers["x-key"] = "c"
        stranger = told(client, sql=GOLD)

    assert [r.status_code for r in (seen, hidden, column, refused, stranger)] == [
        201, 422, 422, 403, 401,
    ]  # fmt: skip
    assert "no table 'orders' (did you mean 'customers'?)" in hidden.json()["error"]["message"]
    (kept,) = read_feedback(tmp_path / "said.sqlite")
    assert kept.user == "ann" and len(kept.view) == 16


def test_a_store_that_cannot_be_written_is_503_and_nothing_is_acknowledged(client, tmp_path):
    import sqlite3

    other = sqlite3.connect(tmp_path / "said.sqlite", isolation_level=None)
    other.execute("DROP TABLE feedback")
    answer = told(client, sql=ORDERS)
    other.close()

    assert answer.status_code == 503 and answer.json()["error"]["type"] == "unavailable"
    assert str(tmp_path) not in answer.text


SERVICE = """
import sys
sys.path.insert(0, sys.argv[3])
import socket, uvicorn
from scripted import scripted_model
from text2sql import Predictor
from text2sql.project import find_database
from text2sql.serving import create_app
from text2sql.serving.feedback import FeedbackStore
predictor = Predictor(scripted_model(lambda prompt: ["SELECT 1"]), find_database(sys.argv[1]))
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
app = create_app(predictor, feedback=FeedbackStore(sys.argv[2]))
uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listening])
"""


def test_a_server_that_is_killed_has_kept_what_it_acknowledged(shop, tmp_path):
    path = tmp_path / "said.sqlite"
    words = [str(shop), str(path), str(Path(__file__).parent)]
    server = subprocess.Popen(
        [sys.executable, "-c", SERVICE, *words], stdout=subprocess.PIPE, text=True
    )
    try:
        address = f"http://127.0.0.1:{int(server.stdout.readline())}"
        with httpx.Client(base_url=address, timeout=60) as client:
            ids = [told(client, sql="SELECT 1").json()["id"] for _ in range(5)]
    finally:
        os.kill(server.pid, signal.SIGKILL)
        server.wait()

    assert ids == [said.id for said in read_feedback(path)] == [1, 2, 3, 4, 5]
