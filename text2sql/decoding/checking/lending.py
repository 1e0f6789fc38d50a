"""Names that an item without an alias may get from its parts: nobody may refer to them.

    SELECT x FROM (SELECT c -> x FROM t), u      -- to sqlglot the first column is called x

SQLite calls a computed item by its text, and `x COLLATE NOCASE` by the column. sqlglot calls it by
a column that it only wraps (parentheses, `+`, CAST, the key behind `->`, `json_extract`) or by a
literal inside, and then finds two columns `x` where `u` has one. A stored column may be spelt like
a text, too: `T-BIL`. So such names are counted as mistakes; an alias ends that.

Covered: texts that end with an operand or its parentheses, however their blanks are set.
Not covered: those that end with another word, such as `x ISNULL`; names that only the query gives.

Source: `Expression.output_name` and its overrides, sqlglot 30.30.
"""

import re
from collections.abc import Container
from functools import cached_property
from typing import Any

from text2sql.decoding.checking.action_base import ActionBase
from text2sql.decoding.checking.frames import Block, Call, Frame, Query, Reference
from text2sql.decoding.checking.lookups import DERIVED
from text2sql.decoding.checking.machine import Cell
from text2sql.decoding.checking.scope import Move

# What may stand between a column and its item, if the item is to be called by the column.
_HANDING_ON = frozenset({
    "name_tail", "member", "<member>", "postfix", ")", "row", "@end_parenthesis", "@computed",
    "@arrowed", "@told", "@signed", "@unchanged", "@as", "AS", "type", "@end_cast",
    "@end_argument", "more_arguments", "call_order", "@end_arguments", "@called", "within",
    "filter", "over", "@end_call",
})  # fmt: skip
_SEGMENT = re.compile(rb'[^.$"\[\]]+')  # of a JSON path
# An operand of an expression: a blob, a string, a number, a word.
_OPERAND = re.compile(rb"(x)?'((?:[^']|'')*)'|\d[\w.]*|[\w\x80-\xff]+", re.IGNORECASE)
_BETWEEN = re.compile(rb"[-+*/%<>=!|&~().\s]*")  # operators and parentheses
_WORDS = frozenset(b"and or not is in like glob between collate escape".split())
_CONSTANTS = frozenset(b"null current_date current_time current_timestamp".split())
BLOB = b"x'"  # stands for every blob


_OF_ELSE = frozenset({"@case_value", "END", "@end_case"})


def hands_on(frame: Frame, cell: Cell | None, *, by_else: bool = False) -> bool:
    """Tell whether an item may be called by the column that has just been read in it.

    Args:
        frame: where the column stands.
        cell: the stack above it.
        by_else: a CASE is called by the column behind ELSE.
    """
    while not isinstance(frame, Block):
        if frame is None or (isinstance(frame, Call) and frame.function.name != "json_extract"):
            return False
        frame = frame.parent
    while cell is not None and cell.symbol != "@item_value":
        rest = cell.rest
        negated = cell.symbol == "@signed" and (rest is None or rest.symbol != "@unchanged")
        passes = cell.symbol in _HANDING_ON or cell.symbol.startswith("tail_")
        passes |= by_else and cell.symbol in _OF_ELSE
        if negated or not passes:
            return False
        cell = rest
    return cell is not None


def last_operand(name: bytes, functions: Container[str]) -> bytes | None:
    """Return what an expression ends with that is spelt like a name; None where none is.

        >>> last_operand(b"t-bil", ()), last_operand(b"total amount", ())
        (b'bil', None)

    SQLite calls a computed item by its text, so an item may have the name of a stored column.

    Args:
        name: of a column, folded.
        functions: what may stand before a parenthesis.

    Returns:
        A word or number, what a string says, or `BLOB` for any blob.
    """
    last, end = b"or", 0
    for found in _OPERAND.finditer(name):
        if not _parted(last, name[end : found.start()], found.group(), functions):
            return None
        said = (found.group(2) or b"").replace(b"''", b"'")
        last = found.group() if found.group(2) is None else BLOB if found.group(1) else said
        end = found.end()
    rest = name[end:].strip()
    calls = not rest.startswith(b"(") or last.decode("utf-8", "replace") in functions
    ends = end > 0 and last not in _WORDS and set(rest) <= set(b")*( ")
    return last if ends and calls else None


def _parted(last: bytes, between: bytes, word: bytes, functions: Container[str]) -> bool:
    """Tell whether two neighbouring operands of an expression can stand so."""
    if b"--" in between or b"/*" in between:
        return False
    if last in _WORDS or word in _WORDS:
        return not between.strip(b" ()+-~")
    if between.strip().startswith(b"(") and last.decode("utf-8", "replace") not in functions:
        return False
    return bool(between.strip() and _BETWEEN.fullmatch(between))


class LendingActions(ActionBase):
    """Actions that note what an item may be called."""

    @cached_property
    def spelt(self) -> dict[bytes, list[bytes]]:
        """The stored columns that are spelt like an expression, by its last operand."""
        found: dict[bytes, list[bytes]] = {}
        for name in sorted(self.scope.all_columns):
            plain = name.decode("utf-8", "replace").isidentifier() and name not in _CONSTANTS
            last = None if plain else last_operand(name, self.dialect.functions)
            if last is not None:
                found.setdefault(last, []).append(name)
        return found

    def lends(self, frame: Any) -> bool:
        """Tell whether it matters what the item that is being read is called."""
        while not isinstance(frame, Block):
            if frame is None or isinstance(frame, Query):
                return False
            frame = frame.parent
        query = self.scope.query_of(frame)
        named = (query.role in DERIVED or query.role == "cte") and not query.arms
        return named and frame.phase in ("items", "late")

    def lend(self, frame: Frame, *names: bytes) -> Frame:
        """Return the frame whose item may be called by some names."""
        if not self.lends(frame):
            return frame
        block = self.scope.block_of(frame)
        lent = self.frames.change(block, lent=block.lent.union(names))
        return self.scope.with_block(frame, lent)

    def lend_literal(self, move: Move) -> bool:
        """Note what a literal says, and the last step of a JSON path."""
        said = move.payload
        if isinstance(said, bytes) and self.lends(move.frame):
            said = said.lower()
            move.frame = self.lend(move.frame, said, *_SEGMENT.findall(said)[-1:])
            self.lend_spelt(move, said)
        return True

    def lend_spelt(self, move: Move, operand: bytes) -> None:
        """Note the stored columns that are spelt like what ends with an operand."""
        names = self.spelt.get(operand)
        if names:
            move.frame = self.lend(move.frame, *names)

    def lend_constant(self, move: Move) -> bool:
        """Note the stored columns that are spelt like what ends with a keyword or a blob."""
        self.lend_spelt(move, BLOB if move.terminal == "BLOB" else move.terminal.lower().encode())
        return True

    def do_can_collate(self, move: Move) -> bool:
        """Lend an item the name of its column: SQLite calls `x COLLATE NOCASE` by that, too."""
        block = move.frame
        if isinstance(block, Block) and isinstance(block.item, Reference):
            move.frame = self.lend(block, block.item.name)
        if isinstance(block, Block) and block.item is True:
            move.frame = self.scope.marked(block)
        return True
