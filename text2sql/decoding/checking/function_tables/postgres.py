"""The functions of PostgreSQL; the notation is that of `function_tables`.

    >>> FORMS["scalar"].split("\\n")[1].strip()
    'abs(number) same'

Covered: what PostgreSQL 15 and sqlglot 30.30's reader of its dialect accept.
Not covered: functions of arrays and ranges; functions that return tables; extensions.
"""

FORMS = {
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
        array_agg(any) listed
        every(boolean) boolean
        grouping(number|text|date|timestamp|timestamptz|time|interval|boolean) int4 plain
        json_agg(any) json
        jsonb_agg(any) jsonb
        json_object_agg(text, any) json plain
        jsonb_object_agg(text, any) jsonb plain
        max(number|text|date|timestamp|timestamptz|time|interval) same
        min(number|text|date|timestamp|timestamptz|time|interval) same
        mode() any plain
        percentile_cont(number) float fraction plain
        percentile_disc(number) any fraction plain
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
        array_append(list, element) same
        array_length(list, int4) int4
        array_position(list, element) int4
        array_remove(list, element) same
        array_to_string(list, text, [text]) text
        ascii(text) int4
        asin(number) float
        asinh(number) float
        atan(number) float
        atan2(number, number) float
        atanh(number) float
        bit_length(text) int4
        btrim(text, [text]) text
        cardinality(list) int4
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
        date_part(text, moment|timestamptz) float field expression
        date_part(text, interval) float field expression
        date_part(text, time) float field expression
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
        gcd(int4, integer) integer
        generate_series(int4, int4, [int4]) int4
        generate_series(integer, integer, [integer]) integer
        generate_series(decimal, integer|decimal, [integer|decimal]) decimal
        generate_series(integer, decimal, [integer|decimal]) decimal
        generate_series(timestamp, moment, interval) timestamp
        generate_series(date, timestamp, interval) timestamp
        generate_series(date, date|timestamptz, interval) timestamptz
        generate_series(timestamptz, date|timestamptz, interval) timestamptz
        greatest(number|text|date|timestamp|timestamptz|time|interval|boolean, [same ...]) same
        initcap(text) text
        isfinite(moment|timestamptz|interval) boolean
        json_array_length(json) int4
        json_build_array([any ...]) json
        json_build_object([text any ...]) json
        json_extract_path(json, text ...) json
        json_extract_path_text(json, text ...) text
        json_typeof(json) text
        jsonb_array_length(jsonb) int4
        jsonb_build_array([any ...]) jsonb
        jsonb_build_object([text any ...]) jsonb
        jsonb_extract_path(jsonb, text ...) jsonb
        jsonb_extract_path_text(jsonb, text ...) text
        jsonb_pretty(jsonb) text
        jsonb_typeof(jsonb) text
        justify_days(interval) interval
        justify_hours(interval) interval
        justify_interval(interval) interval
        lcm(int4, integer) integer
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
        regexp_match(text, text, [text]) text[]
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
        regexp_split_to_array(text, text) text[]
        split_part(text, text, int4) text
        sqrt(integer|float) float
        sqrt(decimal) decimal
        starts_with(text, text) boolean
        statement_timestamp() timestamptz
        string_to_array(text, text) text[]
        strpos(text, text) int4
        substr(text, int4, [int4]) text
        substring(text, int4, [int4]) text operand
        substring(text, text) text operand
        tan(number) float
        tanh(number) float
        timeofday() text
        timezone(text, timestamp) timestamptz
        to_char(moment|timestamptz|interval|number, text) text
        to_date(text, text) date
        to_hex(int4) text
        to_json(any) json
        to_jsonb(any) jsonb
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
        unnest(list) element
        upper(text) text
        width_bucket(number, number, number, int4) int4
    """,
}

# What an older server may lack: new in version 15.
OPTIONAL = "regexp_count regexp_instr regexp_like regexp_substr"

# What a literal may say where a function reads "part": units of time, in any case.
DATE_PARTS = """
    century day decade hour microseconds millennium milliseconds minute month quarter second week
    year
"""

# What it may say besides where a function reads "field".
DATE_FIELDS = "dow doy epoch isodow isoyear"

# Which of them a value of a kind has that is no date.
KIND_PARTS = {
    "interval": """
        century day decade epoch hour microseconds millennium milliseconds minute month quarter
        second year
    """,
    "time": "epoch hour microseconds milliseconds minute second",
}
