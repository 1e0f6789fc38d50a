"""Which things a question asks for that a schema has nothing for.

    >>> [(found.text, found.sure) for found in missing("How many spaceships are there?", linker)]
    [('spaceships', True)]

A thing is a run of words behind one that announces a thing ("how many", "average", "each", "list"
at the beginning), or before "of". It is missing where the linker finds no name, cell or hint for
any of its words, and none is written nearly like it. `sure` are those whose place in the question
says that the answer needs them; "names of companies" may be other words for a table that is there.

Covered: English; words that a comment, a synonym or the database's own name explains; misspelt
names; proper names, which are taken for values.
Not covered: other words for what is there ("vocalists" for singers): give them as synonyms;
questions in Chinese, and values that no cell holds.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache

from text2sql.schema.mentions import Linker
from text2sql.schema.model import Schema
from text2sql.schema.notes import column_note, table_note
from text2sql.schema.pieces import Piece, cut
from text2sql.schema.words import STOP_WORDS, key_of, stems

BEGINNING = 3  # pieces before the first thing of a question: "can you list all ..."
ALIKE = 0.8  # of the letters of a word (difflib's ratio): it is a name, misspelt


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COUNTING = _words("many number count")
_MEASURING = _words(
    """
    average mean avg maximum minimum max min highest lowest largest smallest biggest greatest most
    median top total sum cheapest longest shortest oldest youngest newest latest earliest best
    worst least fewest
    """
)
_POINTING = _words(
    """the a an all every each any no different distinct unique various other overall what which
    whose its their his her our your my this these those"""
)
_LISTING = _words(
    "list show find give display return get tell select report print name what are is"
)
_OWNERLESS = _words("in free charge because instead terms case front favor spite")  # "in terms of"
# words between things
_BETWEEN = STOP_WORDS | _words(
    """after before above below under within during through per than then except excluding including
    without against about along across among amongst outside inside until since because while if
    either neither nor yet well together alone never ever often always again now ago later earlier
    least less fewer greater larger smaller bigger higher lower better worse older younger equal
    may might must shall cannot don doesn didn isn aren wasn weren haven hasn hadn being made make
    makes up down off back per via using prior regarding respectively according based compared due
    available common popular frequent frequently null empty able used alphabetically high low large
    small big long short new old full same similar good bad certain specific corresponding gross net
    single double possible alphabetical numerical him her them able unable free due still
    next right instead matter spot"""
)
# nouns of questions about anything
GENERIC = frozenset(
    map(
        key_of,
        _words(
            """
            number count total average mean maximum minimum sum amount percentage percent
            proportion ratio share result information info detail data record row entry table
            column field database query list listing report value word letter string substring
            character order sort kind type category group class way manner case time day week
            month year date today yesterday tomorrow hour minute second period past range half
            rest people person someone somebody anyone everybody everyone anybody one member
            individual human user thing something anything everything item object entity instance
            example piece pair set part difference frequency rank ranking position top bottom
            first last third name title id identifier code description place location origin side
            end start question answer please combination comparison respect regard term size
            relationship dollar euro unit highest lowest
            """
        ),
    )
)
# forms of verbs that no ending shows
_VERBS = _words(
    """
    sang sung took taken got gotten gave given held kept went gone goes came come ran run saw seen
    sold bought paid spent won lost wrote written born died led flew flown began begun grew grown
    knew known left ate eaten put set hit read sent stood taught thought told wore worn chose
    chosen drove driven fell fallen met belong belongs contain contains include includes exist
    exists live lives work works own owns play plays use uses produce produces happen happens
    occur occurs offer offers provide provides serve serves participate participates appear
    appears receive receives stay stays starts ends speak speaks teach teaches enter enters reach
    reaches earn earns choose write writes leave leaves consist consists need needs want wants
    know see buy pay reside resides cause causes
    """
)


@dataclass(frozen=True, slots=True)
class Missing:
    """A run of words that names nothing of a schema."""

    text: str
    sure: bool  # the answer needs it


def missing(question: str, linker: Linker, *, known: Collection[str] = ()) -> list[Missing]:
    """Return what a question asks for that is not there, in the order of its text.

    Args:
        question: as a person asks it.
        linker: of the schema.
        known: texts that explain words: evidence, questions that were answered.
    """
    said = linker.mentions(question)
    pieces = cut(question, linker.is_known)
    linked = [any(m.start < piece.end and piece.start < m.end for m in said) for piece in pieces]
    named = any(m.tables or m.columns for m in said)
    explained = {stem for text in known for stem in stems(text)}
    lone = len(linker.schema.tables) == 1  # whatever it is called, it is what is counted
    found = []
    for start, end in _things(pieces, linked):
        run = pieces[start:end]
        role = _role(pieces, start, end)
        if role is None or any(linked[start:end]) or _is_known(run[-1], linker, explained):
            continue
        sure = role == "attribute" or (not lone if role == "thing" else not named)
        found.append(Missing(question[run[0].start : run[-1].end], sure))
    several = len({key_of(each.text) for each in found}) > 1 and not lone
    return [replace(each, sure=each.sure or several) for each in found]


def _things(pieces: Sequence[Piece], linked: Sequence[bool]) -> list[tuple[int, int]]:
    """Return where runs of words begin and end that may be things, without generic last words."""
    runs: list[tuple[int, int]] = []
    here = 0
    while here < len(pieces):
        end = here
        while end < len(pieces) and (linked[end] or _may_name(pieces, end)):
            end += 1
        last = end
        while last > here and not linked[last - 1] and pieces[last - 1].key in GENERIC:
            last -= 1
        if last > here:
            runs.append((here, last))
        here = end + 1
    return runs


def _may_name(pieces: Sequence[Piece], place: int) -> bool:
    """Tell whether a word may be part of a thing's name: a noun, as far as its form says."""
    piece = pieces[place]
    low = piece.low
    if not (low.isalpha() and low.isascii()) or len(low) < 3 or low in _BETWEEN | _VERBS:
        return False
    if low in _COUNTING | _MEASURING | _POINTING or (place and piece.text[0].isupper()):
        return False
    if low.endswith("er") and pieces[place + 1 : place + 2] and pieces[place + 1].low == "than":
        return False
    return not low.endswith(("ed", "ing", "ly"))


