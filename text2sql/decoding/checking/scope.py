"""The half of the checker that no grammar can be: which names mean something, and where.

    SELECT T1.name, count(*) FROM ...

Before FROM is read nothing can be looked up: `T1.name` becomes an obligation of its SELECT, kept in
`Block.pending`. A source is let into FROM only while every obligation can still be met: that is
proved by a plan of the sources that meet them (see `plans`), and the same plan is what a
completion writes. So no state that is let through is a dead end.

The rules are one line of classes, a subject each: `lookups`, `aggregation`, `plans`,
`obligations`, `resolution`. The actions call them between two terminals of the grammar, with a
`Move`.

Covered: aliases, CTEs, derived tables, correlation, USING and NATURAL, widths of set operations and
of subqueries, where aggregates and window functions may stand.
Not covered: columns that a correlated derived table could see; types (see `kinds`).
"""

from dataclasses import dataclass
from typing import Any

from text2sql.decoding.checking.resolution import Resolution

# Places on the stack of SQLite's parser (see `machine`) at which nothing more may be opened: what
# is begun below the second limit can still open its parenthesis, and a SELECT below it has room for
# a derived table. The hundred places leave room for operators at the bottom.
DEPTH_LIMIT, OPENING_LIMIT, DEEP_LIMIT = 72, 63, 63
# Where SQLite counts: from here on no GROUP BY and ORDER BY, and nothing that waits for an operand.
TERM_LIMIT, OPERATOR_LIMIT = 77, 84
CALL_LIMIT = 58  # what is called below it can still open the parenthesis of OVER


@dataclass(slots=True)
class Move:
    """One terminal on its way from one state to the next."""

    frame: Any  # Frame; None before the statement begins
    held: Any  # what the last name was; see the actions
    terminal: str
    payload: Any  # (bytes, how it was quoted) of a name, bytes of a number or string
    cell: Any  # the stack before the terminal
    depth: int  # places that are taken on the stack of SQLite's parser
    alone: bool  # the terminal cannot continue an operand
    taken: int = 0  # places that are taken behind the terminal


class Scope(Resolution):
    """The names of one schema under the rules of one dialect."""
