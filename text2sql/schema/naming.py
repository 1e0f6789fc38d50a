"""The names of a schema by the words that people say for them.

    >>> names = Names(schema)
    >>> names.single["age"]
    [(0, ('singer', 'Age'))]

A name is known by all its words, by those that are not its table's, by its synonyms and its
comment; written together or short, as in `birthdate` and `dept_no`, it is taken apart first.

Covered: a table's own letters before `id`, `no` and their like (`stuid`); likeness of beginnings
for words that no name has; other words for what a name is made of (`thesaurus`).
Not covered: typing errors.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from text2sql.schema.model import Column, Schema, Table
from text2sql.schema.thesaurus import thesaurus
from text2sql.schema.wordings import wordings
from text2sql.schema.words import STOP_WORDS, stem, words

WHOLE, PART, COMMENT, ALIKE = 0, 1, 2, 2  # how well a name fits; less is better
OTHER = 0.25  # how much worse a name fits that is said by another word
LATER = 0.05  # how much worse each further word fits that another word may stand for
LONGEST_COMMENT = 6  # words of a comment that are compared
SHORTEST_ALIKE = 3  # letters of a beginning

Name = tuple[str, str | None]  # table's full name, column; None: the table itself
Fit = tuple[float, Name]

_COUNTS = frozenset({"number", "count", "total"})
_KEYS = ("id", "ids", "no", "num", "number", "name", "code", "key", "type", "nr")


@dataclass(slots=True)
class Names:
    """An index of names; what is looked up are keys: stems of words with blanks between them."""

    schema: Schema
    whole: dict[str, list[Fit]] = field(init=False)  # names of several words
    together: dict[str, list[Fit]] = field(init=False)  # by their letters without blanks
    single: dict[str, list[Fit]] = field(init=False)  # by one of their words
    heads: dict[str, int] = field(init=False)  # first stem of `whole` -> most stems
    _begins: dict[str, list[str]] = field(init=False)  # first letters -> keys of `single`
    _alike: dict[str, list[Fit]] = field(init=False)
    _called: dict[str, list[Fit]] = field(init=False)

    def __post_init__(self) -> None:
        """Index every form of every name."""
        self.whole, self.single = defaultdict(list), defaultdict(list)
        self.together, self.heads, self._begins = defaultdict(list), {}, {}
        self._alike, self._called = {}, {}
        taking = _Taking(self.schema)
        for table in self.schema.tables:
            self._add((table.full_name, None), taking.table_forms(table))
            for column in table.columns:
                self._add((table.full_name, column.name), taking.column_forms(table, column))
        self._add_numbers()
        for phrase in thesaurus().phrases:
            for fit, name in self.called(phrase) if phrase not in self.whole else ():
                self._add_whole(phrase.split(), (max(fit, PART), name))

    def _add_numbers(self) -> None:
        """Let keys be called numbers: "order number" at `order_id`."""
        for key, fits in [*self.whole.items()]:
            owner, _, last = key.rpartition(" ")
            if last == "id":
                for fit, name in fits:
                    self._add_whole([*owner.split(), "number"], (max(fit, PART), name))

    def _add_whole(self, stems: Sequence[str], fit: Fit) -> None:
        _put(self.whole, " ".join(stems), fit)
        self.heads[stems[0]] = max(len(stems), self.heads.get(stems[0], 0))

    def _add(self, name: Name, forms: Iterable[tuple[int, Sequence[str]]]) -> None:
        for fits, form in forms:
            stems = [stem(word) for word in form]
            if len(stems) == 1:
                _put(self.single, stems[0], (fits, name))
                continue
            key = " ".join(stems)
            _put(self.whole, key, (fits, name))
            _put(self.together, stem("".join(form)), (fits, name))
            head = stems[0] if form[0] not in STOP_WORDS else ""
            self.heads[head] = max(len(stems), self.heads.get(head, 0))
            for part in stems:
                if part not in STOP_WORDS and not part.isdigit():
                    _put(self.single, part, (max(fits, PART), name))

    def called(self, key: str) -> list[Fit]:
        """Return the names of what a word stands for that no name has: `town` at a city."""
        if key not in self._called:
            self._called[key] = self._find_called(key)
        return self._called[key]

    def _find_called(self, key: str) -> list[Fit]:
        found: dict[Name, float] = {}
        for place, other in enumerate(thesaurus().names.get(key, ())):
            worse = OTHER + LATER * place
            fits = self.whole.get(other) or self.together.get(other.replace(" ", "")) or ()
            for fit, name in fits or self.single.get(other, ()):
                found[name] = min(fit + worse, found.get(name, fit + worse))
        best = min(found.values(), default=0.0)
        return [(fit, name) for name, fit in found.items() if fit < best + PART]

    def alike(self, key: str) -> list[Fit]:
        """Return the names with a word that begins as a word does which no name has."""
        if key not in self._alike:
            self._alike[key] = [(ALIKE, name) for _, name in self._find_alike(key)]
        return self._alike[key]

    def _find_alike(self, key: str) -> list[Fit]:
        if len(key) <= SHORTEST_ALIKE or not key.isalpha() or not key.isascii():
            return []
        if not self._begins:
            for part in self.single:
                self._begins.setdefault(part[:SHORTEST_ALIKE], []).append(part)
        candidates = self._begins.get(key[:SHORTEST_ALIKE], ())
        best = max(candidates, key=lambda part: _common(part, key), default="")
        return self.single[best] if best and _are_alike(best, key) else []


def _put(index: dict[str, list[Fit]], key: str, fit: Fit) -> None:
    held = index[key]
    for place, (fits, name) in enumerate(held):
        if name == fit[1]:
            held[place] = (min(fits, fit[0]), name)
            return
    held.append(fit)


def _common(one: str, other: str) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


def _are_alike(part: str, key: str) -> bool:
    """Tell whether one is the other's beginning, or most of both is the same."""
    common, short, long = _common(part, key), *sorted((len(part), len(key)))
    if common == short:
        return common >= SHORTEST_ALIKE and (common > SHORTEST_ALIKE or len(part) == short)
    return common >= 5 and common >= 0.5 * long


