"""Run a notebook from top to bottom and fail on the first error; the file keeps no outputs.

    python notebooks/run.py notebooks/from_question_to_score.ipynb
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def run(path: Path) -> None:
    """Execute every cell in a fresh kernel, in the notebook's folder."""
    notebook = nbformat.read(path, as_version=4)
    stray = [cell.id for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    if stray:
        sys.exit(f"{path} holds outputs: clear them before committing")
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(path.parent)}}).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            print(output.get("text") or output.get("data", {}).get("text/plain", ""))


if __name__ == "__main__":
    run(Path(sys.argv[1]))
