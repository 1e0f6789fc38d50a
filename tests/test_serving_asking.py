"""Questions over HTTP: a real server, real databases, mini or a scripted model."""

import json

import pytest
from scripted import scripted_model
from serving import asked, events, served

from text2sql import Predictor
from text2sql.project import find_database
from text2sql.serving import create_app

TIERS = "SELECT tier, count(*) AS n FROM customers GROUP BY tier"


@pytest.fixture(scope="module")
def client(samples):
    """Yield a client of a service that always writes the same SQL about the shop."""
    database = find_database(str(samples / "database" / "shop" / "shop.sqlite"))
    with (
        Predictor(scripted_model(lambda prompt: [TIERS]), database) as predictor,
        served(create_app(predictor)) as client,
    ):
        yield client


def test_a_question_becomes_sql_typed_columns_and_rows(client):
    answer = asked(client, "customers per tier?").json()

    assert answer["sql"] == TIERS and answer["error"] is None
    assert answer["columns"] == [{"name": "tier", "type": "text"}, {"name": "n", "type": "integer"}]
    assert sum(n for _, n in answer["rows"]) == 400 and answer["truncated"] is False
    assert {"prompt", "generate", "run"} <= answer["seconds"].keys()


def test_the_bundled_base_answers(shop):
    with (
        Predictor.from_pretrained("mini", database=shop) as predictor,
        served(create_app(predictor)) as client,
    ):
        answer = asked(client, "How many customers are there?").json()

    assert answer["rows"] == [[400]] and answer["model"] == "mini" and answer["database"] == "shop"


def test_without_run_there_is_sql_alone(client):
    answer = asked(client, "customers per tier?", run=False).json()

    assert answer["sql"] == TIERS and answer["columns"] == answer["rows"] == []


def test_a_stream_has_the_text_in_pieces_and_then_the_answer(client):
    told = events(asked(client, "customers per tier?", stream=True).text)
    text = "".join(json.loads(data)["text"] for name, data in told if name == "piece")
    by_header = client.post(
        "/v1/ask", json={"question": "customers?"}, headers={"Accept": "text/event-stream"}
    )

    assert text == TIERS and [name for name, _ in told][-1] == "answer"
    assert sum(n for _, n in json.loads(told[-1][1])["rows"]) == 400
    assert by_header.headers["content-type"].startswith("text/event-stream")


def test_tables_narrow_what_sql_may_have(client):
    within = asked(client, "customers per tier?", tables=["Customers"]).json()
    without = asked(client, "customers per tier?", tables=["orders"]).json()
    unknown = asked(client, "customers per tier?", tables=["custmers"])

    assert within["error"] is None and len(within["rows"]) > 1
    assert without["rows"] == [] and "no table 'customers'" in without["error"]
    assert unknown.status_code == 404 and "did you mean 'customers'?" in unknown.text
