"""Commands about one database: its schema, what the model sees of it, whether SQL fits it."""

from datetime import date
from typing import Annotated, Any

import typer

from text2sql.cli.app import (
    BaseOption,
    DatabaseOption,
    JsonOption,
    PolicyOption,
    RevisionOption,
    TrustOption,
    UserOption,
    app,
    note,
    print_json,
    with_defaults,
)


@app.command()
def schema(
    database: DatabaseOption = None,
    style: Annotated[str, typer.Option(help="ddl, ddl_rows, compact or mschema.")] = "ddl",
    policy: PolicyOption = None,
    user: UserOption = None,
    json: JsonOption = False,
) -> None:
    """Print a database's schema as a prompt would show it, to a user where a policy holds.

    Example: t2s schema -d shop.sqlite --style compact
    """
    from dataclasses import asdict

    from text2sql.asking import read_user
    from text2sql.perspectives import seen_by
    from text2sql.project import find_database
    from text2sql.schema import render

    with seen_by(read_user(user), find_database(database), policy=policy) as view:
        if json:
            print_json(asdict(view.schema))
            return
        typer.echo(render(view.schema, style, sample=view.sample))


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
    policy: PolicyOption = None,
    user: UserOption = None,
    json: JsonOption = False,
) -> None:
    """Print exactly what the model sees, and how many tokens that is.

    Example: t2s prompt "How many orders?" -d shop.sqlite --base codellama-7b
    """
    from text2sql.asking import read_question, read_user, show_prompt
    from text2sql.perspectives import seen_by
    from text2sql.project import find_database

    named = with_defaults(base, None, style, language)
    asked = read_question(question)
    with seen_by(read_user(user), find_database(database), policy=policy) as view:
        shown = show_prompt(
            asked,
            view,
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
    policy: PolicyOption = None,
    user: UserOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether SQL is valid for a database, or its first fault and the nearest right name.

    Example: t2s validate "SELECT nme FROM customers" -d shop.sqlite
    """
    from text2sql.asking import check_sql, read_question, read_user
    from text2sql.perspectives import seen_by
    from text2sql.project import find_database

    text = read_question(sql)
    with seen_by(read_user(user), find_database(database), policy=policy) as view:
        verdict = check_sql(text, view)
    if json:
        print_json(verdict)
    elif verdict["valid"]:
        typer.echo("valid")
    else:
        typer.echo(f"not valid: {verdict['fault']['message']}")
        typer.echo(_pointed_at(text, verdict["fault"]), nl=False)
    if verdict["note"] and not json:
        note(verdict["note"])
    if verdict["kept_back"] and not json:
        note(f"kept back: {'; '.join(verdict['kept_back'])}")
    raise typer.Exit(0 if verdict["valid"] else 1)


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
