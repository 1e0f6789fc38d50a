"""Results of gold queries on disk, found again by the contents of query and database.

    >>> with closing(GoldCache.open()) as cache:
    ...     cache.get(["SELECT count(*) FROM singer"], database)
    [Reply(...)]

Gold does not change from one run to the next, and half of a score's time is spent on it. The key
holds all that the result depends on: the statement, a hash of the database's file (with its
write-ahead log), the engine's version, the moment that stands for the clock, and the scorer's
version.

Covered: several processes at once; a cache that is read-only, full or broken, in whole or in one
result, does no harm (queries run as if there were none); a bound on its size, oldest used first
out.
Not covered: gold that fails (it is run again, and says so again); statements that depend on the
clock or on chance; databases on a server, whose contents have no hash.
"""

import contextlib
import hashlib
import os
import re
import sqlite3
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import platformdirs

from text2sql.databases import Database
from text2sql.execution.frames import Reply, decode, encode
from text2sql.scoring.manifests import SCORER_VERSION, database_hash

MAX_BYTES = 1 << 30  # of the file; beyond it the results not used for longest go
LARGEST = 8 << 20  # bytes of one result that is worth keeping
_SMALL = 16 << 20  # bytes of a file that is read as a whole
_FLUSHED = 500  # results that are written together
_DAY = 86_400
_FILE = "gold-results.sqlite"
_SEAL = 16  # bytes before each result

# What gives another result another time. Too much is excluded rather than too little.
_CHANGING = re.compile(
    r"\b(?:\w*random\w*|uuid\w*|gen_\w+|now|today|current_\w+|local(?:time|timestamp)|sysdate"
    r"|curdate|curtime|utc_\w+|nextval|get_current_\w+|\w+_timestamp|setseed|age)\b"
    r"|\b(?:date|time|datetime|julianday|unixepoch)\s*\(\s*\)"
    r"|\bstrftime\s*\(\s*'[^']*'\s*\)",
    re.IGNORECASE,
)


