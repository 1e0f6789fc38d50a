"""The command that evaluates a model."""

from pathlib import Path
from typing import Annotated

import typer

from text2sql.cli.app import (
    AdapterOption,
    BaseOption,
    DataRootOption,
    DeviceMapOption,
    DtypeOption,
    FourBitOption,
    JsonOption,
    RevisionOption,
    TrustOption,
    app,
    note,
    print_json,
    with_defaults,
)

MetricOption = Annotated[
    list[str] | None,
    typer.Option(help="Name of a metric; repeatable.  [default: execution_accuracy]"),
]
SkipOption = Annotated[
    bool, typer.Option(help="Count gold SQL that does not run instead of stopping at it.")
]


@app.command("eval")
def evaluate(
    dataset: Annotated[
        str, typer.Argument(help="A registered name (t2s data list), a folder, or a file.")
    ],
    split: Annotated[
        str, typer.Option(help="dev, train, or what the data set calls its others.")
    ] = "dev",
    base: BaseOption = None,
    adapter: AdapterOption = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many examples.")] = None,
    num_samples: Annotated[
        int, typer.Option(help="Texts to draw; the first valid one is taken.")
    ] = 1,
    temperature: Annotated[
        float | None, typer.Option(help="0 is greedy; default 0, or 0.8 for samples.")
    ] = None,
    top_p: Annotated[float, typer.Option(help="Nucleus sampling.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the sampling.")] = 0,
    max_new_tokens: Annotated[int, typer.Option(help="Tokens that an answer may have.")] = 256,
    batch_size: Annotated[int, typer.Option(help="Prompts generated together.")] = 16,
    style: Annotated[
        str | None, typer.Option(help="Of the schema; default: the adapter's or base's.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Of the instruction: en or zh.")] = None,
    metric: MetricOption = None,
    skip_bad_gold: SkipOption = False,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the results.  [default: a new one in runs/]")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Continue the run in the output folder.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Empty the output folder first.")] = False,
    load_in_4bit: FourBitOption = False,
    dtype: DtypeOption = "auto",
    device_map: DeviceMapOption = None,
    data_root: DataRootOption = None,
    revision: RevisionOption = None,
    trust_remote_code: TrustOption = None,
    json: JsonOption = False,
) -> None:
    """Evaluate a model on a data set by running predicted and gold SQL.

    Example: t2s eval spider --base codellama-7b --adapter runs/mine --limit 200
    """
    from text2sql import reporting
    from text2sql.data.catalog import find_dataset
    from text2sql.decoding.generation import Decoding
    from text2sql.evaluation import evaluate, new_folder
    from text2sql.models import open_model
    from text2sql.project import load_project

    found = find_dataset(
        dataset, split=split, data_root=data_root, project=load_project(), limit=limit
    )
    decoding = Decoding(num_samples, temperature, top_p, seed, max_new_tokens, batch_size)
    with open_model(
        **with_defaults(base, adapter, style, language),
        load_in_4bit=load_in_4bit,
        dtype=dtype,
        device_map=device_map,
        revision=revision,
        trust_remote_code=trust_remote_code,
    ) as model:
        folder = output or new_folder(found, model)
        result = evaluate(
            found,
            model,
            folder,
            decoding=decoding,
            metrics=metric or ["execution_accuracy"],
            skip_bad_gold=skip_bad_gold,
            resume=resume,
            overwrite=overwrite,
        )
    if json:
        print_json(result.scorecard)
        return
    typer.echo(reporting.report(result.scores))
    typer.echo(reporting.validity(result.scorecard))
    note(f"predictions, verdicts, scorecard and report: {folder}")
