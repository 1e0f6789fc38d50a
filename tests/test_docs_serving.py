"""docs/serving.md: its file is one, its Python runs, and what the container serves can be read."""

import re
from pathlib import Path

import pytest
import yaml
from serving import asked, served

from text2sql import Predictor
from text2sql.serving import create_app
from text2sql.serving.settings import read_service

DOCS = Path(__file__).parent.parent / "docs"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", (DOCS / "serving.md").read_text(), re.M | re.S)


def blocks(language):
    return [text for found, text in BLOCKS if found == language]


def test_the_file_of_the_page_is_one(tmp_path, shop, monkeypatch):
    (tmp_path / "service.yaml").write_text(blocks("yaml")[0])
    (tmp_path / "shop.sqlite").symlink_to(shop)
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://reader@dw/sales")
    settings = read_service(tmp_path / "service.yaml")

    assert set(settings.models) == {"sales", "careful"}
    assert settings.models["careful"].decoding.decoding().num_samples == 5
    assert settings.identity.jwt.jwks == str(tmp_path / "jwks.json")


def test_the_defaults_of_the_page_are_those_of_the_code():
    from text2sql.serving.limits import Limits

    rows = re.findall(r"^\| `(max_\w+)` \| ([\d,]+)", (DOCS / "serving.md").read_text(), re.M)
    assert len(rows) == 4
    for name, said in rows:
        assert getattr(Limits(), name) == int(said.replace(",", "")), name


def test_the_python_of_the_page_runs(shop):
    mounted, program = blocks("python")
    names = {"shop": shop}
    exec(mounted, names)
    with served(names["app"]) as client:
        answer = client.post("/t2s/v1/ask", json={"question": "How many customers are there?"})
        assert client.get("/t2s/health").status_code == 200
        assert client.get("/t2s/nope").json()["error"]["type"] == "not_found"
    assert answer.json()["rows"] == [[400]]
    names["predictor"].close()
    with (
        Predictor.from_pretrained("mini", database=shop) as predictor,
        served(create_app(predictor)) as client,
    ):
        names = {"address": str(client.base_url)}
        exec(program, names)
        assert asked(client, "How many customers are there?").json()["rows"] == [[400]]
    assert names["answer"]["rows"] == [[400]]


def test_what_the_container_serves_can_be_read(monkeypatch):
    monkeypatch.setenv("SHOP_URL", "postgresql://reader@database/shop")
    settings = read_service(DOCS / "serving" / "service.yaml")
    compose = yaml.safe_load((DOCS.parent / "compose.yaml").read_text())

    assert settings.host == "0.0.0.0" and settings.identity.keys[0].user["tier"] == "gold"
    assert compose["services"]["t2s"]["environment"].keys() == {"SHOP_URL", "T2S_KEY"}


def test_the_database_of_the_container_answers_under_its_policy(postgres_url):
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        connection.execute("DROP ROLE IF EXISTS t2s_reader")
        connection.execute((DOCS / "serving" / "shop.sql").read_text())
    from scripted import scripted_model

    from text2sql.project import find_database

    sql = "SELECT sum(total) AS total, max(ordered_on) AS last FROM orders"
    policy = DOCS / "serving" / "policy.yaml"
    model, database = scripted_model(lambda prompt: [sql]), find_database(postgres_url)
    ann = {"name": "ann", "role": "buyer", "tier": "gold"}
    with (
        Predictor(model, database, policy=policy) as predictor,
        served(create_app(predictor, identify=lambda request: ann)) as client,
    ):
        answer = asked(client, "what was ordered?").json()

    assert answer["rows"] == [["52.50", "2026-05-03"]]
    assert [column["type"] for column in answer["columns"]] == ["decimal", "date"]
