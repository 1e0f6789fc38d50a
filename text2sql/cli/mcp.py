"""The command that serves a database to agents."""

from contextlib import ExitStack, closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from text2sql.cli.app import (
    AdapterOption,
    BaseOption,
    DatabaseOption,
    PolicyOption,
    UserOption,
    app,
    note,
)


class Transport(StrEnum):
    """How agents reach the server."""

    stdio = "stdio"
    http = "http"


@app.command()
def mcp(
    database: DatabaseOption = None,
    base: BaseOption = None,
    adapter: AdapterOption = None,
    policy: PolicyOption = None,
    user: UserOption = None,
    transport: Annotated[
        Transport, typer.Option(help="stdio: the agent starts this command; http: a server.")
    ] = Transport.stdio,
    host: Annotated[str, typer.Option(help="Of http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Of http.", min=1, max=65535)] = 8001,
    config: Annotated[
        Path | None,
        typer.Option(help="Models, databases and who may ask, in a YAML file: docs/serving.md."),
    ] = None,
) -> None:
    """Serve a database to agents over MCP: list_tables, describe, ask, validate_sql, run_sql.

    Everything is read-only and under the policy. The model loads with the first question. stdout
    carries the protocol; what is said to people goes to stderr.

    Example: t2s mcp -d shop.sqlite --adapter runs/mine
    """
    from text2sql.asking import read_user
    from text2sql.errors import need

    need("mcp", "mcp", "uvicorn", "prometheus_client")
    from text2sql.serving import mcp_server
    from text2sql.serving.audit import AuditLog
    from text2sql.serving.service import Service
    from text2sql.serving.settings import ServiceSettings, named_service, read_service

    given = {"-d": database, "--base": base, "--adapter": adapter, "--policy": policy}
    if config is not None and any(given.values()):
        named = ", ".join(name for name, value in given.items() if value)
        raise typer.BadParameter(f"--config says it all: leave out {named}")

    def read() -> ServiceSettings:
        if config is not None:
            return read_service(config)
        return named_service(database, base=base, adapter=adapter, policy=policy)

    with ExitStack() as opened:
        service = opened.enter_context(closing(Service(read)))
        service.open(late=True)
        place = service.settings.audit if service.settings else None
        audit = opened.enter_context(closing(AuditLog(place))) if place else None
        who: dict[str, Any] = {"user": read_user(user), "audit": audit}
        if transport is Transport.http:
            if who["user"] is not None and service.identify is not None:
                raise typer.BadParameter("--config says how callers are known: leave out --user")
            app_ = mcp_server.create_mcp_app(service, host=host, **who)
            note(f"http://{host}:{port}{mcp_server.PATH}")
            mcp_server.serve_http(app_, host=host, port=port)
            return
        if not service.seen(who["user"]):
            service.find().view(who["user"])  # raises, and says why
        mcp_server.serve_stdio(service, **who)
