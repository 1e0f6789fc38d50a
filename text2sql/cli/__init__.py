"""The command line, `t2s`: one thin command per verb of the package."""

from text2sql.cli import (
    add,
    ask,
    care,
    compare,
    data,
    evaluate,
    feedback,
    fetch,
    mcp,
    models,
    schema,
    score,
    select,
    snapshot,
    start,
    synth,
    train,
)
from text2sql.cli.app import app, main

__all__ = [
    "add",
    "app",
    "ask",
    "care",
    "compare",
    "data",
    "evaluate",
    "feedback",
    "fetch",
    "main",
    "mcp",
    "models",
    "schema",
    "score",
    "select",
    "snapshot",
    "start",
    "synth",
    "train",
]
