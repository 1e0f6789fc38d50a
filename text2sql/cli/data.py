"""Commands about data sets."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from text2sql.cli.app import DataRootOption, JsonOption, data_app, note, print_json

DatasetArgument = Annotated[
    str, typer.Argument(help="A registered name, a folder in Spider's layout, or a file.")
]
SplitOption = Annotated[
    str, typer.Option(help="train, dev, or what the data set calls its others.")
]
LimitOption = Annotated[int | None, typer.Option(help="Only the first so many examples.")]


@data_app.command("list")
def list_(data_root: DataRootOption = None, json: JsonOption = False) -> None:
    """List the data sets that have a name, and whether they are there.

    Example: t2s data list
    """
    from text2sql import reporting
    from text2sql.data.catalog import list_datasets
    from text2sql.project import load_project

    rows = list_datasets(data_root=data_root, project=load_project())
    if json:
        print_json(rows)
        return
    columns = ["name", "splits", "there", "about"]
    cells = [
        (r["name"], " ".join(r["splits"]), "yes" if r["present"] else "no", r["about"])
        for r in rows
    ]
    typer.echo(reporting.rows_table(columns, cells))


@data_app.command()
def check(
    dataset: DatasetArgument,
    split: Annotated[
        str | None, typer.Option(help="One split; default: every split that is there.")
    ] = None,
    data_root: DataRootOption = None,
    limit: LimitOption = None,
    timeout: Annotated[float, typer.Option(help="Seconds for each gold query.")] = 30.0,
    strict: Annotated[
        bool, typer.Option(help="Exit with 1 on any finding but an empty result.")
    ] = False,
    quick: Annotated[
        bool, typer.Option(help="Only run each gold; look for no clock, randomness or ties.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Run every gold query; report what fails, takes too long, is empty, or is to be doubted.

    Doubted is a result that depends on the clock, on a random function, or on which of several
    equal rows the engine takes: LIMIT that cuts between ties, an order that leaves some.

    Example: t2s data check spider --split train
    """
    from text2sql import reporting
    from text2sql.data.checks import check_splits

    checks = check_splits(
        dataset,
        split=split,
        data_root=data_root,
        limit=limit,
        timeout=timeout,
        doubts=not quick,
        note=note,
    )
    if json:
        print_json([found.record() for found in checks])
    else:
        for found in checks:
            typer.echo(reporting.gold_check(found))
    if strict and any(found.faults() for found in checks):
        raise typer.Exit(1)


@data_app.command()
def stats(
    dataset: DatasetArgument,
    split: SplitOption = "train",
    base: Annotated[
        str | None, typer.Option(help="Count tokens with this base's tokenizer.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="PNG of the lengths to draw.")] = None,
    data_root: DataRootOption = None,
    limit: LimitOption = None,
    json: JsonOption = False,
) -> None:
    """Count examples by database, hardness and language, skeletons, lengths, curriculum.

    Tokens are the base's own with --base; without it they are estimated, and named so.

    Example: t2s data stats samples --split dev --plot lengths.png
    """
    from text2sql import reporting, scoring
    from text2sql.data.catalog import find_dataset
    from text2sql.data.statistics import describe, lengths
    from text2sql.project import load_project

    found = find_dataset(
        dataset, split=split, data_root=data_root, project=load_project(), limit=limit
    )
    count = _counter(base) if base else None
    counted = describe(found, hardness=scoring.hardness, count=count)
    if plot is not None:
        long = lengths(found, count)
        lists = dict(zip(long.names(), (long.questions, long.queries), strict=True))
        reporting.draw_histograms(lists, plot)
        note(f"lengths drawn in {plot}")
    if json:
        print_json(counted)
    else:
        typer.echo(reporting.mapping_table(counted))


def _counter(base: str) -> Callable[[str], int]:
    from text2sql.bases import find_base, load_tokenizer
    from text2sql.bundled import ensure_mini

    found = find_base(base)
    if found.name == "mini":
        ensure_mini()
    tokenizer = load_tokenizer(found)
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])


@data_app.command()
def neighbours(
    dataset: DatasetArgument,
    output: Annotated[
        Path,
        typer.Option(help="New folder, which `t2s score --databases` takes: a test suite."),
    ],
    split: SplitOption = "dev",
    data_root: DataRootOption = None,
    limit: LimitOption = None,
    k: Annotated[
        int, typer.Option("-k", min=1, max=99, help="Neighbours of a database, at most.")
    ] = 8,
    seed: Annotated[int, typer.Option(help="Of the random choices; the same makes the same.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Databases at the same time.")] = 2,
    resume: Annotated[bool, typer.Option(help="Continue a run that was stopped.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Empty the output folder first.")] = False,
    json: JsonOption = False,
) -> None:
    """Make mutated copies of each database that tell gold SQL from its near misses.

    A prediction that is right by chance on the original gives other rows than the gold on one of
    them: score on the folder with --metric test_suite_accuracy.

    Example: t2s data neighbours spider --output spider-neighbours
    """
    from text2sql import reporting
    from text2sql.data.catalog import find_dataset
    from text2sql.data.neighbours import Settings, make_neighbours, summarise
    from text2sql.project import load_project

    found = find_dataset(
        dataset, split=split, data_root=data_root, project=load_project(), limit=limit
    )
    record = make_neighbours(
        found,
        output,
        settings=Settings(k=k, seed=seed),
        workers=workers,
        resume=resume,
        overwrite=overwrite,
        note=note,
    )
    if json:
        print_json(record)
    else:
        typer.echo(reporting.mapping_table(summarise(record)))
