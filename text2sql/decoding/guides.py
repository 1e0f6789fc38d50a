"""Which token may come next in an answer: the checker's SQL inside the base's answer format.

    >>> guide = make_guide(prompt, base, tokenizer, schema, Decoding())
    >>> cursor = guide.start()
    >>> guide.advance(cursor, tokenizer.convert_tokens_to_ids("DROP")) is None
    True

An answer format is a few ways to write an answer, and a way is a row of pieces: reasoning that is
free until a mark, fixed words, SQL, the end. A cursor holds every way that the text so far may be
the beginning of. What a guide lets through, `AnswerFormat.find` reads as the SQL that was checked.

The budget of tokens is part of a cursor. A token is refused where the shortest legal ending would
no longer fit behind it, and reasoning has to end while there is still room for a query.

Covered: the formats of `prompting.answers.ANSWERS`; tokens that reach over a border (`;\\n```); a
backtick or bracket that may begin a quoted name or end the answer.
Not covered: stop strings of a base that are ordinary text (`;`): they only end what is read. In a
dollar quote a fence is not told from text. The shortest ending is looked at in the last WINDOW
tokens, on the assumption that one token adds at most GROWTH tokens to it; a text that breaks this
is cut at the budget.
"""

import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from text2sql.bases.base import Base
from text2sql.decoding.binding import Binding, bind
from text2sql.decoding.generation import Decoding
from text2sql.errors import SettingsError
from text2sql.prompting.answers import ANSWERS
from text2sql.prompting.encoding import stop_ids as ids_that_stop
from text2sql.prompting.segments import Prompt
from text2sql.prompting.sqltext import looks_like_sql
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

_BLANKS = b" \t\r\n"
_FENCE, _THOUGHT = b"```", b"</think>"
_LANGUAGES = (b"sql\n", b"sqlite\n", b"duckdb\n", b"postgresql\n", b"mysql\n")
_MOST_BLANKS = 8  # bytes behind an answer, such as the blank that ends a chat's turn
_HEAD = 256  # bytes at the start of a text that decide whether it is SQL at once
_FROM = re.compile(r"[\s(]*(?:from|FROM)\s")
_MARKS = re.compile(r"\s*(?:```|<answer>)")
_QUOTES = (b"'", b'"', b"`")
_OUTSIDE = (b"", b"-", b"/")  # of quotes and comments; the last byte may begin a comment


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


class Piece(Protocol):
    """A part of an answer; `local` is a place in it."""

    @property
    def start(self) -> Any:
        """The place before its first byte."""
        ...

    def feed(self, local: Any, data: bytes) -> "tuple[Any, bytes | None] | None":
        """Return the place behind the bytes, and what is left of them where the piece is over.

        None means that the bytes are illegal.
        """
        ...

    def stops(self, local: Any) -> bool:
        """Tell whether the whole answer may end here."""
        ...

    def rest(self, local: Any) -> bytes:
        """Return bytes that end the piece."""
        ...


def _grow(matched: int, byte: int, mark: bytes) -> int:
    """Return how much of a mark has been read; only its first byte begins it again."""
    return matched + 1 if byte == mark[matched] else int(byte == mark[0])


@dataclass(frozen=True, slots=True)
class _Free:
    """Any text until a mark, unless it begins as an answer without reasoning."""

    until: bytes
    marked: bool = False  # a fence or tag at the very start is an answer, too
    start: Any = (b"", 0)  # the first bytes while they decide, else None; bytes of the mark

    def feed(self, local: Any, data: bytes) -> tuple[Any, bytes | None] | None:
        head, matched = local
        end = None
        for place, byte in enumerate(data):
            matched = _grow(matched, byte, self.until)
            if matched == len(self.until):
                end = place + 1
                break
        if head is not None:
            head = (head + data[:end]).lstrip(_BLANKS)
            if self._answers(head):
                return None
            head = head if len(head) < _HEAD else None
        return (head, matched), data[end:] if end is not None else None

    def _answers(self, head: bytes) -> bool:
        text = head.decode(errors="ignore")
        if self.marked and _MARKS.match(text):
            return True
        return _FROM.match(text) is not None or looks_like_sql(text)

    def stops(self, local: Any) -> bool:
        return False

    def rest(self, local: Any) -> bytes:
        return self.until[local[1] :]

    def leaves(self, local: Any, data: bytes) -> bool:
        """Tell whether the bytes go on with the mark, or end it."""
        rest = self.rest(local)
        return data.startswith(rest) or rest.startswith(data)


