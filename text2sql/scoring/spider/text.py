"""What the official evaluator does to SQL text before it runs it.

    >>> prepare_prediction("SELECT DISTINCT name FROM singer WHERE age > = value")
    'SELECT  name FROM singer WHERE age >= 1'

Covered: `value` replaced by `1` in predictions, also inside names and text; operators joined;
every word DISTINCT removed, also inside `count(DISTINCT x)`; with it, whatever follows the first
statement; `YEAR(CURDATE())` replaced by 2020.
Not covered: values of the gold query plugged into the prediction: `plugging`.

The rules are those of evaluation.py (`p_str.replace`), exec_eval.py (`postprocess`,
`replace_cur_year`) and parse.py (`remove_distinct`) of taoyds/test-suite-sql-eval at e97acc5.
"""

import re
from functools import lru_cache

from text2sql.scoring.spider.lexer import first_statement

_CURRENT_YEAR = re.compile(r"YEAR\s*\(\s*CURDATE\s*\(\s*\)\s*\)\s*", re.I)

_REMEMBERED = 2_000  # characters: longer texts are not kept
LONGEST = 20_000  # longer SQL is refused anyway, and comments that never end take quadratic time


def prepare_prediction(sql: str, *, keep_distinct: bool = False) -> str:
    """Return a prediction as the official evaluator runs it."""
    return prepare_gold(replace_value(sql), keep_distinct=keep_distinct)


def prepare_gold(sql: str, *, keep_distinct: bool = False) -> str:
    """Return gold SQL as the official evaluator runs it."""
    return (
        _prepared(sql, keep_distinct) if len(sql) <= _REMEMBERED else _prepare(sql, keep_distinct)
    )


def _prepare(sql: str, keep_distinct: bool) -> str:
    sql = join_operators(sql)
    return fix_current_year(sql if keep_distinct else remove_distinct(sql))


_prepared = lru_cache(4096)(_prepare)  # every metric asks again, and so does every accepted gold


def replace_value(sql: str) -> str:
    """Write `1` for every `value` in a prediction: models without values predict that word."""
    return sql.replace("value", "1")


def join_operators(sql: str) -> str:
    """Write `> =`, `< =` and `! =` without the space."""
    return sql.replace("> =", ">=").replace("< =", "<=").replace("! =", "!=")


def fix_current_year(sql: str) -> str:
    """Put 2020 in the place of `YEAR(CURDATE())`, which SQLite does not know."""
    return _CURRENT_YEAR.sub("2020", sql)


def remove_distinct(sql: str) -> str:
    """Drop every token DISTINCT, and whatever follows the first statement."""
    several = ";" in sql.rstrip()[:-1] or "GO" in sql
    if len(sql) > LONGEST or not (several or "distinct" in sql.lower()):
        return sql
    return "".join(token.text for token in first_statement(sql) if token.text.lower() != "distinct")
