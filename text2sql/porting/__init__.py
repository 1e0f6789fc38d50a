"""A SQLite database and its SQL on DuckDB: the same rows where that can be, else an error.

    >>> run = ported_runner(find, cache=folder, run=executor.execute)
    >>> run("SELECT name FROM singer WHERE age > '20'", "concert_singer").rows

loading      a file, types and keys kept           values       what SQLite's types mean
statements   rules on the tree, in order           expressions, functions   one by one
row_order    ties and bare columns, as SQLite happens to answer
"""

from typing import TYPE_CHECKING

from text2sql.exports import late

if TYPE_CHECKING:
    from text2sql.porting.loading import Loaded, load_into_duckdb, loaded_folder, ported_runner
    from text2sql.porting.statements import port, porter
    from text2sql.porting.values import PortError

__all__ = [
    "Loaded",
    "PortError",
    "load_into_duckdb",
    "loaded_folder",
    "port",
    "ported_runner",
    "porter",
]

_HOMES = {
    "Loaded": "loading",
    "PortError": "values",
    "load_into_duckdb": "loading",
    "loaded_folder": "loading",
    "port": "statements",
    "ported_runner": "loading",
    "porter": "statements",
}

__getattr__ = late(__name__, _HOMES)