class GoldCache:
    """A file of results; use it from any thread."""

    def __init__(self, path: Path, *, settings: str = "") -> None:
        """Open or make the file.

        Args:
            path: of the file.
            settings: whatever else a result depends on, such as the moment in the clock's place.

        Raises:
            sqlite3.Error, OSError: it cannot be used.
        """
        self._path, self._settings = path, settings
        self._lock = threading.Lock()
        self._fresh: dict[bytes, bytes] = {}
        self._used: set[bytes] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")  # what a power cut loses runs again
        with self._connection:
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS results (key BLOB PRIMARY KEY, reply BLOB NOT NULL,"
                " used INTEGER NOT NULL) WITHOUT ROWID"
            )
        self._loaded = self._load_all()

    def _load_all(self) -> dict[bytes, bytes] | None:
        """Return all of a small file, in which nothing has to be looked up then; else None."""
        if os.path.getsize(self._path) > _SMALL:  # noqa: PTH202
            return None
        return dict(self._connection.execute("SELECT key, reply FROM results"))

    @classmethod
    def open(cls, folder: Path | None = None, *, settings: str = "") -> "GoldCache | None":
        """Open the user's cache, or another folder's; None where there can be none."""
        path = (folder or Path(platformdirs.user_cache_dir("text2sql"))) / _FILE
        for _ in range(2):
            try:
                return cls(path, settings=settings)
            except sqlite3.DatabaseError as error:
                if "locked" in str(error) or "readonly" in str(error):
                    return None
                with contextlib.suppress(OSError):  # broken: nothing in it cannot be made again
                    for suffix in ("", "-wal", "-shm"):
                        Path(f"{path}{suffix}").unlink(missing_ok=True)
            except OSError:
                return None
        return None

    def get(self, statements: Sequence[str], database: Database) -> list[Reply | None]:
        """Return the results that are at hand, None in the place of others."""
        keys = self._keys(statements, database)
        found = self._read([key for key in keys if key is not None])
        return [None if key is None else found.get(key) for key in keys]

    def _keys(self, statements: Sequence[str], database: Database) -> list[bytes | None]:
        if database.path is None:
            return [None] * len(statements)
        parts = (SCORER_VERSION, self._settings, _version(database.engine), database_hash(database))
        about = "\n".join(parts)
        return [_key(about, sql) for sql in statements]

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, Reply]:
        with self._lock:
            known = (self._fresh, self._loaded or {})
            found = {key: part[key] for key in keys for part in known if key in part}
            left = [key for key in keys if key not in found and self._loaded is None]
            with contextlib.suppress(sqlite3.Error):
                query = f"SELECT key, reply FROM results WHERE key IN ({','.join('?' * len(left))})"
                found |= dict(self._connection.execute(query, left)) if left else {}
            self._used |= found.keys()
        return {key: reply for key, text in found.items() if (reply := _reply(key, text))}

    def put(self, statements: Sequence[str], replies: Sequence[Reply], database: Database) -> None:
        """Keep results; they reach the file with the next `flush`."""
        for key, reply in zip(self._keys(statements, database), replies, strict=True):
            whole = reply.error is None and not reply.truncated
            if key is not None and whole and sum(map(len, reply.pages)) <= LARGEST:
                with self._lock:
                    self._fresh[key] = _sealed(key, reply)
        if len(self._fresh) >= _FLUSHED:
            self.flush()

    def flush(self) -> None:
        """Write what was put."""
        with self._lock:
            day = int(time.time()) // _DAY
            rows = [(key, text, day) for key, text in self._fresh.items()]
            self._fresh.clear()
            with contextlib.suppress(sqlite3.Error), self._connection:
                insert = "INSERT OR REPLACE INTO results VALUES (?, ?, ?)"
                self._connection.executemany(insert, rows)
                note = "UPDATE results SET used = ? WHERE key = ? AND used < ?"
                self._connection.executemany(note, [(day, key, day) for key in self._used])
            self._used.clear()

    def close(self) -> None:
        """Write what was put, make room where the file has grown too large, and let go of it."""
        self.flush()
        with self._lock, contextlib.suppress(sqlite3.Error, OSError):
            if os.path.getsize(self._path) > MAX_BYTES:  # noqa: PTH202
                self._shrink()
        self._connection.close()

    def _shrink(self) -> None:
        half = "SELECT key FROM results ORDER BY used LIMIT (SELECT count(*) / 2 FROM results)"
        with self._connection:
            self._connection.execute(f"DELETE FROM results WHERE key IN ({half})")
        self._connection.execute("VACUUM")


def _key(about: str, sql: str) -> bytes | None:
    if _CHANGING.search(sql):
        return None
    return hashlib.sha256(f"{about}\n{sql}".encode(errors="surrogatepass")).digest()


def _seal(key: bytes, text: bytes) -> bytes:
    """Return what tells a result that was damaged, or belongs to another key."""
    return hashlib.blake2b(text, key=key, digest_size=_SEAL).digest()


def _sealed(key: bytes, reply: Reply) -> bytes:
    text = encode((reply.seconds, reply.columns, reply.pages))
    return _seal(key, text) + text


def _reply(key: bytes, found: object) -> Reply | None:
    if not isinstance(found, bytes) or found[:_SEAL] != _seal(key, found[_SEAL:]):
        return None
    try:
        seconds, columns, pages = decode(found[_SEAL:])
    except Exception:  # of a version with other classes; pickle raises whatever it likes
        return None
    return Reply(seconds=seconds, columns=columns, pages=pages)


@lru_cache(maxsize=8)
def _version(engine: str) -> str:
    if engine == "sqlite":
        return f"sqlite {sqlite3.sqlite_version}"
    from importlib import metadata

    return f"{engine} {metadata.version('duckdb')}"
