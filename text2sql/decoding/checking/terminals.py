"""Which terminal of the grammar a lexeme is, whole or begun: what the lexer asks of the checker.

    >>> checker.word(place, b"select"), checker.number_begins(place, b"1.")

A bare word is a keyword where one is legal, else a name; a string may be a literal, a key of JSON,
an alias or a table. A lexeme may begin so only while some legal one does.

Covered: words, names in quotes, numbers, strings, operators; stored values where only those stand.
Not covered: bytes; see `lexer`.
"""

import re
from typing import TYPE_CHECKING, Any

from text2sql.decoding.checking import lexer
from text2sql.decoding.checking.actions import Actions
from text2sql.decoding.checking.dialects import Dialect
from text2sql.decoding.checking.frames import Block, Context
from text2sql.decoding.checking.kinds import KindActions, Operand
from text2sql.decoding.checking.lexer import Place
from text2sql.decoding.checking.literals import Beside, Literals, begins_number, says_number
from text2sql.decoding.checking.lookups import TRUTHS
from text2sql.decoding.checking.machine import CLASSES as TOKEN_CLASSES
from text2sql.decoding.checking.names import GIVEN, LISTED, NEW, Names
from text2sql.decoding.checking.obligations import FRESH
from text2sql.decoding.checking.relations import STAR, Origin
from text2sql.decoding.checking.scope import OPENING_LIMIT, Scope

_SECOND_WORDS = frozenset({"BY", "TO", "SETS"})  # of ORDER BY, SIMILAR TO, GROUPING SETS
# words that may be names of columns and tables
_CALLED = frozenset(
    {"POSITION", "MAKE_INTERVAL", "UNNEST", "GENERATE_SERIES", "JSON_EACH", "JSON_TREE"}
)
_IN_LIST = ("in_list", "expr_1")  # where a value of IN begins
_AFTER_IS = ("is_tail", "is_value")
_DOUBLE, _NAMED = 1, 2  # how a name is written: in double quotes, in others
_WHOLE = re.compile(rb"\d+(\.0*|e\+?\d+)")