@dataclass(frozen=True, slots=True)
class _Words:
    """One of a few fixed texts, none of which begins another."""

    options: tuple[bytes, ...]  # the first is the one that an ending takes
    lead: bytes = b""  # what an ending writes before it
    blanks: bytes = _BLANKS  # bytes that may stand before it
    optional: bool = False  # the answer may end before it
    start: Any = b""

    def feed(self, local: Any, data: bytes) -> tuple[Any, bytes | None] | None:
        text = local + (data if local else data.lstrip(self.blanks))
        for option in self.options:
            if text.startswith(option):
                return option, text[len(option) :]
        return (text, None) if any(o.startswith(text) for o in self.options) else None

    def stops(self, local: Any) -> bool:
        return self.optional and not local

    def rest(self, local: Any) -> bytes:
        if not local:
            return self.lead + self.options[0]
        return min((o for o in self.options if o.startswith(local)), key=len)[len(local) :]


@dataclass(frozen=True, slots=True)
class _Tail:
    """Nothing but a few blanks."""

    start: Any = 0

    def feed(self, local: Any, data: bytes) -> tuple[Any, bytes | None] | None:
        count = local + len(data)
        return (count, None) if count <= _MOST_BLANKS and not data.strip(_BLANKS) else None

    def stops(self, local: Any) -> bool:
        return True

    def rest(self, local: Any) -> bytes:
        return b""


@dataclass(frozen=True, slots=True)
class _Sql:
    """SQL that the checker lets through, until a mark where the format has one.

    A place is (state, quote, matched, ends, barred): the checker's state, None where only the mark
    may go on; what the text stands in as `sqltext.find_end` reads it; how much of the mark has been
    read, and whether SQL could end before it; how much of `never` has been read.
    """

    checker: "Checker"
    mark: bytes = b""  # ends the SQL wherever it stands outside quotes and comments
    must_close: bool = False  # a fence that is left open and holds another in quotes is misread
    never: bytes = b""  # may not stand anywhere, for the sake of who reads the answer
    begun: bytes = b""  # what the prompt has already written of it
    special: re.Pattern[bytes] | None = field(init=False)
    start: Any = field(init=False)

    def __post_init__(self) -> None:
        state: Any = self.checker.start
        if self.begun:
            state = self.checker.step(state, self.begun)
        object.__setattr__(self, "start", (state, b"", 0, False, 0))
        watched = (b"'\"`/-" if self.mark else b"") + self.mark[:1] + self.never[:1]
        special = re.compile(b"[" + re.escape(watched) + b"]") if watched else None
        object.__setattr__(self, "special", special)

    def feed(self, local: Any, data: bytes) -> tuple[Any, bytes | None] | None:
        state, quote, matched, _, barred = local
        bland = not quote and not matched and not barred
        if self.special is None or (bland and self.special.search(data) is None):
            state = self.checker.step(state, data)
            return None if state is None else ((state, b"", 0, False, 0), None)
        return self._feed_slowly(local, data)

    def _feed_slowly(self, local: Any, data: bytes) -> tuple[Any, bytes | None] | None:
        state, quote, matched, ends, barred = local
        for place, number in enumerate(data):
            byte = data[place : place + 1]
            if self.never:
                barred = _grow(barred, number, self.never)
                if barred == len(self.never):
                    return None
            if self.mark:
                if matched and number == self.mark[matched]:
                    matched += 1
                elif quote in _OUTSIDE and number == self.mark[0]:
                    matched, ends = 1, state is not None and self.checker.may_end(state)
                else:
                    matched, ends = 0, False
                if matched == len(self.mark):
                    return (local, data[place + 1 :]) if ends else None
                quote = _inside(quote, byte)
            state = None if state is None else self.checker.step(state, byte)
            if state is None and not ends:
                return None
        return (state, quote, matched, ends, barred), None

    def stops(self, local: Any) -> bool:
        return not self.must_close and local[0] is not None and self.checker.may_end(local[0])

    def rest(self, local: Any) -> bytes:
        state, _, matched, ends, _ = local
        if ends:
            return self.mark[matched:]
        return self.checker.completion(state) + (b"\n" + self.mark if self.mark else b"")


