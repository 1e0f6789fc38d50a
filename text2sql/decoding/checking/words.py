"""The words that are not names, by dialect and place, and the types that CAST takes.

    >>> "left" in RESERVED["sqlite"]["bare_alias"], "left" in RESERVED["sqlite"]["column"]
    (True, False)
    >>> CAST_TYPES["sqlite"]["double precision"]
    ('float', 2)

A word is listed where the engine or sqlglot refuses it unquoted, or where one of them reads
something else in silence (`current_date`, `true`, `interval`; `t. true` with a blank).

Covered: every keyword of SQLite 3.40 (sqlite.org/lang_keywords.html), DuckDB 2.0
(`duckdb_keywords()`), PostgreSQL 15 (`pg_get_keywords()`) and sqlglot 30.30, for the first two also
its function names; each was tried as the name of a real column or table in some 400 statements
(PostgreSQL: 230), next to the same statement with the name in quotes. The second word of what
sqlglot takes for one token (`sort by`, `double precision`) is no alias without AS.
In CAST every keyword and name of a function of sqlglot's was tried as a type.
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
            end any asymmetric both cast connect_by_root cross cube current_date current_time
            current_timestamp current_user describe false fetch for glob grant if ilike inner
            interval lateral leading like lock offset outer partitioned_by
            qualify raise regexp revoke rlike rollback rollup symmetric tablesample
            trailing true uncache window with xor
        """,
        "qualified": "false true",
        "qualifier": """
            end any asymmetric both cast connect_by_root cross cube current_date current_time
            current_timestamp current_user describe false fetch for glob grant ilike inner lateral
            leading like lock offset outer partitioned_by qualify raise regexp revoke rlike rollback
            rollup symmetric tablesample trailing true uncache window with xor
        """,
        "table": """
            cross describe end fetch for glob grant ilike inner lateral like outer partitioned_by
            pivot qualify regexp revoke rlike rollback tablesample uncache unpivot with xor
        """,
        "alias": "end",
        "bare_alias": """
            anti asof by cross end fetch for full glob grant ilike indexed inner lateral left like
            lock match natural offset outer over overlaps partitioned_by precision qualify regexp
            revoke right rlike rollback security semi sets straight_join tablesample uncache varying
            window with xor
        """,
        "cte": """
            cross fetch for glob grant ilike inner lateral like offset outer partitioned_by qualify
            recursive regexp revoke rlike rollback tablesample uncache with xor
        """,
    },
    "duckdb": {
        "everywhere": """
            all not select
        """,
        "column": """
            alter analyse analyze and anti any array as asc asof asymmetric at authorization between
            binary both by case cast check collate collation column concurrently connect_by_root
            constraint create cross cube current_catalog current_date current_time current_timestamp
            current_user default deferrable desc describe distinct do drop else end except false
            fetch for force foreign freeze from full glob grant group having if ilike in initially
            inner insert install intersect interval into is isnull join lambda lateral leading left
            like limit list localtime localtimestamp lock map natural notnull null nullable object
            offset on only or order outer overlaps partitioned_by pivot pivot_longer pivot_wider
            placing positional primary qualify range references regexp returning revoke right rlike
            rollback rollup row semi session_user show similar some struct summarize symmetric table
            tablesample then to trailing true uncache union unique unpack unpivot using values
            variadic verbose when where window with xor
        """,
        "qualified": "false null true",
        "qualifier": """
            alter analyse analyze and anti any array as asc asof asymmetric at authorization between
            binary both by case cast check collate collation column concurrently connect_by_root
            constraint create cross cube current_catalog current_date current_time current_timestamp
            current_user default deferrable desc describe distinct do drop else end except false
            fetch for force foreign freeze from full glob grant group having ilike in initially
            inner insert install intersect into is isnull join lambda lateral leading left like
            limit localtime localtimestamp lock map natural notnull null offset on only or order
            outer overlaps partitioned_by pivot pivot_longer pivot_wider placing positional primary
            qualify references regexp returning revoke right rlike rollback rollup semi session_user
            show similar some summarize symmetric table tablesample then to trailing true uncache
            union unique unpack unpivot using values variadic verbose when where window with xor
        """,
        "table": """
            alter analyse analyze and anti any array as asc asof asymmetric at authorization between
            binary both by case cast check collate collation column concurrently constraint create
            cross default deferrable desc describe distinct do drop else end except false fetch for
            force foreign freeze from full glob grant group having ilike in initially inner insert
            install intersect into is isnull join lambda lateral leading left like limit natural
            notnull null offset on only or order outer overlaps partitioned_by pivot pivot_longer
            pivot_wider placing positional primary qualify references regexp returning revoke right
            rlike rollback semi show similar some summarize symmetric table tablesample then to
            trailing true uncache union unique unpack unpivot using values variadic verbose when
            where window with xor
        """,
        "alias": """
            analyse analyze and anti any array as asc asof asymmetric at authorization binary both
            by case cast check collate collation column concurrently constraint create cross default
            deferrable desc describe distinct do else end except false fetch for foreign freeze from
            full glob group having ilike in initially inner intersect into is isnull join lambda
            lateral leading left like limit natural notnull null offset on only or order outer
            overlaps pivot pivot_longer pivot_wider placing positional primary qualify references
            returning right semi show similar some summarize symmetric table tablesample then to
            trailing true union unique unpack unpivot using variadic verbose when where window with
        """,
        "bare_alias": """
            alter analyse analyze and anti any array as asc asof asymmetric at authorization between
            binary both by case cast centuries century check collate collation column concurrently
            constraint create cross day days decade decades default deferrable desc describe
            distinct do drop else end escape except exclude export_state false fetch filter for
            force foreign freeze from full glob grant group having hour hours ignore ilike in
            initially inner insert install intersect into is isnull join lambda lateral leading left
            like limit lock microsecond microseconds millennia millennium millisecond milliseconds
            minute minutes month months natural notnull null offset on only or order outer over
            overlaps partitioned_by pivot pivot_longer pivot_wider placing positional precision
            primary qualify quarter quarters references regexp rename replace respect returning
            revoke right rlike rollback second seconds security semi sets show similar some
            straight_join summarize symmetric table tablesample then to trailing true uncache union
            unique unpack unpivot using values variadic varying verbose week weeks when where window
            with within without xor year years
        """,
        "cte": """
            alter analyse analyze and anti any array as asc asof asymmetric at authorization between
            binary both by case cast check collate collation column concurrently constraint create
            cross default deferrable desc describe distinct do drop else end except false fetch for
            force foreign freeze from full glob grant group having ilike in initially inner insert
            install intersect into is isnull join lambda lateral leading left like limit natural
            notnull null offset on only or order outer overlaps partitioned_by pivot pivot_longer
            pivot_wider placing positional primary qualify recursive references regexp returning
            revoke right rlike rollback semi show similar some summarize symmetric table tablesample
            then to trailing true uncache union unique unpack unpivot using values variadic verbose
            when where window with xor
        """,
    },
    "postgres": {
        "everywhere": """
            not select
        """,
        "column": """
            all alter analyse analyze and any array as asc asymmetric authorization between binary
            both case cast check collate collation column concurrently connect_by_root constraint
            create cross cube current_catalog current_date current_role current_schema current_time
            current_timestamp current_user default deferrable desc describe distinct do drop else
            end except false fetch for foreign freeze from full glob grant group having if ilike in
            initially inner insert intersect interval into is isnull join lateral leading left like
            limit list localtime localtimestamp lock map natural notnull null nullable object offset
            on only or order outer overlaps partitioned_by placing primary qualify range references
            regexp returning revoke right rlike rollback rollup session_user similar some struct
            symmetric table tablesample then to trailing true uncache union unique user using values
            variadic verbose when where window with xor
        """,
        "qualified": "false null true",
        "qualifier": """
            all alter analyse analyze and any array as asc asymmetric authorization between binary
            both case cast check collate collation column concurrently connect_by_root constraint
            create cross cube current_catalog current_date current_role current_schema current_time
            current_timestamp current_user default deferrable desc describe distinct do drop else
            end except false fetch for foreign freeze from full glob grant group having ilike in
            initially inner insert intersect into is isnull join lateral leading left like limit
            localtime localtimestamp lock natural notnull null offset on only or order outer
            overlaps partitioned_by placing primary qualify references regexp returning revoke right
            rlike rollback rollup session_user similar some symmetric table tablesample then to
            trailing true uncache union unique user using values variadic verbose when where window
            with xor
        """,
        "table": """
            all alter analyse analyze and any array as asc asymmetric authorization between binary
            both case cast check collate collation column concurrently constraint create cross
            current_catalog current_date current_role current_schema current_time current_timestamp
            current_user default deferrable desc describe distinct do drop else end except false
            fetch for foreign freeze from full glob grant group having ilike in initially inner
            insert intersect into is isnull join lateral leading left like limit localtime
            localtimestamp natural notnull null offset on only or order outer overlaps
            partitioned_by pivot placing primary qualify references regexp returning revoke right
            rlike rollback session_user similar some symmetric table tablesample then to trailing
            true uncache union unique unpivot user using values variadic verbose when where window
            with xor
        """,
        "alias": """
            all analyse analyze and any array as asc asymmetric authorization binary both case cast
            check collate collation column concurrently constraint create cross current_catalog
            current_date current_role current_schema current_time current_timestamp current_user
            default deferrable desc distinct do else end except false fetch for foreign freeze from
            full grant group having ilike in initially inner intersect into is isnull join lateral
            leading left like limit localtime localtimestamp natural notnull null offset on only or
            order outer overlaps placing primary references returning right session_user similar
            some symmetric table tablesample then to trailing true union unique user using variadic
            verbose when where window with
        """,
        "bare_alias": """
            all alter analyse analyze and anti any array as asc asof asymmetric at authorization
            between binary both by case cast char character check collate collation column
            concurrently constraint create cross current_catalog current_date current_role
            current_schema current_time current_timestamp current_user day default deferrable desc
            distinct do drop else end except false fetch filter for foreign freeze from full glob
            grant group having hour ilike in initially inner insert intersect into is isnull join
            lateral leading left like limit localtime localtimestamp lock minute month natural
            notnull null offset on only or order outer over overlaps partitioned_by placing
            precision primary qualify references regexp returning revoke right rlike rollback second
            security semi session_user sets similar some straight_join symmetric table tablesample
            then to trailing true uncache union unique user using values variadic varying verbose
            when where window with within without xor year
        """,
        "cte": """
            all alter analyse analyze and any array as asc asymmetric authorization between binary
            both case cast check collate collation column concurrently constraint create cross
            current_catalog current_date current_role current_schema current_time current_timestamp
            current_user default deferrable desc distinct do drop else end except false fetch for
            foreign freeze from full glob grant group having ilike in initially inner insert
            intersect into is isnull join lateral leading left like limit localtime localtimestamp
            natural notnull null offset on only or order outer overlaps partitioned_by placing
            primary qualify recursive references regexp returning revoke right rlike rollback
            session_user similar some symmetric table tablesample then to trailing true uncache
            union unique user using values variadic verbose when where window with xor
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

# Words that sqlglot takes for no columns where an argument of these functions begins; all that its
# parser asks for by their text were tried in every function of the three dialects.
OWN_WORDS = {"json": frozenset({b"skip"}), "json_object": frozenset({b"key", b"value"})}

# SQLite: WINDOW before FILTER is no keyword, and GROUPS in OVER (groups) begins a frame.
NO_WINDOWS = frozenset({b"filter", b"groups"})

# What CAST takes for no type where a dialect takes any other word for one.
_NO_TYPES = """
    add all alter analyze and anti any apply as asc asof attach auto_increment autoincrement
    begin between cache call case check collate column comment commit constraint copy create
    cross cube current_catalog current_date current_schema current_time current_timestamp
    current_user database default deferrable delete desc describe detach distinct div drop else
    end escape except execute exists explain false fetch file filter first for foreign from full
    function glob grant group having ilike in index indexed inner insert intersect into is
    isnull join keep kill lateral left like limit load localtime localtimestamp lock match merge
    namespace natural next not nothing notnull null nullable offset on operator optimize or
    order ordinality out outer over overlaps overwrite partition partitioned_by percent pivot
    pragma prepare primary procedure qualify recursive references regexp rename replace
    returning revoke right rlike rollback rollup row rows schema select semi sequence session
    session_user set settings show some straight_join table tablesample temp temporary then to
    transaction trigger true truncate uncache union unique unnest unpivot update use using
    vacuum values view volatile when where window with xor
"""
NO_TYPES = frozenset(_NO_TYPES.split())

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
        int4 0: int, int32, int4, integer, signed
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
        int4 0: int, int4, integer
        int8 0: bigint, int2, int8, smallint
        float 0: double, double precision, float, float4, float8, real
        decimal 2: dec, decimal, numeric
        text 0: text
        text 1: char varying, character, character varying, varchar
        blob 0: bytea
        boolean 0: bool, boolean
        date 0: date
        timestamp 0: timestamp, timestamp without time zone
        time 0: time, time without time zone
        interval 0: interval
        json 0: json
        jsonb 0: jsonb
        timestamptz 0: timestamptz
        uuid 0: uuid
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
