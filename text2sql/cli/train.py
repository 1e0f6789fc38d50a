"""The command that trains an adapter."""

from pathlib import Path
from typing import Annotated

import typer

from text2sql.cli.app import (
    DataRootOption,
    JsonOption,
    RevisionOption,
    TrustOption,
    app,
    note,
    print_json,
)


@app.command()
def train(
    base: Annotated[
        str | None, typer.Option(help="Base: a name (t2s base list), hub id or local folder.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Data set: a name or path.  [default: spider]")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Its split.  [default: train]")] = None,
    recipe: Annotated[Path | None, typer.Option(help="YAML file of settings.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value over the recipe; repeatable.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the adapter.  [default: runs/<base>-<data>]")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many examples.")] = None,
    resume: Annotated[
        bool, typer.Option(help="Continue from the last checkpoint in the output folder.")
    ] = False,
    overwrite: Annotated[bool, typer.Option(help="Empty the output folder first.")] = False,
    allow_skips: Annotated[bool, typer.Option(help="Leave out examples that do not fit.")] = False,
    raw_sql: Annotated[
        bool, typer.Option(help="Learn gold SQL as written, not canonicalised.")
    ] = False,
    load_in_4bit: Annotated[
        bool, typer.Option(help="QLoRA: the base in 4 bits (bitsandbytes).")
    ] = False,
    data_root: DataRootOption = None,
    revision: RevisionOption = None,
    trust_remote_code: TrustOption = None,
    json: JsonOption = False,
) -> None:
    """Fine-tune a LoRA adapter on a data set.

    Example: t2s train --base codellama-7b --data spider --set learning_rate=1e-4 --output runs/mine
    """
    from text2sql.training.start import start

    settings = {"base": base, "data": data, "split": split, "limit": limit}
    flags = {"allow_skips": allow_skips, "raw_sql": raw_sql, "load_in_4bit": load_in_4bit}
    run = start(
        recipe,
        overrides=set_ or [],
        settings=settings | {name: True for name, given in flags.items() if given},
        output=output,
        resume=resume,
        overwrite=overwrite,
        data_root=data_root,
        revision=revision,
        trust_remote_code=trust_remote_code,
    )
    if json:
        print_json(run.record())
        return
    loss = "" if run.loss is None else f", mean loss {run.loss:.3f}"
    note(f"{run.examples:,} examples, {run.steps:,} steps{loss}, {run.seconds:.0f} s")
    typer.echo(str(run.folder))
