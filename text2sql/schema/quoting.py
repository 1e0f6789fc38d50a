"""Write a name the way a dialect's SQL needs it: plain where that is safe, quoted where it is not.

    >>> quote("order", "sqlite"), quote("CustId", "postgres"), quote("CustId", "sqlite")
    ('"order"', '"CustId"', 'CustId')

Covered: reserved words, spaces, quotes inside names, upper case where the engine folds it,
letters without case (Chinese) left plain where the engine reads them plain.
Not covered: words that only some version of an engine reserves.
"""

import re
from functools import lru_cache
from unicodedata import category

# Engines that fold plain names to one case, so that a name with capitals must be quoted.
# SQLAlchemy's inspector gives Oracle's and Snowflake's plain names in lower case too.
FOLDING = frozenset(
    {"postgres", "redshift", "materialize", "risingwave", "oracle", "snowflake", "exasol"}
)
LETTERS_BEYOND_ASCII = frozenset({"sqlite", "duckdb", "postgres", "mysql"})
BACKTICK = frozenset(
    {
        "mysql",
        "bigquery",
        "spark",
        "spark2",
        "databricks",
        "hive",
        "clickhouse",
        "doris",
        "starrocks",
    }
)

# A word is listed if the engine, or sqlglot's parser of that dialect (30.30), does not take it as
# the plain name of a table and of a column. SQLite 3.40 and DuckDB 2.0: tried on the engine;
# PostgreSQL 17: appendix C of its manual; MySQL 8: the list in SQLAlchemy 2.1.
_EVERYWHERE = """
    all alter and any as between case cast check collate connect_by_root constraint create cross
    cube default deferrable describe distinct drop else except false fetch for foreign from grant
    group having if ilike in inner insert intersect into is isnull join lateral like limit lock
    not notnull null offset on or order outer partitioned_by primary qualify references returning
    revoke rlike rollback rollup select table tablesample then to true uncache union unique using
    values when where window with xor
"""
_SQLITE = """
    add autoincrement commit current_date current_time current_timestamp current_user delete
    escape exists glob index nothing raise regexp set transaction update
"""
_DUCKDB = """
    analyse analyze anti array asc asof asymmetric at authorization binary both by collation
    column concurrently current_catalog current_date current_time current_timestamp current_user
    desc do end force freeze full glob initially install lambda leading left localtime
    localtimestamp map natural only overlaps pivot pivot_longer pivot_wider placing positional
    regexp right semi session_user show similar some summarize symmetric trailing unpack unpivot
    variadic verbose
"""
_POSTGRES = """
    analyse analyze array asc asymmetric authorization binary both collation column concurrently
    current_catalog current_date current_role current_schema current_time current_timestamp
    current_user desc do end freeze full glob initially leading left localtime localtimestamp
    natural new of off old only over overlaps placing regexp right session_user similar some
    symmetric system_user trailing user variadic verbose
"""
_MYSQL = """
    accessible add admin analyze array asc asensitive before bigint binary blob both by call
    cascade change char character charset column condition continue convert cume_dist current_date
    current_time current_timestamp current_user cursor database databases day_hour day_microsecond
    day_minute day_second dec decimal declare delayed delete dense_rank desc deterministic
    distinctrow div double dual each elseif empty enclosed escaped exists exit explain first_value
    float float4 float8 force fulltext function general generated get get_master_public_key
    grouping groups high_priority hour_microsecond hour_minute hour_second ignore
    ignore_server_ids index infile inout insensitive int int1 int2 int3 int4 int8 integer interval
    io_after_gtids io_before_gtids iterate json_table key keys kill lag last_value lead leading
    leave left linear lines load localtime localtimestamp long longblob longtext loop low_priority
    master_bind master_heartbeat_period master_ssl_verify_server_cert match maxvalue mediumblob
    mediumint mediumtext member middleint minute_microsecond minute_second mod modifies natural
    no_write_to_binlog nth_value ntile numeric of optimize optimizer_costs option optionally out
    outfile over parallel parse_gcol_expr partition percent_rank persist persist_only precision
    procedure purge range rank read read_write reads real recursive regexp release rename repeat
    replace require resignal restrict return right rlike role row row_number rows schema schemas
    second_microsecond sensitive separator set show signal slow smallint spatial specific sql
    sql_after_gtids sql_before_gtids sql_big_result sql_calc_found_rows sql_small_result
    sqlexception sqlstate sqlwarning ssl starting stored straight_join system terminated tinyblob
    tinyint tinytext trailing trigger undo unlock unsigned update usage use utc_date utc_time
    utc_timestamp varbinary varchar varcharacter varying virtual while write xor year_month
    zerofill
"""

_ALL = f"{_EVERYWHERE} {_SQLITE} {_DUCKDB} {_POSTGRES} {_MYSQL}"
RESERVED = {
    "sqlite": frozenset(f"{_EVERYWHERE} {_SQLITE}".split()),
    "duckdb": frozenset(f"{_EVERYWHERE} {_DUCKDB}".split()),
    "postgres": frozenset(f"{_EVERYWHERE} {_POSTGRES}".split()),
}
RESERVED_SOMEWHERE = frozenset(_ALL.split())

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@lru_cache(maxsize=65536)
def quote(name: str, dialect: str) -> str:
    """Return a name as SQL of that dialect must write it, quoted only where it has to be."""
    if _is_plain(name, dialect):
        return name
    return quoted(name, dialect)


def quoted(name: str, dialect: str) -> str:
    """Return a name in the quotes of a dialect, whatever it is; quotes inside it are doubled."""
    opening, closing = "[]" if dialect == "tsql" else "``" if dialect in BACKTICK else '""'
    return opening + name.replace(closing, closing * 2) + closing


def _is_plain(name: str, dialect: str) -> bool:
    plain = _without_caseless_letters(name) if dialect in LETTERS_BEYOND_ASCII else name
    if not _PLAIN.match(plain) or name.lower() in RESERVED.get(dialect, RESERVED_SOMEWHERE):
        return False
    return name == name.lower() if dialect in FOLDING else True


def _without_caseless_letters(name: str) -> str:
    # MySQL takes no character beyond U+FFFF in a plain name
    caseless = (c for c in set(name) if "\x7f" < c <= "\uffff" and category(c) == "Lo")
    return name.translate(dict.fromkeys(map(ord, caseless), "_"))
