"""The command that gets a published data set."""

from typing import Annotated

import typer

from text2sql.cli.app import DataRootOption, JsonOption, data_app, note, print_json


@data_app.command()
def get(
    dataset: Annotated[str, typer.Argument(help="A registered name: t2s data list.")],
    data_root: DataRootOption = None,
    json: JsonOption = False,
) -> None:
    """Fetch a data set from its official place and check it, or say where to put its files.

    A download that was stopped goes on where it was. Where a checksum is known the file must have
    it; where none is, the file's own is printed.

    Example: t2s data get wikisql
    """
    from text2sql.cli.progress import Bar
    from text2sql.data.installing import install
    from text2sql.data.sources import ORIGINS

    with Bar("bytes") as bar:
        done = install(dataset, data_root=data_root, note=note, progress=bar)
    origin = ORIGINS[dataset]
    note(f"licence: {origin.licence} ({origin.page})")
    if origin.beside:
        note(f"it needs {origin.beside}, too")
    if json:
        files = [
            {"url": f.url, "bytes": got.size, "sha256": got.sha256, "pinned": f.sha256 is not None}
            for f, got in done.fetched
        ]
        print_json({"folder": str(done.folder), "splits": done.splits, "files": files})
    else:
        typer.echo(str(done.folder))
