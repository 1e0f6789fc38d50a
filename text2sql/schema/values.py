"""The texts in a database's cells as an index: which columns hold what a question says.

    >>> build_values(schema, value_lister("shop.sqlite"), Path("shop.values"))
    >>> with ValueIndex.open(Path("shop.values")) as index:
    ...     index.get(key_of("NEW  york"))
    (Value(sql="'New York'", table='customers', column='city'),)

A text is found by the stems of its words, so that "cats" finds `cat`. One that is spelled another
way is found by the letters that it shares (`near`: FTS5's trigrams choose, rapidfuzz judges;
without either nothing is near).

Covered: distinct texts of at most LONGEST characters in columns that may hold text; at most
MAX_VALUES of them and MAX_SECONDS of reading; `unread` names the columns that were not read.
Not covered: numbers, dates and times of columns that are declared so.
"""

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import combinations
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from text2sql.schema.mentions import Value, quoted
from text2sql.schema.model import Column, Schema
from text2sql.schema.words import fold, key_of, plain

FORMAT = 3  # of the file: raise it when tables change, or what `key_of` makes of a text
LONGEST = 80  # characters of a text; longer ones are prose
MAX_VALUES = 200_000  # texts of a database; each column's own count
MAX_SECONDS = 20.0  # of reading; a column that has begun is read to its own deadline
PLACES = 16  # of one key: a text in another spelling or column
NEAREST = 4  # texts that are near another
LIKENESS = 84.0  # percent, from which a text is near another
SHORTEST_NEAR = 4  # characters; shorter texts are near too many
_RARE = 6  # trigrams by which texts are looked for
_TRIED = 1_000  # texts with two of them whose likeness is computed

Lister = Callable[[str, str], Sequence[object] | None]  # of a table's full name and a column

# columns that hold no text worth looking for, whatever the engine calls them
_NO_TEXT = re.compile(
    r"int|real|num|dec|floa|doub|money|serial|bool|bit|blob|bytea|binary|json|uuid|geo|xml|\[",
    re.IGNORECASE,
)
# SQLite's dates are texts
_NO_TEXT_OR_MOMENT = re.compile(f"{_NO_TEXT.pattern}|date|time|interval|year", re.IGNORECASE)
_TABLES = """
    CREATE TABLE places (id INTEGER PRIMARY KEY, owner TEXT, name TEXT, read INTEGER);
    CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT UNIQUE, key TEXT);
    CREATE TABLE cells (text INTEGER, place INTEGER, PRIMARY KEY (text, place)) WITHOUT ROWID;
"""
_NEAR = """
    CREATE VIRTUAL TABLE near USING fts5(key, tokenize='trigram', content='', detail=none);
    CREATE VIRTUAL TABLE trigrams USING fts5vocab(near, row);
"""


def gather(cells: Iterable[tuple[str, str, str]]) -> dict[str, tuple[Value, ...]]:
    """Return texts by their keys, for cells that are at hand: (table, column, text)."""
    found: dict[str, dict[Value, None]] = {}
    for table, column, text in cells:
        if key := key_of(text):
            found.setdefault(key, {})[Value(quoted(text), table, column)] = None
    return {key: tuple(values)[:PLACES] for key, values in found.items()}


