"""How people type: small letters, missing marks, contractions, a slip of the finger.

    >>> carelessly("what is the name of the oldest singer?", Random(22))
    'what is the name of the oldest siinger'

A slip leaves values alone: what is quoted, numbers, and words with capitals.
"""

import re
from random import Random

LOWER = 0.12  # share of questions without any capital
TYPO = 0.03  # share of questions with one slip
_ASKS = re.compile(r"(?:what|which|how|who|whose|where|when|can|could|is|are|for)\b", re.IGNORECASE)
_SHORT = ((r"\bwhat is\b", "what's"), (r"\bwho is\b", "who's"), (r"\bdo not\b", "don't"),
          (r"\bdoes not\b", "doesn't"), (r"\bdid not\b", "didn't"))  # fmt: skip


def carelessly(text: str, random: Random) -> str:
    """Return a question as somebody types it."""
    text = _marked(text, random)
    if random.random() < 0.06:
        for long, short in _SHORT:
            text = re.sub(long, short, text)
        if random.random() < 0.3:
            text = text.replace("what's", "whats")
    if random.random() < TYPO:
        text = slip(text, random)
    draw = random.random()
    if draw < LOWER:
        return text.lower()
    capital = text if draw < LOWER + 0.04 else text[0].upper() + text[1:]
    return re.sub(r"(?<=[?.] )[a-z]", lambda found: found[0].upper(), capital)


def _marked(text: str, random: Random) -> str:
    """Close a question with a mark, mostly."""
    if text[-1] in "?.!":
        return text if random.random() < 0.95 else text[:-1]
    if random.random() < 0.13:
        return text
    last = re.split(r"[?.] ", text)[-1]
    return text + ("?" if _ASKS.match(last) else ".")


def slip(text: str, random: Random) -> str:
    """Return a text with two letters of one word changed over, one left out or one doubled."""
    words = list(re.finditer(r"(?<![\w'\"])[a-z]{5,}(?![\w'\"])", text))
    if not words:
        return text
    word = random.choice(words)
    at = word.start() + random.randrange(1, len(word[0]) - 2)
    head, one, two, rest = text[:at], text[at], text[at + 1], text[at + 2 :]
    return head + random.choice((two + one, two, one + one + two)) + rest
