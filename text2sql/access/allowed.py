"""The kinds of nodes that a statement may have under a policy; every other one is refused.

    >>> check_nodes(sqlglot.parse_one("SELECT 'secrets'::regclass", read="postgres"), "postgres")
    Traceback (most recent call last):
    text2sql.execution.results.Refusal: a type regclass is not allowed under a policy

Under a policy a statement is written anew from its tree, so a node that is not understood, or that
the writer might write otherwise than it was read, has no place in it.

Covered: functions that the checker knows or that the policy names, besides those that sqlglot has a
class for and the gate lets through; types that hold no table's name.
Not covered: names of tables and columns: `rewriting` resolves the tables, the engine the columns.
"""

import re
from collections.abc import Collection
from functools import cache

from sqlglot import exp

from text2sql.execution import gate, policy
from text2sql.execution.results import Refusal

_SHAPES: tuple[type[exp.Expr], ...] = (
    *(exp.Select, exp.SetOperation, exp.Subquery, exp.Values, exp.With, exp.CTE, exp.TableAlias),
    *(exp.Table, exp.From, exp.Join, exp.Lateral, exp.Unnest, exp.Where, exp.Group, exp.Having),
    *(exp.Qualify, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Fetch, exp.LimitOptions),
    *(exp.Distinct, exp.Window, exp.WindowSpec, exp.Filter, exp.WithinGroup, exp.IgnoreNulls),
    *(exp.RespectNulls, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Null),
    *(exp.Boolean, exp.Paren, exp.Tuple, exp.Interval, exp.Var, exp.DataType, exp.DataTypeParam),
    *(exp.In, exp.Between, exp.Slice, exp.Bracket, exp.PropertyEQ, exp.Comprehension, exp.Lambda),
    *(exp.Unary, exp.Binary, exp.Func, exp.Cube, exp.Rollup, exp.GroupingSets, exp.JSONPath),
    *(
        exp.JSONPathPart,
        exp.JSONKeyValue,
        exp.IntervalSpan,
        exp.Collate,
        exp.AtTimeZone,
        exp.HexString,
        exp.Aliases,
    ),
)
_REFUSED = (
    *(exp.RawString, exp.Parameter, exp.SessionParameter, exp.CurrentUser, exp.SessionUser),
    *(
        exp.Operator,
        exp.CurrentSchema,
        exp.CurrentCatalog,
        exp.CurrentDatabase,
        exp.Version,
        exp.Command,
    ),
)
_TABLE_PARTS = frozenset({"this", "db", "alias", "joins"})
_WORD = re.compile(r"[A-Za-z_][A-Za-z_ ]*")
_PATH_TEXT = re.compile(r"[^'\\\0]*")


def check_nodes(tree: exp.Expr, dialect: str, functions: Collection[str] = ()) -> None:
    """Refuse a statement with a node that is not of the kinds above.

    Args:
        tree: of the whole statement.
        dialect: that it was read as.
        functions: further functions that it may call, in lower case.

    Raises:
        Refusal: it names the first such node.
    """
    if not isinstance(tree, exp.Query):
        raise _refused(tree.key.upper())
    for node in tree.walk():
        if not isinstance(node, _SHAPES) or isinstance(node, _REFUSED):
            raise _refused(f"a {type(node).__name__}")
        if isinstance(node, exp.Func):
            _check_function(node, dialect, functions)
        elif isinstance(node, exp.Table):
            _check_table(node)
        elif isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
            if dialect != "duckdb":  # whose methods are functions; elsewhere it is a namespace's
                raise _refused(f"function {node.expression.name or node.expression.sql_name()}")
        elif isinstance(node, exp.DataType):
            _check_type(node, dialect)
        elif isinstance(node, exp.Var | exp.JSONPathPart):
            _check_word(node)
        elif isinstance(node, exp.In) and node.args.get("field") and dialect != "duckdb":
            raise _refused("IN with a bare name")
        elif isinstance(node, exp.Select) and (node.args.get("into") or node.args.get("locks")):
            raise _refused("INTO or a lock")


def _refused(what: str) -> Refusal:
    return Refusal("refused", f"{what} is not allowed under a policy")


def _check_function(node: exp.Func, dialect: str, functions: Collection[str]) -> None:
    if isinstance(node, exp.Connector | exp.Case | exp.Cast | exp.Exists):
        return
    if not isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        gate.check_function(node.sql_name(), dialect)
        return
    name = node.name.lower()
    if name in functions:
        return
    gate.check_function(name, dialect)
    in_from = isinstance(node.parent, exp.Table)
    known = policy.TABLE_FUNCTIONS[dialect] if in_from else known_functions(dialect)
    if name not in known:
        raise _refused(f"function {name}")


@cache
def known_functions(dialect: str) -> frozenset[str]:
    """Return the names of functions that read nothing but their arguments."""
    from text2sql.decoding.checking.functions import FUNCTIONS

    own = policy.SQLITE_FUNCTIONS if dialect == "sqlite" else frozenset()
    return frozenset(FUNCTIONS[dialect]) | own


def _check_table(node: exp.Table) -> None:
    further = {key for key, value in node.args.items() if value} - _TABLE_PARTS
    if further:
        raise _refused(f"{', '.join(sorted(further)).upper()} of a table")


def _check_type(node: exp.DataType, dialect: str) -> None:
    """Types have names of their own, but for SQLite, to which a type is but a word."""
    kind = node.this
    if kind == exp.DataType.Type.USERDEFINED:
        word = str(node.args.get("kind") or "")
        known = dialect == "sqlite" and _WORD.fullmatch(word) is not None
    else:
        known = isinstance(kind, exp.DataType.Type)
    if not known:
        raise _refused(f"a type {node.sql()}")


def _check_word(node: exp.Expr) -> None:
    """Words are written as they are: none may hold more than a word."""
    text = node.this
    pattern = _WORD if isinstance(node, exp.Var) else _PATH_TEXT
    if isinstance(text, str) and pattern.fullmatch(text) is None:
        raise _refused(f"{text!r}")