def _inside(quote: bytes, byte: bytes) -> bytes:
    """Return what the text stands in behind a byte: a quote, a comment, or nothing (`_OUTSIDE`)."""
    if quote in _QUOTES:
        return b"" if byte == quote else quote
    if quote == b"--":
        return b"" if byte == b"\n" else quote
    if quote in (b"/*", b"/**"):
        closes = quote == b"/**" and byte == b"/"
        return b"" if closes else b"/**" if byte == b"*" else b"/*"
    if quote + byte in (b"--", b"/*"):
        return quote + byte
    return byte if byte in _QUOTES or byte in _OUTSIDE else b""


def _ways(
    answer_format: str, checker: "Checker", db_id: str, begun: str
) -> tuple[tuple[Piece, ...], ...]:
    """Return the ways to write an answer; see the readers of `prompting.answers`."""
    sql, tail, fenced = _Sql(checker), _Tail(), _Sql(checker, _FENCE, must_close=True)
    fence = _Words(tuple(_FENCE + language for language in _LANGUAGES), b"\n")
    tag, tag_end = _Words((b"<answer>",), b"\n"), _Words((b"</answer>",), b"\n", optional=True)
    thought = _Free(_THOUGHT, marked=True)
    # Without reasoning, its mark would be looked for in the SQL.
    at_once = _Sql(checker, never=_THOUGHT)
    fenced_at_once = replace(fenced, never=_THOUGHT)
    ways: dict[str, tuple[tuple[Piece, ...], ...]] = {
        "plain": ((sql,),),
        "select": ((_Sql(checker, begun=begun.encode()),),),
        "picard": ((_Words((f"{db_id} |".encode(),)), sql),),
        "open_fence": ((_Sql(checker, _FENCE), tail),),
        "sql_marks": ((_Sql(checker, b"[/SQL]"), tail),),
        "fence": ((_Free(_FENCE), _Words(_LANGUAGES, blanks=b""), fenced, tail), (sql,)),
        "after_think": (
            (thought, fence, fenced, tail),
            (fence, fenced_at_once, tail),
            (at_once,),
        ),
        "answer_tags": (
            (thought, tag, fence, fenced, tag_end, tail),
            (tag, fence, fenced_at_once, tag_end, tail),
            (fence, fenced_at_once, tail),
            (at_once,),
        ),
    }
    return ways[answer_format]


_Thread = tuple[int, int, Any]  # way, piece, place in the piece


@dataclass(slots=True, eq=False)
class _Node:
    """What a text so far may be, and what has been found out about it."""

    threads: tuple[_Thread, ...]
    stops: bool
    reasons: bool  # it may still be reasoning
    after: "dict[int, _Node | None]" = field(default_factory=dict)
    leaving: "dict[int, _Node | None]" = field(default_factory=dict)  # where reasoning must end
    asked: bool = False  # for its ending
    needed: tuple[int, ...] | None = None  # tokens of a short legal ending; None: none in reach


