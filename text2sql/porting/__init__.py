"""A SQLite database and its SQL on DuckDB: the same rows where that can be, else an error.

    >>> loaded = loaded_folder(find, folder)("concert_singer")
    >>> write = porter(read_schema(find("concert_singer")), stored=loaded.stored)
    >>> execute(write("SELECT name FROM singer WHERE age > '20'"), loaded.database).rows

loading      a file, types and keys kept           values       what SQLite's types mean
statements   rules on the tree, in order           expressions, functions   one by one
row_order    ties and bare columns, as SQLite happens to answer
"""

from typing import TYPE_CHECKING

from text2sql.exports import late

if TYPE_CHECKING:
    from text2sql.porting.loading import Loaded, load_into_duckdb, loaded_folder
    from text2sql.porting.statements import port, porter
    from text2sql.porting.values import PortError

__all__ = [
    "Loaded",
    "PortError",
    "load_into_duckdb",
    "loaded_folder",
    "port",
    "porter",
]

_HOMES = {
    "Loaded": "loading",
    "PortError": "values",
    "load_into_duckdb": "loading",
    "loaded_folder": "loading",
    "port": "statements",
    "porter": "statements",
}

__getattr__ = late(__name__, _HOMES)
