"""The predictor where people ask.

    >>> from text2sql.serving import create_app
    >>> app = create_app(predictor)

Over HTTP, from the outside in: app, envelope (what stands around every request), deployment (what
all routes share), identity, limits, the routes (asking, ...), work (from a request to a thread),
engines (from a thread to a model), batches and turns (several threads' questions at once), service
(models and databases by name).

feedback         what people say about answers, kept on disk
feedback_routes  the same over HTTP
feedback_pairs   training pairs from that
tools            what an agent may do, as functions
mcp_server       the same over MCP
display          an answer as a notebook shows it
jupyter          %t2s and %%t2s
"""

from typing import TYPE_CHECKING

from text2sql.exports import late

if TYPE_CHECKING:
    from text2sql.serving.app import create_app
    from text2sql.serving.service import Service

__all__ = ["Service", "create_app"]

__getattr__ = late(__name__, {"Service": "service", "create_app": "app"})
