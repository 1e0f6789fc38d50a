"""A real server of the HTTP service in this process, for as long as a test needs it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn


@contextmanager
def served(app: Any, **headers: str) -> Iterator[httpx.Client]:
    """Yield a client of an application that listens on a free port of loopback."""
    config = uvicorn.Config(app, port=0, log_level="error", proxy_headers=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        yield client
    server.should_exit = True
    thread.join(timeout=10)


def asked(client: httpx.Client, question: str, **more: Any) -> httpx.Response:
    """Post a question."""
    return client.post("/v1/ask", json={"question": question, **more})


def events(text: str) -> list[tuple[str, str]]:
    """Return the name and data of each server-sent event."""
    parts = (part.split("\n") for part in text.strip().split("\n\n") if part)
    return [(lines[0].removeprefix("event: "), lines[1].removeprefix("data: ")) for lines in parts]
