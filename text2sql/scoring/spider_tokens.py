"""Split SQL into words exactly as Spider's official parser does.

    >>> tokenize("SELECT name FROM singer WHERE age >= 20")
    ['select', 'name', 'from', 'singer', 'where', 'age', '>=', '20']

Covered: the quirks, because a verdict hangs on them: text between quotes is one word and both
kinds of quote are the same; `a,1` and `a=1` are one word each (the word rules are those of
English, where a comma or an equals sign between letters and digits does not end a word); `cannot`
becomes two words.
Not covered: comments, doubled quotes inside text, quoted names; the official program knows none of
them.

The rules are those of `tokenize` in process_sql.py (taoyds/test-suite-sql-eval at e97acc5) over
NLTK's `word_tokenize(text, preserve_line=True)` (nltk 3.10.4, nltk/tokenize/destructive.py).
"""

import re

from text2sql.errors import Text2SQLError


class UnreadableSQL(Text2SQLError):
    """SQL outside the subset that Spider's official parser reads; not a fault in itself."""


# In this order; quoted text is masked before, so NLTK's rules on quotation marks have no work here.
_SPACING = (
    (re.compile("[«“‘„]|`+"), r" \g<0> "),
    (re.compile("``"), r" \g<0> "),
    (re.compile(r"(?<=[^.])\.(?=[\])}>»”’ ]*\s*\Z)"), " . "),  # only a period that ends the text
    (
        re.compile(r"([:,])(\D)"),
        r" \1 \2",
    ),  # consumes the next character: `,,` pads the first alone
    (re.compile(r"[:,](?=\n?\Z)"), r" \g<0> "),
    (re.compile(r"\.{2,}|[;@#$%&\u2012-\u2015?!*\[\](){}<>»”’]|--"), r" \g<0> "),
    (
        re.compile(r"\b(can(?=not)|(?:gim|lem)(?=me)|gon(?=na)|got(?=ta))(not|me|na|ta)\b", re.I),
        r" \1 \2 ",
    ),
    (re.compile(r"\b(wan)(na)(?=\s|\Z)", re.I), r" \1 \2 "),
)
_QUOTED = re.compile('"[^"]*"')


def tokenize(sql: str) -> list[str]:
    """Return the words of a statement in lower case; quoted text keeps its case and its quotes.

    Raises:
        UnreadableSQL: a quotation mark without its partner.
    """
    sql = sql.replace("'", '"')
    if sql.count('"') % 2:
        raise UnreadableSQL("a quotation mark has no partner")
    masked: dict[str, str] = {}

    def mask(match: re.Match[str]) -> str:
        key = f"__val_{match.start()}_{match.end() - 1}__"
        masked[key] = match.group()
        return key

    words = _words(_QUOTED.sub(mask, sql))
    return _join_comparisons([masked.get(word, word) for word in words])


def _words(text: str) -> list[str]:
    for pattern, replacement in _SPACING:
        text = pattern.sub(replacement, text)
    return [word.lower() for word in text.split()]


def _join_comparisons(words: list[str]) -> list[str]:
    """Make one word of `!`, `<` or `>` and the `=` after it, from the right."""
    for place in reversed([i for i, word in enumerate(words) if word == "="]):
        before = words[
            place - 1
        ]  # of a leading `=` that is the last word, as in the official program
        if before in ("!", "<", ">"):
            words = [*words[: place - 1], before + "=", *words[place + 1 :]]
    return words
