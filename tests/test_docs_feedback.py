"""The page on feedback: its program and its commands run, and give what it says."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parent.parent / "docs" / "feedback.md").read_text()


def test_the_program_and_the_commands_of_the_page_run(tmp_path, shop, monkeypatch):
    shutil.copy(shop, tmp_path / "shop.sqlite")
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    exec(program, {})

    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.M | re.S)
    for line in commands.splitlines():
        subprocess.run(["bash", "-c", line], env=os.environ | {"PATH": path}, check=True)

    records = [json.loads(line) for line in Path("feedback.jsonl").read_text().splitlines()]
    assert [r["query"] for r in records][1] == "SELECT sum(amount) FROM payments"
    assert "said" in Path("text2sql.yaml").read_text()


def test_every_kind_is_told():
    from text2sql.serving.feedback import KINDS

    assert tuple(re.findall(r"^\| `(\w+)` \|", PAGE, re.M)[-len(KINDS) :]) == KINDS
