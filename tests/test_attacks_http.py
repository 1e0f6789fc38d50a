"""The attacks of `tests/data/attacks` over HTTP and as an agent's tool calls, on a real server.

Covered: bodies, streams, logs, metrics, the audit log; SQL that the caller writes (validate, the
tools of MCP), which no model stands before.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import Any

import attacked
import pytest
from attacked import AUDITOR, CLERK, POLICY, Attack, leaked
from scripted import Scripted

pytest.importorskip("fastapi", reason="fastapi is not installed")

import httpx
from serving import served

from text2sql.errors import Text2SQLError
from text2sql.predictor import Predictor
from text2sql.serving.app import create_app
from text2sql.serving.audit import AuditLog
from text2sql.serving.limits import Limits
from text2sql.serving.service import Service

ATTACKS = [a for a in attacked.attacks(on="sqlite") if not a.endless]
ENOUGH = Limits(requests_per_minute=None, query_seconds=2.0)


@dataclass(frozen=True, slots=True)
class Side:
    """A world behind a server, and the model that an attack puts words into."""

    client: httpx.Client
    backend: Scripted
    service: Service

    def post(self, path: str, attack: Attack, **body: Any) -> str:
        """Return the status and body of a request, without what differs in each."""
        self.backend.answer = attack.answer
        user = {"X-User": json.dumps(attack.asker)}
        sent = json.dumps(body).encode()  # httpx refuses half a character, an attacker does not
        headers = user | {"Content-Type": "application/json"}
        response = self.client.post(path, content=sent, headers=headers)
        assert response.status_code < 500, (attack.name, response.text)
        return f"{response.status_code} {plain(response)}"


VARYING = ("request_id", "seconds", "id", "created", "usage")


def plain(response: httpx.Response) -> str:
    """Return a body without its id and its seconds; a stream as its events."""
    if response.headers["content-type"].startswith("text/event-stream"):
        pieces = [line.partition("data: ")[2] for line in response.text.splitlines()]
        return json.dumps([_plain(json.loads(p)) for p in pieces if p.startswith("{")])
    return json.dumps(_plain(response.json()))


def _plain(body: Any) -> Any:
    if isinstance(body, dict):
        return {k: _plain(v) for k, v in body.items() if k not in VARYING}
    return body


def user_of(request: Any) -> Any:
    """Return the user whom a header describes: what an identity provider might have said."""
    said = request.headers.get("X-User")
    return None if said is None else json.loads(said)


class Kept(logging.Handler):
    """Everything that is logged by anybody."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {vars(record)}")


@pytest.fixture(scope="module")
def audit(tmp_path_factory) -> Any:
    return tmp_path_factory.mktemp("audit") / "audit.jsonl"


@pytest.fixture(scope="module")
def logged() -> Iterator[Kept]:
    handler, root = Kept(), logging.getLogger("text2sql")
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="module")
def sides(tmp_path_factory, audit, logged) -> Iterator[tuple[Side, Side]]:
    folder = tmp_path_factory.mktemp("http")
    with ExitStack() as stack:
        made = []
        for which in ("a", "b"):
            database = stack.enter_context(attacked.world(which, "sqlite", folder))
            model = attacked.model()
            options: dict[str, Any] = {"timeout": 2.0, "today": date(2026, 3, 1)}
            predictor = Predictor(model, database, policy=POLICY, **options)
            service = Service.of(stack.enter_context(predictor), model="it", limits=ENOUGH)
            app = create_app(service, identify=user_of, audit=AuditLog(audit))
            client = stack.enter_context(served(app))
            made.append(Side(client, model.backend, service))
        yield made[0], made[1]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_body_and_a_stream_say_the_same_in_both_worlds(sides, attack: Attack) -> None:
    here, there = sides
    history = [{"question": question, "sql": sql} for question, sql in attack.history]
    body = {"question": attack.question, "evidence": attack.evidence, "history": history}
    if attack.tables is not None:
        body["tables"] = list(attack.tables)
    said = here.post("/v1/ask", attack, **body)
    assert not leaked(said)
    if len(attack.sql or "") < 20_000:  # our own model says a longer one in too many pieces
        assert not leaked(here.post("/v1/ask", attack, **body, stream=True))
    assert not attack.refused or ('"error": null' not in said and '"rows": [[' not in said)
    assert there.post("/v1/ask", attack, **body) == said


