"""The command that chooses anew among stored samples."""

from pathlib import Path
from typing import Annotated

import typer

from text2sql.cli.app import DataRootOption, JsonOption, app, print_json
from text2sql.cli.progress import Bar


@app.command()
def select(
    run: Annotated[
        Path, typer.Argument(help="Folder of `t2s eval --num-samples K`.", metavar="RUN")
    ],
    selection: Annotated[
        list[str] | None,
        typer.Option(help="first, executes, vote or mbr; repeatable.  [default: all four]"),
    ] = None,
    k: Annotated[
        str | None,
        typer.Option(
            "--k", "-k", help="Numbers of samples, such as 1,5,10.  [default: the usual ones]"
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Draw the k samples instead of taking the first.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Which samples are right.  [default: the run's headline]")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="The run's data set, where it is not where it was.")
    ] = None,
    data_root: DataRootOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that run SQL.")] = 2,
    json: JsonOption = False,
) -> None:
    """Score other selections among the stored samples of a run; no model is needed.

    Writes RUN/selection.json.

    Example: t2s select runs/ten-samples --selection vote --selection mbr --k 1,5,10
    """
    from text2sql import reporting
    from text2sql.decoding.selection import SELECTIONS
    from text2sql.project import load_project
    from text2sql.reselection import reselect

    with Bar("selected") as bar:
        found = reselect(
            run,
            selections=selection or list(SELECTIONS),
            k=_numbers(k),
            seed=seed,
            metric=metric,
            data=data,
            data_root=data_root,
            project=load_project(),
            workers=workers,
            progress=bar,
        )
    if json:
        print_json(found.record())
    else:
        typer.echo(reporting.selection_table(found))


def _numbers(text: str | None) -> list[int]:
    try:
        return [int(part) for part in text.split(",")] if text else []
    except ValueError:
        raise typer.BadParameter(f"numbers with commas, not {text!r}", param_hint="--k") from None
