"""A query's tables replaced by guards, in its tree.

    >>> tree, places = replace_tables(tree, view.find, "sqlite")
    >>> fill(places)

CTEs get names that no table has: a name is then a guard, such a CTE, or nothing, whatever an engine
thinks is in sight. So a mistake about scopes here can make a query fail, but not show a table.

Covered: subqueries, CTEs, recursive ones, set operations, correlated and lateral references, names
and aliases of other tables, joins in parentheses.
Not covered: functions in FROM (`allowed`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from text2sql.access.guards import Guard

CTE_NAME, PLACE_NAME = "t2s_cte_", "t2s_place_"

Find = Callable[[exp.Table], Guard]  # raises a Refusal where the user may see no such table


@dataclass(frozen=True, slots=True)
class Place:
    """Where a guard will stand: a table with a name that no table has."""

    node: exp.Table
    guard: Guard


def replace_tables(tree: exp.Query, find: Find, dialect: str) -> tuple[exp.Query, list[Place]]:
    """Keep places for guards where a query has its tables, and rename its CTEs.

    Args:
        tree: changed in place.
        find: returns the guard of a table.
        dialect: decides which CTEs see each other.

    Returns:
        The tree, and the places, which `fill` fills.
    """
    root = exp.Subquery(this=tree)  # so that the outermost query has a parent
    replacing = _Replacing(find, dialect)
    replacing.visit(root, {})
    return root.this, replacing.places


def fill(places: Iterable[Place]) -> None:
    """Put each guard into its place. It is written already, so it stands there as one word."""
    for place in places:
        if place.guard.sql is None:
            continue
        query = exp.Subquery(this=exp.Var(this=place.guard.sql), **_around(place.node))
        place.node.replace(query)


def _around(node: exp.Table) -> dict[str, Any]:
    return {key: node.args[key] for key in ("alias", "joins") if node.args.get(key)}


class _Replacing:
    """One walk from the outside in, with the CTEs that are in sight."""

    def __init__(self, find: Find, dialect: str) -> None:
        self.find, self.dialect, self.count = find, dialect, 0
        self.places: list[Place] = []

    def visit(self, node: exp.Expr, ctes: dict[str, str]) -> None:
        clause = node.args.get("with_")
        if clause is not None:
            ctes = self._visit_ctes(clause, ctes)
        for child in list(node.iter_expressions()):
            if child is clause:
                continue
            if isinstance(child, exp.Table) and isinstance(child.this, exp.Identifier):
                self._replace(child, ctes)
            else:
                self.visit(child, ctes)

    def _visit_ctes(self, clause: exp.With, ctes: dict[str, str]) -> dict[str, str]:
        """Rename the CTEs of a WITH; return those that are in sight behind it.

        A recursive WITH shows all of its CTEs to each other, and SQLite's always does.
        """
        mutual = bool(clause.args.get("recursive")) or self.dialect == "sqlite"
        names = {self._key(cte.args["alias"].this): self._fresh() for cte in clause.expressions}
        seen = ctes | names if mutual else dict(ctes)
        for cte in clause.expressions:
            key = self._key(cte.args["alias"].this)
            self.visit(cte, seen)
            cte.args["alias"].set("this", exp.to_identifier(names[key]))
            seen = seen | {key: names[key]}
        return ctes | names

    def _fresh(self) -> str:
        self.count += 1
        return f"{CTE_NAME}{self.count}"

    def _key(self, name: exp.Identifier) -> str:
        exact = self.dialect == "postgres" and name.args.get("quoted")
        return name.name if exact else name.name.lower()

    def _replace(self, node: exp.Table, ctes: dict[str, str]) -> None:
        alias = node.args.get("alias") or exp.TableAlias(this=node.this.copy())
        if alias.args.get("this") is None:
            alias.set("this", node.this.copy())
        joins = node.args.get("joins")
        cte = None if node.args.get("db") else ctes.get(self._key(node.this))
        found = exp.Table(this=exp.to_identifier(cte)) if cte else self._kept(self.find(node))
        found.set("alias", alias)
        node.replace(found)
        if joins:
            found.set("joins", joins)
            for join in joins:
                self.visit(join, ctes)

    def _kept(self, guard: Guard) -> exp.Table:
        """Return the place of a guard; a table that stands for itself has its own name."""
        table, namespace = guard.table, None
        name = exp.to_identifier(table.name, quoted=True)
        if guard.sql is not None:
            name = exp.to_identifier(f"{PLACE_NAME}{len(self.places) + 1}")
        elif table.namespace:
            namespace = exp.to_identifier(table.namespace, quoted=True)
        node = exp.Table(this=name, db=namespace)
        self.places.append(Place(node, guard))
        return node
