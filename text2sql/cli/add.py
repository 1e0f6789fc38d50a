"""The command that registers a data set in the project."""

from pathlib import Path
from typing import Annotated

import typer

from text2sql.cli.app import JsonOption, data_app, note, print_json


@data_app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the data set is to be called.")],
    file: Annotated[Path, typer.Argument(help="Questions with SQL, as JSON or JSON Lines.")],
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            "-d",
            help="Of all questions: a name in text2sql.yaml, a path, or a URL without a password;"
            " else the records name theirs.",
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Of records that do not name theirs.")] = "train",
    dev: Annotated[
        float, typer.Option(min=0, max=0.99, help="Share of train that becomes dev.")
    ] = 0.0,
    drop: Annotated[
        bool, typer.Option(help="Leave out golds that fail and leaks, instead of refusing.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the choice of dev.")] = 0,
    timeout: Annotated[float, typer.Option(help="Seconds for each gold query.")] = 30.0,
    overwrite: Annotated[bool, typer.Option(help="Replace splits that are there.")] = False,
    json: JsonOption = False,
) -> None:
    """Register a data set of your own in text2sql.yaml, after running every gold.

    Then `t2s train --data NAME`, `t2s eval NAME` and `t2s data list` know it.

    Example: t2s data add mine pairs.jsonl -d shop.sqlite --dev 0.1
    """
    from text2sql.cli.progress import Bar
    from text2sql.data.registering import register
    from text2sql.project import load_project

    with Bar("checked") as bar:
        added = register(
            name,
            file,
            load_project(),
            database=database,
            split=split,
            dev_share=dev,
            drop=drop,
            seed=seed,
            timeout=timeout,
            overwrite=overwrite,
            progress=bar,
        )
    if json:
        print_json(added.record())
        return
    found = {
        "golds that fail": len(added.failing),
        "golds without a row": added.empty,
        "said twice": added.repeated,
        "questions in several splits": len(added.leaks),
        "questions with several SQLs": len(added.conflicts),
    }
    note("found: " + (", ".join(f"{n:,} {what}" for what, n in found.items() if n) or "no fault"))
    if added.shared:
        note(f"asked about by several splits: {', '.join(added.shared)} (scores are in-domain)")
    counts = ", ".join(f"{number:,} {split}" for split, number in added.counts.items())
    typer.echo(f"{added.name}: {counts} in {added.folder}")
