"""What docs/agents.md types runs, and its table has every tool with its arguments."""

import json
import re
import sys
from pathlib import Path

import anyio
import pytest

pytest.importorskip("mcp", reason="mcp is not installed")

from text2sql import Predictor
from text2sql.project import find_database
from text2sql.serving.mcp_server import create_server
from text2sql.serving.service import Service

FOLDER = Path(__file__).parent.parent / "docs"
PAGE = (FOLDER / "agents.md").read_text()


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.M | re.S)


@pytest.fixture
def place(shop, tmp_path, monkeypatch):
    """Go to a folder that holds what the page names; return the names of its Python."""
    (tmp_path / "policy.yaml").write_text(blocks((FOLDER / "policy.md").read_text(), "yaml")[0])
    monkeypatch.chdir(tmp_path)
    t2s = tmp_path / "t2s"  # of this checkout: the client hands on no PYTHONPATH
    t2s.write_text(
        f'#!/bin/sh\nPYTHONPATH={FOLDER.parent} exec {sys.executable} -m text2sql "$@"\n'
    )
    t2s.chmod(0o700)
    return {"shop": str(shop), "t2s": str(t2s), "__name__": "page"}


def test_the_client_gets_an_answer(place, capsys):
    exec(blocks(PAGE, "python")[0], place)

    assert capsys.readouterr().out.strip().endswith("[[400]]")


def test_the_application_is_made(place):
    exec(blocks(PAGE, "python")[1], place)

    assert callable(place["app"])


def test_the_commands_have_those_options():
    from typer.main import get_command

    from text2sql.cli import app

    known = {name for o in get_command(app).commands["mcp"].params for name in o.opts}
    lines = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
    typed = [word for line in lines for word in line.split() if re.match(r"--?[a-z]", word)]
    started = json.loads(blocks(PAGE, "json")[0])["mcpServers"]["shop"]["args"]
    typed += [word for word in started if word.startswith("-")]

    assert typed and set(typed) <= known


def test_every_tool_and_argument_is_told(shop):
    told = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.M))

    async def listed():
        with Predictor(lambda: 1 / 0, find_database(str(shop))) as predictor:
            return await create_server(Service.of(predictor, model="none")).list_tools()

    for tool in anyio.run(listed):
        arguments = set(tool.input_schema["properties"]) - {"database"}
        assert set(re.findall(r"`(\w+)`", told.pop(tool.name))) == arguments
    assert not told
