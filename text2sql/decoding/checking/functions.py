"""The functions that a query may call, by dialect: what they take, and what they return.

    >>> FUNCTIONS["sqlite"]["substr"].takes
    ('text', 'integer', 'integer')
    >>> admits("number", "integer")
    True

Covered: what both the engine and sqlglot's reader of that dialect accept; found by trying each call
on SQLite 3.40, DuckDB 2.0 and PostgreSQL, next to sqlglot 30.30. The names are those of
sqlite.org/lang_corefunc.html, lang_datefunc, lang_aggfunc, lang_mathfunc, windowfunctions, json1.
Not covered: what has its own syntax (CAST, EXTRACT, POSITION, TRIM FROM, WITHIN GROUP), functions
that return tables, values that a function refuses only when it runs.
"""

import re
import sqlite3
from dataclasses import dataclass
from functools import cache

# A group stands for each of its kinds; "same" stands for the kind of the first argument.
GROUPS = {
    "integer": ("int4", "int8"),
    "number": ("integer", "int4", "int8", "decimal", "float"),
    "moment": ("date", "timestamp"),
}


@dataclass(frozen=True, slots=True)
class Function:
    """One way to call a function."""

    name: str  # in lower case
    least: int  # arguments
    most: int | None  # arguments; None: as many as MAX_ARGUMENTS says
    kind: str  # "scalar", "aggregate" or "window"
    over: bool  # may have OVER; a "window" function must
    distinct: bool  # may have DISTINCT; in SQLite only with one argument
    filter: bool  # may have FILTER (WHERE ...)
    takes: tuple[str, ...]  # kinds of arguments; the last `step` ones repeat
    returns: str  # "same": the kind of its first argument, or of all that are "same"
    step: int = 1  # further arguments come in groups of so many
    # What may stand as an argument; the last `step` ones repeat. "expression":
    # anything. For sqlglot, "operand": nothing that compares or joins truths, unless in
    # parentheses; "primary": a literal, column, call, CASE, CAST or something in parentheses.
    # For DuckDB, "literal": a constant; "pattern": no constant but a regular expression; "format":
    # a literal in the letters of FORMAT_LETTERS, not empty. For both, "part": one of DATE_PARTS.
    reads: tuple[str, ...] = ("expression",)


def admits(takes: str, kind: str) -> bool:
    """Tell whether an argument of one kind may stand where a function takes another.

    Args:
        takes: an entry of `Function.takes`: a kind, a group, several with "|" between, or "any".
        kind: of the argument; "any" where it is not known, which only "any" admits.
    """
    kinds = takes.split("|")
    return "any" in kinds or kind in kinds or any(kind in GROUPS.get(k, ()) for k in kinds)


def sqlite_functions() -> frozenset[str]:
    """Return the names of the functions that the SQLite of this Python has."""
    connection = sqlite3.connect(":memory:")
    try:
        rows = connection.execute("SELECT DISTINCT lower(name) FROM pragma_function_list")
        return frozenset(name for (name,) in rows)
    finally:
        connection.close()


