"""Running SQL that a model wrote, without being hurt by it.

gate, words   is it one query that only reads?          policy    which functions and tables
sqlite_engine, duckdb_engine                            the engine, locked down
worker_main, workers, frames                            the process around it, and the pipe
warehouse, postgres, connections, watchdog              a server, read-only, and the line to it
moments   a fixed moment in place of the clock          sampling  rows to show in a prompt
executor  what callers use                              results   what they get
"""

from typing import TYPE_CHECKING

from text2sql.exports import late

if TYPE_CHECKING:
    from text2sql.execution.executor import Executor, execute
    from text2sql.execution.results import ERROR_KINDS, Execution

__all__ = ["ERROR_KINDS", "Execution", "Executor", "execute"]

_HOMES = {
    "Executor": "executor",
    "execute": "executor",
    "ERROR_KINDS": "results",
    "Execution": "results",
}

# Late, because a worker imports this package too.
__getattr__ = late(__name__, _HOMES)
