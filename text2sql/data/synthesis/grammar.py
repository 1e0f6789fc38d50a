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
from functools import cache, lru_cache
from pathlib import Path

import yaml

_NOUNS, _MODIFIERS = 0xE000, 0xE100  # one mark for each table
_TAKEN = "\ue0ff"  # a noun that has its adjective
BETWEEN, END = "\ue200", "\ue201"  # inside a modifier or a name
MANY = "\ue202"  # what follows is a plural, or several things
BE = "\ue203"  # is or are, by what follows
ARE = "\ue204"  # the verb whose predicate is the condition that follows
IMPLIED = "\ue205"  # what follows need not be said
ONE = "\ue206"  # behind a noun's mark: it is a singular
_NAME = "\ue207"  # a condition that is a name
# a plural verb and a singular one, inside a modifier at times
_CHOICE, _OR, _CLOSED = "\ue208", "\ue209", "\ue20a"

_PAIR = f"([^{BETWEEN}{END}]*){BETWEEN}([^{BETWEEN}{END}]*){END}"
_MODIFIER = re.compile(f"([\ue100-\ue1ff]){_PAIR}")
_NAMED = re.compile(f"{_NAME}{_PAIR}")
_CHOSEN = re.compile(f"{_CHOICE}([^{_OR}{_CLOSED}]*){_OR}([^{_OR}{_CLOSED}]*){_CLOSED}")
_NUMBER = re.compile(f"[\ue000-\ue0ff]({ONE})?")
_BE = re.compile(
    f"{BE}(?= (?:all )?(?:the |their )?(?:\\w+ )?(?:(?:different|distinct|unique) )?"
    f"(?:[\ue000-\ue0ff]{ONE}?[\\w ]{{1,25}} )?({MANY})?)"
)
_PREDICATE = re.compile(f"{ARE} ?(\\w+)?")
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


def name(value: str, behind: str) -> str:
    """Return a condition that is a name: where a noun cannot take it, `behind` is said."""
    return f"{_NAME}{value}{BETWEEN}{behind}{END}"


def agree(plural: str, singular: str) -> str:
    """Return a verb that agrees with the noun before it."""
    return f"{_CHOICE}{plural}{_OR}{singular}{_CLOSED}"


def resolve(text: str) -> str:
    """Return a text without marks, its words in agreement."""
    text = _placed(_NAMED.sub(lambda found: found[2], text))
    text = _BE.sub(lambda found: "are" if found[1] else "is", text)
    text = _PREDICATE.sub(_predicate, text)
    text = _CHOSEN.sub(lambda found: found[1 + _is_one(found)], text)
    return _ARTICLE.sub(_article, _MARKS.sub("", text))


def _is_one(found: re.Match[str]) -> bool:
    """Tell whether the last noun before a place is a singular."""
    before = found.string[: found.start()]
    nouns = list(_NUMBER.finditer(before[-200:]))
    return bool(nouns and nouns[-1][1])


def _placed(text: str) -> str:
    """Set every modifier before the last noun of its table, where there is one."""
    while found := _MODIFIER.search(text):
        mark = chr(ord(found[1]) - _MODIFIERS + _NOUNS)
        noun = text.rfind(mark, 0, found.start())
        rest = text[found.end() :]
        if noun < 0 or re.match(f"{ONE}?[\\w ]{{1,30}} table\\b", text[noun + 1 :]):
            text = f"{text[: found.start()]}{found[3]}{rest}"
        else:
            head, middle = text[:noun], text[noun + 1 : found.start()].rstrip()
            one = ONE if middle.startswith(ONE) else ""
            text = f"{head}{_TAKEN}{one}{found[2]} {middle.removeprefix(ONE)}{rest}"
    return text


