"""Take names and questions apart into words that can be compared.

    >>> words("customerID of the 已发货订单")
    ['customer', 'id', 'of', 'the', '已发', '发货', '货订', '订单']
    >>> stem("cities"), stem("ordered")
    ('city', 'order')

Covered: snake_case, camelCase, digits, English endings, Chinese as pairs of characters.
Not covered: meaning: "client" is not "customer" unless a synonym or comment says so.
"""

import re
import unicodedata
from functools import lru_cache

CHINESE = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(
    rf"[{CHINESE}]+|[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_{CHINESE}]+|\d+|[^\W_{CHINESE}]"
)

# Words that stand in questions about anything; they say nothing about which column is meant.
_STOP_WORDS = """
    a about all also an and any are as at be been being between both but by can could did do does
    each every find for from get give had has have having her his how i in into is it its just list
    many me more most much must my no not of on only or our out over per please return s same select
    show so some such tell than that the their them there these they this those to up us was we were
    what when where whether which who whom whose why will with would you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())

# Forms of one word that no ending explains.
_IRREGULAR = """
    people=person persons=person children=child men=man women=woman feet=foot teeth=tooth mice=mouse
    indices=index vertices=vertex matrices=matrix criteria=criterion phenomena=phenomenon
    analyses=analysis crises=crisis theses=thesis statuses=status leaves=leaf lives=life
    knives=knife wives=wife halves=half shelves=shelf wolves=wolf sold=sell sale=sell sales=sell
    bought=buy paid=pay payment=pay payments=pay made=make held=hold taught=teach taken=take
    took=take wrote=write written=write won=win winner=win winners=win lost=lose built=build
    sent=send spent=spend given=give gave=give flown=fly flew=fly flight=fly flights=fly began=begin
    begun=begin driven=drive drove=drive driver=drive drivers=drive chosen=choose sung=sing ran=run
    movies=movie cookies=cookie news=news goes=go shoes=shoe heroes=hero died=die dies=die dead=die
    death=die deaths=die births=birth born=birth prerequisite=prereq prerequisites=prereq
    wins=win lens=lens gas=gas bus=bus buses=bus
"""
IRREGULAR = dict(pair.split("=") for pair in _IRREGULAR.split())

_HISSES = ("ses", "xes", "zes", "ches", "shes", "oes", "ies")  # the e belongs to the ending
_SINGULAR = ("ss", "us", "is")  # "campus" is no plural
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""))


def fold(text: str) -> str:
    """Return a text as it is compared: without case, width of letters and needless blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> list[str]:
    """Return the words of a text in order, in lower case, Chinese as pairs of characters."""
    return list(_words(text))


@lru_cache(maxsize=65536)
def _words(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for token in _TOKEN.findall(unicodedata.normalize("NFKC", text)):
        chinese = re.match(rf"[{CHINESE}]", token) and len(token) > 1
        found += [token[i : i + 2] for i in range(len(token) - 1)] if chinese else [token.lower()]
    return tuple(found)


def stems(text: str) -> list[str]:
    """Return the stems of the words that say something."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


@lru_cache(maxsize=65536)
def plain(text: str) -> str:
    """Return a folded text without the marks on its letters."""
    folded = fold(text)
    if folded.isascii():
        return folded
    letters = unicodedata.normalize("NFKD", folded)
    return unicodedata.normalize("NFC", "".join(c for c in letters if not unicodedata.combining(c)))


@lru_cache(maxsize=65536)
def key_of(text: str) -> str:
    """Return what texts of the same words have in common, whatever their endings and accents.

    That is the stems of the words; of a text without any, its characters.
    """
    return " ".join(map(stem, _words(plain(text)))) or fold(text)


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return an English word without its ending, roughly: forms of one word must meet, no more."""
    if word.isdigit():
        return word
    word = IRREGULAR.get(word, word)
    if word.endswith("es") and not word.endswith(_HISSES):
        word = word[:-1]  # "employees" as "employee"
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith(_SINGULAR):
            return _final(word[: -len(ending)] + instead)
    return _final(word)


def _final(word: str) -> str:
    """Let `plan` and `plann(ed)`, `price` and `pric(ing)` meet."""
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
        return word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word
