"""Say of a text, byte by byte, whether it can become SQL that is valid for one schema.

    >>> checker = Checker(schema, dialect="sqlite")
    >>> checker.accepts("SELECT name FROM singer"), checker.prefix_ok("SELECT name FROM concrt")
    (True, False)
    >>> checker.complete("SELECT name")
    'SELECT name FROM singer'

"Valid" means: sqlglot's `qualify` and the engine's EXPLAIN accept it once it is canonicalised
(`text2sql.schema.canonicalise`). States are immutable and interned; a step is remembered for each
(state, bytes), up to a bound.

As PICARD (Scholak et al. 2021, arXiv:2109.05093) it works while a model writes; other than PICARD
it knows what FROM still owes to the names before it, so no prefix of a valid query is refused and
no prefix that is let through is a dead end.

Covered: see `grammar`, `scope` and `lexer`.
Not covered: whether the query answers the question.
"""

import re
from typing import TYPE_CHECKING, Any

from text2sql.decoding.checking import lexer
from text2sql.decoding.checking.actions import Actions
from text2sql.decoding.checking.dialects import DIALECTS
from text2sql.decoding.checking.frames import Block, Context
from text2sql.decoding.checking.grammar import Grammar, compile_grammar
from text2sql.decoding.checking.kinds import PARTS, KindActions, KindScope
from text2sql.decoding.checking.lexer import Place, Reading
from text2sql.decoding.checking.literals import Literals, Values
from text2sql.decoding.checking.machine import CLASSES as TOKEN_CLASSES
from text2sql.decoding.checking.machine import Cell, Machine, Shift
from text2sql.decoding.checking.names import GIVEN, LISTED, NEW, Names
from text2sql.decoding.checking.relations import Origin, table_relations, with_prefix
from text2sql.decoding.checking.scope import DEPTH_LIMIT, OPENING_LIMIT, TRUTHS, Move, Scope
from text2sql.errors import SettingsError
from text2sql.schema.model import Schema

if TYPE_CHECKING:
    from text2sql.decoding.checking.faults import Fault

ORDERS = ("select-first", "from-first")
STATE_LIMIT = 200_000  # states that are remembered at most, about 100 bytes of memory for each step
_DEEPENS = frozenset(
    {"EXISTS", "CAST", "CASE", "IN", "OVER", "FILTER", "EXTRACT", "USING", "WINDOW"}
)
_PART_ENDS = (",", ")", "ORDER")
_SIGNS = frozenset({"+", "-", "~", "NOT"})
_STAR_ENDS = frozenset(
    {",", "FROM", "EOT", ";", ")", "UNION", "INTERSECT", "EXCEPT", "WHERE", "GROUP", "ORDER"}
    | {"LIMIT", "HAVING", "WINDOW", "QUALIFY", "OFFSET"}
)
# ORDER BY after a set operation takes names and numbers of columns, nothing else.
_COMPOUND_TERMS = frozenset(
    {"NUMBER", "<column>", "ASC", "DESC", "NULLS", "FIRST", "LAST", "LIMIT", "OFFSET", "EOT"}
) | set(",);")


class State:
    """Where a text stands; equal ones are one object."""

    __slots__ = ("reading", "steps")

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.steps: dict[bytes, State | None] = {}


