"""The incremental checker: which bytes may come next so that the SQL is valid for a schema."""

from text2sql.decoding.checking.checker import Checker, State

__all__ = ["Checker", "State"]
