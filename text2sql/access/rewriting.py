"""A statement as it runs under a policy: every table in it replaced by its guard.

    >>> rewrite("SELECT count(*) FROM orders", view).sql
    'SELECT COUNT(*) FROM (SELECT t2s_t."id" AS "id" FROM "orders" AS t2s_t WHERE ...) AS orders'

The statement that runs is written from the tree, so what was not read is not run. The written text
is read again, and every table in it has to be a guard's place or a CTE (`audit`), so that a mistake
of the writer cannot undo what the tree says.

Not covered: SQL that sqlglot cannot read, and kinds of nodes that `allowed` does not list: refused.
In PostgreSQL a column that depends on a grouped key has to be grouped, too: a guard has no key.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from text2sql.access.allowed import check_nodes
from text2sql.access.replacing import CTE_NAME, PLACE_NAME, Place, fill, replace_tables
from text2sql.access.views import PREFIX, View
from text2sql.execution import gate
from text2sql.execution.results import Refusal, check_size
from text2sql.execution.walls import Wall
from text2sql.limits import check_joins
from text2sql.schema.canonical import canonicalise
from text2sql.unreadable import UNREADABLE


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What runs in a statement's place."""

    sql: str
    said: tuple[str, ...]  # what was kept back, in words
    limit: int | None  # rows that it was cut to; None: it was not
    wall: Wall  # for the engine to check


def rewrite(sql: str, view: View, *, limited: bool = True) -> Rewritten:
    """Return the statement that runs when this user asks for `sql`.

    Args:
        sql: as the model or the user wrote it.
        view: what the user sees.
        limited: put the view's limit into it.

    Raises:
        Refusal: it is not one reading query, names what this user may not see, or holds what is
            not understood.
    """
    check_size(sql)
    try:
        return _rewritten(sql, view, limited)
    except RecursionError:
        raise Refusal("parse", "nested too deeply") from None


def _rewritten(sql: str, view: View, limited: bool) -> Rewritten:
    tree = _parse(canonicalise(sql, view.schema), view.dialect)
    gate.check_tree(tree, view.dialect)
    check_nodes(tree, view.dialect, view.functions)
    _plain_columns(tree, view)
    tree, places = replace_tables(tree, view.find, view.dialect)
    limit = _limit(tree, view.limit) if limited and view.limit else None
    wall = _wall(places, view)
    audit(tree.sql(view.dialect, comments=False), wall, view.dialect)
    fill(places)
    said = [line for place in places for line in place.guard.said]
    said += [f"at most {limit:,} rows"] if limit else []
    sql = tree.sql(view.dialect, comments=False)
    return Rewritten(sql, tuple(dict.fromkeys(said)), limit, wall)


def _parse(sql: str, dialect: str) -> exp.Query:
    try:
        check_joins(sql)
        trees = [tree for tree in sqlglot.parse(sql, read=dialect) if tree is not None]
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise Refusal("parse", f"cannot be read as one query: {reason}") from None
    trees = [tree for tree in trees if not isinstance(tree, exp.Semicolon)]
    if len(trees) != 1:
        raise Refusal("refused", f"one query is expected, not {len(trees)} statements")
    tree = trees[0]
    if not isinstance(tree, exp.Query):
        raise Refusal("refused", f"{tree.key.upper()} is not allowed: a statement may only read")
    return tree


def _plain_columns(tree: exp.Query, view: View) -> None:
    """Write `main.orders.id` as `orders.id`: a guard is in no namespace."""
    for column in tree.find_all(exp.Column):
        if column.db and view.knows(column.table, column.db):
            column.set("db", None)
            column.set("catalog", None)


def _wall(places: Iterable[Place], view: View) -> Wall:
    guards = [place.guard for place in places]
    return Wall(
        frozenset(read for guard in guards for read in guard.reads),
        frozenset(guard.sql for guard in guards if guard.sql is not None),
        frozenset(guard.table.full_name.casefold() for guard in guards if guard.sql is None),
        PREFIX,
        view.functions,
        view.database_role,
    )


def _limit(tree: exp.Query, most: int) -> int | None:
    """Let a statement return at most so many rows; None where it says so itself."""
    own = tree.args.get("limit")
    if own is None:
        tree.set("limit", exp.Limit(expression=exp.Literal.number(most)))
        return most
    said = own.expression if isinstance(own, exp.Limit) else own.args.get("count")
    plain = isinstance(own, exp.Limit) and not own.args.get("limit_options")
    if plain and isinstance(said, exp.Literal) and said.name.isdigit():
        if int(said.name) <= most:
            return None
        own.set("expression", exp.Literal.number(most))
    return most  # what is no number is left to the executor's cap on rows


def audit(sql: str, wall: Wall, dialect: str) -> None:
    """Read a written statement again, and make sure that every table in it may stand there.

    Its guards are not in it yet: each has a name in its place.

    Raises:
        Refusal: it holds a table of another name.
    """
    for node in _parse(sql, dialect).find_all(exp.Table):
        if not isinstance(node.this, exp.Identifier):
            continue  # a function, which was judged as one
        full_name = ".".join(part.name for part in node.parts).casefold()
        if not full_name.startswith((CTE_NAME, PLACE_NAME)) and full_name not in wall.plain:
            raise Refusal("refused", f"table {full_name} is not allowed under this policy")