class _Taking:
    """Takes names of one schema apart."""

    def __init__(self, schema: Schema) -> None:
        """Collect the words that the schema's own names are made of."""
        self._tables = {word for table in schema.tables for word in words(table.name)}
        names = [*self._tables, *(w for _, column in schema.columns() for w in words(column.name))]
        own = {word for word in names if 2 < len(word) < 9 and word.isalpha()}
        self._known = wordings().inside | own

    def table_forms(self, table: Table) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield how well and with which words a table may be called."""
        yield from self._forms(table.name, (), table.synonyms, table.comment)

    def column_forms(self, table: Table, column: Column) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield how well and with which words a column may be called."""
        own = words(table.name)
        yield from self._forms(column.name, own, column.synonyms, column.comment)

    def _forms(
        self, name: str, table: Sequence[str], synonyms: Sequence[str], comment: str | None
    ) -> Iterator[tuple[int, Sequence[str]]]:
        split = words(name)
        if split:
            yield WHOLE, split
        full = [part for word in split for part in self._take_apart(word, table)]
        if full != split:
            yield WHOLE, full
        if table:
            yield from ((WHOLE, form) for form in _shorter(full, table))
            if len(full) == 1:
                yield WHOLE, [*table, *full]
        for synonym in synonyms:
            if said := words(synonym):
                yield WHOLE, said
        if comment and (said := [w for w in words(comment) if w not in STOP_WORDS]):
            yield COMMENT if len(said) > 2 else WHOLE, said[:LONGEST_COMMENT]

    def _take_apart(self, word: str, table: Sequence[str]) -> Sequence[str]:
        """Return the words that a word of a name stands for."""
        if word in wordings().abbreviations:
            return wordings().abbreviations[word]
        if len(word) < 3 or not word.isascii() or not word.isalpha():
            return (word,)
        for key in _KEYS:
            if word.endswith(key) and (owner := self._owner(word[: -len(key)], table)):
                return (*owner.split(), key)
        return _split(word, self._known) if len(word) > 5 else (word,)

    def _owner(self, letters: str, table: Sequence[str]) -> str | None:
        """Return the table's word that some letters before a key stand for."""
        if letters in wordings().abbreviations:
            return " ".join(wordings().abbreviations[letters])
        if not letters or (letters in self._known and len(letters) > 4):
            return None
        for word in table:
            if word.startswith(letters) or (word[0] == letters[0] and letters in _initials(table)):
                return word
        if len(letters) < 2:
            return None
        return next((word for word in sorted(self._tables) if word.startswith(letters)), None)


def _shorter(full: Sequence[str], table: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield a column's words without its table's, and without those that say nothing."""
    own = {stem(word) for word in table}
    left = [word for word in full if stem(word) not in own]
    if left and len(left) < len(full):
        yield left
    said = [word for word in full if word not in STOP_WORDS and word not in _COUNTS]
    if said and len(said) < len(full):
        yield said


def _initials(table: Sequence[str]) -> str:
    return "".join(word[0] for word in table)


@lru_cache(maxsize=65536)
def _split_by_table(word: str) -> tuple[str, ...]:
    return _split_by(word, wordings().inside)


def _split(word: str, known: frozenset[str]) -> tuple[str, ...]:
    """Take a word apart into two or three known ones; itself where that cannot be done."""
    if word in wordings().inside:
        return (word,)
    found = _split_by_table(word)
    return found if len(found) > 1 else _split_by(word, known)


def _split_by(word: str, known: frozenset[str]) -> tuple[str, ...]:
    for at in range(len(word) - 2, 1, -1):
        first, rest = word[:at], word[at:]
        if first in known and rest in known:
            return (first, rest)
    for at in range(len(word) - 4, 2, -1):
        if word[:at] in known and len(others := _split_by(word[at:], known)) == 2:
            return (word[:at], *others)
    return (word,)
