"""The functions of DuckDB; the notation is that of `function_tables`.

    >>> FORMS["scalar"].split("\\n")[1].strip()
    'abs(number) same'

Covered: what DuckDB 2.0 and sqlglot 30.30's reader of its dialect accept.
Not covered: functions of maps and structs, functions that take another one or its name
(`list_aggregate(l, 'sum')`), functions that return tables.
"""

FORMS = {
    "aggregate": """
        any_value(any) same
        approx_count_distinct(any) int8
        approx_quantile(number, number) same expression fraction
        arbitrary(any) same
        array_agg(any) listed
        arg_max(any, any) same
        arg_min(any, any) same
        avg(number) float
        avg(interval) interval
        avg(moment) timestamp
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
        first(any) same unfiltered
        fsum(number) float
        group_concat(text, [text]) text expression literal
        kurtosis(number) float
        last(any) same unfiltered
        list(any) listed
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
        quantile_cont(number, number) float expression fraction
        quantile_disc(number, number) same expression fraction
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
        array_contains(list, element) boolean
        array_distinct(list) same
        array_extract(list, integer) element
        array_length(list) int8
        array_position(list, element) int4
        array_reverse(list) same
        array_sort(list) same
        array_to_string(list, text) text expression literal
        array_unique(list) any
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
        damerau_levenshtein(text, text) int8
        date_add(moment, interval) timestamp
        date_diff(text, moment, moment) int8 part expression
        date_part(text, moment) any part expression
        date_part(text, interval) any part expression
        date_part(text, time) any part expression
        date_sub(text, moment, moment) int8 part expression
        date_trunc(text, timestamp) timestamp part expression
        date_trunc(text, date) any part expression
        datediff(text, moment, moment) int8 part expression
        datepart(text, moment) any part expression
        datepart(text, interval) any part expression
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
        generate_series(integer, [integer], [integer]) int8[]
        generate_series(date|timestamp, date|timestamp, interval) timestamp[]
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
        len(list) int8
        length(text) int8
        length(list) int8
        levenshtein(text, text) int8
        list_avg(numbers) float
        list_concat(list, same) same
        list_contains(list, element) boolean
        list_count(list) int8
        list_distinct(list) same
        list_extract(list, integer) element
        list_first(list) element
        list_has(list, element) boolean
        list_has_all(list, same) boolean
        list_has_any(list, same) boolean
        list_last(list) element
        list_max(list) element
        list_min(list) element
        list_position(list, element) int4
        list_reverse(list) same
        list_reverse_sort(list) same
        list_sort(list) same
        list_sum(wholes) hugeint
        list_sum(floats) float
        list_sum(numbers) number
        list_unique(list) any
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
        nullif(any, same) first
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
        range(integer, [integer], [integer]) int8[]
        range(date|timestamp, date|timestamp, interval) timestamp[]
        regexp_escape(text) text
        regexp_extract(text, text, [int4]) text expression pattern digit
        regexp_extract_all(text, text, [int4]) text[] expression pattern digit
        regexp_full_match(text, text) boolean expression pattern
        regexp_matches(text, text) boolean expression pattern
        regexp_replace(text, text, text) text expression pattern expression
        regexp_split_to_array(text, text) text[] expression pattern
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
        split(text, text) text[]
        split_part(text, text, integer) text
        sqrt(number) float
        starts_with(text, text) boolean
        str_split(text, text) text[]
        strftime(moment, text) text expression format
        string_split(text, text) text[]
        string_to_array(text, text) text[]
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
        unnest(list) element
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

# What a literal may say where a function reads "part": units of time, in any case.
DATE_PARTS = """
    century day decade dow doy epoch hour isodow isoyear microsecond microseconds millennium
    millisecond milliseconds minute month quarter second week year
"""

# Those of them that a value has which is no date: by its kind.
KIND_PARTS = {
    "interval": """
        century day decade epoch hour microsecond microseconds millennium millisecond milliseconds
        minute month quarter second year
    """,
    "time": "epoch hour microsecond microseconds millisecond milliseconds minute second",
}

# What may follow % in a literal where a function reads "format".
FORMAT_LETTERS = "aAbBcdfgHIjmMnpSuUVwWxXyYzZ%"
