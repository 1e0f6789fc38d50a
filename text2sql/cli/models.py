"""Commands about base models and about this installation."""

from pathlib import Path
from typing import Annotated

import typer

from text2sql.cli.app import JsonOption, app, base_app, note, print_json


@base_app.command("list")
def list_(
    contains: Annotated[
        str | None, typer.Argument(help="Only names or hub ids that contain this.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the base models that the kit knows, with hub id, prompt format and size.

    Example: t2s base list codellama
    """
    from dataclasses import asdict

    from text2sql import reporting
    from text2sql.bases import BASES

    wanted = (contains or "").casefold()
    bases = [b for b in BASES.values() if wanted in f"{b.name} {b.hub_id}".casefold()]
    if json:
        print_json([asdict(base) for base in bases])
        return
    typer.echo(reporting.bases_table(bases))
    if not bases:
        note(f"no base contains {contains!r}")
        raise typer.Exit(1)


@base_app.command()
def build(
    name: Annotated[
        str, typer.Argument(help="Which base: mini is the one that the kit builds itself.")
    ] = "mini",
    output: Annotated[
        Path | None, typer.Option(help="Folder of the base; default: where the kit looks for it.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Optimiser steps of the whole build.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.0, help="Stop after so many; --resume goes on.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with a build that was stopped.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Begin anew, and replace what is there.")] = False,
    seed: Annotated[int, typer.Option(help="Of the weights and of the invented databases.")] = 1,
) -> None:
    """Build the bundled base: invented databases, a tokenizer, pretraining. Takes hours.

    Example: t2s base build mini --output runs/mini --minutes 30 --resume
    """
    from text2sql.bases import mini
    from text2sql.bundled import STEPS, build_mini
    from text2sql.errors import UnknownName

    if name != "mini":
        raise UnknownName("base that the kit builds", name, ["mini"])
    place = output or mini.place()
    done = build_mini(
        place,
        steps=steps or STEPS,
        minutes=minutes,
        resume=resume,
        overwrite=overwrite,
        seed=seed,
    )
    if done:
        typer.echo(str(place))
    else:
        note("not done yet: --resume goes on")


@app.command()
def doctor(json: JsonOption = False) -> None:
    """Say what is installed, what hardware there is, and where things are kept.

    Example: t2s doctor
    """
    from text2sql import reporting
    from text2sql.diagnosis import diagnose

    found = diagnose()
    if json:
        print_json(found)
    else:
        typer.echo(reporting.mapping_table(found))
    if found["problems"]:
        raise typer.Exit(1)
