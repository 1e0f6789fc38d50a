"""The functions of SQLite; the notation is that of `function_tables`.

    >>> FORMS["scalar"].split("\\n")[1].strip()
    'abs(number) number'

The names are those of sqlite.org/lang_corefunc.html, lang_datefunc, lang_aggfunc, lang_mathfunc,
windowfunctions, json1.

Covered: what SQLite 3.40 and sqlglot 30.30's reader of its dialect accept.
Not covered: functions that return tables; functions of extensions.
"""

FORMS = {
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

        json(any) json primary
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

# What a build of SQLite may lack: SQLITE_ENABLE_MATH_FUNCTIONS, SQLITE_SOUNDEX.
OPTIONAL = """
    acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2
    mod pi pow power radians sin sinh soundex sqrt tan tanh trunc
"""

# Of the scalar functions those whose arguments sqlglot must find one by one: behind DISTINCT, which
# says nothing there to SQLite, it takes all for one.
ONE_BY_ONE = """
    atan2 char glob iif instr json_extract json_object json_remove json_set like mod nullif pow
    power replace substring trim
"""

# Functions of whose arguments behind ALL sqlglot misses some.
NO_ALL = "char json_object substring trim"
