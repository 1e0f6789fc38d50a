"""Schemas: read from a database, written for a prompt, reduced to a question.

>>> from text2sql.schema import read_schema, render
>>> print(render(read_schema("shop.sqlite"), "compact"))
"""

from typing import TYPE_CHECKING

from text2sql.exports import late

if TYPE_CHECKING:
    from text2sql.schema.canonical import canonicalise, prepared_schema, sqlglot_schema
    from text2sql.schema.linking import Ranked, prune, rank
    from text2sql.schema.model import Column, ForeignKey, Schema, Table
    from text2sql.schema.overlays import apply_overlay
    from text2sql.schema.quoting import quote
    from text2sql.schema.reading import read_schema, select_tables
    from text2sql.schema.rendering import STYLES, render
    from text2sql.schema.spider_tables import read_spider_schemas

__all__ = [
    "STYLES",
    "Column",
    "ForeignKey",
    "Ranked",
    "Schema",
    "Table",
    "apply_overlay",
    "canonicalise",
    "prepared_schema",
    "prune",
    "quote",
    "rank",
    "read_schema",
    "read_spider_schemas",
    "render",
    "select_tables",
    "sqlglot_schema",
]

_HOMES = {
    "Column": "model",
    "ForeignKey": "model",
    "Ranked": "linking",
    "STYLES": "rendering",
    "Schema": "model",
    "Table": "model",
    "apply_overlay": "overlays",
    "canonicalise": "canonical",
    "prepared_schema": "canonical",
    "prune": "linking",
    "quote": "quoting",
    "rank": "linking",
    "read_schema": "reading",
    "read_spider_schemas": "spider_tables",
    "render": "rendering",
    "select_tables": "reading",
    "sqlglot_schema": "canonical",
}

__getattr__ = late(__name__, _HOMES)
