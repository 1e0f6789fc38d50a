"""Logs as JSON Lines on stderr, for a program that collects them.

    {"time": "2026-05-01T09:30:00.123+00:00", "level": "info", "event": "request",
     "request_id": "5f0c...", "method": "POST", "route": "/v1/ask", "status": 200, ...}

Covered: what is logged never holds a question, SQL or rows: those are in the audit log alone.
Not covered: rotation of stderr, which is who collects it.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from text2sql.serving.problems import one_line

LOGGER = "text2sql.serving"
_OTHERS = ("uvicorn.error",)  # uvicorn.access would say every request again


class JsonLines(logging.Formatter):
    """Writes a record as one line; `extra={"about": {...}}` are its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": one_line(record.getMessage()),
            **getattr(record, "about", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


def log_as_json(level: str = "info") -> None:
    """Send the logs of the service, and of the server under it, to stderr as JSON Lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in (LOGGER, *_OTHERS):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level.upper())
