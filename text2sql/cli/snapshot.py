"""The command that copies a closed, masked sample of a database."""

from pathlib import Path
from typing import Annotated

import typer

from text2sql.cli.app import DatabaseOption, JsonOption, data_app, note, print_json

_SHOWN = 12  # masked columns that are named


@data_app.command()
def snapshot(
    database: DatabaseOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A .sqlite or .duckdb file.  [default: NAME.sqlite]"),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Of each table, before what they refer to.")] = (
        2000
    ),
    mask: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN, TABLE.COLUMN or a pattern, =hash, =fake or =null; repeatable."),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for one query of the source.")] = 30.0,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Copy a sample of a database into a local file: closed under its keys, secrets masked.

    Masked keys stay joined. T2S_MASK_SECRET in the environment makes the same masks again.

    Example: t2s data snapshot -d warehouse --rows 2000 --mask email --mask 'customers.name=fake'
    """
    from text2sql import reporting
    from text2sql.cli.progress import Bar
    from text2sql.data.snapshots.taking import take_snapshot
    from text2sql.project import find_database

    found = find_database(database)
    with Bar("tables") as bar:
        taken = take_snapshot(
            found,
            output or Path(f"{Path(found.name).stem}.sqlite"),
            rows=rows,
            masks=mask or (),
            timeout=timeout,
            overwrite=overwrite,
            progress=bar,
        )
    if json:
        print_json(taken.record())
        return
    cells = [
        (name, table.rows, "?" if table.of is None else table.of)
        for name, table in taken.tables.items()
    ]
    typer.echo(reporting.rows_table(["table", "rows", "of"], cells))
    for join in taken.joins:
        note(f"join found out, and followed: {join.shown} (confidence {join.confidence:.2f})")
    for name, number in taken.dangling.items():
        note(f"{name}: {number:,} keys lead nowhere in the source either")
    for what in taken.left_out:
        note(f"left out: {what}")
    masked = [f"{name} ({way})" for name, way in taken.masked.items()]
    rest = f", ... ({len(masked)} columns)" if len(masked) > _SHOWN else ""
    note(f"masked: {', '.join(masked[:_SHOWN]) or 'nothing'}{rest}")
    note(f"written: {taken.path}")
