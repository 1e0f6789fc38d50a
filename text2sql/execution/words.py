"""SQLite's statements judged by their words alone, without a tree.

    >>> check_words("SELECT 1; DROP TABLE t")
    Traceback (most recent call last):
    text2sql.execution.results.Refusal: one query is expected, not several statements

What https://sqlite.org/lang_keywords.html reserves cannot be a bare name, so words settle whether a
statement only reads. Parsing takes ten times as long as a small query, and importing a parser twice
as long as starting a worker.

Covered: number of statements, what they begin with, writes after WITH; text, quoted names and
comments.
Not covered: which tables and functions are named; `gate` asks that of a tree where `is_suspicious`.
"""

import re
from collections.abc import Iterator
from itertools import dropwhile

from text2sql.execution import policy
from text2sql.execution.results import Refusal

_WORD = re.compile(
    r"""[\s\ufeff]+ | --[^\n]* | /\*.*?(?:\*/|\Z)
    | (?P<quoted> '(?:[^']|'')*'? | "(?:[^"]|"")*"? | `(?:[^`]|``)*`? | \[[^\]]*\]? )
    | (?P<word> [^\W\d][\w$]* ) | (?P<other> [\w$.]+ | . )""",
    re.VERBOSE | re.DOTALL,
)
_SUSPICIOUS = re.compile(
    "|".join((*policy.SYSTEM_TABLES["sqlite"], *sorted(policy.DENIED["sqlite"]))), re.IGNORECASE
)
# A query with nothing in it that could be another statement, wherever it stands: the usual case.
_PLAIN = re.compile(r"\s*(?:SELECT|WITH|VALUES)\b", re.IGNORECASE | re.ASCII)
_NOT_PLAIN = re.compile(r";|--|/\*|INSERT|UPDATE|DELETE|INTO", re.IGNORECASE)
_READS = frozenset({"SELECT", "WITH", "VALUES"})
_OTHERS = re.compile(
    "ALTER|ANALYZE|ATTACH|BEGIN|COMMIT|CREATE|DELETE|DETACH|DROP|END|EXPLAIN|INSERT|PRAGMA|REINDEX"
    "|RELEASE|REPLACE|ROLLBACK|SAVEPOINT|UPDATE|VACUUM"
)
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "INTO"})  # WITH may precede the first three


def split_words(sql: str) -> Iterator[str]:
    """Yield SQLite's tokens: words in upper case, quoted text and names as a quotation mark."""
    for match in _WORD.finditer(sql):
        if match.lastgroup == "word":
            yield match["word"].upper()
        elif match.lastgroup is not None:
            yield "'" if match.lastgroup == "quoted" else match[0]


def is_suspicious(sql: str) -> bool:
    """Tell whether SQLite's statement names anything that the policy knows, in any sense."""
    return _SUSPICIOUS.search(sql) is not None


def check_words(sql: str) -> None:
    """Refuse what is not one reading statement of SQLite, judged by its words alone.

    Raises:
        Refusal: of kind "refused", or "parse" for text that begins no statement.
    """
    if _PLAIN.match(sql) and not _NOT_PLAIN.search(sql):
        return
    words = dropwhile(lambda word: word == ";", split_words(sql))
    first = next(words, None)
    if first is None:
        raise Refusal("refused", "one query is expected, not no statement")
    if _OTHERS.fullmatch(first):
        raise Refusal("refused", f"{first} is not allowed: a statement may only read")
    if first not in _READS:
        raise Refusal(
            "parse", f"no statement begins with {first if first != chr(39) else 'quoted text'}"
        )
    ended = False
    for word in words:
        if ended:
            raise Refusal("refused", "one query is expected, not several statements")
        if word in _WRITES:
            raise Refusal("refused", f"{word} is not allowed: a statement may only read")
        ended = word == ";"
