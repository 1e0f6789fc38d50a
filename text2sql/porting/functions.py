"""SQLite's scalar functions in DuckDB's SQL, dates among them.

    >>> port_function("upper", [typed(exp.Literal.string("a"), "text")]).sql("duckdb")
    "TRANSLATE('a', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')"

Sources: sqlite.org lang_corefunc, lang_mathfunc, lang_datefunc, printf.

Covered: `FUNCTIONS`; abs, floor, ceil, trunc, sign, typeof, printf; dates with modifiers.
Not covered, `PortError`: what is random, JSON, formats and modifiers that are no literal,
`localtime`, `utc`. Not covered: dates that do not exist, such as 30 February, which SQLite carries
over and DuckDB has as NULL; doubles that printf and round() would round at a tie.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from text2sql.porting.values import (
    LOWER,
    NUMBER,
    NUMBERS,
    UPPER,
    PortError,
    build,
    integer,
    kind_of,
    number,
    real,
    text,
    typed,
    value,
)


@dataclass(frozen=True, slots=True)
class _Function:
    """A scalar function: DuckDB's form over a, b, c, and what the arguments have to be."""

    sql: str
    kind: str
    takes: tuple[Callable[[exp.Expr], exp.Expr], ...]


_REAL = {
    name: _Function(f"{name}(:a)", "real", (real,))
    for name in ("exp", "sin", "cos", "tan", "asin", "acos", "atan", "degrees", "radians")
} | {
    name: _Function(f"CASE WHEN :a > 0 THEN {form}(:a) END", "real", (real,))
    for name, form in {"ln": "ln", "log": "log10", "log10": "log10", "log2": "log2"}.items()
}

FUNCTIONS: dict[tuple[str, int], _Function] = {
    **{(name, 1): function for name, function in _REAL.items()},
    ("length", 1): _Function("length(:a)", "integer", (text,)),
    ("lower", 1): _Function(f"translate(:a, '{UPPER}', '{LOWER}')", "text", (text,)),
    ("upper", 1): _Function(f"translate(:a, '{LOWER}', '{UPPER}')", "text", (text,)),
    ("round", 1): _Function("round(:a)", "real", (real,)),
    ("round", 2): _Function("round(:a, greatest(:b, 0))", "real", (real, integer)),
    ("substr", 2): _Function("substr(:a, :b)", "text", (text, integer)),
    ("substr", 3): _Function("substr(:a, :b, :c)", "text", (text, integer, integer)),
    ("instr", 2): _Function("strpos(:a, :b)", "integer", (text, text)),
    ("trim", 1): _Function("trim(:a, ' ')", "text", (text,)),
    ("ltrim", 1): _Function("ltrim(:a, ' ')", "text", (text,)),
    ("rtrim", 1): _Function("rtrim(:a, ' ')", "text", (text,)),
    ("trim", 2): _Function("trim(:a, :b)", "text", (text, text)),
    ("ltrim", 2): _Function("ltrim(:a, :b)", "text", (text, text)),
    ("rtrim", 2): _Function("rtrim(:a, :b)", "text", (text, text)),
    ("replace", 3): _Function(
        "CASE WHEN :b = '' THEN :a ELSE replace(:a, :b, :c) END", "text", (text, text, text)
    ),
    ("hex", 1): _Function("hex(:a)", "text", (text,)),
    ("sqrt", 1): _Function("CASE WHEN :a >= 0 THEN sqrt(:a) END", "real", (real,)),
    ("pow", 2): _Function("pow(:a, :b)", "real", (real, real)),
    ("pi", 0): _Function("pi()", "real", ()),
    ("total", 1): _Function("coalesce(sum(:a), 0e0)", "real", (real,)),
    ("date", 1): _Function("strftime(:a, '%Y-%m-%d')", "text", (value,)),
    ("time", 1): _Function("strftime(:a, '%H:%M:%S')", "text", (value,)),
    ("datetime", 1): _Function("strftime(:a, '%Y-%m-%d %H:%M:%S')", "text", (value,)),
    ("julianday", 1): _Function("epoch(:a) / 86400e0 + 2440587.5e0", "real", (value,)),
    ("unixepoch", 1): _Function("CAST(floor(epoch(:a)) AS BIGINT)", "integer", (value,)),
}
_DATES = ("date", "time", "datetime", "julianday", "unixepoch")

_NOW = typed(exp.Literal.string("now"), "text")


