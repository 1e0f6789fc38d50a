"""How much of a text sqlglot can read in a bearable time; this needs no sqlglot.

    >>> check_joins("SELECT 1 FROM t" + " JOIN t" * 20)
    Traceback (most recent call last):
    ValueError: more than 10 JOINs have no ON or USING

A JOIN that has no condition may get one behind the next JOIN, so that sqlglot tries both: its time
doubles with each (30.30: 0.02 s for 10, 20 s for 20).
"""

import re

MAX_WAITING = 10  # JOINs

_TEXTS = r"""'[^']*(?:'|\Z)|"[^"]*(?:"|\Z)|`[^`]*(?:`|\Z)|--[^\n]*|/\*.*?(?:\*/|\Z)"""
_WORDS = (
    r"(?P<open>\()|(?P<close>\))"
    r"|\b(?:(?P<free>cross|natural)|(?P<join>join)|(?P<ends>on|using))\b"
)
# What is quoted depends on the dialect: with all of them, a word counts that may be one.
_READINGS = tuple(
    re.compile(f"{_TEXTS}{quoted}|{_WORDS}", re.IGNORECASE | re.DOTALL)
    for quoted in ("", r"|\[[^\]]*\]", r"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$")
)


def check_joins(sql: str) -> None:
    """Refuse text over which sqlglot would sit for too long.

    Raises:
        ValueError: more than MAX_WAITING JOINs wait for ON or USING at one place.
    """
    if sql.lower().count("join") <= MAX_WAITING:
        return
    if any(_waiting(sql, reading) > MAX_WAITING for reading in _READINGS):
        raise ValueError(f"more than {MAX_WAITING} JOINs have no ON or USING")


def _waiting(sql: str, reading: re.Pattern[str]) -> int:
    """Return how many JOINs wait for a condition at most; CROSS and NATURAL ones have none."""
    waiting = most = 0
    outside: list[int] = []  # that wait around each parenthesis: sqlglot reads it for each of them
    free = False
    for found in reading.finditer(sql):
        if found["open"]:
            outside.append(waiting)
        elif found["close"]:
            waiting = outside.pop() if outside else waiting
        elif found["join"]:
            waiting += not free
        elif found["ends"]:
            waiting = max(0, waiting - 1)
        free = bool(found["free"]) or (free and not found["join"])
        most = max(most, waiting)
    return most
