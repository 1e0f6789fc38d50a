"""SQLite's values in DuckDB: what kind an expression has, and how one kind becomes another.

    >>> number(typed(exp.Literal.string("12kg"), "text")).sql("duckdb")
    '12'

In SQLite a value has a type and a column an affinity; in DuckDB an expression has a type. So every
expression is given its kind (`kind_of`) and its affinity. Where the kind is known only row by row,
a value is `UNION(n DOUBLE, s VARCHAR)`, which DuckDB orders as SQLite does: numbers before text.

Sources: sqlite.org datatype3 (affinity, comparison) and lang_expr (CAST); DuckDB 2.0.0 tried beside
SQLite 3.40.

Covered: text as number and number as text, by SQLite's own forms; conditions as 0 and 1; affinity.
Not covered: blobs among other values (`PortError`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import sqlglot
from sqlglot import exp

from text2sql.errors import Text2SQLError

ANY_TYPE = "UNION(n DOUBLE, s VARCHAR)"
NUMBERS = frozenset({"integer", "real", "numeric"})  # numeric: DOUBLE, SQLite has integers among it

NUMBER = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*"
_PREFIX = r"^\s*([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)"
UPPER, LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_BIGGEST = 2**63
_LONGEST = 5_000  # nodes; parts that are needed several times multiply


class PortError(Text2SQLError):
    """SQL that has no counterpart in the other dialect, or none that we know."""


@dataclass(frozen=True, slots=True)
class Output:
    """A column that a table or query offers."""

    name: str  # in lower case
    kind: str  # integer, real, numeric, text, blob, any, null
    affinity: str | None = None  # "numeric" or "text" where comparing with it converts
    read_as: str = ":x"  # how a stored column is read so that it has this kind
    leads_key: bool = False  # the first column of its table's primary key


@dataclass(frozen=True, slots=True)
class Scope:
    """What the columns of an expression refer to."""

    port_query: Callable[[exp.Expr, "Scope"], list[Output]]  # rewrites in place
    tables: Mapping[str, Sequence[Output]] = field(default_factory=dict)
    sources: Mapping[str, Sequence[Output]] = field(default_factory=dict)
    queries: Mapping[str, Sequence[Output]] = field(default_factory=dict)  # WITH
    outer: "Scope | None" = None

    def find(self, column: exp.Column) -> Output:
        """Return what a qualified column is."""
        for output in self.sources.get(column.table.lower(), ()):
            if output.name == column.name.lower():
                return output
        if self.outer is None:
            raise PortError(f"no column {column.sql('sqlite')}")
        return self.outer.find(column)

    def within(self, sources: Mapping[str, Sequence[Output]]) -> "Scope":
        """Return the scope of a query inside this one."""
        return replace(self, sources=sources, outer=self)


def typed(node: exp.Expr, kind: str, affinity: str | None = None) -> exp.Expr:
    """Note a node's kind and affinity."""
    node.meta.update(kind=kind, affinity=affinity)
    return node


def kind_of(node: exp.Expr) -> str:
    """Return the kind that `typed` noted: an `Output.kind`, or boolean for a condition."""
    return str(node.meta["kind"])


def affinity_of(node: exp.Expr) -> str | None:
    """Return the affinity that `typed` noted."""
    found: str | None = node.meta.get("affinity")
    return found


@lru_cache(maxsize=512)
def _template(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect="duckdb")


def build(sql: str, kind: str, **parts: exp.Expr) -> exp.Expr:
    """Return DuckDB's SQL with parts in place of `:name`, in parentheses where needed."""
    holder = exp.Paren(this=_template(sql).copy())
    places = list(holder.find_all(exp.Placeholder))
    if sum(size_of(parts[place.name]) for place in places) > _LONGEST:
        raise PortError("it would become too long")
    for place in places:
        part = parts[place.name].copy()
        inside = isinstance(place.parent, exp.Func | exp.Paren)
        place.replace(part if inside else operand(part))
    return typed(holder.this.pop(), kind)


def size_of(node: exp.Expr) -> int:
    return sum(1 for _ in node.walk())


def operand(node: exp.Expr) -> exp.Expr:
    loose = exp.Binary | exp.Unary | exp.Between | exp.In | exp.Window
    if not isinstance(node, loose) or isinstance(node, exp.Paren | exp.Dot):
        return node
    return typed(exp.Paren(this=node), kind_of(node), affinity_of(node))


