"""The command line, `t2s`: one thin command per verb of the package."""

from text2sql.cli import ask, data, evaluate, models, schema, start, train
from text2sql.cli.app import app, main

__all__ = ["app", "ask", "data", "evaluate", "main", "models", "schema", "start", "train"]
