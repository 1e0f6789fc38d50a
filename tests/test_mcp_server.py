"""The tools of `t2s mcp`, called by the real client: in this process, over stdio and over HTTP."""

import json
import os
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import pytest
from scripted import scripted_model

pytest.importorskip("mcp", reason="mcp is not installed")

from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from serving import served

from text2sql import Predictor
from text2sql.errors import SettingsError
from text2sql.project import find_database
from text2sql.serving.audit import AuditLog
from text2sql.serving.identity import hash_key, new_key
from text2sql.serving.mcp_server import create_mcp_app, create_server
from text2sql.serving.service import Service
from text2sql.serving.settings import read_service

COUNT = "SELECT tier, count(*) AS n FROM customers GROUP BY tier"
TOOLS = ["list_tables", "describe", "ask", "validate_sql", "run_sql"]
RULES = {
    "roles": {
        "buyer": {
            "tables": {
                "customers": {"rows": "tier = {{ user.tier }}", "mask": {"email": None}},
                "orders": "all",
            }
        },
    }
}


@contextmanager
def shop_service(shop, *texts: str, policy=None):
    """Yield a service of the bundled shop whose model says `texts`."""

    def model():
        return scripted_model(lambda prompt: texts or (COUNT,))

    with Predictor(model, find_database(str(shop)), policy=policy) as predictor:
        yield Service.of(predictor, model="scripted")


def call(server, *asked: tuple[str, dict]):
    """Return what each call of a tool gives: its structured result, or its error as text."""
    return [told(result) for result in results(server, *asked)]


def results(server, *asked: tuple[str, dict]):
    async def talk():
        async with Client(server, read_timeout_seconds=300) as client:
            return [await client.call_tool(name, arguments) for name, arguments in asked]

    return anyio.run(talk)


def told(result):
    return result.content[0].text if result.is_error else result.structured_content


def test_the_five_tools_are_listed_with_schemas_and_only_read(shop):
    async def listed(service):
        async with Client(create_server(service)) as client:
            return (await client.list_tools()).tools

    with shop_service(shop) as service:
        found = anyio.run(listed, service)

    assert [tool.name for tool in found] == TOOLS
    assert all(tool.output_schema and tool.annotations.read_only_hint for tool in found)
    assert "context" not in json.dumps([tool.input_schema for tool in found]).casefold()


def test_tables_are_listed_and_described_without_a_model(shop):
    with Predictor(lambda: 1 / 0, find_database(str(shop))) as predictor:
        server = create_server(Service.of(predictor, model="never"))
        tables, described, ran = call(
            server,
            ("list_tables", {}),
            ("describe", {"tables": ["ORDERS"]}),
            ("run_sql", {"sql": "SELECT count(*) FROM orders"}),
        )

    assert {"orders", "customers"} <= {table["name"] for table in tables["tables"]}
    (orders,) = described["tables"]
    assert orders["primary_key"] == ["order_id"] and len(orders["sample"]) == 3
    assert orders["foreign_keys"][0]["table"] == "customers"
    assert ran["rows"] == [[1800]]


def test_a_question_is_answered_in_sql_and_rows(shop):
    with shop_service(shop) as service:
        (result,) = results(create_server(service), ("ask", {"question": "customers per tier?"}))

    found = result.structured_content
    assert found["sql"] == COUNT and found["columns"][1] == {"name": "n", "type": "integer"}
    assert sum(n for _, n in found["rows"]) == 400 and found["error"] is None
    assert json.loads(result.content[0].text)["rows"] == found["rows"]  # for those who read text


def test_what_the_model_does_wrong_is_in_the_result(shop):
    with shop_service(shop, "SELECT nam FROM customers") as service:
        (found,) = call(create_server(service), ("ask", {"question": "names?"}))

    assert found["abstained"] == "missing" and "no column 'nam'" in found["error"]
    assert found["rows"] == []


