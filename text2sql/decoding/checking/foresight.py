"""Whether a text can still end well, where the rules alone do not promise it: an end shows it.

    >>> checker = Checker(schema, dialect="duckdb")
    >>> values = ("'a' ", "t.d ")
    >>> [checker.prefix_ok(f"SELECT extract(minute FROM {value}") for value in values]
    [False, True]

An engine works out what has no column in it before it runs, and refuses what does not come out
(see `kinds.folding`), and kinds must fit. So what may follow deep inside an expression depends on
all that is around it, and no rule for one operator says it. A scout goes ahead instead: a checker
of the same schema that does not look ahead itself. What it finds is kept, for every state on its
way. A new state costs about a millisecond so; a whole text is judged without it.

Covered: every state of a dialect that is typed.
Not covered: a way out that `completion` does not find within its `SIGHT`; what needs it is refused.
"""

from copy import copy
from typing import TYPE_CHECKING

from text2sql.decoding.checking.completion import complete, way_out
from text2sql.decoding.checking.lexer import WORD, Reading
from text2sql.decoding.checking.options import begun_names

if TYPE_CHECKING:
    from text2sql.decoding.checking.checker import Checker, State


_LIMIT = 100_000  # texts that are remembered at most
_NAMES = 4  # that are followed, the likely and short ones; of types all are


class Foresight:
    """What is known of texts of which only an end can show that there is one."""

    def __init__(self, checker: "Checker") -> None:
        self._scout = copy(checker)
        self._scout.begin_alone()
        self._ends: dict[Reading, bool] = {}

    def forget(self) -> None:
        """Drop what is remembered."""
        self._scout.forget()
        self._ends.clear()

    def ends(self, reading: Reading) -> bool:
        """Tell whether an end can be reached from what is being read."""
        known = self._ends.get(reading)
        if known is None:
            if len(self._ends) >= _LIMIT:
                self._ends.clear()
            way = self._way_out(reading)
            known = self._ends[reading] = way is not None
            self._ends.update((state.reading, True) for _, state in way or ())
        return known

    def _way_out(self, reading: Reading) -> list[tuple[bytes, "State"]] | None:
        """Return a way out; what is begun may be a name or a keyword, and each is followed."""
        state = self._scout.state_of(reading)
        way = way_out(self._scout, state)
        place, mode, text = reading
        if way is not None or mode != WORD:
            return way
        words = [keyword.lower().encode() for keyword in place[0].keywords(text)]
        most = None if "<type>" in place[0].names else _NAMES
        for word in (*words, *begun_names(self._scout, place, text)[:most]):
            rest = word[len(text) :]
            after = self._scout.step(state, rest) if rest else None
            way = way_out(self._scout, after) if after is not None else None
            if way is not None:
                return [(rest, after), *way]  # type: ignore[list-item]
        return None

    def completion(self, reading: Reading) -> bytes:
        """Return a short completion; the scout need not look ahead to find it."""
        way = self._way_out(reading)
        if way is None:  # not at first sight
            return complete(self._scout, self._scout.state_of(reading))
        return b"".join(text for text, _ in way)