class SQLGuide:
    """The guide of one schema, tokenizer and answer format.

    A cursor is (node, tokens left, tokens left at which the ending is looked at next).
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
        self._ways = _ways(answer_format, checker, db_id, begun)
        self._nodes: dict[tuple[_Thread, ...], _Node] = {}
        self._edges = 0
        self._start = self._node(tuple((i, 0, way[0].start) for i, way in enumerate(self._ways)))
        self.shortest = len(self._needed(self._start) or ()) + 1
        check_budget(self, max_new_tokens)
        self._room = max(min(ROOM, max_new_tokens // 2), self.shortest)
        self._first = (self._start, max_new_tokens, _due(max_new_tokens, self.shortest))

    def start(self) -> Cursor:
        """Return the place before the first token."""
        return self._first

    def advance(self, cursor: Any, token: int) -> Cursor | None:
        """Return the place behind a token; None where it is illegal or the budget too small."""
        node, left, due = cursor
        forced = node.reasons and left <= self._room
        known = node.leaving if forced else node.after
        try:
            after = known[token]
        except KeyError:
            after = self._remember(known, token, self._step(node, token, forced))
        if after is None:
            return None
        left -= 1
        return (after, left, due) if left > due else self._within(node, token, after, left)

    def may_stop(self, cursor: Any) -> bool:
        """Tell whether a text that ends here is read as the SQL that was checked."""
        return bool(cursor[0].stops)

    def ending(self, cursor: Any, left: int) -> list[int] | None:
        """Return the tokens of a short legal ending where it is time to write them, else None."""
        node, _, due = cursor
        if left > due:
            return None
        needed = self._needed(node)
        return list(needed) if needed is not None and len(needed) + 1 >= left else None

    def _within(self, node: _Node, token: int, after: _Node, left: int) -> Cursor | None:
        """Return the cursor if an ending still fits; on the way of an ending, one always does."""
        needed, path = self._needed(after), node.needed or ()
        if path[:1] == (token,):
            if needed is None or len(path) - 1 < len(needed):
                needed = after.needed = path[1:]
        elif needed is None or len(needed) + 1 > left:
            return None
        return after, left, _due(left, len(needed) + 1)

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
            if forced and isinstance(piece, _Free) and not piece.leaves(local, rest):
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
            pieces = [(self._ways[way][place], local) for way, place, local in threads]
            stops = any(piece.stops(local) for piece, local in pieces)
            reasons = any(isinstance(piece, _Free) for piece, _ in pieces)
            node = self._nodes[threads] = _Node(threads, stops, reasons)
        return node

    def _remember(
        self, known: dict[int, _Node | None], token: int, after: _Node | None
    ) -> _Node | None:
        if self._edges >= MAX_EDGES:
            for node in list(self._nodes.values()):
                node.after.clear()
                node.leaving.clear()
            self._nodes, self._edges = {self._start.threads: self._start}, 0
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
ORDER = "select-first"  # FROM-first SQL is for bases that were trained on it


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
    checker = _checker(schema, decoding.constraint, values)
    binding, stops = bind(tokenizer), tuple(ids_that_stop(base, tokenizer))
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


def _checker(schema: Schema, constraint: str, values: "Values | None") -> "Checker":
    from text2sql.decoding.checking import Checker

    values = values if constraint == "values" else None
    key = (schema, schema.dialect, ORDER, constraint, id(values))

    def make() -> tuple[Checker, Any]:
        made = Checker(
            schema, dialect=schema.dialect, order=ORDER, values=values, invented=False
        )
        return made, values  # kept beside it: as long as they live, no others have their id

    checker: Checker = _checkers.get(key, make)[0]
    return checker


def _begun(prompt: Prompt, base: Base) -> str:
    """Return what a prompt has written of the SQL."""
    begun = ANSWERS[base.answer_format].begun
    return begun if prompt.text.rstrip().endswith(begun.rstrip()) else ""
