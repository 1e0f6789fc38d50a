"""Which functions and tables a statement may name: lists, by engine.

SQLite and DuckDB's table functions are judged by what is allowed; scalar functions of DuckDB and of
servers (thousands, and views of the owner may add more) by what is denied.

Sources: sqlite.org lang_corefunc, lang_datefunc, lang_aggfunc, lang_mathfunc, windowfunctions,
json1, fts3, fts5; `duckdb_functions()` of DuckDB 2.0.0; PostgreSQL 17 manual, chapter 9.27-9.28;
MySQL 8.4 manual, chapter 14.

Covered: files, settings, sleeping, locks, sessions, catalogs, running SQL from text.
Not covered: whether a user may read an allowed table; time and memory, which the worker bounds.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the gate knows of a database; names are in lower case."""

    name: str = ""  # of the database, as DuckDB allows before a schema
    namespaces: frozenset[str] = frozenset({"main"})
    tables: frozenset[str] = frozenset()  # the owner's, at least those named like the system's
    forbidden: frozenset[str] = frozenset()  # views and macros that do what a statement may not


NO_CATALOG = Catalog()


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


SQLITE_FUNCTIONS = _names("""
    abs changes char coalesce concat concat_ws format glob hex if ifnull iif instr last_insert_rowid
    length like likelihood likely lower ltrim match max min nullif octet_length printf quote random
    randomblob regexp replace round rtrim sign soundex substr substring total_changes trim typeof
    unhex unicode unistr unistr_quote unlikely upper zeroblob

    current_date current_time current_timestamp date datetime julianday strftime time timediff
    unixepoch

    avg count group_concat median percentile percentile_cont percentile_disc string_agg sum total
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank
    row_number

    acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2
    mod pi pow power radians sin sinh sqrt tan tanh trunc

    -> ->> json json_array json_array_length json_error_position json_extract json_group_array
    json_group_object json_insert json_object json_patch json_pretty json_quote json_remove
    json_replace json_set json_type json_valid jsonb jsonb_array jsonb_extract jsonb_group_array
    jsonb_group_object jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set
    subtype

    bm25 highlight matchinfo offsets snippet
""")

# Virtual tables that no file declares.
SQLITE_MODULES = _names("json_each json_tree generate_series")

TABLE_FUNCTIONS = {
    "sqlite": SQLITE_MODULES,
    "duckdb": _names("range generate_series unnest json_each json_tree repeat repeat_row"),
    "postgres": _names("""
        generate_series exploding_generate_series unnest
        json_each json_each_text jsonb_each jsonb_each_text
        json_array_elements json_array_elements_text jsonb_array_elements jsonb_array_elements_text
        json_object_keys jsonb_object_keys json_to_recordset jsonb_to_recordset
        json_populate_recordset jsonb_populate_recordset regexp_matches regexp_split_to_table
        string_to_table
    """),
    "mysql": _names("json_table"),
}

DENIED = {
    "sqlite": _names("load_extension fts3_tokenizer readfile writefile edit fsdir eval optimize"),
    "duckdb": _names("""
        getenv current_setting set_config getvariable query query_table current_query sleep sleep_ms
        write_log nextval currval setseed txid_current current_connection_id current_transaction_id
        glob sniff_csv which_secret add_parquet_key from_substrait get_substrait
        json_execute_serialized_sql json_serialize_plan has_any_column_privilege has_table_privilege
        checkpoint force_checkpoint summary test_all_types storage_info python_map_function
    """),
    "postgres": _names("""
        set_config current_setting nextval setval currval lastval txid_current ts_stat
        query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml table_to_xml
        table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema
        database_to_xml database_to_xmlschema inet_server_addr inet_client_addr
        ts_rewrite crosstab connectby xpath_table loread lowrite
    """),
    "mysql": _names("""
        load_file sleep benchmark get_lock release_lock release_all_locks is_free_lock is_used_lock
        master_pos_wait source_pos_wait wait_for_executed_gtid_set
    """),
}

DENIED_PREFIXES = {
    "sqlite": ("sqlite_", "pragma_"),
    "duckdb": tuple(
        _names("""
            read_ duckdb_ pragma_ parquet_ sqlite_ postgres_ mysql_ iceberg_ delta_ force_ enable_
            disable_ pg_ write_ copy_ python_ load_ http_ st_read
        """)
    ),
    "postgres": ("pg_", "lo_", "crosstab", "dblink", "postgres_fdw", "has_", "binary_upgrade_"),
    "mysql": ("sys_", "gtid_", "asynchronous_connection_", "group_replication_"),
}

_HARMLESS = frozenset({"pg_typeof", "pg_size_pretty"})

SYSTEM_TABLES = {
    "sqlite": ("sqlite_", "pragma_", "dbstat"),
    "duckdb": ("duckdb_", "pragma_", "sqlite_", "pg_"),
    "postgres": ("pg_",),
    "mysql": ("innodb_",),
}

SYSTEM_NAMESPACES = _names(
    "information_schema pg_catalog pg_toast system temp mysql performance_schema sys"
)


def denied_function(name: str, dialect: str) -> bool:
    """Tell whether a statement may not call this function, whatever its arguments."""
    name = name.lower()
    if name in _HARMLESS:
        return False
    return name in DENIED[dialect] or name.startswith(DENIED_PREFIXES[dialect])


def denied_table_function(name: str, dialect: str) -> bool:
    """Tell whether a statement may not select from this function."""
    return name.lower() not in TABLE_FUNCTIONS[dialect]


def system_table(name: str, dialect: str) -> bool:
    """Tell whether an unqualified name is one that the engine keeps for itself."""
    return name.lower().startswith(SYSTEM_TABLES[dialect])