# A line is a form: `name(kinds) returns`. [..] may be absent, `a ...` repeats, `a b ...` in pairs.
# Words after the result: how sqlglot reads the arguments; "plain", no DISTINCT.
_SQLITE = {
    "aggregate": """
        avg(number) float
        count([any]) integer
        group_concat(any, [text]) text
        json_group_array(any) json
        json_group_object(text, any) json plain
        max(any) same
        min(any) same
        sum(number) number
        total(number) float
    """,
    "window": """
        cume_dist() float
        dense_rank() integer
        first_value(any) same
        lag(any, [integer], [any]) same
        last_value(any) same
        lead(any, [integer], [any]) same
        nth_value(any, integer) same
        ntile(integer) integer
        percent_rank() float
        rank() integer
        row_number() integer
    """,
    "scalar": """
        abs(number) number
        char(integer ...) text
        coalesce(any, any ...) same
        format(text, [any ...]) text
        glob(text, text) boolean
        hex(any) text
        ifnull(any, any) same
        iif(any, any, any) any
        instr(text, text) integer
        length(any) integer
        like(text, text, [text]) boolean
        likely(any) same
        lower(text) text
        ltrim(text, [text]) text
        max(any, any, [any ...]) same
        min(any, any, [any ...]) same
        nullif(any, any) same
        printf(text, [any ...]) text
        quote(any) text
        random() integer
        randomblob(integer) blob
        replace(text, text, text) text
        round(number, [integer]) number
        rtrim(text, [text]) text
        sign(number) integer
        soundex(text) text
        substr(text, integer, [integer]) text
        substring(text, integer, [integer]) text operand
        trim(text, [text]) text operand
        typeof(any) text
        unicode(text) integer
        unlikely(any) same
        upper(text) text
        zeroblob(integer) blob
        changes() integer
        last_insert_rowid() integer
        total_changes() integer

        date([any], [text ...]) text
        datetime([any], [text ...]) text
        julianday([any], [text ...]) float
        strftime(text, [any], [text ...]) text
        time([any], [text ...]) text
        unixepoch([any], [text ...]) integer

        acos(number) float
        acosh(number) float
        asin(number) float
        asinh(number) float
        atan(number) float
        atan2(number, number) float
        atanh(number) float
        ceil(number) number
        ceiling(number) number
        cos(number) float
        cosh(number) float
        degrees(number) float
        exp(number) float
        floor(number) number
        ln(number) float
        log(number, [number]) float
        log10(number) float
        log2(number) float
        mod(number, number) float
        pi() float
        pow(number, number) float
        power(number, number) float
        radians(number) float
        sin(number) float
        sinh(number) float
        sqrt(number) float
        tan(number) float
        tanh(number) float
        trunc(number) number

        json(any) json
        json_array([any ...]) json
        json_array_length(any, [text]) integer
        json_extract(any, text ...) any
        json_insert(any, [text any ...]) json
        json_object([text any ...]) json primary operand
        json_patch(any, any) json
        json_quote(any) json
        json_remove(any, text ...) json
        json_replace(any, [text any ...]) json
        json_set(any, text any ...) json
        json_type(any, [text]) text
        json_valid(any) boolean
    """,
}

