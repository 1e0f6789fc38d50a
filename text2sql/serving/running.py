"""Serve over HTTP until a signal: listen at once, load the models meanwhile, reload on a change.

    >>> serve(lambda: read_service(Path("service.yaml")), host="127.0.0.1", port=8000)

SIGTERM and SIGINT stop listening and wait for the questions that are being answered. SIGHUP, or
another content of the settings file or a file that it names, reads the settings again.

Covered: what is wrong with settings, databases, policies or the address is said before anything is
loaded; a model that cannot be loaded ends the server.
"""

import contextlib
import ipaddress
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from text2sql.errors import SettingsError, Text2SQLError, need
from text2sql.serving.batches import SWITCH_SECONDS
from text2sql.serving.logs import LOGGER, log_as_json
from text2sql.serving.problems import one_line
from text2sql.serving.service import Service
from text2sql.serving.settings import ServiceSettings

LOOK_SECONDS = 2.0  # between two looks at the files
DRAIN_SECONDS = 30  # for answers that are being written when a signal comes
BACKLOG = 512  # connections that wait to be accepted
LOOPBACK = ("localhost", "127.0.0.1", "::1")

log = logging.getLogger(LOGGER)


def serve(
    read: Callable[[], ServiceSettings],
    *,
    host: str | None = None,
    port: int | None = None,
    said: Callable[[str], None] = print,
) -> None:
    """Serve until a signal.

    Args:
        read: returns the settings; it is called again when they may have changed.
        host: in the place of the settings'.
        port: likewise; 0 takes a free one.
        said: is told where the service listens.

    Raises:
        SettingsError: settings that are wrong; an address that everybody reaches, and nobody has
            to say who they are; an address that cannot be had.
        Text2SQLError: a database, policy or model that cannot be opened.
        MissingExtra: the extra `serve` is not installed.
    """
    need("serve", "fastapi", "uvicorn", "prometheus_client", "jwt")
    sys.setswitchinterval(SWITCH_SECONDS)
    service = Service(read, apart=True)
    assert service.settings is not None
    host, port = host or service.settings.host, service.settings.port if port is None else port
    check_address(host, open_to_all=service.identify is None)
    listener = _listen(host, port)
    try:
        service.check()
        said(f"http://{_shown(host)}:{listener.getsockname()[1]}")
        _run(service, host, listener)
    finally:
        listener.close()
        service.close()


def check_address(host: str, *, open_to_all: bool) -> None:
    """Refuse to be reached by others where nobody has to say who they are.

    Raises:
        SettingsError: it would be.
    """
    if open_to_all and not is_loopback(host):
        raise SettingsError(
            f"{host} can be reached by others: configure identity (keys, jwt or proxy) in --config,"
            " or bind to 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"cannot listen on {host}:{port}: {reason}") from None
    return listener


def _run(service: Service, host: str, listener: socket.socket) -> None:
    import uvicorn

    with _application(service, host) as app:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            proxy_headers=False,  # who connects is who connects: identity believes no header here
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        server = uvicorn.Server(config)
        failed: list[Text2SQLError] = []
        stop, changed = threading.Event(), threading.Event()

        def load() -> None:
            while not (server.started or stop.wait(0.02)):
                pass  # importing torch would keep the server from starting
            try:
                service.open()
                log.info("ready", extra={"about": {"models": list(service.models)}})
            except Text2SQLError as error:
                failed.append(error)
                server.should_exit = True

        log_as_json()
        threading.Thread(target=load, name="load", daemon=True).start()
        watch = threading.Thread(target=_watch, args=(service, stop, changed), daemon=True)
        watch.start()
        with _signals(changed):
            server.run(sockets=[listener])
        stop.set()
        changed.set()
        watch.join()
        if failed:
            raise failed[0]


@contextlib.contextmanager
def _application(service: Service, host: str) -> Iterator[Any]:
    """Open what the settings keep on disk, and make the application."""
    from text2sql.serving.app import create_app
    from text2sql.serving.audit import AuditLog
    from text2sql.serving.feedback import FeedbackStore

    settings = service.settings
    assert settings is not None
    hosts = (*LOOPBACK, host) if service.identify is None else ()
    with contextlib.ExitStack() as opened:
        kept: dict[str, Any] = {}
        if settings.audit is not None:
            kept["audit"] = opened.enter_context(contextlib.closing(AuditLog(settings.audit)))
        if settings.feedback is not None:
            kept["feedback"] = opened.enter_context(FeedbackStore(settings.feedback))
        yield create_app(service, hosts=hosts, **kept)


@contextlib.contextmanager
def _signals(changed: threading.Event) -> Iterator[None]:
    """Set the event on SIGHUP; let uvicorn alone act on those that end it.

    It raises the signal again when it has stopped, which would end the process before it has
    closed what it holds.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    actions: dict[str, Callable[[int, Any], None]] = {
        "SIGHUP": lambda number, frame: changed.set(),
        "SIGTERM": lambda number, frame: None,
        "SIGINT": lambda number, frame: None,
    }
    known = {name: action for name, action in actions.items() if hasattr(signal, name)}
    before = {name: signal.signal(getattr(signal, name), act) for name, act in known.items()}
    try:
        yield
    finally:
        for name, action in before.items():
            signal.signal(getattr(signal, name), action)


def _watch(service: Service, stop: threading.Event, changed: threading.Event) -> None:
    """Reload when a signal or a file says so, until it is time to stop."""
    seen = service.stamp()
    while not stop.is_set():
        asked = changed.wait(LOOK_SECONDS)
        changed.clear()
        now = service.stamp()
        if stop.is_set() or not service.ready or not (asked or now != seen):
            continue
        seen = now
        try:
            service.reload()
            seen = service.stamp()
            log.info("reloaded")
        except Exception as error:  # whatever it is, what was served goes on
            about = {"error": one_line(str(error) or type(error).__name__)}
            log.error("not reloaded: the old settings go on", extra={"about": about})
