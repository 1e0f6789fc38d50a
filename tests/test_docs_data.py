"""The page on data: each of its commands runs on a small database."""

import os
import re
import subprocess
import sys
from pathlib import Path

import library
import pytest

PAGE = Path(__file__).parent.parent / "docs" / "data.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Return a folder with a library without questions."""
    folder = tmp_path_factory.mktemp("docs")
    library.build_sqlite(folder / "library.sqlite")
    return folder


def test_the_commands_of_the_page_run_in_order(place):
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HF_HUB_OFFLINE": "1",
    }
    for line in (line for block in BLOCKS for line in block.splitlines()):
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