_DUCKDB = {
    "aggregate": """
        any_value(any) same
        approx_count_distinct(any) int8
        arbitrary(any) same
        arg_max(any, any) same
        arg_min(any, any) same
        avg(number) float
        bit_and(integer) same
        bit_or(integer) same
        bit_xor(integer) same
        bool_and(boolean) boolean
        bool_or(boolean) boolean
        corr(number, number) float plain
        count([any]) int8
        count_if(boolean) hugeint
        countif(boolean) hugeint
        covar_pop(number, number) float plain
        covar_samp(number, number) float plain
        entropy(any) float
        favg(number) float
        first(any) same
        fsum(number) float
        group_concat(text, [text]) text expression literal
        kurtosis(number) float
        last(any) same
        listagg(text, [text]) text expression literal
        mad(number) any
        max(any) same
        max_by(any, any) same
        mean(number) float
        median(number) any
        min(any) same
        min_by(any, any) same
        mode(any) same
        product(number) float
        regr_avgx(number, number) float plain
        regr_avgy(number, number) float plain
        regr_count(number, number) any plain
        regr_intercept(number, number) float plain
        regr_r2(number, number) float plain
        regr_slope(number, number) float plain
        sem(number) float
        skewness(number) float
        stddev(number) float
        stddev_pop(number) float
        stddev_samp(number) float
        string_agg(text, [text]) text expression literal
        sum(integer|boolean) hugeint
        sum(decimal) decimal
        sum(float) float
        var_pop(number) float
        var_samp(number) float
        variance(number) float
    """,
    "window": """
        cume_dist() float
        dense_rank() int8
        first_value(any) same
        lag(any, [integer], [same]) same
        last_value(any) same
        lead(any, [integer], [same]) same
        nth_value(any, integer) same
        ntile(integer) int8
        percent_rank() float
        rank() int8
        rank_dense() int8
        row_number() int8
    """,
    "scalar": """
        abs(number) same
        acos(number) float
        acosh(number) float
        age(moment, [moment]) interval
        ascii(text) int4
        asin(number) float
        asinh(number) float
        atan(number) float
        atan2(number, number) float
        atanh(number) float
        bar(number, number, number, [number]) text
        base64(blob) text
        bin(integer) text
        bit_count(integer) any
        bit_length(text) int8
        cbrt(number) float
        ceil(integer) float
        ceil(float) float
        ceil(decimal) decimal
        ceiling(number) number
        century(moment) int8
        chr(int4) text
        coalesce(any, [same ...]) same
        concat(any, [any ...]) text
        concat_ws(text, any ...) text
        contains(text, text) boolean
        cos(number) float
        cosh(number) float
        cot(number) float
        current_date() date
        damerau_levenshtein(text, text) int8
        date_add(moment, interval) timestamp
        date_diff(text, moment, moment) int8 part expression
        date_part(text, moment) any part expression
        date_sub(text, moment, moment) int8 part expression
        date_trunc(text, timestamp) timestamp part expression
        date_trunc(text, date) any part expression
        datediff(text, moment, moment) int8 part expression
        datepart(text, moment) any part expression
        datesub(text, moment, moment) int8 part expression
        datetrunc(text, timestamp) timestamp part expression
        day(moment|interval) int8
        dayname(moment) text
        dayofmonth(moment|interval) int8
        dayofweek(moment) int8
        dayofyear(moment) int8
        decade(moment|interval) int8
        degrees(number) float
        editdist3(text, text) int8
        ends_with(text, text) boolean
        epoch(moment|time|interval) float
        epoch_ms(moment|time|interval) int8
        epoch_ms(integer) timestamp
        era(moment) int8
        even(number) float
        exp(number) float
        factorial(int4) hugeint
        floor(integer) float
        floor(float) float
        floor(decimal) decimal
        fmod(number, number) float
        format(text, [any ...]) text
        gamma(number) float
        gcd(integer, integer) any
        greatest(any, [same ...]) same
        hamming(text, text) int8
        hash(any) any
        hex(text|blob|integer) text
        hour(moment|time|interval) int8
        if(boolean, number, number) number
        if(boolean, text, text) text
        if(boolean, moment, moment) moment
        if(boolean, boolean, boolean) boolean
        ifnull(any, same) same
        instr(text, text) int8
        isfinite(moment|float) boolean
        isinf(moment|float) boolean
        isnan(float) boolean
        isodow(moment) int8
        isoyear(moment) int8
        jaccard(text, text) float
        jaro_similarity(text, text) float
        jaro_winkler_similarity(text, text) float
        json(json|text) json
        json_array([any ...]) json
        json_array_length(json|text, [text]) any
        json_contains(json|text, json|text) boolean
        json_exists(json|text, text) boolean
        json_extract(json|text, text) json
        json_extract_path(json|text, text) json
        json_extract_path_text(json|text, text) text
        json_extract_string(json|text, text) text
        json_merge_patch(json|text, json|text) json
        json_object([text any ...]) json primary operand
        json_quote(any) json
        json_type(json|text, [text]) text
        json_valid(json|text) boolean
        julian(moment) float
        last_day(moment) date
        lcase(text) text
        lcm(integer, integer) any
        least(any, [same ...]) same
        left(text, integer) text
        len(text) int8
        length(text) int8
        levenshtein(text, text) int8
        ln(number) float
        log(number, [number]) float
        log10(number) float
        log2(number) float
        lower(text) text
        lpad(text, int4, text) text
        ltrim(text, [text]) text
        make_date(integer, integer, integer) date
        make_time(integer, integer, float) time
        make_timestamp(integer, integer, integer, integer, integer, number) timestamp
        md5(text) text
        microsecond(moment|time|interval) int8
        millennium(moment|interval) int8
        millisecond(moment|time|interval) int8
        minute(moment|time|interval) int8
        mismatches(text, text) int8
        mod(number, number) any
        month(moment|interval) int8
        monthname(moment) text
        nfc_normalize(text) text
        now() any
        nullif(any, same) same
        octet_length(blob) int8
        ord(text) int4
        pi() float
        pow(number, number) float
        power(number, number) float
        prefix(text, text) boolean
        printf(text, [any ...]) text
        quarter(moment|interval) int8
        radians(number) float
        random() float
        regexp_escape(text) text
        regexp_extract(text, text) text expression pattern
        regexp_full_match(text, text) boolean expression pattern
        regexp_matches(text, text) boolean expression pattern
        regexp_replace(text, text, text) text expression pattern expression
        repeat(text, integer) text
        replace(text, text, text) text
        reverse(text) text
        right(text, integer) text
        round(integer, [int4]) same
        round(float, [int4]) float
        round(decimal, [int4]) decimal expression literal
        rpad(text, int4, text) text
        rtrim(text, [text]) text
        second(moment|time|interval) int8
        sha256(text) text
        sign(number) any
        sin(number) float
        sinh(number) float
        split_part(text, text, integer) text
        sqrt(number) float
        starts_with(text, text) boolean
        strftime(moment, text) text expression format
        strip_accents(text) text
        strlen(text) int8
        strpos(text, text) int8
        strptime(text, text) timestamp expression format
        substr(text, integer, [integer]) text
        substring(text, integer, [integer]) text operand
        suffix(text, text) boolean
        tan(number) float
        tanh(number) float
        time_bucket(interval, timestamp) timestamp
        time_bucket(interval, date) any
        timezone(text, timestamp) any
        to_base(integer, int4) text
        to_base64(blob) text
        to_centuries(int4) interval
        to_days(int4) interval
        to_decades(int4) interval
        to_hours(integer) interval
        to_json(any) json
        to_microseconds(integer) interval
        to_milliseconds(number) interval
        to_minutes(integer) interval
        to_months(int4) interval
        to_quarters(int4) interval
        to_seconds(number) interval
        to_timestamp(number) any
        to_weeks(int4) interval
        to_years(int4) interval
        today() date
        translate(text, text, text) text
        trim(text, [text]) text operand
        trunc(integer) same
        trunc(float) float
        trunc(decimal) decimal
        try_strptime(text, text) timestamp expression format
        typeof(any) text
        ucase(text) text
        unhex(text) blob
        unicode(text) int4
        upper(text) text
        url_decode(text) text
        url_encode(text) text
        week(moment) int8
        weekday(moment) int8
        weekofyear(moment) int8
        xor(integer, integer) any
        year(moment|interval) int8
        yearweek(moment) int8
    """,
}

