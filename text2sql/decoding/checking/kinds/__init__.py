"""The kinds of values: what an operand is, and where it may stand, in a dialect that is strict.

    >>> checker = Checker(schema, dialect="duckdb")
    >>> [checker.accepts(sql) for sql in ("SELECT lower(name) FROM t", "SELECT -name FROM t")]
    [True, False]

Each frame keeps a stack of the operands that are being read in it. A column that FROM has not bound
yet has the kind that every table in sight gives a column of that name; where they differ, it has
one that is not known, and what is done with it becomes part of what FROM owes (`Reference.kinds`).
An operator is let in only where what it makes, or what can be made of that, fits where it stands;
after a single operand `::` can make anything of it. So there is no dead end.

A SELECT list with an aggregate, or a GROUP BY, must group what it names outside of aggregates.
Every item keeps the columns that it names (`Output.bare`), and GROUP BY may not end before they are
covered: by the column, by the item's alias, position or text, or by ALL.

The actions are one line of classes, a subject each: `operands`, `varying`, `literals`, `operators`,
`constructs`, `forms`, `rows`, `calls`, `clauses`, `stars`, `semijoins`, `actions`. Beside them are
`tables`, `strings`, `arguments`, `folding`, `outcomes` and `scope`.

Covered: arithmetic, comparison, LIKE, CASE, IN, BETWEEN, CAST, arguments of functions, the texts of
units, formats and regular expressions.
Not covered: values, and so errors that only rows show; structs, lambdas; rows other than beside IN.
"""

from text2sql.decoding.checking.kinds.actions import KindActions
from text2sql.decoding.checking.kinds.operands import Demand, Operand
from text2sql.decoding.checking.kinds.rules import RULES, Rules
from text2sql.decoding.checking.kinds.scope import KindScope
from text2sql.decoding.checking.kinds.strings import (
    endings,
    format_ok,
    interval_begins,
    interval_ok,
    moment_begins,
    moment_ok,
    pattern_begins,
    pattern_ok,
)
from text2sql.decoding.checking.kinds.tables import (
    INTEGERS,
    MOMENTS,
    NUMBERS,
    PARTS,
    SAMPLES,
    SCALARS,
    TEXTS,
    TYPES,
    Kinds,
    arithmetic,
    expand,
    group_of,
    partners,
    reaches,
)

__all__ = [
    "INTEGERS",
    "MOMENTS",
    "NUMBERS",
    "PARTS",
    "RULES",
    "SAMPLES",
    "SCALARS",
    "TEXTS",
    "TYPES",
    "Demand",
    "KindActions",
    "KindScope",
    "Kinds",
    "Operand",
    "Rules",
    "arithmetic",
    "endings",
    "expand",
    "format_ok",
    "group_of",
    "interval_begins",
    "interval_ok",
    "moment_begins",
    "moment_ok",
    "partners",
    "pattern_begins",
    "pattern_ok",
    "reaches",
]
