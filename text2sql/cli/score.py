"""The command that scores predictions that somebody already has."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from text2sql.cli.app import DatabaseOption, JsonOption, app, note, print_json
from text2sql.cli.evaluate import MetricOption, SkipOption
from text2sql.cli.progress import Bar

OFFICIAL_METRICS = {
    "exec": ["execution_accuracy"],
    "match": ["exact_set_match"],
    "all": ["execution_accuracy", "exact_set_match"],
}


@app.command()
def score(
    predictions: Annotated[
        Path | None,
        typer.Argument(
            help="One SQL a line, JSON Lines with `sql`, or BIRD's JSON object; - is stdin."
        ),
    ] = None,
    gold: Annotated[
        Path | None, typer.Option(help="`SQL<TAB>db_id` lines, Spider JSON, or example lines.")
    ] = None,
    databases: Annotated[
        Path | None, typer.Option("--databases", "--db", help="Folder of <db_id>/<db_id>.sqlite.")
    ] = None,
    database: DatabaseOption = None,
    tables: Annotated[
        Path | None,
        typer.Option(
            "--tables", "--table", help="Spider's tables.json: names as the official parser knows."
        ),
    ] = None,
    metric: MetricOption = None,
    rule: Annotated[
        str, typer.Option(help="Which rule heads the report: official or strict.")
    ] = "official",
    pass_at: Annotated[
        list[int] | None,
        typer.Option(help="pass@K over the `candidates` of each record, and their vote."),
    ] = None,
    plug_value: Annotated[
        bool,
        typer.Option(
            "--plug-value", "--plug_value", help="Try the gold query's values in the prediction."
        ),
    ] = False,
    keep_distinct: Annotated[
        bool,
        typer.Option(
            "--keep-distinct", "--keep_distinct", help="Do not strip DISTINCT from both sides."
        ),
    ] = False,
    engine: Annotated[
        str | None, typer.Option(help="duckdb: port a SQLite benchmark to DuckDB.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="A moment for now() and its like, such as 2024-01-31.")
    ] = None,
    skip_bad_gold: SkipOption = False,
    timeout: Annotated[float, typer.Option(help="Seconds for each query.")] = 30.0,
    workers: Annotated[int, typer.Option(help="Processes that run SQL.")] = 2,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep gold results on disk.")
    ] = True,
    output: Annotated[
        Path | None, typer.Option(help="Write one verdict a line, the scorecard beside it.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the output file.")] = False,
    json: JsonOption = False,
    pred: Annotated[Path | None, typer.Option(hidden=True)] = None,
    etype: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Score predicted SQL by running it next to the gold SQL.

    A run that was killed goes on where it was when the same is run again. The official program's
    options --pred, --db, --table, --etype, --plug_value and --keep_distinct mean the same here.

    Example: t2s score predictions.sql --gold dev_gold.sql --databases spider/database
    """
    from text2sql import reporting, scoring
    from text2sql.errors import OutputError, SettingsError, UnknownName
    from text2sql.project import find_database

    if (predictions is None) == (pred is None):
        raise typer.BadParameter("give one file of predictions", param_hint="PREDICTIONS")
    if gold is None:
        raise typer.BadParameter("give the gold", param_hint="--gold")
    if (databases is None) == (database is None):
        raise SettingsError("give either --databases DIR or -d URL")
    if etype is not None and etype not in OFFICIAL_METRICS:
        raise UnknownName("etype", etype, OFFICIAL_METRICS)
    if output and output.exists() and not overwrite:
        raise OutputError(f"{output} exists: replace it with --overwrite")
    asked = [*(metric or []), *(OFFICIAL_METRICS[etype] if etype else [])]
    where = find_database(database) if databases is None else databases
    with _file(predictions or pred) as file, Bar("scored") as bar:
        if pass_at:
            scores = scoring.score_samples(
                file,
                gold,
                where,
                k=pass_at,
                metric=asked[0] if asked else "execution_accuracy",
                tables=tables,
                skip_bad_gold=skip_bad_gold,
                as_of=as_of,
                workers=workers,
                timeout=timeout,
                progress=bar,
            )
            if output:
                scoring.write_verdicts(scores, output)
        else:
            scores = scoring.score(
                file,
                gold,
                where,
                metrics=asked,
                tables=tables,
                rule=rule,
                keep_distinct=keep_distinct,
                plug_value=plug_value,
                skip_bad_gold=skip_bad_gold,
                as_of=as_of,
                engine=engine,
                workers=workers,
                timeout=timeout,
                progress=bar,
                output=output,
                resumable=True,
                gold_cache=cache,
            )
    if scores.continued:
        note(f"went on after {scores.continued:,} verdicts of a run that had not ended")
    if json:
        print_json(scores.scorecard)
    else:
        typer.echo(reporting.report(scores))


@contextmanager
def _file(path: Path | None) -> Iterator[Path]:
    """Give the file itself, or what stdin holds as a file."""
    if path is None or str(path) != "-":
        yield path or Path()
        return
    import shutil
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".stdin") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)
