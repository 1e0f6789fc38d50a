"""The command that evaluates a model, with one decoding setting or several."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from text2sql.data.catalog import DataSet
    from text2sql.decoding.generation import Decoding
    from text2sql.models import Model

ConstraintOption = Annotated[
    str,
    typer.Option(
        help="Which tokens are legal: none (all), schema (SQL over its tables and columns),"
        " types (and no sum of texts or the like), values (and the database's values where one is"
        " compared)."
    ),
]
SelectionOption = Annotated[
    str,
    typer.Option(
        help="Of several samples: first (valid one), executes (first that runs), vote (commonest"
        " result), mbr (result nearest to all others)."
    ),
]
BeamsOption = Annotated[int, typer.Option(help="Beam search over so many texts.")]
AbstainOption = Annotated[
    float | None,
    typer.Option(help="Give no answer where a smaller share of the samples agrees, such as 0.5."),
]
SamplesOption = Annotated[int, typer.Option(help="Texts to draw; --selection chooses one.")]
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
    num_samples: SamplesOption = 1,
    temperature: Annotated[
        float | None, typer.Option(help="0 is greedy; default 0, or 0.8 for samples.")
    ] = None,
    top_p: Annotated[float, typer.Option(help="Nucleus sampling.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the sampling.")] = 0,
    max_new_tokens: Annotated[int, typer.Option(help="Tokens that an answer may have.")] = 256,
    batch_size: Annotated[int, typer.Option(help="Prompts generated together.")] = 16,
    constraint: ConstraintOption = "schema",
    selection: SelectionOption = "first",
    num_beams: BeamsOption = 1,
    abstain_below: AbstainOption = None,
    sweep: Annotated[
        Path | None,
        typer.Option(
            help="YAML list of decoding settings (`- {num_samples: 5, selection: vote}`), each"
            " evaluated into OUTPUT/<name>/ on one loaded model; other options are their defaults."
        ),
    ] = None,
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
    from text2sql.data.catalog import find_dataset
    from text2sql.decoding.generation import Decoding
    from text2sql.decoding.selection import check_selection
    from text2sql.models import open_model
    from text2sql.project import load_project
    from text2sql.sweeps import read_sweep

    found = find_dataset(
        dataset, split=split, data_root=data_root, project=load_project(), limit=limit
    )
    if found.everywhere is not None and found.everywhere.policy is not None:
        note("the policy of the database does not hold here: SQL is scored on all of its rows")
    decoding = Decoding(
        num_samples=num_samples,
        temperature=temperature,
        top_p=top_p,
        seed=seed,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        constraint=constraint,
        selection=selection,
        num_beams=num_beams,
    )
    settings = read_sweep(sweep, default=decoding, abstain_below=abstain_below) if sweep else None
    if settings is None:
        check_selection(decoding, abstain_below)
    options: dict[str, Any] = {
        "metrics": metric or ["execution_accuracy"],
        "abstain_below": abstain_below,
        "skip_bad_gold": skip_bad_gold,
        "resume": resume,
        "overwrite": overwrite,
    }
    with open_model(
        **with_defaults(base, adapter, style, language),
        load_in_4bit=load_in_4bit,
        dtype=dtype,
        device_map=device_map,
        revision=revision,
        trust_remote_code=trust_remote_code,
    ) as model:
        if settings is not None:
            _sweep(found, model, output, settings, options, json=json)
        else:
            _evaluate(found, model, output, decoding, options, json=json)


def _evaluate(
    dataset: "DataSet",
    model: "Model",
    output: Path | None,
    decoding: "Decoding",
    options: dict[str, Any],
    *,
    json: bool,
) -> None:
    from text2sql import reporting
    from text2sql.evaluation import evaluate, new_folder

    folder = output or new_folder(dataset, model)
    result = evaluate(dataset, model, folder, decoding=decoding, **options)
    if json:
        print_json(result.scorecard)
        return
    typer.echo(reporting.report(result.scores))
    typer.echo(reporting.decoding_summary(result.scorecard))
    note(f"predictions, verdicts, scorecard and report: {folder}")


def _sweep(
    dataset: "DataSet",
    model: "Model",
    output: Path | None,
    settings: "dict[str, Decoding]",
    options: dict[str, Any],
    *,
    json: bool,
) -> None:
    from text2sql import reporting
    from text2sql.evaluation import new_folder
    from text2sql.sweeps import sweep

    folder = output or new_folder(dataset, model)
    record = sweep(dataset, model, folder, settings, **options)
    if json:
        print_json(record)
        return
    typer.echo(reporting.sweep_table(record))
    note(f"sweep.json and a folder for each setting: {folder}")
