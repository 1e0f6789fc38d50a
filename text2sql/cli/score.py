"""The command that scores predictions that somebody already has."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from text2sql.cli.app import JsonOption, app, note, print_json
from text2sql.cli.evaluate import SkipOption
from text2sql.cli.progress import Bar

if TYPE_CHECKING:
    from text2sql.databases import Database

OFFICIAL_METRICS = {
    "exec": ["execution_accuracy"],
    "match": ["exact_set_match"],
    "all": ["execution_accuracy", "exact_set_match"],
}
_METRICS = (
    "Repeatable: execution_accuracy, execution_accuracy_keep_distinct, test_suite_accuracy, "
    "strict_execution_accuracy, bird_execution_accuracy, exact_set_match, ves, r_ves, soft_f1, "
    "valid_sql.  [default: that of --rule]"
)


@app.command()
def score(
    predictions: Annotated[
        Path | None,
        typer.Argument(
            help="One SQL a line, JSON Lines with `sql`, a JSON array, or BIRD's JSON object;"
            " - is stdin."
        ),
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option(
            help="`SQL<TAB>db_id` lines, Spider's or BIRD's JSON, or JSON Lines with `question`,"
            " `query` and `db_id`.  [required]"
        ),
    ] = None,
    databases: Annotated[
        Path | None,
        typer.Option(
            "--databases",
            "--db",
            help="Folder of <db_id>/<db_id>.sqlite (or .duckdb).  [this or -d is required]",
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            "-d",
            help="One database for all examples: SQLAlchemy URL, file, or a name in text2sql.yaml.",
        ),
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option(
            "--tables",
            "--table",
            help="Spider's tables.json: the names that exact_set_match and hardness go by.",
        ),
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(help=_METRICS)] = None,
    rule: Annotated[
        str,
        typer.Option(
            help="official (execution_accuracy) or strict (strict_execution_accuracy): which heads"
            " the report."
        ),
    ] = "official",
    pass_at: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            help="pass@K over the `candidates` of each record, and their vote; repeatable. One"
            " --metric says which samples are right.",
        ),
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
    workers: Annotated[int, typer.Option(min=1, help="Processes that run SQL.")] = 2,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep gold results on disk.")
    ] = True,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write one verdict a line to this file, the scorecard beside it: x.jsonl has"
            " x.scorecard.json."
        ),
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
    from text2sql.errors import SettingsError, UnknownName
    from text2sql.execution import Executor

    if (predictions is None) == (pred is None):
        raise typer.BadParameter("give one file of predictions", param_hint="PREDICTIONS")
    if gold is None:
        raise typer.BadParameter("the gold is missing: --gold FILE", param_hint="--gold")
    if (databases is None) == (not database):
        raise SettingsError("give either --databases DIR or -d URL")
    if etype is not None and etype not in OFFICIAL_METRICS:
        raise UnknownName("etype", etype, OFFICIAL_METRICS)
    asked = [*(metric or []), *(OFFICIAL_METRICS[etype] if etype else [])]
    if pass_at:
        _check_samples(asked, engine=engine, rule=rule)
    if output:
        _check_output(output, overwrite=overwrite)
    where = databases or _find(database)
    common: dict[str, Any] = {
        "tables": tables,
        "keep_distinct": keep_distinct,
        "plug_value": plug_value,
        "skip_bad_gold": skip_bad_gold,
        "as_of": as_of,
        "workers": workers,
        "timeout": timeout,
    }
    with (
        _files(predictions or pred, gold) as (said, answers),
        Executor(workers=workers).start() as pool,  # while everything else is imported
        Bar("scored") as bar,
    ):
        common |= {"executor": pool, "progress": bar}
        if pass_at:
            one = asked[0] if asked else "execution_accuracy"
            scores = scoring.score_samples(said, answers, where, k=pass_at, metric=one, **common)
            if output:
                scoring.write_verdicts(scores, output)
        else:
            scores = scoring.score(
                said,
                answers,
                where,
                metrics=asked,
                rule=rule,
                engine=engine,
                output=output,
                resumable=True,
                gold_cache=cache,
                **common,
            )
    if scores.continued:
        note(f"went on after {scores.continued:,} verdicts of a run that had not ended")
    if json:
        print_json(scores.scorecard)
    else:
        typer.echo(reporting.report(scores))


def _find(text: str | None) -> "Database | Path":
    """Give a database; a file by the path it was named by: a suite is sought beside a link."""
    from text2sql.project import find_database

    found = find_database(text)
    path = Path(text or "").expanduser()
    return path if path.is_file() and path.resolve() == found.path else found


def _check_samples(asked: list[str], *, engine: str | None, rule: str) -> None:
    """Refuse what a score of samples would leave out."""
    from text2sql.errors import SettingsError

    if engine:
        raise SettingsError("--pass-at does not go with --engine: samples are not ported")
    if rule != "official":
        raise SettingsError(
            "--pass-at does not go with --rule: choose with --metric strict_execution_accuracy"
        )
    if len(asked) > 1:
        raise SettingsError(f"--pass-at takes one --metric, not {len(asked)}: {', '.join(asked)}")


def _check_output(output: Path, *, overwrite: bool) -> None:
    """Refuse an output that cannot be written, before hours of scoring."""
    from text2sql.errors import OutputError

    if output.is_dir():
        raise OutputError(f"--output {output} is a folder: name a file in it")
    if not output.parent.is_dir():
        raise OutputError(f"--output {output}: there is no folder {output.parent}")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists: replace it with --overwrite")


@contextmanager
def _files(*paths: Path | None) -> Iterator[list[Path]]:
    """Give the files, and copies of stdin and of pipes, which can be read only once."""
    import tempfile

    given = [path for path in paths if path is not None]
    if given.count(Path("-")) > 1:
        raise typer.BadParameter("stdin holds one file", param_hint="--gold")
    if not any(map(_once, given)):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="text2sql-") as folder:
        yield [
            _copy(path, Path(folder) / str(place) / "stdin") if _once(path) else path
            for place, path in enumerate(given)
        ]


def _once(path: Path) -> bool:
    return str(path) == "-" or (path.exists() and not path.is_file() and not path.is_dir())


def _copy(path: Path, target: Path) -> Path:
    import shutil

    # the name goes into the manifest, and that of a pipe, /dev/fd/63, may be another next time
    target.parent.mkdir()
    with target.open("wb") as copy:
        if str(path) == "-":
            shutil.copyfileobj(sys.stdin.buffer, copy)
        else:
            with path.open("rb") as pipe:
                shutil.copyfileobj(pipe, copy)
    return target
