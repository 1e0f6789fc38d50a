"""Blank the names, values and aliases of SQL: what is left is the construction.

    >>> skeleton("SELECT T1.name AS n, count(*) FROM singer AS T1 WHERE T1.age <> 20 GROUP BY 1")
    'SELECT _, COUNT(*) FROM _ WHERE _ != _ GROUP BY _'

Two queries with one skeleton differ in what they are about, not in how they ask. It is read from
tokens, not from a parse tree: SQL that no parser takes has one too, and thousands a second are no
effort.

Covered: a qualified name is one blank, and so is a negative number; aliases go, with or without
AS; a list of values after IN is one blank; `<>`, `INNER JOIN`, `LEFT OUTER JOIN`, `NOT a IN`, ASC,
comments and the last semicolon are spelt one way; every function keeps its name.
Not covered: one construction in two orders (`a = 1 AND b > 2`, `b > 2 AND a = 1`), which
`canonical` folds where it changes no result; the type of a CAST, which is blanked.

    >>> canonical("SELECT DISTINCT (_) FROM _ WHERE _ > _ AND _ = _")
    'SELECT DISTINCT _ FROM _ WHERE _ = _ AND _ > _'
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from text2sql.examples import Example

_KEYWORDS = """
ALL AND ANTI ANY AS ASOF BETWEEN BY CASE COLLATE CROSS CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP
DELETE DESC DISTINCT ELSE END ESCAPE EXCEPT EXISTS FETCH FROM FULL GLOB GROUP HAVING ILIKE IN INSERT
INTERSECT INTERVAL INTO IS ISNULL JOIN LATERAL LEFT LIKE LIMIT MATCH MINUS NATURAL NOT NOTNULL NULL
OFFSET ON OR ORDER OVER PARTITION QUALIFY RECURSIVE REGEXP RIGHT RLIKE SELECT SEMI SET SIMILAR SOME
THEN UNION UPDATE USING VALUES WHEN WHERE WITH
"""
# Keywords that may also be names, and what stands before them only where they are.
_WEAK = "ANTI DELETE FULL GLOB INSERT LEFT MATCH MINUS REGEXP RIGHT RLIKE SEMI SET SIMILAR UPDATE"
_BEFORE_NAMES = ", ( AND AS BY DISTINCT FROM INTO JOIN ON OR SELECT WHERE = != < > <= >="

KEYWORDS = frozenset(_KEYWORDS.split())
DROPPED = frozenset(("ASC", "INNER", "OUTER"))
_CALLED = frozenset(("GLOB", "LEFT", "MATCH", "REGEXP", "RIGHT"))  # functions, before a parenthesis
_NOT_CALLED = frozenset(("FROM", "INTO", "JOIN", "RECURSIVE", "WITH"))  # `WITH t(a, b) AS`
_SPELT = {"<>": "!=", "==": "="}

# Words of two kinds: a column may be called `first` or `rows`, so they count only in their phrase.
_TOKEN = r"""
      (?P<space> \s+ | --[^\n]* | /\*.*?(?:\*/|\Z) COMMENT)
    | (?P<phrase> NULLS\s+(?:FIRST|LAST)\b | CURRENT\s+ROW\b | AT\s+TIME\s+ZONE\b
        | UNBOUNDED\s+(?:PRECEDING|FOLLOWING)\b | (?<=\d\s)(?:PRECEDING|FOLLOWING)\b
        | (?:ROWS|RANGE|GROUPS)\b(?=\s+(?:BETWEEN|UNBOUNDED|CURRENT|\d))
        | (?:FILTER|WITHIN\s+GROUP)\b(?=\s*\())
    | (?P<blank> QUOTED | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ | [@$:]\w+ | \?
        | (?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)
    | (?P<word> [^\W\d][\w$]*)
    | (?P<mark> [<>!=]\s?= | <> | \|\| | :: | ->>? | .)
"""
_QUOTE = r"{0}(?:{1}{0}{0}|[^{0}])*(?:{0}|\Z)"
_BRACKETS = ("sqlite", "tsql")
_BACKSLASHES = ("bigquery", "clickhouse", "databricks", "hive", "mysql", "spark")
_HASHES = ("bigquery", "mysql")

# What may be written in several ways, in the order of the passes.
_FOLDED = [
    (re.compile(r"_(?: \. _)+"), "_"),
    (re.compile(r"_ \. \*"), "*"),
    (re.compile(r"(?<![_)*] )- _"), "_"),
    (re.compile(r" AS _(?! \()"), ""),
    (re.compile(r"(_|\)|\bEND)(?: _)+"), r"\1"),
    (re.compile(r"\bNOT _ (?=(?:IN|LIKE|ILIKE|BETWEEN|GLOB)\b)"), "_ NOT "),
    (re.compile(r"\bIN \( _(?: , _)+ \)"), "IN ( _ )"),
    (re.compile(r"(?: ;)+$"), ""),
    (re.compile(r" (?=[,)])|(?<=\() "), ""),
]
_CALL = re.compile(r"(\w+) (?=\()")

# What `canonical` folds. A condition stands between words that begin and end one, so that no part
# of a term is taken for it: `_ - _ > _`.
_CONDITION = (
    r"_ (?:(?:NOT )?BETWEEN _ AND _|(?:=|!=|<=?|>=?|(?:NOT )?(?:LIKE|ILIKE|GLOB)) _"
    r"|(?:NOT )?IN \(_\)|IS (?:NOT )?NULL)(?! (?:[-+*/%|]|COLLATE|ESCAPE))"
)
_ALL_OF = re.compile(
    rf"(?P<begins>\b(?:WHERE|HAVING|WHEN|OR) |\()(?P<run>{_CONDITION}(?: AND {_CONDITION})+)"
)
_ANY_OF = re.compile(
    rf"(?P<begins>\b(?:WHERE|HAVING|WHEN) |\()(?P<run>{_CONDITION}(?: OR {_CONDITION})+)(?! AND)"
)
_EACH = re.compile(_CONDITION)
_TERM = re.compile(r"\b(?P<before>SELECT|DISTINCT|BY) \((?P<term>_(?: [-+*/] _)*)\)(?! [-+*/])")
_JOINED = re.compile(r"(?: JOIN _(?: ON _ = _(?: AND _ = _)*)?)+(?! ON\b| USING\b| AND\b| OR\b)")


def skeleton(sql: str, dialect: str = "sqlite") -> str:
    """Return SQL with every name and value as `_` and without aliases.

    Args:
        sql: one statement; what is no SQL comes back with its words blanked.
        dialect: sqlglot's name; it decides what quotes a name or a text.
    """
    return _skeleton(sql, dialect)


def skeleton_of(example: Example) -> str:
    """Return the skeleton of an example's first gold; nothing where it has none."""
    return skeleton(" ".join(example.queries[:1]), example.dialect or "sqlite")


def canonical(text: str) -> str:
    """Return a skeleton with what means the same, whatever the rows are, written in one way.

    Conditions joined by AND alone, or by OR alone, are sorted; the equalities of a chain of joins
    stand behind the last one; parentheses around one term are left out. The order of what is
    selected stays: it shows.

    Args:
        text: what `skeleton` returns.

    So Finegan-Dollak et al. 2018 (arXiv:1806.09029, "SQL canonicalization") make queries of several
    hands comparable before they count templates; they also sort what is selected.
    """
    text = _TERM.sub(r"\g<before> \g<term>", text)
    text = _JOINED.sub(_one_on, text)
    text = _ALL_OF.sub(lambda found: _sorted(found, " AND "), text)
    return _ANY_OF.sub(lambda found: _sorted(found, " OR "), text)


def _sorted(found: re.Match[str], link: str) -> str:
    return found["begins"] + link.join(sorted(_EACH.findall(found["run"])))


def _one_on(found: re.Match[str]) -> str:
    joins, equal = found[0].count(" JOIN _"), found[0].count("_ = _")
    return " JOIN _" * joins + (f" ON {' AND '.join(['_ = _'] * equal)}" if equal else "")


@lru_cache(maxsize=16_384)
def _skeleton(sql: str, dialect: str) -> str:
    text = " ".join(_symbols(sql, dialect))
    for pattern, spelt in _FOLDED:
        text = pattern.sub(spelt, text)
    return _CALL.sub(lambda found: found[0] if found[1] in KEYWORDS - _CALLED else found[1], text)


def _symbols(sql: str, dialect: str) -> Iterator[str]:
    """Yield keywords, functions and marks as they count, `_` for what names or is a value."""
    tokens = [(m.lastgroup, m[0]) for m in _pattern(dialect).finditer(sql)]
    tokens = [token for token in tokens if token[0] != "space"]
    before = ""
    for (kind, text), (_, follows) in pairwise([*tokens, ("", "")]):
        symbol = "_"
        if kind == "word":
            symbol = _word(text.upper(), before, follows)
        elif kind == "mark":
            symbol = _SPELT.get(text, "".join(text.split()))
        elif kind == "phrase":
            symbol = " ".join(text.upper().split())
        before = symbol
        if symbol:
            yield symbol


def _word(word: str, before: str, follows: str) -> str:
    if before == "." or follows == ".":
        return "_"
    if word in DROPPED:
        return ""
    if follows == "(" and before not in _NOT_CALLED:
        return word
    is_name = word not in KEYWORDS or (word in _WEAK.split() and before in _BEFORE_NAMES.split())
    return "_" if is_name else word


@lru_cache(maxsize=32)
def _pattern(dialect: str) -> re.Pattern[str]:
    inside = r"\\.|" if dialect in _BACKSLASHES else ""
    quoted = [_QUOTE.format(mark, inside) for mark in ("'", '"', "`")]
    quoted += [r"\[[^\]]*\]"] if dialect in _BRACKETS else []
    comment = r"| \#[^\n]*" if dialect in _HASHES else ""
    pattern = _TOKEN.replace("QUOTED", "|".join(quoted)).replace("COMMENT", comment)
    return re.compile(pattern, re.VERBOSE | re.DOTALL | re.IGNORECASE)
