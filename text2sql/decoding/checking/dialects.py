"""What differs between the dialects that the checker knows: one table, read by every part of it.

    >>> DIALECTS["sqlite"].fold(b"Singer", quoted=True)
    b'singer'

`features` are the alternatives of the grammar that a dialect has; the fields are the rules that no
grammar says: which names fold, whether a query must group what it selects, what an alias may be
used for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from text2sql.decoding.checking.functions import (
    ALL_TOO,
    DISTINCT_TOO,
    FORMS,
    SCALAR_TOO,
    Function,
    installed_functions,
)
from text2sql.decoding.checking.words import CAST_TYPES, RESERVED

_COMMON = "recursive booleans exclude groups"
_FEATURES = {
    "sqlite": "anonymous_derived bare_join base_windows bit_operators collate current_time"
    " double_equals glob is_any isnull json_arrows limit_comma limit_query materialized limit_sums"
    " named_windows not_inside not_null rows values cross_condition all_arguments empty_list"
    " star_arguments blobs nameless_recursion json_tables"
    " joined_tables namespaces",
    "duckdb": "anonymous_derived qualify ilike named_windows double_colon extract interval"
    " interval_count typed_literals group_by_all order_by_all except_all call_order distinct_on"
    " namespaces positional"
    " materialized try_cast whole_division text_arrow quantified slices list_literals"
    " grouping_sets from_too semi_joins similar_to star_rest rows asof bare_filter"
    " nameless_recursion row_lists lateral row_ranges sample",
    "postgres": "namespaces ilike named_windows double_colon extract interval typed_literals"
    " except_all call_order distinct_on materialized full_pairs"
    " long_types any_all json_keys position regex rows similar_to substring_from time_zone"
    " trim_from within_group nameless_recursion grouping_sets fetch"
    " collations arrays subscripts no_items parenthesised_arms"
    " named_arguments lateral values",
}


# What may follow INTERVAL '1', what EXTRACT takes, and the types that may stand before a literal.
# MORE_FIELDS are PostgreSQL's.
TIME_UNITS = frozenset(
    b"year years month months day days hour hours minute minutes second seconds week weeks".split()
)
SPANS = frozenset(b"years months weeks days hours mins secs".split())  # of MAKE_INTERVAL
FIELDS = frozenset(b"year month day hour minute second quarter week dow doy epoch".split())
MORE_FIELDS = frozenset(
    b"century decade isodow isoyear microseconds millennium milliseconds".split()
)
LITERAL_TYPES = ((b"date", "date"), (b"timestamp", "timestamp"))


_ODD_LABELS = re.compile(r"''|\|")  # in the values of an enumerated type


DOUBLE_QUOTED = 1  # how a name was written: 0 bare, 2 in other quotes, 3 as a string, 4 in brackets


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
    forms: dict[str, tuple[Function, ...]]  # every way to call a function
    results: dict[str, str]  # kinds that functions return where their table has "any"
    folds_quoted: bool = True  # a quoted name ignores case too
    string_fallback: bool = False  # "x" that names nothing is a string
    string_alias: bool = False  # AS 'x'
    typed: bool = False  # operands must fit; otherwise any value may stand anywhere
    strict_groups: bool = False  # what is selected must be grouped or aggregated
    alias_in_where: bool = False
    alias_in_terms: bool = True  # in HAVING, and inside an expression of ORDER BY
    ordered_windows: bool = True  # OVER may follow `sum(x ORDER BY y)`
    keys_cover: bool = False  # GROUP BY of a primary key covers the other columns of its table
    names_items: bool = False  # an item without an alias has a name; see `kinds.naming`
    comma_hides: bool = False  # what stands before a comma of FROM cannot be named in a later ON
    literal_types: tuple[tuple[bytes, str], ...] = LITERAL_TYPES
    units: frozenset[bytes] = TIME_UNITS  # what may follow INTERVAL '1'
    fields: frozenset[bytes] = FIELDS  # what EXTRACT takes
    row_makers: frozenset[str] = frozenset({"unnest"})  # functions, of items and in FROM
    arms_sort: bool = False  # ORDER BY names a column of any SELECT of a set operation
    column_limit: int = 1 << 20  # items of a SELECT
    hex_numbers: bool = False  # 0x1F
    unread_ctes: bool = False  # the columns of a CTE that nobody reads need not fit
    any_type: bool = False  # CAST(x AS whatever)
    all_too: frozenset[str] = frozenset()  # functions that may have ALL
    distinct_too: frozenset[str] = frozenset()  # functions, no aggregates, that may have DISTINCT
    touching: bool = False  # "a"AND, AS"a": no space between a word and a quotation mark
    cast_comments: bool = True  # a comment may stand right behind `::`
    long_signs: bool = False  # `||-` is one operator
    system_prefix: bytes = b""  # of the engine's own tables; b"": not told by their names
    opaque_namespace: bool = False  # sqlglot does not know the columns of a table that has it
    namespace: bytes = b""  # of the tables that need no prefix; b"": they may have none
    hidden: frozenset[bytes] = frozenset()  # columns of every table that no schema lists
    name_limit: int = 60  # bytes of a name that the query itself gives
    aliases_shown: tuple[bytes, ...] = field(default=(b"t1", b"t2", b"t3", b"t4", b"t5"))

    def fold(self, name: bytes, *, quoted: bool) -> bytes:
        """Return the key that a written name is looked up by."""
        return name if quoted and not self.folds_quoted else name.lower()

    def may_be_string(self, name: bytes, how: int) -> bool:
        """Tell whether a name that names nothing is a string; `how` it was written."""
        return how == DOUBLE_QUOTED and self.string_fallback and name not in self.hidden

    def stored(self, name: str) -> bytes:
        """Return the key of a name of the database."""
        return self.fold(name.encode(), quoted=True)

    def kind_of(self, declared: str) -> str:
        """Return the kind of values that a declared type holds; "any" where it is not sure."""
        if not self.typed:
            return "any"
        if declared.endswith("[]"):
            return f"{self._kind_within(declared[:-2])}[]"
        if declared.startswith("ENUM(") and not _ODD_LABELS.search(declared):
            return f"enum {declared[5:-1]}"
        written = " ".join(re.sub(r"\(.*?\)", " ", declared).lower().split())
        if written in self.cast_types:
            return self.cast_types[written][0]
        return COLUMN_TYPES.get(written, "other")

    def type_of(self, declared: str) -> str | None:
        """Return a declared type as other ones are compared with it: a kind where it is just that.

        Recursion wants the very type again: `smallint` is no `integer`, `varchar(9)` no `text`.
        """
        if not self.typed:
            return None
        if declared.endswith("[]"):
            return f"{self.type_of(declared[:-2])}[]"
        written = " ".join(declared.lower().split())
        whole = written in self.cast_types and written not in NARROW_TYPES
        return self.cast_types[written][0] if whole else written

    def _kind_within(self, declared: str) -> str:
        kind = self.kind_of(declared)
        return "other" if kind.endswith("[]") else kind

    def is_type(self, name: bytes) -> bool:
        """Tell whether a folded word is a type that CAST knows."""
        return name.decode("utf-8", "replace") in self.cast_types

    def allows(self, name: bytes, position: str) -> bool:
        """Tell whether a folded word may stand unquoted in a position; see `words.RESERVED`."""
        return name.decode("utf-8", "replace") not in self.reserved[position]


# Types that are not all that their kind is.
NARROW_TYPES = frozenset(
    {"smallint", "int2", "real", "float4", "varchar", "char", "character", "character varying"}
)

# Types of columns that CAST does not know by that name.
COLUMN_TYPES = {
    "hugeint": "hugeint",
    "tinyint": "int4",
    "smallint": "int4",
    "timestamp with time zone": "timestamptz",
    "timestamptz": "timestamptz",
    "jsonb": "jsonb",
    "char": "text",
    "character": "text",
    "uuid": "uuid",
    **dict.fromkeys(("xml", "point", "line", "lseg", "box", "path", "polygon", "circle"), "opaque"),
}

# What DuckDB's functions return that `functions` calls "any": one of several sizes of numbers, or
# a kind that depends on the argument.
RESULTS = {
    "duckdb": dict.fromkeys(
        (
            *("bit_count", "date_part", "datepart", "gcd", "hash", "json_array_length", "lcm"),
            *("array_unique", "list_unique", "mad", "median", "mod", "regr_count", "sign", "xor"),
        ),
        "number",
    )
    | {"date_trunc": "timestamp", "now": "timestamptz", "to_timestamp": "timestamptz"}
}


def _installed(name: str) -> dict[str, tuple[Function, ...]]:
    return {function: FORMS[name][function] for function in installed_functions(name)}


def _forms(name: str) -> dict[str, tuple[Function, ...]]:
    """Return the ways to call each function, one for a number of any size among them."""
    return {function: (*forms, *_any_number(forms)) for function, forms in _installed(name).items()}


def _any_number(forms: tuple[Function, ...]) -> Iterator[Function]:
    taken = {kind for form in forms if form.takes for kind in form.takes[0].split("|")}
    alike = {(form.least, form.most, form.takes[1:]) for form in forms}
    if len(forms) > 1 and len(alike) == 1 and {"integer", "float", "decimal"} <= taken:
        yield replace(forms[0], takes=("number", *forms[0].takes[1:]), returns="number")


def _merged(forms: tuple[Function, ...]) -> Function:
    """Return one function for several ways to call it, as far as the grammar is concerned."""
    first = forms[0]
    if len({form.kind for form in forms}) > 1 or len(forms) == 1:
        return first
    widest = max(forms, key=lambda form: len(form.takes))
    strict = max(forms, key=lambda form: len(set(form.reads) - {"expression"}))
    most = None if any(form.most is None for form in forms) else widest.most
    least = min(form.least for form in forms)
    return replace(first, least=least, most=most, takes=widest.takes, reads=strict.reads)


def _dialect(name: str, quotes: dict[int, int], **rules: object) -> Dialect:
    return Dialect(
        name,
        frozenset(_FEATURES[name].split()) | frozenset(_COMMON.split()),
        quotes,
        {name: _merged(forms) for name, forms in _installed(name).items()},
        SCALAR_TOO.get(name, {}),
        RESERVED[name],
        CAST_TYPES[name],
        _forms(name),
        RESULTS.get(name, {}),
        **rules,  # type: ignore[arg-type]
    )


DIALECTS: dict[str, Dialect] = {
    "sqlite": _dialect(
        "sqlite",
        {ord('"'): ord('"'), ord("`"): ord("`"), ord("["): ord("]")},
        system_prefix=b"sqlite_",
        opaque_namespace=True,
        namespace=b"main",
        hidden=frozenset({b"rowid", b"oid", b"_rowid_"}),
        string_fallback=True,
        string_alias=True,
        alias_in_where=True,
        arms_sort=True,
        column_limit=2000,
        hex_numbers=True,
        unread_ctes=True,
        any_type=True,
        all_too=ALL_TOO,
        distinct_too=DISTINCT_TOO,
        touching=True,
    ),
    "duckdb": _dialect(
        "duckdb",
        {ord('"'): ord('"')},
        hidden=frozenset({b"rowid"}),
        cast_comments=False,
        long_signs=True,
        literal_types=(*LITERAL_TYPES, (b"time", "time")),
        namespace=b"main",
        typed=True,
        strict_groups=True,
        alias_in_where=True,
    ),
    "postgres": _dialect(
        "postgres",
        {ord('"'): ord('"')},
        folds_quoted=False,
        long_signs=True,
        namespace=b"public",
        typed=True,
        strict_groups=True,
        alias_in_terms=False,
        ordered_windows=False,
        keys_cover=True,
        row_makers=frozenset({"unnest", "generate_series"}),
        names_items=True,
        comma_hides=True,
        column_limit=1664,
        literal_types=(*LITERAL_TYPES, (b"time", "time"), (b"timestamptz", "timestamptz")),
        units=frozenset(b"year month day hour minute second".split()),
        fields=FIELDS | MORE_FIELDS,
    ),
}
