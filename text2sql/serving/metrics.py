"""Figures for Prometheus at `GET /metrics`.

    t2s_requests_total{method="POST",route="/v1/ask",status="200"} 412.0

Labels are names of the settings, routes and kinds: never what a user sent. Each application counts
for itself, so that several fit into one process.
"""

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")
_SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The figures of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        made: Any = {"registry": self.registry}
        self._requests = Counter("t2s_requests", "Requests.", ["method", "route", "status"], **made)
        self._seconds = Histogram(
            "t2s_request_seconds", "Seconds of a request.", ["route"], buckets=_SECONDS, **made
        )
        self._questions = Counter(
            "t2s_questions",
            "Questions by what came of them.",
            ["model", "database", "outcome"],
            **made,
        )
        self._parts = Histogram(
            "t2s_question_seconds",
            "Seconds of a part: prompt, generate, run.",
            ["part"],
            buckets=_SECONDS,
            **made,
        )

    def watch(self, name: str, text: str, figure: Callable[[], float]) -> None:
        """Show a figure that is asked for when somebody looks."""
        Gauge(name, text, registry=self.registry).set_function(figure)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is a path as the application declares it."""
        self._requests.labels(method if method in METHODS else "other", route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def count_question(
        self, model: str, database: str, outcome: str, seconds: dict[str, float]
    ) -> None:
        """Count a question; names are those of the settings, "" for one that they lack."""
        self._questions.labels(model, database, outcome).inc()
        for part, took in seconds.items():
            self._parts.labels(part).observe(took)

    def page(self) -> bytes:
        """Return the figures in Prometheus' text format."""
        return generate_latest(self.registry)
