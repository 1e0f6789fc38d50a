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

from typing import TYPE_CHECKING, Any

from text2sql.decoding.checking import lexer
from text2sql.decoding.checking.actions import Actions
from text2sql.decoding.checking.affinities import AffinityActions, AffinityScope, family_of
from text2sql.decoding.checking.completion import complete
from text2sql.decoding.checking.dialects import DIALECTS
from text2sql.decoding.checking.foresight import Foresight
from text2sql.decoding.checking.frames import Block, Call, Context, Reference
from text2sql.decoding.checking.kinds import PARTS, KindActions, KindScope
from text2sql.decoding.checking.kinds.calls import GROUPING
from text2sql.decoding.checking.kinds.lists import may_begin, wants_list
from text2sql.decoding.checking.kinds.scope import makes_rows
from text2sql.decoding.checking.lexer import Place, Reading
from text2sql.decoding.checking.literals import Literals, Values
from text2sql.decoding.checking.lookups import DERIVED
from text2sql.decoding.checking.machine import Cell, Shift, machine_of
from text2sql.decoding.checking.names import Names
from text2sql.decoding.checking.relations import Tables, table_relations
from text2sql.decoding.checking.scope import (
    DEPTH_LIMIT,
    OPENING_LIMIT,
    OPERATOR_LIMIT,
    TERM_LIMIT,
    Move,
    Scope,
)
from text2sql.decoding.checking.terminals import Terminals
from text2sql.errors import SettingsError
from text2sql.schema.model import Schema

if TYPE_CHECKING:
    from text2sql.decoding.checking.faults import Fault

ORDERS = ("select-first", "from-first")
STATE_LIMIT = 50_000  # states that are remembered at most, about 1.6 kB each with what leads there
UNKNOWN: Any = object()  # in place of an exception: much is asked for the first time
_DEEPENS = frozenset(
    {"EXISTS", "CAST", "CASE", "IN", "OVER", "FILTER", "EXTRACT", "POSITION", "USING", "WINDOW"}
    | {"TRY_CAST", "ANY", "SOME", "ROLLUP", "CUBE", "GROUPING", "[", "ARRAY", "MAKE_INTERVAL"}
    | {"LATERAL", "UNNEST", "GENERATE_SERIES", "JSON_EACH", "JSON_TREE"}
)
_ROOM = 30  # places beyond DEPTH_LIMIT for one more query, where no parser counts them
_PART_ENDS = (",", ")", "ORDER")
_ROWS = frozenset({"row", "row_in", "row_side", "row_done"})
_ROW_SIGNS = frozenset({"=", "==", "<>", "!=", "<", ">", "<=", ">="})
_SIGNS = frozenset({"+", "-", "~", "NOT"})
_STAR_ENDS = frozenset(
    {",", "FROM", "EOT", ";", ")", "UNION", "INTERSECT", "EXCEPT", "WHERE", "GROUP", "ORDER"}
    | {"LIMIT", "HAVING", "WINDOW", "QUALIFY", "OFFSET", "FETCH"}
)
_QUERIES = frozenset({"SELECT", "WITH", "VALUES"})
# ORDER BY after a set operation takes names and numbers of columns, nothing else.
_COMPOUND_TERMS = frozenset(
    {"NUMBER", "<column>", "ASC", "DESC", "NULLS", "FIRST", "LAST", "LIMIT", "OFFSET", "EOT"}
    | {"FETCH", "NEXT"}
) | set(",);")

# grouping() takes a column.
_ONE_COLUMN = frozenset({"<column>", "<member>", ".", ")"})
# ORDER BY in an aggregate of distinct values takes the column that it is of.
_REPEATED_TERMS = frozenset({*",).", "<column>", "<member>"}) | {
    *("ASC", "DESC", "NULLS", "FIRST", "LAST")
}