class Checker:
    """An incremental acceptor of SQL for one schema.

    Args:
        schema: whose tables and columns may be named.
        dialect: a name in `DIALECTS`.
        order: "from-first" reads `FROM t SELECT x`; see `to_sql`.
        values: the stored values of a column; literals that are compared with it must be one.
        invented: before FROM, let in names that only a derived table of this query can have.
            Without them a model cannot make up a column, and cannot say
            `SELECT avg(n) FROM (SELECT count(*) AS n ...)` either.

    Raises:
        SettingsError: a dialect or order that the checker has no table for.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        dialect: str = "sqlite",
        order: str = "select-first",
        values: Values | None = None,
        invented: bool = True,
    ) -> None:
        if dialect not in DIALECTS:
            known = ", ".join(DIALECTS)
            raise SettingsError(f"no checker for dialect {dialect!r} (known: {known})")
        if order not in ORDERS:
            raise SettingsError(f"order must be one of {', '.join(ORDERS)}: {order!r}")
        self.schema, self.order = schema, order
        self.dialect = DIALECTS[dialect]
        features = self.dialect.features | ({"from_first"} if order == "from-first" else set())
        self.grammar: Grammar = compile_grammar(frozenset(features))
        self.machine = Machine(self.grammar)
        namespaces = table_relations(schema, self.dialect)
        self.scope: Scope = (KindScope if self.dialect.typed else Scope)(namespaces, self.dialect)
        self.actions: Actions = (
            KindActions(self.scope) if isinstance(self.scope, KindScope) else Actions(self.scope)
        )
        self.names = Names(self.scope, self.actions)
        self.scope.invents = invented
        self.literals = Literals(values) if values is not None else None
        if self.literals is not None:
            self.scope.watches = True
            self.actions.watch_literals()
        self.quotes = self.dialect.quotes
        self.signs = _signs(self.grammar)
        self.operators = self.grammar.first["tail_1_8"]
        self.continuing = self.operators | {"(", ".", "COLLATE", "::", "+", "-"}
        self._states: dict[Reading, State] = {}
        self._begins: dict[Any, bool] = {}
        bottom = self.machine.push(("statement",), None)
        assert bottom is not None
        self.start = self._state(((bottom, None, None), lexer.READY, None))

    # --- the public questions ----------------------------------------------------------------

    def step(self, state: State, data: bytes) -> State | None:
        """Return the state after some bytes; None where no legal text continues so."""
        try:
            return state.steps[data]
        except KeyError:
            pass
        reading = lexer.feed(self, state.reading, data)
        after = self._state(reading) if reading is not None else None
        state.steps[data] = after
        return after

    def may_end(self, state: State) -> bool:
        """Tell whether the text may end in this state."""
        return self.step(state, b"") is not None and self._ended(state)

    def accepts(self, sql: str) -> bool:
        """Tell whether a text is valid for the schema."""
        state = self.read(sql)
        return state is not None and self.may_end(state)

    def prefix_ok(self, text: str) -> bool:
        """Tell whether a text can be continued to a valid one."""
        return self.read(text) is not None

    def read(self, text: str) -> State | None:
        """Return the state after a text; None where it is no prefix of anything valid."""
        try:
            data = text.encode()
        except UnicodeEncodeError:
            return None
        return self.step(self.start, data)

    def completion(self, state: State) -> bytes:
        """Return a shortest legal completion, b"" where the text may end."""
        from text2sql.decoding.checking.completion import complete

        return complete(self, state)

    def complete(self, prefix: str) -> str:
        """Return a text with a shortest legal completion behind it.

        Raises:
            ValueError: the text cannot become valid.
        """
        state = self.read(prefix)
        if state is None:
            raise ValueError(f"no valid SQL begins so: {prefix!r}")
        return prefix + self.completion(state).decode()

    def explain(self, sql: str) -> "Fault | None":
        """Return the first fault of a text, in words; None where the text is accepted."""
        from text2sql.decoding.checking.faults import explain

        return explain(self, sql)

    def to_sql(self, text: str) -> str:
        """Return an accepted text as ordinary SQL, SELECT before FROM.

        Raises:
            ValueError: the text is not accepted, and the order is not that of ordinary SQL.
        """
        from text2sql.decoding.checking.rewriting import to_sql

        return to_sql(self, text)

    # --- states ------------------------------------------------------------------------------

    def _state(self, reading: Reading) -> State:
        state = self._states.get(reading)
        if state is None:
            if len(self._states) >= STATE_LIMIT:
                self.forget()
            state = self._states[reading] = State(reading)
        return state

    def forget(self) -> None:
        """Drop what is remembered; states in use stay valid."""
        for state in self._states.values():
            state.steps.clear()
        self._states.clear()
        self._begins.clear()
        self.machine.clear()
        self.scope.frames.clear()

    def _ended(self, state: State) -> bool:
        key = ("end", state)
        found = self._begins.get(key)
        if found is None:
            place = lexer.finish(self, state.reading)
            found = place is not None and self.shift(place, "EOT") is not None
            self._begins[key] = found
        return found

    # --- terminals ---------------------------------------------------------------------------

    def shift(self, place: Place, terminal: str, payload: Any = None) -> Place | None:
        """Return the place after a terminal; None where it is not legal."""
        cell, frame, held = place
        found = self.machine.shift(cell, terminal)
        if found is None or not self.allows(cell, frame, terminal):
            return None
        alone = terminal not in self.continuing
        move = Move(frame, held, terminal, payload, cell, cell.depth, alone)
        return self._run(found, move)

    def _run(self, found: Shift, move: Move) -> Place | None:
        table = self.actions.table
        for name in found.before:
            action = table.get(name)
            if action is not None and not action(move):
                return None
        kind = getattr(move.frame, "kind", None)
        if (kind == "operand" or kind == "primary") and self._joins(move.terminal, kind):
            return None
        if move.terminal == "<column>":
            move.held = ("name", *move.payload)
        for name in found.after:
            action = table.get(name)
            if action is not None and not action(move):
                return None
        return found.cell, move.frame, move.held

    def allows(self, cell: Cell, frame: Any, terminal: str) -> bool:
        """Tell whether a frame and the stack have room for a terminal; shift asks for the rest."""
        if cell.depth >= OPENING_LIMIT and self._deepens(cell, terminal):
            return False
        item = getattr(frame, "item", None)
        if item.__class__ is tuple:
            return terminal in _STAR_ENDS
        if getattr(frame, "phase", None) == "compound":
            return terminal in _COMPOUND_TERMS
        kind = getattr(frame, "kind", None)
        if kind == "row":
            return terminal in ("IN", "NOT", "(")
        if kind == "row_in":
            return terminal in ("SELECT", "WITH", "FROM")
        if isinstance(self.actions, KindActions):
            part = self.actions.part_of(frame)
            if part is not None and terminal not in (_PART_ENDS if frame.stack else PARTS[part]):
                return False
        return True

    def _deepens(self, cell: Cell, terminal: str) -> bool:
        """Tell whether a terminal would open more than there is room for."""
        if terminal == "(":
            return cell.depth >= DEPTH_LIMIT
        if terminal in _SIGNS:  # before an operand, not between two
            return cell.symbol.startswith(("expr_", "unary"))
        return terminal in _DEEPENS

    def _joins(self, terminal: str, kind: str) -> bool:
        """Tell whether a terminal would make an argument more than its function reads."""
        if kind == "primary":
            return terminal in self.grammar.first["tail_1_8"] or terminal in ("NOT", "COLLATE", "~")
        return terminal in self.grammar.first["tail_1_8"] - self.grammar.first["tail_5_8"] or (
            terminal == "NOT"
        )

    # --- what the lexer asks -----------------------------------------------------------------

    def word(self, place: Place, text: bytes) -> Place | None:
        """Read a whole bare word: a keyword where one is legal, else a name."""
        cell = place[0]
        keyword = text.decode("utf-8", "replace").upper()
        if keyword in cell.terminals and keyword not in TOKEN_CLASSES:
            after = self.shift(place, keyword)
            if after is not None:
                return after
        return self.name(place, text, 0)

    def name(self, place: Place, text: bytes, quoted: int) -> Place | None:
        """Read a whole name."""
        if not text.isascii() and lexer.cut(text) != b"":
            return None
        cell, frame, _ = place
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
            if terminal in LISTED and folded not in self.names.listed[terminal]:
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
        key = ("word", place, text)
        found = self._begins.get(key)
        if found is None:
            found = self._begins[key] = self._word_begins(place, text)
        return found

    def _word_begins(self, place: Place, text: bytes) -> bool:
        if not text.isascii() and not self.names.begins_name(text):
            return False
        cell, frame, held = place
        for word in with_prefix(cell.words, text):
            if self.shift(place, word.decode().upper()) is not None:
                return True
        return any(
            self.names.prefix_ok(terminal, frame, held, text, cell.depth)
            and self._may_be_given(place, terminal, text)
            for terminal in cell.names
        )

    def _may_be_given(self, place: Place, terminal: str, text: bytes) -> bool:
        """Tell whether what comes before a new name lets one stand: `nme alias` where no nme is."""
        if terminal not in NEW:
            return True
        whole = text if not text or lexer.cut(text) == b"" else b"x"
        return self.shift(place, terminal, (whole + b"_x", 0)) is not None

    def name_begins(self, place: Place, text: bytes, quoted: int) -> bool:
        """Tell whether a legal quoted name begins so."""
        cell, frame, held = place
        folded = self.dialect.fold(text, quoted=True)
        for terminal in cell.names:
            if terminal in LISTED or terminal in ("<window>", "<new_window>"):
                continue
            may_be_string = terminal == "<column>" and self.dialect.string_fallback
            if quoted == 1 and may_be_string and self._string_may_stand(frame):
                return True
            if terminal in GIVEN and len(text) > self.dialect.name_limit - 4:
                continue
            begun = self.names.prefix_ok(terminal, frame, held, folded, OPENING_LIMIT, quoted=True)
            if begun and self._may_be_given(place, terminal, folded):
                return True
        return False

    def _string_may_stand(self, frame: Any) -> bool:
        phase = self.scope.block_of(frame).phase
        return phase not in ("limit", "compound")

    def number(self, place: Place, text: bytes) -> Place | None:
        """Read a whole number."""
        cell = place[0]
        origin = self.compared(place)
        if origin and not self.literals.has(origin, text):  # type: ignore[union-attr]
            return None
        if text.isdigit() and len(text) <= lexer.MAX_DIGITS:
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
        is_whole = text.isdigit() and len(text) <= lexer.MAX_DIGITS
        if is_whole and not cell.terminals.isdisjoint(("<count>", "ARROW_KEY")):
            return not self.dialect.typed or self.number(place, text) is not None
        if "NUMBER" not in cell.terminals or (b"x" in text and not self.dialect.hex_numbers):
            return False
        origin = self.compared(place)
        if origin and not self.literals.begins(origin, text):  # type: ignore[union-attr]
            return False
        if getattr(frame, "phase", None) == "compound":
            outputs = len(self.scope.query_of(frame).outputs)
            return text.isdigit() and text[:1] != b"0" and int(text) <= outputs
        probe = b"1.0"
        if self.dialect.typed:
            probe = text if lexer.is_number(text) else text + b"0"
        return self.shift(place, "NUMBER", probe) is not None

    def comment_begins(self, place: Place) -> bool:
        """Tell whether a comment may stand here: not between ORDER and BY, which sqlglot joins."""
        return bool(place[0].symbol != "BY")

    def string(self, place: Place, text: bytes | None) -> Place | None:
        """Read a whole string."""
        cell = place[0]
        origin = self.compared(place)
        if origin and not self.literals.has(origin, text or b""):  # type: ignore[union-attr]
            return None
        told = self._told(place)
        if told is not None and not told.text_ok(*place, text or b""):
            return None
        for terminal in ("STRING", "ARROW_KEY", "STRING_INTERVAL"):
            if terminal in cell.terminals:
                return self.shift(place, terminal, text)
        if "ESCAPE_STRING" in cell.terminals:
            return self.shift(place, "ESCAPE_STRING", text) if text and len(text) == 1 else None
        if self.dialect.string_alias and "<table>" in cell.terminals and text:
            return self.shift(place, "<table>", (self.dialect.fold(text, quoted=True), 3))
        if self.dialect.string_alias and "<alias>" in cell.terminals and text:
            return self.shift(place, "<alias>", (self.dialect.fold(text, quoted=True), 3))
        return None

    def string_begins(self, place: Place, text: bytes | None) -> bool:
        """Tell whether a legal string begins so."""
        cell = place[0]
        origin = self.compared(place)
        if origin and not self.literals.begins(origin, text or b""):  # type: ignore[union-attr]
            return False
        told = self._told(place)
        if text is not None and told is not None:
            terminal = "STRING_INTERVAL" if "STRING_INTERVAL" in cell.terminals else "STRING"
            return self.shift(place, terminal) is not None and told.text_begins(*place, text)
        if "ESCAPE_STRING" in cell.terminals:
            return text is not None and len(text) <= 1 and text != b"'" and text.isascii()
        if "<table>" in cell.terminals and self.dialect.string_alias:
            folded = self.dialect.fold(text or b"", quoted=True)
            return self.names.prefix_ok("<table>", place[1], place[2], folded, 0)
        if "<alias>" in cell.terminals and self.dialect.string_alias:
            return len(text or b"") <= self.dialect.name_limit
        terminals = ("STRING", "ARROW_KEY", "STRING_INTERVAL")
        return any(t in cell.terminals and self.shift(place, t) is not None for t in terminals)

    def string_matters(self, place: Place) -> bool:
        """Tell whether what a string says decides if it is legal here."""
        terminals = place[0].terminals
        if self.compared(place):
            return True
        matters = not terminals.isdisjoint(("ESCAPE_STRING", "<alias>", "<table>"))
        return matters or self._is_kept(place)

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

    def compared(self, place: Place) -> Origin:
        """Return the column whose values alone a literal at this place may be; None: any."""
        if self.literals is None:
            return None
        cell, frame, held = place
        if held is not None and held[0] == "compare":
            origin: Origin = held[1]
        elif isinstance(frame, Context) and frame.kind == "in" and cell.symbol.startswith("expr_1"):
            origin = frame.detail
        else:
            return None
        if not isinstance(origin, tuple):
            return None
        return origin if origin and self.literals.stored(origin) is not None else None

    def sign(self, place: Place, text: bytes) -> Place | None:
        """Read a whole operator or punctuation mark."""
        terminal = text.decode("latin-1")
        return self.shift(place, terminal) if terminal in place[0].terminals else None

    def sign_begins(self, place: Place, text: bytes) -> bool:
        """Tell whether a legal operator or punctuation mark begins so."""
        terminals = place[0].terminals
        return any(
            sign in terminals and self.shift(place, sign) is not None
            for sign in self.signs.get(text, ())
        )

    def sample(self, block: Block, qualifier: bytes | None, name: bytes) -> bytes:
        """Return a value that the column which FROM owes by a name may have."""
        if not isinstance(self.scope, KindScope):
            return b"1"
        return self.scope.sample(block, qualifier, name)

    def productions(self) -> list[str]:
        """Return every production of the grammar, as it is written."""
        return [self.grammar.describe(name) for name in self.grammar.names]


def _signs(grammar: Grammar) -> dict[bytes, tuple[str, ...]]:
    """Return the operators and punctuation marks by each way to begin them."""
    found: dict[bytes, set[str]] = {}
    for choices in grammar.table.values():
        for sign in choices:
            if not re.match(r"[A-Za-z@]|<\w", sign):
                for end in range(1, len(sign) + 1):
                    found.setdefault(sign[:end].encode(), set()).add(sign)
    for bodies in grammar.alternatives.values():
        for sign in {s for body in bodies for s in body if not re.match(r"[A-Za-z@]|<\w", s)}:
            for end in range(1, len(sign) + 1):
                found.setdefault(sign[:end].encode(), set()).add(sign)
    return {begun: tuple(sorted(signs)) for begun, signs in found.items()}