SPOKEN = [
    *attacked.attacks("injection", "users", on="sqlite"),
    *(a for a in ATTACKS if a.refused and len(a.sql or "") < 200),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("attack", SPOKEN, ids=lambda attack: attack.name)
def test_a_chat_says_the_same_in_both_worlds(sides, attack: Attack, stream: bool) -> None:
    here, there = sides
    messages = [] if attack.system is None else [{"role": "system", "content": attack.system}]
    for question, sql in attack.history:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": sql}]
    messages.append({"role": "user", "content": attack.question})
    body = {"model": model_of(here), "messages": messages, "stream": stream}
    said = here.post("/v1/chat/completions", attack, **body)
    assert not leaked(said)
    assert there.post("/v1/chat/completions", attack, **body) == said


def test_an_auditor_gets_it_everywhere_so_that_leaks_would_be_found(sides) -> None:
    here, _ = sides
    attack = Attack("control", "SELECT secret FROM vault", user=AUDITOR)
    chat = {"model": model_of(here), "messages": [{"role": "user", "content": "?"}]}
    said = [here.post("/v1/ask", attack, question="?", stream=stream) for stream in (False, True)]
    said += [here.post("/v1/chat/completions", attack, **chat, stream=s) for s in (False, True)]
    assert all("zqxsecret" in text for text in [*said, run_tool(here, attack)])


def model_of(side: Side) -> str:
    """Return the id of the model that a clerk may ask."""
    listed = side.client.get("/v1/models", headers={"X-User": json.dumps(CLERK)})
    return str(listed.json()["data"][0]["id"])


WRITTEN = [attack for attack in ATTACKS if attack.sql is not None]


@pytest.mark.parametrize("attack", WRITTEN, ids=lambda attack: attack.name)
def test_sql_of_a_caller_is_judged_and_run_the_same_in_both_worlds(sides, attack: Attack) -> None:
    here, there = sides
    said = here.post("/v1/sql/validate", attack, sql=attack.sql)
    assert not leaked(said)
    assert there.post("/v1/sql/validate", attack, sql=attack.sql) == said
    kept = {"kind": "up", "question": "?", "sql": attack.sql}
    assert not leaked(here.post("/v1/feedback", attack, **kept))
    ran = run_tool(here, attack)
    assert not leaked(ran)
    assert run_tool(there, attack) == ran


def run_tool(side: Side, attack: Attack) -> str:
    """Return what the tool `run_sql` of MCP says, rows sorted."""
    from text2sql.serving.tools import Refused, run_sql

    try:
        rows = run_sql(side.service, attack.asker, None, str(attack.sql))
    except (Refused, Text2SQLError) as error:
        assert "\n" not in str(error)
        return f"{type(error).__name__}: {error}"
    said = rows.model_dump()
    return json.dumps(said | {"rows": sorted(map(repr, said["rows"]))})


@pytest.mark.parametrize("path", ["/v1/schema", "/v1/schema?style=ddl_rows", "/v1/databases"])
def test_a_schema_is_the_same_in_both_worlds(sides, path: str) -> None:
    header = {"X-User": json.dumps(CLERK)}
    here, there = (plain(side.client.get(path, headers=header)) for side in sides)
    assert here == there and not leaked(here) and "vault (" not in here


def test_logs_metrics_and_the_audit_log_hold_nothing_that_is_hidden(sides, audit, logged) -> None:
    here, _ = sides
    here.post("/v1/ask", Attack("last", "SELECT owner FROM accounts"), question="Who?")
    lines = audit.read_text().splitlines()
    assert lines and not leaked(audit.read_text())
    assert all(json.loads(line) for line in lines) and "Ann Alder" not in audit.read_text()
    assert logged.lines and not leaked("\n".join(logged.lines))
    assert "Ann Alder" not in "\n".join(logged.lines)
    assert not leaked(here.client.get("/metrics").text)