def test_sql_is_checked_without_running_it(shop):
    with shop_service(shop) as service:
        good, bad = call(
            create_server(service),
            ("validate_sql", {"sql": COUNT}),
            ("validate_sql", {"sql": "SELECT nam FROM customers"}),
        )

    assert good["valid"] and good["fault"] is None
    assert not bad["valid"] and bad["suggestions"] == ["name"]


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("run_sql", {"sql": "SELECT nam FROM customers"}, "no such column: nam"),
        ("run_sql", {"sql": "DROP TABLE orders"}, "DROP is not allowed: a statement may only read"),
        ("run_sql", {"sql": "SELECT 1; SELECT 2"}, None),
        ("run_sql", {"sql": "ATTACH '/tmp/x.db' AS x"}, None),
        ("run_sql", {"sql": "SELECT '" + "x" * 30_000 + "'"}, None),
        ("run_sql", {}, "sql: Field required"),
        ("run_sql", {"sql": 3}, "sql: Input should be a valid string"),
        ("run_sql", {"sql": "SELECT \ud800"}, None),
        ("run_sql", {"sql": "SELECT 1", "max_rows": 0}, "max_rows: Input should be greater"),
        ("run_sql", {"sqll": "SELECT 1"}, "no argument 'sqll' (did you mean 'sql'?"),
        ("run_sq", {"sql": "SELECT 1"}, "no tool 'run_sq' (did you mean 'run_sql'?"),
        ("describe", {"tables": ["order"]}, "no table 'order' in database 'shop' (did you mean"),
        ("describe", {"tables": []}, "tables: List should have at least 1 item"),
        ("list_tables", {"database": "shp"}, "no database 'shp' (did you mean 'shop'?"),
        ("ask", {"question": "  "}, "the question is empty"),
        ("ask", {"question": "x" * 1_000_000}, None),
        ("ask", {"question": "x", "tables": ["nothing"]}, "no table 'nothing'"),
    ],
)
def test_what_cannot_be_done_is_one_line_without_paths(shop, name, arguments, line):
    with shop_service(shop) as service:
        if "\ud800" in str(arguments):  # no client can send half a character: a hostile one may
            arguments = json.loads(json.dumps(arguments))
            (said,) = direct(service, name, arguments)
        else:
            (said,) = call(create_server(service), (name, arguments))

    assert isinstance(said, str) and "\n" not in said and len(said) < 1_100
    assert line is None or said.startswith(line)
    assert str(shop.parent) not in said and ".py" not in said


def direct(service, name, arguments):
    from mcp.server.mcpserver.exceptions import ToolError

    try:
        anyio.run(create_server(service).call_tool, name, arguments)
    except ToolError as error:
        return [str(error)]
    return [None]


def test_a_defect_says_nothing_of_itself(shop):
    with Predictor(lambda: 1 / 0, find_database(str(shop))) as predictor:
        server = create_server(Service.of(predictor, model="broken"))
        (said,) = call(server, ("ask", {"question": "how many?"}))

    assert said == "Error executing tool ask"


def test_a_database_that_goes_away_is_one_line_without_its_path(tmp_path, shop):
    copy = tmp_path / "secret-folder.sqlite"
    copy.write_bytes(shop.read_bytes())
    with shop_service(copy) as service:
        server = create_server(service)
        copy.unlink()
        (said,) = call(server, ("run_sql", {"sql": "SELECT 1"}))

    assert said == "the database cannot be read at the moment"


def test_rows_are_bounded_in_number_and_bytes(shop):
    long = "SELECT hex(zeroblob(5000)) AS x FROM orders"
    with shop_service(shop) as service:
        usual, few, bytes_ = call(
            create_server(service),
            ("run_sql", {"sql": "SELECT order_id FROM orders"}),
            ("run_sql", {"sql": "SELECT order_id FROM orders", "max_rows": 2}),
            ("run_sql", {"sql": long, "max_rows": 1000}),
        )

    assert (len(usual["rows"]), len(few["rows"])) == (100, 2)
    assert len(json.dumps(bytes_["rows"])) < 200_000 and len(bytes_["rows"]) == 19
    assert all(found["truncated"] for found in (usual, few, bytes_))


def test_values_have_the_stated_encoding(tmp_path):
    import duckdb

    path = tmp_path / "odd.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t (d DECIMAL(9,2), b BLOB, i BIGINT, w DATE, f DOUBLE)")
        connection.execute(
            "INSERT INTO t VALUES"
            " (12.50, '\\x00\\xFF'::BLOB, 9007199254740993, '2024-02-29', 'NaN')"
        )
    with shop_service(path) as service:
        (found,) = call(create_server(service), ("run_sql", {"sql": "SELECT * FROM t"}))

    assert found["rows"] == [["12.50", "AP8=", "9007199254740993", "2024-02-29", "NaN"]]


