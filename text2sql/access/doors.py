"""An executor that runs nothing that has not been rewritten for its user.

    >>> door = open_door(executor, database, schema, policy, {"role": "seller", "tenants": [3]})
    >>> door.execute("SELECT count(*) FROM orders").rows
    [(17,)]
    >>> door.rewrite("SELECT count(*) FROM orders").said
    ('orders: only rows where "tenant_id" IN (3)',)

What a prompt shows of a database (sample rows, values) is read through the same door, by `read`.

Covered: limit and cost of the policy; an engine's suggestions of names that the user does not see
are cut off its messages; threads.
Not covered: how long a statement takes tells something of rows that are not seen.
"""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

from text2sql.access.attributes import User
from text2sql.access.costs import ENGINES, estimated_cost
from text2sql.access.policy import Policy
from text2sql.access.rewriting import Rewritten, rewrite
from text2sql.access.views import View, see
from text2sql.databases import Database
from text2sql.errors import PolicyError
from text2sql.execution import Execution, Executor
from text2sql.execution.results import Refusal, failed
from text2sql.schema.model import Schema, Table
from text2sql.schema.quoting import quote

_REMEMBERED = 512  # statements
# what engines add to a message: other names of the catalogue, the statement as it was rewritten
_SUGGESTION = re.compile(r"\s*(?:\n|Did you mean|Candidate bindings|Candidate functions|LINE \d)")


class Door:
    """What one user may do with a database; made by `open_door`."""

    def __init__(self, executor: Executor, database: Database, view: View) -> None:
        self.executor, self.database, self.view = executor, database, view
        self._rewritten = lru_cache(maxsize=_REMEMBERED)(self._rewrite)

    def rewrite(self, sql: str) -> Rewritten:
        """Return what runs in a statement's place, limit included.

        Raises:
            Refusal: the user may not run it.
        """
        found = self._rewritten(sql, True)
        if isinstance(found, Refusal):
            raise found
        return found

    def _rewrite(self, sql: str, limited: bool) -> Rewritten | Refusal:
        try:
            return rewrite(sql, self.view, limited=limited)
        except Refusal as refusal:
            return refusal

    def execute(self, sql: str, *, timeout: float = 5.0, **caps: Any) -> Execution:
        """Run a statement as this user: `Executor.execute`, with the policy's limit and cost."""
        found = self._rewritten(sql, True)
        if isinstance(found, Refusal):
            return failed(found.kind, found.message)
        refused = self._too_costly(found, timeout)
        if refused is not None:
            return refused
        ran = self._run(found, timeout, caps)
        cut = found.limit is not None and len(ran.rows) >= found.limit
        return replace(ran, truncated=True) if cut else ran

    def read(self, sql: str, *, timeout: float = 5.0, **caps: Any) -> Execution:
        """Run a statement of our own as this user, without limit and cost."""
        found = self._rewritten(sql, False)
        if isinstance(found, Refusal):
            return failed(found.kind, found.message)
        return self._run(found, timeout, caps)

    def explain(self, sql: str, *, timeout: float = 5.0) -> Execution:
        """Ask the engine for the plan of what would run."""
        found = self._rewritten(sql, True)
        if isinstance(found, Refusal):
            return failed(found.kind, found.message)
        return _quiet(self._explained(found.sql, found, timeout))

    def _explained(self, sql: str, found: Rewritten, timeout: float) -> Execution:
        return self.executor.explain(sql, self.database, timeout=timeout, wall=found.wall)

    def _run(self, found: Rewritten, timeout: float, caps: dict[str, Any]) -> Execution:
        if found.limit is not None:
            caps = caps | {"max_rows": min(found.limit, caps.get("max_rows", found.limit))}
        options = caps | {"timeout": timeout, "wall": found.wall}
        ran = self.executor.execute(found.sql, self.database, **options)
        broken = self._broken_guard(found, timeout) if ran.error_kind == "engine" else None
        return failed("engine", broken, ran.seconds) if broken else _quiet(ran)

    def _broken_guard(self, found: Rewritten, timeout: float) -> str | None:
        """Return what to say where a policy's own condition or mask fails: no value of a row.

        A condition reads rows that the user does not see, and engines quote the value that they
        cannot convert.
        """
        for guard in self.view.guards.values():
            if guard.sql not in found.wall.guards:
                continue
            counts = (f"count({quote(c.name, self.view.dialect)})" for c in guard.table.columns)
            tried = f"SELECT {', '.join(counts)} FROM ({guard.sql}) AS t2s_g"
            options: dict[str, Any] = {"timeout": timeout, "wall": found.wall}
            if self.executor.execute(tried, self.database, **options).error is not None:
                name = guard.table.full_name
                return (
                    f"the policy of {name!r} fails in the engine: an attribute of the user may be"
                    " of another type than its column"
                )
        return None

    def _too_costly(self, found: Rewritten, timeout: float) -> Execution | None:
        if self.view.max_cost is None:
            return None
        plan = self._explained(found.sql, found, timeout)
        if plan.error is not None:
            return _quiet(plan)
        cost = estimated_cost(plan.rows, self.view.dialect)
        if cost is None or cost > self.view.max_cost:
            return failed("refused", f"the estimated cost is above {self.view.max_cost:g}")
        return None


def _quiet(ran: Execution) -> Execution:
    if ran.error is None:
        return ran
    kept = _SUGGESTION.split(ran.error, maxsplit=1)[0].strip()
    return replace(ran, error=kept or "the engine refused the statement")


def open_door(
    executor: Executor,
    database: Database,
    schema: Schema,
    policy: Policy,
    user: User | None = None,
    *,
    definitions: dict[str, str] | None = None,
) -> Door:
    """Return what a user may do with a database; every guard has been tried.

    Args:
        executor: runs the statements.
        database: where it runs them.
        schema: of the database.
        policy: see `policy`.
        user: their attributes.
        definitions: of its views; None reads them.

    Raises:
        PolicyError: as for `see`; the engine refuses a clause of the policy, or has no cost.
        DatabaseError: the database cannot be read.
    """
    from text2sql.access.definitions import read_definitions

    if definitions is None:
        definitions = read_definitions(database) if any(t.view for t in schema.tables) else {}
    view = see(schema, policy, user, definitions=definitions)
    if view.max_cost is not None and view.dialect not in ENGINES:
        raise PolicyError(f"max_cost: {view.dialect} does not estimate what a statement costs")
    door = Door(executor, database, view)
    faults = {guard.table: _fault(door, guard.table) for guard in view.guards.values()}
    for table, fault in faults.items():
        if fault is not None and not table.view:
            raise PolicyError(f"policy, table {table.full_name!r}: {fault}")
    broken = [table.full_name for table, fault in faults.items() if fault is not None]
    return Door(executor, database, view.without(broken)) if broken else door


def _fault(door: Door, table: Table) -> str | None:
    """Return why nothing can be read of a table; plain tables are not tried."""
    guard = next(g for g in door.view.guards.values() if g.table is table)
    if guard.sql is None:
        return None
    name = ".".join(quote(part, door.view.dialect) for part in table.full_name_parts)
    return door.explain(f"SELECT * FROM {name}").error
