"""What may come next at a place of a text, in words for people.

    >>> expectation(checker, place)  # behind SELECT name
    'FROM, AS, a comma or an operator'
    >>> nearest_word(checker, place, Lexeme("word", 12, "FORM"))
    'FROM'

Covered: names by what they name, clauses in their order, all operators as one.
Not covered: which names are known there; more than `_SHOWN` things.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from text2sql.decoding.checking.faults.clauses import CLAUSES
from text2sql.decoding.checking.lexer import Place
from text2sql.decoding.checking.machine import CLASSES as TOKEN_CLASSES
from text2sql.decoding.checking.names import CLASSES as NAME_CLASSES
from text2sql.decoding.checking.replaying import Lexeme

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker

_KINDS = {
    "<table>": "a table", "<namespaced_table>": "a table", "<column>": "a value",
    "<member>": "a column", "<shown>": "a column",
    "<alias>": "an alias", "<source_alias>": "an alias", "<using>": "a column", "<cte>": "a name",
    "<new_column>": "a name", "<new_window>": "a name", "<window>": "a window", "<type>": "a type",
    "<count>": "a whole number", "ESCAPE_STRING": "a string of one character",
    "ARROW_KEY": "a key", "STRING_INTERVAL": "a string", "<field>": "a part of a date",
    "EOT": "the end",
}  # fmt: skip
_SIGNS = {",": "a comma", ";": "a semicolon"}
_SHOWN = 6


def expectation(checker: "Checker", place: Place) -> str:
    """Return what may come next, "a, b or c"."""
    return _joined(_expected(checker, place)[:_SHOWN])


def nearest_word(checker: "Checker", place: Place, lexeme: Lexeme) -> str | None:
    """Return the keyword that was probably meant by a word; None where none looks like it."""
    if lexeme.kind != "word":
        return None
    text = lexeme.text.upper()
    words = {word.decode().upper() for word in place[0].words} - {text}
    legal = [word for word in sorted(words) if abs(len(word) - len(text)) <= 1]
    found = get_close_matches(text, legal, n=1, cutoff=0.75)
    return found[0] if found else None


def _expected(checker: "Checker", place: Place) -> list[str]:
    """Return what may come next, clauses first, all operators as one."""
    terminals = {t for t in place[0].terminals if _is_legal(checker, place, t)}
    names = [_KINDS[t] for t in sorted(terminals & _KINDS.keys()) if t != "EOT"]
    if not names and terminals & {"NUMBER", "STRING"}:
        names = ["a value" if "STRING" in terminals else "a number"]
    if "<column>" in terminals:  # every word that begins an expression is a value
        terminals -= checker.grammar.first["expr_1"] | {"SELECT"}
    operator = len(terminals & checker.operators) > 3
    if operator:  # AND alone is that of BETWEEN
        between = set() if "OR" in terminals else {"AND"}
        terminals -= (checker.operators - between) | {".", "COLLATE", "::"}
    plain = terminals - _KINDS.keys() - NAME_CLASSES - TOKEN_CLASSES
    closing = [")"] if ")" in plain else []
    words = sorted((t for t in plain if t[0].isalpha()), key=_word_rank)
    signs = sorted(_SIGNS.get(t, t) for t in plain - {")"} if not t[0].isalpha())
    many = ["an operator"] if operator else []
    ends = ["the end"] if "EOT" in terminals and not (words or signs) else []
    return list(dict.fromkeys((*names, *closing, *words, *signs, *many, *ends)))


def _word_rank(word: str) -> tuple[int, str]:
    ranks = ("SELECT", "WITH", *CLAUSES, "AS", "JOIN", "AND", "OR")
    return (ranks.index(word) if word in ranks else len(ranks), word)


def _is_legal(checker: "Checker", place: Place, terminal: str) -> bool:
    cell, frame, held = place
    if terminal in NAME_CLASSES:
        return checker.names.prefix_ok(terminal, frame, held, b"", cell.depth)
    if terminal in TOKEN_CLASSES or terminal == "<count>":
        return True
    return checker.shift(place, terminal) is not None


def _joined(words: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