class State:
    """Where a text stands; equal ones are one object."""

    __slots__ = ("ends", "reading", "steps")

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.steps: dict[bytes, State | None] = {}
        self.ends: bool | None = None  # whether a text may end here; None: nobody has asked


class Checker(Terminals):
    """An incremental acceptor of SQL for one schema.

    Args:
        schema: whose tables and columns may be named.
        dialect: a name in `DIALECTS`.
        order: "from-first" reads `FROM t SELECT x`; see `to_sql`.
        values: the stored values of a column; literals that are compared with it must be one.
        invented: before FROM, let in names that only a derived table of this query can have, and
            in CAST words that SQLite alone takes for types.
            Without them a model cannot make up a column or misspell a type, and cannot say
            `SELECT avg(n) FROM (SELECT count(*) AS n ...)` either. Where operands must fit
            there is then no literal either that only a CAST or `||` would make fit.
        self_joins: let a table stand twice in one FROM, under an alias.
        types: keep to declared types where they are sure; see `affinities`. Engines other than
            SQLite do so themselves.

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
        self_joins: bool = True,
        types: bool = False,
    ) -> None:
        if dialect not in DIALECTS:
            known = ", ".join(DIALECTS)
            raise SettingsError(f"no checker for dialect {dialect!r} (known: {known})")
        if order not in ORDERS:
            raise SettingsError(f"order must be one of {', '.join(ORDERS)}: {order!r}")
        self.schema, self.order = schema, order
        self.dialect = DIALECTS[dialect]
        features = self.dialect.features
        if order == "from-first":
            features = features - {"from_too"} | {"from_first"}
        self.machine = machine_of(frozenset(features))
        self.grammar = self.machine.grammar
        self.types = types and not self.dialect.typed
        kind_of = family_of if self.types else self.dialect.kind_of
        self.scope = self._scope(table_relations(schema, self.dialect, kind_of))
        self.actions = _actions(self.scope)
        self.names = Names(self.scope, self.actions)
        self.scope.invents, self.scope.joins_itself = invented, self_joins
        self.literals = Literals(values) if values is not None else None
        if self.literals is not None:
            self.scope.watches = True
        if self.literals is not None or self.types:
            self.actions.watch_columns()
        self.quotes, self.touching = self.dialect.quotes, self.dialect.touching
        self.long_signs = self.dialect.long_signs
        self.signs = self.machine.signs
        self.operators = self.grammar.first["tail_1_8"]
        self.comparing = self.operators - self.grammar.first["tail_5_8"]
        self.waiting = self.operators - {"AND"}  # which also stands in BETWEEN
        self.continuing = self.operators | {"(", ".", "COLLATE", "::", "+", "-"}
        self._states: dict[Reading, State] = {}
        self._shifted: dict[Any, Place | None] = {}
        self._finished: dict[Reading, Place | None] = {}
        self._foresight = Foresight(self) if isinstance(self.actions, KindActions) else None
        bottom = self.machine.push(("statement",), None)
        assert bottom is not None
        self.start = self.state_of(((bottom, None, None), lexer.READY, None))

    def _scope(self, namespaces: dict[bytes | None, Tables]) -> Scope:
        if self.dialect.typed:
            return KindScope(namespaces, self.dialect)
        return (AffinityScope if self.types else Scope)(namespaces, self.dialect)

    # --- the public questions ----------------------------------------------------------------

    def step(self, state: State, data: bytes) -> State | None:
        """Return the state after some bytes; None where no legal text continues so."""
        after: State | None = state.steps.get(data, UNKNOWN)
        if after is not UNKNOWN:
            return after
        reading = lexer.feed(self, state.reading, data)
        lives = reading is not None and (self._foresight is None or self._foresight.ends(reading))
        after = self.state_of(reading) if lives else None  # type: ignore[arg-type]
        state.steps[data] = after
        return after

    def lives(self, reading: Reading) -> bool:
        """Tell whether a text can still become valid, where the rules leave that open."""
        return self._foresight is None or self._foresight.ends(reading)

    def may_end(self, state: State) -> bool:
        """Tell whether the text may end in this state."""
        if state.ends is None:
            place = self.finish(state.reading)
            state.ends = place is not None and self.shift(place, "EOT") is not None
        return state.ends

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
        if self._foresight is not None:
            return self._foresight.completion(state.reading)
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

    def state_of(self, reading: Reading) -> State:
        """Return the state of a text of which so much is read."""
        state = self._states.get(reading)
        if state is None:
            if max(len(self._states), len(self._shifted) // 2) >= STATE_LIMIT:
                self.forget()
            state = self._states[reading] = State(reading)
        return state

    def begin_alone(self) -> None:
        """Share nothing that is remembered with the checker that this one is a copy of."""
        self._states, self._shifted, self._finished = {}, {}, {}
        self._foresight = None

    def forget(self) -> None:
        """Drop what is remembered; states in use stay valid."""
        if self._foresight is not None:
            self._foresight.forget()
        for state in self._states.values():
            state.steps.clear()
        self._states.clear()
        self._shifted.clear()
        self._finished.clear()
        self.scope.frames.clear()

    def finish(self, reading: Reading) -> Place | None:
        """Return the place behind what is being read, as if a blank followed."""
        place: Place | None = self._finished.get(reading, UNKNOWN)
        if place is UNKNOWN:
            place = self._finished[reading] = lexer.finish(self, reading)
        return place

    # --- terminals ---------------------------------------------------------------------------

    def shift(self, place: Place, terminal: str, payload: Any = None) -> Place | None:
        """Return the place after a terminal; None where it is not legal."""
        # What a lexeme begins is asked before the same lexeme is read, and by several tokens.
        key = (place, terminal, payload)
        after: Place | None = self._shifted.get(key, UNKNOWN)
        if after is UNKNOWN:
            after = self._shifted[key] = self._shift(place, terminal, payload)
        return after

    def _shift(self, place: Place, terminal: str, payload: Any) -> Place | None:
        cell, frame, held = place
        if cell is None:
            return None
        found = cell.shifts.get(terminal, UNKNOWN)
        if found is UNKNOWN:
            found = self.machine.shift(cell, terminal)
        if found is None or not self.allows(cell, frame, terminal):
            return None
        alone = terminal not in self.continuing
        taken = found.cell.depth if found.cell is not None else 0
        move = Move(frame, held, terminal, payload, cell, cell.depth, alone, taken)
        return self._run(found, move)

    def _run(self, found: Shift, move: Move) -> Place | None:
        table = self.actions.table
        for name in found.before:
            action = table.get(name)
            if action is not None and not action(move):
                return None
        frame = move.frame
        if isinstance(frame, Context) and self._joins(move.terminal, frame.kind):
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
        full = cell.depth >= OPENING_LIMIT and self._deepens(cell, terminal)
        if full and not (terminal == "(" and self._pays(cell, frame)):
            return False
        if cell.depth >= TERM_LIMIT and not self.dialect.typed and self._waits(cell, terminal):
            return False
        if terminal in self.comparing and makes_rows(frame):
            return False
        if isinstance(frame, Block):
            item = frame.item
            if isinstance(item, Reference) and item.name == b"*":
                return terminal in _STAR_ENDS
            if frame.phase == "compound":
                return terminal in _COMPOUND_TERMS
            if frame.nests and cell.symbol == "nest" and not frame.nests[-1].takes_tables:
                return terminal in _QUERIES
            if frame.phase == "values" and terminal in ("ORDER", "LIMIT", "OFFSET", "FETCH"):
                return False
            if frame.phase == "order" and isinstance(self.scope, KindScope):
                led = self.scope.leading(frame) is not None
                if led and terminal not in _COMPOUND_TERMS | {".", "<member>"}:
                    return False
                if led and terminal == "NUMBER" and self.scope.named_on(frame):
                    return False
        elif isinstance(frame, Context) and frame.kind in _ROWS:
            return self._row_allows(cell, frame.kind, terminal)
        elif isinstance(frame, Call) and frame.function.most == 0 and not frame.closed:
            return terminal in (")", "*")
        elif isinstance(frame, Call) and frame.function.name == GROUPING and not frame.closed:
            return terminal in _ONE_COLUMN
        elif isinstance(frame, Call) and frame.distinct and frame.ordered and not frame.closed:
            return terminal in _REPEATED_TERMS
        if isinstance(self.actions, KindActions):
            lists = wants_list(frame, self.dialect)
            if lists and not may_begin(terminal, cell.symbol):
                return False
            part = self.actions.part_of(frame)
            if part is not None and terminal not in (_PART_ENDS if frame.stack else PARTS[part]):
                return False
        return True

    def _row_allows(self, cell: Cell, kind: str, terminal: str) -> bool:
        """Tell whether a terminal may stand beside a row of values."""
        if kind == "row":
            compares = terminal in _ROW_SIGNS and not self.dialect.typed
            return compares or terminal in ("IN", "NOT", "(")
        is_query = terminal in ("SELECT", "WITH", "FROM", "VALUES")
        if kind == "row_in":
            if cell.symbol in ("in_list", "expr_1"):
                return is_query or (terminal == "(" and "row_lists" in self.dialect.features)
            return not is_query if cell.symbol == "parenthesis" else terminal in (",", ")")
        if kind == "row_done":
            joins = terminal in self.operators or terminal in ("NOT", "COLLATE")
            return not joins or terminal in ("AND", "OR")
        return terminal == "(" or cell.symbol == "parenthesis"

    def _waits(self, cell: Cell, terminal: str) -> bool:
        """Tell whether a terminal waits for more, deep down; `GROUP BY 0` for an operator, too."""
        if terminal in ("GROUP", "ORDER"):
            return True
        return cell.depth >= OPERATOR_LIMIT and terminal in self.waiting

    def _deepens(self, cell: Cell, terminal: str) -> bool:
        """Tell whether a terminal would open more than there is room for."""
        if terminal == "(":  # the word before it has asked for both
            return cell.symbol != "(" and cell.depth >= DEPTH_LIMIT
        if terminal in _SIGNS:  # before an operand, not between two
            return cell.symbol.startswith(("expr_", "unary"))
        if terminal in ("ALL", "ON"):  # x > ALL (, DISTINCT ON (
            return cell.symbol in ("comparand", "distinct_on")
        return terminal in _DEEPENS

    def _pays(self, cell: Cell, frame: Any) -> bool:
        """Tell whether a derived table may hold `(SELECT 1)`, which varies: no parser counts it."""
        if not self.dialect.typed or cell.depth >= DEPTH_LIMIT + _ROOM:
            return False
        if not isinstance(frame, Block) or frame.phase != "items":
            return False
        return self.scope.query_of(frame).role in DERIVED and frame.item == b""

    def _joins(self, terminal: str, kind: str) -> bool:
        """Tell whether a terminal would make an argument more than its function reads."""
        if kind == "primary":
            return terminal in self.operators or terminal in ("NOT", "COLLATE", "~")
        return kind == "operand" and (terminal in self.comparing or terminal == "NOT")

    # --- for those who write texts -----------------------------------------------------------

    def sample(self, block: Block, qualifier: bytes | None, name: bytes) -> bytes:
        """Return a value that the column which FROM owes by a name may have."""
        if not isinstance(self.scope, KindScope):
            return b"1"
        return self.scope.sample(block, qualifier, name)

    def productions(self) -> list[str]:
        """Return every production of the grammar, as it is written."""
        return [self.grammar.describe(name) for name in self.grammar.names]


def _actions(scope: Scope) -> Actions:
    if isinstance(scope, KindScope):
        return KindActions(scope)
    return AffinityActions(scope) if isinstance(scope, AffinityScope) else Actions(scope)
