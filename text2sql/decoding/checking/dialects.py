"""What differs between the dialects that the checker knows: one table, read by every part of it.

    >>> DIALECTS["sqlite"].fold(b"Singer", quoted=True)
    b'singer'

`features` are the alternatives of the grammar that a dialect has; the fields are the rules that no
grammar says: which names fold, whether a query must group what it selects, what an alias may be
used for.
"""

from dataclasses import dataclass, field

from text2sql.decoding.checking.functions import (
    SCALAR_TOO,
    Function,
    installed_functions,
)
from text2sql.decoding.checking.words import CAST_TYPES, RESERVED

_COMMON = "recursive booleans exclude groups"
_FEATURES = {
    "sqlite": "anonymous_derived bare_join bit_operators collate current_time double_equals glob"
    " is_any isnull json_arrows limit_comma materialized named_windows not_null rows",
    "duckdb": "anonymous_derived booleans qualify ilike named_windows double_colon extract interval"
    " typed_literals rows group_by_all order_by_all except_all call_order distinct_on materialized",
    "postgres": "ilike named_windows double_colon extract interval typed_literals except_all"
    " call_order distinct_on materialized offset_first rows",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """The rules of one engine, where they are not the same everywhere."""

    name: str
    features: frozenset[str]
    quotes: dict[int, int]  # the byte that opens a quoted name, the one that closes it
    functions: dict[str, Function]
    scalar_too: dict[str, Function]  # aggregates that are scalar functions with more arguments
    reserved: dict[str, frozenset[str]]
    cast_types: dict[str, tuple[str, int]]
    folds_quoted: bool = True  # a quoted name ignores case too
    string_fallback: bool = False  # "x" that names nothing is a string
    string_alias: bool = False  # AS 'x'
    typed: bool = False  # operands must fit; otherwise any value may stand anywhere
    strict_groups: bool = False  # what is selected must be grouped or aggregated
    alias_in_where: bool = False
    alias_in_having: bool = True
    open_recursion: bool = False  # a recursive CTE needs no RECURSIVE
    name_limit: int = 60  # bytes of a name that the query itself gives
    aliases_shown: tuple[bytes, ...] = field(default=(b"t1", b"t2", b"t3", b"t4", b"t5"))

    def fold(self, name: bytes, *, quoted: bool) -> bytes:
        """Return the key that a written name is looked up by."""
        return name if quoted and not self.folds_quoted else name.lower()

    def stored(self, name: str) -> bytes:
        """Return the key of a name of the database."""
        return self.fold(name.encode(), quoted=True)

    def kind_of(self, declared: str) -> str:
        """Return the kind of values that a declared type holds; "any" where it is not sure."""
        return "any"

    def allows(self, name: bytes, position: str) -> bool:
        """Tell whether a folded word may stand unquoted in a position; see `words.RESERVED`."""
        return name.decode("utf-8", "replace") not in self.reserved[position]


def _dialect(name: str, quotes: dict[int, int], **rules: object) -> Dialect:
    return Dialect(
        name,
        frozenset(_FEATURES[name].split()) | frozenset(_COMMON.split()),
        quotes,
        installed_functions(name),
        SCALAR_TOO.get(name, {}),
        RESERVED[name],
        CAST_TYPES[name],
        **rules,  # type: ignore[arg-type]
    )


DIALECTS: dict[str, Dialect] = {
    "sqlite": _dialect(
        "sqlite",
        {ord('"'): ord('"'), ord("`"): ord("`"), ord("["): ord("]")},
        string_fallback=True,
        string_alias=True,
        alias_in_where=True,
        open_recursion=True,
    )
}
