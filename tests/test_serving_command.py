"""`t2s serve` as a process: listens before its model is there, and says what is wrong."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from text2sql.serving.client import Client, ServiceError
from text2sql.serving.identity import hash_key

KEY = "t2s_a-key-of-a-test-that-is-long"


@contextmanager
def running(*arguments, cwd=None):
    """Yield the process and the address of a service."""
    command = [sys.executable, "-m", "text2sql", "serve", "--port", "0", *map(str, arguments)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=cwd, env=environment, **pipes) as process:
        try:
            yield process, process.stderr.readline().strip()
        finally:
            process.kill()


def refused(*arguments, cwd=None):
    """Return the one line with which the command ends at once."""
    command = [sys.executable, "-m", "text2sql", "serve", *map(str, arguments)]
    ended = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    lines = ended.stderr.splitlines()
    assert ended.returncode == 1 and len(lines) == 1 and lines[0].startswith("error: "), lines
    return lines[0]


def test_it_listens_at_once_answers_when_it_can_and_drains_on_a_signal(shop, tmp_path):
    audit = tmp_path / "audit.jsonl"
    with running("--base", "mini", "-d", shop, "--audit", audit) as (process, address):
        early = httpx.get(f"{address}/ready", timeout=60)
        alive = httpx.get(f"{address}/health", timeout=60)
        with Client(address, patience=120) as client:
            answer = client.ask("How many customers are there?")
            told = list(client.stream("How many customers are there?"))
            with pytest.raises(ServiceError, match="no database 'shp'") as wrong:
                client.ask("x", database="shp")
            tables = {table["name"] for table in client.schema("shop")["tables"]}
            verdict = client.validate("SELECT nam FROM customers")
        foreign = httpx.get(f"{address}/health", headers={"Host": "evil.example"})
        process.send_signal(signal.SIGTERM)
        logs = [json.loads(line) for line in process.stderr.read().splitlines()]
        status = process.wait(30)

    assert (early.status_code, alive.status_code, foreign.status_code) == (503, 200, 421)
    assert answer["rows"] == [[400]] and told[-1][1]["rows"] == [[400]] and told[0][0] == "piece"
    assert (wrong.value.status, wrong.value.kind) == (404, "not_found")
    assert "customers" in tables and "did you mean 'name'?" in verdict["fault"]["message"]
    assert status == 0 and {"event", "time", "level"} <= logs[-1].keys()
    assert "How many" not in json.dumps(logs)
    kinds = [json.loads(line)["error_kind"] for line in audit.read_text().splitlines()]
    assert [kind for kind in kinds if kind != "loading"] == [None, None, "not_found"]


def test_what_is_wrong_is_said_before_anything_is_loaded(shop, tmp_path):
    assert "identity" in refused("-d", shop, "--host", "0.0.0.0")
    assert "no such file" in refused("-d", tmp_path / "none.sqlite")
    (tmp_path / "policy.yaml").write_text("tables: {custmers: all}")
    assert "did you mean 'customers'?" in refused("-d", shop, "--policy", tmp_path / "policy.yaml")
    (tmp_path / "service.yaml").write_text("models: {plain: mini}\ndatabase: {}\n")
    line = refused("--config", tmp_path / "service.yaml")
    assert "service.yaml:2: unknown key 'database' (did you mean 'databases'?" in line
    assert "did you mean 'mini'" in refused("--base", "minni", "-d", shop)


def test_a_file_that_changes_is_served_and_a_wrong_one_is_one_line(shop, tmp_path):
    service, policy = tmp_path / "service.yaml", tmp_path / "policy.yaml"
    policy.write_text("tables: {customers: all}")
    service.write_text(
        f"models: {{plain: mini}}\ndatabases: {{shop: {{url: {shop}, policy: policy.yaml}}}}\n"
        f"identity: {{keys: [{{name: ann, key: '{hash_key(KEY)}'}}]}}\n"
    )
    with (
        running("--config", service, "--host", "0.0.0.0") as (process, address),
        Client(re.sub("0.0.0.0", "127.0.0.1", address), KEY, patience=120) as client,
    ):
        before = _tables(client)
        policy.write_text("tables: {orders: all}")
        after = _until(lambda: _tables(client), {"orders"})
        policy.write_text("tables: {ordres: all}")
        process.send_signal(signal.SIGHUP)
        time.sleep(1)
        still = _tables(client)
        policy.write_text("tables: {orders: all, products: all}")
        process.send_signal(signal.SIGHUP)
        both = _until(lambda: _tables(client), {"orders", "products"})
        process.send_signal(signal.SIGTERM)
        logs = process.stderr.read()

    assert (before, after, still) == ({"customers"}, {"orders"}, {"orders"})
    assert both == {"orders", "products"} and '"not reloaded' in logs and "ordres" in logs


def _tables(client):
    return {table["name"] for table in client.schema("shop")["tables"]}


def _until(look, wanted):
    for _ in range(100):
        if (found := look()) == wanted:
            return found
        time.sleep(0.2)
    return found


def test_a_new_key_is_printed_with_its_hash():
    command = [sys.executable, "-m", "text2sql", "serve", "--new-key"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    said = dict(line.split(": ", 1) for line in printed.splitlines())

    assert hash_key(said["key"]) == said["hash"] and len(said["key"]) > 40


def test_the_client_needs_no_torch_and_says_when_nobody_is_there():
    code = "import sys; import text2sql.serving.client; print('torch' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert printed.stdout.strip() == "False"
    with Client("http://127.0.0.1:9") as client, pytest.raises(ServiceError, match="cannot reach"):
        client.ask("x")


def test_the_lines_of_the_readme_answer(shop, tmp_path):
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    serve, curl = re.search(r"## Serve it\n\n```console\n(.*)\n(.*)\n```", readme).groups()
    (tmp_path / "shop.sqlite").symlink_to(shop)
    words = serve.removeprefix("t2s serve ").replace("--port 8000", "").split()
    with running(*words, cwd=tmp_path) as (_, address):
        with Client(address, patience=120) as client:
            client.ask("How many orders?")  # it is there
        line = curl.replace("localhost:8000", address)
        said = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)

    assert json.loads(said.stdout)["rows"] == [[400]]
