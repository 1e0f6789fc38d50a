"""A pushdown automaton over terminals: what a stack of symbols does when a terminal arrives.

The grammar is LL(1), so what a terminal does to the stack depends on nothing else: it is worked out
once for each (stack, terminal) and remembered, for all schemas. What it means is left to the
actions on its way.
"""

import re
from dataclasses import dataclass, field
from functools import cache, cached_property

from text2sql.decoding.checking.grammar import Grammar, compile_grammar
from text2sql.decoding.checking.relations import with_prefix
from text2sql.decoding.checking.symbols import Symbol, is_terminal

CELL_LIMIT = 200_000  # stacks that are remembered at most


class Cell:
    """The top of a stack of symbols, and the rest; equal stacks are one object."""

    __slots__ = ("__dict__", "_keywords", "depth", "least", "rest", "shifts", "symbol")

    def __init__(self, symbol: Symbol, rest: "Cell | None", grammar: Grammar) -> None:
        self.symbol, self.rest, self._grammar = symbol, rest, grammar
        self.depth: int = (rest.depth if rest else 0) + _places(symbol)
        size = grammar.shortest.get(symbol)
        if size is None:
            size = 0 if symbol[0] == "@" or symbol == "EOT" else _written(symbol)
        self.least: int = (rest.least if rest else 0) + size
        self.shifts: dict[str, Shift | None] = {}
        self._keywords: dict[bytes, tuple[str, ...]] = {}

    @cached_property
    def terminals(self) -> frozenset[str]:
        """Every terminal that the grammar alone would let follow."""
        symbol = self.symbol
        below = self.rest.terminals if self.rest else frozenset()
        if symbol[0] == "@":
            return below
        if is_terminal(symbol):
            return frozenset((symbol,))
        first = self._grammar.first[symbol]
        return first | below if symbol in self._grammar.empty else first

    @cached_property
    def names(self) -> tuple[Symbol, ...]:
        """The classes of names among `terminals`, sorted."""
        return tuple(
            sorted(t for t in self.terminals if t[0] == "<" and len(t) > 2 and t != "<count>")
        )

    @cached_property
    def words(self) -> tuple[bytes, ...]:
        """The keywords among `terminals`, in lower case, sorted."""
        return tuple(
            sorted(
                t.lower().encode() for t in self.terminals if t[0].isalpha() and t not in CLASSES
            )
        )

    def keywords(self, begun: bytes) -> tuple[str, ...]:
        """Return the keywords among `terminals` that begin so, in capitals."""
        found = self._keywords.get(begun)
        if found is None:
            words = with_prefix(self.words, begun)
            found = tuple(word.decode().upper() for word in words)
            if found:  # what begins no keyword has no bound
                self._keywords[begun] = found
        return found


# What symbols that are still to come stand for on the stack of SQLite's parser, which has 100
# places. A SELECT holds five in WHERE (and in its items and FROM, where it is given two more, so
# that a WINDOW which they promise finds room), then more, up to twelve in ORDER BY; a call five, an
# operator that waits for its right side two, a parenthesis around a query one, here three, which
# leaves two for UNION.
_PLACES = {
    "@end_query": 12,
    "windows": -5,
    "having": 2,
    "group": -4,
    "clauses": -5,
    "@with_read": 3,
    "@close_cte": 3,
    "@end_on": 5,
    ")": 5,
    "]": 5,
    "@end_scalar": -2,
    "@end_exists": -2,
    "@end_in_query": -2,
    "@end_derived": -2,
    "@end_over": 10,
    "@end_filter": 3,
    "@end_case": 6,
    "@signed": 1,
    "@negation": 1,
    "@between_low": 2,
}


def _places(symbol: Symbol) -> int:
    return 2 if symbol.startswith("tail_") else _PLACES.get(symbol, 0)


# Terminals in capitals that are no keywords: what the lexer tells apart.
CLASSES = frozenset(
    {"NUMBER", "STRING", "BLOB", "STRING_INTERVAL", "ARROW_KEY", "ESCAPE_STRING", "EOT"}
)


