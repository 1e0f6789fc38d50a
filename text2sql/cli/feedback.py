"""The command that turns feedback into training pairs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from text2sql.cli.app import DatabaseOption, JsonOption, data_app, note, print_json

if TYPE_CHECKING:
    from text2sql.serving.feedback_pairs import Learned


@data_app.command()
def feedback(
    store: Annotated[Path, typer.Argument(help="The feedback file of a service (SQLite).")],
    database: DatabaseOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File of JSON Lines, else stdout.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for one query.")] = 5.0,
    overwrite: Annotated[bool, typer.Option(help="Replace the file that is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Turn what users said about answers into training pairs; each SQL is run first.

    What is written are example records: `t2s train --data` takes them, and `pairs:` of a database
    in text2sql.yaml. Without -d each entry is run on the database of text2sql.yaml that has the
    name by which the service knows it. --json prints an account, and needs --output.

    Example: t2s data feedback feedback.sqlite -d shop.sqlite --output feedback.jsonl
    """
    from text2sql.data.synthesis.sets import json_lines
    from text2sql.data.writing import refuse_existing
    from text2sql.outputs import write_whole
    from text2sql.serving.feedback import read_feedback
    from text2sql.serving.feedback_pairs import homes, learn

    if json and output is None:
        raise typer.BadParameter("--json prints an account of the run: give --output FILE, too")
    if output is not None:
        refuse_existing(output, overwrite=overwrite)
    said = read_feedback(store)
    learned = learn(said, homes(said, database), timeout=timeout)
    if output is None:
        sys.stdout.write(json_lines(learned.records))
    else:
        write_whole(output, json_lines(learned.records))
    if json:
        print_json(learned.account())
        return
    _tell(learned)
    if output is not None:
        typer.echo(f"{len(learned.records):,} pairs in {output}")


def _tell(learned: "Learned") -> None:
    left = ", ".join(f"{count:,} {reason}" for reason, count in learned.left.items())
    note(f"read {learned.read:,} entries; left out: {left or 'none'}")
    for each in learned.contradictions:
        note(f"contradiction in {each.database}: {each.question!r}: {each.reason}")
        for sql in each.sql:
            note(f"  {sql}")
    for fault in learned.failing:
        note(f"does not run: {fault['sql']}: {fault['reason']}")
