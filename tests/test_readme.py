"""The README: each of its commands and Python blocks runs, and says what the text says it does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
NEEDS_WEIGHTS = "# needs the weights"
STATUS_1 = "# status 1"
ANY_STATUS = "# status 0 or 1"
SILENT = ("ln ", "printf ")  # they make files


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


@pytest.fixture(scope="module")
def place(tmp_path_factory, samples) -> Path:
    """Return a folder with what the README's commands name."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "cache" / "text2sql").mkdir(parents=True)
    (folder / "cache" / "text2sql" / samples.name).symlink_to(samples)
    (folder / "samples").symlink_to(samples)
    (folder / "shop.sqlite").symlink_to(samples / "database" / "shop" / "shop.sqlite")
    return folder


def run(command: list[str], place: Path):
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(place / "cache"),
        "HF_HUB_OFFLINE": "1",
    }
    return subprocess.run(
        command,
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("block", blocks("sh"))
def test_the_commands_of_a_block_run(block, place):
    for line in block.splitlines():
        result = run(["bash", "-c", line], place)
        said = result.stdout + result.stderr
        assert "Traceback" not in said, said
        if NEEDS_WEIGHTS in line:
            assert result.returncode == 1 and re.match(
                r"error: .*codellama|error: data set", said
            ), said
        elif STATUS_1 in line:
            assert result.returncode == 1 and "did you mean 'name'?" in result.stdout, said
        elif ANY_STATUS in line:
            assert result.returncode in (0, 1) and result.stdout.strip(), said
        else:
            assert result.returncode == 0, said
            assert line.startswith(SILENT) or said.strip()


@pytest.mark.parametrize("block", blocks("python"))
def test_a_python_block_runs(block, place):
    result = run([sys.executable, "-c", block], place)

    assert result.returncode == 0, result.stderr


def test_the_project_file_is_one(place, monkeypatch):
    from text2sql.project import load_project

    (block,) = blocks("yaml")
    (place / "yaml").mkdir()
    (place / "yaml" / "text2sql.yaml").write_text(block)
    project = load_project(place / "yaml")

    assert set(project.databases) == set(yaml.safe_load(block)["databases"])


def test_the_make_targets_exist():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)
    named = re.findall(r"make (\w+)", (ROOT / "README.md").read_text())

    assert named and set(named) <= set(targets)


def test_every_command_and_every_file_is_named():
    from text2sql.cli.app import app

    text = (ROOT / "README.md").read_text()
    for command in app.registered_commands:
        name = command.name or command.callback.__name__
        assert f"t2s {name}" in text or f"`{name}`" in text or f"make {name}" in text, name
    for path in (ROOT / "text2sql").iterdir():
        if path.name.startswith("__"):
            continue
        assert f"`{path.name}{'/' if path.is_dir() else ''}`" in text, path.name
