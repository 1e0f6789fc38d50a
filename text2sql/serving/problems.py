"""What a request can end in beside an answer: a status, a type for programs, one line for people.

    {"error": {"type": "not_found", "message": "no database 'shp' (did you mean 'shop'? ...)",
               "request_id": "5f0c..."}}

| type | status | means |
| --- | --- | --- |
| `invalid_request` | 400, 413, 415, 422 | the request cannot be read, or asks for what cannot be |
| `unauthenticated` | 401 | no key or token, or one that does not hold |
| `forbidden` | 403 | the policy does not let this user in |
| `not_found` | 404 | no such path, model, database or table |
| `rate_limited` | 429 | too many requests of this user; `Retry-After` says when |
| `overloaded`, `loading` | 503 | the queue is full; the model is not there yet; `Retry-After` |
| `timeout` | 408, 504 | the body, or the answer, took too long |
| `unavailable` | 502, 503 | the database, the model's server or the audit log is away |
| `internal` | 500 | a defect; the log has the request id |

Covered: a message of a database, a model or a policy may name paths or what another user sees: it
goes to the log, and the caller is told what kind of thing it was.
"""

from typing import Any

from text2sql.errors import (
    DatabaseError,
    ModelError,
    PolicyError,
    PromptError,
    SettingsError,
    Text2SQLError,
    UnknownName,
)

LONGEST_MESSAGE = 1_000  # characters

KINDS = {
    400: "invalid_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "invalid_request",
    408: "timeout",
    413: "invalid_request",
    415: "invalid_request",
    422: "invalid_request",
    421: "invalid_request",
    429: "rate_limited",
    502: "unavailable",
    503: "overloaded",
    504: "timeout",
}


class Problem(Exception):
    """A request that ends in an error; `hidden` is for the log alone."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str | None = None,
        retry_after: float | None = None,
        hidden: str | None = None,
    ) -> None:
        self.status, self.message, self.hidden = status, one_line(message), hidden
        self.kind = kind or KINDS.get(status, "internal")
        self.headers = {} if retry_after is None else {"Retry-After": str(max(1, int(retry_after)))}
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"
        super().__init__(self.message)

    def body(self, request_id: str) -> dict[str, Any]:
        """Return what is sent."""
        said = {"type": self.kind, "message": self.message, "request_id": request_id}
        return {"error": said}


class Gone(Exception):
    """The caller has left: there is nobody to answer."""


def one_line(text: str) -> str:
    """Return a text as one line of bounded length that UTF-8 can say."""
    line = " ".join(text.encode("utf-8", "backslashreplace").decode().split())
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 4] + " ..."


def problem_of(error: BaseException) -> Problem:
    """Return what a caller is told of an error."""
    if isinstance(error, Problem):
        return error
    hidden = one_line(f"{type(error).__name__}: {error}")
    if isinstance(error, Gone):
        return Problem(499, "the caller has left", kind="gone")
    if isinstance(error, UnknownName):
        return Problem(404, str(error))
    if isinstance(error, PromptError | SettingsError):
        return Problem(400, str(error))
    if isinstance(error, PolicyError):
        return Problem(403, "the policy does not let this user in", hidden=hidden)
    if isinstance(error, DatabaseError):
        message = "the database cannot be read at the moment"
        return Problem(503, message, kind="unavailable", hidden=hidden)
    if isinstance(error, ModelError):
        return Problem(502, "the model cannot answer at the moment", hidden=hidden)
    if isinstance(error, Text2SQLError):
        return Problem(500, "the request cannot be answered", kind="internal", hidden=hidden)
    return Problem(500, "unexpected error", kind="internal", hidden=hidden)
