"""What is known of a user, and how it gets into a row filter: as values, never as text.

    >>> condition = parse_condition("tenant_id IN {{ user.tenants }}", "sqlite")
    >>> bind(condition, {"tenants": [3, 5]}).sql("sqlite")
    'tenant_id IN (3, 5)'

The clause is parsed with a mark in the place of each `{{ ... }}`; then the mark is replaced by
literals in the tree. What an attribute holds is never parsed.

Covered: texts, numbers, truths, dates, times, UUIDs; lists in IN, an empty list holds nothing;
attributes of attributes (`user.org.id`). An attribute that is missing or None refuses.
Not covered: expressions inside the braces; a list in any other place than behind IN.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID

import sqlglot
from sqlglot import exp

from text2sql.errors import PolicyError
from text2sql.unreadable import UNREADABLE

User = Mapping[str, Any]

_BRACES = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_ATTRIBUTE = re.compile(r"user((?:\.[A-Za-z_]\w*)+)")
_MARK = "t2s_user_"
_MARKED = re.compile(rf"{_MARK}\w+")


def parse_condition(clause: str, dialect: str) -> exp.Expr:
    """Return a clause's tree, with a column named after each attribute in its place.

    Raises:
        PolicyError: it is no condition, or has something else in its braces.
    """
    text = _BRACES.sub(_mark, clause)
    try:
        tree = sqlglot.parse_one(f"SELECT 1 WHERE {text}", read=dialect)
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise PolicyError(f"clause {clause!r} cannot be read: {reason}") from None
    where = tree.args.get("where")
    for said in tree.find_all(exp.Literal):
        if _MARK in said.name and not attribute_of(said):
            raise PolicyError(f"clause {clause!r} has an attribute inside a text: compare with it")
    plain = isinstance(tree, exp.Select) and {k for k, v in tree.args.items() if v} <= {
        "kind",
        "expressions",
        "where",
    }
    if where is None or not plain:
        raise PolicyError(f"clause {clause!r} is not one condition")
    return where.this.copy()


def _mark(found: re.Match[str]) -> str:
    attribute = _ATTRIBUTE.fullmatch(found[1])
    if attribute is None:
        raise PolicyError(f"{found[0]} in a clause: only {{{{ user.attribute }}}} can stand there")
    return f"{_MARK}{attribute[1][1:].replace('.', '__dot__')}"


def attribute_of(node: exp.Expr) -> str | None:
    """Return the attribute, such as `org.id`, that a node stands for; None for other nodes."""
    bare = isinstance(node, exp.Column) and not node.table
    quoted = isinstance(node, exp.Literal) and node.is_string  # '{{ user.name }}', as many write it
    if (bare or quoted) and _MARKED.fullmatch(node.name):
        return node.name.removeprefix(_MARK).replace("__dot__", ".")
    return None


def bind(condition: exp.Expr, user: User) -> exp.Expr:
    """Return a condition with the user's values in it; the one that is given stays as it is.

    Raises:
        PolicyError: the user lacks an attribute, or it holds what no literal can say.
    """
    root = exp.Paren(this=condition.copy())
    for listed in list(root.find_all(exp.In)):
        _bind_list(listed, user)
    for node in list(root.find_all(exp.Column, exp.Literal)):
        attribute = attribute_of(node)
        if attribute is not None:
            node.replace(literal(_value(user, attribute), attribute))
    return root.this


def _bind_list(node: exp.In, user: User) -> None:
    field = node.args.get("field")
    named = [field] if field is not None else node.expressions
    if len(named) != 1:
        return
    bare = named[0].unnest() if isinstance(named[0], exp.Paren) else named[0]
    attribute = attribute_of(bare)
    if attribute is None:
        return
    value = _value(user, attribute)
    values = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
    values = values if isinstance(values, list | tuple) else [values]
    if not values:
        node.replace(exp.false())
        return
    node.set("field", None)
    node.set("expressions", [literal(item, attribute) for item in values])


def signature(value: Any) -> str:
    """Return a text that is equal for equal attributes only, whatever mapping holds them.

    A mapping's own `repr` may leave attributes out, or be its address, which others get later.
    """
    if isinstance(value, Mapping):
        return repr(sorted((repr(key), signature(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return repr([signature(item) for item in value])
    return repr(value)


def _value(user: User, attribute: str) -> Any:
    value: Any = user
    for part in attribute.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        raise PolicyError(f"the user has no {attribute!r}, which the policy needs")
    return value


def literal(value: Any, attribute: str) -> exp.Expr:
    """Return a value as a literal.

    Raises:
        PolicyError: no literal can say it.
    """
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, int | float | Decimal) and isfinite(value):
        number = exp.Literal.number(str(abs(value)))
        return exp.Neg(this=number) if value < 0 else number
    if isinstance(value, datetime):
        value = value.isoformat(sep=" ")
    if isinstance(value, date | time):
        value = value.isoformat()
    if isinstance(value, UUID):
        value = str(value)
    if isinstance(value, str) and "\0" not in value:
        return exp.Literal.string(value)
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        raise PolicyError(f"the user's {attribute!r} is a list: it can stand behind IN only")
    raise PolicyError(f"the user's {attribute!r} is no text, number or date")
