"""Commands about one database: its schema, what the model sees of it, whether SQL fits it."""

from datetime import date
from typing import Annotated

import typer

from text2sql.cli.app import (
    BaseOption,
    DatabaseOption,
    JsonOption,
    RevisionOption,
    TrustOption,
    app,
    note,
    print_json,
    with_defaults,
)


@app.command()
def schema(
    database: DatabaseOption = None,
    style: Annotated[str, typer.Option(help="ddl, ddl_rows, compact or mschema.")] = "ddl",
    json: JsonOption = False,
) -> None:
    """Print a database's schema as a prompt would show it.

    Example: t2s schema -d shop.sqlite --style compact
    """
    from dataclasses import asdict

    from text2sql.execution.sampling import sampler
    from text2sql.project import find_database
    from text2sql.schema import read_schema, render

    found = find_database(database)
    read = read_schema(found)
    if json:
        print_json(asdict(read))
        return
    typer.echo(render(read, style, sample=sampler(found)))


@app.command()
def prompt(
    question: Annotated[str, typer.Argument(help="The question; - reads it from stdin.")],
    database: DatabaseOption = None,
    base: BaseOption = None,
    style: Annotated[
        str | None, typer.Option(help="ddl, ddl_rows, compact or mschema; else the base's.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Language of the instruction: en or zh.  [default: en]")
    ] = None,
    revision: RevisionOption = None,
    trust_remote_code: TrustOption = None,
    json: JsonOption = False,
) -> None:
    """Print exactly what the model sees, and how many tokens that is.

    Example: t2s prompt "How many orders?" -d shop.sqlite --base codellama-7b
    """
    from text2sql.asking import read_question, show_prompt

    named = with_defaults(base, None, style, language)
    shown = show_prompt(
        read_question(question),
        database,
        base=named["base"] or "mini",
        style=named["style"],
        language=named["language"] or "en",
        today=date.today(),
        revision=revision,
        trust_remote_code=trust_remote_code,
    )
    if json:
        print_json(shown)
        return
    typer.echo(shown["text"])
    note(shown["summary"])


@app.command()
def validate(
    sql: Annotated[str, typer.Argument(help="One query; - reads it from stdin.")],
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether SQL is valid for a database, or its first fault and the nearest right name.

    Example: t2s validate "SELECT nme FROM customers" -d shop.sqlite
    """
    from text2sql.asking import check_sql, read_question

    verdict = check_sql(read_question(sql), database)
    if json:
        print_json(verdict)
    else:
        typer.echo("valid" if verdict["valid"] else f"not valid: {verdict['fault']['message']}")
    raise typer.Exit(0 if verdict["valid"] else 1)
