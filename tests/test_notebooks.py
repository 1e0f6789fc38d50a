"""Quick notebooks run from top to bottom; the one that trains compiles and finds its imports."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

FOLDER = Path(__file__).parent.parent / "notebooks"
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))
LONG = "from_database_to_adapter.ipynb"  # minutes: `make notebooks` runs it, too


def cells(name: str) -> list:
    return nbformat.read(FOLDER / name, as_version=4).cells


@pytest.mark.parametrize("name", [name for name in NAMES if name != LONG])
def test_a_notebook_runs(name):
    result = subprocess.run(
        [sys.executable, str(FOLDER / "run.py"), str(FOLDER / name)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert result.returncode == 0, result.stderr[-2000:]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_holds_no_outputs(name):
    kept = [cell for cell in cells(name) if cell.get("outputs") or cell.get("execution_count")]

    assert cells(name) and not kept


def test_the_cells_of_the_long_notebook_compile_and_what_they_import_is_there():
    sources = [cell.source for cell in cells(LONG) if cell.cell_type == "code"]
    trees = [ast.parse(TransformerManager().transform_cell(source)) for source in sources]
    wanted = [node for tree in trees for node in tree.body if isinstance(node, ast.ImportFrom)]

    for node in wanted:
        module = import_module(str(node.module))
        assert all(hasattr(module, name.name) for name in node.names), node.module
    assert {"make_examples", "train", "evaluate"} <= {n.name for node in wanted for n in node.names}
