"""The functions that a query may call, by dialect: what they take, and what they return.

    >>> FUNCTIONS["sqlite"]["substr"].takes
    ('text', 'integer', 'integer')
    >>> admits("number", "integer")
    True

Covered: what both the engine and sqlglot's reader of that dialect accept; found by trying each call
on SQLite 3.40, DuckDB 2.0 and PostgreSQL 15, next to sqlglot 30.30. They are in `function_tables`,
a module for each engine.
Not covered: what has its own syntax (CAST, EXTRACT, POSITION, TRIM FROM, WITHIN GROUP), functions
that return tables, values that a function refuses only when it runs.
"""

import re
import sqlite3
from dataclasses import dataclass
from functools import cache

from text2sql.decoding.checking.function_tables import duckdb, postgres, sqlite

# A group stands for each of its kinds; "same" stands for the kind of the first argument.
GROUPS = {
    "integer": ("int4", "int8"),
    "number": ("integer", "int4", "int8", "decimal", "float"),
    "moment": ("date", "timestamp"),
    "list": tuple(
        f"{kind}[]"
        for kind in (
            *("int4", "int8", "hugeint", "decimal", "float", "text", "boolean", "date"),
            *("timestamp", "timestamptz", "time", "interval", "json", "blob", "other", "any"),
            *("integer", "number"),
        )
    ),
    "wholes": ("int4[]", "int8[]", "hugeint[]", "integer[]"),
    "floats": ("float[]",),
    "numbers": ("int4[]", "int8[]", "hugeint[]", "integer[]", "float[]", "decimal[]", "number[]"),
}


@dataclass(frozen=True, slots=True)
class Function:
    """One way to call a function."""

    name: str  # in lower case
    least: int  # arguments
    most: int | None  # arguments; None: any number (the engines take 100)
    kind: str  # "scalar", "aggregate" or "window"
    over: bool  # may have OVER; a "window" function must
    distinct: bool  # may have DISTINCT; in SQLite only with one argument
    filter: bool  # may have FILTER (WHERE ...)
    takes: tuple[str, ...]  # kinds of arguments; the last `step` ones repeat
    # "same": the kind of its first argument, or of all that are "same"; "first": of the first alone
    returns: str
    step: int = 1  # further arguments come in groups of so many
    # What may stand as an argument; the last `step` ones repeat. "expression":
    # anything. For sqlglot, "operand": nothing that compares or joins truths, unless in
    # parentheses; "primary": a literal, column, call, CASE, CAST or something in parentheses.
    # For DuckDB, "literal": a constant; "pattern": no constant but a regular expression; "format":
    # a literal in the letters of FORMAT_LETTERS, not empty. For both, "part": one of DATE_PARTS;
    # for PostgreSQL, "field": one of those or of DATE_FIELDS.
    reads: tuple[str, ...] = ("expression",)


def admits(takes: str, kind: str) -> bool:
    """Tell whether an argument of one kind may stand where a function takes another.

    Args:
        takes: an entry of `Function.takes`: a kind, a group, several with "|" between, or "any".
        kind: of the argument; "any" where it is not known, which only "any" admits.
    """
    kinds = takes.split("|")
    return "any" in kinds or kind in kinds or any(kind in GROUPS.get(k, ()) for k in kinds)


def sqlite_functions() -> frozenset[str]:
    """Return the names of the functions that the SQLite of this Python has."""
    connection = sqlite3.connect(":memory:")
    try:
        rows = connection.execute("SELECT DISTINCT lower(name) FROM pragma_function_list")
        return frozenset(name for (name,) in rows)
    finally:
        connection.close()


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Functions that an engine may lack.
OPTIONAL: dict[str, frozenset[str]] = {
    "sqlite": _names(sqlite.OPTIONAL),
    "duckdb": frozenset(),
    "postgres": _names(postgres.OPTIONAL),
}

# What a literal may say where `Function.reads` has "part": units of time, in any case.
DATE_PARTS: dict[str, frozenset[str]] = {
    "duckdb": _names(duckdb.DATE_PARTS),
    "postgres": _names(postgres.DATE_PARTS),
}

