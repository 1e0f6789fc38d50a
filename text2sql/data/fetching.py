"""Fetch a file over HTTPS: whole or not at all, continued where it stopped, checked.

    >>> fetch("https://example.org/data.zip", Path("data.zip"), sha256="755c...").sha256
    '755c...'

What has come is kept as `<name>.part` until all is there; another call asks for the rest, and for
all of it if the server has another file by now (If-Range, RFC 9110, 13.1.5).

Covered: servers with and without ranges; connections that end early; redirects, to HTTPS alone;
the proxies of the environment.
Not covered: pages that ask for a click or a login before they give a file.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from text2sql.errors import FetchError
from text2sql.outputs import full_disk

CHUNK = 1 << 20  # bytes
SECONDS = 60.0  # without a byte, until the connection is given up
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

Progress = Callable[[int, int], None]  # bytes that are there, and in all


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is there."""

    path: Path
    size: int  # bytes
    sha256: str


def fetch(
    url: str,
    path: Path,
    *,
    sha256: str | None = None,
    progress: Progress = lambda done, total: None,
) -> Fetched:
    """Fetch a file, or the rest of it.

    Args:
        url: https; plain http is for this machine alone.
        path: where it will be; nothing is fetched if it is there with the right checksum.
        sha256: what it must have; None means any.
        progress: called now and then.

    Raises:
        FetchError: the address cannot be read, does not answer, ends early, or gives a file with
            another checksum.
        OutputError: the disk is full.
    """
    _refuse_insecure(url, url)
    if path.exists():
        return Fetched(path, path.stat().st_size, _check(url, path, sha256))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with full_disk(path.parent, kept="what came so far is kept"):
        _receive(url, part, progress)
    _tag(part).unlink(missing_ok=True)
    found = _check(url, part, sha256)
    part.replace(path)
    return Fetched(path, path.stat().st_size, found)


def _check(url: str, path: Path, sha256: str | None) -> str:
    found = file_sha256(path)
    if sha256 is not None and found != sha256:
        path.unlink()
        raise FetchError(
            f"{url} is not the file that it should be, and was removed: its SHA-256 is {found},"
            f" not {sha256}",
            url,
        )
    return found


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _receive(url: str, part: Path, progress: Progress) -> None:
    """Add what is missing to a part; begin again where the server cannot continue it."""
    have = part.stat().st_size if part.exists() else 0
    tag = _tag(part).read_text() if have and _tag(part).exists() else ""
    have = have if tag else 0
    headers = {"User-Agent": "text2sql", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": tag}
    try:
        with _open(url, headers) as response:
            goes_on = response.status == 206 and _start(response) == have
            _keep_tag(response, part)
            with part.open("ab" if goes_on else "wb") as file:
                _copy(response, file, have if goes_on else 0, url, progress)
    except HTTPError as error:
        if error.code == 416:  # the part is longer than the file is now
            part.unlink(missing_ok=True)
        raise FetchError(f"{url} answers {error.code} {error.reason}", url) from None
    except (OSError, HTTPException) as error:
        if getattr(error, "errno", None) is not None and not isinstance(error, ConnectionError):
            raise  # of the disk
        reason = getattr(error, "reason", None) or error
        raise FetchError(f"cannot fetch {url}: {reason}; run it again to go on", url) from None


def _copy(response: Any, file: IO[bytes], have: int, url: str, progress: Progress) -> None:
    length = response.headers.get("Content-Length")
    total = have + int(length) if length and length.isdigit() else 0
    while chunk := response.read(CHUNK):
        file.write(chunk)
        have += len(chunk)
        progress(have, max(total, have))
    if have < total:
        raise FetchError(
            f"{url} ended after {have:,} of {total:,} bytes: run it again to go on", url
        )


def _open(url: str, headers: dict[str, str]) -> HTTPResponse:
    return build_opener(_SecureRedirects()).open(Request(url, headers=headers), timeout=SECONDS)


class _SecureRedirects(HTTPRedirectHandler):
    """Follow a redirect unless it leaves HTTPS."""

    def redirect_request(self, req: Request, *args: Any) -> Request | None:
        _refuse_insecure(args[-1], req.full_url)
        return super().redirect_request(req, *args)


def _refuse_insecure(url: str, asked: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise FetchError(f"{asked} leads to {url}, which is not https", asked)


def _start(response: HTTPResponse) -> int:
    said = response.headers.get("Content-Range", "")
    first = said.removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdigit() else -1


def _tag(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _keep_tag(response: HTTPResponse, part: Path) -> None:
    """Remember which file the part is of: a strong ETag, else the date of its last change."""
    tag = response.headers.get("ETag", "")
    tag = "" if tag.startswith("W/") else tag
    _tag(part).write_text(tag or response.headers.get("Last-Modified", ""))
