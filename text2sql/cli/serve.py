"""The command that serves: HTTP for BI tools, agents and one's own programs."""

from pathlib import Path
from typing import Annotated

import typer

from text2sql.cli.app import AdapterOption, BaseOption, DatabaseOption, app, note


@app.command()
def serve(
    database: DatabaseOption = None,
    base: BaseOption = None,
    adapter: AdapterOption = None,
    policy: Annotated[
        Path | None, typer.Option(help="Who may see what: a YAML file, see docs/policy.md.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="The whole service in a YAML file, see docs/serving.md."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Others than loopback need identity.  [default: 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="0 takes a free one.  [default: 8000]")
    ] = None,
    audit: Annotated[
        Path | None, typer.Option(help="File that says who asked what, and what came of it.")
    ] = None,
    feedback: Annotated[
        Path | None, typer.Option(help="File that keeps what people say about answers.")
    ] = None,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Print a new API key with its hash, and leave.")
    ] = False,
) -> None:
    """Serve questions over HTTP: JSON, server-sent events, OpenAI's protocol.

    Example: t2s serve --base mini -d shop.sqlite
    """
    from text2sql.errors import need

    need("serve", "fastapi", "uvicorn", "prometheus_client", "jwt")
    from text2sql.serving import running
    from text2sql.serving.settings import named_service, read_service

    if new_key:
        _print_key()
        return
    if config is not None:
        given = {"--base": base, "--adapter": adapter, "-d": database, "--policy": policy}
        given |= {"--audit": audit, "--feedback": feedback}
        taken = [name for name, value in given.items() if value is not None]
        if taken:
            raise typer.BadParameter(f"--config says it all: leave out {', '.join(taken)}")
        running.serve(lambda: read_service(config), host=host, port=port, said=note)
        return

    def read() -> running.ServiceSettings:
        return named_service(
            database, base=base, adapter=adapter, policy=policy, audit=audit, feedback=feedback
        )

    running.serve(read, host=host, port=port, said=note)


def _print_key() -> None:
    from text2sql.serving.identity import hash_key, new_key

    key = new_key()
    typer.echo(f"key: {key}")
    typer.echo(f"hash: {hash_key(key)}")
    note("the key is for its user, the hash for the settings: the key cannot be found out again")
