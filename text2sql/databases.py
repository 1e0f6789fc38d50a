"""A database as the kit knows it: where it is, which engine runs it, what its owner adds.

    >>> locate("shop.sqlite").engine
    'sqlite'
    >>> locate("postgresql://ann:secret@dw/sales").shown
    'postgresql://ann:***@dw/sales'

Covered: SQLite and DuckDB files (recognised by their first bytes, whatever the suffix), SQLAlchemy
URLs.
Not covered: names from text2sql.yaml (`project.find_database`); whether a server answers.
"""

import errno
import os
import re
import stat
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from text2sql.errors import DatabaseError

if TYPE_CHECKING:
    from text2sql.overlays import Overlay
    from text2sql.pairs import Pair

FILE_ENGINES = ("sqlite", "duckdb")
DIALECTS = {
    "postgresql": "postgres",
    "cockroachdb": "postgres",
    "mariadb": "mysql",
    "mssql": "tsql",
}

# an option of a URL whose name says that its value is secret; odbc_connect holds a whole login
_SECRET_OPTION = re.compile(
    r"([?&;](?:[^=&;]*(?:pass|pwd|secret|token|key|credential)[^=&;]*|odbc_connect|options)=)([^&]*)",
    re.IGNORECASE,
)

MAX_KEPT = 256  # descriptors that stay open, oldest closed first

_KEPT: dict[tuple[int, int], int] = {}  # (device, inode) -> descriptor
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Database:
    """Where a database is and what is said of it. `url` may hold a password: print `shown`."""

    name: str  # what the user calls it; a file's stem
    engine: str  # SQLAlchemy's backend name: sqlite, duckdb, postgresql, mysql, ...
    url: str = field(repr=False)
    path: Path | None = None  # of a SQLite or DuckDB file
    include: tuple[str, ...] = ()  # table patterns, as in fnmatch; empty means all
    exclude: tuple[str, ...] = ()
    overlay: "Overlay | None" = None
    pairs: "tuple[Pair, ...]" = ()  # verified questions with their SQL
    policy: Path | None = None  # the file of a policy that holds for everybody
    time_zone: str | None = None
    fiscal_start: int | None = None  # month, 1 to 12

    @property
    def dialect(self) -> str:
        """sqlglot's name of the SQL that the engine speaks."""
        return DIALECTS.get(self.engine, self.engine)

    @property
    def shown(self) -> str:
        """The path or URL as it may be printed: without a password."""
        return str(self.path) if self.path is not None else hide_password(self.url)


def locate(database: "str | Path | Database") -> Database:
    """Find the engine of a file or URL.

    Raises:
        DatabaseError: no such file, a file of neither engine, or text that is no URL.
    """
    if isinstance(database, Database):
        return database
    text = str(database)
    if "://" not in text:
        return _locate_file(_user_path(text), hide_password(text))
    for engine in FILE_ENGINES:
        if text.startswith((f"{engine}:///", f"{engine}+")):
            path = Path(text.split(":///", 1)[-1].split("?", 1)[0])
            return _locate_file(path, hide_password(text), engine)
    return _locate_url(text)


def _user_path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~somebody who does not exist
        return Path(text)


def _locate_file(path: Path, shown: str, wanted: str | None = None) -> Database:
    engine = file_engine(path, shown)
    if wanted not in (None, engine):
        raise DatabaseError(f"{shown} is a {engine} file, not {wanted}", str(path))
    return Database(path.stem, engine, f"{engine}:///{path.resolve()}", path.resolve())


def read_head(path: Path, size: int) -> bytes:
    """Return a file's first bytes, and keep it open.

    Closing it would drop every POSIX lock that this process holds on the file, those of the user's
    own connections too, and with them the protection against corruption:
    sqlite.org/howtocorrupt.html, section 2.2.
    """
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    with _LOCK:
        key = (state.st_dev, state.st_ino)
        if key not in _KEPT:
            _KEPT[key] = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        while len(_KEPT) > MAX_KEPT:
            os.close(_KEPT.pop(next(iter(_KEPT))))
        return os.pread(_KEPT[key], size, 0)


def file_engine(path: Path, shown: str | None = None) -> str:
    """Tell SQLite from DuckDB by the first bytes of a file."""
    shown = shown or str(path)
    try:
        head = read_head(path, 16)
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "no such file" if missing else getattr(error, "strerror", None) or str(error)
        raise DatabaseError(f"cannot open database {shown}: {reason}", shown) from None
    if head == b"SQLite format 3\0":
        return "sqlite"
    if head[8:12] == b"DUCK":
        return "duckdb"
    what = "is empty" if not head else "is neither a SQLite nor a DuckDB file"
    raise DatabaseError(f"cannot open database {shown}: the file {what}", shown)


def _locate_url(text: str) -> Database:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    start, end = _password_span(text)
    if "@" in text[start:end]:
        message = f"{hide_password(text)}: write @ in a user name or password as %40"
        raise DatabaseError(message, hide_password(text))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseError(f"not a database URL: {hide_password(text)}") from None
    engine = url.get_backend_name()
    return Database(url.database or engine, engine, text)


def check_db_id(db_id: str) -> None:
    """Refuse an id that would lead out of the folder of databases.

    Raises:
        DatabaseError: it has a separator in it, or is a folder's own name.
    """
    if Path(db_id).name != db_id or db_id in ("", ".", ".."):
        raise DatabaseError(f"db_id {db_id!r} is no name of a database", db_id)


def hide_password(url: str) -> str:
    """Return a URL with `***` for its password and the secrets in its query, malformed or not."""
    start, end = _password_span(url)
    masked = f"{url[:start]}***{url[end:]}" if end > start else url
    return _SECRET_OPTION.sub(r"\1***", masked)


def redact(text: str, url: str) -> str:
    """Return an engine's message without any secret that is in the URL."""
    start, end = _password_span(url)
    found = [url[start:end], *(match[2] for match in _SECRET_OPTION.finditer(url))]
    secrets = {form for secret in found for form in (secret, unquote(secret), unquote_plus(secret))}
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _password_span(url: str) -> tuple[int, int]:
    """Return where the password starts and ends; (0, 0) where there is none.

    The last @ before the query ends it: an @ that should have been written %40 is hidden, too.
    """
    scheme = re.match(r"[\w.+ -]*:/*", url)
    query = url.find("?", url.find("@") + 1)
    at = url.rfind("@", 0, query if query >= 0 else len(url))
    colon = url.find(":", scheme.end()) if scheme else -1
    return (colon + 1, at) if -1 < colon < at else (0, 0)
