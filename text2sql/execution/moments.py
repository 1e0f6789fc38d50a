"""Put a fixed moment in place of the clock, so that SQL that depends on today can be scored.

    >>> fix_clock("SELECT date('now', '-1 day')", "sqlite", "2024-05-01")
    "SELECT date('2024-05-01 00:00:00.000', '-1 day')"

The text is edited where the clock is read and stays byte for byte elsewhere: strings, comments and
names that look like a clock are left alone. Each call becomes a literal of its own type, in UTC. A
call that the engine would refuse is not touched, so wrong SQL stays wrong.

Covered: SQLite, DuckDB, PostgreSQL, MySQL and MariaDB; modifiers such as 'localtime' and '-1 day'
apply to the moment as they would to the clock; in SQLite, "now" in double quotes is text where a
time is expected.
Not covered: other dialects; a clock as a table (FROM now()); clocks that a function or view of the
database reads; the name of an unnamed result column, which follows the text; SQL that sqlglot's
tokenizer cannot read.

Sources: sqlite.org/lang_datefunc.html; duckdb_functions() of DuckDB 2.0.0; PostgreSQL 17 manual,
9.9.5 and 8.5.1.4; MySQL 8.4 manual, 14.7.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from text2sql.errors import SettingsError

if TYPE_CHECKING:
    from sqlglot.tokens import Token

Literal = Callable[[datetime, str], str]  # from the moment and the digits asked for, "" if none
Edit = tuple[int, int, str]  # start, end, what comes there instead


@dataclass(frozen=True, slots=True)
class _Clock:
    """A function without arguments that reads the clock."""

    literal: Literal
    bare: bool = False  # may be written without parentheses
    call: bool = True  # may be written with them
    digits: bool = False  # may say how many digits of a second to keep


def parse_moment(value: str | date | datetime) -> datetime:
    """Return a moment in UTC; a date is its midnight, and what names no zone is in UTC.

    Args:
        value: a date, a datetime, or either in ISO 8601.

    Raises:
        SettingsError: it is none of these, or lies outside of the years 1 to 9999.
    """
    moment: date = value  # type: ignore[assignment]
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
        if isinstance(moment, datetime):
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    except (ValueError, OverflowError, AttributeError, TypeError):
        shown = "2024-05-01 or 2024-05-01T12:30:00Z"
        raise SettingsError(f"as_of must be a moment such as {shown}, not {value!r}") from None


def fix_clock(sql: str, dialect: str, as_of: str | date | datetime) -> str:
    """Return SQL that reads a fixed moment instead of the clock.

    Args:
        sql: one statement or several.
        dialect: sqlglot's name.
        as_of: the moment, as `parse_moment` takes it.

    Returns:
        The same text with a literal for each reading of the clock; unchanged where there is none,
        where the tokenizer cannot read it, and in dialects that are not covered.

    Raises:
        SettingsError: `as_of` is no moment.
    """
    moment = parse_moment(as_of)
    clocks = _CLOCKS.get(dialect)
    if clocks is None or not _LOOKS_LIKE_A_CLOCK.search(sql):
        return sql
    import sqlglot

    from text2sql.unreadable import UNREADABLE

    try:
        tokens = sqlglot.tokenize(sql, read=dialect)
    except UNREADABLE:
        return sql
    edits = {edit[:2]: edit for edit in _edits(tokens, dialect, clocks, moment)}
    for start, end, text in sorted(edits.values(), reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql


def _edits(
    tokens: "Sequence[Token]", dialect: str, clocks: dict[str, _Clock], moment: datetime
) -> Iterator[Edit]:
    for place, token in enumerate(tokens):
        name = _name(token, dialect)
        if name in clocks:
            yield from _read_clock(tokens, place, clocks[name], moment)
        elif dialect == "sqlite" and name in _SQLITE_TIMES:
            yield from _read_sqlite_time(tokens, place, _SQLITE_TIMES[name], moment)
        elif name == "age" and dialect in ("duckdb", "postgres"):
            yield from _read_age(tokens, place, moment)
        if dialect == "postgres" and _kind(token) == "STRING":
            yield from _read_special_text(tokens, place, moment)


def _kind(token: "Token | None") -> str:
    return token.token_type.name if token is not None else ""


def _at(tokens: "Sequence[Token]", place: int) -> "Token | None":
    return tokens[place] if 0 <= place < len(tokens) else None


def _name(token: "Token", dialect: str) -> str:
    """Return a token as the name of a function, in lower case; "" for what cannot be one."""
    kind = _kind(token)
    if kind in ("STRING", "NUMBER") or not token.text:
        return ""
    if kind == "IDENTIFIER" and dialect == "postgres":
        return token.text  # in quotes, case matters
    return "" if kind == "IDENTIFIER" and dialect == "mysql" else token.text.lower()


def _starts(tokens: "Sequence[Token]", place: int) -> int | None:
    """Return where the expression that a function's name begins starts; None if it begins none.

    A word after a dot is a column, one after a name, a value or AS is an alias.
    """
    before = _at(tokens, place - 1)
    if _kind(before) == "DOT":
        schema = _at(tokens, place - 2)
        named = schema is not None and schema.text.lower() in ("pg_catalog", "main")
        return schema.start if named and schema is not None else None
    names = ("VAR", "IDENTIFIER", "STRING", "NUMBER", "R_PAREN", "R_BRACKET", "ALIAS", "WITH")
    return None if _kind(before) in names else tokens[place].start


def _read_clock(
    tokens: "Sequence[Token]", place: int, clock: _Clock, moment: datetime
) -> Iterator[Edit]:
    start = _starts(tokens, place)
    follows = [_kind(_at(tokens, place + step)) for step in (1, 2, 3)]
    if start is None or follows[0] == "DOT":
        return
    steps, digits = 0, ""
    if follows[0] == "L_PAREN" and follows[1] == "R_PAREN" and clock.call:
        steps = 2
    elif follows == ["L_PAREN", "NUMBER", "R_PAREN"] and clock.digits:
        steps, digits = 3, tokens[place + 2].text
    elif follows[0] == "L_PAREN" or not clock.bare or _kind(tokens[place]) == "IDENTIFIER":
        return
    text = clock.literal(moment, digits)
    if _kind(_at(tokens, place + steps + 1)) == "DOT":  # DuckDB: now().year()
        text = f"({text})"
    yield start, tokens[place + steps].end + 1, text


def _arguments(tokens: "Sequence[Token]", place: int) -> tuple[list[list[int]], int] | None:
    """Return the places of the tokens of each argument of a call, and that of its parenthesis."""
    if _kind(_at(tokens, place + 1)) != "L_PAREN":
        return None
    arguments: list[list[int]] = [[]]
    depth = 0
    for at in range(place + 2, len(tokens)):
        kind = _kind(tokens[at])
        if kind == "R_PAREN" and depth == 0:
            return ([] if arguments == [[]] else arguments), at
        depth += (kind in ("L_PAREN", "L_BRACKET")) - (kind in ("R_PAREN", "R_BRACKET"))
        if kind == "COMMA" and depth == 0:
            arguments.append([])
        else:
            arguments[-1].append(at)
    return None


def _read_sqlite_time(
    tokens: "Sequence[Token]", place: int, times: tuple[int, ...], moment: datetime
) -> Iterator[Edit]:
    """Fix a function of SQLite with times at these places; one left out at the end means now."""
    call = _arguments(tokens, place)
    if call is None or _starts(tokens, place) is None:
        return
    arguments, end = call
    text = f"'{moment.replace(tzinfo=None).isoformat(' ', 'milliseconds')}'"
    for time in times:
        if time < len(arguments):
            only = tokens[arguments[time][0]] if len(arguments[time]) == 1 else None
            word = only.text.lower() if only is not None and _kind(only) in _TEXTS else ""
            if only is not None and word == "now":
                yield only.start, only.end + 1, text
            elif only is not None and word in _MODIFIERS:
                yield only.start, only.start, f"{text}, "
        elif time == len(arguments) and len(times) == 1:
            yield tokens[end].start, tokens[end].start, f", {text}" if arguments else text


def _read_age(tokens: "Sequence[Token]", place: int, moment: datetime) -> Iterator[Edit]:
    """Give age(x) the date that it counts from."""
    call = _arguments(tokens, place)
    if call is None or len(call[0]) != 1 or _starts(tokens, place) is None:
        return
    after = [_kind(_at(tokens, call[1] + step)) for step in (1, 2)]
    if after != ["ALIAS", "L_PAREN"]:  # WITH age(x) AS (...)
        at = tokens[place + 2].start
        yield at, at, f"DATE '{moment.date().isoformat()}', "


def _read_special_text(tokens: "Sequence[Token]", place: int, moment: datetime) -> Iterator[Edit]:
    """Fix 'now', 'today', 'tomorrow' and 'yesterday' where PostgreSQL reads a date or time."""
    token, before, after = (_at(tokens, place + step) for step in (0, -1, 1))
    word = token.text.strip().lower() if token is not None else ""
    if token is None or word not in ("now", *_DAYS):
        return
    typed = _is_type(before) or (before is not None and before.text.lower() == "zone")
    cast = _kind(after) in ("DCOLON", "ALIAS") and _is_type(_at(tokens, place + 2))
    opener = _at(tokens, place - 2)  # date('now') is a cast
    called = _kind(before) == "L_PAREN" and _kind(after) == "R_PAREN" and _is_type(opener)
    if typed or cast or called:
        text = f"{moment.replace(tzinfo=None).isoformat(' ', 'microseconds')}+00"
        with suppress(OverflowError):  # tomorrow, on the last day that there is
            if word in _DAYS:
                text = (moment.date() + timedelta(days=_DAYS[word])).isoformat()
            yield token.start, token.end + 1, f"'{text}'"


def _is_type(token: "Token | None") -> bool:
    return token is not None and token.text.lower() in _TYPES


_TEXTS = ("STRING", "IDENTIFIER")  # SQLite: "now" that names no column is text
_MODIFIERS = ("subsec", "subsecond")  # in the place of a time they follow an unwritten 'now'
_TYPES = ("date", "time", "timetz", "timestamp", "timestamptz")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_SQLITE_TIMES = {
    **dict.fromkeys(("date", "time", "datetime", "julianday", "unixepoch"), (0,)),
    "strftime": (1,),
    "timediff": (0, 1),
}


def _literal(kind: str, form: str, *, shown: bool = False) -> Literal:
    """Return the function that writes a moment as a typed literal of standard SQL.

    Args:
        kind: the type's name; "" for plain text.
        form: what follows, with {day}, {clock} and {fraction}.
        shown: the digits asked for belong to the type; else they cut the fraction.
    """

    def write(moment: datetime, digits: str) -> str:
        places = 6 if shown else min(int(digits or 0), 6)
        fraction = f".{moment.microsecond:06}"[: places + 1] if places else ""
        day, clock = moment.date().isoformat(), f"{moment:%H:%M:%S}"
        text = form.format(day=day, clock=clock, fraction=fraction)
        kept = f"({digits})" if shown and digits else ""
        return f"{kind}{kept} '{text}'".lstrip()

    return write


def _standard() -> dict[str, Literal]:
    return {
        "date": _literal("DATE", "{day}", shown=True),
        "time": _literal("TIME", "{clock}{fraction}", shown=True),
        "timetz": _literal("TIMETZ", "{clock}{fraction}+00", shown=True),
        "timestamp": _literal("TIMESTAMP", "{day} {clock}{fraction}", shown=True),
        "timestamptz": _literal("TIMESTAMPTZ", "{day} {clock}{fraction}+00", shown=True),
    }


def _postgres() -> dict[str, _Clock]:
    kinds = _standard()
    stamp = kinds["timestamptz"]
    functions = ("now", "transaction_timestamp", "statement_timestamp", "clock_timestamp")
    words = {
        "current_timestamp": stamp,
        "current_time": kinds["timetz"],
        "localtimestamp": kinds["timestamp"],
        "localtime": kinds["time"],
    }
    return {
        **{name: _Clock(stamp) for name in functions},
        **{name: _Clock(kind, bare=True, call=False, digits=True) for name, kind in words.items()},
        "current_date": _Clock(kinds["date"], bare=True, call=False),
        "timeofday": _Clock(lambda m, _: f"TEXT '{m:%a %b %d %H:%M:%S.%f} {m.year:04} UTC'"),
    }


def _duckdb() -> dict[str, _Clock]:
    kinds = _standard()
    calls = {
        **dict.fromkeys(("now", "get_current_timestamp", "transaction_timestamp"), "timestamptz"),
        "get_current_time": "timetz",
        "today": "date",
        "current_localtime": "time",
        "current_localtimestamp": "timestamp",
    }
    words = {
        "current_timestamp": "timestamptz",
        "current_time": "timetz",
        "localtimestamp": "timestamp",
        "localtime": "time",
    }
    return {
        **{name: _Clock(kinds[kind]) for name, kind in calls.items()},
        **{name: _Clock(kinds[kind], bare=True, call=False) for name, kind in words.items()},
        "current_date": _Clock(kinds["date"], bare=True),
    }


def _sqlite() -> dict[str, _Clock]:
    forms = {
        "current_date": "{day}",
        "current_time": "{clock}",
        "current_timestamp": "{day} {clock}",
    }
    return {name: _Clock(_literal("", form), bare=True, call=False) for name, form in forms.items()}


def _mysql() -> dict[str, _Clock]:
    day = _literal("DATE", "{day}")
    clock = _literal("TIME", "{clock}{fraction}")
    stamp = _literal("TIMESTAMP", "{day} {clock}{fraction}")
    return {
        **{name: _Clock(stamp, digits=True) for name in ("now", "sysdate")},
        "curtime": _Clock(clock, digits=True),
        "curdate": _Clock(day),
        **dict.fromkeys(("current_date", "utc_date"), _Clock(day, bare=True)),
        **dict.fromkeys(("current_time", "utc_time"), _Clock(clock, bare=True, digits=True)),
        **dict.fromkeys(
            ("current_timestamp", "localtime", "localtimestamp", "utc_timestamp"),
            _Clock(stamp, bare=True, digits=True),
        ),
        "unix_timestamp": _Clock(lambda moment, _: str(int(moment.timestamp()))),
    }


_CLOCKS = {"sqlite": _sqlite(), "duckdb": _duckdb(), "postgres": _postgres(), "mysql": _mysql()}

_LOOKS_LIKE_A_CLOCK = re.compile(
    "|".join(
        sorted({*_SQLITE_TIMES, "age", "now", *_DAYS, *(n for c in _CLOCKS.values() for n in c)})
    ),
    re.IGNORECASE,
)
