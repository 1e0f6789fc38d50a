"""What a string literal must say: an interval, a moment, a format, a regular expression.

    >>> moment_ok(b"2024-02-29", b"date"), moment_begins(b"2024-2", b"date")
    (True, False)

Covered: each whole string, and what such a string may begin with.
Not covered: formats and patterns that are legal in the engine but seldom written.
"""

import re
from collections.abc import Collection, Iterator
from datetime import date
from functools import cache

from text2sql.decoding.checking.dialects import TIME_UNITS
from text2sql.decoding.checking.functions import DATE_FIELDS, DATE_PARTS, FORMAT_LETTERS
from text2sql.decoding.checking.kinds.tables import MOMENTS

_INTERVAL = re.compile(
    rb"\d{1,6}|(?!.*(year|month|week|day|hour|minute|second).*\1)"  # PostgreSQL: each once
    rb"-?\d{1,6} (years?|months?|weeks?|days?|hours?|minutes?|seconds?)"
    rb"( \d{1,6} (years?|months?|weeks?|days?|hours?|minutes?|seconds?)){0,2}"
)
_FORMAT = re.compile(rb"([A-Za-z0-9 .,:/_-]|%.)+")
_ATOM = re.compile(
    rb"([A-Za-z0-9 _@,;:'\"/<>=!&#~`^$-]|\.|\\[dwsDWS.()+*?-]|\[\^?(a-z|A-Z|[A-Z]-[A-Z]|0-9|\w)+\])"
    rb"([*+?]|\{[1-9]\})?",
    re.ASCII,
)
_PATTERN_ENDS = (b"", b"d", b"a]", b"z]", b"Z]", b"9]", b"]", b"1}", b"}")
_TIMES = re.compile(rb"[*+?]|\{[1-9]\}")
_KEY = re.compile(rb"[A-Za-z_]\w*|\$(\.[A-Za-z_]\w*|\[\d{1,3}\])+", re.ASCII)
# kind -> what a string of it says, and how such a string begins
_INTEGER = re.compile(rb"\d{1,9}"), re.compile(rb"\d{0,9}")
_DECIMAL = re.compile(rb"\d{1,9}(\.\d{1,4})?"), re.compile(rb"\d{0,9}|\d{1,9}\.\d{0,4}")
_FORMS = {
    **dict.fromkeys(("int4", "int8", "hugeint"), _INTEGER),
    **dict.fromkeys(("decimal", "float"), _DECIMAL),
    "boolean": (re.compile(rb"true|false"), re.compile(rb"(t(r(ue?)?)?|f(a(l(se?)?)?)?)?")),
    "time": (
        re.compile(rb"([01]\d|2[0-3])(:[0-5]\d){1,2}"),
        re.compile(rb"([0-2]|([01]\d|2[0-3])(:([0-5]?|[0-5]\d(:([0-5]\d?)?)?))?)?"),
    ),
    "blob": (re.compile(rb"[A-Za-z0-9 ]{0,40}"), re.compile(rb"[A-Za-z0-9 ]{0,40}")),
}
_PARTS = frozenset[str]().union(*DATE_PARTS.values(), *DATE_FIELDS.values())
_CLOCK = re.compile(rb"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_ZONE = re.compile(rb"[+-](0\d|1[0-2])\Z")
_MOMENTS_BEGUN = (
    b"2000-01-01 00:00:00",
    b"2000-10-10 10:10:10",
    b"2000-11-20 20:20:20",
    b"2000-12-30 20:20:20",
)


_ENOUGH = (b"day", b"hour", b"week")  # units of which one is left behind two others


def interval_ok(text: bytes) -> bool:
    """Tell whether a string is an interval: a number, or up to three with their units."""
    return _INTERVAL.fullmatch(text) is not None


@cache
def _interval_units() -> tuple[bytes, ...]:
    return tuple(sorted(TIME_UNITS))


def interval_begins(text: bytes) -> bool:
    """Tell whether an interval begins so."""
    before, space, unit = text.rpartition(b" ")
    ends = (end for unit in _ENOUGH for end in (b" " + unit, b"1 " + unit))
    if any(interval_ok(text + end) for end in (b"", b"1", *ends)) or not text:
        return True
    return bool(space) and any(
        known.startswith(unit) and interval_ok(before + space + known)
        for known in _interval_units()
    )


def moment_ok(text: bytes, kind: bytes) -> bool:
    """Tell whether a string is a date, a time to the second, or a timestamp of both."""
    if kind == b"time":
        return _CLOCK.fullmatch(text) is not None
    zone = _ZONE.search(text) if kind == b"timestamptz" else None
    day, space, clock = (text[: zone.start()] if zone else text).partition(b" ")
    try:
        date.fromisoformat(day.decode())
    except ValueError:
        return False
    if len(day) != 10 or int(day[:4]) < 1000 or (zone and not space):
        return False
    return not space or (kind != b"date" and _CLOCK.fullmatch(clock) is not None)


def moment_begins(text: bytes, kind: bytes) -> bool:
    """Tell whether a date, time or timestamp begins so."""
    if kind == b"time":
        return any(moment_ok(text + known[11 + len(text) :], kind) for known in _MOMENTS_BEGUN)
    size = 10 if kind == b"date" else 19
    if kind == b"timestamptz" and len(text) > size:
        return moment_ok(text + b"+00"[len(text) - size :], kind)
    whole = (text + known[len(text) : size] for known in _MOMENTS_BEGUN)
    return any(moment_ok(one, kind) for one in whole)


def labels_of(kind: str) -> tuple[bytes, ...]:
    """Return the values of an enumerated type, whose kind names them; none of another kind."""
    return (
        tuple(kind.removeprefix("enum ").encode().split(b"'")[1::2]) if kind[:4] == "enum" else ()
    )


def literal_ok(text: bytes, kinds: Collection[str]) -> bool:
    """Tell whether a string says a value of one of some kinds, so that an engine converts it."""
    if not MOMENTS.isdisjoint(kinds) and moment_ok(text, b"timestamp"):
        return True
    if "interval" in kinds and interval_ok(text) and not text.isdigit():
        return True
    if any(text in labels_of(kind) for kind in kinds):
        return True
    return any(kind in kinds and form.fullmatch(text) for kind, (form, _) in _FORMS.items())


def literal_begins(text: bytes, kinds: Collection[str]) -> bool:
    """Tell whether a string that says a value of one of some kinds begins so."""
    if not MOMENTS.isdisjoint(kinds) and moment_begins(text, b"timestamp"):
        return True
    if "interval" in kinds and interval_begins(text):
        return True
    if any(label.startswith(text) for kind in kinds for label in labels_of(kind)):
        return True
    return any(kind in kinds and begun.fullmatch(text) for kind, (_, begun) in _FORMS.items())


def endings(text: bytes) -> Iterator[bytes]:
    """Yield ends of a string that may make it an interval, a moment, a number, a format ..."""
    yield from (
        b"",
        b"1",
        b"0",
        b"00",
        b"Y",
        b"]",
        b" day",
        b"a",
        b"0]",
        b".a",
        b"$.a"[len(text) :],
    )
    yield from (tail + (_unclosed(text + tail) or b"") for tail in _PATTERN_ENDS[:-2])
    yield from (known[len(text) : size] for size in (10, 19) for known in _MOMENTS_BEGUN)
    _, space, unit = text.rpartition(b" ")
    yield from (end + known for known in _ENOUGH for end in (b"1 ", b" "))
    yield b"s"
    yield b"00:00:00"[len(text) :]
    for known in (*_interval_units(), *sorted(map(str.encode, _PARTS)), b"true", b"false"):
        begun = (unit if space else text).lower()
        if known.startswith(begun):
            yield known[len(begun) :]
    whole = (b"1 day", b"00:00:00", *_ZONES_BEGUN)
    yield from (known[len(text) :] for known in whole if known.startswith(text))
    yield from (b"Xxx", b"xxx", b"xx", b"x")
    yield from _REGEX_ENDS


def format_ok(text: bytes) -> bool:
    """Tell whether a string is a format of strftime."""
    letters = FORMAT_LETTERS["duckdb"]
    if _FORMAT.fullmatch(text) is None:
        return False
    return all(chr(found[1]) in letters for found in re.findall(rb"%.", text))


def key_ok(text: bytes) -> bool:
    """Tell whether a string is the name of a part of a JSON value, or a path to one."""
    return _KEY.fullmatch(text) is not None


def key_begins(text: bytes) -> bool:
    """Tell whether such a name or path begins so."""
    return any(key_ok(text + tail) for tail in (b"", b"a", b"0]", b"]"))


def pattern_ok(text: bytes) -> bool:
    """Tell whether a string is a regular expression, of a simple form."""
    return _unclosed(text) == b""


def pattern_begins(text: bytes) -> bool:
    """Tell whether such a regular expression begins so."""
    return any(_unclosed(text + tail) is not None for tail in _PATTERN_ENDS)


def _unclosed(text: bytes) -> bytes | None:
    """Return the parentheses that a pattern still has to close; None where it is no pattern."""
    place, open_groups = 0, 0
    while place < len(text):
        begun = text[place : place + 1]
        if begun == b"(":
            open_groups, place = open_groups + 1, place + 1
        elif begun == b")" and open_groups and text[place - 1 : place] not in (b"(", b"|"):
            times = _TIMES.match(text, place + 1)
            open_groups, place = open_groups - 1, times.end() if times else place + 1
        elif begun == b"|" and place and text[place - 1 : place] not in (b"(", b"|"):
            place += 1
        else:
            atom = _ATOM.match(text, place)
            if atom is None:
                return None
            place = atom.end()
    return b")" * open_groups if text[-1:] not in (b"(", b"|") else b"a" + b")" * open_groups


_LETTER = rb"[A-Za-z0-9 _@,;:'\"/<>=!&#~%-]"
_ATOM_OF_REGEX = (
    rb"(?:" + _LETTER + rb"|\.|\\[dws.]|\[\^?(?:[A-Za-z0-9_](?:-[A-Za-z0-9])?)+\])[*+?]?"
)
_BRANCHES = rb"(?:" + _ATOM_OF_REGEX + rb")*(?:\|(?:" + _ATOM_OF_REGEX + rb")*)*"
_REGEX = re.compile(
    rb"\^?(?:\(" + _BRANCHES + rb"\)[*+?]?|\||" + _ATOM_OF_REGEX + rb")*\$?", re.ASCII
)
_REGEX_ENDS = (b"", b")", b"]", b"a]", b"z]", b"9]", b"d", b"])", b"a])", b"z])", b"9])", b"d)")
_ZONE_NAMES = re.compile(
    rb"UTC|GMT|(Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific)/[A-Z][A-Za-z_]{2,20}"
)
_ZONES_BEGUN = (
    *(b"UTC", b"GMT", b"Africa/Cairo", b"America/Lima", b"Asia/Tokyo", b"Atlantic/Faroe"),
    *(b"Australia/Perth", b"Europe/Paris", b"Indian/Cocos", b"Pacific/Fiji"),
)


def regex_ok(text: bytes) -> bool:
    """Tell whether a string is a regular expression of PostgreSQL, of a simple form."""
    if _REGEX.fullmatch(text) is None:
        return False
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def regex_begins(text: bytes) -> bool:
    """Tell whether such a regular expression begins so."""
    return any(regex_ok(text + end) for end in _REGEX_ENDS)


def zone_ok(text: bytes) -> bool:
    """Tell whether a string looks like the name of a time zone."""
    return _ZONE_NAMES.fullmatch(text) is not None


def zone_begins(text: bytes) -> bool:
    """Tell whether such a name begins so."""
    ends = (known[len(text) :] for known in _ZONES_BEGUN)
    return any(zone_ok(text + end) for end in (*ends, b"Xxx", b"xxx", b"xx", b"x"))
