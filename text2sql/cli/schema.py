"""Commands about one database: its schema, what the model sees of it, whether SQL fits it."""

from datetime import date
from typing import Annotated, Any

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

    text = read_question(sql)
    verdict = _explain(check_sql(text, database), text, database)
    if json:
        print_json(verdict)
    elif verdict["valid"]:
        typer.echo("valid")
    else:
        typer.echo(f"not valid: {verdict['fault']['message']}")
        typer.echo(_pointed_at(text, verdict["fault"]), nl=False)
    if verdict["note"] and not json:
        note(verdict["note"])
    raise typer.Exit(0 if verdict["valid"] else 1)


def _explain(verdict: dict[str, Any], sql: str, database: str | None) -> dict[str, Any]:
    """Say the fault in the checker's words where it finds one; whether there is one stays."""
    from text2sql.decoding.checking import Checker
    from text2sql.decoding.checking.dialects import DIALECTS
    from text2sql.project import find_database
    from text2sql.schema import read_schema

    fault: dict[str, Any] | None = verdict["fault"]
    remark = None
    schema = read_schema(find_database(database))
    known = schema.dialect in DIALECTS
    found = Checker(schema, dialect=schema.dialect).explain(sql) if known else None
    place: dict[str, Any] = {"position": None, "suggestions": []}
    if found and not fault:
        remark = f"the checker of constrained decoding does not write this: {found.message}"
    elif found and fault:
        place = {"position": found.position, "suggestions": list(found.suggestions)}
        if found.found.casefold() not in fault["message"].casefold():
            remark = f"{fault['layer']}: {fault['message']}"  # perhaps about something else
        fault = fault | {"message": found.message}
    return verdict | {"fault": fault and fault | place, "note": remark}


def _pointed_at(sql: str, fault: dict[str, Any]) -> str:
    """Return the line of a fault with a caret under its place; nothing where that is not known."""
    from rich.cells import cell_len

    if fault["position"] is None:
        return ""
    start = sql.rfind("\n", 0, fault["position"]) + 1
    line = sql[start:].split("\n", 1)[0].replace("\t", " ")
    column = fault["position"] - start
    cut = max(0, column - 60)
    shown = ("..." if cut else "") + line[cut : column + 40]
    gap = cell_len(line[cut:column]) + 3 * bool(cut)
    return f"  {shown}\n  {' ' * gap}^\n"
