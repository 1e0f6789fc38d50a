"""Specialise an open code model to your database: prepare, train, decode, score, embed.

    >>> from text2sql import Predictor, read_schema, execute, score

Read the package in the order of the pipeline: schema, execution, porting, scoring, data, bases,
prompting, training, decoding; then the modules that join them: models, predictor, evaluation, and
the commands in cli.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from text2sql.execution import Execution, execute
    from text2sql.predictor import Predictor
    from text2sql.schema import read_schema
    from text2sql.scoring import score

__version__ = "0.1.0"
__all__ = ["Execution", "Predictor", "__version__", "execute", "read_schema", "score"]

_HOMES = {
    "Execution": "text2sql.execution",
    "Predictor": "text2sql.predictor",
    "execute": "text2sql.execution",
    "read_schema": "text2sql.schema",
    "score": "text2sql.scoring",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import text2sql` is instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'text2sql' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def load_ipython_extension(shell: Any) -> None:
    """Give a notebook `%%t2s`: what `%load_ext text2sql` calls."""
    import_module("text2sql.serving.jupyter").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Close what the notebook has opened: what `%unload_ext text2sql` calls."""
    import_module("text2sql.serving.jupyter").unload(shell)


def __dir__() -> list[str]:
    return sorted(__all__)
