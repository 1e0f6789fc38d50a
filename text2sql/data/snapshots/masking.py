"""Hide the values of columns: keys stay joined, types stay, equal values stay equal.

    >>> masks = read_masks(["email", "customers.name=fake"], schema, joins)
    >>> masks["customers", "email"].of("ann@example.org")
    'x7c1f0d9a42be'

Ways: `hash` (a keyed hash in the form of the value: text, number, date), `fake` (a plausible value
of the column's kind), `null`. A key is always hashed, and with it every column that it is joined
with. The hash is keyed (HMAC-SHA-256): without the secret nobody can try values one by one.

Covered: patterns as in fnmatch on `column` or `table.column`.
Not covered: what the shape of data betrays: counts, dates that are not masked, rare combinations.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from text2sql.data.synthesis.kinds import guess
from text2sql.data.synthesis.lexicon import Attribute
from text2sql.data.synthesis.makers import make
from text2sql.errors import SettingsError, UnknownName
from text2sql.schema.joins import Join
from text2sql.schema.model import Column, Schema, Table

WAYS = ("hash", "fake", "null")
_EPOCH = date(1990, 1, 1)
_DAYS = 12_000

Place = tuple[str, str]  # full name of a table, column


@dataclass(frozen=True, slots=True)
class Mask:
    """How the values of one column are hidden."""

    way: str
    kind: str  # of the column, as `kinds.guess` says
    secret: bytes

    def of(self, value: Any) -> Any:
        """Return what stands for a value: the same each time; NULL stays NULL."""
        if value is None or self.way == "null":
            return None
        digest = hmac.new(self.secret, repr_of(value).encode(), hashlib.sha256).hexdigest()
        return self._fake(value, digest) if self.way == "fake" else _hashed(value, digest)

    def _fake(self, value: Any, digest: str) -> Any:
        random = Random(digest)
        if isinstance(value, int | float):
            size = 10 ** max(1, len(str(abs(int(value)))))
            drawn = random.uniform(size / 10, size)
            return round(drawn) if isinstance(value, int) else round(drawn, 2)
        if _is_day(value):
            return _day(value, digest)
        maker = "person" if self.kind in ("name", "text") else None
        return make(Attribute("", self.kind, maker=maker), 1, random)[0]


def repr_of(value: Any) -> str:
    """Return a text that is the same for equal keys: `1` as number and as text are joined."""
    if isinstance(value, bytes):
        return value.hex()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _hashed(value: Any, digest: str) -> Any:
    if isinstance(value, int | float):
        return int(digest[:12], 16)  # 48 bits: a double holds it, too
    return _day(value, digest) if _is_day(value) else f"x{digest[:12]}"


def _is_day(value: Any) -> bool:
    try:
        return bool(date.fromisoformat(str(value)[:10])) and len(str(value)) >= 10
    except ValueError:
        return False


def _day(value: Any, digest: str) -> str:
    drawn = _EPOCH + timedelta(int(digest[:8], 16) % _DAYS)
    return drawn.isoformat() + str(value)[10:]


def read_masks(
    texts: Iterable[str], schema: Schema, joins: Iterable[Join] = (), *, secret: bytes
) -> dict[Place, Mask]:
    """Return the masks of columns, those of joined keys with them.

    Args:
        texts: `PATTERN` or `PATTERN=WAY`; the last that fits a column holds.
        schema: of the database.
        joins: keys that nobody declared.
        secret: of the hash.

    Raises:
        UnknownName: a way that does not exist, or a pattern that fits no column.
        SettingsError: a way that a column cannot take.
    """
    ways: dict[Place, str] = {}
    for text in texts:
        pattern, _, way = text.partition("=")
        if (way or "hash") not in WAYS:
            raise UnknownName("way to mask", way, WAYS)
        fitting = [place for place in _places(schema) if _fits(place, pattern)]
        if not fitting:
            dotted = "." in pattern
            known = {f"{table}.{column}" if dotted else column for table, column in _places(schema)}
            raise UnknownName("column", pattern, known, f"in database {schema.name!r}")
        ways |= dict.fromkeys(fitting, way or "hash")
    ways |= _spread(ways, list(_pairs(schema, joins)))
    return {place: _mask(place, way, schema, secret) for place, way in ways.items()}


def _places(schema: Schema) -> Iterator[Place]:
    return ((table.full_name, column.name) for table, column in schema.columns() if not table.view)


def _fits(place: Place, pattern: str) -> bool:
    table, column = (part.casefold() for part in place)
    names = (column, f"{table}.{column}", f"{table.rpartition('.')[2]}.{column}")
    return any(fnmatchcase(name, pattern.strip().casefold()) for name in names)


def _pairs(schema: Schema, joins: Iterable[Join]) -> Iterator[tuple[Place, Place]]:
    """Yield columns that hold the same keys."""
    known = {(t.namespace, t.name): t.full_name for t in schema.tables}
    for table in schema.tables:
        for key in table.foreign_keys:
            parent = known.get((key.namespace, key.table))
            for column, referred in zip(key.columns, key.referred, strict=True):
                if parent is not None:
                    yield (table.full_name, column), (parent, referred)
    for join in joins:
        yield (join.child.full_name, join.column), (join.parent.full_name, join.referred)


def _spread(ways: Mapping[Place, str], pairs: list[tuple[Place, Place]]) -> dict[Place, str]:
    """Return `hash` for every column that is joined with one that is masked."""
    for place in {place for pair in pairs for place in pair} & ways.keys():
        if ways[place] != "hash":
            raise SettingsError(
                f"{'.'.join(place)} is a key: only hash keeps it joined, not {ways[place]}"
            )
    found = {place for pair in pairs for place in pair if place in ways}
    while further := {p for pair in pairs if found & set(pair) for p in pair} - found:
        found |= further
    return dict.fromkeys(found, "hash")


def _mask(place: Place, way: str, schema: Schema, secret: bytes) -> Mask:
    table = schema.find_table(place[0])
    column = table.column(place[1])
    assert column is not None
    _check(table, column, way)
    return Mask(way, guess(column.name, column.type), secret)


def _check(table: Table, column: Column, way: str) -> None:
    shown = f"{table.full_name}.{column.name}"
    if way == "null" and (not column.nullable or column.name in table.primary_key):
        raise SettingsError(f"{shown} takes no NULL: mask it with hash or fake")
    if way == "fake" and column.name in table.primary_key:
        raise SettingsError(f"{shown} is a key: fakes repeat, mask it with hash")
