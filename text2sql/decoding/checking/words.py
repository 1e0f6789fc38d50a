"""The words that are not names, by dialect and place, and the types that CAST takes.

    >>> "left" in RESERVED["sqlite"]["bare_alias"], "left" in RESERVED["sqlite"]["column"]
    (True, False)
    >>> CAST_TYPES["sqlite"]["double precision"]
    ('float', 2)

A word is listed where the engine or sqlglot refuses it unquoted, or where one of them reads
something else in silence (`current_date`, `true`, `interval`).

Covered: every keyword of SQLite 3.40 (sqlite.org/lang_keywords.html), DuckDB 2.0
(`duckdb_keywords()`) and PostgreSQL 15 (`pg_get_keywords()`), every keyword and function name of
sqlglot 30.30; each was tried as the name of a real column or table in some 400 statements,
next to the same statement with the name in quotes. The second word of what sqlglot takes for one
token (`sort by`, `double precision`) is no alias without AS.
Not covered: letters that belong to a literal (`x'00'`): they need a space before the quotation
mark.
"""

import re

# Where a name stands: as a bare column, after a dot, before a dot, as a table in FROM, after AS
# (columns, tables, columns of a CTE), as an alias without AS, as the name of a CTE.
POSITIONS = ("column", "qualified", "qualifier", "table", "alias", "bare_alias", "cte")

_WORDS = {
    "sqlite": {
        "everywhere": """
            add all alter and as autoincrement between case check collate commit constraint create
            default deferrable delete distinct drop else escape except exists foreign from group
            having in index insert intersect into is isnull join limit not nothing notnull null on
            or order primary references returning select set table then to transaction union unique
            update using values when where
        """,
        "column": """
            any array asymmetric both cast connect_by_root cross cube current_date current_time
            current_timestamp current_user describe false fetch for glob grant if ilike inner
            interval lateral leading like list lock map nullable object offset outer partitioned_by
            qualify raise range regexp revoke rlike rollback rollup struct symmetric tablesample
            trailing true uncache window with xor
        """,
        "qualified": "",
        "qualifier": """
            any asymmetric both cast connect_by_root cross cube current_date current_time
            current_timestamp current_user describe false fetch for glob grant ilike inner lateral
            leading like lock offset outer partitioned_by qualify raise regexp revoke rlike rollback
            rollup symmetric tablesample trailing true uncache window with xor
        """,
        "table": """
            cross describe fetch for glob grant ilike inner lateral like outer partitioned_by pivot
            qualify regexp revoke rlike rollback tablesample uncache unpivot with xor
        """,
        "alias": "",
        "bare_alias": """
            anti asof by cross fetch for full glob grant ilike indexed inner lateral left like lock
            match natural offset outer over overlaps partitioned_by precision qualify regexp revoke
            right rlike rollback security semi sets straight_join tablesample uncache varying window
            with xor
        """,
        "cte": """
            cross fetch for glob grant ilike inner lateral like offset outer partitioned_by qualify
            recursive regexp revoke rlike rollback tablesample uncache with xor
        """,
    },
}

RESERVED: dict[str, dict[str, frozenset[str]]] = {
    dialect: {
        position: frozenset(f"{words['everywhere']} {words[position]}".split())
        for position in POSITIONS
    }
    for dialect, words in _WORDS.items()
}

# `kind parameters: names`: the kind that results (see `functions`), how many numbers may follow in
# parentheses, and the types as SQL writes them. Lengths are at least 1; a decimal has at most 38
# digits, and not more after the point than in all. SQLite casts a date to a number, its year.
_TYPES = {
    "sqlite": """
        integer 2: bigint, int, int2, int8, integer, mediumint, smallint, tinyint
        float 2: double, double precision, float, real
        number 2: bool, boolean, date, datetime, dec, decimal, json, number, numeric,
            signed, string, time, timestamp, unsigned
        text 2: char, char varying, character, character varying, clob, nchar, nvarchar,
            text, varchar
        blob 2: blob
    """,
    "duckdb": """
        int4 0: int, int1, int16, int2, int32, int4, integer, short, signed, smallint,
            tinyint
        int8 0: bigint, int64, int8, long
        float 0: double, double precision, float, float4, float8, real
        decimal 2: dec, decimal, numeric
        text 1: bpchar, char, char varying, character, character varying, nchar, nvarchar,
            string, text, varchar
        blob 0: binary, blob, bytea, varbinary
        boolean 0: bool, boolean, logical
        date 0: date
        timestamp 0: datetime, timestamp, timestamp without time zone
        time 0: time, time without time zone
        interval 0: interval
        json 0: json
    """,
    "postgres": """
        int4 0: int, int2, int4, integer, smallint
        int8 0: bigint, int8
        float 0: double precision, float, float4, float8, real
        decimal 2: dec, decimal, numeric
        text 0: text
        text 1: char varying, character varying, varchar
        blob 0: bytea
        boolean 0: bool, boolean
        date 0: date
        timestamp 0: timestamp, timestamp without time zone
        time 0: time, time without time zone
        interval 0: interval
        json 0: json
    """,
}

_TYPE = re.compile(r"(\w+) (\d): ([^:]+)(?=\s+\w+ \d:|\s*$)")


def _read_types(text: str) -> dict[str, tuple[str, int]]:
    return {
        " ".join(name.split()): (kind, int(parameters))
        for kind, parameters, names in _TYPE.findall(text)
        for name in names.split(",")
    }


CAST_TYPES: dict[str, dict[str, tuple[str, int]]] = {
    dialect: _read_types(types) for dialect, types in _TYPES.items()
}