def _role(pieces: Sequence[Piece], start: int, end: int) -> str | None:
    """Return what a run of words is to the question.

    Returns:
        "thing" or "attribute" where the answer needs it, "other" where it may be other words for
        something else, None where it need not be a thing at all.
    """
    announced = start
    while announced and pieces[announced - 1].low in _MEASURING | _POINTING:
        announced -= 1
    skipped = {piece.low for piece in pieces[announced:start]}
    before = [piece.low for piece in pieces[max(0, announced - 2) : announced]]
    after = pieces[end].low if end < len(pieces) else ""
    last = before[-1] if before else ""
    if skipped & _MEASURING:
        return "attribute"
    counted = last == "many" or (last == "of" and before[0] in _COUNTING)
    if counted or skipped & {"each", "every"} or last == "per":
        return "thing"
    if announced <= BEGINNING and (last in _LISTING or skipped & {"which", "what"}):
        return "thing"
    owned = after == "of" and not _OWNERLESS & {last, pieces[start].low}
    joined = last in ("of", "by", "and", "for", "'", "\u2019")
    return "other" if owned or skipped or joined else None


def _is_known(piece: Piece, linker: Linker, explained: Collection[str]) -> bool:
    """Tell whether a word is explained somewhere, or a name that is misspelt."""
    key = piece.key
    if key in GENERIC or key in explained or key in _described(linker.schema):
        return True
    near = [name for name in linker.names.single if name[:1] == key[:1]]
    return bool(get_close_matches(key, near, n=1, cutoff=ALIKE))


@lru_cache(maxsize=64)
def _described(schema: Schema) -> frozenset[str]:
    """Return the stems of all that is said of a schema beside its names."""
    texts = [schema.name]
    for table in schema.tables:
        texts.append(table_note(table))
        texts += [column_note(column) for column in table.columns]
    return frozenset(stem for text in texts for stem in stems(text))