_POSTGRES = {
    "aggregate": """
        avg(integer|decimal) decimal
        avg(float) float
        avg(interval) interval
        bit_and(integer) same
        bit_or(integer) same
        bit_xor(integer) same
        bool_and(boolean) boolean
        bool_or(boolean) boolean
        corr(number, number) float plain
        count(any) int8
        covar_pop(number, number) float plain
        covar_samp(number, number) float plain
        every(boolean) boolean
        json_agg(any) json
        json_object_agg(text, any) json plain
        max(number|text|date|timestamp|timestamptz|time|interval) same
        min(number|text|date|timestamp|timestamptz|time|interval) same
        regr_avgx(number, number) float plain
        regr_avgy(number, number) float plain
        regr_count(number, number) int8 plain
        regr_intercept(number, number) float plain
        regr_r2(number, number) float plain
        regr_slope(number, number) float plain
        stddev(integer|decimal) decimal
        stddev(float) float
        stddev_pop(integer|decimal) decimal
        stddev_pop(float) float
        stddev_samp(integer|decimal) decimal
        stddev_samp(float) float
        string_agg(text, text) text
        sum(int4) int8
        sum(int8|decimal) decimal
        sum(float) float
        sum(interval) interval
        var_pop(integer|decimal) decimal
        var_pop(float) float
        var_samp(integer|decimal) decimal
        var_samp(float) float
        variance(integer|decimal) decimal
        variance(float) float
    """,
    "window": """
        cume_dist() float
        dense_rank() int8
        first_value(any) same
        lag(any, [int4], [same]) same
        last_value(any) same
        lead(any, [int4], [same]) same
        nth_value(any, int4) same
        ntile(int4) int4
        percent_rank() float
        rank() int8
        row_number() int8
    """,
    "scalar": """
        abs(number) same
        acos(number) float
        acosh(number) float
        age(moment|timestamptz, [same]) interval
        ascii(text) int4
        asin(number) float
        asinh(number) float
        atan(number) float
        atan2(number, number) float
        atanh(number) float
        bit_length(text) int4
        btrim(text, [text]) text
        cbrt(number) float
        ceil(integer|float) float
        ceil(decimal) decimal
        ceiling(integer|float) float
        ceiling(decimal) decimal
        char_length(text) int4
        character_length(text) int4
        chr(int4) text
        clock_timestamp() timestamptz
        coalesce(any, [same ...]) same
        concat(any, [any ...]) text
        concat_ws(text, any ...) text
        cos(number) float
        cosh(number) float
        cot(number) float
        date(moment|timestamptz|text) date
        date_bin(interval, timestamp, timestamp) timestamp
        date_part(text, moment|timestamptz) float part expression
        date_trunc(text, timestamp) timestamp part expression
        date_trunc(text, date|timestamptz) timestamptz part expression
        degrees(number) float
        div(integer|decimal, integer|decimal) decimal
        encode(blob, text) text
        decode(text, text) blob
        exp(integer|float) float
        exp(decimal) decimal
        factorial(integer) decimal
        floor(integer|float) float
        floor(decimal) decimal
        format(text, [any ...]) text
        gcd(integer, integer) integer
        greatest(number|text|date|timestamp|timestamptz|time|interval|boolean, [same ...]) same
        initcap(text) text
        isfinite(moment|timestamptz|interval) boolean
        json_array_length(json) int4
        json_build_array([any ...]) json
        json_build_object([text any ...]) json
        json_extract_path(json, text ...) json
        json_extract_path_text(json, text ...) text
        json_typeof(json) text
        justify_days(interval) interval
        justify_hours(interval) interval
        justify_interval(interval) interval
        lcm(integer, integer) integer
        least(number|text|date|timestamp|timestamptz|time|interval|boolean, [same ...]) same
        left(text, int4) text
        length(text) int4
        ln(integer|float) float
        ln(decimal) decimal
        log(integer|float) float
        log(decimal) decimal
        log(integer|decimal, integer|decimal) decimal
        log10(integer|float) float
        log10(decimal) decimal
        lower(text) text
        lpad(text, int4, [text]) text
        ltrim(text, [text]) text
        make_date(int4, int4, int4) date
        make_time(int4, int4, number) time
        make_timestamp(int4, int4, int4, int4, int4, number) timestamp
        md5(text) text
        mod(integer, integer) integer
        mod(integer|decimal, integer|decimal) any
        now() timestamptz
        nullif(number|text|date|timestamp|timestamptz|time|interval|boolean|blob, same) same
        num_nonnulls(any ...) int4
        num_nulls(any ...) int4
        octet_length(text) int4
        pi() float
        pow(integer|float, integer|float) float
        pow(decimal, integer|decimal) decimal
        power(integer|float, integer|float) float
        power(decimal, integer|decimal) decimal
        quote_ident(text) text
        quote_literal(text) text
        radians(number) float
        random() float
        regexp_count(text, text, [int4], [text]) int4
        regexp_instr(text, text) int4
        regexp_like(text, text, [text]) boolean
        regexp_replace(text, text, text, [text]) text
        regexp_substr(text, text, [int4]) text
        repeat(text, int4) text
        replace(text, text, text) text
        reverse(text) text
        right(text, int4) text
        round(integer|float) float
        round(decimal) decimal
        round(integer|decimal, int4) decimal
        rpad(text, int4, [text]) text
        rtrim(text, [text]) text
        scale(decimal) int4
        sign(integer|float) float
        sign(decimal) decimal
        sin(number) float
        sind(number) float
        sinh(number) float
        split_part(text, text, int4) text
        sqrt(integer|float) float
        sqrt(decimal) decimal
        starts_with(text, text) boolean
        statement_timestamp() timestamptz
        strpos(text, text) int4
        substr(text, int4, [int4]) text
        substring(text, int4, [int4]) text operand
        tan(number) float
        tanh(number) float
        timeofday() text
        timezone(text, timestamp) timestamptz
        to_char(moment|timestamptz|interval|number, text) text
        to_date(text, text) date
        to_hex(integer) text
        to_json(any) json
        to_number(text, text) decimal
        to_timestamp(text, text) timestamptz
        to_timestamp(number) timestamptz
        transaction_timestamp() timestamptz
        translate(text, text, text) text
        trim(text, [text]) text operand
        trim_scale(decimal) decimal
        trunc(integer|float) float
        trunc(decimal) decimal
        trunc(integer|decimal, int4) decimal
        upper(text) text
        width_bucket(number, number, number, int4) int4
    """,
}

