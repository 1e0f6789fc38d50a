"""The texts that a mutant gets: words, operators, literals, clauses, beginnings and ends.

    >>> LIMITS[0].format(column="name")
    ' LIMIT 3'

Some are legal where they are put, some nowhere. In braces stands what is filled in: a column, a
table, an alias of the statement, or for `{0}` the text that was there.

Covered: the words of SQLite, DuckDB and PostgreSQL.
Not covered: names of a schema.
"""

_CLAUSE_WORDS = "WITH SELECT FROM WHERE GROUP HAVING WINDOW ORDER LIMIT UNION INTERSECT EXCEPT"
_OTHER_WORDS = """
    ALL AND AS ASC BETWEEN BY CASE CAST COLLATE CROSS DESC DISTINCT ELSE END ESCAPE EXISTS FILTER
    FIRST FULL GLOB IN INNER IS JOIN LAST LEFT LIKE NATURAL NOT NULL NULLS OFFSET ON OR OUTER OVER
    PARTITION RANGE RECURSIVE RIGHT ROWS THEN USING VALUES WHEN ILIKE INTERVAL QUALIFY
"""
CLAUSES = frozenset(_CLAUSE_WORDS.split())
KEYWORDS = CLAUSES | frozenset(_OTHER_WORDS.split())
OPERATORS = (
    "=", "==", "<>", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "||", "&", "|", "<<",
    "LIKE", "NOT LIKE", "GLOB", "IN", "NOT IN", "IS", "IS NOT", "AND", "OR", "BETWEEN", "->", "=",
    "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "REGEXP", "MATCH", "COLLATE", "ESCAPE", "NOT",
    "ISNULL", "NOTNULL", "NOT NULL", "~", "::", ":=", "^", "ILIKE", "SIMILAR TO", ".",
)  # fmt: skip
LITERALS = (
    "0", "1", "2", "-1", "1.5", ".5", "5.", "1e5", "0x1F", "''", "'it''s'", "'北京 🙂'", "NULL",
    "TRUE", "CURRENT_DATE", "x'00'", "'%a_'", "'unclosed", '"unclosed', '"some text"', "?", ":p",
    "DATE '2020-01-01'", "INTERVAL '1 day'", "9" * 30, "1_000", "'a' 'b'", "e'\\n'", "$$a$$",
)  # fmt: skip
FUNCTIONS = (
    "count", "sum", "avg", "min", "max", "total", "group_concat", "length", "lower", "abs", "round",
    "coalesce", "ifnull", "nullif", "iif", "substr", "strftime", "date", "julianday", "row_number",
    "rank", "lag", "ntile", "no_such_function", "json_extract", "random", "typeof", "first_value",
    "string_agg", "concat", "left", "now", "date_trunc", "median", "printf",
)  # fmt: skip
JOINS = (
    "JOIN", "LEFT JOIN", "INNER JOIN", "CROSS JOIN", "NATURAL JOIN", "FULL OUTER JOIN", ",",
    "RIGHT JOIN", "OUTER JOIN", "LEFT", "LEFT SEMI JOIN", "NATURAL LEFT JOIN", "STRAIGHT_JOIN",
)  # fmt: skip
SET_OPERATORS = (
    "UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL", "MINUS",
)  # fmt: skip
ORDERINGS = (
    "DESC", "ASC", "ASC DESC", "NULLS LAST", "DESC NULLS FIRST", "COLLATE NOCASE", "NULLS",
    "COLLATE nothing", ", 1", ", 2 DESC", ", count(*)", ", NULL", ", 'a'", "USING >",
)  # fmt: skip
LIMITS = (
    " LIMIT 3", " LIMIT -1", " LIMIT 1.5", " LIMIT 'x'", " LIMIT 1, 2", " LIMIT 1 OFFSET 2",
    " OFFSET 2", " LIMIT (SELECT 1)", " LIMIT {column}", " LIMIT count(*)", " LIMIT 1 LIMIT 1",
    " LIMIT ALL", " LIMIT 1 ORDER BY 1", " FETCH FIRST 1 ROWS ONLY", " LIMIT 1 + 1", " LIMIT NULL",
)  # fmt: skip
CONDITIONS = (
    "count(*) > 1", "sum({column}) > 1", "row_number() OVER () = 1", "{column}", "1", "{alias} = 1",
    "{column} IS NULL", "EXISTS (SELECT 1)", "{column} IN (SELECT 1, 2)", "{column} IN ()", "NOT",
    "{column} BETWEEN 1 AND 2 AND 3", "({column}, 1) = (1, 2)", "max({alias}) > 1", "{table}.a = 1",
    "{column} = (SELECT {column} FROM {table})", "{column} IN {table}", "a.b.c.d = 1", "1 = 1 =",
    "{column} IN (1, 'a', NULL)", "{column} LIKE 'a' ESCAPE 'b'", "count(DISTINCT {column}) > 1",
)  # fmt: skip
EXPRESSIONS = (
    "(SELECT {column} FROM {table})", "(SELECT {column}, 1 FROM {table})",
    "(SELECT * FROM {table})", "count({0})", "sum(count({0}))", "sum({0}) OVER ()",
    "CAST({0} AS INTEGER)", "CAST({0} AS TEXT)", "CAST({0} AS nonsense)", "CAST({0})",
    "CASE WHEN {0} THEN 1 END", "CASE {0} WHEN 1 THEN 2 ELSE 3", "CASE ELSE {0} END", "-{0}",
    "+{0}", "~{0}", "NOT {0}", "({0})", "(({0})", "{0})", "{0} + 1", "{0} ||", "DISTINCT {0}",
    "{0} DISTINCT", "{0}.{0}", "{table}.{0}", "lower({0})", "lower()", "lower({0}, 1)",
    "max({0}, 1)", "max({0}) FILTER (WHERE 1)", "lower({0}) OVER ()", "rank()",
    "rank() OVER (ORDER BY {0})", "{0} COLLATE NOCASE", "{0} IS NULL", "{0} ISNULL",
    "{0} BETWEEN 1", "{0} AS x", "{0} AS", "ALL {0}", "EXISTS {0}", "EXISTS (SELECT {0})",
    "{0} IN (1, 2)", "[{0}]", "{0}[1]", "{0}::text", "({0}, {0})", "count(*)",
    "count(DISTINCT {0})", "count(DISTINCT {0}, 1)", "count(DISTINCT *)", "sum(*)",
    "count(ALL {0})", "min({0} ORDER BY {0})", "iif({0}, 1, 2)", "lag({0}) OVER (PARTITION BY {0})",
    "{0} NOT", "{0} IS", "VALUES (1)", "(VALUES (1))", "NULL", "*", "{table}.*", "{table}",
    "{0} {0}", "current_date()", "ROW(1)",
)  # fmt: skip
TAILS = (
    "; SELECT 1", ";", " ;;", " -- note", " /* note */", " /* open", " UNION SELECT 1", ")",
    " WHERE 1", " UNION SELECT 1, 2", " UNION ALL SELECT {column} FROM {table}",
    " UNION SELECT * FROM {table}", " INTERSECT SELECT {column} FROM {table} ORDER BY 1",
    " ORDER BY 1", " ORDER BY 9", " ORDER BY 0", " ORDER BY {column}", " ORDER BY {alias}",
    " ORDER BY count(*)", " GROUP BY 1", " GROUP BY 9", " GROUP BY {column}", " GROUP BY count(*)",
    " HAVING count(*) > 1", " HAVING {column} = 1", " GROUP BY {column} HAVING max({column}) > 1",
    " WINDOW w AS (ORDER BY 1)", ", {table}", " AS x", " JOIN {table} ON 1",
    " JOIN {table} USING ({column})", " CROSS JOIN {table}", " JOIN {table}", " FOR UPDATE",
    " INTO x", " EXCEPT ALL SELECT 1", " UNION VALUES (1)", " UNION (SELECT 1)",
    " GROUP BY ROLLUP (1)", " QUALIFY 1", " TABLESAMPLE 1", " NATURAL JOIN {table}", " t2", " OR",
)  # fmt: skip
HEADS = (
    "WITH x AS (SELECT 1) ", "WITH x AS (SELECT 1), x AS (SELECT 2) ",
    "WITH RECURSIVE x AS (SELECT 1) ", "EXPLAIN ", "(", "SELECT ",
    "WITH {table} AS (SELECT 1 AS one) ", "WITH x(a, b) AS (SELECT 1) ", ";", "SELECT 1 UNION ",
    "SELECT 1, 2 UNION ALL ", "/* note */ ", "-- note\n", "  \n\t", "VALUES (1) UNION ",
    "SELECT * FROM (", "DELETE ", "WITH x AS ", "SELECT count(*) FROM ", "SELECT 1 WHERE 1 IN ",
    "DISTINCT ",
)  # fmt: skip
