"""Commands about base models and about this installation."""

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
    overwrite: Annotated[bool, typer.Option(help="Build it again where it is there.")] = False,
) -> None:
    """Build the bundled base from the bundled samples (about two minutes on two cores).

    Example: t2s base build mini --overwrite
    """
    from text2sql.bases import mini
    from text2sql.bundled import build_mini, ensure_mini
    from text2sql.errors import UnknownName

    if name != "mini":
        raise UnknownName("base that the kit builds", name, ["mini"])
    if overwrite:
        build_mini(mini.place())
    typer.echo(str(ensure_mini()))


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
