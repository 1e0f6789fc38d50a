"""The command for a first look."""

from pathlib import Path
from typing import Annotated

import typer

from text2sql.cli.app import app


@app.command()
def quickstart(
    output: Annotated[Path, typer.Option(help="Folder of the adapter and the results.")] = Path(
        "runs/quickstart"
    ),
) -> None:
    """Run the whole loop on bundled data: prepare, train, evaluate before and after, ask.

    Example: t2s quickstart
    """
    from text2sql.quickstart import quickstart

    quickstart(output)
