"""Find SQL in a model's output, and where its first statement ends.

    >>> first_statement("SELECT ';' -- it's all; really\\nFROM t; SELECT 2")
    "SELECT ';' -- it's all; really\\nFROM t"

Covered: quotes of all kinds, doubled quotes in them, both kinds of comment, dollar quotes.
Not covered: MySQL's backslash before a quote; a bracketed T-SQL name with a semicolon in it.
"""

import re
from collections.abc import Sequence

FENCE = "```"

_CLOSING = {"'": "'", '"': '"', "`": "`", "--": "\n", "/*": "*/"}
_TOKEN = re.compile(r"'|\"|```|`|--|/\*|(?<![\w$])\$\w*\$")
_LANGUAGE = re.compile(r"[ \t]*(\w*)[ \t]*(?:\r?\n|$)?")

# How a query may begin. Prose begins with "With the schema ..." and "From ..." too, hence the look
# ahead.
_NAME = r"(?:[\w$]+|\"[^\"]+\"|`[^`]+`|\[[^\]]+\])"
_QUERY = (
    rf"(?:SELECT\b|WITH\s+(?:RECURSIVE\s+)?{_NAME}\s*(?:\([^()]*\)\s*)?AS\s*(?:(?:NOT\s+)?MATERIALIZED\s*)?\("
    r"|VALUES\s*\(|(?-i:FROM|from)\s+\S[\s\S]*?\bSELECT\b)"
)
_OTHER = (
    r"(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|REPLACE\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|MERGE\s+INTO|COPY"
    r"|(?:CREATE|DROP|ALTER)\s+(?:\w+\s+){0,3}?(?:TABLE|VIEW|INDEX|TRIGGER|SCHEMA)|TRUNCATE|PRAGMA|ATTACH|DETACH"
    r"|EXPLAIN\s+(?:QUERY|ANALYZE|SELECT|WITH)|DESCRIBE|SHOW\s+TABLES)\b"
)
_BEGINS = re.compile(rf"[\s(]*(?:{_QUERY}|{_OTHER}|--|/\*)", re.IGNORECASE)
_UPPER = re.compile(rf"\b{_QUERY}")
_ANY_CASE = re.compile(rf"(?:^[ \t(]*|:\s+){_QUERY}", re.IGNORECASE | re.MULTILINE)
# A line of prose after the query: a capitalised word, and a full stop or colon at the end, which
# SQL never has.
_PROSE = re.compile(r"\r?\n(?=[A-Z][a-z]+\b[^\n;]*[.:][ \t]*(?:\r?\n|$))")


def first_statement(text: str, *, stops: Sequence[str] = ()) -> str:
    """Return the first statement of SQL text, without its semicolon and outer blanks.

    Args:
        text: SQL, perhaps with more after it.
        stops: strings that end it too, where they stand outside quotes and comments.
    """
    text = text.lstrip("; \t\r\n")
    return text[: find_end(text, (";", *stops))].strip()


def find_end(text: str, ends: Sequence[str], start: int = 0) -> int:
    """Return where the first of `ends` stands outside quotes and comments, else the length."""
    wanted = re.compile("|".join(re.escape(end) for end in sorted(ends, key=len, reverse=True)))
    here, limit = start, -1
    while True:
        if limit < here:
            end = wanted.search(text, here)
            limit = end.start() if end else len(text)
        quote = _TOKEN.search(text, here, min(len(text), limit + 1))
        if quote is None or quote.start() >= limit:
            return limit
        here = _skip(text, quote)


def _skip(text: str, quote: re.Match[str]) -> int:
    """Return where a quote or comment ends; one that never ends is an ordinary character."""
    mark = quote[0]
    if mark == FENCE:
        return quote.end()
    close = text.find(_CLOSING.get(mark, mark), quote.end())
    if close < 0:
        return len(text) if mark == "--" else quote.end()
    return close + len(_CLOSING.get(mark, mark))


def fenced(text: str) -> list[tuple[str, str, bool]]:
    """Return the fenced blocks of a text: language, content, and whether the fence was closed.

    A fence inside a quoted string or comment of the SQL does not close the block.
    """
    blocks = []
    start = text.find(FENCE)
    while start >= 0:
        language = _LANGUAGE.match(text, start + len(FENCE))
        assert language is not None  # the pattern matches the empty string
        end = _fence_end(text, language.end())
        blocks.append((language[1].lower(), text[language.end() : end], end < len(text)))
        start = text.find(FENCE, end + len(FENCE))
    return blocks


def _fence_end(text: str, start: int) -> int:
    end = find_end(text, (FENCE,), start)
    if end < len(text):
        return end
    plain = text.find(FENCE, start)  # an apostrophe in a comment-like text may have hidden it
    return plain if plain >= 0 else len(text)


def block(text: str, *, last: bool) -> str | None:
    """Return the content of the first or last fenced block; SQL blocks and closed ones go first."""
    blocks = fenced(text)
    for wanted in (
        [b for b in blocks if b[0] in ("sql", "sqlite", "duckdb", "postgresql", "mysql") and b[2]],
        [b for b in blocks if b[2] and looks_like_sql(b[1])],
        [b for b in blocks if b[1].strip()],
    ):
        if wanted:
            return wanted[-1 if last else 0][1]
    return None


def looks_like_sql(text: str) -> bool:
    """Whether a text begins as SQL does."""
    return _BEGINS.match(text) is not None


def after_prose(text: str) -> str:
    """Return a text from its first query on, without prose; unchanged where there is none."""
    if not looks_like_sql(text):
        found = _UPPER.search(text) or _ANY_CASE.search(text)
        if found is None:
            return text
        text = text[found.start() :].lstrip(": \t\r\n")
    return text[: _prose_start(text)]


def _prose_start(text: str) -> int:
    for line in _PROSE.finditer(text):
        # Outside quotes and comments only: find_end stops at a newline there.
        if _outside(text, line.start()):
            return line.start()
    return len(text)


def _outside(text: str, place: int) -> bool:
    here = 0
    while (quote := _TOKEN.search(text, here, place)) is not None:
        here = _skip(text, quote)
        if here > place + (quote[0] == "--"):  # the newline itself ends a line comment
            return False
    return True
