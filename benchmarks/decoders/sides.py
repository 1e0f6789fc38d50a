"""Ways to take the next token under a constraint, each used as its makers mean it to be used.

    >>> side = Checked(dataset, tokenizer, STOP)
    >>> state = side.begin("concert_singer")
    >>> side.choose(state, logits_row)
    412

Covered: ours (schema and scope), llguidance lazily and by mask, xgrammar by mask (both the syntax
that `decoding.lark` writes, with the schema's names), top-2 parsing by sqlglot as PICARD does with
its own parser, none.
Not covered: batched masks, masks that are computed while the model runs; both hide time on a
machine with cores or an accelerator to spare.
"""

import re
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from text2sql.decoding import policy
from text2sql.decoding.binding import bind
from text2sql.decoding.guides import SQLGuide
from text2sql.decoding.lark import grammar_of

MAX_NEW_TOKENS = 256


@dataclass
class Plain:
    """No constraint: the best token."""

    dataset: Any
    tokenizer: Any
    stop: int
    name: ClassVar[str] = "plain"
    compile_seconds: list[float] = field(default_factory=list)

    def forget(self) -> None:
        """Become as if no database had been seen."""

    def begin(self, db_id: str) -> Any:
        """Return the state before the first token; what a database needs is made once."""
        return None

    def choose(self, state: Any, row: Any) -> int:
        """Return the best token that may stand here: what is timed."""
        return int(row.argmax())

    def follow(self, state: Any, chosen: int, gold: int) -> None:
        """Go on with the gold token, whichever was chosen.

        Raises:
            Refused: the side does not let the gold token stand.
        """

    def timed(self, make: Any) -> Any:
        """Return what a function makes; how long it took is kept."""
        begun = time.process_time()
        made = make()
        self.compile_seconds.append(time.process_time() - begun)
        return made


class Refused(Exception):
    """A side refuses a gold token."""


@dataclass
class Checked(Plain):
    """The checker asked about the best token, `policy.pick_greedy` where that is illegal.

    As `decoding.loop` does, whose argmax is one call for all rows, with `make_guide`'s checker.
    The answer format is plain SQL.
    """

    name: ClassVar[str] = "ours"
    _guides: dict[str, SQLGuide] = field(default_factory=dict)

    def forget(self) -> None:
        self._guides.clear()

    def begin(self, db_id: str) -> Any:
        if db_id not in self._guides:
            self._guides[db_id] = self.guide(db_id)
        guide = self._guides[db_id]
        return [guide, guide.start(), None]

    def guide(self, db_id: str) -> SQLGuide:
        """Return a new guide of a database, with a new checker."""
        from text2sql.decoding.checking import Checker

        schema, binding = self.dataset.schema(db_id), bind(self.tokenizer)
        checker = self.timed(lambda: Checker(schema, invented=False))
        return SQLGuide(checker, binding, "plain", (self.stop,), max_new_tokens=MAX_NEW_TOKENS)

    def choose(self, state: Any, row: Any) -> int:
        guide, cursor, _ = state
        token = int(row.argmax())
        if token == self.stop:
            if guide.may_stop(cursor):
                return token
        else:
            state[2] = guide.advance(cursor, token)
            if state[2] is not None:
                return token
        token, state[2] = policy.pick_greedy(row, guide, cursor, (self.stop,), refused=True)
        return token

    def follow(self, state: Any, chosen: int, gold: int) -> None:
        guide, cursor, after = state
        if gold == self.stop:
            if not guide.may_stop(cursor):
                raise Refused
            return
        state[1] = after if chosen == gold else guide.advance(cursor, gold)
        if state[1] is None:
            raise Refused


@dataclass
class LazyLLGuidance(Plain):
    """llguidance asked about the proposed token alone (`validate_tokens`)."""

    name: ClassVar[str] = "llguidance_lazy"
    _matchers: dict[str, Any] = field(default_factory=dict)

    def forget(self) -> None:
        self._matchers.clear()

    @cached_property
    def vocabulary(self) -> Any:
        """The tokenizer as llguidance reads it."""
        from llguidance.hf import from_tokenizer

        return from_tokenizer(self.tokenizer)

    def begin(self, db_id: str) -> Any:
        if db_id not in self._matchers:
            self._matchers[db_id] = self._compiled(db_id)
        return self._matchers[db_id].deep_copy()

    def _compiled(self, db_id: str) -> Any:
        from llguidance import LLMatcher

        vocabulary, schema = self.vocabulary, self.dataset.schema(db_id)
        matcher = self.timed(
            lambda: LLMatcher(vocabulary, LLMatcher.grammar_from_lark(grammar_of(schema)))
        )
        assert not matcher.get_error(), matcher.get_error()
        return matcher

    def choose(self, state: Any, row: Any) -> int:
        token = int(row.argmax())
        if state.validate_tokens([token]) != 1:
            order = row.sort(descending=True, stable=True).indices.tolist()
            token = next(t for t in order if state.validate_tokens([t]) == 1)
        state.consume_token(token)
        return token

    def follow(self, state: Any, chosen: int, gold: int) -> None:
        if chosen != gold:
            state.rollback(1)
            if not state.consume_token(gold):
                raise Refused


