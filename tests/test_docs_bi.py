"""The pages on BI tools: the requests that they write down are sent, and their steps hold."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from scripted import scripted_model
from serving import served

from text2sql import Predictor
from text2sql.project import find_database
from text2sql.serving import create_app

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("grafana", "powerbi-excel", "metabase", "superset")
TIERS = "SELECT tier, count(*) AS customers FROM customers GROUP BY tier ORDER BY tier"


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text()


def requests(name: str) -> list[tuple[str, dict[str, str], str]]:
    """Return the path, headers and body of each request on a page."""
    found = []
    for block in re.findall(r"^```http\n(.*?)^```$", page(name), re.M | re.S):
        head, body = block.split("\n\n", 1)
        line, *headers = head.split("\n")
        method, path = line.split()
        assert method == "POST"
        found.append((path, dict(header.split(": ", 1) for header in headers), body))
    return found


def identify(request) -> dict[str, Any] | None:
    key = request.headers.get("x-api-key") or request.headers.get("authorization")
    return {"name": "bi"} if key in ("KEY", "Bearer KEY") else None


@pytest.fixture(scope="module")
def client(samples):
    """Yield a client of a service of the shop that wants the key of the pages."""
    database = find_database(str(samples / "database" / "shop" / "shop.sqlite"))
    with (
        Predictor(scripted_model(lambda prompt: [TIERS]), database) as predictor,
        served(create_app(predictor, identify=identify)) as client,
    ):
        yield client


@pytest.mark.parametrize("name", PAGES)
def test_the_requests_of_a_page_are_answered_with_their_key_alone(client, name):
    assert requests(name)
    for path, headers, body in requests(name):
        answer = client.post(path, headers=headers, content=body)
        stranger = client.post(path, content=body)

        assert answer.status_code == 200 and stranger.status_code == 401
        said = answer.json()
        assert said["valid"] if path.endswith("validate") else said["sql"] == TIERS
        assert "rows" not in said or bool(said["rows"]) == json.loads(body).get("run", True)


def test_rows_and_columns_are_as_the_steps_of_power_query_and_infinity_take_them(client):
    path, headers, body = requests("powerbi-excel")[0]
    answer = client.post(path, headers=headers, content=body).json()

    names = [column["name"] for column in answer["columns"]]
    assert names == ["tier", "customers"] and answer["error"] is None
    assert all(len(row) == len(names) and isinstance(row[1], int) for row in answer["rows"])
    assert re.findall(r"selector `(\d)` as `(\w+)`", page("grafana")) == [
        (str(place), name) for place, name in enumerate(names)
    ]


def test_power_querys_words_are_the_answers():
    program = re.findall(r"^```text\n(.*?)^```$", page("powerbi-excel"), re.M | re.S)[0]
    asked = re.findall(r"Answer\[(\w+)\]", program)

    assert set(asked) == {"columns", "rows", "error"} and 'RelativePath = "v1/ask"' in program
    assert program.count("(") == program.count(")") and program.count("[") == program.count("]")


class Metabase(BaseHTTPRequestHandler):
    """Stands in for Metabase: keeps what it is sent."""

    def do_POST(self) -> None:
        """Keep a request."""
        length = int(self.headers["Content-Length"])
        self.server.kept = (
            self.path,
            self.headers["X-API-KEY"],
            json.loads(self.rfile.read(length)),
        )
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words: object) -> None: ...


def test_the_program_for_metabase_saves_a_question(shop):
    (program,) = re.findall(r"^```python\n(.*?)^```$", page("metabase"), re.M | re.S)
    metabase = HTTPServer(("127.0.0.1", 0), Metabase)
    threading.Thread(target=metabase.serve_forever, daemon=True).start()
    with (
        Predictor(scripted_model(lambda prompt: [TIERS]), find_database(str(shop))) as predictor,
        served(create_app(predictor)) as client,
    ):
        place = {
            "address": str(client.base_url),
            "metabase": f"http://127.0.0.1:{metabase.server_port}",
        }
        exec(program, place)
    metabase.shutdown()
    metabase.server_close()

    path, key, card = metabase.kept
    assert (path, key, place["saved"].status_code) == ("/api/card", "mb_...", 200)
    assert card["dataset_query"]["native"] == {"query": TIERS} and card["display"] == "table"


@pytest.mark.parametrize("name", PAGES)
def test_each_page_says_what_was_tested_and_what_not(name):
    assert re.search(r"^Tested: ", page(name), re.M) and "Not tested: " in page(name)