# SQLITE_MAX_FUNCTION_ARG is 100 by default, 127 in Debian; FUNC_MAX_ARGS of PostgreSQL is 100.
MAX_ARGUMENTS = {"sqlite": 100, "duckdb": 100, "postgres": 100}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Functions that an engine may lack. SQLite: compile options (SQLITE_ENABLE_MATH_FUNCTIONS,
# SQLITE_SOUNDEX). PostgreSQL: new in version 15.
OPTIONAL: dict[str, frozenset[str]] = {
    "sqlite": _names("""
        acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10
        log2 mod pi pow power radians sin sinh soundex sqrt tan tanh trunc
    """),
    "duckdb": frozenset(),
    "postgres": _names("regexp_count regexp_instr regexp_like regexp_substr"),
}

# What a literal may say where `Function.reads` has "part": units of time, in any case.
DATE_PARTS: dict[str, frozenset[str]] = {
    "duckdb": _names("""
        century day decade dow doy epoch hour isodow isoyear microsecond microseconds millennium
        millisecond milliseconds minute month quarter second week year
    """),
    "postgres": _names("""
        century day decade hour microseconds millennium milliseconds minute month quarter second
        week year
    """),
}

# What may follow % in a literal where `Function.reads` has "format".
FORMAT_LETTERS: dict[str, frozenset[str]] = {"duckdb": frozenset("aAbBcdfgHIjmMnpSuUVwWxXyYzZ%")}

_FORM = re.compile(r"(\w+)\((.*)\) (\S+)((?: \w+)*)")


def _read(forms: dict[str, str]) -> dict[str, tuple[Function, ...]]:
    """Return a dialect's forms by name, the one to take where only one is taken first."""
    found: dict[str, tuple[Function, ...]] = {}
    for kind, text in forms.items():
        for line in filter(None, map(str.strip, text.splitlines())):
            form = _read_form(line, kind)
            found[form.name] = (*found.get(form.name, ()), form)
    return found


def _read_form(line: str, kind: str) -> Function:
    name, inside, returns, options = _FORM.fullmatch(line).groups()  # type: ignore[union-attr]
    least, step, repeats, takes = 0, 1, False, []
    for part in filter(None, inside.split(", ")):
        kinds = part.strip("[]").split()
        repeats = kinds[-1] == "..."
        kinds = kinds[:-1] if repeats else kinds
        step = len(kinds)
        least += 0 if part.startswith("[") else step
        takes += kinds
    words = options.split()
    reads = tuple(word for word in words if word != "plain") or ("expression",)
    distinct = kind == "aggregate" and bool(takes) and "plain" not in words
    most = None if repeats else len(takes)
    over, may_filter = kind != "scalar", kind == "aggregate"
    shape = (over, distinct, may_filter, tuple(takes), returns)
    return Function(name, least, most, kind, *shape, step if repeats else 1, reads)


FORMS: dict[str, dict[str, tuple[Function, ...]]] = {
    "sqlite": _read(_SQLITE),
    "duckdb": _read(_DUCKDB),
    "postgres": _read(_POSTGRES),
}

FUNCTIONS: dict[str, dict[str, Function]] = {
    dialect: {name: forms[0] for name, forms in named.items()} for dialect, named in FORMS.items()
}

# Aggregates that are scalar functions with more arguments.
SCALAR_TOO: dict[str, dict[str, Function]] = {
    dialect: {
        name: form
        for name, forms in named.items()
        for form in forms[1:]
        if (forms[0].kind, form.kind) == ("aggregate", "scalar")
    }
    for dialect, named in FORMS.items()
}


@cache
def installed_functions(dialect: str) -> dict[str, Function]:
    """Return FUNCTIONS of a dialect, less those of OPTIONAL that its engine may lack.

    Which ones SQLite lacks is asked of the one in this Python; a server is not asked.

    Raises:
        KeyError: no table for this dialect.
    """
    missing = OPTIONAL[dialect]
    missing = missing - sqlite_functions() if dialect == "sqlite" else missing
    return {name: f for name, f in FUNCTIONS[dialect].items() if name not in missing}
