"""The command that trains an adapter."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

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
    allow_contaminated: Annotated[
        bool, typer.Option(help="Train on questions that an evaluation set asks, too.")
    ] = False,
    raw_sql: Annotated[
        bool, typer.Option(help="Learn gold SQL as written, not canonicalised.")
    ] = False,
    load_in_4bit: Annotated[
        bool, typer.Option(help="QLoRA: the base in 4 bits (bitsandbytes).")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what the run will need; nothing is loaded.")
    ] = False,
    memory: Annotated[
        str | None, typer.Option(help="With --plan: memory of one GPU, such as 24GiB.")
    ] = None,
    gpus: Annotated[int, typer.Option(min=1, help="How many GPUs.")] = 1,
    card: Annotated[
        str | None, typer.Option(help="With --plan: which GPU, such as l4, a100-80gb or h100.")
    ] = None,
    tflops: Annotated[
        float | None, typer.Option(min=0.001, help="With --plan: measured TFLOP/s of one GPU.")
    ] = None,
    data_root: DataRootOption = None,
    revision: RevisionOption = None,
    trust_remote_code: TrustOption = None,
    json: JsonOption = False,
) -> None:
    """Fine-tune a LoRA adapter on a data set, or say with --plan what that will need.

    Example: t2s train --base codellama-7b --data spider --set learning_rate=1e-4 --output runs/mine
    """
    settings = {"base": base, "data": data, "split": split, "limit": limit}
    flags = {
        "allow_skips": allow_skips,
        "allow_contaminated": allow_contaminated,
        "raw_sql": raw_sql,
        "load_in_4bit": load_in_4bit,
    }
    settings |= {name: True for name, given in flags.items() if given}
    if plan:
        size: dict[str, Any] = {"memory": memory, "gpus": gpus, "card": card, "tflops": tflops}
        _show_plan(recipe, settings, set_ or [], data_root, size, json)
        return
    if gpus > 1 and "WORLD_SIZE" not in os.environ:
        raise typer.Exit(_launch(recipe, settings, set_ or [], output, gpus))
    from text2sql.training.processes import is_main
    from text2sql.training.start import start

    run = start(
        recipe,
        overrides=set_ or [],
        settings=settings,
        output=output,
        resume=resume,
        overwrite=overwrite,
        data_root=data_root,
        revision=revision,
        trust_remote_code=trust_remote_code,
    )
    if not is_main():
        return
    if json:
        print_json(run.record())
        return
    loss = "" if run.loss is None else f", mean loss {run.loss:.3f}"
    note(f"{run.examples:,} examples, {run.steps:,} steps{loss}, {run.seconds:.0f} s")
    typer.echo(str(run.folder))


def _launch(
    recipe: Path | None,
    settings: dict[str, Any],
    overrides: list[str],
    output: Path | None,
    gpus: int,
) -> int:
    from text2sql.project import load_project
    from text2sql.training.launching import launch, without_gpus
    from text2sql.training.start import read_request

    read = read_request(
        recipe, settings=settings, overrides=overrides, output=output, project=load_project()
    )
    return launch(without_gpus(sys.argv[1:]), Path(str(read.output_dir)), read, processes=gpus)


def _show_plan(
    recipe: Path | None,
    settings: dict[str, Any],
    overrides: list[str],
    data_root: Path | None,
    size: dict[str, Any],
    json: bool,
) -> None:
    from text2sql import reporting
    from text2sql.project import load_project
    from text2sql.training.plan import plan
    from text2sql.training.start import find_data, read_request

    project = load_project()
    read = read_request(recipe, settings=settings, overrides=overrides, project=project)
    found = plan(read, find_data(read, data_root=data_root, project=project), **size)
    if json:
        print_json(found.record())
    else:
        typer.echo(reporting.plan_table(found))
