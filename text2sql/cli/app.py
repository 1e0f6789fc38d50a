"""The Typer application, what its commands share, and `main`, which turns errors into one line.

No module of this room imports a heavy library at its top: `t2s --help` must be instant.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="t2s",
    help="Text-to-SQL: train an adapter, decode checked SQL, score it by running it,"
    " ask your database.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="List, check and count data sets.", no_args_is_help=True)
base_app = typer.Typer(help="List the base models; build the bundled one.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(base_app, name="base")

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        "-d",
        help="SQLAlchemy URL, path to a .sqlite or .duckdb file, or a name in text2sql.yaml;"
        " else T2S_DATABASE.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]
DataRootOption = Annotated[
    Path | None,
    typer.Option(help="Folder that holds data sets; else T2S_DATA, else the user data folder."),
]
BaseOption = Annotated[
    str | None,
    typer.Option(
        help="Base: a name (t2s base list), hub id, local folder, or http://host/v1#model."
    ),
]
AdapterOption = Annotated[str | None, typer.Option(help="Folder of a trained adapter.")]
RevisionOption = Annotated[
    str | None, typer.Option(help="Branch, tag or commit of the base on the hub.")
]
TrustOption = Annotated[
    bool | None,
    typer.Option(
        "--trust-remote-code/--no-trust-remote-code",
        help="Let the base's repository run its own code.",
    ),
]

PolicyOption = Annotated[
    Path | None,
    typer.Option(
        help="Who may see what: a YAML file, see docs/policy.md; else the database's own in"
        " text2sql.yaml."
    ),
]
UserOption = Annotated[
    str | None, typer.Option(help='Who asks, as JSON: {"role": "buyer", "tenants": [3]}.')
]
FourBitOption = Annotated[bool, typer.Option(help="Load the base in 4 bits (bitsandbytes).")]
DtypeOption = Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")]
DeviceMapOption = Annotated[
    str | None, typer.Option(help="Where the weights go, as in transformers: auto, cuda:0, cpu.")
]


def with_defaults(
    base: str | None, adapter: str | None, style: str | None = None, language: str | None = None
) -> dict[str, Any]:
    """Fill in what text2sql.yaml says."""
    from text2sql.project import choose_model

    return choose_model(base, adapter, style, language)


def show_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        from text2sql import __version__

        typer.echo(f"text2sql {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback when something fails.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""
    # sqlglot warns of SQL that it cannot read; what it cannot read is told in our own line
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    if debug:
        os.environ["T2S_DEBUG"] = "1"


def print_json(value: Any) -> None:
    """Print a JSON document on stdout; dates, decimals and bytes as text."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def note(text: str) -> None:
    """Print progress or a remark on stderr."""
    typer.echo(text, err=True)


def main() -> None:
    """Run the command line: an error that the user can act on is one line and status 1."""
    from text2sql.errors import Text2SQLError

    try:
        app()
    except Text2SQLError as error:
        _fail(str(error), error)
    except KeyboardInterrupt as error:
        _fail("interrupted", error)
    except UnicodeDecodeError as error:
        _fail(f"the input is not UTF-8: {error.reason} at byte {error.start}", error)
    except BrokenPipeError:  # the reader has gone: stay silent, at exit too
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}", error)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        _fail(f"unexpected {what} (a defect of text2sql: --debug shows where)", error)


def _fail(message: str, error: BaseException) -> None:
    if os.environ.get("T2S_DEBUG"):
        raise error
    if getattr(error, "told", False):  # by another process of a distributed run
        sys.exit(1)
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    sys.exit(1)