class Terminals:
    """The half of a checker that reads lexemes."""

    dialect: Dialect
    scope: Scope
    actions: Actions
    names: Names
    literals: Literals | None
    types: bool  # declared types count, in a dialect that takes any value anywhere
    signs: dict[bytes, tuple[str, ...]]

    if TYPE_CHECKING:

        def shift(self, place: Place, terminal: str, payload: Any = None) -> Place | None: ...

        def allows(self, cell: Any, frame: Any, terminal: str) -> bool: ...

    def word(self, place: Place, text: bytes) -> Place | None:
        """Read a whole bare word: a keyword where one is legal, else a name."""
        return self._keyword(place, text) or self.name(place, text, 0)

    def _keyword(self, place: Place, text: bytes) -> Place | None:
        keyword = text.decode("utf-8", "replace").upper()
        named = text in self.scope.all_columns or text in self.scope.tables
        called = keyword in _CALLED or (keyword == "RANGE" and "<table>" in place[0].terminals)
        column = called and (named or self.scope.is_made(place[1], text))
        if keyword not in place[0].terminals or keyword in TOKEN_CLASSES or column:
            return None
        return self.shift(place, keyword)

    def written_name(self, place: Place, text: bytes, quoted: int) -> Place | None:
        """Read a name as it is written: None where a bare one is read as a keyword."""
        if not quoted and self._keyword(place, text) is not None:
            return None
        return self.name(place, text, quoted)

    def name(self, place: Place, text: bytes, quoted: int) -> Place | None:
        """Read a whole name."""
        if text == STAR or (not text.isascii() and lexer.cut(text) != b""):
            return None
        cell, frame, _ = place
        if quoted == lexer.BRACKETED:
            quoted = _NAMED
        if quoted == _DOUBLE and self.wants_number(place) and not says_number(text):
            quoted = _NAMED  # no string may stand here
        folded = self.dialect.fold(text, quoted=bool(quoted))
        if folded in TRUTHS and cell.terminals & {"<alias>", "<bare_alias>", "<new_column>"}:
            return None
        for terminal in cell.names:
            if not quoted and not self.names.may_be_bare(terminal, folded):
                continue
            if quoted and (not self._may_be_quoted(terminal, text)):
                continue
            if terminal == "<column>" and not self.names.word_fits(
                frame, folded, quoted, cell.depth
            ):
                continue
            if terminal == "<column>" and folded == b"json" and cell.symbol in _AFTER_IS:
                continue  # to sqlglot IS JSON asks whether a text is JSON
            if terminal in LISTED and not self.names.is_listed(terminal, folded):
                continue
            after = self.shift(place, terminal, (folded, quoted))
            if after is not None:
                return after
        return None

    def _may_be_quoted(self, terminal: str, text: bytes) -> bool:
        if terminal in LISTED or terminal in ("<window>", "<new_window>") or not text:
            return False
        return terminal not in GIVEN or len(text) <= self.dialect.name_limit

    def word_begins(self, place: Place, text: bytes) -> bool:
        """Tell whether a legal word begins so."""
        if not text.isascii() and not self.names.begins_name(text):
            return False
        cell, frame, held = place
        if text == b"x" and "BLOB" in cell.terminals and self.blob(place) is not None:
            return True
        for keyword in cell.keywords(text):
            if self.shift(place, keyword) is not None:
                return True
        for terminal in cell.names:
            if not self.allows(cell, frame, terminal):
                continue
            begun = self.names.prefix_ok(terminal, frame, held, text, cell.depth)
            if begun and self._may_be_given(place, terminal):
                return True
        return False

    def _may_be_given(self, place: Place, terminal: str) -> bool:
        """Tell whether what comes before a new name lets one stand: `nme alias` where no nme is."""
        if terminal not in NEW or (place[2] and place[2][0] == "rows as"):
            return True
        return self.shift(place, terminal, (FRESH, 0)) is not None

    def name_begins(self, place: Place, text: bytes, quoted: int) -> bool:
        """Tell whether a legal quoted name begins so."""
        cell, frame, held = place
        folded = self.dialect.fold(text, quoted=True)
        without = b"]" if quoted == lexer.BRACKETED else b""
        for terminal in cell.names:
            if terminal in LISTED or terminal in ("<window>", "<new_window>"):
                continue
            if not self.allows(cell, frame, terminal):
                continue
            may_be_string = terminal == "<column>" and self.dialect.string_fallback
            if quoted == _DOUBLE and may_be_string and self._may_begin_string(place, text):
                return True
            if terminal in GIVEN and lexer.whole_size(text) > self.dialect.name_limit:
                continue
            begun = self.names.prefix_ok(
                terminal, frame, held, folded, OPENING_LIMIT, quoted=True, without=without
            )
            if begun and self._may_be_given(place, terminal):
                return True
        return False

    def _may_begin_string(self, place: Place, text: bytes) -> bool:
        """Tell whether double quotes may hold a string that begins so."""
        told = not self.wants_number(place) or begins_number(text)
        return told and self.names.string_fits(place[1])

    def number(self, place: Place, text: bytes) -> Place | None:
        """Read a whole number."""
        cell = place[0]
        origin = self.compared(place)
        if origin and not self.literals.has(origin, text):  # type: ignore[union-attr]
            return None
        if self._is_whole(place, text):
            for terminal in ("<count>", "ARROW_KEY"):
                if terminal in cell.terminals:
                    return self.shift(place, terminal, text)
        return self.shift(place, "NUMBER", text)

    def number_begins(self, place: Place, text: bytes) -> bool:
        """Tell whether a legal number begins so."""
        cell, frame, _ = place
        begins = cell.symbol in ("items", "distinct_on", "case")
        if text[:1] == b"." and (begins or getattr(frame, "distinct", False)):
            return False  # sqlglot does not read DISTINCT .5 and CASE .5
        if self._is_whole(place, text, begun=True) and not cell.terminals.isdisjoint(
            ("<count>", "ARROW_KEY")
        ):
            return not self.dialect.typed or self.number(place, text) is not None
        if "NUMBER" not in cell.terminals or (b"x" in text and not self.dialect.hex_numbers):
            return False
        origin = self.compared(place)
        if origin and not self.literals.begins(origin, text):  # type: ignore[union-attr]
            return False
        led = isinstance(frame, Block) and self.scope.is_led(frame)
        if led or getattr(frame, "phase", None) == "compound":
            shown = frame.outputs if led else self.scope.query_of(frame).outputs
            outputs = len(shown)
            placed = text.isdigit() and text[:1] != b"0" and int(text) <= outputs
            return placed and self.shift(place, "NUMBER", text) is not None
        probes = [b"1.0"]
        if b"x" in text or self.dialect.typed:
            probes = [text if lexer.is_number(text) else text + b"0"]
        if self.dialect.typed:  # 0 may divide nothing
            probes += [t for t in (text + b".5", text + b"5") if lexer.is_number(t)]
        return any(self.shift(place, "NUMBER", probe) is not None for probe in probes)

    def _is_whole(self, place: Place, text: bytes, *, begun: bool = False) -> bool:
        """Tell whether a number is whole, or begins as one: LIMIT 1e3 says so otherwise."""
        if text.isdigit():
            return len(text) <= lexer.MAX_DIGITS
        frame = place[1]
        limits = isinstance(frame, Block) and frame.phase == "limit"
        if not limits or "limit_sums" not in self.dialect.features:
            return False
        text = text + b"0" if begun and text[-1:] in (b"e", b"+", b"x") else text
        if text[:2] == b"0x":
            return lexer.is_number(text)
        return _WHOLE.fullmatch(text) is not None and float(text) < 10.0**lexer.MAX_DIGITS

    def comment_begins(self, place: Place) -> bool:
        """Tell whether a comment may stand here: not between ORDER and BY, which sqlglot joins."""
        cell, frame, held = place
        splits_type = held is not None and held[0] == "type of"
        casts = cell.symbol == "type" and isinstance(frame, Context) and frame.kind == "paren"
        if casts and not self.dialect.cast_comments:
            return False  # DuckDB takes `::--` for an operator of its own
        if self.dialect.typed and not self.scope.invents:
            return False  # where kinds must fit a model that is at a loss would hide in one
        return cell.symbol not in _SECOND_WORDS and not splits_type

    def string(self, place: Place, text: bytes | None) -> Place | None:
        """Read a whole string."""
        cell = place[0]
        origin = self.compared(place)
        if origin and not self.literals.has(origin, text or b""):  # type: ignore[union-attr]
            return None
        if self.wants_number(place) and not says_number(text or b""):
            return None
        told = self._told(place)
        if told is not None and not told.text_ok(*place, text or b""):
            return None
        for terminal in ("STRING", "ARROW_KEY", "STRING_INTERVAL"):
            if terminal in cell.terminals:
                return self.shift(place, terminal, text)
        if "ESCAPE_STRING" in cell.terminals:
            return self.shift(place, "ESCAPE_STRING", text) if text and len(text) == 1 else None
        if not text or text == STAR:
            return None
        if "<member>" in cell.terminals:
            return self.shift(place, "<member>", (text, 3)) if self._may_be_member(text) else None
        if self.dialect.string_alias and "<table>" in cell.terminals:
            return self.shift(place, "<table>", (self.dialect.fold(text, quoted=True), 3))
        if self.dialect.string_alias and "<alias>" in cell.terminals:
            return self.shift(place, "<alias>", (self.dialect.fold(text, quoted=True), 3))
        return None

    def blob(self, place: Place) -> Place | None:
        """Read a whole blob."""
        return None if self.compared(place) else self.shift(place, "BLOB")

    def string_begins(self, place: Place, text: bytes | None) -> bool:
        """Tell whether a legal string begins so."""
        cell = place[0]
        origin = self.compared(place)
        if origin and not self.literals.begins(origin, text or b""):  # type: ignore[union-attr]
            return False
        if self.wants_number(place) and not begins_number(text or b""):
            return False
        told = self._told(place)
        if text is not None and told is not None:
            told_apart = ("STRING_INTERVAL", "ARROW_KEY")
            terminal = next((t for t in told_apart if t in cell.terminals), "STRING")
            return self.shift(place, terminal) is not None and told.text_begins(*place, text)
        if "ESCAPE_STRING" in cell.terminals:
            return text is not None and len(text) <= 1 and text != b"'" and text.isascii()
        if "<member>" in cell.terminals:
            begun = self._may_be_member(text or b"")
            return begun and self._begins_known("<member>", place, text or b"")
        if "<table>" in cell.terminals and self.dialect.string_alias:
            if not self.allows(cell, place[1], "<table>"):
                return False
            folded = self.dialect.fold(text or b"", quoted=True)
            return self._begins_known("<table>", place, folded)
        if "<alias>" in cell.terminals and self.dialect.string_alias:
            return lexer.whole_size(text or b"") <= self.dialect.name_limit
        terminals = ("STRING", "ARROW_KEY", "STRING_INTERVAL")
        return any(t in cell.terminals and self.shift(place, t) is not None for t in terminals)

    def _begins_known(self, terminal: str, place: Place, text: bytes) -> bool:
        """Tell whether a name of a class that is legal here begins as a string does."""
        return self.names.prefix_ok(terminal, place[1], place[2], text, 0, quoted=True)

    def _may_be_member(self, text: bytes) -> bool:
        """Tell whether a string names a column after a dot: to sqlglot only in small letters."""
        return self.dialect.string_alias and text == self.dialect.fold(text, quoted=True)

    def string_matters(self, place: Place) -> bool:
        """Tell whether what a string says decides if it is legal here."""
        terminals = place[0].terminals
        if self.compared(place) or self.wants_number(place):
            return True
        matters = not terminals.isdisjoint(("ESCAPE_STRING", "<alias>", "<table>", "<member>"))
        return matters or self.actions.lends(place[1]) or self._is_kept(place)

    def _is_kept(self, place: Place) -> bool:
        """Tell whether what a string says decides anything, here or later."""
        if not isinstance(self.actions, KindActions):
            return False
        return self.actions.keeps_text(place[1]) or self._told(place) is not None

    def _told(self, place: Place) -> KindActions | None:
        """Return what judges a string that is a unit, a format, a date or the like."""
        actions = self.actions
        is_told = isinstance(actions, KindActions) and actions.reads_text(*place)
        return actions if is_told else None  # type: ignore[return-value]

    def _beside(self, place: Place) -> Beside | None:
        """Return what a literal at this place is compared with; None: nothing that is known."""
        if self.literals is None and not self.types:
            return None
        cell, frame, held = place
        found = None
        if held is not None and held[0] == "compare":
            found = held[1]
        elif isinstance(frame, Context) and frame.kind == "in" and cell.symbol in _IN_LIST:
            found = frame.detail
            found = found.beside if isinstance(found, Operand) else found
        return found if isinstance(found, Beside) else None

    def compared(self, place: Place) -> Origin:
        """Return the column whose values alone a literal at this place may be; None: any."""
        beside = self._beside(place)
        if beside is None or beside.origin is None or self.literals is None:
            return None
        return beside.origin if self.literals.stored(beside.origin) is not None else None

    def wants_number(self, place: Place) -> bool:
        """Tell whether a text at this place must say a number; see `affinities`."""
        beside = self._beside(place)
        return beside is not None and beside.number

    def sign(self, place: Place, text: bytes) -> Place | None:
        """Read a whole operator or punctuation mark."""
        terminal = text.decode("latin-1")
        return self.shift(place, terminal) if terminal in place[0].terminals else None

    def sign_begins(self, place: Place, text: bytes) -> bool:
        """Tell whether a legal operator or punctuation mark begins so."""
        terminals = place[0].terminals
        for sign in self.signs.get(text, ()):
            if sign in terminals and self.shift(place, sign) is not None:
                return True
        return False
