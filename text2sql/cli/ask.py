"""The command that asks a database."""

from typing import Annotated, Any

import typer

from text2sql.cli.app import (
    AdapterOption,
    BaseOption,
    DatabaseOption,
    DeviceMapOption,
    DtypeOption,
    FourBitOption,
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
from text2sql.cli.evaluate import (
    AbstainOption,
    BeamsOption,
    ConstraintOption,
    SamplesOption,
    SelectionOption,
)


@app.command()
def predict(
    question: Annotated[str, typer.Argument(help="What you want to know; - reads it from stdin.")],
    database: DatabaseOption = None,
    base: BaseOption = None,
    adapter: AdapterOption = None,
    num_samples: SamplesOption = 1,
    temperature: Annotated[
        float | None, typer.Option(help="0 is greedy; default 0, or 0.8 for samples.")
    ] = None,
    top_p: Annotated[float, typer.Option(help="Nucleus sampling.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the sampling.")] = 0,
    constraint: ConstraintOption = "schema",
    selection: SelectionOption = "first",
    num_beams: BeamsOption = 1,
    abstain_below: AbstainOption = None,
    abstain_missing: Annotated[
        bool | None,
        typer.Option(
            "--abstain-missing/--answer-anyway",
            help="Refuse a question that asks for what is not there, or that means several columns"
            " alike; default: with a base that points at names, as mini.",
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds that the query may run.")] = 5.0,
    run: Annotated[
        bool, typer.Option("--run/--no-run", help="Run the SQL, or only print it.")
    ] = True,
    evidence: Annotated[
        str | None, typer.Option(help="What the question's words mean here.")
    ] = None,
    policy: PolicyOption = None,
    user: UserOption = None,
    load_in_4bit: FourBitOption = False,
    dtype: DtypeOption = "auto",
    device_map: DeviceMapOption = None,
    revision: RevisionOption = None,
    trust_remote_code: TrustOption = None,
    json: JsonOption = False,
) -> None:
    """Ask a database a question: prints the SQL, then its rows.

    Example: t2s predict "how many orders were paid in May?" -d shop.sqlite --adapter runs/mine
    """
    from text2sql import reporting
    from text2sql.asking import read_question, read_user
    from text2sql.decoding.generation import Decoding
    from text2sql.decoding.selection import check_selection
    from text2sql.models import open_model
    from text2sql.perspectives import check_user
    from text2sql.predictor import Predictor
    from text2sql.project import find_database
    from text2sql.prompting import check_question

    asked, hint = check_question(read_question(question)), read_question(evidence or "") or None
    found, who = find_database(database), read_user(user)
    check_user(who, found, policy)
    decoding = Decoding(
        num_samples=num_samples,
        temperature=temperature,
        top_p=top_p,
        seed=seed,
        constraint=constraint,
        selection=selection,
        num_beams=num_beams,
    )
    check_selection(decoding, abstain_below)
    model = open_model(
        **with_defaults(base, adapter),
        load_in_4bit=load_in_4bit,
        dtype=dtype,
        device_map=device_map,
        revision=revision,
        trust_remote_code=trust_remote_code,
    )
    settings: dict[str, Any] = {"decoding": decoding, "abstain_below": abstain_below}
    settings |= {"policy": policy, "abstain_missing": abstain_missing}
    with Predictor(model, found, timeout=timeout, **settings) as predictor:
        answer = predictor.predict(asked, user=who, evidence=hint, run=run)
    if json:
        print_json(answer.record())
    else:
        typer.echo(reporting.printable(answer.sql))
        if answer.rows or answer.columns:
            typer.echo(
                reporting.rows_table(answer.columns, answer.rows, truncated=answer.truncated)
            )
        if answer.confidence is not None:
            note(f"{answer.confidence:.0%} of {len(answer.candidates)} samples agree")
        if answer.kept_back:
            note(f"kept back: {'; '.join(answer.kept_back)}")
        if answer.doubts and answer.error is None:
            note(f"doubtful: {'; '.join(answer.doubts)}")
        if answer.left_out:
            note(f"not in the prompt for want of room: {reporting.names(answer.left_out)}")
    if answer.error:
        note(f"error: {answer.error}")
        raise typer.Exit(1)
