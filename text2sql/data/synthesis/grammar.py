"""English agreement: marks that words carry until a question is whole, and what becomes of them.

    >>> from_france = modifier(0, "French", "from France")
    >>> resolve(f"what {BE} the {MANY}ages of all {noun_mark(0)}singers {from_france}")
    'what are the ages of all French singers'

What is worded last decides about words before it: a list about its verb, an adjective about the
place before its noun. So each part leaves a mark, and `resolve` reads the whole.

Covered: is and are; `a` and `an`; adjectives before their noun; conditions as predicates.
Not covered: languages other than English, whose questions hold no marks.
"""

import re

_NOUNS, _MODIFIERS = 0xE000, 0xE100  # one mark for each table
BETWEEN, END = "\ue200", "\ue201"  # inside a modifier
MANY = "\ue202"  # what follows is a plural, or several things
BE = "\ue203"  # is or are, by what follows
ARE = "\ue204"  # the verb of a plural whose predicate is the condition that follows
DOES = "\ue205"  # likewise of a singular
IMPLIED = "\ue206"  # what follows need not be said

_MODIFIER = re.compile(f"([\ue100-\ue1ff])([^{BETWEEN}{END}]*){BETWEEN}([^{BETWEEN}{END}]*){END}")
_BE = re.compile(
    f"{BE}(?= (?:all )?(?:the |their )?(?:\\w+ )?(?:(?:different|distinct|unique) )?({MANY})?)"
)
_PREDICATE = re.compile(f"([{ARE}{DOES}]) ?(\\w+)?")
_ARTICLE = re.compile(r"\b([Aa])n? (?=[\"'“]?(\w+))")
_MARKS = re.compile("[\ue000-\ue2ff]")
_SILENT = re.compile(r"(?:hour|honest|honou?r|heir)", re.IGNORECASE)
_AS_Y_OR_W = re.compile(r"(?:uni(?!n)|us[aeu]|eu|one\b|once|u[bdtr][aeiu])", re.IGNORECASE)


def noun_mark(table: int) -> str:
    """Return the mark before a noun for the rows of a table."""
    return chr(_NOUNS + table % 0x100)


def modifier(table: int, before: str, behind: str) -> str:
    """Return a condition that may stand before the noun of its table, or behind it.

    Args:
        table: its number, as in `noun_mark`.
        before: an adjective.
        behind: the words for where no noun stands before.
    """
    return f"{chr(_MODIFIERS + table % 0x100)}{before}{BETWEEN}{behind}{END}"


def resolve(text: str) -> str:
    """Return a text without marks, its words in agreement."""
    text = _placed(text)
    text = _BE.sub(lambda found: "are" if found[1] else "is", text)
    text = _PREDICATE.sub(_predicate, text)
    return _ARTICLE.sub(_article, _MARKS.sub("", text))


def _placed(text: str) -> str:
    """Set every modifier before the last noun of its table, where there is one."""
    while found := _MODIFIER.search(text):
        mark = chr(ord(found[1]) - _MODIFIERS + _NOUNS)
        noun = text.rfind(mark, 0, found.start())
        rest = text[found.end() :]
        if noun < 0 or re.match(r"[\w ]{1,30} table\b", text[noun + 1 :]):
            text = f"{text[: found.start()]}{found[3]}{rest}"
        else:
            head, middle = text[:noun], text[noun + 1 : found.start()].rstrip()
            text = f"{head}{found[2]} {middle}{rest}"
    return text


_PREDICATES = {  # first word of a condition behind a noun: how it stands as a predicate
    "that": ("", ""),
    "who": ("", ""),
    "which": ("", ""),
    "with": ("have", "has"),
    "having": ("have", "has"),
    "without": ("do not have", "does not have"),
    "whose": ("are there whose", "is there whose"),
    "where": ("are there where", "is there where"),
    "born": ("were born", "was born"),
    "": ("are there", "is there"),
}


def _predicate(found: re.Match[str]) -> str:
    word = found[2] or ""
    forms = _PREDICATES.get(word, (f"are {word}", f"is {word}"))
    return forms[found[1] == DOES]


def _article(found: re.Match[str]) -> str:
    word = found[2]
    vowel = word[0].lower() in "aeiou" and not _AS_Y_OR_W.match(word)
    if re.fullmatch(r"8\w*|1[18]", word) or _SILENT.match(word):
        vowel = True
    return f"{found[1]}n " if vowel else f"{found[1]} "


def is_plural(name: str) -> bool:
    """Tell whether a noun phrase is a plural: `pages`, `awards won`, not `address`."""
    head = re.split(r" (?:of|per|for|in|at|by|to|from|on|won|owned|sold|played)\b", name)[0]
    return bool(re.search(r"[^sui]s$|ies$|people$|children$", head.rpartition(" ")[2]))


def several(verb: str) -> str:
    """Return a verb of the third person as it stands behind a plural: `plays in`, `play in`."""
    head, *rest = verb.split(" ")
    forms = {"is": "are", "has": "have", "was": "were", "does": "do", "goes": "go"}
    if head in forms:
        head = forms[head]
    elif head.endswith("ies"):
        head = head[:-3] + "y"
    elif head.endswith(("ches", "shes", "sses", "xes")):
        head = head[:-2]
    elif head.endswith("s") and not head.endswith("ss"):
        head = head[:-1]
    return " ".join([head, *rest])


def is_modifier(text: str) -> bool:
    """Tell whether words are one modifier."""
    return bool(_MODIFIER.fullmatch(text))


def with_link(text: str, link: str) -> str:
    """Return a modifier whose words behind the noun are followed by a link, such as ` and `."""
    return text.removesuffix(END) + link + END + (" " if link.startswith(" ") else "")


def plain(text: str) -> str:
    """Return words with every modifier as it stands behind its noun."""
    return _MODIFIER.sub(lambda found: found[3], text)