def test_every_tool_is_under_the_policy(shop):
    buyer = {"role": "buyer", "tier": "gold"}
    with shop_service(shop, policy=RULES) as service:
        tables, described, asked, ran, hidden, unseen, verdict = call(
            create_server(service, user=buyer),
            ("list_tables", {}),
            ("describe", {"tables": ["customers"]}),
            ("ask", {"question": "customers per tier?"}),
            ("run_sql", {"sql": "SELECT DISTINCT tier, email FROM customers"}),
            ("run_sql", {"sql": "SELECT * FROM payments"}),
            ("describe", {"tables": ["payments"]}),
            ("validate_sql", {"sql": "SELECT * FROM payments"}),
        )

    assert [table["name"] for table in tables["tables"]] == ["customers", "orders"]
    sample = described["tables"][0]
    email, tier = ([c["name"] for c in sample["columns"]].index(n) for n in ("email", "tier"))
    assert {(row[email], row[tier]) for row in sample["sample"]} == {(None, "gold")}
    assert [tier for tier, _ in asked["rows"]] == ["gold"] and asked["kept_back"]
    assert ran["rows"] == [["gold", None]] and "tier" in ran["rewritten"]
    for said in (hidden, unseen, verdict["fault"]):
        assert said.startswith("no table 'payments'") and "card" not in said
    assert not verdict["valid"]


def test_a_user_whom_the_policy_does_not_let_in_gets_nothing(shop):
    with shop_service(shop, policy=RULES) as service:
        said = call(
            create_server(service, user={"role": "nobody"}),
            ("list_tables", {}),
            ("describe", {"tables": ["customers"]}),
            ("ask", {"question": "customers?"}),
            ("validate_sql", {"sql": "SELECT 1"}),
            ("run_sql", {"sql": "SELECT 1"}),
        )

    assert said == ["the policy does not let this user in"] * 5


def test_over_http_each_request_has_the_user_that_identify_finds(shop):
    keys = {
        "Bearer a": {"role": "buyer", "tier": "gold"},
        "Bearer b": {"role": "buyer", "tier": "silver"},
    }
    ask = ("run_sql", {"sql": "SELECT DISTINCT tier FROM customers"})
    with shop_service(shop, policy=RULES) as service:
        app = create_mcp_app(
            service, identify=lambda r: keys.get(r.headers.get("authorization", ""))
        )
        with served(app) as plain:
            url = str(plain.base_url.join("/mcp"))
            found = {key: call(over_http(url, key), ask)[0]["rows"] for key in keys}
            stranger = plain.post("/mcp", json={})

    assert found == {"Bearer a": [["gold"]], "Bearer b": [["silver"]]}
    assert stranger.status_code == 401 and "key" in stranger.json()["error"]["message"]


def over_http(url: str, authorization: str):
    """Return a transport that sends a header with every request."""
    client = create_mcp_http_client(headers={"Authorization": authorization})
    return streamable_http_client(url, http_client=client)


@pytest.mark.parametrize("mode", ["auto", "legacy"])  # without and with a handshake
def test_http_on_loopback_needs_no_key_and_answers_several_at_once(shop, mode):
    async def talk(url):
        found = []
        async with Client(url, mode=mode) as client, anyio.create_task_group() as group:

            async def one():
                found.append(await client.call_tool("ask", {"question": "customers per tier?"}))

            for _ in range(8):
                group.start_soon(one)
        return found

    with shop_service(shop) as service, served(create_mcp_app(service)) as plain:
        found = anyio.run(talk, str(plain.base_url.join("/mcp")))
        other_name = plain.post("/mcp", json={}, headers={"Host": "evil.example"})

    assert len(found) == 8 and all(len(result.structured_content["rows"]) == 3 for result in found)
    assert other_name.status_code in (400, 403, 421)  # a page that has its name point at loopback


def test_without_knowing_who_calls_only_loopback_is_served(shop):
    with shop_service(shop) as service, pytest.raises(SettingsError, match="configure identity"):
        create_mcp_app(service, host="0.0.0.0")


