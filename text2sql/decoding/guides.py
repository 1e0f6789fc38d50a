"""Which token may come next in an answer: the checker's SQL inside the base's answer format.

    >>> guide = make_guide(prompt, base, tokenizer, schema, Decoding())
    >>> cursor = guide.start()
    >>> guide.advance(cursor, tokenizer.convert_tokens_to_ids("DROP")) is None
    True

An answer format is a few ways to write an answer: see `regions`. A cursor holds every way that the
text so far may be the beginning of. What a guide lets through, `AnswerFormat.find` reads as the SQL
that was checked.

The budget of tokens is part of a cursor. A token is refused where the shortest legal ending would
no longer fit behind it, and reasoning has to end while there is still room for a query.

Covered: the formats of `prompting.answers.ANSWERS`; tokens that reach over a border (`;\\n```).
Not covered: stop strings of a base that are ordinary text (`;`): they only end what is read. The
shortest ending is looked at in the last WINDOW tokens, on the assumption that one token adds at
most GROWTH tokens to it; a text that breaks this is cut at the budget.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from text2sql.bases.base import Base
from text2sql.decoding.binding import Binding, bind_prompt
from text2sql.decoding.generation import Decoding
from text2sql.decoding.regions import Reasoning, Sql, make_ways
from text2sql.errors import SettingsError
from text2sql.prompting.answers import ANSWERS
from text2sql.prompting.encoding import stop_ids as ids_that_stop
from text2sql.prompting.segments import Prompt
from text2sql.schema.model import Schema

if TYPE_CHECKING:
    from text2sql.decoding.checking import Checker
    from text2sql.decoding.checking.checker import Values

Cursor = Hashable  # a place in a text; opaque

WINDOW = 96  # tokens before the budget ends in which the shortest ending is looked at
GROWTH = 32  # tokens that one more token adds to the shortest ending, at most
ROOM = 128  # tokens kept for SQL behind reasoning, or half the budget where that is less
MAX_EDGES = 200_000  # steps remembered by a guide
KEPT = 16  # checkers and guides kept for the next call


class Guide(Protocol):
    """What decides which tokens are legal."""

    def start(self) -> Cursor:
        """Return the place before the first token."""
        ...

    def advance(self, cursor: Cursor, token: int) -> Cursor | None:
        """Return the place behind a token; None where it is illegal."""
        ...

    def may_stop(self, cursor: Cursor) -> bool:
        """Tell whether the text may end here."""
        ...

    def ending(self, cursor: Cursor, left: int) -> list[int] | None:
        """Return the tokens to write now so that the text ends within `left` tokens.

        None means that there is still time.
        """
        ...


_UNKNOWN: Any = object()
_Thread = tuple[int, int, Any]  # way, piece, place in the piece


@dataclass(slots=True, eq=False)
class _Track:
    """One piece of SQL, in the midst of which most tokens begin and end: a short way for these."""

    way: int
    place: int
    step: Callable[[Any, bytes], Any]  # the checker's
    special: Callable[[bytes], Any] | None  # finds what only the piece itself reads
    nodes: "dict[Any, _Node]"  # by the checker's state


class _Node:
    """What a text so far may be, and what has been found out about it.

    Where it is SQL and nothing else, it has a track and the checker's state, and its threads are
    made when somebody asks: what is not there costs no time and no garbage collection.
    """

    __slots__ = (
        *("_threads", "after", "asked", "leaving", "needed", "reasons", "state", "stops", "track"),
    )

    def __init__(
        self, threads: tuple[_Thread, ...], reasons: bool, track: _Track | None, state: Any
    ) -> None:
        self._threads, self.track, self.state = threads, track, state
        self.reasons = reasons  # it may still be reasoning
        self.after: dict[int, Any] = {}  # nodes, None where a token is illegal
        self.leaving = {} if reasons else self.after  # the same where reasoning must end
        self.stops: bool | None = None  # whether it may end here; None: nobody has asked
        self.asked = False  # for its ending
        self.needed: tuple[int, ...] | None = None  # tokens of a short legal ending; None: none

    @property
    def threads(self) -> tuple[_Thread, ...]:
        """The ways that the text may be the beginning of."""
        if self.track is None:
            return self._threads
        return ((self.track.way, self.track.place, Sql.place(self.state)),)


class SQLGuide:
    """The guide of one schema, tokenizer and answer format.

    A cursor is (node, tokens left, tokens left at which the ending is looked at next, rest of the
    ending that the text is on; None where the node's own is as good).
    """

    def __init__(
        self,
        checker: "Checker",
        binding: Binding,
        answer_format: str,
        stop_ids: Collection[int],
        *,
        max_new_tokens: int,
        db_id: str = "",
        begun: str = "",
    ) -> None:
        """Set the guide up for answers of at most `max_new_tokens` tokens.

        Args:
            checker: of the schema.
            binding: ids to bytes.
            answer_format: a name in `ANSWERS`.
            stop_ids: ids that end a text; they are no text themselves.
            max_new_tokens: the budget, stop token included.
            db_id: for an answer format that names the database.
            begun: what the prompt has already written of the SQL.

        Raises:
            SettingsError: no answer fits into the budget.
        """
        self._binding, self._stop_ids = binding, frozenset(stop_ids)
        self._ways = make_ways(answer_format, checker, db_id=db_id, begun=begun)
        self._nodes: dict[tuple[_Thread, ...], _Node] = {}  # those of no track
        self._tracks: dict[tuple[int, int], _Track] = {}
        self._edges = 0
        self._start = self._node(tuple((i, 0, way[0].start) for i, way in enumerate(self._ways)))
        self.shortest = len(self._needed(self._start) or ()) + 1
        check_budget(self, max_new_tokens)
        self._room = max(min(ROOM, max_new_tokens // 2), self.shortest)
        self._first = (self._start, max_new_tokens, _due(max_new_tokens, self.shortest), None)

    def start(self) -> Cursor:
        """Return the place before the first token."""
        return self._first

    def advance(self, cursor: Any, token: int) -> Cursor | None:
        """Return the place behind a token; None where it is illegal or the budget too small."""
        node, left, due, rest = cursor
        forced = node.reasons and left <= self._room
        known = node.leaving if forced else node.after
        after = known.get(token, _UNKNOWN)
        if after is _UNKNOWN:  # so often that an exception would be dearer
            after = self._remember(known, token, self._step(node, token, forced))
        if after is None:
            return None
        left -= 1
        if left > due:
            return after, left, due, None
        return self._within(after, left, self._needed(node) if rest is None else rest, token)

    def may_stop(self, cursor: Any) -> bool:
        """Tell whether a text that ends here is read as the SQL that was checked."""
        node: _Node = cursor[0]
        if node.stops is None:
            node.stops = any(self._ways[w][place].stops(local) for w, place, local in node.threads)
        return node.stops

    def ending(self, cursor: Any, left: int) -> list[int] | None:
        """Return the tokens of a short legal ending where it is time to write them, else None."""
        node, _, due, rest = cursor
        if left > due:
            return None
        needed = self._needed(node) if rest is None else rest
        return list(needed) if needed is not None and len(needed) + 1 >= left else None

    def _within(
        self, after: _Node, left: int, path: tuple[int, ...] | None, token: int
    ) -> Cursor | None:
        """Return the cursor if an ending still fits; on the way of an ending, one always does.

        What is left of that way stays with the text: another text that comes to the same node by
        another way must not depend on it.
        """
        needed, rest = self._needed(after), None
        if path and path[0] == token:
            if needed is None or len(path) - 1 < len(needed):
                needed = rest = path[1:]
        elif needed is None or len(needed) + 1 > left:
            return None
        return after, left, _due(left, len(needed) + 1), rest

    def _needed(self, node: _Node) -> tuple[int, ...] | None:
        if not node.asked:
            node.asked = True
            endings = [e for thread in node.threads if (e := self._ending(thread)) is not None]
            node.needed = min(endings, key=len, default=None)
        return node.needed

    def _ending(self, thread: _Thread) -> tuple[int, ...] | None:
        try:
            rest = self._rest(thread)
        except ValueError:  # of the checker: no completion within its reach
            return None
        return tuple(self._binding.write(rest))

    def _rest(self, thread: _Thread) -> bytes:
        way, place, local = thread
        following = self._ways[way][place + 1 :]
        begun = self._ways[way][place].rest(local)
        return begun + b"".join(piece.rest(piece.start) for piece in following)

    def _step(self, node: _Node, token: int, forced: bool) -> _Node | None:
        data = None if token in self._stop_ids else self._binding.bytes_of(token)
        if not data:
            return None
        track = node.track
        if track is not None and (track.special is None or track.special(data) is None):
            state = track.step(node.state, data)
            if state is None:
                return None
            return track.nodes.get(state) or self._plain_node(track, state)
        threads = tuple(
            after
            for thread in node.threads
            if (after := self._feed(thread, data, forced)) is not None
        )
        return self._node(threads) if threads else None

    def _feed(self, thread: _Thread, data: bytes, forced: bool) -> _Thread | None:
        way, place, local = thread
        rest: bytes | None = data
        while rest:
            piece = self._ways[way][place]
            if forced and isinstance(piece, Reasoning) and not piece.leaves(local, rest):
                return None
            fed = piece.feed(local, rest)
            if fed is None:
                return None
            local, rest = fed
            if rest is not None:
                place += 1
                local = self._ways[way][place].start
        return way, place, local

    def _node(self, threads: tuple[_Thread, ...]) -> _Node:
        node = self._nodes.get(threads)
        if node is None:
            if len(threads) == 1:
                way, place, local = threads[0]
                piece = self._ways[way][place]
                if isinstance(piece, Sql) and (state := piece.plain_state(local)) is not None:
                    track = self._track(way, place, piece)
                    return track.nodes.get(state) or self._plain_node(track, state)
            reasons = any(isinstance(self._ways[w][place], Reasoning) for w, place, _ in threads)
            node = self._nodes[threads] = _Node(threads, reasons, None, None)
        return node

    def _plain_node(self, track: _Track, state: Any) -> _Node:
        """Return the new node of a place that is SQL and nothing else."""
        node = track.nodes[state] = _Node((), False, track, state)
        return node

    def _track(self, way: int, place: int, piece: Sql) -> _Track:
        track = self._tracks.get((way, place))
        if track is None:
            search = piece.special.search if piece.special is not None else None
            track = self._tracks[way, place] = _Track(way, place, piece.checker.step, search, {})
        return track

    def _remember(self, known: dict[int, Any], token: int, after: _Node | None) -> _Node | None:
        if self._edges >= MAX_EDGES:
            tracks = self._tracks.values()
            for nodes in (self._nodes, *(track.nodes for track in tracks)):
                for node in list(nodes.values()):
                    node.after.clear()
                    node.leaving.clear()
                nodes.clear()
            self._edges = 0
        self._edges += 1
        known[token] = after
        return after


def _due(left: int, needed: int) -> int:
    """Return with how many tokens left the ending has to be looked at again."""
    return min(WINDOW, left - max(1, (left - needed) // (GROWTH + 1)))


def check_budget(guide: SQLGuide, max_new_tokens: int) -> None:
    """Make sure that an answer fits into the budget of tokens.

    Raises:
        SettingsError: none does.
    """
    if guide.shortest > max_new_tokens:
        raise SettingsError(
            f"max_new_tokens is {max_new_tokens}, but the shortest answer takes {guide.shortest}"
        )


class _Recent:
    """The last few things that were made, by key."""

    def __init__(self, size: int) -> None:
        self._size, self._made, self._lock = size, OrderedDict[Hashable, Any](), Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            self._made.move_to_end(key)
            while len(self._made) > self._size:
                self._made.popitem(last=False)
            return self._made[key]


_checkers, _guides = _Recent(KEPT), _Recent(KEPT)
_told: set[str] = set()


def unconstrained_reason(dialect: str) -> str | None:
    """Say why text in a dialect is not constrained; None where it is.

    Args:
        dialect: sqlglot's name of it.
    """
    from text2sql.decoding.checking.dialects import DIALECTS

    if dialect in DIALECTS:
        return None
    return f"the checker knows no {dialect or 'unnamed dialect'} (known: {', '.join(DIALECTS)})"


def make_guide(
    prompt: Prompt,
    base: Base,
    tokenizer: Any,
    schema: Schema,
    decoding: Decoding,
    values: "Values | None" = None,
) -> SQLGuide | None:
    """Return the guide for the answer to one prompt; equal arguments give the same one.

    Args:
        prompt: an answer format may take it to have begun the SQL; whether it has is seen here.
        base: says the answer format and the stop tokens.
        tokenizer: of transformers.
        schema: of the database that is asked.
        decoding: says what is constrained, and the budget of tokens.
        values: what `Checker` takes, for the constraint `values`.

    Returns:
        None where the text is free: the constraint is `none`, or the checker does not know the
        dialect, which is said on stderr once.

    Raises:
        SettingsError: no answer fits into `decoding.max_new_tokens`.
        ModelError: the tokens of this tokenizer have no known bytes.
    """
    if decoding.constraint == "none":
        return None
    reason = unconstrained_reason(schema.dialect)
    if reason is not None:
        _tell(reason)
        return None
    order = "from-first" if ANSWERS[base.answer_format].pointers else "select-first"
    checker = checker_of(schema, order, decoding.constraint, values)
    binding, stops = bind_prompt(prompt, tokenizer), tuple(ids_that_stop(base, tokenizer))
    begun = _begun(prompt, base)
    budget = decoding.max_new_tokens
    key = (id(checker), id(binding), base.answer_format, stops, budget, schema.name, begun)
    return _guides.get(
        key,
        lambda: SQLGuide(
            checker,
            binding,
            base.answer_format,
            stops,
            max_new_tokens=budget,
            db_id=schema.name,
            begun=begun,
        ),
    )


def _tell(reason: str) -> None:
    if reason not in _told:
        _told.add(reason)
        print(f"decoding without a constraint: {reason}", file=sys.stderr)


def checker_of(
    schema: Schema,
    order: str = "select-first",
    constraint: str = "schema",
    values: "Values | None" = None,
) -> "Checker":
    """Return the checker that decoding uses; those of the last few schemas are kept.

    Args:
        schema: of the database.
        order: FROM-first SQL is for bases that were trained on it.
        constraint: only `values` looks at `values`, and `types` at declared types.
        values: as for `Checker`.
    """
    from text2sql.decoding.checking import Checker

    values = values if constraint == "values" else None
    key = (schema, schema.dialect, order, constraint, id(values))

    def make() -> tuple[Checker, Any]:
        made = Checker(
            schema,
            dialect=schema.dialect,
            order=order,
            values=values,
            invented=False,
            self_joins=order == "select-first",  # pointers could not tell the two apart
            types=constraint == "types",
        )
        return made, values  # kept beside it: as long as they live, no others have their id

    checker: Checker = _checkers.get(key, make)[0]
    return checker


def _begun(prompt: Prompt, base: Base) -> str:
    """Return what a prompt has written of the SQL."""
    begun = ANSWERS[base.answer_format].begun
    return begun if prompt.text.rstrip().endswith(begun.rstrip()) else ""
