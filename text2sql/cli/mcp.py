"""The command that serves a database to agents."""

from enum import StrEnum
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
    timeout: Annotated[float, typer.Option(help="Seconds that a query may run.")] = 5.0,
) -> None:
    """Serve a database to agents over MCP: list_tables, describe, ask, validate_sql, run_sql.

    Everything is read-only and under the policy. The model loads with the first question. stdout
    carries the protocol; what is said to people goes to stderr.

    Example: t2s mcp -d shop.sqlite --adapter runs/mine
    """
    from functools import partial

    from text2sql.asking import read_user
    from text2sql.errors import need

    need("mcp", "mcp", "uvicorn")
    from text2sql.models import open_model
    from text2sql.predictor import Predictor
    from text2sql.project import choose_model, find_database
    from text2sql.serving import mcp_server
    from text2sql.serving.service import Service

    chosen: dict[str, Any] = choose_model(base, adapter)
    opener, who = partial(open_model, **chosen), read_user(user)
    with Predictor(opener, find_database(database), policy=policy, timeout=timeout) as predictor:
        predictor.view(who)  # a user whom the policy does not let in ends here
        service = Service.of(predictor, model=chosen["adapter"] or chosen["base"] or "mini")
        if transport is Transport.stdio:
            mcp_server.serve_stdio(service, user=who)
            return
        app_ = mcp_server.create_mcp_app(service, user=who, host=host)
        note(f"http://{host}:{port}{mcp_server.PATH}")
        mcp_server.serve_http(app_, host=host, port=port)
