"""Running SQL that a model wrote, without being hurt by it.

gate      is it one query that only reads?              policy    which functions and tables
sqlite_engine, duckdb_engine                            the engine, locked down
worker_main, workers, frames                            the process around it, and the pipe
warehouse, postgres, connections, watchdog              a server, read-only, and the line to it
moments   a fixed moment in place of the clock          sampling  rows to show in a prompt
executor  what callers use                              results   what they get
"""

from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    # Late, because a worker imports this package too and must be up within a tenth of a second.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