def test_the_command_serves_over_stdio_and_the_bundled_base_answers(shop, tmp_path):
    environment = {key: os.environ[key] for key in ("PYTHONPATH",) if key in os.environ}
    command = ["-m", "text2sql", "mcp", "-d", str(shop), "--base", "mini"]
    process = StdioServerParameters(
        command=sys.executable, args=command, env=environment, cwd=tmp_path
    )
    tables, answer, wrong = call(
        process,
        ("list_tables", {}),
        ("ask", {"question": "How many customers are there?"}),
        ("run_sql", {"sql": "DELETE FROM customers"}),
    )

    assert len(tables["tables"]) == 8
    assert answer["rows"] == [[400]] and answer["sql"].casefold().startswith("select count")
    assert wrong == "DELETE is not allowed: a statement may only read"


def test_a_settings_file_names_databases_keys_and_an_audit_log(shop, tmp_path):
    key = new_key()
    (tmp_path / "policy.yaml").write_text(json.dumps(RULES))
    user = {"name": "ann", "key": hash_key(key), "user": {"role": "buyer", "tier": "gold"}}
    settings = {
        "models": {"plain": "mini"},
        "databases": {
            "shop": {"url": str(shop), "policy": "policy.yaml"},
            "hidden": {"url": str(shop.parent.parent / "clinic" / "clinic.sqlite")},
        },
        "identity": {"keys": [user]},
        "limits": {"max_rows": 5},
    }
    (tmp_path / "service.yaml").write_text(json.dumps(settings))
    run = ("run_sql", {"sql": "SELECT tier FROM customers"})
    with (
        closing(Service(lambda: read_service(tmp_path / "service.yaml"))) as service,
        closing(AuditLog(tmp_path / "audit.jsonl")) as audit,
    ):
        service.open(late=True)
        with served(create_mcp_app(service, audit=audit, host="0.0.0.0")) as plain:
            url = str(plain.base_url.join("/mcp"))
            tables, rows, none = call(
                over_http(url, f"Bearer {key}"),
                ("list_tables", {}),
                run,
                ("run_sql", {"sql": "SELECT secret FROM payments"}),
            )
            assert plain.post("/mcp", json={}).status_code == 401
    kept = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]

    assert tables["databases"] == ["shop", "hidden"] and rows["truncated"]
    assert rows["rows"] == [["gold"]] * 5 and none.startswith("no table 'payments'")
    assert [entry["tool"] for entry in kept] == ["list_tables", "run_sql", "run_sql"]
    assert kept[1]["rows"] == 5 and kept[1]["attributes"]["name"] == "ann" and kept[2]["error"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_nothing_is_answered_while_the_audit_log_cannot_be_written(shop):
    with shop_service(shop) as service, closing(AuditLog("/dev/full")) as audit:
        server = create_server(service, audit=audit)
        (said,) = call(server, ("run_sql", {"sql": "SELECT 1"}))

    assert said == "nothing is answered while the audit log cannot be written"


def test_stdout_carries_the_protocol_alone_and_the_end_of_stdin_ends_the_command(shop):
    about = {"protocolVersion": "2025-06-18", "capabilities": {}}
    about["clientInfo"] = {"name": "test", "version": "1"}
    said = [
        {"id": 1, "method": "initialize", "params": about},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "list_tables", "arguments": {}}},
    ]
    lines = "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in said)
    command = [sys.executable, "-m", "text2sql", "mcp", "-d", str(shop)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, text=True, **pipes) as process:
        process.stdin.write(lines)
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        rest, complaints = process.communicate(timeout=60)

    assert (process.returncode, rest, complaints) == (0, "", "")
    assert [answer["id"] for answer in answers] == [1, 2]
    assert "customers" in answers[1]["result"]["content"][0]["text"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["-d", "nowhere.sqlite"], "error: cannot open database nowhere.sqlite: no such file"),
        (["-d", "{shop}", "--transport", "http", "--host", "0.0.0.0"], "configure identity"),
        (["-d", "{shop}", "--config", "service.yaml"], "leave out -d"),
        (["-d", "{shop}", "--user", "ann"], "error: a user is a JSON object"),
    ],
)
def test_the_command_says_in_one_line_what_is_wrong(shop, arguments, line, capsys, monkeypatch):
    from text2sql.cli import main

    monkeypatch.setattr(sys, "argv", ["t2s", "mcp", *(a.format(shop=shop) for a in arguments)])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr()

    usage = said.err.startswith("Usage:")  # a wrong combination of options: status 2
    assert said.out == "" and line in said.err.splitlines()[-1]
    assert usage or len(said.err.splitlines()) == 1
