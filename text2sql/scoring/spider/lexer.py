"""Split SQL into tokens as sqlparse does, on which the official evaluator's text rules rest.

    >>> [token.text for token in first_statement("SELECT DISTINCT a; SELECT 2")]
    ['SELECT', ' ', 'DISTINCT', ' ', 'a', ';', ' ']

Covered: where tokens begin and end, and the kinds that a rule asks for: white space, comments, text
in single or double quotes; the end of the first statement, at a semicolon outside brackets or after
the word GO.
Not covered: keywords and names are one kind; BEGIN, DECLARE and CREATE, inside which a semicolon
ends nothing (what holds them is no query).

The rules are those of sqlparse 0.6.1 (keywords.py `SQL_REGEX`, engine/statement_splitter.py).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

SPACE, NEWLINE, COMMENT, TEXT = "space", "newline", "comment", "text"

# One alternative a kind of token; the order decides, and what none knows is one character.
_TOKEN = re.compile(
    r"""
      /\*.*?\*/
    | (?<![\w"$])(?P<tag>\$(?:[A-Z_À-Ü]\w*)?\$).*?(?P=tag)       # dollar-quoted text
    | (?P<comment>(?:--|\#[ ])[^\r\n]*(?:\r\n?|\n)?)
    | (?P<newline>\r\n?|\n)
    | (?P<space>\s)
    | := | :: | \*
    | `(?:``|[^`])*` | ´(?:´´|[^´])*´                            # quoted names
    | \? | %(?:\(\w+\))?s | (?<!\w)[$:]\w+ | \\\w+               # placeholders, commands
    | (?:CASE|IN|VALUES|USING|FROM|AS)\b
    | (?:@|\#\#?)[A-ZÀ-Ü]\w+                                     # variables
    | [A-ZÀ-Ü]\w*(?=\s*\.(?!\d)) | (?<=\.)[A-ZÀ-Ü]\w* | [A-ZÀ-Ü]\w*(?=\()
    | -?0x[\dA-F]+ | -?\d+(?:\.\d+)?E-?\d+
    | (?![_A-ZÀ-Ü])-?(?:\d+\.\d*|\.\d+|\d+)(?![_A-ZÀ-Ü])
    | (?P<text>'(?:''|\\'|[^'])*' | "(?:""|\\"|[^"])*" | ".*?[^\\]")
    | (?<![\w\])])\[[^\]\[]+\]                                   # a name in square brackets
    | (?P<word>\w[$\#\w]*)
    | [;:()\[\],.] | ->>? | \#>>? | @> | <@ | \#- | - | [<>=~!]+ | [+/@\#%^&|-]+
    | .
    """,
    re.X | re.S | re.I,
)


class Token(NamedTuple):
    """A piece of the text; all pieces together are the text."""

    kind: str | None
    text: str


def all_tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens of a text, whatever statements are in it."""
    return (Token(match.lastgroup, match.group()) for match in _TOKEN.finditer(sql))


def first_statement(sql: str) -> Iterator[Token]:
    """Yield the tokens of the first statement, with the spaces and comments after its end."""
    depth, ended = 0, False
    for token in all_tokens(sql):
        if ended and token.kind not in (SPACE, COMMENT):
            return
        yield token
        depth += _depth_change(token)
        ended |= token.text == ";" and depth <= 0
        ended |= token == ("word", "GO")


def _depth_change(token: Token) -> int:
    """Return what sqlparse's splitter adds at a token: END counts like a closing bracket."""
    if token.text == "(":
        return 1
    return -int(token.text == ")" or (token.kind == "word" and token.text.lower() == "end"))