# Turning a value into what its place needs


def value(node: exp.Expr) -> exp.Expr:
    """Return a condition as the 0 or 1 that SQLite has for it, anything else as it is."""
    if kind_of(node) != "boolean":
        return node
    if isinstance(node, exp.Boolean):
        return typed(exp.Literal.number(int(node.this)), "integer")
    return build("CAST(:x AS BIGINT)", "integer", x=node)


def number(node: exp.Expr) -> exp.Expr:
    """Return a value as arithmetic takes it: text by the number that it begins with, else 0."""
    node = value(node)
    kind = kind_of(node)
    if kind in NUMBERS:
        return node
    if kind == "null":
        return build("CAST(NULL AS BIGINT)", "integer")
    if kind == "any":
        prefix = _prefix(build("union_extract(:x, 's')", "text", x=node))
        return build("coalesce(union_extract(:x, 'n'), :y)", "numeric", x=node, y=prefix)
    return _prefix(node if kind == "text" else text(node))


def _prefix(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Literal):
        found = re.match(_PREFIX, node.name)
        return number_literal(found[1] if found else "0")
    sql = (
        "CASE WHEN NOT :x IS NULL THEN"
        f" coalesce(try_cast(regexp_extract(:x, '{_PREFIX}', 1) AS DOUBLE), 0e0) END"
    )
    return build(sql, "numeric", x=node)


def real(node: exp.Expr) -> exp.Expr:
    """Return a value as DOUBLE."""
    node = number(node)
    if kind_of(node) == "real" or isinstance(node, exp.Literal):
        return node if kind_of(node) == "real" else typed(_float(node.name), "real")
    return build("CAST(:x AS DOUBLE)", "real", x=node)


def integer(node: exp.Expr) -> exp.Expr:
    """Return a value as BIGINT, cut towards 0; text by the digits that it begins with."""
    node = value(node)
    if kind_of(node) == "integer":
        return node
    if kind_of(node) == "text":
        digits = r"^\s*([+-]?\d+)"
        sql = (
            "CASE WHEN NOT :x IS NULL THEN"
            f" coalesce(try_cast(regexp_extract(:x, '{digits}', 1) AS BIGINT), 0) END"
        )
        return build(sql, "integer", x=node)
    return build("CAST(trunc(:x) AS BIGINT)", "integer", x=number(node))


def text(node: exp.Expr) -> exp.Expr:
    """Return a value as text, numbers with the 15 digits that SQLite gives them."""
    node = value(node)
    kind = kind_of(node)
    if kind == "text":
        return node
    if kind in ("null", "integer"):
        if isinstance(node, exp.Literal):
            return typed(exp.Literal.string(node.name), "text")
        return build("CAST(:x AS VARCHAR)", "text", x=node)
    if kind == "blob":
        return build("decode(:x)", "text", x=node)
    if kind == "any":
        digits = text(build("union_extract(:x, 'n')", "numeric", x=node))
        return build("coalesce(union_extract(:x, 's'), :y)", "text", x=node, y=digits)
    point = r"regexp_replace(format('{:.15g}', :x), '^(-?\d+)(e|$)', '\1.0\2')"
    if kind == "real":
        return build(f"CASE WHEN NOT :x IS NULL THEN {point} END", "text", x=node)
    whole = "CASE WHEN :x = trunc(:x) THEN format('{:.15g}', :x)"
    sql = f"{whole} WHEN NOT :x IS NULL THEN {point} END"
    return build(sql, "text", x=node)


def truth(node: exp.Expr) -> exp.Expr:
    """Return a value as a condition: numbers but 0 are true."""
    if kind_of(node) == "boolean":
        return node
    if kind_of(node) == "null":
        return build("CAST(NULL AS BOOLEAN)", "boolean")
    return build(":x <> 0", "boolean", x=number(node))


