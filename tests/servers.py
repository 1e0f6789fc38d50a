"""A PostgreSQL server of one's own: made in a temporary folder, gone when the tests end.

    with postgres_server() as url: ...

Covered: Debian's and PATH's installations; root, who has to lend the server to another account.
Not covered: Windows; servers that run already.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

_ACCOUNTS = ("postgres", "nobody")  # PostgreSQL does not run as root
_SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 40
shared_buffers = 16MB
max_wal_size = 64MB
log_statement = none
autovacuum = off
timezone = 'UTC'
"""


def postgres_programs() -> Path | None:
    """Return the folder that holds initdb and pg_ctl, the newest one; None if there is none."""
    folders = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *Path("/opt/homebrew/opt").glob("postgresql@*/bin"),
    ]
    for folder in sorted(folders, key=_version, reverse=True):
        if (folder / "initdb").is_file():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _version(folder: Path) -> int:
    digits = "".join(filter(str.isdigit, folder.parent.name))
    return int(digits or 0)


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start a server on a free port of this machine and yield its URL, password included.

    The URL has no driver in it; the folder and the processes are gone afterwards.
    """
    programs = postgres_programs()
    assert programs is not None
    account = _account()  # None: one's own
    folder = Path(tempfile.mkdtemp(prefix="t2s-postgres-"))  # short: a socket's path has a limit
    password = token_hex(8)
    secret = folder / "password"
    secret.write_text(password)
    if account:
        for path in (folder, secret):
            shutil.chown(path, account)
    data, port = folder / "data", free_port()
    guard = _guard(programs, folder, account)
    ask = ["initdb", "-D", str(data), "-U", "owner", "-A", "scram-sha-256", "-E", "UTF8"]
    try:
        _call(programs, [*ask, "--no-sync", "--locale=C", f"--pwfile={secret}"], account)
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS.format(port=port, folder=folder))
        start = ["pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-w", "-t", "30", "start"]
        _call(programs, start, account)
        yield f"postgresql://owner:{password}@127.0.0.1:{port}/postgres"
    finally:
        guard.stdin.close()  # type: ignore[union-attr]
        guard.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _guard(programs: Path, folder: Path, account: str | None) -> "subprocess.Popen[bytes]":
    """Start a process that stops the server when its input ends: also when the tests are killed."""
    stop = f"{programs}/pg_ctl -D {folder}/data -m immediate -w stop; rm -rf {folder}"
    return subprocess.Popen(
        ["sh", "-c", f"cat; {stop}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,  # Ctrl-C is for the tests
        **_options(account),
    )


def _account() -> str | None:
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _ACCOUNTS if name in known)


def free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _call(programs: Path, command: list[str], account: str | None) -> None:
    """Run a program of the server as an account that it accepts."""
    done = subprocess.run(
        [str(programs / command[0]), *command[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        **_options(account),
    )
    assert done.returncode == 0, f"{command[0]}: {done.stderr.strip()}"


def _options(account: str | None) -> dict[str, Any]:
    """Return what starts a process as that account, without this one's surroundings."""
    options: dict[str, Any] = {"cwd": "/", "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}}
    if account:
        entry = pwd.getpwnam(account)
        options |= {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return options