def port_function(name: str, arguments: Sequence[exp.Expr]) -> exp.Expr:
    """Return a call of a scalar function.

    Args:
        name: in lower case.
        arguments: ported already.

    Raises:
        PortError: SQLite has no such function, or it has no form in DuckDB.
    """
    if name in _DATES:
        return _date_function(name, arguments or [_NOW])
    if name == "strftime" and arguments:
        return _strftime(arguments[0], arguments[1:] or [_NOW])
    if name in ("printf", "format"):
        return _printf(arguments)
    function = FUNCTIONS.get((name, len(arguments)))
    if function is not None:
        parts = {
            letter: take(argument)
            for letter, take, argument in zip("abc", function.takes, arguments, strict=False)
        }
        return build(function.sql, function.kind, **parts)
    if name not in _KEEP_KIND or len(arguments) != 1:
        raise PortError(f"no form for function {name} of {len(arguments)} arguments")
    return _KEEP_KIND[name](arguments[0])


def _rounded(form: str) -> Callable[[exp.Expr], exp.Expr]:
    def call(node: exp.Expr) -> exp.Expr:
        inner = number(node)
        return build(f"{form}(:x)", kind_of(inner), x=inner)

    return call


def _abs(node: exp.Expr) -> exp.Expr:
    """abs() of text is a REAL whatever it says."""
    inner = real(node) if kind_of(node) == "text" else number(node)
    return build("abs(:x)", kind_of(inner), x=inner)


def _sign(node: exp.Expr) -> exp.Expr:
    return build("CAST(sign(:x) AS BIGINT)", "integer", x=number(node))


def _unchanged(node: exp.Expr) -> exp.Expr:
    return typed(value(node).copy(), kind_of(value(node)))


def _typeof(node: exp.Expr) -> exp.Expr:
    node = value(node)
    kind = kind_of(node)
    if kind == "null":
        return typed(exp.Literal.string("null"), "text")
    whole = "CASE WHEN {0} = trunc({0}) THEN 'integer' ELSE 'real' END"
    known = f"'{kind}'"
    if kind == "numeric":
        known = whole.format(":x")
    elif kind == "any":
        inner = whole.format("union_extract(:x, 'n')")
        known = f"CASE WHEN union_tag(:x) = 'n' THEN {inner} ELSE 'text' END"
    return build(f"CASE WHEN :x IS NULL THEN 'null' ELSE {known} END", "text", x=node)


_SPEC = re.compile(r"%(?P<flags>[-+ 0]*\d*(?:\.\d+)?)(?P<letter>[a-zA-Z%])")
_PRINTED = {"d": integer, "i": integer, "f": real, "e": real, "g": real, "s": text}


def _printf(arguments: Sequence[exp.Expr]) -> exp.Expr:
    if not arguments or not (isinstance(arguments[0], exp.Literal) and arguments[0].is_string):
        raise PortError("printf with a format that is no literal")
    wanted = [found["letter"] for found in _SPEC.finditer(arguments[0].name)]
    wanted = [letter for letter in wanted if letter != "%"]
    if len(wanted) != len(arguments) - 1 or not set(wanted) <= set(_PRINTED):
        raise PortError(f"printf with the format {arguments[0].name!r}")
    parts = {
        f"p{place}": _PRINTED[letter](argument)
        for place, (letter, argument) in enumerate(zip(wanted, arguments[1:], strict=True))
    }
    holes = "".join(f", :{name}" for name in parts)
    form = typed(arguments[0].copy(), "text")
    return build(f"printf(:form{holes})", "text", form=form, **parts)


# Dates: https://sqlite.org/lang_datefunc.html

_MOMENT = r"\d{4}-\d\d-\d\d([ T]+\d\d:\d\d(:\d\d(\.\d+)?)?)?Z?"
_CLOCK = r"\d\d:\d\d(:\d\d(\.\d+)?)?"
_SHIFT = re.compile(r"([+-]?\d+(?:\.\d+)?) *(second|minute|hour|day|month|year)s?", re.IGNORECASE)
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_FORMATS = {
    **{letter: f"%{letter}" for letter in "dHjmMSwWY%"},
    "f": "%S.%g",
    "F": "%Y-%m-%d",
    "T": "%H:%M:%S",
    "R": "%H:%M",
}


def _date_function(name: str, arguments: Sequence[exp.Expr]) -> exp.Expr:
    function = FUNCTIONS[name, 1]
    return build(function.sql, function.kind, a=_moment(arguments[0], arguments[1:]))