# What it may say where `Function.reads` has "field".
DATE_FIELDS: dict[str, frozenset[str]] = {
    "duckdb": frozenset(),
    "postgres": DATE_PARTS["postgres"] | _names(postgres.DATE_FIELDS),
}

# Which of them a value of a kind has that is no date.
KIND_PARTS: dict[str, dict[str, frozenset[str]]] = {
    "duckdb": {kind: _names(parts) for kind, parts in duckdb.KIND_PARTS.items()},
    "postgres": {kind: _names(parts) for kind, parts in postgres.KIND_PARTS.items()},
}

# What may follow % in a literal where `Function.reads` has "format".
FORMAT_LETTERS: dict[str, frozenset[str]] = {"duckdb": frozenset(duckdb.FORMAT_LETTERS)}

_FORM = re.compile(r"(\w+)\((.*)\) (\S+)((?: \w+)*)")


_RULES = ("plain", "unfiltered")  # words of a form that say nothing of its arguments


def _read(forms: dict[str, str]) -> dict[str, tuple[Function, ...]]:
    """Return a dialect's forms by name, the one to take where only one is taken first."""
    found: dict[str, tuple[Function, ...]] = {}
    for kind, text in forms.items():
        for line in filter(None, map(str.strip, text.splitlines())):
            form = _read_form(line, kind)
            found[form.name] = (*found.get(form.name, ()), form)
    return found


def _read_form(line: str, kind: str) -> Function:
    name, inside, returns, options = _FORM.fullmatch(line).groups()  # type: ignore[union-attr]
    least, step, repeats, takes = 0, 1, False, []
    for part in filter(None, inside.split(", ")):
        kinds = part.strip("[]").split()
        repeats = kinds[-1] == "..."
        kinds = kinds[:-1] if repeats else kinds
        step = len(kinds)
        least += 0 if part.startswith("[") else step
        takes += kinds
    words = options.split()
    reads = tuple(word for word in words if word not in _RULES) or ("expression",)
    distinct = kind == "aggregate" and bool(takes) and "plain" not in words
    most = None if repeats else len(takes)
    over, may_filter = kind != "scalar", kind == "aggregate" and "unfiltered" not in words
    shape = (over, distinct, may_filter, tuple(takes), returns)
    return Function(name, least, most, kind, *shape, step if repeats else 1, reads)


FORMS: dict[str, dict[str, tuple[Function, ...]]] = {
    "sqlite": _read(sqlite.FORMS),
    "duckdb": _read(duckdb.FORMS),
    "postgres": _read(postgres.FORMS),
}

FUNCTIONS: dict[str, dict[str, Function]] = {
    dialect: {name: forms[0] for name, forms in named.items()} for dialect, named in FORMS.items()
}

# Scalar functions of SQLite's that may have DISTINCT, which says nothing there.
DISTINCT_TOO = frozenset(
    name for name, form in FUNCTIONS["sqlite"].items() if form.kind == "scalar" and form.takes
) - _names(sqlite.ONE_BY_ONE)

# Functions of SQLite's that may have ALL, which says nothing.
ALL_TOO = frozenset(n for n, form in FUNCTIONS["sqlite"].items() if form.takes) - _names(
    sqlite.NO_ALL
)

# Aggregates that are scalar functions with more arguments.
SCALAR_TOO: dict[str, dict[str, Function]] = {
    dialect: {
        name: form
        for name, forms in named.items()
        for form in forms[1:]
        if (forms[0].kind, form.kind) == ("aggregate", "scalar")
    }
    for dialect, named in FORMS.items()
}


@cache
def installed_functions(dialect: str) -> dict[str, Function]:
    """Return FUNCTIONS of a dialect, less those of OPTIONAL that its engine may lack.

    Which ones SQLite lacks is asked of the one in this Python; a server is not asked.

    Raises:
        KeyError: no table for this dialect.
    """
    missing = OPTIONAL[dialect]
    missing = missing - sqlite_functions() if dialect == "sqlite" else missing
    return {name: f for name, f in FUNCTIONS[dialect].items() if name not in missing}
