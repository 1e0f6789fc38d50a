"""The cells of docs/jupyter.md run in a shell, and the page's table has every option."""

import atexit
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("IPython", reason="IPython is not installed")

from text2sql.serving import jupyter

PAGE = (Path(__file__).parent.parent / "docs" / "jupyter.md").read_text()


def test_the_cells_run_in_order(shop, tmp_path, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(shop.parent)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # a shell replaces it
    shell = InteractiveShell()
    values = []
    for cell in re.findall(r"^```ipython\n(.*?)^```$", PAGE, re.M | re.S):
        result = shell.run_cell(cell)
        assert result.success, cell
        values.append(result.result)
    orders = shell.user_ns["orders"]
    shell.run_line_magic("unload_ext", "text2sql")
    shell.atexit_operations()
    atexit.unregister(shell.atexit_operations)

    assert values[1].answer.rows == [(400,)]
    assert len(orders) == len(values[2].answer.rows) > 0 and values[3] is orders


def test_every_option_is_told():
    told = set(re.findall(r"`(-[-\w]+)`", "\n".join(re.findall(r"^\| (`.*?) \|", PAGE, re.M))))

    assert told == set(jupyter._cell_parser()._option_string_actions)