def _strftime(form: exp.Expr, arguments: Sequence[exp.Expr]) -> exp.Expr:
    if not (isinstance(form, exp.Literal) and form.is_string):
        raise PortError("strftime with a format that is no literal")
    moment = _moment(arguments[0], arguments[1:])
    if form.name in ("%s", "%J"):
        name = "unixepoch" if form.name == "%s" else "julianday"
        return text(build(FUNCTIONS[name, 1].sql, FUNCTIONS[name, 1].kind, a=moment))
    letters = re.findall(r"%(.?)", form.name)
    if any(letter not in _FORMATS for letter in letters):
        raise PortError(f"strftime with the format {form.name!r}")
    written = re.sub(r"%(.)", lambda found: _FORMATS[found[1]], form.name)
    written = written.replace("'", "''")
    return build(f"strftime(:x, '{written}')", "text", x=moment)


def _moment(node: exp.Expr, modifiers: Sequence[exp.Expr]) -> exp.Expr:
    """Return a time value of SQLite as a TIMESTAMP, NULL where it is none."""
    names = [modifier.name.lower().strip() for modifier in modifiers]
    if not all(isinstance(modifier, exp.Literal) for modifier in modifiers):
        raise PortError("a date with a modifier that is no literal")
    if isinstance(node, exp.Literal) and node.name.lower() == "now":
        found = build("CAST(now() AS TIMESTAMP)", "text")
    else:
        found = _read_moment(value(node), names)
    for name in names:
        found = _modified(found, name)
    return found


def _read_moment(node: exp.Expr, modifiers: list[str]) -> exp.Expr:
    days = "(:x - 2440587.5e0) * 86400000"
    if modifiers[:1] == ["unixepoch"]:
        modifiers.pop(0)
        node, days = number(node), ":x * 1000"
    if kind_of(node) in NUMBERS:
        sql = f"make_timestamp(CAST(round({days}) AS BIGINT) * 1000)"
        return build(sql, "text", x=real(node))
    if kind_of(node) != "text":
        node = text(node)
    sql = (
        f"CASE WHEN regexp_full_match(:x, '{_MOMENT}') THEN try_cast(rtrim(:x, 'Z') AS TIMESTAMP)"
        f" WHEN regexp_full_match(:x, '{_CLOCK}') THEN try_cast('2000-01-01 ' || :x || "
        "CASE WHEN length(:x) = 5 THEN ':00' ELSE '' END AS TIMESTAMP)"
        f" WHEN regexp_full_match(:x, '{NUMBER}') THEN"
        " make_timestamp(CAST(round((try_cast(:x AS DOUBLE) - 2440587.5e0) * 86400000) AS BIGINT)"
        " * 1000) END"
    )
    return build(sql, "text", x=node)


def _modified(moment: exp.Expr, modifier: str) -> exp.Expr:
    start = re.fullmatch(r"start of (day|month|year)", modifier)
    if start:
        return build(f"date_trunc('{start[1]}', :x)", "text", x=moment)
    weekday = re.fullmatch(r"weekday ([0-6])", modifier)
    if weekday:
        ahead = f"(7 + {weekday[1]} - dayofweek(:x)) % 7"
        return build(f":x + to_days(CAST({ahead} AS INTEGER))", "text", x=moment)
    shift = _SHIFT.fullmatch(modifier)
    if not shift:
        raise PortError(f"a date with the modifier {modifier!r}")
    amount, unit = float(shift[1]), shift[2].lower()
    if unit in _SECONDS:
        microseconds = round(amount * _SECONDS[unit] * 1_000_000)
        return build(f":x + to_microseconds({microseconds})", "text", x=moment)
    if amount != int(amount):
        raise PortError(f"a date with the modifier {modifier!r}")
    months = int(amount) * (12 if unit == "year" else 1)
    # 31 January and a month is 2 or 3 March, as SQLite counts on; DuckDB would stop in February
    sql = f"date_trunc('month', :x) + to_months({months}) + (:x - date_trunc('month', :x))"
    return build(sql, "text", x=moment)


# functions whose kind depends on their argument's
_KEEP_KIND: dict[str, Callable[[exp.Expr], exp.Expr]] = {
    "abs": _abs,
    "floor": _rounded("floor"),
    "ceil": _rounded("ceil"),
    "ceiling": _rounded("ceil"),
    "trunc": _rounded("trunc"),
    "sign": _sign,
    "typeof": _typeof,
    "likely": _unchanged,
    "unlikely": _unchanged,
}
