"""The command that asks a database."""

from typing import Annotated

import typer

from text2sql.cli.app import (
    AdapterOption,
    BaseOption,
    DatabaseOption,
    JsonOption,
    RevisionOption,
    TrustOption,
    app,
    note,
    print_json,
)


@app.command()
def predict(
    question: Annotated[str, typer.Argument(help="What you want to know; - reads it from stdin.")],
    database: DatabaseOption = None,
    base: BaseOption = None,
    adapter: AdapterOption = None,
    num_samples: Annotated[
        int, typer.Option(help="Texts to draw; the first valid one is taken.")
    ] = 1,
    temperature: Annotated[
        float | None, typer.Option(help="0 is greedy; default 0, or 0.8 for samples.")
    ] = None,
    top_p: Annotated[float, typer.Option(help="Nucleus sampling.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the sampling.")] = 0,
    timeout: Annotated[float, typer.Option(help="Seconds that the query may run.")] = 5.0,
    run: Annotated[
        bool, typer.Option("--run/--no-run", help="Run the SQL, or only print it.")
    ] = True,
    evidence: Annotated[
        str | None, typer.Option(help="What the question's words mean here.")
    ] = None,
    load_in_4bit: Annotated[
        bool, typer.Option(help="Load the base in 4 bits (bitsandbytes).")
    ] = False,
    revision: RevisionOption = None,
    trust_remote_code: TrustOption = None,
    json: JsonOption = False,
) -> None:
    """Ask a database a question: prints the SQL, then its rows.

    Example: t2s predict "how many orders were paid in May?" -d shop.sqlite --adapter runs/mine
    """
    from text2sql import reporting
    from text2sql.asking import read_question
    from text2sql.decoding.generation import Decoding
    from text2sql.predictor import Predictor

    decoding = Decoding(num_samples=num_samples, temperature=temperature, top_p=top_p, seed=seed)
    with Predictor.from_pretrained(
        adapter or base or "mini",
        database=database,
        base=base if adapter else None,
        decoding=decoding,
        timeout=timeout,
        load_in_4bit=load_in_4bit,
        revision=revision,
        trust_remote_code=trust_remote_code,
    ) as predictor:
        answer = predictor.predict(read_question(question), evidence=evidence, run=run)
    if json:
        print_json(answer.record())
    else:
        typer.echo(answer.sql)
        if answer.rows or answer.columns:
            typer.echo(
                reporting.rows_table(answer.columns, answer.rows, truncated=answer.truncated)
            )
        for name in answer.left_out:
            note(f"not in the prompt for want of room: {name}")
    if answer.error:
        note(f"error: {answer.error}")
        raise typer.Exit(1)