class ValueIndex:
    """Texts of a database by their keys; close it or use it as a context. Any thread may ask."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take over a connection to what `build_values` wrote.

        Raises:
            sqlite3.Error: it is no index.
        """
        self._connection, self._lock = connection, threading.Lock()
        places = self._ask("SELECT owner, name, read FROM places ORDER BY id")
        self._places = [(owner, name) for owner, name, _ in places]
        self.unread = tuple(f"{owner}.{name}" for owner, name, read in places if not read)
        self.get = lru_cache(maxsize=16_384)(self._get)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file.

        Raises:
            sqlite3.Error: it is missing or no index.
        """
        address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        return cls(sqlite3.connect(address, uri=True, check_same_thread=False))

    def _ask(self, sql: str, *parameters: Any) -> list[tuple]:
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    def _get(self, key: str, default: Sequence[Value] = ()) -> Sequence[Value]:
        """Return the texts of a key with their columns, in the order of the schema."""
        return self._stored("SELECT id FROM texts WHERE key = ?", key) or default

    def _stored(self, chosen: str, *parameters: Any) -> tuple[Value, ...]:
        sql = f"""
            SELECT texts.text, place FROM texts JOIN cells ON cells.text = texts.id
            WHERE texts.id IN ({chosen}) ORDER BY texts.id, place LIMIT {PLACES}
        """
        found = self._ask(sql, *parameters)
        return tuple(Value(quoted(text), *self._places[place]) for text, place in found)

    def near(self, text: str) -> Sequence[Value]:
        """Return stored texts that are written nearly so, the most alike first."""
        asked = plain(text)
        if self._likeness is None or len(asked) < SHORTEST_NEAR:
            return ()
        found = [
            (alike, identity)
            for identity, stored in self._sharing(asked)
            if (alike := self._likeness(asked, plain(stored), score_cutoff=LIKENESS))
        ]
        best = sorted(found, key=lambda pair: (-pair[0], pair[1]))[:NEAREST]
        return tuple(value for _, identity in best for value in self._stored("?", identity))

    @cached_property
    def _likeness(self) -> Callable[..., float] | None:
        has_trigrams = self._ask("SELECT 1 FROM sqlite_master WHERE name = 'near'")
        try:
            from rapidfuzz.fuzz import ratio
        except ImportError:
            return None
        return ratio if has_trigrams else None

    def _sharing(self, asked: str) -> list[tuple[int, str]]:
        """Return texts that share two of the rarest trigrams, in the order of the index."""
        trigrams = {asked[i : i + 3] for i in range(len(asked) - 2)}
        marks = ", ".join("?" * len(trigrams))
        rare = f"SELECT term FROM trigrams WHERE term IN ({marks}) ORDER BY doc, term LIMIT {_RARE}"
        terms = ['"' + term.replace('"', '""') + '"' for (term,) in self._ask(rare, *trigrams)]
        wanted = " OR ".join(f"({a} AND {b})" for a, b in combinations(terms, 2)) or "".join(terms)
        sql = "SELECT id, text FROM near JOIN texts ON id = near.rowid WHERE near MATCH ? LIMIT ?"
        return self._ask(sql, wanted, _TRIED) if wanted else []

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def text_columns(schema: Schema) -> list[tuple[str, Column]]:
    """Return the columns that may hold text, each with its table's full name."""
    no_text = _NO_TEXT if schema.dialect == "sqlite" else _NO_TEXT_OR_MOMENT
    return [
        (table.full_name, column)
        for table, column in schema.columns()
        if not no_text.search(column.type)
    ]


def build_values(
    columns: Iterable[tuple[str, str]], lister: Lister, connection: sqlite3.Connection
) -> None:
    """Read the texts of some columns into an empty database, within the bounds of this module.

    Args:
        columns: table's full name and column, of those that may be read.
        lister: the distinct values of a column; None where they are too many or cannot be read.
        connection: to the database that becomes the index.
    """
    connection.executescript(_TABLES)
    left, begun = MAX_VALUES, time.monotonic()
    for place, (table, column) in enumerate(columns):
        late = left <= 0 or time.monotonic() - begun > MAX_SECONDS
        listed = None if late else lister(table, column)
        texts = list(_texts(listed or ()))
        read = listed is not None and len(texts) <= left
        connection.execute("INSERT INTO places VALUES (?, ?, ?, ?)", (place, table, column, read))
        if read:
            left -= len(texts)
            _insert(texts, place, connection)
    connection.execute("CREATE INDEX by_key ON texts (key)")
    _index_trigrams(connection)
    connection.commit()


def _texts(listed: Iterable[object]) -> Iterator[str]:
    for value in listed:
        if isinstance(value, str) and 0 < len(value) <= LONGEST and fold(value):
            yield value


def _insert(texts: Sequence[str], place: int, connection: sqlite3.Connection) -> None:
    for text in texts:
        row = (text, key_of(text))
        connection.execute("INSERT OR IGNORE INTO texts (text, key) VALUES (?, ?)", row)
        cell = (place, text)
        connection.execute(
            "INSERT OR IGNORE INTO cells SELECT id, ? FROM texts WHERE text = ?", cell
        )


def _index_trigrams(connection: sqlite3.Connection) -> None:
    try:
        connection.executescript(_NEAR)
    except sqlite3.OperationalError:  # an SQLite without FTS5, or before 3.34
        return
    texts = connection.execute("SELECT id, text FROM texts")
    rows = ((identity, plain(text)) for identity, text in texts)
    connection.executemany("INSERT INTO near (rowid, key) VALUES (?, ?)", rows)
