"""Ask a service from another program; needs httpx and nothing else of the kit's extras.

    >>> with Client("http://127.0.0.1:8000", key="t2s_...") as client:
    ...     answer = client.ask("How many orders were paid in May?", database="shop")
    ...     answer["sql"], answer["rows"]
    ...     for name, data in client.stream("How many orders?"):    # pieces, then the answer
    ...         print(name, data)

Answers are the JSON of the service; `docs/serving.md` says how values are written in it.

Covered: errors of the service in its own words, with status, type and request id; one more try
where the service says when (429, 503 with Retry-After), if asked for by `patience`.
Not covered: asynchronous programs (httpx.AsyncClient does as well: it is plain JSON).
"""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, Self

from text2sql.errors import Text2SQLError, need


class ServiceError(Text2SQLError):
    """What a service answered in the place of an answer."""

    def __init__(
        self, message: str, *, status: int = 0, kind: str = "unreachable", request_id: str = ""
    ) -> None:
        self.status, self.kind, self.request_id = status, kind, request_id
        super().__init__(message)


class Client:
    """A connection to one service; close it or use it as a context."""

    def __init__(
        self, url: str, key: str | None = None, *, timeout: float = 60.0, patience: float = 0.0
    ) -> None:
        """Open nothing yet.

        Args:
            url: of the service, such as http://127.0.0.1:8000.
            key: an API key, or a token.
            timeout: seconds that an answer may take.
            patience: seconds to wait, in all, for a service that is loading or has too much to do.

        Raises:
            MissingExtra: httpx is not installed.
        """
        need("infer", "httpx")
        import httpx

        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.patience = patience
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout)

    def ask(
        self,
        question: str,
        *,
        database: str | None = None,
        model: str | None = None,
        tables: Sequence[str] | None = None,
        history: Sequence[tuple[str, str]] = (),
        evidence: str | None = None,
        run: bool = True,
    ) -> dict[str, Any]:
        """Ask a question; arguments as for `POST /v1/ask`.

        Raises:
            ServiceError: there is no answer, and why.
        """
        body = _body(question, database, model, tables, history, evidence)
        return self._json("POST", "/v1/ask", json={**body, "run": run})

    def stream(
        self,
        question: str,
        *,
        database: str | None = None,
        model: str | None = None,
        tables: Sequence[str] | None = None,
        history: Sequence[tuple[str, str]] = (),
        evidence: str | None = None,
        run: bool = True,
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield ("piece", {"text"}) as the SQL is written, then ("answer", ...).

        Raises:
            ServiceError: there is no answer, and why.
        """
        import httpx

        body = _body(question, database, model, tables, history, evidence)
        body |= {"run": run, "stream": True}
        try:
            with self._http.stream("POST", "/v1/ask", json=body) as response:
                if response.status_code != httpx.codes.OK:
                    response.read()
                    raise _error(response)
                yield from _events(response.iter_lines())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServiceError(f"cannot reach the service: {error}") from None

    def validate(self, sql: str, *, database: str | None = None) -> dict[str, Any]:
        """Check SQL without running it; raises as `ask`."""
        body = {"sql": sql, "database": database}
        return self._json("POST", "/v1/sql/validate", json=body)

    def schema(self, database: str | None = None, *, style: str | None = None) -> dict[str, Any]:
        """Return what the caller may see of a database; raises as `ask`."""
        asked = {"database": database, "style": style}
        given = {name: value for name, value in asked.items() if value is not None}
        return self._json("GET", "/v1/schema", params=given)

    def databases(self) -> list[str]:
        """Return the names of the databases that can be asked; raises as `ask`."""
        found: list[str] = self._json("GET", "/v1/databases")["databases"]
        return found

    def feedback(self, kind: str, question: str, **said: Any) -> int:
        """Say what an answer was worth; return the number under which it is kept."""
        body = {"kind": kind, "question": question, **said}
        return int(self._json("POST", "/v1/feedback", json=body)["id"])

    def _json(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        import httpx

        ends = time.monotonic() + self.patience
        while True:
            try:
                response = self._http.request(method, path, **sent)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise ServiceError(f"cannot reach the service: {error}") from None
            wait = float(response.headers.get("Retry-After", "inf"))
            if response.is_success:
                break
            if response.status_code not in (429, 503) or time.monotonic() + wait > ends:
                raise _error(response)
            time.sleep(wait)
        try:
            found: dict[str, Any] = response.json()
        except ValueError:
            raise ServiceError(
                "this is no service of text2sql: it did not answer in JSON"
            ) from None
        return found

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _body(
    question: str,
    database: str | None,
    model: str | None,
    tables: Sequence[str] | None,
    history: Sequence[tuple[str, str]],
    evidence: str | None,
) -> dict[str, Any]:
    turns = [{"question": earlier, "sql": sql} for earlier, sql in history]
    named = {"database": database, "model": model, "evidence": evidence}
    tables = None if tables is None else list(tables)
    return {"question": question, "tables": tables, "history": turns, **named}


def _events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data = json.loads(line.removeprefix("data: "))
            if name == "error":
                raise _told(data["error"], 200)
            yield name, data


def _error(response: Any) -> ServiceError:
    try:
        return _told(response.json()["error"], response.status_code)
    except (ValueError, KeyError, TypeError):
        return ServiceError(f"status {response.status_code}", status=response.status_code)


def _told(said: dict[str, Any], status: int) -> ServiceError:
    about = {"kind": str(said["type"]), "request_id": str(said.get("request_id", ""))}
    return ServiceError(str(said["message"]), status=status, **about)
