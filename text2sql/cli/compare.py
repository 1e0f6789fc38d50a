"""The command that compares runs."""

from pathlib import Path
from typing import Annotated

import typer

from text2sql.cli.app import JsonOption, app, print_json


@app.command()
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of `t2s eval`, or files of `t2s score --output`; two or more.",
            metavar="RUN",
        ),
    ],
    metric: Annotated[
        str | None, typer.Option(help="Name of a metric.  [default: the headline of the runs]")
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="Examples to show of each side.")] = 3,
    robustness: Annotated[
        bool,
        typer.Option(
            "--robustness",
            help="The second run answers perturbed questions with the same gold; its verdicts name"
            " the original example by `source_index`, or have its index.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Compare runs example by example: wins and losses, tests, intervals, by hardness.

    Runs compare where they measured the same thing; seeds of one treatment are grouped.

    Example: t2s compare runs/greedy runs/beam --metric strict_execution_accuracy
    """
    from text2sql import reporting
    from text2sql.scoring.comparison.contrasts import compare as compare_runs

    found = compare_runs(runs, metric=metric, examples=examples, robustness=robustness)
    if json:
        print_json(found.record())
    else:
        typer.echo(reporting.comparison_table(found))
