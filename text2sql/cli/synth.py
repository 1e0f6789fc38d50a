"""The command that makes questions with SQL: about a user's database, or about invented ones."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from text2sql.cli.app import DatabaseOption, JsonOption, app, note, print_json


@app.command()
def synth(
    database: DatabaseOption = None,
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, help="Questions wanted, in all.")
    ] = 1000,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File of JSON Lines, else stdout; with --invented: new folder."
        ),
    ] = None,
    invented: Annotated[
        int | None,
        typer.Option(min=1, help="Invent so many databases and ask about those: a whole data set."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every choice; the same makes the same.")] = 0,
    language: Annotated[str, typer.Option(help="Of the questions: en or zh.")] = "en",
    share: Annotated[
        list[str] | None,
        typer.Option(help="NAME=SHARE of a family of questions, such as joins=0.5; repeatable."),
    ] = None,
    join_confidence: Annotated[
        float,
        typer.Option(min=0, max=2, help="Use foreign keys found out with at least that; 2: none."),
    ] = 0.7,
    seeds: Annotated[
        Path | None,
        typer.Option(help="Evolve these pairs: other values, columns, tables, harder, reworded."),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(help="Make pairs of this file of SQL: questions are told from it."),
    ] = None,
    rewrite: Annotated[
        str | None,
        typer.Option(help="Base, or http://host/v1#model, that adds questions in other words."),
    ] = None,
    answer_with: Annotated[
        str | None,
        typer.Option(help="With --rewrite: the base whose SQL proves them.  [default: the same]"),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for one query.")] = 5.0,
    overwrite: Annotated[bool, typer.Option(help="Replace what is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Make questions with SQL about a database, each proved by running it there.

    What is written are example records: `t2s data add` registers them, `t2s train --data` takes
    them. --json prints what was drawn, refused and found out, and needs --output.

    Example: t2s synth -d shop.sqlite -n 500 --output shop.jsonl

    Example: t2s synth -d shop.sqlite --seeds pairs.jsonl -n 200 --output more.jsonl

    Example: t2s synth --invented 50 -n 5000 --output invented
    """
    from text2sql.data.synthesis.shares import read_shares, with_shares

    if sum(given is not None for given in (invented, seeds, log)) > 1:
        raise typer.BadParameter("--invented, --seeds and --log are three ways: give one")
    if (seeds or log) and (share or language != "en"):
        raise typer.BadParameter("--seeds and --log take neither --share nor --language: English")
    if invented is not None and rewrite is not None:
        raise typer.BadParameter("--rewrite is for questions about a database of yours")
    families = with_shares(read_shares(share or ()))
    drawing = {"count": count, "seed": seed, "language": language, "families": families}
    if invented is not None:
        _invent(invented, output, drawing, overwrite, json)
        return
    _check_output(output, overwrite, json)
    asking = drawing | {"least": join_confidence, "timeout": timeout}
    _ask(database, output, asking, (seeds, log), (rewrite, answer_with), json)


def _invent(
    databases: int, output: Path | None, drawing: dict[str, Any], overwrite: bool, json: bool
) -> None:
    from text2sql import reporting
    from text2sql.cli.progress import Bar
    from text2sql.data.synthesis.sets import write_set

    if output is None:
        raise typer.BadParameter("--invented writes databases: give --output FOLDER")
    with Bar("databases") as bar:
        made = write_set(output, databases=databases, overwrite=overwrite, progress=bar, **drawing)
    if json:
        print_json(made)
    else:
        typer.echo(reporting.mapping_table(made))


def _check_output(output: Path | None, overwrite: bool, json: bool) -> None:
    from text2sql.errors import OutputError

    if json and output is None:
        raise typer.BadParameter("--json prints an account of the run: give --output FILE, too")
    if output is not None and output.exists() and not overwrite:
        raise OutputError(f"{output} exists: replace it with --overwrite")


def _ask(
    database: str | None,
    output: Path | None,
    drawing: dict[str, Any],
    sources: tuple[Path | None, Path | None],
    models: tuple[str | None, str | None],
    json: bool,
) -> None:
    from text2sql.project import find_database

    found = find_database(database)
    made = _make(found, drawing, *sources)
    _tell(made, drawing["count"], sources[1])
    further, counts = _rewrite(made.records, found, models)
    _write([*made.records, *further], output, quiet=json)
    if json:
        print_json(made.account() | ({"rewriting": counts} if counts else {}))


def _make(database: Any, drawing: dict[str, Any], seeds: Path | None, log: Path | None) -> Any:
    """Draw questions, evolve a user's, or tell those of a log."""
    from text2sql.cli.progress import Bar
    from text2sql.data.registering import read_pairs
    from text2sql.data.synthesis.evolving import evolve_examples
    from text2sql.data.synthesis.making import make_examples
    from text2sql.data.synthesis.query_logs import read_log, tell_log

    given = {key: value for key, value in drawing.items() if key not in ("language", "families")}
    count = given.pop("count")
    if seeds is not None:
        with Bar("questions") as bar:
            return evolve_examples(
                database, read_pairs(seeds, database), count, progress=bar, **given
            )
    if log is not None:
        with Bar("statements") as bar:
            return tell_log(database, read_log(log), count, progress=bar, **given)
    with Bar("questions") as bar:
        return make_examples(database, progress=bar, **drawing)


def _rewrite(
    records: list[dict[str, Any]], database: Any, models: tuple[str | None, str | None]
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Return records in other words, and what became of how many; nothing where not wanted."""
    if models[0] is None:
        return [], {}
    from text2sql.cli.progress import Bar
    from text2sql.models import open_model
    from text2sql.rewriting import rewrite

    with Bar("rewritten") as bar, open_model(models[0]) as writer:
        answerer = open_model(models[1]) if models[1] else None
        done = rewrite(records, writer, database, answerer=answerer, progress=bar)
        if answerer is not None:
            answerer.close()
    counts = done.counts()
    note("rewriting: " + ", ".join(f"{number:,} {what}" for what, number in counts.items()))
    return done.records, counts


def _write(records: list[dict[str, Any]], output: Path | None, *, quiet: bool) -> None:
    from text2sql.data.synthesis.sets import json_lines
    from text2sql.outputs import write_whole

    if output is None:
        sys.stdout.write(json_lines(records))
    else:
        write_whole(output, json_lines(records))
        if not quiet:
            typer.echo(f"{len(records):,} questions in {output}")


def _tell(made: Any, wanted: int, log: Path | None) -> None:
    for join in made.joins:
        note(f"join found out: {join.shown} (confidence {join.confidence:.2f}: {join.reason})")
    if made.unread:
        note(f"no rows to ask about: {', '.join(made.unread)}")
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in made.refused.items())
    if log is not None:
        note(f"{made.drawn:,} statements in {log}; left: {reasons or 'none'}")
        return
    note(f"drew {made.drawn:,} questions; not kept: {reasons or 'none'}")
    if len(made.records) < wanted:
        note(f"the database gives no more than {len(made.records):,} of {wanted:,} questions")
