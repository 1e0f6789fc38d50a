"""What an engine thinks that a statement costs, read from its EXPLAIN.

    >>> estimated_cost([("Seq Scan on orders  (cost=0.00..35.50 rows=2550 width=4)",)], "postgres")
    35.5

PostgreSQL: the planner's total cost, in its own unit (a page read in sequence costs 1). DuckDB: the
rows that it expects, of all operators together.

Not covered: SQLite, whose plans have no figures; how right an estimate is.
"""

import re
from collections.abc import Iterable
from typing import Any

ENGINES = ("postgres", "duckdb")

_COST = re.compile(r"\(cost=[\d.]+\.\.([\d.]+) ")
_ROWS = re.compile(r"~([\d,]+) rows?\b")


def estimated_cost(plan: Iterable[tuple[Any, ...]], dialect: str) -> float | None:
    """Return the cost of a plan; None where it names none.

    Args:
        plan: the rows of EXPLAIN.
        dialect: one of `ENGINES`.
    """
    text = "\n".join(str(cell) for row in plan for cell in row)
    if dialect == "postgres":
        found = _COST.search(text)  # the first line is the whole plan
        return float(found[1]) if found else None
    counts = [int(count.replace(",", "")) for count in _ROWS.findall(text)]
    return float(sum(counts)) if counts else None
