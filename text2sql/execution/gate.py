"""The first layer: is this text one query that only reads, and names nothing that it may not?

    >>> check("SELECT 1", "sqlite")
    >>> check("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", "duckdb")
    Traceback (most recent call last):
    text2sql.execution.results.Refusal: DELETE is not allowed: a statement may only read

SQLite is judged by its words first; a statement without a word that the policy knows needs no tree,
since the words have settled that it only reads. Parsing takes five times as long as such a query.

Covered: size, number of statements, the kind of every node, tables of the system, functions by
policy.
Not covered: names that do not exist, types, and whatever sqlglot reads differently from the engine:
therefore `sqlite_engine` and `duckdb_engine` lock the engine down as well. What sqlglot cannot read
goes on to those two, which judge for themselves.
"""

from functools import lru_cache

import sqlglot
from sqlglot import exp

from text2sql.execution import policy
from text2sql.execution.policy import NO_CATALOG, Catalog
from text2sql.execution.results import Refusal, check_size
from text2sql.execution.words import check_words, is_suspicious
from text2sql.unreadable import UNREADABLE

FILE_DIALECTS = ("sqlite", "duckdb")  # their engines judge by themselves what sqlglot cannot read


_STATEMENTS = (
    *(
        exp.DML,
        exp.DDL,
        exp.Command,
        exp.Drop,
        exp.Alter,
        exp.Set,
        exp.Pragma,
        exp.Attach,
        exp.Detach,
        exp.Copy,
    ),
    *(
        exp.Use,
        exp.Describe,
        exp.Show,
        exp.Summarize,
        exp.Transaction,
        exp.Commit,
        exp.Rollback,
        exp.Kill,
    ),
    *(exp.TruncateTable, exp.Comment, exp.Analyze, exp.LoadData, exp.Into, exp.Execute),
)
_QUERIES = (exp.Query, exp.Values, exp.Pivot)


@lru_cache(maxsize=512)
def _verdict(sql: str, dialect: str, catalog: Catalog) -> tuple[str, str] | None:
    try:
        _check(sql, dialect, catalog)
    except Refusal as refusal:
        return refusal.kind, refusal.message
    return None


def check(sql: str, dialect: str, catalog: Catalog = NO_CATALOG) -> None:
    """Let a statement pass, or refuse it.

    Args:
        sql: what the model wrote.
        dialect: sqlglot's name: sqlite, duckdb, postgres or mysql.
        catalog: what is known of the database.

    Raises:
        Refusal: of kind "refused", or "parse" where no engine could read it either.
    """
    check_size(sql)
    verdict = _verdict(sql, dialect, catalog)
    if verdict is not None:
        raise Refusal(*verdict)


def _check(sql: str, dialect: str, catalog: Catalog) -> None:
    if dialect == "sqlite":
        check_words(sql)
        if not is_suspicious(sql):
            return  # nothing that the tree could object to, and parsing costs ten times the query
    elif dialect == "mysql" and "/*!" in sql:
        raise Refusal("refused", "a comment that MySQL would run is not allowed")
    tree = _parse(sql, dialect)
    if tree is not None:
        check_tree(tree, dialect, catalog)


def _parse(sql: str, dialect: str) -> exp.Expr | None:
    """Return the only statement's tree, None where the engine has to judge by itself."""
    try:
        parsed = sqlglot.parse(sql, read=dialect)
    except UNREADABLE as error:
        if dialect in FILE_DIALECTS:
            return None
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Refusal("parse", f"cannot be read as one query: {reason}") from None
    # A comment after the last semicolon is a tree of its own to sqlglot.
    trees = [tree for tree in parsed if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(trees) != 1:
        what = "no statement" if not trees else f"{len(trees)} statements"
        raise Refusal("refused", f"one query is expected, not {what}")
    return trees[0]


def check_tree(tree: exp.Expr, dialect: str, catalog: Catalog = NO_CATALOG) -> None:
    """Judge every node of a statement's tree.

    Raises:
        Refusal: a node that writes, or names something of the system.
    """
    if not isinstance(tree, _QUERIES):
        if dialect in FILE_DIALECTS and not isinstance(tree, _STATEMENTS):
            return  # prose that happens to be an expression: the engine says that it cannot read it
        raise Refusal("refused", f"{_keyword(tree)} is not allowed: a statement may only read")
    for node in tree.walk():
        if isinstance(node, _STATEMENTS):
            raise Refusal("refused", f"{_keyword(node)} is not allowed: a statement may only read")
        if isinstance(node, exp.Table):
            if not _names_a_cte(node):
                _check_table(node, dialect, catalog)
        elif isinstance(node, exp.Func):
            check_function(_function_name(node), dialect, catalog)


def _keyword(node: exp.Expr) -> str:
    if isinstance(node, exp.Command):
        return str(node.this).upper()
    return {"truncatetable": "TRUNCATE", "loaddata": "LOAD DATA"}.get(node.key, node.key.upper())


def _function_name(node: exp.Func) -> str:
    return node.name if isinstance(node, exp.Anonymous) else node.sql_name()


def check_function(name: str, dialect: str, catalog: Catalog = NO_CATALOG) -> None:
    """Refuse a function that the policy denies, or a macro that does what it may not."""
    if policy.denied_function(name, dialect) or name.lower() in catalog.forbidden:
        raise Refusal("refused", f"function {name.lower()} is not allowed")


def _names_a_cte(node: exp.Table) -> bool:
    """Tell whether a table is a CTE that is visible where it stands, not what is called like it."""
    if node.db or isinstance(node.this, exp.Func):
        return False
    inside: exp.Expr = node  # the child through which we came up
    parent = node.parent
    while parent is not None:
        clause = parent.args.get("with_")
        if clause is not None and inside is not clause and node.name in _cte_names(clause):
            return True
        if isinstance(parent, exp.With):  # inside a CTE, those before it are visible
            before = parent.expressions[: parent.expressions.index(inside)]
            if node.name in [cte.alias for cte in before]:
                return True
        inside, parent = parent, parent.parent
    return False


def _cte_names(clause: exp.With) -> list[str]:
    return [cte.alias for cte in clause.expressions]


def _check_table(node: exp.Table, dialect: str, catalog: Catalog) -> None:
    if isinstance(node.this, exp.Func):
        check_table_function(_function_name(node.this), dialect, catalog)
    else:
        check_table(node.name, node.db, node.catalog, dialect, catalog)


def check_table_function(name: str, dialect: str, catalog: Catalog = NO_CATALOG) -> None:
    """Refuse a function in FROM that the policy does not allow."""
    if policy.denied_table_function(name, dialect) or name.lower() in catalog.forbidden:
        raise Refusal("refused", f"selecting from function {name.lower()} is not allowed")


def check_table(name: str, namespace: str, database: str, dialect: str, catalog: Catalog) -> None:
    """Refuse a table that belongs to the system or to another database."""
    shown = ".".join(part for part in (database, namespace, name) if part)
    foreign = database.lower() not in ("", catalog.name)
    if foreign or namespace.lower() in policy.SYSTEM_NAMESPACES - catalog.namespaces:
        raise Refusal("refused", f"table {shown} lies outside the database")
    if name.lower() in catalog.forbidden:
        raise Refusal("refused", f"view {shown} reads what a statement may not")
    if policy.system_table(name, dialect) and name.lower() not in catalog.tables:
        raise Refusal("refused", f"table {shown} belongs to the system")
