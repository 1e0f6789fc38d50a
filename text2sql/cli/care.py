"""Commands that take out of a data set what should not be learnt from."""

from pathlib import Path
from typing import Annotated

import typer

from text2sql.cli.app import DataRootOption, JsonOption, data_app, note, print_json
from text2sql.cli.data import DatasetArgument, LimitOption, SplitOption

OverwriteOption = Annotated[bool, typer.Option(help="Replace the output file.")]


@data_app.command()
def dedup(
    dataset: DatasetArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON Lines to write.")],
    by: Annotated[str, typer.Option(help="exact, minhash, semantic or skeleton.")] = "exact",
    threshold: Annotated[
        float | None,
        typer.Option(help="Likeness that counts, for minhash (0.8) and semantic (0.97)."),
    ] = None,
    keep: Annotated[int, typer.Option(min=1, help="Examples that are alike, at most.")] = 1,
    base: Annotated[str, typer.Option(help="With --by semantic: whose embeddings.")] = "mini",
    split: SplitOption = "train",
    data_root: DataRootOption = None,
    limit: LimitOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Leave out examples that say again what an earlier one about the same database said.

    The first of those that are alike stays. minhash and semantic compare questions whose SQL has
    one skeleton; skeleton compares the SQL alone.

    Example: t2s data dedup mine.jsonl -o clean.jsonl --by minhash --threshold 0.9
    """
    from text2sql import reporting
    from text2sql.data.catalog import find_dataset
    from text2sql.data.deduplication import deduplicate
    from text2sql.data.writing import refuse_existing, write_examples
    from text2sql.project import load_project

    refuse_existing(output, overwrite=overwrite)
    found = find_dataset(
        dataset, split=split, data_root=data_root, project=load_project(), limit=limit
    )
    embed = None
    if by == "semantic":
        from text2sql.bases import find_base
        from text2sql.bases.embedding import embedder
        from text2sql.bundled import ensure_mini

        if find_base(base).name == "mini":
            ensure_mini()
        embed = embedder(find_base(base))
    result = deduplicate(found, by=by, threshold=threshold, keep=keep, embed=embed)
    write_examples(output, result.kept)
    note(f"{len(result.kept.examples):,} examples in {output}")
    if json:
        print_json(reporting.deduplicated_record(result))
    else:
        typer.echo(reporting.deduplicated_table(result))


@data_app.command()
def decontaminate(
    dataset: DatasetArgument,
    against: Annotated[
        list[str],
        typer.Option(help="Evaluation set: a name, folder or file, its split after a colon."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="JSON Lines of what is clean.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="database, question or skeleton; repeatable.  [default: all]"),
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Share of letter triples from which on questions are the same.")
    ] = 0.8,
    split: SplitOption = "train",
    data_root: DataRootOption = None,
    limit: LimitOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Find training examples whose database, question or SQL an evaluation set has, too.

    Example: t2s data decontaminate mine.jsonl --against spider --against bird:dev -o clean.jsonl
    """
    from text2sql import reporting
    from text2sql.data.catalog import find_dataset, find_split
    from text2sql.data.decontamination import KINDS, find_overlaps, without
    from text2sql.data.writing import refuse_existing, write_examples
    from text2sql.project import load_project

    if output is not None:
        refuse_existing(output, overwrite=overwrite)
    project = load_project()
    train = find_dataset(dataset, split=split, data_root=data_root, project=project, limit=limit)
    tests = [find_split(name, data_root=data_root, project=project) for name in against]
    overlaps = find_overlaps(train, tests, kinds=by or list(KINDS), threshold=threshold)
    clean = without(train, overlaps)
    if output is not None:
        write_examples(output, clean)
        note(f"{len(clean.examples):,} examples in {output}")
    if json:
        print_json(reporting.overlaps_record(train, clean, overlaps))
    else:
        typer.echo(reporting.overlaps_table(train, clean, overlaps))