_PREDICATES = {  # first word of a condition behind a noun: how it stands as a predicate
    "that": "",
    "who": "",
    "which": "",
    "with": agree("have", "has"),
    "having": agree("have", "has"),
    "without": agree("do not have", "does not have"),
    "whose": agree("are there whose", "is there whose"),
    "where": agree("are there where", "is there where"),
    "born": agree("were born", "was born"),
    "": agree("are there", "is there"),
}


def _predicate(found: re.Match[str]) -> str:
    word = found[1] or ""
    return _PREDICATES.get(word, agree(f"are {word}", f"is {word}"))


def _article(found: re.Match[str]) -> str:
    word = found[2]
    vowel = word[0].lower() in "aeiou" and not _AS_Y_OR_W.match(word)
    if re.fullmatch(r"8\w*|1[18]", word) or _SILENT.match(word):
        vowel = True
    return f"{found[1]}n " if vowel else f"{found[1]} "


@lru_cache(maxsize=8192)
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
    elif head.endswith("ies") and len(head) > 4:
        head = head[:-3] + "y"
    elif head.endswith(("ches", "shes", "sses", "xes")):
        head = head[:-2]
    elif head.endswith("s") and not head.endswith("ss"):
        head = head[:-1]
    return " ".join([head, *rest])


def third_person(verb: str) -> str:
    """Return a verb of the third person that agrees with the noun before it."""
    return agree(several(verb), verb)


def negated(verb: str, *, past: bool = False) -> str:
    """Return the denial of a verb of the third person, in agreement with the noun before it."""
    head, _, rest = verb.partition(" ")
    if head in ("is", "was"):
        head = "was" if past else head
        return agree(f"{several(head)} not {rest}", f"{head} not {rest}")
    if past:
        return f"did not {several(verb)}"
    return agree(f"do not {several(verb)}", f"does not {several(verb)}")


def past(verb: str) -> str | None:
    """Return the past of a verb of the third person; None of one that is said in the present."""
    head, _, rest = verb.partition(" ")
    known = _verbs()
    if head in known["present"]:
        return None
    if head == "is":
        return f"{agree('were', 'was')} {rest}"
    base = several(head)
    regular = base + ("d" if base.endswith("e") else "ed")
    if base.endswith("y") and base[-2:-1] not in "aeo":
        regular = base[:-1] + "ied"
    return f"{known['past'].get(head, regular)} {rest}".rstrip()


@cache
def _verbs() -> dict[str, dict[str, str]]:
    path = Path(__file__).with_name("verbs.yaml")
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"past": read["past"], "present": dict.fromkeys(read["present"], "")}


_DOUBLED = {
    "run",
    "plan",
    "get",
    "put",
    "sit",
    "stop",
    "win",
    "cut",
    "set",
    "begin",
    "swim",
    "ship",
}


def gerund(verb: str) -> str | None:
    """Return a verb of the third person as `publishing`; None of one that is passive or had."""
    head, *rest = several(verb).split(" ")
    if head in ("are", "were", "have", "do", "can", "may", "usually"):
        return None
    if head in _DOUBLED:
        head += head[-1]
    elif head.endswith("ie"):
        head = head[:-2] + "y"
    elif head.endswith("e") and not head.endswith(("ee", "oe", "ye")):
        head = head[:-1]
    return " ".join([head + "ing", *rest])


def is_modifier(text: str) -> bool:
    """Tell whether words are one modifier."""
    return bool(_MODIFIER.fullmatch(text))


def named(text: str) -> str | None:
    """Return the name that a condition consists of, if it is one."""
    found = _NAMED.fullmatch(text.strip())
    return found[1] if found else None


def with_link(text: str, link: str) -> str:
    """Return a modifier whose words behind the noun are followed by a link, such as ` and `."""
    return text.removesuffix(END) + link + END + (" " if link.startswith(" ") else "")


def plain(text: str) -> str:
    """Return words with every modifier and name as it stands behind its noun."""
    return _NAMED.sub(lambda found: found[2], _MODIFIER.sub(lambda found: found[3], text))