def any_kind(node: exp.Expr) -> exp.Expr:
    """Return a value with its type, for columns whose values have several.

    Raises:
        PortError: a blob; they would need a third member.
    """
    node = value(node)
    kind = kind_of(node)
    if kind == "any":
        return node
    if kind == "blob":
        raise PortError("blobs beside values of other types")
    if kind == "null":
        return build(f"CAST(NULL AS {ANY_TYPE})", "any")
    inner = node if kind == "text" else real(node)
    if isinstance(inner, exp.Literal):
        return build(f"CAST(:x AS {ANY_TYPE})", "any", x=inner)
    # a NULL that is cast would be a member, and as a member no NULL
    return build(f"CASE WHEN NOT :x IS NULL THEN CAST(:x AS {ANY_TYPE}) END", "any", x=inner)


def apply_numeric(node: exp.Expr) -> exp.Expr:
    """Apply numeric affinity: text that is a number becomes one, other text stays."""
    node = value(node)
    if kind_of(node) != "text":
        return node
    if isinstance(node, exp.Literal):
        whole = re.fullmatch(NUMBER, node.name)
        return number_literal(node.name.strip()) if whole else node
    return build(NUMERIC_OR_TEXT, "any", x=node)


NUMERIC_OR_TEXT = (
    f"CASE WHEN regexp_full_match(:x, '{NUMBER}')"
    f" THEN CAST(TRY_CAST(:x AS DOUBLE) AS {ANY_TYPE})"
    f" WHEN NOT :x IS NULL THEN CAST(:x AS {ANY_TYPE}) END"
)


def unify(nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
    """Give values one type that keeps them apart as SQLite does."""
    nodes = [value(node) for node in nodes]
    kinds = {kind_of(node) for node in nodes} - {"null"}
    if len(kinds) <= 1 or kinds <= NUMBERS:
        return nodes
    return [any_kind(node) for node in nodes]


def common_kind(nodes: Sequence[exp.Expr]) -> str:
    """Return the kind of a choice among unified values."""
    kinds = {kind_of(node) for node in nodes} - {"null"}
    return kinds.pop() if len(kinds) == 1 else "numeric" if kinds else "null"


def converted(left: exp.Expr, right: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    """Apply affinities before a comparison: datatype3.html, section 4.2."""
    left, right = value(left), value(right)
    ours, theirs = affinity_of(left), affinity_of(right)
    if ours == "numeric" and theirs != "numeric":
        right = apply_numeric(right)
    elif theirs == "numeric" and ours != "numeric":
        left = apply_numeric(left)
    elif ours == "text" and theirs is None:
        right = text(right) if kind_of(right) in NUMBERS else right
    elif theirs == "text" and ours is None:
        left = text(left) if kind_of(left) in NUMBERS else left
    return left, right


def comparable(left: exp.Expr, right: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    """Apply affinities and give both sides one type."""
    left, right = unify(converted(left, right))
    return left, right


def folded(node: exp.Expr) -> exp.Expr:
    """Return text without the difference of ASCII case."""
    return build(f"translate(:x, '{UPPER}', '{LOWER}')", "text", x=text(node))


def sort_key(node: exp.Expr) -> exp.Expr:
    """Return what a value is sorted and grouped by: its collation applied."""
    return collated(value(node), collation_of(node))


def collation_of(*nodes: exp.Expr) -> str | None:
    for node in nodes:
        found = node.meta.get("collation")
        if found:
            return str(found)
    return None


def collated(node: exp.Expr, collation: str | None) -> exp.Expr:
    if collation == "nocase" and kind_of(node) == "text":
        return folded(node)
    if collation == "rtrim" and kind_of(node) == "text":
        return build("rtrim(:x, ' ')", "text", x=node)
    return node


def number_literal(digits: str) -> exp.Expr:
    if re.fullmatch(r"[+-]?\d+", digits) and abs(int(digits)) < _BIGGEST:
        return typed(exp.Literal.number(str(int(digits))), "integer")
    return typed(_float(digits), "real")


def _float(digits: str) -> exp.Expr:
    # without an exponent it would be a DECIMAL
    return exp.Literal.number(digits if "e" in digits.lower() else f"{digits}e0")


def declared_affinity(declared: str) -> str | None:
    """Return integer, real, numeric, text, or None for BLOB: datatype3.html, section 3.1."""
    declared = declared.upper()
    if "INT" in declared:
        return "integer"
    if any(word in declared for word in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if "BLOB" in declared or not declared:
        return None
    return "real" if any(word in declared for word in ("REAL", "FLOA", "DOUB")) else "numeric"
