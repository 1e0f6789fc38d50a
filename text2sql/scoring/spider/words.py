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
# The same words in one pass, for text without anything on which the order of those rules hangs.
_PLAIN_WORD = re.compile(r"(?:[^\s,:;@#$%&?!*\[\](){}<>]+|[,:](?=\d))+|\S")
_TWO_WORDS = ("cannot", "gimme", "lemme", "gonna", "gotta", "wanna")
_ODD = ("`", "..", "--", ",,", ",:", ":,", "::", *_TWO_WORDS)
_BEFORE_EQUALS = ("!", "<", ">")
_AFTER_LAST_PERIOD = "])}>" + "".join(filter(str.isspace, map(chr, range(128))))


def tokenize(sql: str) -> list[str]:
    """Return the words of a statement in lower case; quoted text keeps its case and its quotes.

    Raises:
        UnreadableSQL: a quotation mark without its partner.
    """
    sql = sql.replace("'", '"')
    if sql.count('"') % 2:
        raise UnreadableSQL("a quotation mark has no partner")
    if '"' not in sql:
        return _join_comparisons(_words(sql))
    masked: dict[str, str] = {}

    def mask(match: re.Match[str]) -> str:
        key = f"__val_{match.start()}_{match.end() - 1}__"
        masked[key] = match.group()
        return key

    words = _words(_QUOTED.sub(mask, sql))
    return _join_comparisons([masked.get(word, word) for word in words])


def _words(text: str) -> list[str]:
    lower = text.lower()
    if _is_plain(lower):
        return _PLAIN_WORD.findall(lower)
    text = _space_last_period(text)
    for pattern, replacement in _SPACING:
        text = pattern.sub(replacement, text)
    return [word.lower() for word in text.split()]


def _is_plain(text: str) -> bool:
    if not text.isascii() or any(odd in text for odd in _ODD):
        return False
    return not text.rstrip(_AFTER_LAST_PERIOD).endswith(".")


def _space_last_period(text: str) -> str:
    """Make a word of the period that ends the text, whatever brackets follow it."""
    end = text.rstrip().rstrip("])}>»”’ ")
    if len(end) < 2 or end[-1] != "." or end[-2] == ".":
        return text
    return f"{end[:-1]} . {text[len(end) :]}"


def _join_comparisons(words: list[str]) -> list[str]:
    """Make one word of `!`, `<` or `>` and the `=` after it."""
    if "=" not in words:
        return words
    joined: list[str] = []
    for word in words:
        if word == "=" and joined and joined[-1] in _BEFORE_EQUALS:
            joined[-1] += "="
        else:
            joined.append(word)
    if words[0] == "=" and joined[-1] in _BEFORE_EQUALS:
        # the official program takes the last word for the one before the first
        joined = [*joined[:-1], joined[-1] + "=", *joined[1:]]
    return joined
