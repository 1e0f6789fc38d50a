"""What the official evaluator does to SQL text before it runs it.

    >>> prepare_prediction("SELECT DISTINCT name FROM singer WHERE age > = value")
    'SELECT  name FROM singer WHERE age >= 1'

Covered: `value` replaced by `1` in predictions, also inside names and text; operators joined;
every word DISTINCT removed, also inside `count(DISTINCT x)`; with it, whatever follows the first
statement; `YEAR(CURDATE())` replaced by 2020.
Not covered: values of the gold query plugged into the prediction (`--plug_value`).

The rules are those of evaluation.py (`p_str.replace`), exec_eval.py (`postprocess`,
`replace_cur_year`) and parse.py (`remove_distinct`) of taoyds/test-suite-sql-eval at e97acc5; the
words are those of sqlparse 0.6.1 (keywords.py `SQL_REGEX`), on which `remove_distinct` rests.
"""

import re

_CURRENT_YEAR = re.compile(r"YEAR\s*\(\s*CURDATE\s*\(\s*\)\s*\)\s*", re.I)

LONGEST = 20_000  # longer SQL is refused anyway, and comments that never end take quadratic time

# One alternative a kind of token; what none matches is a token of one character. The order decides.
_TOKEN = re.compile(
    r"""
      /\*.*?\*/                              # comment
    | (?:--|\#\ )[^\r\n]*                    # comment to the end of the line
    | `(?:``|[^`])*` | ´(?:´´|[^´])*´        # quoted names
    | (?<![\w"$])(?P<tag>\$(?:[A-Z_À-Ü]\w*)?\$).*?(?P=tag)   # dollar-quoted text
    | (?<!\w)[$:?]\w+ | \\\w+ | [@\#][A-ZÀ-Ü]\w+ # placeholders, commands, variables
    | '(?:''|\\'|[^'])*' | "(?:""|\\"|[^"])*"                # text; a backslash hides a quote
    | (?<![\w\])])\[[^\]\[]+\]               # a name in square brackets
    | \w[$\#\w]*                             # a word
    | ->>? | -?\d+ | - | [<>=~!]+ | [+/@\#%^&|-]+            # operators: `/--` opens no comment
    """,
    re.X | re.S | re.I,
)


def prepare_prediction(sql: str, *, keep_distinct: bool = False) -> str:
    """Return a prediction as the official evaluator runs it."""
    return prepare_gold(sql.replace("value", "1"), keep_distinct=keep_distinct)


def prepare_gold(sql: str, *, keep_distinct: bool = False) -> str:
    """Return gold SQL as the official evaluator runs it."""
    sql = join_operators(sql)
    return fix_current_year(sql if keep_distinct else remove_distinct(sql))


def join_operators(sql: str) -> str:
    """Write `> =`, `< =` and `! =` without the space."""
    return sql.replace("> =", ">=").replace("< =", "<=").replace("! =", "!=")


def fix_current_year(sql: str) -> str:
    """Put 2020 in the place of `YEAR(CURDATE())`, which SQLite does not know."""
    return _CURRENT_YEAR.sub("2020", sql)


def remove_distinct(sql: str) -> str:
    """Drop every token DISTINCT, and whatever follows the first statement."""
    if len(sql) > LONGEST or ("distinct" not in sql.lower() and ";" not in sql):
        return sql
    kept, place, depth = [], 0, 0
    while place < len(sql):
        match = _TOKEN.match(sql, place)
        token = match.group() if match else sql[place]
        place += len(token)
        if token.lower() != "distinct":
            kept.append(token)
        depth += _depth_change(token)
        if token == ";" and depth <= 0:
            break
    return "".join(kept)


def _depth_change(token: str) -> int:
    """Return what sqlparse's splitter adds at a token: END counts like a closing bracket."""
    if token == "(":
        return 1
    return -1 if token == ")" or token.lower() == "end" else 0