class MaskLLGuidance(LazyLLGuidance):
    """llguidance's mask of the whole vocabulary at every step."""

    name = "llguidance_mask"

    @cached_property
    def mask(self) -> Any:
        """Room for one row's mask."""
        from llguidance.torch import allocate_token_bitmask

        return allocate_token_bitmask(1, self.vocabulary.vocab_size)

    def choose(self, state: Any, row: Any) -> int:
        from llguidance.torch import apply_token_bitmask_inplace, fill_next_token_bitmask

        fill_next_token_bitmask(state, self.mask)
        masked = row[None].clone()
        apply_token_bitmask_inplace(masked, self.mask)
        token = int(masked[0].argmax())
        state.consume_token(token)
        return token


@dataclass
class MaskXGrammar(Plain):
    """xgrammar's mask of the whole vocabulary at every step."""

    name: ClassVar[str] = "xgrammar_mask"
    _compiled: dict[str, Any] = field(default_factory=dict)

    def forget(self) -> None:
        self._compiled.clear()

    @cached_property
    def compiler(self) -> Any:
        """xgrammar's compiler for the tokenizer, on one thread."""
        import xgrammar

        info = xgrammar.TokenizerInfo.from_huggingface(
            self.tokenizer, vocab_size=len(self.tokenizer), stop_token_ids=[self.stop]
        )
        return xgrammar.GrammarCompiler(info, max_threads=1)

    @cached_property
    def mask(self) -> Any:
        """Room for one row's mask."""
        import xgrammar

        return xgrammar.allocate_token_bitmask(1, len(self.tokenizer))

    def begin(self, db_id: str) -> Any:
        import xgrammar

        if db_id not in self._compiled:
            lark = without_flags(grammar_of(self.dataset.schema(db_id)))
            compiler = self.compiler
            self._compiled[db_id] = self.timed(
                lambda: compiler.compile_grammar(xgrammar.Grammar.from_lark(lark))
            )
        return xgrammar.GrammarMatcher(self._compiled[db_id], max_rollback_tokens=2)

    def choose(self, state: Any, row: Any) -> int:
        import xgrammar

        state.fill_next_token_bitmask(self.mask)
        masked = row[None].clone()
        xgrammar.apply_token_bitmask_inplace(masked, self.mask)
        token = int(masked[0].argmax())
        state.accept_token(token)
        return token

    def follow(self, state: Any, chosen: int, gold: int) -> None:
        if chosen != gold:
            state.rollback(1)
            if not state.accept_token(gold):
                raise Refused


def without_flags(lark: str) -> str:
    """Return a grammar of `decoding.lark` without what xgrammar cannot read.

    `(?i:abc)` becomes `([Aa][Bb][Cc])`; names lose the exception of reserved words.
    """
    text = re.sub(r" & ~/[^\n]*?\)/", "", lark.partition("\n")[2])
    written, groups, place = [], list[bool](), 0
    while place < len(text):
        letter = text[place]
        size = 1
        if text.startswith("(?i:", place):
            groups.append(True)
            written.append("(")
            size = 4
        elif not groups:
            written.append(letter)
        elif letter == "\\":
            size = 2
            written.append(text[place : place + 2])
        else:
            if letter == "(":
                groups.append(False)
            elif letter == ")":
                groups.pop()
            is_letter = letter.isascii() and letter.isalpha()
            written.append(f"[{letter.upper()}{letter.lower()}]" if is_letter else letter)
        place += size
    return "".join(written)


@dataclass
class Parsed(Plain):
    """The best two tokens, each taken if sqlglot parses the text with it, or fails at its end.

    PICARD (Scholak et al. 2021) checks two by default and parses incrementally; sqlglot begins
    again at every step. Where neither parses, the best token stands, so that the run goes on.
    """

    name: ClassVar[str] = "picard_like_sqlglot"
    refused: int = 0  # steps at which the gold token was first and did not parse
    asked: int = 0

    def begin(self, db_id: str) -> Any:
        return [b""]

    def choose(self, state: Any, row: Any) -> int:
        read = bind(self.tokenizer).bytes_of
        best = row.topk(2).indices.tolist()
        return next((t for t in best if self._parses(state[0] + (read(t) or b""))), -1)

    def _parses(self, text: bytes) -> bool:
        import sqlglot

        try:
            sqlglot.parse_one(text.decode(errors="replace"), dialect="sqlite")
        except sqlglot.errors.TokenError:
            return True  # a string that is still open
        except sqlglot.errors.ParseError as error:
            place = error.errors[0]
            return not place.get("highlight") or not (place.get("end_context") or "").strip()
        return True

    def follow(self, state: Any, chosen: int, gold: int) -> None:
        self.asked += 1
        self.refused += chosen == -1
        state[0] += bind(self.tokenizer).bytes_of(gold) or b""


def installed(dataset: Any, tokenizer: Any, stop: int) -> tuple[list[Plain], list[str]]:
    """Return the sides that this environment has, and a line for each that it lacks."""
    from importlib.util import find_spec

    sides = {
        "llguidance": (LazyLLGuidance, MaskLLGuidance),
        "xgrammar": (MaskXGrammar,),
        "sqlglot": (Parsed,),
    }
    found = [made(dataset, tokenizer, stop) for n, m in sides.items() if find_spec(n) for made in m]
    missing = [f"{name} is not installed: left out" for name in sides if not find_spec(name)]
    return found, missing