def _written(symbol: Symbol) -> int:
    return 2 if (symbol[0] == "<" and len(symbol) > 2) or symbol in CLASSES else len(symbol) + 1


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """What a terminal does: actions before it, actions after it, the stack that is left."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    cell: Cell | None
    productions: tuple[tuple[str, int], ...]


@dataclass
class Machine:
    """The stacks of one grammar."""

    grammar: Grammar
    _cells: dict[tuple[Symbol, Cell | None], Cell] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._cells)

    @cached_property
    def signs(self) -> dict[bytes, tuple[str, ...]]:
        """The operators and punctuation marks by each way to begin them."""
        symbols = {sign for choices in self.grammar.table.values() for sign in choices}
        for bodies in self.grammar.alternatives.values():
            symbols.update(symbol for body in bodies for symbol in body)
        found: dict[bytes, set[str]] = {}
        for sign in symbols:
            if not re.match(r"[A-Za-z@]|<\w", sign):
                for end in range(1, len(sign) + 1):
                    found.setdefault(sign[:end].encode(), set()).add(sign)
        return {begun: tuple(sorted(signs)) for begun, signs in found.items()}

    @cached_property
    def tight(self) -> frozenset[str]:
        """What does not follow an operand of NOT, such as `a IN (b)`, but is a part of it.

        `1 - NOT a IN (b) << c` is `1 - NOT (a IN (b) << c)`, which sqlglot does not read, and
        `a LIKE NOT b GLOB c ESCAPE d` gives ESCAPE to GLOB, which takes none.
        """
        loose, every = (self.grammar.first[f"tail_1_{most}"] for most in (2, 8))
        return (every - loose) | {"ESCAPE"}

    def push(self, symbols: tuple[Symbol, ...], rest: Cell | None) -> Cell | None:
        """Return a stack with symbols on top, the first one highest."""
        for symbol in reversed(symbols):
            key = (symbol, rest)
            cell = self._cells.get(key)
            if cell is None:
                if len(self._cells) >= CELL_LIMIT:
                    self._cells.clear()  # stacks in use stay what they are
                cell = self._cells.setdefault(key, Cell(symbol, rest, self.grammar))
            rest = cell
        return rest

    def shift(self, cell: Cell | None, terminal: str) -> Shift | None:
        """Return what a terminal does to a stack; None where the grammar forbids it."""
        if cell is None:
            return None
        try:  # known, but for the first database
            return cell.shifts[terminal]
        except KeyError:
            found = cell.shifts[terminal] = self._shift(cell, terminal)
            return found

    def _shift(self, cell: Cell | None, terminal: str) -> Shift | None:
        before: list[str] = []
        used: list[tuple[str, int]] = []
        grammar = self.grammar
        while cell is not None:
            symbol = cell.symbol
            if symbol[0] == "@":
                before.append(symbol[1:])
                cell = cell.rest
            elif symbol == terminal:
                if "negation" in before and terminal in self.tight:
                    return None
                after, cell = self._actions(cell.rest)
                return Shift(tuple(before), after, cell, tuple(used))
            elif is_terminal(symbol):
                return None
            else:
                number = grammar.table[symbol].get(terminal, grammar.empty.get(symbol))
                if number is None:
                    return None
                used.append((symbol, number))
                cell = self.push(grammar.alternatives[symbol][number], cell.rest)
        return None

    def _actions(self, cell: Cell | None) -> tuple[tuple[str, ...], Cell | None]:
        """Take the actions off the top: they run as soon as the terminal before them is read."""
        taken = []
        while cell is not None and cell.symbol[0] == "@":
            taken.append(cell.symbol[1:])
            cell = cell.rest
        return tuple(taken), cell


@cache
def machine_of(features: frozenset[str]) -> Machine:
    """Return the machine of a grammar; see `compile_grammar`."""
    return Machine(compile_grammar(features))
